"""Docstrings of the public classes agree with their signatures, their templates and the manual."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from typing import Any

import pytest

from airflow_provider_payments.get_provider_info import get_provider_info
from tests.test_documents import DOCS, anchors

INFO = get_provider_info()
MODULES = [
    *(
        name
        for kind in ("hooks", "operators", "sensors", "triggers")
        for part in INFO[kind]
        for name in part["python-modules"]
    ),
    *(
        f"airflow_provider_payments.{name}"
        for name in (
            "assets.experience_platform",
            "exceptions",
            "links",
            "operators.base",
            "pytest_plugin",
            "task_group",
        )
    ),
]
PUBLIC = {
    name: getattr(module, name)
    for path in MODULES
    for module in [importlib.import_module(path)]
    for name in module.__all__
}
CLASSES = {name: cls for name, cls in PUBLIC.items() if inspect.isclass(cls)}
OPERATORS = {name: cls for name, cls in CLASSES.items() if hasattr(cls, "template_fields")}
#: Arguments whose default is an option of Airflow instead of a literal.
OPTIONS = {"deferrable": "[operators] default_deferrable"}


def test_the_manual_lists_the_public_modules() -> None:
    section = (DOCS / "operators.md").read_text().partition("## What is public")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    listed = {f"airflow_provider_payments.{name}" for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    assert listed == {*MODULES, "airflow_provider_payments.operators.outputs"}


def own_arguments(cls: type) -> list[inspect.Parameter]:
    """Return the arguments that the class itself declares."""
    if "__init__" not in vars(cls):
        return []
    parameters = inspect.signature(cls.__init__).parameters.values()
    return [each for each in parameters if each.name != "self" and each.kind is not each.VAR_KEYWORD]


def explained(cls: type) -> dict[str, str]:
    """Return the explanation of each argument in the docstring, on one line."""
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    found = re.findall(r"^:param (\w+): (.*(?:\n[ ]+.*)*)", doc, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", text) for name, text in found}


ARGUMENTS = [(cls, argument) for cls in CLASSES.values() for argument in own_arguments(cls)]


def argument_id(value: Any) -> str:
    return str(value.name if isinstance(value, inspect.Parameter) else value.__name__)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_class_links_an_existing_heading_of_the_manual(name: str) -> None:
    links = re.findall(r"``docs/([\w-]+\.md)#([\w-]+)``", PUBLIC[name].__doc__)
    assert ".. seealso:: ``docs/" in PUBLIC[name].__doc__
    assert [anchor for page, anchor in links if anchor not in anchors(DOCS / page)] == []


def test_every_operator_sensor_trigger_and_hook_is_public() -> None:
    assert {name for name in CLASSES if name.endswith(("Operator", "Sensor", "Trigger", "Hook"))} >= {
        node.name
        for kind in ("hooks", "operators", "sensors", "triggers")
        for file in (DOCS.parent / kind).glob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Operator", "Sensor", "Trigger", "Hook"))
    }


@pytest.mark.parametrize(("cls", "argument"), ARGUMENTS, ids=argument_id)
def test_an_argument_is_explained_with_its_default(cls: type, argument: inspect.Parameter) -> None:
    text = explained(cls)[argument.name]
    named = re.search(r"Defaults to ``(.+?)``", text)
    if argument.name in OPTIONS:
        assert f"Defaults to Airflow's option ``{OPTIONS[argument.name]}``" in text
    elif argument.default is argument.empty:
        assert named is None
    else:
        assert named is not None
        assert ast.literal_eval(named[1]) == argument.default


@pytest.mark.parametrize(
    ("cls", "argument"), [(cls, each) for cls, each in ARGUMENTS if cls in OPERATORS.values()], ids=argument_id
)
def test_only_template_fields_are_called_templated(cls: Any, argument: inspect.Parameter) -> None:
    assert explained(cls)[argument.name].endswith("(templated)") == (argument.name in cls.template_fields)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=argument_id)
def test_every_argument_that_a_docstring_explains_exists(cls: type) -> None:
    accepted = {each.name for base in cls.__mro__ for each in own_arguments(base)}
    assert set(explained(cls)) - accepted == set()


@pytest.mark.parametrize("cls", OPERATORS.values(), ids=argument_id)
def test_an_operator_explains_or_refers_to_the_arguments_of_its_base(cls: type) -> None:
    for base in cls.__mro__[1:]:
        if base in CLASSES.values() and (inherited := [each.name for each in own_arguments(base)]):
            assert set(inherited) <= set(explained(cls)) or re.search(rf"[`.]{base.__name__}`", cls.__doc__ or "")
            return


@pytest.mark.parametrize("cls", [cls for cls in OPERATORS.values() if "execute" in dir(cls)], ids=argument_id)
def test_an_operator_says_what_its_execution_raises(cls: Any) -> None:
    if cls.__name__ != "ExperiencePlatformOperator":
        raised = re.findall(r":raises (\w+):", inspect.getdoc(cls.execute) or "")
        assert {"ExperiencePlatformFailedError", "ExperiencePlatformUnavailableError"} <= set(raised)
