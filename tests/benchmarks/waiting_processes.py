"""The processes of the waiting benchmark: the service, and a candidate beside it."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.benchmarks.fast_time import FastTime
from tests.benchmarks.waiting_candidates import CANDIDATES, CONN_ID, Job, Measured
from tests.benchmarks.waiting_certificate import write_certificate

#: Seconds beyond the last run's end and two intervals after which a wait is lost.
GRACE = 10.0
#: Waits are for runs that began up to so many seconds ago.
BACK = 7200.0


@dataclass(frozen=True)
class Load:
    """
    How much is waited for.

    :param interval: seconds between two looks.
    :param duration: seconds within which all runs end.
    :param spread: seconds within which the waits begin.
    """

    waits: int
    interval: float
    duration: float
    spread: float

    @property
    def patience(self) -> float:
        """Seconds after which who still waits is lost."""
        return self.duration + 2 * self.interval + GRACE

    def job(self, url: str, flows: list[str], runs: list[str], created: list[float], ends: Sequence[float] = ()) -> Job:
        """
        What a candidate is told.

        :param ends: when the runs end, where that is known.
        """
        since = time.time() - BACK
        return Job(url, self.interval, self.spread, self.patience, flows, since, runs, created, list(ends))

    def __str__(self) -> str:
        return f"{self.waits:,} waits at {self.interval:g} s for runs that end within {self.duration:g} s"


@dataclass(frozen=True)
class Cost:
    """
    What a candidate's waits cost, here and there.

    :param requests: how many of each kind were sent.
    :param service_cpu: seconds of the processor that the service took.
    """

    load: Load
    measured: Measured
    requests: Mapping[str, int]
    service_cpu: float

    @property
    def sent(self) -> int:
        return sum(self.requests.values())

    @property
    def rate(self) -> float:
        """Requests a wait and interval."""
        return self.sent * self.load.interval / max(self.measured.waited, 0.001)

    @property
    def growth(self) -> float:
        """Megabytes of the waits themselves."""
        return self.measured.peak - self.measured.base

    @property
    def keeps_the_interval(self) -> bool:
        """Whether each run's end was told, and hardly any later than two intervals after it."""
        return not self.measured.lost and self.measured.latency[1] <= 2 * self.load.interval


class Service:
    """
    The service in a process of its own, with a certificate of its own.

    :param folder: where that is kept.
    :param time: what its clocks show.
    """

    def __init__(self, folder: Path, time: FastTime | None = None) -> None:
        self.time = time or FastTime()
        self.certificate, self._key = write_certificate(folder)
        self._context = ssl.create_default_context(cafile=str(self.certificate))

    def __enter__(self) -> Service:
        arguments = [str(self.certificate), str(self._key), str(self.time)]
        command = [sys.executable, "-m", "tests.benchmarks.waiting_server", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate()

    def ask(self, path: str, **query: float) -> Any:
        with urlopen(f"{self.url}/bench/{path}?{urlencode(query)}", context=self._context, timeout=60) as answer:
            return json.load(answer)


def measure(key: str, service: Service, load: Load) -> Cost:
    """Let a candidate wait for the runs of a new world."""

    def begin() -> Job:
        return load.job(service.url, **service.ask("begin", waits=load.waits, first=load.spread, last=load.duration))

    certificate = str(service.certificate)
    measured = run(key, CANDIDATES[key].connection(service.url, certificate), begin, SSL_CERT_FILE=certificate)
    figures = service.ask("figures")
    return Cost(load, measured, figures["requests"], figures["cpu"])


def run(
    key: str,
    connection: Mapping[str, Any],
    begin: Callable[[], Job],
    meanwhile: Callable[[], object] = lambda: None,
    **environment: str,
) -> Measured:
    """
    Run a candidate.

    :param begin: what it waits for, called when it is ready.
    """
    command = "tests.benchmarks.waiting_candidates", key
    return Measured(**run_child(command, connection, lambda: asdict(begin()), meanwhile, **environment))


def run_child(
    command: Sequence[str],
    connection: Mapping[str, Any],
    begin: Callable[[], Any],
    meanwhile: Callable[[], object] = lambda: None,
    **environment: str,
) -> Any:
    """
    Run waits in a process with nothing of this process's Airflow; return what it prints, a line of JSON.

    :param command: its module and arguments.
    :param connection: the Airflow connection.
    :param begin: what it is told, called when it is ready.
    :param meanwhile: called again and again until it is done.
    """
    with tempfile.TemporaryDirectory() as home, Path(home, "errors").open("w") as errors:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        own = {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # A line for each look would be a good part of what the rivals cost.
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            f"AIRFLOW_CONN_{CONN_ID.upper()}": json.dumps(connection),
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *command],
            env=kept | own | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if process.stdout.readline() == "ready\n":
                process.stdin.write(json.dumps(begin()) + "\n")
                process.stdin.flush()
            while process.poll() is None:
                meanwhile()
                time.sleep(0.05)
            if process.returncode:
                raise SystemExit(f"{' '.join(command)} failed:\n{Path(errors.name).read_text()[-2000:]}")
            return json.loads(process.stdout.read())
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
