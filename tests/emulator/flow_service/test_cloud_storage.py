"""Sources with files: credentials, exploring, and the files that runs ingest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.emulator.client import FLOW, Client, flow_body, sent

S3 = "ecadc60c-7455-4d87-84dc-2a0e293d997b"
BLOB = "4c10e202-c428-4796-9208-5f1f5732b1cf"
SFTP = "b7bf2577-4520-42c9-bae9-cad01560f7bc"
FILE_FLOW_SPEC = "9753525b-82c7-4dce-8a9b-5ccfce2b9876"
CSV, JSON = "/settlements/paypal/", "/settlements/stripe/"
CREDENTIALS: list[tuple[str, str, dict[str, Any], str]] = [
    (S3, "Access Key", {"s3AccessKey": "a", "s3SecretKey": "b", "bucketName": "c"}, "s3SecretKey"),
    (BLOB, "ConnectionString", {"connectionString": "AccountName=a;AccountKey=b"}, "connectionString"),
    (BLOB, "SasURIAuthentication", {"sasUri": "https://a.blob.core.windows.net/?sig=b"}, "sasUri"),
    (SFTP, "Basic Authentication for sftp", {"host": "h", "userName": "u", "password": "p", "port": 22}, "password"),
    (
        SFTP,
        "SSH PublicKey Authentication for sftp",
        {"host": "h", "userName": "u", "privateKeyContent": "k", "passPhrase": "p"},
        "privateKeyContent",
    ),
]
CSV_PAIRS = (
    ("Settlement_Id", "_id"),
    ("Transaction_Id", "_emulator.product.name"),
    ("Net_Amount", "_emulator.product.description"),
)
JSON_PAIRS = (("id", "_id"), ("charge", "_emulator.product.name"), ("amount.currency", "_emulator.product.type"))


def base_body(spec: str, auth: str, params: dict[str, Any]) -> dict[str, Any]:
    credential = {"specName": auth, "params": params}
    return {"name": "files", "auth": credential, "connectionSpec": {"id": spec, "version": "1.0"}}


def connect(client: Client) -> str:
    return str(client.make(f"{FLOW}/connections", base_body(*CREDENTIALS[0][:3]))["id"])


def source(base: str, form: str, path: str, data: Any = None, **params: Any) -> dict[str, Any]:
    return {
        "name": "settlements",
        "baseConnectionId": base,
        "data": {"format": form, **(data or {})},
        "params": {"path": path, **params},
        "connectionSpec": {"id": S3, "version": "1.0"},
    }


def next_day(client: Client) -> None:
    client.advance(86400)
    client.sign_in()


def listed(client: Client, base: str, **params: str) -> list[Any]:
    return list(client.get(f"{FLOW}/connections/{base}/explore", **params))


@pytest.mark.parametrize(("spec", "auth", "params", "secret"), CREDENTIALS)
def test_a_file_source_requires_an_accepted_credential(
    client: Client, spec: str, auth: str, params: dict[str, Any], secret: str
) -> None:
    created = client.make(f"{FLOW}/connections", base_body(spec, auth, params))["id"]
    assert client.get(f"{FLOW}/connections/{created}/test") == {"result": True}
    shown = client.item("connections", created)["auth"]
    assert shown["specName"] == auth
    assert secret not in shown["params"]
    missing = {name: value for name, value in params.items() if name != secret}
    detail = client.flow_problem("POST", f"{FLOW}/connections", "1304-400", json=base_body(spec, auth, missing))
    assert f"auth.params.{secret}" in detail
    wrong = client.make(f"{FLOW}/connections", base_body(spec, auth, {**params, secret: "wrong"}))["id"]
    assert client.get(f"{FLOW}/connections/{wrong}/test") == {"result": False}


def test_folders_can_be_explored(client: Client) -> None:
    base = connect(client)
    folder = {"type": "folder", "canPreview": False, "canFetchSchema": False}
    assert listed(client, base, objectType="root") == [{**folder, "name": "settlements", "path": "/settlements/"}]
    for spelling in ("/settlements/", "settlements", "/settlements"):
        found = listed(client, base, objectType="folder", object=spelling)
        assert [entry["path"] for entry in found] == [CSV, JSON]
    files = listed(client, base, objectType="FOLDER", object=CSV)
    assert len(files) == 30
    assert all(entry["type"] == "file" and entry["canPreview"] for entry in files)
    assert files[0]["path"] == CSV + files[0]["name"]
    next_day(client)
    assert listed(client, base, objectType="folder", object=CSV)[:30] == files
    assert len(listed(client, base, objectType="folder", object=CSV)) == 31


def test_files_can_be_explored_and_previewed(client: Client) -> None:
    base = connect(client)
    csv = listed(client, base, objectType="folder", object=CSV)[0]["path"]
    shown = client.get(
        f"{FLOW}/connections/{base}/explore",
        objectType="file",
        object=csv,
        fileType="DELIMITED",
        preview="true",
        columnDelimiter=",",
    )
    assert shown["format"] == "flat"
    names = [column["name"] for column in shown["schema"]["columns"]]
    assert names[:2] == ["Settlement_Id", "Settlement_Date"]
    assert len(shown["data"]) == 40
    assert list(shown["data"][0]) == names
    json = listed(client, base, objectType="folder", object=JSON)[0]["path"]
    shown = client.get(f"{FLOW}/connections/{base}/explore", objectType="file", object=json, fileType="json")
    assert shown["format"] == "hierarchical"
    assert shown["schema"]["properties"]["amount"]["properties"]["net"]["type"] == "integer"
    assert "data" not in shown
    tomorrow = datetime.fromtimestamp(client.now(), UTC) + timedelta(hours=23)
    future = f"{CSV}settlement-{tomorrow:%Y-%m-%d}.csv"
    for params, code in (
        ({"objectType": "table", "object": csv}, "1358-400"),
        ({"objectType": "folder"}, "1359-400"),
        ({"objectType": "folder", "object": "/none/"}, "1003-404"),
        ({"objectType": "file", "object": future, "fileType": "delimited"}, "1003-404"),
        ({"objectType": "file", "object": csv}, "1359-400"),
        ({"objectType": "file", "object": csv, "fileType": "xml"}, "1399-400"),
        ({"objectType": "file", "object": csv, "fileType": "json"}, "1396-400"),
        ({"objectType": "file", "object": csv, "determineProperties": "true"}, "1371-400"),
        ({"objectType": "file", "object": csv, "fileType": "delimited", "columnDelimiter": "ab"}, "1331-400"),
    ):
        client.flow_problem("GET", f"{FLOW}/connections/{base}/explore", code, params=params)
    next_day(client)
    client.get(f"{FLOW}/connections/{base}/explore", objectType="file", object=future, fileType="delimited")


@pytest.mark.parametrize(
    ("form", "path", "more", "code"),
    [
        ("tabular", CSV, {}, "1327-400"),
        ("json", CSV, {}, "1312-400"),
        ("delimited", "/none/", {}, "1312-400"),
        ("delimited", "/settlements/", {}, "1312-400"),
        ("delimited", CSV, {"type": "drawer"}, "1000-400"),
        ("delimited", CSV, {"recursive": "deep"}, "1000-400"),
        ("delimited", CSV, {"data": {"columnDelimiter": "||"}}, "1331-400"),
        ("delimited", CSV, {"columns": [{"name": "Colour", "type": "string"}]}, "1330-400"),
    ],
)
def test_invalid_file_sources_are_refused(
    client: Client, form: str, path: str, more: dict[str, Any], code: str
) -> None:
    client.flow_problem("POST", f"{FLOW}/sourceConnections", code, json=source(connect(client), form, path, **more))


def flow_over(client: Client, body: dict[str, Any], pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Create a file source and return the body of a dataflow over it, which has no delta column."""
    schema = client.schema()
    dataset = client.dataset(schema)
    created = client.make(f"{FLOW}/sourceConnections", body)["id"]
    result = flow_body(
        created, client.target(schema, dataset), client.mapping(schema, *pairs), client.now() + 60, dataset
    )
    result["flowSpec"] = {"id": FILE_FLOW_SPEC, "version": "1.0"}
    result["transformations"] = result["transformations"][1:]
    result["scheduleParams"] = {"startTime": client.now() + 60, "frequency": "day", "interval": 1}
    return result


@pytest.mark.parametrize(
    ("form", "path", "more", "pairs", "files"),
    [
        ("delimited", CSV, {"type": "folder"}, CSV_PAIRS, 30),
        ("delimited", CSV + "*.csv", {}, CSV_PAIRS, 30),
        ("delimited", "/settlements", {"recursive": "true", "data": {"columnDelimiter": ","}}, CSV_PAIRS, 30),
        ("json", JSON, {"recursive": True}, JSON_PAIRS, 30),
    ],
)
def test_each_run_ingests_the_files_changed_since_the_last_run(
    client: Client, form: str, path: str, more: dict[str, Any], pairs: tuple[tuple[str, str], ...], files: int
) -> None:
    body = flow_over(client, source(connect(client), form, path, **more), pairs)
    flow = client.flow(body)["id"]
    client.advance(120)
    next_day(client)
    counts = [run["metrics"]["recordSummary"]["outputRecordCount"] for run in client.runs(flow)]
    assert counts == [files * 40, 40]
    rows = client.control("GET", f"datasets/{body['_dataset']}/rows")
    assert rows["count"] == sum(counts)
    assert rows["rows"][0]["_emulator"]["product"]["name"]


def test_a_single_file_is_ingested_once(client: Client) -> None:
    base = connect(client)
    csv = listed(client, base, objectType="folder", object=CSV)[3]["path"]
    body = flow_over(client, source(base, "delimited", csv, type="file"), CSV_PAIRS)
    flow = client.flow(body)["id"]
    client.advance(120)
    next_day(client)
    assert [run["metrics"]["recordSummary"]["inputRecordCount"] for run in client.runs(flow)] == [40, 0]


def test_flows_have_no_copy_transformation(client: Client) -> None:
    body = flow_over(client, source(connect(client), "delimited", CSV), CSV_PAIRS)
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "Settlement_Date"}}}
    refused = sent({**body, "transformations": [copy, *body["transformations"]]})
    client.flow_problem("POST", f"{FLOW}/flows", "1392-400", json=refused)
    mapping = client.mapping(client.item("targetConnections", body["targetConnectionIds"][0])["data"]["schema"]["id"])
    body["transformations"][0]["params"]["mappingId"] = mapping
    assert "Product_Id" in client.flow_problem("POST", f"{FLOW}/flows", "1419-400", json=sent(body))


def test_flow_spec(client: Client) -> None:
    (spec,) = client.get(f"{FLOW}/flowSpecs", property='name=="CloudStorageToAEP"')["items"]
    assert spec["id"] == FILE_FLOW_SPEC
    assert {S3, BLOB, SFTP} < set(spec["sourceConnectionSpecIds"])
    assert [entry["name"] for entry in spec["transformationSpecs"]] == ["Mapping"]
    assert spec["runSpec"]["spec"]["required"] == ["startTime", "windowStartTime", "windowEndTime"]
    (s3,) = client.get(f"{FLOW}/connectionSpecs", property=f"id=={S3}")["items"]
    assert s3["sourceSpec"]["spec"]["required"] == ["path"]
    assert s3["exploreSpec"]["requestSpec"]["properties"]["objectType"]["enum"] == ["root", "folder", "file"]
