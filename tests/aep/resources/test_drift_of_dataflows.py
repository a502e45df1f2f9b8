"""
Differences between existing and desired mapping sets and dataflows.

The content of a mapping set is its key, so a mapping set with other content is not found. A dataflow may refer to other
objects than the desired ones, if they are equivalent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec
from airflow_provider_payments.aep.resources.kind import RemoteObject
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import COLUMNS, CRM_FLOW_SPEC, DATA_PREP, FLOW_SERVICE, GONE, Chain
from tests.aep.manual_objects import Body, Change, check, different, made_by_hand, put
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy


def old_dialect(_: Chain, body: Body) -> None:
    body |= {"xdmSchema": body.pop("outputSchema")["schemaRef"]["id"], "xdmVersion": "1.0", "id": None}
    body["mappings"] = [
        {"sourceAttribute": m["source"], "destinationXdmPath": m["destination"], "identity": False, "version": 0}
        for m in body["mappings"]
    ]


def schema_path(_: Chain, body: Body) -> None:
    for mapping in body["mappings"]:
        mapping["sourceType"] = "text/x.schema-path"


def other_output_schema(chain: Chain, body: Body) -> None:
    other = chain.ensure(chain.schema(name="other")).existing.id
    body["outputSchema"]["schemaRef"]["id"] = other


MAPPING_SETS: dict[str, tuple[Change, bool]] = {
    "the old dialect": (old_dialect, True),
    "another order": (lambda _, b: b["mappings"].reverse(), True),
    "types as in answers": (schema_path, True),
    "version 1.0 of the schema": (put(outputSchema__schemaRef__contentType="1.0"), True),
    "names of the mappings": (lambda _, b: b["mappings"][0].update(name="id", description="the id"), True),
    "a mapping fewer": (lambda _, b: b["mappings"].pop(), False),
    "a mapping more": (
        lambda _, b: b["mappings"].append({"source": "Type", "destination": "_emulator.product.createTime"}),
        False,
    ),
    "another source": (lambda _, b: b["mappings"][0].update(source="Type"), False),
    "an expression": (lambda _, b: b["mappings"][0].update(sourceType="EXPRESSION"), False),
    "another schema": (other_output_schema, False),
}


@pytest.mark.parametrize(("change", "found"), MAPPING_SETS.values(), ids=MAPPING_SETS)
@pytest.mark.parametrize("dialect", ["current", "legacy"])
def test_mapping_sets_are_found_by_their_content(change: Change, found: bool, dialect: str, chain: Chain) -> None:
    made_by_hand(chain, "mapping set", change)
    assert len(list(chain.mapping_set(dialect=dialect).look_up(chain.client))) == found


LIVE = {"ATTRIBUTE": "text/x.schema-path", "EXPRESSION": "text/x.aep-xl"}
SHOWN: dict[str, Callable[[Body], Any]] = {
    "current names": lambda item: [item.pop(name) for name in ("xdmSchema", "xdmVersion", "schemaRef")],
    "old names": lambda item: item.pop("outputSchema"),
    "old names alone": lambda item: [item.pop(name) for name in ("outputSchema", "schemaRef")],
    "content type as version": lambda item: item.update(xdmVersion="application/vnd.adobe.xed-full+json;version=1.2"),
    "types as in live answers": lambda item: [m.update(sourceType=LIVE[m["sourceType"]]) for m in item["mappings"]],
    "old names of the mappings": lambda item: [(m.pop("source"), m.pop("destination")) for m in item["mappings"]],
    "flags left empty": lambda item: [m.update(identity=None, primaryIdentity=None) for m in item["mappings"]],
}


@pytest.mark.parametrize("change", SHOWN.values(), ids=SHOWN)
def test_a_mapping_set_is_recognised_in_every_form_of_an_answer(
    change: Callable[[Body], Any],
    chain: Chain,
    make_client: Callable[..., Client],
    proxy: FaultProxy,
    emulator: Emulator,
) -> None:
    name = {"source": "trim(Product_Name)", "destination": "_emulator.product.name", "source_type": "EXPRESSION"}
    resource = chain.mapping_set(mappings=[{"source": "Product_Id", "destination": "_id"}, name])
    object_id = chain.ensure(resource).existing.id
    (item,) = emulator.objects("mappingSets")
    change(item)
    proxy.fault("GET", "/mappingSets", status=200, body=json.dumps({"data": [item]}).encode())
    assert [existing.id for existing in resource.look_up(make_client(proxy.url))] == [object_id]


def test_a_mapping_set_is_compared_in_its_latest_version(chain: Chain) -> None:
    object_id = chain.ensure(chain.mapping_set(mappings={"_id": "Type"})).existing.id
    chain.client.request("PUT", f"{DATA_PREP}/mappingSets/{object_id}", body=chain.mapping_set().payload())
    found = chain.ensure(chain.mapping_set())
    assert (found.created, found.existing.id, found.to_json()["version"]) == (False, object_id, 1)


def as_text(_: Chain, body: Body) -> None:
    body["scheduleParams"] = {"startTime": "4102444800", "frequency": "minute", "interval": "15", "backfill": "true"}


def mapping(body: Body) -> Body:
    found: Body = next(t["params"] for t in body["transformations"] if t["name"] == "Mapping")
    return found


def twin_source(chain: Chain, body: Body) -> None:
    body["sourceConnectionIds"] = [
        chain.ensure(chain.source(name="twin", columns=tuple(reversed(COLUMNS)))).existing.id
    ]


def narrow_source(chain: Chain, body: Body) -> None:
    columns = tuple(column for column in COLUMNS if column != "Description")
    body["sourceConnectionIds"] = [chain.ensure(chain.source(name="narrow", columns=columns)).existing.id]


def twin_target(chain: Chain, body: Body) -> None:
    body["targetConnectionIds"] = [chain.ensure(chain.target(name="twin")).existing.id]


def other_target(chain: Chain, body: Body) -> None:
    dataset = chain.ensure(chain.dataset(name="other")).existing.id
    body["targetConnectionIds"] = [chain.ensure(chain.target(name="other", dataset_id=dataset)).existing.id]


def twin_mapping(chain: Chain, body: Body) -> None:
    content = chain.mapping_set(name="twin").payload()
    mapping(body)["mappingId"] = chain.post(f"{DATA_PREP}/mappingSets", content)["id"]


def other_mapping(chain: Chain, body: Body) -> None:
    mapping(body)["mappingId"] = chain.ensure(chain.mapping_set(mappings={"_id": "Type"})).existing.id


def delta(**members: str) -> Change:
    """Return a change that reduces the delta column to its name and these members."""

    def change(_: Chain, body: Body) -> None:
        body["transformations"][0]["params"]["deltaColumn"] = {"name": "Create_Time"} | members

    return change


def as_in_the_tutorial(chain: Chain, body: Body) -> None:
    """Change a dataflow's body to the samples of the tutorials: times and numbers as text, an invalid version."""
    delta(dateFormat="YYYY-MM-DD", timezone="UTC")(chain, body)
    mapping(body)["mappingVersion"] = 0
    body["scheduleParams"] = {"startTime": "4102444800", "frequency": "minute", "interval": "30"}


def with_backfill(backfill: bool) -> Schedule:
    return Schedule("minute", 15, backfill=backfill)


#: A schedule with an end, and an older flow spec, as today's flow spec does not list `endTime`.
ENDING: Body = {
    "schedule": Schedule("minute", 15, end_time=datetime(2100, 1, 1, 1, tzinfo=UTC)),
    "flow_spec": FlowSpec(CRM_FLOW_SPEC),
}
PERCENT = {"partial_ingestion_percent": 5}
DATAFLOWS: dict[str, tuple[Change, list[str], Body]] = {
    "schedule as text": (as_text, [], {}),
    "backfill false as text": (put(scheduleParams__backfill="false"), [], {"schedule": with_backfill(False)}),
    "a backfill that is not given": (put(scheduleParams__backfill=False), [], {}),
    "no backfill, which means true": (put(), [], {"schedule": with_backfill(True)}),
    "another backfill": (
        put(scheduleParams__backfill="false"),
        ["scheduleParams.backfill"],
        {"schedule": with_backfill(True)},
    ),
    "an end that is not given": (put(scheduleParams__endTime=4102448400), [], {}),
    "the end as text": (put(scheduleParams__endTime="4102448400"), [], ENDING),
    "no end": (put(), ["scheduleParams.endTime"], ENDING),
    "another end": (put(scheduleParams__endTime=4102448401), ["scheduleParams.endTime"], ENDING),
    "the body that Adobe's tutorial prints": (as_in_the_tutorial, [], {"schedule": Schedule("minute", 30)}),
    "a delta column's format and zone that are not given": (delta(dateFormat="YYYY-MM-DD", timezone="GMT"), [], {}),
    "a delta column without format and zone": (delta(), [], {}),
    "a delta column's format as written": (
        delta(dateFormat="YYYY-MM-DD"),
        [],
        {"delta_column": DeltaColumn("Create_Time", "YYYY-MM-DD")},
    ),
    "another format of the delta column": (
        delta(dateFormat="YYYY-MM-DD"),
        ["deltaColumn.dateFormat"],
        {"delta_column": DeltaColumn("Create_Time", "yyyy-MM-dd HH:mm:ss")},
    ),
    "no zone of the delta column": (
        delta(),
        ["deltaColumn.timezone"],
        {"delta_column": DeltaColumn("Create_Time", timezone="UTC")},
    ),
    "a start long ago": (put(), [], {"schedule": Schedule("minute", 15, start_time=datetime(2019, 9, 2, tzinfo=UTC))}),
    "mapping version as number": (lambda _, b: mapping(b).update(mappingVersion=0), [], {}),
    "transformations in another order": (lambda _, b: b["transformations"].reverse(), [], {}),
    "more options": (put(options={"errorDiagnosticsEnabled": True}), [], {}),
    "percent as fraction": (put(options={"partialIngestionPercent": 5.0}), [], PERCENT),
    "options as text": (
        put(options={"partialIngestionPercent": "5", "errorDiagnosticsEnabled": "true"}),
        [],
        PERCENT,
    ),
    "diagnostics off although they were absent": (put(), [], {"error_diagnostics": False}),
    "an equivalent source": (twin_source, [], {}),
    "an equivalent target": (twin_target, [], {}),
    "an equivalent mapping set": (twin_mapping, [], {}),
    "another interval": (put(scheduleParams__interval=30), ["scheduleParams.interval"], {}),
    "another frequency": (put(scheduleParams__frequency="hour"), ["scheduleParams.frequency"], {}),
    "another percent": (put(options={"partialIngestionPercent": 50}), ["options.partialIngestionPercent"], PERCENT),
    "no diagnostics": (put(), ["options.errorDiagnosticsEnabled"], {"error_diagnostics": True}),
    "another delta column": (
        lambda _, b: b["transformations"][0]["params"]["deltaColumn"].update(name="Type"),
        ["deltaColumn.name"],
        {},
    ),
    "a source with other columns": (narrow_source, ["sourceConnectionIds"], {}),
    "a target with another dataset": (other_target, ["targetConnectionIds"], {}),
    "another mapping": (other_mapping, ["mapping"], {}),
}


@pytest.mark.parametrize(("change", "fields", "arguments"), DATAFLOWS.values(), ids=DATAFLOWS)
def test_dataflows_are_compared_by_meaning(change: Change, fields: list[str], arguments: Body, chain: Chain) -> None:
    check(chain, "dataflow", change, fields, **arguments)


def test_a_dataflow_differs_while_it_is_disabled(chain: Chain) -> None:
    resource = chain.dataflow()
    action = f"{FLOW_SERVICE}/flows/{chain.ensure(resource).existing.id}/action"
    chain.post(action, None, op="disable")
    assert different(chain, resource) == ["state"]
    chain.post(action, None, op="enable")
    assert different(chain, resource) == []


@pytest.mark.parametrize(("state", "fields"), [("draft", ["state"]), ("updating", []), ("inProgress", [])])
def test_only_states_in_which_a_dataflow_never_runs_are_differences(
    state: str, fields: list[str], chain: Chain
) -> None:
    resource = chain.dataflow()
    chain.ensure(resource)
    (existing,) = resource.look_up(chain.client)
    shown = RemoteObject(existing.id, item=existing.item | {"state": state})
    assert [d.field for d in resource.differences(chain.client, shown)] == fields


def test_a_delta_column_that_the_service_adds_to_once_is_no_difference(chain: Chain) -> None:
    resource = chain.dataflow(schedule=Schedule())
    chain.ensure(resource)
    (existing,) = resource.look_up(chain.client)
    added = {"name": "Copy", "params": {"deltaColumn": {"name": "Create_Time"}}}
    item = existing.item | {"transformations": [*existing.item["transformations"], added]}
    assert resource.differences(chain.client, RemoteObject(existing.id, item=item)) == []


def test_a_dataflow_whose_source_connection_was_deleted_differs(
    chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    gone, resource = chain.source_id, chain.dataflow()
    chain.ensure(resource)
    emulator.advance(60)
    proxy.fault("GET", f"/sourceConnections/{gone}", status=404, body=GONE)
    wider = chain.dataflow(source_connection_id=chain.ensure(chain.source(name="new")).existing.id)
    (existing,) = resource.look_up(chain.client)
    assert [d.field for d in wider.differences(make_client(proxy.url), existing)] == ["sourceConnectionIds"]


def test_a_newer_version_of_the_mapping_set_is_different(chain: Chain) -> None:
    object_id = chain.ensure(chain.dataflow())
    content = chain.mapping_set(mappings={"_id": "Type"}).payload()
    chain.client.request("PUT", f"{DATA_PREP}/mappingSets/{chain.mapping_set_id}", body=content)
    assert different(chain, chain.dataflow(mapping_set_version=1)) == ["mapping"]
    assert different(chain, chain.dataflow(mapping_set_version=0)) == []
    assert chain.ensure(chain.dataflow()).existing.id == object_id.existing.id


def test_the_version_of_the_mapping_set_is_compared_if_given(chain: Chain) -> None:
    content = chain.mapping_set(mappings={"_id": "Type"}).payload()
    chain.client.request("PUT", f"{DATA_PREP}/mappingSets/{chain.mapping_set_id}", body=content)
    chain.ensure(chain.dataflow(mapping_set_version=1))
    assert different(chain, chain.dataflow()) == []
    assert different(chain, chain.dataflow(mapping_set_version=1)) == []
    assert different(chain, chain.dataflow(mapping_set_version=0)) == ["mapping"]
