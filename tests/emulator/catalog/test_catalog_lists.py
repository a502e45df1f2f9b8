"""Lists of Catalog: filters, order, pages, and the members that they return."""

from __future__ import annotations

from urllib.parse import quote

from tests.emulator.catalog.test_catalog import DATASETS, names
from tests.emulator.client import XED, Client


def test_simple_filters_accept_wildcards_alternatives_and_negation(client: Client) -> None:
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
    for filter_text, found in expected.items():
        assert names(client.get(DATASETS, name=filter_text)) == found, filter_text


def test_lists_have_pages_selected_members_and_an_order(client: Client) -> None:
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


def test_property_conditions_filter_the_list(client: Client) -> None:
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


def test_usual_patterns_are_matched_quickly_and_costly_ones_refused(client: Client) -> None:
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


def test_lists_are_filtered_and_sorted_by_nested_members(client: Client) -> None:
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


def test_values_that_contain_syntax_characters_are_found(client: Client) -> None:
    schema = client.schema()
    for odd in ("a,b", "a=b", "a==b", "a!b", "x&y", "100%", "a%2Cb", "k<v", "a+b", "[]"):
        tagged = {"name": odd, "schemaRef": {"id": schema, "contentType": f"{XED};version=1"}, "tags": {"t": [odd]}}
        client.make(DATASETS, tagged)
        for path in ("name", "tags.t"):
            assert names(client.get(DATASETS, property=f"{path}=={odd}")) == [odd]
            assert odd not in names(client.get(DATASETS, property=f"{path}!={odd}"))


def test_a_dataset_is_reduced_to_the_named_members_at_any_depth(client: Client) -> None:
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


def test_pages_with_observable_schemas_have_at_most_twenty_datasets(client: Client) -> None:
    schema = client.schema()
    for number in range(21):
        client.dataset(schema, f"d{number}")
    for properties in ("observableSchema", "name,observableSchema.properties"):
        assert len(client.get(DATASETS, properties=properties)) == 20
        assert len(client.get(DATASETS, properties=properties, limit=20)) == 20
        client.refused("GET", DATASETS, 400, params={"properties": properties, "limit": 21})
    assert len(client.get(DATASETS, properties="name", limit=100)) == 21


def test_lists_are_filtered_by_tags(client: Client) -> None:
    schema = client.schema()
    for name, tags in (("a", {"x": ["1"], "y": ["2", "3"]}), ("b", {"x": ["1"]}), ("c", {"x": ["11"]})):
        schema_ref = {"id": schema, "contentType": f"{XED};version=1"}
        client.make(DATASETS, {"name": name, "schemaRef": schema_ref, "tags": tags})
    for filter_text, found in (("x:1", "ab"), ("x:1*", "abc"), ("x:1,y:*", "a"), ("y", "a"), ("y:3", "a"), ("z:*", "")):
        assert "".join(names(client.get(DATASETS, tags=filter_text))) == found, filter_text
