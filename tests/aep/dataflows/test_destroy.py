"""Destroy: the objects that are deleted or kept, also after faults and concurrent changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.destroy import execute_destroy
from airflow_provider_payments.aep.errors import InvalidInputError, ReadOnlyError, RequestError
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.switches import rewrite_mark
from tests.aep.dataflows.applying import LOST_ANSWERS, apply, plan_of
from tests.aep.dataflows.destroying import (
    NAME,
    PLANS,
    applied,
    deletions,
    destroy,
    existing_ids,
    kinds,
    planned_destroy,
    reasons,
)
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.aep.dataflows.killed_process import Killed, credential_killed_before
from tests.conftest import Emulator

MANUAL = Path(__file__).parents[3] / "airflow_provider_payments" / "docs" / "destroy.md"
FLOW_SERVICE = "/data/foundation/flowservice"
FLOW = ["dataflow", "target connection", "source connection"]
NEVER = {
    kind: f"a {kind} is never deleted: others may use it"
    for kind in ("base connection", "field group", "mapping set", "schema")
}
DATASET_KEPT = "a dataset is deleted only with `--datasets`, and only without a batch"


@pytest.fixture
def folder(client: Client, tmp_path: Path) -> Path:
    """A project with one applied definition."""
    return applied(client, tmp_path, products=TEN_LINES)


# ---- deleted objects -----------------------------------------------------------------------------------------------


def test_a_chain_is_deleted_users_first_and_other_objects_are_kept(
    folder: Path, client: Client, emulator: Emulator
) -> None:
    planned = planned_destroy(client, folder)
    assert (kinds(planned), reasons(planned)) == (FLOW, NEVER | {"dataset": DATASET_KEPT})
    assert deletions(emulator) == []
    done = execute_destroy(client, planned)
    assert [each.outcome for each in done.to_delete] == ["deleted"] * 3
    assert deletions(emulator) == ["flows", "targetConnections", "sourceConnections"]
    assert existing_ids(emulator) == existing_ids(emulator, "dataSets")


def test_a_dataflow_is_disabled_before_it_is_deleted(folder: Path, client: Client, emulator: Emulator) -> None:
    before = len(emulator.requests())
    destroy(client, folder)
    writes = [r for r in emulator.requests()[before:] if r["method"] != "GET" and "/flows/" in r["path"]]
    assert [(r["method"], r["path"].rpartition("/")[2] == "action") for r in writes] == [
        ("POST", True),
        ("DELETE", False),
    ]


def test_with_datasets_an_empty_dataset_is_deleted_last(folder: Path, client: Client, emulator: Emulator) -> None:
    assert kinds(planned_destroy(client, folder, datasets=True)) == [*FLOW, "dataset"]
    destroy(client, folder, datasets=True)
    assert existing_ids(emulator) == set()


def test_a_dataset_with_a_batch_is_kept_even_with_datasets(folder: Path, client: Client, emulator: Emulator) -> None:
    emulator.advance(86400)
    planned = planned_destroy(client, folder, datasets=True)
    assert reasons(planned)["dataset"] in {f"it holds rows: batch {b['id']}" for b in emulator.objects("batches")}
    execute_destroy(client, planned)
    assert len(existing_ids(emulator, "dataSets")) == 1


def test_rows_that_an_apply_would_ingest_again_are_noted(folder: Path, client: Client, emulator: Emulator) -> None:
    assert planned_destroy(client, folder).notes == ()
    emulator.advance(86400)
    (note,) = planned_destroy(client, folder).notes
    assert note.startswith(f"dataset {NAME!r} keeps its rows: an apply of {NAME!r} ingests them again")
    destroy(client, folder)
    # No dataflow is left to delete.
    assert planned_destroy(client, folder).notes == ()


def test_only_the_selected_definition_is_destroyed(client: Client, tmp_path: Path, emulator: Emulator) -> None:
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    done = destroy(client, folder, only=[NAME], datasets=True)
    assert {each.name for each in done.to_delete} == {NAME, f"{NAME} - source", f"{NAME} - target"}
    assert [flow["name"] for flow in emulator.objects("flows")] == ["Billing plans"]
    assert len(existing_ids(emulator)) == 4


def test_a_dataflow_with_a_previous_name_is_deleted(folder: Path, client: Client, emulator: Emulator) -> None:
    renamed = TEN_LINES.replace(NAME, "Products") + f"previous_names: [{NAME}]\n"
    write_files(folder, products=renamed)
    destroy(client, folder, datasets=True)
    assert existing_ids(emulator) == set()


def test_a_draft_is_deleted(folder: Path, client: Client, emulator: Emulator) -> None:
    (flow,) = emulator.objects("flows")
    client.request("DELETE", f"{FLOW_SERVICE}/flows/{flow['id']}")
    members = ("name", "description", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations")
    body = {name: flow[name] for name in members}
    client.request("POST", f"{FLOW_SERVICE}/flows", params={"mode": "draft"}, body=body)
    destroy(client, folder)
    assert emulator.objects("flows") == []


# ---- kept objects --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["sales", "none"])
def test_objects_without_the_projects_mark_are_kept(
    owner: str, make_client: Callable[..., Client], client: Client, tmp_path: Path, emulator: Emulator
) -> None:
    folder = applied(make_client(marks=owner != "none"), tmp_path, owner=owner, products=TEN_LINES)
    planned = planned_destroy(client, folder, datasets=True)
    foreign = {
        "sales": "its mark names the owner 'sales'",
        "none": "it has no mark, so it may belong to another user",
    }
    assert reasons(planned) == NEVER | dict.fromkeys([*FLOW, "dataset"], foreign[owner])
    execute_destroy(client, planned)
    assert deletions(emulator) == []


def test_objects_that_another_dataflow_uses_are_kept(folder: Path, client: Client, emulator: Emulator) -> None:
    (flow,) = emulator.objects("flows")
    members = ("flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations")
    schedule = {"startTime": 4102444800, "frequency": "week", "interval": 1}
    body = {name: flow[name] for name in members} | {"name": "theirs", "scheduleParams": schedule}
    theirs = client.request("POST", f"{FLOW_SERVICE}/flows", body=body).body["id"]
    planned = planned_destroy(client, folder, datasets=True)
    assert kinds(planned) == ["dataflow"]
    assert reasons(planned)["source connection"] == f"flows {theirs} refers to it"
    assert reasons(planned)["target connection"] == f"flows {theirs} refers to it"
    assert reasons(planned)["dataset"].startswith("targetConnections ")
    execute_destroy(client, planned)
    assert [item["name"] for item in emulator.objects("flows")] == ["theirs"]
    assert len(existing_ids(emulator)) == 4


def test_a_dataset_that_another_definition_names_is_kept(folder: Path, client: Client, emulator: Emulator) -> None:
    # The other definition is not applied, so no object in the sandbox refers to the dataset.
    write_files(folder, plans=PLANS + f"dataset: {NAME}\n")
    planned = planned_destroy(client, folder, only=[NAME], datasets=True)
    assert reasons(planned)["dataset"] == "definition 'Billing plans' uses it"
    execute_destroy(client, planned)
    assert len(existing_ids(emulator, "dataSets")) == 1


def test_an_unreadable_dataflow_counts_as_a_user(folder: Path, client: Client, emulator: Emulator) -> None:
    listed = client.get(f"{FLOW_SERVICE}/flows")["items"]
    odd = {"id": "odd", "name": "odd", "sourceConnectionIds": {"x": 1}, "targetConnectionIds": 5}
    answer = {"items": [*listed, odd]}
    emulator.fail("status", method="GET", path=f"*{FLOW_SERVICE}/flows", times=1, status=200, body=answer)
    planned = planned_destroy(client, folder, datasets=True)
    assert kinds(planned) == ["dataflow"]
    for kind, member in (("source connection", "sourceConnectionIds"), ("target connection", "targetConnectionIds")):
        assert reasons(planned)[kind].startswith(f"flows odd cannot be read: its {member} is ")


# ---- refused destroys ----------------------------------------------------------------------------------------------


def test_a_destroy_without_marks_is_refused(folder: Path, make_client: Callable[..., Client]) -> None:
    with pytest.raises(InvalidInputError, match="marks=False is not allowed: a destroy recognises"):
        planned_destroy(make_client(marks=False), folder)


def test_without_a_project_file_the_error_names_the_lines_to_write(client: Client, tmp_path: Path) -> None:
    write_files(tmp_path, products=TEN_LINES)
    with pytest.raises(InvalidInputError, match="with the lines `version: 1` and `project: NAME`"):
        planned_destroy(client, tmp_path)


def test_a_read_only_connection_is_refused_before_any_request(
    folder: Path, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(read_only=True)
    planned = planned_destroy(client, folder)
    before = len(emulator.requests())
    with pytest.raises(ReadOnlyError):
        execute_destroy(client, planned)
    assert len(emulator.requests()) == before


# ---- faults and concurrent changes ---------------------------------------------------------------------------------


def test_an_object_taken_over_after_the_plan_is_kept(folder: Path, client: Client, emulator: Emulator) -> None:
    planned = planned_destroy(client, folder)
    (source,) = SOURCE_CONNECTION.list_all(client)
    rewrite_mark(client, SOURCE_CONNECTION, source, Writer("sales").mark())
    done = execute_destroy(client, planned)
    (kept,) = done.failed
    assert (kept.kind, kept.reason) == (SOURCE_CONNECTION, "its mark names another owner or run by now")
    assert existing_ids(emulator, "sourceConnections") == {source.id}


def test_an_object_with_a_user_since_the_plan_is_kept(folder: Path, client: Client, emulator: Emulator) -> None:
    planned = planned_destroy(client, folder, datasets=True)
    (target,) = emulator.objects("targetConnections")
    members = ("name", "data", "params", "connectionSpec")
    body = {name: target[name] for name in members}
    theirs = client.request("POST", f"{FLOW_SERVICE}/targetConnections", body=body).body["id"]
    (kept,) = execute_destroy(client, planned).failed
    assert (kept.kind.name, kept.reason) == ("dataset", f"targetConnections {theirs} refers to it")


def test_a_repeat_deletes_nothing_more(folder: Path, client: Client, emulator: Emulator) -> None:
    destroy(client, folder, datasets=True)
    sent = deletions(emulator)
    again = planned_destroy(client, folder, datasets=True)
    assert again.to_delete == ()
    execute_destroy(client, again)
    assert deletions(emulator) == sent


def test_an_object_deleted_by_another_client_is_no_failure(folder: Path, client: Client) -> None:
    planned = planned_destroy(client, folder)
    execute_destroy(client, planned)
    again = execute_destroy(client, planned)
    assert [each.outcome for each in again.to_delete] == ["gone"] * 3
    assert again.failed == ()


FAULTS = LOST_ANSWERS | {"429": {"action": "status", "status": 429}}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_destroy_succeeds_despite_faults_and_lost_answers(
    fault: dict[str, Any], folder: Path, client: Client, emulator: Emulator
) -> None:
    for path in ("flows", "targetConnections", "sourceConnections", "dataSets"):
        emulator.fail(method="DELETE", path=f"*/{path}/*", **fault)
        emulator.fail(method="GET", path=f"*/{path}", nth=2, **fault)
    emulator.fail(method="POST", path="*/action", **fault)
    assert destroy(client, folder, datasets=True).failed == ()
    assert existing_ids(emulator) == set()


@pytest.mark.parametrize("renamed", [False, True])
def test_a_destroy_killed_before_any_request_is_finished_by_the_next(
    renamed: bool,
    client: Client,
    make_client: Callable[..., Client],
    credential: Callable[..., ClientCredentials],
    emulator: Emulator,
    tmp_path: Path,
) -> None:
    killed = 0
    for number in range(1, 60):
        emulator.reset()
        folder = applied(client, tmp_path, products=TEN_LINES)
        if renamed:
            rename_connections(client, emulator)
        dying = make_client(credential=credential_killed_before(credential(), number))
        try:
            destroy(dying, folder, datasets=True)
        except Killed:
            killed += 1
        else:
            break
        assert destroy(client, folder, datasets=True).failed == ()
        assert existing_ids(emulator) == set()
    assert killed > 15
    assert existing_ids(emulator) == set()


def test_leftovers_are_deleted_although_another_definition_reads_the_same_data(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    again = TEN_LINES.replace(NAME, "Again")
    folder = applied(client, tmp_path, products=TEN_LINES, again=again)
    rename_connections(client, emulator)
    (flow,) = (flow for flow in emulator.objects("flows") if flow["name"] == NAME)
    client.request("DELETE", f"{FLOW_SERVICE}/flows/{flow['id']}")
    assert kinds(destroy(client, folder, only=[NAME], datasets=True)) == [*FLOW[1:], "dataset"]
    assert plan_of(client, folder, only=["Again"]).is_empty


def rename_connections(client: Client, emulator: Emulator) -> None:
    """Give the connections names that no definition uses."""
    for collection in ("sourceConnections", "targetConnections"):
        for item in emulator.objects(collection):
            operations = [{"op": "add", "path": "/name", "value": "Connection"}]
            headers = {"If-Match": item["etag"]}
            path = f"{FLOW_SERVICE}/{collection}/{item['id']}"
            client.request("PATCH", path, body=operations, headers=headers)


def test_a_destroy_that_fails_in_the_middle_is_finished_by_the_next(
    folder: Path, client: Client, emulator: Emulator
) -> None:
    emulator.fail("status", method="DELETE", path="*/targetConnections/*", status=500, times=20)
    seen: list[str] = []
    with pytest.raises(RequestError):
        execute_destroy(client, planned_destroy(client, folder), lambda removal: seen.append(removal.kind.name))
    assert seen == ["dataflow"]
    emulator.control("DELETE", "faults")
    assert kinds(destroy(client, folder)) == ["target connection", "source connection"]


@pytest.mark.parametrize(("data", "requests"), [(False, 9), (True, 13)])
def test_a_chain_takes_the_number_of_requests_of_the_manual(
    data: bool, requests: int, folder: Path, client: Client, emulator: Emulator
) -> None:
    planned = planned_destroy(client, folder, datasets=data)
    before = len(emulator.requests())
    execute_destroy(client, planned)
    assert len(emulator.requests()) - before == requests
    assert f"{requests} requests" in MANUAL.read_text()


# ---- orphans -------------------------------------------------------------------------------------------------------


def test_orphans_are_objects_that_no_definition_reaches(client: Client, tmp_path: Path, emulator: Emulator) -> None:
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    (folder / "plans.yaml").unlink()
    planned = planned_destroy(client, folder, orphans=True)
    assert [each.name for each in planned.to_delete] == [
        "Billing plans",
        "Billing plans - target",
        "Billing plans - source",
    ]
    assert planned.definitions == ()
    execute_destroy(client, planned)
    assert [flow["name"] for flow in emulator.objects("flows")] == [NAME]
    assert kinds(planned_destroy(client, folder, orphans=True, datasets=True)) == ["dataset"]


def test_orphans_of_other_projects_are_not_listed(client: Client, tmp_path: Path) -> None:
    folder = applied(client, tmp_path, owner="sales", products=TEN_LINES, plans=PLANS)
    (folder / "plans.yaml").unlink()
    assert planned_destroy(client, folder, orphans=True).removals == ()


def test_orphans_require_all_definitions(client: Client, tmp_path: Path) -> None:
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    with pytest.raises(InvalidInputError, match="finding orphans requires all definitions"):
        planned_destroy(client, folder, orphans=True, only=[NAME])


# ---- digest and JSON form ------------------------------------------------------------------------------------------


def test_the_digest_depends_on_the_objects_to_delete(folder: Path, client: Client) -> None:
    first = planned_destroy(client, folder)
    assert first.digest == planned_destroy(client, folder).digest
    assert first.digest != planned_destroy(client, folder, datasets=True).digest
    execute_destroy(client, first)
    assert first.digest != planned_destroy(client, folder).digest


def test_a_destroy_is_plain_json(folder: Path, client: Client) -> None:
    result = destroy(client, folder).to_json()
    assert json.loads(json.dumps(result)) == result
    assert (result["format"], result["project"], result["definitions"]) == (1, "finance", [NAME])
    first = result["removals"][0]
    assert {key: first[key] for key in ("action", "kind", "name", "definitions", "reason", "outcome")} == {
        "action": "delete",
        "kind": "dataflow",
        "name": NAME,
        "definitions": [NAME],
        "reason": "",
        "outcome": "deleted",
    }


def test_an_apply_after_a_destroy_creates_the_chain_again(folder: Path, client: Client, emulator: Emulator) -> None:
    destroy(client, folder, datasets=True)
    apply(client, plan_of(client, folder), owner="finance")
    assert plan_of(client, folder).is_empty
    assert len(existing_ids(emulator)) == 4
