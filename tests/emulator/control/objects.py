"""The kinds of objects for which lags and rules for names can be set: their paths, and requests to each kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from tests.emulator.client import (
    CATALOG,
    DATA_PREP,
    FLOW,
    PAYPAL,
    PAYPAL_SPEC,
    PROFILE,
    REGISTRY,
    XED,
    Client,
    field_group,
    flow_body,
    mapping_body,
    sent,
    source_body,
    target_body,
)

Body = dict[str, Any]
# Titles are unique in the registry.
_SERIAL = itertools.count()


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    :param body: builds the body of a creation with a name, and creates the objects that the new object refers to.
    """

    path: str
    body: Callable[[Client, str], Body]

    def post(self, client: Client, name: str) -> requests.Response:
        return client.ask("POST", self.path, json=self.body(client, name))

    def make(self, client: Client, name: str) -> str:
        """Create an object and return its id."""
        answer = self.post(client, name)
        assert answer.status_code in (200, 201), answer.text
        created = answer.json()
        return (
            str(created[0]).rpartition("/")[2]
            if isinstance(created, list)
            else str(created.get("$id") or created["id"])
        )

    def listed(self, client: Client, **params: Any) -> list[str]:
        """The ids of the listed objects."""
        answer = self.ask_list(client, **params)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        if self.path.startswith(CATALOG):
            return list(body)
        items = body.get("items") or body.get("results") or body.get("data") or []
        found = [item.get("$id") or item["id"] for item in items]
        return [one for one in found if one != PAYPAL]

    def ask_list(self, client: Client, **params: Any) -> requests.Response:
        required = {"limit": 100} if self.path.startswith(DATA_PREP) else {}
        return client.ask("GET", self.path, params=required | params, headers={"Accept": XED})

    def ask(self, client: Client, method: str, identifier: str) -> requests.Response:
        accept = {"Accept": f"{XED}; version=1"}
        return client.ask(method, f"{self.path}/{quote(identifier, safe='')}", headers=accept)


def _base(_: Client, name: str) -> Body:
    credential = {"host": "api.sandbox.paypal.com", "clientId": "id", "clientSecret": "hush"}
    return {
        "name": name,
        "auth": {"specName": "Client-Id-Secret Based Authentication", "params": credential},
        "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"},
    }


def _field_group(_: Client, name: str) -> Body:
    return field_group(name, {"name": {"type": "string"}})


def _schema(_: Client, name: str) -> Body:
    return {"type": "object", "title": name, "description": "d", "allOf": [{"$ref": PROFILE}]}


def _dataset(client: Client, name: str) -> Body:
    schema = KINDS["schema"].make(client, f"of {name} {next(_SERIAL)}")
    return {"name": name, "schemaRef": {"id": schema, "contentType": f"{XED};version=1"}}


def _mapping_set(client: Client, name: str) -> Body:
    return {**mapping_body(KINDS["schema"].make(client, f"of {name} {next(_SERIAL)}"), ("Id", "_id")), "name": name}


def _target(client: Client, name: str) -> Body:
    dataset = _dataset(client, name)
    created = client.make(f"{CATALOG}/dataSets", dataset)
    return {**target_body(dataset["schemaRef"]["id"], str(created[0]).rpartition("/")[2]), "name": name}


def _dataflow(client: Client, name: str) -> Body:
    target = _target(client, name)
    created = client.make(KINDS["target_connection"].path, target)["id"]
    mapping = client.mapping(target["data"]["schema"]["id"], ("Product_Id", "_id"))
    return {**sent(flow_body(client.source(name=name), created, mapping, client.now() + 3600)), "name": name}


KINDS: Mapping[str, Kind] = {
    "base_connection": Kind(f"{FLOW}/connections", _base),
    "source_connection": Kind(f"{FLOW}/sourceConnections", lambda _, name: source_body(name=name)),
    "target_connection": Kind(f"{FLOW}/targetConnections", _target),
    "dataflow": Kind(f"{FLOW}/flows", _dataflow),
    "mapping_set": Kind(f"{DATA_PREP}/mappingSets", _mapping_set),
    "dataset": Kind(f"{CATALOG}/dataSets", _dataset),
    "schema": Kind(f"{REGISTRY}/tenant/schemas", _schema),
    "field_group": Kind(f"{REGISTRY}/tenant/fieldgroups", _field_group),
}
