"""The chosen answers to requests with a wrong token, organisation, sandbox or id."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.emulator.client import CATALOG, DATA_PREP, FLOW, REGISTRY, XED, Client

SANDBOXES = "/data/foundation/sandbox-management"
# A path of each service with an unknown id.
PATHS = {
    "flow_service": f"{FLOW}/flows/unknown",
    "schema_registry": f"{REGISTRY}/tenant/schemas/unknown",
    "catalog": f"{CATALOG}/dataSets/unknown",
    "data_prep": f"{DATA_PREP}/mappingSets/unknown",
    "sandboxes": SANDBOXES,
}
EVERY_SERVICE = pytest.mark.parametrize("service", PATHS)
HEADERS: dict[str, dict[str, str | None]] = {
    "no_token": {"Authorization": None},
    "invalid_token": {"Authorization": "Bearer invalid"},
    "wrong_organisation": {"x-gw-ims-org-id": "OTHER@AdobeOrg"},
    "wrong_sandbox": {"x-sandbox-name": "unknown"},
    "unknown_id": {},
    "empty_organisation": {"x-gw-ims-org-id": ""},
    "malformed_organisation": {"x-gw-ims-org-id": "OTHER"},
}
#: The cases whose refusals can be chosen for some services only, with these services.
SOME = {
    **dict.fromkeys(("wrong_sandbox", "unknown_id"), tuple(service for service in PATHS if service != "sandboxes")),
    "empty_organisation": ("flow_service", "catalog"),
    "malformed_organisation": ("flow_service",),
}
CASES = [(service, case) for service in PATHS for case in HEADERS if service in SOME.get(case, PATHS)]
EVERY_CASE = pytest.mark.parametrize(("service", "case"), CASES)


def answered(client: Client, service: str, case: str, **answer: Any) -> requests.Response:
    """Choose the answer to a case of refusals, and return the answer to a request in that case.

    :param answer: the chosen answer.
    """
    client.control("PUT", "options", json={"refusals": {f"{service}.{case}": answer}})
    return ask(client, service, case)


def ask(client: Client, service: str, case: str) -> requests.Response:
    return client.ask("GET", PATHS[service], headers={"Accept": f"{XED}; version=1", **HEADERS[case]})


@EVERY_CASE
def test_a_refusal_has_the_chosen_status_and_code(client: Client, service: str, case: str) -> None:
    own = ask(client, service, case)
    assert own.status_code >= 400
    answer = answered(client, service, case, status=418, code="418123")
    assert answer.status_code == 418
    assert answer.json().keys() == {"error_code", "message"}
    assert answer.json()["error_code"] == "418123"
    assert answer.headers["x-request-id"]
    (entry,) = client.control("GET", "requests", params={"status": 418})["requests"]
    assert entry["path"] == PATHS[service]
    client.control("PUT", "options", json={"refusals": {f"{service}.{case}": None}})
    assert ask(client, service, case).status_code == own.status_code


@EVERY_CASE
def test_a_chosen_refusal_changes_no_other_case(client: Client, service: str, case: str) -> None:
    others = [other for other in CASES if other != (service, case)]
    before = [ask(client, *other).status_code for other in others]
    answered(client, service, case, status=418)
    assert [ask(client, *other).status_code for other in others] == before


@EVERY_SERVICE
def test_a_refusal_has_the_form_of_the_service_of_its_code(client: Client, service: str) -> None:
    bodies = {
        "FLOW-1439-404": {"type": "https://ns.adobe.com/aep/errors/FLOW-1439-404", "title": "Resource not found"},
        "XDM-1012-404": {"type": "http://ns.adobe.com/aep/errors/XDM-1012-404", "title": "Not Found"},
        "MAPPER-1404-404": {"type": "https://ns.adobe.com/aep/errors/MAPPER-1404-404", "title": "Not Found"},
        "SMS-2002-404": {"type": "http://ns.adobe.com/aep/errors/SMS-2002-404"},
        "": {"type": "/placeholder/type/uri", "title": "NotFoundError"},
        "ForbiddenError": {"type": "/placeholder/type/uri", "title": "ForbiddenError"},
    }
    for code, expected in bodies.items():
        answer = answered(client, service, "no_token", status=404, code=code)
        assert answer.status_code == answer.json()["status"] == 404
        assert expected.items() <= answer.json().items()


def test_the_status_may_differ_from_that_of_the_code(client: Client) -> None:
    answer = answered(client, "flow_service", "unknown_id", status=403, code="FLOW-1439-404")
    assert answer.status_code == answer.json()["status"] == 403
    assert answer.json()["type"] == "https://ns.adobe.com/aep/errors/FLOW-1439-404"
    answer = answered(client, "flow_service", "no_token", status=401, code="UNAUTHORIZED")
    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHORIZED")


@EVERY_SERVICE
def test_a_refusal_can_be_an_html_page_or_blank(client: Client, service: str) -> None:
    answer = answered(client, service, "invalid_token", status=403, form="html")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "<title>403 Forbidden</title>" in answer.text
    answer = answered(client, service, "invalid_token", status=403, form="blank")
    assert (answer.status_code, answer.content) == (403, b"")


@EVERY_SERVICE
@pytest.mark.parametrize(("status", "form"), [(403, "other"), (200, "json")])
def test_an_answer_that_is_no_refusal_is_an_empty_object(client: Client, service: str, status: int, form: str) -> None:
    answer = answered(client, service, "invalid_token", status=status, form=form)
    assert (answer.status_code, answer.json()) == (status, {})


def test_an_invalid_token_of_a_fault_is_refused_as_chosen(client: Client) -> None:
    client.control("PUT", "options", json={"refusals": {"flow_service.invalid_token": {"status": 403}}})
    client.control("POST", "faults", json={"action": "expire_token"})
    assert client.ask("GET", f"{FLOW}/flows").status_code == 403


def test_an_unknown_path_is_answered_as_chosen(client: Client) -> None:
    path, chosen = f"{FLOW}/unknown", {"status": 403, "code": "403010", "form": "json"}
    assert "<title>404 Not Found</title>" in client.ask("GET", path).text
    client.control("PUT", "options", json={"refusals": {"flow_service.unknown_path": chosen}})
    answer = client.ask("GET", path)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "403010")
    assert client.ask("GET", f"{CATALOG}/unknown").status_code == 404
    assert client.ask("PUT", f"{FLOW}/flows").status_code == 405


@pytest.mark.parametrize(
    ("refusals", "named"),
    [
        ({"ims.no_token": {}}, "'ims.no_token' is unknown in 'refusals': known are catalog.empty_organisation"),
        ({"sandboxes.wrong_sandbox": {}}, "'sandboxes.wrong_sandbox' is unknown in 'refusals'"),
        ({"catalog.no_token": {}}, "'refusals.catalog.no_token.status' is missing"),
        ({"catalog.no_token": 404}, "'refusals.catalog.no_token' is 404: it must be an object of code, form, status"),
        ({"catalog.no_token": {"status": 99}}, "'refusals.catalog.no_token.status' is 99: it must be a whole number f"),
        ({"catalog.no_token": {"status": 400, "form": "xml"}}, "it must be one of blank, html, json, other"),
        (
            {"catalog.no_token": {"status": 400, "code": 400}},
            "'refusals.catalog.no_token.code' is 400: it must be a code",
        ),
        (
            {"catalog.no_token": {"status": 400, "code": "a b"}},
            'is "a b": it must be a code such as FLOW-1439-404 or 401013',
        ),
    ],
)
def test_invalid_answers_to_refusals_are_refused(client: Client, refusals: object, named: str) -> None:
    before = client.control("GET", "options")
    assert named in client.refused("PUT", "/__emulator__/options", 400, json={"refusals": refusals})["error"]
    assert client.control("GET", "options") == before
