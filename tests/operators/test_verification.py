"""``VerifySandboxOperator``: its objects, output and log, and how the task ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.verification import VerifySandboxOperator
from tests.aep.verification.interruptions import interrupted, left
from tests.conftest import PAYPAL, Emulator
from tests.operators.chain import TaskInstance, context
from tests.operators.test_outputs import check as check_keys

#: A single check, because the others take longer.
NAMES = ["dataset.names"]


def verify(task: TaskInstance | None = None, **arguments: Any) -> dict[str, Any]:
    given = {"sandbox": "dev", "only": NAMES} | arguments
    return dict(VerifySandboxOperator(task_id="verify", **given).execute(context(task)))


def contradict(emulator: Emulator) -> None:
    """Let the emulator refuse a second dataset of one name."""
    emulator.fail("status", method="POST", path="*/dataSets", nth=2, status=400)


def test_a_task_returns_the_report_and_leaves_no_objects(connected: Emulator) -> None:
    found = verify(only=["dataset.names", "dataset.listed"])
    check_keys(found, outputs.VerifiedSandbox)
    assert found["report"]["summary"] == {"confirmed": 2, "contradicted": 0, "not tried": 0}
    assert found["text"].startswith("CONFIRMED")
    assert (found["contradicted"], found["recommended"]) == ([], {"settle_seconds": 5})
    assert not left(connected)


def test_the_log_contains_the_objects_the_report_and_each_contradiction(
    connected: Emulator, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")
    contradict(connected)
    assert verify()["contradicted"] == ["dataset.names"]
    output = f"{caplog.text}{capsys.readouterr().out}"
    assert output.index("In sandbox dev this creates up to") < output.index("Verify: 0 confirmed, 1 contradicted")
    line = "The sandbox contradicts an assumption: dataset.names: A second dataset of the same name is accepted."
    assert line in output


@pytest.mark.parametrize(
    ("how", "error"), [("fail", ExperiencePlatformFailedError), ("skip", AirflowSkipException)], ids=["fail", "skip"]
)
def test_a_task_that_fails_or_skips_pushes_its_result(connected: Emulator, how: str, error: type[Exception]) -> None:
    assert verify(on_contradicted=how)["contradicted"] == []
    connected.reset()
    contradict(connected)
    task = TaskInstance()
    with pytest.raises(error, match=r"0 confirmed, 1 contradicted.*The task's log shows the report"):
        verify(task, on_contradicted=how)
    assert task.pushed["contradicted"] == ["dataset.names"]
    assert not left(connected)


def test_base_connections_are_created_from_a_vendors_connection(
    connected: Emulator, connect_vendor: Callable[..., None]
) -> None:
    connect_vendor(host="api.sandbox.paypal.com", login="client", password="a-secret")
    only = ["base_connection.listed", "dataflow.listed"]
    found = verify(only=only, vendor_conn_id="shop", source="paypal", quick="true")
    assert (found["report"]["summary"]["confirmed"], found["report"]["quick"]) == (2, True)
    assert "a-secret" not in json.dumps(found)


def test_the_next_try_removes_the_objects_of_a_killed_one(connected: Emulator) -> None:
    step = VerifySandboxOperator(task_id="verify", sandbox="dev", only=NAMES)
    with interrupted(step.hook.client, at=15, is_answered=True, is_fatal=True):
        step.execute(context())
    assert set(left(connected)) == {"dataSets", "schemas", "fieldgroups"}
    assert verify(only="field_group.readable", quick=True)["report"]["left"] == {}
    assert left(connected) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_contradicted": "ignore"}, "on_contradicted='ignore' is not allowed: one of report, fail, skip"),
        ({"sandbox": "prod"}, "sandbox='prod' is not allowed: repeat the name of the connection's sandbox, 'dev'"),
        ({"only": ["dataset.name"]}, "did you mean 'dataset.names'"),
        ({"ingest": "maybe"}, "ingest='maybe' is not allowed: it must be true or false"),
        ({"source": "paypal"}, "source='paypal' is not allowed"),
        ({"vendor_conn_id": "shop", "base_connection_id": PAYPAL}, "vendor_conn_id='shop' is not allowed"),
    ],
    ids=repr,
)
def test_a_wrong_argument_fails_the_task_before_any_request(
    connected: Emulator, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match=message):
        verify(**arguments)
    assert connected.requests() == []


def test_a_service_that_does_not_answer_fails_the_task_with_a_retry(connected: Emulator) -> None:
    connected.fail("status", method="GET", times=50, status=429, headers={"Retry-After": "600"})
    with pytest.raises(ExperiencePlatformUnavailableError):
        verify()
