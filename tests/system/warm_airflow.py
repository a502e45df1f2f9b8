"""
A program that starts Airflow once, and runs each of Airflow's commands in a fork of itself.

Importing Airflow and building its execution API takes ten times as long as a command. This process has done both; each
fork has its own home, environment and database.

A program, not a module to import: a process with the threads of tests could not fork safely.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import pkgutil
import random
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

#: Seconds after which a command is killed; generous, because a test machine may be busy.
MAX_SECONDS = 600
#: Seconds in which the threads of the rehearsal end.
MAX_JOIN_SECONDS = 60
#: The database as ``airflow db migrate`` leaves it.
NEW_DATABASE = "new.db"
#: A DAG that needs the code of most commands: parsing, scheduling, the execution API and its database queries.
REHEARSAL = """
from airflow.providers.common.compat.sdk import DAG, BaseOperator

class Step(BaseOperator):
    def execute(self, context):
        return {"previous": context["ti"].xcom_pull(task_ids="first")}

with DAG(dag_id="rehearsal", schedule=None):
    Step(task_id="first") >> Step(task_id="second")
"""


def run_airflow(*arguments: str) -> None:
    """Run a command as ``python -m airflow`` does."""
    from airflow.__main__ import main

    sys.argv = ["airflow", *arguments]
    main()


def in_fork(function: Callable[..., None], *arguments: Any) -> int:
    """Call a function in a fork, which is killed after :data:`MAX_SECONDS`; return its exit code."""
    if not (child := os.fork()):
        function(*arguments)
        sys.exit()
    # The alarm is the parent's: in the fork, a task with an `execution_timeout` would replace it.
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(MAX_SECONDS)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status)


def rehearse(home: Path) -> None:
    """Create the database and run a DAG, then end the threads and connections, which a fork cannot take over."""
    (home / "dags").mkdir()
    (home / "dags" / "rehearsal.py").write_text(REHEARSAL)
    # Migrations set up logging for themselves, and write the configuration that the import of Airflow reads.
    in_fork(run_airflow, "db", "migrate")
    import_modules()
    check_each_schema_once()
    with closing(sqlite3.connect(home / "airflow.db")) as old, closing(sqlite3.connect(home / NEW_DATABASE)) as new:
        old.backup(new)
    is_shared_by_us = share_api()
    run_airflow("dags", "test", "rehearsal")
    end_threads(is_shared_by_us)


def import_modules() -> None:
    """
    Import the provider's part without Airflow, and its libraries.

    Operators and sensors are left to each fork: they read their defaults from Airflow's configuration.
    """
    import requests  # noqa: F401
    import yaml  # noqa: F401

    from airflow_provider_payments import aep

    for found in pkgutil.walk_packages(aep.__path__, f"{aep.__name__}."):
        importlib.import_module(found.name)


def check_each_schema_once() -> None:
    """Check equal schemas only once: Airflow checks the schema of each parameter some ten times for each task."""
    from jsonschema import Draft202012Validator

    check, valid = Draft202012Validator.check_schema, set()

    def check_once(schema: Any, *arguments: Any, **options: Any) -> None:
        text = json.dumps(schema, sort_keys=True, default=repr)
        if text not in valid:
            check(schema, *arguments, **options)
            valid.add(text)

    Draft202012Validator.check_schema = check_once


def share_api() -> bool:
    """
    Let all tasks use one execution API, as Airflow 3.3 does; return whether this function had to change Airflow.

    From 3.0 to 3.2 each task starts its own execution API, whose thread never ends.
    """
    try:
        from airflow.sdk.execution_time import supervisor
    except ImportError:
        return False  # Airflow 2
    if hasattr(supervisor.in_process_api_server, "cache_clear"):
        return False
    supervisor.in_process_api_server = functools.lru_cache(maxsize=1)(supervisor.in_process_api_server)
    return True


def end_threads(is_shared_by_us: bool) -> None:
    """End all threads: a fork has none of them, and would wait for their work."""
    from airflow import settings

    settings.engine.dispose()
    # The threads of tasks end within a second after their task, and use the execution API until then.
    for thread in threading.enumerate():
        if "_handle_socket_comms" in thread.name:
            thread.join(MAX_JOIN_SECONDS)
    try:
        from airflow.sdk.execution_time.supervisor import in_process_api_server
    except ImportError:
        pass  # Airflow 2
    else:
        api = in_process_api_server()
        if is_shared_by_us:
            loop = api.transport.app.loop
            loop.call_soon_threadsafe(loop.stop)
        in_process_api_server.cache_clear()
        in_process_api_server()._app = api.app
        del api
    gc.collect()  # the old execution API's end stops its threads
    gc.freeze()
    for thread in set(threading.enumerate()) - {threading.main_thread()}:
        thread.join(MAX_JOIN_SECONDS)
        if thread.is_alive():
            sys.exit(f"{thread.name} has not ended")


def move_to(link: Path, home: str) -> None:
    """Let the path of Airflow's home lead to another home."""
    new = link.with_name("new")
    new.symlink_to(home)
    new.replace(link)


def run(order: dict[str, Any]) -> None:
    """Run the command of an order, with its environment, home and output."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["home"])
    with Path(os.devnull).open() as nothing, Path(order["output"]).open("wb") as output:
        for number, file in enumerate((nothing, output, output)):
            os.dup2(file.fileno(), number)
    random.seed()
    read_configuration(Path(order["home"], "airflow.cfg"))
    run_airflow(*order["arguments"])


def read_configuration(file: Path) -> None:
    """Read the home's configuration, which a new process would have done when it imported Airflow."""
    for module in ("airflow.configuration", "airflow.sdk.configuration"):
        if module in sys.modules:
            sys.modules[module].conf.read(file)


def main() -> None:
    """Print 0 when ready; read orders from standard input, a line of JSON each; print the exit code of each."""
    link = Path(os.environ["AIRFLOW_HOME"])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    rehearse(link.resolve())
    print(0, file=answers)
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        move_to(link, order["home"])
        print(in_fork(run, order), file=answers)


if __name__ == "__main__":
    main()
