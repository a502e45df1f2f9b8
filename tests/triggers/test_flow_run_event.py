"""``FlowRunEventTrigger`` in Airflow's own trigger runner: each ended run is announced, and none is lost."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.triggers.flow_run_event import FlowRunEventTrigger
from airflow_provider_payments.triggers.flow_run_stream import BATCH_SIZE
from airflow_provider_payments.versions import has_event_streams
from tests.conftest import CONNECTION_ID, Emulator
from tests.fault_proxy import FaultProxy
from tests.sensors.flows import HALF_HOUR, advance_to_run, answer, run_item, runs
from tests.triggers.asset_watcher import SECONDS, Supervisor, Watcher, live, until
from tests.triggers.events import RUNS, from_3_3, ids, trigger
from tests.triggers.events import flow_id as flow_id
from tests.triggers.events import proxied as proxied
from tests.triggers.events import supervisor as supervisor

# ---- arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(has_event_streams(), reason="an older Airflow only")
def test_an_older_airflow_is_refused_with_the_required_version() -> None:
    with pytest.raises(RuntimeError) as error:
        trigger()
    assert str(error.value).startswith("FlowRunEventTrigger needs Airflow 3.3 or newer: acknowledged shared streams")
    assert str(error.value).endswith("schedule with FlowRunSensor instead")


@from_3_3
def test_the_serialized_arguments_recreate_the_trigger() -> None:
    given = trigger(
        since=datetime(2026, 11, 22, tzinfo=UTC), statuses=("failed", "succeeded"), poll_interval=timedelta(seconds=30)
    )
    path, arguments = given.serialize()
    assert arguments == {
        "flow_id": "flow",
        "asset": "arrived",
        "aep_conn_id": CONNECTION_ID,
        "poll_interval": 30,
        "since": "2026-11-22T00:00:00+00:00",
        "statuses": ["succeeded", "failed"],
    }
    module, name = path.rsplit(".", 1)
    again = getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)
    assert again.shared_stream_key() == given.shared_stream_key()


@from_3_3
def test_the_default_arguments() -> None:
    _, arguments = FlowRunEventTrigger(flow_id="flow", asset="arrived").serialize()
    assert (arguments["poll_interval"], arguments["since"]) == (60, None)
    assert arguments["statuses"] == ["succeeded", "partial"]


@from_3_3
@pytest.mark.parametrize(
    "other",
    [{"flow_id": "other"}, {"asset": "other"}, {"statuses": ["failed"]}, {"since": 2e9}, {"poll_interval": 9}],
    ids=lambda other: next(iter(other)),
)
def test_triggers_with_other_arguments_share_no_stream(other: dict[str, Any]) -> None:
    assert trigger(**other).shared_stream_key() != trigger().shared_stream_key()


@from_3_3
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"flow_id": ""}, "flow_id='' is not allowed"),
        ({"flow_id": "a,b"}, "flow_id='a,b' is not allowed"),
        ({"asset": ""}, "asset='' is not allowed"),
        ({"aep_conn_id": None}, "aep_conn_id=None is not allowed"),
        ({"poll_interval": 0}, "poll_interval=0 is not allowed: it must be more than 0 seconds"),
        ({"poll_interval": None}, "poll_interval=None is not allowed"),
        ({"poll_interval": "often"}, "poll_interval='often' is not allowed"),
        ({"since": "20261122"}, "since='20261122' is not allowed: the time must carry a timezone"),
        ({"since": 2026112210}, "since=2026112210 is not allowed: the time must carry a timezone"),
        ({"poll_interval": "P1M"}, "poll_interval='P1M' is not allowed: it must be a number of seconds"),
        ({"since": "2026-11-22T00:00:00"}, "since='2026-11-22T00:00:00' is not allowed: the time must carry"),
        ({"statuses": []}, "statuses=[] is not allowed: a list of any of succeeded, partial, failed"),
        ({"statuses": ["active"]}, "statuses=['active'] is not allowed"),
        ({"statuses": "failed"}, "statuses='failed' is not allowed"),
        ({"statuses": [["failed"]]}, "statuses=[['failed']] is not allowed"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        trigger(**wrong)
    assert str(error.value).startswith(message)


# ---- which runs ----------------------------------------------------------------------------------------------------


def test_an_ended_run_is_announced_with_its_counts(supervisor: Supervisor, connected: Emulator, flow_id: str) -> None:
    async def life(watcher: Watcher) -> None:
        await watcher.until(lambda: supervisor.state)
        advance_to_run(connected)
        await watcher.until(lambda: supervisor.events)

    live(trigger(flow_id), supervisor, life)
    (event,), (run,) = supervisor.events, runs(connected, flow_id)
    records, times = run["metrics"]["recordSummary"], run["metrics"]["durationSummary"]
    (batch,) = connected.objects("batches")
    assert event == {
        "flow_id": flow_id,
        "run_id": run["id"],
        "status": "partial",
        "input_records": records["inputRecordCount"],
        "output_records": records["outputRecordCount"],
        "failed_records": 5,
        "batch_ids": [batch["id"]],
        "started_at": iso(times["startedAtUTC"]),
        "completed_at": iso(times["completedAtUTC"]),
    }
    assert event["output_records"] > 1000


def iso(milliseconds: float) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


def test_runs_created_before_the_first_poll_are_not_announced(
    supervisor: Supervisor, connected: Emulator, flow_id: str
) -> None:
    advance_to_run(connected, after=1.0)  # the run is still active, and within the margin of later polls
    (before,) = ids(connected, flow_id)

    async def first_life(watcher: Watcher) -> None:
        await watcher.until(lambda: supervisor.state)

    async def second_life(watcher: Watcher) -> None:
        connected.advance(HALF_HOUR + 60)
        await watcher.until(lambda: supervisor.events)

    live(trigger(flow_id), supervisor, first_life, second_life)
    assert supervisor.run_ids() == [run for run in ids(connected, flow_id) if run != before]
    assert len(supervisor.events) == 1


def test_since_selects_the_announced_runs(supervisor: Supervisor, connected: Emulator, flow_id: str) -> None:
    advance_to_run(connected)
    for _ in range(3):
        connected.advance(HALF_HOUR)
    _first, second, *others = runs(connected, flow_id)
    since = second["createdAt"] / 1000
    live(trigger(flow_id, since=since), supervisor, until(lambda: len(supervisor.events) == 3))
    assert supervisor.run_ids() == [second["id"], *(run["id"] for run in others)]
    # Without `since` the trigger resumes; with another `since` it starts anew.
    connected.advance(HALF_HOUR)
    live(trigger(flow_id), supervisor, until(lambda: len(supervisor.events) == 4))
    live(trigger(flow_id, since=since - 3600), supervisor, until(lambda: len(supervisor.events) == 9))
    assert supervisor.run_ids()[3:] == ids(connected, flow_id)[-1:] + ids(connected, flow_id)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [(None, ["partial", "succeeded"]), (["failed"], ["failed"]), (["succeeded", "failed"], ["failed", "succeeded"])],
    ids=str,
)
def test_statuses_select_the_announced_runs(
    supervisor: Supervisor, connected: Emulator, flow_id: str, statuses: Any, expected: list[str]
) -> None:
    advance_to_run(connected)
    connected.order("fail_copy", flowId=flow_id)
    for _ in range(2):
        connected.advance(HALF_HOUR)
    arguments = {"statuses": statuses} if statuses else {}
    live(trigger(flow_id, since=0, **arguments), supervisor, until(lambda: len(supervisor.events) == len(expected)))
    assert [event["status"] for event in supervisor.events] == expected
    # All ended runs are done, announced or not.
    assert supervisor.state["cursor"] >= runs(connected, flow_id)[1]["createdAt"] / 1000


def test_two_watchers_do_not_share_their_state(supervisor: Supervisor, connected: Emulator, flow_id: str) -> None:
    connected.order("fail_copy", flowId=flow_id)
    advance_to_run(connected)
    connected.advance(HALF_HOUR)
    failed, arrived = ids(connected, flow_id)
    watchers = [{"asset": "one"}, {"asset": "two"}, {"asset": "two", "statuses": ["failed"]}]
    for number, arguments in enumerate(watchers):
        live(trigger(flow_id, since=0, **arguments), supervisor, until(lambda at=number: len(supervisor.events) > at))
    assert supervisor.run_ids() == [arrived, arrived, failed]
    assert [asset for asset, _ in supervisor.states] == ["one", "two", "two"]


def test_runs_of_a_service_that_ignores_filters_are_not_announced(
    supervisor: Supervisor, connected: Emulator, flow_id: str, proxied: FaultProxy
) -> None:
    advance_to_run(connected)
    (run,) = runs(connected, flow_id)
    early = run | {"id": "early", "createdAt": run["createdAt"] - 600_000}
    proxied.fault("GET", RUNS, status=200, body=answer(run_item("another", "success"), run, early), times=1000)
    since = run["createdAt"] / 1000 - 60
    live(trigger(flow_id, since=since), supervisor, until(lambda: proxied.count("GET", RUNS) > 5))
    assert supervisor.run_ids() == [run["id"]]


def test_the_latest_of_several_runs_waits_for_the_next_poll(
    supervisor: Supervisor, connected: Emulator, flow_id: str
) -> None:
    advance_to_run(connected)
    for _ in range(2):
        connected.advance(HALF_HOUR)

    def polls() -> int:
        return len([r for r in connected.requests() if r["path"].endswith(RUNS)])

    async def life(watcher: Watcher) -> None:
        await watcher.until(lambda: len(watcher.runner.events) > 1, store=False)
        assert polls() == 1
        watcher.store()
        await watcher.until(lambda: watcher.runner.events, store=False)
        assert polls() > 1
        watcher.store()

    live(trigger(flow_id, since=0), supervisor, life)
    assert supervisor.run_ids() == ids(connected, flow_id)


def test_the_run_held_back_follows_the_others_after_ten_seconds(
    supervisor: Supervisor, connected: Emulator, flow_id: str
) -> None:
    advance_to_run(connected)
    for _ in range(2):
        connected.advance(HALF_HOUR)
    first, second, held_back = ids(connected, flow_id)

    async def life(watcher: Watcher) -> None:
        def third(seconds: float = 0.5) -> bool:
            watcher.advance(seconds)
            return len(supervisor.events) == 3

        await watcher.until(lambda: len(supervisor.events) == 2)
        begun = asyncio.get_running_loop().time()
        await watcher.until(third)
        assert 9 < asyncio.get_running_loop().time() - begun < SECONDS

    live(trigger(flow_id, since=0, poll_interval=600), supervisor, life)
    assert supervisor.run_ids() == [first, second, held_back]


# ---- no run is lost ------------------------------------------------------------------------------------------------


def test_an_active_run_is_announced_after_later_runs_that_end_first(
    supervisor: Supervisor, connected: Emulator, flow_id: str
) -> None:
    async def first_life(watcher: Watcher) -> None:
        await watcher.until(lambda: supervisor.state)
        connected.order("stuck", flowId=flow_id)
        advance_to_run(connected)
        for number in range(3):
            connected.advance(HALF_HOUR)
            await watcher.until(lambda at=number: len(supervisor.events) > at)

    async def second_life(watcher: Watcher) -> None:
        connected.control("POST", "outcomes/release")
        connected.advance(60)
        await watcher.until(lambda: len(supervisor.events) == 4)

    live(trigger(flow_id), supervisor, first_life, second_life)
    stuck, *others = ids(connected, flow_id)
    assert supervisor.run_ids() == [*others, stuck]


def test_an_unknown_count_is_null_in_the_payload(supervisor: Supervisor, flow_id: str, proxied: FaultProxy) -> None:
    run = run_item(flow_id, "success", completed=True, inputRecordCount="7", failedRecordCount=-1)
    odd = {"id": "odd", "flowId": flow_id}
    proxied.fault("GET", RUNS, status=200, body=answer(odd, run), times=1000)
    live(trigger(flow_id, since=0), supervisor, until(lambda: bool(supervisor.events)))
    (payload,) = supervisor.events
    counts = [payload[name] for name in ("run_id", "input_records", "output_records", "failed_records")]
    assert counts == [run["id"], 7, None, None]


def test_a_run_that_is_listed_late_is_announced(supervisor: Supervisor, flow_id: str, proxied: FaultProxy) -> None:
    run = run_item(flow_id, "success")
    late, later = run | {"id": "late"}, run | {"id": "later", "createdAt": run["createdAt"] + 200_000}
    proxied.fault("GET", RUNS, status=200, body=answer(later), times=3)
    proxied.fault("GET", RUNS, status=200, body=answer(later, late), times=1000)
    live(trigger(flow_id, since=0), supervisor, until(lambda: len(supervisor.events) == 2))
    assert supervisor.run_ids() == ["later", "late"]


def test_a_restart_repeats_only_unacknowledged_runs(supervisor: Supervisor, connected: Emulator, flow_id: str) -> None:
    advance_to_run(connected)
    (first,) = ids(connected, flow_id)

    async def fired_but_not_stored(watcher: Watcher) -> None:
        await watcher.until(lambda: watcher.runner.events, store=False)

    async def stored_but_not_confirmed(watcher: Watcher) -> None:
        await watcher.until(lambda: watcher.runner.events, store=False)
        watcher.store(confirm=False)

    def is_noted() -> bool:
        return bool(supervisor.state and ids(connected, flow_id)[-1] in supervisor.state["announced"])

    one = trigger(flow_id, since=0)
    live(one, supervisor, fired_but_not_stored, stored_but_not_confirmed, stored_but_not_confirmed, until(is_noted))
    assert supervisor.run_ids() == [first] * 3
    connected.advance(HALF_HOUR)
    live(one, supervisor, until(is_noted))
    assert supervisor.run_ids() == [first] * 3 + ids(connected, flow_id)[1:]


def test_a_run_whose_event_airflow_never_received_is_not_recorded(
    supervisor: Supervisor, connected: Emulator, flow_id: str
) -> None:
    # Airflow acknowledges a run whose trigger is cancelled after it received the run and before it yielded its event.
    advance_to_run(connected)

    async def cancelled_in_between(watcher: Watcher) -> None:
        log: Any = watcher.runner.log

        class Log:
            """The runner's log; the line about the event cancels the task."""

            def __getattr__(self, name: str) -> Any:
                return getattr(log, name)

            async def ainfo(self, event: str, **details: Any) -> None:
                if event == "Trigger fired event":
                    watcher.task.cancel()
                await log.ainfo(event, **details)

        watcher.runner.log = Log()  # type: ignore[assignment]
        await watcher.until(watcher.task.cancelling)

    live(trigger(flow_id, since=0), supervisor, cancelled_in_between)
    assert supervisor.events == []
    assert supervisor.state["announced"] == {}
    live(trigger(flow_id, since=0), supervisor, until(lambda: supervisor.events))
    assert supervisor.run_ids() == ids(connected, flow_id)


def test_an_event_that_airflow_does_not_confirm_in_time_is_not_recorded(
    supervisor: Supervisor, connected: Emulator, flow_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__TRIGGERER__SHARED_STREAM_ACK_TIMEOUT", "0.1")
    advance_to_run(connected)

    async def never_confirmed(watcher: Watcher) -> None:
        await asyncio.wait({watcher.task}, timeout=SECONDS)  # Airflow ends the trigger and would then restart it
        assert type(watcher.task.exception()).__name__ == "AckTimeout"

    live(trigger(flow_id, since=0), supervisor, never_confirmed)
    assert supervisor.state["announced"] == {}
    monkeypatch.delenv("AIRFLOW__TRIGGERER__SHARED_STREAM_ACK_TIMEOUT")
    live(trigger(flow_id, since=0), supervisor, until(lambda: supervisor.events))
    assert supervisor.run_ids() == ids(connected, flow_id)


def test_a_long_history_is_announced_in_order_and_once(supervisor: Supervisor, connected: Emulator) -> None:
    connected.control("POST", "seed", json={"sandbox": "dev", "dataflows": 2, "runs_per_dataflow": 5 * BATCH_SIZE + 7})
    flow = connected.objects("flows")[0]["id"]
    ended = [r["id"] for r in runs(connected, flow) if r["metrics"]["statusSummary"]["status"] != "inProgress"]
    every = trigger(flow, since=0, statuses=["succeeded", "partial", "failed"])
    live(every, supervisor, until(lambda: len(supervisor.events) == len(ended)))
    assert supervisor.run_ids() == ended
    assert len(json.dumps(supervisor.state)) < 1000
