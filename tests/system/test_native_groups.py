"""Text in a real Airflow that renders native objects: in mapped task groups, mapped tasks, and what the UI shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airflow.configuration import conf

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator
from tests.operators.airflow_database import dag_of

DAG_FILE = Path(__file__).with_name("native_groups.py")


@pytest.fixture(scope="module")
def emulator_after_the_run() -> Iterator[Emulator]:
    with EmulatorServer(time="fast") as server, dag_of(DAG_FILE, server.url) as dag:
        dag.test()
        yield Emulator(server.url)


def shown(task_id: str, field: str) -> list[Any]:
    """What Airflow's view of rendered templates shows of a task, mapped ones in order."""
    file = conf.get("database", "sql_alchemy_conn").removeprefix("sqlite:///")
    query = "SELECT rendered_fields FROM rendered_task_instance_fields WHERE dag_id=? AND task_id=? ORDER BY map_index"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return [json.loads(fields)[field] for (fields,) in database.execute(query, ("native_groups", task_id))]


def test_templates_refer_to_what_the_mapped_task_group_is_given(emulator_after_the_run: Emulator) -> None:
    names = ["PayPal.Catalog_Products - 2026_11", "PayPal.Catalog_Products - 2026_12"]
    made = {source["name"] for source in emulator_after_the_run.objects("sourceConnections")}
    assert made == {*names, "PayPal.Catalog_Products - partial"}
    assert shown("chain.source", "name") == names
    assert shown("chain.source", "extra") == [{"data": {"properties": {"of": "PayPal.Catalog_Products"}}}] * 2


def test_an_argument_that_is_one_template_is_the_list_that_an_xcom_holds(emulator_after_the_run: Emulator) -> None:
    sources = emulator_after_the_run.objects("sourceConnections")
    read = [[c["name"] for c in s["params"]["columns"]] for s in sources if "2026" in s["name"]]
    assert read == [["Product_Id", "Type"]] * 2
    assert shown("chain.source", "columns") == read


def test_names_that_look_like_numbers_are_names(emulator_after_the_run: Emulator) -> None:
    made = {schema["title"] for schema in emulator_after_the_run.objects("schemas")}
    assert made == {"2026_11", "2026_12", "0x1F", "part a", "part b", "whole"}
    assert shown("hexadecimal", "name") == ["0x1F"]
    assert shown("chain.schema", "name") == ["2026_11", "2026_12"]


def test_mapped_tasks_keep_text_and_constants(emulator_after_the_run: Emulator) -> None:
    assert shown("mappings", "name") == ["2026_11", "1e5"]
    assert shown("partial", "name") == ["PayPal.Catalog_Products - partial"]
    stored = [mapping["source"] for s in emulator_after_the_run.objects("mappingSets") for mapping in s["mappings"]]
    assert set(stored) == {'"USD"'}


def test_what_mapped_tasks_return_is_a_list(emulator_after_the_run: Emulator) -> None:
    groups = {group["title"]: group["$id"] for group in emulator_after_the_run.objects("fieldgroups")}
    (whole,) = (schema for schema in emulator_after_the_run.objects("schemas") if schema["title"] == "whole")
    assert {groups["part a - fields"], groups["part b - fields"]} < {part["$ref"] for part in whole["allOf"]}
