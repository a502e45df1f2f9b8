"""Resources: the forms of their arguments, ``extra``, and how their objects are found again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.data_prep import MappingSet
from airflow_provider_payments.aep.resources.dataflow import Dataflow, DeltaColumn
from airflow_provider_payments.aep.resources.flow_service import SourceConnection, TargetConnection
from airflow_provider_payments.aep.resources.schema_registry import Schema
from tests.aep.chain import COLUMNS, DATA_PREP, KINDS, MAPPINGS, PAYPAL_SPEC, USUAL, Chain, value
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy


def test_text_from_templates_is_converted_to_the_expected_types() -> None:
    rendered = value(
        Dataflow,
        mapping_set_version="2",
        partial_ingestion_percent="5",
        error_diagnostics="True",
        delta_column=DeltaColumn.parse('{"name": "Create_Time", "dateFormat": "yyyy-MM-dd", "timezone": null}'),
    )
    assert rendered.body()["options"] == {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5}
    assert rendered.body()["transformations"] == [
        {"name": "Copy", "params": {"deltaColumn": {"name": "Create_Time", "dateFormat": "yyyy-MM-dd"}}},
        {"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": "2"}},
    ]
    columns = value(SourceConnection, columns='["Product_Id"]').body()["params"]["columns"]
    assert columns == [{"name": "Product_Id", "type": "string", "xdm": {"type": "string"}}]


@pytest.mark.parametrize("absent", [None, "", "None"], ids=repr)
def test_an_empty_delta_column_from_a_template_is_none(absent: object) -> None:
    assert DeltaColumn.parse(absent) is None


@pytest.mark.parametrize("written", ["Create_Time", {"name": "Create_Time"}, '{"name": "Create_Time"}'], ids=repr)
def test_a_delta_column_defaults_to_the_documented_format_and_utc(written: Any) -> None:
    delta = DeltaColumn.parse(written)
    assert delta is not None
    assert delta.payload() == {"name": "Create_Time", "dateFormat": "yyyy-MM-dd HH:mm:ss", "timezone": "UTC"}


MAPPINGS_AS = {
    "destination to source": {"_id": "Product_Id"},
    "names of this package": [{"source": "Product_Id", "destination": "_id", "source_type": "ATTRIBUTE"}],
    "current dialect": [{"source": "Product_Id", "destination": "_id", "sourceType": "ATTRIBUTE"}],
    "old dialect": [{"sourceAttribute": "Product_Id", "destinationXdmPath": "_id", "identity": False, "version": 0}],
    "JSON object": '{"_id": "Product_Id"}',
    "JSON list": '[{"source": "Product_Id", "destination": "_id"}]',
}


@pytest.mark.parametrize("mappings", MAPPINGS_AS.values(), ids=MAPPINGS_AS)
def test_mappings_are_accepted_in_every_form(mappings: Any) -> None:
    written = value(MappingSet, mappings=mappings)
    assert written.body()["mappings"] == [{"sourceType": "ATTRIBUTE", "source": "Product_Id", "destination": "_id"}]


# ---- extra ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", USUAL, ids=lambda kind: kind.kind.name)
def test_extra_fields_are_merged_into_the_payload(kind: type[Resource]) -> None:
    usual = value(kind)
    extra = {"labels": ["C1"], "x": {"y": None}}
    assert value(kind, extra=extra).payload() == usual.payload() | extra
    assert value(kind, extra=json.dumps(extra)).payload() == usual.payload() | extra


CONTRADICTIONS: dict[str, tuple[type[Resource], dict[str, Any], str]] = {
    "name": (SourceConnection, {"name": "other"}, "extra.name='other'"),
    "nested": (SourceConnection, {"params": {"tableName": "other"}}, "extra.params.tableName='other'"),
    "title": (Schema, {"title": "other"}, "extra.title='other'"),
    "target spec": (TargetConnection, {"connectionSpec": {"id": PAYPAL_SPEC}}, "extra.connectionSpec.id="),
    "schedule": (Dataflow, {"scheduleParams": {"frequency": "week"}}, "extra.scheduleParams"),
}


@pytest.mark.parametrize(("kind", "extra", "named"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_an_extra_field_that_contradicts_an_argument_is_refused(
    kind: type[Resource], extra: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInputError, match=r"set by its own argument") as refused:
        value(kind, extra=extra)
    assert str(refused.value).startswith(named)


def test_schedule_members_of_extra_are_sent(chain: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.dataflow(extra={"scheduleParams": {"note": "x"}, "labels": ["C1"]}))
    (body,) = emulator.posted("/flows")
    assert body["labels"] == ["C1"]
    assert body["scheduleParams"].keys() == {"startTime", "frequency", "interval", "note"}


# ---- lookups -------------------------------------------------------------------------------------------------------

ACCEPT = {"Accept": "application/vnd.adobe.xed+json"}


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "mapping set"])
def test_objects_of_other_names_in_a_filtered_list_are_ignored(
    kind: str, chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    path, build = KINDS[kind].path, KINDS[kind].build
    near = [chain.ensure(build(chain, name=name)).existing.id for name in ("own thing 2", "Own thing")]
    everything = chain.client.get(path, headers=ACCEPT)
    assert all(identifier in json.dumps(everything) for identifier in near)
    proxy.fault("GET", path, status=200, body=json.dumps(everything).encode())
    found = ensure(make_client(proxy.url), build(chain, name="own thing"))
    assert found.created
    assert found.existing.id not in near


def test_a_mapping_set_is_found_by_its_content_not_its_name(chain: Chain) -> None:
    others = chain.ensure(chain.mapping_set(mappings={"_id": "Product_Id"}))
    first = chain.ensure(chain.mapping_set())
    again = chain.ensure(chain.mapping_set(mappings=dict(reversed(MAPPINGS.items()))))
    assert (first.created, again.created, again.existing.id) == (True, False, first.existing.id)
    assert others.existing.id != first.existing.id


def test_a_mapping_set_in_the_legacy_dialect_is_found_again(chain: Chain, emulator: Emulator) -> None:
    first = chain.ensure(chain.mapping_set(dialect="legacy"))
    again = chain.ensure(chain.mapping_set(dialect="legacy"))
    assert (again.created, again.existing.id) == (False, first.existing.id)
    assert len(emulator.posted("/mappingSets")) == 1


def test_the_tenant_placeholder_in_a_destination_is_filled_in(chain: Chain, emulator: Emulator) -> None:
    resource = chain.mapping_set(mappings={"_id": "Product_Id", "_{TENANT_ID}.product.name": "Product_Name"})
    first = chain.ensure(resource)
    assert [m["destination"] for m in emulator.posted("/mappingSets")[0]["mappings"]] == list(MAPPINGS)
    assert chain.ensure(resource).existing.id == chain.ensure(chain.mapping_set()).existing.id == first.existing.id


def test_a_mapping_to_an_unknown_field_is_refused_before_the_creation(chain: Chain, emulator: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"mappings=.*_emulator\.product\.colour.*Data Prep refuses it"):
        chain.ensure(chain.mapping_set(mappings={"_emulator.product.colour": "Type"}))
    assert emulator.posted(f"{DATA_PREP}/mappingSets") == []


def test_a_dataflow_that_is_being_deleted_is_not_found(
    chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy
) -> None:
    first = chain.ensure(chain.dataflow())
    listed = [item | {"state": "deleting"} for item in flow_service.items(chain.client, "flows")]
    chain.client.request("DELETE", f"{KINDS['dataflow'].path}/{first.existing.id}")
    proxy.fault("GET", KINDS["dataflow"].path, status=200, body=json.dumps({"items": listed}).encode())
    again = ensure(make_client(proxy.url), chain.dataflow())
    assert (again.created, again.existing.id == first.existing.id) == (True, False)
    assert proxy.count("GET", first.existing.id) == 0


@pytest.mark.parametrize("columns", [None, [], "", "[]"], ids=repr)
def test_columns_default_to_those_that_explore_returns(columns: Any, chain: Chain, emulator: Emulator) -> None:
    first = chain.ensure(chain.source(columns=columns))
    (body,) = emulator.posted("/sourceConnections")
    assert [column["name"] for column in body["params"]["columns"]] == list(COLUMNS)
    assert body["params"]["columns"][4]["xdm"] == {"type": "string", "format": "date-time"}
    assert first.to_json()["columns"] == list(COLUMNS)


def test_a_table_that_does_not_exist_is_refused_without_a_source_connection(chain: Chain, emulator: Emulator) -> None:
    with pytest.raises(PlatformError, match=r"PayPal\.Nothing"):
        chain.ensure(chain.source(table="PayPal.Nothing", columns=None))
    assert emulator.posted("/sourceConnections") == []
