"""Runs on demand: their data windows, and how the requested run is distinguished from others."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, ReadOnlyError, RequestError, UnsettledError
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import FlowRun
from airflow_provider_payments.aep.runs.lookups import newest_failed, newest_run_of_window, read_run, wait_until_visible
from airflow_provider_payments.aep.runs.on_demand import OnDemandRun, RepeatedRun, RunBaseline
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import DAY, DELTA, LISTS, ONCE, RUNS

START = datetime(2026, 11, 1, tzinfo=UTC)
FIRST = Window(1793491200, 1793577600)
SECOND = Window(1793577600, 1793664000)


@pytest.fixture
def flow_id(connected: Emulator) -> str:
    return str(make_dataflow(**ONCE)["id"])


def request(client: Client, flow_id: str, window: Window = FIRST, delta_column: str | None = DELTA) -> OnDemandRun:
    return OnDemandRun(client=client, flow_id=flow_id, window=window, delta_column=delta_column)


def start(client: Client, flow_id: str, window: Window = FIRST) -> str:
    ready = request(client, flow_id, window).ready()
    run_id, found = ready.start(RunBaseline.of(ready.coverage().runs))
    assert not found
    return run_id


# ---- windows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START, START + timedelta(days=1)),
        ("2026-11-01T01:00:00+01:00", "2026-11-02T00:00:00Z"),
        (1793491200, "1793577600.9"),
        (pendulum.datetime(2026, 11, 1, tz="UTC"), START + timedelta(days=1, microseconds=999)),
    ],
)
def test_a_window_is_parsed_from_each_form_in_whole_seconds(start: Any, end: Any) -> None:
    assert Window.read(start, end) == FIRST


def test_consecutive_windows_share_their_ends() -> None:
    moments = [START + timedelta(hours=n, microseconds=700_000) for n in range(3)]
    first, second = Window.read(moments[0], moments[1]), Window.read(moments[1], moments[2])
    assert first.end == second.start


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (None, START, "window_start=None is not allowed: a time; .*CronDataIntervalTimetable"),
        (START, "", "window_end=None is not allowed: a time; .*CronDataIntervalTimetable"),
        (START, START, r"window_end='2026-11-01T00:00:00\+00:00' .*'@daily' the interval is empty from Airflow 3 on"),
        (START, START + timedelta(microseconds=5), "window_end=.*later than window_start"),
        (START, START - timedelta(days=1), r"window_end='2026-10-31.*later than window_start, 2026-11-01[^.]*$"),
        (datetime(2026, 11, 1), START, "window_start=.*timezone"),
        ("soon", START, "window_start='soon'"),
    ],
)
def test_an_empty_or_incomplete_window_is_refused(start: Any, end: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Window.read(start, end)


ACTIVITY = {"durationSummary": {"extensions": {"windowStart": 0, "windowEnd": 1793577600000}}}


@pytest.mark.parametrize(
    ("shown", "window"),
    [
        ({}, None),
        ({"params": {}, "activities": []}, None),
        ({"params": {"windowStartTime": 1793491200, "windowEndTime": 1793577600}}, FIRST),
        ({"params": {"windowStartTime": 1793491200000, "windowEndTime": 1793577600000}}, FIRST),
        ({"params": {}, "activities": [{"name": "Other"}, ACTIVITY]}, Window(0, 1793577600)),
        ({"activites": [ACTIVITY]}, Window(0, 1793577600)),
        ({"params": {"windowStartTime": "soon", "windowEndTime": 1793577600}}, None),
        ({"params": {"windowEndTime": 1793577600}}, None),
        ({"params": {"windowStartTime": 1793577600, "windowEndTime": 1793491200}}, None),
        ({"params": "none", "activities": [{"durationSummary": {"extensions": {"windowEnd": "soon"}}}]}, None),
    ],
)
def test_a_runs_window_is_read_from_its_item(shown: dict[str, Any], window: Window | None) -> None:
    run = FlowRun.from_item({"id": "run", "flowId": "flow", "createdAt": 1793577600000} | shown)
    assert Window.of(run) == window
    assert FlowRun.from_json(run.to_json()) == run


# ---- requests ------------------------------------------------------------------------------------------------------


def test_the_baseline_names_the_newest_runs_only(client: Client, emulator: Emulator, flow_id: str) -> None:
    assert RunBaseline.of(request(client, flow_id).coverage().runs) == RunBaseline(0.0, ())
    start(client, flow_id)
    emulator.advance(5)
    newest = start(client, flow_id, SECOND)
    baseline = RunBaseline.of(request(client, flow_id).coverage().runs)
    assert baseline == RunBaseline(read_run(client, newest).created_at, (newest,))
    assert RunBaseline.from_json(baseline.to_json()) == baseline


@pytest.mark.parametrize(
    "answer",
    ['{{"id": "{0}", "etag": "e"}}', '{{"items": [{{"id": "{0}"}}]}}', '{{"id": "{0}", "metrics": {{}}}}'],
    ids=["object", "list", "whole run"],
)
def test_each_documented_answer_to_a_run_request_is_read(
    make_client: Callable[..., Client], proxy: FaultProxy, flow_id: str, answer: str
) -> None:
    proxy.fault("POST", RUNS, status=201, body=answer.format("run-1").encode())
    assert start(make_client(proxy.url), flow_id) == "run-1"


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"items": []}', b'{"items": [7]}', b'{"id": ""}'])
def test_an_answer_without_an_id_counts_as_lost(
    make_client: Callable[..., Client], proxy: FaultProxy, flow_id: str, answer: bytes
) -> None:
    proxy.fault("POST", RUNS, status=201, body=answer)
    ready = request(make_client(proxy.url), flow_id).ready()
    run_id, found = ready.start(RunBaseline.of(ready.coverage().runs))
    assert (run_id, found) == (read_run(ready.client, run_id).id, False)
    assert proxy.count("POST", RUNS) == 2


def test_a_settle_time_beyond_the_deadline_is_not_waited_for(
    make_client: Callable[..., Client], emulator: Emulator, flow_id: str, naps: list[float]
) -> None:
    client = make_client(dataflow_settle_seconds=50.0, operation_timeout=60.0)
    emulator.fail("drop_before", method="POST", path="*/runs", times=2)
    with pytest.raises(UnsettledError, match="needs 51 s to be listed, more than the remaining part of"):
        start(client, flow_id)
    assert naps == [51.0]


def test_a_read_only_connection_requests_no_run(
    make_client: Callable[..., Client], emulator: Emulator, flow_id: str
) -> None:
    with pytest.raises(ReadOnlyError):
        start(make_client(read_only=True), flow_id)
    assert emulator.objects("runs") == []


def test_the_dataflow_must_exist(client: Client, connected: Emulator) -> None:
    with pytest.raises(RequestError, match="404"):
        request(client, "3abea21c-7e36-4be1-bec1-d3bad0e3e0de").ready()


# ---- search for the requested run ----------------------------------------------------------------------------------


def test_the_baseline_is_converted_to_the_platforms_time(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    emulator.advance(30 * DAY)
    client = make_client()
    client.get("/data/foundation/flowservice/flows")
    here, there = time.time(), float(emulator.advance(0))
    baseline = RunBaseline(here - 60, by_own_clock=True).in_platform_time(client)
    assert abs(baseline.since - (there - 60)) < 3
    assert baseline.in_platform_time(client) is baseline


def test_runs_since_a_time_of_the_local_clock_are_found(
    make_client: Callable[..., Client], emulator: Emulator, flow_id: str
) -> None:
    emulator.advance(30 * DAY)
    client = make_client()
    start(client, flow_id)
    emulator.advance(600)
    newest = start(client, flow_id)
    emulator.advance(30)
    found = request(make_client(), flow_id).find(RunBaseline(time.time() - 60, by_own_clock=True))
    assert found is not None
    assert found.id == newest


def test_several_matching_runs_are_named_in_the_error(client: Client, flow_id: str) -> None:
    runs = [start(client, flow_id) for _ in range(2)]
    with pytest.raises(UnsettledError, match="Several runs") as error:
        request(client, flow_id).find(RunBaseline(0.0))
    assert all(run in str(error.value) for run in runs)


def test_only_active_runs_are_found_if_requested(client: Client, emulator: Emulator, flow_id: str) -> None:
    start(client, flow_id)
    emulator.advance(5)
    assert request(client, flow_id).find(RunBaseline(0.0), active=True) is None
    active = start(client, flow_id)
    found = request(client, flow_id).find(RunBaseline(0.0), active=True)
    assert found is not None
    assert found.id == active


def test_an_older_run_matches_only_if_it_was_active_with_the_window(
    client: Client, emulator: Emulator, flow_id: str
) -> None:
    emulator.order("stuck")
    stuck = start(client, flow_id)
    ended = start(client, flow_id, SECOND)
    emulator.advance(600)
    begun, end = read_run(client, stuck).created_at, read_run(client, ended).completed_at
    assert end is not None

    def found(window: Window, since: float, allow_older: bool = True) -> str | None:
        run = request(client, flow_id, window).find(RunBaseline(since, allow_older=allow_older))
        return run.id if run else None

    assert [found(FIRST, end + 60), found(SECOND, end - 0.1), found(SECOND, end + 0.1)] == [stuck, ended, None]
    assert [found(FIRST, begun + 0.1, False), found(Window(0, 1), end - 0.1)] == [None, None]


# ---- retries of failed runs ----------------------------------------------------------------------------------------


def test_the_run_that_replaces_a_failed_one_is_found(client: Client, emulator: Emulator, flow_id: str) -> None:
    emulator.order("fail_copy")
    failed = start(client, flow_id)
    emulator.advance(5)
    start(client, flow_id, SECOND)
    emulator.advance(5)
    run = read_run(client, failed)
    assert newest_run_of_window(client, run) == run
    newest = newest_failed(client, flow_id)
    assert newest == run
    again = RepeatedRun.of(client, run)
    repeated, _ = again.start(RunBaseline.of(again.coverage().runs))
    emulator.advance(5)
    assert newest_run_of_window(client, run).id == repeated
    last = newest_failed(client, flow_id)
    assert last is not None
    assert last.id == repeated


def test_a_created_run_that_never_becomes_visible_is_unsettled(
    make_client: Callable[..., Client], emulator: Emulator, naps: list[float]
) -> None:
    with pytest.raises(UnsettledError, match="flow run none was created but is not visible yet"):
        wait_until_visible(make_client(dataflow_settle_seconds=50.0), "none")
    assert sum(naps) == 50


def test_runs_that_were_not_requested_are_ignored(
    make_client: Callable[..., Client], proxy: FaultProxy, flow_id: str
) -> None:
    other = b'{"items": [{"id": "run-1", "flowId": "other", "createdAt": 2000000000000}]}'
    proxy.fault("GET", LISTS, status=200, body=other)
    assert request(make_client(proxy.url), flow_id).find(RunBaseline(0.0)) is None
