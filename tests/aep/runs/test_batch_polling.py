"""``RunQueries`` polls the runs of many waits with few requests, all of them documented."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.runs.flow_run import LIST_MARGIN_SECONDS, FlowRun, RunSelection
from airflow_provider_payments.aep.runs.wait import Wait
from tests.aep.runs.many_dataflows import FOREVER, MakeFleet, MakeQueries, ended, items, poll
from tests.aep.runs.many_dataflows import fleet as fleet
from tests.aep.runs.many_dataflows import make_queries as make_queries

GONE = "00000000-0000-4000-8000-000000000000"


def test_a_hundred_dataflows_take_one_request(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(150)
    waits, queries = flows.waits(), make_queries(flows)
    poll(queries, waits)
    assert [(q["of"], len(q["id"].split(","))) for q in flows.requests()] == [("flows", 100), ("flows", 50)]
    assert not any(wait.run or wait.error for wait in waits)


def test_a_new_run_takes_no_separate_request(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(150)
    waits, queries = flows.waits(), make_queries(flows)
    poll(queries, waits)
    flows.requests()
    # Each dataflow runs once a day, so the run that began since the last poll is the first one.
    for wait in waits:
        wait.quiet_since = flows.now + 40000
    flows.let_run()
    poll(queries, waits)
    assert [q["of"] for q in flows.requests()] == ["flows", "runs", "flows", "runs"]
    assert ended(waits) == 150
    assert all(wait.run and wait.run.flow_id == wait.flow_id for wait in waits)


def test_the_first_poll_lists_each_dataflows_runs_once(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(5)
    waits, queries = flows.waits(quiet_since=None), make_queries(flows)
    poll(queries, waits)
    assert [q["of"] for q in flows.requests()] == ["flows", *["runs"] * 5]
    poll(queries, waits)
    assert [q["of"] for q in flows.requests()] == ["flows"]


def test_active_runs_are_polled_by_their_ids(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(150)
    waits, queries = flows.waits(), make_queries(flows)
    flows.let_begin()
    poll(queries, waits)
    assert ended(waits) == 0
    assert all(wait.run for wait in waits)
    flows.requests()
    flows.release()
    poll(queries, waits)
    assert [(q["of"], len(q["id"].split(","))) for q in flows.requests()] == [("runs", 100), ("runs", 50)]
    assert ended(waits) == 150


def test_a_trigger_continues_from_the_workers_poll(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(3)
    flows.let_begin()
    waits, queries = flows.waits(quiet_since=None), make_queries(flows)
    poll(queries, waits)
    flows.requests()
    handed = [wait.trigger_arguments() for wait in waits]
    again = [Wait(**given | {"selection": RunSelection(**given["selection"])}) for given in handed]
    poll(queries, again)
    (request,) = flows.requests()
    assert set(request["id"].split(",")) == {wait.run.id for wait in waits if wait.run}


def test_with_pick_latest_a_newer_run_replaces_the_active_one(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(3)
    waits, queries = flows.waits(pick="latest"), make_queries(flows)
    flows.let_begin()
    poll(queries, waits)  # finds that the runs have begun, and does not read them yet
    poll(queries, waits)
    stuck = [wait.run.id for wait in waits if wait.run]
    assert (len(stuck), ended(waits)) == (3, 0)
    flows.let_run()
    poll(queries, waits)
    assert ended(waits) == 3
    assert not {wait.run.id for wait in waits if wait.run} & set(stuck)


def test_with_pick_latest_runs_are_listed_before_an_ended_run_counts(
    fleet: MakeFleet, make_queries: MakeQueries
) -> None:
    flows = fleet(1)
    (wait,), queries = flows.waits(pick="latest"), make_queries(flows)
    flows.let_run()
    (first,) = (f["lastRunDetails"] for f in flows.emulator.objects("flows"))
    flows.let_begin()
    shown = {"id": wait.flow_id, "lastRunDetails": first, "state": "enabled"}
    flows.proxy.fault("GET", "/flowservice/flows", reply=lambda _: (200, items([shown])), times=FOREVER)
    poll(queries, [wait])
    assert wait.run
    assert wait.run.id != first["id"]
    assert wait.run.completed_at is None


def test_a_run_queued_before_since_that_begins_later_matches(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(3, runs=0)
    starts = sorted(flow["scheduleParams"]["startTime"] for flow in flows.emulator.objects("flows"))
    flows.emulator.advance(starts[-1] - flows.now + 0.1)
    queued = [run for run in flows.emulator.objects("runs") if "startedAtUTC" not in run["metrics"]["durationSummary"]]
    assert len(queued) == 1
    waits, queries = flows.waits(quiet_since=None, since=starts[-1] + 0.2), make_queries(flows)
    poll(queries, waits)
    assert not any(wait.run for wait in waits)
    for _ in range(3):
        flows.emulator.advance(1000)
        poll(queries, waits)
    assert [wait.run.id for wait in waits if wait.run] == [queued[0]["id"]]


def test_a_deleted_dataflow_is_an_error_of_its_own_wait(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(5)
    waits, queries = flows.waits(), make_queries(flows)
    gone = Wait(RunSelection(GONE, since=flows.now), flows.now)
    poll(queries, [*waits, gone])
    assert isinstance(gone.error, RequestError)
    assert (gone.error.status, gone.error.failure) == (404, Failure.FINAL)
    assert not any(wait.error for wait in waits)


def test_a_deleted_run_is_an_error_of_its_own_wait(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(3)
    there = [Wait(RunSelection(run_id=run["id"]), 0.0) for run in flows.emulator.objects("runs")]
    gone = Wait(RunSelection(run_id=GONE), 0.0)
    poll(make_queries(flows), [*there, gone])
    assert isinstance(gone.error, RequestError)
    assert gone.error.code == "FLOW-1439-404"
    assert ended(there) == 3


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_of_a_shared_request_is_retryable_for_each_wait(
    fleet: MakeFleet, make_queries: MakeQueries, status: int
) -> None:
    flows = fleet(3)
    waits, queries = flows.waits(), make_queries(flows)
    flows.proxy.fault("GET", "/flowservice/flows", status=status, times=FOREVER)
    poll(queries, waits)
    # The error keeps the status, by which the poller decides to split the request.
    assert [getattr(wait.error, "status", None) for wait in waits] == [status] * 3
    assert [wait.error and wait.error.retryable for wait in waits] == [True] * 3
    assert "one request for 3 waits" in str(waits[0].error)
    poll(queries, waits[:1])
    assert waits[0].error
    assert not waits[0].error.retryable


def test_an_unreadable_item_affects_no_other_wait(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(4)
    flows.let_run()
    runs = [run["id"] for run in flows.emulator.objects("runs")]
    waits = [Wait(RunSelection(run_id=run_id), 0.0) for run_id in runs]
    good = [run for run in flows.emulator.objects("runs") if run["id"] != runs[0]]
    odd: list[Any] = [None, 5, "text", [], {"id": 5}, {"id": runs[0], "flowId": [], "createdAt": "soon"}]
    flows.proxy.fault("GET", "/runs?", reply=lambda _: (200, items([*odd, *good])))
    poll(make_queries(flows), waits)
    assert [wait.error is not None for wait in waits] == [True, *[False] * (len(runs) - 1)]
    assert runs[0] in str(waits[0].error)
    assert all(wait.run for wait in waits[1:])


def test_an_unreadable_run_of_the_own_dataflow_is_an_error(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(2)
    flows.let_run()
    waits = flows.waits(quiet_since=None)
    runs = [run for run in flows.emulator.objects("runs") if run["createdAt"] / 1000 > flows.now]
    odd = [{"id": "first", "flowId": waits[0].flow_id, "createdAt": "soon"}, {"id": "anybody's"}]
    flows.proxy.fault("GET", "/runs?", reply=lambda _: (200, items([*odd, *runs])), times=2)
    poll(make_queries(flows), waits)
    assert [wait.run is not None for wait in waits] == [False, True]
    assert "flow run first cannot be read" in str(waits[0].error)
    poll(make_queries(flows), waits)
    assert [wait.run is not None for wait in waits] == [True, True]


# ---- the cursor ----------------------------------------------------------------------------------------------------


def run_of(created: float, started: float | None = None, status: str = "success") -> FlowRun:
    return FlowRun("run", "flow", status, created, started)


def test_a_run_that_began_before_since_does_not_stop_the_cursor() -> None:
    wait = Wait(RunSelection("flow", since=10100.0), 0.0)
    wait.select([run_of(10050.0, 10060.0, "inProgress")], listed_at=11000.0)
    assert (wait.run, wait.cursor) == (None, 10050.0 - LIST_MARGIN_SECONDS)


def test_a_queued_run_stops_the_cursor() -> None:
    wait = Wait(RunSelection("flow", since=20000.0), 0.0)
    wait.select([run_of(15000.0, 15010.0), run_of(10050.0, None, "queued")], listed_at=21000.0)
    assert (wait.run, wait.cursor) == (None, 10050.0 - LIST_MARGIN_SECONDS)


def test_the_cursor_follows_the_runs_and_not_the_clock() -> None:
    wait = Wait(RunSelection("flow", since=20000.0), 0.0)
    wait.select([], listed_at=1e9)
    assert wait.cursor == 0.0
    wait.select([run_of(15000.0, 15010.0)], listed_at=1e9)
    assert wait.cursor == 15000.0 - LIST_MARGIN_SECONDS


def test_a_run_created_in_the_future_does_not_hide_later_runs() -> None:
    wait = Wait(RunSelection("flow", since=5e9), 0.0)
    wait.select([run_of(4e9, 4e9)], listed_at=20000.0)
    assert wait.cursor == 20000.0 - LIST_MARGIN_SECONDS
