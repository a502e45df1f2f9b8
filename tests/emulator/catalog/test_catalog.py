"""Datasets and batches of the emulated Catalog: creation, changes, deletion, lists of batches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import CATALOG, XED, Client

DATASETS = f"{CATALOG}/dataSets"


def names(answer: dict[str, Any]) -> list[str]:
    return [item["name"] for item in answer.values()]


def test_a_creation_returns_a_reference_to_the_dataset(client: Client) -> None:
    schema = client.schema()
    body = {"name": "My data!", "schemaRef": {"id": schema, "contentType": f"{XED};version=1"}}
    answer = client.ask("POST", f"{DATASETS}?requestDataSource=true", json=body)
    assert answer.status_code == 201
    (reference,) = answer.json()
    assert reference.startswith("@/dataSets/")
    identifier = reference.rpartition("/")[2]
    assert len(identifier) == 24
    assert int(identifier, 16) >= 0
    assert answer.headers["Location"] == f"{DATASETS}/{identifier}"
    actual = client.get(f"{DATASETS}/{identifier}")
    assert list(actual) == [identifier]
    dataset = actual[identifier]
    assert dataset["schemaRef"] == {"id": schema, "contentType": f"{XED};version=1.0"}
    assert dataset["tags"]["adobe/pqs/table"] == ["my_data"]
    assert dataset["imsOrg"] == "EMULATOR@AdobeOrg"
    assert isinstance(dataset["created"], int)


def test_two_datasets_can_have_the_same_name(client: Client) -> None:
    schema = client.schema()
    assert client.dataset(schema, "twin") != client.dataset(schema, "twin")
    assert len(client.get(DATASETS, name="twin")) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": ""},
        {"name": 5},
        {"schemaRef": None},
        {"schemaRef": "text"},
        {"schemaRef": {"id": "https://ns.adobe.com/none", "contentType": f"{XED};version=1"}},
        {"schemaRef": {"id": 5, "contentType": f"{XED};version=1"}},
        {"tags": {"a": "text"}},
        {"tags": []},
    ],
)
def test_invalid_datasets_are_refused(client: Client, change: dict[str, Any]) -> None:
    body = {"name": "a", "schemaRef": {"id": client.schema(), "contentType": f"{XED};version=1"}}
    problem = client.refused("POST", DATASETS, 400, json={**body, **change})
    assert problem["status"] == 400
    assert problem["title"] == "BadRequestError"
    assert client.get(DATASETS) == {}


def test_only_content_types_with_form_and_version_are_accepted(client: Client) -> None:
    schema = client.schema()
    for form in (
        "application/vnd.adobe.xed-full-notext+json; version=1",
        "application/vnd.adobe.xed-full+json;version=1.3",
    ):
        client.make(DATASETS, {"name": "a", "schemaRef": {"id": schema, "contentType": form}})
    for form in ("application/json", "application/vnd.adobe.xed+json;version=2"):
        body = {"name": "a", "schemaRef": {"id": schema, "contentType": form}}
        client.refused("POST", DATASETS, 400, json=body)


def test_a_dataset_is_patched_found_by_tag_and_deleted(client: Client) -> None:
    identifier = client.dataset(client.schema())
    path = f"{DATASETS}/{identifier}"
    reference = [f"@/dataSets/{identifier}"]
    answer = client.ask("PATCH", path, json={"description": "new", "tags": {"owner": ["dag one", "x"]}})
    assert (answer.status_code, answer.json()) == (200, reference)
    actual = client.get(path)[identifier]
    assert actual["description"] == "new"
    assert actual["tags"]["owner"] == ["dag one", "x"]
    assert actual["tags"]["adobe/pqs/table"] == ["products"]
    assert list(client.get(DATASETS, tags="owner:dag one")) == [identifier]
    assert client.get(DATASETS, tags="owner:other") == {}
    operation = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert client.ask("PATCH", path, json=operation).status_code == 200
    assert client.get(path)[identifier]["name"] == "renamed"
    assert client.get(DATASETS, name="products") == {}
    assert list(client.get(DATASETS, name="renamed")) == [identifier]
    client.refused("PATCH", path, 400, json=5)
    client.refused("PATCH", path, 400, json=[{"op": "move", "path": "/name"}])
    answer = client.ask("DELETE", path)
    assert (answer.status_code, answer.json()) == (200, reference)
    assert_not_found(client, path, "DataSet not found.", "GET", "DELETE", "PATCH", "PUT")
    assert_not_found(client, f"{CATALOG}/v2/dataSets/{identifier}", "DataSet not found.", "PATCH")
    assert_not_found(client, f"{CATALOG}/batches/{identifier}", "Batch not found.", "GET")


def assert_not_found(client: Client, path: str, detail: str, *methods: str) -> None:
    for method in methods:
        answer = client.refused(method, path, 404, **({} if method in ("GET", "DELETE") else {"json": {}}))
        assert answer == {"type": "/placeholder/type/uri", "status": 404, "title": "NotFoundError", "detail": detail}


def test_json_patch_removes_members_and_creates_parents(client: Client) -> None:
    identifier = client.dataset(client.schema())
    path = f"{DATASETS}/{identifier}"
    client.ask("PATCH", path, json={"description": "old", "tags": {"owner": ["x"], "team": ["y"]}})
    patch = [{"op": "remove", "path": "/description"}, {"op": "remove", "path": "/tags/owner"}]
    assert client.ask("PATCH", path, json=patch).json() == [f"@/dataSets/{identifier}"]
    actual = client.get(path)[identifier]
    assert actual["description"] == ""
    assert "owner" not in actual["tags"]
    assert actual["tags"]["team"] == ["y"]
    for member in ("name", "schemaRef"):
        client.refused("PATCH", path, 400, json=[{"op": "remove", "path": f"/{member}"}])
    profile = [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}]
    assert client.ask("PATCH", path, json=profile).status_code == 200
    assert client.get(path)[identifier]["tags"]["unifiedProfile"] == ["enabled:true"]


def test_only_version_two_of_a_patch_creates_missing_parents(client: Client) -> None:
    identifier = client.dataset(client.schema())
    patch = [{"op": "add", "path": "/fileDescription/more/format", "value": "parquet"}]
    client.refused("PATCH", f"{DATASETS}/{identifier}", 400, json=patch)
    answer = client.ask("PATCH", f"{CATALOG}/v2/dataSets/{identifier}", json=patch)
    assert answer.json() == [f"@/dataSets/{identifier}"]
    actual = client.get(f"{DATASETS}/{identifier}")[identifier]
    assert actual["fileDescription"] == {"more": {"format": "parquet"}}
    removal = [{"op": "remove", "path": "/observableSchema/x"}]
    client.refused("PATCH", f"{CATALOG}/v2/dataSets/{identifier}", 400, json=removal)


def test_profile_tags_accept_only_their_switches(client: Client) -> None:
    schema_ref = {"id": client.schema(), "contentType": f"{XED};version=1"}
    body = {"name": "profile", "schemaRef": schema_ref}
    switches = {"unifiedIdentity": ["enabled: true"], "unifiedProfile": ["enabled:true", "isUpsert: true"]}
    references = client.make(DATASETS, {**body, "tags": switches})
    identifier = references[0].rpartition("/")[2]
    assert client.get(f"{DATASETS}/{identifier}")[identifier]["tags"].items() >= switches.items()
    for tags in ({"unifiedProfile": ["enabled"]}, {"unifiedIdentity": ["isUpsert:true"]}, {"unifiedProfile": "x"}):
        assert next(iter(tags)) in client.refused("POST", DATASETS, 400, json={**body, "tags": tags})["detail"]


def test_writes_with_a_failed_precondition_are_refused(client: Client) -> None:
    identifier = client.dataset(client.schema())
    path = f"{DATASETS}/{identifier}"
    for method, body in (("PATCH", {"description": "x"}), ("PUT", {"name": "n"})):
        for header, value in (("If-Match", "9.9.9"), ("If-None-Match", client.get(path)[identifier]["version"])):
            problem = client.refused(method, path, 412, json=body, headers={header: value})
            assert problem["title"] == "PreconditionFailedError"
    for etag in ('"1.0.0"', "*", str(client.get(path)[identifier]["updated"])):
        assert client.ask("PATCH", path, json={"description": etag}, headers={"if-match": etag}).status_code == 200
    actual = client.get(path)[identifier]
    assert (actual["version"], actual["description"]) == ("1.0.3", str(actual["updated"]))


def test_version_two_merges_nested_members(client: Client) -> None:
    identifier = client.dataset(client.schema())
    path = f"{CATALOG}/v2/dataSets/{identifier}"
    first = {
        "description": "Q2",
        "tags": {"adobe/pqs/table": "q2_sales"},
        "extensions": {"adobe_lakeHouse": {"rowExpiration": {"ttlValue": "P3Y"}}},
        "classification": {"dataBehavior": "time-series", "managedBy": "CUSTOMER"},
    }
    assert client.ask("PATCH", path, json=first).json() == [f"@/dataSets/{identifier}"]
    second = {"extensions": {"adobe_lakeHouse": {"more": 1}}, "classification": {"managedBy": "SYSTEM"}}
    assert client.ask("PATCH", path, json=second).status_code == 200
    actual = client.get(f"{DATASETS}/{identifier}")[identifier]
    assert actual["description"] == "Q2"
    assert actual["tags"]["adobe/pqs/table"] == ["q2_sales"]
    assert actual["extensions"] == {"adobe_lakeHouse": {"rowExpiration": {"ttlValue": "P3Y"}, "more": 1}}
    assert actual["classification"] == {"dataBehavior": "time-series", "managedBy": "SYSTEM"}
    client.refused("PATCH", path, 400, json={"classification": {"managedBy": "ME"}})


def test_schemas_can_be_named_by_their_short_id(client: Client) -> None:
    schema = client.schema()
    short = "_emulator.schemas." + schema.rpartition("/")[2]
    identifier = client.dataset(short)
    assert client.get(f"{DATASETS}/{identifier}")[identifier]["schemaRef"]["id"] == schema


def test_batches_are_filtered_sorted_and_paged(client: Client) -> None:
    body = client.prepared()
    client.flow(body)
    first = client.now()
    client.advance(62)
    client.advance(1800)
    batches = f"{CATALOG}/batches"
    everything = client.get(batches)
    old, new = everything
    item = everything[old]
    dataset = body["_dataset"]
    for params, found in (
        ({"dataSet": dataset}, [old, new]),
        ({"dataSet": "none"}, []),
        ({"dataSet": f"!{dataset}"}, []),
        ({"batch": new}, [new]),
        ({"status": "success,failed"}, [old, new]),
        ({"status": "!success"}, []),
        ({"createdAfter": item["created"]}, [new]),
        ({"createdBefore": item["created"] + 1}, [old]),
        ({"startAfter": first * 1000, "endBefore": item["completed"] + 1}, [old]),
        ({"recordCount": item["metrics"]["inputRecordCount"]}, [old]),
        ({"failedRecordCount": item["metrics"]["failedRecordCount"], "orderBy": "desc:created"}, [old]),
        ({"orderBy": "desc:created", "limit": 1}, [new]),
        ({"tags": f"flowId:{item['tags']['flowId'][0]}", "start": 1}, [new]),
        ({"property": "status==succ*"}, [old, new]),
    ):
        assert list(client.get(batches, **params)) == found, params
    assert client.get(f"{batches}/{old}", properties="status,none") == {old: {"status": "success"}}
    for bad in ({"createdAfter": "x"}, {"limit": 101}):
        client.refused("GET", batches, 400, params=bad)


def test_lists_lag_behind_creations_and_deletions(client: Client) -> None:
    schema = client.schema()
    deleted = client.dataset(schema, "deleted")
    client.control("POST", "faults", json={"action": "list_lag", "seconds": 30, "times": 2})
    client.dataset(schema, "fresh")
    assert client.ask("DELETE", f"{DATASETS}/{deleted}").json() == [f"@/dataSets/{deleted}"]
    client.refused("GET", f"{DATASETS}/{deleted}", 404)
    assert names(client.get(DATASETS)) == names(client.get(DATASETS, name="deleted")) == ["deleted"]
    assert client.get(DATASETS, name="fresh") == {}
    client.advance(31)
    assert names(client.get(DATASETS)) == ["fresh"]
