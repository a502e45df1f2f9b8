"""Steps of the tests that put faults on an emulator."""

from __future__ import annotations

from typing import Any

import requests

from tests.emulator.client import FLOW, Client, source_body

SOURCES = f"{FLOW}/sourceConnections"


def add(client: Client, action: str, **members: Any) -> str:
    """Put a fault on the creation of source connections, or on what ``match`` says; gives back its id."""
    match = members.pop("match", {"method": "POST", "path": SOURCES})
    return str(client.control("POST", "faults", json={"match": match, "action": action, **members})["id"])


def counts(client: Client, fault: str) -> tuple[int, int]:
    state = client.control("GET", f"faults/{fault}")
    return state["matched"], state["fired"]


def stored(client: Client) -> list[str]:
    """The ids of the source connections that there are, whatever lists show."""
    state = client.control("GET", "state", params={"sandbox": "dev", "kind": "sourceConnections"})
    return [item["id"] for item in state["sandboxes"]["dev"]["sourceConnections"]]


def post(client: Client, **options: Any) -> requests.Response:
    return client.ask("POST", SOURCES, json=source_body(**options))


def logged(client: Client, **filters: Any) -> list[Any]:
    return list(client.control("GET", "requests", params=filters)["requests"])
