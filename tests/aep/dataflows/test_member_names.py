"""Differences in the terms of a definition, and the text of a plan with many definitions."""

from __future__ import annotations

import pytest

from airflow_provider_payments.aep.dataflows.loading import Project
from airflow_provider_payments.aep.dataflows.member_names import in_definition_terms, member_of
from airflow_provider_payments.aep.dataflows.plan import Plan, Step
from airflow_provider_payments.aep.dataflows.render import plan_markdown, plan_text
from airflow_provider_payments.aep.errors import Difference


@pytest.mark.parametrize(
    ("field", "desired", "actual", "expected"),
    [
        ("scheduleParams.interval", 2, 30, ("schedule.interval", 2, 30)),
        ("options.partialIngestionPercent", 5, None, ("tolerance", "5%", None)),
        ("options.partialIngestionPercent", "12.5", 5.0, ("tolerance", "12.5%", "5%")),
        ("options.errorDiagnosticsEnabled", True, False, ("error_diagnostics", True, False)),
        ("deltaColumn.dateFormat", "yyyy", "yy", ("delta_column.format", "yyyy", "yy")),
        ("deltaColumn.timezone", "UTC", None, ("delta_column.timezone", "UTC", None)),
        ("state", "enabled", "disabled", ("enabled", True, False)),
        ("state", "enabled", "draft", ("enabled", True, "draft")),
        ("params.columns", ["a"], [], ("source.columns", ["a"], [])),
        ("mappings._id", "Id", "No", ("mappings._id", "Id", "No")),
        ("description", "A", None, ("description", "A", None)),
    ],
)
def test_a_difference_is_translated_to_the_definitions_member(
    field: str, desired: object, actual: object, expected: tuple[str, object, object]
) -> None:
    assert in_definition_terms(Difference(field, desired, actual)) == Difference(*expected)


@pytest.mark.parametrize(
    ("kind", "field", "member"),
    [
        ("dataflow", "scheduleParams.frequency", "schedule"),
        ("dataflow", "mapping", "mappings"),
        ("dataflow", "state", "enabled"),
        ("dataflow", "deltaColumn.name", "delta_column"),
        ("dataflow", "description", "description"),
        ("dataset", "description", "dataset"),
        ("field group", "fields", "schema"),
        ("source connection", "params.columns", "source"),
    ],
)
def test_a_difference_belongs_to_a_member(kind: str, field: str, member: str) -> None:
    assert member_of(kind, field) == member


def test_a_plan_names_only_some_definitions_that_share_an_object() -> None:
    names = tuple(f"P{at}" for at in range(9))
    step = Step(kind="base connection", name="PayPal", action="adopt", id="1", users=names)
    where = {"organisation": "o", "sandbox": "dev", "project": "finance", "environment": "prod"}
    plan = Plan(**where, definitions=names, steps=(step,), loaded_project=Project(()))
    lines = plan_text(plan).splitlines()
    assert lines[0] == "Sandbox dev, project finance, environment prod"
    assert "  = base connection PayPal (1), also for P1, P2, P3 and 5 more" in lines
    assert "| `=` adopt | base connection PayPal | P0, P1, P2 and 6 more |  |" in plan_markdown(plan).splitlines()
