"""Destroy: what goes, what stays and why, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.destroy import carry_out
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
    decided,
    deletions,
    destroy,
    kinds,
    reasons,
    there,
)
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.aep.dataflows.killing import Killed, mortal
from tests.conftest import Emulator

MANUAL = Path(__file__).parents[3] / "airflow_provider_payments" / "docs" / "destroy.md"
FLOW_SERVICE = "/data/foundation/flowservice"
FLOW = ["dataflow", "target connection", "source connection"]
NEVER = {
    kind: f"a {kind} is never deleted: others may use it"
    for kind in ("base connection", "field group", "mapping set", "schema")
}
DATASET_STAYS = "a dataset is deleted only with `--datasets`, and only without a batch"


@pytest.fixture
def folder(client: Client, tmp_path: Path) -> Path:
    """A project with one definition, applied."""
    return applied(client, tmp_path, products=TEN_LINES)


# ---- what goes -----------------------------------------------------------------------------------------------------


def test_a_chain_goes_users_first_and_the_rest_stays_with_reasons(
    folder: Path, client: Client, emulator: Emulator
) -> None:
    planned = decided(client, folder)
    assert (kinds(planned), reasons(planned)) == (FLOW, NEVER | {"dataset": DATASET_STAYS})
    assert deletions(emulator) == []
    done = carry_out(client, planned)
    assert [each.outcome for each in done.to_delete] == ["deleted"] * 3
    assert deletions(emulator) == ["flows", "targetConnections", "sourceConnections"]
    assert there(emulator) == there(emulator, "dataSets")


def test_a_dataflow_is_disabled_before_it_is_deleted(folder: Path, client: Client, emulator: Emulator) -> None:
    before = len(emulator.requests())
    destroy(client, folder)
    writes = [r for r in emulator.requests()[before:] if r["method"] != "GET" and "/flows/" in r["path"]]
    assert [(r["method"], r["path"].rpartition("/")[2] == "action") for r in writes] == [
        ("POST", True),
        ("DELETE", False),
    ]


def test_with_data_an_empty_dataset_goes_last(folder: Path, client: Client, emulator: Emulator) -> None:
    assert kinds(decided(client, folder, datasets=True)) == [*FLOW, "dataset"]
    destroy(client, folder, datasets=True)
    assert there(emulator) == set()


def test_a_dataset_with_a_batch_stays_even_with_data(folder: Path, client: Client, emulator: Emulator) -> None:
    emulator.advance(86400)
    planned = decided(client, folder, datasets=True)
    assert reasons(planned)["dataset"] in {f"it holds rows: batch {b['id']}" for b in emulator.objects("batches")}
    carry_out(client, planned)
    assert len(there(emulator, "dataSets")) == 1


def test_rows_that_an_apply_would_bring_in_once_more_are_noted(
    folder: Path, client: Client, emulator: Emulator
) -> None:
    assert decided(client, folder).notes == ()
    emulator.advance(86400)
    (note,) = decided(client, folder).notes
    assert note.startswith(f"dataset {NAME!r} keeps its rows: an apply of {NAME!r} brings them in once more")
    destroy(client, folder)
    # No dataflow goes any more.
    assert decided(client, folder).notes == ()


def test_only_the_named_definition_goes(client: Client, tmp_path: Path, emulator: Emulator) -> None:
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    done = destroy(client, folder, only=[NAME], datasets=True)
    assert {each.name for each in done.to_delete} == {NAME, f"{NAME} - source", f"{NAME} - target"}
    assert [flow["name"] for flow in emulator.objects("flows")] == ["Billing plans"]
    assert len(there(emulator)) == 4


def test_a_former_name_leads_to_the_dataflow_too(folder: Path, client: Client, emulator: Emulator) -> None:
    renamed = TEN_LINES.replace(NAME, "Products") + f"previous_names: [{NAME}]\n"
    write_files(folder, products=renamed)
    destroy(client, folder, datasets=True)
    assert there(emulator) == set()


def test_a_draft_goes(folder: Path, client: Client, emulator: Emulator) -> None:
    (flow,) = emulator.objects("flows")
    client.request("DELETE", f"{FLOW_SERVICE}/flows/{flow['id']}")
    members = ("name", "description", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations")
    body = {name: flow[name] for name in members}
    client.request("POST", f"{FLOW_SERVICE}/flows", params={"mode": "draft"}, body=body)
    destroy(client, folder)
    assert emulator.objects("flows") == []


# ---- what stays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["sales", "nobody"])
def test_what_is_not_the_projects_stays(
    owner: str, make_client: Callable[..., Client], client: Client, tmp_path: Path, emulator: Emulator
) -> None:
    folder = applied(make_client(marks=owner != "nobody"), tmp_path, owner=owner, products=TEN_LINES)
    planned = decided(client, folder, datasets=True)
    foreign = {
        "sales": "it belongs to 'sales', by its mark",
        "nobody": "nobody marked it, so it may be somebody else's",
    }
    assert reasons(planned) == NEVER | dict.fromkeys([*FLOW, "dataset"], foreign[owner])
    carry_out(client, planned)
    assert deletions(emulator) == []


def test_what_a_dataflow_of_others_uses_stays(folder: Path, client: Client, emulator: Emulator) -> None:
    (flow,) = emulator.objects("flows")
    members = ("flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations")
    schedule = {"startTime": 4102444800, "frequency": "week", "interval": 1}
    body = {name: flow[name] for name in members} | {"name": "theirs", "scheduleParams": schedule}
    theirs = client.request("POST", f"{FLOW_SERVICE}/flows", body=body).body["id"]
    planned = decided(client, folder, datasets=True)
    assert kinds(planned) == ["dataflow"]
    assert reasons(planned)["source connection"] == f"flows {theirs} refers to it"
    assert reasons(planned)["target connection"] == f"flows {theirs} refers to it"
    assert reasons(planned)["dataset"].startswith("targetConnections ")
    carry_out(client, planned)
    assert [item["name"] for item in emulator.objects("flows")] == ["theirs"]
    assert len(there(emulator)) == 4


def test_a_dataset_that_another_definition_names_stays(folder: Path, client: Client, emulator: Emulator) -> None:
    # It is not applied, so nothing in the sandbox refers to the dataset.
    write_files(folder, plans=PLANS + f"dataset: {NAME}\n")
    planned = decided(client, folder, only=[NAME], datasets=True)
    assert reasons(planned)["dataset"] == "definition 'Billing plans' uses it"
    carry_out(client, planned)
    assert len(there(emulator, "dataSets")) == 1


def test_what_cannot_be_read_may_refer_to_it(folder: Path, client: Client, emulator: Emulator) -> None:
    shown = client.get(f"{FLOW_SERVICE}/flows")["items"]
    odd = {"id": "odd", "name": "odd", "sourceConnectionIds": {"x": 1}, "targetConnectionIds": 5}
    answer = {"items": [*shown, odd]}
    emulator.fail("status", method="GET", path=f"*{FLOW_SERVICE}/flows", times=1, status=200, body=answer)
    planned = decided(client, folder, datasets=True)
    assert kinds(planned) == ["dataflow"]
    for kind, member in (("source connection", "sourceConnectionIds"), ("target connection", "targetConnectionIds")):
        assert reasons(planned)[kind].startswith(f"flows odd cannot be read: its {member} is ")


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_without_marks_it_refuses(folder: Path, make_client: Callable[..., Client]) -> None:
    with pytest.raises(InvalidInputError, match="marks=False is not allowed: a destroy finds"):
        decided(make_client(marks=False), folder)


def test_without_a_project_file_it_says_which_lines_to_write(client: Client, tmp_path: Path) -> None:
    write_files(tmp_path, products=TEN_LINES)
    with pytest.raises(InvalidInputError, match="with the lines `version: 1` and `project: NAME`"):
        decided(client, tmp_path)


def test_a_read_only_connection_is_refused_before_anything_is_sent(
    folder: Path, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(read_only=True)
    planned = decided(client, folder)
    before = len(emulator.requests())
    with pytest.raises(ReadOnlyError):
        carry_out(client, planned)
    assert len(emulator.requests()) == before


# ---- what happens in between ---------------------------------------------------------------------------------------


def test_what_was_taken_over_meanwhile_stays(folder: Path, client: Client, emulator: Emulator) -> None:
    planned = decided(client, folder)
    (source,) = SOURCE_CONNECTION.list_all(client)
    rewrite_mark(client, SOURCE_CONNECTION, source, Writer("sales").mark())
    done = carry_out(client, planned)
    (kept,) = done.failed
    assert (kept.kind, kept.reason) == (SOURCE_CONNECTION, "its mark names another owner or run by now")
    assert there(emulator, "sourceConnections") == {source.id}


def test_what_got_a_user_meanwhile_stays(folder: Path, client: Client, emulator: Emulator) -> None:
    planned = decided(client, folder, datasets=True)
    (target,) = emulator.objects("targetConnections")
    members = ("name", "data", "params", "connectionSpec")
    body = {name: target[name] for name in members}
    theirs = client.request("POST", f"{FLOW_SERVICE}/targetConnections", body=body).body["id"]
    (kept,) = carry_out(client, planned).failed
    assert (kept.kind.name, kept.reason) == ("dataset", f"targetConnections {theirs} refers to it")


def test_a_repeat_deletes_nothing_more(folder: Path, client: Client, emulator: Emulator) -> None:
    destroy(client, folder, datasets=True)
    asked = deletions(emulator)
    again = decided(client, folder, datasets=True)
    assert again.to_delete == ()
    carry_out(client, again)
    assert deletions(emulator) == asked


def test_what_is_gone_by_then_is_no_failure(folder: Path, client: Client) -> None:
    planned = decided(client, folder)
    carry_out(client, planned)
    again = carry_out(client, planned)
    assert [each.outcome for each in again.to_delete] == ["gone"] * 3
    assert again.failed == ()


FAULTS = LOST_ANSWERS | {"429": {"action": "status", "status": 429}}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_and_lost_answers_do_not_break_it(
    fault: dict[str, Any], folder: Path, client: Client, emulator: Emulator
) -> None:
    for path in ("flows", "targetConnections", "sourceConnections", "dataSets"):
        emulator.fail(method="DELETE", path=f"*/{path}/*", **fault)
        emulator.fail(method="GET", path=f"*/{path}", nth=2, **fault)
    emulator.fail(method="POST", path="*/action", **fault)
    assert destroy(client, folder, datasets=True).failed == ()
    assert there(emulator) == set()


@pytest.mark.parametrize("named_by_hand", [False, True])
def test_killed_before_any_request_and_done_again_it_ends_the_same(
    named_by_hand: bool,
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
        if named_by_hand:
            rename_connections(client, emulator)
        dying = make_client(credential=mortal(credential(), number))
        try:
            destroy(dying, folder, datasets=True)
        except Killed:
            killed += 1
        else:
            break
        assert destroy(client, folder, datasets=True).failed == ()
        assert there(emulator) == set()
    assert killed > 15
    assert there(emulator) == set()


def test_what_a_killed_one_left_goes_though_another_definition_reads_the_same(
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
    """Give the connections names that no definition says."""
    for collection in ("sourceConnections", "targetConnections"):
        for item in emulator.objects(collection):
            operations = [{"op": "add", "path": "/name", "value": "Connection"}]
            headers = {"If-Match": item["etag"]}
            path = f"{FLOW_SERVICE}/{collection}/{item['id']}"
            client.request("PATCH", path, body=operations, headers=headers)


def test_one_that_fails_in_the_middle_is_completed_by_the_next(
    folder: Path, client: Client, emulator: Emulator
) -> None:
    emulator.fail("status", method="DELETE", path="*/targetConnections/*", status=500, times=20)
    seen: list[str] = []
    with pytest.raises(RequestError):
        carry_out(client, decided(client, folder), lambda removal: seen.append(removal.kind.name))
    assert seen == ["dataflow"]
    emulator.control("DELETE", "faults")
    assert kinds(destroy(client, folder)) == ["target connection", "source connection"]


@pytest.mark.parametrize(("data", "requests"), [(False, 9), (True, 13)])
def test_a_chain_costs_the_requests_that_the_manual_says(
    data: bool, requests: int, folder: Path, client: Client, emulator: Emulator
) -> None:
    planned = decided(client, folder, datasets=data)
    before = len(emulator.requests())
    carry_out(client, planned)
    assert len(emulator.requests()) - before == requests
    assert f"{requests} requests" in MANUAL.read_text()


# ---- orphans -------------------------------------------------------------------------------------------------------


def test_orphans_are_what_no_definition_reaches(client: Client, tmp_path: Path, emulator: Emulator) -> None:
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    (folder / "plans.yaml").unlink()
    planned = decided(client, folder, orphans=True)
    assert [each.name for each in planned.to_delete] == [
        "Billing plans",
        "Billing plans - target",
        "Billing plans - source",
    ]
    assert planned.definitions == ()
    carry_out(client, planned)
    assert [flow["name"] for flow in emulator.objects("flows")] == [NAME]
    assert kinds(decided(client, folder, orphans=True, datasets=True)) == ["dataset"]


def test_orphans_of_others_are_not_listed(client: Client, tmp_path: Path) -> None:
    folder = applied(client, tmp_path, owner="sales", products=TEN_LINES, plans=PLANS)
    (folder / "plans.yaml").unlink()
    assert decided(client, folder, orphans=True).removals == ()


def test_orphans_need_all_definitions(client: Client, tmp_path: Path) -> None:
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    with pytest.raises(InvalidInputError, match="orphans are known only against all definitions"):
        decided(client, folder, orphans=True, only=[NAME])


# ---- its form ------------------------------------------------------------------------------------------------------


def test_the_digest_is_that_of_what_goes(folder: Path, client: Client) -> None:
    first = decided(client, folder)
    assert first.digest == decided(client, folder).digest
    assert first.digest != decided(client, folder, datasets=True).digest
    carry_out(client, first)
    assert first.digest != decided(client, folder).digest


def test_it_is_plain_json(folder: Path, client: Client) -> None:
    made = destroy(client, folder).to_json()
    assert json.loads(json.dumps(made)) == made
    assert (made["format"], made["project"], made["definitions"]) == (1, "finance", [NAME])
    first = made["removals"][0]
    assert {key: first[key] for key in ("action", "kind", "name", "definitions", "reason", "outcome")} == {
        "action": "delete",
        "kind": "dataflow",
        "name": NAME,
        "definitions": [NAME],
        "reason": "",
        "outcome": "deleted",
    }


def test_after_a_destroy_an_apply_makes_it_anew(folder: Path, client: Client, emulator: Emulator) -> None:
    destroy(client, folder, datasets=True)
    apply(client, plan_of(client, folder), owner="finance")
    assert plan_of(client, folder).is_empty
    assert len(there(emulator)) == 4
