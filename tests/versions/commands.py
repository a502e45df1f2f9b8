"""Running many ``airflow ...`` commands in one process, because starting a process for each takes most of the time."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.system.airflow_process import python
from tests.versions.conftest import InstalledAirflow

SCRIPT = """
import contextlib, io, json, sys, traceback
from pathlib import Path
from airflow.__main__ import main
results, commands = sys.argv[1], json.loads(sys.argv[2])
ended = []
for command in commands:
    sys.argv = ["airflow", *command]
    text, code = io.StringIO(), 0
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
            print(end.code)
        except Exception:  # the result of a command that raises is its traceback
            code = 1
            traceback.print_exc()
    ended.append([code, text.getvalue()])
Path(results).write_text(json.dumps(ended))
"""


@dataclass
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    text: str


def run_all(airflow: InstalledAirflow, *commands: tuple[str, ...]) -> dict[tuple[str, ...], CommandResult]:
    """Run commands one after another, regardless of failures; return their results."""
    results = airflow.home / "ended.json"
    python("-c", SCRIPT, str(results), json.dumps(commands), environment=airflow.environment, timeout=900)
    ended = json.loads(results.read_text())
    return {command: CommandResult(*end) for command, end in zip(commands, ended, strict=True)}
