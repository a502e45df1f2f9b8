"""``payments validate`` and ``payments schema``: output and exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from airflow_provider_payments import __version__
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.cli.conftest import Run

PROJECT = """\
version: 1
project: finance
environments:
  dev: {variables: {pace: 1 hour}}
  prod: {aep_conn_id: aep_prod}
"""


def test_valid_definitions_are_counted(tmp_path: Path, run: Run) -> None:
    folder = write_files(tmp_path, products=TEN_LINES)
    assert run("validate", folder) == (0, "1 definition is valid\n", "")


def test_problems_of_all_environments_are_printed_once_with_status_1(tmp_path: Path, run: Run) -> None:
    text = TEN_LINES.replace("every 30 minutes", "every ${var.pace}")
    folder = write_files(tmp_path, project=PROJECT, products=text, broken="version: 3\nname: x")
    status, out, err = run("validate", folder)
    assert [line.removeprefix(f"{folder}/") for line in out.splitlines()] == [
        "broken.yaml:1:1: mappings: it must be given",
        "broken.yaml:1:1: source: it must be given",
        "broken.yaml:1:10: version: this release reads version 1",
        "products.yaml:10:11: schedule: there is no variable 'pace' (environment 'prod'; known: none)",
    ]
    assert (status, err) == (1, "")


def test_an_environment_and_variables_can_be_given(tmp_path: Path, run: Run) -> None:
    text = TEN_LINES.replace("every 30 minutes", "every ${var.pace}") + "enabled: ${var.on}\n"
    folder = write_files(tmp_path, project=PROJECT, products=text)
    assert run("validate", folder, "-e", "dev", "--var", "on=true")[:2] == (0, "1 definition is valid in dev\n")
    assert run("validate", folder, "-e", "dev", "--var", "on=yes")[0] == 1


@pytest.mark.parametrize("output", ["json", "yaml", "markdown"])
def test_problems_are_rows_in_formats_for_programs(tmp_path: Path, run: Run, output: str) -> None:
    folder = write_files(tmp_path, products=TEN_LINES.replace("vendor: paypal", "vendor: pay|pal"))
    status, out, _ = run("validate", folder, "-o", output)
    row = {"severity": "error", "file": f"{folder}/products.yaml", "line": 3, "column": 18, "path": "source.vendor"}
    row["allowed"] = "one of paypal, square, stripe; did you mean 'paypal'?"
    if output == "markdown":
        assert out.splitlines()[0] == "| severity | file | line | column | path | allowed |"
        assert out.splitlines()[2] == f"| {' | '.join(map(str, row.values()))} |"
    else:
        assert (json.loads if output == "json" else yaml.safe_load)(out) == [row]
    assert status == 1


def test_a_warning_does_not_change_the_status(tmp_path: Path, run: Run) -> None:
    folder = write_files(tmp_path, project=PROJECT, products=TEN_LINES + "id: abc\n")
    status, out, _ = run("validate", folder)
    assert status == 0
    assert out.splitlines()[0].endswith("because there are several environments (warning)")


def test_wrong_usage_is_status_1(run: Run) -> None:
    status, _, err = run("validate", "--var", "x")
    assert (status, err.splitlines()[-1]) == (1, "payments validate: argument --var: 'x' is not NAME=VALUE")


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == (0, f"airflow-provider-payments {__version__}\n", "")


def test_the_help_names_the_related_command(run: Run) -> None:
    assert "`plan` compares the files with the sandbox" in " ".join(run("validate", "--help")[1].split())


@pytest.mark.parametrize("of", ["definition", "project"])
def test_the_schema_is_printed(run: Run, of: str) -> None:
    status, out, _ = run("schema", of)
    assert (status, json.loads(out)["type"]) == (0, "object")


@pytest.mark.parametrize("command", [["validate", "FOLDER"], ["schema"]])
def test_neither_command_imports_airflow(tmp_path: Path, command: list[str]) -> None:
    write_files(tmp_path, products=TEN_LINES)
    code = (
        "import sys; from airflow_provider_payments.cli.main import main; status = main(sys.argv[1:])\n"
        "print(status, [m for m in sys.modules if m.split('.')[0] in ('airflow', 'requests', 'jsonschema')])"
    )
    argv = [str(tmp_path) if word == "FOLDER" else word for word in command]
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
