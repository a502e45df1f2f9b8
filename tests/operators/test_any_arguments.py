"""
Operators with any arguments end in one of two ways.

Either an error names the argument before a request is sent, or the operator sends requests that the services
understand, and the same arguments find the created object again.

The arguments of an operator are its template fields, so a new argument is covered at once. The suite tries few, fixed
examples; to search for defects, set ``OPERATOR_EXAMPLES`` to the number of examples for each operator.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.get_provider_info import get_provider_info
from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
    FindBaseConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import FindDatasetOperator
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
from airflow_provider_payments.operators.profiles import CreateIdentityOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator, FindSchemaOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from airflow_provider_payments.operators.verification import VerifySandboxOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import PAYPAL, Emulator
from tests.operators.any_arguments import Stage, advancing_clock, judge
from tests.operators.arguments import Changes, changes
from tests.operators.chain import ARGUMENTS, COLUMNS, FIELDS, FLOW_SPEC, PRODUCTS, make_dataflow, run
from tests.operators.on_demand import DELTA, ONCE

EXAMPLES = int(os.environ.get("OPERATOR_EXAMPLES", "0"))
NO_TABLE = {"table": None, "columns": None}
RESOURCE = NO_TABLE | {"source": "stripe", "resource_path": "charges"}
#: Operator -> arguments that replace some of its usual ones, to cover other forms.
OTHERWISE: dict[type[BaseOperator], list[dict[str, Any]]] = {
    CreateSourceConnectionOperator: [
        RESOURCE,
        {"columns": None},
        NO_TABLE | {"path": PRODUCTS, "data_format": "tabular"},
    ],
    CreateMappingSetOperator: [
        {"source_columns": ["data", "data.id"], "mappings": [{"source": "data.id", "destination": "_id"}]},
    ],
    CreateDataflowOperator: [
        {"frequency": "once", "interval": None, "delta_column": None},
        {"frequency": "week", "interval": 1, "flow_spec": FLOW_SPEC},
    ],
}
MORE_FIELDS = {"product.more": {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}}
#: Argument that :data:`ARGUMENTS` leaves out -> a value that at least one operator accepts.
RIGHT: dict[str, Any] = {
    "description": "What it is for",
    "if_exists": "update",
    "extra": {"labels": ["C1"], "data": {"properties": {"a": 1}}, "params": {"more": True}},
    "source": "paypal",
    "table": PRODUCTS,
    "columns": [{"name": "Product_Id", "type": "string", "xdm": {"type": "string"}}, {"name": "Create_Time"}],
    "path": "PayPal.Catalog_Products",
    "resource_path": "charges",
    "data_format": "tabular",
    "schema_version": "application/vnd.adobe.xed-full+json;version=1",
    "connection_spec_id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c",
    "fields": FIELDS | MORE_FIELDS,
    "class_id": "https://ns.adobe.com/xdm/context/profile",
    "field_groups": ["https://ns.adobe.com/xdm/context/profile-person-details"],
    "tags": {"team": ["payments", "crm"], "unifiedProfile": ["enabled: true"]},
    "mappings": [
        {"source": "Product_Id", "destination": "_id"},
        {"source": "Type", "destination": "_{TENANT_ID}.product.name", "source_type": "ATTRIBUTE"},
    ],
    "tenant_id": "emulator",
    "source_columns": [*COLUMNS, "Type"],
    "dialect": "legacy",
    "any_source": "true",
    "mapping_set_version": 0,
    "delta_column": {"name": "Create_Time", "dateFormat": "yyyy-MM-dd HH:mm:ss", "timezone": "UTC"},
    "start_time": "2031-01-01T00:00:00Z",
    "start_delay": 240,
    "end_time": "2032-01-01T00:00:00Z",
    "backfill": False,
    "error_diagnostics": True,
    "partial_ingestion_percent": 5.5,
    "enabled": False,
    "primary": True,
    "profile": False,
    "namespace": "Email",
    "field_group": "more fields",
    "since": "2020-01-01T00:00:00Z",
    "pick": "latest",
    "accept_partial": True,
    "max_failed_ratio": 0.05,
    "unknown_counts": "accept",
    "names": ["st*"],
    "variables": {"pace": "1 hour"},
    "max_age": "PT6H",
    "failures_since": "2026-01-01T00:00:00Z",
    "test_connections": True,
    "ignore": ["partial", "stale"],
    "on_unhealthy": "report",
    "batch_ids": ["batch"],
    "only": ["PayPal catalog products"],
    "take_over": ["sales"],
    "on_drift": "fail",
    "sandbox": "dev",
    "allow_production": True,
    "ingest": False,
    "quick": True,
    "on_contradicted": "fail",
    "overwrite": True,
    "manage_schema": True,
    "dataflows": True,
    "window_end": "2020-01-02T00:00:00Z",
    "if_covered": "again",
    "window_lag": "PT1H",
    "max_window_wait": 60,
    "poll_interval": "PT1M",
    "timeout": 3600,
    "wait_for_completion": False,
}
OF_DATAFLOWS = (DisableDataflowOperator, EnableDataflowOperator, PublishDataflowOperator, DeleteDataflowOperator)
OF_DEFINITIONS = (PlanDataflowsOperator, ApplyDataflowsOperator, ApplyDataflowOperator)
OPERATORS: dict[type[BaseOperator], dict[str, Any]] = {
    **ARGUMENTS,
    FlowRunSensor: {"flow_id": "flow"},
    **{operator: {"dataflow": "stage"} for operator in OF_DATAFLOWS},
    CheckDataflowHealthOperator: {},
    DownloadRowErrorsOperator: {"path": "row-errors", "batch_ids": ["batch"]},
    TeardownChainOperator: {},
    **{operator: {"definition": "files"} for operator in OF_DEFINITIONS},
    ExportDataflowsOperator: {"path": "export"},
    RunDataflowOperator: {"flow_id": "once", "window_start": 1_600_000_000, "window_end": 1_600_086_400},
    RetryFlowRunOperator: {"run_id": "run"},
    VerifySandboxOperator: {"sandbox": "dev", "quick": True, "only": ["dataset.listed"]},
}
#: Operator -> function that creates the objects that it requires, and returns arguments with their ids.
PREPARED: dict[type[BaseOperator], Callable[[Stage], dict[str, Any]]] = {
    PlanDataflowsOperator: lambda stage: stage.applied("files"),
    DownloadRowErrorsOperator: lambda stage: {"batch_ids": [stage.new_batch()]},
    RunDataflowOperator: lambda stage: {"flow_id": make_dataflow("once", **ONCE)["id"], "delta_column": DELTA},
    RetryFlowRunOperator: lambda stage: {"run_id": stage.new_run()},
}

#: Operator -> arguments that are not changed here but covered by other tests: some would search or write the root of
#: this machine's files, others would select checks of a sandbox that provoke refusals.
NOT_CHANGED: dict[type[BaseOperator], set[str]] = {
    **{operator: {"definition"} for operator in (*OF_DEFINITIONS, CheckDataflowHealthOperator)},
    ExportDataflowsOperator: {"path"},
    VerifySandboxOperator: {"only"},
}

#: Operator -> arguments that are checked against the answer to a read.
CHECKED_BY_READS: dict[type[BaseOperator], set[str]] = {
    FindFlowSpecOperator: {"name", "source"},
    **{operator: {"dataflow"} for operator in OF_DATAFLOWS},
    CheckDataflowHealthOperator: {"names"},
    ExportDataflowsOperator: {"names", "path"},
    # The sandbox's type is read first.
    VerifySandboxOperator: {"base_connection_id", "allow_production"},
    # Checked against the plan.
    PlanDataflowsOperator: {"ignore"},
    ApplyDataflowsOperator: {"expect"},
    ApplyDataflowOperator: {"expect"},
    RunDataflowOperator: {"delta_column", "max_window_wait"},
    RetryFlowRunOperator: {"flow_id"},
    FindBaseConnectionOperator: {"name"},
    FindSchemaOperator: {"name"},
    FindDatasetOperator: {"name"},
    # The tenant's namespace is read before these are checked.
    CreateIdentityOperator: {"name", "if_exists", "remove_duplicates", "chain"},
    # Titles of field groups are looked up.
    CreateTargetSchemaOperator: {"field_groups"},
    CreateSourceConnectionOperator: {"table"},
    CreateMappingSetOperator: {"mappings"},
    # Checked against a flow spec given by its id; a past start is valid for an existing dataflow.
    CreateDataflowOperator: {"delta_column", "start_time", "end_time"},
}


@pytest.fixture
def stage(connected: Emulator, make_client: Callable[..., Client], connect_vendor: Callable[..., None]) -> Stage:
    client = make_client(clock=advancing_clock(connected))
    connect_vendor(login="client", password="secret", extra={"access_token": "a", "refresh_token": "r"}, host="shop")
    flow = make_dataflow("stage")
    sent = connected.posted("/flows")[0]
    (target,) = sent["targetConnectionIds"]
    end = flow_service.item(client, "targetConnections", target)
    ids = {
        "flow_id": flow["id"],
        "base_connection_id": PAYPAL,
        "schema_id": end["data"]["schema"]["id"],
        "dataset_id": end["params"]["dataSetId"],
        "target_connection_id": target,
        "mapping_set_id": sent["transformations"][-1]["params"]["mappingId"],
        "flow_spec": run(FindFlowSpecOperator),
    }
    run(CreateIdentityOperator, schema_id=ids["schema_id"], name="_id", primary=True)
    stripe = run(CreateBaseConnectionOperator, name="stripe", source="stripe")
    return Stage(connected, client, ids, stripe["id"])


def test_every_operator_and_sensor_is_tested_with_any_arguments() -> None:
    info = get_provider_info()
    modules = [name for part in ("operators", "sensors") for each in info[part] for name in each["python-modules"]]
    members = [value for module in modules for value in vars(importlib.import_module(module)).values()]
    classes = {each for each in members if inspect.isclass(each) and issubclass(each, BaseOperator)}
    named = {each for each in classes if each.__module__ in modules and not each.__name__.startswith("_")}
    assert {each for each in named if not inspect.isabstract(each)} == OPERATORS.keys()


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_any_arguments_lead_to_valid_requests_or_a_named_argument(
    stage: Stage, operator: type[BaseOperator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "files", project="version: 1\nproject: finance\n", a=TEN_LINES)
    prepared = PREPARED.get(operator, lambda stage: {})(stage)
    usual = OPERATORS[operator] | prepared
    stage.ids |= prepared
    variants = [{}, *OTHERWISE.get(operator, [])]
    names = sorted(set(operator.template_fields) - NOT_CHANGED.get(operator, set()))
    right = {name: value for name, value in (usual | RIGHT | stage.ids).items() if name in names}
    ends = set()

    @settings(
        max_examples=EXAMPLES or 40,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(variants), changes(names, right))
    def each(variant: dict[str, Any], given: Changes) -> None:
        arguments = stage.usual(operator, usual, variant) | given
        ends.add(judge(stage, operator, arguments, CHECKED_BY_READS.get(operator, ())))

    each()
    assert ends >= {"InvalidInputError", "NoneType"}
