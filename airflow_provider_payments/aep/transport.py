"""
One HTTP request: signed, bounded in time, retried by one pure decision, answered as data.

There is no retry above or below :func:`.retries.decide`. A write whose outcome is unknown is never repeated here: the
error says so (:attr:`Failure.AMBIGUOUS`) and :mod:`.provisioning` looks before it asks again.
"""

from __future__ import annotations

import logging
import math
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from airflow_provider_payments import __version__
from airflow_provider_payments.aep.errors import Failure, InvalidInputError, Problem, RequestError
from airflow_provider_payments.aep.proxies import is_loopback, only, proxy_for, refusal, remember_password, shown
from airflow_provider_payments.aep.retries import (
    MAX_ATTEMPTS,
    Decision,
    decide,
    is_token_refused,
    parse_date,
    parse_retry_after,
)

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clock:
    """What measures and what sleeps, in seconds; a simulation brings its own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


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
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host))):
        raise InvalidInputError(field_name, url, "it must be an https:// URL (http:// only for a loopback address)")
    return url.rstrip("/")


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

    def reject(self, token: str | None) -> bool:
        """Take note that the service refused ``token``; return whether :meth:`token` gives another one now."""


@dataclass
class Call:
    """
    One request to send.

    :param json: the body, or what returns it for each attempt anew.
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
    :param attempts: how many times a request is sent at most, but after a 429; whoever asks again by itself wants one.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        clock: Clock | None = None,
        attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self.attempts = attempts
        #: What each request to the platform passes through; it may make it wait, and sees how it ends.
        self.pace: AbstractContextManager[Any] = nullcontext()
        #: Requests so far, those for tokens not counted.
        self.sent = 0
        self._counting = threading.Lock()
        self.timeouts = (connect_timeout, read_timeout)
        self.proxies = dict(proxies or {})
        for proxy in self.proxies.values():
            remember_password(proxy)
        self.verify = verify
        self.clock = clock or Clock()
        #: The platform's time, when that was, and whether it was the platform that told it.
        self._time = time.time(), self.clock.monotonic(), False
        self._local = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let all that this thread sends in the block be over, waits included, after so many seconds."""
        outer = self._deadline
        self._local.deadline = min(outer, self.clock.monotonic() + seconds)
        try:
            yield
        finally:
            self._local.deadline = outer

    @property
    def _deadline(self) -> float:
        return getattr(self._local, "deadline", math.inf)

    @property
    def remaining(self) -> float:
        """Seconds that :meth:`within` leaves."""
        return self._deadline - self.clock.monotonic()

    def now(self, moment: float | None = None) -> float:
        """
        Return the platform's time in epoch seconds, as its answers tell it: ages of its objects are measured by its own
        clock, not by this machine's. Until it has answered, this machine's.

        :param moment: what it was at another moment, by the clock's ``monotonic``.
        """
        told, at, _ = self._time
        return told + (self.clock.monotonic() if moment is None else moment) - at

    def send(self, call: Call) -> Answer:
        """
        Send ``call`` until it is answered or :func:`.retries.decide` gives up.

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
                remaining=self.remaining,
                attempts=self.attempts,
            )

        def take_token(_: RetryCallState) -> None:
            if call.credential:
                call.token = call.credential.token()

        def again(state: RetryCallState) -> bool:
            found = decision(state)
            if found.renew and not (call.credential and call.credential.reject(call.token)):
                return False
            return found.again

        def announce(state: RetryCallState) -> None:
            call.renewed = call.renewed or decision(state).renew
            error = state.outcome.exception() if state.outcome else None
            log.warning("%s; attempt %d of %d, asking again", error, state.attempt_number, MAX_ATTEMPTS)

        # `before` runs outside the attempt: a token request that fails has had its own retries and gets no second lot.
        retrying = Retrying(
            before=take_token,
            retry=again,
            wait=lambda state: decision(state).wait,
            before_sleep=announce,
            sleep=self.clock.sleep,
            reraise=True,
        )
        return retrying(self._paced if call.credential else self._once, call)

    def _paced(self, call: Call) -> Answer:
        with self.pace:
            with self._counting:
                self.sent += 1
            return self._once(call)

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

        def failed(failure: Failure, reason: str, status: int | None = None) -> RequestError:
            return RequestError(failure, call.method, path, reason=reason, status=status)

        remaining = self.remaining
        if remaining <= 0:
            raise failed(Failure.NOT_SENT, "the operation's time is over")
        timeouts = (min(self.timeouts[0], remaining), min(self.timeouts[1], remaining))
        proxy = proxy_for(call.url, self.proxies)
        through = f" through the proxy {shown(proxy)}" if proxy else ""
        headers = {"Accept": "application/json", "User-Agent": f"airflow-provider-payments/{__version__}"}
        try:
            response = self._session().request(
                call.method,
                call.url,
                params=call.params,
                json=call.json() if callable(call.json) else call.json,
                data=call.form,
                headers=headers | dict(call.headers),
                auth=call.sign,
                timeout=timeouts,
                proxies=only(call.url, proxy),
                verify=self.verify,
                allow_redirects=False,
            )
        except requests.exceptions.ReadTimeout:
            raise failed(Failure.AMBIGUOUS, f"no answer within {timeouts[1]:g} s{through}") from None
        except requests.exceptions.ConnectTimeout:
            raise failed(Failure.NOT_SENT, f"no connection within {timeouts[0]:g} s{through}") from None
        except requests.exceptions.SSLError as error:
            if isinstance(_root(error), SSLCertVerificationError):
                raise failed(Failure.FINAL, "the host's TLS certificate was not accepted") from None
            raise failed(Failure.AMBIGUOUS, "the TLS connection broke") from None
        except requests.exceptions.ConnectionError as error:
            if reason := refusal(proxy, error):
                raise failed(Failure.NOT_SENT, reason) from None
            if isinstance(_root(error), NewConnectionError):
                raise failed(Failure.NOT_SENT, f"cannot connect to {urlsplit(call.url).netloc}") from None
            raise failed(Failure.AMBIGUOUS, f"the connection broke before the answer was complete{through}") from None
        except requests.exceptions.ChunkedEncodingError:
            raise failed(Failure.AMBIGUOUS, "the answer was cut off") from None
        except requests.exceptions.ContentDecodingError:
            raise failed(Failure.AMBIGUOUS, "the answer could not be decoded") from None
        except requests.exceptions.RequestException as error:
            raise failed(Failure.FINAL, f"{type(error).__name__}{through}") from None
        if response.status_code == 407 and proxy:
            raise failed(Failure.AMBIGUOUS, f"the proxy {shown(proxy)} asks for a login", status=407)
        self._local.request_id = response.headers.get("x-request-id", "")
        told = parse_date(response.headers.get("date"))
        # Not the identity service: that is another machine. A date without its fraction of a second lags behind.
        if call.credential and told is not None and (told > self.now() or not self._time[2]):
            self._time = told, self.clock.monotonic(), True
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

    problem, reason = Problem.from_body(body, request_id), ""
    html = not readable and response.text.lstrip()[:1] == "<"
    if 300 <= status < 400:
        reason = f"redirects to {urlsplit(response.headers.get('location', '')).netloc or 'nowhere'}: not followed"
    elif not readable:
        reason = "answered HTML instead of JSON" if html else "the answer is not JSON"
    replaceable = call.credential is not None and call.credential.renewable
    if status == 429:
        failure = Failure.THROTTLED
    elif is_token_refused(status, problem.code) and replaceable:
        failure = Failure.TOKEN_REFUSED
    elif status >= 500 or status == 408 or status < 300 or (status >= 400 and not readable and not html):
        # An answer that was cut may have said anything.
        failure = Failure.AMBIGUOUS
    else:
        failure = Failure.FINAL
    raise RequestError(
        failure,
        call.method,
        path,
        reason=reason,
        status=status,
        problem=problem,
        retry_after=parse_retry_after(
            response.headers.get("retry-after"), parse_date(response.headers.get("date")) or time.time()
        ),
    )
