"""A source is never assumed: a DAG without one is refused when it is parsed."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseOperator

from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import FindFlowSpecOperator
from tests.operators.chain import ARGUMENTS

INSTEAD: dict[type[BaseOperator], dict[str, Any]] = {
    CreateBaseConnectionOperator: {},
    CreateSourceConnectionOperator: {"connection_spec_id": "{{ params.spec }}"},
    FindFlowSpecOperator: {"name": "{{ params.flow_spec }}"},
}
OPERATORS = pytest.mark.parametrize("operator", INSTEAD, ids=lambda operator: operator.__name__)


def without_source(operator: type[BaseOperator]) -> dict[str, Any]:
    return {name: value for name, value in ARGUMENTS[operator].items() if name != "source"}


@OPERATORS
def test_a_step_without_a_source_is_refused_at_parse_time(operator: type[BaseOperator]) -> None:
    with DAG("payments", schedule=None), pytest.raises(AirflowFailException) as refusal:
        operator(task_id="step", **without_source(operator))
    message = str(refusal.value)
    assert message.startswith("source=None is not allowed: it must be given, as one of paypal, square, stripe")
    assert [other for other in INSTEAD[operator] if other not in message] == []


@OPERATORS
@pytest.mark.parametrize("source", ["stripe", "{{ params.source }}"])
def test_a_source_may_be_a_template_or_a_default_argument(operator: type[BaseOperator], source: str) -> None:
    arguments = without_source(operator)
    with DAG("payments", schedule=None, default_args={"source": source}):
        given, inherited = operator(task_id="a", source=source, **arguments), operator(task_id="b", **arguments)
    assert given.source == inherited.source == source  # type: ignore[attr-defined]


@pytest.mark.parametrize("operator", [CreateSourceConnectionOperator, FindFlowSpecOperator])
def test_an_argument_that_replaces_the_source_needs_none(operator: type[BaseOperator]) -> None:
    step = operator(task_id="step", **without_source(operator) | INSTEAD[operator])
    assert step.source is None  # type: ignore[attr-defined]
