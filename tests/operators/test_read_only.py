"""``read_only`` in the connection: no operator writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, TaskDeferred

from airflow_provider_payments.exceptions import ExperiencePlatformFailedError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.base import CreateOperator
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.conftest import Emulator
from tests.operators.chain import ARGUMENTS, context, make_dataflow, make_ends, run
from tests.sensors.conftest import context as sensor_context
from tests.sensors.flows import advance_to_run

CREATING = [operator for operator in ARGUMENTS if issubclass(operator, CreateOperator)]
LATER: dict[str, Any] = {"start_time": 2222222222}
REFUSAL = "was not sent: read_only is set in the connection"


class Guard:
    """A sandbox whose connection can be set to read-only, with the write requests since then."""

    def __init__(self, emulator: Emulator, connect: Callable[..., None]) -> None:
        self.emulator = emulator
        self._connect = connect
        self._seen = 0
        connect(emulator.url)

    def set_read_only(self, read_only: Any = True) -> None:
        self._seen = len(self.emulator.requests())
        self._connect(self.emulator.url, read_only=read_only)

    def written(self) -> list[str]:
        """Return the paths of all requests since then that are not reads; requests for tokens do not count."""
        requests = self.emulator.requests()[self._seen :]
        return [r["path"] for r in requests if r["method"] != "GET" and not r["path"].startswith("/ims/")]


@pytest.fixture
def guard(emulator: Emulator, connect: Callable[..., None], connect_vendor: Callable[..., None]) -> Guard:
    connect_vendor(host="api.sandbox.paypal.com", login="client", password="secret")
    return Guard(emulator, connect)


def arguments_for(operator: type[BaseOperator], emulator: Emulator) -> dict[str, Any]:
    """Create objects, and return arguments of an operator with their ids."""
    ends = make_ends(name="other")
    existing = ends | {
        "schema_id": emulator.objects("schemas")[0]["$id"],
        "dataset_id": emulator.objects("dataSets")[0]["id"],
    }
    return {name: value for name, value in existing.items() if name in ARGUMENTS[operator]}


@pytest.mark.parametrize("operator", CREATING, ids=lambda operator: operator.__name__)
def test_a_creation_is_refused_and_nothing_is_written(guard: Guard, operator: type[BaseOperator]) -> None:
    given = arguments_for(operator, guard.emulator) | {"name": "new"}
    guard.set_read_only()
    with pytest.raises(ExperiencePlatformFailedError, match=f"(POST|PATCH) /data/.* {REFUSAL}"):
        run(operator, **given)
    assert [path for path in guard.written() if not path.endswith("/mappingSets/validate")] == []


def test_an_equal_object_is_adopted_with_read_only(guard: Guard) -> None:
    created = make_dataflow(**LATER)
    guard.set_read_only()
    assert make_dataflow(**LATER)["id"] == created["id"]
    assert guard.written() == []


def test_a_dataflow_is_adopted_with_read_only(guard: Guard) -> None:
    ends = make_ends()
    created = run(CreateDataflowOperator, **ends, **LATER)
    guard.set_read_only()
    again = run(CreateDataflowOperator, **ends, **LATER)
    assert (again["id"], again["created"]) == (created["id"], False)
    assert guard.written() == []


def test_an_update_is_refused_with_read_only(guard: Guard) -> None:
    ends = make_ends()
    run(CreateDataflowOperator, **ends, **LATER)
    guard.set_read_only()
    with pytest.raises(ExperiencePlatformFailedError, match=f"PATCH /data/.* {REFUSAL}"):
        run(CreateDataflowOperator, **ends, **LATER, interval=60, if_exists="update")
    schema = guard.emulator.objects("schemas")[0]["$id"]
    with pytest.raises(ExperiencePlatformFailedError, match=f"PATCH /data/.* {REFUSAL}"):
        run(CreateTargetDatasetOperator, schema_id=schema, tags={"team": ["shop"]}, if_exists="update")
    assert guard.written() == []


def test_a_teardown_is_refused_with_read_only(guard: Guard) -> None:
    make_ends(run_id="one")
    guard.set_read_only()
    with pytest.raises(ExperiencePlatformFailedError, match=f"DELETE /data/.* {REFUSAL}"):
        TeardownChainOperator(task_id="teardown").execute(context(run_id="one"))
    assert guard.written() == []
    assert len(guard.emulator.objects("targetConnections")) == 1


def test_flow_specs_and_flow_runs_are_read_with_read_only(guard: Guard) -> None:
    flow = make_dataflow(partial_ingestion_percent=5)["id"]
    guard.set_read_only()
    assert run(FindFlowSpecOperator)["name"] == "CRMToAEP"
    waiting = {"task_id": "wait", "flow_id": flow, "accept_partial": True}
    with pytest.raises(TaskDeferred):
        FlowRunSensor(**waiting, deferrable=True).execute(sensor_context())
    advance_to_run(guard.emulator)
    assert FlowRunSensor(**waiting).execute(sensor_context())["status"] == "partial"
    assert ExperiencePlatformHook().test_connection()[0]
    assert guard.written() == []


@pytest.mark.parametrize("read_only", [True, "true", "True", " TRUE "], ids=repr)
def test_read_only_accepts_every_form_of_true(guard: Guard, read_only: object) -> None:
    guard.set_read_only(read_only)
    with pytest.raises(ExperiencePlatformFailedError, match=REFUSAL):
        run(CreateSourceConnectionOperator)
    assert guard.written() == []


@pytest.mark.parametrize("read_only", [False, "false", None], ids=repr)
def test_read_only_accepts_every_form_of_false(guard: Guard, read_only: object) -> None:
    guard.set_read_only(read_only)
    assert run(CreateSourceConnectionOperator)["created"]


@pytest.mark.parametrize("read_only", ["yes", 1, 0, [True]], ids=repr)
def test_another_value_of_read_only_is_refused_before_any_request(guard: Guard, read_only: object) -> None:
    guard.set_read_only(read_only)
    with pytest.raises(ExperiencePlatformFailedError, match=r"read_only=.*it must be true or false"):
        run(CreateSourceConnectionOperator)
    assert guard.emulator.requests() == []
