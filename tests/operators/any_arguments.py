"""A stage for operators with any arguments, and the check that each execution ends in an allowed way."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseOperator

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.problems import DefinitionError
from airflow_provider_payments.aep.errors import ConflictError, InvalidInputError, RequestError
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.inputs import as_mapping
from airflow_provider_payments.aep.runs.coverage import CoveredError
from airflow_provider_payments.exceptions import (
    ExperiencePlatformFailedError,
    FlowRunFailedError,
    FlowRunTimeoutError,
)
from airflow_provider_payments.operators.base import CreateOperator
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.definitions import ApplyDataflowsOperator, ExportDataflowsOperator
from airflow_provider_payments.operators.flow_runs import FlowRunOperator, RunDataflowOperator
from airflow_provider_payments.operators.lifecycle import DeleteDataflowOperator
from airflow_provider_payments.operators.profiles import CreateIdentityOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.conftest import CONNECTION_ID, PAYPAL, Emulator
from tests.operators.chain import ARGUMENTS, PRODUCTS, context, make_dataflow, run
from tests.operators.on_demand import DELTA, ONCE
from tests.sensors.flows import advance_to_run

#: Code and text of refusals that no check could foresee: unknown objects, and objects that do not belong together.
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
    ("FLOW-1386-400", ""),
]
#: Ends of a task that waits: too early, timed out, or with a run that is not accepted.
WAITS = (AirflowRescheduleException, FlowRunTimeoutError, FlowRunFailedError)


def advancing_clock(emulator: Emulator) -> Clock:
    """Return a clock whose sleep advances the emulator's clock, by a second at least and a day at most."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += max(1.0, min(seconds, 86400.0))
        emulator.advance(max(1.0, min(seconds, 86400.0)))

    return Clock(lambda: now, sleep)


@dataclass
class Stage:
    """The emulator with one chain, whose ids are arguments of the operators."""

    emulator: Emulator
    client: Client
    ids: dict[str, Any]
    stripe: str
    seen: int = 0

    def usual(self, operator: type[BaseOperator], usual: dict[str, Any], variant: dict[str, Any]) -> dict[str, Any]:
        """
        Return arguments that create a new object, with a source connection that no dataflow reads yet.

        :param usual: arguments that the operator accepts.
        :param variant: arguments that replace some of the usual ones.
        """
        usual = usual | variant
        if issubclass(operator, DeleteDataflowOperator):
            return usual | {"dataflow": self.new_dataflow()}
        if issubclass(operator, ExportDataflowsOperator):
            return usual | {"path": f"export {self.seen}"}
        names_new = issubclass(operator, CreateOperator) and operator is not CreateIdentityOperator
        fresh = {"name": f"step {self.seen}"} if names_new else {}
        ids = {name: value for name, value in self.ids.items() if name in usual and name not in variant}
        if operator is CreateDataflowOperator:
            ids["source_connection_id"] = self.new_source()
        if "resource_path" in variant:
            ids["base_connection_id"] = self.stripe
        return usual | ids | fresh

    def new_dataflow(self) -> str:
        """Create a dataflow to be deleted; return its name."""
        name = f"to delete {self.seen}"
        ends = {key: value for key, value in self.ids.items() if key in ARGUMENTS[CreateDataflowOperator]}
        run(CreateDataflowOperator, **ends | {"name": name, "source_connection_id": self.new_source()})
        return name

    def new_source(self) -> str:
        body = {
            "name": f"source {self.seen}",
            "baseConnectionId": PAYPAL,
            "data": {"format": "tabular"},
            "params": {"tableName": PRODUCTS},
            "connectionSpec": {"id": "221c7626-58f6-4eec-8ee2-042b0226f03b", "version": "1.0"},
        }
        created = self.client.request("POST", "/data/foundation/flowservice/sourceConnections", body=body).body
        self.requests()
        return str(created["id"])

    def applied(self, definition: str) -> dict[str, Any]:
        """Apply a definition; return arguments for it."""
        execute(self, ApplyDataflowsOperator, {"definition": definition})
        return {"definition": definition}

    def new_run(self) -> str:
        """Create a dataflow that runs once; return the id of its run."""
        flow = make_dataflow("once", **ONCE)["id"]
        window = {"window_start": 1_600_000_000, "window_end": 1_600_086_400}
        _, returned = execute(self, RunDataflowOperator, window | {"flow_id": flow, "delta_column": DELTA})
        return str(returned["run_id"])

    def new_batch(self) -> str:
        """Return the id of a batch without failed records, so that a download writes no file."""
        make_dataflow("good", error_diagnostics=True, backfill=False)
        advance_to_run(self.emulator, after=3600.0)
        good = [each for each in self.emulator.objects("batches") if not each["metrics"]["failedRecordCount"]]
        return str(next(each["id"] for each in good if each["tags"]["acp_enableErrorDiagnostics"] == ["true"]))

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests since the last call, without those for tokens."""
        new = self.emulator.requests(since=self.seen)
        self.seen = max([self.seen, *(r["number"] for r in new)])
        return [r for r in new if not r["path"].startswith("/ims")]


def is_unknowable(refusal: RequestError, extra: object) -> bool:
    """Return whether no check of this package could have foreseen a refusal."""
    problem = refusal.problem
    # Members in `extra` are not modelled, so refusals of them cannot be foreseen.
    own = [key for key in (as_mapping("extra", extra) if extra else ()) if key and key in problem.detail]
    label = problem.code or problem.title
    return bool(own) or any(code == label and words in problem.detail for code, words in UNKNOWABLE)


def writes(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the requests that change an object."""
    return [r for r in requests if r["method"] != "GET" and not r["path"].endswith("/validate")]


def execute(stage: Stage, operator: type[BaseOperator], arguments: dict[str, Any]) -> tuple[Any, Any]:
    """Execute a task once; return the task and its output."""
    step: Any = operator(task_id="step", **arguments)
    if isinstance(step, FlowRunOperator) and step.aep_conn_id == CONNECTION_ID:
        step.hook.client = stage.client
    return step, step.poke(context()).xcom_value if isinstance(step, FlowRunSensor) else step.execute(context())


def judge(stage: Stage, operator: type[BaseOperator], arguments: dict[str, Any], by_reads: Collection[str]) -> str:
    """
    Execute a task once, check that it ended in an allowed way, and return the class name of its error.

    :param by_reads: arguments that are checked against the answer to a read.
    """
    stage.requests()
    error: Exception | None = None
    returned: Any = None
    step: Any = None
    try:
        step, returned = execute(stage, operator, arguments)
    except (ExperiencePlatformFailedError, AirflowNotFoundException, *WAITS) as raised:
        error = raised
    requests = stage.requests()
    refused = [r for r in requests if r["status"] >= 400]
    cause = error.__cause__ if error else None
    if isinstance(error, AirflowNotFoundException):
        assert requests == []
    elif isinstance(error, WAITS):
        assert issubclass(operator, FlowRunOperator)
        assert refused == []
    elif isinstance(cause, InvalidInputError):
        argument = cause.field.split(".")[0]
        assert argument in operator.template_fields, cause
        assert requests == [] or argument in by_reads, cause
        assert writes(requests) == refused == []
    elif isinstance(cause, RequestError):
        assert is_unknowable(cause, arguments.get("extra")), (str(cause), requests[-1:])
    elif isinstance(cause, DefinitionError):
        assert requests == []
    elif error:
        assert isinstance(cause, (ConflictError, CoveredError))
        assert refused == []
    else:
        assert refused == []
        json.dumps(returned, allow_nan=False)
        if isinstance(step, CreateOperator) and step.if_exists != "fail":
            again = step.execute(context())
            assert (again["id"], again["created"]) == (returned["id"], False)
            assert writes(stage.requests()) == []
    return type(cause or error).__name__
