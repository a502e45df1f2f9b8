"""Schemas and datasets in Profile: planning, creation and export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.drift import drifted
from airflow_provider_payments.aep.dataflows.plan import Plan
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.profile import SchemaProfile
from airflow_provider_payments.aep.resources.schema_registry import SCHEMA
from tests.aep.dataflows.applying import actions, apply, not_done, plan_of, plan_text, the_step
from tests.aep.dataflows.files import TEN_LINES, problems_of, write_files
from tests.aep.dataflows.test_identities import describe, export_to
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

NAME = "PayPal catalog products"
IDENTITY = "identity: {field: product.name, namespace: Email, primary: true}"
PLAIN = f"{TEN_LINES}schema: {{{IDENTITY}}}\ndataset: {{name: Products, tags: {{team: [finance]}}}}\n"
SCHEMA_ONLY = PLAIN.replace("primary: true}", "primary: true}, profile: true")
ENABLED = SCHEMA_ONLY.replace("[finance]}", "[finance]}, profile: true")
WARNING = "its rows become part of customer profiles, and that cannot be undone"


@pytest.fixture
def plain(client: Client, tmp_path: Path) -> Path:
    """A folder with an applied definition that does not mention Profile."""
    apply(client, plan_text(client, tmp_path, PLAIN))
    return tmp_path


@pytest.fixture
def enabled(client: Client, tmp_path: Path) -> Path:
    """A folder with an applied definition that is in Profile."""
    apply(client, plan_text(client, tmp_path, ENABLED))
    return tmp_path


def tags(emulator: Emulator) -> tuple[Any, Any]:
    """Return the tags of schema and dataset that enable them for Profile."""
    (schema,), (dataset,) = emulator.objects("schemas"), emulator.objects("dataSets")
    return schema.get("meta:immutableTags"), dataset.get("tags", {}).get("unifiedProfile")


def reasons(plan: Plan) -> dict[str, str]:
    return {step.kind: step.reason for step in plan.steps if not step.is_done and step.reason}


def test_a_new_schema_and_dataset_are_enabled_after_the_identity(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    plan = plan_text(client, tmp_path, ENABLED)
    kinds = [step.kind for step in plan.steps]
    assert kinds.index("identity") < kinds.index("profile enablement") < kinds.index("dataset")
    assert {kind for kind, reason in reasons(plan).items() if reason == WARNING} == {"profile enablement", "dataset"}
    apply(client, plan)
    assert tags(emulator) == (["union"], ["enabled:true"])
    assert not_done(plan_text(client, tmp_path, ENABLED)) == {}
    assert not_done(plan_text(client, tmp_path, PLAIN)) == {}


def test_an_existing_schema_and_dataset_are_enabled(client: Client, emulator: Emulator, plain: Path) -> None:
    plan = plan_text(client, plain, ENABLED)
    assert not_done(plan) == {"profile enablement": "create", "dataset": "update"}
    assert reasons(plan) == dict.fromkeys(("profile enablement", "dataset"), WARNING)
    apply(client, plan)
    assert tags(emulator) == (["union"], ["enabled:true"])
    assert not_done(plan_text(client, plain, ENABLED)) == {}


def test_a_tag_that_disables_profile_is_replaced_and_others_are_kept(
    client: Client, emulator: Emulator, plain: Path
) -> None:
    (dataset,) = emulator.objects("dataSets")
    path = f"/data/foundation/catalog/dataSets/{dataset['id']}"
    client.request("PATCH", path, body={"tags": {"unifiedProfile": ["enabled: false", "isUpsert: true"]}})
    assert not_done(plan_text(client, plain, PLAIN.replace("[finance]}", "[finance]}, profile: false"))) == {}
    apply(client, plan_text(client, plain, ENABLED))
    assert tags(emulator)[1] == ["isUpsert: true", "enabled:true"]


@pytest.mark.parametrize(
    ("was", "kind", "reason"),
    [
        ("primary: true}, profile: true", "profile enablement", "a schema cannot leave Profile: leave `profile` out"),
        ("[finance]}, profile: true", "dataset", "A dataset stays in Profile: leave `profile` out."),
    ],
)
def test_a_schema_or_dataset_cannot_leave_profile(
    client: Client, enabled: Path, was: str, kind: str, reason: str
) -> None:
    text = ENABLED.replace(was, was.replace("profile: true", "profile: false"))
    if kind != "dataset":
        text = text.replace("[finance]}, profile: true", "[finance]}")
    plan = plan_text(client, enabled, text)
    step = the_step(plan, "conflict")
    assert (step.kind, step.reason) == (kind, reason)
    assert drifted(plan) == [NAME]
    assert drifted(plan, ["schema", "dataset"]) == []


def test_a_dataset_whose_schema_is_not_in_profile_is_a_conflict(client: Client, plain: Path) -> None:
    text = ENABLED[: ENABLED.index("schema:")] + f"schema: {NAME}\n" + ENABLED[ENABLED.index("dataset:") :]
    step = the_step(plan_text(client, plain, text), "conflict")
    assert (step.kind, step.reason.partition(":")[0]) == ("dataset", "its schema is not in Profile")
    other = text.replace(NAME, "Other", 1).replace("Products,", "Others,", 1)
    plan = plan_text(client, plain, SCHEMA_ONLY, other)
    assert plan.conflicts == ()
    assert actions(plan)["profile enablement"] == "create"


def test_the_schema_of_another_project_is_not_enabled_for_profile(client: Client, tmp_path: Path) -> None:
    write_files(tmp_path, project="version: 1\nproject: finance\n")
    apply(client, plan_text(client, tmp_path, PLAIN), owner="sales")
    step = the_step(plan_text(client, tmp_path, SCHEMA_ONLY), "conflict")
    assert (step.kind, step.reason) == (
        "profile enablement",
        "its mark names the owner 'sales': change it there, or take it over",
    )


def test_a_schema_is_enabled_for_profile_once(client: Client, emulator: Emulator, plain: Path) -> None:
    (schema,) = emulator.objects("schemas")
    desired = SchemaProfile(name=NAME, schema_id=schema["$id"])
    first, second = ensure(client, desired), ensure(client, desired)
    assert (first.created, second.created) == (True, False)
    assert first.existing.id == second.existing.id == schema["$id"]
    assert tags(emulator)[0] == ["union"]


@pytest.mark.parametrize("fault", [{}, {"lose": True}, {"before": True}], ids=["412", "lost", "not sent"])
def test_a_schema_is_enabled_despite_another_change_or_a_lost_answer(
    client: Client,
    make_client: Callable[..., Client],
    proxy: FaultProxy,
    emulator: Emulator,
    plain: Path,
    fault: dict[str, Any],
) -> None:
    (schema,) = emulator.objects("schemas")
    path = f"{SCHEMA.path}/{quote(schema['$id'], safe='')}"
    match = {"If-Match": schema["meta:registryMetadata"]["eTag"]}
    described = [{"op": "add", "path": "/description", "value": "by hand"}]
    proxy.fault(
        "PATCH", SCHEMA.path, first=lambda: client.request("PATCH", path, body=described, headers=match), **fault
    )
    ensure(make_client(proxy.url), SchemaProfile(name=NAME, schema_id=schema["$id"]))
    (schema,) = emulator.objects("schemas")
    assert (schema["meta:immutableTags"], schema["description"]) == (["union"], "by hand")


# ---- files and exports ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "dataset", "problem"),
    [
        (
            "{profile: true}",
            "{}",
            "11:19: schema.profile: a schema in Profile requires an `identity` with `primary: true`",
        ),
        (
            f"{{{IDENTITY.replace('true', 'false')}, profile: true}}",
            "{}",
            "schema.profile: a schema in Profile requires",
        ),
        (
            "{}",
            "{profile: true}",
            "12:20: dataset.profile: its schema must be in Profile too: write `schema.profile: true`",
        ),
        (
            "Payments",
            "{profile: true, tags: {unifiedProfile: ['enabled:true']}}",
            "12:49: dataset.tags.unifiedProfile: leave it out with `profile`",
        ),
        ("{profile: 1}", "{}", "11:19: schema.profile: it must be true or false"),
    ],
)
def test_profile_without_its_requirements_is_refused_while_files_are_read(
    tmp_path: Path, schema: str, dataset: str, problem: str
) -> None:
    text = f"{TEN_LINES}schema: {schema}\ndataset: {dataset}\n"
    assert any(problem in found for found in problems_of(write_files(tmp_path, f=text)))


def test_a_schema_with_an_identity_map_needs_no_primary_identity(client: Client, tmp_path: Path) -> None:
    groups = "field_groups: ['https://ns.adobe.com/xdm/context/identitymap']"
    text = f"{TEN_LINES}schema: {{{groups}, profile: true}}\n"
    apply(client, plan_text(client, tmp_path, text))
    assert not_done(plan_text(client, tmp_path, text)) == {}
    assert "  profile: true\n" in export_to(tmp_path / "exported", client)
    assert not_done(plan_of(client, tmp_path / "exported")) == {}


def test_an_export_contains_profile_and_plans_as_unchanged(client: Client, enabled: Path) -> None:
    text = export_to(enabled / "exported", client)
    assert "    primary: true\n  profile: true\ndataset:\n  name: Products\n  profile: true\n" in text
    assert not_done(plan_of(client, enabled / "exported")) == {}


def test_an_export_leaves_out_profile_if_the_identity_is_left_out(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    describe(client, emulator, "/_id", **{"xdm:namespace": "4", "xdm:property": "xdm:id", "xdm:isPrimary": True})
    (schema,) = emulator.objects("schemas")
    ensure(client, SchemaProfile(name=NAME, schema_id=schema["$id"]))
    text = export_to(tmp_path / "exported", client)
    assert "profile" not in text[text.index("version:") :]
    assert "# `profile: true` is left out, because its schema has no primary identity to write\n" in text
    assert not_done(plan_of(client, tmp_path / "exported")) == {}


def test_a_schema_just_enabled_by_another_writer_gets_no_second_tag(
    client: Client, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator, plain: Path
) -> None:
    (schema,) = emulator.objects("schemas")
    desired = SchemaProfile(name=schema["title"], schema_id=schema["$id"])
    proxy.fault("GET", "/tenant/schemas/", times=2)  # looked up, and once more before it is written
    proxy.fault("GET", "/tenant/schemas/", first=lambda: ensure(client, desired))
    ensure(make_client(proxy.url), desired)
    assert tags(emulator)[0] == ["union"]
