"""``RunDataflowOperator`` waits, without a worker, until a data window has ended and its rows have arrived."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import DAG, TaskDeferred, TaskGroup
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments import versions
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator, RunDataflowOperator
from airflow_provider_payments.operators.window_wait import WindowWait
from tests.conftest import Emulator
from tests.operators.on_demand import DAY, STORES, Stage
from tests.operators.on_demand import with_store as with_store
from tests.operators.run_dataflow import operator, posts, run
from tests.operators.run_dataflow import stage as stage
from tests.sensors.conftest import said as said

HOUR = 3600


def ends_in(stage: Stage, seconds: int) -> dict[str, Any]:
    """Return a window of a day that ends in ``seconds``, by the platform's clock."""
    return {"window_start": stage.now + seconds - DAY, "window_end": stage.now + seconds}


def later(stage: Stage, **arguments: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        run(stage, deferrable=True, **arguments)
    return deferred.value


def moment_of(deferred: TaskDeferred) -> datetime:
    moment = deferred.trigger.serialize()[1]["moment"]
    return datetime.fromtimestamp(moment.timestamp(), UTC)


# ---- durations -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(-(10**6), 10**6))
def test_no_run_is_requested_before_the_windows_end_and_lag(lag: int, longest: int, ago: float) -> None:
    window, wait = Window(10**9, 10**9 + DAY), WindowWait.read(lag, longest)
    now = window.end + ago
    try:
        left = wait.seconds_left(window, now)
    except InvalidInputError:
        assert lag - ago > longest
        return
    assert left == 0 or 1 < left <= longest + 1
    assert now + left >= window.end + lag - 1.001  # a second of clock skew is ignored


@pytest.mark.parametrize(
    ("lag", "longest", "expected"),
    [
        (0, None, WindowWait(0, DAY)),
        (None, "", WindowWait(0, DAY)),
        ("7200", None, WindowWait(7200, DAY + 7200)),
        (7200, "60", WindowWait(7200, 60)),
        (7200, 0, WindowWait(7200, 0)),
    ],
)
def test_the_maximum_wait_defaults_to_a_day_plus_the_lag(lag: Any, longest: Any, expected: WindowWait) -> None:
    assert WindowWait.read(lag, longest) == expected


# ---- waiting without a worker --------------------------------------------------------------------------------------


@STORES
def test_a_task_is_deferred_until_its_window_has_ended(stage: Stage, said: Callable[[str], int]) -> None:
    window = ends_in(stage, HOUR)
    deferred = later(stage, window_lag=600, **window)
    assert (deferred.method_name, deferred.timeout) == ("execute_later", None)
    assert abs((moment_of(deferred) - datetime.now(UTC)).total_seconds() - HOUR - 600) < 5
    assert (posts(stage), stage.naps) == ([], [])
    assert said("has not ended, and its rows may arrive for 600 s after its end; waiting until 20") == 1

    task = operator(stage, window_lag=600, **window)
    context = stage.context()
    stage.emulator.advance(HOUR + 600)
    returned = task.resume_execution(deferred.method_name, {"event": moment_of(deferred)}, context)
    (only,) = stage.runs()
    assert (returned["run_id"], returned["reused"], returned["status"]) == (only["id"], False, "succeeded")
    assert only["createdAt"] / 1000 >= window["window_end"] + 600
    assert stage.naps == [5]  # only the wait for the run


@STORES
def test_a_task_that_is_not_deferrable_is_rescheduled(stage: Stage) -> None:
    window = ends_in(stage, HOUR)
    with pytest.raises(AirflowRescheduleException) as rescheduled:
        run(stage, window_lag="600", **window)
    left = rescheduled.value.reschedule_date - datetime.now(UTC)
    assert abs(left.total_seconds() - HOUR - 600) < 5
    assert (posts(stage), stage.naps) == ([], [])
    stage.emulator.advance(HOUR + 600)
    store = stage.store
    context = stage.context() | ({"task_state_store": store} if stage.with_store else {})
    assert operator(stage, window_lag="600", **window).execute(context)["reused"] is False
    assert len(posts(stage)) == 1


def test_a_task_that_resumes_too_early_waits_again(stage: Stage) -> None:
    window = ends_in(stage, HOUR)
    deferred = later(stage, **window)
    stage.emulator.advance(HOUR - 60)  # the platform's clock is behind
    task = operator(stage, deferrable=True, **window)
    with pytest.raises(TaskDeferred) as again:
        task.resume_execution(deferred.method_name, {"event": None}, stage.context())
    assert 50 < (moment_of(again.value) - datetime.now(UTC)).total_seconds() < 61


def test_the_platforms_clock_decides_not_the_workers(stage: Stage) -> None:
    stage.emulator.advance(30 * DAY)  # this machine's clock is behind
    assert run(stage, days_ago=1)["reused"] is False
    deferred = later(stage, **ends_in(stage, HOUR))
    assert abs((moment_of(deferred) - datetime.now(UTC)).total_seconds() - HOUR) < 5


def test_a_second_of_clock_skew_causes_no_wait(stage: Stage) -> None:
    assert run(stage, **ends_in(stage, 1))["reused"] is False


def test_a_short_wait_is_deferred_for_a_minimum_time(stage: Stage) -> None:
    deferred = later(stage, **ends_in(stage, 3))
    assert (moment_of(deferred) - datetime.now(UTC)).total_seconds() > 4


@pytest.mark.parametrize("more", [{}, {"max_window_wait": 60}, {"max_window_wait": 0}, {"window_lag": 3 * HOUR}])
def test_a_window_too_far_away_is_refused(stage: Stage, more: dict[str, Any]) -> None:
    longest = more.get("max_window_wait", DAY)
    near, far = ends_in(stage, longest - 30), ends_in(stage, longest + 30)
    if longest:
        later(stage, **near, **more)
    with pytest.raises(ExperiencePlatformFailedError, match=r"window_end=.*in \d+ s; max_window_wait allows \d+ s"):
        run(stage, **far, **more)
    assert posts(stage) == []


def test_a_dataflow_that_cannot_run_fails_before_the_wait(stage: Stage) -> None:
    stage.connect().request("POST", f"/data/foundation/flowservice/flows/{stage.flow_id}/action?op=disable")
    with pytest.raises(ExperiencePlatformFailedError, match="FLOW-1380"):
        run(stage, **ends_in(stage, HOUR))


def test_the_timeout_counts_from_the_earliest_start_of_the_run(stage: Stage) -> None:
    window = ends_in(stage, HOUR)
    deferred = later(stage, timeout=60, execution_timeout=timedelta(seconds=90), **window)
    assert (moment_of(deferred) - datetime.now(UTC)).total_seconds() > HOUR - 5
    stage.emulator.advance(HOUR)
    stage.emulator.order("stuck")
    task = operator(stage, deferrable=True, timeout=60, execution_timeout=timedelta(seconds=90), **window)
    with pytest.raises(TaskDeferred) as waiting:
        task.resume_execution(deferred.method_name, {"event": None}, stage.context())
    left = waiting.value.trigger.deadline - datetime.now(UTC).timestamp()
    assert 50 < left <= 60


def test_a_retry_with_a_started_run_waits_for_no_window(stage: Stage) -> None:
    first = run(stage, wait_for_completion=False)
    again = run(stage, try_number=2, window_lag=30 * DAY, max_window_wait=0)
    assert again["run_id"] == first["run_id"]


def test_the_scheduler_honours_the_reschedule_date_of_an_operator() -> None:
    with DAG("rescheduled", schedule=None) as dag:
        RunDataflowOperator(task_id="run", flow_id="flow")
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Serialized
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Serialized
    task: Any = Serialized.deserialize_dag(json.loads(json.dumps(Serialized.serialize_dag(dag)))).get_task("run")
    deps = {type(dep).__name__ for dep in task.deps}
    # Later versions do so for every rescheduled task.
    honoured = "ReadyToRescheduleDep" in deps and task.reschedule
    assert honoured or versions.RetryPolicy is not None


# ---- templates -----------------------------------------------------------------------------------------------------


def test_windows_may_be_templates(connected: Emulator) -> None:
    given = {"if_covered": "{{ params.if_covered }}", "window_lag": "{{ params.lag }}", "max_window_wait": "{{ 60 }}"}
    with DAG("windows", schedule=None, params={"if_covered": "again", "lag": 900}) as dag:
        task = RunDataflowOperator(task_id="run", flow_id="flow", **given)  # type: ignore[arg-type]
    task.render_template_fields({"params": dag.params.dump()})  # type: ignore[typeddict-item]
    assert (task.if_covered, task.window_lag, task.max_window_wait) == ("again", "900", "60")


# ---- mapped tasks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RunDataflowOperator, RetryFlowRunOperator])
def test_one_mapped_index_runs_at_a_time_by_default(kind: Any) -> None:
    with DAG("mapped", schedule=None):
        by_default = kind.partial(task_id="a").expand(flow_id=["x", "y"])
        unlimited = kind.partial(task_id="b", max_active_tis_per_dag=None).expand(flow_id=["x", "y"])
        kwargs = kind.partial(task_id="c").expand_kwargs([{"flow_id": "x"}])
    with DAG("defaults", schedule=None, default_args={"max_active_tis_per_dag": 3}):
        of_the_dag = kind.partial(task_id="d").expand(flow_id=["x", "y"])
    with DAG("unlimited", schedule=None, default_args={"max_active_tis_per_dag": None}):
        of_the_other = kind.partial(task_id="e").expand(flow_id=["x", "y"])
    limits = [task.max_active_tis_per_dag for task in (by_default, unlimited, kwargs, of_the_dag, of_the_other)]
    assert limits == [1, None, 1, 3, None]


@pytest.mark.parametrize("limit", [None, 3])
def test_defaults_of_a_task_or_group_limit_mapped_indexes(limit: int | None) -> None:
    defaults = {"max_active_tis_per_dag": limit}
    with DAG("mapped", schedule=None):
        own = RunDataflowOperator.partial(task_id="a", default_args=defaults).expand(flow_id=["x", "y"])
        with TaskGroup("shops", default_args=defaults), TaskGroup("one"):
            of_the_group = RunDataflowOperator.partial(task_id="b").expand(flow_id=["x", "y"])
    assert [own.max_active_tis_per_dag, of_the_group.max_active_tis_per_dag] == [limit, limit]
