"""``airflow aep``: the commands in Airflow's command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import airflow
import pytest

from airflow_provider_payments.cli.commands import COMMANDS
from airflow_provider_payments.cli.definition import get_commands
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import Emulator

VERSION = tuple(map(int, airflow.__version__.split(".")[:2]))
pytestmark = pytest.mark.skipif(VERSION < (3, 2), reason="Airflow takes commands from providers from 3.2 on")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a separate Airflow without a database."""
    return os.environ | {"AIRFLOW_HOME": str(tmp_path / "home"), "AIRFLOW__CORE__UNIT_TEST_MODE": "False"}


def airflow(environment: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow", "aep", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=120)


def test_a_plan_has_the_output_and_status_of_the_console_script(
    connected: Emulator, tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = write_files(tmp_path / "files", products=TEN_LINES)
    done = airflow(environment, "plan", folder, "--detailed-exitcode", "-o", "json")
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["summary"]["create"] == 7


def test_wrong_files_are_status_1(tmp_path: Path, environment: dict[str, str]) -> None:
    done = airflow(environment, "validate", write_files(tmp_path / "files", products="version: 2"))
    assert (done.returncode, "version: this release reads version 1" in done.stdout) == (1, True)


def test_every_command_is_registered_in_airflow() -> None:
    (group,) = get_commands()
    assert [(command.name, len(command.args)) for command in group.subcommands] == [
        (command.name, len(command.options)) for command in COMMANDS
    ]


def test_other_airflow_commands_load_only_command_names() -> None:
    code = """
import sys, airflow.cli.cli_config
before = set(sys.modules)
from airflow_provider_payments.cli.definition import get_commands
get_commands()
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    package = "airflow_provider_payments.cli"
    loaded = [package, *(f"{package}.{module}" for module in ("commands", "definition", "options"))]
    assert done.stdout.splitlines()[-1] == str(loaded)
