"""Lists of a dataflow's runs: their order is not relied on, and an unreadable item affects no other."""

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
from airflow_provider_payments.aep.runs.lookups import newest_failed, newest_run_of_window, read_run, wait_until_visible
from airflow_provider_payments.aep.runs.on_demand import OnDemandRun, RunBaseline
from tests.aep.chain import FLOW_SERVICE
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

RUNS = f"{FLOW_SERVICE}/runs"
SINCE = 2e9


def created(seconds: float, run_id: str, **more: Any) -> dict[str, Any]:
    """The item of a run that was created a number of seconds after ``SINCE``."""
    return {"id": run_id, "flowId": "flow", "createdAt": (SINCE + seconds) * 1000, **more}


@pytest.fixture
def listing(proxy: FaultProxy, make_client: Callable[..., Client]) -> Callable[..., Client]:
    """Return a function that makes the service answer list requests for runs with pages, and returns a client."""

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
def test_an_unsorted_list_is_read_to_its_end(listing: Callable[..., Client], pages: list[list[float]]) -> None:
    client = listing(*[[created(seconds, str(seconds)) for seconds in page] for page in pages])
    assert sorted(ids(client)) == sorted(str(seconds) for page in pages for seconds in page if seconds >= 0)


@pytest.mark.parametrize(("last", "pages"), [(-299, 2), (-301, 1)])
def test_a_sorted_list_is_read_until_a_margin_before_the_start(
    listing: Callable[..., Client], proxy: FaultProxy, last: float, pages: int
) -> None:
    client = listing([created(9, "new"), created(last, "old")], [created(3, "late")])
    assert ids(client) == ["new", "late"][:pages]
    assert proxy.count("GET", RUNS) == pages


def test_a_run_on_two_pages_is_listed_once(listing: Callable[..., Client]) -> None:
    assert ids(listing([created(9, "a"), created(5, "b")], [created(5, "b"), created(1, "c")])) == ["a", "b", "c"]


@pytest.mark.parametrize("pages", [[[-9000, 5], [7, 9]], [[-9000], [7, 9, 6]]], ids=str)
def test_lookups_do_not_rely_on_the_order(listing: Callable[..., Client], pages: list[list[float]]) -> None:
    windows = {"params": {"windowStartTime": 1, "windowEndTime": 2}}
    failed = {"metrics": {"statusSummary": {"status": "failed"}}} | windows
    pages = [[-9500, -8999], *pages]
    client = listing(*[[created(seconds, str(seconds), **failed) for seconds in page] for page in pages])
    request = OnDemandRun(client=client, flow_id="flow", window=Window(1, 2))
    assert RunBaseline.of(request.coverage().runs) == RunBaseline(SINCE + 9, ("9",))
    found = request.find(RunBaseline(SINCE + 7, ("7",)))
    assert found is not None
    assert (found.id, newest_run_of_window(client, found).id) == ("9", "9")
    first = next(run for run in runs_of(client, "flow") if run.id == "-9500")
    assert newest_run_of_window(client, first).id == "9"
    newest = newest_failed(client, "flow")
    assert newest is not None
    assert newest.id == "9"


def run_of_window(seconds: float, run_id: str, status: str, start: int) -> dict[str, Any]:
    """The item of a run over a window of a day."""
    window = {"windowStartTime": start, "windowEndTime": start + 86400}
    return created(seconds, run_id, params=window, metrics={"statusSummary": {"status": status}})


def test_a_run_with_a_window_a_second_off_replaces_a_failed_one(listing: Callable[..., Client]) -> None:
    client = listing([run_of_window(9, "good", "success", 864001), run_of_window(5, "bad", "failed", 864000)])
    good, bad = runs_of(client, "flow")
    assert newest_run_of_window(client, bad) == good
    assert newest_failed(client, "flow") == good


def test_an_active_run_with_a_window_a_second_off_is_found(listing: Callable[..., Client]) -> None:
    client = listing([run_of_window(5, "ours", "inProgress", 864001)])
    request = OnDemandRun(client=client, flow_id="flow", window=Window(864000, 950400))
    found = request.find(RunBaseline(SINCE + 10, allow_older=True))
    assert found is not None
    assert found.id == "ours"


# ---- unreadable items ----------------------------------------------------------------------------------------------

ODD: dict[str, dict[str, Any]] = {
    "ours without a time": {"id": "odd", "flowId": "flow"},
    "ours without an id": {"flowId": "flow", "createdAt": 1772366400000},
    "of no dataflow": {"id": "odd", "createdAt": 1772366400000},
}
EACH_ODD = pytest.mark.parametrize("odd", ODD.values(), ids=ODD)


@EACH_ODD
def test_a_skipped_unreadable_item_is_named_in_a_warning(
    listing: Callable[..., Client], caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    assert ids(listing([odd, created(9, "a")]), skip="all") == ["a"]
    (warning,) = [message for message in caplog.messages if "cannot be read" in message]
    assert ("flow run odd" if "id" in odd else "a flow run of dataflow flow") in warning


@EACH_ODD
def test_a_list_with_an_unreadable_item_proves_no_absence(
    listing: Callable[..., Client], naps: list[float], odd: dict[str, Any]
) -> None:
    client = listing([created(9, "a"), odd])
    request = OnDemandRun(client=client, flow_id="flow", window=Window(1, 2))
    run = next(runs_of(client, "flow", skip="all"))
    run = replace(run, created_at=1.0, window_start=1.0, window_end=2.0)
    for decide in (
        lambda: ids(client),
        request.coverage,
        lambda: request.find(RunBaseline(0.0)),
        lambda: newest_run_of_window(client, run),
        lambda: newest_failed(client, "flow"),
    ):
        with pytest.raises(UnreadableError) as error:
            decide()
        assert error.value.retryable
    assert naps == [2.0, 4.0] * 4


def test_an_unreadable_item_of_another_dataflow_has_no_effect(listing: Callable[..., Client]) -> None:
    assert ids(listing([{"flowId": "other", "createdAt": "yesterday"}, created(9, "a")])) == ["a"]


def test_no_run_is_requested_while_an_unreadable_one_may_match(
    proxy: FaultProxy, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(proxy.url)
    proxy.fault("POST", RUNS, status=503)
    proxy.fault("GET", RUNS, status=200, body=json.dumps({"items": [{"id": "odd"}]}).encode(), times=99)
    with pytest.raises(UnreadableError, match="flow run odd cannot be read"):
        OnDemandRun(client=client, flow_id="flow", window=Window(1, 2)).start(RunBaseline(0.0))
    assert proxy.count("POST", RUNS) == 1


def test_an_unreadable_item_is_read_again_until_readable(proxy: FaultProxy, make_client: Callable[..., Client]) -> None:
    for item in ({"id": "a"}, created(9, "a")):
        proxy.fault("GET", RUNS, status=200, body=json.dumps({"items": [item]}).encode())
    request = OnDemandRun(client=make_client(proxy.url), flow_id="flow", window=Window(1, 2))
    assert RunBaseline.of(request.coverage().runs) == RunBaseline(SINCE + 9, ("a",))


def test_an_answer_with_another_run_is_not_accepted(listing: Callable[..., Client]) -> None:
    with pytest.raises(RequestError, match="the answer contains another item"):
        read_run(listing([created(9, "a")]), "b")


def test_a_new_run_that_is_not_readable_yet_is_read_again(
    proxy: FaultProxy, make_client: Callable[..., Client]
) -> None:
    for item in ({"id": "a"}, created(9, "a")):
        proxy.fault("GET", f"{RUNS}/a", status=200, body=json.dumps({"items": [item]}).encode())
    assert wait_until_visible(make_client(proxy.url), "a").id == "a"


def test_a_new_run_that_is_never_readable_is_unsettled(listing: Callable[..., Client]) -> None:
    with pytest.raises(UnsettledError, match="flow run a was created but is not visible yet"):
        wait_until_visible(listing([{"id": "a"}]), "a")
