"""Views and files of datasets, lookups of several objects, and the distinct values of batches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import CATALOG, Client

EXPORT = "/data/foundation/export"
FILES, VIEWS = f"{CATALOG}/dataSetFiles", f"{CATALOG}/dataSetViews"


def filled(client: Client) -> tuple[str, str]:
    """Create a dataset with 1,195 records in two files from one batch; return the ids of the dataset and the batch."""
    body = client.prepared()
    client.flow(body)
    client.advance(70)
    (batch,) = client.get(f"{CATALOG}/batches")
    return body["_dataset"], batch


def link_of(client: Client, dataset: str, member: str = "files") -> str:
    """Return the path to which a member of a dataset links."""
    link = client.get(f"{CATALOG}/dataSets/{dataset}")[dataset][member]
    assert link.startswith("@/")
    return CATALOG + str(link[1:])


def test_the_files_link_of_a_dataset_lists_its_files(client: Client) -> None:
    dataset, batch = filled(client)
    view = client.get(f"{CATALOG}/dataSets/{dataset}")[dataset]["viewId"]
    files = client.get(link_of(client, dataset))
    assert list(files) == [f"{batch}-1", f"{batch}-2"]
    first = files[f"{batch}-1"]
    completed = client.get(f"{CATALOG}/batches/{batch}")[batch]["completed"]
    assert first == {
        "id": f"{batch}-1",
        "batchId": batch,
        "dataSetViewId": view,
        "imsOrg": "EMULATOR@AdobeOrg",
        "availableDates": {},
        "createdUser": first["createdUser"],
        "createdClient": "emulator-client",
        "updatedUser": first["createdUser"],
        "version": "1.0.0",
        "created": completed,
        "updated": completed,
    }
    # Data Access lists the same files, and returns their content.
    listed = client.get(f"{EXPORT}/batches/{batch}/files")["data"]
    assert [(file["dataSetFileId"], file["dataSetViewId"]) for file in listed] == [(file, view) for file in files]
    (part,) = client.get(f"{EXPORT}/files/{batch}-2")["data"]
    answer = client.ask("GET", part["_links"]["self"]["href"].removeprefix(client.url))
    assert len(answer.text.splitlines()) == 195


def test_all_addresses_of_files_return_the_same_files(client: Client) -> None:
    dataset, batch = filled(client)
    client.dataset(client.schema("other"), "empty")
    files = client.get(link_of(client, dataset))
    view = client.get(f"{CATALOG}/dataSets/{dataset}")[dataset]["viewId"]
    for path, params in (
        (FILES, {}),
        (FILES, {"datasetId": dataset}),
        (FILES, {"dataSetId": f"!none,{dataset[:-1]}"}),
        (FILES, {"batchId": batch}),
        (FILES, {"dataSetViewId": view}),
        (f"{CATALOG}/dataSets/datasetFiles", {"datasetId": dataset}),
        (f"{CATALOG}/dataSets/{dataset}/views/{view}/files", {}),
        (f"{FILES}/{batch}-1,{batch}-2", {}),
    ):
        assert client.get(path, **params) == files, path
    assert client.get(FILES, dataSetId="none") == client.get(FILES, batchId="none") == {}
    assert list(client.get(FILES, limit=1, orderBy="desc:id")) == [f"{batch}-2"]
    assert client.get(FILES, start=1, properties="batchId") == {f"{batch}-2": {"batchId": batch}}
    for identifier in ("none", batch, f"{batch}-0", f"{batch}-3", f"{batch}-01"):
        assert client.refused("GET", f"{FILES}/{identifier}", 404)["title"] == "NotFoundError"
    assert client.ask("DELETE", f"{CATALOG}/dataSets/{dataset}").status_code == 200
    assert client.get(FILES) == {}
    client.refused("GET", f"{FILES}/{batch}-1", 404)


def test_each_dataset_has_one_view(client: Client) -> None:
    schema = client.schema()
    datasets = [client.dataset(schema, name) for name in ("one", "two")]
    views = client.get(VIEWS)
    assert [view["dataSetId"] for view in views.values()] == datasets
    for dataset, (identifier, view) in zip(datasets, views.items(), strict=True):
        actual = client.get(f"{CATALOG}/dataSets/{dataset}")[dataset]
        assert identifier == actual["viewId"]
        assert (view["status"], view["created"], view["basePath"]) == ("enabled", actual["created"], actual["basePath"])
        for path in (
            f"{VIEWS}/{identifier}",
            *[f"{CATALOG}/dataSets/{dataset}/views{end}" for end in ("", f"/{identifier}")],
        ):
            assert client.get(path) == {identifier: view}
        assert client.get(CATALOG + view["files"][1:]) == {}
    first, second = views
    assert client.get(f"{VIEWS}/{first},{second}") == views
    assert client.get(VIEWS, dataSetId=datasets[1], properties="status") == {second: {"status": "enabled"}}
    for path in (
        f"{VIEWS}/none",
        f"{CATALOG}/dataSets/none/views",
        f"{CATALOG}/dataSets/{datasets[0]}/views/{second}",
        f"{CATALOG}/dataSets/{datasets[0]}/views/{second}/files",
    ):
        client.refused("GET", path, 404)
    assert client.ask("DELETE", f"{CATALOG}/dataSets/{datasets[0]}").status_code == 200
    assert list(client.get(VIEWS)) == [second]
    client.refused("GET", f"{VIEWS}/{first}", 404)


def test_one_request_looks_up_several_objects(client: Client) -> None:
    schema = client.schema()
    one, two = (client.dataset(schema, name) for name in ("one", "two"))
    path = f"{CATALOG}/dataSets/{two},none,{one}"
    assert client.get(path, properties="name") == {two: {"name": "two"}, one: {"name": "one"}}
    assert client.get(f"{CATALOG}/dataSets/{one},{one}") == client.get(f"{CATALOG}/dataSets/{one}")
    client.refused("GET", f"{CATALOG}/dataSets/none,nowhere", 404)
    client.flow(client.flow_body_of(client.source(), schema, one))
    client.advance(70)
    client.advance(1800)
    batches = client.get(f"{CATALOG}/batches")
    assert len(batches) == 2
    assert client.get(f"{CATALOG}/batches/{','.join(batches)}") == batches


@pytest.mark.parametrize(
    ("member", "params", "expected"),
    [
        ("status", {}, ["success", "failed"]),
        ("status", {"status": "!success"}, ["failed"]),
        ("imsOrg", {}, ["EMULATOR@AdobeOrg"]),
        ("none", {}, []),
        ("metrics", {}, []),
    ],
)
def test_the_distinct_values_of_a_member_of_batches(
    client: Client, member: str, params: dict[str, Any], expected: list[str]
) -> None:
    client.flow(client.prepared())
    client.advance(70)
    client.control("POST", "outcomes", json={"outcome": "fail_promotion"})
    client.control("POST", "outcomes", json={"outcome": "fail_promotion"})
    client.advance(3600)
    batches = client.get(f"{CATALOG}/batches")
    assert len(batches) == 3
    assert client.get(f"{CATALOG}/batches/uniques/{member}", **params) == expected
    assert client.get(f"{CATALOG}/batches/uniques/batch") == list(batches)


def test_distinct_values_of_batches_accept_the_filters_of_their_list(client: Client) -> None:
    dataset, _ = filled(client)
    path = f"{CATALOG}/batches/uniques/dataSet"
    assert client.get(path, dataSet=dataset) == client.get(path, property="status==success") == [dataset]
    assert client.get(path, dataSet="none") == []
    client.refused("GET", path, 400, params={"createdAfter": "x"})
    client.refused("GET", path, 400, params={"property": "=="})


def test_the_collections_that_catalog_names_can_be_listed(client: Client) -> None:
    filled(client)
    collections = client.get(f"{CATALOG}/")
    assert collections.keys() == {"batches", "dataSets", "dataSetFiles", "dataSetViews"}
    for link in collections.values():
        assert client.get(CATALOG + link[1:])


def test_the_retention_of_rows_is_set_within_its_limits(client: Client) -> None:
    dataset = client.dataset(client.schema())
    limits = client.get(f"{CATALOG}/ttl/{dataset}")["extensions"]["adobe_lakeHouse"]["rowExpiration"]
    assert limits == {"defaultValue": "P12M", "maxValue": "P10Y", "minValue": "P30D"}
    client.refused("GET", f"{CATALOG}/ttl/none", 404)
    extensions = {"adobe_lakeHouse": {"rowExpiration": {"ttlValue": "P3M", "valueStatus": "custom"}}}
    body = {"extensions": extensions}
    assert client.ask("PATCH", f"{CATALOG}/v2/dataSets/{dataset}", json=body).json() == [f"@/dataSets/{dataset}"]
    assert client.get(f"{CATALOG}/dataSets/{dataset}")[dataset]["extensions"] == extensions
