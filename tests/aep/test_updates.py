"""``if_exists='update'``: what is changed in place, in which words, and what is refused."""

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
    # name: as it is, as it shall be, the JSON Patch, in which adding a member that is there replaces it
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
        lambda _, asked: [transformations(asked["mapping_set_id"], USUAL_DELTA)],
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
            "flow_spec": FlowSpec(CRM_FLOW_SPEC),  # today's lists no end
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


@pytest.mark.parametrize(("before", "asked", "patch"), UPDATES.values(), ids=UPDATES)
def test_a_dataflow_is_patched_and_then_right(
    before: dict[str, Any],
    asked: Make,
    patch: Callable[[Chain, dict[str, Any]], list[Any]],
    chain: Chain,
    emulator: Emulator,
) -> None:
    made = chain.ensure(chain.dataflow(**before))
    given = asked(chain)
    updated = chain.ensure(chain.dataflow(**given), if_exists="update")
    assert (updated.created, updated.updated, updated.existing.id) == (False, True, made.existing.id)
    assert patches(emulator) == [patch(chain, given)]
    # Nothing differs any more, and the etag that came back is the one that the next change needs.
    assert chain.ensure(chain.dataflow(**given)).existing.etag == updated.existing.etag != made.existing.etag


@pytest.mark.parametrize(
    ("asked", "path", "value"),
    [
        (lambda _: {"schedule": Schedule(frequency="hour", interval=2)}, ("scheduleParams", "frequency"), "hour"),
        (other_mapping, ("transformations", 0, "params", "mappingVersion"), "0"),
    ],
    ids=["schedule", "mapping"],
)
def test_an_update_leaves_of_a_strangers_dataflow_what_nobody_wrote(
    asked: Make, path: tuple[Any, ...], value: Any, chain: Chain, emulator: Emulator
) -> None:
    """History does not come in because somebody changed the interval."""
    delta = {"name": "Create_Time", "dateFormat": "YYYY-MM-DD", "timezone": "GMT", "own": 1}
    mapping = {"mappingId": chain.mapping_set_id, "mappingVersion": 0, "own": [2]}
    steps = [{"name": "Mapping", "params": mapping}, {"name": "Copy", "params": {"deltaColumn": delta, "own": "3"}}]
    params = {"startTime": "4102444800", "frequency": "minute", "interval": "15", "backfill": False, "own": 4}
    body = chain.dataflow().payload() | {"transformations": steps, "scheduleParams": params}
    chain.post(f"{FLOW_SERVICE}/flows", body | {"options": {"partialIngestionPercent": "5"}})
    (before,) = emulator.objects("flows")
    chain.ensure(chain.dataflow(**asked(chain)), if_exists="update")
    (after,) = emulator.objects("flows")
    assert after["scheduleParams"]["backfill"] is False
    assert after["scheduleParams"]["own"] == 4
    assert after["transformations"][1] == steps[1]
    assert after["transformations"][0]["params"]["own"] == [2]
    assert after["options"] == before["options"]
    for step in path:
        after = after[step]
    assert after == value


def test_options_are_added_to_a_dataflow_that_was_made_without(chain: Chain, emulator: Emulator) -> None:
    """The service shows options of its own even where none were sent."""
    chain.ensure(chain.dataflow())
    want = chain.dataflow(partial_ingestion_percent=5)
    chain.ensure(want, if_exists="update")
    assert not chain.ensure(want).created
    (item,) = emulator.objects("flows")
    assert item["options"]["partialIngestionPercent"] == 5


@pytest.mark.parametrize("backfill", [None, True], ids=["plain", "with backfill"])
def test_an_update_to_a_single_run_removes_what_a_single_run_must_not_have(
    backfill: bool | None, chain: Chain, emulator: Emulator
) -> None:
    chain.ensure(chain.dataflow(schedule=Schedule(frequency="minute", interval=15, backfill=backfill)))
    chain.ensure(chain.dataflow(schedule=Schedule()), if_exists="update")
    (item,) = emulator.objects("flows")
    assert item["scheduleParams"].keys() == {"startTime", "frequency"}
    assert [t["name"] for t in item["transformations"]] == ["Mapping"]


def test_an_update_of_what_is_right_already_changes_nothing(chain: Chain, emulator: Emulator) -> None:
    made = chain.ensure(chain.dataflow())
    found = chain.ensure(chain.dataflow(), if_exists="update")
    assert (found.updated, found.existing.id) == (False, made.existing.id)
    assert patches(emulator) == []


# ---- what is refused -----------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize(("kind", "before", "asked", "named"), REFUSED.values(), ids=REFUSED)
def test_a_change_that_cannot_be_made_or_does_not_reach_the_dataflow_is_refused(
    kind: str, before: dict[str, Any], asked: dict[str, Any], named: str, chain: Chain, emulator: Emulator
) -> None:
    build = KINDS[kind].build
    made = chain.ensure(build(chain, **before))
    if kind == "dataset":
        asked = {"schema_id": chain.ensure(chain.schema(name="other")).existing.id}
    if kind == "dataflow":
        dataset = chain.ensure(chain.dataset(name="other")).existing.id
        asked = {"target_connection_id": chain.ensure(chain.target(dataset_id=dataset)).existing.id}
    with pytest.raises(ConflictError) as conflict:
        chain.ensure(build(chain, **asked), if_exists="update")
    assert f"exists already ({made.existing.id}) and differs" in str(conflict.value)
    assert named in str(conflict.value)
    assert "choose another name" in str(conflict.value)
    assert patches(emulator) == []


def test_a_disabled_dataflow_is_not_switched_on_by_an_update(chain: Chain, emulator: Emulator) -> None:
    made = chain.ensure(chain.dataflow())
    chain.post(f"{FLOW_SERVICE}/flows/{made.existing.id}/action", None, op="disable")
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
def test_a_field_group_grows(more: dict[str, str], patch: list[Any], chain: Chain, emulator: Emulator) -> None:
    made = chain.ensure(chain.field_group())
    want = chain.field_group(fields=FIELDS | more)
    updated = chain.ensure(want, if_exists="update")
    assert (updated.created, updated.existing.id, updated.to_json()["version"]) == (False, made.existing.id, "1.1")
    assert patches(emulator) == [patch]
    assert not chain.ensure(want).created
    assert not chain.ensure(chain.field_group()).created


RETYPED = {
    "another type": ({"product.name": "integer"}, "product.name (type): desired 'integer', actual 'string'"),
    "a branch as a leaf": ({"product": "string"}, "product (type): desired 'string', actual 'object'"),
    "a leaf as a branch": ({"product.name.first": "string"}, "product.name (type): desired 'object', actual 'string'"),
}


@pytest.mark.parametrize(("fields", "shown"), RETYPED.values(), ids=RETYPED)
def test_a_field_does_not_change_its_type(fields: dict[str, str], shown: str, chain: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.field_group())
    with pytest.raises(ConflictError, match=re.escape(f"differs: fields.{shown}. An update only adds fields")):
        chain.ensure(chain.field_group(fields=fields | {"other": "string"}), if_exists="update")
    assert patches(emulator) == []


def test_a_schema_grows_by_field_groups(chain: Chain, emulator: Emulator) -> None:
    made = chain.ensure(chain.schema(field_groups=()))
    want = chain.schema(field_groups=(PERSON, chain.group_id))
    assert chain.ensure(want, if_exists="update").existing.id == made.existing.id
    assert patches(emulator) == [
        [
            {"op": "add", "path": "/allOf/-", "value": {"$ref": PERSON}},
            {"op": "add", "path": "/allOf/-", "value": {"$ref": chain.group_id}},
        ]
    ]
    assert not chain.ensure(want).created


def test_a_dataset_gets_the_tags_that_are_missing(chain: Chain, emulator: Emulator) -> None:
    """A tag that is sent replaces the one of its name, so what it holds already is sent with it."""
    made = chain.ensure(chain.dataset(tags={"own": ["a"], "unifiedProfile": ["isUpsert: true"]}))
    want = chain.dataset(tags={"own": ["a"], "unifiedProfile": ["enabled: true"]})
    assert chain.ensure(want, if_exists="update").existing.id == made.existing.id
    assert patches(emulator) == [{"tags": {"unifiedProfile": ["isUpsert: true", "enabled: true"]}}]
    assert not chain.ensure(want).created


# ---- titles, which the registry keeps unique -----------------------------------------------------------------------

TITLED = ["field group", "ad-hoc class", "schema"]


@pytest.mark.parametrize("kind", TITLED)
def test_a_title_that_somebody_took_while_the_list_lagged_is_adopted(
    kind: str, chain: Chain, proxied: Client, proxy: FaultProxy
) -> None:
    want = KINDS[kind].build(chain)
    made = chain.ensure(want)
    proxy.fault("GET", KINDS[kind].path, status=200, body=b'{"results": [], "_page": {}}')
    found = ensure(proxied, want)
    assert (found.created, found.existing.id) == (False, made.existing.id)
    assert found.to_json() == chain.ensure(want).to_json()


CHANGED = {"field group": {"fields": {"x": "string"}}, "ad-hoc class": {"fields": {"x": "date"}}, "schema": {}}


@pytest.mark.parametrize("kind", TITLED)
def test_a_title_that_somebody_took_for_something_else_is_a_conflict(
    kind: str, chain: Chain, proxied: Client, proxy: FaultProxy
) -> None:
    before = {"field_groups": ()} if kind == "schema" else {}
    made = chain.ensure(KINDS[kind].build(chain, **before))
    proxy.fault("GET", KINDS[kind].path, status=200, body=b'{"results": [], "_page": {}}')
    with pytest.raises(ConflictError, match=made.existing.id):
        ensure(proxied, KINDS[kind].build(chain, **CHANGED[kind]))


def test_fail_does_not_adopt_a_title_that_somebody_took(chain: Chain, proxied: Client, proxy: FaultProxy) -> None:
    chain.ensure(chain.schema())
    proxy.fault("GET", f"{REGISTRY}/tenant/schemas", status=200, body=b'{"results": []}')
    with pytest.raises(ConflictError, match="if_exists='fail'"):
        ensure(proxied, chain.schema(), if_exists="fail")


def test_a_title_that_another_kind_of_resource_has_is_one_clear_error(chain: Chain, emulator: Emulator) -> None:
    made = chain.ensure(chain.field_group(name="products"))
    with pytest.raises(RequestError, match="XDM-1521-400") as failed:
        chain.ensure(chain.schema(name="products"))
    assert made.existing.id in str(failed.value)
    assert not failed.value.retryable
    assert [item for item in emulator.objects("schemas") if item["title"] == "products"] == []
