"""Known secrets are redacted from every text, in any encoding and before a text is shortened."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_payments.aep import redaction
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import (
    ConflictError,
    Difference,
    Failure,
    InvalidInputError,
    PlatformError,
    Problem,
    RequestError,
    UnreadableError,
)
from airflow_provider_payments.aep.http.auth import AccessToken, ClientCredentials
from airflow_provider_payments.aep.http.transport import Transport
from airflow_provider_payments.aep.redaction import redacted, remember
from airflow_provider_payments.aep.resources.flow_service import BaseConnection
from airflow_provider_payments.aep.resources.flow_specs import check_against
from airflow_provider_payments.aep.resources.sources import find_source
from tests.aep.chain import FLOW_SERVICE
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

FLOWS = f"{FLOW_SERVICE}/flows"
SECRET = 'a secret+of/this~test\'s "own" \\ <ä> & 80 characters, as long as vendors make some'
#: A character that no secret contains.
FILLING = "\N{MIDDLE DOT}"
#: The length of a part of a secret that does not reveal the secret.
PIECE = 6

WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": lambda secret: quote(secret, safe=""),
    "URL with slashes": quote,
    "URL in lower case": lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON in Unicode": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON with escaped slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "HTML": escape,
    "Python": lambda secret: repr(secret)[1:-1],
}


def of_schema(text: str) -> PlatformError:
    with pytest.raises(InvalidInputError) as failed:
        check_against("params", {"field": "no"}, {"properties": {"field": {"const": text}}})
    return failed.value


SHOWN: dict[str, Callable[[str], PlatformError]] = {
    "service's error": lambda text: of_problem(detail=text),
    "error in another type": lambda text: of_problem(detail={"echo": [text]}),
    "title": lambda text: of_problem(title=text),
    "reason": lambda text: RequestError(Failure.AMBIGUOUS, "GET", "/flows", reason=text),
    "path": lambda text: RequestError(Failure.AMBIGUOUS, "GET", f"/flows/{text}"),
    "value": lambda text: InvalidInputError("name", text, "it must be short"),
    "value in an object": lambda text: InvalidInputError("extra", {"auth": [text]}, "it must be short"),
    "what is allowed": lambda text: InvalidInputError("name", "x", f"the service says: {text}"),
    "difference": lambda text: ConflictError("dataflow", "x", "id", [Difference("name", "y", text)]),
    "unreadable item": lambda text: UnreadableError("flow run x", text),
    "broken rule": of_schema,
}


def of_problem(**words: Any) -> RequestError:
    problem = Problem.from_body({"error_code": "403000", **words})
    return RequestError(Failure.FINAL, "GET", "/flows", status=403, problem=problem)


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_a_shortened_text_contains_no_part_of_a_secret(
    show: Callable[[str], PlatformError], written: Callable[[str], str]
) -> None:
    remember(SECRET)
    echo = written(SECRET)
    pieces = {form[at : at + PIECE] for form in (echo, repr(echo)) for at in range(len(form) - PIECE)}
    for before in (*range(41), *range(390, 521), *range(890, 1021)):
        said = str(show(FILLING * before + echo + FILLING * 20))
        assert [piece for piece in pieces if piece in said] == [], before


@example("0000000%", "URL", "plain")
@given(
    st.text(st.characters(exclude_characters=FILLING, exclude_categories=("Cc", "Cs")), min_size=8, max_size=80)
    .map(str.strip)
    .filter(lambda secret: len(secret) >= redaction.MIN_LENGTH),
    st.sampled_from(list(WRITTEN)),
    st.sampled_from(list(WRITTEN)),
)
def test_any_secret_is_removed_in_nested_encodings(secret: str, inner: str, outer: str) -> None:
    redaction._known.clear()  # a secret of an earlier example may be a part of this one
    remember(secret)
    once = WRITTEN[inner](secret)
    assert redacted(f"{FILLING}{once}{FILLING}") == f"{FILLING}***{FILLING}"
    if outer in ("JSON", "Python") and not inner.startswith("HTML"):
        assert redacted(f"{FILLING}{WRITTEN[outer](once)}{FILLING}") == f"{FILLING}***{FILLING}"


def test_a_hostile_text_is_redacted_in_limited_time() -> None:
    remember('\\"' * 30)
    started = time.process_time()
    assert redacted('\\\\\\"' * 200 + "x" + "\\" * 10_000).startswith("***")
    assert time.process_time() - started < 1


def test_a_secret_that_contains_another_is_removed_completely() -> None:
    remember("inner-part", "outer-inner-part-outer")
    assert redacted("outer-inner-part-outer inner-part") == "*** ***"


def test_the_least_recently_used_secrets_are_forgotten() -> None:
    remember("in-use-secret", "old-secret")
    for number in range(redaction.MAX_SECRETS - 1):
        remember(f"secret number {number}", "in-use-secret")
    assert redacted("in-use-secret old-secret") == "*** old-secret"


@pytest.mark.parametrize("value", [None, 5, "", "abc", ["a-list-of-text"], {"a": "b"}])
def test_short_and_non_text_values_are_not_redacted(value: object) -> None:
    remember(value)
    assert redacted("5 abc a-list-of-text None") == "5 abc a-list-of-text None"


def test_credentials_of_clients_are_redacted() -> None:
    ClientCredentials("id", "the-client-secret", Transport())
    AccessToken("id", "the-access-token")
    with pytest.raises(InvalidInputError):
        AccessToken("id", "a-token-pasted-badly\n")
    text = "id the-client-secret the-access-token a-token-pasted-badly\n"
    assert redacted(text) == "id *** *** ***\n"


def test_a_vendor_credential_is_redacted_but_not_its_host() -> None:
    values = {"host": "shop.example", "clientId": "shop-client", "clientSecret": "shop-secret"}
    values |= {"accessToken": "shop-access", "refreshToken": "shop-refresh"}
    BaseConnection(name="shop", source=find_source("square"), credential=values)
    text = "shop.example shop-client shop-secret shop-access shop-refresh"
    assert redacted(text) == "shop.example shop-client *** *** ***"


def test_an_answer_that_repeats_the_token_is_redacted(make_client: Callable[..., Client], proxy: FaultProxy) -> None:
    client = make_client(proxy.url)
    token = client.credential.token()
    body = json.dumps({"error_code": "403000", "message": f"{FILLING * 480} Bearer {token} is odd"}).encode()
    proxy.fault("GET", FLOWS, status=403, body=body)
    with pytest.raises(RequestError, match=f"{FILLING * 480} Bearer") as failed:
        client.get(FLOWS)
    assert token[:8] not in str(failed.value)


def test_a_token_answer_that_repeats_the_secret_is_redacted(
    make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    body = json.dumps({"error": "invalid_client", "error_description": f"{FILLING * 490}emulator-secret"}).encode()
    proxy.fault("POST", "/ims/token/v3", status=400, body=body)
    with pytest.raises(RequestError, match="invalid_client") as failed:
        make_client(proxy.url).get(FLOWS)
    assert "emulator" not in str(failed.value)
