"""Dataflows: what one must be, how it changes, and when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.flow_service.ends import column_names, source_table
from airflow_provider_payments.emulator.flow_service.mappings import check_mapping
from airflow_provider_payments.emulator.flow_service.patches import checked_patch, refused_patch
from airflow_provider_payments.emulator.flow_service.payloads import (
    check_version,
    optional,
    partial_percent,
    required,
    truth,
    wrong,
)
from airflow_provider_payments.emulator.flow_service.planning import plan_first, plan_next
from airflow_provider_payments.emulator.flow_service.schedule import ONCE, Schedule, parse_schedule
from airflow_provider_payments.emulator.flow_service.specs import CRM_FLOW_SPEC_ID, FLOW_SPECS
from airflow_provider_payments.emulator.flow_service.state import Flow, Resource
from airflow_provider_payments.emulator.identifiers import new_etag, new_uuid
from airflow_provider_payments.emulator.json_patch import PatchError, apply_patch
from airflow_provider_payments.emulator.refusals import FlowRefusal
from airflow_provider_payments.emulator.world import Sandbox

_MEMBERS = (
    "name",
    "description",
    "flowSpec",
    "sourceConnectionIds",
    "targetConnectionIds",
    "transformations",
    "scheduleParams",
    "options",
    "labels",
    "policy",
    "recordTypes",
)
_WRITABLE = ("name", "description", "transformations", "scheduleParams", "options", "labels", "policy", "recordTypes")


def _invalid(code: str, detail: str) -> FlowRefusal:
    return FlowRefusal(code, detail, title="Invalid request")


def create(sandbox: Sandbox, body: Mapping[str, Any]) -> Flow:
    """Make a dataflow and plan its first run, or refuse. The same body twice makes two."""
    if body.get("state") is not None:
        raise _invalid("1410-400", "'state' may not be sent when a dataflow is created.")
    if body.get("mode") is not None:
        raise FlowRefusal("1368-400", "'mode' is not allowed in the body of a dataflow.")
    content = {key: body[key] for key in _MEMBERS if body.get(key) is not None}
    clock, flows = sandbox.clock, sandbox.flow_service.flows
    schedule = check(sandbox, content, clock.now())
    millis = clock.millis()
    flow = Flow(new_uuid(), flows.next_number, content, millis, millis, new_etag(clock.now()), schedule=schedule)
    flows.add(flow)
    plan_first(sandbox, flow)
    return flow


def check(sandbox: Sandbox, content: Mapping[str, Any], now: float | None) -> Schedule:
    """Hold a dataflow's content against every rule; the schedule is what they leave understood.

    :param now: refuse a start before it; None when the start has been accepted before.
    """
    optional(content, "description", str)
    spec_id = required(content, "flowSpec.id", str)
    if spec_id not in FLOW_SPECS:
        raise _invalid("1413-400", f"The flow spec id '{spec_id[:100]}' is not valid.")
    check_version(content, "flowSpec.version")
    required(content, "name", str)
    source = _only(sandbox, content, "sourceConnectionIds", "sourceConnections")
    target = _only(sandbox, content, "targetConnectionIds", "targetConnections")
    if source.spec_id not in FLOW_SPECS[spec_id]["sourceConnectionSpecIds"]:
        raise _invalid("1413-400", f"The flow spec {spec_id} does not serve sources of the spec {source.spec_id}.")
    transformations = _transformations(content)
    schedule = parse_schedule(content.get("scheduleParams"), now)
    _check_copy(sandbox, transformations.get("Copy"), spec_id, schedule, source)
    _check_options(content)
    check_mapping(sandbox, transformations["Mapping"], source, target)
    return schedule


def _only(sandbox: Sandbox, content: Mapping[str, Any], member: str, kind: str) -> Resource:
    identifiers = required(content, member, list)
    if len(identifiers) != 1:
        raise FlowRefusal("1321-400", f"'{member}' must hold exactly one id, not {len(identifiers)}.")
    if not isinstance(identifiers[0], str):
        raise wrong(f"{member}[0]", "text")
    resource: Resource = sandbox.flow_service.get(kind, identifiers[0])
    return resource


def _transformations(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Name to parameters; the Mapping is among them."""
    result: dict[str, Mapping[str, Any]] = {}
    for place, entry in enumerate(required(content, "transformations", list)):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise FlowRefusal("1392-400", f"transformations[{place}] must be an object with a 'name'.")
        name, params = entry["name"], entry.get("params")
        if name not in ("Copy", "Mapping") or name in result:
            raise FlowRefusal("1392-400", f"The transformation '{name[:60]}' is unknown, or there twice.")
        if params is not None and not isinstance(params, dict):
            raise wrong(f"transformations[{place}].params", "an object")
        result[name] = params or {}
    if "Mapping" not in result:
        raise FlowRefusal("1328-400", "The Mapping transformation is missing.")
    return result


def _check_copy(
    sandbox: Sandbox,
    copy: Mapping[str, Any] | None,
    spec_id: str,
    schedule: Schedule,
    source: Resource,
) -> None:
    if copy is not None and spec_id != CRM_FLOW_SPEC_ID:
        raise FlowRefusal("1392-400", "This flow spec has no Copy transformation.")
    if spec_id != CRM_FLOW_SPEC_ID:
        return
    copy = copy or {}
    for member in copy:
        if member != "deltaColumn" and member.lower().startswith("deltacolum"):
            raise FlowRefusal("1392-400", f"The Copy transformation has no '{member[:60]}': write 'deltaColumn'.")
    delta = copy.get("deltaColumn")
    if schedule.frequency == ONCE:
        if delta is not None:
            raise FlowRefusal("1369-400", "A delta column is not allowed for a dataflow that runs once.")
        return
    name = delta.get("name") if isinstance(delta, dict) else None
    if not isinstance(name, str) or not name:
        raise FlowRefusal("1367-400", "The Copy transformation needs 'deltaColumn.name' for a source of this kind.")
    table = source_table(sandbox, source)
    if table is not None and name not in column_names(source, table):
        raise FlowRefusal("1367-400", f"The delta column '{name[:100]}' is not among the source connection's columns.")


def _check_options(content: Mapping[str, Any]) -> None:
    options = optional(content, "options", dict) or {}
    diagnostics, percent = options.get("errorDiagnosticsEnabled"), options.get("partialIngestionPercent")
    if diagnostics is not None and truth(diagnostics) is None:
        raise wrong("options.errorDiagnosticsEnabled", "true or false")
    if percent is not None and partial_percent(options) is None:
        raise wrong("options.partialIngestionPercent", "a number above 0")


def update(sandbox: Sandbox, flow: Flow, call: Call) -> None:
    """Apply a patch, or refuse it."""
    patch = checked_patch(call, flow.etag, _WRITABLE)
    try:
        content = apply_patch(flow.content, patch)
    except PatchError as error:
        raise refused_patch(error) from error
    before, now = flow.schedule, sandbox.clock.now()
    assert before is not None
    new_start = content.get("scheduleParams", {}) != flow.content["scheduleParams"]
    passed = before.start <= now
    schedule = check(sandbox, content, None if passed or not new_start else now)
    if passed:
        _check_passed(before, schedule)
    if before.frequency == ONCE and content["transformations"] != flow.content["transformations"]:
        raise FlowRefusal("1366-400", "The mapping of a dataflow that runs once cannot be changed.")
    flow.operation = ("update", call.json())
    flow.schedule = schedule
    sandbox.flow_service.write("flows", flow, content)
    if schedule != before:
        (plan_first if flow.last_run is None else plan_next)(sandbox, flow)


def _check_passed(before: Schedule, after: Schedule) -> None:
    if after.start != before.start:
        raise FlowRefusal("1366-400", "The start time has passed and cannot be changed any more.")
    if after.frequency == ONCE and before.frequency != ONCE:
        raise FlowRefusal("1403-400", "The start time has passed: the dataflow cannot be made to run once any more.")
    if after.backfill != before.backfill:
        raise FlowRefusal("1404-400", "The start time has passed: backfill cannot be changed any more.")


def act(sandbox: Sandbox, flow: Flow, operation: str) -> None:
    """Enable or disable a dataflow.

    :param operation: in any case of letters.
    """
    states = {"enable": "enabled", "disable": "disabled"}
    wanted = states.get(operation.lower())
    assert flow.schedule is not None
    if wanted is None:
        raise _invalid("1453-400", f"The operation '{operation[:40]}' is none of: {', '.join(states)}.")
    # A dataflow that runs once and was disabled at its moment has nothing planned any more.
    run_is_due = wanted == "enabled" != flow.state and flow.schedule.frequency == ONCE and flow.last_run is None
    flow.state = wanted
    flow.operation = (operation.lower(), None)
    sandbox.flow_service.write("flows", flow)
    if run_is_due:
        plan_first(sandbox, flow)


def delete(sandbox: Sandbox, flow: Flow) -> None:
    """Delete a dataflow; its runs stay."""
    flow.plan += 1
    sandbox.flow_service.flows.remove(flow)
