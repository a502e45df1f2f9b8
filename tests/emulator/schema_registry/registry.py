"""Requests to the emulator's Schema Registry, and checks of its refusals."""

from __future__ import annotations

from typing import Any

from tests.emulator.client import REGISTRY, Client

GROUPS = f"{REGISTRY}/tenant/fieldgroups"
SCHEMAS = f"{REGISTRY}/tenant/schemas"
CLASSES = f"{REGISTRY}/tenant/classes"
ADHOC = "https://ns.adobe.com/xdm/data/adhoc"
# Headers that accept a change of any version of a resource.
ANY_VERSION = {"If-Match": "*"}


def problem(client: Client, method: str, path: str, code: str, **options: Any) -> str:
    answer = client.ask(method, path, **options)
    body = answer.json()
    assert body["type"] == f"http://ns.adobe.com/aep/errors/XDM-{code}", body
    assert answer.status_code == body["status"] == int(code[-3:])
    assert body["report"]["registryRequestId"] == answer.headers["x-request-id"]
    assert body["detail"] == body["report"]["detailed-message"]
    return str(body["detail"])


def show(client: Client, path: str, form: str = "xed-full") -> Any:
    headers = {"Accept": f"application/vnd.adobe.{form}+json; version=1"}
    answer = client.ask("GET", path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def schema_body(title: str, *references: str) -> dict[str, Any]:
    entries = [{"$ref": reference} for reference in references]
    return {"type": "object", "title": title, "description": "d", "allOf": entries}
