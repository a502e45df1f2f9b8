from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import CATALOG, XED, Client

DATASETS = f"{CATALOG}/dataSets"


def names(answer: dict[str, Any]) -> list[str]:
    return [item["name"] for item in answer.values()]


def test_creation_answers_a_reference(client: Client) -> None:
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
    shown = client.get(f"{DATASETS}/{identifier}")
    assert list(shown) == [identifier]
    dataset = shown[identifier]
    assert dataset["schemaRef"] == {"id": schema, "contentType": f"{XED};version=1.0"}
    assert dataset["tags"]["adobe/pqs/table"] == ["my_data"]
    assert dataset["imsOrg"] == "EMULATOR@AdobeOrg"
    assert isinstance(dataset["created"], int)


def test_names_need_not_be_unique(client: Client) -> None:
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
def test_refusals(client: Client, change: dict[str, Any]) -> None:
    body = {"name": "a", "schemaRef": {"id": client.schema(), "contentType": f"{XED};version=1"}}
    problem = client.refused("POST", DATASETS, 400, json={**body, **change})
    assert problem["status"] == 400
    assert problem["title"] == "BadRequestError"
    assert client.get(DATASETS) == {}


def test_content_types(client: Client) -> None:
    schema = client.schema()
    for form in (
        "application/vnd.adobe.xed-full-notext+json; version=1",
        "application/vnd.adobe.xed-full+json;version=1.3",
    ):
        client.make(DATASETS, {"name": "a", "schemaRef": {"id": schema, "contentType": form}})
    for form in ("application/json", "application/vnd.adobe.xed+json;version=2"):
        body = {"name": "a", "schemaRef": {"id": schema, "contentType": form}}
        client.refused("POST", DATASETS, 400, json=body)


def test_simple_filters(client: Client) -> None:
    schema = client.schema()
    for name in ("alpha", "beta", "alphabet", "a*c"):
        client.dataset(schema, name)
    expected = {
        "alpha": ["alpha"],
        "alpha,beta": ["alpha", "beta"],
        "alpha*": ["alpha", "alphabet"],
        "*et*": ["beta", "alphabet"],
        "!alpha": ["beta", "alphabet", "a*c"],
        "!alpha*": ["beta", "a*c"],
        "a**c": ["a*c"],
        "none": [],
    }
    for wanted, found in expected.items():
        assert names(client.get(DATASETS, name=wanted)) == found, wanted


def test_pages_properties_and_order(client: Client) -> None:
    schema = client.schema()
    for number in range(25):
        client.dataset(schema, f"d{number:02d}")
    assert len(client.get(DATASETS)) == 20
    assert len(client.get(DATASETS, limit=1000)) == 25
    assert names(client.get(DATASETS, limit=2, start=3)) == ["d03", "d04"]
    assert names(client.get(DATASETS, limit=1, orderBy="desc:name")) == ["d24"]
    (item,) = client.get(DATASETS, limit=1, properties="name,description,none").values()
    assert item == {"name": "d00", "description": ""}
    for bad in ({"limit": "x"}, {"start": "-1"}, {"orderBy": "name"}, {"property": "name==x"}):
        client.refused("GET", DATASETS, 400, params=bad)


def test_patch_tags_and_delete(client: Client) -> None:
    identifier = client.dataset(client.schema())
    path = f"{DATASETS}/{identifier}"
    reference = [f"@/dataSets/{identifier}"]
    answer = client.ask("PATCH", path, json={"description": "new", "tags": {"owner": ["dag one", "x"]}})
    assert (answer.status_code, answer.json()) == (200, reference)
    shown = client.get(path)[identifier]
    assert shown["description"] == "new"
    assert shown["tags"]["owner"] == ["dag one", "x"]
    assert shown["tags"]["adobe/pqs/table"] == ["products"]
    assert list(client.get(DATASETS, tags="owner:dag one")) == [identifier]
    assert client.get(DATASETS, tags="owner:other") == {}
    operation = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert client.ask("PATCH", path, json=operation).status_code == 200
    assert client.get(path)[identifier]["name"] == "renamed"
    client.refused("PATCH", path, 400, json=5)
    client.refused("PATCH", path, 400, json=[{"op": "move", "path": "/name"}])
    assert client.ask("DELETE", path).json() == reference
    answer = client.ask("DELETE", path)
    assert (answer.status_code, answer.json()) == (200, [])
    assert client.refused("GET", path, 404)["title"] == "NotFoundError"


def test_json_patch_removes_and_makes_parents(client: Client) -> None:
    identifier = client.dataset(client.schema())
    path = f"{DATASETS}/{identifier}"
    client.ask("PATCH", path, json={"description": "old", "tags": {"owner": ["x"], "team": ["y"]}})
    patch = [{"op": "remove", "path": "/description"}, {"op": "remove", "path": "/tags/owner"}]
    assert client.ask("PATCH", path, json=patch).json() == [f"@/dataSets/{identifier}"]
    shown = client.get(path)[identifier]
    assert shown["description"] == ""
    assert "owner" not in shown["tags"]
    assert shown["tags"]["team"] == ["y"]
    for member in ("name", "schemaRef"):
        client.refused("PATCH", path, 400, json=[{"op": "remove", "path": f"/{member}"}])
    profile = [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}]
    assert client.ask("PATCH", path, json=profile).status_code == 200
    assert client.get(path)[identifier]["tags"]["unifiedProfile"] == ["enabled:true"]


def test_only_version_two_makes_missing_parents(client: Client) -> None:
    identifier = client.dataset(client.schema())
    patch = [{"op": "add", "path": "/fileDescription/more/format", "value": "parquet"}]
    client.refused("PATCH", f"{DATASETS}/{identifier}", 400, json=patch)
    answer = client.ask("PATCH", f"{CATALOG}/v2/dataSets/{identifier}", json=patch)
    assert answer.json() == [f"@/dataSets/{identifier}"]
    shown = client.get(f"{DATASETS}/{identifier}")[identifier]
    assert shown["fileDescription"] == {"more": {"format": "parquet"}}
    removal = [{"op": "remove", "path": "/observableSchema/x"}]
    client.refused("PATCH", f"{CATALOG}/v2/dataSets/{identifier}", 400, json=removal)
