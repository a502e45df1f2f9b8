"""The control interface: the state, resets, the request log and the clock."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_payments.emulator.http.server import EmulatorServer
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
    "datatypes",
    "descriptors",
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
    assert {kind: len(items) for kind, items in dev.items()} == {
        **dict.fromkeys(KINDS, 1),
        **dict.fromkeys(("classes", "datatypes", "descriptors"), 0),
    }
    assert {kind: len(items) for kind, items in prod.items()} == {**dict.fromkeys(KINDS, 0), "connections": 1}
    assert dev["flows"][0] == client.item("flows", flow)
    assert dev["dataSets"][0]["id"] == body["_dataset"]
    assert prod["connections"][0]["id"] == PAYPAL


def test_a_reset_removes_everything_but_tokens(client: Client) -> None:
    client.flow(client.prepared())
    client.control("POST", "reset")
    assert client.control("GET", "requests") == {"requests": []}
    for items in client.control("GET", "state")["sandboxes"].values():
        assert sum(map(len, items.values())) == 1
    assert client.get(f"{CATALOG}/dataSets") == {}


def test_the_request_log_shows_requests_and_filters_them(client: Client) -> None:
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
    assert numbers(since="1") == [2, 3]
    assert numbers(since="1", method="POST") == [3]
    assert numbers(sandbox="dev") == [1, 2, 3]
    assert numbers(sandbox="prod") == []
    assert numbers(status="none") == []
    assert numbers(fault="drop_before") == []


def test_numbering_continues_after_the_request_log_is_cleared(client: Client) -> None:
    client.control("POST", "reset")
    client.get(f"{FLOW}/flows")
    assert client.control("DELETE", "requests") == {"removed": 1}
    assert client.control("GET", "requests") == {"requests": []}
    client.get(f"{FLOW}/flows")
    assert [entry["number"] for entry in client.control("GET", "requests")["requests"]] == [2]


def test_the_request_log_is_bounded_by_the_size_of_bodies(client: Client) -> None:
    client.control("POST", "reset")
    body = b"[" + b" " * 65_000 + b"]"

    def numbers_after(requests_: int) -> list[int]:
        for _ in range(requests_):
            client.session.put(f"{client.url}/none", data=body)
        entries = client.control("GET", "requests")["requests"]
        assert {str(entry["body"]) for entry in entries} == {"[]"}
        return [entry["number"] for entry in entries]

    assert numbers_after(600) == list(range(1, 601))
    client.control("DELETE", "requests")
    assert numbers_after(600) == list(range(601, 1201))
    # 1100 requests exceed 64 MiB: only the most recent ones are kept.
    assert numbers_after(500) == list(range(1701 - 64 * 1024 * 1024 // len(body), 1701))


def test_the_request_log_shows_the_fault_of_a_request(client: Client) -> None:
    faults = [{"match": {"path": "*/flows"}, "action": action} for action in ("html", "drop_before")]
    ids = [fault["id"] for fault in client.control("POST", "faults", json=faults)["faults"]]
    client.ask("GET", f"{FLOW}/flows")
    with pytest.raises(requests.ConnectionError):
        client.ask("GET", f"{FLOW}/flows")
    client.get(f"{FLOW}/flows")
    log = client.control("GET", "requests", params={"path": FLOW})["requests"]
    assert [(entry["status"], entry["fault"]) for entry in log] == [
        (502, {"id": ids[0], "action": "html"}),
        (None, {"id": ids[1], "action": "drop_before"}),
        (200, None),
    ]
    for fault in (ids[1], "drop_before"):
        assert client.control("GET", "requests", params={"fault": fault})["requests"] == [log[1]]
    assert client.control("GET", "requests", params={"status": "none"})["requests"] == [log[1]]


@pytest.mark.parametrize(("path", "name"), [("requests?since=-1", "since"), ("requests?methode=GET", "methode")])
def test_the_request_log_refuses_unknown_and_invalid_filters(client: Client, path: str, name: str) -> None:
    assert f"'{name}'" in client.refused("GET", f"/__emulator__/{path}", 400)["error"]


def test_the_state_can_be_selected_by_sandbox_and_kind(client: Client) -> None:
    client.source()
    whole = client.control("GET", "state")["sandboxes"]
    of_prod = client.control("GET", "state", params={"sandbox": "prod"})["sandboxes"]
    assert of_prod == {"prod": whole["prod"]}
    sources = client.control("GET", "state", params={"kind": "sourceConnections"})["sandboxes"]
    assert sources == {name: {"sourceConnections": whole[name]["sourceConnections"]} for name in whole}
    assert len(sources["dev"]["sourceConnections"]) == 1
    both = client.control("GET", "state", params={"kind": "flows", "sandbox": "dev"})["sandboxes"]
    assert both == {"dev": {"flows": []}}
    for wrong, allowed in (("sandbox=x", "dev, prod"), ("kind=x", "mappingSets"), ("kinds=flows", "kind")):
        message = client.refused("GET", f"/__emulator__/state?{wrong}", 400)["error"]
        assert allowed in message


def test_a_reset_can_set_a_manual_clock(client: Client) -> None:
    moment = client.now() + 1000
    assert client.control("POST", "reset", json={"clock": moment}) == {"now": moment}
    assert client.control("GET", "clock") == {"now": moment, "mode": "manual"}
    client.sign_in()
    source = client.source()
    assert client.item("sourceConnections", source)["createdAt"] == moment * 1000
    bodies: list[dict[str, Any]] = [{"clock": "now"}, {"clock": -1}, {"clock": 1e12}, {"time": 1}]
    for bad in bodies:
        client.refused("POST", "/__emulator__/reset", 400, json=bad)
    client.refused("POST", "/__emulator__/reset", 400, data=b"[]")
    assert client.now() == moment


def test_every_operation_is_listed(client: Client) -> None:
    operations = client.control("GET", "")["operations"]
    for operation in operations:
        assert operation["does"]
        assert operation["path"].startswith("/__emulator__")
        answer = client.ask("TRACE", operation["path"])
        assert answer.status_code == 405
        assert operation["method"] in answer.headers["Allow"]
    shown = {(operation["method"], operation["path"]) for operation in operations}
    assert {("POST", "/__emulator__/reset"), ("DELETE", "/__emulator__/faults/{id}")} <= shown


def test_a_manual_clock_can_be_advanced(client: Client) -> None:
    before = client.now()
    assert client.advance(0.5) == before + 0.5
    assert client.advance(0) == before + 0.5
    for bad in (-1, "5", None, True, 1e18, [], {}):
        assert "advance" in client.refused("POST", "/__emulator__/clock", 400, json={"advance": bad})["error"]
    for bad in (b"", b"[]", b"{", b'{"advance": NaN}', b'{"advance": Infinity}'):
        client.refused("POST", "/__emulator__/clock", 400, data=bad)


def test_the_time_does_not_change_within_a_request() -> None:
    with EmulatorServer(time="real") as server:
        client = Client(server.url)
        created = [client.item("sourceConnections", client.source())["createdAt"] for _ in range(30)]
        logged = client.control("GET", "requests", params={"method": "POST", "path": FLOW})["requests"]
    assert [int(entry["at"] * 1000) for entry in logged] == created == sorted(created)
    assert created[0] < created[-1]


def test_rows_of_unknown_datasets_and_invalid_pages_are_refused(client: Client) -> None:
    client.refused("GET", "/__emulator__/datasets/none/rows", 404)
    dataset = client.dataset(client.schema())
    path = f"/__emulator__/datasets/{dataset}/rows"
    assert client.get(path) == {"count": 0, "rows": []}
    for params in ({"start": "-1"}, {"limit": "x"}, {"limit": "1.5"}):
        client.refused("GET", path, 400, params=params)


@pytest.mark.parametrize("path", ["state/x", "nothing", "datasets"])
def test_unknown_control_routes_are_404(client: Client, path: str) -> None:
    assert client.ask("GET", f"/__emulator__/{path}").status_code == 404


def test_the_request_log_masks_credentials_in_patches(client: Client) -> None:
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
