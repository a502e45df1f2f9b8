"""
The first command of the README: the example DAG in a real Airflow against the emulator, in a temporary folder.

Nothing outside that folder is touched: Airflow's own settings are removed from the environment, and every process that
is started belongs to a session of its own, which is ended as a whole.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_payments.emulator.extra import SERVER, is_missing

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console
    from rich.table import Table

PACKAGE = "airflow_provider_payments"
#: Of the extra `demo`: imported where they are used, so that `main` can name what to install.
LIBRARIES = ("psutil", "rich", *SERVER)
DAG_ID = "payments_dataflow"
CONNECTION_ID = "aep_default"
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds that `airflow standalone` may take until its scheduler is healthy.
START_TIMEOUT_SECONDS = 120.0
#: Seconds that processes may take to end, before and after they are killed.
END_TIMEOUT_SECONDS = 8.0
#: Characters of a log that an error shows.
LOG_TAIL_LENGTH = 6000
TASK_STATES = {"success": "[green]done[/]", "failed": "[red]failed[/]", "up_for_retry": "[yellow]retrying[/]"}
#: Task -> the kind of object that it creates or finds, in the order of the chain.
STEPS = {
    "create_source_connection": "source connection",
    "create_target_schema": "schema",
    "find_flow_spec": "flow spec",
    "create_target_dataset": "dataset",
    "create_target_connection": "target connection",
    "create_mapping_set": "mapping set",
    "create_dataflow": "dataflow",
    "wait_for_flow_run": "flow run",
    "report": "report",
}


def main(arguments: list[str] | None = None) -> int:
    """Run ``payments-demo``; return its exit status."""
    parser = argparse.ArgumentParser(prog="payments-demo", description="Run the example DAG against the emulator.")
    parser.add_argument("--ui", action="store_true", help="start Airflow with its web page beside the emulator instead")
    options = parser.parse_args(arguments)
    if is_missing(parser.prog, LIBRARIES):
        return 1
    from rich.console import Console

    console = Console()
    # Each of them, also from a closed terminal, ends the program through the clean-up.
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="payments-demo-") as folder, _Processes() as processes:
            home = Path(folder)
            environment = _environment(home)
            emulator = _start_emulator(processes, home, environment)
            (home / "connection.json").write_text(_connection(emulator))
            console.print(f"Emulator of Experience Platform: {emulator}")
            _airflow(processes, home, environment, "db", "migrate")
            if options.ui:
                return _serve(console, processes, home, environment)
            return _run(console, processes, home, environment, emulator)
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left behind.")
        return 130


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the clean-up, whose time is limited.
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


# ---- processes -----------------------------------------------------------------------------------------------------


class _Processes:
    """Starts each command in a session of its own; all processes of these sessions end with the block."""

    def __init__(self) -> None:
        self._sessions: set[int] = set()

    def start(self, command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=log.parent,
                start_new_session=True,
            )
        self._sessions.add(process.pid)
        return process

    def __enter__(self) -> _Processes:
        return self

    def __exit__(self, *_: object) -> None:
        import psutil

        # Children are added, because an interrupt may have come between the start of a process and its record.
        own = psutil.Process().children(recursive=True)
        sessions = self._sessions | {child.pid for child in own}
        # Airflow moves its task processes to process groups of their own, but not out of the session.
        members = [*own, *(p for p in psutil.process_iter() if p not in own and _session(p.pid) in sessions)]
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        _ended, alive = psutil.wait_procs(members, timeout=END_TIMEOUT_SECONDS)
        for member in alive:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(alive, timeout=END_TIMEOUT_SECONDS)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None  # it has ended


def _start_emulator(processes: _Processes, home: Path, environment: dict[str, str]) -> str:
    """Start the emulator on a free port; return its URL once it answers."""
    log = home / "emulator.log"
    process = processes.start([sys.executable, "-u", "-m", f"{PACKAGE}.emulator"], log, environment)
    while process.poll() is None:
        ready = [line for line in log.read_text().splitlines() if line.startswith("ready ")]
        if ready:
            return ready[0].removeprefix("ready ")
        time.sleep(0.05)
    raise SystemExit(f"The emulator did not start:\n{log.read_text()}")


def _environment(home: Path) -> dict[str, str]:
    """Return the environment of a new Airflow that ignores the settings of any other Airflow on this machine."""
    with as_file(files(PACKAGE) / "example_dags") as packed:
        # An editable installation has no copy of the DAGs: they are in the checkout.
        dags = packed if packed.is_dir() else Path(__file__).parent.parent / "dags"
        shutil.copytree(dags, home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    (home / "tmp").mkdir()
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return own | {
        # `airflow standalone` starts its parts by the command's name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "AIRFLOW_HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _connection(emulator: str) -> str:
    # The emulator has no lag: a creation whose answer was lost is visible at once.
    extra = {
        "org_id": "EMULATOR@AdobeOrg",
        "sandbox": "dev",
        "ims_url": emulator,
        "settle_seconds": 0,
        "dataflow_settle_seconds": 0,
    }
    return json.dumps(
        {
            "conn_type": "aep",
            "host": emulator,
            "login": "emulator-client",
            "password": "emulator-secret",
            "extra": extra,
        }
    )


def _airflow(processes: _Processes, home: Path, environment: dict[str, str], *arguments: str) -> None:
    """Run an Airflow command to its end; exit with its output if it fails."""
    log = home / f"{'-'.join(arguments[:2])}.log"
    if processes.start([sys.executable, "-m", "airflow", *arguments], log, environment).wait() != 0:
        raise SystemExit(f"airflow {' '.join(arguments[:2])} failed:\n{log.read_text()}")


# ---- the run -------------------------------------------------------------------------------------------------------


def _run(console: Console, processes: _Processes, home: Path, environment: dict[str, str], emulator: str) -> int:
    """Run the DAG once with a live display; then show what was created and what arrived."""
    from rich.live import Live

    environment[f"AIRFLOW_CONN_{CONNECTION_ID.upper()}"] = (home / "connection.json").read_text()
    log = home / "dag.log"
    command = [sys.executable, "-m", "airflow", "dags", "test", DAG_ID]
    process = processes.start(command, log, environment)
    began = time.monotonic()
    with Live(console=console, refresh_per_second=8) as live:
        while (status := process.poll()) is None:
            live.update(_progress(_states(home), emulator, time.monotonic() - began))
            time.sleep(0.1)
        states = _states(home)
        live.update(_progress(states, emulator, time.monotonic() - began))
    console.print()
    if status or states.get("report") != "success":
        return _failed(console, "The DAG run failed.", log)
    _show(console, _outputs(home), emulator)
    return 0


def _failed(console: Console, what: str, log: Path) -> int:
    console.print(f"[red]{what}[/] The end of its log:")
    # Without markup: a log may hold brackets.
    console.print(log.read_text()[-LOG_TAIL_LENGTH:], markup=False, highlight=False)
    return 1


def _query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Query the temporary Airflow's database, read-only; nothing if it is not ready yet."""
    try:
        with sqlite3.connect(f"file:{home}/airflow.db?mode=ro", uri=True, timeout=1) as database:
            return database.execute(sql, (DAG_ID,)).fetchall()
    except sqlite3.OperationalError:
        return []


def _states(home: Path) -> dict[str, str]:
    return {
        task: state or "" for task, state in _query(home, "SELECT task_id, state FROM task_instance WHERE dag_id=?")
    }


def _outputs(home: Path) -> dict[str, Any]:
    """Return what each task returned."""
    rows = _query(home, "SELECT task_id, value FROM xcom WHERE dag_id=? AND key='return_value'")
    return {task: json.loads(value) for task, value in rows}


def _progress(states: dict[str, str], emulator: str, seconds: float) -> Table:
    from rich.table import Table

    table = Table(title=f"{DAG_ID} in Airflow, {seconds:.0f} s", title_justify="left")
    table.add_column("task")
    table.add_column("state")
    for task in STEPS:
        shown = TASK_STATES.get(states.get(task, ""), states.get(task) or "[dim]waiting[/]")
        # Under `dags test` the wait runs inside the task, so the flow run's status is read from the emulator.
        if task == "wait_for_flow_run" and states.get(task) in ("running", "deferred"):
            shown = f"flow run {_run_status(emulator)}"
        table.add_row(task, shown)
    return table


def _run_status(emulator: str) -> str:
    runs = _get_json(f"{emulator}/__emulator__/state")["sandboxes"]["dev"]["runs"]
    return str(runs[-1]["metrics"]["statusSummary"]["status"]) if runs else "not started yet"


def _get_json(url: str) -> Any:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return json.load(answer)


def _show(console: Console, outputs: dict[str, Any], emulator: str) -> None:
    from rich.table import Table

    objects = Table(title="In Experience Platform (sandbox dev)", title_justify="left")
    for heading in ("object", "id", ""):
        objects.add_column(heading, overflow="fold")
    for task, kind in STEPS.items():
        output = outputs.get(task)
        if isinstance(output, dict) and "field_group_id" in output:
            objects.add_row("field group", output["field_group_id"], _verb(output["field_group_created"]))
        if isinstance(output, dict) and "id" in output:
            objects.add_row(kind, output["id"], _verb(output["created"]) if "created" in output else "found")
    console.print(objects)

    run = outputs["wait_for_flow_run"]
    moved = Table(title=f"Moved by flow run {run['run_id']} ({run['status']})", title_justify="left")
    for heading in ("records in", "records out", "failed", "batches"):
        moved.add_column(heading)
    counts = [str(run[f"{which}_records"]) for which in ("input", "output", "failed")]
    moved.add_row(*counts, ", ".join(run["batch_ids"]))
    console.print(moved)

    landed = _get_json(f"{emulator}/__emulator__/datasets/{outputs['create_target_dataset']['id']}/rows?limit=3")
    rows = [_flat(row) for row in landed["rows"]]
    sample = Table(title=f"The first of {landed['count']} rows in the dataset", title_justify="left")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for column in columns:
        # Without the tenant's namespace, the first part of each name.
        sample.add_column(column.split(".", 1)[-1], overflow="fold")
    for row in rows:
        sample.add_row(*(row.get(column, "") for column in columns))
    console.print(sample)


def _verb(created: bool) -> str:
    return "[green]created[/]" if created else "adopted"


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in row.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": str(value)}
    return flat


# ---- the web page --------------------------------------------------------------------------------------------------


def _serve(console: Console, processes: _Processes, home: Path, environment: dict[str, str]) -> int:
    """Start Airflow with its web page; wait until interrupted."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    environment |= {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
        "AIRFLOW__WEBSERVER__BASE_URL": address,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(_free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(_free_port()),
    }
    connection = (home / "connection.json").read_text()
    _airflow(processes, home, environment, "connections", "add", CONNECTION_ID, "--conn-json", connection)
    log = home / "standalone.log"
    process = processes.start([sys.executable, "-m", "airflow", "standalone"], log, environment)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    with console.status("Airflow is starting"):
        while not _is_healthy(address):
            if process.poll() is not None or time.monotonic() > deadline:
                return _failed(console, "Airflow did not start.", log)
            time.sleep(0.3)
    console.print(f"Airflow: {address}/dags/{DAG_ID}", soft_wrap=True)
    password = home / "standalone_admin_password.txt"  # only Airflow 2.11 has a login
    if password.is_file():
        console.print(f"Log in as admin with the password {password.read_text()}", markup=False)
    console.print("Trigger the DAG there. Ctrl-C ends everything.")
    return process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_healthy(address: str) -> bool:
    for health in ("/api/v2/monitor/health", "/health"):
        try:
            state = _get_json(f"{address}{health}")
        except (OSError, ValueError):
            continue
        return bool(state.get("scheduler", {}).get("status") == "healthy")
    return False


if __name__ == "__main__":
    sys.exit(main())
