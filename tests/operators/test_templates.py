"""Arguments may be templates: a rendered value has the same effect as a literal."""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, BaseSensorOperator

from airflow_provider_payments.get_provider_info import get_provider_info
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.definitions import (
    ApplyDataflowOperator,
    ApplyDataflowsOperator,
    ExportDataflowsOperator,
    PlanDataflowsOperator,
)
from airflow_provider_payments.operators.diagnostics import DownloadRowErrorsOperator
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator, RunDataflowOperator
from airflow_provider_payments.operators.health import CheckDataflowHealthOperator
from airflow_provider_payments.operators.lifecycle import (
    DeleteDataflowOperator,
    DisableDataflowOperator,
    EnableDataflowOperator,
    PublishDataflowOperator,
)
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from airflow_provider_payments.operators.verification import VerifySandboxOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.conftest import Emulator
from tests.operators.chain import ARGUMENTS, COLUMNS, FLOW_SPEC, PRODUCTS, build, context, make_ends, run

#: Arguments that the scheduler reads, before a task is rendered.
NOT_TEMPLATED = {"deferrable", "max_active_tis_per_dag"}
#: Arguments of sensors that Airflow reads when the DAG is parsed.
READ_AT_ONCE = {"timeout", "poke_interval"}
ARGUMENTS_OF_ALL: dict[type[BaseOperator], dict[str, Any]] = ARGUMENTS | {
    FlowRunSensor: {"flow_id": "dataflow"},
    TeardownChainOperator: {},
    CheckDataflowHealthOperator: {},
    EnableDataflowOperator: {"dataflow": "products"},
    DisableDataflowOperator: {"dataflow": "products"},
    PublishDataflowOperator: {"dataflow": "products"},
    DeleteDataflowOperator: {"dataflow": "products"},
    ApplyDataflowOperator: {"definition": "dataflows"},
    ApplyDataflowsOperator: {"definition": "dataflows"},
    PlanDataflowsOperator: {"definition": "dataflows"},
    ExportDataflowsOperator: {"path": "/tmp/dataflows"},
    DownloadRowErrorsOperator: {"path": "/tmp/row-errors", "run_id": "run"},
    RunDataflowOperator: {"flow_id": "dataflow"},
    RetryFlowRunOperator: {"run_id": "run"},
    VerifySandboxOperator: {"sandbox": "dev"},
}


def offered() -> set[type[BaseOperator]]:
    """Return all operators and sensors in the modules that the provider info names."""
    info = get_provider_info()
    names = [name for kind in ("operators", "sensors") for entry in info[kind] for name in entry["python-modules"]]
    values = [value for name in names for value in vars(import_module(name)).values()]
    return {
        value
        for value in values
        if isinstance(value, type) and issubclass(value, BaseOperator) and value.__module__ in names
        if not inspect.isabstract(value)
    }


def own_arguments(operator: type[BaseOperator]) -> set[str]:
    """Return the constructor arguments that this package declares."""
    ours = [base for base in operator.__mro__ if base.__module__.startswith("airflow_provider_payments")]
    signatures = [inspect.signature(base.__init__) for base in ours if "__init__" in vars(base)]
    return {
        name
        for signature in signatures
        for name, parameter in signature.parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


def test_every_operator_is_tested_here() -> None:
    assert offered() == set(ARGUMENTS_OF_ALL)


@pytest.mark.parametrize("operator", ARGUMENTS_OF_ALL, ids=lambda operator: operator.__name__)
def test_every_own_argument_is_a_template_field(operator: type[BaseOperator]) -> None:
    fixed = NOT_TEMPLATED | (READ_AT_ONCE if issubclass(operator, BaseSensorOperator) else set())
    assert own_arguments(operator) - fixed == set(operator.template_fields)
    assert len(set(operator.template_fields)) == len(operator.template_fields)
    assert set(operator.template_fields_renderers) <= set(operator.template_fields)


@pytest.mark.parametrize("operator", ARGUMENTS_OF_ALL, ids=lambda operator: operator.__name__)
def test_every_template_field_is_rendered(operator: type[BaseOperator]) -> None:
    templates = {name: f"{{{{ given.{name} }}}}" for name in operator.template_fields}
    step = operator(task_id="step", **ARGUMENTS_OF_ALL[operator] | templates)
    step.render_template_fields({"given": {name: f"the {name}" for name in templates}})
    assert {name: getattr(step, name) for name in templates} == {name: f"the {name}" for name in templates}


@pytest.mark.parametrize("operator", ARGUMENTS_OF_ALL, ids=lambda operator: operator.__name__)
def test_building_an_operator_needs_no_connection_and_sends_nothing(
    connected: Emulator, operator: type[BaseOperator]
) -> None:
    operator(task_id="step", aep_conn_id="no_such_connection", **ARGUMENTS_OF_ALL[operator])
    assert connected.requests() == []


def rendered(operator: type[BaseOperator], native: bool, **values: Any) -> BaseOperator:
    """Return an operator in a DAG, each of whose arguments is rendered from a parameter."""
    with DAG(dag_id="templates", schedule=None, render_template_as_native_obj=native):
        step = build(operator, **{name: f"{{{{ params['{name}'] }}}}" for name in values})
    step.render_template_fields({"params": values})
    return step


@pytest.mark.parametrize(
    ("native", "columns"),
    [(True, COLUMNS), (True, json.dumps(COLUMNS)), (False, json.dumps(COLUMNS))],
    ids=["native list", "native JSON text", "JSON text"],
)
def test_columns_are_accepted_in_every_rendered_form(connected: Emulator, native: bool, columns: object) -> None:
    created = run(CreateSourceConnectionOperator)
    step = rendered(CreateSourceConnectionOperator, native, columns=columns, table=PRODUCTS)
    assert step.execute(context()) == created | {"created": False}


NUMBERS = {
    "interval": 45,
    "start_time": 2222222222,
    "start_delay": 300,
    "backfill": False,
    "error_diagnostics": True,
    "partial_ingestion_percent": 2.5,
    "mapping_set_version": 0,
    "source_columns": COLUMNS,
}


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
def test_numbers_booleans_and_times_are_accepted_in_every_rendered_form(connected: Emulator, native: bool) -> None:
    ends = make_ends()
    values = NUMBERS if native else NUMBERS | {"source_columns": json.dumps(COLUMNS)}
    step = rendered(CreateDataflowOperator, native, flow_spec=FLOW_SPEC, **ends, **values)
    step.execute(context())
    assert run(CreateDataflowOperator, **ends, **NUMBERS)["created"] is False
    (body,) = connected.posted("/flows")
    assert body["scheduleParams"] == {
        "startTime": 2222222222,
        "frequency": "minute",
        "interval": 45,
        "backfill": False,
    }
    assert body["options"] == {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 2.5}
    assert body["transformations"][1]["params"]["mappingVersion"] == "0"


ABSENT: list[tuple[type[BaseOperator], dict[str, Any]]] = [
    (CreateSourceConnectionOperator, {"path": None, "resource_path": None, "schema_id": None, "data_format": None}),
    (CreateSourceConnectionOperator, {"description": None, "extra": None, "connection_spec_id": None}),
    (CreateMappingSetOperator, {"tenant_id": None, "source_columns": None, "description": None}),
    (CreateDataflowOperator, {"end_time": None, "backfill": None, "start_time": None, "source_columns": None}),
    (CreateDataflowOperator, {"partial_ingestion_percent": None, "error_diagnostics": None, "description": None}),
]


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
@pytest.mark.parametrize(
    ("operator", "values"), ABSENT, ids=[f"{operator.__name__}: {', '.join(v)}" for operator, v in ABSENT]
)
def test_a_null_parameter_counts_as_not_given(
    connected: Emulator, operator: type[BaseOperator], values: dict[str, Any], native: bool
) -> None:
    ends = make_ends(name="other")
    schema = connected.objects("schemas")[0]["$id"]
    needed = {name: value for name, value in (ends | {"schema_id": schema}).items() if name in ARGUMENTS[operator]}
    rendered(operator, native, **needed | values).execute(context())
    assert run(operator, **needed)["created"] is False
    assert "None" not in json.dumps(connected.posted(""))
