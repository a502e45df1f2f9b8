"""``RunDataflowOperator``: a window becomes one flow run, whatever happens to answers and workers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, TaskDeferred

from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.aep.transport import Clock
from airflow_provider_payments.hooks.errors import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators.flow_runs import FlowRunTimeoutError, RunDataflowOperator
from airflow_provider_payments.outcomes import FlowRunFailedError
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.demand import DAY, DELTA, LISTS, OF_A_START, RUNS, STORES, Stage, Task
from tests.operators.demand import with_store as with_store
from tests.sensors.conftest import said as said


@pytest.fixture
def stage(connected: Emulator, make_client: Callable[..., Client], with_store: bool) -> Stage:
    """A dataflow that runs once, tomorrow, and an Airflow with or without a task store."""
    stage = Stage(connected, make_client, with_store)
    stage.make_dataflow()
    stage.forget_requests()
    return stage


def operator(stage: Stage, days_ago: int = 2, **arguments: Any) -> Any:
    """The operator for the window of a day."""
    start = stage.now // DAY * DAY - days_ago * DAY
    window = {"window_start": start, "window_end": start + DAY}
    given = {"flow_id": stage.flow_id, "delta_column": DELTA, "accept_partial": True}
    return stage.operator(RunDataflowOperator, **given | window | arguments)


def run(stage: Stage, try_number: int = 1, max_tries: int = 2, **arguments: Any) -> dict[str, Any]:
    return dict(operator(stage, **arguments).execute(stage.context(try_number, max_tries)))


def posts(stage: Stage) -> list[Any]:
    return stage.emulator.posted("/runs")


# ---- what is asked for ---------------------------------------------------------------------------------------------


def test_a_window_is_asked_for_and_what_it_moved_is_returned(stage: Stage) -> None:
    start = datetime.fromtimestamp(stage.now // DAY * DAY - DAY, UTC)
    interval = {"data_interval_start": start, "data_interval_end": start + timedelta(days=1)}
    task = operator(stage, window_start=None, window_end=None)
    asked_at = stage.now
    returned = task.execute(stage.context(**interval))
    (only,) = stage.runs()
    begin = int(start.timestamp())
    times = {"startTime": asked_at, "windowStartTime": begin, "windowEndTime": begin + DAY}
    assert posts(stage) == [{"flowId": stage.flow_id, "params": times | {"deltaColumn": {"name": DELTA}}}]
    assert returned["run_id"] == only["id"] == stage.task.pushed["run_id"]
    assert (returned["window_start"], returned["window_end"]) == (
        start.isoformat(),
        (start + timedelta(days=1)).isoformat(),
    )
    assert (returned["status"], returned["output_records"]) == ("succeeded", stage.rows())
    assert stage.rows() > 0
    assert stage.asked() == [*OF_A_START, "GET runs"]
    assert stage.naps == [5]
    assert str(stage.task.pushed["experience_platform_link"]).startswith(stage.emulator.url)


def test_the_first_run_settles_the_delta_column_and_later_ones_do_not_send_it(stage: Stage) -> None:
    first, second = run(stage), run(stage, days_ago=1)
    assert [set(body["params"]) - {"startTime", "windowStartTime", "windowEndTime"} for body in posts(stage)] == [
        {"deltaColumn"},
        set(),
    ]
    assert first["window_end"] == second["window_start"]
    assert stage.rows() == first["output_records"] + second["output_records"]


MOMENT = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (MOMENT, MOMENT + timedelta(hours=1)),
        ("2026-11-01T06:30:00Z", "2026-11-01T08:30:00+01:00"),
        (MOMENT.timestamp(), "1793518200"),
        (pendulum.datetime(2026, 11, 1, 7, 30, tz="Europe/Berlin"), MOMENT + timedelta(minutes=60, microseconds=700)),
    ],
    ids=["datetime", "ISO 8601", "epoch seconds", "pendulum"],
)
def test_a_window_is_understood_in_each_form(stage: Stage, start: Any, end: Any) -> None:
    run(stage, window_start=start, window_end=end, wait_for_completion=False)
    params = posts(stage)[0]["params"]
    assert (params["windowStartTime"], params["windowEndTime"]) == (1793514600, 1793518200)


HOUR = {"data_interval_start": MOMENT, "data_interval_end": MOMENT + timedelta(hours=1)}
DAILY = {"data_interval_start": MOMENT, "data_interval_end": MOMENT}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no interval": ({}, {}, "window_start=None.*no data interval.*CronDataIntervalTimetable"),
    "empty interval": (
        {},
        DAILY,
        "window_end='2026-11-01T06:30:00.*later than window_start.*CronDataIntervalTimetable",
    ),
    "end before start": ({"window_start": MOMENT}, {"data_interval_end": MOMENT - timedelta(1)}, "window_end='2026-10"),
    "naive": ({"window_start": "2026-11-01T00:00:00", "window_end": MOMENT}, {}, "window_start.*timezone"),
    "no dataflow": ({"flow_id": "None"}, HOUR, "flow_id='None'"),
    "no pause": ({"poll_interval": 0}, HOUR, "poll_interval=0"),
    "time-out": ({"timeout": "soon"}, HOUR, "timeout='soon'"),
    "tolerance": ({"max_failed_ratio": 5}, HOUR, "max_failed_ratio=5"),
    "delta column": ({"delta_column": {"column": "x"}}, HOUR, "delta_column.*'column'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_argument_is_refused_before_any_request(stage: Stage, what: str) -> None:
    arguments, interval, message = REFUSED[what]
    task = operator(stage, **{"window_start": None, "window_end": None} | arguments)
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=message):
        task.execute(stage.context(**interval))
    assert stage.emulator.requests() == []


def test_a_dataflow_on_a_schedule_is_refused(connected: Emulator, make_client: Callable[..., Client]) -> None:
    stage = Stage(connected, make_client)
    stage.make_dataflow(frequency="hour", interval=1, delta_column=DELTA)
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=r"frequency 'once'; this one has 'hour' \(FLOW-1386\)"):
        run(stage)
    assert stage.asked() == ["GET flows"]


def test_a_disabled_dataflow_is_refused(stage: Stage) -> None:
    stage.connect().request("POST", f"/data/foundation/flowservice/flows/{stage.flow_id}/action?op=disable")
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=r"this one is disabled \(FLOW-1380\)"):
        run(stage)
    assert stage.asked() == ["GET flows"]


def test_another_delta_column_is_refused(stage: Stage) -> None:
    run(stage)
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=r"'Product_Name'.*must be 'Create_Time'.*\(FLOW-1382\)"):
        run(stage, delta_column={"name": "Product_Name"})
    assert stage.asked() == ["GET flows"]


def test_what_only_the_service_can_tell_comes_through(stage: Stage) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match="FLOW-1383-400"):
        run(stage, delta_column=None)
    assert (stage.runs(), stage.naps) == ([], [])


# ---- one run -------------------------------------------------------------------------------------------------------

APPLIED = {
    "lost": ("apply_then_drop", {}),
    "cut": ("truncate", {}),
    "unreadable": ("bad_json", {}),
    "500": ("apply_then_status", {"status": 500}),
    "503": ("apply_then_status", {"status": 503, "headers": {"Retry-After": "5"}}),
    "late": ("late_apply", {"seconds": 40}),
}
NOT_APPLIED = {"never arrived": ("drop_before", {}), "502": ("html", {"status": 502})}


@pytest.mark.parametrize("what", [*APPLIED, *NOT_APPLIED])
def test_a_lost_answer_makes_no_second_run(stage: Stage, what: str, said: Callable[[str], int]) -> None:
    action, details = (APPLIED | NOT_APPLIED)[what]
    stage.emulator.fail(action, method="POST", path="*/runs", **details)
    returned = run(stage)
    (only,) = stage.runs()
    assert returned["run_id"] == only["id"]
    assert returned["output_records"] == stage.rows() > 0
    assert len(posts(stage)) == (1 if what in APPLIED else 2)
    assert stage.naps == ([51] if what in APPLIED else [51, 5])
    assert said("looking for the flow run before asking again") == 1


def test_a_run_that_never_comes_about_is_left_to_the_next_try(stage: Stage) -> None:
    stage.emulator.fail("drop_before", method="POST", path="*/runs", times=3)
    with pytest.raises(ExperiencePlatformUnavailableError, match=r"3 requests for a run of dataflow .* brought none"):
        run(stage)
    assert run(stage, try_number=2)["run_id"] == stage.runs()[0]["id"]
    assert (len(posts(stage)), len(stage.runs())) == (4, 1)


def test_a_long_retry_after_holds_no_worker_and_the_next_try_finds_the_run(stage: Stage) -> None:
    hour = {"Retry-After": "3600"}
    stage.emulator.fail("apply_then_status", method="POST", path="*/runs", status=503, headers=hour)
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 3600 s") as error:
        run(stage)
    assert (error.value.retry_after, stage.naps) == (3600, [])
    assert run(stage, try_number=2)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1


def somebody_runs_it(stage: Stage, start: int, end: int) -> Callable[[], None]:
    """Another one, with the same credential, asks for a run."""

    def ask() -> None:
        params = {
            "startTime": stage.now,
            "windowStartTime": start,
            "windowEndTime": end,
            "deltaColumn": {"name": DELTA},
        }
        stage.connect().request("POST", RUNS, body={"flowId": stage.flow_id, "params": params})

    return ask


def test_a_run_over_another_window_is_not_taken_for_ours(stage: Stage, proxy: FaultProxy) -> None:
    proxy.fault("POST", RUNS, lose=True, before=True, first=somebody_runs_it(stage, 0, 1000))
    returned = run(stage, url=proxy.url)
    theirs, ours = stage.runs()
    assert theirs["params"]["windowEndTime"] == 1000
    assert returned["run_id"] == ours["id"]


def test_several_that_may_be_ours_are_named_and_none_is_added(stage: Stage, proxy: FaultProxy) -> None:
    task = operator(stage, url=proxy.url)
    proxy.fault("POST", RUNS, lose=True, first=somebody_runs_it(stage, task.window_start, task.window_end))
    with pytest.raises(ExperiencePlatformUnavailableError, match="Several runs of dataflow") as error:
        task.execute(stage.context())
    assert all(item["id"] in str(error.value) for item in stage.runs())
    assert len(stage.runs()) == 2


def hidden(item: dict[str, Any], **changes: Any) -> bytes:
    """A list with a run that shows no window yet."""
    kept = {name: value for name, value in item.items() if name not in ("params", "activities")}
    return json.dumps({"items": [kept | changes]}).encode()


def test_another_clients_run_is_not_taken_for_ours(stage: Stage, proxy: FaultProxy) -> None:
    somebody_runs_it(stage, 0, 1000)()
    (theirs,) = stage.runs()
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}')  # their run did not show when notes were taken
    proxy.fault("POST", RUNS, lose=True, before=True)
    proxy.fault("GET", LISTS, status=200, body=hidden(theirs, createdClient="somebody"))
    assert run(stage, url=proxy.url)["run_id"] == stage.runs()[-1]["id"] != theirs["id"]


def test_a_run_that_turns_out_to_read_another_window_fails_the_task(stage: Stage, proxy: FaultProxy) -> None:
    somebody_runs_it(stage, 0, 1000)()
    (theirs,) = stage.runs()
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}')
    proxy.fault("POST", RUNS, lose=True, before=True)
    proxy.fault("GET", LISTS, status=200, body=hidden(theirs))
    with pytest.raises(
        FlowRunFailedError, match=r"was taken for the run of this task.*but it reads the window from 1970-01-01"
    ):
        run(stage, url=proxy.url)


def test_so_it_does_after_a_deferral_and_in_the_next_try(stage: Stage, proxy: FaultProxy) -> None:
    somebody_runs_it(stage, 0, 1000)()
    (theirs,) = stage.runs()
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}')
    proxy.fault("POST", RUNS, lose=True, before=True)
    unknown = json.loads(hidden(theirs))["items"][0] | {"metrics": {"statusSummary": {"status": "scheduled"}}}
    answer = json.dumps({"items": [unknown]}).encode()
    proxy.fault("GET", LISTS, status=200, body=answer)
    proxy.fault("GET", f"{RUNS}/", status=200, body=answer, times=2)
    run_of_theirs = {"id": theirs["id"], "flow_id": stage.flow_id, "status": "success", "created_at": 2e9}
    event = {"status": "ended", "run": run_of_theirs | {"window_start": 0.0, "window_end": 1000.0}}
    for deferred in (deferral(stage, url=proxy.url), deferral(stage, url=proxy.url, try_number=2)):
        with pytest.raises(FlowRunFailedError, match="was taken for the run of this task"):
            resume(stage, deferred, event)


def test_a_run_that_was_there_before_is_not_taken_for_ours(stage: Stage) -> None:
    before = run(stage, wait_for_completion=False)
    stage.emulator.fail("drop_before", method="POST", path="*/runs")
    assert run(stage)["run_id"] == stage.runs()[1]["id"] != before["run_id"]  # the same window, by hand


def test_a_run_that_does_not_show_at_once_is_waited_for(stage: Stage, proxy: FaultProxy) -> None:
    gone = json.dumps(
        {"type": "https://ns.adobe.com/aep/errors/FLOW-1439-404", "title": "none", "status": 404}
    ).encode()
    proxy.fault("GET", f"{RUNS}/", status=404, body=gone, times=3)
    assert run(stage, url=proxy.url)["output_records"] == stage.rows()
    assert stage.naps == [2, 2, 2]


# ---- killed, and tried again ---------------------------------------------------------------------------------------


class DyingTask(Task):
    """Its worker is killed when the run's id is known and kept nowhere yet but in the store."""

    def xcom_push(self, key: str, value: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class FileStore(dict[str, Any]):
    """A store that outlives a process; it may be the last thing that a process does to keep the run's id."""

    def __init__(self, file: Path, dies: bool = False) -> None:
        super().__init__(json.loads(file.read_text()) if file.exists() else {})
        self.file, self.dies = file, dies

    def set(self, key: str, value: Any) -> None:
        if self.dies and "run_id" in value:
            os.kill(os.getpid(), signal.SIGKILL)
        self[key] = value
        self.file.write_text(json.dumps(self))


def in_a_process_that_is_killed(execute: Callable[[], object]) -> None:
    child = os.fork()
    if not child:
        execute()
        os._exit(0)  # it should not have come so far
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def kill_between_answer_and_store(stage: Stage, file: Path) -> None:
    """A first try that is killed when the run is there and its id is not kept."""
    task = operator(stage)
    context = stage.context() | {"ti": DyingTask()}
    if stage.with_store:
        context["task_state_store"] = FileStore(file, dies=True)
    in_a_process_that_is_killed(lambda: task.execute(context))
    if stage.with_store:
        stage.store = FileStore(file)  # type: ignore[assignment]


@STORES
def test_a_try_that_was_killed_before_it_kept_the_id_leaves_one_run(stage: Stage, tmp_path: Path) -> None:
    kill_between_answer_and_store(stage, tmp_path / "store")
    (only,) = stage.runs()
    returned = run(stage, try_number=2)
    assert (returned["run_id"], len(stage.runs()), len(posts(stage))) == (only["id"], 1, 1)
    assert returned["output_records"] == stage.rows()
    assert stage.naps == [5]  # no window is waited for


@STORES
def test_what_a_killed_try_asked_for_is_found_when_it_takes_effect_later(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "store"
    stage.emulator.fail("late_apply", method="POST", path="*/runs", seconds=40)
    task = operator(stage)
    context = stage.context() | ({"task_state_store": FileStore(file)} if stage.with_store else {})
    task.hook.client.transport.clock = Clock(sleep=lambda _: os.kill(os.getpid(), signal.SIGKILL))
    in_a_process_that_is_killed(lambda: task.execute(context))
    if stage.with_store:
        stage.store = FileStore(file)  # type: ignore[assignment]
    assert stage.runs() == []
    returned = run(stage, try_number=2)
    assert (returned["run_id"], len(posts(stage)), stage.naps[0]) == (stage.runs()[0]["id"], 1, 51)


@STORES
def test_a_try_that_was_killed_before_it_asked_is_made_good(stage: Stage) -> None:
    stage.emulator.fail("expire_token", method="GET", path="*/runs", times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(stage)
    run(stage, try_number=2)
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)
    # Without a store nobody can tell that nothing was asked for.
    assert [nap for nap in stage.naps if nap] == ([5] if stage.with_store else [51, 5])


@STORES
def test_runs_of_the_windows_before_are_not_taken_for_ours(stage: Stage) -> None:
    before = [run(stage, days_ago=day) for day in (4, 3)]
    stage.emulator.fail("expire_token", method="POST", path="*/runs", times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(stage)
    returned = run(stage, try_number=2)
    assert returned["run_id"] not in [r["run_id"] for r in before]
    assert len(stage.runs()) == 3


def test_runs_made_before_the_dag_run_are_not_ours_however_wrong_the_clock_is(stage: Stage) -> None:
    stage.with_store = False
    stage.emulator.advance(30 * DAY)  # this machine's clock is behind
    first = run(stage)
    stage.emulator.advance(5)
    window = {"window_start": first["window_start"], "window_end": first["window_end"]}
    stage.began = stage.now  # another DAG run, by hand
    again = run(stage, try_number=2, **window)
    assert again["run_id"] != first["run_id"]


@STORES
def test_a_retry_waits_for_the_run_of_the_try_before(stage: Stage) -> None:
    with pytest.raises(FlowRunTimeoutError, match=r"has not ended in time.*is scheduled.*it goes on.*no way") as error:
        run(stage, timeout=0)
    assert not isinstance(error.value, AirflowFailException)
    (only,) = stage.runs()
    assert only["id"] in str(error.value)
    stage.forget_requests()
    assert run(stage, try_number=2)["run_id"] == only["id"]
    assert stage.asked() == ["GET runs"] * 2


@STORES
def test_a_failed_run_fails_the_task_for_good(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError, match=r"is failed.*CONNECTOR-1001-500") as error:
        run(stage)
    assert isinstance(error.value, AirflowFailException)
    with pytest.raises(FlowRunFailedError):
        run(stage, try_number=2)  # as after a worker's death
    assert len(posts(stage)) == 1


@STORES
@pytest.mark.parametrize("outcome", ["fail_copy", None], ids=["failed", "succeeded"])
def test_who_clears_the_task_starts_another_run(stage: Stage, outcome: str | None) -> None:
    if outcome:
        stage.emulator.order(outcome)
        with pytest.raises(FlowRunFailedError):
            run(stage)
    else:
        run(stage)
    again = run(stage, try_number=2, max_tries=3)
    assert (len(stage.runs()), len(posts(stage))) == (2, 2)
    assert again["run_id"] == stage.runs()[1]["id"]
    assert 51 not in stage.naps


@STORES
def test_who_clears_the_task_while_its_run_is_under_way_waits_for_that(stage: Stage) -> None:
    with pytest.raises(FlowRunTimeoutError):
        run(stage, timeout=0)
    assert run(stage, try_number=2, max_tries=3)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1


@STORES
def test_so_does_a_dag_run_that_is_cleared_and_begins_anew(stage: Stage) -> None:
    stage.emulator.order("stuck")
    for try_number, max_tries in ((1, 2), (2, 3), (3, 3)):
        with pytest.raises(FlowRunTimeoutError):
            run(stage, try_number, max_tries, timeout=0)
        stage.emulator.advance(600)
        stage.began = stage.now
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)


@STORES
def test_a_run_that_ends_between_a_cleared_try_and_its_retry_stays_ours(stage: Stage) -> None:
    for try_number, max_tries in ((1, 2), (2, 3)):
        with pytest.raises(FlowRunTimeoutError):
            run(stage, try_number, max_tries, timeout=0)
    stage.emulator.advance(600)
    assert run(stage, try_number=3, max_tries=3)["run_id"] == stage.runs()[0]["id"]
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)


def test_who_clears_a_task_that_never_learnt_of_its_run_starts_no_second(stage: Stage) -> None:
    hour = {"Retry-After": "3600"}
    stage.emulator.fail("apply_then_status", method="POST", path="*/runs", status=503, headers=hour)
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 3600 s"):
        run(stage)
    stage.emulator.advance(600)
    assert run(stage, try_number=2, max_tries=3)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1
    assert run(stage, try_number=3, max_tries=4)["run_id"] == stage.runs()[1]["id"]


def test_a_retry_after_a_clear_waits_for_the_second_run(stage: Stage) -> None:
    run(stage)
    with pytest.raises(FlowRunTimeoutError):
        run(stage, try_number=2, max_tries=3, timeout=0)
    assert run(stage, try_number=3, max_tries=3)["run_id"] == stage.runs()[1]["id"]
    assert len(posts(stage)) == 2


# ---- waiting -------------------------------------------------------------------------------------------------------


def deferral(stage: Stage, **arguments: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        run(stage, deferrable=True, **arguments)
    return deferred.value


def resume(stage: Stage, deferred: TaskDeferred, event: Any, **arguments: Any) -> Any:
    """Go on in the task as Airflow does when the trigger has fired."""
    task = operator(stage, deferrable=True, **arguments)
    return task.resume_execution(deferred.method_name, {"event": event}, stage.context())


def test_a_deferred_wait_returns_what_one_on_the_worker_would(stage: Stage) -> None:
    deferred = deferral(stage, timeout=600, execution_timeout=timedelta(seconds=90))
    assert stage.asked() == OF_A_START
    (only,) = stage.runs()
    assert stage.task.pushed["run_id"] == only["id"]
    assert (deferred.method_name, deferred.timeout) == ("execute_complete", None)
    path, arguments = deferred.trigger.serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments["selection"]["run_id"] == only["id"]
    assert 0 < arguments["deadline"] - datetime.now(UTC).timestamp() <= 90
    stage.emulator.advance(2)
    module, name = path.rsplit(".", 1)

    async def first_event() -> Any:
        trigger = getattr(import_module(module), name)(**arguments)
        return (await anext(trigger.run())).payload

    returned = resume(stage, deferred, json.loads(json.dumps(asyncio.run(first_event()))))
    assert (returned["run_id"], returned["output_records"]) == (only["id"], stage.rows())
    assert returned["window_start"] == datetime.fromtimestamp(only["params"]["windowStartTime"], UTC).isoformat()


def test_a_deferred_wait_that_took_too_long_says_that_the_run_goes_on(stage: Stage) -> None:
    deferred = deferral(stage)
    with pytest.raises(FlowRunTimeoutError, match="flow run 7 has not ended in time; it goes on") as error:
        resume(stage, deferred, {"status": "timeout", "message": "flow run 7 has not ended in time"})
    assert not isinstance(error.value, AirflowFailException)


@pytest.mark.parametrize("event", [None, {}, {"status": "ended"}, {"status": "error", "message": "FLOW-1439"}])
def test_an_event_without_an_ended_run_fails_the_task(stage: Stage, event: Any) -> None:
    with pytest.raises(FlowRunFailedError):
        resume(stage, deferral(stage), event)


def test_a_run_is_returned_as_it_stands_where_nobody_waits(stage: Stage) -> None:
    returned = run(stage, wait_for_completion=False)
    assert (returned["run_id"], returned["status"]) == (stage.runs()[0]["id"], "active")
    assert stage.asked() == OF_A_START


def test_a_wait_on_the_worker_ends_with_the_smaller_limit(stage: Stage) -> None:
    stage.emulator.order("stuck")
    with pytest.raises(FlowRunTimeoutError, match="is inProgress"):
        run(stage, timeout="60", execution_timeout=timedelta(seconds=12), poll_interval="5")
    assert [round(nap) for nap in stage.naps] == [5, 5, 2]


def test_airflow_itself_ends_no_wait(stage: Stage) -> None:
    with DAG(dag_id="limits", schedule=None, default_args={"execution_timeout": timedelta(seconds=20)}):
        assert operator(stage).execution_timeout is None


@pytest.mark.parametrize(("ratio", "good"), [(0.5, False), (1, True)])
def test_failed_records_are_tolerated_up_to_the_ratio(stage: Stage, ratio: float, good: bool) -> None:
    stage.emulator.order("partial", failed=4)
    if good:
        assert run(stage, max_failed_ratio=ratio)["status"] == "partial"
        return
    with pytest.raises(FlowRunFailedError, match=r"max_failed_ratio is 0\.5"):
        run(stage, max_failed_ratio=ratio)


def test_a_killed_task_says_what_becomes_of_its_run(stage: Stage, said: Callable[[str], int]) -> None:
    task = operator(stage, wait_for_completion=False)
    task.on_kill()
    assert said("Killed before a flow run was known. If one was asked for, it goes on") == 1
    run_id = task.execute(stage.context())["run_id"]
    task.on_kill()
    assert said(f"Killed while flow run {run_id} is not known to have ended: it goes on") == 1


def test_one_dag_run_after_the_other_executes_it_unless_told_otherwise() -> None:
    assert RunDataflowOperator(task_id="run", flow_id="flow").max_active_tis_per_dag == 1
    assert (
        RunDataflowOperator(task_id="run", flow_id="flow", max_active_tis_per_dag=None).max_active_tis_per_dag is None
    )
    with DAG(dag_id="windows", schedule=None, default_args={"max_active_tis_per_dag": 3}):
        assert RunDataflowOperator(task_id="run", flow_id="flow").max_active_tis_per_dag == 3
