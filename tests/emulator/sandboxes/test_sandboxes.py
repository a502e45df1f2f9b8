"""Sandbox management: the sandboxes that a credential and an administrator can list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import Client

SANDBOXES = "/data/foundation/sandbox-management"
MEMBERS = (
    *("name", "title", "state", "type", "region", "isDefault", "eTag"),
    *("createdDate", "lastModifiedDate", "createdBy", "modifiedBy"),
)


def administer(client: Client, may: bool = True) -> None:
    client.control("PUT", "options", json={"sandbox_admin": may})


def refusal(client: Client, path: str, code: str, **options: Any) -> str:
    answer = client.refused("GET", f"{SANDBOXES}{path}", int(code[-3:]), **options)
    assert answer.keys() == {"status", "title", "type"}
    assert answer["type"] == f"http://ns.adobe.com/aep/errors/SMS-{code}"
    assert answer["status"] == int(code[-3:])
    return str(answer["title"])


@pytest.mark.parametrize("path", ["", "/", "/?&limit=3&offset=0"])
@pytest.mark.parametrize("named", ["dev", "nowhere", None])
def test_any_credential_lists_its_sandboxes_regardless_of_the_sandbox_header(
    client: Client, path: str, named: str | None
) -> None:
    answer = client.ask("GET", SANDBOXES + path, headers={"x-sandbox-name": named})
    assert answer.status_code == 200
    prod, dev = answer.json()["sandboxes"]
    assert prod.keys() == dev.keys() == set(MEMBERS)
    actual = [tuple(one[name] for name in MEMBERS[:6]) for one in (prod, dev)]
    assert actual == [
        ("prod", "Production", "active", "production", "VA7", True),
        ("dev", "Development", "active", "development", "VA7", False),
    ]
    assert answer.json()["_page"]["count"] == 2
    assert answer.json()["_links"]["page"] == {
        "href": f"{client.url}{SANDBOXES}/?limit={{limit}}&offset={{offset}}",
        "templated": True,
    }


def test_limit_and_offset_select_a_page_and_are_required_together(client: Client) -> None:
    first = client.get(SANDBOXES, limit=1, offset=0)
    assert ([one["name"] for one in first["sandboxes"]], first["_page"]) == (["prod"], {"limit": 1, "count": 1})
    second = client.get(first["_links"]["next"]["href"].removeprefix(client.url))
    assert [one["name"] for one in second["sandboxes"]] == ["dev"]
    assert second["_links"].keys() == {"page", "prev"}
    assert client.get(second["_links"]["prev"]["href"].removeprefix(client.url)) == first
    assert client.get(SANDBOXES, limit=5, offset=7)["sandboxes"] == []
    assert client.get(SANDBOXES)["_page"] == {"limit": 50, "count": 2}
    for query in ("limit=1", "offset=1", "limit=0&offset=0", "limit=x&offset=0", "limit=1&offset=-1", "limit=&offset="):
        assert "offset" in refusal(client, f"?{query}", "2001-400")


def test_only_administrators_list_all_sandboxes(client: Client) -> None:
    for path in ("/sandboxes", "/sandboxes/dev", "/sandboxes/nowhere", "/sandboxTypes"):
        assert refusal(client, path, "2010-403") == "User does not have READ permission to access the sandbox."
    administer(client)
    listed = client.get(f"{SANDBOXES}/sandboxes")
    assert [one["name"] for one in listed["sandboxes"]] == ["prod", "dev"]
    assert client.get(f"{SANDBOXES}/sandboxes/dev") == listed["sandboxes"][1]
    assert client.get(f"{SANDBOXES}/sandboxTypes") == {"sandboxTypes": ["production", "development"]}
    assert "'nowhere'" in refusal(client, "/sandboxes/nowhere", "2002-404")
    client.control("POST", "reset")
    client.sign_in()
    refusal(client, "/sandboxes", "2010-403")


def test_sandbox_management_answers_common_errors_like_other_services(client: Client) -> None:
    assert client.refused("GET", SANDBOXES, 403, headers={"x-api-key": None})["error_code"] == "403000"
    assert client.refused("GET", SANDBOXES, 401, headers={"Authorization": "Bearer x"})["error_code"] == "401013"
    for path, allowed in (("", "GET, HEAD"), ("/sandboxes", "GET, HEAD"), ("/sandboxes/dev", "GET, HEAD")):
        answer = client.ask("POST", SANDBOXES + path, json={})
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert client.ask("GET", f"{SANDBOXES}/nothing").headers["Content-Type"].startswith("text/html")
    client.control("POST", "faults", json={"action": "status", "code": "SMS-2010-403"})
    assert "fault-1" in refusal(client, "", "2010-403")
    client.control("POST", "faults", json={"action": "status", "status": 500})
    refusal(client, "", "2000-500")
