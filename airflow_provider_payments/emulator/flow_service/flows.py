"""Creating, changing, enabling, disabling, publishing and deleting dataflows, and the rules for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.flow_service.mappings import check_mapping
from airflow_provider_payments.emulator.flow_service.model import DISABLED, DRAFT, ENABLED, END_KINDS, Flow, Resource
from airflow_provider_payments.emulator.flow_service.payloads import (
    check_version,
    content_of,
    optional,
    partial_percent,
    required,
    to_boolean,
)
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, invalid, wrong
from airflow_provider_payments.emulator.flow_service.schedule import ONCE, Schedule, parse_schedule
from airflow_provider_payments.emulator.flow_service.scheduler import plan_first, plan_next
from airflow_provider_payments.emulator.flow_service.sources import column_names, source_table
from airflow_provider_payments.emulator.flow_service.specs import CRM_FLOW_SPEC_ID, FLOW_SPECS
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.flow_service.writes import (
    check_published,
    check_unpublished,
    operation_of,
    patched,
)

_WRITABLE = ("name", "description", "transformations", "scheduleParams", "options", "labels", "policy", "recordTypes")
_ACTIONS = {"enable": ENABLED, "disable": DISABLED, "publish": ENABLED}


def create(service: FlowService, body: Mapping[str, Any], draft: bool) -> Flow:
    """Create a dataflow and plan its first run, or raise a refusal. The same body sent twice creates two dataflows.

    :param draft: whether to create a draft, which may be incomplete and does not run until it is published.
    """
    if body.get("state") is not None:
        raise invalid("1410-400", "'state' may not be sent when a dataflow is created.")
    content = _draft_content(body)
    schedule = None if draft else check(service, content, service.clock.now())
    flow: Flow = service.add("flows", content, DRAFT if draft else ENABLED)
    flow.schedule = schedule
    if not draft:
        plan_first(service, flow)
    return flow


def _draft_content(body: Mapping[str, Any]) -> dict[str, Any]:
    """Check the flow spec of a draft and the types of its members; return the members that are stored."""
    spec_id = required(body, "flowSpec.id", str)
    if spec_id not in FLOW_SPECS:
        raise invalid("1413-400", f"The flow spec id '{spec_id[:100]}' is not valid.")
    check_version(body, "flowSpec.version")
    for text in ("name", "description"):
        optional(body, text, str)
    for member in END_KINDS:
        if not all(isinstance(identifier, str) for identifier in optional(body, member, list) or ()):
            raise wrong(member, "a list of ids")
    for place, entry in enumerate(optional(body, "transformations", list) or ()):
        where = f"transformations[{place}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise FlowRefusal("1392-400", f"{where} must be an object with a 'name'.")
        optional({where: entry}, f"{where}.params", dict)
    for member in ("scheduleParams", "options"):
        optional(body, member, dict)
    if isinstance(body.get("policy"), dict) and body["policy"].get("fields") == []:
        raise invalid("1431-400", "The list 'policy.fields' must not be empty.")
    return content_of(body, ("flowSpec", *END_KINDS, *_WRITABLE))


def check(
    service: FlowService, content: Mapping[str, Any], now: float | None, current_copy: Mapping[str, Any] | None = None
) -> Schedule:
    """Check a dataflow's content against all rules and return its schedule.

    :param now: the current time, to refuse an earlier start time; None if the start time was accepted before.
    :param current_copy: the current parameters of the Copy transformation, which a run on demand may have set.
    """
    spec_id = str(content["flowSpec"]["id"])
    required(content, "name", str)
    source = _single(service, content, "sourceConnectionIds")
    target = _single(service, content, "targetConnectionIds")
    if source.spec_id not in FLOW_SPECS[spec_id]["sourceConnectionSpecIds"]:
        raise invalid("1413-400", f"The flow spec {spec_id} does not serve sources of the spec {source.spec_id}.")
    transformations = _transformations(content)
    schedule = parse_schedule(content.get("scheduleParams"), now)
    _check_copy(service, transformations.get("Copy"), spec_id, schedule, source, current_copy)
    _check_options(content)
    check_mapping(service, transformations["Mapping"], source, target)
    return schedule


def _single(service: FlowService, content: Mapping[str, Any], member: str) -> Resource:
    identifiers = required(content, member, list)
    if len(identifiers) != 1:
        raise FlowRefusal("1321-400", f"'{member}' must hold exactly one id, not {len(identifiers)}.")
    end: Resource = service.get(END_KINDS[member], identifiers[0])
    check_published(end)
    return end


def _transformations(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the parameters of the transformations by name; refuse a wrong name, or if Mapping is missing."""
    result: dict[str, Mapping[str, Any]] = {}
    for entry in required(content, "transformations", list):
        name = entry["name"]
        if name not in ("Copy", "Mapping") or name in result:
            raise FlowRefusal("1392-400", f"The transformation '{name[:60]}' is unknown, or there twice.")
        result[name] = entry.get("params") or {}
    if "Mapping" not in result:
        raise FlowRefusal("1328-400", "The Mapping transformation is missing.")
    if not result["Mapping"]:
        raise FlowRefusal("1370-400", "The Mapping transformation has no params: no source columns can be chosen.")
    return result


def _check_copy(
    service: FlowService,
    copy: Mapping[str, Any] | None,
    spec_id: str,
    schedule: Schedule,
    source: Resource,
    current: Mapping[str, Any] | None,
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
        if delta is not None and copy != current:
            raise FlowRefusal("1369-400", "A delta column is not allowed for a dataflow that runs once.")
        return
    name = delta.get("name") if isinstance(delta, dict) else None
    if not isinstance(name, str) or not name:
        raise FlowRefusal("1367-400", "The Copy transformation needs 'deltaColumn.name' for a source of this kind.")
    table = source_table(service, source)
    if table is not None and name not in column_names(source, table):
        raise FlowRefusal("1367-400", f"The delta column '{name[:100]}' is not among the source connection's columns.")


def _check_options(content: Mapping[str, Any]) -> None:
    options = optional(content, "options", dict) or {}
    diagnostics, percent = options.get("errorDiagnosticsEnabled"), options.get("partialIngestionPercent")
    if diagnostics is not None and to_boolean(diagnostics) is None:
        raise wrong("options.errorDiagnosticsEnabled", "true or false")
    if percent is not None and partial_percent(options) is None:
        raise wrong("options.partialIngestionPercent", "a number above 0")


def update(service: FlowService, flow: Flow, call: Call[FlowService]) -> None:
    """Apply the patch of a request to a dataflow, or refuse the patch."""
    if flow.schedule is None:
        content = _draft_content(patched(call, "flows", flow, (*_WRITABLE, *END_KINDS)))
    else:
        content = _draft_content(patched(call, "flows", flow, _WRITABLE))
        _reschedule(service, flow, flow.schedule, content)
    flow.operation = ("update", call.json())
    service.write("flows", flow, content)


def _reschedule(service: FlowService, flow: Flow, before: Schedule, content: Mapping[str, Any]) -> None:
    """Check the changed content of a dataflow, and plan its runs again if the schedule changed."""
    now, params = service.clock.now(), content.get("scheduleParams") or {}
    passed, was_once = before.start <= now, before.frequency == ONCE
    if passed and params.get("frequency") == ONCE and not was_once:
        raise FlowRefusal("1403-400", "The start time has passed: the dataflow cannot be made to run once any more.")
    is_old = passed or params == flow.content["scheduleParams"]
    schedule = check(service, content, None if is_old else now, flow.transformation("Copy") if was_once else None)
    if passed and schedule.start != before.start:
        raise FlowRefusal("1366-400", "The start time has passed and cannot be changed any more.")
    if passed and schedule.backfill != before.backfill:
        raise FlowRefusal("1404-400", "The start time has passed: backfill cannot be changed any more.")
    if was_once and content["transformations"] != flow.content["transformations"]:
        raise FlowRefusal("1366-400", "The mapping of a dataflow that runs once cannot be changed.")
    flow.schedule = schedule
    if schedule != before:
        # A missed first run is not made up for. A fast clock starts the first run regardless of the start time.
        has_begun = flow.watermark is not None or (passed and service.clock.mode != "fast")
        (plan_next if has_begun else plan_first)(service, flow)


def act(service: FlowService, flow: Flow, call: Call[FlowService]) -> None:
    """Enable, disable or publish a dataflow, as the request says, or raise a refusal."""
    operation = operation_of(call, tuple(_ACTIONS), flow.etag)
    state = _ACTIONS[operation]
    if operation == "publish":
        check_unpublished(flow)
        flow.schedule = check(service, flow.content, service.clock.now())
    elif flow.state == DRAFT:
        raise invalid("1422-400", f"The action {operation} cannot be applied in the state {flow.state}.")
    assert flow.schedule is not None
    is_enabled_now = state == ENABLED != flow.state
    # A dataflow that runs once and was disabled when its run was due has no planned run any more.
    missed_only_run = is_enabled_now and flow.schedule.frequency == ONCE and flow.watermark is None
    if is_enabled_now:
        flow.failing_since = 0
    flow.state = state
    flow.operation = (operation, None)
    service.write("flows", flow)
    if missed_only_run or operation == "publish":
        plan_first(service, flow)


def delete(service: FlowService, flow: Flow) -> None:
    """Delete a dataflow. Its runs are kept, and planned runs do not start."""
    flow.schedule_version += 1
    service.flows.remove(flow)
