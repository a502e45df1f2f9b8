"""The demo's processes and the requests to them: each process is started in a session, and all are ended together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Processes", "get_json", "post_json", "start_emulator"]

#: Maximum seconds until terminated processes end, and again until killed processes end.
END_TIMEOUT_SECONDS = 8.0


class Processes:
    """A context manager that starts commands, each in a new session, and ends all processes of these sessions."""

    def __init__(self) -> None:
        self._sessions: set[int] = set()

    def start(self, command: list[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """
        Start a command.

        :param command: the program and its arguments.
        :param log: file for its output; the file's folder becomes the working directory.
        :param environment: its environment variables.
        """
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

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        import psutil

        # Children are included, because an interrupt may come after the start of a process and before its record.
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
        return None  # the process has ended


def start_emulator(processes: Processes, home: Path, environment: Mapping[str, str], *options: str) -> str:
    """
    Start the emulator on a free port; return its URL once it answers.

    :param processes: starts and ends the emulator.
    :param home: folder for its log.
    :param environment: its environment variables.
    :param options: options of its command line.
    """
    log = home / "emulator.log"
    command = [sys.executable, "-u", "-m", "airflow_provider_payments.emulator", *options]
    process = processes.start(command, log, environment)
    while process.poll() is None:
        ready = [line for line in log.read_text().splitlines() if line.startswith("ready ")]
        if ready:
            return ready[0].removeprefix("ready ")
        time.sleep(0.05)
    raise SystemExit(f"The emulator did not start:\n{log.read_text()}")


def get_json(url: str) -> Any:
    """Return the JSON that a local service answers. A proxy of the environment is not used."""
    return _answer(urllib.request.Request(url))  # noqa: S310 - a local service's


def post_json(url: str, body: Any) -> Any:
    """Send JSON to a local service, and return the JSON that it answers."""
    headers = {"Content-Type": "application/json"}
    return _answer(urllib.request.Request(url, json.dumps(body).encode(), headers))  # noqa: S310 - a local service's


def _answer(request: urllib.request.Request) -> Any:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return json.load(answer)
