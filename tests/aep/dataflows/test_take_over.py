"""Plans and applies that take over objects with another owner's mark."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.export import export_dataflows
from airflow_provider_payments.aep.dataflows.plan import Plan
from airflow_provider_payments.aep.dataflows.render import plan_text as rendered
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION
from airflow_provider_payments.aep.resources.kind import all_kinds
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.switches import rewrite_mark
from airflow_provider_payments.operators.connections import (
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.aep.chain import Chain
from tests.aep.dataflows.applying import LOST_ANSWERS, apply, not_done, plan_of, plan_text
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.aep.dataflows.killed_process import Killed, credential_killed_before
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import run

DAG = "payments_dataflow"
PROJECT = "version: 1\nproject: finance\n"
NAME = "PayPal catalog products"
Owners = dict[str, list[str]]


def owners(client: Client) -> Owners:
    """Return the owners in the marks of all objects, by kind."""
    found: Owners = {}
    for kind in all_kinds():
        for existing in kind.list_all(client) if kind.carries_mark else ():
            if mark := kind.mark_of(existing):
                found.setdefault(kind.name, []).append(mark.owner)
    return found


def create_like_the_dag(chain: Chain, run_id: str = "") -> None:
    """Create a chain like the example DAG, with its own base connection."""
    create = partial(run, run_id=run_id, chain=DAG)
    base = chain.ensure(chain.base_connection(name="shop"), writer=Writer(DAG)).existing.id
    source = create(CreateSourceConnectionOperator, base_connection_id=base)
    schema = create(CreateTargetSchemaOperator)
    dataset = create(CreateTargetDatasetOperator, schema_id=schema["id"])
    ends = {"dataset_id": dataset["id"], "schema_id": schema["id"]}
    create(
        CreateDataflowOperator,
        source_connection_id=source["id"],
        target_connection_id=create(CreateTargetConnectionOperator, **ends)["id"],
        mapping_set_id=create(CreateMappingSetOperator, schema_id=schema["id"])["id"],
        description="Inbound data to Platform",
    )


@pytest.mark.parametrize("manage_schema", [True, False])
def test_a_project_takes_over_the_chain_of_the_example_dag(
    manage_schema: bool, chain: Chain, client: Client, connected: Emulator, tmp_path: Path
) -> None:
    create_like_the_dag(chain)
    marked = {kind: [DAG] for kind in owners(client)}
    assert owners(client) == marked
    files = export_dataflows(Snapshot(client), manage_schema=manage_schema).files
    (text,) = files.values()
    write_files(tmp_path, project=PROJECT, products=text)
    assert not_done(plan_of(client, tmp_path)) == {}
    changed = text.replace("every 30 minutes", "every day").replace("30 minutes", "1 day")
    assert changed != text
    write_files(tmp_path, products=changed)
    assert [step.reason for step in plan_of(client, tmp_path).conflicts] == [
        f"its mark names the owner {DAG!r}: change it there, or take it over"
    ]
    plan = plan_of(client, tmp_path, take_over={DAG})
    assert set(not_done(plan).values()) == {"update"}
    before = len(connected.requests(method="PATCH"))
    apply(client, plan)
    # One request for each object, also for the dataflow, which has another change.
    assert len(connected.requests(method="PATCH")) - before == len(not_done(plan))
    reached = {step.kind for step in plan.steps}
    assert {kind: names for kind, names in owners(client).items() if kind in reached} == {
        kind: ["finance"] for kind in marked if kind in reached
    }
    # The field group of a schema that the definition only refers to is not taken over.
    assert set(marked) - reached == (set() if manage_schema else {"field group"})
    assert plan_of(client, tmp_path).is_empty
    assert plan_of(client, tmp_path, take_over={DAG}).is_empty


def take_over_plan(client: Client, folder: Path, *texts: str, owner: str = "sales") -> Plan:
    write_files(folder, project=PROJECT)
    return plan_text(client, folder, *texts, take_over={owner})


def test_a_plan_shows_former_and_new_owner(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="sales")
    plan = take_over_plan(client, tmp_path, TEN_LINES.replace("every 30 minutes", "every day"))
    shown = rendered(plan).splitlines()
    at = next(i for i, line in enumerate(shown) if line.startswith(f"  ~ dataflow {NAME}"))
    assert shown[at + 1 : at + 4] == [
        "      schedule.frequency: minute -> day",
        "      schedule.interval: 30 -> 1",
        "      owner: sales -> finance",
    ]
    assert plan.count("update") == 6


def test_objects_of_an_owner_who_is_not_named_are_not_taken_over(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="orders")
    plan = take_over_plan(client, tmp_path, TEN_LINES)
    assert plan.is_empty
    assert plan.notes == ("no object that the definitions use carries the mark of 'sales'",)
    (conflict,) = take_over_plan(client, tmp_path, TEN_LINES.replace("every 30", "every 45")).conflicts
    assert conflict.reason.startswith("its mark names the owner 'orders'")


def test_an_object_that_no_definition_uses_is_not_taken_over(client: Client, chain: Chain, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="sales")
    chain.ensure(chain.source(name="spare"), writer=Writer("sales"))
    apply(client, take_over_plan(client, tmp_path, TEN_LINES))
    assert sorted(owners(client)["source connection"]) == ["finance", "sales"]


def test_an_object_in_conflict_is_not_taken_over(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="sales")
    plan = take_over_plan(client, tmp_path, TEN_LINES.replace("PayPal.Catalog_Products", "PayPal.Orders"))
    assert [step.kind for step in plan.conflicts] == ["source connection"]
    assert not_done(plan)["dataflow"] == "blocked"


def test_a_shared_schema_keeps_its_change_if_another_definition_refers_to_it(client: Client, tmp_path: Path) -> None:
    describes = TEN_LINES + "schema: {title: Products, description: All}\ndataset: {name: Products, tags: {a: [b]}}\n"
    refers = TEN_LINES.replace(NAME, "Again").replace("PayPal.Catalog_Products", "PayPal.Billing_Plans")
    refers = refers.replace("Product_Id", "Id").replace("Product_Name", "Name").replace("  product.type: Type\n", "")
    refers += "dataset: Products\n"
    apply(client, plan_text(client, tmp_path / ".theirs", describes, refers), owner="sales")
    changed = describes.replace("[b]", "[b, c]").replace("description: All", "description: Every")
    apply(client, take_over_plan(client, tmp_path, changed, refers))
    assert take_over_plan(client, tmp_path, changed, refers).is_empty
    assert {name for names in owners(client).values() for name in names} == {"finance"}


def test_a_base_connection_that_is_only_referred_to_is_taken_over(chain: Chain, client: Client, tmp_path: Path) -> None:
    chain.ensure(chain.base_connection(name="shop"), writer=Writer("sales"))
    plan = take_over_plan(client, tmp_path, TEN_LINES.replace("PayPal connection", "shop"))
    assert not_done(plan)["base connection"] == "update"
    apply(client, plan, owner="finance")
    marks = [BASE_CONNECTION.mark_of(each) for each in BASE_CONNECTION.list_all(client)]
    assert [mark.owner for mark in marks if mark] == ["finance"]


def test_taking_over_requires_a_project_and_marks(
    client: Client, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=r"take_over=.* requires an owner: a project.yaml"):
        plan_text(client, tmp_path, TEN_LINES, take_over={"sales"})
    write_files(tmp_path, project=PROJECT)
    with pytest.raises(InvalidInputError, match="marks=False is not allowed: an object's owner"):
        plan_text(make_client(marks=False), tmp_path, TEN_LINES, take_over={"sales"})


def test_taking_over_is_part_of_the_digest(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="sales")
    assert take_over_plan(client, tmp_path, TEN_LINES).digest != plan_of(client, tmp_path).digest


# ---- faults and concurrent changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", LOST_ANSWERS.values(), ids=LOST_ANSWERS)
def test_an_apply_takes_over_despite_lost_answers(
    fault: dict[str, Any], client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="sales")
    plan = take_over_plan(client, tmp_path, TEN_LINES.replace("every 30 minutes", "every day"))
    emulator.fail(method="PATCH", path="*", nth=2, times=2, **fault)
    apply(client, plan, owner="finance")
    assert [fault["fired"] for fault in emulator.faults()] == [2]
    assert {name for names in owners(client).values() for name in names} == {"finance"}


def test_an_apply_killed_before_any_request_is_finished_by_the_next(
    client: Client,
    make_client: Callable[..., Client],
    credential: Callable[..., ClientCredentials],
    emulator: Emulator,
    tmp_path: Path,
) -> None:
    for number in range(1, 60):
        emulator.reset()
        apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="sales")
        dying = make_client(credential=credential_killed_before(credential(), number))
        try:
            apply(dying, take_over_plan(dying, tmp_path, TEN_LINES), owner="finance")
        except Killed:
            apply(client, take_over_plan(client, tmp_path, TEN_LINES), owner="finance")
            assert {name for names in owners(client).values() for name in names} == {"finance"}
        else:
            break
    assert number > 14


def test_an_object_taken_over_by_a_third_owner_keeps_this_owner(
    client: Client, make_client: Callable[..., Client], proxy: FaultProxy, tmp_path: Path
) -> None:
    apply(client, plan_text(client, tmp_path / ".theirs", TEN_LINES), owner="sales")
    plan = take_over_plan(client, tmp_path, TEN_LINES)
    (dataflow,) = DATAFLOW.list_all(client)
    theirs = partial(rewrite_mark, client, DATAFLOW, dataflow, Writer("orders").mark())
    proxy.fault("PATCH", f"/flows/{dataflow.id}", first=theirs)
    apply(make_client(proxy.url), plan, owner="finance")
    assert owners(client)["dataflow"] == ["orders"]
    assert owners(client)["source connection"] == ["finance"]
