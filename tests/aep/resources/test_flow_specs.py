"""Flow specs: the forms in which the service returns them, lookups, and checks of schedule and options."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError, UnreadableError
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.dataflow import DeltaColumn
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, check_against, find_flow_spec
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import CRM_FLOW_SPEC, LAKE_SPEC, PAYPAL_SPEC, REST_FLOW_SPEC, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

STRIPE_SPEC = "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3"
SCHEDULE = {"type": "object", "properties": {"frequency": {"enum": ["day"]}}}
OPTIONS = {"type": "object", "properties": {"partialIngestionPercent": {"type": "number", "exclusiveMinimum": 0}}}
ITEM = {
    "id": "spec-1",
    "name": "CRMToAEP",
    "version": "1.0",
    "sourceConnectionSpecIds": [PAYPAL_SPEC],
    "targetConnectionSpecIds": [LAKE_SPEC],
    "transformationSpecs": [{"name": "Copy", "spec": {}}, {"name": "Mapping", "spec": {}}],
    "scheduleSpec": {"name": "PeriodicSchedule", "spec": SCHEDULE},
    "optionSpec": {"name": "OptionSpec", "spec": OPTIONS},
}
WITH_END = Schedule("minute", 15, end_time=datetime(2100, 1, 1, tzinfo=UTC))
WHOLE = FlowSpec("spec-1", "CRMToAEP", "1.0", ("Copy", "Mapping"), SCHEDULE, OPTIONS)


def without(*names: str, **instead: Any) -> dict[str, Any]:
    return {key: value for key, value in ITEM.items() if key not in names} | instead


ODD: dict[str, tuple[dict[str, Any], tuple[str, ...] | None]] = {
    "plural": (ITEM, ("Copy", "Mapping")),
    "singular": (
        without("transformationSpecs", transformationSpec=ITEM["transformationSpecs"]),
        ("Copy", "Mapping"),
    ),
    "singular and bare": (without("transformationSpecs", transformationSpec={"name": "Mapping"}), ("Mapping",)),
    "not mentioned": (without("transformationSpecs"), None),
}


@pytest.mark.parametrize(("item", "transformations"), ODD.values(), ids=ODD)
def test_transformations_are_read_in_every_form(item: dict[str, Any], transformations: tuple[str, ...] | None) -> None:
    assert FlowSpec.from_item(item).transformations == transformations


def test_a_flow_spec_is_reduced_to_the_members_that_a_dataflow_needs() -> None:
    assert FlowSpec.from_item(ITEM) == WHOLE


NO_NUMBERS = [{"spec": {"minimum": number}} for number in (float("inf"), float("nan"))]


@pytest.mark.parametrize(
    "spec", [None, {}, {"spec": None}, "text", {"spec": "text"}, {"spec": [5]}, *NO_NUMBERS], ids=lambda s: repr(s)[:30]
)
def test_a_schema_that_is_missing_or_not_json_is_unknown(spec: object) -> None:
    read = FlowSpec.from_item(without(scheduleSpec=spec, optionSpec=spec))
    assert (read.schedule_schema, read.option_schema) == (None, None)


@pytest.mark.parametrize(
    ("transformations", "reads_tables"), [(("Copy", "Mapping"), True), (("Mapping",), False), (None, None)], ids=repr
)
def test_a_copy_transformation_means_tables(transformations: tuple[str, ...] | None, reads_tables: bool | None) -> None:
    assert FlowSpec("x", transformations=transformations).reads_tables is reads_tables


SPECS = {"whole": WHOLE, "REST": FlowSpec("r", "R", "2.0", ("Mapping",)), "id alone": FlowSpec("spec-1")}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_flow_spec_is_unchanged_by_an_xcom(spec: FlowSpec) -> None:
    assert FlowSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert FlowSpec.from_json(json.dumps(spec.to_json())) == spec


def test_a_bare_id_is_a_flow_spec() -> None:
    assert FlowSpec.from_json(" spec-1 ") == FlowSpec("spec-1")


@pytest.mark.parametrize("value", ["", None, "None", {}, {"name": "CRMToAEP"}, "{}", 5, ["spec-1"]], ids=repr)
def test_a_value_without_a_flow_specs_id_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="flow_spec="):
        FlowSpec.from_json(value)


# ---- lookup --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source", "identifier", "reads_tables"),
    [("CRMToAEP", PAYPAL_SPEC, CRM_FLOW_SPEC, True), ("RestStorageToAEP", STRIPE_SPEC, REST_FLOW_SPEC, False)],
)
def test_the_flow_spec_of_a_source_is_found(
    name: str, source: str, identifier: str, reads_tables: bool, client: Client
) -> None:
    found = find_flow_spec(client, name, source)
    assert (found.id, found.name, found.version, found.reads_tables) == (identifier, name, "1.0", reads_tables)
    assert found.schedule_schema is not None
    assert "startTime" in found.schedule_schema["properties"]
    assert found.option_schema is not None
    assert "partialIngestionPercent" in found.option_schema["properties"]


def test_an_unknown_name_of_a_flow_spec_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInputError, match="name='CRMtoAEP' is not allowed: it must be the name of a flow spec"):
        find_flow_spec(client, "CRMtoAEP", PAYPAL_SPEC)


def test_a_flow_spec_without_the_source_is_refused_unless_any_is_allowed(client: Client) -> None:
    with pytest.raises(InvalidInputError, match=f"source='{STRIPE_SPEC}'.*flow spec 'CRMToAEP' does not list"):
        find_flow_spec(client, "CRMToAEP", STRIPE_SPEC)
    assert find_flow_spec(client, "CRMToAEP", None).id == CRM_FLOW_SPEC


ANSWERS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "lists of the newest documents": ([ITEM], "spec-1"),
    "no lists, as in the oldest": ([without("sourceConnectionSpecIds", "targetConnectionSpecIds")], "spec-1"),
    "another name first": ([without(id="x", name="CRMToAEP2"), ITEM], "spec-1"),
    "another source first": ([without(id="x", sourceConnectionSpecIds=["other"]), ITEM], "spec-1"),
    "another target first": ([without(id="x", targetConnectionSpecIds=None), ITEM], "spec-1"),
}


@pytest.mark.parametrize(("items", "identifier"), ANSWERS.values(), ids=ANSWERS)
def test_the_flow_spec_from_source_to_data_lake_is_chosen_among_several(
    items: list[dict[str, Any]],
    identifier: str,
    make_client: Callable[..., Client],
    proxy: FaultProxy,
) -> None:
    proxy.fault("GET", "/flowSpecs", status=200, body=json.dumps({"items": items}).encode())
    assert find_flow_spec(make_client(proxy.url), "CRMToAEP", PAYPAL_SPEC).id == identifier


UNREADABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no id": (without("id"), "flow spec without a readable id cannot be read: its id is null, not an id"),
    "no name": (without(name=7), "flow spec spec-1 cannot be read: its name is a number, not text"),
    "odd sources": (without(sourceConnectionSpecIds="x"), "its sourceConnectionSpecIds is text, not a list"),
    "odd transformations": (without(transformationSpecs=[None, {"name": "Copy"}]), "it is null, not an object"),
}


@pytest.mark.parametrize(("item", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_flow_spec_is_read_three_times_and_named(
    item: dict[str, Any], message: str, make_client: Callable[..., Client], proxy: FaultProxy, naps: list[float]
) -> None:
    proxy.fault("GET", "/flowSpecs", status=200, body=json.dumps({"items": [item]}).encode(), times=9)
    with pytest.raises(UnreadableError) as unreadable:
        find_flow_spec(make_client(proxy.url), "CRMToAEP", PAYPAL_SPEC)
    assert message in str(unreadable.value)
    assert unreadable.value.retryable
    assert (proxy.count("GET", "/flowSpecs"), naps) == (3, [2.0, 4.0])


def test_a_suitable_flow_spec_is_chosen_despite_an_unreadable_one(
    make_client: Callable[..., Client], proxy: FaultProxy, naps: list[float]
) -> None:
    proxy.fault("GET", "/flowSpecs", status=200, body=json.dumps({"items": [without(name=7), ITEM]}).encode())
    assert find_flow_spec(make_client(proxy.url), "CRMToAEP", PAYPAL_SPEC) == WHOLE
    assert naps == []


def test_a_flow_spec_outside_a_list_is_accepted(
    chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy
) -> None:
    bare = flow_service.item(chain.client, "flowSpecs", CRM_FLOW_SPEC)
    proxy.fault("GET", f"/flowSpecs/{CRM_FLOW_SPEC}", status=200, body=json.dumps(bare).encode())
    assert ensure(make_client(proxy.url), chain.dataflow(flow_spec=FlowSpec(CRM_FLOW_SPEC))).created


@pytest.mark.parametrize("body", [b'{"items": []}', b"{}", b"[]"], ids=["no items", "nothing", "a list"])
def test_an_answer_without_a_flow_spec_is_retried_then_an_error(
    body: bytes, chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    resource = chain.dataflow(flow_spec=FlowSpec(CRM_FLOW_SPEC))
    proxy.fault("GET", f"/flowSpecs/{CRM_FLOW_SPEC}", status=200, body=body, times=99)
    with pytest.raises(
        RequestError, match=r"failed \(no usable answer\); (the answer contains no item|answered a list)"
    ):
        ensure(make_client(proxy.url), resource)
    assert emulator.posted("/flows") == []


# ---- schedule and options against the live flow spec ---------------------------------------------------------------


def test_a_payload_is_checked_against_the_flow_specs_schema() -> None:
    check_against("schedule", {"frequency": "day"}, SCHEDULE)
    with pytest.raises(InvalidInputError) as refused:
        check_against("schedule", {"frequency": "hour"}, SCHEDULE)
    assert str(refused.value) == (
        "schedule.frequency='hour' is not allowed: the flow spec says: 'hour' is not one of ['day']"
    )


BROKEN: dict[str, dict[str, Any] | None] = {
    "none": None,
    "no types": {"type": 5, "properties": []},
    "no list of values": {"properties": {"frequency": {"enum": "day"}}},
    "no pattern": {"properties": {"frequency": {"pattern": "("}}},
    "refers to a missing definition": {"$ref": "#/definitions/schedule"},
    "refers to another document": {"$ref": "http://127.0.0.1:9/schedule"},
    "refers to itself": {"$ref": "#"},
    "refers to no schema": {"$ref": "#/a", "a": [{}]},
}


@pytest.mark.parametrize("schema", BROKEN.values(), ids=BROKEN)
def test_a_missing_or_broken_schema_leaves_the_check_to_the_service(schema: dict[str, Any] | None) -> None:
    check_against("schedule", {"frequency": "hour", "interval": 2}, schema)


NARROWED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "schedule": ({"schedule_schema": SCHEDULE}, {}, "schedule.frequency='minute'"),
    "options": ({"option_schema": {"required": ["isFast"]}}, {}, "options={}"),
    "end": (
        {"schedule_schema": {"properties": {"endTime": {}, "startTime": {"maximum": 5}}}},
        {"schedule": WITH_END},
        "schedule.startTime=",
    ),
}


@pytest.mark.parametrize(("narrowed", "given", "named"), NARROWED.values(), ids=NARROWED)
def test_values_that_the_live_flow_spec_forbids_are_refused_before_the_post(
    narrowed: dict[str, Any], given: dict[str, Any], named: str, chain: Chain, emulator: Emulator
) -> None:
    spec = FlowSpec(CRM_FLOW_SPEC, transformations=("Copy", "Mapping"), **{"schedule_schema": {}} | narrowed)
    with pytest.raises(InvalidInputError) as refused:
        chain.ensure(chain.dataflow(flow_spec=spec, **given))
    assert str(refused.value).startswith(named)
    assert "the flow spec says" in str(refused.value)
    assert emulator.posted("/flows") == []


BARE_ID: dict[str, tuple[dict[str, Any], str]] = {
    "no delta column": ({"delta_column": None}, "delta_column=None"),
    "an end": ({"schedule": WITH_END}, "end_time="),
    "a delta column of REST": ({"flow_spec": FlowSpec(REST_FLOW_SPEC)}, "delta_column='Create_Time'"),
}


@pytest.mark.parametrize(("given", "named"), BARE_ID.values(), ids=BARE_ID)
def test_a_bare_flow_spec_id_is_read_and_checked_before_the_post(
    given: dict[str, Any], named: str, chain: Chain, emulator: Emulator
) -> None:
    usual = {"flow_spec": FlowSpec(CRM_FLOW_SPEC), "delta_column": DeltaColumn("Create_Time")}
    with pytest.raises(InvalidInputError, match=named):
        chain.ensure(chain.dataflow(**usual | given))
    assert emulator.posted("/flows") == []
