"""Readers of answers are total: any JSON returns a value or raises one platform error."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.errors import PlatformError, UnreadableError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_bool, as_int, as_number
from airflow_provider_payments.aep.provisioning.teardown import tear_down
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.data_prep import mapping_meaning
from airflow_provider_payments.aep.resources.dataflow import Dataflow
from airflow_provider_payments.aep.resources.flow_service import source_meaning, target_meaning
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, find_flow_spec
from airflow_provider_payments.aep.resources.kind import RemoteObject
from airflow_provider_payments.aep.resources.live_dataflow import read_dataflow, read_options
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schedule import read_schedule
from airflow_provider_payments.aep.resources.schema_fields import FieldTree, find_tenant_object, resolved_properties
from airflow_provider_payments.aep.resources.schema_registry import SCHEMA
from tests.aep.chain import CATALOG, KINDS, PAYPAL_SPEC, USUAL, Chain, value
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

#: Names of members that services use; arbitrary JSON with these names reaches more code than other JSON.
NAMES = re.findall(
    r"\S+",
    """
    id $id name title description state createdAt created createdDate etag version tags airflow/mark auth specName
    params host tableName path columns dataSetId data schema schemaRef format connectionSpec contentType outputSchema
    xdmSchema xdmVersion mappings source destination sourceType transformations deltaColumn mappingId mappingVersion
    scheduleParams frequency interval backfill options partialIngestionPercent errorDiagnosticsEnabled flowSpec allOf
    sourceConnectionIds targetConnectionIds baseConnectionId properties definitions type $ref meta:intendedToExtend
    meta:tenantNamespace meta:datasetNamespace meta:registryMetadata repo:createdDate eTag transformationSpecs
    transformationSpec sourceConnectionSpecIds targetConnectionSpecIds scheduleSpec optionSpec spec items results
    _links next href _page validationResponse status errors lastBatchId _emulator _adhoc Copy Mapping items enum
    meta:enum additionalProperties required maxLength pattern meta:referencedFrom
    """,
)
ODD_TEXTS = ["products", "once", "minute", "application/x;version=²", "version=" + "9" * 5000, "\ud800"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.sampled_from([*NAMES, *ODD_TEXTS]),
    st.text(max_size=5),
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=5),
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), ANY_JSON, max_size=12)
total = settings(max_examples=100, deadline=None, derandomize=True)


@cache
def any_objects() -> list[dict[str, Any]]:
    """Arbitrary objects, drawn once for all readers, because drawing takes ten times as long as reading."""
    found: list[dict[str, Any]] = []

    @settings(total, max_examples=200)
    @given(item=OBJECTS)
    def draw(item: dict[str, Any]) -> None:
        found.append(item)

    draw()
    return found


def read_each(ask: Callable[[dict[str, Any]], Any]) -> None:
    """Apply a reader to each arbitrary object."""
    for item in any_objects():
        try:
            read(partial(ask, copy.deepcopy(item)))
        except BaseException as error:
            error.add_note(f"the object: {item!r:.3000}")
            raise


@cache
def deep(levels: int, key: str = "properties") -> dict[str, Any]:
    node: dict[str, Any] = {}
    for _ in range(levels):
        node = {key: {"x": node}}
    return node


def failure_of(ask: Callable[[], Any]) -> PlatformError | None:
    """Return the platform error that a call raises, if any; any other exception fails the test."""
    try:
        found = ask()
    except PlatformError as error:
        return error
    assert repr(found)
    return None


def read(ask: Callable[[], Any]) -> None:
    error = failure_of(ask)
    assert error is None or isinstance(error, UnreadableError)
    assert len(str(error)) < 3000


#: Desired fields with every keyword, so that every keyword of an existing field is read.
DESIRED_FIELDS = FieldTree(
    {
        name: {
            "type": "object",
            "required": ["name"],
            "properties": {name: {"type": "string", "pattern": "x", "enum": ["x"], "meta:enum": {"x": "X"}}},
            "items": {"type": "string", "maxLength": 5},
            "additionalProperties": {"type": "number", "minimum": 0, "const": [5]},
        }
        for name in ("name", "properties", "_emulator")
    }
)

READERS: dict[str, Callable[[Fields], Any]] = {
    "source": source_meaning,
    "target": target_meaning,
    "mapping set": mapping_meaning,
    "schedule": lambda fields: read_schedule(fields.item),
    "options": read_options,
    "dataflow": read_dataflow,
    "properties": lambda fields: list(DESIRED_FIELDS.differences("fields", resolved_properties(fields))),
    "namespace": lambda fields: list(DESIRED_FIELDS.gaps("fields", fields.below("_emulator"), "/properties/_emulator")),
    "own place": lambda fields: find_tenant_object(fields, "_emulator"),
    "flow spec": lambda fields: FlowSpec.from_item(fields.item),
    "registry resource": lambda fields: SCHEMA.listed(dict(fields.item)),
    "moment": lambda fields: fields.moment("createdAt"),
    "count": lambda fields: fields.count("version"),
    "whole number": lambda fields: fields.parsed(as_int, "interval"),
    "number": lambda fields: fields.parsed(as_number, "interval"),
    "flag": lambda fields: fields.parsed(as_bool, "backfill"),
    "major version": lambda fields: fields.major_version("xdmVersion"),
    "name": lambda fields: fields.is_named("name", "products"),
    "identity": lambda fields: fields.identity(),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_every_reader_accepts_any_object(reader: Callable[[Fields], Any]) -> None:
    read_each(lambda item: reader(Fields.of_item("thing", item)))


@given(anything=ANY_JSON)
@total
def test_any_item_is_read_or_raises_unreadable_error(anything: object) -> None:
    read(lambda: Fields.of_item("thing", anything).text("name"))


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("key", ["properties", "mappings", "params"])
def test_every_reader_accepts_thousands_of_levels(reader: Callable[[Fields], Any], key: str) -> None:
    read(lambda: reader(Fields("thing", {"_emulator": deep(60_000), key: deep(60_000, key)[key]})))


@pytest.mark.parametrize("kind", [kind for kind in USUAL if kind is not Dataflow])
def test_marks_outputs_and_differences_accept_any_item(kind: type[Resource]) -> None:
    desired = value(kind)
    read_each(lambda item: desired.kind.mark_of(RemoteObject("x", item=item)))
    read_each(lambda item: desired.outputs(RemoteObject("x", item=item), 1790000000.0))
    # Other kinds send requests for their fields; they are tested below.
    if kind.__module__.endswith(("flow_service", "catalog")):
        read_each(lambda item: desired.differences(None, RemoteObject("x", item=item)))  # type: ignore[arg-type]


# ---- with requests ---------------------------------------------------------------------------------------------------

with_requests = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def bodies(whole: bool) -> st.SearchStrategy[bytes]:
    """Arbitrary whole answers, or lists of arbitrary items in each service's form."""
    items = st.lists(OBJECTS | ANY_JSON, max_size=3)
    lists = items.map(
        lambda found: {"items": found, "results": found, "data": found} | {f"id{n}": x for n, x in enumerate(found)}
    )
    return (ANY_JSON if whole else lists).map(lambda body: json.dumps(body).encode())


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("whole", [True, False], ids=["any answer", "any items"])
def test_a_step_with_arbitrary_lists_returns_or_raises_platform_error(
    name: str, whole: bool, chain: Chain, make_writer: Callable[..., Chain], proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    existing = chain.ensure(desired).existing.id
    emulator.advance(600)

    @with_requests
    @given(body=bodies(whole))
    def accepts(body: bytes) -> None:
        proxy.faults.clear()
        proxy.fault("GET", f"{KINDS[name].path}[?]", status=200, body=body, times=50)
        proxy.fault("POST", KINDS[name].path, status=403, body=b'{"title": "ForbiddenError"}', times=50)
        step = make_writer(proxy.url)
        assert len(str(failure_of(lambda: json.dumps(step.ensure(desired).to_json())))) < 5000
        assert existing in [item.get("id") or item.get("$id") for item in emulator.objects(KINDS[name].objects)]

    accepts()


@pytest.mark.parametrize("path", ["/flows", "/targetConnections", CATALOG, "/sourceConnections"])
def test_a_teardown_with_arbitrary_lists_deletes_no_object_of_others(
    path: str, chain: Chain, make_writer: Callable[..., Chain], proxy: FaultProxy, emulator: Emulator
) -> None:
    chain.ensure(chain.dataflow())
    emulator.advance(600)

    @with_requests
    @given(body=bodies(False) | bodies(True))
    def accepts(body: bytes) -> None:
        proxy.faults.clear()
        proxy.fault("GET", f"{path}*[?]", status=200, body=body, times=200)
        client = make_writer(proxy.url).client
        failed = failure_of(lambda: tear_down(client, Writer("payments", "a"), dataflows=True))
        assert len(str(failed)) < 5000

    accepts()
    assert emulator.requests(method="DELETE") == []


def test_a_flow_spec_search_accepts_any_answer(make_writer: Callable[..., Chain], proxy: FaultProxy) -> None:
    @with_requests
    @given(body=bodies(False) | bodies(True))
    def accepts(body: bytes) -> None:
        proxy.faults.clear()
        proxy.fault("GET", "/flowSpecs", status=200, body=body, times=50)
        client = make_writer(proxy.url).client
        assert len(str(failure_of(lambda: find_flow_spec(client, "CRMToAEP", PAYPAL_SPEC)))) < 5000

    accepts()


@pytest.mark.parametrize("name", ["schema", "field group", "ad-hoc class", "dataflow", "dataset", "source connection"])
def test_a_step_with_arbitrary_reads_returns_or_raises_platform_error(
    name: str, chain: Chain, make_writer: Callable[..., Chain], proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    created_object = chain.ensure(desired).existing
    emulator.advance(600)
    wider = attrs.evolve(desired, description="another") if name != "dataflow" else desired

    @with_requests
    @given(item=OBJECTS | ANY_JSON)
    def accepts(item: object) -> None:
        own = item | {"id": created_object.id, "$id": created_object.id} if isinstance(item, dict) else item
        body = {"items": [own], created_object.id: own, "$id": created_object.id} | (
            own if isinstance(own, dict) else {}
        )
        proxy.faults.clear()
        proxy.fault("GET", f"{KINDS[name].path}/", status=200, body=json.dumps(body).encode(), times=50)
        step = make_writer(proxy.url)
        assert len(str(failure_of(lambda: step.ensure(wider)))) < 5000

    accepts()
    assert emulator.requests(method="DELETE") == []
