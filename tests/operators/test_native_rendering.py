"""DAGs that render native objects: text stays text, and an argument that is a single template becomes an object."""

from __future__ import annotations

import datetime as dt
from typing import Any, Optional

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from airflow_provider_payments.operators.base import CreateOperator
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.flow_runs import RunDataflowOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.conftest import Emulator
from tests.operators.chain import MAPPINGS, context, run
from tests.operators.test_templates import ARGUMENTS_OF_ALL

#: Text that Python would evaluate to another type.
LITERALS = [
    "2026_11",
    "0x1F",
    "1e5",
    "007",
    "True",
    "None",
    '"USD"',
    "'USD'",
    "[1]",
    "{'a': 1}",
    "(1, 2)",
    "1+2j",
    "-5",
]
TEXT_ARGUMENTS = ["name", "table", "flow_id", "run_id", "frequency", "schema_id", "aep_conn_id", "pick", "if_exists"]


def rendered(operator: type[BaseOperator], params: dict[str, Any] | None = None, **arguments: Any) -> Any:
    """Return an operator of a DAG that renders native objects, after rendering."""
    with DAG(dag_id="native", schedule=None, render_template_as_native_obj=True):
        step = operator(task_id="step", **ARGUMENTS_OF_ALL[operator] | arguments)
    step.render_template_fields({"params": params or {}, "task": step})
    return step


@pytest.mark.parametrize("operator", ARGUMENTS_OF_ALL, ids=lambda operator: operator.__name__)
@pytest.mark.parametrize("text", LITERALS)
def test_text_that_looks_like_a_literal_stays_text(operator: type[BaseOperator], text: str) -> None:
    names = set(operator.template_fields) - {"extra"}
    step = rendered(operator, **dict.fromkeys(names, text))
    assert {name: getattr(step, name) for name in names} == dict.fromkeys(names, text)


@pytest.mark.parametrize("operator", ARGUMENTS_OF_ALL, ids=lambda operator: operator.__name__)
@pytest.mark.parametrize("text", LITERALS)
def test_a_template_that_renders_to_text_stays_text(operator: type[BaseOperator], text: str) -> None:
    names = set(operator.template_fields) - {"extra"}
    step = rendered(operator, {"text": text}, **dict.fromkeys(names, "{{ params.text }}"))
    assert {name: getattr(step, name) for name in names} == dict.fromkeys(names, text)


class Labelled(CreateTargetSchemaOperator):
    """A user's operator whose annotations are evaluated, not text."""

    template_fields = (*CreateTargetSchemaOperator.template_fields, "caption", "size")

    def __init__(self, *, caption: Any = None, size: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.caption, self.size = caption, size

    __init__.__annotations__ |= {"caption": Optional[str], "size": Optional[int]}  # noqa: UP045


def test_an_argument_with_an_evaluated_text_annotation_becomes_text() -> None:
    with DAG(dag_id="native", schedule=None, render_template_as_native_obj=True):
        step = Labelled(task_id="step", name="n", caption="{{ params.seven }}", size="{{ params.seven }}")
    step.render_template_fields({"params": {"seven": 7}, "task": step})
    assert (step.caption, step.size) == ("7", 7)


@pytest.mark.parametrize(
    "template", ["{% set x %}{}{% endset %}{{ x }}", "{% macro x() %}{}{% endmacro %}{{ x() }}"], ids=["set", "macro"]
)
@pytest.mark.parametrize("text", ["2026_11", "0x1F", '"USD"', "[1]"])
def test_text_inside_a_block_or_macro_stays_text(template: str, text: str) -> None:
    step = rendered(CreateMappingSetOperator, name=template.replace("{}", text), mappings=template.replace("{}", text))
    assert (step.name, step.mappings) == (text, text)


@settings(suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(exclude_characters="{}%#\r\n")))
def test_any_text_stays_unchanged_inside_and_outside_of_objects(text: str) -> None:
    mappings = [{"source": text, "destination": text, "source_type": "STATIC"}]
    step = rendered(CreateMappingSetOperator, name=text, mappings=mappings, source_columns=[text])
    assert (step.name, step.mappings, step.source_columns) == (text, mappings, [text])


@pytest.mark.parametrize("operator", ARGUMENTS_OF_ALL, ids=lambda operator: operator.__name__)
def test_a_text_argument_is_text_regardless_of_its_templates_type(operator: type[BaseOperator]) -> None:
    names = set(operator.template_fields) & set(TEXT_ARGUMENTS)
    step = rendered(operator, {"year": 2026}, **dict.fromkeys(names, "{{ params.year }}"))
    assert {name: getattr(step, name) for name in names} == dict.fromkeys(names, "2026")


def test_an_absent_value_of_a_text_argument_stays_absent() -> None:
    step = rendered(CreateSourceConnectionOperator, {"none": None}, description="{{ params.none }}", path="{{ none }}")
    assert (step.description, step.path) == (None, None)


def test_an_object_for_a_text_argument_is_refused() -> None:
    step = rendered(CreateSourceConnectionOperator, {"tables": ["a"]}, table="{{ params.tables }}")
    assert step.table == ["a"]


OBJECTS: list[tuple[type[BaseOperator], str, Any]] = [
    (CreateMappingSetOperator, "mappings", MAPPINGS),
    (CreateMappingSetOperator, "source_columns", ["Product_Id", "2026_11"]),
    (CreateTargetSchemaOperator, "fields", {"product.name": {"type": "string"}}),
    (CreateTargetSchemaOperator, "field_groups", ["https://ns.adobe.com/xdm/context/profile-person-details"]),
    (CreateSourceConnectionOperator, "columns", [{"name": "Product_Id"}]),
    (CreateDataflowOperator, "flow_spec", {"id": "spec", "transformations": ["Copy"]}),
    (CreateDataflowOperator, "delta_column", {"name": "Create_Time"}),
    (CreateDataflowOperator, "interval", 45),
    (CreateDataflowOperator, "backfill", False),
    (CreateDataflowOperator, "start_delay", dt.timedelta(hours=1)),
    (RunDataflowOperator, "window_start", dt.datetime(2026, 1, 20, tzinfo=dt.UTC)),
    (RunDataflowOperator, "timeout", None),
    (FlowRunSensor, "max_failed_ratio", 0.05),
]


@pytest.mark.parametrize(
    "template", ["{{ params.value }}", "\n  {{ params.value }}\n", "{% set x = params.value %}{{ x }}"]
)
@pytest.mark.parametrize(("operator", "name", "value"), OBJECTS, ids=[name for _, name, _ in OBJECTS])
def test_an_argument_that_is_a_single_template_becomes_an_object(
    operator: type[BaseOperator], name: str, value: Any, template: str
) -> None:
    assert getattr(rendered(operator, {"value": value}, **{name: template}), name) == value


def test_a_constant_in_a_template_becomes_its_object() -> None:
    step = rendered(CreateMappingSetOperator, mappings="{{ {'_id': '\"USD\"'} }}", source_columns="{{ ['a', '5'] }}")
    assert (step.mappings, step.source_columns) == ({"_id": '"USD"'}, ["a", "5"])


def test_text_inside_objects_stays_text_and_extra_is_native() -> None:
    step = rendered(
        CreateMappingSetOperator,
        {"year": 2026, "one": {"source": "a", "destination": "b"}},
        mappings=[
            {"source": "{{ params.year }}", "destination": "_x.year", "source_type": "STATIC"},
            "{{ params.one }}",
        ],
        extra={"year": "{{ params.year }}", "labels": ["{{ params.year }}_11"]},
    )
    static, one = step.mappings
    assert (static["source"], one) == ("2026", {"source": "a", "destination": "b"})
    assert step.extra == {"year": 2026, "labels": [202611]}
    extra = {"params": {"limit": 5}}
    assert rendered(CreateMappingSetOperator, {"extra": extra}, extra="{{ params.extra }}").extra == extra


@pytest.mark.skipif(not hasattr(BaseOperator, "render_template_as_native_obj"), reason="Airflow before 3.2")
@pytest.mark.parametrize("native", [True, False], ids=["native task", "native DAG"])
def test_a_task_may_override_its_dags_rendering(native: bool) -> None:
    with DAG(dag_id="chosen", schedule=None, render_template_as_native_obj=not native) as dag:
        arguments = ARGUMENTS_OF_ALL[CreateMappingSetOperator] | {"name": "0x1F", "mappings": "{{ params.given }}"}
        step = CreateMappingSetOperator(task_id="step", render_template_as_native_obj=native, **arguments)
    # A worker uses the environment of the DAG, regardless of the task's own option.
    env = step.get_template_env() if not native else dag.get_template_env()
    step.render_template_fields({"params": {"given": MAPPINGS}}, env)
    assert (step.name, step.mappings) == ("0x1F", MAPPINGS if native else str(MAPPINGS))


def test_a_template_within_text_renders_to_text() -> None:
    step = rendered(
        CreateDataflowOperator, {"a": 20, "b": 26}, name="{{ params.a }}{{ params.b }}_11", interval="{{ 4 }}5"
    )
    assert (step.name, step.interval) == ("2026_11", "45")


@pytest.mark.parametrize("argument", ["name", "mappings"])
def test_a_template_of_an_unknown_variable_fails(argument: str) -> None:
    with pytest.raises(UndefinedError, match="nowhere"):
        rendered(CreateMappingSetOperator, **{argument: "{{ nowhere }}"})


def test_a_constant_is_sent_with_its_quotes(connected: Emulator) -> None:
    schema = run(CreateTargetSchemaOperator)
    constant = {"source": '"USD"', "destination": "_{TENANT_ID}.product.name", "source_type": "EXPRESSION"}
    rendered(CreateMappingSetOperator, name="2026_11", schema_id=schema["id"], mappings=[constant]).execute(context())
    (sent,) = connected.posted("/mappingSets")
    assert (sent["name"], sent["mappings"][0]["source"]) == ("2026_11", '"USD"')


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
@pytest.mark.parametrize(
    "operator", [o for o in ARGUMENTS_OF_ALL if issubclass(o, CreateOperator)], ids=lambda operator: operator.__name__
)
def test_name_and_description_are_rendered_last(operator: type[BaseOperator], native: bool) -> None:
    others = [field for field in operator.template_fields if field not in ("name", "description", "extra")]
    with DAG(dag_id="order", schedule=None, render_template_as_native_obj=native):
        step = operator(
            task_id="step", **ARGUMENTS_OF_ALL[operator] | {field: f"{{{{ '{field}' }}}}" for field in others}
        )
    step.name = " ".join(f"{{{{ task.{field} }}}}" for field in others)
    step.description = "{{ task.name }}!"
    step.render_template_fields({"task": step})
    assert (step.name, step.description) == (" ".join(others), " ".join(others) + "!")
