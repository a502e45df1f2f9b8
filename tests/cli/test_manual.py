"""The page "Definitions" of the manual: its examples run, and its tables are complete."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_payments.aep.dataflows.definition import Definition
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.members import members_of
from airflow_provider_payments.aep.dataflows.plan import ACTIONS
from airflow_provider_payments.cli.main import main
from tests.aep.dataflows.files import TEN_LINES, only_definition, write_files
from tests.cli.conftest import Run
from tests.conftest import Emulator

REPOSITORY = Path(__file__).parent.parent.parent
PAGE = (REPOSITORY / "airflow_provider_payments" / "docs" / "definitions.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


TEN, COMPLETE, PROJECT, *_ = blocks("yaml")


def test_the_ten_line_file_equals_the_python_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(TEN.splitlines()) == 10
    names: dict[str, object] = {}
    exec(blocks("python")[0], names)
    assert names["definition"] == only_definition(write_files(tmp_path, shown=TEN))
    write_files(tmp_path, shown=capsys.readouterr().out)
    assert names["definition"] == only_definition(tmp_path)


def test_the_complete_file_is_valid_and_contains_every_member_but_the_id(tmp_path: Path) -> None:
    definition = only_definition(write_files(tmp_path, shown=COMPLETE))
    written = set(re.findall(r"^(\w+):", COMPLETE, re.MULTILINE))
    assert written == {*members_of(Definition), "version"} - {"id"}
    assert definition.schedule.desired.interval == 1


def test_the_table_names_every_member() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)[: len(members_of(Definition))] == list(
        members_of(Definition)
    )


def test_the_project_file_is_valid_in_each_environment(tmp_path: Path) -> None:
    short = TEN_LINES.replace("vendor: paypal, connection: PayPal connection, ", "").replace(
        "schedule: every 30 minutes", ""
    )
    write_files(tmp_path, project=PROJECT, products=short)
    found = {name: load_project(tmp_path, environment=name) for name in ("dev", "prod")}
    assert {name: project.aep_conn_id for name, project in found.items()} == {"dev": "aep_dev", "prod": "aep_prod"}


def test_validate_prints_the_shown_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (command, *shown), *_ = (block.splitlines() for block in blocks("console"))
    columns = "columns: [Product_Id, Product_Name, Create_Time]"
    orders = TEN_LINES.replace("  product.type: Type\n", "").replace("table:", f"{columns}, table:")
    orders = orders.replace("createTime: Create_Time", "createTime: Create_Tim")
    write_files(tmp_path, dataflows__products=TEN_LINES.replace("connection:", "conection:"), dataflows__orders=orders)
    monkeypatch.chdir(tmp_path)
    assert main(command.removeprefix("$ payments ").split()) == 1
    assert capsys.readouterr().out.splitlines() == shown


CONSOLE = {lines[0]: lines[1:] for lines in (block.splitlines() for block in blocks("console"))}


def shown(run: Run, command: str) -> tuple[int, list[str]]:
    """Run a command of the page; return its exit status and the lines of its output."""
    status, out, _ = run(*command.removeprefix("$ payments ").split())
    return status, out.splitlines()


def test_the_plan_prints_the_shown_output(
    run: Run, connected: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_files(tmp_path, products=TEN))
    command = "$ payments plan products.yaml"
    status, lines = shown(run, command)
    assert (status, lines[: len(CONSOLE[command])]) == (0, CONSOLE[command])


def test_the_apply_prints_the_shown_output(
    run: Run, connected: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_files(tmp_path, products=TEN, project="version: 1\nproject: finance\n"))
    command = "$ payments apply . --yes"
    status, lines = shown(run, command)
    *plan, outcome = CONSOLE[command]
    assert (status, lines[: len(plan)], lines[-1]) == (0, plan, outcome)


def test_the_export_and_its_plan_print_the_shown_output(
    run: Run, connected: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    body = {"sandbox": "dev", "dataflows": 2, "source": "square", "name_prefix": "square", "enabled": True}
    connected.control("POST", "seed", json=body)
    for command in ("$ payments export --to dataflows", "$ payments plan dataflows --detailed-exitcode"):
        status, lines = shown(run, command)
        assert status == 0
        assert sorted(lines[: len(CONSOLE[command])]) == sorted(CONSOLE[command])


def test_the_table_explains_every_action() -> None:
    table = PAGE[PAGE.index("| sign |") :].split("\n\n", 1)[0].splitlines()[2:]
    rows = [[cell.strip().strip("`") for cell in row.split("|")[1:3]] for row in table]
    assert {action: sign for sign, action in rows} == {action: sign.strip() for action, sign in ACTIONS.items()}


def test_the_commands_of_the_workflows_succeed(
    run: Run, connect: Callable[..., None], connected: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(connected.url, "aep_prod")
    short = TEN_LINES.replace("vendor: paypal, connection: PayPal connection, ", "")
    project = PROJECT.replace("PayPal production", "PayPal connection")
    write_files(tmp_path / "dataflows", project=project, products=short.replace("schedule: every 30 minutes", ""))
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"run: payments ([^>\n]+)", blocks("yaml")[3] + blocks("yaml")[4])
    *reading, apply = [command.split() for command in commands]
    assert [run(*command)[0] for command in reading] == [0, 0, 0]
    # The same as jq in the workflow.
    digest = json.loads(run("plan", "dataflows", "-e", "prod", "-o", "json")[1])["digest"]
    assert "payments plan dataflows -e prod -o json | jq -r .digest" in blocks("yaml")[4]
    assert apply[:5] == ["apply", "dataflows", "-e", "prod", "--expect"]
    assert run(*apply[:5], digest)[0] == 0
    assert len(connected.objects("flows")) == 1


@pytest.mark.parametrize("block", [block for block in blocks("python") if "DataflowsOperator(" in block])
def test_the_dags_can_be_parsed(block: str) -> None:
    names: dict[str, object] = {}
    exec(block, names)
    assert any(name.endswith("DataflowsOperator") for name in names)


def test_the_numbers_of_requests_are_within_the_benchmarks_limits() -> None:
    source = (REPOSITORY / "tests" / "benchmarks" / "definitions.py").read_text()
    limits = [int(limit) for limit in re.findall(r"requests, (\d+), \"\"", source)]
    figures = re.findall(r"\| (\d+) \|$", PAGE[PAGE.index("## What it costs") :], re.MULTILINE)
    pairs = zip(sorted(map(int, figures)), sorted(limits), strict=True)
    assert [figure for figure, limit in pairs if figure > limit] == []


def test_the_named_commands_print_the_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    for command in re.findall(r"`payments (schema[ a-z]*)`", PAGE):
        assert main(command.split()) == 0
        assert json.loads(capsys.readouterr().out)["properties"]
