"""
One HTTP request: signed, bounded in time and size, retried by one pure decision, answered as data.

There is no retry above or below :func:`.retries.decide`. A write whose outcome is unknown is never repeated here: the
error says so (:attr:`Failure.AMBIGUOUS`) and :mod:`.ensure` looks before it asks again.
"""

from __future__ import annotations

import logging
import math
import os
import random
import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from weakref import WeakSet

from airflow_provider_payments import __version__
from airflow_provider_payments.aep.errors import Failure, InvalidInputError, RequestError
from airflow_provider_payments.aep.http.answers import (
    Answer,
    Expected,
    Received,
    UnexpectedError,
    a_document,
    anything,
    read,
)
from airflow_provider_payments.aep.http.clock import Clock, Deadline, PlatformClock
from airflow_provider_payments.aep.http.proxies import is_loopback, only, proxy_for, remember_password, shown
from airflow_provider_payments.aep.http.retries import MAX_ATTEMPTS, decide, parse_date
from airflow_provider_payments.aep.http.unanswered import through, unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

    from airflow_provider_payments.aep.http.cutoff import Attempt

log = logging.getLogger(__name__)

#: Bytes of a body after decompression. The longest list of a service has a few.
MAX_BODY_BYTES = 64 * 2**20
CHUNK_BYTES, COMPRESSED_CHUNK_BYTES = 2**16, 2**12
#: JSON shrinks to a fiftieth at most, a bomb to a thousandth. One is not read to the limit, for a thread would keep the
#: memory that it took.
MAX_COMPRESSION = 200
MIN_BOMB_BYTES = 2**20


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


class Credential(Protocol):
    """What signs requests."""

    @property
    def client_id(self) -> str:
        """Sent as ``x-api-key``."""

    def token(self) -> str | None:
        """Return a token that is believed to be valid; ``None`` signs nothing."""

    @property
    def renewable(self) -> bool:
        """Whether a token that the service refuses can be replaced by another."""

    def reject(self, token: str | None) -> bool:
        """Take note that the service refused ``token``; return whether :meth:`token` gives another one now."""


@dataclass(frozen=True)
class Call:
    """
    One request to send.

    :param method: the HTTP method.
    :param url: without its query.
    :param params: the query, in order; a name may come more than once.
    :param form: a body as an HTML form sends it, for the token request.
    :param headers: besides those that every request has.
    :param json: the body, or what returns it for each attempt anew.
    :param safe: whether it may be repeated after an unknown outcome; by default only a GET may.
    :param changes_nothing: whether it only reads; by default a GET does.
    :param expected: what its body must be; by default an object or a list, and of a DELETE anything.
    :param into: takes a file, the body of a 200, in chunks, for each attempt anew; what it returns is the answer's
        body. The time-out of whole answers does not apply to it. It may raise :class:`.UnexpectedError`.
    :param attempts: how many times it is sent at most; by default as many times as the transport sends any.
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
    changes_nothing: bool | None = None
    expected: Expected | None = None
    into: Callable[[Iterator[bytes]], Any] | None = field(default=None, repr=False)
    attempts: int | None = None

    @property
    def reads(self) -> bool:
        """Whether it only reads."""
        return self.method == "GET" if self.changes_nothing is None else self.changes_nothing

    @property
    def repeatable(self) -> bool:
        """Whether it may be repeated after an unknown outcome."""
        return self.reads if self.safe is None else self.safe

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.url).path

    def failed(self, failure: Failure, reason: str, status: int | None = None) -> RequestError:
        """Return the error of an attempt that no service answered."""
        return RequestError(failure, self.method, self.path, reason=reason, status=status, changes_nothing=self.reads)


class Transport:
    """
    Sends calls over keep-alive sessions, one for each thread: a ``requests.Session`` is not thread-safe.

    :param connect_timeout: seconds to reach the host.
    :param read_timeout: seconds to wait for the next byte of the answer; the whole answer may take twice as long.
    :param proxies: as ``requests`` takes them.
    :param verify: ``True``, or the path of a CA bundle.
    :param attempts: how many times a request is sent at most; a poller, whose next poll is the retry, wants one.
    :param max_body_bytes: longer answers are not read to their end.
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
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.attempts = attempts
        self.max_body_bytes = max_body_bytes
        #: What each request to the platform passes through; it may make it wait, and sees how it ends.
        self.pace: AbstractContextManager[Any] = nullcontext()
        #: Requests so far, those for tokens not counted.
        self.sent = 0
        self._lock = threading.Lock()
        self.timeouts = (connect_timeout, read_timeout)
        self.proxies = dict(proxies or {})
        for proxy in self.proxies.values():
            remember_password(proxy)
        self.verify = verify
        self.clock = clock or Clock()
        self.platform_clock = PlatformClock(self.clock)
        self._local = threading.local()
        self._closed = False
        self._under_way: set[Attempt] = set()
        self._sessions: WeakSet[requests.Session] = WeakSet()

    # ---- time ------------------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> Deadline:
        """When all that this thread sends now must be over."""
        deadline: Deadline | None = getattr(self._local, "deadline", None)
        return deadline or Deadline(self.clock)

    @contextmanager
    def until(self, deadline: Deadline) -> Iterator[None]:
        """Let all that this thread sends in the block, waits included, be over by a deadline, or by an earlier one."""
        outer = self.deadline
        self._local.deadline = min(outer, deadline, key=lambda either: either.at)
        try:
            yield
        finally:
            self._local.deadline = outer

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Let all that this thread sends in the block be over, waits included, after ``seconds``."""
        return self.until(self.deadline.within(seconds))

    @property
    def remaining(self) -> float:
        """Seconds that :meth:`within` leaves."""
        return self.deadline.remaining

    def now(self, moment: float | None = None) -> float:
        """
        Return the platform's time in epoch seconds; until it has answered, this machine's.

        :param moment: what it was at another moment, by the clock's ``monotonic``.
        """
        return self.platform_clock.now(moment)

    # ---- sending ---------------------------------------------------------------------------------------------------

    def send(self, call: Call) -> Answer:
        """
        Send ``call`` until it is answered or :func:`.retries.decide` gives up.

        :raises RequestError: for every answer but a 2xx of the expected shape.
        """
        credential, renewed, attempts = call.credential, False, call.attempts or self.attempts
        for attempt in count(1):
            # Outside the attempt: a token request that fails has had its own retries and gets no second lot.
            token = credential.token() if credential else None
            try:
                return self._paced(call, token) if credential else self._once(call, None)
            except RequestError as error:
                decision = decide(
                    error,
                    attempt=attempt,
                    safe=call.repeatable,
                    renewed=renewed,
                    jitter=random.random(),
                    remaining=self.remaining,
                    attempts=attempts,
                )
                if not decision.again or (decision.renew and not (credential and credential.reject(token))):
                    raise
                renewed = renewed or decision.renew
                text = "%s; attempt %d of %d, retrying in %.1f s"
                log.warning(text, error, attempt, max(attempt, attempts), decision.wait)
            self.clock.sleep(decision.wait)
        raise AssertionError("unreachable")

    def _paced(self, call: Call, token: str | None) -> Answer:
        with self.pace:
            with self._lock:
                self.sent += 1
            return self._once(call, token)

    @property
    def last_request_id(self) -> str:
        """The service's id of the last request that this thread was answered, for logs."""
        return getattr(self._local, "request_id", "")

    def _session(self) -> requests.Session:
        from airflow_provider_payments.aep.http.cutoff import GuardedSession

        # A session made before a fork must not be shared with the parent: its sockets are the same.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.session, self._local.pid = GuardedSession(), os.getpid()
            with self._lock:
                self._sessions.add(self._local.session)
        kept: requests.Session = self._local.session
        return kept

    def _once(self, call: Call, token: str | None) -> Answer:
        """Send it once, and read the whole answer."""
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        from airflow_provider_payments.aep.http.cutoff import cutoff

        remaining = self.remaining
        if self._closed:
            raise call.failed(Failure.NOT_SENT, "cancelled: no waiters left")
        if remaining <= 0:
            raise call.failed(Failure.NOT_SENT, "the operation's time is over")
        connect, silence = (min(timeout, remaining) for timeout in self.timeouts)
        whole = remaining if call.into else min(connect + 2 * silence, remaining)
        proxy = proxy_for(call.url, self.proxies)
        received = None
        with cutoff.after(whole) as attempt, self._cuttable(attempt):
            try:
                received = self._exchange(call, token, proxy, (connect, silence))
            except (RequestException, HTTPError) as error:
                failure, reason = unanswered(error, call.url, proxy, connect, silence)
                if failure is Failure.NOT_SENT or not attempt.was_cut:
                    raise call.failed(failure, reason) from None
            except UnexpectedError as error:
                if not attempt.was_cut:
                    raise call.failed(Failure.AMBIGUOUS, str(error)) from None
        # A body without a length just ends then.
        if received is None or (attempt.was_cut and received.status != 429):
            raise call.failed(Failure.AMBIGUOUS, f"no complete answer within {whole:.3g} s{through(proxy)}")
        if isinstance(received, Answer):
            return received
        if received.status == 407 and proxy:
            raise call.failed(Failure.AMBIGUOUS, f"the proxy {shown(proxy)} asks for a login", status=407)
        replaceable = call.credential is not None and call.credential.renewable
        return read(
            received,
            call.expected or (anything if call.method == "DELETE" else a_document),
            token_is_replaceable=replaceable,
        )

    def close(self) -> None:
        """Send nothing more, cut off all requests that are under way, and drop kept connections."""
        self._closed = True
        for attempt in list(self._under_way):
            attempt.cut()
        with self._lock:  # another thread may begin to send just now
            sessions = list(self._sessions)
        for session in sessions:
            session.close()

    @contextmanager
    def _cuttable(self, attempt: Attempt) -> Iterator[None]:
        self._under_way.add(attempt)
        try:
            if self._closed:
                attempt.cut()
            yield
        finally:
            self._under_way.discard(attempt)
            if self._closed:  # meanwhile, so its connection was not among those that were dropped
                self._session().close()

    def _exchange(self, call: Call, token: str | None, proxy: str, timeouts: tuple[float, float]) -> Received | Answer:
        from requests.exceptions import RequestException

        headers = {"Accept": "application/json", "User-Agent": f"airflow-provider-payments/{__version__}"}

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            # Given as `auth`: a plain header would lose to a user's .netrc.
            if token is not None:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        with self._session().request(
            call.method,
            call.url,
            params=call.params,
            json=call.json() if callable(call.json) else call.json,
            data=call.form,
            headers=headers | dict(call.headers),
            auth=sign,
            timeout=timeouts,
            proxies=only(call.url, proxy),
            verify=self.verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            self._local.request_id = response.headers.get("x-request-id", "")
            # Not the identity service: that is another machine.
            date = parse_date(response.headers.get("date")) if call.credential else None
            if date is not None:
                self.platform_clock.observe(date)
            if call.into and response.status_code == HTTPStatus.OK:
                return Answer(HTTPStatus.OK, call.into(_chunks(call, response)), self.last_request_id)
            try:
                body = b"".join(_chunks(call, response, self.max_body_bytes))
            except (RequestException, RequestError):
                if response.status_code != 429:
                    raise
                body = b""  # nothing was made, whatever follows
        return Received(call.method, call.path, response.status_code, response.headers, body, call.reads)


def _chunks(call: Call, response: requests.Response, limit: float = math.inf) -> Iterator[bytes]:
    """
    Yield the body, decompressed, but of a bomb only the beginning: little compressed data may be a lot.

    :param limit: bytes that it may have.
    """
    size, encoding = 0, response.headers.get("content-encoding", "")
    if "," in encoding:
        raise call.failed(Failure.AMBIGUOUS, "the answer is compressed more than once")
    for chunk in response.iter_content(COMPRESSED_CHUNK_BYTES if encoding else CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise call.failed(Failure.AMBIGUOUS, f"the answer is longer than {limit / 2**20:.3g} MiB")
        # Of an answer in chunks nobody counts the bytes that came.
        if size > MIN_BOMB_BYTES and 0 < MAX_COMPRESSION * response.raw.tell() < size:
            raise call.failed(Failure.AMBIGUOUS, f"the answer is compressed more than {MAX_COMPRESSION} times")
        yield chunk
