"""
An Airflow that has been started once, and runs each command in a fork of itself.

Importing Airflow and building its execution API takes ten times as long as what a command then does. This process has
done both; a fork of it has a home, an environment and a database of its own, and forgets the others'.

It is a program, not a module to import: it runs in a process of its own, because that starts no threads of a test.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

#: Seconds after which a command is killed.
MAX_SECONDS = 180
#: The database as ``airflow db migrate`` leaves it.
NEW_DATABASE = "new.db"
#: What a command needs is needed here: parsing, the scheduler's decisions, the execution API and its database queries.
REHEARSAL = """
from airflow.providers.common.compat.sdk import DAG, BaseOperator

class Step(BaseOperator):
    def execute(self, context):
        return {"previous": context["ti"].xcom_pull(task_ids="first")}

with DAG(dag_id="rehearsal", schedule=None):
    Step(task_id="first") >> Step(task_id="second")
"""


def airflow(*arguments: str) -> None:
    """Run a command as ``python -m airflow`` does."""
    from airflow.__main__ import main

    sys.argv = ["airflow", *arguments]
    main()


def in_fork(function: Callable[..., None], *arguments: Any) -> int:
    """Call a function in a fork, which ends as a process of its own would; return its exit code."""
    if not (child := os.fork()):
        function(*arguments)
        sys.exit()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def rehearse(home: Path) -> None:
    """Run what every command needs, and end what a fork cannot take over: threads and connections."""
    (home / "dags").mkdir()
    (home / "dags" / "rehearsal.py").write_text(REHEARSAL)
    # Migrations set up logging for themselves.
    in_fork(airflow, "db", "migrate")
    with closing(sqlite3.connect(home / "airflow.db")) as old, closing(sqlite3.connect(home / NEW_DATABASE)) as new:
        old.backup(new)
    if api_threads_end():
        airflow("dags", "test", "rehearsal")
        end_threads()
    else:
        from airflow.cli import cli_parser  # noqa: F401


def api_threads_end() -> bool:
    """
    From Airflow 3.0 to 3.2 each task starts an execution API of its own, whose thread nothing ends.

    A process that has run a task cannot be forked there, so this one only imports Airflow.
    """
    try:
        from airflow.sdk.execution_time.supervisor import in_process_api_server
    except ImportError:
        return True  # Airflow 2
    return hasattr(in_process_api_server, "cache_clear")


def end_threads() -> None:
    """A fork has none of them, and would wait for what they do."""
    from airflow import settings

    settings.engine.dispose()
    # Those of the tasks notice within a second that their task has ended, and use the execution API until then.
    for thread in threading.enumerate():
        if "_handle_socket_comms" in thread.name:
            thread.join(MAX_SECONDS)
    try:
        from airflow.sdk.execution_time.supervisor import in_process_api_server
    except ImportError:
        pass  # Airflow 2
    else:
        app = in_process_api_server().app
        in_process_api_server.cache_clear()
        in_process_api_server()._app = app
    gc.collect()  # the old execution API's end stops its threads
    gc.freeze()
    for thread in set(threading.enumerate()) - {threading.main_thread()}:
        thread.join(MAX_SECONDS)


def move_to(link: Path, home: str) -> None:
    """Let the path that Airflow knows for its home lead to another one."""
    new = link.with_name("new")
    new.symlink_to(home)
    new.replace(link)


def run(order: dict[str, Any]) -> None:
    """Become a command."""
    signal.alarm(MAX_SECONDS)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["home"])
    with Path(os.devnull).open() as nothing, Path(order["output"]).open("wb") as output:
        for number, file in enumerate((nothing, output, output)):
            os.dup2(file.fileno(), number)
    random.seed()
    read_configuration(Path(order["home"], "airflow.cfg"))
    airflow(*order["arguments"])


def read_configuration(file: Path) -> None:
    """Read the home's configuration, which a new process would have done when it imported Airflow."""
    for module in ("airflow.configuration", "airflow.sdk.configuration"):
        if module in sys.modules:
            sys.modules[module].conf.read(file)


def main() -> None:
    """Say 0 when ready; take orders from standard input, a line of JSON each; answer each with its exit code."""
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
