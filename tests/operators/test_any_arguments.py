"""
Whatever is passed to an operator, it ends in one of two ways: an error that names the argument before anything is
sent, or requests that the services understand. What is made so is found again by the same arguments.

An operator's arguments are its template fields, so a new one is covered from its first day. The suite tries little and
always the same; for a hunt, set ``OPERATOR_EXAMPLES`` to the number of tries for each operator.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseOperator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import ConflictError, InvalidInputError, RequestError
from airflow_provider_payments.aep.inputs import as_mapping
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError
from airflow_provider_payments.operators.base import CreateOperator, FindOperator
from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
    FindBaseConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import FindDatasetOperator
from airflow_provider_payments.operators.diagnostics import DownloadRowErrorsOperator
from airflow_provider_payments.operators.health import CheckDataflowHealthOperator
from airflow_provider_payments.operators.lifecycle import (
    DeleteDataflowOperator,
    DisableDataflowOperator,
    EnableDataflowOperator,
    ExistingDataflowOperator,
    PublishDataflowOperator,
)
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.profiles import CreateIdentityOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator, FindSchemaOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.conftest import PAYPAL, Emulator
from tests.operators.arguments import Changes, changes
from tests.operators.chain import ARGUMENTS, COLUMNS, FIELDS, FLOW_SPEC, PRODUCTS, context, make_dataflow, run
from tests.sensors.flows import advance_to_run

EXAMPLES = int(os.environ.get("OPERATOR_EXAMPLES", "0"))
NO_TABLE = {"table": None, "columns": None}
RESOURCE = NO_TABLE | {"source": "stripe", "resource_path": "charges"}
#: What an operator takes instead of its usual arguments.
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
#: Values that are accepted for arguments that :data:`ARGUMENTS` leaves out, for some operator at least.
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
}
OF_DATAFLOWS = (DisableDataflowOperator, EnableDataflowOperator, PublishDataflowOperator, DeleteDataflowOperator)
OPERATORS: dict[type[BaseOperator], dict[str, Any]] = {
    **ARGUMENTS,
    FlowRunSensor: {"flow_id": "flow"},
    **{operator: {"dataflow": "stage"} for operator in OF_DATAFLOWS},
    CheckDataflowHealthOperator: {},
    DownloadRowErrorsOperator: {"path": "row-errors", "batch_ids": ["batch"]},
}

#: Arguments that name files of this machine, which tests of definitions cover: a root would be searched for hours.
OF_FILES = {"definition"}

#: Refusals for what only the service can know, by code and words: which objects there are, and what belongs together.
UNKNOWABLE = [
    ("FLOW-1439-404", "not found"),
    ("FLOW-1412-400", "The mapping version"),
    ("FLOW-1413-400", ""),
    ("FLOW-1330-400", ""),
    ("FLOW-1367-400", "not among the source connection's columns"),
    ("FLOW-1419-400", "it does not exist"),
    ("BadRequestError", "names no schema"),
    ("BadRequestError", "The tag 'unifiedProfile'"),
    ("MAPPER-1000-400", "does not exist"),
    ("XDM-1504-400", "names no known"),
    ("XDM-1520-400", "has no field at"),
    ("XDM-1010-404", "is not found"),
    ("XDM-1011-404", "is not found"),
    ("XDM-1012-404", "is not found"),
    ("NotFoundError", "Batch"),
]
#: Arguments that are held against what the service answers to a read.
CHECKED_BY_READS: dict[type[BaseOperator], set[str]] = {
    FindFlowSpecOperator: {"name", "source"},
    **{operator: {"dataflow"} for operator in OF_DATAFLOWS},
    CheckDataflowHealthOperator: {"names"},
    FindBaseConnectionOperator: {"name"},
    FindSchemaOperator: {"name"},
    FindDatasetOperator: {"name"},
    # The tenant's namespace is read before these are looked at.
    CreateIdentityOperator: {"name", "if_exists", "remove_duplicates", "chain"},
    # Titles of field groups.
    CreateTargetSchemaOperator: {"field_groups"},
    CreateSourceConnectionOperator: {"table"},
    CreateMappingSetOperator: {"mappings"},
    # The flow spec that an id alone names; a start that has passed is right for a dataflow that is there.
    CreateDataflowOperator: {"delta_column", "start_time", "end_time"},
}


@dataclass
class Stage:
    """The emulator with one chain, whose ids the operators are given."""

    emulator: Emulator
    client: Client
    ids: dict[str, Any]
    stripe: str
    seen: int = 0

    def usual(self, operator: type[BaseOperator], variant: dict[str, Any]) -> dict[str, Any]:
        """Arguments that make a new object, from a source connection that no dataflow reads yet."""
        usual = OPERATORS[operator] | variant
        if issubclass(operator, ExistingDataflowOperator):
            return self.usual_of_a_dataflow(operator)
        names_new = "name" in usual and not issubclass(operator, (CreateIdentityOperator, FindOperator))
        fresh = {"name": f"step {self.seen}"} if names_new else {}
        ids = {name: value for name, value in self.ids.items() if name in usual and name not in variant}
        if operator is CreateDataflowOperator:
            ids["source_connection_id"] = self.new_source()
        if variant is RESOURCE:
            ids["base_connection_id"] = self.stripe
        return usual | ids | fresh

    def usual_of_a_dataflow(self, operator: type[BaseOperator]) -> dict[str, Any]:
        """Arguments that name a dataflow; one of its own where it is going to be deleted."""
        if operator is not DeleteDataflowOperator:
            return OPERATORS[operator]
        name = f"to delete {self.seen}"
        run(CreateDataflowOperator, **self.usual(CreateDataflowOperator, {}) | {"name": name})
        return {"dataflow": name}

    def new_source(self) -> str:
        body = {
            "name": f"source {self.seen}",
            "baseConnectionId": PAYPAL,
            "data": {"format": "tabular"},
            "params": {"tableName": PRODUCTS},
            "connectionSpec": {"id": "221c7626-58f6-4eec-8ee2-042b0226f03b", "version": "1.0"},
        }
        made = self.client.request("POST", "/data/foundation/flowservice/sourceConnections", body=body).body
        self.asked()
        return str(made["id"])

    def new_batch(self) -> str:
        """The batch of a run in which no record failed: nothing of it is written anywhere."""
        make_dataflow("good", error_diagnostics=True, backfill=False)
        advance_to_run(self.emulator, after=3600.0)
        good = [each for each in self.emulator.objects("batches") if not each["metrics"]["failedRecordCount"]]
        return str(next(each["id"] for each in good if each["tags"]["acp_enableErrorDiagnostics"] == ["true"]))

    def asked(self) -> list[dict[str, Any]]:
        """What was asked since the last call, but for tokens."""
        new = self.emulator.requests(since=self.seen)
        self.seen = max([self.seen, *(r["number"] for r in new)])
        return [r for r in new if not r["path"].startswith("/ims")]


@pytest.fixture
def stage(connected: Emulator, client: Client, connect_vendor: Callable[..., None]) -> Stage:
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


def is_unknowable(refusal: RequestError, extra: object) -> bool:
    """Whether no check of ours could have foreseen a refusal."""
    said = refusal.problem
    # Fields that nobody models here stand in `extra`; whoever writes them must know them.
    own = [key for key in (as_mapping("extra", extra) if extra else ()) if key and key in said.detail]
    return bool(own) or any(code == (said.code or said.title) and words in said.detail for code, words in UNKNOWABLE)


def writes(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The requests that change something."""
    return [r for r in asked if r["method"] != "GET" and not r["path"].endswith("/validate")]


def judge(stage: Stage, operator: type[BaseOperator], arguments: dict[str, Any]) -> str:
    """Run it once; see that it ended in one of the two ways, and say in which."""
    stage.asked()
    error: Exception | None = None
    returned: Any = None
    try:
        step = operator(task_id="step", **arguments)
        returned = step.poke(context()).xcom_value if isinstance(step, FlowRunSensor) else step.execute(context())
    except (ExperiencePlatformFailedError, AirflowNotFoundException) as raised:
        error = raised
    asked = stage.asked()
    refused = [r for r in asked if r["status"] >= 400]
    cause = error.__cause__ if error else None
    if isinstance(error, AirflowNotFoundException):
        assert asked == []
    elif isinstance(cause, InvalidInputError):
        argument = cause.field.split(".")[0]
        assert argument in operator.template_fields, cause
        assert asked == [] or argument in CHECKED_BY_READS.get(operator, ()), cause
        assert writes(asked) == refused == []
    elif isinstance(cause, RequestError):
        assert is_unknowable(cause, arguments.get("extra")), (str(cause), asked[-1:])
    elif error:
        assert isinstance(cause, ConflictError)
        assert refused == []
    else:
        assert refused == []
        json.dumps(returned, allow_nan=False)
        if isinstance(step, CreateOperator) and step.if_exists != "fail":
            again = step.execute(context())
            assert (again["id"], again["created"]) == (returned["id"], False)
            assert writes(stage.asked()) == []
    return type(cause or error).__name__


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_any_arguments_end_in_sound_requests_or_in_an_error_that_names_one(
    stage: Stage, operator: type[BaseOperator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if operator is DownloadRowErrorsOperator:
        stage.ids["batch_ids"] = [stage.new_batch()]
        monkeypatch.chdir(tmp_path)
    variants = [{}, *OTHERWISE.get(operator, [])]
    names = sorted(set(operator.template_fields) - OF_FILES)
    right = {name: value for name, value in (OPERATORS[operator] | RIGHT | stage.ids).items() if name in names}
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
        ends.add(judge(stage, operator, stage.usual(operator, variant) | given))

    each()
    assert ends >= {"InvalidInputError", "NoneType"}
