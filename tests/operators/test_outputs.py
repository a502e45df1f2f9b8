"""Outputs of operators have the keys that :mod:`airflow_provider_payments.operators.outputs` documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateDatasetBaseConnectionOperator,
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.profiles import CreateIdentityOperator, EnableSchemaForProfileOperator
from airflow_provider_payments.operators.schemas import CreateAdHocSchemaOperator, CreateTargetSchemaOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from tests.conftest import Emulator
from tests.operators.chain import context, make_ends, run
from tests.operators.on_demand import Stage
from tests.operators.on_demand import with_store as with_store
from tests.operators.run_dataflow import operator
from tests.operators.run_dataflow import stage as stage
from tests.sensors.conftest import wait


def check(returned: dict[str, Any], documented: Any) -> None:
    assert documented.__required_keys__ <= set(returned) <= documented.__required_keys__ | documented.__optional_keys__
    assert None not in returned.values(), "Airflow 3.0 refuses an XCom that is null"


def test_each_create_operator_returns_the_documented_keys(
    connected: Emulator, connect_vendor: Callable[..., None]
) -> None:
    connect_vendor(login="id", password="secret", host="api.sandbox.paypal.com")
    check(run(CreateBaseConnectionOperator), outputs.CreatedObject)
    check(run(CreateDatasetBaseConnectionOperator), outputs.CreatedObject)
    schema = run(CreateTargetSchemaOperator)
    check(schema, outputs.CreatedSchemaWithFields)
    check(run(CreateTargetSchemaOperator, name="bare", fields=None), outputs.CreatedSchema)
    check(run(CreateAdHocSchemaOperator), outputs.CreatedAdHocSchema)
    check(run(CreateIdentityOperator, schema_id=schema["id"], primary=True), outputs.CreatedObject)
    check(run(EnableSchemaForProfileOperator, schema_id=schema["id"]), outputs.CreatedSchema)
    dataset = run(CreateTargetDatasetOperator, schema_id=schema["id"])
    check(dataset, outputs.CreatedObject)
    ends = {"dataset_id": dataset["id"], "schema_id": schema["id"]}
    check(run(CreateTargetConnectionOperator, **ends), outputs.CreatedObject)
    check(run(CreateSourceConnectionOperator), outputs.CreatedSourceConnection)
    check(run(CreateMappingSetOperator, schema_id=schema["id"]), outputs.CreatedMappingSet)
    check(run(FindFlowSpecOperator), outputs.FoundFlowSpec)
    check(run(CreateDataflowOperator, **make_ends()), outputs.CreatedDataflow)
    check(dict(TeardownChainOperator(task_id="remove", chain="x").execute(context())), outputs.TeardownOutcome)


def test_run_operators_and_the_sensor_return_the_documented_keys(stage: Stage) -> None:
    stage.emulator.order("fail_promotion")
    task = operator(stage, wait_for_completion=False)
    started = dict(task.execute(stage.context()))
    check(started, outputs.ReusableFlowRunSummary)
    stage.emulator.advance(3)
    repeated = stage.operator(RetryFlowRunOperator, run_id=started["run_id"], accept_partial=True)
    ended = dict(repeated.execute(stage.context()))
    check(ended, outputs.WindowedFlowRunSummary)
    check(wait(run_id=ended["run_id"], accept_partial=True), outputs.FlowRunSummary)
