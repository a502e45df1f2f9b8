"""Long Retry-After values: no worker sleeps, the error contains the time, and Airflow 3.3 retries after it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import formatdate
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseOperator

from airflow_provider_payments import versions
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.conftest import Emulator
from tests.operators.chain import ARGUMENTS, build, context, run

SOURCES = "*/sourceConnections"
HOUR = {"Retry-After": "3600"}
ALL: dict[type[BaseOperator], dict[str, Any]] = ARGUMENTS | {
    FlowRunSensor: {"flow_id": "flow"},
    TeardownChainOperator: {},
}
EACH = pytest.mark.parametrize("operator", ALL, ids=lambda operator: operator.__name__)
FROM_3_3 = pytest.mark.skipif(versions.RetryPolicy is None, reason="Airflow before 3.3 has no retry policies")
BEFORE_3_3 = pytest.mark.skipif(versions.RetryPolicy is not None, reason="from 3.3 on Airflow has retry policies")


def policy_of(operator: Any) -> Any:
    return operator.retry_policy


def error_of(emulator: Emulator, operator: BaseOperator, **fault: Any) -> BaseException:
    """Return the error of an operator whose lookup fails in every attempt."""
    emulator.fail("status", method="GET", path=SOURCES, times=None, **fault)
    with pytest.raises((ExperiencePlatformUnavailableError, ExperiencePlatformFailedError)) as failure:
        operator.execute(context())
    return failure.value


def decision_of(operator: Any, error: BaseException) -> tuple[str, timedelta | None]:
    decision = policy_of(operator).evaluate(error, try_number=1, max_tries=3)
    return decision.action.value, decision.retry_delay


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_long_retry_after_is_raised_instead_of_slept(connected: Emulator, method: str) -> None:
    connected.fail("status", method=method, path=SOURCES, times=None, status=429, headers=HOUR)
    with pytest.raises(ExperiencePlatformUnavailableError, match="the service asks to wait 3600 s") as failure:
        run(CreateSourceConnectionOperator)
    assert failure.value.retry_after == 3600
    assert len(connected.requests(method=method, path="/data/foundation/flowservice/sourceConnections")) == 1


def test_an_ambiguous_creation_with_a_long_retry_after_is_not_slept(connected: Emulator) -> None:
    connected.fail("apply_then_status", method="POST", path=SOURCES, status=503, headers=HOUR)
    with pytest.raises(ExperiencePlatformUnavailableError, match="the service asks to wait 3600 s") as failure:
        run(CreateSourceConnectionOperator)
    assert failure.value.retry_after == 3600
    assert run(CreateSourceConnectionOperator)["id"] == connected.objects("sourceConnections")[0]["id"]
    assert len(connected.posted("/sourceConnections")) == 1


def test_a_retry_after_date_becomes_seconds_by_the_services_clock(connected: Emulator) -> None:
    until = formatdate(connected.control("GET", "clock")["now"] + 900, usegmt=True)
    error = error_of(connected, build(CreateSourceConnectionOperator), status=503, headers={"Retry-After": until})
    assert isinstance(error, ExperiencePlatformUnavailableError)
    assert error.retry_after == pytest.approx(900, abs=2)


@EACH
@BEFORE_3_3
def test_an_older_airflow_has_no_retry_policy(operator: type[BaseOperator]) -> None:
    assert not hasattr(operator(task_id="step", **ALL[operator]), "retry_policy")
    assert not hasattr(versions, "RetryAfterPolicy")


@EACH
@FROM_3_3
def test_every_operator_honours_retry_after(operator: type[BaseOperator]) -> None:
    policy = policy_of(operator(task_id="step", **ALL[operator]))
    assert type(policy) is versions.RetryAfterPolicy


@EACH
@FROM_3_3
def test_a_given_retry_policy_is_kept(operator: type[BaseOperator]) -> None:
    from airflow.sdk import ExceptionRetryPolicy

    own = ExceptionRetryPolicy(rules=[])
    assert policy_of(operator(task_id="step", retry_policy=own, **ALL[operator])) is own
    with DAG(dag_id="own", schedule=None, default_args={"retry_policy": own}):
        assert policy_of(operator(task_id="step", **ALL[operator])) is own


@FROM_3_3
@pytest.mark.parametrize("own", [False, True], ids=["shipped", "given"])
def test_a_mapped_task_honours_retry_after(own: bool) -> None:
    from airflow.sdk import ExceptionRetryPolicy

    given: dict[str, Any] = {"retry_policy": ExceptionRetryPolicy(rules=[])} if own else {}
    with DAG(dag_id="mapped", schedule=None):
        mapped = CreateTargetDatasetOperator.partial(task_id="datasets", schema_id="schema", **given).expand(name=["a"])
    unmapped = mapped.unmap({"name": "a"})
    assert type(policy_of(unmapped)) is (ExceptionRetryPolicy if own else versions.RetryAfterPolicy)


@FROM_3_3
@pytest.mark.parametrize(
    ("requested_wait", "kept"),
    [("3600", timedelta(hours=1)), ("300.5", timedelta(seconds=300.5)), ("86400", timedelta(days=1))],
    ids=["an hour", "a fraction", "a day"],
)
def test_the_task_is_retried_when_retry_after_has_elapsed(
    connected: Emulator, requested_wait: str, kept: timedelta
) -> None:
    step = build(CreateSourceConnectionOperator, retry_delay=timedelta(minutes=5))
    error = error_of(connected, step, status=429, headers={"Retry-After": requested_wait})
    assert decision_of(step, error) == ("retry", kept)


@FROM_3_3
@pytest.mark.parametrize(
    "fault",
    [{"status": 500, "headers": {"Retry-After": "0"}}, {"status": 429, "headers": {"Retry-After": "299"}}],
    ids=["at once", "sooner"],
)
def test_a_shorter_retry_after_does_not_shorten_the_retry_delay(connected: Emulator, fault: dict[str, Any]) -> None:
    step = build(CreateSourceConnectionOperator, retry_delay=timedelta(minutes=5))
    assert decision_of(step, error_of(connected, step, **fault)) == ("default", None)


@FROM_3_3
@pytest.mark.parametrize("error", [ValueError("x"), ExperiencePlatformUnavailableError("no time is given")], ids=repr)
def test_an_error_without_retry_after_is_retried_as_usual(error: BaseException) -> None:
    assert decision_of(build(CreateSourceConnectionOperator, retry_delay=timedelta()), error) == ("default", None)


@FROM_3_3
def test_a_final_error_stays_final(connected: Emulator) -> None:
    step = build(CreateSourceConnectionOperator, retry_delay=timedelta())
    error = error_of(connected, step, status=403, headers=HOUR)
    # Airflow does not apply a policy to this error; the policy would not retry it either.
    assert isinstance(error, AirflowFailException)
    assert decision_of(step, error) == ("default", None)


@FROM_3_3
def test_a_sensor_honours_retry_after(connected: Emulator) -> None:
    from tests.sensors.conftest import context as sensor_context

    connected.fail("status", method="GET", path="*/flows", times=None, status=503, headers=HOUR)
    step = FlowRunSensor(task_id="wait", flow_id="flow")
    with pytest.raises(ExperiencePlatformUnavailableError) as failure:
        step.execute(sensor_context())
    assert decision_of(step, failure.value) == ("retry", timedelta(hours=1))
