"""A wait for a run of a disabled dataflow fails at once, unless a run matches or ``fail_if_disabled`` is false."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import DataflowDisabledError, NotFoundError
from airflow_provider_payments.aep.runs.flow_run import Status
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from airflow_provider_payments.triggers.flow_run import FlowRunTrigger
from tests.aep.runs.many_dataflows import Fleet, MakeFleet, MakeQueries, poll
from tests.aep.runs.many_dataflows import fleet as fleet
from tests.aep.runs.many_dataflows import make_queries as make_queries
from tests.conftest import CONNECTION_ID
from tests.sensors.conftest import context

FLOWS = "/data/foundation/flowservice/flows"


def disable(queries: Any, flow_id: str) -> None:
    queries.client.request("POST", f"{FLOWS}/{flow_id}/action", params={"op": "disable"})


def test_a_disabled_dataflow_without_a_run_is_a_final_error(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(3)
    waits, queries = flows.waits(), make_queries(flows)
    poll(queries, waits)
    disable(queries, flows.ids[1])
    poll(queries, waits)
    assert [type(wait.error) for wait in waits] == [type(None), DataflowDisabledError, type(None)]
    error = waits[1].error
    assert error
    assert not error.retryable
    parts = (
        f"dataflow {flows.ids[1]} is disabled (last changed at 20",
        "enable the dataflow",
        "fail_if_disabled=False",
    )
    assert all(part in str(error) for part in parts)


def test_a_disabled_dataflow_is_waited_for_if_requested(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(1)
    (wait,), queries = flows.waits(), make_queries(flows)
    wait.fail_if_disabled = False
    disable(queries, wait.flow_id)
    poll(queries, [wait])
    assert wait.error is None
    queries.client.request("POST", f"{FLOWS}/{wait.flow_id}/action", params={"op": "enable"})
    flows.let_run()
    poll(queries, [wait])
    assert wait.run


def test_a_run_that_began_before_disabling_is_waited_for(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(1)
    (wait,), queries = flows.waits(), make_queries(flows)
    flows.let_begin()
    disable(queries, wait.flow_id)
    poll(queries, [wait])
    assert wait.run
    assert (wait.run.status, wait.error) == (Status.ACTIVE, None)
    flows.release()
    poll(queries, [wait])
    assert wait.run.status is not Status.ACTIVE


def test_a_run_that_the_dataflow_does_not_show_is_found(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(1)
    flows.emulator.control("PUT", "options", json={"last_run_shows_active": False})
    (wait,), queries = flows.waits(), make_queries(flows)
    flows.let_begin()
    disable(queries, wait.flow_id)
    poll(queries, [wait])
    assert (wait.run is not None, wait.error) == (True, None)


def test_a_dataflow_disabled_after_30_days_of_failures_is_noticed(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(1)
    flows.emulator.control("POST", "outcomes", json={"outcome": "fail_copy", "times": None})
    flows.emulator.advance(32 * 86400)
    flows.now = float(flows.emulator.control("GET", "clock")["now"])
    (wait,) = flows.waits()
    poll(make_queries(flows), [wait])
    assert isinstance(wait.error, DataflowDisabledError)


def sensor(flows: Fleet, **arguments: Any) -> FlowRunSensor:
    return FlowRunSensor(task_id="wait", flow_id=flows.ids[0], since=flows.now, poke_interval=0, **arguments)


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
@pytest.mark.parametrize("trouble", ["disabled", "deleted"])
def test_the_sensor_fails_in_each_mode(
    mode: str, trouble: str, fleet: MakeFleet, make_queries: MakeQueries, connect: Callable[..., None]
) -> None:
    flows = fleet(1)
    connect(flows.emulator.url)
    queries = make_queries(flows)
    if trouble == "disabled":
        disable(queries, flows.ids[0])
    else:
        queries.client.request("DELETE", f"{FLOWS}/{flows.ids[0]}")
    with pytest.raises(ExperiencePlatformFailedError, match=r"is disabled \(last changed at|FLOW-1439-404"):
        sensor(flows, mode=mode).execute(context())


def test_the_trigger_ends_with_the_same_error(
    fleet: MakeFleet, make_queries: MakeQueries, connect: Callable[..., None]
) -> None:
    flows = fleet(1)
    connect(flows.emulator.url)
    (wait,) = flows.waits()
    disable(make_queries(flows), wait.flow_id)
    trigger = FlowRunTrigger(aep_conn_id=CONNECTION_ID, poll_interval=0.01, **wait.trigger_arguments())

    async def event() -> Any:
        async with asyncio.timeout(20):
            return [event.payload async for event in trigger.run()]

    (payload,) = asyncio.run(event())
    assert (payload["status"], payload["retryable"]) == ("error", False)
    assert payload["message"].startswith("DataflowDisabledError: dataflow ")


def test_a_deleted_dataflow_ends_its_own_wait_only(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(2)
    waits, queries = flows.waits(), make_queries(flows)
    queries.client.request("DELETE", f"{FLOWS}/{flows.ids[0]}")
    poll(queries, waits)
    assert isinstance(waits[0].error, NotFoundError)
    assert waits[1].error is None
