"""Answers of IMS are accepted or refused, and tokens are replaced in time and not too often."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.answers import UnexpectedError
from airflow_provider_payments.aep.http.auth import ClientCredentials, read_token
from tests.aep.http.test_auth import DAY, FLOWS, REFUSED, TOKEN, tokens
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

DAYS = 86399
LIFETIMES: dict[str, tuple[str, int, int]] = {
    # the lifetime in the answer, seconds after which the token is still used, seconds after which it is replaced
    "a day in seconds": (f', "expires_in": {DAYS}', 86000, 86200),
    "a day in milliseconds": (f', "expires_in": {DAYS}992', 86000, 86200),
    "a day as text": (f', "expires_in": "{DAYS}"', 86000, 86200),
    "a day in milliseconds as text": (f', "expires_in": "{DAYS}992"', 86000, 86200),
    "a day with a fraction": (f', "expires_in": {DAYS}.5', 86000, 86200),
    "shorter than the margin": (', "expires_in": 60', 25, 35),
    "the longest": (', "expires_in": 2592000000', 2591000, 2592000),
    "absent": ("", 290, 310),
    "null": (', "expires_in": null', 290, 310),
}


@pytest.mark.parametrize(("lifetime", "used", "replaced"), LIFETIMES.values(), ids=LIFETIMES)
def test_a_token_is_replaced_before_its_expiry(
    lifetime: str,
    used: int,
    replaced: int,
    credential: Callable[..., ClientCredentials],
    proxy: FaultProxy,
    naps: list[float],
) -> None:
    proxy.fault("POST", TOKEN, status=200, body=b'{"access_token": "first"%s}' % lifetime.encode())
    own = credential(ims_url=proxy.url)
    assert own.token() == "first"
    naps[:] = [used]
    assert own.token() == "first"
    naps[:] = [replaced]
    assert own.token() != "first"
    assert proxy.count("POST", TOKEN) == 2


NO_TOKENS = {
    "nothing": b"{}",
    "of another type": b'{"access_token": 5, "expires_in": 86399}',
    "an object": b'{"access_token": {"value": "t"}, "expires_in": 86399}',
    "empty": b'{"access_token": "", "expires_in": 86399}',
    "of two lines": b'{"access_token": "one\\r\\nx-other: y", "expires_in": 86399}',
    "not of ASCII": b'{"access_token": "\\u00e9", "expires_in": 86399}',
    "half of a character": b'{"access_token": "\\ud800", "expires_in": 86399}',
    "with a blank": b'{"access_token": " t", "expires_in": 86399}',
    "endless": b'{"access_token": "%s", "expires_in": 86399}' % (b"t" * 100_000),
}
INVALID_LIFETIMES = (
    '0 -1 -0.0 1e999 -1e999 NaN Infinity true false [] {} [86399] {"seconds":86399} '
    f'"" "soon" "NaN" "inf" "-5" "86_399" 1e-999 2592000001000 {"9" * 400} "{"9" * 400}"'
).split()


@pytest.mark.parametrize(
    "body",
    [
        *NO_TOKENS.values(),
        *(b'{"access_token": "t", "expires_in": %s}' % lifetime.encode() for lifetime in INVALID_LIFETIMES),
    ],
    ids=[*NO_TOKENS, *(lifetime[:20] for lifetime in INVALID_LIFETIMES)],
)
def test_an_answer_without_a_usable_token_is_not_cached(
    body: bytes, credential: Callable[..., ClientCredentials], proxy: FaultProxy
) -> None:
    proxy.fault("POST", TOKEN, status=200, body=body, times=5)
    own = credential(ims_url=proxy.url)
    with pytest.raises(RequestError, match=r"access_token|expires_in") as failed:
        own.token()
    assert failed.value.retryable
    proxy.faults.clear()
    assert own.token().startswith("eyJ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(JSON | st.fixed_dictionaries({}, optional={"access_token": JSON, "expires_in": JSON}))
def test_any_token_answer_is_a_token_or_one_error(body: object) -> None:
    try:
        token, lifetime = read_token(body)
    except UnexpectedError:
        return
    assert token.encode("ascii")
    assert 0 < lifetime <= 30 * DAY


def test_a_poller_requests_at_most_one_token_per_minute(
    make_client: Callable[..., Client],
    credential: Callable[..., ClientCredentials],
    proxy: FaultProxy,
    emulator: Emulator,
    naps: list[float],
) -> None:
    client = make_client(proxy.url, credential=credential(renewal_interval_seconds=60))
    client.transport.attempts = 1
    client.get(FLOWS)
    proxy.fault("GET", FLOWS, status=401, body=REFUSED, times=10_000)
    naps.append(3600.0)  # older than the renewal interval
    for _ in range(300):
        with pytest.raises(RequestError) as failed:
            client.get(FLOWS)
        assert (failed.value.failure, failed.value.retryable) == (Failure.TOKEN_REFUSED, True)
        naps.append(1.0)
    assert tokens(emulator) == 1 + 5
    # Only the first token was replaced within a request; a token that must stay is not sent twice.
    assert proxy.count("GET", FLOWS) == 1 + 300 + 1


def test_short_lived_tokens_respect_the_renewal_interval(
    credential: Callable[..., ClientCredentials], proxy: FaultProxy, naps: list[float]
) -> None:
    proxy.fault("POST", TOKEN, status=200, body=b'{"access_token": "short", "expires_in": 0.001}', times=1000)
    own = credential(ims_url=proxy.url, renewal_interval_seconds=60)
    for _ in range(120):
        assert own.token() == "short"
        naps.append(1.0)
    assert proxy.count("POST", TOKEN) == 2


def test_a_token_renewed_by_another_thread_is_available(credential: Callable[..., ClientCredentials]) -> None:
    own = credential(renewal_interval_seconds=60)
    token = own.token()
    assert own.reject("the one before") is True
    assert own.reject(token) is False
    assert own.token() == token
