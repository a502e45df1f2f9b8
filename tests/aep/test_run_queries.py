"""``RunQueries``: the runs of many waits with few requests, whatever of them the service understands."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import pytest

from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.flow_runs import FlowRun, RunSelection
from airflow_provider_payments.aep.retries import MAX_ATTEMPTS
from airflow_provider_payments.aep.run_queries import CHECK_EVERY, HALVES, SILENT, RunQueries
from airflow_provider_payments.aep.waits import Wait
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy, fault_proxy

DAY = 86400.0
EMPTY = b'{"items": []}'
FOREVER = 10**6
#: A question for the runs of several dataflows at once.
MANY = "/runs*flowId%3D%3D*%2C"


class Fleet:
    """Dataflows that run once a day, and have done so for some days."""

    def __init__(self, emulator: Emulator, count: int, proxy: FaultProxy, runs: int = 1) -> None:
        self.emulator, self.proxy = emulator, proxy
        order = {"sandbox": "dev", "dataflows": count, "runs_per_dataflow": runs, "enabled": True}
        emulator.control("POST", "seed", json=order)
        self.ids = [flow["id"] for flow in emulator.objects("flows")]
        self.now = float(emulator.control("GET", "clock")["now"])

    def waits(self, **selection: Any) -> list[Wait]:
        """One for each dataflow, for runs from now on."""
        made = [RunSelection(flow_id, **{"since": self.now} | selection) for flow_id in self.ids]
        return [Wait(selection, self.now - 300) for selection in made]

    def let_run(self) -> None:
        """Let each dataflow run once more; they begin within an hour of each other."""
        now = float(self.emulator.control("GET", "clock")["now"])
        starts = [flow["scheduleParams"]["startTime"] for flow in self.emulator.objects("flows")]
        self.emulator.advance(max(start + DAY * max(0, math.ceil((now - start) / DAY)) for start in starts) - now + 2)

    def let_begin(self) -> None:
        """The same, but the runs end only with :meth:`release`."""
        self.emulator.control("POST", "outcomes", json={"outcome": "stuck", "times": len(self.ids)})
        self.let_run()

    def release(self) -> None:
        self.emulator.control("POST", "outcomes/release")
        self.emulator.advance(2)

    def asked(self) -> list[dict[str, str]]:
        """What was asked since the last call: the filters of each question, or ``{"path": ...}`` for a single one."""
        paths, self.proxy.asked[:] = [path for _, path, _ in self.proxy.asked if "/ims/" not in path], []
        return [_question(path) for path in paths]


def _question(path: str) -> dict[str, str]:
    where, _, query = path.partition("?")
    filters = [value for name, value in parse_qsl(query) if name == "property"]
    split = [f.replace(">=", "==").partition("==") for f in filters]
    return {"of": where.rsplit("/flowservice/", 1)[1], **{name: value for name, _, value in split}}


@pytest.fixture
def fleet(emulator: Emulator) -> Iterator[Callable[..., Fleet]]:
    with fault_proxy(emulator.url) as proxy:
        yield lambda count, runs=1: Fleet(emulator, count, proxy, runs)


@pytest.fixture
def queries(make_client: Callable[..., Client]) -> Callable[[Fleet], RunQueries]:
    def make(of: Fleet) -> RunQueries:
        client = make_client(of.proxy.url)
        client.transport.attempts = 1
        return RunQueries(client)

    return make


def ended(waits: list[Wait]) -> int:
    return sum(1 for wait in waits if wait.run and wait.run.completed_at)


Make = Callable[..., Fleet]
Ask = Callable[[Fleet], RunQueries]


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


# ---- services that understand less ------------------------------------------------------------------------------

REFUSES: dict[str, Any] = {"status": 400, "body": b'{"title": "no", "errorCode": "FLOW-1443-400"}', "times": FOREVER}
MISREADS: dict[str, Any] = {"status": 200, "body": EMPTY, "times": FOREVER}


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
    flows.proxy.fault("GET", "/runs", status=200, body=_items(runs[:1]), times=FOREVER)
    one = Wait(RunSelection(flows.ids[1], since=flows.now), flows.now)
    flow_of_run = runs[0]["flowId"]
    asking.look([*waits, one])
    assert {wait.flow_id for wait in waits if wait.run} <= {flow_of_run}


def _items(runs: list[Any]) -> bytes:
    return json.dumps({"items": runs}).encode()


# ---- errors -----------------------------------------------------------------------------------------------------


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
    assert all(isinstance(w.error, RequestError) and w.error.failure is Failure.REFUSED for w in waits)
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


# ---- what a look may cost and must not lose ---------------------------------------------------------------------

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
    flows.proxy.fault("GET", "/runs", status=200, body=_items([bare, run]))
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


class Service:
    """A service that answers what a function says, items or a status, ``None`` for nothing; it keeps what is asked."""

    def __init__(self, proxy: FaultProxy, answer: Callable[[dict[str, str]], list[Any] | int | None]) -> None:
        self.answer = answer
        self.asked: list[dict[str, str]] = []
        proxy.fault("GET", "/flowservice/", reply=self._reply, times=FOREVER)

    def _reply(self, path: str) -> tuple[int, bytes] | None:
        self.asked.append(_question(path))
        answer = self.answer(self.asked[-1])
        if answer is None:
            return None
        return (answer, b"{}") if isinstance(answer, int) else (200, _items(answer))


@pytest.fixture
def asking(proxy: FaultProxy, make_client: Callable[..., Client]) -> RunQueries:
    """Questions to whatever stands behind the proxy, each sent once."""
    client = make_client(proxy.url)
    client.transport.attempts = 1
    return RunQueries(client)


def waits_for(count: int) -> list[Wait]:
    return [Wait(RunSelection(f"flow-{number}", since=1e9), 1e9) for number in range(count)]


def is_proof(question: dict[str, str]) -> bool:
    """Whether it is one of those that find out what the service understands."""
    return set(question) == {"of"} or "one" in question.get("flowId", "")


TWO_RUNS = [{"id": f"run-{name}", "flowId": name, "createdAt": 2 * 10**12} for name in ("one", "other")]


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
