"""Any JSON for a flow run gives a run or a ``PlatformError``, and no count that is not in the JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import PlatformError, UnreadableError
from airflow_provider_payments.aep.readers import MAX_EPOCH_SECONDS, shown
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import FlowRun, Status, runs_of
from airflow_provider_payments.aep.runs.lookups import newest_failed, newest_run_of_window
from airflow_provider_payments.aep.runs.on_demand import OnDemandRun, RunBaseline
from airflow_provider_payments.aep.runs.record_counts import FAILED, INPUT, OUTPUT, read_counts
from tests.any_json import ANY_JSON, QUIETLY, deep, objects
from tests.fault_proxy import FaultProxy

FLOW = "flow-1"
MOMENTS = st.integers(1_700_000_000_000, 1_800_000_000_000)
COUNTS = st.integers(0, 1000) | st.integers(0, 1000).map(str)
RECORDS = objects(inputRecordCount=COUNTS, outputRecordCount=COUNTS, failedRecordCount=COUNTS)
WINDOWS = objects(windowStart=MOMENTS, windowEnd=MOMENTS, windowStartTime=MOMENTS, windowEndTime=MOMENTS)
DURATIONS = objects(startedAtUTC=MOMENTS, completedAtUTC=MOMENTS, extensions=WINDOWS)
ERRORS = st.lists(objects(code=st.text(max_size=5), message=st.text(max_size=5)), max_size=2)
STATUSES = objects(
    status=st.sampled_from(["success", "failed", "queued"]), errors=ERRORS, extensions=objects(errors=ERRORS)
)
REFERENCES = objects(type=st.just("Batch"), ids=st.lists(st.just("batch") | ANY_JSON, max_size=2))
ACTIVITIES = st.lists(
    objects(
        durationSummary=DURATIONS,
        statusSummary=STATUSES,
        targetInfo=st.lists(objects(reference=REFERENCES), max_size=2),
    ),
    max_size=2,
)
NAMED = {"id": st.sampled_from(["a", "b"]), "flowId": st.sampled_from([FLOW, "other"]), "createdAt": MOMENTS}
PARTS = {
    "params": WINDOWS,
    "metrics": objects(recordSummary=RECORDS, durationSummary=DURATIONS, statusSummary=STATUSES),
    "activities": ACTIVITIES,
    "activites": ACTIVITIES,
}
ITEMS = objects(**NAMED, **PARTS)
READABLE = st.fixed_dictionaries(NAMED, optional=PARTS)


@QUIETLY
@given(ITEMS | READABLE)
def test_any_item_is_unreadable_or_a_run_that_survives_an_event(item: Any) -> None:
    try:
        run = FlowRun.from_item(item)
    except UnreadableError:
        return
    assert FlowRun.from_json(json.loads(json.dumps(run.to_json()))) == run
    json.dumps([run.summary(), str(run)], allow_nan=False).encode()
    window = Window.of(run)
    assert window is None or 0 <= window.start <= window.end <= MAX_EPOCH_SECONDS


@QUIETLY
@given(READABLE)
def test_an_item_with_id_dataflow_and_time_is_always_readable(item: Any) -> None:
    assert FlowRun.from_item(item).id == item["id"]


@pytest.mark.parametrize("place", ["metrics", "activities", "params", "createdClient"])
def test_a_deeply_nested_item_is_readable(place: str) -> None:
    item = {"id": "a", "flowId": FLOW, "createdAt": 1_700_000_000_000, place: deep()}
    assert FlowRun.from_item(item).status is Status.ACTIVE


def test_a_deeply_nested_id_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="a flow run of dataflow flow-1 cannot be read: id=<list that cannot be"):
        FlowRun.from_item({"id": deep(), "flowId": FLOW, "createdAt": 1_700_000_000_000})


RUN = FlowRun.from_item({"id": "a", "flowId": FLOW, "createdAt": 1_700_000_000_000}).to_json()


@QUIETLY
@given(ANY_JSON | st.fixed_dictionaries({}, optional={name: st.just(value) | ANY_JSON for name, value in RUN.items()}))
def test_any_event_is_read_as_a_run_or_none(value: Any) -> None:
    run = FlowRun.from_json(value)
    assert run is None or FlowRun.from_json(json.loads(json.dumps(run.to_json(), allow_nan=False))) == run


# ---- counts --------------------------------------------------------------------------------------------------------


@QUIETLY
@given(RECORDS)
def test_only_counts_in_the_answer_are_known(records: Any) -> None:
    counts = read_counts(records)
    given = {name: records[name] for name in (INPUT, OUTPUT, FAILED) if isinstance(records, dict) and name in records}
    for name, member in ((INPUT, "input_records"), (OUTPUT, "output_records"), (FAILED, "failed_records")):
        if name in given:
            assert counts[member] is None or counts[member] == int(float(given[name])) >= 0
            assert (counts[member] is None) == (f"{name}={shown(given[name])}" in counts["unknown_counts"])
        elif name != FAILED:
            assert (counts[member], f"{name} is absent" in counts["unknown_counts"]) == (None, True)


@QUIETLY
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_absent_failed_records_are_the_difference_of_input_and_output(read: int, written: int) -> None:
    failed = read_counts({INPUT: read, OUTPUT: str(written)})["failed_records"]
    assert failed == (read - written if read >= written else None)


UNKNOWN: list[Any] = [None, -1, 2.5, float("nan"), float("inf"), True, "many", "", [], {}, 10**400, "9" * 400]


@pytest.mark.parametrize("value", UNKNOWN, ids=lambda value: shown(value, 20))
def test_an_invalid_failed_count_is_unknown_and_not_computed(value: Any) -> None:
    counts = read_counts({INPUT: 10, OUTPUT: 8, FAILED: value})
    assert (counts["failed_records"], counts["unknown_counts"]) == (None, f"failedRecordCount={shown(value)}")


@pytest.mark.parametrize("summary", [None, {}, [], {"failedInfo": []}, {INPUT: 0}], ids=str)
def test_a_run_without_counts_may_have_moved_records(summary: Any) -> None:
    counts = read_counts(summary)
    assert (counts["output_records"], counts["failed_records"]) == (None, None)


# ---- lists ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def answers(proxy: FaultProxy, make_client: Callable[..., Client]) -> Callable[[Any], Client]:
    """Return a function that makes the service answer each list request for runs with a body."""

    def answer(body: Any) -> Client:
        proxy.faults.clear()
        proxy.fault("GET", "/flowservice/runs", reply=lambda _: (200, json.dumps(body).encode()), times=10**6)
        return client

    client = make_client(proxy.url)
    client.transport.attempts = 1
    return answer


PAGES = st.fixed_dictionaries({"items": st.lists(ITEMS | READABLE, max_size=4)})


def is_named(item: Any) -> bool:
    """Return whether an item has a valid id, dataflow and creation time."""
    given = item if isinstance(item, dict) else {}
    return (
        given.get("id") in ("a", "b")
        and isinstance(given.get("flowId"), str)
        and type(given.get("createdAt")) is int
        and given["createdAt"] in range(1_700_000_000_000, 1_800_000_000_001)
    )


OVER_HTTP = settings(QUIETLY, max_examples=50, suppress_health_check=list(HealthCheck))


@OVER_HTTP
@given(page=PAGES, since=st.floats(0, 2e9))
def test_readable_runs_of_any_page_are_listed(answers: Callable[[Any], Client], page: Any, since: float) -> None:
    runs = list(runs_of(answers(page), FLOW, since, skip="all"))
    assert len({run.id for run in runs}) == len(runs)
    assert all(run.flow_id == FLOW and run.created_at >= since for run in runs)
    late = {item["id"] for item in page["items"] if is_named(item) and item["flowId"] == FLOW}
    assert since > 1_700_000_000 or late <= {run.id for run in runs}


def failure(read: Callable[[], object]) -> PlatformError | None:
    try:
        read()
    except PlatformError as error:
        return error
    return None


@OVER_HTTP
@given(page=PAGES)
def test_a_page_with_unreadable_items_permits_no_decision(answers: Callable[[Any], Client], page: Any) -> None:
    client = answers(page)
    request = OnDemandRun(client=client, flow_id=FLOW, window=Window(1_700_000_000, 1_700_086_400))
    run = FlowRun("a", FLOW, "failed", 1_700_000_000.0, window_start=1.0, window_end=2.0)
    objects = [item for item in page["items"] if isinstance(item, dict)]
    doubtful = [item for item in objects if not isinstance(item.get("flowId"), str) or item["flowId"] in ("", FLOW)]
    for read in (
        request.coverage,
        lambda: request.find(RunBaseline(0.0)),
        lambda: newest_run_of_window(client, run),
        lambda: newest_failed(client, FLOW),
    ):
        error = failure(read)
        assert error is None or error.retryable
        assert error or all(isinstance(item.get("id"), str) and "createdAt" in item for item in doubtful)


@QUIETLY
@given(ANY_JSON | objects(since=st.floats(0, 2e9), known=st.lists(st.text(max_size=3) | ANY_JSON, max_size=3)))
def test_any_stored_baseline_is_read_completely_or_unreadable(value: Any) -> None:
    try:
        baseline = RunBaseline.from_json(value)
    except UnreadableError:
        return
    assert list(baseline.known) == value["known"]
