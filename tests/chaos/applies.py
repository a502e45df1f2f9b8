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
from tests.chaos.tasks import Ended, Endless, Killed, Pace, make_client

#: Tables whose rows are all good and which do not grow. No two have a row of the same id.
TABLES = (
    "PayPal.Billing_Plans",
    "PayPal.Billing_Plans_Payment_Definition",
    "PayPal.Billing_Plans_Payment_Definition_Charge_Models",
)
OWNER = "chaos"
#: What results call the kinds that the emulator counts.
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
_OWN = """\
version: 1
name: {name}
source: {{vendor: paypal, connection: {connection}, table: {table}}}
mappings: {{_id: Id, payment.by: {{value: {name}}}, payment.type: Type, payment.createTime: Create_Time{more}}}
delta_column: Create_Time
schedule: every {pace}
"""
_DESCRIBED = """\
schema: {{title: {schema}, fields: {{payment.type: string, payment.createTime: date-time, payment.by: string{more}}}}}
dataset: {{name: {dataset}}}
"""
_NEW_BASE = "{name: Chaos PayPal, airflow_conn_id: chaos_paypal}"

# Python 3.11 holds one lock for all objects of a class while such a property is computed. Writers are threads here that
# give way to each other at each request, so they would wait for each other for ever.
for _owner in (Sandbox, *DataflowSteps.__mro__):
    for _property in vars(_owner).values():
        if isinstance(_property, cached_property):
            _property.lock = nullcontext()


@dataclass(frozen=True)
class Written:
    """
    What the files of a trial say.

    :param number: of definitions; what each shares follows from the seed.
    :param changed: whether they say what they are changed to later.
    """

    seed: str
    number: int
    changed: bool = False

    def texts(self) -> list[str]:
        """Return a text for each definition."""
        draws = Random(f"{self.seed}/files")
        connection = draws.choice(("PayPal connection", "PayPal connection", _NEW_BASE))
        described: set[int] = set()
        texts = []
        for at in range(self.number):
            group = at // len(TABLES)
            shares, refers, changes = draws.random() < 0.6, draws.random() < 0.5, draws.random() < 0.6
            changed = changes and self.changed
            added = ", payment.ref: Id" if changed and not shares else ""
            text = _OWN.format(
                name=f"Payments {at}",
                connection=connection,
                table=TABLES[at % len(TABLES)],
                pace="1 hour" if changed else "30 minutes",
                more=added,
            )
            if shares and refers and group in described:
                text += f"dataset: Shared {group}\n"
            elif shares:
                described.add(group)
                # What is described several times is described alike.
                field = ", payment.later: string" if self.changed else ""
                text += _DESCRIBED.format(schema=f"Shared {group} schema", dataset=f"Shared {group}", more=field)
            texts.append(text)
        return texts

    def project(self) -> Project:
        """Return it as it is read from files."""
        return _project(self)


@cache
def _project(written: Written) -> Project:
    with tempfile.TemporaryDirectory() as folder:
        path, texts = Path(folder), written.texts()
        (path / "project.yaml").write_text(PROJECT)
        return load_project(write_files(path, **{f"f{at}": text for at, text in enumerate(texts)}))


@dataclass(frozen=True)
class ApplyAttempt:
    """One attempt of the task that applies all definitions."""

    step: str
    run_id: str
    try_number: int
    written: Written

    def run(self, pace: Pace) -> Ended:
        """Apply them; every end but that of this process is a value."""
        random.seed(pace.random.random())  # the jitter of the transport's waits
        try:
            client = make_client(pace)
            applied = apply_plan(
                client,
                plan_project(client, self.written.project()),
                credential=lambda conn_id, source: CREDENTIAL,
                attempt=self.try_number,
                run=self.run_id,
            )
            pace.point()
        except PlatformError as error:
            how = "retry" if error.retryable else "failed"
            return Ended(how, message=str(error), retry_after=getattr(error, "retry_after", None))
        except Killed:
            return Ended("killed")
        except Endless:
            return Ended("endless")
        except Exception as error:
            return Ended("crashed", message=f"{type(error).__name__}: {error}")
        value = dict(applied.to_json())
        if self.step == "plan" and not applied.plan.is_empty:
            return Ended("failed", value, f"another plan would change {', '.join(applied.plan.changed)}")
        if applied.is_done:
            return Ended("done", value)
        problems = "; ".join(f"{each.name}: {', '.join(each.problems)}" for each in applied.definitions)
        return Ended("retry" if applied.retryable else "failed", value, problems)


@dataclass
class ApplyRun(DagRun):
    """
    One run of a DAG that applies definitions, and then what they are changed to.

    :param written: the definitions.
    """

    #: What else a killed or failed apply leaves beside a chain that is found by its dataflow is inert.
    reported: ClassVar[frozenset[str]] = frozenset({"flows"})
    reach: ClassVar[int] = 100
    written: Written = Written("", 0)
    steps: tuple[str, ...] = ("apply", "apply_changes")

    @property
    def rows(self) -> int:
        return ROWS * self.written.number

    def makers(self, kind: str) -> tuple[str, ...]:
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
        written = Written(self.written.seed, self.written.number, changed=step != "apply")
        return ApplyAttempt(step, self.run_id, try_number, written)


@dataclass
class LaterApplyRun(ApplyRun):
    """Applies once more what was applied, and sees that another plan says unchanged."""

    steps: tuple[str, ...] = ("apply_changes", "plan")
