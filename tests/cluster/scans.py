"""What logs and the database's dump may not hold: errors of ours that the manual does not explain, and secrets."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.secret_forms import forms
from tests.test_log_lines import rows

__all__ = ["LogScan", "processes_in", "scan_logs", "secrets_in"]

PACKAGE = "airflow_provider_payments"
#: How each of the emulator's tokens begins.
TOKEN = b"eyJhbGciOiJub25lIn0."
LEVELS = {"warning", "error", "exception", "critical"}
#: The error with which a task may end under faults, because Airflow tries it again.
RETRIED = "ExperiencePlatformUnavailableError"
#: Where a triggerer or a task is killed, or a wait is tried again; what an error says is in the manual.
AS_EXPECTED = {RETRIED, "Could not poll for the flow run"}


class LogScan:
    """
    Warnings and errors of the provider in the logs.

    :ivar lines: the manual's row, or the exception -> how often it was logged.
    :ivar misses: those that must not be there.
    """

    def __init__(self) -> None:
        self.lines: Counter[str] = Counter()
        self.misses: list[str] = []
        self._rows = {row: re.compile(re.escape(row).replace(r"\.\.\.", ".*"), re.DOTALL) for row in rows()}

    def read(self, where: str, text: str) -> None:
        """Read a log, whose lines are JSON but for what a process prints by itself."""
        for line in text.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                record = {"level": "error" if f"{PACKAGE}/" in line else "", "event": line}
            if record.get("level") in LEVELS and PACKAGE in line:
                self._judge(where, record)

    def _judge(self, where: str, record: Mapping[str, Any]) -> None:
        event = str(record.get("event"))
        raised = [str(error.get("exc_type")) for error in record.get("error_detail") or record.get("exception") or ()]
        what = raised[0] if raised else next((row for row, sign in self._rows.items() if sign.fullmatch(event)), "")
        self.lines[what or event] += 1
        if not what or (record["level"] != "warning" and what not in AS_EXPECTED):
            self.misses.append(f"{where}: {event[:200]} {' '.join(raised)}".rstrip())


def scan_logs(home: Path) -> LogScan:
    """Scan what the parts have printed, and the logs of the tasks."""
    scan = LogScan()
    for file in sorted(home.rglob("*.log")):
        scan.read(str(file.relative_to(home)), file.read_text(errors="replace"))
    return scan


def secrets_in(where: str, content: bytes, secrets: Mapping[str, str]) -> Iterator[str]:
    """Name the secrets that stand in a text, in any form, and tokens."""
    for name, secret in secrets.items():
        if any(form in content for form in forms(secret)):
            yield f"{name} in {where}"
    if TOKEN in content:
        yield f"a token in {where}"


def processes_in(home: Path) -> list[psutil.Process]:
    """Return the processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        # Another user's, or one that has ended.
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(home.resolve()):
                found.append(process)
    return found
