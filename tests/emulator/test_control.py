from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import CATALOG, FLOW, PAYPAL, Client

KINDS = {
    "connections",
    "sourceConnections",
    "targetConnections",
    "flows",
    "runs",
    "schemas",
    "fieldgroups",
    "classes",
    "dataSets",
    "batches",
    "mappingSets",
}


def test_state_shows_everything_by_sandbox(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(62)
    state = client.control("GET", "state")
    assert state["mode"] == "manual"
    assert state["sandboxes"].keys() == {"prod", "dev"}
    dev, prod = state["sandboxes"]["dev"], state["sandboxes"]["prod"]
    assert dev.keys() == prod.keys() == KINDS
    assert {kind: len(items) for kind, items in dev.items()} == {**dict.fromkeys(KINDS, 1), "classes": 0}
    assert {kind: len(items) for kind, items in prod.items()} == {**dict.fromkeys(KINDS, 0), "connections": 1}
    assert dev["flows"][0] == client.item("flows", flow)
    assert dev["dataSets"][0]["id"] == body["_dataset"]
    assert prod["connections"][0]["id"] == PAYPAL


def test_reset_forgets_all_but_tokens(client: Client) -> None:
    client.flow(client.prepared())
    client.control("POST", "reset")
    assert client.control("GET", "requests") == {"requests": []}
    for items in client.control("GET", "state")["sandboxes"].values():
        assert sum(map(len, items.values())) == 1
    assert client.get(f"{CATALOG}/dataSets") == {}


def test_request_log(client: Client) -> None:
    client.control("POST", "reset")
    client.sign_in()
    client.get(f"{FLOW}/flows", property="name==a b")
    answer = client.ask("POST", f"{FLOW}/flows", json={"name": "x"})
    log = client.control("GET", "requests")["requests"]
    assert [entry["number"] for entry in log] == [1, 2, 3]
    assert [(entry["method"], entry["path"], entry["status"]) for entry in log] == [
        ("POST", "/ims/token/v3", 200),
        ("GET", f"{FLOW}/flows", 200),
        ("POST", f"{FLOW}/flows", answer.status_code),
    ]
    assert log[0]["body"] is None
    assert log[0]["query"] == ""
    assert log[1]["query"] == "property=name%3D%3Da+b"
    assert log[2]["body"] == {"name": "x"}
    assert log[2]["request_id"] == answer.headers["x-request-id"]

    def numbers(**params: Any) -> list[int]:
        return [entry["number"] for entry in client.control("GET", "requests", params=params)["requests"]]

    assert numbers(method="post") == [1, 3]
    assert numbers(path=FLOW) == [2, 3]
    assert numbers(status="400") == [3]
    assert numbers(method="POST", path="/ims") == [1]


def test_clock(client: Client) -> None:
    before = client.now()
    assert client.advance(0.5) == before + 0.5
    assert client.advance(0) == before + 0.5
    for bad in (-1, "5", None, True, 1e18, [], {}):
        assert "advance" in client.refused("POST", "/__emulator__/clock", 400, json={"advance": bad})["error"]
    for bad in (b"", b"[]", b"{", b'{"advance": NaN}', b'{"advance": Infinity}'):
        client.refused("POST", "/__emulator__/clock", 400, data=bad)


def test_rows_of_unknown_datasets_and_bad_pages(client: Client) -> None:
    client.refused("GET", "/__emulator__/datasets/none/rows", 404)
    dataset = client.dataset(client.schema())
    path = f"/__emulator__/datasets/{dataset}/rows"
    assert client.get(path) == {"count": 0, "rows": []}
    for params in ({"start": "-1"}, {"limit": "x"}, {"limit": "9" * 30}):
        client.refused("GET", path, 400, params=params)


@pytest.mark.parametrize("path", ["state/x", "nothing", "datasets"])
def test_unknown_control_routes(client: Client, path: str) -> None:
    assert client.ask("GET", f"/__emulator__/{path}").status_code == 404


def test_log_masks_credentials_in_patches(client: Client) -> None:
    patches = [
        {"op": "replace", "path": "/auth/params/clientSecret", "value": "hush"},
        {"op": "add", "path": "/auth/params/other", "value": {"deep": "hush"}},
        {"op": "replace", "path": "/auth", "value": {"params": {"other": "hush"}}},
        {"op": "replace", "path": "/params/accessToken/", "value": "hush"},
        {"op": "replace", "path": "/name", "value": "seen"},
    ]
    client.ask("PATCH", f"{FLOW}/connections/x", json=patches)
    (entry,) = client.control("GET", "requests", params={"method": "PATCH"})["requests"]
    assert [instruction["value"] for instruction in entry["body"]] == ["***"] * 4 + ["seen"]
    assert [instruction["path"] for instruction in entry["body"]] == [patch["path"] for patch in patches]
