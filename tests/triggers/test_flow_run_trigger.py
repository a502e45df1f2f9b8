"""``FlowRunTrigger`` waits in the triggerer, only reads, and always ends with one event."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_payments.triggers.flow_run import FlowRunTrigger
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.fault_proxy import FaultProxy
from tests.sensors.flows import History, answer, run_item, started

RUNS = "/flowservice/runs"
DOWN: dict[str, Any] = {"status": 503}


def trigger(
    flow_id: str | None = "flow", *, conn_id: str = CONNECTION_ID, deadline: float | None = None, **selection: Any
) -> FlowRunTrigger:
    chosen = {"flow_id": flow_id, "run_id": None, "since": 0.0, "pick": "first"} | selection
    return FlowRunTrigger(aep_conn_id=conn_id, selection=chosen, poll_interval=0.001, deadline=deadline)


def events(waiting: FlowRunTrigger) -> list[Any]:
    """Return all events of a trigger, which must end."""

    async def collect() -> list[Any]:
        async with asyncio.timeout(20):
            return [event.payload async for event in waiting.run()]

    return asyncio.run(collect())


def test_the_serialized_arguments_recreate_the_trigger() -> None:
    path, arguments = trigger("flow", since=12.5, pick="latest", deadline=99.5).serialize()
    assert arguments == {
        "aep_conn_id": CONNECTION_ID,
        "selection": {"flow_id": "flow", "run_id": None, "since": 12.5, "pick": "latest"},
        "poll_interval": 0.001,
        "deadline": 99.5,
        "created_since": None,
        "max_errors": 5,
        "known_run_id": None,
        "quiet_since": None,
        "fail_if_disabled": True,
        "by_own_clock": False,
        "flow": None,
    }
    module, name = path.rsplit(".", 1)
    again = getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)


def test_a_trigger_stored_by_an_earlier_release_continues(history: History) -> None:
    stored = {
        "aep_conn_id": CONNECTION_ID,
        "selection": {"flow_id": history.good, "run_id": None, "since": 0.0, "pick": "first"},
        "poll_interval": 0.001,
        "deadline": None,
    }
    first_release = stored | {
        "created_since": None,
        "max_errors": 5,
        "known_run_id": None,
        "quiet_since": None,
        "fail_if_disabled": True,
        "by_own_clock": False,
    }
    for arguments in (stored, first_release):
        (event,) = events(FlowRunTrigger(**arguments))
        assert (event["status"], event["run"]["flow_id"], event["flow"]) == ("ended", history.good, None)


def test_the_event_contains_the_complete_ended_run(history: History) -> None:
    run, _ = history.runs(history.partial)
    records, times = run["metrics"]["recordSummary"], run["metrics"]["durationSummary"]
    waiting, flow = trigger(history.partial), {"id": history.partial, "name": "partial"}
    waiting.flow = flow
    (event,) = events(waiting)
    errors, codes = event["run"].pop("errors"), event["run"].pop("failed_codes")
    window = run["activities"][0]["durationSummary"]["extensions"]
    (batch,) = [b for b in history.emulator.objects("batches") if b["tags"]["flowRunId"] == [run["id"]]]
    assert event == {
        "status": "ended",
        "run": {
            "id": run["id"],
            "flow_id": history.partial,
            "raw_status": "success",
            "created_at": run["createdAt"] / 1000,
            "started_at": times["startedAtUTC"] / 1000,
            "completed_at": times["completedAtUTC"] / 1000,
            "input_records": records["inputRecordCount"],
            "output_records": records["outputRecordCount"],
            "failed_records": 5,
            "batch_ids": [batch["id"]],
            "window_start": 0.0,
            "window_end": window["windowEnd"] / 1000,
            "copied_start": 0.0,
            "copied_end": window["windowEnd"] / 1000,
            "unknown_counts": "",
        },
        "flow": flow,
    }
    assert "DCVS-1111-400: The message cannot be validated: [#: required key [_id] not found]" in errors
    assert any("DCVS-1111-400" in code for code in codes)
    assert json.loads(json.dumps(event)) == event


def test_a_failed_run_is_returned_as_ended(history: History) -> None:
    (event,) = events(trigger(history.failed))
    assert (event["status"], event["run"]["raw_status"]) == ("ended", "failed")


def test_the_trigger_selects_the_same_run_as_the_sensor(history: History) -> None:
    first, second = history.runs(history.partial)
    chosen = [
        trigger(history.partial, pick="latest"),
        trigger(history.partial, since=started(first) + 5),
        trigger(None, run_id=first["id"], since=9e9),
    ]
    assert [events(one)[0]["run"]["id"] for one in chosen] == [second["id"], second["id"], first["id"]]


def test_a_trigger_may_run_twice_because_it_only_reads(history: History) -> None:
    before = len(history.emulator.requests())
    waiting = trigger(history.partial)
    assert events(waiting) == events(waiting) == events(trigger(history.partial))
    requests = history.emulator.requests()[before:]
    assert {r["method"] for r in requests if not r["path"].startswith("/ims/")} == {"GET"}


def test_in_a_triggerer_no_event_fires_within_five_seconds(history: History) -> None:
    inline, deferred = trigger(history.partial), trigger(history.partial)
    deferred.trigger_id = 7

    async def race() -> bool:
        tasks = [asyncio.create_task(anext(one.run())) for one in (inline, deferred)]
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return done == {tasks[0]}

    assert asyncio.run(race())


def test_polls_continue_until_the_run_has_ended(history: History, proxy_of_history: FaultProxy) -> None:
    run_id = history.runs(history.good)[0]["id"]
    for status in ("scheduled", "inProgress", "inProgress"):
        proxy_of_history.fault("GET", RUNS, status=200, body=answer(run_item(history.good, status, run_id=run_id)))
    (event,) = events(trigger(history.good, run_id=run_id))
    assert event["run"]["id"] == run_id
    assert proxy_of_history.count("GET", RUNS) == 4


def test_after_the_deadline_one_poll_is_sent_before_the_timeout(history: History) -> None:
    (event,) = events(trigger(history.waiting, deadline=time.time() - 60))
    assert set(event) == {"status", "message"}
    assert event["status"] == "timeout"
    assert f"the first run of dataflow {history.waiting}" in event["message"]
    assert "no matching run has appeared yet" in event["message"]


def test_a_run_that_ended_before_the_first_poll_beats_the_deadline(history: History) -> None:
    (event,) = events(trigger(history.partial, deadline=time.time() - 60))
    assert event["status"] == "ended"


def test_a_timeout_names_the_last_known_status(history: History, proxy_of_history: FaultProxy) -> None:
    item = run_item(history.good, "inProgress", inputRecordCount=7)
    proxy_of_history.fault("GET", RUNS, status=200, body=answer(item), times=1000)
    deadline = time.time() + 0.2
    (event,) = events(trigger(history.good, deadline=deadline))
    assert event["status"] == "timeout"
    assert "flow run run-1 is inProgress: 7 records in" in event["message"]
    assert deadline <= time.time() < deadline + 5


def test_a_few_failed_polls_do_not_end_the_wait(history: History, proxy_of_history: FaultProxy) -> None:
    proxy_of_history.fault("GET", RUNS, **DOWN, times=4)
    proxy_of_history.fault("GET", RUNS, status=200, body=answer())
    # A successful poll resets the number of failures.
    proxy_of_history.fault("GET", RUNS, **DOWN, times=4)
    (event,) = events(trigger(history.good))
    assert event["status"] == "ended"
    assert proxy_of_history.count("GET", RUNS) == 10


def test_five_failed_polls_do_not_end_a_recently_answered_wait(history: History, proxy_of_history: FaultProxy) -> None:
    proxy_of_history.fault("GET", RUNS, **DOWN, times=30)
    (event,) = events(trigger(history.good))
    assert event["status"] == "ended"
    assert proxy_of_history.count("GET", RUNS) >= 31


def test_five_failed_polls_after_ten_minutes_are_a_retryable_error(
    history: History, proxy_of_history: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MAX_UNANSWERED_SECONDS", 0.0)
    proxy_of_history.fault("GET", RUNS, **DOWN, times=99)
    (event,) = events(trigger(history.good))
    assert event.pop("message").startswith("RequestError: GET /data/foundation/flowservice/runs failed")
    assert event == {"status": "error", "retryable": True}
    assert proxy_of_history.count("GET", RUNS) == 5


def test_a_429_is_not_a_failed_poll(
    history: History, proxy_of_history: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_payments.aep.http.throttle.INITIAL_INTERVAL_SECONDS", 0.001)
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MAX_UNANSWERED_SECONDS", 0.0)
    proxy_of_history.fault("GET", RUNS, status=429, headers={"Retry-After": "0"}, times=7)
    (event,) = events(trigger(history.good))
    assert event["status"] == "ended"


def test_a_refused_token_fails_polls_and_is_renewed_once_a_minute(
    history: History, proxy_of_history: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MAX_UNANSWERED_SECONDS", 0.0)
    refused = b'{"error_code": "401013", "message": "Oauth token is not valid"}'
    proxy_of_history.fault("GET", RUNS, status=401, body=refused, times=10**6)
    (event,) = events(trigger(history.good))
    assert (event["status"], event["retryable"]) == ("error", True)
    assert "401013" in event["message"]
    assert proxy_of_history.count("GET", "/flowservice") >= 5
    assert proxy_of_history.count("POST", "/ims/token") == 1


def test_no_last_poll_is_sent_during_a_retry_after_pause(history: History, proxy_of_history: FaultProxy) -> None:
    proxy_of_history.fault("GET", RUNS, status=429, headers={"Retry-After": "3600"}, times=99)
    (event,) = events(trigger(history.good, deadline=time.time() + 0.2))
    assert event["status"] == "timeout"
    assert proxy_of_history.count("GET", RUNS) == 1


def test_failing_polls_end_at_the_deadline(history: History, proxy_of_history: FaultProxy) -> None:
    proxy_of_history.fault("GET", RUNS, **DOWN, times=99)
    waiting = trigger(history.good, deadline=time.time() - 60)
    waiting.poll_interval = 60
    (event,) = events(waiting)
    assert event["status"] == "timeout"
    assert proxy_of_history.count("GET", RUNS) == 1


def test_a_refusal_is_an_error_at_once(history: History, proxy_of_history: FaultProxy) -> None:
    proxy_of_history.fault("GET", RUNS, status=403, times=99)
    (event,) = events(trigger(history.good))
    assert (event["status"], event["retryable"]) == ("error", False)
    assert "check the organisation, the sandbox and the permissions" in event["message"]
    assert proxy_of_history.count("GET", RUNS) == 1


def test_a_wrong_secret_is_an_error_at_once(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = json.loads(connection_json(emulator.url)) | {"password": "not-it"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", json.dumps(connection))
    (event,) = events(trigger())
    assert (event["status"], event["retryable"]) == ("error", False)
    assert "invalid_client" in event["message"]
    assert "not-it" not in event["message"]
    assert [r["status"] for r in emulator.requests()] == [401]


def test_a_deleted_connection_is_an_error(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MAX_UNANSWERED_SECONDS", 0.0)
    (event,) = events(trigger(conn_id="no_such_connection"))
    assert event["status"] == "error"
    assert "no_such_connection" in event["message"]
    assert emulator.requests() == []


@pytest.mark.parametrize("raw_status", ["paused", "", "SUCCESSFUL"], ids=repr)
def test_an_unknown_status_is_waited_for_with_one_warning(
    history: History, proxy_of_history: FaultProxy, said: Callable[[str], int], raw_status: str
) -> None:
    run_id = history.runs(history.good)[0]["id"]
    for records in range(3):
        item = run_item(history.good, raw_status, run_id=run_id, inputRecordCount=records)
        proxy_of_history.fault("GET", RUNS, status=200, body=answer(item))
    (event,) = events(trigger(history.good))
    assert event["run"]["id"] == run_id
    assert said(f"undocumented raw status {raw_status!r}") == 1
    assert said(f"flow run {run_id} is {raw_status}:") == 1  # a line for each change of status, not of counts


def test_an_unknown_status_with_a_completion_time_has_ended(history: History, proxy_of_history: FaultProxy) -> None:
    item = run_item(history.good, "vanished", completed=True)
    proxy_of_history.fault("GET", RUNS, status=200, body=answer(item), times=99)
    (event,) = events(trigger(history.good))
    assert (event["status"], event["run"]["raw_status"]) == ("ended", "vanished")
    assert proxy_of_history.count("GET", RUNS) == 1


def cancelled(waiting: FlowRunTrigger) -> None:
    """Cancel a trigger after 0.2 s; it must end without an event."""

    async def cancel() -> None:
        running = waiting.run()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(running), 0.2)
        with pytest.raises(StopAsyncIteration):
            await anext(running)

    asyncio.run(cancel())


def test_a_trigger_cancelled_between_two_polls_ends(history: History) -> None:
    waiting = trigger(history.waiting)
    waiting.poll_interval = 3600
    cancelled(waiting)


def test_a_trigger_cancelled_during_a_poll_ends(
    history: History, proxy_of_history: FaultProxy, connect: Callable[..., None]
) -> None:
    connect(proxy_of_history.url, read_timeout=0.4)
    proxy_of_history.fault("GET", RUNS, hang=True)
    cancelled(trigger(history.good))


def test_many_triggers_wait_in_one_loop(history: History, connect: Callable[..., None]) -> None:
    flows = [history.partial, history.failed, history.undiagnosed, history.good] * 5

    async def first(flow: str) -> Any:
        return (await anext(trigger(flow).run())).payload["run"]["flow_id"]

    async def together() -> list[Any]:
        return await asyncio.gather(*map(first, flows))

    assert asyncio.run(together()) == flows
