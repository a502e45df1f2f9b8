"""``dataflow_task_group``: its tasks create the objects of the definition."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_payments import task_group
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.task_group import dataflow_task_group
from tests.aep.dataflows.applying import actions, plan_of
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import Emulator
from tests.groups import COMPLETE, build, run
from tests.operators.conftest import connect_vendor as connect_vendor

NAME = "PayPal catalog products"
FIELDS = "schema: {fields: {product.name: string, product.type: string, product.createTime: date-time}}\n"
TYPED = TEN_LINES + FIELDS
PROJECT = """\
version: 1
project: finance
defaults: {tolerance: 5%}
environments:
  dev: {variables: {pace: 30 minutes}}
  prod: {aep_conn_id: aep_prod, variables: {pace: 1 hour}}
"""
SECOND = TEN_LINES.replace(f"name: {NAME}\n", "name: Second\nallow_second_reader: true\n")
TASKS = [
    "find_base_connection",
    "create_source_connection",
    "create_target_schema",
    "create_target_dataset",
    "create_target_connection",
    "create_mapping_set",
    "find_flow_spec",
    "create_dataflow",
]


@pytest.fixture
def shop(connect_vendor: Callable[..., None]) -> None:
    """The vendor's Airflow connection."""
    connect_vendor(login="id", password="secret", host="api.sandbox.paypal.com")


def labels(group: Any) -> list[str]:
    return [task_id.rpartition(".")[2] for task_id in group.children]


def unchanged(client: Client, folder: Path, **how: Any) -> bool:
    return set(actions(plan_of(client, folder, **how)).values()) == {"unchanged"}


@pytest.mark.parametrize("native", [False, True], ids=["text", "native"])
def test_a_plan_after_a_run_of_the_group_shows_no_change(
    client: Client, connected: Emulator, tmp_path: Path, native: bool
) -> None:
    write_files(tmp_path, products=TYPED)
    group = build(tmp_path / "products.yaml", native=native)
    assert labels(group) == TASKS
    returned = run(group)
    assert unchanged(client, tmp_path)
    (flow,) = connected.objects("flows")
    assert (flow["id"], flow["name"]) == (returned["create_dataflow"]["id"], NAME)
    assert [
        connected.posted(path)[0]["name"] for path in ("/sourceConnections", "/targetConnections", "/mappingSets")
    ] == [
        f"{NAME} - source",
        f"{NAME} - target",
        f"{NAME} - mapping",
    ]
    # A second run adopts every object.
    assert [step for step, returned in run(build(tmp_path / "products.yaml")).items() if returned.get("created")] == []


def test_a_complete_definition_is_unchanged_after_a_run_of_the_group(
    client: Client, connected: Emulator, shop: None, tmp_path: Path
) -> None:
    CreateTargetSchemaOperator(
        task_id="other", name="other", fields={"note": "string"}, field_group="Shop details"
    ).execute({})
    write_files(tmp_path, project="version: 1\nproject: finance\n", shop=COMPLETE)
    before = plan_of(client, tmp_path)
    group = build(tmp_path / "shop.yaml")
    assert {"create_base_connection", "create_identity", "enable_schema_for_profile"} < set(labels(group))
    run(group)
    after = plan_of(client, tmp_path)
    assert [str(step) for step in after.steps if not step.is_done] == []
    # An enabled schema has no step in a plan.
    names = {(step.kind, step.name) for step in before.steps if step.kind != "profile enablement"}
    assert names == {(step.kind, step.name) for step in after.steps}


def test_a_change_of_the_file_is_applied_by_the_next_run(client: Client, connected: Emulator, tmp_path: Path) -> None:
    write_files(tmp_path, products=TYPED)
    run(build(tmp_path / "products.yaml"))
    changed = TYPED.replace("30 minutes", "2 hours").replace("product.type: string", "product.type: string, note: uri")
    write_files(tmp_path, products=f"{changed}description: Changed\n")
    run(build(tmp_path / "products.yaml"))
    assert unchanged(client, tmp_path)
    assert len(connected.objects("flows")) == 1


@pytest.mark.parametrize(
    ("refers", "steps"),
    [
        (f"schema: {NAME}\ndataset: {NAME}\n", {"find_schema", "find_dataset"}),
        (f"dataset: {NAME}\n", {"find_dataset"}),
        (f"schema: {NAME}\n", {"find_schema", "create_target_dataset"}),
    ],
    ids=["schema and dataset", "dataset", "schema"],
)
def test_objects_that_a_definition_refers_to_are_looked_up(
    client: Client, connected: Emulator, tmp_path: Path, refers: str, steps: set[str]
) -> None:
    write_files(tmp_path / "first", products=TYPED)
    run(build(tmp_path / "first" / "products.yaml"))
    write_files(tmp_path / "second", second=SECOND + refers)
    group = build(tmp_path / "second" / "second.yaml")
    assert steps | {"find_base_connection"} == {step for step in labels(group) if step not in TASKS} | (
        set(labels(group)) & {"find_base_connection", "create_target_dataset"}
    )
    run(group)
    assert unchanged(client, tmp_path / "second")
    assert len(connected.objects("schemas")) == 1


def test_a_rest_resource_has_no_delta_column(client: Client, connected: Emulator, tmp_path: Path) -> None:
    base = {
        "name": "Stripe",
        "auth": {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "a"}},
        "connectionSpec": {"id": "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3", "version": "1.0"},
    }
    client.request("POST", "/data/foundation/flowservice/connections", body=base)
    text = """\
version: 1
name: Stripe charges
source: {vendor: stripe, connection: Stripe, resource: charges}
schema: {fields: {charge.amount: integer}}
mappings: {_id: data.id, charge.amount: data.amount}
schedule: every day
"""
    write_files(tmp_path, charges=text)
    run(build(tmp_path / "charges.yaml"))
    assert unchanged(client, tmp_path)


def test_the_identity_comes_before_profile_and_both_before_the_dataset(tmp_path: Path) -> None:
    group = build(write_files(tmp_path, shop=COMPLETE) / "shop.yaml")
    assert "shop.create_identity" in group["enable_schema_for_profile"].upstream_task_ids
    assert "shop.enable_schema_for_profile" in group["create_target_dataset"].upstream_task_ids
    without = COMPLETE.replace("  profile: true\n", "").replace(", profile: true", "")
    group = build(write_files(tmp_path, shop=without) / "shop.yaml")
    assert "enable_schema_for_profile" not in labels(group)
    assert "shop.create_identity" in group["create_target_dataset"].upstream_task_ids


# ---- projects, names and DAGs --------------------------------------------------------------------------------------


def test_the_project_is_the_owner_and_its_environment_gives_the_connection(
    client: Client, emulator: Emulator, connect: Callable[..., None], tmp_path: Path
) -> None:
    connect(emulator.url, conn_id="aep_prod")
    write_files(tmp_path, project=PROJECT, deep__products=TYPED.replace("30 minutes", "${var.pace}"))
    group = build("deep/products.yaml", folder=tmp_path, environment="prod")
    returned = run(group)
    assert unchanged(client, tmp_path, environment="prod")
    (flow,) = emulator.objects("flows")
    assert flow["id"] == returned["create_dataflow"]["id"]
    assert "finance" in flow["description"]
    assert flow["scheduleParams"]["frequency"] == "hour"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "of_the_dag"),
        ({"default_args": {"aep_conn_id": "of_the_group"}}, "of_the_group"),
        ({"aep_conn_id": "given"}, "given"),
    ],
)
def test_without_a_project_the_connection_is_that_of_default_args(
    tmp_path: Path, given: dict[str, Any], expected: str
) -> None:
    write_files(tmp_path, products=TYPED)
    with DAG(dag_id="payments", schedule=None, default_args={"aep_conn_id": "of_the_dag"}):
        group = dataflow_task_group(tmp_path / "products.yaml", **given)
    assert {task.aep_conn_id for task in group.children.values()} == {expected}  # type: ignore[attr-defined]


def test_a_group_is_named_after_its_file_or_group_id(tmp_path: Path) -> None:
    write_files(tmp_path, **{"paypal products": TYPED})
    with DAG(dag_id="payments", schedule=None) as dag:
        first = dataflow_task_group(tmp_path / "paypal products.yaml")
        second = dataflow_task_group(tmp_path / "paypal products.yaml", group_id="again", default_args={"retries": 7})
    assert (first.group_id, second.group_id) == ("paypal_products", "again")
    assert first["create_dataflow"] is dag.get_task("paypal_products.create_dataflow")
    assert {task.retries for task in second.children.values()} == {7}  # type: ignore[attr-defined]


def test_one_of_several_definitions_in_a_file_is_selected_by_name(tmp_path: Path) -> None:
    single = "\n".join(f"    {line}" for line in TYPED.splitlines()[1:])
    both = f"version: 1\ndataflows:\n  -\n{single}\n  -\n{single.replace(NAME, 'Second products')}\n"
    write_files(tmp_path, both=both)
    group = build(tmp_path / "both.yaml", only="Second products")
    assert (group.group_id, group["create_dataflow"].name) == ("Second_products", "Second products")
    with pytest.raises(
        AirflowFailException, match=f"choose one of its definitions with `only`: {NAME}, Second products"
    ):
        build(tmp_path / "both.yaml")


def test_no_request_is_sent_while_a_dag_is_parsed(
    monkeypatch: pytest.MonkeyPatch, connected: Emulator, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", "not even a connection")
    write_files(tmp_path, shop=COMPLETE)
    group = build(tmp_path / "shop.yaml", aep_conn_id="nowhere")
    assert len(labels(group)) == 10
    assert connected.requests() == []


def test_the_dag_of_the_manual_is_parsed(tmp_path: Path) -> None:
    page = (Path(task_group.__file__).parent / "docs" / "definitions.md").read_text()
    (block,) = re.findall(r"^```python\n([^`]*dataflow_task_group\([^`]*)^```$", page, re.MULTILINE)
    write_files(tmp_path, dataflows__project=PROJECT, dataflows__square_payments=TYPED.replace("paypal", "square"))
    parsed: dict[str, Any] = {}
    exec(compile(block, str(tmp_path / "dag.py"), "exec"), parsed)
    group = parsed["square"]
    assert (group.group_id, labels(group)) == ("square_payments", TASKS)
    assert group.dag.get_task("wait").upstream_task_ids == {"square_payments.create_dataflow"}


# ---- refused definitions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEN_LINES, "f.yaml:2:7: schema: types are required in `schema.fields`"),
        (f"{TEN_LINES}schema: {{title: Products}}\n", "f.yaml:11:9: schema: types are required"),
        (f"{TYPED}dataset: Payments\n", "f.yaml:12:10: dataset: a task group does not update the schema"),
        (f"{TYPED}id: abc\n", "f.yaml:12:5: id: a task group finds a dataflow by its name"),
        (f"{TYPED}previous_names: [Old]\n", "f.yaml:12:17: previous_names: a task group renames no dataflow"),
        (f"{TYPED}description: 'a {{# b'\n", "f.yaml:12:14: description: a task group would render it"),
        (f"{TYPED}description: ${{var.expected}}\n", "f.yaml:12:14: description: a task group would render it"),
    ],
    ids=["no schema", "no fields", "dataset alone referred to", "id", "previous names", "comment", "variable"],
)
def test_an_unsupported_definition_is_refused_with_an_alternative(tmp_path: Path, text: str, expected: str) -> None:
    write_files(tmp_path, f=text)
    with pytest.raises(AirflowFailException) as refusal:
        build(tmp_path / "f.yaml", variables={"expected": "{{ ds }}"})
    assert f"{tmp_path}/{expected}" in str(refusal.value)
    assert "use ApplyDataflowOperator" in str(refusal.value)


def test_a_broken_file_is_refused_with_its_place(tmp_path: Path) -> None:
    write_files(tmp_path, products=TYPED.replace("vendor: paypal", "vendor: pay"))
    with pytest.raises(AirflowFailException, match=r"products\.yaml:3:18: source\.vendor: one of"):
        build(tmp_path / "products.yaml")
