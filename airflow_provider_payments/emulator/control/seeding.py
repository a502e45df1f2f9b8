"""Seeding many dataflows with a history of ended runs, for tests with large volumes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.control.refusals import ControlRefusal, wrong
from airflow_provider_payments.emulator.control.values import check_names, one_of, whole_number
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.identifiers import new_hash
from airflow_provider_payments.emulator.flow_service import connections, flows
from airflow_provider_payments.emulator.flow_service.model import DISABLED, Flow
from airflow_provider_payments.emulator.flow_service.scheduler import finished_run, plan_first, plan_next
from airflow_provider_payments.emulator.flow_service.specs import (
    CONNECTION_SPECS,
    CRM_FLOW_SPEC_ID,
    DATA_LAKE_ID,
    PAYPAL_ID,
    REST_FLOW_SPEC_ID,
    SQUARE_ID,
    STRIPE_ID,
)
from airflow_provider_payments.emulator.organisation import Organisation, SandboxServices
from airflow_provider_payments.emulator.schema_registry.global_resources import PROFILE

MAX_DATAFLOWS = 20_000
MAX_RUNS = 200_000
MAX_PREFIX_CHARACTERS = 100
DAY_SECONDS = 86400
# The runs of a day start within this time; the last day's half a day ago.
ROUND_SECONDS = 3600
LAST_ROUND_AGE_SECONDS = 43200

FAILED_SHARE, PARTIAL_SHARE = 0.03, 0.08
MIN_RECORDS, MAX_RECORDS = 100, 400
_MEMBERS = ("sandbox", "dataflows", "runs_per_dataflow", "source", "name_prefix", "enabled")
_CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


@dataclass(frozen=True, slots=True)
class _Source:
    """What is specific to a vendor in a chain.

    :param params: of the source connections.
    :param columns: of a payment's id, currency and status.
    :param delta: the delta column; None if the flow spec has none.
    """

    spec_id: str
    form: str
    params: Mapping[str, str]
    columns: tuple[str, str, str]
    flow_spec_id: str
    delta: str | None


SOURCES = {
    "paypal": _Source(
        PAYPAL_ID,
        "tabular",
        {"tableName": "PayPal.Transactions"},
        ("Transaction_Id", "Currency_Code", "Transaction_Status"),
        CRM_FLOW_SPEC_ID,
        "Create_Time",
    ),
    "square": _Source(
        SQUARE_ID,
        "tabular",
        {"tableName": "Square.Payments"},
        ("Id", "Currency", "Status"),
        CRM_FLOW_SPEC_ID,
        "Created_At",
    ),
    "stripe": _Source(
        STRIPE_ID,
        "json",
        {"resourcePath": "charges"},
        ("data.id", "data.currency", "data.status"),
        REST_FLOW_SPEC_ID,
        None,
    ),
}


@dataclass(frozen=True, slots=True)
class _Order:
    """A parsed request."""

    services: SandboxServices
    dataflows: int
    runs: int
    source: _Source
    prefix: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class _Shared:
    """The ids of the objects that all seeded dataflows share."""

    base: str
    schema: str
    dataset: str
    mapping_set: str


def seed(call: Call[Organisation]) -> Answer:
    """Create many dataflows at once, each with ended runs, one a day."""
    order = _parse(call)
    clock = order.services.sandbox.clock
    begin = int(clock.now()) - order.runs * DAY_SECONDS + LAST_ROUND_AGE_SECONDS
    made: list[tuple[_Shared, list[Flow]]] = []
    # The clock creates the chains at a time in the past, so that they get its time stamps and pass its checks.
    clock.call_at(min(float(begin - DAY_SECONDS), clock.now()), lambda: made.append(_make(order, begin)))
    clock.run_due()
    ((shared, dataflows),) = made
    runs = _add_history(order, dataflows)
    for flow in dataflows:
        (plan_next if flow.last_run else plan_first)(order.services.flow_service, flow)
    return Answer(
        {
            "sandbox": order.services.sandbox.name,
            "baseConnection": shared.base,
            "schema": shared.schema,
            "dataset": shared.dataset,
            "mappingSet": shared.mapping_set,
            "dataflows": _summary([flow.id for flow in dataflows]),
            "runs": _summary(runs),
        }
    )


def _summary(identifiers: Sequence[str]) -> Mapping[str, Any]:
    count = {"count": len(identifiers)}
    return {**count, "first": identifiers[0], "last": identifiers[-1]} if identifiers else count


def _parse(call: Call[Organisation]) -> _Order:
    body = call.json_object()
    check_names(body, _MEMBERS, "a seed")
    for member in ("sandbox", "dataflows"):
        if member not in body:
            raise ControlRefusal(400, f"'{member}' is missing.")
    services = call.state.services[one_of("sandbox", body["sandbox"], call.state.services)]
    dataflows = whole_number("dataflows", body["dataflows"], 1, MAX_DATAFLOWS)
    runs = whole_number("runs_per_dataflow", body.get("runs_per_dataflow", 0), 0, MAX_RUNS // dataflows)
    source = SOURCES[one_of("source", body.get("source", "paypal"), SOURCES)]
    prefix, enabled = body.get("name_prefix", "seeded"), body.get("enabled", False)
    if not isinstance(prefix, str) or not prefix.strip() or len(prefix) > MAX_PREFIX_CHARACTERS:
        raise wrong("name_prefix", prefix, f"text of 1 to {MAX_PREFIX_CHARACTERS} characters")
    if not isinstance(enabled, bool):
        raise wrong("enabled", enabled, "true or false")
    return _Order(services, dataflows, runs, source, prefix, enabled)


def _make(order: _Order, begin: int) -> tuple[_Shared, list[Flow]]:
    """Create everything but the runs.

    :param begin: epoch seconds of the first dataflow's first run.
    """
    shared = _make_shared(order)
    dataflows = [
        _make_dataflow(order, shared, f"{order.prefix} {place + 1}", begin + place * ROUND_SECONDS // order.dataflows)
        for place in range(order.dataflows)
    ]
    for flow in dataflows:
        # Cancel the first run, which was planned in the past: the history has it.
        flow.schedule_version += 1
        if not order.enabled:
            flow.state, flow.operation = DISABLED, ("disable", None)
            order.services.flow_service.write("flows", flow)
    return shared, dataflows


def _make_shared(order: _Order) -> _Shared:
    services, source, prefix = order.services, order.source, order.prefix
    registry = services.registry
    # Titles are unique in the registry, and a seed may be used twice.
    title = f"{prefix} payments {new_hash()[:8]}"
    auth = CONNECTION_SPECS[source.spec_id].auth[0]
    base = connections.create(
        "connections",
        services.flow_service,
        {
            "name": f"{prefix} base connection",
            "auth": {"specName": auth.name, "params": dict.fromkeys(auth.needed, "seeded")},
            "connectionSpec": {"id": source.spec_id, "version": "1.0"},
        },
        draft=False,
    )
    payment = {name: {"type": "string"} for name in ("currency", "status")}
    own = {
        registry.tenant_field: {"type": "object", "properties": {"payment": {"type": "object", "properties": payment}}}
    }
    group = registry.create(
        "mixins",
        {
            "title": f"{title}: fields",
            "description": "Fields of a seeded schema",
            "type": "object",
            "meta:intendedToExtend": [PROFILE],
            "definitions": {"payment": {"type": "object", "properties": own}},
            "allOf": [{"$ref": "#/definitions/payment"}],
        },
    )
    schema = registry.create(
        "schemas",
        {
            "title": title,
            "description": "A seeded schema",
            "type": "object",
            "allOf": [{"$ref": PROFILE}, {"$ref": group.id}],
        },
    )
    reference = {"id": schema.id, "contentType": _CONTENT_TYPE}
    dataset = services.catalog.create({"name": f"{prefix} payments", "schemaRef": reference}, True)
    paths = ("_id", f"{registry.tenant_field}.payment.currency", f"{registry.tenant_field}.payment.status")
    mappings = [
        {"sourceType": "ATTRIBUTE", "source": column, "destination": path}
        for column, path in zip(source.columns, paths, strict=True)
    ]
    mapping_set = services.mapping_sets.create(
        {"name": f"{prefix} payments", "outputSchema": {"schemaRef": reference}, "mappings": mappings}
    )
    return _Shared(base.id, schema.id, dataset.id, mapping_set.id)


def _make_dataflow(order: _Order, shared: _Shared, name: str, start: int) -> Flow:
    service, source = order.services.flow_service, order.source
    begin = connections.create(
        "sourceConnections",
        service,
        {
            "name": name,
            "baseConnectionId": shared.base,
            "data": {"format": source.form},
            "params": source.params,
            "connectionSpec": {"id": source.spec_id, "version": "1.0"},
        },
        draft=False,
    )
    end = connections.create(
        "targetConnections",
        service,
        {
            "name": name,
            "data": {"schema": {"id": shared.schema, "version": _CONTENT_TYPE}},
            "params": {"dataSetId": shared.dataset},
            "connectionSpec": {"id": DATA_LAKE_ID, "version": "1.0"},
        },
        draft=False,
    )
    copy = [{"name": "Copy", "params": {"deltaColumn": {"name": source.delta}}}] if source.delta else []
    mapping = {"name": "Mapping", "params": {"mappingId": shared.mapping_set, "mappingVersion": "0"}}
    return flows.create(
        service,
        {
            "name": name,
            "flowSpec": {"id": source.flow_spec_id, "version": "1.0"},
            "sourceConnectionIds": [begin.id],
            "targetConnectionIds": [end.id],
            "transformations": [*copy, mapping],
            "scheduleParams": {"startTime": start, "frequency": "day", "interval": 1},
            "options": {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5},
        },
        draft=False,
    )


def _add_history(order: _Order, dataflows: Sequence[Flow]) -> list[str]:
    """Add the runs; returns their ids, oldest first. The same request gives the same counts."""
    chance = random.Random(order.prefix)
    made = []
    for days in range(order.runs):
        for flow in dataflows:
            assert flow.schedule is not None
            records = chance.randint(MIN_RECORDS, MAX_RECORDS)
            failed = _failed(chance.random(), records)
            made.append(
                finished_run(
                    order.services.flow_service, flow, flow.schedule.start + days * DAY_SECONDS, records, failed
                ).id
            )
    return made


def _failed(chance: float, records: int) -> int:
    """How many records failed: mostly none, sometimes a few, rarely all.

    :param chance: from 0 to 1.
    """
    if chance < FAILED_SHARE:
        return records
    return 1 + int(records * chance / 4) if chance < FAILED_SHARE + PARTIAL_SHARE else 0


ROUTES: Routes[Organisation] = (("POST", "/seed", seed),)
