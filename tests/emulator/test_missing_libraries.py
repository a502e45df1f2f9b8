"""The commands without the libraries of the extra ``demo``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EMULATOR = ("-m", "airflow_provider_payments.emulator")
EMULATOR_SCRIPT = ("-c", "from airflow_provider_payments.emulator.__main__ import main; raise SystemExit(main())")
DEMO = ("-m", "airflow_provider_payments.demo")
DEMO_SCRIPT = ("-c", "from airflow_provider_payments.demo import main; raise SystemExit(main())")


def run(command: tuple[str, ...], folder: Path, *hidden: str) -> subprocess.CompletedProcess[str]:
    """Run Python as if some modules were not installed, which also holds for its subprocesses."""
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules |= dict.fromkeys({hidden!r})\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("command", "program", "hidden"),
    [
        (EMULATOR, "payments-emulator", "jinja2"),
        (EMULATOR, "payments-emulator", "starlette"),
        (EMULATOR, "payments-emulator", "uvicorn"),
        (EMULATOR_SCRIPT, "payments-emulator", "starlette"),
        (DEMO, "payments-demo", "psutil"),
        (DEMO, "payments-demo", "rich"),
        (DEMO, "payments-demo", "uvicorn"),
        (DEMO_SCRIPT, "payments-demo", "starlette"),
    ],
)
def test_a_command_without_a_library_says_what_to_install(
    tmp_path: Path, command: tuple[str, ...], program: str, hidden: str
) -> None:
    ended = run(command, tmp_path, hidden)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"{program}: {hidden} not installed. ")
    assert ended.stderr.endswith(" pip install 'airflow-provider-payments[demo]'\n")
    assert ended.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"] == ["sitecustomize.py"]


@pytest.mark.parametrize("command", [EMULATOR, DEMO])
def test_all_missing_libraries_are_named_but_not_required_for_help(tmp_path: Path, command: tuple[str, ...]) -> None:
    hidden = ("psutil", "rich", "jinja2", "starlette", "uvicorn")
    message = run(command, tmp_path, *hidden).stderr
    assert [name for name in hidden if name in message] == list(hidden[2 if command == EMULATOR else 0 :])
    answer = run((*command, "--help"), tmp_path, *hidden)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("usage: payments-")


def test_an_emulator_loads_the_templates_only_for_the_page(tmp_path: Path) -> None:
    code = """
import sys, urllib.request
from airflow_provider_payments.emulator.http.server import EmulatorServer
with EmulatorServer() as server:
    for path in ("/__emulator__/state", "/"):
        urllib.request.urlopen(server.url + path).read()
        print(path, "jinja2" in sys.modules)
"""
    ended = run(("-c", code), tmp_path)
    assert (ended.stdout.split(), ended.stderr) == (["/__emulator__/state", "False", "/", "True"], "")
