"""Plans of an existing chain: after a change of the file, and after a change in the user interface."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.plan import Plan
from tests.aep.dataflows.applying import apply, not_done, plan_text
from tests.conftest import Emulator

PRODUCTS = """\
version: 1
name: Products
source:
  vendor: paypal
  connection: PayPal connection
  table: PayPal.Catalog_Products
  columns: [Product_Id, Product_Name, Type, Create_Time]
schema:
  title: Product schema
  fields:
    product.name: string
    product.createTime: date-time
dataset:
  name: Product dataset
  description: Loaded daily
  tags: {team: [finance]}
mappings:
  _id: Product_Id
  product.name: Product_Name
delta_column: Create_Time
schedule: every day
tolerance: 5%
"""
FLOWS = "/data/foundation/flowservice/flows"


@pytest.fixture
def applied(client: Client, tmp_path: Path) -> Path:
    """A folder with an applied definition."""
    apply(client, plan_text(client, tmp_path, PRODUCTS))
    return tmp_path


def reasons(plan: Plan) -> str:
    return "\n".join([*(step.reason for step in plan.steps), *(str(d) for step in plan.steps for d in step.changes)])


@pytest.mark.parametrize(
    ("was", "now", "steps", "expected"),
    [
        ("every day", "every 2 hours", {"dataflow": "update"}, "frequency: desired 'hour', actual 'day'"),
        ("tolerance: 5%", "tolerance: 10%", {"dataflow": "update"}, "partialIngestionPercent: desired 10, actual 5"),
        ("tolerance: 5%", "tolerance: 0%", {"dataflow": "update"}, "partialIngestionPercent: desired None, actual 5"),
        ("5%\n", "5%\ndescription: All\n", {"dataflow": "update"}, "description: desired 'All'"),
        ("5%\n", "5%\nenabled: false\n", {"dataflow": "update"}, "state: desired 'disabled', actual 'enabled'"),
        ("delta_column: Create_Time", "delta_column: {name: Create_Time, format: yyyy}", {"dataflow": "update"},
         "deltaColumn.dateFormat: desired 'yyyy'"),
        ("delta_column: Create_Time", "delta_column: Type", {"dataflow": "update"}, "deltaColumn.name: desired 'Type'"),
        ("name: Products\n", "name: Goods\nprevious_names: [Products]\n", {"dataflow": "update"}, "desired 'Goods'"),
        ("_id: Product_Id", "_id: Product_Name", {"mapping set": "create", "dataflow": "update"},
         "mappings._id: desired 'Product_Name', actual 'Product_Id'"),
        ("product.name: string", "product.name: string\n    product.x: string", {"field group": "update"}, "product.x"),
        ("[finance]", "[finance, eu]", {"dataset": "update"}, "team=eu"),
        ("Loaded daily", "Loaded hourly", {"dataset": "update"}, "description: desired 'Loaded hourly'"),
        ("schema:\n", "schema:\n  description: All\n", {"schema": "update"}, "description: desired 'All'"),
        ("schema:\n", "schema:\n  field_groups: [https://ns.adobe.com/xdm/context/profile-person-details]\n",
         {"schema": "update"}, "profile-person-details"),
        ("product.name: string", "product.name: integer", {"field group": "conflict"}, "choose another name"),
        ("schema:\n", "schema:\n  class: event\n", {"schema": "conflict"}, "class is fixed"),
        ("title: Product schema", "title: Other", {"schema": "conflict"}, "a dataset's schema cannot be changed"),
        ("name: Product dataset", "name: Other", {"dataset": "conflict"}, "a dataflow cannot change its dataset"),
        ("PayPal.Catalog_Products", "PayPal.Billing_Plans", {"source connection": "conflict"}, "There are three ways"),
        ("Type, Create_Time]", "Create_Time]", {"source connection": "conflict"}, "params.columns"),
        ("every day\n", "once\n#", {"dataflow": "conflict"}, "FLOW-1403"),
        ("every day", "{every: day, backfill: false}", {"dataflow": "conflict"}, "FLOW-1404"),
        ("5%\n", "5%\n#", {}, ""),
        ("tolerance: 5%", "error_diagnostics: true", {}, ""),
        ("PayPal connection", "Other connection", {"source connection": "conflict"}, "desired 'Other connection'"),
    ],
)  # fmt: skip
def test_a_change_of_the_file_is_planned_as_update_or_conflict(
    was: str, now: str, steps: dict[str, str], expected: str, client: Client, emulator: Emulator, applied: Path
) -> None:
    emulator.advance(2 * 86400)
    text = PRODUCTS.replace(was, now)
    if "once" in now:
        text = text.replace("delta_column: Create_Time\n", "")
    plan = plan_text(client, applied, text)
    assert {kind: action for kind, action in not_done(plan).items() if action != "blocked"} == steps
    assert expected in reasons(plan)


@pytest.mark.parametrize(
    ("live", "now", "expected"),
    [
        ("every day", "every 2 hours", "applies to later runs; no row is read again"),
        ("every day", "{every: day, backfill: false}", "reads rows that are new from its start on"),
        ("{every: day, backfill: false}", "{every: day, backfill: true}", "reads all history with its first run"),
        ("every day\nenabled: false", "every day\nenabled: true", "reads rows that are new since its last run"),
        ("every day", "every day\nenabled: false", "no run begins while it is disabled"),
        ("every day", "every day\ndelta_column: {name: Create_Time, format: yyyy}",
         "later runs identify new rows by another value: rows may be ingested again, and others may be left out"),
    ],
)  # fmt: skip
def test_a_change_of_a_dataflow_names_its_effect_on_rows(
    live: str, now: str, expected: str, client: Client, tmp_path: Path
) -> None:
    apply(client, plan_text(client, tmp_path, PRODUCTS.replace("every day", live)))
    text = PRODUCTS.replace("delta_column: Create_Time\n", "") if "delta_column" in now else PRODUCTS
    (step,) = [s for s in plan_text(client, tmp_path, text.replace("every day", now)).steps if not s.is_done]
    assert (step.action, step.reason) == ("update", expected)


def test_a_tolerance_of_zero_removes_partial_ingestion_but_not_diagnostics(
    client: Client, emulator: Emulator, applied: Path
) -> None:
    apply(client, plan_text(client, applied, PRODUCTS.replace("5%", "0%")))
    (flow,) = emulator.objects("flows")
    assert flow["options"].get("partialIngestionPercent") is None
    assert flow["options"]["errorDiagnosticsEnabled"] is True
    without = PRODUCTS.replace("tolerance: 5%", "tolerance: 0%\nerror_diagnostics: false")
    apply(client, plan_text(client, applied, without))
    assert not_done(plan_text(client, applied, without)) == {}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("every day", "every 2 hours"),
        ("tolerance: 5%", "tolerance: 0%"),
        ("_id: Product_Id", "_id: Product_Name"),
        ("name: Products\n", "name: Goods\nprevious_names: [Products]\n"),
        ("product.name: string", "product.name: string\n    product.x: string"),
        ("5%\n", "5%\nenabled: false\ndescription: All\n"),
        ("[finance]", "[finance, eu]"),
        ("schema:\n", "schema:\n  description: All\n"),
    ],
)
def test_an_applied_change_is_unchanged(was: str, now: str, client: Client, applied: Path) -> None:
    text = PRODUCTS.replace(was, now)
    apply(client, plan_text(client, applied, text))
    assert not_done(plan_text(client, applied, text)) == {}


# ---- changes in the user interface ---------------------------------------------------------------------------------


class UserInterface:
    """Another user, who changes objects in Adobe's user interface."""

    def __init__(self, client: Client, emulator: Emulator) -> None:
        self.client, self.emulator = client, emulator

    def patch(self, *operations: dict[str, Any]) -> None:
        (flow,) = self.emulator.objects("flows")
        self.client.request("PATCH", f"{FLOWS}/{flow['id']}", body=list(operations), headers={"If-Match": flow["etag"]})

    def act(self, op: str) -> None:
        self.client.request("POST", f"{FLOWS}/{self.id_of('flows')}/action", params={"op": op})

    def id_of(self, kind: str) -> str:
        (item,) = self.emulator.objects(kind)
        return str(item["id"])

    def delete(self, path: str) -> None:
        self.client.request("DELETE", f"/data/foundation/{path}")


def change_dataset(ui: UserInterface, **members: Any) -> None:
    ui.client.request("PATCH", f"/data/foundation/catalog/dataSets/{ui.id_of('dataSets')}", body=members)


def replace_tags(ui: UserInterface) -> None:
    change_dataset(ui, tags={"team": ["sales"]})


def replace_description(ui: UserInterface) -> None:
    change_dataset(ui, description="By ui")


def remove_columns(ui: UserInterface) -> None:
    (source,) = ui.emulator.objects("sourceConnections")
    operations = [{"op": "replace", "path": "/params/columns", "value": source["params"]["columns"][:2]}]
    path, headers = f"/data/foundation/flowservice/sourceConnections/{source['id']}", {"If-Match": source["etag"]}
    ui.client.request("PATCH", path, body=operations, headers=headers)


def replace_mapping_set(ui: UserInterface) -> None:
    (known,), (flow,) = ui.emulator.objects("mappingSets"), ui.emulator.objects("flows")
    pairs = [{name: pair[name] for name in ("sourceType", "source", "destination")} for pair in known["mappings"]]
    pairs[0 if pairs[0]["destination"] == "_id" else 1]["source"] = "Type"
    body = {"name": "by ui", "outputSchema": known["outputSchema"], "mappings": pairs}
    created = ui.client.request("POST", "/data/foundation/conversion/mappingSets", body=body).body["id"]
    steps = [
        step if step["name"] == "Copy" else {"name": "Mapping", "params": {"mappingId": created, "mappingVersion": "0"}}
        for step in flow["transformations"]
    ]
    ui.patch({"op": "replace", "path": "/transformations", "value": steps})


def delete_dataset(ui: UserInterface) -> None:
    ui.delete(f"catalog/dataSets/{ui.id_of('dataSets')}")


def replace(path: str, value: object) -> Callable[[UserInterface], None]:
    return lambda ui: ui.patch({"op": "replace", "path": path, "value": value})


@pytest.mark.parametrize(
    ("change", "steps", "expected"),
    [
        (replace_mapping_set, {"dataflow": "update"}, "mappings._id: desired 'Product_Id', actual 'Type'"),
        (replace("/transformations/0/params/deltaColumn/name", "Type"), {"dataflow": "update"}, "actual 'Type'"),
        (replace("/description", "By ui"), {}, ""),
        (replace_tags, {"dataset": "update"}, "team=finance"),
        (replace_description, {"dataset": "update"}, "desired 'Loaded daily', actual 'By ui'"),
        (remove_columns, {"source connection": "conflict"}, "params.columns"),
        (replace("/scheduleParams/frequency", "week"), {"dataflow": "update"}, "actual 'week'"),
        (replace("/options/partialIngestionPercent", 50), {"dataflow": "update"}, "desired 5, actual 50"),
        (replace("/name", "Renamed"), {"dataflow": "conflict"}, "previous_names: [Renamed]"),
        (lambda ui: ui.delete(f"flowservice/flows/{ui.id_of('flows')}"), {"dataflow": "create"}, ""),
        (delete_dataset, {"target connection": "conflict"}, "the dataflow's dataset no longer exists"),
    ],
)  # fmt: skip
def test_a_change_in_the_user_interface_is_shown(
    change: Callable[[UserInterface], None],
    steps: dict[str, str],
    expected: str,
    client: Client,
    emulator: Emulator,
    applied: Path,
) -> None:
    change(UserInterface(client, emulator))
    plan = plan_text(client, applied, PRODUCTS)
    found = {kind: action for kind, action in not_done(plan).items() if action not in ("blocked", "adopt")}
    assert found == steps
    assert expected in reasons(plan)


def test_an_equal_mapping_set_is_adopted(client: Client, emulator: Emulator, applied: Path) -> None:
    replace_mapping_set(UserInterface(client, emulator))
    plan = plan_text(client, applied, PRODUCTS)
    assert not_done(plan) == {"mapping set": "adopt", "dataflow": "update"}
    (adopted,) = [step for step in plan.steps if step.action == "adopt"]
    assert adopted.id in {each["id"] for each in emulator.objects("mappingSets")}


def test_error_diagnostics_alone_are_an_update(client: Client, tmp_path: Path) -> None:
    plain = PRODUCTS.replace("tolerance: 5%\n", "")
    apply(client, plan_text(client, tmp_path, plain))
    plan = plan_text(client, tmp_path, f"{plain}error_diagnostics: true\n")
    assert not_done(plan) == {"dataflow": "update"}
    assert "errorDiagnosticsEnabled: desired True, actual False" in reasons(plan)


FLOW_SERVICE, REGISTRY = "/data/foundation/flowservice", "/data/foundation/schemaregistry/tenant"


@pytest.mark.parametrize(
    ("path", "empty", "kind", "reason"),
    [
        (
            f"{FLOW_SERVICE}/sourceConnections",
            {"items": []},
            "source connection",
            "the dataflow's source connection no longer exists",
        ),
        (
            f"{FLOW_SERVICE}/connections",
            {"items": []},
            "source connection",
            "the dataflow's base connection no longer exists",
        ),
        (
            f"{FLOW_SERVICE}/targetConnections",
            {"items": []},
            "target connection",
            "the dataflow's target connection no longer exists",
        ),
        (f"{REGISTRY}/schemas", {"results": []}, "dataset", "its schema no longer exists, or is not a custom schema"),
    ],
)
def test_a_deleted_part_of_a_dataflow_is_a_conflict(
    path: str, empty: dict[str, Any], kind: str, reason: str, client: Client, emulator: Emulator, applied: Path
) -> None:
    emulator.fail("status", method="GET", path=path, times=9, status=200, body=empty)
    emulator.fail("status", method="GET", path=f"{path}/*", times=9, status=404)
    emulator.advance(86400)
    plan = plan_text(client, applied, PRODUCTS)
    assert (kind, True) in [(step.kind, step.reason.startswith(reason)) for step in plan.conflicts]


def test_a_disabled_dataflow_is_noted_and_not_changed(client: Client, emulator: Emulator, applied: Path) -> None:
    UserInterface(client, emulator).act("disable")
    plan = plan_text(client, applied, PRODUCTS)
    assert (plan.is_empty, plan.drift) == (True, ("Products",))
    assert plan.notes[0].startswith("'Products' is disabled since 20")
    replace("/scheduleParams/interval", 1)(UserInterface(client, emulator))
    assert plan_text(client, applied, PRODUCTS).notes[0].startswith("'Products' is disabled (last changed 20")
    assert not_done(plan_text(client, applied, PRODUCTS + "enabled: true\n")) == {"dataflow": "update"}
    assert plan_text(client, applied, PRODUCTS + "enabled: false\n").drift == ()


def test_an_added_field_is_no_drift(client: Client, emulator: Emulator, applied: Path) -> None:
    wider = PRODUCTS.replace("product.name: string", "product.name: string\n    product.more: string")
    apply(client, plan_text(client, applied, wider))
    assert not_done(plan_text(client, applied, PRODUCTS)) == {}


def test_a_changed_mapping_of_a_dataflow_that_runs_once_is_a_conflict(client: Client, tmp_path: Path) -> None:
    once = PRODUCTS.replace("every day", "once").replace("delta_column: Create_Time\n", "")
    apply(client, plan_text(client, tmp_path, once))
    assert not_done(plan_text(client, tmp_path, once)) == {}
    plan = plan_text(client, tmp_path, once.replace("_id: Product_Id", "_id: Product_Name"))
    assert not_done(plan) == {"mapping set": "blocked", "dataflow": "conflict"}
    assert "FLOW-1366" in reasons(plan)


def test_a_referenced_schema_must_be_that_of_the_dataset(client: Client, applied: Path) -> None:
    described = PRODUCTS[PRODUCTS.index("schema:") : PRODUCTS.index("dataset:")]
    refers = PRODUCTS.replace(described, "schema: Product schema\n")
    assert not_done(plan_text(client, applied, refers)) == {}
    plan = plan_text(client, applied, refers.replace("schema: Product schema", "schema: Other"))
    assert not_done(plan) == {"schema": "conflict"}
    assert "schema: desired 'Other', actual 'Product schema'" in reasons(plan)
