"""The processes of the waiting benchmark: the service and a candidate."""

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

#: Seconds, in addition to two intervals after the last run's end, after which a wait is lost.
GRACE_SECONDS = 10.0
#: Seconds before now since which runs are waited for.
LOOK_BACK_SECONDS = 7200.0


@dataclass(frozen=True)
class Load:
    """
    The number of waits, and their times.

    :param interval: seconds between two polls.
    :param duration: seconds within which all runs end.
    :param spread: seconds within which the waits begin.
    """

    waits: int
    interval: float
    duration: float
    spread: float

    @property
    def patience(self) -> float:
        """The seconds after which waits without an event are lost."""
        return self.duration + 2 * self.interval + GRACE_SECONDS

    def job(self, url: str, flows: list[str], runs: list[str], created: list[float], ends: Sequence[float] = ()) -> Job:
        """
        Return the job of a candidate.

        :param ends: the ends of the runs, if known.
        """
        since = time.time() - LOOK_BACK_SECONDS
        return Job(url, self.interval, self.spread, self.patience, flows, since, runs, created, list(ends))

    def __str__(self) -> str:
        return f"{self.waits:,} waits at {self.interval:g} s for runs that end within {self.duration:g} s"


@dataclass(frozen=True)
class Cost:
    """
    The cost of a candidate's waits, for the candidate and for the service.

    :param requests: the number of requests by kind.
    :param service_cpu: processor seconds of the service.
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
        """The requests for each wait and interval."""
        return self.sent * self.load.interval / max(self.measured.waited, 0.001)

    @property
    def growth(self) -> float:
        """The megabytes of the waits, without the imports."""
        return self.measured.peak - self.measured.base

    @property
    def keeps_the_interval(self) -> bool:
        """Whether all waits got their event, and 99 % of them within two intervals after the run's end."""
        return not self.measured.lost and self.measured.latency[1] <= 2 * self.load.interval


class Service:
    """
    The service in a process of its own, with a certificate of its own.

    :param folder: the folder of the certificate.
    :param time: the clock of the service.
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

    def call(self, path: str, **query: float) -> Any:
        with urlopen(f"{self.url}/bench/{path}?{urlencode(query)}", context=self._context, timeout=60) as answer:
            return json.load(answer)


def measure(key: str, service: Service, load: Load) -> Cost:
    """Let a candidate wait for new runs of the service; return the cost."""

    def begin() -> Job:
        return load.job(service.url, **service.call("begin", waits=load.waits, first=load.spread, last=load.duration))

    certificate = str(service.certificate)
    measured = run(key, CANDIDATES[key].connection(service.url, certificate), begin, SSL_CERT_FILE=certificate)
    figures = service.call("figures")
    return Cost(load, measured, figures["requests"], figures["cpu"])


def run(
    key: str,
    connection: Mapping[str, Any],
    begin: Callable[[], Job],
    meanwhile: Callable[[], object] = lambda: None,
    **environment: str,
) -> Measured:
    """
    Run a candidate and return its measurements.

    :param begin: returns the candidate's job; called when the candidate is ready.
    :param meanwhile: called repeatedly until the candidate has ended.
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
    Run waits in a process with its own Airflow home; return the line of JSON that the process prints.

    :param command: the module of the process and its arguments.
    :param connection: the Airflow connection.
    :param begin: returns the input of the process; called when the process is ready.
    :param meanwhile: called repeatedly until the process has ended.
    """
    with tempfile.TemporaryDirectory() as home, Path(home, "errors").open("w") as errors:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        own = {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # Some rivals log each poll; that would be a large part of their cost.
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
