"""The events of a task's outlets after a flow run has ended, for each task that waits for runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Asset, AssetAlias, TaskDeferred

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import FlowRunFailedError
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator
from tests.assets.accessors import alias_events, as_said, outlet_events
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import DAY, Stage
from tests.operators.run_dataflow import operator
from tests.sensors.conftest import context, sensor
from tests.sensors.conftest import history as history
from tests.sensors.conftest import proxy_of_history as proxy_of_history
from tests.sensors.conftest import said as said
from tests.sensors.flows import History, advance_to_run
from tests.sensors.flows import written_history as written_history

ANY = {"accept_partial": True}
FOREIGN = Asset("s3://bucket/key")


def uri_of(emulator: Emulator, flow_id: str) -> str:
    """Return the URI of the dataset that a dataflow writes to."""
    (flow,) = (flow for flow in emulator.objects("flows") if flow["id"] == flow_id)
    targets = {target["id"]: target for target in emulator.objects("targetConnections")}
    return f"aep://EMULATOR/dev/{targets[flow['targetConnectionIds'][0]]['params']['dataSetId']}"


def events_of(task: Any, **more: Any) -> Any:
    """Run a task; return the events of its outlets."""
    events = outlet_events()
    task.execute(context() | {"outlet_events": events} | more)
    return events


def reads(emulator: Emulator) -> list[str]:
    """Return the collection of each read of a single object, except flow runs."""
    return [
        str(request["path"]).rsplit("/", 2)[1]
        for request in emulator.requests(method="GET")
        if "/runs" not in request["path"] and request["path"].count("/") > 4
    ]


@pytest.mark.parametrize("arguments", [{}, {"deferrable": True}], ids=str)
def test_the_datasets_event_contains_counts_status_and_run(history: History, arguments: dict[str, Any]) -> None:
    own = Asset(uri_of(history.emulator, history.partial))
    task, events = sensor(flow_id=history.partial, outlets=[own, FOREIGN], **ANY, **arguments), outlet_events()
    returned = task.execute(context() | {"outlet_events": events})
    window = {name: events[own].extra[name] for name in ("window_start", "window_end")}
    assert events[own].extra == as_said(returned) | window
    names = {"flow_id": history.partial, "flow_name": "partial", "dataset_name": "products"}
    assert (names | {"dataset_id": own.uri.rpartition("/")[2]}).items() <= returned.items()
    assert (returned["status"], returned["failed_records"]) == ("partial", 5)
    assert not events[FOREIGN].extra


def test_an_event_after_a_deferral_is_the_same(connected: Emulator) -> None:
    flow = make_dataflow(partial_ingestion_percent=5)["id"]
    own, alias = Asset(uri_of(connected, flow)), AssetAlias("arrived")
    with pytest.raises(TaskDeferred) as deferred:
        sensor(flow_id=flow, deferrable=True, **ANY).execute(context())
    advance_to_run(connected)
    event = asyncio.run(_first(deferred.value.trigger))
    task, events = sensor(flow_id=flow, deferrable=True, outlets=[own, alias], **ANY), outlet_events()
    returned = task.resume_execution("execute_complete", {"event": event}, context() | {"outlet_events": events})
    assert as_said(returned).items() < events[own].extra.items()
    assert alias_events(events[alias]) == {own.uri: events[own].extra}


async def _first(trigger: Any) -> Any:
    return (await anext(trigger.run())).payload


def test_an_alias_becomes_the_dataset_that_the_dataflow_writes_to(history: History) -> None:
    alias = AssetAlias("arrived")
    events = events_of(sensor(flow_id=history.good, outlets=[alias]))
    assert list(alias_events(events[alias])) == [uri_of(history.emulator, history.good)]


def test_another_dataset_among_the_outlets_gets_no_counts_and_a_warning(
    history: History, said: Callable[[str], int]
) -> None:
    other = Asset("aep://EMULATOR/dev/other")
    events = events_of(sensor(flow_id=history.good, outlets=[other]))
    assert not events[other].extra
    assert said("the events of other outlets carry no counts: aep://EMULATOR/dev/other") == 1


def test_outlets_take_two_requests_and_no_outlets_none(history: History) -> None:
    flow, emulator = history.good, history.emulator
    for outlets, expected in (([], []), ([FOREIGN], []), ([AssetAlias("a")], ["targetConnections", "dataSets"])):
        before = len(reads(emulator))
        events_of(sensor(flow_id=flow, outlets=outlets))
        assert reads(emulator)[before:] == expected


def test_if_the_dataset_is_unreadable_the_outlet_is_assumed_and_logged(
    history: History, proxy_of_history: FaultProxy, said: Callable[[str], int]
) -> None:
    own, alias = Asset(uri_of(history.emulator, history.good)), AssetAlias("arrived")
    refusal = b'{"errorCode": "FLOW-1", "message": "no"}'
    proxy_of_history.fault("GET", "/targetConnections/", status=404, body=refusal)
    events = events_of(sensor(flow_id=history.good, outlets=[own, alias]))
    assert events[own].extra["status"] == "succeeded"
    assert not alias_events(events[alias])
    assert said(f"Could not read where dataflow {history.good} writes to") == 1


def test_a_dataset_with_an_unreadable_name_is_named_by_its_id(
    history: History, proxy_of_history: FaultProxy, said: Callable[[str], int]
) -> None:
    alias = AssetAlias("arrived")
    proxy_of_history.fault("GET", "/dataSets/", status=403, body=b'{"type": "error", "title": "no"}')
    events = events_of(sensor(flow_id=history.good, outlets=[alias]))
    (extra,) = alias_events(events[alias]).values()
    assert (extra["flow_name"], "dataset_name" in extra) == ("good", False)
    assert said(f"Could not read where dataflow {history.good} writes to") == 1


def test_a_wait_by_run_id_reads_the_dataflow_for_outlets(history: History) -> None:
    before, alias = len(reads(history.emulator)), AssetAlias("arrived")
    events_of(sensor(run_id=history.runs(history.good)[0]["id"], outlets=[alias], **ANY))
    assert reads(history.emulator)[before:] == ["flows", "targetConnections", "dataSets"]


def test_a_failed_run_fills_no_events(history: History) -> None:
    own, events = Asset(uri_of(history.emulator, history.failed)), outlet_events()
    with pytest.raises(FlowRunFailedError):
        sensor(flow_id=history.failed, outlets=[own]).execute(context() | {"outlet_events": events})
    assert not events[own].extra


@pytest.fixture
def stage(connected: Emulator, make_client: Callable[..., Client]) -> Stage:
    """A dataflow that runs on demand."""
    stage = Stage(connected, make_client, True)
    stage.make_dataflow()
    return stage


@pytest.mark.parametrize("waits", [True, False])
def test_a_run_on_demand_adds_its_window_and_aliases_require_arrival(stage: Stage, waits: bool) -> None:
    own, alias, events = Asset(uri_of(stage.emulator, stage.flow_id)), AssetAlias("arrived"), outlet_events()
    task = operator(stage, outlets=[own, alias], wait_for_completion=waits)
    returned = task.execute(stage.context(outlet_events=events))
    said = events[own].extra
    assert as_said(returned).items() <= said.items()
    assert (said["flow_id"], said["reused"]) == (stage.flow_id, False)
    assert said["window_start"] < said["window_end"]
    assert alias_events(events[alias]) == ({own.uri: said} if waits else {})


def test_a_retried_run_adds_its_window(stage: Stage) -> None:
    stage.emulator.order("fail_promotion")
    with pytest.raises(FlowRunFailedError):
        operator(stage).execute(stage.context())
    alias, events = AssetAlias("arrived"), outlet_events()
    task = stage.operator(RetryFlowRunOperator, run_id=stage.runs()[0]["id"], accept_partial=True, outlets=[alias])
    returned = task.execute(stage.context(outlet_events=events))
    (said,) = alias_events(events[alias]).values()
    assert as_said(returned).items() <= said.items()
    assert datetime.fromisoformat(said["window_start"]).timestamp() == stage.today - 2 * DAY
