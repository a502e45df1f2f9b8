"""The objects of a verification: how many are made, and that each of them is removed, however it was made."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schema_registry import FieldGroup
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import OWNER, max_objects
from airflow_provider_payments.aep.verification.objects import REQUESTS_PER_DELETION, Objects
from airflow_provider_payments.aep.verification.probe import LimitReachedError, Probe, RequestBudget
from tests.aep.verification.interruptions import left
from tests.conftest import Emulator


@pytest.fixture
def objects(client: Client) -> Objects:
    return Objects(Probe(client, RequestBudget(client, 400)), None, 1)


def body(objects: Objects) -> dict[str, Any]:
    """A dataset, as a creation sends it."""
    reference = {"id": objects.first_id("schema"), "contentType": "application/vnd.adobe.xed+json;version=1"}
    return {"name": "payments verify raw", "schemaRef": reference}


def test_no_more_objects_of_a_kind_are_made_than_are_announced(emulator: Emulator, objects: Objects) -> None:
    most = max_objects("field_group", 1)
    for number in range(most):
        objects.create("field_group", f"payments verify {number}")
    with pytest.raises(LimitReachedError, match="the number of field groups that may be created is reached"):
        objects.create("field_group", "payments verify one more")
    assert len(left(emulator)["fieldgroups"]) == most
    objects.remove_all()
    assert left(emulator) == {}


def test_what_others_have_made_stays_though_its_mark_names_the_same_owner(
    client: Client, emulator: Emulator, objects: Objects
) -> None:
    # As a DAG marks it that is called payments-verify.
    FieldGroup(name="Payments", fields={"id": "string"}).ready(client).create(client, Writer(OWNER).mark())
    objects.create("field_group")
    objects.created.clear()
    objects.remove_leftovers()
    assert [item["title"] for item in emulator.objects("fieldgroups")] == ["Payments"]


def test_a_refused_creation_does_not_count(emulator: Emulator, objects: Objects) -> None:
    emulator.fail("status", method="POST", path="*/dataSets", status=400, times=20)
    for _ in range(20):
        answer, created = objects.post("dataset", body(objects))
        assert (answer.status, created) == (400, None)
    assert objects.create("dataset").id
    objects.remove_all()
    assert left(emulator) == {}


def test_what_a_creation_in_ones_own_words_has_made_is_removed(emulator: Emulator, objects: Objects) -> None:
    answer, created = objects.post("dataset", body(objects))
    (dataset,) = left(emulator)["dataSets"]
    assert created is not None
    assert (answer.status, created.id) == (201, dataset["id"])
    objects.remove_all()
    assert left(emulator) == {}


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "apply_then_drop"},
        {"action": "apply_then_status", "status": 503},
        {"action": "apply_then_status", "status": 201, "body": {}},
    ],
    ids=["no answer", "503", "without an id"],
)
def test_an_object_whose_creation_was_not_answered_is_found_and_no_other_tried(
    emulator: Emulator, objects: Objects, fault: dict[str, Any]
) -> None:
    dataset = body(objects)
    emulator.fail(**{"method": "POST", "path": "*/dataSets", **fault})
    with suppress(NotTriedError):
        assert objects.post("dataset", dataset)[1] is None
    assert [created.name for created in objects.of_kind("dataset")] == ["payments verify raw"]
    with pytest.raises(NotTriedError, match="the creation of a dataset was not answered"):
        objects.create("dataset")
    objects.remove_all()
    assert left(emulator) == {}


def test_what_must_be_deleted_is_deleted_whatever_its_neighbours_do(emulator: Emulator, objects: Objects) -> None:
    objects.first_id("target_connection")
    emulator.fail("status", method="DELETE", path="*/targetConnections/*", status=503, times=None)
    objects.remove_all()
    assert objects.left == ["target_connection"]
    assert list(left(emulator)) == ["targetConnections"]


def test_what_is_refused_as_long_as_a_reference_settles_is_deleted_then(emulator: Emulator, objects: Objects) -> None:
    objects.first_id("target_connection")
    emulator.fail("status", method="DELETE", path="*/targetConnections/*", status=400, body={"title": "In use"})
    objects.remove_all()
    assert objects.left == []
    assert left(emulator) == {}


def test_what_others_refer_to_can_be_read(emulator: Emulator, objects: Objects) -> None:
    emulator.behave(lags={"field_group": {"readable": 20}, "schema": {"readable": 20}})
    assert objects.first_id("dataset")
    assert {kind for kind in ("field_group", "schema") if not objects.is_readable(objects.of_kind(kind)[0])} == set()


def test_an_object_reserves_requests_until_it_is_deleted(objects: Objects) -> None:
    created = objects.create("field_group")
    assert objects.probe.budget.reserve == REQUESTS_PER_DELETION
    assert objects.delete(created)
    assert (objects.probe.budget.reserve, objects.created) == (0, [])
