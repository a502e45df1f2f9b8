"""The page "Verify your sandbox" of the manual: its commands run, and its tables are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from airflow_provider_payments.aep.verification.options import VerificationOptions
from airflow_provider_payments.cli.commands import COMMANDS
from airflow_provider_payments.cli.main import main
from airflow_provider_payments.operators.verification import VerifySandboxOperator
from tests.aep.verification.page import PAGE, shown, table
from tests.cli.conftest import Run
from tests.conftest import Emulator

TEXT = PAGE.read_text()
REPOSITORY = Path(__file__).parent.parent.parent


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


def without_seconds(lines: list[str]) -> list[str]:
    """Return lines without seconds and numbers of requests, which differ each time."""
    return [re.sub(r"\d+\.\d|\d+(?= requests\.)|(?<=settle_seconds\": )\d+", "0", line) for line in lines]


def test_the_command_prints_the_shown_output_and_writes_the_report(
    run: Run, connected: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    connected.fail("status", method="POST", path="*/dataSets", nth=2, status=400)
    command, *lines = block("console").splitlines()
    status, out, err = run(*command.removeprefix("$ payments ").split())
    printed = [*err[err.index("In sandbox") :].splitlines(), *out.splitlines()]
    assert without_seconds(printed) == without_seconds(lines)
    assert (status, json.loads((tmp_path / "report.json").read_text())["format"]) == (2, 1)


def test_the_table_contains_all_checks_of_the_catalogue() -> None:
    assert shown() == table(), "python -m tests.aep.verification.page writes it"


def test_the_table_explains_every_option() -> None:
    (command,) = (command for command in COMMANDS if command.name == "verify")
    section = TEXT.partition("| option | meaning |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    flags = [flag for row in rows for flag in re.findall(r"`(-[\w-]+)`", row)]
    assert sorted(flags) == sorted(flag for option in command.options for flag in option.flags)


def test_the_limits_are_those_of_the_code() -> None:
    rows = re.findall(r"\| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    both = [VerificationOptions("dev"), VerificationOptions("dev", quick=True)]
    assert rows == [tuple(str(each.objects_per_kind) for each in both), tuple(str(each.max_requests) for each in both)]


def test_every_named_topic_exists() -> None:
    named = re.findall(r"`?--only\s+([\w.]+)", TEXT.partition("## The checks")[0])
    assert named
    assert VerificationOptions("dev", only=named).checks


def test_the_task_of_the_manual_can_be_built() -> None:
    names: dict[str, object] = {"VerifySandboxOperator": VerifySandboxOperator}
    exec(block("python"), names)
    assert isinstance(names["verify"], VerifySandboxOperator)


def test_the_named_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = re.findall(r"`payments (schema \w+)`", TEXT)
    assert main(command.split()) == 0
    assert "recommended" in json.loads(capsys.readouterr().out)["properties"]


def test_the_form_for_reports_requires_the_fields_of_the_page() -> None:
    form = yaml.safe_load((REPOSITORY / ".github" / "ISSUE_TEMPLATE" / "verify-report.yml").read_text())
    assert f"*{form['name']}*" in TEXT
    required = {each["id"] for each in form["body"] if each.get("validations", {}).get("required")}
    assert required == {"report", "versions", "region"}
