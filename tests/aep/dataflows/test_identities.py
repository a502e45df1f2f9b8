"""The identity of a schema: planning, creation and export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.api.patience import ReadLagError
from airflow_provider_payments.aep.dataflows.drift import drifted
from airflow_provider_payments.aep.dataflows.export import export_dataflows
from airflow_provider_payments.aep.dataflows.plan import Plan
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import ConflictError
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.identity import Identity
from tests.aep.chain import Chain
from tests.aep.dataflows.applying import apply, not_done, plan_of, plan_text, the_step
from tests.aep.dataflows.files import TEN_LINES, problems_of, write_files
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

DESCRIPTORS = "/data/foundation/schemaregistry/tenant/descriptors"
IDENTITY = "identity: {field: product.name, namespace: Email, primary: true}"
IDENTIFIED = f"{TEN_LINES}schema:\n  {IDENTITY}\n"


@pytest.fixture
def applied(client: Client, tmp_path: Path) -> Path:
    """A folder with an applied definition that has an identity."""
    apply(client, plan_text(client, tmp_path, IDENTIFIED))
    return tmp_path


def descriptors(client: Client) -> list[dict[str, Any]]:
    answer = client.get(DESCRIPTORS, headers={"Accept": "application/vnd.adobe.xdm-v2+json"})
    return list(answer["results"])


def describe(client: Client, emulator: Emulator, field: str, **how: Any) -> None:
    """Create an identity by a plain request."""
    (schema,) = emulator.objects("schemas")
    body = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema["$id"],
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": field,
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        **how,
    }
    client.request("POST", DESCRIPTORS, body=body)


def export_to(folder: Path, client: Client) -> str:
    export = export_dataflows(Snapshot(client), (), manage_schema=True)
    assert export.refused == []
    ((name, text),) = export.files.items()
    write_files(folder, **{name.removesuffix(".yaml"): text})
    return text


def conflict_text(plan: Plan) -> str:
    step = the_step(plan, "conflict")
    assert step.kind == "identity"
    return "; ".join([*map(str, step.changes), step.reason])


def test_an_identity_is_created_after_its_schema_and_then_unchanged(
    client: Client, emulator: Emulator, applied: Path
) -> None:
    (descriptor,) = descriptors(client)
    (schema,) = emulator.objects("schemas")
    assert descriptor["xdm:sourceSchema"] == schema["$id"]
    path = descriptor["xdm:sourceProperty"]
    assert path.startswith("/_")
    assert path.endswith("/product/name")
    assert (descriptor["xdm:namespace"], descriptor["xdm:isPrimary"]) == ("Email", True)
    assert not_done(plan_text(client, applied, IDENTIFIED)) == {}
    assert not_done(plan_text(client, applied, IDENTIFIED.replace(", primary: true", ""))) == {}


def test_an_identity_added_to_a_file_is_planned_as_new(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    plan = plan_text(client, tmp_path, IDENTIFIED)
    assert not_done(plan) == {"identity": "create"}
    assert the_step(plan, "create").name == "product.name of PayPal catalog products"
    apply(client, plan)
    assert not_done(plan_text(client, tmp_path, IDENTIFIED)) == {}


@pytest.mark.parametrize("field", ["_id", "xdm:person.name.firstName"])
def test_a_standard_field_is_written_in_the_form_of_mappings(client: Client, tmp_path: Path, field: str) -> None:
    groups = "field_groups: ['https://ns.adobe.com/xdm/context/profile-person-details']"
    text = f"{TEN_LINES}schema:\n  {groups}\n  {IDENTITY.replace('product.name', field)}\n"
    apply(client, plan_text(client, tmp_path, text))
    (descriptor,) = descriptors(client)
    assert descriptor["xdm:sourceProperty"] == "/" + field.removeprefix("xdm:").replace(".", "/")
    assert not_done(plan_text(client, tmp_path, text)) == {}
    export_to(tmp_path / "exported", client)
    assert not_done(plan_of(client, tmp_path / "exported")) == {}


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        (
            "Email",
            "Phone",
            "namespace: desired 'Phone', actual 'Email'; Profiles may depend on an identity, so it is",
        ),
        ("primary: true", "primary: false", "primary: desired False, actual True; Profiles may depend"),
        (
            "field: product.name",
            "field: product.type",
            "A schema has one primary identity: use its field",
        ),
    ],
)
def test_an_identity_that_differs_is_a_conflict(client: Client, applied: Path, was: str, now: str, reason: str) -> None:
    plan = plan_text(client, applied, IDENTIFIED.replace(was, now))
    assert reason in conflict_text(plan)
    assert drifted(plan) == ["PayPal catalog products"]
    assert drifted(plan, ["schema"]) == []


def test_descriptors_are_listed_once_and_only_for_definitions_with_an_identity(
    client: Client, emulator: Emulator, applied: Path
) -> None:
    def list_requests() -> int:
        return sum(request["path"] == DESCRIPTORS for request in emulator.requests())

    other = IDENTIFIED.replace("PayPal catalog products", "Other")
    apply(client, plan_text(client, applied, IDENTIFIED, other))
    before = list_requests()
    plan_text(client, applied, TEN_LINES, TEN_LINES.replace("PayPal catalog products", "Other"))
    assert list_requests() == before
    assert not_done(plan_text(client, applied, IDENTIFIED, other)) == {}
    assert list_requests() == before + 1


def test_the_schema_of_another_project_gets_no_identity(client: Client, tmp_path: Path) -> None:
    write_files(tmp_path, project="version: 1\nproject: finance\n")
    apply(client, plan_text(client, tmp_path, TEN_LINES), owner="sales")
    assert (
        conflict_text(plan_text(client, tmp_path, IDENTIFIED))
        == "its mark names the owner 'sales': change it there, or take it over"
    )


def test_a_path_in_the_form_of_older_documents_is_equal(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    describe(client, emulator, "/xdm:_id")
    assert not_done(plan_text(client, tmp_path, IDENTIFIED.replace("product.name, n", "_id, n"))) == {
        "identity": "conflict"
    }
    assert (
        not_done(plan_text(client, tmp_path, f"{TEN_LINES}schema: {{identity: {{field: _id, namespace: Email}}}}"))
        == {}
    )


def test_an_export_contains_the_primary_identity_and_plans_as_unchanged(
    client: Client, emulator: Emulator, applied: Path
) -> None:
    describe(client, emulator, "/_id")
    text = export_to(applied / "exported", client)
    assert "  identity:\n    field: product.name\n    namespace: Email\n    primary: true\n" in text
    assert text.startswith("# its schema has several identities; a definition contains only one of them\n")
    assert not_done(plan_of(client, applied / "exported")) == {}


def test_an_export_leaves_out_an_identity_whose_namespace_has_no_code(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    describe(client, emulator, "/_id", **{"xdm:namespace": "4", "xdm:property": "xdm:id"})
    text = export_to(tmp_path / "exported", client)
    assert "identity:" not in text
    assert text.startswith("# the identity of its schema is left out, because its namespace has no code\n")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("{identity: {namespace: Email}}", "f.yaml:11:20: schema.identity.field: it must be given"),
        ("{identity: _id}", "f.yaml:11:20: schema.identity: it must be an object with `field` and `namespace`"),
        (
            "{identity: {field: product.nam, namespace: Email}}",
            "f.yaml:11:28: schema.identity.field: 'product.nam' is neither mapped nor among schema.fields; did",
        ),
        (
            "{fields: {product: {type: object}, x: string}, identity: {field: y, namespace: Email}}",
            "f.yaml:11:74: schema.identity.field: 'y' is not among schema.fields",
        ),
    ],
)
def test_a_wrong_identity_is_refused_with_its_place(tmp_path: Path, schema: str, problem: str) -> None:
    found = problems_of(write_files(tmp_path, f=f"{TEN_LINES}schema: {schema}\n"))
    assert [each[: len(problem)] for each in found] == [problem]


@pytest.mark.parametrize("fault", [{"lose": True}, {"before": True}, {"status": 503}], ids=["lost", "not sent", "503"])
def test_an_identity_is_created_once_although_the_answer_was_lost(
    client: Client,
    make_client: Callable[..., Client],
    proxy: FaultProxy,
    emulator: Emulator,
    applied: Path,
    fault: dict[str, Any],
) -> None:
    (schema,) = emulator.objects("schemas")
    proxy.fault("POST", "/descriptors", **fault)
    ensure(make_client(proxy.url), Identity(name="/_id", schema_id=schema["$id"], namespace="Email"))
    assert [each["xdm:sourceProperty"] for each in descriptors(client)].count("/_id") == 1


def test_a_second_primary_identity_is_refused_before_it_is_sent(
    client: Client, emulator: Emulator, applied: Path
) -> None:
    (schema,) = emulator.objects("schemas")
    desired = Identity(name="/_id", schema_id=schema["$id"], namespace="Email", primary=True)
    with pytest.raises(ConflictError, match="A schema has one primary identity"):
        ensure(client, desired)
    assert len(descriptors(client)) == 1
    created = ensure(client, Identity(name="/_id", schema_id=schema["$id"], namespace="Email"))
    again = ensure(client, Identity(name="/_id", schema_id=schema["$id"], namespace="Email"))
    assert (created.created, again.created, again.existing.id) == (True, False, created.existing.id)


@pytest.fixture
def hidden(client: Client, emulator: Emulator) -> Identity:
    """A schema's primary identity from another writer, which is not listed for nine seconds."""
    schema = Chain(client).schema_id
    emulator.fail("list_lag", method="POST", path="*/descriptors", seconds=9)
    desired = Identity(name="/_id", schema_id=schema, namespace="Email", primary=True)
    assert ensure(client, desired).created
    return desired


def test_another_writers_primary_identity_is_adopted_once_it_is_listed(
    client: Client, hidden: Identity, naps: list[float]
) -> None:
    naps.clear()
    assert not ensure(client, hidden).created
    assert 9 <= sum(naps) <= 20
    assert len(descriptors(client)) == 1


def test_an_unlisted_primary_identity_of_another_field_is_a_conflict(client: Client, hidden: Identity) -> None:
    with pytest.raises(ConflictError, match="A schema has one primary identity"):
        ensure(client, attrs.evolve(hidden, name="/_emulator/product/name"))


def test_a_primary_identity_that_is_never_listed_is_a_retryable_error(
    make_client: Callable[..., Client], proxy: FaultProxy, hidden: Identity, naps: list[float]
) -> None:
    proxy.fault("GET", "/descriptors", status=200, body=b'{"results": [], "_page": {"count": 0}}', times=99)
    naps.clear()
    with pytest.raises(ReadLagError, match=r"has a primary identity already.*does not find it yet"):
        ensure(make_client(proxy.url), hidden)
    assert sum(naps) <= 40
