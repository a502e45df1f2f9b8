"""Project files: defaults, environments, variables, and the definitions of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_payments.aep.dataflows.loading import environments, load_project
from airflow_provider_payments.aep.dataflows.problems import DefinitionError
from tests.aep.dataflows.files import TEN_LINES, only_definition, problems_of, write_files

PROJECT = """\
version: 1
project: finance
defaults:
  source: {vendor: paypal, connection: "${var.paypal}"}
  schedule: every ${var.pace}
  tolerance: 5%
environments:
  dev:
    aep_conn_id: aep_dev
    variables: {paypal: PayPal sandbox, pace: 1 hour, on: false}
  prod:
    variables: {paypal: PayPal production, pace: 15 minutes, on: true}
"""
ORDERS = """\
version: 1
name: PayPal orders
source: {table: PayPal.Orders}
mappings: {_id: Id, orders.note: {expression: "concat('$${var.x}', Note)"}}
delta_column: Created
enabled: ${var.on}
tolerance: null
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path, project=PROJECT, orders=ORDERS)


def test_an_environment_fills_defaults_and_variables(folder: Path) -> None:
    definition = only_definition(folder, environment="prod")
    assert (definition.source.vendor, definition.source.table) == ("paypal", "PayPal.Orders")
    assert definition.source.connection.name == "PayPal production"
    assert definition.schedule.every == "every 15 minutes"
    assert definition.enabled is True  # a value that consists of one variable has the variable's type
    assert definition.tolerance is None  # null removes a default
    assert definition.mappings[1].source == "concat('${var.x}', Note)"


def test_a_project_names_owner_environment_and_connection(folder: Path) -> None:
    dev, prod = (load_project(folder, environment=name) for name in ("dev", "prod"))
    assert (dev.name, dev.environment, dev.aep_conn_id, dev.is_complete) == ("finance", "dev", "aep_dev", True)
    assert prod.aep_conn_id == "aep_default"
    assert load_project(folder, environment="dev", conn_id="mine").aep_conn_id == "mine"


def test_given_variables_override_those_of_the_environment(folder: Path) -> None:
    assert only_definition(folder, environment="dev", variables={"pace": "1 day"}).schedule.every == "every 1 day"


def test_a_single_environment_is_the_default_and_several_must_be_named(folder: Path) -> None:
    assert problems_of(folder) == ["project.yaml:1:1: environments: choose an environment (known: dev, prod)"]
    assert problems_of(folder, environment="dve") == [
        "project.yaml:1:1: environments: there is no environment 'dve'; did you mean 'dev'? (known: dev, prod)"
    ]
    write_files(folder, project=PROJECT.partition("  prod:")[0])
    assert load_project(folder).environment == "dev"


def test_an_environment_without_a_project_file_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(write_files(tmp_path, products=TEN_LINES), environment="prod")
    assert problem.endswith("no environment 'prod': there is no project.yaml here or above, up to the folder of .git")


def test_an_unknown_variable_is_reported_at_the_place_of_the_default(folder: Path) -> None:
    write_files(folder, project=PROJECT.replace("pace: 15", "pase: 15"))
    (problem,) = problems_of(folder, environment="prod")
    assert problem == (
        "project.yaml:5:13: schedule: there is no variable 'pace' (environment 'prod'; known: on, pase, paypal); "
        "did you mean 'pase'?"
    )


def test_a_problem_of_a_default_is_reported_once_for_all_definitions(folder: Path) -> None:
    write_files(folder, project=PROJECT.replace("5%", "5"), more=ORDERS.replace("tolerance: null\n", "").replace(
        "orders", "refunds").replace("PayPal.Orders", "B"), third=ORDERS.replace("tolerance: null\n", "").replace(
        "PayPal orders", "x").replace("PayPal.Orders", "C"))  # fmt: skip
    assert problems_of(folder, environment="prod") == [
        "project.yaml:6:14: tolerance: a percentage, at most 100%, such as 5%"
    ]


@pytest.mark.parametrize(
    ("was", "now", "problem"),
    [
        ("project: finance", "project: my finance", "2:10: project: 1 to 60 letters, digits, dots"),
        ("aep_conn_id:", "conn_id:", "9:5: environments.dev.conn_id: there is no such member"),
        ("on: false", "on: [1]", "10:59: environments.dev.variables.on: it must be text, a number, true or false"),
        ("on: false", "1on: false", "10:60: environments.dev.variables.1on: a name consists of letters, di"),
        ("on: false", "api_key: x", "10:64: environments.dev.variables.api_key: a variable must not be a secret"),
        ("version: 1", "version: 3", "1:10: version: this release reads version 1"),
        ("defaults:", "default:", "3:1: default: there is no such member; did you mean 'defaults'?"),
    ],
)  # fmt: skip
def test_a_wrong_project_file_is_refused(folder: Path, was: str, now: str, problem: str) -> None:
    write_files(folder, project=PROJECT.replace(was, now))
    assert any(found.startswith(f"project.yaml:{problem}") for found in problems_of(folder, environment="prod"))


def test_several_definitions_in_one_file_share_its_defaults(tmp_path: Path) -> None:
    text = """\
    version: 1
    defaults: {source: {vendor: stripe, connection: Stripe}, mappings: {_id: id}, schedule: every day}
    dataflows:
      - {name: Stripe charges, source: {resource: charges}}
      - {name: Stripe refunds, source: {resource: refunds}, schedule: once}
    """
    project = load_project(write_files(tmp_path, several=text))
    found = [(one.definition.name, one.definition.source.resource, one.place().line) for one in project.definitions]
    assert found == [("Stripe charges", "charges", 4), ("Stripe refunds", "refunds", 5)]
    assert [one.definition.schedule.every for one in project.definitions] == ["every day", None]


def test_the_project_file_is_searched_up_to_the_repository(tmp_path: Path) -> None:
    write_files(tmp_path, project=PROJECT, repository__dataflows__orders=TEN_LINES)
    (tmp_path / "repository" / ".git").mkdir()
    below = tmp_path / "repository" / "dataflows"
    assert load_project(below).name is None
    write_files(tmp_path, repository__project=PROJECT)
    assert load_project(below, environment="dev").name == "finance"
    assert load_project(below, environment="dev").is_complete is False
    assert load_project(below, top=below).name is None


def test_selected_definitions_are_returned_and_all_are_checked(folder: Path) -> None:
    write_files(folder, products=TEN_LINES)
    project = load_project(folder, environment="dev", only=["PayPal orders"])
    assert ([one.definition.name for one in project.definitions], project.is_complete) == (["PayPal orders"], False)
    (problem,) = problems_of(folder, environment="dev", only=["PayPal order"])
    assert problem.endswith("there is no definition 'PayPal order'; did you mean 'PayPal orders'?")


def test_a_fixed_id_with_several_environments_is_a_warning(folder: Path) -> None:
    write_files(folder, orders=ORDERS + "id: abc\n")
    (warning,) = load_project(folder, environment="dev").warnings
    assert str(warning).replace(f"{folder}/", "") == (
        "orders.yaml:8:5: id: an id is valid in one sandbox only: "
        "use a variable, because there are several environments"
    )
    write_files(folder, orders=ORDERS + "id: ${var.flow}\n")
    assert load_project(folder, environment="dev", variables={"flow": "abc"}).warnings == ()


def test_environments_of_a_wrong_project_file_are_listed_if_readable(folder: Path) -> None:
    assert environments(folder) == ["dev", "prod"]
    write_files(folder, project="a: [")
    assert environments(folder) == []


def test_paths_of_several_projects_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, one__project=PROJECT, two__project=PROJECT.replace("finance", "sales"), one__orders=ORDERS)
    with pytest.raises(
        DefinitionError, match=r"the paths belong to several projects: .*one/project\.yaml, .*two/project"
    ):
        load_project(tmp_path / "one", tmp_path / "two", environment="dev")
