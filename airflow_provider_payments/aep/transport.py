"""
One HTTP request: signed, bounded in time, retried by one pure decision, answered as data.

There is no retry above or below :func:`decide`. A write whose outcome is unknown is never repeated here: the error says
so (:attr:`Failure.AMBIGUOUS`) and :mod:`.provisioning` looks before it asks again.
"""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from airflow_provider_payments import __version__
from airflow_provider_payments.aep.errors import Failure, InvalidInputError, Problem, RequestError

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
#: Seconds. A longer ``Retry-After`` is not slept through on a worker: the error carries it instead.
MAX_WAIT = 60.0
FIRST_WAIT = 1.0
#: The gateway's code for a token that is invalid or has expired; the request was not carried out.
TOKEN_REJECTED = "401013"


@dataclass(frozen=True)
class Decision:
    """What to do after a failure: ask again after ``wait`` seconds, with a new token where ``renew`` is set."""

    again: bool
    wait: float = 0.0
    renew: bool = False


def decide(error: RequestError, *, attempt: int, safe: bool, renewed: bool = False, jitter: float = 0.0) -> Decision:
    """
    Decide what follows a failed request. Pure: equal arguments, equal decision.

    :param error: how it failed.
    :param attempt: how many times it has been sent, counted from 1.
    :param safe: whether a repeat is harmless whatever the first one did (a read, or a check that stores nothing).
    :param renewed: whether the token has been renewed for this call already, or cannot be.
    :param jitter: 0 to 1; shortens a back-off to between all and half of it.
    """
    if error.status == 401 and error.code == TOKEN_REJECTED:
        return Decision(again=not renewed, renew=True)
    repeatable = error.failure in (Failure.NOT_SENT, Failure.REFUSED) or (error.failure is Failure.AMBIGUOUS and safe)
    if not repeatable or attempt >= MAX_ATTEMPTS:
        return Decision(again=False)
    if error.retry_after is not None:
        return Decision(again=error.retry_after <= MAX_WAIT, wait=error.retry_after)
    return Decision(again=True, wait=min(FIRST_WAIT * 2 ** (attempt - 1), MAX_WAIT) * (1 - jitter / 2))


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read ``Retry-After``: seconds, or an HTTP date; ``None`` where absent or unreadable."""
    if not value:
        return None
    if re.fullmatch(r"\s*-?[0-9]{1,9}(\.[0-9]*)?\s*", value):
        return max(0.0, float(value))
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def require_https(field_name: str, url: str) -> str:
    """Return ``url`` without a trailing slash; refuse anything but https, except http to this machine itself."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidInputError(field_name, "(unreadable)", "it must be an https:// URL") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        # What stands there may be a secret: it is not repeated.
        raise InvalidInputError(field_name, f"{parts.scheme}://{host}...", "only scheme, host, port and path")
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host))):
        raise InvalidInputError(field_name, url, "it must be an https:// URL (http:// only for a loopback address)")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # a name that begins with 127. may lead anywhere


@dataclass(frozen=True)
class Answer:
    """A 2xx answer: its status, its JSON (``None`` for an empty body) and the service's request id."""

    status: int
    body: Any
    request_id: str


class Credential(Protocol):
    """What signs requests."""

    @property
    def client_id(self) -> str:
        """Sent as ``x-api-key``."""

    def token(self) -> str:
        """Return a token that is believed to be valid."""

    @property
    def renewable(self) -> bool:
        """Whether a token that the service refuses can be replaced by another."""

    def reject(self, token: str | None) -> None:
        """Take note that the service refused ``token``: it must not be used again."""


@dataclass
class Call:
    """
    One request to send.

    :param safe: whether it may be repeated after an unknown outcome; by default only a GET may.
    :param credential: what signs it; ``None`` for the token request itself.
    """

    method: str
    url: str
    params: list[tuple[str, str]] = field(default_factory=list)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    credential: Credential | None = None
    safe: bool | None = None
    token: str | None = field(default=None, init=False, repr=False)
    renewed: bool = field(default=False, init=False)

    @property
    def repeatable(self) -> bool:
        return self.method == "GET" if self.safe is None else self.safe

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token on; given as ``auth``, for a plain header would lose to a user's ``.netrc``."""
        if self.token is not None:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Transport:
    """
    Sends calls over keep-alive sessions, one for each thread: a ``requests.Session`` is not thread-safe.

    :param connect_timeout: seconds to reach the host.
    :param read_timeout: seconds to wait for the next byte of the answer.
    :param proxies: as ``requests`` takes them.
    :param verify: ``True``, or the path of a CA bundle.
    :param sleep: what waits between attempts.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.timeouts = (connect_timeout, read_timeout)
        self.proxies = dict(proxies or {})
        self.verify = verify
        self._sleep = sleep
        self._local = threading.local()

    def send(self, call: Call) -> Answer:
        """
        Send ``call`` until it is answered or :func:`decide` gives up.

        :raises RequestError: for every answer but a readable 2xx.
        """
        from tenacity import Retrying

        def decision(state: RetryCallState) -> Decision:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, RequestError):
                return Decision(again=False)
            return decide(
                error,
                attempt=state.attempt_number,
                safe=call.repeatable,
                renewed=call.renewed or call.credential is None or not call.credential.renewable,
                jitter=random.random(),
            )

        def take_token(_: RetryCallState) -> None:
            if call.credential:
                call.token = call.credential.token()

        def announce(state: RetryCallState) -> None:
            if decision(state).renew and call.credential:
                call.credential.reject(call.token)
                call.renewed = True
            error = state.outcome.exception() if state.outcome else None
            log.warning("%s; attempt %d of %d, asking again", error, state.attempt_number, MAX_ATTEMPTS)

        # `before` runs outside the attempt: a token request that fails has had its own retries and gets no second lot.
        retrying = Retrying(
            before=take_token,
            retry=lambda state: decision(state).again,
            wait=lambda state: decision(state).wait,
            before_sleep=announce,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._once, call)

    @property
    def last_request_id(self) -> str:
        """The service's id of the last request that this thread was answered, for logs."""
        return getattr(self._local, "request_id", "")

    def _session(self) -> requests.Session:
        import requests

        # A session made before a fork must not be shared with the parent: its sockets are the same.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.session, self._local.pid = requests.Session(), os.getpid()
        session: requests.Session = self._local.session
        return session

    def _once(self, call: Call) -> Answer:
        import requests
        from urllib3.exceptions import NewConnectionError

        path = urlsplit(call.url).path

        def failed(failure: Failure, reason: str) -> RequestError:
            return RequestError(failure, call.method, path, reason=reason)

        headers = {"Accept": "application/json", "User-Agent": f"airflow-provider-payments/{__version__}"}
        try:
            response = self._session().request(
                call.method,
                call.url,
                params=call.params,
                json=call.json,
                data=call.form,
                headers=headers | dict(call.headers),
                auth=call.sign,
                timeout=self.timeouts,
                proxies=self.proxies,
                verify=self.verify,
                allow_redirects=False,
            )
        except requests.exceptions.ReadTimeout:
            raise failed(Failure.AMBIGUOUS, f"no answer within {self.timeouts[1]:g} s") from None
        except requests.exceptions.ConnectTimeout:
            raise failed(Failure.NOT_SENT, f"no connection within {self.timeouts[0]:g} s") from None
        except requests.exceptions.SSLError as error:
            if isinstance(_root(error), SSLCertVerificationError):
                raise failed(Failure.FINAL, "the host's TLS certificate was not accepted") from None
            raise failed(Failure.AMBIGUOUS, "the TLS connection broke") from None
        except requests.exceptions.ConnectionError as error:
            if isinstance(_root(error), NewConnectionError):
                raise failed(Failure.NOT_SENT, f"cannot connect to {urlsplit(call.url).netloc}") from None
            raise failed(Failure.AMBIGUOUS, "the connection broke before the answer was complete") from None
        except requests.exceptions.ChunkedEncodingError:
            raise failed(Failure.AMBIGUOUS, "the answer was cut off") from None
        except requests.exceptions.ContentDecodingError:
            raise failed(Failure.AMBIGUOUS, "the answer could not be decoded") from None
        except requests.exceptions.RequestException as error:
            raise failed(Failure.FINAL, type(error).__name__) from None
        self._local.request_id = response.headers.get("x-request-id", "")
        return _read(call, path, response)


def _root(error: BaseException) -> BaseException:
    """Return what lies under the wrappings of ``requests`` and ``urllib3``."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

    while True:
        if isinstance(error, MaxRetryError):
            inner: object = error.reason
        elif isinstance(error, ProxyError):
            inner = error.original_error
        elif isinstance(error, NewConnectionError):
            return error
        else:
            inner = error.args[0] if error.args else None
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _read(call: Call, path: str, response: requests.Response) -> Answer:
    status, request_id = response.status_code, response.headers.get("x-request-id", "")
    try:
        body, readable = (response.json() if response.content else None), True
    except (ValueError, RecursionError):
        body, readable = None, False
    if 200 <= status < 300 and readable:
        return Answer(status, body, request_id)

    if status == 429:
        failure = Failure.REFUSED
    elif status >= 500 or status == 408 or status < 300:
        failure = Failure.AMBIGUOUS
    else:
        failure = Failure.FINAL
    reason = ""
    if 300 <= status < 400:
        reason = f"redirects to {urlsplit(response.headers.get('location', '')).netloc or 'nowhere'}: not followed"
    elif not readable:
        html = response.text.lstrip()[:1] == "<"
        reason = "answered HTML instead of JSON" if html else "the answer is not JSON"
    raise RequestError(
        failure,
        call.method,
        path,
        reason=reason,
        status=status,
        problem=Problem.from_body(body, request_id),
        retry_after=parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC)),
    )
