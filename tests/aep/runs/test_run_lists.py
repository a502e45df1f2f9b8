"""Lists of a dataflow's runs: their order is not trusted, and one item that cannot be read harms no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import RequestError, UnreadableError, UnsettledError
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import runs_of
from airflow_provider_payments.aep.runs.lookups import newest_failed, read_run, successor, when_it_shows
from airflow_provider_payments.aep.runs.on_demand import OnDemandRun, RunBaseline
from tests.aep.chain import FLOW_SERVICE
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

RUNS = f"{FLOW_SERVICE}/runs"
SINCE = 2e9


def made(moment: float, run_id: str, **more: Any) -> dict[str, Any]:
    """A run that was made so many seconds after a moment."""
    return {"id": run_id, "flowId": "flow", "createdAt": (SINCE + moment) * 1000, **more}


@pytest.fixture
def listing(proxy: FaultProxy, make_client: Callable[..., Client]) -> Callable[..., Client]:
    """Let a service answer these pages to each question for runs."""

    def answer(*pages: list[dict[str, Any]]) -> Client:
        def reply(path: str) -> tuple[int, bytes]:
            number = int(path.partition("continuationToken=")[2].partition("&")[0] or 0)
            link = {"next": {"href": f"/runs?continuationToken={number + 1}"}} if number + 1 < len(pages) else {}
            return 200, json.dumps({"items": pages[number], "_links": link}).encode()

        proxy.fault("GET", RUNS, reply=reply, times=1000)
        return make_client(proxy.url)

    return answer


def ids(client: Client, since: float = SINCE, **how: Any) -> list[str]:
    return [run.id for run in runs_of(client, "flow", since, **how)]


# ---- order ---------------------------------------------------------------------------------------------------------

DISORDERS = {
    "oldest first": [[-9000, -8000], [5, 9]],
    "unsorted": [[-8000, -9000, -7000], [9, 5]],
    "one run late": [[9, -9000, 5], [-9001, 7]],
}


@pytest.mark.parametrize("pages", DISORDERS.values(), ids=DISORDERS)
def test_a_list_out_of_order_is_read_to_its_end(listing: Callable[..., Client], pages: list[list[float]]) -> None:
    client = listing(*[[made(moment, str(moment)) for moment in page] for page in pages])
    assert sorted(ids(client)) == sorted(str(moment) for page in pages for moment in page if moment >= 0)


@pytest.mark.parametrize(("last", "asked"), [(-299, 2), (-301, 1)])
def test_a_list_in_order_is_read_until_it_is_older_by_the_margin(
    listing: Callable[..., Client], proxy: FaultProxy, last: float, asked: int
) -> None:
    client = listing([made(9, "new"), made(last, "old")], [made(3, "late")])
    assert ids(client) == ["new", "late"][:asked]
    assert proxy.count("GET", RUNS) == asked


def test_a_run_that_two_pages_show_is_one(listing: Callable[..., Client]) -> None:
    assert ids(listing([made(9, "a"), made(5, "b")], [made(5, "b"), made(1, "c")])) == ["a", "b", "c"]


@pytest.mark.parametrize("pages", [[[-9000, 5], [7, 9]], [[-9000], [7, 9, 6]]], ids=str)
def test_decisions_do_not_trust_the_order_either(listing: Callable[..., Client], pages: list[list[float]]) -> None:
    windows = {"params": {"windowStartTime": 1, "windowEndTime": 2}}
    failed = {"metrics": {"statusSummary": {"status": "failed"}}} | windows
    pages = [[-9500, -8999], *pages]
    client = listing(*[[made(moment, str(moment), **failed) for moment in page] for page in pages])
    request = OnDemandRun(client=client, flow_id="flow", window=Window(1, 2))
    assert RunBaseline.of(request.look().runs) == RunBaseline(SINCE + 9, ("9",))
    found = request.find(RunBaseline(SINCE + 7, ("7",)))
    assert found is not None
    assert (found.id, successor(client, found).id) == ("9", "9")
    first = next(run for run in runs_of(client, "flow") if run.id == "-9500")
    assert successor(client, first).id == "9"
    newest = newest_failed(client, "flow")
    assert newest is not None
    assert newest.id == "9"


def shown(moment: float, run_id: str, status: str, start: int) -> dict[str, Any]:
    """A run over a day, as the service lists it."""
    window = {"windowStartTime": start, "windowEndTime": start + 86400}
    return made(moment, run_id, params=window, metrics={"statusSummary": {"status": status}})


def test_a_run_whose_window_is_a_second_off_makes_a_failed_one_good(listing: Callable[..., Client]) -> None:
    client = listing([shown(9, "good", "success", 864001), shown(5, "bad", "failed", 864000)])
    good, bad = runs_of(client, "flow")
    assert successor(client, bad) == good
    assert newest_failed(client, "flow") == good


def test_a_run_under_way_whose_window_is_a_second_off_is_found(listing: Callable[..., Client]) -> None:
    client = listing([shown(5, "ours", "inProgress", 864001)])
    request = OnDemandRun(client=client, flow_id="flow", window=Window(864000, 950400))
    found = request.find(RunBaseline(SINCE + 10, allow_older=True))
    assert found is not None
    assert found.id == "ours"


# ---- items that cannot be read -------------------------------------------------------------------------------------

ODD: dict[str, dict[str, Any]] = {
    "ours without a time": {"id": "odd", "flowId": "flow"},
    "ours without an id": {"flowId": "flow", "createdAt": 1772366400000},
    "nobody's": {"id": "odd", "createdAt": 1772366400000},
}
EACH_ODD = pytest.mark.parametrize("odd", ODD.values(), ids=ODD)


@EACH_ODD
def test_an_unreadable_item_may_be_skipped_and_it_is_said_which(
    listing: Callable[..., Client], caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    assert ids(listing([odd, made(9, "a")]), skip="all") == ["a"]
    (warning,) = [message for message in caplog.messages if "cannot be read" in message]
    assert ("flow run odd" if "id" in odd else "a flow run of dataflow flow") in warning


@EACH_ODD
def test_nothing_is_absent_from_a_list_with_an_unreadable_item(
    listing: Callable[..., Client], naps: list[float], odd: dict[str, Any]
) -> None:
    client = listing([made(9, "a"), odd])
    request = OnDemandRun(client=client, flow_id="flow", window=Window(1, 2))
    run = next(runs_of(client, "flow", skip="all"))
    run = replace(run, created_at=1.0, window_start=1.0, window_end=2.0)
    for decide in (
        lambda: ids(client),
        request.look,
        lambda: request.find(RunBaseline(0.0)),
        lambda: successor(client, run),
        lambda: newest_failed(client, "flow"),
    ):
        with pytest.raises(UnreadableError) as error:
            decide()
        assert error.value.retryable
    assert naps == [2.0, 4.0] * 4


def test_an_unreadable_item_of_another_dataflow_harms_nobody(listing: Callable[..., Client]) -> None:
    assert ids(listing([{"flowId": "other", "createdAt": "yesterday"}, made(9, "a")])) == ["a"]


def test_a_run_is_not_asked_for_while_ours_may_be_the_unreadable_one(
    proxy: FaultProxy, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(proxy.url)
    proxy.fault("POST", RUNS, status=503)
    proxy.fault("GET", RUNS, status=200, body=json.dumps({"items": [{"id": "odd"}]}).encode(), times=99)
    with pytest.raises(UnreadableError, match="flow run odd cannot be read"):
        OnDemandRun(client=client, flow_id="flow", window=Window(1, 2)).start(RunBaseline(0.0))
    assert proxy.count("POST", RUNS) == 1


def test_an_item_that_becomes_readable_is_asked_for_again(
    proxy: FaultProxy, make_client: Callable[..., Client]
) -> None:
    for item in ({"id": "a"}, made(9, "a")):
        proxy.fault("GET", RUNS, status=200, body=json.dumps({"items": [item]}).encode())
    request = OnDemandRun(client=make_client(proxy.url), flow_id="flow", window=Window(1, 2))
    assert RunBaseline.of(request.look().runs) == RunBaseline(SINCE + 9, ("a",))


def test_an_answer_that_holds_another_run_is_none(listing: Callable[..., Client]) -> None:
    with pytest.raises(RequestError, match="the answer contains another item"):
        read_run(listing([made(9, "a")]), "b")


def test_a_new_run_that_cannot_be_read_yet_is_asked_for_again(
    proxy: FaultProxy, make_client: Callable[..., Client]
) -> None:
    for item in ({"id": "a"}, made(9, "a")):
        proxy.fault("GET", f"{RUNS}/a", status=200, body=json.dumps({"items": [item]}).encode())
    assert when_it_shows(make_client(proxy.url), "a").id == "a"


def test_a_new_run_that_is_never_readable_is_unsettled(listing: Callable[..., Client]) -> None:
    with pytest.raises(UnsettledError, match="flow run a was created but is not visible yet"):
        when_it_shows(listing([{"id": "a"}]), "a")
