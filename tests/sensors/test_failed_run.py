"""A task pushes the XCom ``flow_run`` before a flow run fails or skips it, for callbacks and the page in Airflow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, TaskDeferred

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, FlowRunFailedError
from airflow_provider_payments.operators import outputs
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import FullTaskInstance, make_dataflow
from tests.operators.on_demand import Stage
from tests.operators.run_dataflow import operator
from tests.operators.test_outputs import check
from tests.sensors.conftest import context, sensor
from tests.sensors.flows import History, advance_to_run, answer, run_item

KEY = "flow_run"
CODES = "DCVS-1111-400 (3), MAPPER-3700-400 (2)"
FAILED = (FlowRunFailedError, AirflowSkipException)


def pushed(task: Any, error: Any = FAILED, **resumed: Any) -> dict[str, Any]:
    """Run a task that fails or is skipped; return the XComs that it has pushed."""
    its_context = context()
    with pytest.raises(error):
        task.resume_execution("execute_complete", resumed, its_context) if resumed else task.execute(its_context)
    return dict(its_context["ti"].pushed)


def dataset_of(emulator: Emulator) -> str:
    """Return the id of the only dataset."""
    (dataset,) = emulator.objects("dataSets")
    return str(dataset["id"])


@pytest.mark.parametrize("arguments", [{}, {"deferrable": True}, {"soft_fail": True}, {"never_fail": True}], ids=str)
def test_a_failed_run_is_pushed_even_if_the_task_is_skipped(history: History, arguments: dict[str, bool]) -> None:
    run = history.runs(history.failed)[0]
    failed = pushed(sensor(flow_id=history.failed, **arguments))[KEY]
    check(failed, outputs.FailedFlowRun)
    reason = failed.pop("reason")
    assert reason.startswith("CONNECTOR-2001-500: Errors occurred while the data was promoted.; ")
    assert failed == {
        "run_id": run["id"],
        "flow_id": history.failed,
        "flow_name": "failed",
        "dataset_id": dataset_of(history.emulator),
        "dataset_name": "products",
        "sandbox": "dev",
        "org_id": "EMULATOR@AdobeOrg",
        "status": "failed",
        "input_records": 1200,
        "output_records": 0,
        "failed_records": failed["failed_records"],
        "batch_ids": failed["batch_ids"],
        "started_at": failed["started_at"],
        "completed_at": failed["completed_at"],
        "codes": CODES,
        "page": f"{history.emulator.url}/",
    }
    assert all(isinstance(value, (str, int)) for value in failed.values())


def test_the_reason_names_the_argument_that_rejects_a_partial_run(history: History) -> None:
    failed = pushed(sensor(flow_id=history.partial, max_failed_ratio=0.001))[KEY]
    assert (failed["status"], failed["failed_records"], failed["codes"]) == ("partial", 5, CODES)
    assert failed["reason"].startswith("a share of 0.0042, but max_failed_ratio is 0.001. ")


def test_unknown_counts_have_no_key(history: History, proxy_of_history: FaultProxy) -> None:
    run = run_item(history.good, "success", True, outputRecordCount=7, failedRecordCount=None)
    proxy_of_history.fault("GET", "/runs", status=200, body=answer(run))
    failed = pushed(sensor(flow_id=history.good))[KEY]
    check(failed, outputs.FailedFlowRun)
    assert failed["output_records"] == 7
    assert {"input_records", "failed_records", "codes", "batch_ids"}.isdisjoint(failed)
    assert "failedRecordCount=null" in failed["reason"]


def ended_wait(connected: Emulator) -> tuple[str, dict[str, Any]]:
    """Return the id of a dataflow whose run lost records, and the event of a deferred wait for the run."""
    flow = make_dataflow(partial_ingestion_percent=5)["id"]
    with pytest.raises(TaskDeferred) as deferred:
        sensor(flow_id=flow, deferrable=True).execute(context())
    advance_to_run(connected)
    fired = asyncio.run(_first(deferred.value.trigger))
    return flow, fired


def test_after_a_deferral_the_dataflow_of_the_first_poll_is_named(connected: Emulator) -> None:
    flow, fired = ended_wait(connected)
    connected.control("DELETE", "requests")
    failed = pushed(sensor(flow_id=flow, deferrable=True), event=json.loads(json.dumps(fired)))[KEY]
    assert (failed["flow_name"], failed["dataset_name"], failed["status"]) == ("products", "products", "partial")
    assert [request for request in connected.requests(method="GET") if "/flows/" in request["path"]] == []


def test_the_dataflow_is_read_if_an_older_triggerer_sends_none(connected: Emulator) -> None:
    flow, fired = ended_wait(connected)
    del fired["flow"]
    failed = pushed(sensor(flow_id=flow, deferrable=True), event=fired)[KEY]
    assert (failed["flow_name"], failed["dataset_name"]) == ("products", "products")


async def _first(trigger: Any) -> Any:
    return (await anext(trigger.run())).payload


@pytest.mark.parametrize(
    ("path", "missing"),
    [("/targetConnections/", {"dataset_id", "dataset_name"}), ("/dataSets/", {"dataset_name"})],
    ids=["target connection", "dataset"],
)
def test_unreadable_values_have_no_key_and_are_logged(
    history: History, proxy_of_history: FaultProxy, said: Callable[[str], int], path: str, missing: set[str]
) -> None:
    proxy_of_history.fault("GET", path, status=403, body=b'{"title": "no"}')
    failed = pushed(sensor(flow_id=history.failed))[KEY]
    assert {"dataset_id", "dataset_name"} - set(failed) == missing
    assert (failed["flow_name"], failed["sandbox"]) == ("failed", "dev")
    assert said(f"Could not read where dataflow {history.failed} writes to") == 1


def test_a_failed_push_is_logged_and_changes_no_outcome(history: History, said: Callable[[str], int]) -> None:
    with pytest.raises(FlowRunFailedError):
        sensor(flow_id=history.failed).execute(context() | {"ti": FullTaskInstance(KEY)})
    assert said("Could not push the XCom flow_run: no space is left") == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"flow_id": "good"}, None),
        ({"flow_id": "waiting", "timeout": 0}, AirflowSensorTimeout),
        ({"flow_id": "gone"}, ExperiencePlatformFailedError),
    ],
    ids=["success", "timeout", "deleted"],
)
def test_a_task_that_fails_for_another_reason_pushes_no_run(
    history: History, arguments: dict[str, Any], error: Any
) -> None:
    name = arguments["flow_id"]
    given, its_context = arguments | {"flow_id": getattr(history, name, name)}, context()
    if error:
        with pytest.raises(error):
            sensor(**given).execute(its_context)
    else:
        sensor(**given).execute(its_context)
    assert KEY not in its_context["ti"].pushed


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_run_on_demand_that_fails_is_pushed_with_its_names(
    connected: Emulator, make_client: Callable[..., Client], deferrable: bool
) -> None:
    stage = Stage(connected, make_client, True)
    stage.make_dataflow()
    stage.emulator.order("fail_promotion")
    task, its_context = operator(stage, deferrable=deferrable), stage.context()
    with pytest.raises(TaskDeferred if deferrable else FlowRunFailedError) as ended:
        task.execute(its_context)
    if isinstance(ended.value, TaskDeferred):
        stage.emulator.advance(60)
        event = asyncio.run(_first(ended.value.trigger))
        with pytest.raises(FlowRunFailedError):
            operator(stage).resume_execution(ended.value.method_name, {"event": event}, its_context)
    failed = stage.task.pushed[KEY]
    check(failed, outputs.FailedFlowRun)
    assert failed["run_id"] == stage.runs()[0]["id"]
    names = ("products", "products", dataset_of(connected))
    assert (failed["flow_name"], failed["dataset_name"], failed["dataset_id"]) == names
    assert len(connected.requests(method="GET", path=f"/data/foundation/flowservice/flows/{stage.flow_id}")) == 1
