"""The emulated Data Access: files of records, row errors and other diagnostics of batches."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.emulator.client import BAD_PRODUCTS, CATALOG, FLOW, GOOD_PRODUCTS, Client

EXPORT = "/data/foundation/export"
ALL = GOOD_PRODUCTS + BAD_PRODUCTS
DAY = 86400


def first_run(client: Client, *, options: dict[str, Any] | None = None, **outcome: Any) -> tuple[Any, str, str]:
    """Run a new dataflow once; return the run and the ids of its batch and dataset."""
    if outcome:
        client.control("POST", "outcomes", json=outcome)
    body = client.prepared()
    if options is not None:
        body["options"] = options
    flow = client.flow(body)["id"]
    client.advance(62)
    (run,) = client.runs(flow)
    (batch,) = run["activities"][1]["targetInfo"][0]["reference"]["ids"]
    client.ask("DELETE", f"{FLOW}/flows/{flow}")
    return run, batch, body["_dataset"]


def follow(client: Client, link: str, **options: Any) -> requests.Response:
    assert link.startswith(f"{client.url}{EXPORT}/")
    return client.ask("GET", link.removeprefix(client.url), **options)


def lines(answer: requests.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    return [json.loads(line) for line in answer.text.splitlines()]


def rows(client: Client, dataset: str) -> Any:
    return client.control("GET", f"datasets/{dataset}/rows", params={"limit": 9999})["rows"]


def meta(client: Client, batch: str, path: str, **paging: Any) -> Any:
    """Return a list of diagnostic files."""
    answer = client.ask("GET", f"{EXPORT}/batches/{batch}/meta", params={"path": path, **paging})
    assert answer.status_code == 200, answer.text
    return answer.json()


def not_found_detail(client: Client, address: str) -> str:
    """Return the message of a 404 answer."""
    body = client.refused("GET", address, 404)
    assert body.keys() == {"type", "title", "status", "detail"}
    assert (body["title"], body["status"]) == ("NotFoundError", 404)
    return str(body["detail"])


def test_the_records_of_a_batch_are_in_files(client: Client) -> None:
    run, batch, dataset = first_run(client)
    listed = client.get(f"{EXPORT}/batches/{batch}/files")
    assert listed.keys() == {"data", "_page"}
    assert listed["_page"] == {"limit": 100, "count": 2}
    view = client.get(f"{CATALOG}/dataSets/{dataset}")[dataset]["viewId"]
    completed = str(run["metrics"]["durationSummary"]["completedAtUTC"])
    records = []
    for number, entry in enumerate(listed["data"], 1):
        assert entry == {
            "dataSetFileId": f"{batch}-{number}",
            "dataSetViewId": view,
            "version": "1.0.0",
            "created": completed,
            "updated": completed,
            "isValid": True,
            "_links": {"self": {"href": f"{client.url}{EXPORT}/files/{batch}-{number}"}},
        }
        (part,) = follow(client, entry["_links"]["self"]["href"]).json()["data"]
        content = follow(client, part["_links"]["self"]["href"])
        assert part["length"] == str(len(content.content))
        records += lines(content)
    assert records == rows(client, dataset)
    assert len(records) == GOOD_PRODUCTS
    assert client.get(f"{EXPORT}/datasets/{dataset}/preview") == {"data": records[:100]}
    assert client.get(f"{EXPORT}/batches/{batch}/failed")["data"] == []
    client.ask("DELETE", f"{CATALOG}/dataSets/{dataset}")
    assert client.get(f"{EXPORT}/batches/{batch}/files")["data"] == []


def test_each_batch_has_its_own_records(client: Client) -> None:
    body = client.prepared()
    client.flow(body)
    client.advance(62 + 3600)
    client.sign_in()
    batches = list(client.get(f"{CATALOG}/batches", dataSet=body["_dataset"]))
    assert len(batches) == 3
    found = []
    for batch in batches:
        for entry in client.get(f"{EXPORT}/batches/{batch}/files")["data"]:
            found += lines(client.ask("GET", f"{EXPORT}/files/{entry['dataSetFileId']}?path=" + part(client, entry)))
    assert found == rows(client, body["_dataset"])


def part(client: Client, entry: Any) -> str:
    return str(client.get(f"{EXPORT}/files/{entry['dataSetFileId']}")["data"][0]["name"])


def test_the_links_of_a_run_lead_to_row_errors(client: Client) -> None:
    run, batch, _ = first_run(client)
    extensions = run["activities"][1]["statusSummary"]["extensions"]
    listed = follow(client, extensions["manifest"]["failedRecords"]).json()
    assert [entry["name"] for entry in listed["data"]] == ["conversion_errors_0.json", "validation_errors_0.json"]
    errors = []
    for entry in listed["data"]:
        link = entry["_links"]["self"]["href"]
        assert link == f"{client.url}{EXPORT}/batches/{batch}/meta?path=row_errors%2F{entry['name']}"
        found = follow(client, link)
        assert entry["length"] == str(len(found.content))
        assert {line["_filename"] for line in lines(found)} == {entry["name"]}
        errors += lines(found)
    assert len(errors) == BAD_PRODUCTS
    assert all(line.keys() == {"_corrupt_record", "_errors", "_filename"} for line in errors)
    assert sorted(line["_errors"][0]["code"] for line in errors) == ["1111"] * 3 + ["3700"] * 2
    products = [json.loads(line["_corrupt_record"]) for line in errors]
    assert sorted(product["Product_Id"] is None for product in products) == [False] * 2 + [True] * 3
    samples = lines(follow(client, extensions["manifest"]["sampleErrors"]))
    assert [line["_errors"] for line in samples] != []
    assert len(samples) == BAD_PRODUCTS
    other = client.ask("GET", f"{EXPORT}/batches/{batch}/meta", params={"path": "row_errors_sample.json"})
    assert lines(other) == samples


def test_the_links_of_a_run_lead_to_its_input_files(client: Client) -> None:
    run, batch, _ = first_run(client)
    link = run["metrics"]["fileSummary"]["manifest"]["fileInfo"][0]["path"]
    assert link == run["activities"][1]["fileSummary"]["extensions"]["manifest"]["fileInfo"]
    (entry,) = follow(client, link).json()["data"]
    assert entry["name"] == "fileMetaData1.json"
    assert lines(follow(client, entry["_links"]["self"]["href"])) == [{"path": "PayPal.Catalog_Products"}]
    top = client.get(f"{EXPORT}/batches/{batch}/meta")
    assert [entry["name"] for entry in top["data"]] == ["input_files", "row_errors", "row_error_samples.json"]
    assert follow(client, top["data"][1]["_links"]["self"]["href"]).json()["_page"]["count"] == 2


def test_many_row_errors_fill_several_pages_of_files(client: Client) -> None:
    _, batch, _ = first_run(client, outcome="partial", failed=1199)
    address = f"{EXPORT}/batches/{batch}/meta"
    seen, link, pages = [], f"{client.url}{address}?path=row_errors&limit=1", 0
    while link:
        page = follow(client, link).json()
        assert page["_page"] == {"limit": 1, "count": 3}
        assert len(page["data"]) == 1
        seen += page["data"]
        pages += 1
        link = page["_links"].get("next", {}).get("href")
    names = [entry["name"] for entry in seen]
    assert names == ["conversion_errors_0.json", "conversion_errors_1.json", "validation_errors_0.json"]
    sizes = [len(lines(follow(client, entry["_links"]["self"]["href"]))) for entry in seen]
    assert sizes == [1000, 196, 3]
    last = meta(client, batch, "row_errors", start=2, limit=500)
    assert (last["data"], last["_page"]) == (seen[2:], {"limit": 100, "count": 3})
    assert "next" not in last["_links"]
    assert meta(client, batch, "row_errors", start=3)["data"] == []
    for parameter in ({"limit": "-1"}, {"limit": "many"}, {"start": "1.5"}):
        refusal = client.refused("GET", address, 400, params={"path": "row_errors", **parameter})
        assert next(iter(parameter)) in refusal["detail"]


def test_a_failed_batch_keeps_the_records_that_were_read(client: Client) -> None:
    run, batch, dataset = first_run(client, options={"partialIngestionPercent": 0.001})
    assert run["metrics"]["statusSummary"]["status"] == "failed"
    listed = client.get(f"{EXPORT}/batches/{batch}/failed")
    assert [entry["name"] for entry in listed["data"]] == ["part-00000.json", "part-00001.json"]
    read = [line for entry in listed["data"] for line in lines(follow(client, entry["_links"]["self"]["href"]))]
    assert len(read) == ALL
    assert read[0].keys() == {"Product_Id", "Product_Name", "Description", "Type", "Create_Time"}
    assert client.get(f"{EXPORT}/batches/{batch}/files")["data"] == []
    assert rows(client, dataset) == []
    assert meta(client, batch, "row_errors")["_page"]["count"] == 2


def test_without_error_diagnostics_there_are_no_row_errors(client: Client) -> None:
    run, batch, _ = first_run(client, options={})
    assert run["metrics"]["recordSummary"]["failedInfo"] == []
    assert "manifest" not in run["activities"][1]["statusSummary"]["extensions"]
    not_found_detail(client, f"{EXPORT}/batches/{batch}/meta?path=row_errors")
    not_found_detail(client, f"{EXPORT}/batches/{batch}/meta?path=row_error_samples.json")
    assert [entry["name"] for entry in client.get(f"{EXPORT}/batches/{batch}/meta")["data"]] == ["input_files"]
    wire = client.get(f"{CATALOG}/batches/{batch}")[batch]
    assert [error["code"] for error in wire["errors"]] == ["INGEST-1211-400"]
    assert wire["tags"]["acp_enableErrorDiagnostics"] == ["false"]


def test_a_batch_reports_the_same_errors_as_its_run(client: Client) -> None:
    run, batch, dataset = first_run(client)
    wire = client.get(f"{CATALOG}/batches/{batch}")[batch]
    assert (wire["id"], wire["externalId"], wire["status"]) == (batch, batch, "success")
    assert wire["metrics"] == {
        "inputByteSize": run["metrics"]["sizeSummary"]["inputBytes"],
        "inputFileCount": 1,
        "inputRecordCount": ALL,
        "outputRecordCount": GOOD_PRODUCTS,
        "failedRecordCount": BAD_PRODUCTS,
    }
    errors = run["activities"][1]["statusSummary"]["extensions"]["errors"]
    assert wire["errors"] == [
        {("description" if name == "message" else name): value for name, value in error.items()} for error in errors
    ]
    assert wire["relatedObjects"] == [{"type": "dataSet", "id": dataset}]
    assert wire["tags"] == {
        "flowId": [run["flowId"]],
        "flowRunId": [run["id"]],
        "acp_enableErrorDiagnostics": ["true"],
        "acp_partialIngestionPercent": ["5"],
    }
    assert wire["completed"] == run["metrics"]["durationSummary"]["completedAtUTC"]
    assert list(client.get(f"{CATALOG}/batches", tags=f"flowRunId:{run['id']}")) == [batch]


def test_diagnostics_expire_after_thirty_days(client: Client) -> None:
    _, batch, _ = first_run(client, options={"partialIngestionPercent": 0.001})
    address = f"{EXPORT}/batches/{batch}"
    client.advance(30 * DAY - 2)
    client.sign_in()
    assert meta(client, batch, "row_errors")["_page"]["count"] == 2
    assert client.get(f"{address}/failed")["_page"]["count"] == 2
    client.advance(2)
    for path in ("row_errors", "row_error_samples.json", "input_files", "row_errors/conversion_errors_0.json"):
        assert batch in not_found_detail(client, f"{address}/meta?path={path}")
    not_found_detail(client, f"{address}/failed")
    assert client.get(f"{CATALOG}/batches/{batch}")[batch]["metrics"]["failedRecordCount"] == ALL


@pytest.mark.parametrize(
    "path",
    [
        "/batches/none/files",
        "/batches/none/failed",
        "/batches/none/meta?path=row_errors",
        "/batches/{batch}/meta?path=row_errors/none.json",
        "/batches/{batch}/meta?path=../row_errors",
        "/batches/{batch}/meta?path=nothing/at/all",
        "/batches/{batch}/failed?path=none",
        "/files/none",
        "/files/{batch}",
        "/files/{batch}-0",
        "/files/{batch}-3",
        "/files/{batch}-\u00b2",
        "/files/{batch}-1?path=none",
        "/datasets/none/preview",
    ],
)
def test_unknown_files_and_batches_are_not_found(client: Client, path: str) -> None:
    _, batch, _ = first_run(client)
    not_found_detail(client, EXPORT + path.replace("{batch}", batch))


def test_batches_of_other_sandboxes_are_not_found(client: Client) -> None:
    _, batch, _ = first_run(client)
    for path in (f"/batches/{batch}/files", f"/batches/{batch}/meta?path=row_errors", f"/files/{batch}-1"):
        client.refused("GET", EXPORT + path, 404, headers={"x-sandbox-name": "prod"})
    assert client.ask("GET", f"{EXPORT}/batches/{batch}/files", headers={"x-api-key": ""}).status_code == 403


def test_a_range_of_bytes_of_a_file_is_returned(client: Client) -> None:
    _, batch, _ = first_run(client)
    address = f"{EXPORT}/files/{batch}-1?path=part-00000.json"
    whole = client.ask("GET", address).content
    head = client.ask("HEAD", address)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole)
    assert head.headers["Accept-Ranges"] == "bytes"
    cases = (
        ("bytes=0-99", whole[:100], f"0-99/{len(whole)}"),
        ("bytes=100-", whole[100:], f"100-{len(whole) - 1}/{len(whole)}"),
        ("bytes=-10", whole[-10:], f"{len(whole) - 10}-{len(whole) - 1}/{len(whole)}"),
        ("bytes=5-99999999999", whole[5:], f"5-{len(whole) - 1}/{len(whole)}"),
    )
    for byte_range, content, described in cases:
        answer = client.ask("GET", address, headers={"Range": byte_range})
        assert (answer.status_code, answer.content) == (206, content)
        assert answer.headers["Content-Range"] == f"bytes {described}"
    for byte_range in ("bytes=99999999-", "bytes=9-3", "bytes=-0"):
        assert client.ask("GET", address, headers={"Range": byte_range}).status_code == 416
    for byte_range in ("lines=1-2", "bytes=-", "bytes=1-2,4-5", "x"):
        assert client.ask("GET", address, headers={"Range": byte_range}).content == whole
