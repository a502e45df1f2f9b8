from __future__ import annotations

from typing import Any
from urllib.parse import quote

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
    assert len(client.get(DATASETS, limit=100)) == 25
    assert len(client.get(DATASETS, limit=20, properties="observableSchema")) == 20
    assert names(client.get(DATASETS, limit=2, start=3)) == ["d03", "d04"]
    assert names(client.get(DATASETS, limit=1, orderBy="desc:name")) == ["d24"]
    assert names(client.get(DATASETS, limit=1, orderBy="desc:description,name")) == ["d00"]
    (item,) = client.get(DATASETS, limit=1, properties="name,description,none").values()
    assert item == {"name": "d00", "description": ""}
    for bad in (
        {"limit": "x"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "21", "properties": "name,observableSchema"},
        {"start": "-1"},
        {"orderBy": "up:name"},
        {"property": "=="},
        {"property": "name~("},
    ):
        problem = client.refused("GET", DATASETS, 400, params=bad)
        assert problem["title"] == "BadRequestError"
        assert (next(iter(bad)) if "properties" not in bad else "limit") in problem["detail"] or "(" in problem[
            "detail"
        ]


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


def test_property_conditions(client: Client) -> None:
    schema = client.schema()
    ids = {name: client.dataset(schema, name) for name in ("alpha", "beta", "alphabet", "a*c")}
    for _ in range(11):
        client.ask("PATCH", f"{DATASETS}/{ids['beta']}", json={"description": "second"})
    everything = list(ids)
    expected = {
        "name": everything,
        "!name": [],
        "description": ["beta"],
        "!description": ["alpha", "alphabet", "a*c"],
        "dataSourceId": everything,
        "lastBatchId": [],
        "name==alpha": ["alpha"],
        "name==alpha*": ["alpha", "alphabet"],
        "name==a**c": ["a*c"],
        "name!=alpha": ["beta", "alphabet", "a*c"],
        "name~^alpha.+$": ["alphabet"],
        "name~et": ["beta", "alphabet"],
        "description~(s|t)econd": ["beta"],
        "version>1.0.9": ["beta"],
        "version<=1.0.0": ["alpha", "alphabet", "a*c"],
        "created<1": [],
        "enableErrorDiagnostics==false": everything,
        "name<b": ["alpha", "alphabet", "a*c"],
    }
    for condition, found in expected.items():
        assert names(client.get(DATASETS, property=condition)) == found, condition
    both = client.get(DATASETS, property=["name~^a", "name!=alpha"], limit=1)
    assert names(both) == ["alphabet"]
    for bad in ("", "==x", "!name==x", "name~[", "name~(a|b)*", "a b", ".x==y"):
        assert "property" in client.refused("GET", DATASETS, 400, params={"property": bad})["detail"] or "~" in bad


def test_patterns_of_people_are_answered_in_seconds(client: Client) -> None:
    """And what would take longer is refused at once."""
    schema = client.schema()
    client.dataset(schema, "a" * 500)
    for pattern in ("^(?:pay|a).*2024.*(usd|eur)$", r"^\s*\w+\s+\w+\s*$", "(?<=a)b|(?=c)", "(a)?b", "[(]*"):
        answer = client.ask("GET", DATASETS, params={"property": f"name~{pattern}"})
        assert answer.status_code == 200, answer.text
        assert (answer.json() == {}) == (pattern != "[(]*")
        assert answer.elapsed.total_seconds() < 5
    for pattern in ("(a*)*b", "(a|aa)+$", r"(\w+\s?)+$", "(a|b){9}", "(?x)(a*) *b", "[a&&b]", "a" * 201):
        problem = client.refused("GET", DATASETS, 400, params={"property": f"name~{pattern}"})
        assert "is not accepted" in problem["detail"], pattern
    client.dataset(schema, "a" * 501)
    assert "500" in client.refused("GET", DATASETS, 400, params={"property": "name~a$"})["detail"]


def test_members_of_members_are_filtered_and_sorted_by(client: Client) -> None:
    schemas = [client.schema(name) for name in ("one", "two, three=3")]
    names_of = dict(zip(("a", "b", "c"), (schemas[0], schemas[1], schemas[0]), strict=True))
    for place, (name, schema) in enumerate(names_of.items()):
        body = {
            "name": name,
            "schemaRef": {"id": schema, "contentType": f"{XED};version=1"},
            "tags": {"team": [name, f"{name}{place}"], "acme.owner/1": ["x y"] if name == "b" else ["z,=w"]},
            "extensions": {"rows": [{"ttl": place}, {"ttl": 10 - place}], **({"deep": {"er": 1}} if place else {})},
        }
        client.make(DATASETS, body)
    expected = {
        f"schemaRef.id=={schemas[0]}": "ac",
        f"schemaRef.id=={schemas[1]}": "b",
        f"schemaRef.id=={schemas[0]},{schemas[1]}": "",
        f"schemaRef.id!={schemas[0]}": "b",
        f"schemaRef.id~{schemas[1][-8:]}$": "b",
        "schemaRef.id==https://ns.adobe.com/*": "abc",
        "schemaRef.contentType==*version=1.0": "abc",
        "schemaRef": "abc",
        "!schemaRef.none": "abc",
        "schemaRef.id.none": "",
        "tags.team==b1": "b",
        "tags.team~^[ac]2?$": "ac",
        "tags.team!=a": "bc",
        "tags.acme.owner/1==z,=w": "ac",
        "extensions.rows.ttl>8": "ab",
        "extensions.rows[].ttl==2": "c",
        "extensions.deep.er": "bc",
        "!extensions.deep.er": "a",
        "fileDescription.format==parquet": "abc",
        "files~^@/dataSetFiles": "abc",
        "classification.managedBy==CUSTOMER": "abc",
    }
    for condition, found in expected.items():
        assert "".join(names(client.get(DATASETS, property=condition))) == found, condition
    both = client.get(DATASETS, property=[f"schemaRef.id=={schemas[0]}", "extensions.deep.er>=1"])
    assert names(both) == ["c"]
    encoded = quote(f"schemaRef.id=={schemas[1]}", safe="")
    assert names(client.get(f"{DATASETS}?property={encoded}")) == ["b"]
    assert names(client.get(f"{DATASETS}?property=schemaRef.id=={quote(schemas[1], safe='')}")) == ["b"]
    assert "".join(names(client.get(DATASETS, orderBy="desc:extensions.rows.ttl"))) == "cba"
    assert "".join(names(client.get(DATASETS, orderBy="schemaRef.contentType,desc:tags.team"))) == "cba"


def test_values_with_signs_of_the_syntax_are_found(client: Client) -> None:
    """A name is any text, and so is what a member of a member may be."""
    schema = client.schema()
    for odd in ("a,b", "a=b", "a==b", "a!b", "x&y", "100%", "a%2Cb", "k<v", "a+b", "[]"):
        tagged = {"name": odd, "schemaRef": {"id": schema, "contentType": f"{XED};version=1"}, "tags": {"t": [odd]}}
        client.make(DATASETS, tagged)
        for path in ("name", "tags.t"):
            assert names(client.get(DATASETS, property=f"{path}=={odd}")) == [odd]
            assert odd not in names(client.get(DATASETS, property=f"{path}!={odd}"))


def test_a_dataset_shows_the_named_members_at_any_depth(client: Client) -> None:
    identifier = client.dataset(client.schema())
    whole = client.get(f"{DATASETS}/{identifier}")[identifier]
    for properties, expected in (
        ("schemaRef.id", {"schemaRef": {"id": whole["schemaRef"]["id"]}}),
        ("schemaRef.id, schemaRef.contentType,name", {"schemaRef": whole["schemaRef"], "name": whole["name"]}),
        ("schemaRef.id,schemaRef", {"schemaRef": whole["schemaRef"]}),
        ("schemaRef.none,none.id,name.first", {"schemaRef": {}, "name": whole["name"]}),
    ):
        for path in (f"{DATASETS}/{identifier}", DATASETS):
            assert client.get(path, properties=properties) == {identifier: expected}


def test_observable_schemas_come_in_twenties(client: Client) -> None:
    schema = client.schema()
    for number in range(21):
        client.dataset(schema, f"d{number}")
    for properties in ("observableSchema", "name,observableSchema.properties"):
        assert len(client.get(DATASETS, properties=properties)) == 20
        assert len(client.get(DATASETS, properties=properties, limit=20)) == 20
        client.refused("GET", DATASETS, 400, params={"properties": properties, "limit": 21})
    assert len(client.get(DATASETS, properties="name", limit=100)) == 21


def test_tags_in_lists(client: Client) -> None:
    schema = client.schema()
    for name, tags in (("a", {"x": ["1"], "y": ["2", "3"]}), ("b", {"x": ["1"]}), ("c", {"x": ["11"]})):
        schema_ref = {"id": schema, "contentType": f"{XED};version=1"}
        client.make(DATASETS, {"name": name, "schemaRef": schema_ref, "tags": tags})
    for wanted, found in (("x:1", "ab"), ("x:1*", "abc"), ("x:1,y:*", "a"), ("y", "a"), ("y:3", "a"), ("z:*", "")):
        assert "".join(names(client.get(DATASETS, tags=wanted))) == found, wanted


def test_profile_tags_are_switches(client: Client) -> None:
    schema_ref = {"id": client.schema(), "contentType": f"{XED};version=1"}
    body = {"name": "profile", "schemaRef": schema_ref}
    switches = {"unifiedIdentity": ["enabled: true"], "unifiedProfile": ["enabled:true", "isUpsert: true"]}
    made = client.make(DATASETS, {**body, "tags": switches})
    identifier = made[0].rpartition("/")[2]
    assert client.get(f"{DATASETS}/{identifier}")[identifier]["tags"].items() >= switches.items()
    for tags in ({"unifiedProfile": ["enabled"]}, {"unifiedIdentity": ["isUpsert:true"]}, {"unifiedProfile": "x"}):
        assert next(iter(tags)) in client.refused("POST", DATASETS, 400, json={**body, "tags": tags})["detail"]


def test_conditions_of_writes(client: Client) -> None:
    identifier = client.dataset(client.schema())
    path = f"{DATASETS}/{identifier}"
    for method, body in (("PATCH", {"description": "x"}), ("PUT", {"name": "n"})):
        for header, value in (("If-Match", "9.9.9"), ("If-None-Match", client.get(path)[identifier]["version"])):
            problem = client.refused(method, path, 412, json=body, headers={header: value})
            assert problem["title"] == "PreconditionFailedError"
    for mark in ('"1.0.0"', "*", str(client.get(path)[identifier]["updated"])):
        assert client.ask("PATCH", path, json={"description": mark}, headers={"if-match": mark}).status_code == 200
    shown = client.get(path)[identifier]
    assert (shown["version"], shown["description"]) == ("1.0.3", str(shown["updated"]))


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
    shown = client.get(f"{DATASETS}/{identifier}")[identifier]
    assert shown["description"] == "Q2"
    assert shown["tags"]["adobe/pqs/table"] == ["q2_sales"]
    assert shown["extensions"] == {"adobe_lakeHouse": {"rowExpiration": {"ttlValue": "P3Y"}, "more": 1}}
    assert shown["classification"] == {"dataBehavior": "time-series", "managedBy": "SYSTEM"}
    client.refused("PATCH", path, 400, json={"classification": {"managedBy": "ME"}})


def test_schemas_can_be_named_by_their_short_id(client: Client) -> None:
    schema = client.schema()
    short = "_emulator.schemas." + schema.rpartition("/")[2]
    identifier = client.dataset(short)
    assert client.get(f"{DATASETS}/{identifier}")[identifier]["schemaRef"]["id"] == schema


def test_batches(client: Client) -> None:
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


def test_lists_lag(client: Client) -> None:
    schema = client.schema()
    gone = client.dataset(schema, "gone")
    client.control("POST", "faults", json={"action": "list_lag", "seconds": 30, "times": 2})
    client.dataset(schema, "fresh")
    assert client.ask("DELETE", f"{DATASETS}/{gone}").json() == [f"@/dataSets/{gone}"]
    client.refused("GET", f"{DATASETS}/{gone}", 404)
    assert names(client.get(DATASETS)) == names(client.get(DATASETS, name="gone")) == ["gone"]
    assert client.get(DATASETS, name="fresh") == {}
    client.advance(31)
    assert names(client.get(DATASETS)) == ["fresh"]
