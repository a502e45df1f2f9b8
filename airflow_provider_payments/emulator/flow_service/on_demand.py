"""Runs that a client requests: a run on demand for a data window, and the retry of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.flow_service.ingestion import delta_column
from airflow_provider_payments.emulator.flow_service.model import ENABLED, FAILED, SUCCESS, Flow, Run
from airflow_provider_payments.emulator.flow_service.payloads import optional, to_integer
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, invalid
from airflow_provider_payments.emulator.flow_service.schedule import MAX_START_SECONDS, ONCE
from airflow_provider_payments.emulator.flow_service.scheduler import start_on_demand, start_retry
from airflow_provider_payments.emulator.flow_service.sources import column_names, source_table
from airflow_provider_payments.emulator.flow_service.specs import CRM_FLOW_SPEC_ID
from airflow_provider_payments.emulator.flow_service.state import FlowService

_TIMES = ("startTime", "windowStartTime", "windowEndTime")


def create(service: FlowService, body: Mapping[str, Any]) -> Run:
    """Create a run on demand, or raise a refusal."""
    flow = _flow(service, body.get("flowId"))
    _check_flow(flow)
    params = body.get("params")
    if not isinstance(params, dict) or not params:
        raise FlowRefusal("1384-400", "The params of a flow run must be an object and must not be empty.")
    start, begin, end = (_time(params, name) for name in _TIMES)
    if end < begin:
        raise FlowRefusal("1381-400", f"The window ends at {end}, before it starts at {begin}.")
    _check_predecessors(service, body)
    if flow.content["flowSpec"]["id"] == CRM_FLOW_SPEC_ID:
        _set_delta_column(service, flow, params)
    request = {key: body[key] for key in ("params", "predecessors") if body.get(key) is not None}
    return start_on_demand(service, flow, request, float(start), (float(begin), float(end)))


def _flow(service: FlowService, identifier: Any) -> Flow:
    if identifier is None or identifier == "":
        raise invalid("1446-400", "The flow id must not be empty.")
    flow = service.flows.read(identifier) if isinstance(identifier, str) else None
    if flow is None:
        raise invalid("1430-400", f"There is no flow with the id {str(identifier)[:100]}.")
    return flow


def _check_flow(flow: Flow) -> None:
    if flow.state != ENABLED:
        raise FlowRefusal("1380-400", f"The flow run cannot be made: the flow {flow.id} is in the state {flow.state}.")
    assert flow.schedule is not None
    if flow.schedule.frequency != ONCE:
        raise FlowRefusal(
            "1386-400",
            f"The flow {flow.id} has the frequency {flow.schedule.frequency}; only with {ONCE} can runs be made.",
        )


def _time(params: Mapping[str, Any], name: str) -> int:
    given = params.get(name)
    if given is None or given == "":
        raise FlowRefusal("1384-400", f"The params of a flow run are not valid: '{name}' is missing.")
    moment = to_integer(given)
    if moment is None or not 0 <= moment < MAX_START_SECONDS:
        raise FlowRefusal("1340-400", f"'params.{name}' must be a number of epoch seconds, not '{str(given)[:60]}'.")
    return moment


def _check_predecessors(service: FlowService, body: Mapping[str, Any]) -> None:
    for place, entry in enumerate(optional(body, "predecessors", list) or ()):
        where = f"predecessors[{place}]"
        flow_id, run_id = (optional({where: entry}, f"{where}.{name}", str) for name in ("flowId", "flowRunId"))
        if flow_id is not None and service.flows.read(flow_id) is None:
            raise invalid("1429-400", f"There is no predecessor flow {flow_id[:100]}.")
        if run_id is not None and service.runs.read(run_id) is None:
            raise invalid("1428-400", f"There is no predecessor run {run_id[:100]}.")


def _set_delta_column(service: FlowService, flow: Flow, params: Mapping[str, Any]) -> None:
    """Set the dataflow's delta column with the first run on demand; later runs may omit it but not change it."""
    given, current = params.get("deltaColumn"), delta_column(flow)
    if given is None and current is not None:
        return
    name = given.get("name") if isinstance(given, dict) else given
    if name is None or name == "":
        raise FlowRefusal("1383-400", "The params of the first flow run must name the delta column.")
    if not isinstance(given, dict) or not isinstance(name, str):
        raise FlowRefusal("1384-400", "'params.deltaColumn' must be an object whose 'name' is text.")
    if current is not None:
        if name != current:
            raise FlowRefusal(
                "1382-400", f"The delta column '{name[:100]}' is not that of the flow's Copy transformation: {current}."
            )
        return
    source = service.get("sourceConnections", flow.source_id)
    table = source_table(service, source)
    if table is not None and name not in column_names(source, table):
        raise FlowRefusal("1380-400", f"The flow run cannot be made: the source has no column '{name[:100]}'.")
    others = [entry for entry in flow.content["transformations"] if entry["name"] != "Copy"]
    copy = {"name": "Copy", "params": {**(flow.transformation("Copy") or {}), "deltaColumn": given}}
    service.write("flows", flow, {**flow.content, "transformations": [copy, *others]})


def retry(service: FlowService, run: Run) -> Run:
    """Repeat a run, or raise a refusal: the run's latest retry must have failed, or succeeded without records."""
    flow = _flow(service, run.flow_id)
    if flow.state != ENABLED:
        raise FlowRefusal("1388-400", f"The flow {flow.id} is in the state {flow.state}; it must be enabled.")
    latest = run
    while latest.retry is not None:
        latest = latest.retry
    if latest.status != FAILED and (latest.status != SUCCESS or latest.input_records):
        which = f"The flow run {run.id}" if latest is run else f"The retry {latest.id} of the flow run {run.id}"
        raise FlowRefusal("1387-400", f"{which} is in the state {latest.status} and cannot be triggered again.")
    return start_retry(service, latest)
