"""Steps of the tests that add faults to an emulator."""

from __future__ import annotations

from typing import Any

import requests

from tests.emulator.client import FLOW, Client, source_body

SOURCES = f"{FLOW}/sourceConnections"


def add(client: Client, action: str, **members: Any) -> str:
    """Add a fault to the creation of source connections, or to the requests of ``match``; return the fault's id."""
    match = members.pop("match", {"method": "POST", "path": SOURCES})
    return str(client.control("POST", "faults", json={"match": match, "action": action, **members})["id"])


def counts(client: Client, fault: str) -> tuple[int, int]:
    state = client.control("GET", f"faults/{fault}")
    return state["matched"], state["fired"]


def stored(client: Client) -> list[str]:
    """The ids of all existing source connections, regardless of lags of lists."""
    state = client.control("GET", "state", params={"sandbox": "dev", "kind": "sourceConnections"})
    return [item["id"] for item in state["sandboxes"]["dev"]["sourceConnections"]]


def post(client: Client, **options: Any) -> requests.Response:
    return client.ask("POST", SOURCES, json=source_body(**options))


def logged(client: Client, **filters: Any) -> list[Any]:
    return list(client.control("GET", "requests", params=filters)["requests"])
