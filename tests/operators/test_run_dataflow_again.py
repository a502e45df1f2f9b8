"""``RunDataflowOperator`` that is killed, retried and cleared starts one run."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments import versions
from airflow_provider_payments.aep.http.transport import Clock
from airflow_provider_payments.exceptions import (
    ExperiencePlatformUnavailableError,
    FlowRunFailedError,
    FlowRunTimeoutError,
)
from tests.operators.on_demand import DAY, RUNS, STORES, Stage, Store, Task
from tests.operators.on_demand import with_store as with_store
from tests.operators.run_dataflow import operator, posts, run
from tests.operators.run_dataflow import stage as stage
from tests.sensors.conftest import said as said

# ---- killed tries, and retries -------------------------------------------------------------------------------------


class DyingTask(Task):
    """A task instance whose worker is killed when the run's id is known but kept only in the store."""

    def xcom_push(self, key: str, value: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class FileStore(dict[str, Any]):
    """A store that outlives a process; keeping the run's id may be the last action of a process."""

    def __init__(self, file: Path, dies: bool = False) -> None:
        super().__init__(json.loads(file.read_text()) if file.exists() else {})
        self.file, self.dies = file, dies

    def set(self, key: str, value: Any) -> None:
        if self.dies and "run_id" in value:
            os.kill(os.getpid(), signal.SIGKILL)
        self[key] = value
        self.file.write_text(json.dumps(self))


def in_a_process_that_is_killed(execute: Callable[[], object]) -> None:
    child = os.fork()
    if not child:
        execute()
        os._exit(0)  # not reached if the process was killed as expected
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def kill_between_answer_and_store(stage: Stage, file: Path) -> None:
    """Execute a first try that is killed after the run exists and before its id is kept."""
    task = operator(stage)
    context = stage.context() | {"ti": DyingTask()}
    if stage.with_store:
        context["task_state_store"] = FileStore(file, dies=True)
    in_a_process_that_is_killed(lambda: task.execute(context))
    if stage.with_store:
        stage.store = FileStore(file)  # type: ignore[assignment]


@STORES
def test_a_try_killed_before_it_kept_the_id_leaves_one_run(stage: Stage, tmp_path: Path) -> None:
    kill_between_answer_and_store(stage, tmp_path / "store")
    (only,) = stage.runs()
    returned = run(stage, try_number=2)
    assert (returned["run_id"], len(stage.runs()), len(posts(stage))) == (only["id"], 1, 1)
    assert returned["output_records"] == stage.rows()
    assert stage.naps == [5]  # no window is waited for


@STORES
def test_a_killed_trys_late_run_is_found_by_the_next(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "store"
    stage.emulator.fail("late_apply", method="POST", path="*/runs", seconds=40)
    task = operator(stage)
    context = stage.context() | ({"task_state_store": FileStore(file)} if stage.with_store else {})
    task.hook.client.transport.clock = Clock(sleep=lambda _: os.kill(os.getpid(), signal.SIGKILL))
    in_a_process_that_is_killed(lambda: task.execute(context))
    if stage.with_store:
        stage.store = FileStore(file)  # type: ignore[assignment]
    assert stage.runs() == []
    returned = run(stage, try_number=2)
    assert (returned["run_id"], len(posts(stage)), stage.naps[0]) == (stage.runs()[0]["id"], 1, 51)


@STORES
def test_a_try_killed_before_its_request_is_completed_by_the_next(stage: Stage) -> None:
    stage.emulator.fail("expire_token", method="GET", path="*/runs", times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(stage)
    run(stage, try_number=2)
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)
    # Without a store it is unknown that no run was requested.
    assert [nap for nap in stage.naps if nap] == ([5] if stage.with_store else [51, 5])


@STORES
def test_runs_over_earlier_windows_are_not_the_tasks_run(stage: Stage) -> None:
    before = [run(stage, days_ago=day) for day in (4, 3)]
    stage.emulator.fail("expire_token", method="POST", path="*/runs", times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(stage)
    returned = run(stage, try_number=2)
    assert returned["run_id"] not in [r["run_id"] for r in before]
    assert len(stage.runs()) == 3


def test_runs_created_before_the_dag_run_are_ignored_despite_clock_skew(stage: Stage) -> None:
    stage.with_store = False
    stage.emulator.advance(30 * DAY)  # this machine's clock is behind
    first = run(stage)
    stage.emulator.advance(5)
    window = {"window_start": first["window_start"], "window_end": first["window_end"]}
    stage.began = stage.now  # another, manual DAG run
    again = run(stage, try_number=2, if_covered="again", **window)
    assert again["run_id"] != first["run_id"]


@STORES
def test_a_retry_waits_for_the_run_of_the_previous_try(stage: Stage) -> None:
    with pytest.raises(
        FlowRunTimeoutError, match=r"has not ended in time.*is scheduled.*the run continues.*no cancel"
    ) as error:
        run(stage, timeout=0)
    assert not isinstance(error.value, AirflowFailException)
    (only,) = stage.runs()
    assert only["id"] in str(error.value)
    stage.forget_requests()
    assert run(stage, try_number=2)["run_id"] == only["id"]
    assert stage.requests() == ["GET runs"] * 2


@STORES
def test_a_failed_run_fails_the_task_without_a_retry(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError, match=r"is failed.*CONNECTOR-1001-500") as error:
        run(stage)
    assert isinstance(error.value, AirflowFailException)
    with pytest.raises(FlowRunFailedError):
        run(stage, try_number=2)  # as after the worker was killed
    assert len(posts(stage)) == 1


@STORES
def test_clearing_a_task_whose_run_failed_starts_another_run(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        run(stage)
    again = run(stage, try_number=2, max_tries=3)
    assert (len(stage.runs()), len(posts(stage))) == (2, 2)
    assert (again["run_id"], again["reused"]) == (stage.runs()[1]["id"], False)
    assert 51 not in stage.naps


@STORES
def test_clearing_a_finished_task_ingests_nothing(stage: Stage, said: Callable[[str], int]) -> None:
    first = run(stage)
    assert run(stage, try_number=2, max_tries=3) == first | {"reused": True}
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)
    assert stage.rows() == first["output_records"]
    assert 51 not in stage.naps
    assert said(f"Flow run {first['run_id']} reads the window from 2") == 1


@STORES
def test_clearing_a_finished_task_with_again_ingests_the_window_once_more(stage: Stage) -> None:
    first = run(stage, if_covered="again")
    again = run(stage, try_number=2, max_tries=3, if_covered="again")
    assert [first["run_id"], again["run_id"]] == [item["id"] for item in stage.runs()]
    assert (again["reused"], stage.rows()) == (False, 2 * first["output_records"])
    assert 51 not in stage.naps


@STORES
def test_a_task_cleared_during_its_run_waits_for_that_run(stage: Stage) -> None:
    with pytest.raises(FlowRunTimeoutError):
        run(stage, timeout=0)
    assert run(stage, try_number=2, max_tries=3)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1


@STORES
def test_a_cleared_dag_run_waits_for_the_active_run(stage: Stage) -> None:
    stage.emulator.order("stuck")
    for try_number, max_tries in ((1, 2), (2, 3), (3, 3)):
        with pytest.raises(FlowRunTimeoutError):
            run(stage, try_number, max_tries, timeout=0)
        stage.emulator.advance(600)
        stage.began = stage.now
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)


@STORES
def test_a_run_that_ends_between_clear_and_retry_stays_the_tasks_run(stage: Stage) -> None:
    for try_number, max_tries in ((1, 2), (2, 3)):
        with pytest.raises(FlowRunTimeoutError):
            run(stage, try_number, max_tries, timeout=0)
    stage.emulator.advance(600)
    assert run(stage, try_number=3, max_tries=3)["run_id"] == stage.runs()[0]["id"]
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)


def test_clearing_a_task_with_a_lost_run_starts_no_second_run(stage: Stage) -> None:
    hour = {"Retry-After": "3600"}
    stage.emulator.fail("apply_then_status", method="POST", path="*/runs", status=503, headers=hour)
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 3600 s"):
        run(stage)
    stage.emulator.advance(600)
    assert run(stage, try_number=2, max_tries=3)["run_id"] == stage.runs()[0]["id"]
    assert run(stage, try_number=3, max_tries=4)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1


def test_a_failed_lost_run_is_distinguished_from_its_repetition(stage: Stage) -> None:
    hour = {"Retry-After": "3600"}
    stage.emulator.order("fail_copy")
    stage.emulator.fail("apply_then_status", method="POST", path="*/runs", status=503, headers=hour)
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 3600 s"):
        run(stage)
    stage.emulator.advance(600)
    (lost,) = stage.runs()
    stage.connect().request("POST", f"{RUNS}/{lost['id']}/action", params={"op": "re-trigger"})
    stage.emulator.advance(600)
    assert run(stage, try_number=2, max_tries=3)["run_id"] == stage.runs()[1]["id"] != lost["id"]
    assert len(stage.runs()) == 2


def test_a_retry_after_a_clear_waits_for_the_new_run(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        run(stage)
    with pytest.raises(FlowRunTimeoutError):
        run(stage, try_number=2, max_tries=3, timeout=0)
    assert run(stage, try_number=3, max_tries=3)["run_id"] == stage.runs()[1]["id"]
    assert len(posts(stage)) == 2


FROM_3_3 = pytest.mark.skipif(versions.RetryPolicy is None, reason="before Airflow 3.3 there is no store")

# ---- an empty store ----------------------------------------------------------------------------------------------


def discard(stage: Stage) -> None:
    """Empty the store, as Airflow may when a task is cleared, and as users and retention may."""
    stage.store = Store()


def test_a_cleared_task_with_an_empty_store_waits_for_its_run(stage: Stage) -> None:
    for try_number, max_tries in ((1, 2), (2, 3), (3, 3)):
        with pytest.raises(FlowRunTimeoutError):
            run(stage, try_number, max_tries, timeout=0)
        discard(stage)
    assert (len(stage.runs()), len(posts(stage))) == (1, 1)
    assert stage.naps == []


@pytest.mark.parametrize("if_covered", ["reuse", "again"])
def test_a_retry_with_an_empty_store_finds_the_previous_trys_run(stage: Stage, if_covered: str) -> None:
    with pytest.raises(FlowRunTimeoutError):
        run(stage, timeout=0, if_covered=if_covered)
    discard(stage)
    stage.emulator.advance(600)
    assert run(stage, try_number=2, if_covered=if_covered)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1


def test_a_retry_with_an_empty_store_waits_for_a_late_run(stage: Stage) -> None:
    stage.emulator.fail("late_apply", method="POST", path="*/runs", seconds=40)
    with pytest.raises(ExperiencePlatformUnavailableError, match="needs 51 s to be listed"):
        run(stage, if_covered="again", timeout=20)
    discard(stage)
    returned = run(stage, try_number=2, if_covered="again")
    assert (returned["run_id"], len(posts(stage))) == (stage.runs()[0]["id"], 1)
    assert stage.naps[0] == 51


def test_a_retry_waits_for_no_run_if_none_was_requested(stage: Stage) -> None:
    stage.emulator.fail("expire_token", method="GET", path="*/flows/*", times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(stage)
    assert run(stage, try_number=2)["reused"] is False
    assert [nap for nap in stage.naps if nap] == [5]


@pytest.mark.parametrize("if_covered", ["reuse", "again"])
def test_a_failed_search_is_repeated_by_the_next_try(stage: Stage, if_covered: str) -> None:
    with pytest.raises(FlowRunTimeoutError):
        run(stage, timeout=0, if_covered=if_covered)
    discard(stage)
    stage.emulator.fail("expire_token", method="GET", path="*/runs", times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(stage, try_number=2, if_covered=if_covered)
    stage.emulator.advance(600)
    assert run(stage, try_number=3, if_covered=if_covered)["run_id"] == stage.runs()[0]["id"]
    assert len(posts(stage)) == 1


@FROM_3_3
@pytest.mark.parametrize(
    ("timeout", "days"),
    [(600, None), (28 * DAY, None), (60 * DAY, 61), (None, "for ever")],
)
def test_the_kept_state_outlives_the_wait(stage: Stage, timeout: float | None, days: int | str | None) -> None:
    run(stage, timeout=timeout, retry_delay=timedelta(minutes=5))
    if days is None:  # Airflow's default, 30 days
        assert stage.store.retention is None
    elif timeout is None:
        assert stage.store.retention == import_module("airflow.sdk").NEVER_EXPIRE
    else:
        assert stage.store.retention is not None
        assert stage.store.retention >= timedelta(days=61, minutes=5, seconds=-5)


def test_airflows_unlimited_retention_is_kept(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__STATE_STORE__DEFAULT_RETENTION_DAYS", "0")
    run(stage, timeout=None)
    assert stage.store.retention is None
