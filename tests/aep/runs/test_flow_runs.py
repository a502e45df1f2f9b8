"""Flow runs: how they are read, how their status is determined, and how one is selected."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError, UnreadableError
from airflow_provider_payments.aep.runs.batch_polling import RunQueries
from airflow_provider_payments.aep.runs.flow_run import FlowRun, RunSelection, Status, runs_of
from airflow_provider_payments.aep.runs.wait import Wait
from tests.aep.chain import FLOW_SERVICE, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

RUNS = f"{FLOW_SERVICE}/runs"
HOUR = 3600
ITEM: dict[str, Any] = {
    "id": "run-1",
    "flowId": "flow-1",
    "createdAt": 1772366400000,
    "metrics": {
        "durationSummary": {"startedAtUTC": 1772366401500, "completedAtUTC": 1772366460000},
        "recordSummary": {"inputRecordCount": 100, "outputRecordCount": 98, "failedRecordCount": 2},
        "statusSummary": {"status": "success", "errors": [{"code": "CONNECTOR-2001-500", "message": "Promotion."}]},
    },
    "activities": [
        {
            "id": "copyActivity",
            "sourceInfo": [{"type": "SourceConnection", "reference": {"type": "AdfRunId", "ids": ["adf"]}}],
            "statusSummary": {"status": "success", "extensions": {"type": "one-time"}},
        },
        {
            "id": "promotionActivity",
            "targetInfo": [{"type": "TargetConnection", "reference": {"type": "Batch", "ids": ["B1", "B2", "B1"]}}],
            "statusSummary": {
                "status": "success",
                "errors": [{"code": "CONNECTOR-2001-500", "message": "Promotion."}],
                "extensions": {"errors": [{"code": "MAPPER-3700-400", "recordCount": 2, "message": "No date."}]},
            },
        },
    ],
}
READ = FlowRun(
    id="run-1",
    flow_id="flow-1",
    raw_status="success",
    created_at=1772366400.0,
    started_at=1772366401.5,
    completed_at=1772366460.0,
    input_records=100,
    output_records=98,
    failed_records=2,
    batch_ids=("B1", "B2"),
    errors=("CONNECTOR-2001-500: Promotion.", "MAPPER-3700-400: No date."),
    failed_codes=("MAPPER-3700-400 (2)",),
)


def item(**metrics: Any) -> dict[str, Any]:
    """The item of a run with these metrics."""
    return {"id": "r", "flowId": "f", "createdAt": 1772366400000, "metrics": metrics}


# ---- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [None, "", 3700, "mapper-3700-400", "DCVS_1106", "INGEST-1501-400", "PQS-1"], ids=repr)
def test_a_message_that_may_contain_values_is_masked(code: object) -> None:
    error = {"code": code, "message": "jo@example.com is invalid"}
    (error_text,) = FlowRun.from_item(item(statusSummary={"status": "failed", "errors": [error]})).errors
    assert error_text.endswith("*** is invalid")


@pytest.mark.parametrize("code", ["CONNECTOR-2001-500", "FLOW-1004-400", "INGEST-1212-400"])
def test_a_message_about_the_whole_run_is_not_masked(code: str) -> None:
    error = {"code": code, "message": "the account shop@example.com is locked"}
    (error_text,) = FlowRun.from_item(item(statusSummary={"status": "failed", "errors": [error]})).errors
    assert error_text == f"{code}: the account shop@example.com is locked"


def test_a_run_is_read_with_counts_batches_and_errors_each_once() -> None:
    assert FlowRun.from_item(ITEM) == READ


def test_errors_and_codes_of_a_run_are_bounded_and_survive_an_event() -> None:
    errors = [{"code": f"CONNECTOR-{n}-{'9' * 1000}", "message": "x" * 1900} for n in range(3000)]
    codes = [{"code": f"MAPPER-{n}-400", "recordCount": n + 1} for n in range(3000)]
    run = FlowRun.from_item(
        item(statusSummary={"status": "failed", "errors": errors}, recordSummary={"failedInfo": codes})
    )
    assert (len(run.errors), run.errors[-1], len(run.failed_codes)) == (21, "and 2980 more", 20)
    assert run.failed_codes[0] == "MAPPER-2999-400 (3000)"
    assert max(map(len, run.errors)) == 503
    event = json.dumps(run.to_json())
    assert len(event) < 15_000
    assert FlowRun.from_json(json.loads(event)) == run


def test_the_misspelt_member_of_the_activities_is_read() -> None:
    misspelt = {key if key != "activities" else "activites": value for key, value in ITEM.items()}
    assert FlowRun.from_item(misspelt) == READ


def test_seconds_and_milliseconds_are_distinguished() -> None:
    run = FlowRun.from_item(
        {"createdAt": 1772366400} | item(durationSummary={"startedAtUTC": 1772366401, "completedAtUTC": 1772366460000})
    )
    assert (run.started_at, run.completed_at) == (1772366401.0, 1772366460.0)


def test_a_count_of_minus_one_is_unknown() -> None:
    run = FlowRun.from_item(item(recordSummary={"inputRecordCount": -1, "failedRecordCount": -1}))
    assert (run.counts, run.failed_ratio) == ((None, None, None), None)
    assert run.unknown_counts == "inputRecordCount=-1, outputRecordCount is absent, failedRecordCount=-1"


def test_counts_may_be_text_and_absent_failed_records_are_computed() -> None:
    run = FlowRun.from_item(item(recordSummary={"inputRecordCount": "100", "outputRecordCount": "98"}))
    assert (run.counts, run.failed_ratio, run.unknown_counts) == ((100, 98, 2), 0.02, "")


EMPTY: dict[str, dict[str, Any]] = {
    "nothing but its name": {},
    "null throughout": {"metrics": None, "activities": None},
    "metrics as text": {"metrics": "none", "activities": []},
    "parts as text": item(durationSummary="x", recordSummary=[1], statusSummary=7),
    "counts and times as text": item(
        recordSummary={"inputRecordCount": "many"}, durationSummary={"startedAtUTC": "now", "completedAtUTC": None}
    ),
    "times that no calendar shows": item(durationSummary={"startedAtUTC": 10**300, "completedAtUTC": 1e18}),
}


@pytest.mark.parametrize("given", EMPTY.values(), ids=EMPTY)
def test_a_run_with_missing_members_has_not_begun(given: dict[str, Any]) -> None:
    run = FlowRun.from_item(item() | given)
    assert run.status is Status.ACTIVE
    assert (run.started_at, run.completed_at, run.counts, run.batch_ids) == (None, None, (None, None, None), ())
    assert str(run) == "flow run r is "


UNREADABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"id": None}, "a flow run of dataflow f cannot be read: id=null"),
    "an id that is none": ({"id": 7, "flowId": ["f"]}, r'a flow run cannot be read: id=7; flowId=\["f"\]'),
    "no dataflow": ({"flowId": ""}, 'flow run r cannot be read: .*flowId=""'),
    "no time": ({"createdAt": None}, "flow run r cannot be read: .*createdAt=null"),
    "a time in words": ({"createdAt": "yesterday"}, 'flow run r cannot be read: .*createdAt="yesterday"'),
    "a time that is none": ({"createdAt": float("nan")}, "flow run r cannot be read: .*createdAt=NaN"),
}


@pytest.mark.parametrize(("given", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_run_without_id_dataflow_or_time_is_unreadable(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UnreadableError, match=f"^{message}"):
        FlowRun.from_item(item() | given)


WRONG_TYPES: dict[str, dict[str, Any]] = {
    "activities": {"activities": 5},
    "an activity": {"activities": ["copy", None]},
    "target info": {"activities": [{"targetInfo": 5}]},
    "batch ids": {"activities": [{"targetInfo": [{"reference": {"type": "Batch", "ids": 5}}]}]},
    "errors": {"metrics": {"statusSummary": {"status": "failed", "errors": 5}}},
    "an error": {"metrics": {"statusSummary": {"status": "failed", "errors": ["broken", None]}}},
    "extensions": {"activities": [{"statusSummary": {"extensions": {"errors": 5}}}]},
}


@pytest.mark.parametrize("given", WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_a_member_of_another_type_counts_as_absent(given: dict[str, Any]) -> None:
    run = FlowRun.from_item(ITEM | {"activities": []} | given)
    assert (run.id, run.batch_ids) == ("run-1", ())


def test_a_run_survives_an_event() -> None:
    assert FlowRun.from_json(json.loads(json.dumps(READ.to_json()))) == READ
    queued = FlowRun.from_item(item())
    assert FlowRun.from_json(json.loads(json.dumps(queued.to_json()))) == queued


def test_an_event_of_a_newer_version_is_read_but_not_without_run() -> None:
    assert FlowRun.from_json(READ.to_json() | {"invented_later": 1}) == READ
    for other in (None, {}, "run-1", {"id": "run-1"}, READ.to_json() | {"raw_status": None}):
        assert FlowRun.from_json(other) is None


@pytest.mark.parametrize("seconds", [-5, 1e300, "soon"])
def test_an_impossible_time_in_an_event_is_none(seconds: Any) -> None:
    assert FlowRun.from_json(READ.to_json() | {"created_at": seconds}) is None
    read = FlowRun.from_json(READ.to_json() | {"started_at": seconds})
    assert read is not None
    assert read.started_at is None


def test_an_event_of_the_first_release_is_read() -> None:
    event = READ.to_json()
    del event["unknown_counts"]
    assert FlowRun.from_json(event) == READ


def test_unknown_values_survive_an_event() -> None:
    unknown = FlowRun.from_item(item(recordSummary={"inputRecordCount": 5, "failedRecordCount": None}))
    again = FlowRun.from_json(json.loads(json.dumps(unknown.to_json())))
    assert again == unknown
    assert again.summary()["failed_records"] is None
    assert again.unknown_counts == "outputRecordCount is absent, failedRecordCount=null"


def test_the_summary_is_plain_json_with_iso_times() -> None:
    assert json.loads(json.dumps(READ.summary())) == {
        "run_id": "run-1",
        "status": "partial",
        "input_records": 100,
        "output_records": 98,
        "failed_records": 2,
        "batch_ids": ["B1", "B2"],
        "started_at": "2026-03-01T12:00:01.500000+00:00",
        "completed_at": "2026-03-01T12:01:00+00:00",
    }
    assert FlowRun.from_item(item()).summary()["started_at"] is None


def test_a_run_as_text_has_status_and_counts() -> None:
    assert str(READ) == "flow run run-1 is success: 100 records in, 98 out, 2 failed"


# ---- status --------------------------------------------------------------------------------------------------------

RAW_STATUSES = {
    Status.ACTIVE: ("queued", "scheduled", "pending", "processing", "inProgress", "IN_PROGRESS", "running", "started"),
    Status.SUCCEEDED: ("success", "SUCCESS", "succeeded", "completed", "COMPLETED"),
    Status.PARTIAL: ("partialSuccess", "PARTIAL_SUCCESS", "PARTIAL_FAILURE", "partial success"),
    Status.FAILED: ("failed", "FAILED", "Failure", "cancelled", "canceled", "aborted", "error"),
}
KNOWN = [(raw_status, status) for status, raw_statuses in RAW_STATUSES.items() for raw_status in raw_statuses]
ENDED = 1772366460000


@pytest.mark.parametrize(("raw_status", "status"), KNOWN, ids=[raw_status for raw_status, _ in KNOWN])
def test_each_known_raw_status_is_mapped_to_its_status(raw_status: str, status: Status) -> None:
    run = FlowRun.from_item(item(statusSummary={"status": raw_status}))
    assert (run.status, run.has_known_status) == (status, True)
    assert run.raw_status == raw_status


@pytest.mark.parametrize(
    ("completed", "status"), [(None, Status.ACTIVE), (ENDED, Status.FAILED)], ids=["open", "ended"]
)
def test_an_unknown_raw_status_is_active_until_completion_then_failed(completed: int | None, status: Status) -> None:
    run = FlowRun.from_item(item(statusSummary={"status": "paused"}, durationSummary={"completedAtUTC": completed}))
    assert (run.status, run.has_known_status) == (status, False)


def test_a_completed_run_without_a_raw_status_has_failed() -> None:
    assert FlowRun.from_item(item(durationSummary={"completedAtUTC": ENDED})).status is Status.FAILED


@pytest.mark.parametrize("raw_status", ["success", "completed"])
def test_success_with_failed_records_is_partial(raw_status: str) -> None:
    run = FlowRun.from_item(item(statusSummary={"status": raw_status}, recordSummary={"failedRecordCount": 1}))
    assert run.status is Status.PARTIAL


def test_success_with_errors_but_without_failed_records_is_success() -> None:
    errors = [{"code": "CONNECTOR-2001-500", "message": "x"}]
    assert FlowRun.from_item(item(statusSummary={"status": "success", "errors": errors})).status is Status.SUCCEEDED


RATIOS = [
    ((100, 98, 2), 0.02),
    ((0, 98, 2), 0.02),  # nothing counted at the source
    ((100, 0, 100), 1.0),
    ((0, 0, 0), 0.0),
]


@pytest.mark.parametrize(("counts", "ratio"), RATIOS, ids=str)
def test_the_share_of_failed_records(counts: tuple[int, int, int], ratio: float) -> None:
    names = ("inputRecordCount", "outputRecordCount", "failedRecordCount")
    assert FlowRun.from_item(item(recordSummary=dict(zip(names, counts, strict=True)))).failed_ratio == ratio


# ---- selection -----------------------------------------------------------------------------------------------------


def test_a_selection_needs_a_dataflow_or_a_run() -> None:
    with pytest.raises(InvalidInputError, match="flow_id=None is not allowed: a dataflow's id, or run_id"):
        RunSelection()
    with pytest.raises(InvalidInputError, match="pick='last' is not allowed: first or latest"):
        RunSelection("flow-1", pick="last")


@pytest.fixture
def flow_id(chain: Chain, emulator: Emulator) -> str:
    """The id of a dataflow with three runs: at its start, a quarter of an hour later, and half an hour later."""
    flow_id = chain.ensure(chain.dataflow(partial_ingestion_percent=5)).existing.id
    for seconds in (300, 900, 900):
        emulator.advance(seconds)
    return flow_id


def in_order(client: Client, flow_id: str) -> list[FlowRun]:
    """Return a dataflow's runs, the earliest first."""
    return list(runs_of(client, flow_id))[::-1]


def find(client: Client, selection: RunSelection) -> FlowRun | None:
    """Poll once, as a sensor on a worker does."""
    wait = Wait(selection, selection.created_since)
    RunQueries(client).poll([wait])
    if wait.error:
        raise wait.error
    return wait.run


def test_before_the_start_time_no_run_exists(chain: Chain) -> None:
    flow = chain.ensure(chain.dataflow()).existing.id
    assert find(chain.client, RunSelection(flow)) is None


def test_the_first_and_the_latest_run_are_found(flow_id: str, client: Client) -> None:
    runs = in_order(client, flow_id)
    assert len(runs) == 3
    assert [run.began_at for run in runs] == sorted(run.began_at for run in runs)
    assert find(client, RunSelection(flow_id, pick="first")) == runs[0]
    assert find(client, RunSelection(flow_id, pick="latest")) == runs[2]


def test_runs_that_began_before_since_do_not_count(flow_id: str, client: Client) -> None:
    runs = in_order(client, flow_id)
    assert find(client, RunSelection(flow_id, since=runs[1].began_at)) == runs[1]
    assert find(client, RunSelection(flow_id, since=runs[1].began_at + 0.001)) == runs[2]
    assert find(client, RunSelection(flow_id, since=runs[2].began_at + 1, pick="latest")) is None


def test_a_run_is_found_by_its_id_regardless_of_other_fields(flow_id: str, client: Client) -> None:
    second = in_order(client, flow_id)[1]
    assert find(client, RunSelection(run_id=second.id)) == second
    assert find(client, RunSelection(flow_id, run_id=second.id, since=9e9, pick="latest")) == second


def test_a_run_id_that_does_not_exist_is_a_clear_error(client: Client) -> None:
    with pytest.raises(RequestError, match="FLOW-1439-404"):
        find(client, RunSelection(run_id="00000000-0000-0000-0000-000000000000"))


def test_the_counts_match_the_rows_in_the_dataset(flow_id: str, chain: Chain, emulator: Emulator) -> None:
    runs = in_order(chain.client, flow_id)
    first = runs[0]
    assert first.status is Status.PARTIAL
    assert first.input_records == first.output_records + first.failed_records > 1000
    assert sum(run.output_records for run in runs) == emulator.rows(chain.dataset_id)["count"]
    batches = {batch["id"]: batch for batch in emulator.objects("batches")}
    assert batches[first.batch_ids[0]]["metrics"]["outputRecordCount"] == first.output_records
    assert any(error.startswith("INGEST-") for error in first.errors)


def test_with_pick_latest_a_later_run_replaces_a_failed_one(chain: Chain, emulator: Emulator) -> None:
    flow_id = chain.ensure(chain.dataflow()).existing.id
    emulator.advance(300)
    failed = find(chain.client, RunSelection(flow_id))
    assert failed is not None
    assert (failed.status, failed.output_records) == (Status.FAILED, 0)
    assert failed.errors[0].startswith("CONNECTOR-2001-500: ")
    emulator.advance(900)
    latest = find(chain.client, RunSelection(flow_id, pick="latest"))
    assert latest is not None
    assert latest.status is Status.SUCCEEDED
    assert find(chain.client, RunSelection(flow_id)) == failed


def test_runs_of_other_dataflows_are_dropped_if_the_filter_is_ignored(
    chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    flows = [chain.ensure(chain.dataflow(name=name)).existing.id for name in ("one", "other")]
    emulator.advance(300)
    everything = chain.client.get(RUNS)
    assert [run["flowId"] for run in everything["items"]] == flows
    proxy.fault("GET", RUNS, status=200, body=json.dumps(everything).encode())
    assert [run.flow_id for run in runs_of(make_client(proxy.url), flows[1])] == flows[1:]


# ---- long lists ----------------------------------------------------------------------------------------------------


def test_all_pages_of_recent_runs_are_read_but_no_older_ones(chain: Chain, emulator: Emulator) -> None:
    flow_id = chain.ensure(chain.dataflow()).existing.id
    emulator.advance(300 + 27 * HOUR)
    runs = in_order(chain.client, flow_id)
    assert len({run.id for run in runs}) == len(runs) == 109
    assert find(chain.client, RunSelection(flow_id)) == runs[0]

    before = len(emulator.requests(path=RUNS))
    assert list(runs_of(chain.client, flow_id, runs[-4].created_at)) == runs[:-5:-1]
    assert len(emulator.requests(path=RUNS)) - before == 1
