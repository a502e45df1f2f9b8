"""``RunQueries``: when a dataflow's last run is accepted, and how a service that hides last runs is detected."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS
from airflow_provider_payments.aep.runs.batch_polling import QUERY_SECONDS, VERIFY_INTERVAL_POLLS, RunQueries
from airflow_provider_payments.aep.runs.flow_run import RunSelection
from airflow_provider_payments.aep.runs.wait import Wait
from tests.aep.runs.many_dataflows import FOREVER, MakeFleet, MakeQueries, Service, ended, items, poll
from tests.aep.runs.many_dataflows import fleet as fleet
from tests.aep.runs.many_dataflows import make_queries as make_queries
from tests.aep.runs.many_dataflows import queries as queries
from tests.fault_proxy import FaultProxy

MINUTE = 60.0
HOUR = 60 * MINUTE
SINCE = 2e9
LONG_AGO = 1e9


def dataflow(began: float | None = None, schedule: Any = None, **shown: Any) -> dict[str, Any]:
    last = (
        {"lastRunDetails": {"id": "last", "startedAtUTC": began * 1000, "completedAtUTC": began * 1000 + 1}}
        if began
        else {}
    )
    plan = {"frequency": "minute", "interval": "30"} if schedule is None else schedule
    return {"id": "flow", "state": "enabled", "scheduleParams": plan} | last | shown


def run(run_id: str, began: float) -> dict[str, Any]:
    times = {"startedAtUTC": began * 1000, "completedAtUTC": began * 1000 + 1}
    status = {"durationSummary": times, "statusSummary": {"status": "failed"}}
    return {"id": run_id, "flowId": "flow", "createdAt": began * 1000, "metrics": status}


def service(proxy: FaultProxy, flow: dict[str, Any], *runs: dict[str, Any]) -> Service:
    return Service(proxy, lambda request: [flow] if request["of"].startswith("flows") else list(runs))


#: The dataflow with its last run and schedule, the minutes from ``SINCE`` to the last poll, and whether the last run is
#: accepted as the first.
LAST_RUNS: dict[str, tuple[dict[str, Any], float | None, bool]] = {
    "begun just after the last poll": (dataflow(SINCE + 61 * MINUTE), 60.0, True),
    "begun before the last poll, shown since": (dataflow(SINCE + 50 * MINUTE), 60.0, True),
    "another fits in between": (dataflow(SINCE + 90 * MINUTE), 60.0, False),
    "another fits in, delayed": (dataflow(SINCE + 76 * MINUTE), 60.0, False),
    "a daily run, a poll long ago": (dataflow(SINCE + 600 * MINUTE, {"frequency": "day", "interval": 1}), 60.0, True),
    "no schedule": (dataflow(SINCE + 61 * MINUTE, {"frequency": "once"}), 60.0, False),
    "an unreadable schedule": (dataflow(SINCE + 61 * MINUTE, {"frequency": [], "interval": "x"}), 60.0, False),
    "no poll before": (dataflow(SINCE + 1 * MINUTE), None, False),
}


@pytest.mark.parametrize(("flow", "polled", "accepted"), LAST_RUNS.values(), ids=LAST_RUNS)
def test_a_last_run_is_accepted_if_no_other_run_is_possible(
    flow: dict[str, Any], polled: float | None, accepted: bool, proxy: FaultProxy, queries: RunQueries
) -> None:
    began = flow["lastRunDetails"]["startedAtUTC"] / 1000
    answers = service(proxy, flow, run("last", began), run("first", SINCE + 1))
    wait = Wait(RunSelection("flow", since=SINCE), quiet_since=None if polled is None else SINCE + polled * MINUTE)
    queries.poll([wait])
    assert wait.run
    assert wait.run.id == ("last" if accepted else "first")
    assert [request["of"] for request in answers.requests] == ["flows", "runs"]
    assert ("id" if accepted else "flowId") in answers.requests[1]


def test_a_last_run_from_before_since_does_not_match(proxy: FaultProxy, queries: RunQueries) -> None:
    answers = service(proxy, dataflow(SINCE - 1), run("last", SINCE - 1))
    wait = Wait(RunSelection("flow", since=SINCE), quiet_since=SINCE)
    queries.poll([wait])
    assert (wait.run, wait.error) == (None, None)
    assert [request["of"] for request in answers.requests] == ["flows"]


@pytest.mark.parametrize("odd", [5, [], {"id": 5}, {"id": "x", "startedAtUTC": "soon"}, {"id": "x"}], ids=repr)
def test_an_unreadable_last_run_makes_the_runs_be_listed(odd: Any, proxy: FaultProxy, queries: RunQueries) -> None:
    service(proxy, dataflow(lastRunDetails=odd), run("first", SINCE + 1))
    wait = Wait(RunSelection("flow", since=SINCE), quiet_since=SINCE)
    queries.poll([wait])
    assert wait.run
    assert wait.run.id == "first"


def test_a_service_that_hides_last_runs_is_detected(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(4)
    waits, queries = flows.waits(), make_queries(flows)
    bare = items([{"id": flow, "state": "enabled"} for flow in flows.ids])
    flows.proxy.fault("GET", "/flowservice/flows", reply=lambda _: (200, bare), times=FOREVER)
    poll(queries, waits)
    flows.let_run()
    flows.emulator.advance(3600)
    for _ in range(VERIFY_INTERVAL_POLLS - 2):
        poll(queries, waits)
    assert ended(waits) == 0
    poll(queries, waits)
    assert ended(waits) == 1  # the wait whose dataflow was verified
    for _ in range(VERIFY_INTERVAL_POLLS + 1):
        poll(queries, waits)
    assert ended(waits) == 4


def test_a_known_run_that_ended_does_not_mean_last_runs_are_hidden(proxy: FaultProxy, queries: RunQueries) -> None:
    flow = dataflow(LONG_AGO)
    active = run("last", LONG_AGO) | {"metrics": {}}

    def answer(request: dict[str, str]) -> list[Any]:
        if request["of"] == "flows":
            return [flow | {"id": flow_id} for flow_id in request["id"].split(",")]
        return [active] if "id" in request else [run("last", LONG_AGO)]

    answers = Service(proxy, answer)
    selection = RunSelection("flow", since=LONG_AGO - 1, pick="latest")
    for _ in range(VERIFY_INTERVAL_POLLS):
        queries.poll([Wait(selection, known_run_id="last", quiet_since=LONG_AGO)])
    answers.requests.clear()
    queries.poll([Wait(RunSelection("another", since=SINCE), quiet_since=SINCE)])
    assert [request["of"] for request in answers.requests] == ["flows"]


def test_quiet_dataflows_are_verified_in_turn(proxy: FaultProxy, queries: RunQueries) -> None:
    def answer(request: dict[str, str]) -> list[Any]:
        return [{"id": flow_id} for flow_id in request["id"].split(",")] if request["of"] == "flows" else []

    answers = Service(proxy, answer)
    waits = [Wait(RunSelection(f"flow-{number}", since=SINCE), quiet_since=SINCE) for number in range(7)]
    for _ in range(len(waits) * VERIFY_INTERVAL_POLLS):
        queries.poll(waits)
    alone = [request["flowId"] for request in answers.requests if request["of"] == "runs"]
    assert sorted(alone) == [wait.flow_id for wait in waits]


def test_a_service_that_ignores_filters_causes_no_wrong_match(fleet: MakeFleet, make_queries: MakeQueries) -> None:
    flows = fleet(3)
    flows.let_run()
    runs = [r for r in flows.emulator.objects("runs") if r["createdAt"] / 1000 > flows.now]
    flows.proxy.fault("GET", "/runs?", status=200, body=items(runs[:1]), times=FOREVER)
    waits = flows.waits(quiet_since=None)
    poll(make_queries(flows), waits)
    assert {wait.flow_id for wait in waits if wait.run} <= {runs[0]["flowId"]}


def test_a_listed_run_counts_as_deleted_only_after_the_settle_time(
    proxy: FaultProxy, queries: RunQueries, naps: list[float]
) -> None:
    proxy.fault("GET", "/runs/last", status=404, times=FOREVER)
    service(proxy, dataflow(SINCE + 61 * MINUTE))
    wait = Wait(RunSelection("flow", since=SINCE), quiet_since=SINCE + HOUR)
    for nap, is_final in [(0.0, False), (READ_LAG_SECONDS - 1, False), (2.0, True)]:
        naps.append(nap)
        queries.poll([wait])
        assert wait.error
        assert wait.error.retryable is not is_final


def test_a_disabled_dataflow_with_a_queued_run_is_waited_for(proxy: FaultProxy, queries: RunQueries) -> None:
    queued = run("queued", SINCE - 1) | {"metrics": {"statusSummary": {"status": "queued"}}}
    service(proxy, dataflow(state="disabled"), queued)
    wait = Wait(RunSelection("flow", since=SINCE), quiet_since=SINCE)
    queries.poll([wait])
    assert (wait.run, wait.error) == (None, None)


def test_a_start_by_airflows_clock_is_converted_on_the_worker(
    proxy: FaultProxy, make_client: Callable[..., Any], emulator: Any
) -> None:
    # The platform's clock is an hour behind, so a run that began a minute after the DAG run seems to be older.
    client = make_client(proxy.url)
    here = float(emulator.control("GET", "clock")["now"])
    ahead = client.transport.now() - here
    service(proxy, dataflow(), run("first", here + 60))
    wait = Wait(RunSelection("flow", since=here + ahead + 3600), by_own_clock=True)
    for _ in range(3):
        client.get("/data/foundation/flowservice/flows")
    wait.convert_to_platform_time(client.transport.platform_clock)
    assert wait.selection.since == pytest.approx(here + 3600, abs=3)


def test_a_list_is_read_only_until_all_requested_ids_are_found(proxy: FaultProxy, queries: RunQueries) -> None:
    pages = itertools.count()

    def reply(_: str) -> tuple[int, bytes]:
        number = next(pages)
        link = {"next": {"href": f"/x?continuationToken={number}"}}
        return 200, json.dumps({"items": [run(f"run-{number}", SINCE)], "_links": link}).encode()

    proxy.fault("GET", "/runs[?]", reply=reply, times=FOREVER)
    waits = [Wait(RunSelection(run_id=f"run-{number}")) for number in (0, 2)]
    queries.poll(waits)
    assert [wait.run.id for wait in waits if wait.run] == ["run-0", "run-2"]
    assert next(pages) == 3


@pytest.mark.parametrize(
    ("at_first", "expected"), [(QUERY_SECONDS, [10.0, 20.0, 40.0, 40.0]), (math.inf, [math.inf] * 4)]
)
def test_a_pollers_query_is_bounded_and_grows_with_each_failure(
    at_first: float, expected: list[float], make_client: Callable[..., Any]
) -> None:
    queries = RunQueries(make_client(), at_first)
    waits = [Wait(RunSelection(run_id=f"run-{number}")) for number in range(2)]
    seconds = []
    for waits[0].failures in (0, 1, 2, 9):
        seconds.append(queries._seconds_for(waits))
    assert seconds == expected


def test_a_slow_list_of_runs_delays_other_waits_only_once(
    proxy: FaultProxy, make_client: Callable[..., Any], naps: list[float]
) -> None:
    slow = "flow-0"

    def answer(request: dict[str, str]) -> list[Any]:
        if request["of"] == "flows":
            return [{"id": flow_id, "state": "enabled"} for flow_id in request["id"].split(",")]
        if request["flowId"] == slow:
            naps.append(2 * QUERY_SECONDS)
        return []

    Service(proxy, answer)
    client = make_client(proxy.url)
    client.transport.attempts = 1
    waits = [Wait(RunSelection(f"flow-{number}", since=SINCE)) for number in range(3)]
    queries = RunQueries(client, QUERY_SECONDS)
    queries.poll(waits)
    assert [wait.error and "took too long" in str(wait.error) for wait in waits[1:]] == [True, True]
    waits[0].failures, waits[0].quiet_since = 1, None  # as the poller counts failures
    queries.poll(waits)
    assert [wait.error for wait in waits[1:]] == [None, None]
