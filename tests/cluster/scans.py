"""Scans of logs and the database's dump for errors that the manual does not explain, and for secrets."""

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
#: The beginning of each token of the emulator.
TOKEN = b"eyJhbGciOiJub25lIn0."
LEVELS = {"warning", "error", "exception", "critical"}
#: Errors that faults and kills may cause, because Airflow retries the task or the wait; the manual explains them.
EXPECTED_ERRORS = {"ExperiencePlatformUnavailableError", "Could not poll for the flow run"}


class LogScan:
    """
    Warnings and errors of the provider in the logs.

    :ivar lines: the number of log lines by the manual's row or the exception.
    :ivar violations: the log lines that must not exist.
    """

    def __init__(self) -> None:
        self.lines: Counter[str] = Counter()
        self.violations: list[str] = []
        self._rows = {row: re.compile(re.escape(row).replace(r"\.\.\.", ".*"), re.DOTALL) for row in rows()}

    def read(self, where: str, text: str) -> None:
        """Read a log, whose lines are JSON except for direct output of a process."""
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
        known = raised[0] if raised else next((row for row, sign in self._rows.items() if sign.fullmatch(event)), "")
        self.lines[known or event] += 1
        if not known or (record["level"] != "warning" and known not in EXPECTED_ERRORS):
            self.violations.append(f"{where}: {event[:200]} {' '.join(raised)}".rstrip())


def scan_logs(home: Path) -> LogScan:
    """Scan the output of the parts and the logs of the tasks."""
    scan = LogScan()
    for file in sorted(home.rglob("*.log")):
        scan.read(str(file.relative_to(home)), file.read_text(errors="replace"))
    return scan


def secrets_in(where: str, content: bytes, secrets: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets, in any form, and tokens that a text contains."""
    for name, secret in secrets.items():
        if any(form in content for form in forms(secret)):
            yield f"{name} in {where}"
    if TOKEN in content:
        yield f"a token in {where}"


def processes_in(home: Path) -> list[psutil.Process]:
    """Return the processes whose working directory is in a folder."""
    found = []
    for process in psutil.process_iter():
        # The process belongs to another user, or has ended.
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(home.resolve()):
                found.append(process)
    return found
