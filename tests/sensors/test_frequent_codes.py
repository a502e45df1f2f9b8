"""The error of a failed run names the most frequent codes; samples are read only if the run reports no codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.runs.flow_run import FlowRun
from airflow_provider_payments.exceptions import FlowRunFailedError
from tests.fault_proxy import FaultProxy
from tests.sensors.conftest import context, sensor, wait
from tests.sensors.flows import History, answer

OWN = "Most frequent codes: DCVS-1111-400 (3), MAPPER-3700-400 (2)"
SAMPLED = "Most frequent codes among 5 sampled records: 1111 (3), 3700 (2)"
SAMPLES = "/meta?path=row_error_samples.json"


def without_codes(history: History) -> dict[str, Any]:
    """Return the item of the failed run without codes."""
    run: dict[str, Any] = json.loads(json.dumps(history.runs(history.failed)[0]))
    run["metrics"]["recordSummary"]["failedInfo"] = []
    for activity in run["activities"]:
        activity["recordSummary"].pop("failedInfo", None)
        activity["statusSummary"]["extensions"].pop("errors", None)
    return run


def failure(run_id: str, **arguments: Any) -> str:
    with pytest.raises(FlowRunFailedError) as failed:
        wait(run_id=run_id, **arguments)
    return str(failed.value)


@pytest.fixture
def run_id(history: History, proxy_of_history: FaultProxy) -> str:
    """The id of a failed run that reports no codes."""
    run = without_codes(history)
    proxy_of_history.fault("GET", "/runs", status=200, body=answer(run), times=9)
    return str(run["id"])


@pytest.mark.parametrize("dataflow", ["failed", "partial"])
def test_codes_that_the_run_reports_need_no_samples(
    history: History, proxy_of_history: FaultProxy, dataflow: str
) -> None:
    assert OWN in failure(history.runs(getattr(history, dataflow))[0]["id"])
    assert proxy_of_history.count("GET", "/export/") == 0


def test_codes_that_the_run_does_not_report_come_from_samples(proxy_of_history: FaultProxy, run_id: str) -> None:
    assert failure(run_id).endswith(SAMPLED)
    assert proxy_of_history.count("GET", "/export/") == 1


def test_an_accepted_partial_run_reads_no_samples(history: History, proxy_of_history: FaultProxy) -> None:
    run = without_codes(history)
    run["metrics"]["statusSummary"] = {"status": "partialSuccess"}
    proxy_of_history.fault("GET", "/runs", status=200, body=answer(run), times=9)
    assert wait(run_id=run["id"], accept_partial=True)["status"] == "partial"
    assert proxy_of_history.count("GET", "/export/") == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 403},
        {"status": 429},
        {"lose": True},
        {"cut": True},
        {"status": 200, "body": b"<html>"},
    ],
    ids=["500", "403", "429", "lost", "cut", "HTML"],
)
def test_unreadable_samples_are_requested_once_and_change_no_outcome(
    proxy_of_history: FaultProxy, run_id: str, fault: dict[str, Any], said: Callable[[str], int]
) -> None:
    proxy_of_history.fault("GET", SAMPLES, **fault)
    assert failure(run_id).endswith("CONNECTOR-2001-500: Errors occurred while the data was promoted.")
    assert proxy_of_history.count("GET", SAMPLES) == 1
    assert said("Could not read samples of the failed records: GET /data/foundation/export/") == 1


def test_a_deferred_wait_reads_samples_on_the_worker_that_resumes(
    history: History, proxy_of_history: FaultProxy
) -> None:

    event = {"status": "ended", "run": FlowRun.from_item(without_codes(history)).to_json()}
    with pytest.raises(FlowRunFailedError) as failed:
        sensor(run_id="run").execute_complete(context(), event)
    assert str(failed.value).endswith(SAMPLED)
    assert proxy_of_history.count("GET", SAMPLES) == 1


def test_no_value_of_a_record_is_in_the_error_of_a_run(history: History, proxy_of_history: FaultProxy) -> None:
    run = without_codes(history)
    said = "The message cannot be validated: [#/_shop/email: jo.doe@example.com is not a valid email]"
    errors = [{"code": "DCVS-1105-400", "message": said, "recordCount": 3}, {"code": "DCVS-1105-400", "message": said}]
    run["metrics"]["recordSummary"]["failedInfo"] = [{"code": "DCVS-1105-400", "message": said, "details": {}}]
    run["activities"][1]["statusSummary"]["extensions"]["errors"] = errors
    proxy_of_history.fault("GET", "/runs", status=200, body=answer(run), times=9)
    text = failure(run["id"])
    assert "DCVS-1105-400: The message cannot be validated: [#/_shop/email: *** is not a valid email]" in text
    assert "Most frequent codes: DCVS-1105-400" in text
    assert "jo.doe" not in text
