"""``RunDataflowOperator``: one flow run for each window, even if answers are lost or workers are killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import (
    ExperiencePlatformFailedError,
    ExperiencePlatformUnavailableError,
    FlowRunFailedError,
)
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.on_demand import DAY, DELTA, LISTS, OF_A_START, RUNS, Stage
from tests.operators.on_demand import with_store as with_store
from tests.operators.run_dataflow import deferral, operator, posts, resume, run
from tests.operators.run_dataflow import stage as stage
from tests.sensors.conftest import said as said

# ---- requests ------------------------------------------------------------------------------------------------------


def test_a_run_over_a_window_is_requested_and_its_counts_returned(stage: Stage) -> None:
    start = datetime.fromtimestamp(stage.today - DAY, UTC)
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
    assert stage.requests() == [*OF_A_START, "GET runs"]
    assert stage.naps == [5]
    assert str(stage.task.pushed["experience_platform_link"]).startswith(stage.emulator.url)


def test_only_the_first_run_sends_the_delta_column(stage: Stage) -> None:
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
def test_a_window_is_accepted_in_every_form(stage: Stage, start: Any, end: Any) -> None:
    run(stage, window_start=start, window_end=end, wait_for_completion=False)
    params = posts(stage)[0]["params"]
    assert (params["windowStartTime"], params["windowEndTime"]) == (1793514600, 1793518200)


HOUR = {"data_interval_start": MOMENT, "data_interval_end": MOMENT + timedelta(hours=1)}
DAILY = {"data_interval_start": MOMENT, "data_interval_end": MOMENT}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no interval": ({}, {}, "window_start=None.*no data interval.*logical date.*CronDataIntervalTimetable"),
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
    "time-out of a month": ({"timeout": "P1M"}, HOUR, "timeout='P1M'.*without years and months"),
    "negative time-out": ({"timeout": timedelta(hours=-1)}, HOUR, "timeout=-3600.*0 or more"),
    "ds_nodash": ({"window_start": "20261101", "window_end": MOMENT}, {}, "window_start='20261101'.*timezone"),
    "hour in digits": ({"window_end": 2026110207}, HOUR, "window_end=2026110207.*timezone"),
    "milliseconds": ({"window_end": 1793518200000}, HOUR, "window_end=1793518200000.*milliseconds"),
    "tolerance": ({"max_failed_ratio": 5}, HOUR, "max_failed_ratio=5"),
    "if covered": ({"if_covered": "skip"}, HOUR, "if_covered='skip' is not allowed: reuse or again"),
    "lag": ({"window_lag": -1}, HOUR, "window_lag=-1"),
    "invalid lag": ({"window_lag": "soon"}, HOUR, "window_lag='soon'"),
    "invalid maximum wait": ({"max_window_wait": -1}, HOUR, "max_window_wait=-1"),
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
    assert stage.requests() == ["GET flows"]


def test_a_disabled_dataflow_is_refused(stage: Stage) -> None:
    stage.connect().request("POST", f"/data/foundation/flowservice/flows/{stage.flow_id}/action?op=disable")
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=r"this one is disabled \(FLOW-1380\)"):
        run(stage)
    assert stage.requests() == ["GET flows"]


def test_another_delta_column_is_refused(stage: Stage) -> None:
    run(stage)
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=r"'Product_Name'.*must be 'Create_Time'.*\(FLOW-1382\)"):
        run(stage, delta_column={"name": "Product_Name"})
    assert stage.requests() == ["GET flows"]


def test_a_refusal_of_the_service_fails_the_task(stage: Stage) -> None:
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
def test_a_lost_answer_leads_to_no_second_run(stage: Stage, what: str, said: Callable[[str], int]) -> None:
    action, details = (APPLIED | NOT_APPLIED)[what]
    stage.emulator.fail(action, method="POST", path="*/runs", **details)
    returned = run(stage)
    (only,) = stage.runs()
    assert returned["run_id"] == only["id"]
    assert returned["output_records"] == stage.rows() > 0
    assert len(posts(stage)) == (1 if what in APPLIED else 2)
    assert stage.naps == ([51] if what in APPLIED else [51, 5])
    assert said("searching for the flow run before the request is sent again") == 1


def test_a_run_that_never_appears_is_left_to_the_next_try(stage: Stage) -> None:
    stage.emulator.fail("drop_before", method="POST", path="*/runs", times=3)
    with pytest.raises(ExperiencePlatformUnavailableError, match=r"3 requests for a run .* were not answered"):
        run(stage)
    assert run(stage, try_number=2)["run_id"] == stage.runs()[0]["id"]
    assert (len(posts(stage)), len(stage.runs())) == (4, 1)


def test_after_a_long_retry_after_the_next_try_finds_the_run(stage: Stage) -> None:
    hour = {"Retry-After": "3600"}
    stage.emulator.fail("apply_then_status", method="POST", path="*/runs", status=503, headers=hour)
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 3600 s") as error:
        run(stage)
    assert (error.value.retry_after, stage.naps) == (3600, [])
    assert run(stage, try_number=2)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1


def another_client_requests_a_run(stage: Stage, start: int, end: int) -> Callable[[], None]:
    """Return a function by which another client requests a run."""

    def ask() -> None:
        params = {
            "startTime": stage.now,
            "windowStartTime": start,
            "windowEndTime": end,
            "deltaColumn": {"name": DELTA},
        }
        stage.connect().request("POST", RUNS, body={"flowId": stage.flow_id, "params": params})

    return ask


def test_a_run_over_another_window_is_not_the_tasks_run(stage: Stage, proxy: FaultProxy) -> None:
    proxy.fault("POST", RUNS, lose=True, before=True, first=another_client_requests_a_run(stage, 0, 1000))
    returned = run(stage, url=proxy.url)
    theirs, ours = stage.runs()
    assert theirs["params"]["windowEndTime"] == 1000
    assert returned["run_id"] == ours["id"]


def test_several_candidates_are_named_and_no_run_is_requested(stage: Stage, proxy: FaultProxy) -> None:
    task = operator(stage, url=proxy.url)
    proxy.fault("POST", RUNS, lose=True, first=another_client_requests_a_run(stage, task.window_start, task.window_end))
    with pytest.raises(ExperiencePlatformUnavailableError, match="Several runs of dataflow") as error:
        task.execute(stage.context())
    assert all(item["id"] in str(error.value) for item in stage.runs())
    assert len(stage.runs()) == 2


def listing_without_window(item: dict[str, Any], **changes: Any) -> bytes:
    """Return a list with a run that reports no window yet."""
    kept = {name: value for name, value in item.items() if name not in ("params", "activities")}
    return json.dumps({"items": [kept | changes]}).encode()


def test_another_clients_run_is_not_the_tasks_run(stage: Stage, proxy: FaultProxy) -> None:
    another_client_requests_a_run(stage, 0, 1000)()
    (theirs,) = stage.runs()
    proxy.fault(
        "GET", LISTS, status=200, body=b'{"items": []}'
    )  # the other client's run was not listed yet when the baseline was taken
    proxy.fault("POST", RUNS, lose=True, before=True)
    proxy.fault("GET", LISTS, status=200, body=listing_without_window(theirs, createdClient="another client"))
    assert run(stage, url=proxy.url)["run_id"] == stage.runs()[-1]["id"] != theirs["id"]


def test_a_found_run_that_reads_another_window_fails_the_task(stage: Stage, proxy: FaultProxy) -> None:
    another_client_requests_a_run(stage, 0, 1000)()
    (theirs,) = stage.runs()
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}')
    proxy.fault("POST", RUNS, lose=True, before=True)
    proxy.fault("GET", LISTS, status=200, body=listing_without_window(theirs))
    with pytest.raises(
        FlowRunFailedError, match=r"was taken for the requested one.*but it reads the window from 1970-01-01"
    ):
        run(stage, url=proxy.url)


def test_a_found_run_with_another_window_fails_deferred_tasks_and_retries(stage: Stage, proxy: FaultProxy) -> None:
    another_client_requests_a_run(stage, 0, 1000)()
    (theirs,) = stage.runs()
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}')
    proxy.fault("POST", RUNS, lose=True, before=True)
    unknown = json.loads(listing_without_window(theirs))["items"][0] | {
        "metrics": {"statusSummary": {"status": "scheduled"}}
    }
    answer = json.dumps({"items": [unknown]}).encode()
    proxy.fault("GET", LISTS, status=200, body=answer)
    proxy.fault("GET", f"{RUNS}/", status=200, body=answer, times=2)
    run_of_theirs = {"id": theirs["id"], "flow_id": stage.flow_id, "raw_status": "success", "created_at": 2e9}
    event = {"status": "ended", "run": run_of_theirs | {"window_start": 0.0, "window_end": 1000.0}}
    for deferred in (deferral(stage, url=proxy.url), deferral(stage, url=proxy.url, try_number=2)):
        with pytest.raises(FlowRunFailedError, match="was taken for the requested one"):
            resume(stage, deferred, event)


@pytest.mark.parametrize("if_covered", ["reuse", "again"])
def test_clearing_a_task_with_a_wrong_run_starts_another(stage: Stage, proxy: FaultProxy, if_covered: str) -> None:
    start = stage.today - 5 * DAY
    another_client_requests_a_run(stage, start, start + DAY)()
    (theirs,) = stage.runs()
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}')
    proxy.fault("POST", RUNS, lose=True, before=True)
    proxy.fault("GET", LISTS, status=200, body=listing_without_window(theirs))
    with pytest.raises(FlowRunFailedError, match="was taken for the requested one"):
        run(stage, url=proxy.url, if_covered=if_covered)
    again = run(stage, try_number=2, max_tries=3, if_covered=if_covered)
    assert (again["reused"], again["run_id"]) == (False, stage.runs()[-1]["id"])
    assert again["run_id"] != theirs["id"]


def test_an_earlier_run_is_not_the_tasks_run(stage: Stage) -> None:
    before = run(stage, wait_for_completion=False)
    stage.emulator.fail("drop_before", method="POST", path="*/runs")
    again = run(stage, if_covered="again")  # the same window, by a manual DAG run
    assert again["run_id"] == stage.runs()[1]["id"] != before["run_id"]


def test_the_task_waits_until_its_run_is_readable(stage: Stage, proxy: FaultProxy) -> None:
    gone = json.dumps(
        {"type": "https://ns.adobe.com/aep/errors/FLOW-1439-404", "title": "none", "status": 404}
    ).encode()
    proxy.fault("GET", f"{RUNS}/", status=404, body=gone, times=3)
    assert run(stage, url=proxy.url)["output_records"] == stage.rows()
    assert stage.naps == [2, 2, 2]
