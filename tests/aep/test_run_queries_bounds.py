"""``RunQueries``: what a look may cost at most, and what it must not lose."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from airflow_provider_payments.aep.flow_runs import FlowRun, RunSelection
from airflow_provider_payments.aep.retries import MAX_ATTEMPTS
from airflow_provider_payments.aep.run_queries import CHECK_EVERY, HALVES, SILENT, RunQueries
from airflow_provider_payments.aep.waits import Wait
from tests.aep.fleet import (
    EMPTY,
    FOREVER,
    MANY,
    MISREADS,
    TWO_RUNS,
    Ask,
    Make,
    Service,
    ended,
    is_proof,
    items,
    waits_for,
)
from tests.aep.fleet import asking as asking
from tests.aep.fleet import fleet as fleet
from tests.aep.fleet import queries as queries
from tests.fault_proxy import FaultProxy

#: The question for all runs of the sandbox.
WIDE = "/runs?property=createdAt"


@pytest.mark.parametrize("status", [400, 500])
def test_a_service_that_does_not_tell_all_runs_at_once_is_asked_by_dataflow(
    fleet: Make, queries: Ask, status: int
) -> None:
    flows = fleet(250)
    waits, asking = flows.waits(), queries(flows)
    flows.proxy.fault("GET", WIDE, status=status, times=FOREVER)
    asking.look(waits)
    assert not any(wait.error for wait in waits)
    flows.let_run()
    flows.asked()
    asking.look(waits)
    assert ended(waits) == 250
    assert ({"of", "createdAt"} in map(set, flows.asked())) == (status == 500)  # what is refused is not asked again


def test_a_run_that_the_question_for_all_leaves_out_is_asked_for_by_its_id(fleet: Make, queries: Ask) -> None:
    flows = fleet(250)
    waits, asking = flows.waits(), queries(flows)
    flows.let_begin()
    asking.look(waits)
    flows.release()
    flows.proxy.fault("GET", WIDE, **MISREADS)
    asking.look(waits)
    assert ended(waits) == 250


def test_where_runs_outnumber_waits_the_question_for_all_is_given_up(fleet: Make, queries: Ask) -> None:
    flows = fleet(250, runs=10)
    waits, asking = flows.waits(), queries(flows)
    for first in (True, False):
        for wait in waits:
            wait.cursor = wait.created_since = 1.0
        asking.look(waits)
        wide = [question for question in flows.asked() if set(question) == {"of", "createdAt"}]
        assert len(wide) == (4 if first else 0)
    flows.let_run()
    asking.look(waits)
    assert ended(waits) == 250


def test_an_empty_page_is_not_the_last(fleet: Make, queries: Ask) -> None:
    flows = fleet(250)
    waits, asking = flows.waits(), queries(flows)
    page = b'{"items": [], "_links": {"next": {"href": "/runs?continuationToken=%s"}}}'
    flows.proxy.fault("GET", WIDE, status=200, body=page % b"a")
    flows.proxy.fault("GET", WIDE, status=200, body=EMPTY)
    asking.look(waits)
    assert not any(wait.error for wait in waits)


def test_a_service_that_fails_at_several_dataflows_is_asked_for_their_last_runs(fleet: Make, queries: Ask) -> None:
    flows = fleet(3)
    waits, asking = flows.waits(), queries(flows)
    flows.proxy.fault("GET", MANY, status=500, times=FOREVER)
    flows.let_run()
    asking.look(waits)
    assert ended(waits) == 3


def test_a_run_that_is_made_while_a_long_question_is_asked_is_not_passed_over(
    fleet: Make, queries: Ask, naps: list[float]
) -> None:
    flows = fleet(3)
    waits, asking = flows.waits(), queries(flows)
    asking.look(waits)

    def takes_long() -> None:
        flows.emulator.advance(1000)
        naps.append(1000)

    flows.proxy.fault("GET", MANY, first=takes_long)
    asking.look(waits)
    assert max(wait.cursor for wait in waits) < flows.now


def test_a_run_that_tells_no_creation_hides_no_other(fleet: Make, queries: Ask) -> None:
    flows = fleet(2)
    flows.let_run()
    wait = flows.waits()[0]
    run = max((r for r in flows.emulator.objects("runs") if r["flowId"] == wait.flow_id), key=lambda r: r["createdAt"])
    bare = {"id": "other", "flowId": wait.flow_id}
    flows.proxy.fault("GET", "/runs", status=200, body=items([bare, run]))
    queries(flows).look([wait])
    assert wait.run
    assert wait.run.id == run["id"]


def test_a_run_that_came_while_the_look_went_on_is_no_proof_against_the_service(
    fleet: Make, queries: Ask, naps: list[float]
) -> None:
    flows = fleet(20)
    waits, asking = flows.waits(), queries(flows)
    for _ in range(CHECK_EVERY - 1):
        asking.look(waits)

    def meanwhile() -> None:
        before = float(flows.emulator.control("GET", "clock")["now"])
        flows.let_run()
        flows.emulator.advance(3600)
        naps.append(float(flows.emulator.control("GET", "clock")["now"]) - before)

    flows.proxy.fault("GET", MANY, status=200, body=EMPTY, first=meanwhile)
    asking.look(waits)
    assert ended(waits) == 1  # the one that was asked for alone
    flows.asked()
    asking.look(waits)
    assert [len(question["flowId"].split(",")) for question in flows.asked() if "flowId" in question] == [19]
    assert ended(waits) == 20


def test_what_a_misread_question_hid_is_found_for_those_too_who_were_not_due_then(fleet: Make, queries: Ask) -> None:
    flows = fleet(20)
    waits, asking = flows.waits(), queries(flows)
    asking.look(waits)
    flows.let_run()
    flows.emulator.advance(3600)
    now = formatdate(float(flows.emulator.control("GET", "clock")["now"]), usegmt=True)
    flows.proxy.fault("GET", MANY, **MISREADS, headers={"Date": now})
    asking.look(waits)
    for _ in range(CHECK_EVERY - 2):
        asking.look(waits[:10])
    asking.look(waits[10:])
    assert ended(waits[10:]) == 10


def test_a_service_that_fails_most_of_the_time_is_not_asked_ever_more(proxy: FaultProxy, asking: RunQueries) -> None:
    def answer(question: dict[str, str]) -> list[Any] | int:
        if is_proof(question):
            return TWO_RUNS
        return [] if "flow-0" in question["flowId"] or len(service.asked) % 10 == 0 else 503

    service = Service(proxy, answer)
    asking.look(waits_for(200))
    assert len(service.asked) <= 4 + HALVES + 4


def test_a_service_that_does_not_answer_is_left_alone_until_the_next_look(
    proxy: FaultProxy, asking: RunQueries
) -> None:
    def answer(question: dict[str, str]) -> list[Any] | int | None:
        if is_proof(question):
            return TWO_RUNS
        return None if "flowId" in question else 400

    service, waits = Service(proxy, answer), waits_for(1000)
    asking.look(waits)
    assert len(service.asked) == 3 + SILENT
    assert all(wait.error and wait.error.retryable for wait in waits)


def test_whose_fault_a_429_is_need_not_be_found_out(proxy: FaultProxy, asking: RunQueries) -> None:
    def answer(question: dict[str, str]) -> list[Any] | int:
        if is_proof(question):
            return TWO_RUNS
        return [] if "flow-0" in question["flowId"] else 429

    service, waits = Service(proxy, answer), waits_for(200)
    assert asking.look(waits) == 1
    assert len(service.asked) == 3 + MAX_ATTEMPTS
    assert [wait.error is None for wait in waits] == [True] * 100 + [False] * 100


def test_a_run_that_began_too_early_does_not_hold_up_the_cursor() -> None:
    wait = Wait(RunSelection("flow", since=100.0), 0.0)
    early, queued = (FlowRun("run", "flow", "inProgress", 50.0, started) for started in (60.0, None))
    wait.take([early], at=1000.0)
    assert (wait.run, wait.cursor) == (None, 700.0)
    other = Wait(RunSelection("flow", since=100.0), 0.0)
    other.take([early, queued], at=1000.0)
    assert (other.run, other.cursor) == (None, 50.0)


def test_a_run_that_was_not_seen_yet_keeps_no_other_from_the_question_for_all(fleet: Make, queries: Ask) -> None:
    flows = fleet(350)
    flows.let_begin()
    runs = [run["id"] for run in flows.emulator.objects("runs") if run["createdAt"] / 1000 > flows.now]
    waits, asking = [Wait(RunSelection(run_id=run_id), 0.0) for run_id in runs], queries(flows)
    asking.look(waits[1:])
    flows.asked()
    asking.look(waits)
    assert [set(question) for question in flows.asked()] == [{"of", "createdAt"}, {"of", "id"}]
    flows.release()
    asking.look(waits)
    assert ended(waits) == 350


def test_each_is_asked_for_alone_in_its_turn(proxy: FaultProxy, asking: RunQueries) -> None:
    def answer(question: dict[str, str]) -> list[Any]:
        if question["of"] == "flows":
            return [{"id": flow_id} for flow_id in question["id"].split(",")]
        return TWO_RUNS if is_proof(question) else []

    service, waits = Service(proxy, answer), waits_for(110)
    for _ in range(len(waits) * CHECK_EVERY):
        asking.look(waits)
    alone = {question["flowId"] for question in service.asked if set(question) == {"of", "flowId"}}
    assert alone >= {wait.flow_id for wait in waits}
