"""Text in an Airflow with native rendering: in mapped task groups, in mapped tasks, and in the UI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import AirflowHome

DAG_FILE = Path(__file__).with_name("native_groups.py")


@dataclass(frozen=True)
class Ran:
    """The results of the DAG run."""

    emulator: Emulator
    airflow: AirflowHome

    def shown(self, task_id: str, field: str) -> list[Any]:
        """Return the fields of a task in Airflow's view of rendered templates; those of mapped tasks in order."""
        query = "SELECT rendered_fields FROM rendered_task_instance_fields WHERE task_id=? ORDER BY map_index"
        return [json.loads(fields)[field] for (fields,) in self.airflow.rows(query, task_id)]


@pytest.fixture(scope="module")
def ran(new_airflow: Callable[..., AirflowHome]) -> Iterator[Ran]:
    with EmulatorServer(time="fast") as server:
        airflow = new_airflow(connection_json(server.url), DAG_FILE)
        airflow.test_dag(DAG_FILE.stem)
        yield Ran(Emulator(server.url), airflow)


def test_templates_render_the_arguments_of_the_mapped_task_group(ran: Ran) -> None:
    names = ["PayPal.Catalog_Products - 2026_11", "PayPal.Catalog_Products - 2026_12"]
    created = {source["name"] for source in ran.emulator.objects("sourceConnections")}
    assert created == {*names, "PayPal.Catalog_Products - partial"}
    assert ran.shown("chain.source", "name") == names
    assert ran.shown("chain.source", "extra") == [{"data": {"properties": {"of": "PayPal.Catalog_Products"}}}] * 2


def test_an_argument_that_is_one_template_is_the_list_of_an_xcom(ran: Ran) -> None:
    sources = ran.emulator.objects("sourceConnections")
    read = [[c["name"] for c in s["params"]["columns"]] for s in sources if "2026" in s["name"]]
    assert read == [["Product_Id", "Type"]] * 2
    assert ran.shown("chain.source", "columns") == read


def test_names_that_look_like_numbers_are_names(ran: Ran) -> None:
    created = {schema["title"] for schema in ran.emulator.objects("schemas")}
    assert created == {"2026_11", "2026_12", "0x1F", "part a", "part b", "whole"}
    assert ran.shown("hexadecimal", "name") == ["0x1F"]
    assert ran.shown("chain.schema", "name") == ["2026_11", "2026_12"]


def test_mapped_tasks_keep_text_and_constants(ran: Ran) -> None:
    assert ran.shown("mappings", "name") == ["2026_11", "1e5"]
    assert ran.shown("partial", "name") == ["PayPal.Catalog_Products - partial"]
    stored = [mapping["source"] for s in ran.emulator.objects("mappingSets") for mapping in s["mappings"]]
    assert set(stored) == {'"USD"'}


def test_the_values_of_mapped_tasks_are_a_list(ran: Ran) -> None:
    groups = {group["title"]: group["$id"] for group in ran.emulator.objects("fieldgroups")}
    (whole,) = (schema for schema in ran.emulator.objects("schemas") if schema["title"] == "whole")
    assert {groups["part a - fields"], groups["part b - fields"]} < {part["$ref"] for part in whole["allOf"]}
