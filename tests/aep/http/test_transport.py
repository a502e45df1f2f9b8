"""One request: retries, waits and errors."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, InvalidInputError, Problem, RequestError
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.http.call import Call, require_https
from airflow_provider_payments.aep.http.retries import MAX_ATTEMPTS, Decision, decide, parse_retry_after
from tests.aep.chain import FLOW_SERVICE, LAKE_SPEC
from tests.fault_proxy import FaultProxy, fault_proxy

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLOWS = f"{FLOW_SERVICE}/flows"
CONNECTIONS = f"{FLOW_SERVICE}/connections"
LAKE = {"name": "lake", "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}}


@pytest.fixture
def proxied(make_client: Callable[..., Client], proxy: FaultProxy, request: pytest.FixtureRequest) -> Client:
    """A client with a token that reaches the emulator through the failing proxy."""
    # A short timeout only for requests without any answer, because a busy machine may answer late.
    client = make_client(proxy.url, read_timeout=1.0 if "hang" in request.node.name else 10.0)
    client.credential.token()
    return client


def failure_of(client: Client, method: str, path: str, **kwargs: Any) -> RequestError:
    with pytest.raises(RequestError) as failed:
        client.request(method, path, **kwargs)
    return failed.value


# ---- the decision --------------------------------------------------------------------------------------------------

STOP = Decision(should_retry=False)


DECISIONS: dict[str, tuple[Failure, bool, int, float | None, Decision]] = {
    # name: failure, safe, attempt, retry_after -> decision
    "not sent, read": (Failure.NOT_SENT, True, 1, None, Decision(True, 1.0)),
    "not sent, write": (Failure.NOT_SENT, False, 1, None, Decision(True, 1.0)),
    "not sent, the fourth time": (Failure.NOT_SENT, False, 4, None, Decision(True, 8.0)),
    "not sent, the fifth time": (Failure.NOT_SENT, True, 5, None, STOP),
    "429, read": (Failure.THROTTLED, True, 1, None, Decision(True, 1.0)),
    "429, write": (Failure.THROTTLED, False, 2, None, Decision(True, 2.0)),
    "429, write, retry-after": (Failure.THROTTLED, False, 1, 7.0, Decision(True, 7.0)),
    "429, retry-after 0": (Failure.THROTTLED, False, 3, 0.0, Decision(True, 0.0)),
    "429, retry-after of a minute": (Failure.THROTTLED, True, 1, 60.0, Decision(True, 60.0)),
    "429, retry-after too long": (Failure.THROTTLED, True, 1, 60.5, Decision(False, 60.5)),
    "429, the fifth time": (Failure.THROTTLED, False, 5, 1.0, STOP),
    "ambiguous, read": (Failure.AMBIGUOUS, True, 3, None, Decision(True, 4.0)),
    "ambiguous, read, retry-after": (Failure.AMBIGUOUS, True, 1, 3.0, Decision(True, 3.0)),
    "ambiguous, read, the fifth time": (Failure.AMBIGUOUS, True, 5, None, STOP),
    "ambiguous, write": (Failure.AMBIGUOUS, False, 1, None, STOP),
    "ambiguous, write, retry-after": (Failure.AMBIGUOUS, False, 1, 3.0, STOP),
    "final, read": (Failure.FINAL, True, 1, None, STOP),
    "final, write": (Failure.FINAL, False, 1, None, STOP),
}


@pytest.mark.parametrize(("failure", "safe", "attempt", "wait", "decision"), DECISIONS.values(), ids=DECISIONS)
def test_a_failure_leads_to_its_retry_decision(
    failure: Failure, safe: bool, attempt: int, wait: float | None, decision: Decision
) -> None:
    error = RequestError(failure, "GET", "/x", retry_after=wait)
    assert decide(error, attempt=attempt, safe=safe) == decision


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("attempt", [1, 3])
def test_a_refused_token_is_renewed_once_at_any_attempt(safe: bool, attempt: int) -> None:
    refused = RequestError(Failure.TOKEN_REFUSED, "GET", "/x", status=401, problem=Problem(code="401013"))
    assert decide(refused, attempt=attempt, safe=safe) == Decision(should_retry=True, renew_token=True)
    assert not decide(refused, attempt=attempt, safe=safe, renewed=True).should_retry


def test_a_401_that_is_not_about_the_token_is_final() -> None:
    other = RequestError(Failure.FINAL, "GET", "/x", status=401, problem=Problem(code="FLOW-2000-401"))
    assert decide(other, attempt=1, safe=True) == STOP


def test_jitter_halves_a_back_off_but_not_a_retry_after() -> None:
    assert decide(RequestError(Failure.NOT_SENT, "GET", "/x"), attempt=3, safe=True, jitter=1.0).wait_seconds == 2.0
    throttled = RequestError(Failure.THROTTLED, "GET", "/x", retry_after=9.0)
    assert decide(throttled, attempt=3, safe=True, jitter=1.0).wait_seconds == 9.0


RETRY_AFTER = {
    "absent": (None, None),
    "empty": ("", None),
    "seconds": ("30", 30.0),
    "fraction": ("1.5", 1.5),
    "negative": ("-3", 0.0),
    "date": (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
    "date with offset": ("Sun, 01 Mar 2026 13:00:10 +0100", 10.0),
    "date in the past": (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
    "date without a zone": ("Sun, 01 Mar 2026 12:01:00 -0000", None),
    "word": ("soon", None),
    "not a number": ("nan", None),
    "digits without end": ("9" * 5000, None),
    "a date without end": ("Sun, 01 Mar 2026 12:00:00 GMT" * 5000, None),
    "the last year": ("Fri, 31 Dec 9999 23:59:59 GMT", None),
    "a day": ("86400", 86400.0),
    "more than a day": ("86401", None),
    "digits of another script": ("٣٠", None),
    "infinite": ("inf", None),
    "impossible date": ("Sun, 99 Foo 2026 12:00:00 GMT", None),
}


@pytest.mark.parametrize(("value", "seconds"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_a_retry_after_header_is_parsed(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW.timestamp()) == seconds


# ---- URLs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://platform.adobe.io", "https://platform.adobe.io"),
        ("https://platform.adobe.io:8443/base/", "https://platform.adobe.io:8443/base"),
        ("http://localhost:8900", "http://localhost:8900"),
        ("http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
        ("http://[::1]:8900", "http://[::1]:8900"),
    ],
)
def test_https_and_loopback_urls_are_accepted(url: str, kept: str) -> None:
    assert require_https("host", url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.adobe.io",
        "http://10.0.0.1",
        "http://0.0.0.0:8900",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "platform.adobe.io",
        "ftp://127.0.0.1",
        "https://",
        "",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        require_https("host", url)
    assert str(refused.value).startswith(f"host={url!r}")
    assert "https:// URL (http:// only for a loopback address)" in str(refused.value)


@pytest.mark.parametrize("end", ["?a=b", "#part"])
def test_a_url_with_query_or_fragment_is_refused(end: str) -> None:
    with pytest.raises(InvalidInputError, match="only scheme, host, port and path"):
        require_https("host", f"https://platform.adobe.io{end}")


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_url_with_a_password_is_refused_without_repeating_it(scheme: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        require_https("host", f"{scheme}://user:hidden-word@platform.adobe.io")
    assert "hidden-word" not in str(refused.value)
    assert "hidden-word" not in repr(refused.value)


# ---- requests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_429_is_retried_after_retry_after_even_for_a_post(
    method: str, proxied: Client, proxy: FaultProxy, naps: list[float], emulator: Any
) -> None:
    proxy.fault(method, CONNECTIONS, status=429, headers={"Retry-After": "17"})
    answer = proxied.request(method, CONNECTIONS, body=LAKE if method == "POST" else None)
    assert answer.status == (201 if method == "POST" else 200)
    assert naps == [17.0]
    assert proxy.count(method, CONNECTIONS) == 2
    assert emulator.posted("/connections") == ([LAKE] if method == "POST" else [])


def test_retry_after_may_be_a_date(proxied: Client, proxy: FaultProxy, naps: list[float]) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    proxy.fault("GET", FLOWS, status=503, headers={"Retry-After": later})
    proxied.get(FLOWS)
    assert naps == [pytest.approx(39.5, abs=1.5)]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_raised_not_slept(
    status: int, proxied: Client, proxy: FaultProxy, naps: list[float]
) -> None:
    proxy.fault("GET", FLOWS, status=status, headers={"Retry-After": "3600"}, times=9)
    error = failure_of(proxied, "GET", FLOWS)
    assert (error.retry_after, error.retryable, error.status) == (3600.0, True, status)
    assert "asks to wait 3600 s" in str(error)
    assert naps == []
    assert proxy.count("GET", FLOWS) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_get_is_retried_after_a_5xx(status: int, proxied: Client, proxy: FaultProxy, naps: list[float]) -> None:
    proxy.fault("GET", FLOWS, status=status, times=2)
    assert proxied.get(FLOWS)["items"] == []
    assert proxy.count("GET", FLOWS) == 3
    assert 0.5 <= naps[0] <= 1.0 <= naps[1] <= 2.0


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_post_is_not_retried_after_a_5xx(
    status: int, proxied: Client, proxy: FaultProxy, naps: list[float], emulator: Any
) -> None:
    proxy.fault("POST", CONNECTIONS, status=status, headers={"Retry-After": "1"})
    error = failure_of(proxied, "POST", CONNECTIONS, body=LAKE)
    assert (error.failure, error.retryable) == (Failure.AMBIGUOUS, True)
    assert proxy.count("POST", CONNECTIONS) == 1
    assert naps == []
    assert emulator.posted("/connections") == []


def test_a_safe_post_is_retried(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("POST", CONNECTIONS, status=500)
    assert proxied.request("POST", CONNECTIONS, body=LAKE, safe=True).status == 201


def test_a_read_gives_up_after_five_attempts(proxied: Client, proxy: FaultProxy, naps: list[float]) -> None:
    proxy.fault("GET", FLOWS, status=500, times=99)
    assert failure_of(proxied, "GET", FLOWS).status == 500
    assert proxy.count("GET", FLOWS) == 5
    assert len(naps) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422])
def test_a_refusal_is_not_retried_and_contains_its_code(status: int, proxied: Client, proxy: FaultProxy) -> None:
    body = f'{{"type": "https://ns.adobe.com/aep/errors/FLOW-1234-{status}", "title": "No", "detail": "Because."}}'
    proxy.fault("GET", FLOWS, status=status, body=body.encode(), headers={"x-request-id": "req-77"})
    error = failure_of(proxied, "GET", FLOWS)
    assert (error.failure, error.retryable, error.code) == (Failure.FINAL, False, f"FLOW-1234-{status}")
    for part in (f"GET {FLOWS} failed", f"{status} - FLOW-1234-{status} - No - Because.", "request id req-77"):
        assert part in str(error)
    assert proxy.count("GET", FLOWS) == 1


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "reset before": ({"before": True}, "the connection broke before the answer was complete"),
    "reset after": ({"lose": True}, "the connection broke before the answer was complete"),
    "cut body": ({"cut": True}, "cut off|connection broke"),
    "HTML": ({"status": 200, "body": b" <html>maintenance</html>"}, "answered HTML instead of JSON"),
    "HTML with an error": ({"status": 502, "body": b"<html>Bad gateway</html>"}, "answered HTML instead of JSON"),
    "not JSON": ({"status": 200, "body": b'{"items": ['}, "the answer is not JSON"),
    "not text": ({"status": 200, "body": b"\xff\xfe\x00"}, "the answer is not JSON"),
    "hang": ({"hang": True}, "no answer within 1 s"),
}


@pytest.mark.parametrize(("fault", "reason"), BROKEN.values(), ids=BROKEN)
def test_an_unreadable_answer_makes_a_write_ambiguous(
    fault: dict[str, Any], reason: str, proxied: Client, proxy: FaultProxy
) -> None:
    proxy.fault("POST", CONNECTIONS, **fault)
    with pytest.raises(RequestError, match=reason) as failed:
        proxied.request("POST", CONNECTIONS, body=LAKE)
    assert failed.value.failure is Failure.AMBIGUOUS
    assert proxy.count("POST", CONNECTIONS) == 1


@pytest.mark.parametrize("fault", [fault for fault, _ in BROKEN.values()], ids=BROKEN)
def test_a_read_with_an_unreadable_answer_is_retried(fault: dict[str, Any], proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", FLOWS, **fault)
    assert proxied.get(FLOWS)["items"] == []
    assert proxy.count("GET", FLOWS) == 2


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A reserved port of this machine on which no process listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_was_not_sent_is_retried_even_for_a_post(
    method: str, closed_port: int, make_client: Callable[..., Client], naps: list[float]
) -> None:
    client = make_client(f"http://127.0.0.1:{closed_port}", credential=AccessToken("emulator-client", "t"))
    error = failure_of(client, method, FLOWS, body=LAKE)
    assert (error.failure, error.retryable) == (Failure.NOT_SENT, True)
    assert f"cannot connect to 127.0.0.1:{closed_port}" in str(error)
    assert len(naps) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_receives_no_token(
    status: int, proxied: Client, proxy: FaultProxy, emulator: Any
) -> None:
    with fault_proxy(emulator.url) as elsewhere:
        proxy.fault("GET", FLOWS, status=status, headers={"Location": f"{elsewhere.url}{FLOWS}"}, times=99)
        error = failure_of(proxied, "GET", FLOWS)
        assert (elsewhere.asked, elsewhere.authorizations) == ([], [])
        assert f"redirects to {elsewhere.url.removeprefix('http://')}: not followed" in str(error)
    assert error.failure is Failure.AMBIGUOUS
    assert proxy.count("GET", FLOWS) == MAX_ATTEMPTS


def test_a_netrc_file_does_not_replace_the_token(
    make_client: Callable[..., Client], proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = make_client(proxy.url)
    client.get(FLOWS)
    assert proxy.authorizations == ["", f"Bearer {client.credential.token()}"]


def test_an_answer_has_the_services_request_id(client: Client, emulator: Any) -> None:
    answer = client.request("GET", FLOWS)
    assert answer.request_id == emulator.requests(path=FLOWS)[0]["request_id"] == client.transport.last_request_id


def test_an_object_is_created_in_the_named_sandbox(client: Client, emulator: Any) -> None:
    client.request("POST", CONNECTIONS, body=LAKE)
    assert "lake" in [item["name"] for item in emulator.objects("connections", sandbox="dev")]
    assert "lake" not in [item["name"] for item in emulator.objects("connections", sandbox="prod")]


def test_errors_reprs_and_logs_contain_no_secret_or_token(
    proxied: Client, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy.fault("GET", FLOWS, status=500, times=2)
    proxied.get(FLOWS)
    proxy.fault("GET", FLOWS, before=True, times=99)
    error = failure_of(proxied, "GET", FLOWS)
    shown = "".join(
        (caplog.text, str(error), repr(error), repr(proxied), repr(proxied.credential), repr(proxied.transport))
    )
    assert "attempt 1 of 5, retrying in" in caplog.text
    assert "emulator-secret" not in shown
    assert proxied.credential.token() not in shown


def test_the_repr_of_a_call_contains_neither_form_nor_body() -> None:
    call = Call(
        "POST",
        "https://host/x",
        json={"auth": {"params": {"clientSecret": "vendor-secret"}}},
        form={"client_secret": "ims-secret"},
    )
    for secret in ("vendor-secret", "ims-secret"):
        assert secret not in repr(call)
