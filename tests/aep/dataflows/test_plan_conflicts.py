"""Conflicts and notes of plans, and objects that several definitions share."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows import render
from airflow_provider_payments.aep.dataflows.drift import drifted
from airflow_provider_payments.aep.dataflows.export import export_dataflows
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import RequestError
from tests.aep.chain import Chain
from tests.aep.dataflows.applying import actions, apply, not_done, plan_of, plan_text, the_step
from tests.aep.dataflows.dataflow_creator import DataflowCreator, DataflowSetup
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import PAYPAL, Emulator

PROJECT = "version: 1\nproject: finance\n"
NAME = "PayPal catalog products"
DAY = 86400


def conflict(client: Client, folder: Path, *texts: str) -> tuple[str, str]:
    """Return the kind and the reason of the plan's only conflict."""
    step = the_step(plan_text(client, folder, *texts), "conflict")
    return step.kind, step.reason


@pytest.mark.parametrize(
    ("was", "now", "kind", "reason"),
    [
        ("PayPal connection", "PayPal conection", "base connection", "did you mean 'PayPal connection'?"),
        ("connection: PayPal connection", "connection: {id: none}", "base connection", "no base connection with this"),
        ("vendor: paypal", "vendor: square", "base connection", "it is not a base connection of Square"),
        ("PayPal.Catalog_Products", "PayPal.Catalog", "source connection", "PayPal.Catalog cannot be explored: "),
        ("  product.type: Type", "  product.type: Typ", "source connection", "no 'Typ'; did you mean 'Type'?"),
        ("delta_column: Create_Time", "delta_column: Created", "source connection", "no 'Created'; did"),
        ("schedule:", "schema: Products\nschedule:", "schema", "there is no schema with this title or $id"),
        ("schedule:", "dataset: Products\nschedule:", "dataset", "there is no dataset with this name or id"),
        ("schedule:", "schema: {field_groups: [Shop]}\nschedule:", "field group", "no field group with this title"),
        ("schedule:", "id: none\nschedule:", "dataflow", "there is no dataflow none"),
    ],
)  # fmt: skip
def test_a_missing_object_is_a_conflict_before_any_creation(
    was: str, now: str, kind: str, reason: str, client: Client, tmp_path: Path
) -> None:
    plan = plan_text(client, tmp_path, TEN_LINES.replace(was, now))
    assert the_step(plan, "conflict").kind == kind
    assert reason in the_step(plan, "conflict").reason
    assert plan.count("create") == 0


REFERRING = TEN_LINES.replace(NAME, "Refers") + "schema: PayPal catalog products\ndataset: {name: Other}\n"


def test_a_mapping_to_a_field_missing_in_the_schema_is_a_conflict(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path / "described", TEN_LINES))
    assert plan_text(client, tmp_path, REFERRING).conflicts == ()
    wrong = REFERRING.replace("product.type: Type", "product.kind: Type")
    reason = "mappings.product.kind: schema 'PayPal catalog products' has no field 'product.kind'"
    assert conflict(client, tmp_path, wrong) == ("schema", reason)


def test_a_mapping_to_a_field_added_by_another_definition_is_no_conflict(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    more = TEN_LINES.replace("product.type: Type", "product.type: Type\n  product.kind: Type")
    refers = REFERRING.replace("product.type: Type", "product.kind: Type")
    plan = plan_text(client, tmp_path, more, refers)
    assert (plan.conflicts, plan.count("update")) == ((), 2)


def test_an_ambiguous_base_connection_or_dataset_requires_an_id(client: Client, chain: Chain, tmp_path: Path) -> None:
    body = {
        "name": "Twin",
        "schemaRef": {"id": chain.schema_id, "contentType": "application/vnd.adobe.xed+json;version=1"},
    }
    for _ in range(2):
        chain.post("/data/foundation/catalog/dataSets", body)
    kind, reason = conflict(client, tmp_path, TEN_LINES + "dataset: Twin\n")
    assert (kind, reason.partition(" ids ")[0]) == ("dataset", "several have this name: write one of the")
    twin = chain.base_connection(name="PayPal connection").payload()
    chain.post("/data/foundation/flowservice/connections", twin)
    kind, reason = conflict(client, tmp_path, TEN_LINES)
    assert kind == "base connection"
    assert PAYPAL in reason
    by_id = TEN_LINES.replace("connection: PayPal connection", f"connection: {{id: {PAYPAL}}}")
    assert plan_text(client, tmp_path, by_id).conflicts == ()


def test_all_missing_columns_of_a_table_are_named(client: Client, tmp_path: Path) -> None:
    _, reason = conflict(client, tmp_path, TEN_LINES.replace(": Type", ": Typ").replace(": Product_Name", ": Name"))
    assert reason == (
        "mappings.product.name: PayPal.Catalog_Products has no 'Name'; "
        "mappings.product.type: PayPal.Catalog_Products has no 'Typ'; did you mean 'Type'?"
    )


def test_a_conflict_about_a_shared_object_belongs_to_one_definition(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    second = TEN_LINES.replace(NAME, "Again") + f"dataset: {NAME}\nschema: Other\nallow_second_reader: true\n"
    plan = plan_text(client, tmp_path, TEN_LINES, second)
    assert (the_step(plan, "conflict").users, plan.changed) == (("Again",), ("Again",))


def test_a_step_that_waits_for_a_conflict_is_blocked(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    text = TEN_LINES.replace("PayPal.Catalog_Products", "PayPal.Orders").replace("every 30 minutes", "every day")
    assert not_done(plan_text(client, tmp_path, text)) == {"source connection": "conflict", "dataflow": "blocked"}


# ---- owners --------------------------------------------------------------------------------------------------------


def test_an_object_of_another_project_is_not_changed(client: Client, tmp_path: Path) -> None:
    write_files(tmp_path, project=PROJECT)
    apply(client, plan_text(client, tmp_path, TEN_LINES), owner="sales")
    assert not_done(plan_text(client, tmp_path, TEN_LINES)) == {}
    kind, reason = conflict(client, tmp_path, TEN_LINES.replace("every 30 minutes", "every day"))
    assert (kind, reason) == ("dataflow", "its mark names the owner 'sales': change it there, or take it over")


def test_an_unmarked_object_is_changed_only_with_manage_unmarked(make_client: object, tmp_path: Path) -> None:
    client = make_client(marks=False)  # type: ignore[operator]
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    write_files(tmp_path, project=PROJECT)
    marking = make_client()  # type: ignore[operator]
    changed = TEN_LINES.replace("every 30 minutes", "every day")
    assert "write `manage_unmarked: true`" in conflict(marking, tmp_path, changed)[1]
    assert not_done(plan_text(marking, tmp_path, changed + "manage_unmarked: true\n")) == {"dataflow": "update"}
    plan = plan_text(client, tmp_path, changed)
    assert not_done(plan) == {"dataflow": "update"}
    assert plan.notes == (
        "the connection writes no marks, so any object may be changed as if it belonged to this project",
    )


def test_a_dataflow_of_the_project_without_a_definition_is_noted(client: Client, tmp_path: Path) -> None:
    write_files(tmp_path, project=PROJECT)
    other = TEN_LINES.replace(NAME, "Other").replace("PayPal.Catalog_Products", "PayPal.Billing_Plans")
    other = other.replace("Product_Id", "Id").replace("Product_Name", "Name").replace("  product.type: Type\n", "")
    apply(client, plan_text(client, tmp_path, TEN_LINES, other), owner="finance")
    (tmp_path / "f1.yaml").unlink()
    (note,) = plan_of(client, tmp_path).notes
    assert note.startswith("dataflow 'Other' (")
    assert plan_of(client, tmp_path, only=[NAME]).notes == ()


# ---- double ingestion ----------------------------------------------------------------------------------------------


def test_a_second_reader_into_the_same_dataset_is_refused(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    second = TEN_LINES.replace(NAME, "Again") + f"dataset: {NAME}\n"
    kind, reason = conflict(client, tmp_path, second)
    assert (kind, "write `previous_names: [PayPal catalog products]`" in reason) == ("dataflow", True)
    assert plan_text(client, tmp_path, second + f"previous_names: [{NAME}]\n").conflicts == ()
    assert actions(plan_text(client, tmp_path, second + "allow_second_reader: true\n"))["dataflow"] == "create"


def test_a_source_of_a_deleted_dataflow_requires_backfill(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    emulator.advance(2 * DAY)
    (flow,) = emulator.objects("flows")
    client.request("DELETE", f"/data/foundation/flowservice/flows/{flow['id']}")
    kind, reason = conflict(client, tmp_path, TEN_LINES)
    assert (kind, reason.partition(":")[0]) == (
        "dataflow",
        "a deleted dataflow may have read this source into the dataset, which contains rows",
    )
    with_backfill = TEN_LINES.replace("every 30 minutes", "{every: 30 minutes, backfill: false}")
    step = the_step(plan_text(client, tmp_path, with_backfill), "create")
    assert (step.kind, step.reason) == ("dataflow", "reads rows that are new from its start on")


def test_a_second_dataflow_of_the_same_name_is_noted(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    (flow,) = emulator.objects("flows")
    emulator.advance(60)
    source = {k: flow[k] for k in ("name", "flowSpec", "targetConnectionIds", "transformations")}
    second = client.request("POST", "/data/foundation/flowservice/sourceConnections", body=_twin(emulator)).body["id"]
    schedule = {"startTime": 4102444800, "frequency": "week", "interval": 1}
    body = {**source, "sourceConnectionIds": [second], "scheduleParams": schedule}
    client.request("POST", "/data/foundation/flowservice/flows", body=body)
    plan = plan_text(client, tmp_path, TEN_LINES)
    assert not_done(plan) == {}
    assert plan.notes[0].partition(" is used")[0] == (
        f"several dataflows have the name or a previous one: 'PayPal catalog products' ({flow['id']})"
    )


def _twin(emulator: Emulator) -> dict[str, object]:
    (source,) = emulator.objects("sourceConnections")
    return {name: source[name] for name in ("name", "baseConnectionId", "data", "params", "connectionSpec")}


def test_a_plan_that_creates_dataflows_notes_once_that_others_may_be_hidden(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    several = [TEN_LINES.replace(NAME, f"Products {at}") for at in range(5)]
    (note,) = plan_text(client, tmp_path, *several).notes
    assert note.startswith(
        "'Products 0', 'Products 1', 'Products 2' and 2 more will be created. If access labels hide a"
    )
    apply(client, plan_text(client, tmp_path / "one", several[0]))
    more = plan_text(client, tmp_path / "one", several[0].replace("_id: Product_Id", "_id: Type"))
    assert (more.count("create"), more.notes) == (1, ())


# ---- shared objects ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new_name", ["A new one", "Z new one"])
def test_an_adoption_by_another_definition_is_no_drift(client: Client, tmp_path: Path, new_name: str) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    plan = plan_text(client, tmp_path, TEN_LINES, TEN_LINES.replace(NAME, new_name))
    adopted = the_step(plan, "adopt")
    assert (adopted.kind, set(adopted.users), adopted.affected) == ("base connection", {NAME, new_name}, (new_name,))
    assert (plan.changed, drifted(plan)) == ((new_name,), [new_name])
    assert "= base connection PayPal connection (24151d58-ffa7-4960-951d-58ffa7396097)\n" in render.plan_text(plan)


def test_a_change_by_another_definition_is_no_drift_of_a_referring_one(client: Client, tmp_path: Path) -> None:
    shared = "schema: {title: Products}\ndataset: {name: Products, description: Daily}\n"
    refers = REFERRING.replace("dataset: {name: Other}", "dataset: Products").replace(
        "schema: PayPal catalog products\n", ""
    )
    refers += "allow_second_reader: true\n"
    apply(client, plan_text(client, tmp_path, TEN_LINES + shared, refers))
    plan = plan_text(client, tmp_path, TEN_LINES + shared.replace("Daily", "Hourly"), refers)
    assert (not_done(plan), plan.changed, drifted(plan)) == ({"dataset": "update"}, (NAME,), [NAME])


def test_a_schema_extension_by_another_definition_is_no_drift(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES, REFERRING))
    more = TEN_LINES.replace("product.type: Type", "product.type: Type\n  product.kind: Type")
    plan = plan_text(client, tmp_path, more + "schema: {field_group: More fields}\n", REFERRING)
    assert (plan.count("create"), plan.count("update")) == (2, 2)  # field group and mapping set, schema and dataflow
    assert (plan.changed, drifted(plan)) == ((NAME,), [NAME])


def test_a_definition_may_refer_to_a_dataset_described_by_another(client: Client, tmp_path: Path) -> None:
    shared = "schema: {title: Products}\ndataset: {name: Products}\n"
    refers = TEN_LINES.replace(NAME, "Again").replace("PayPal.Catalog_Products", "PayPal.Billing_Plans")
    refers = refers.replace("Product_Id", "Id").replace("Product_Name", "Name").replace("  product.type: Type\n", "")
    plan = plan_text(client, tmp_path, refers + "dataset: Products\n", TEN_LINES + shared)
    assert (plan.count("conflict"), plan.count("create")) == (0, 11)
    datasets = [step for step in plan.steps if step.kind == "dataset"]
    assert [step.name for step in datasets] == ["Products"]
    apply(client, plan)
    again = plan_text(client, tmp_path, refers + "dataset: Products\n", TEN_LINES + shared)
    assert not_done(again) == {}


def test_a_shared_field_group_contains_the_fields_of_both_definitions(client: Client, tmp_path: Path) -> None:
    plans = TEN_LINES.replace(NAME, "Plans").replace("PayPal.Catalog_Products", "PayPal.Billing_Plans")
    plans = plans.replace("Product_Id", "Id").replace("product.name: Product_Name", "plan.name: Name")
    plans = plans.replace("  product.type: Type\n", "").replace("product.createTime", "plan.created")
    both = [f"{text}schema: {{title: Shared}}\n" for text in (TEN_LINES, plans)]
    apply(client, plan_text(client, tmp_path, *both))
    assert not_done(plan_text(client, tmp_path, *both)) == {}
    more = [text.replace("  _id:", f"  more.{at}: {{value: x}}\n  _id:") for at, text in enumerate(both)]
    plan = plan_text(client, tmp_path, *more)
    (step,) = (step for step in plan.steps if step.kind == "field group")
    assert (step.action, len(step.users)) == ("update", 2)
    assert "more" in str(step.changes)
    apply(client, plan)
    assert not_done(plan_text(client, tmp_path, *more)) == {}


# ---- reading -------------------------------------------------------------------------------------------------------


def test_a_forbidden_list_is_an_error_that_names_the_permission(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.fail("status", method="GET", path="/data/foundation/catalog/dataSets", status=403, times=100)
    with pytest.raises(RequestError, match="needs the permission 'View Datasets' to read this"):
        plan_text(client, tmp_path, TEN_LINES + "dataset: Products\n")


def test_an_unneeded_list_is_not_read(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    emulator.fail("status", method="GET", path="/data/foundation/conversion/mappingSets", status=403, times=100)
    assert plan_text(client, tmp_path, TEN_LINES).conflicts == ()


def test_each_list_is_read_once_for_all_definitions(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    texts = [TEN_LINES.replace(NAME, f"Products {at}") for at in range(5)]
    apply(client, plan_text(client, tmp_path, *texts))
    before = len(emulator.requests())
    assert not_done(plan_text(client, tmp_path, *texts)) == {}
    lists_read = [request["path"].rpartition("/")[2] for request in emulator.requests()[before:]]
    lists = ["flows", "sourceConnections", "targetConnections", "connections", "dataSets", "schemas", "fieldgroups"]
    assert sorted(lists_read) == sorted([*lists, "dataSets", "mappingSets", "mappingSets"])


def test_two_new_readers_of_the_same_data_are_refused(client: Client, tmp_path: Path) -> None:
    by_id = TEN_LINES.replace(NAME, "Again").replace("connection: PayPal connection", f"connection: {{id: {PAYPAL}}}")
    plan = plan_text(client, tmp_path, TEN_LINES, by_id + f"dataset: {NAME}\n")
    assert the_step(plan, "conflict").reason.startswith(
        "'PayPal catalog products' reads PayPal.Catalog_Products into the"
    )


def test_a_draft_with_the_dataflows_name_is_a_conflict(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    (flow,) = emulator.objects("flows")
    client.request("DELETE", f"/data/foundation/flowservice/flows/{flow['id']}")
    members = ("name", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations")
    body = {name: flow[name] for name in members} | {
        "scheduleParams": {"startTime": 4102444800, "frequency": "minute", "interval": 30}
    }
    client.request("POST", "/data/foundation/flowservice/flows", params={"mode": "draft"}, body=body)
    plan = plan_text(client, tmp_path, TEN_LINES)
    assert [change.actual for change in the_step(plan, "conflict").changes] == ["draft"]


def test_control_characters_in_a_name_are_escaped_in_a_plan(client: Client, tmp_path: Path) -> None:
    DataflowCreator(client).create(DataflowSetup(names=("Flow", "s\x1b[2J\nNothing to do", "t")))
    (text,) = export_dataflows(Snapshot(client)).files.values()
    plan = plan_text(client, tmp_path, text.replace("PayPal.Catalog_Products", "PayPal.Transactions"))
    assert "source connection s\\x1b[2J\\x0aNothing to do (" in render.plan_text(plan)
    assert "source connection s\\x1b[2J Nothing to do |" in render.plan_markdown(plan)


def test_a_new_dataset_with_two_different_schemas_is_a_conflict(client: Client, tmp_path: Path) -> None:
    both = [TEN_LINES.replace("PayPal catalog products", name) + "dataset: {name: D}\n" for name in ("A", "B")]
    both[1] += "allow_second_reader: true\n"
    plan = plan_text(client, tmp_path, *both)
    (step,) = (step for step in plan.conflicts if step.kind == "dataset")
    assert step.reason == "another definition creates it with another schema: describe it once, and refer to it by name"
    assert step.users == ("B",)
