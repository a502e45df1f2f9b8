"""``RunQueries``: the runs of many waits with few requests, whatever of them the service understands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.flow_runs import RunSelection
from airflow_provider_payments.aep.retries import MAX_ATTEMPTS
from airflow_provider_payments.aep.run_queries import CHECK_EVERY
from airflow_provider_payments.aep.waits import Wait
from tests.aep.fleet import FOREVER, Ask, Make, ended
from tests.aep.fleet import asking as asking
from tests.aep.fleet import fleet as fleet
from tests.aep.fleet import queries as queries


def test_a_hundred_dataflows_cost_a_request(fleet: Make, queries: Ask) -> None:
    flows = fleet(150)
    waits, asking = flows.waits(), queries(flows)
    assert asking.look(waits) == 0
    canary, proof, *rest = flows.asked()
    assert (canary, proof.keys()) == ({"of": "runs"}, {"of", "flowId", "createdAt"})
    assert [len(question["flowId"].split(",")) for question in rest] == [100, 50]
    assert not any(wait.run or wait.error for wait in waits)
    flows.let_run()
    asking.look(waits)
    assert [set(question) for question in flows.asked()] == [{"of", "flowId", "createdAt"}] * 2
    assert ended(waits) == 150
    assert all(wait.run and wait.run.flow_id == wait.flow_id for wait in waits)


def test_where_waits_outnumber_runs_one_question_is_for_all(fleet: Make, queries: Ask) -> None:
    flows = fleet(900)
    waits, asking = flows.waits(), queries(flows)
    asking.look(waits)
    assert flows.asked()[2:] == [{"of": "runs", "createdAt": str(int((flows.now - 300) * 1000))}]
    flows.let_run()
    asking.look(waits)
    assert [set(question) for question in flows.asked()] == [{"of", "createdAt"}] * 2  # pages
    assert ended(waits) == 900


def test_runs_under_way_are_asked_for_by_their_ids(fleet: Make, queries: Ask) -> None:
    flows = fleet(150)
    waits, asking = flows.waits(), queries(flows)
    flows.let_begin()
    asking.look(waits)
    assert ended(waits) == 0
    flows.asked()
    flows.release()
    asking.look(waits)
    assert [len(question["id"].split(",")) for question in flows.asked()] == [100, 50]
    assert ended(waits) == 150


def test_the_newest_run_replaces_the_one_under_way_where_the_latest_is_meant(fleet: Make, queries: Ask) -> None:
    flows = fleet(3)
    waits, asking = flows.waits(pick="latest"), queries(flows)
    flows.let_begin()
    asking.look(waits)
    stuck = [wait.run.id for wait in waits if wait.run]
    assert (len(stuck), ended(waits)) == (3, 0)
    flows.let_run()
    asking.look(waits)
    assert ended(waits) == 3
    assert not {wait.run.id for wait in waits if wait.run} & set(stuck)


def test_a_run_that_was_queued_before_the_moment_and_began_after_it_counts(fleet: Make, queries: Ask) -> None:
    flows = fleet(3, runs=0)
    starts = sorted(flow["scheduleParams"]["startTime"] for flow in flows.emulator.objects("flows"))
    flows.emulator.advance(starts[-1] - flows.now + 0.1)
    queued = [run for run in flows.emulator.objects("runs") if "startedAtUTC" not in _times(run)]
    assert len(queued) == 1
    waits, asking = flows.waits(since=starts[-1] + 0.2), queries(flows)
    asking.look(waits)
    assert not any(wait.run for wait in waits)
    for _ in range(3):
        flows.emulator.advance(1000)
        asking.look(waits)
    assert [wait.run.id for wait in waits if wait.run] == [queued[0]["id"]]


def _times(run: Any) -> Any:
    return run["metrics"]["durationSummary"]


def test_only_what_is_newer_than_the_last_look_is_asked_for_again(fleet: Make, queries: Ask) -> None:
    flows = fleet(3, runs=200)
    waits, asking = flows.waits(), queries(flows)
    for wait in waits:
        wait.cursor = wait.created_since = 0.0
    asking.look(waits)
    flows.emulator.advance(7200)
    flows.asked()
    asking.look(waits)
    (question,) = flows.asked()
    assert float(question["createdAt"]) == pytest.approx((flows.now - 300) * 1000, abs=5000)


def test_a_dataflow_that_is_gone_is_its_own_error(fleet: Make, queries: Ask) -> None:
    flows = fleet(5)
    waits, asking = flows.waits(), queries(flows)
    gone = Wait(RunSelection("00000000-0000-4000-8000-000000000000", since=flows.now), flows.now)
    for _ in range(CHECK_EVERY):
        asking.look([*waits, gone])
    assert isinstance(gone.error, RequestError)
    assert gone.error.status == 404
    assert not any(wait.error for wait in waits)


def test_a_run_that_is_gone_is_its_own_error(fleet: Make, queries: Ask) -> None:
    flows = fleet(3)
    there = [Wait(RunSelection(run_id=run["id"]), 0.0) for run in flows.emulator.objects("runs")]
    gone = Wait(RunSelection(run_id="00000000-0000-4000-8000-000000000000"), 0.0)
    queries(flows).look([*there, gone])
    assert isinstance(gone.error, RequestError)
    assert gone.error.code == "FLOW-1439-404"
    assert ended(there) == 3


def test_one_dataflow_that_the_service_chokes_on_does_not_take_others_along(fleet: Make, queries: Ask) -> None:
    flows = fleet(150)
    waits, asking = flows.waits(), queries(flows)
    asking.look(waits)
    flows.let_run()
    guilty = waits[7]
    flows.proxy.fault("GET", f"/runs*{guilty.flow_id}", status=500, times=FOREVER)
    asking.look(waits)
    assert [wait for wait in waits if wait.error] == [guilty]
    assert ended(waits) == 149


def test_an_outage_is_everybodys_error_and_costs_a_few_requests(fleet: Make, queries: Ask) -> None:
    flows = fleet(150)
    waits, asking = flows.waits(), queries(flows)
    asking.look(waits)
    flows.asked()
    flows.proxy.fault("GET", "/runs", status=503, times=FOREVER)
    assert asking.look(waits) == 0
    assert all(wait.error and wait.error.retryable for wait in waits)
    assert len(flows.asked()) == 2
    flows.proxy.faults.clear()
    flows.let_run()
    asking.look(waits)
    assert ended(waits) == 150
    assert not any(wait.error for wait in waits)


def test_a_refusal_asks_to_leave_the_service_alone(fleet: Make, queries: Ask) -> None:
    flows = fleet(3)
    waits, asking = flows.waits(), queries(flows)
    flows.proxy.fault("GET", "/runs", status=429, headers={"Retry-After": "90"})
    assert asking.look(waits) == 90
    assert all(isinstance(w.error, RequestError) and w.error.failure is Failure.THROTTLED for w in waits)
    flows.proxy.fault("GET", "/runs", status=429, times=3 * MAX_ATTEMPTS)
    assert [asking.look(waits) for _ in range(4)] == [2, 4, 8, 0]


def test_threads_of_a_pool_may_ask_side_by_side(fleet: Make, queries: Ask) -> None:
    flows = fleet(450)
    waits, asking = flows.waits(pick="latest"), queries(flows)
    flows.let_begin()
    with ThreadPoolExecutor(3) as pool:
        asking.look(waits, pool.map)
        flows.release()
        asking.look(waits, pool.map)
    assert ended(waits) == 450
