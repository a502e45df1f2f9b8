"""The page "Definitions" of the manual: its examples are run, its table is complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_provider_payments.aep.dataflows.definition import Definition
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.members import members_of
from airflow_provider_payments.cli.main import main
from tests.aep.dataflows.files import TEN_LINES, only_definition, write_files

REPOSITORY = Path(__file__).parent.parent.parent
PAGE = (REPOSITORY / "airflow_provider_payments" / "docs" / "definitions.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


TEN, COMPLETE, PROJECT, *_ = blocks("yaml")


def test_the_ten_lines_are_ten_and_mean_what_the_python_value_means(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(TEN.splitlines()) == 10
    names: dict[str, object] = {}
    exec(blocks("python")[0], names)
    assert names["definition"] == only_definition(write_files(tmp_path, shown=TEN))
    write_files(tmp_path, shown=capsys.readouterr().out)
    assert names["definition"] == only_definition(tmp_path)


def test_the_complete_file_is_right_and_holds_every_member_but_the_id(tmp_path: Path) -> None:
    definition = only_definition(write_files(tmp_path, shown=COMPLETE))
    written = set(re.findall(r"^(\w+):", COMPLETE, re.MULTILINE))
    assert written == {*members_of(Definition), "version"} - {"id"}
    assert definition.schedule.desired.interval == 1


def test_the_table_names_every_member() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)[: len(members_of(Definition))] == list(
        members_of(Definition)
    )


def test_the_project_file_is_right_in_each_environment(tmp_path: Path) -> None:
    short = TEN_LINES.replace("vendor: paypal, connection: PayPal connection, ", "").replace(
        "schedule: every 30 minutes", ""
    )
    write_files(tmp_path, project=PROJECT, products=short)
    found = {name: load_project(tmp_path, environment=name) for name in ("dev", "prod")}
    assert {name: project.aep_conn_id for name, project in found.items()} == {"dev": "aep_dev", "prod": "aep_prod"}


def test_the_problems_are_those_that_are_shown(
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


def test_the_schemas_are_printed_by_the_commands_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for command in re.findall(r"`payments (schema[ a-z]*)`", PAGE):
        assert main(command.split()) == 0
        assert json.loads(capsys.readouterr().out)["properties"]
