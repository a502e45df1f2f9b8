"""
The transport: signs one HTTP request, limits its time and size, retries it, and returns its answer as data.

Only :func:`.retries.decide` decides whether the transport sends a request again. Code above the transport may repeat a
read, but it reads or searches before it sends a write again. A write whose outcome is unknown is repeated here only if
the caller marked it ``safe``; otherwise the error is :attr:`Failure.AMBIGUOUS`.
"""

from __future__ import annotations

import logging
import math
import os
import random
import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from airflow_provider_payments import __version__
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.answers import (
    Answer,
    Received,
    UnexpectedError,
    a_document,
    anything,
    read,
)
from airflow_provider_payments.aep.http.clock import Clock, Deadline, PlatformClock
from airflow_provider_payments.aep.http.proxies import (
    proxies_argument,
    proxy_for,
    remember_password,
    shown,
)
from airflow_provider_payments.aep.http.retries import MAX_ATTEMPTS, decide, parse_date
from airflow_provider_payments.aep.http.unanswered import classify_exception, through

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from airflow_provider_payments.aep.http.call import Call
    from airflow_provider_payments.aep.http.cutoff import Attempt

log = logging.getLogger(__name__)

#: Upper bound for a body after decompression. The longest list of a service has a few MiB.
MAX_BODY_BYTES = 64 * 2**20
CHUNK_BYTES, COMPRESSED_CHUNK_BYTES = 2**16, 2**12
#: Upper bound for the compression ratio of a body: JSON shrinks to a fiftieth at most, a decompression bomb to a
#: thousandth. A bomb is not read up to MAX_BODY_BYTES, because the thread would keep that memory.
MAX_COMPRESSION_RATIO = 200
#: The ratio of shorter bodies is not checked.
MIN_BOMB_BYTES = 2**20


class Transport:
    """
    Sends requests over keep-alive sessions, one for each thread, because a ``requests.Session`` is not thread-safe.

    :param connect_timeout: seconds to reach the host. Defaults to 10.
    :param read_timeout: seconds to wait for the next byte of the answer; the whole answer may take twice as long.
        Defaults to 60.
    :param proxies: proxies in the form of ``requests``. Defaults to those of the environment.
    :param verify: whether the TLS certificate is verified, or the path of a CA bundle. Defaults to true.
    :param clock: measures time and sleeps. Defaults to the local clock.
    :param attempts: how many times a request is sent at most, not counting one repeat with a new token. Defaults to 5;
        a poller, whose next poll is the retry, uses 1.
    :param max_body_bytes: upper bound for a body; a longer one raises an error. Defaults to 64 MiB.
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
        #: Entered for each request to the platform: it may wait before the request, and receives the request's error.
        self.pace: AbstractContextManager[Any] = nullcontext()
        #: The number of requests, without those for tokens, since the poller last reset it.
        self.requests_sent = 0
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
        self._active_attempts: set[Attempt] = set()
        self._sessions: WeakSet[requests.Session] = WeakSet()

    # ---- time ------------------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> Deadline:
        """The deadline for the requests and waits of this thread."""
        deadline: Deadline | None = getattr(self._local, "deadline", None)
        return deadline or Deadline(self.clock)

    @contextmanager
    def until(self, deadline: Deadline) -> Iterator[None]:
        """Limit the requests and waits of this thread in the block to a deadline, or to an earlier outer one."""
        outer = self.deadline
        self._local.deadline = min(outer, deadline, key=lambda either: either.at)
        try:
            yield
        finally:
            self._local.deadline = outer

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the requests and waits of this thread in the block to a number of seconds."""
        return self.until(self.deadline.within(seconds))

    @property
    def remaining(self) -> float:
        """The seconds until the deadline of this thread."""
        return self.deadline.remaining

    def now(self, monotonic: float | None = None) -> float:
        """
        Return the platform's time in epoch seconds; before the first answer, the local time.

        :param monotonic: the time to convert, by the clock's ``monotonic``. Defaults to the present.
        """
        return self.platform_clock.now(monotonic)

    # ---- sending ---------------------------------------------------------------------------------------------------

    def send(self, call: Call) -> Answer:
        """
        Send a request until it is answered, or until :func:`.retries.decide` allows no more attempts.

        :raises RequestError: for any answer other than a 2xx of the expected shape.
        """
        credential, renewed, attempts = call.credential, False, call.attempts or self.attempts
        for attempt in count(1):
            # Outside the try block: a failed token request has had its own retries and is not retried again.
            token = credential.token() if credential else None
            try:
                return self._paced(call, token) if credential else self._once(call, None)
            except RequestError as error:
                decision = decide(
                    error,
                    attempt=attempt,
                    safe=call.safe,
                    renewed=renewed,
                    jitter=random.random(),
                    remaining=self.remaining,
                    attempts=attempts,
                )
                if not decision.should_retry or (
                    decision.renew_token and not (credential and credential.reject(token))
                ):
                    raise
                renewed = renewed or decision.renew_token
                text = "%s; attempt %d of %d, retrying in %.1f s"
                log.warning(text, error, attempt, max(attempt, attempts), decision.wait_seconds)
            self.clock.sleep(decision.wait_seconds)
        raise AssertionError("unreachable")

    def _paced(self, call: Call, token: str | None) -> Answer:
        with self.pace:
            with self._lock:
                self.requests_sent += 1
            return self._once(call, token)

    @property
    def last_request_id(self) -> str:
        """The service's id of the last request of this thread that was answered, for logs."""
        return getattr(self._local, "request_id", "")

    def _session(self) -> requests.Session:
        from airflow_provider_payments.aep.http.cutoff import GuardedSession

        # A session from before a fork shares its sockets with the parent process, so the child needs a new one.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.session, self._local.pid = GuardedSession(), os.getpid()
            with self._lock:
                self._sessions.add(self._local.session)
        session: requests.Session = self._local.session
        return session

    def _once(self, call: Call, token: str | None) -> Answer:
        """Send a request once, and read the whole answer."""
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        from airflow_provider_payments.aep.http.cutoff import cutoff

        remaining = self.remaining
        if self._closed:
            raise call.failed(Failure.NOT_SENT, "cancelled: no waiters left")
        if remaining <= 0:
            raise call.failed(Failure.NOT_SENT, "the operation's time has elapsed")
        connect, silence = (min(timeout, remaining) for timeout in self.timeouts)
        whole = remaining if call.into else min(connect + 2 * silence, remaining)
        proxy = proxy_for(call.url, self.proxies)
        received = None
        with cutoff.after(whole) as attempt, self._cuttable(attempt):
            try:
                received = self._exchange(call, token, proxy, (connect, silence))
            except (RequestException, HTTPError) as error:
                failure, reason = classify_exception(error, call.url, proxy, connect, silence)
                if failure is Failure.NOT_SENT or not attempt.was_cut:
                    raise call.failed(failure, reason) from None
            except UnexpectedError as error:
                if not attempt.was_cut:
                    raise call.failed(Failure.AMBIGUOUS, str(error)) from None
        # A body without a declared length ends like a complete one when it is cut.
        if received is None or (attempt.was_cut and received.status != 429):
            raise call.failed(Failure.AMBIGUOUS, f"no complete answer within {whole:.3g} s{through(proxy)}")
        if isinstance(received, Answer):
            return received
        if received.status == 407 and proxy:
            raise call.failed(Failure.AMBIGUOUS, f"the proxy {shown(proxy)} requires a login", status=407)
        replaceable = call.credential is not None and call.credential.renewable
        return read(
            received,
            call.expected or (anything if call.method == "DELETE" else a_document),
            token_is_replaceable=replaceable,
        )

    def close(self) -> None:
        """Refuse further requests, cut off all active ones, and close kept-alive connections."""
        self._closed = True
        for attempt in list(self._active_attempts):
            attempt.cut()
        with self._lock:  # another thread may add its session at the same time
            sessions = list(self._sessions)
        for session in sessions:
            session.close()

    @contextmanager
    def _cuttable(self, attempt: Attempt) -> Iterator[None]:
        self._active_attempts.add(attempt)
        try:
            if self._closed:
                attempt.cut()
            yield
        finally:
            self._active_attempts.discard(attempt)
            if self._closed:  # by another thread, which did not close the connection of this attempt
                self._session().close()

    def _exchange(self, call: Call, token: str | None, proxy: str, timeouts: tuple[float, float]) -> Received | Answer:
        from requests.exceptions import RequestException

        headers = {"Accept": "application/json", "User-Agent": f"airflow-provider-payments/{__version__}"}

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            # A function for `auth`, because a user's .netrc takes precedence over a plain header.
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
            proxies=proxies_argument(call.url, proxy),
            verify=self.verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            self._local.request_id = response.headers.get("x-request-id", "")
            # The token request has no credential: the identity service is another machine, with another clock.
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
                body = b""  # the body of a 429 is not needed: no request was executed
        return Received(call.method, call.path, response.status_code, response.headers, body, call.changes_nothing)


def _chunks(call: Call, response: requests.Response, limit: float = math.inf) -> Iterator[bytes]:
    """
    Yield the decompressed body in chunks.

    :param limit: the number of bytes allowed. Defaults to no limit.
    :raises RequestError: if the body is longer, or a decompression bomb, or compressed more than once.
    """
    size, encoding = 0, response.headers.get("content-encoding", "")
    if "," in encoding:
        raise call.failed(Failure.AMBIGUOUS, "the answer is compressed more than once")
    for chunk in response.iter_content(COMPRESSED_CHUNK_BYTES if encoding else CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise call.failed(Failure.AMBIGUOUS, f"the answer is longer than {limit / 2**20:.3g} MiB")
        # `tell` is 0 for a chunked answer, whose compressed bytes urllib3 does not count.
        if size > MIN_BOMB_BYTES and 0 < MAX_COMPRESSION_RATIO * response.raw.tell() < size:
            raise call.failed(Failure.AMBIGUOUS, f"the answer is compressed more than {MAX_COMPRESSION_RATIO} times")
        yield chunk
