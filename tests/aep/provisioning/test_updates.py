"""``if_exists='update'``: the updates in place, their requests, and the refused ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import ConflictError, RequestError
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import COLUMNS, CRM_FLOW_SPEC, FIELDS, FLOW_SERVICE, KINDS, REGISTRY, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

EVENT = "https://ns.adobe.com/xdm/context/experienceevent"
PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
Make = Callable[[Chain], dict[str, Any]]


def patches(emulator: Emulator) -> list[Any]:
    return [request["body"] for request in emulator.requests(method="PATCH")]


@pytest.fixture
def proxied(make_client: Callable[..., Client], proxy: FaultProxy) -> Client:
    return make_client(proxy.url)


# ---- dataflows -----------------------------------------------------------------------------------------------------


def other_mapping(chain: Chain) -> dict[str, Any]:
    return {"mapping_set_id": chain.ensure(chain.mapping_set(mappings={"_id": "Type"})).existing.id}


USUAL_DELTA = {"name": "Create_Time", "dateFormat": "yyyy-MM-dd HH:mm:ss", "timezone": "UTC"}


def transformations(mapping_set_id: str, delta: dict[str, str]) -> dict[str, Any]:
    mapping = {"mappingId": mapping_set_id, "mappingVersion": "0"}
    entries = [{"name": "Copy", "params": {"deltaColumn": delta}}, {"name": "Mapping", "params": mapping}]
    return {"op": "replace", "path": "/transformations", "value": entries}


UPDATES: dict[str, tuple[dict[str, Any], Make, Callable[[Chain, dict[str, Any]], list[Any]]]] = {
    # name: arguments before and after, and the JSON Patch, in which "add" replaces an existing member
    "interval": (
        {},
        lambda _: {"schedule": Schedule(frequency="minute", interval=30)},
        lambda *_: [{"op": "add", "path": "/scheduleParams/interval", "value": 30}],
    ),
    "frequency and interval": (
        {},
        lambda _: {"schedule": Schedule(frequency="day", interval=1)},
        lambda *_: [
            {"op": "add", "path": "/scheduleParams/frequency", "value": "day"},
            {"op": "add", "path": "/scheduleParams/interval", "value": 1},
        ],
    ),
    "backfill that was not sent": (
        {},
        lambda _: {"schedule": Schedule(frequency="minute", interval=15, backfill=False)},
        lambda *_: [{"op": "add", "path": "/scheduleParams/backfill", "value": False}],
    ),
    "mapping set": (
        {},
        other_mapping,
        lambda _, requested: [transformations(requested["mapping_set_id"], USUAL_DELTA)],
    ),
    "delta column": (
        {},
        lambda _: {"delta_column": DeltaColumn("Type", "yyyy-MM-dd")},
        lambda chain, _: [
            transformations(chain.mapping_set_id, USUAL_DELTA | {"name": "Type", "dateFormat": "yyyy-MM-dd"})
        ],
    ),
    "end": (
        {},
        lambda _: {
            "schedule": Schedule("minute", 15, end_time=datetime(2100, 1, 1, tzinfo=UTC)),
            "flow_spec": FlowSpec(CRM_FLOW_SPEC),  # the emulator's flow spec has no end time
        },
        lambda *_: [{"op": "add", "path": "/scheduleParams/endTime", "value": 4102444800}],
    ),
    "options that are there": (
        {"partial_ingestion_percent": 5},
        lambda _: {"partial_ingestion_percent": 10},
        lambda *_: [
            {
                "op": "add",
                "path": "/options",
                "value": {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 10},
            }
        ],
    ),
}


@pytest.mark.parametrize(("before", "requested", "patch"), UPDATES.values(), ids=UPDATES)
def test_an_updated_dataflow_matches(
    before: dict[str, Any],
    requested: Make,
    patch: Callable[[Chain, dict[str, Any]], list[Any]],
    chain: Chain,
    emulator: Emulator,
) -> None:
    provisioned = chain.ensure(chain.dataflow(**before))
    given = requested(chain)
    updated = chain.ensure(chain.dataflow(**given), if_exists="update")
    assert (updated.created, updated.updated, updated.existing.id) == (False, True, provisioned.existing.id)
    assert patches(emulator) == [patch(chain, given)]
    # Nothing differs now, and the returned etag is the one that the next update needs.
    assert chain.ensure(chain.dataflow(**given)).existing.etag == updated.existing.etag != provisioned.existing.etag


@pytest.mark.parametrize(
    ("requested", "path", "value"),
    [
        (lambda _: {"schedule": Schedule(frequency="hour", interval=2)}, ("scheduleParams", "frequency"), "hour"),
        (other_mapping, ("transformations", 0, "params", "mappingVersion"), "0"),
    ],
    ids=["schedule", "mapping"],
)
def test_an_update_keeps_members_that_the_user_did_not_set(
    requested: Make, path: tuple[Any, ...], value: Any, chain: Chain, emulator: Emulator
) -> None:
    """An update of the interval must not let the dataflow ingest its history."""
    delta = {"name": "Create_Time", "dateFormat": "YYYY-MM-DD", "timezone": "GMT", "own": 1}
    mapping = {"mappingId": chain.mapping_set_id, "mappingVersion": 0, "own": [2]}
    steps = [{"name": "Mapping", "params": mapping}, {"name": "Copy", "params": {"deltaColumn": delta, "own": "3"}}]
    params = {"startTime": "4102444800", "frequency": "minute", "interval": "15", "backfill": False, "own": 4}
    body = chain.dataflow().payload() | {"transformations": steps, "scheduleParams": params}
    chain.post(f"{FLOW_SERVICE}/flows", body | {"options": {"partialIngestionPercent": "5"}})
    (before,) = emulator.objects("flows")
    chain.ensure(chain.dataflow(**requested(chain)), if_exists="update")
    (after,) = emulator.objects("flows")
    assert after["scheduleParams"]["backfill"] is False
    assert after["scheduleParams"]["own"] == 4
    assert after["transformations"][1] == steps[1]
    assert after["transformations"][0]["params"]["own"] == [2]
    assert after["options"] == before["options"]
    for step in path:
        after = after[step]
    assert after == value


def test_options_are_added_to_a_dataflow_without_options(chain: Chain, emulator: Emulator) -> None:
    """The service returns options of its own even if none were sent."""
    chain.ensure(chain.dataflow())
    desired = chain.dataflow(partial_ingestion_percent=5)
    chain.ensure(desired, if_exists="update")
    assert not chain.ensure(desired).created
    (item,) = emulator.objects("flows")
    assert item["options"]["partialIngestionPercent"] == 5


@pytest.mark.parametrize("backfill", [None, True], ids=["plain", "with backfill"])
def test_an_update_to_a_single_run_removes_the_recurring_members(
    backfill: bool | None, chain: Chain, emulator: Emulator
) -> None:
    chain.ensure(chain.dataflow(schedule=Schedule(frequency="minute", interval=15, backfill=backfill)))
    chain.ensure(chain.dataflow(schedule=Schedule()), if_exists="update")
    (item,) = emulator.objects("flows")
    assert item["scheduleParams"].keys() == {"startTime", "frequency"}
    assert [t["name"] for t in item["transformations"]] == ["Mapping"]


def test_an_update_of_a_matching_dataflow_sends_nothing(chain: Chain, emulator: Emulator) -> None:
    provisioned = chain.ensure(chain.dataflow())
    found = chain.ensure(chain.dataflow(), if_exists="update")
    assert (found.updated, found.existing.id) == (False, provisioned.existing.id)
    assert patches(emulator) == []


# ---- refused updates -----------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "source columns": ("source connection", {}, {"columns": COLUMNS[:2]}, "params.columns"),
    "host of the vendor": (
        "base connection",
        {},
        {"credential": {"host": "other", "clientId": "a", "clientSecret": "b"}},
        "auth.params.host: desired 'other', actual 'api.sandbox.paypal.com'",
    ),
    "format of the target": ("target connection", {}, {"data_format": "parquet_xdm"}, "data.format"),
    "schema of the dataset": ("dataset", {}, {}, "schemaRef.id"),
    "class of the field group": ("field group", {}, {"class_id": EVENT}, "class: desired"),
    "class of the schema": ("schema", {"field_groups": ()}, {"field_groups": (), "class_id": EVENT}, "class is fixed"),
    "columns of the ad-hoc class": ("ad-hoc class", {}, {"fields": {"Amount": "number"}}, "fields.Amount: desired"),
    "target of the dataflow": ("dataflow", {}, {}, "targetConnectionIds"),
}


@pytest.mark.parametrize(("kind", "before", "requested", "named"), REFUSED.values(), ids=REFUSED)
def test_an_impossible_update_is_refused(
    kind: str, before: dict[str, Any], requested: dict[str, Any], named: str, chain: Chain, emulator: Emulator
) -> None:
    build = KINDS[kind].build
    provisioned = chain.ensure(build(chain, **before))
    if kind == "dataset":
        requested = {"schema_id": chain.ensure(chain.schema(name="other")).existing.id}
    if kind == "dataflow":
        dataset = chain.ensure(chain.dataset(name="other")).existing.id
        requested = {"target_connection_id": chain.ensure(chain.target(dataset_id=dataset)).existing.id}
    with pytest.raises(ConflictError) as conflict:
        chain.ensure(build(chain, **requested), if_exists="update")
    assert f"exists already ({provisioned.existing.id}) and differs" in str(conflict.value)
    assert named in str(conflict.value)
    assert "choose another name" in str(conflict.value)
    assert patches(emulator) == []


def test_an_update_does_not_enable_a_disabled_dataflow(chain: Chain, emulator: Emulator) -> None:
    provisioned = chain.ensure(chain.dataflow())
    chain.post(f"{FLOW_SERVICE}/flows/{provisioned.existing.id}/action", None, op="disable")
    with pytest.raises(ConflictError, match="state: desired 'enabled', actual 'disabled'"):
        chain.ensure(chain.dataflow(), if_exists="update")
    assert patches(emulator) == []


# ---- schemas, field groups, datasets -------------------------------------------------------------------------------

BELOW = "/definitions/customFields/properties/_emulator/properties"
GROWTH: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "a leaf": (
        {"product.price": "number"},
        [{"op": "add", "path": f"{BELOW}/product/properties/price", "value": {"type": "number"}}],
    ),
    "a branch": (
        {"maker.name": "string", "maker.site": "uri"},
        [
            {
                "op": "add",
                "path": f"{BELOW}/maker",
                "value": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "site": {"type": "string", "format": "uri"}},
                },
            }
        ],
    ),
    "two places": (
        {"product.price": "number", "seen": "date-time"},
        [
            {"op": "add", "path": f"{BELOW}/product/properties/price", "value": {"type": "number"}},
            {"op": "add", "path": f"{BELOW}/seen", "value": {"type": "string", "format": "date-time"}},
        ],
    ),
}


@pytest.mark.parametrize(("more", "patch"), GROWTH.values(), ids=GROWTH)
def test_an_update_adds_fields_to_a_field_group(
    more: dict[str, str], patch: list[Any], chain: Chain, emulator: Emulator
) -> None:
    provisioned = chain.ensure(chain.field_group())
    desired = chain.field_group(fields=FIELDS | more)
    updated = chain.ensure(desired, if_exists="update")
    assert (updated.created, updated.existing.id, updated.to_json()["version"]) == (
        False,
        provisioned.existing.id,
        "1.1",
    )
    assert patches(emulator) == [patch]
    assert not chain.ensure(desired).created
    assert not chain.ensure(chain.field_group()).created


RETYPED = {
    "another type": ({"product.name": "integer"}, "product.name (type): desired 'integer', actual 'string'"),
    "a branch as a leaf": ({"product": "string"}, "product (type): desired 'string', actual 'object'"),
    "a leaf as a branch": ({"product.name.first": "string"}, "product.name (type): desired 'object', actual 'string'"),
}


@pytest.mark.parametrize(("fields", "shown"), RETYPED.values(), ids=RETYPED)
def test_an_update_that_changes_a_fields_type_is_refused(
    fields: dict[str, str], shown: str, chain: Chain, emulator: Emulator
) -> None:
    chain.ensure(chain.field_group())
    with pytest.raises(ConflictError, match=re.escape(f"differs: fields.{shown}. An update only adds fields")):
        chain.ensure(chain.field_group(fields=fields | {"other": "string"}), if_exists="update")
    assert patches(emulator) == []


def test_an_update_adds_field_groups_to_a_schema(chain: Chain, emulator: Emulator) -> None:
    provisioned = chain.ensure(chain.schema(field_groups=()))
    desired = chain.schema(field_groups=(PERSON, chain.group_id))
    assert chain.ensure(desired, if_exists="update").existing.id == provisioned.existing.id
    assert patches(emulator) == [
        [
            {"op": "add", "path": "/allOf/-", "value": {"$ref": PERSON}},
            {"op": "add", "path": "/allOf/-", "value": {"$ref": chain.group_id}},
        ]
    ]
    assert not chain.ensure(desired).created


def test_an_update_adds_missing_tags_to_a_dataset(chain: Chain, emulator: Emulator) -> None:
    """A sent tag replaces the tag of its name, so the update also sends the values that the tag has."""
    provisioned = chain.ensure(chain.dataset(tags={"own": ["a"], "unifiedProfile": ["isUpsert: true"]}))
    desired = chain.dataset(tags={"own": ["a"], "unifiedProfile": ["enabled: true"]})
    assert chain.ensure(desired, if_exists="update").existing.id == provisioned.existing.id
    assert patches(emulator) == [{"tags": {"unifiedProfile": ["isUpsert: true", "enabled: true"]}}]
    assert not chain.ensure(desired).created


# ---- unique titles of the registry ---------------------------------------------------------------------------------

TITLED = ["field group", "ad-hoc class", "schema"]


@pytest.mark.parametrize("kind", TITLED)
def test_a_matching_object_that_took_the_title_is_adopted(
    kind: str, chain: Chain, proxied: Client, proxy: FaultProxy
) -> None:
    desired = KINDS[kind].build(chain)
    provisioned = chain.ensure(desired)
    proxy.fault("GET", KINDS[kind].path, status=200, body=b'{"results": [], "_page": {}}')
    found = ensure(proxied, desired)
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)
    assert found.to_json() == chain.ensure(desired).to_json()


CHANGED = {"field group": {"fields": {"x": "string"}}, "ad-hoc class": {"fields": {"x": "date"}}, "schema": {}}


@pytest.mark.parametrize("kind", TITLED)
def test_a_differing_object_that_took_the_title_is_a_conflict(
    kind: str, chain: Chain, proxied: Client, proxy: FaultProxy
) -> None:
    before = {"field_groups": ()} if kind == "schema" else {}
    provisioned = chain.ensure(KINDS[kind].build(chain, **before))
    proxy.fault("GET", KINDS[kind].path, status=200, body=b'{"results": [], "_page": {}}')
    with pytest.raises(ConflictError, match=provisioned.existing.id):
        ensure(proxied, KINDS[kind].build(chain, **CHANGED[kind]))


def test_fail_does_not_adopt_an_object_that_took_the_title(chain: Chain, proxied: Client, proxy: FaultProxy) -> None:
    chain.ensure(chain.schema())
    proxy.fault("GET", f"{REGISTRY}/tenant/schemas", status=200, body=b'{"results": []}')
    with pytest.raises(ConflictError, match="if_exists='fail'"):
        ensure(proxied, chain.schema(), if_exists="fail")


def test_a_title_taken_by_another_kind_of_resource_is_an_error(chain: Chain, emulator: Emulator) -> None:
    provisioned = chain.ensure(chain.field_group(name="products"))
    with pytest.raises(RequestError, match="XDM-1521-400") as failed:
        chain.ensure(chain.schema(name="products"))
    assert provisioned.existing.id in str(failed.value)
    assert not failed.value.retryable
    assert [item for item in emulator.objects("schemas") if item["title"] == "products"] == []
