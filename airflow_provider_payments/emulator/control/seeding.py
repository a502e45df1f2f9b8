"""The operation that creates many dataflows with a history of ended runs, for tests with large volumes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.control.refusals import missing, wrong
from airflow_provider_payments.emulator.control.values import boolean, check_names, one_of, whole_number
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
# The runs of a day are spread over this time. The first run of the most recent day started half a day ago.
DAILY_RUNS_SPREAD_SECONDS = 3600
LAST_RUNS_AGE_SECONDS = 43200

FAILED_SHARE, PARTIAL_SHARE = 0.03, 0.08
MIN_RECORDS, MAX_RECORDS = 100, 400
_MEMBERS = ("sandbox", "dataflows", "runs_per_dataflow", "source", "name_prefix", "enabled")
_CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


@dataclass(frozen=True, slots=True)
class _Source:
    """The parts of a chain that are specific to a vendor.

    :param params: the parameters of the source connections.
    :param columns: the columns with a payment's id, currency and status.
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
class _SeedRequest:
    """The parsed body of a request."""

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
    request = _parse(call)
    clock = request.services.sandbox.clock
    begin = int(clock.now()) - request.runs * DAY_SECONDS + LAST_RUNS_AGE_SECONDS
    created: list[tuple[_Shared, list[Flow]]] = []
    # The chains are created by an action that was due in the past, so that they get the time stamps of that time and
    # their start times are not refused as past.
    clock.call_at(min(float(begin - DAY_SECONDS), clock.now()), lambda: created.append(_create_all(request, begin)))
    clock.run_due()
    ((shared, dataflows),) = created
    runs = _add_history(request, dataflows)
    for flow in dataflows:
        (plan_next if flow.last_run else plan_first)(request.services.flow_service, flow)
    return Answer(
        {
            "sandbox": request.services.sandbox.name,
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


def _parse(call: Call[Organisation]) -> _SeedRequest:
    body = call.json_object()
    check_names(body, _MEMBERS, "a seed")
    for member in ("sandbox", "dataflows"):
        if member not in body:
            raise missing(member)
    services = call.state.services[one_of("sandbox", body["sandbox"], call.state.services)]
    dataflows = whole_number("dataflows", body["dataflows"], 1, MAX_DATAFLOWS)
    runs = whole_number("runs_per_dataflow", body.get("runs_per_dataflow", 0), 0, MAX_RUNS // dataflows)
    source = SOURCES[one_of("source", body.get("source", "paypal"), SOURCES)]
    prefix, enabled = body.get("name_prefix", "seeded"), boolean("enabled", body.get("enabled", False))
    if not isinstance(prefix, str) or not prefix.strip() or len(prefix) > MAX_PREFIX_CHARACTERS:
        raise wrong("name_prefix", prefix, f"text of 1 to {MAX_PREFIX_CHARACTERS} characters")
    return _SeedRequest(services, dataflows, runs, source, prefix, enabled)


def _create_all(request: _SeedRequest, begin: int) -> tuple[_Shared, list[Flow]]:
    """Create all objects but the runs.

    :param begin: the start of the first dataflow's first run, in epoch seconds.
    """
    shared = _create_shared(request)
    dataflows = [
        _create_dataflow(
            request,
            shared,
            name=f"{request.prefix} {place + 1}",
            start=begin + place * DAILY_RUNS_SPREAD_SECONDS // request.dataflows,
        )
        for place in range(request.dataflows)
    ]
    for flow in dataflows:
        # Cancel the planned first run, whose start is in the past: the history contains this run.
        flow.schedule_version += 1
        if not request.enabled:
            flow.state, flow.operation = DISABLED, ("disable", None)
            request.services.flow_service.write("flows", flow)
    return shared, dataflows


def _create_shared(request: _SeedRequest) -> _Shared:
    services, source, prefix = request.services, request.source, request.prefix
    registry = services.registry
    # Titles are unique in the registry, and the same request may be sent twice.
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


def _create_dataflow(request: _SeedRequest, shared: _Shared, name: str, start: int) -> Flow:
    service, source = request.services.flow_service, request.source
    source_connection = connections.create(
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
    target_connection = connections.create(
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
            "sourceConnectionIds": [source_connection.id],
            "targetConnectionIds": [target_connection.id],
            "transformations": [*copy, mapping],
            "scheduleParams": {"startTime": start, "frequency": "day", "interval": 1},
            "options": {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5},
        },
        draft=False,
    )


def _add_history(request: _SeedRequest, dataflows: Sequence[Flow]) -> list[str]:
    """Add the ended runs and return their ids, oldest first. The same request gives the same counts."""
    service, draws = request.services.flow_service, random.Random(request.prefix)
    run_ids = []
    for day in range(request.runs):
        for flow in dataflows:
            assert flow.schedule is not None
            records = draws.randint(MIN_RECORDS, MAX_RECORDS)
            failed = _failed_records(draws.random(), records)
            run_ids.append(finished_run(service, flow, flow.schedule.start + day * DAY_SECONDS, records, failed).id)
    return run_ids


def _failed_records(draw: float, records: int) -> int:
    """Return the number of records that failed in a run: mostly none, sometimes a few, rarely all.

    :param draw: a random number from 0 to 1.
    """
    if draw < FAILED_SHARE:
        return records
    return 1 + int(records * draw / 4) if draw < FAILED_SHARE + PARTIAL_SHARE else 0


ROUTES: Routes[Organisation] = (("POST", "/seed", seed),)
