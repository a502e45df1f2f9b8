"""Mapping sets: single mappings, versions, deletion, suggestions."""

from __future__ import annotations

from urllib.parse import quote

from tests.emulator.client import (
    CATALOG,
    FLOW,
    REGISTRY,
    Client,
    edited,
    mapping_body,
)
from tests.emulator.data_prep.test_data_prep import SETS, lines


def test_single_mappings_of_a_set_are_read(client: Client) -> None:
    schema = client.schema()
    body = lines(schema, ("ATTRIBUTE", "Id", "_id"), ("EXPRESSION", "concat(a, b.c, a)", "_emulator.product.name"))
    body["mappings"][0] |= {"name": "id", "description": "Identifier"}
    path = f"{SETS}/{client.make(SETS, body)['id']}"
    first, second = client.get(f"{path}/mappings")
    assert client.get(path)["mappings"] == [first, second]
    assert (first["name"], first["description"], "expressionAttributes" in first) == ("id", "Identifier", False)
    assert second["expressionAttributes"] == ["a", "b.c"]
    assert client.get(f"{path}/mappings/{second['id']}") == second
    client.ask("PUT", path, json=lines(schema, ("ATTRIBUTE", "Other", "_id")))
    (latest,) = client.get(f"{path}/mappings")
    assert latest["source"] == "Other"
    assert len(client.get(f"{path}/mappings", version=0)) == 2
    for missing in (f"{path}/mappings/none", f"{SETS}/none/mappings", f"{path}/mappings?version=9"):
        client.refused("GET", missing, 404)


def test_the_output_schema_is_expanded_on_request(client: Client) -> None:
    identifier = client.mapping(client.schema())
    for path, params in ((f"{SETS}/{identifier}", {}), (SETS, {"limit": 1, "start": 0})):
        actual = [client.get(path, **params), client.get(path, **params, expandSchema="true")]
        short, whole = (answer.get("data", [answer])[0]["outputSchema"] for answer in actual)
        assert "jsonSchema" not in short
        assert whole["jsonSchema"]["properties"]["_id"]["type"] == "string"
        assert whole["jsonSchema"]["required"] == []


def test_additional_members_of_a_mapping_set_are_kept(client: Client) -> None:
    extras = {"inputSchema": {"id": "x", "version": 0}, "allowNullValues": True, "tags": [{"name": "a", "values": []}]}
    created = client.make(SETS, {**mapping_body(client.schema()), **extras})
    assert client.get(f"{SETS}/{created['id']}").items() >= extras.items()


def test_the_list_lags_behind_creations_and_deletions(client: Client) -> None:
    schema = client.schema()
    client.control("POST", "faults", json={"action": "list_lag", "seconds": 30})
    identifier = client.mapping(schema)
    for params in ({}, {"name": "mapping"}):
        assert client.get(SETS, limit=9, start=0, **params)["data"] == []
    assert client.get(f"{SETS}/{identifier}")["id"] == identifier
    client.advance(31)
    for params in ({}, {"name": "mapping"}):
        assert [item["id"] for item in client.get(SETS, limit=9, start=0, **params)["data"]] == [identifier]


def test_a_set_is_listed_by_the_name_of_its_latest_version(client: Client) -> None:
    schema = client.schema()
    identifier = client.mapping(schema)
    client.ask("PUT", f"{SETS}/{identifier}", json={**mapping_body(schema), "name": "renamed"})
    for name, found in (("mapping", []), ("renamed", [identifier])):
        assert [item["id"] for item in client.get(SETS, limit=9, start=0, name=name)["data"]] == found


def test_a_written_mapping_creates_a_new_version_of_its_set(client: Client) -> None:
    schema = client.schema()
    path = f"{SETS}/{client.mapping(schema, ('Product_Id', '_id'), ('Type', '_emulator.product.type'))}"
    first, second = client.get(f"{path}/mappings")
    added = client.make(f"{path}/mappings", {"source": "Product_Name", "destination": "_emulator.product.name"})
    assert (added["sourceType"], added["sourceAttribute"]) == ("ATTRIBUTE", "Product_Name")
    assert client.get(f"{path}/mappings") == [first, second, added]
    line = {"sourceType": "EXPRESSION", "source": "upper(Type)", "destination": "/_emulator.product.type"}
    written = client.ask("PUT", f"{path}/mappings/{second['id']}", json=line).json()
    assert (written["id"], written["source"], written["destination"]) == (
        second["id"],
        "upper(Type)",
        "_emulator.product.type",
    )
    assert client.get(f"{path}/mappings") == [first, written, added]
    assert client.ask("DELETE", f"{path}/mappings/{first['id']}").json() == {"id": first["id"]}
    versions = [client.get(path, version=number)["mappings"] for number in range(4)]
    assert versions == [[first, second], [first, second, added], [first, written, added], [written, added]]
    client.refused("GET", path, 404, params={"version": 4})
    assert client.get(f"{path}/mappings/{first['id']}", version=0) == first
    actual = client.get(SETS, limit=1)["data"][0]
    assert (actual["version"], actual["name"], actual["xdmSchema"]) == (3, "mapping", schema)


def test_invalid_mappings_are_not_written(client: Client) -> None:
    path = f"{SETS}/{client.mapping(client.schema(), ('Product_Id', '_id'))}"
    (only,) = client.get(f"{path}/mappings")
    for body in ({"source": "a"}, {"source": "a", "destination": "b", "sourceType": "MAGIC"}, {}):
        client.refused("POST", f"{path}/mappings", 400, json=body)
        client.refused("PUT", f"{path}/mappings/{only['id']}", 400, json=body)
    assert "1 to 5000" in client.refused("DELETE", f"{path}/mappings/{only['id']}", 400)["detail"]
    for method, body in (("PUT", {"source": "a", "destination": "b"}), ("DELETE", None)):
        assert "no mapping none" in client.refused(method, f"{path}/mappings/none", 404, json=body)["detail"]
        client.refused(method, f"{SETS}/none/mappings/{only['id']}", 404, json=body)
    assert client.get(path)["mappings"] == client.get(f"{path}/mappings") == [only]
    client.refused("GET", path, 404, params={"version": 1})


def test_a_dataflow_keeps_using_the_version_that_it_names(client: Client) -> None:
    body = client.prepared()
    path = f"{SETS}/{body['transformations'][1]['params']['mappingId']}"
    client.flow(body)
    (name,) = (line for line in client.get(f"{path}/mappings") if line["destination"] == "_emulator.product.name")
    assert client.ask("DELETE", f"{path}/mappings/{name['id']}").status_code == 200
    client.advance(70)
    (row,) = client.control("GET", f"datasets/{body['_dataset']}/rows?limit=1")["rows"]
    assert row["_emulator"]["product"]["name"]


def test_runs_fail_once_their_mapping_set_is_deleted(client: Client) -> None:
    body = client.prepared()
    identifier = body["transformations"][1]["params"]["mappingId"]
    flow = client.flow(body)["id"]
    answer = client.ask("DELETE", f"{SETS}/{identifier}")
    assert (answer.status_code, answer.json()["id"]) == (200, identifier)
    for method in ("GET", "DELETE"):
        assert client.refused(method, f"{SETS}/{identifier}", 404)["detail"] == f"There is no mapping set {identifier}."
    assert client.get(SETS, limit=9)["data"] == []
    client.advance(70)
    (run,) = client.runs(flow)
    assert run["metrics"]["statusSummary"]["status"] == "failed"
    assert "mapping set does not exist any more" in str(run)
    assert client.control("GET", f"datasets/{body['_dataset']}/rows")["count"] == 0
    later = edited(body, {"scheduleParams.startTime": client.now() + 60})
    assert "does not exist" in client.flow_problem("POST", f"{FLOW}/flows", "1419-400", json=later)


def test_a_mapping_set_is_readable_after_its_schema_was_deleted(client: Client) -> None:
    deleted, kept = client.schema("deleted"), client.schema("kept")
    sets = [client.mapping(schema) for schema in (deleted, kept)]
    assert client.ask("DELETE", f"{REGISTRY}/tenant/schemas/{quote(deleted, safe='')}").status_code == 204
    without, whole = client.get(SETS, limit=9, expandSchema="true")["data"]
    assert [without["id"], whole["id"]] == sets
    assert without["outputSchema"]["schemaRef"]["id"] == without["xdmSchema"] == deleted
    assert "jsonSchema" not in without["outputSchema"]
    assert whole["outputSchema"]["jsonSchema"]["id"] == kept
    assert client.get(f"{SETS}/{sets[0]}", expandSchema="true") == without


def test_a_creation_validates_the_mapping_set_on_request(client: Client) -> None:
    body = mapping_body(client.schema(), ("Product_Id", "_id"), ("Product_Id", "nowhere.to.be.found"))
    for flag in ("true", "True"):
        detail = client.refused("POST", SETS, 400, json=body, params={"validate": flag})["detail"]
        assert "nowhere" in detail
    assert client.get(SETS, limit=9)["data"] == []
    assert client.ask("POST", SETS, json=body, params={"validate": "False"}).json()["version"] == 0
    sound = {**body, "mappings": body["mappings"][:1]}
    assert client.ask("POST", SETS, json=sound, params={"validate": "true"}).json()["version"] == 0


def test_a_suggestion_maps_attributes_of_a_batch_to_similar_fields(client: Client) -> None:
    client.flow(client.prepared())
    client.advance(70)
    (batch,) = client.get(f"{CATALOG}/batches")
    other = client.dataset(client.schema("others", productName={}, create_time={}, label={}), "others")
    params = {"datasetId": other, "batchId": batch}
    suggestion = client.get(f"{SETS}/suggestion", **params)
    assert (suggestion["id"], suggestion["version"], suggestion["status"]) == (None, 0, "DRAFT")
    assert suggestion["outputSchema"]["schemaRef"]["id"] == suggestion["xdmSchema"] == suggestion["schemaRef"]["id"]
    found = {line["source"]: (line["destination"], line["matchScore"]) for line in suggestion["mappings"]}
    assert found == {
        "_id": ("_id", 1.0),
        "_emulator.product.name": ("_emulator.product.productName", 0.57),
        "_emulator.product.createTime": ("_emulator.product.create_time", 1.0),
    }
    assert client.get(SETS, limit=9, start=1)["data"] == []
    everything = client.get(f"{SETS}/suggestion", **params, excludeUnmapped="false")["mappings"]
    rest = [line for line in everything if not line["destination"]]
    assert {line["source"] for line in rest} == {"_emulator.product.description", "_emulator.product.type"}
    assert {line["matchScore"] for line in rest} == {0.0}
    created = client.make(SETS, suggestion)
    assert client.get(f"{SETS}/{created['id']}")["xdmSchema"] == suggestion["xdmSchema"]


def test_a_suggestion_needs_a_batch_and_a_dataset_with_a_schema(client: Client) -> None:
    client.flow(client.prepared())
    client.advance(70)
    ((batch, actual),) = client.get(f"{CATALOG}/batches").items()
    dataset = actual["relatedObjects"][0]["id"]
    bare = client.dataset(client.schema("bare"))
    for params, named in (
        ({}, "datasetId"),
        ({"datasetId": dataset}, "batchId"),
        ({"batchId": batch}, "datasetId"),
        ({"datasetId": "none", "batchId": batch}, "dataset"),
        ({"datasetId": dataset, "batchId": "none"}, "batch"),
    ):
        assert named.lower() in client.refused("GET", f"{SETS}/suggestion", 400, params=params)["detail"].lower()
    assert client.ask("DELETE", f"{CATALOG}/dataSets/{dataset}").status_code == 200
    assert client.get(f"{SETS}/suggestion", datasetId=bare, batchId=batch)["mappings"] == []
