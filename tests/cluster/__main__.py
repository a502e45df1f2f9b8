"""
Run a cluster of Airflow on this machine, kill its parts, and count whether the provider keeps its promises.

    python -m tests.cluster
    python -m tests.cluster --quick

Start Postgres, Redis, Airflow with two Celery workers and two triggerers, and emulators, each in a session of its own;
run the scenarios; print a table, then the warnings of the provider and the violations of promises; and end every
process. The exit status is 1 if there is a violation.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import requests

from airflow_provider_payments.demo.processes import Processes
from tests.cluster import plans, report, waits, windows
from tests.cluster.chains import Cluster
from tests.cluster.examples import CHAIN, CHANGES, write_examples
from tests.cluster.parts import ClusterAirflow
from tests.cluster.platforms import SECRETS, connections, start_platforms
from tests.cluster.report import Line
from tests.cluster.scans import processes_in, scan_logs, secrets_in
from tests.cluster.servers import Servers, missing_packages
from tests.cluster.usage import memory
from tests.system.airflow_process import REPOSITORY

OWN_DAGS = [REPOSITORY / "tests" / file for file in ("cluster/cluster_dags.py", "system/many_sensors.py")]
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the scenarios; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="Test the provider on a cluster.")
    parser.add_argument("--quick", action="store_true", help="run a part of the scenarios, in less than five minutes")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder in which the logs are kept")
    options = parser.parse_args()
    if missing := missing_packages():
        print(f"Install {' and '.join(missing)} first (apt-get install {' '.join(missing)}, or the like).")
        return 2
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="payments-cluster-") as folder:
            return report.print_violations(violations_in((options.keep or Path(folder)).resolve(), quick=options.quick))
    except KeyboardInterrupt:
        print("stopped; all processes have ended")
        return 130


def violations_in(home: Path, *, quick: bool) -> list[str]:
    """Run a cluster in a folder; return the violations."""
    # The users of the servers must be able to enter the folder.
    home.mkdir(exist_ok=True)
    home.chmod(0o711)
    with cluster_in(home, quick=quick) as (cluster, lines):
        violations = show(lines)
        violations += secrets_in("the database's dump", cluster.servers.dump(), SECRETS)
    violations += [f"left behind: {process.name()} ({process.pid})" for process in processes_in(home)]
    return violations + scan(home)


@contextmanager
def cluster_in(home: Path, *, quick: bool) -> Iterator[tuple[Cluster, Iterator[Line]]]:
    """Start a cluster in a folder; yield it with the lines of its scenarios; end all processes."""
    started = time.monotonic()
    with Processes() as processes:
        servers = Servers(processes, home)
        servers.start()
        platforms = start_platforms(processes, home)
        folder = home / "airflow"
        folder.mkdir()
        watched = "" if quick else waits.seed(platforms["waits"], "Watched", 1)[0]
        dags = write_examples(home, CHAIN) if quick else [*OWN_DAGS, *write_examples(home, *CHANGES)]
        airflow = ClusterAirflow(folder, servers, connections(platforms), dags)
        airflow.environment["PAYMENTS_FLOW_ID"] = watched
        windows.write_definitions(folder / "dags")
        shutil.copytree(REPOSITORY / "dags" / "dataflows", folder / "dags" / "dataflows")
        with airflow:
            print(f"up after {time.monotonic() - started:.0f} s: {memory(airflow)}", flush=True)
            cluster = Cluster(airflow, servers, platforms)
            yield cluster, plans.quick(cluster) if quick else plans.whole(cluster, watched)


def show(lines: Iterator[Line]) -> list[str]:
    """Print each line as soon as its scenario has ended; return the violations."""
    violations = []
    report.print_head()
    try:
        for line in lines:
            report.print_line(line)
            violations += line.violations()
    # A scenario did not end in time, a part of Airflow ended, or an emulator does not answer.
    except (AssertionError, requests.RequestException) as error:
        violations.append(str(error))
    return violations


def scan(home: Path) -> list[str]:
    """Print the provider's warnings; return the violations in the logs."""
    logs = scan_logs(home / "airflow")
    for line, times in sorted(logs.lines.items()):
        print(f"logged {times:>4} times  {line}")
    texts = ((file.relative_to(home), file.read_bytes()) for file in sorted((home / "airflow").rglob("*.log")))
    return [
        *logs.violations,
        *(violation for file, text in texts for violation in secrets_in(str(file), text, SECRETS)),
    ]


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the clean-up, whose time is limited.
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
