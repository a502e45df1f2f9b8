"""``RunQueries`` at services that understand less than they might, and what finds them out."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_payments.aep.flow_runs import RunSelection
from airflow_provider_payments.aep.run_queries import CHECK_EVERY
from airflow_provider_payments.aep.waits import Wait
from tests.aep.fleet import FOREVER, MANY, MISREADS, REFUSES, Ask, Make, ended, items
from tests.aep.fleet import asking as asking
from tests.aep.fleet import fleet as fleet
from tests.aep.fleet import queries as queries


@pytest.mark.parametrize("answer", [REFUSES, MISREADS], ids=["refuses", "misreads"])
def test_a_service_that_knows_no_several_dataflows_is_asked_for_their_last_runs(
    fleet: Make, queries: Ask, answer: dict[str, Any]
) -> None:
    flows = fleet(150)
    waits, asking = flows.waits(), queries(flows)
    flows.proxy.fault("GET", MANY, **answer)
    asking.look(waits)
    assert [(q["of"], len(q["id"].split(","))) for q in flows.asked()[2:]] == [("flows", 100), ("flows", 50)]
    flows.let_begin()
    asking.look(waits)
    assert ended(waits) == 0
    assert all(wait.run for wait in waits)
    flows.release()
    flows.asked()
    asking.look(waits)
    assert ended(waits) == 150
    assert [len(q["id"].split(",")) for q in flows.asked()] == [100, 50]  # the runs, by now known


def test_a_service_that_answers_no_last_runs_is_asked_for_one_dataflow_at_a_time(fleet: Make, queries: Ask) -> None:
    flows = fleet(4)
    waits, asking = flows.waits(), queries(flows)
    flows.proxy.fault("GET", MANY, **REFUSES)
    bare = b",".join(b'{"id": "%s"}' % flow.encode() for flow in flows.ids)
    flows.proxy.fault("GET", "/flows*id%3D%3D*%2C", status=200, body=b'{"items": [%s]}' % bare, times=FOREVER)
    asking.look(waits)
    flows.let_run()
    flows.emulator.advance(3600)
    for _ in range(CHECK_EVERY - 1):
        asking.look(waits)
    assert ended(waits) == 1  # the one that was asked for alone
    flows.asked()
    asking.look(waits)
    assert ended(waits) == 4
    assert [q["of"] for q in flows.asked()] == ["runs"] * 4


def test_a_service_that_forgets_members_of_long_lists_is_found_out(fleet: Make, queries: Ask) -> None:
    flows = fleet(20)
    waits, asking = flows.waits(), queries(flows)
    asking.look(waits)  # the proof holds
    flows.proxy.fault("GET", MANY, **MISREADS)
    flows.let_run()
    flows.emulator.advance(3600)
    for _ in range(CHECK_EVERY + 1):
        asking.look(waits)
    assert ended(waits) == 20


def test_before_two_dataflows_have_run_it_goes_the_documented_way(fleet: Make, queries: Ask) -> None:
    flows = fleet(3, runs=0)
    waits, asking = flows.waits(), queries(flows)
    asking.look(waits)
    assert [question["of"] for question in flows.asked()] == ["runs", "flows"]
    flows.let_run()
    asking.look(waits)
    assert ended(waits) == 3
    assert "flowId" in flows.asked()[-1]


def test_a_service_that_ignores_filters_gives_nobody_anothers_run(fleet: Make, queries: Ask) -> None:
    flows = fleet(3)
    waits, asking = flows.waits(), queries(flows)
    flows.let_run()
    runs = [r for r in flows.emulator.objects("runs") if r["createdAt"] / 1000 > flows.now]
    flows.proxy.fault("GET", "/runs", status=200, body=items(runs[:1]), times=FOREVER)
    one = Wait(RunSelection(flows.ids[1], since=flows.now), flows.now)
    flow_of_run = runs[0]["flowId"]
    asking.look([*waits, one])
    assert {wait.flow_id for wait in waits if wait.run} <= {flow_of_run}
