"""``RunDataflowOperator`` and covered windows: no window is ingested twice unless ``if_covered`` is ``again``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import (
    ExperiencePlatformFailedError,
    ExperiencePlatformUnavailableError,
    FlowRunFailedError,
    FlowRunTimeoutError,
)
from airflow_provider_payments.operators.flow_runs import RunDataflowOperator
from airflow_provider_payments.outcomes import Stats
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.on_demand import DAY, DELTA, LISTS, OF_A_START, RUNS, STORES, Stage
from tests.operators.on_demand import with_store as with_store
from tests.operators.run_dataflow import deferral, posts, resume, run
from tests.operators.run_dataflow import stage as stage
from tests.sensors.conftest import said as said


@pytest.fixture
def emitted_metrics(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the metrics that tasks emit."""
    names: list[str] = []
    monkeypatch.setattr(Stats, "incr", lambda name, *_, **__: names.append(name))
    monkeypatch.setattr(Stats, "timing", lambda name, *_, **__: names.append(name))
    return names


def run_in_new_dag_run(stage: Stage, **arguments: Any) -> dict[str, Any]:
    """Execute the task in a new, manual DAG run, whose store is empty."""
    stage.began = stage.now
    return run(stage, **arguments)


def window_of(stage: Stage, days_ago: int, **seconds: int) -> dict[str, int]:
    """Return the window of a day, with its ends moved."""
    start = stage.today - days_ago * DAY
    return {"window_start": start + seconds.get("start", 0), "window_end": start + DAY + seconds.get("end", 0)}


# ---- covered windows -----------------------------------------------------------------------------------------------


@STORES
def test_a_covered_window_is_not_ingested_again(
    stage: Stage, said: Callable[[str], int], emitted_metrics: list[str]
) -> None:
    first = run(stage)
    assert [name for name in emitted_metrics if "poll" not in name]
    assert first["reused"] is False
    emitted_metrics.clear()
    stage.forget_requests()
    assert run_in_new_dag_run(stage) == first | {"reused": True}
    assert stage.requests() == ["GET flows", "GET runs"]
    assert (emitted_metrics, stage.rows()) == ([], first["output_records"])
    assert said("already; no run is requested (if_covered is 'reuse')") == 1


def test_a_covered_window_is_ingested_once_more_with_again(stage: Stage) -> None:
    first = run(stage)
    again = run_in_new_dag_run(stage, if_covered="again")
    assert again["run_id"] != first["run_id"]
    assert (again["reused"], stage.rows()) == (False, 2 * first["output_records"])


@pytest.mark.parametrize("end", [-1, 1])
def test_a_window_that_differs_by_a_second_counts_as_equal(stage: Stage, end: int) -> None:
    first = run(stage)
    again = run_in_new_dag_run(stage, **window_of(stage, 2, start=1, end=end))
    assert (again["run_id"], again["reused"], len(posts(stage))) == (first["run_id"], True, 1)


def test_adjacent_windows_are_each_ingested(stage: Stage) -> None:
    ingested = [run(stage, days_ago=days) for days in (3, 1, 2)]
    assert [item["reused"] for item in ingested] == [False] * 3
    assert len(stage.runs()) == 3
    assert stage.rows() == sum(item["output_records"] for item in ingested)


@pytest.mark.parametrize(
    "moved", [{"start": -3600}, {"end": 3600}, {"start": 3600}, {"end": -DAY // 2}, {"start": -DAY, "end": DAY}]
)
def test_a_partly_overlapping_window_is_refused_before_a_run_is_requested(stage: Stage, moved: dict[str, int]) -> None:
    first = run(stage)
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=f"{first['run_id']} \\(succeeded\\) reads the window"):
        run_in_new_dag_run(stage, **window_of(stage, 2, **moved))
    assert stage.requests() == ["GET flows", "GET runs"]
    ingested = run_in_new_dag_run(stage, if_covered="again", **window_of(stage, 2, **moved))
    assert (ingested["reused"], len(stage.runs())) == (False, 2)


def test_several_runs_that_together_fill_a_window_do_not_cover_it(stage: Stage) -> None:
    first, second = run(stage, days_ago=3), run(stage, days_ago=2)
    with pytest.raises(ExperiencePlatformFailedError) as error:
        run_in_new_dag_run(stage, **window_of(stage, 3, end=DAY))
    assert all(item["run_id"] in str(error.value) for item in (first, second))


def test_a_scheduled_run_of_the_dataflow_covers_windows(
    connected: Emulator, make_client: Callable[..., Client]
) -> None:
    stage = Stage(connected, make_client)
    stage.make_dataflow(partial_ingestion_percent=50)
    stage.emulator.advance(2 * DAY)  # its start time has passed, and it has read the whole table
    (own,) = stage.runs()
    with pytest.raises(ExperiencePlatformFailedError, match=f"{own['id']} \\(partial\\) reads the window from 1970"):
        run_in_new_dag_run(stage)
    assert posts(stage) == []


# ---- failed, empty, partial and early runs ---------------------------------------------------------------------------


def test_a_run_that_failed_covers_nothing(stage: Stage) -> None:
    stage.emulator.order("fail_promotion")
    with pytest.raises(FlowRunFailedError):
        run(stage)
    assert run_in_new_dag_run(stage)["reused"] is False
    assert len(posts(stage)) == 2


def test_a_run_that_read_no_rows_covers_nothing(stage: Stage) -> None:
    far = {"window_start": 0, "window_end": 1_000_000_000}
    empty = run(stage, **far)
    assert empty["input_records"] == 0
    assert run_in_new_dag_run(stage, **far)["run_id"] != empty["run_id"]
    assert run_in_new_dag_run(stage, window_start=0, window_end=1_000_001_000)["reused"] is False


@pytest.mark.parametrize(("ratio", "good"), [(0.0, False), (1, True)])
def test_a_partial_run_covers_its_window_and_is_judged_by_the_task(stage: Stage, ratio: float, good: bool) -> None:
    stage.emulator.order("partial", failed=2)
    first = run(stage)
    if good:
        assert run_in_new_dag_run(stage, max_failed_ratio=ratio) == first | {"reused": True}
    else:
        with pytest.raises(FlowRunFailedError, match=rf"{first['run_id']} is partialSuccess.*max_failed_ratio is 0"):
            run_in_new_dag_run(stage, max_failed_ratio=ratio)
    assert len(posts(stage)) == 1


def test_a_run_with_unknown_counts_covers_its_window_and_is_judged(stage: Stage, proxy: FaultProxy) -> None:
    run(stage)
    (item,) = stage.runs()
    item["metrics"]["recordSummary"] = {}
    proxy.fault("GET", LISTS, status=200, body=json.dumps({"items": [item]}).encode())
    with pytest.raises(FlowRunFailedError, match="its counts cannot be read"):
        run_in_new_dag_run(stage, url=proxy.url)
    assert len(posts(stage)) == 1


def test_a_run_requested_before_its_windows_end_is_reused_with_a_warning(
    stage: Stage, said: Callable[[str], int]
) -> None:
    start, end = window_of(stage, 1)["window_start"], stage.now + 3600  # right after midnight, today has no rows
    params = {"startTime": stage.now, "windowStartTime": start, "windowEndTime": end}
    body = {"flowId": stage.flow_id, "params": params | {"deltaColumn": {"name": DELTA}}}
    stage.connect().request("POST", RUNS, body=body)
    stage.emulator.advance(3700)
    ingested = run_in_new_dag_run(stage, window_start=start, window_end=end)
    assert ingested["reused"] is True
    assert said("before its data window ended: rows that were added later are missing") == 1


# ---- active runs --------------------------------------------------------------------------------------------------


@STORES
def test_the_task_waits_for_an_active_run_over_its_window(
    stage: Stage, said: Callable[[str], int], emitted_metrics: list[str]
) -> None:
    first = run(stage, wait_for_completion=False)
    again = run_in_new_dag_run(stage)
    assert (again["run_id"], again["status"], again["reused"]) == (first["run_id"], "succeeded", True)
    assert (len(posts(stage)), again["output_records"]) == (1, stage.rows())
    assert said("already; waiting for it") == 1
    assert set(emitted_metrics) == {"payments.flow_run.poll.requests"}


def test_a_deferred_wait_for_a_reused_run_continues_in_a_retry(stage: Stage, emitted_metrics: list[str]) -> None:
    first = run(stage, wait_for_completion=False)
    stage.began = stage.now
    deferred = deferral(stage)
    assert deferred.method_name == "execute_reused"
    with pytest.raises(FlowRunTimeoutError):
        run(stage, try_number=2, timeout=0)
    again = deferral(stage, try_number=2)
    assert (again.method_name, again.trigger.selection["run_id"]) == ("execute_reused", first["run_id"])
    shown = {"id": first["run_id"], "flow_id": stage.flow_id, "raw_status": "success", "created_at": 2e9}
    ended = shown | {"input_records": 3, "output_records": 3, "failed_records": 0}
    emitted_metrics.clear()
    assert resume(stage, again, {"status": "ended", "run": ended})["reused"] is True
    assert emitted_metrics == []


def test_a_partly_overlapping_active_run_is_refused(stage: Stage) -> None:
    first = run(stage, wait_for_completion=False)
    with pytest.raises(ExperiencePlatformFailedError, match=f"{first['run_id']} \\(active\\) reads the window"):
        run_in_new_dag_run(stage, **window_of(stage, 2, end=3600))
    assert len(posts(stage)) == 1


def test_an_active_run_without_a_window_is_left_to_a_retry(stage: Stage, proxy: FaultProxy) -> None:
    first = run(stage, wait_for_completion=False, days_ago=9)
    hidden = {name: value for name, value in stage.runs()[0].items() if name != "params"}
    assert hidden["activities"] == []
    proxy.fault("GET", LISTS, status=200, body=json.dumps({"items": [hidden]}).encode())
    message = f"{first['run_id']} \\(active\\) reads a window that it does not show yet.*next attempt checks again"
    with pytest.raises(ExperiencePlatformUnavailableError, match=message):
        run_in_new_dag_run(stage, url=proxy.url)
    assert len(posts(stage)) == 1
    assert run_in_new_dag_run(stage, url=proxy.url)["reused"] is False


# ---- reported windows -----------------------------------------------------------------------------------------------


def listing(items: list[dict[str, Any]], *, with_request: bool, shift: int) -> bytes:
    """Return the runs as a service may list them: with or without the requested window, and the copied one shifted."""
    for item in items:
        if not with_request:
            del item["params"]
        for activity in item["activities"]:
            if extensions := activity["durationSummary"].get("extensions"):
                extensions["windowStart"] += shift * 1000
                extensions["windowEnd"] += shift * 1000
    return json.dumps({"items": items}).encode()


@pytest.mark.parametrize("with_request", [True, False], ids=["params", "copying only"])
def test_a_runs_window_is_read_from_its_request_or_its_copying(
    stage: Stage, proxy: FaultProxy, with_request: bool
) -> None:
    first = run(stage)
    proxy.fault("GET", LISTS, status=200, body=listing(stage.runs(), with_request=with_request, shift=0))
    again = run_in_new_dag_run(stage, url=proxy.url)
    assert (again["run_id"], again["reused"]) == (first["run_id"], True)


def test_the_requested_window_counts_if_the_copying_reports_another(
    stage: Stage, proxy: FaultProxy, said: Callable[[str], int]
) -> None:
    first = run(stage)
    for days_ago, reused in ((2, True), (1, False)):
        proxy.fault("GET", LISTS, status=200, body=listing(stage.runs()[:1], with_request=True, shift=DAY))
        again = run_in_new_dag_run(stage, url=proxy.url, days_ago=days_ago)
        assert (again["reused"], again["run_id"] == first["run_id"]) == (reused, reused)
    assert said("Reported data windows are unreliable: flow run") == 2  # once in each task


def test_the_tasks_record_counts_if_the_service_reports_a_wrong_window(
    stage: Stage, proxy: FaultProxy, said: Callable[[str], int]
) -> None:
    first = run(stage)
    listed = listing(stage.runs(), with_request=False, shift=DAY)
    proxy.fault("GET", LISTS, status=200, body=listed)
    proxy.fault("GET", f"{RUNS}/", status=200, body=listed)
    again = run(stage, url=proxy.url, try_number=2, max_tries=3)
    assert (again["run_id"], again["reused"], len(posts(stage))) == (first["run_id"], True, 1)
    assert said("Reported data windows are unreliable") >= 1


def test_a_run_of_the_task_counts_although_it_is_not_listed(stage: Stage, proxy: FaultProxy) -> None:
    first = run(stage)
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}')
    again = run(stage, url=proxy.url, try_number=2, max_tries=3)
    assert (again["run_id"], again["reused"], len(posts(stage))) == (first["run_id"], True, 1)


def test_a_cleared_task_with_another_window_starts_another_run(stage: Stage) -> None:
    first = run(stage, wait_for_completion=False)
    again = run(stage, try_number=2, max_tries=3, days_ago=5)
    assert again["run_id"] != first["run_id"]
    assert (again["reused"], len(posts(stage))) == (False, 2)


def test_a_cleared_task_with_another_dataflow_starts_another_run(stage: Stage) -> None:
    old = run(stage, wait_for_completion=False)
    new_flow = stage.make_dataflow(name="others")
    again = run(stage, try_number=2, max_tries=3, flow_id=new_flow)
    assert again["run_id"] != old["run_id"]
    assert [item["id"] for item in stage.runs()] == [again["run_id"]]


# ---- requests ------------------------------------------------------------------------------------------------------

HOURS = 365 * 24


def a_year_of_hours(flow_id: str, until: int) -> Callable[[str], tuple[int, bytes]]:
    """Return a function that answers like a service with a year of hourly runs, the newest first."""
    ends = [until - hour * 3600 for hour in range(HOURS)]
    items = [
        {
            "id": f"run-{end}",
            "flowId": flow_id,
            "createdAt": (end + 60) * 1000,
            "params": {"windowStartTime": end - 3600, "windowEndTime": end},
            "metrics": {
                "statusSummary": {"status": "success"},
                "recordSummary": {"inputRecordCount": 1, "outputRecordCount": 1, "failedRecordCount": 0},
                "durationSummary": {"startedAtUTC": (end + 60) * 1000, "completedAtUTC": (end + 62) * 1000},
            },
        }
        for end in ends
    ]

    def answer(path: str) -> tuple[int, bytes]:
        query = parse_qs(urlsplit(path).query)
        first, limit = int(query.get("continuationToken", ["0"])[0]), int(query["limit"][0])
        page: dict[str, Any] = {"items": items[first : first + limit]}
        if first + limit < len(items):
            page["_links"] = {"next": {"href": f"/runs?continuationToken={first + limit}"}}
        return 200, json.dumps(page).encode()

    return answer


def test_a_year_of_hourly_windows_takes_few_list_requests(stage: Stage, proxy: FaultProxy) -> None:
    covered_until = stage.now // 3600 * 3600 - 3600
    proxy.fault("GET", LISTS, reply=a_year_of_hours(stage.flow_id, covered_until), times=1000)
    for start, reused in ((covered_until - HOURS * 3600, True), (covered_until, False)):
        proxy.asked.clear()
        returned = run_in_new_dag_run(stage, url=proxy.url, window_start=start, window_end=start + 3600)
        assert returned["reused"] is reused
        listings = [path for method, path, _ in proxy.asked if method == "GET" and "runs?" in path]
        assert 1 < len(listings) <= 1 + HOURS / 500


def test_checking_coverage_adds_no_request_to_a_start(stage: Stage) -> None:
    run(stage, wait_for_completion=False)
    assert stage.requests() == OF_A_START


def test_an_unreadable_run_prevents_a_start_regardless_of_its_age(stage: Stage, proxy: FaultProxy) -> None:
    run(stage, days_ago=9)
    items = [*stage.runs(), {"id": "odd", "flowId": stage.flow_id}]
    proxy.fault("GET", LISTS, status=200, body=json.dumps({"items": items}).encode(), times=3)
    with pytest.raises(ExperiencePlatformUnavailableError, match="flow run odd cannot be read"):
        run_in_new_dag_run(stage, url=proxy.url)
    assert len(posts(stage)) == 1


def test_windows_are_reused_without_a_lag_by_default() -> None:
    task = RunDataflowOperator(task_id="run", flow_id="flow")
    assert (task.if_covered, task.window_lag, task.max_window_wait) == ("reuse", 0, None)
