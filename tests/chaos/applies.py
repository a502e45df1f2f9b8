"""Applies of several definitions: files drawn from a seed, and one attempt of the task that applies them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import ClassVar

from airflow_provider_payments.aep.dataflows.apply import apply_plan
from airflow_provider_payments.aep.dataflows.flows import DataflowSteps
from airflow_provider_payments.aep.dataflows.loading import Project, load_project
from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.dataflows.sandbox import Sandbox
from airflow_provider_payments.aep.errors import PlatformError
from tests.aep.dataflows.files import write_files
from tests.chaos.runs import ROWS, DagRun, Task
from tests.chaos.tasks import AttemptEnd, Endless, Killed, Pace, make_client

#: Tables without bad rows that do not grow. No two tables have a row with the same id.
TABLES = (
    "PayPal.Billing_Plans",
    "PayPal.Billing_Plans_Payment_Definition",
    "PayPal.Billing_Plans_Payment_Definition_Charge_Models",
)
OWNER = "chaos"
#: The names of kinds in the results of an apply, by their names in the emulator.
KINDS = {
    "connections": "base_connection",
    "sourceConnections": "source_connection",
    "schemas": "schema",
    "fieldgroups": "field_group",
    "dataSets": "dataset",
    "targetConnections": "target_connection",
    "mappingSets": "mapping_set",
    "flows": "dataflow",
}
PROJECT = f"version: 1\nproject: {OWNER}\n"
CREDENTIAL = {"host": "api.example.com", "clientId": "emulator", "clientSecret": "emulator"}
_DEFINITION = """\
version: 1
name: {name}
source: {{vendor: paypal, connection: {connection}, table: {table}}}
mappings: {{_id: Id, payment.by: {{value: {name}}}, payment.type: Type, payment.createTime: Create_Time{more}}}
delta_column: Create_Time
schedule: every {pace}
"""
_TARGET = """\
schema: {{title: {schema}, fields: {{payment.type: string, payment.createTime: date-time, payment.by: string{more}}}}}
dataset: {{name: {dataset}}}
"""
_NEW_BASE_CONNECTION = "{name: Chaos PayPal, airflow_conn_id: chaos_paypal}"

# Python 3.11 holds one lock for all objects of a class while a cached property is computed. Writers are threads here
# that take turns at each request, so they would wait for each other forever.
for _owner in (Sandbox, *DataflowSteps.__mro__):
    for _property in vars(_owner).values():
        if isinstance(_property, cached_property):
            _property.lock = nullcontext()


@dataclass(frozen=True)
class DefinitionFiles:
    """
    The definition files of a trial.

    :param seed: the seed from which the contents are drawn.
    :param number: the number of definitions.
    :param changed: whether the files have their later, changed contents.
    """

    seed: str
    number: int
    changed: bool = False

    def texts(self) -> list[str]:
        """Return a text for each definition."""
        draws = Random(f"{self.seed}/files")
        connection = draws.choice(("PayPal connection", "PayPal connection", _NEW_BASE_CONNECTION))
        defined: set[int] = set()
        texts = []
        for place in range(self.number):
            group = place // len(TABLES)
            shares_dataset, by_name, is_changed_later = draws.random() < 0.6, draws.random() < 0.5, draws.random() < 0.6
            changed = is_changed_later and self.changed
            added = ", payment.ref: Id" if changed and not shares_dataset else ""
            text = _DEFINITION.format(
                name=f"Payments {place}",
                connection=connection,
                table=TABLES[place % len(TABLES)],
                pace="1 hour" if changed else "30 minutes",
                more=added,
            )
            if shares_dataset and by_name and group in defined:
                text += f"dataset: Shared {group}\n"
            elif shares_dataset:
                defined.add(group)
                # Definitions of the same schema must be equal.
                field = ", payment.later: string" if self.changed else ""
                text += _TARGET.format(schema=f"Shared {group} schema", dataset=f"Shared {group}", more=field)
            texts.append(text)
        return texts

    def project(self) -> Project:
        """Return the project that is loaded from the files."""
        return _project(self)


@cache
def _project(files: DefinitionFiles) -> Project:
    with tempfile.TemporaryDirectory() as folder:
        path, texts = Path(folder), files.texts()
        (path / "project.yaml").write_text(PROJECT)
        return load_project(write_files(path, **{f"f{place}": text for place, text in enumerate(texts)}))


@dataclass(frozen=True)
class ApplyAttempt:
    """One attempt of the task that applies all definitions."""

    step: str
    run_id: str
    try_number: int
    files: DefinitionFiles

    def run(self, pace: Pace) -> AttemptEnd:
        """Plan and apply the definitions; return any outcome, unless this process is killed."""
        random.seed(pace.random.random())  # the jitter of the transport's waits
        try:
            client = make_client(pace)
            applied = apply_plan(
                client,
                plan_project(client, self.files.project()),
                credential=lambda conn_id, source: CREDENTIAL,
                attempt=self.try_number,
                run=self.run_id,
            )
            pace.point()
        except PlatformError as error:
            status = "retry" if error.retryable else "failed"
            return AttemptEnd(status, message=str(error), retry_after=getattr(error, "retry_after", None))
        except Killed:
            return AttemptEnd("killed")
        except Endless:
            return AttemptEnd("endless")
        except Exception as error:  # a verdict reports any other error as a crash
            return AttemptEnd("crashed", message=f"{type(error).__name__}: {error}")
        value = dict(applied.to_json())
        if self.step == "plan" and not applied.plan.is_empty:
            return AttemptEnd("failed", value, f"another plan would change {', '.join(applied.plan.changed)}")
        if applied.is_done:
            return AttemptEnd("done", value)
        problems = "; ".join(f"{each.name}: {', '.join(each.problems)}" for each in applied.definitions)
        return AttemptEnd("retry" if applied.retryable else "failed", value, problems)


@dataclass
class ApplyRun(DagRun):
    """
    One run of a DAG that applies definitions, and then their changed versions.

    :param files: the definitions before their change.
    """

    #: Other objects that a killed or failed apply leaves are inert: a later apply finds a chain by its dataflow.
    reported: ClassVar[frozenset[str]] = frozenset({"flows"})
    reach: ClassVar[int] = 100
    files: DefinitionFiles = DefinitionFiles("", 0)
    steps: tuple[str, ...] = ("apply", "apply_changes")

    @property
    def rows(self) -> int:
        return ROWS * self.files.number

    def creating_steps(self, kind: str) -> tuple[str, ...]:
        return self.steps

    def returned(self, kind: str) -> set[str]:
        reported = [found["ids"] for value in self.values.values() for found in value["definitions"].values()]
        return {ids[KINDS[kind]] for ids in reported if KINDS[kind] in ids}

    def results(self) -> Iterator[tuple[str, str]]:
        for value in self.done.values():
            for name, found in value["definitions"].items():
                yield from ((f"{kind} of {name}", id_) for kind, id_ in found["ids"].items() if kind != "mapping_set")

    def changed(self) -> list[str]:
        return [step for step, value in self.done.items() if any(value["summary"].values())]

    def attempt(self, step: str, try_number: int) -> Task:
        files = DefinitionFiles(self.files.seed, self.files.number, changed=step != "apply")
        return ApplyAttempt(step, self.run_id, try_number, files)


@dataclass
class LaterApplyRun(ApplyRun):
    """A later run, which applies the changed definitions again and checks that another plan has no changes."""

    steps: tuple[str, ...] = ("apply_changes", "plan")
