"""
Credentials: how a bearer token is requested, cached and replaced.

Adobe's OAuth server-to-server credential (IMS ``/ims/token/v3``) is meant for machines. A plain access token, valid for
about a day, serves tests and short jobs. Adobe ended the JWT exchange in 2025; it is not supported.
Source: Adobe's developer console guide "Server to server authentication".
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import attrs

from airflow_provider_payments.aep.errors import Failure, InvalidInputError, RequestError
from airflow_provider_payments.aep.http.answers import UnexpectedError
from airflow_provider_payments.aep.http.call import Call, require_https
from airflow_provider_payments.aep.readers import mapping, number
from airflow_provider_payments.aep.redaction import remember

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.http.transport import Transport

TOKEN_PATH = "/ims/token/v3"
#: How long before its expiry a token is replaced, so that no token expires between signing and arrival.
EXPIRY_MARGIN_SECONDS = 300.0
#: The assumed lifetime of a token whose answer contains none. IMS grants a day. A shorter lifetime only costs a request
#: now and then; a longer one would keep a revoked token. A service that refuses the token ends its use in any case.
ASSUMED_LIFETIME_SECONDS = 600.0
DEFAULT_IMS_URL = "https://ims-na1.adobelogin.com"
DEFAULT_SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"
#: A larger ``expires_in`` is in milliseconds, as in the former JWT exchange: tokens are valid for about a day.
MAX_LIFETIME_SECONDS = 30 * 86400.0
#: Servers refuse longer headers; IMS's tokens have some 1,000 to 2,500 characters.
MAX_TOKEN_LENGTH = 8192


@dataclass(frozen=True)
class AccessToken:
    """
    A given access token. It cannot be renewed: once a service refuses it, every call fails.

    :param client_id: the credential's id, sent as ``x-api-key``.
    :param value: the token.
    """

    client_id: str
    value: str = field(repr=False)

    renewable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        remember(self.value)
        _check_header("client_id", self.client_id)
        _check_header("access_token", self.value, secret=True)

    def token(self) -> str:
        """Return the token."""
        return self.value

    def reject(self, token: str | None) -> bool:
        """Return false, because no other token can be requested."""
        return False


@dataclass
class _CachedToken:
    """
    The cached token of one credential. Times are of the local monotonic clock.

    :param lock: held while a token is requested.
    :param token: the token; empty before the first one.
    :param expires_at: when the token must be replaced, which is before its real expiry.
    :param requested_at: when the token was requested.
    :param lifetime_seconds: for how long the token was granted.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = field(default="", repr=False)
    expires_at: float = -math.inf
    requested_at: float = -math.inf
    lifetime_seconds: float = 0.0


# One token for each credential in a process: IMS may throttle a client that requests many.
_tokens: dict[tuple[str, str, str, str], _CachedToken] = {}
# A child process must not inherit a lock that another thread of its parent held.
os.register_at_fork(after_in_child=_tokens.clear)


def _https(value: str) -> str:
    return require_https("ims_url", value)


def _joined(scopes: str) -> str:
    return ",".join(scope.strip() for scope in scopes.split(",") if scope.strip())


@attrs.frozen
class ClientCredentials:
    """
    An OAuth server-to-server credential: exchanges client id and secret for a token that is valid for a day.

    :param client_id: the credential's id, as the developer console shows it.
    :param client_secret: the credential's secret.
    :param transport: sends the token request.
    :param ims_url: the URL of the identity service, https.
    :param scopes: the credential's scopes as the developer console shows them, comma-separated.
    :param on_token: called with each new token, so that it can be masked in logs.
    :param renewal_interval_seconds: the least time between two token requests. A token that was requested more recently
        is not replaced even if a service refuses it, so that a poller does not request a token for each refusal.
        Defaults to 0.
    """

    client_id: str
    client_secret: str = attrs.field(repr=False)
    transport: Transport = attrs.field(repr=False)
    ims_url: str = attrs.field(default=DEFAULT_IMS_URL, converter=_https)
    scopes: str = attrs.field(default=DEFAULT_SCOPES, converter=_joined)
    on_token: Callable[[str], None] = attrs.field(default=lambda _: None, repr=False)
    renewal_interval_seconds: float = 0.0

    renewable: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        remember(self.client_secret)
        _check_header("client_id", self.client_id)
        if not self.client_secret:
            raise InvalidInputError("client_secret", "", "it must be set (the password of the connection)")

    @property
    def _cached(self) -> _CachedToken:
        return _tokens.setdefault((self.ims_url, self.client_id, self.client_secret, self.scopes), _CachedToken())

    def token(self) -> str:
        """
        Return the process's token for this credential; request one only if there is none or it is about to expire.

        :raises RequestError: if IMS refuses the credential or cannot be reached.
        """
        return self._current().token

    def token_lifetime_seconds(self) -> float:
        """
        Return for how many seconds the process's token was granted.

        :raises RequestError: see :meth:`token`.
        """
        return self._current().lifetime_seconds

    def _current(self) -> _CachedToken:
        """Return the cached token, after a token request if there is none or it is about to expire."""
        cached = self._cached
        # Another thread may hold the lock while it requests the same token.
        if not cached.lock.acquire(timeout=min(max(self.transport.remaining, 0), threading.TIMEOUT_MAX)):
            raise RequestError(Failure.NOT_SENT, "POST", TOKEN_PATH, reason="the operation's time has elapsed")
        try:
            if self._needs_renewal(cached):
                cached.token, lifetime, cached.requested_at = self._request_token()
                cached.lifetime_seconds = lifetime
                # A token with a lifetime below the margin is used for half of it, not requested for each request.
                cached.expires_at = cached.requested_at + max(lifetime - EXPIRY_MARGIN_SECONDS, lifetime / 2)
            return cached
        finally:
            cached.lock.release()

    def reject(self, token: str | None) -> bool:
        """Forget ``token`` unless another thread has replaced it; return whether another one is available now."""
        cached = self._cached
        with cached.lock:
            if cached.token == token:
                cached.expires_at = -math.inf
            return cached.token != token or self._needs_renewal(cached)

    def _needs_renewal(self, cached: _CachedToken) -> bool:
        renewable_at = cached.requested_at + self.renewal_interval_seconds
        return self.transport.clock.monotonic() >= max(cached.expires_at, renewable_at)

    def _request_token(self) -> tuple[str, float, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scopes,
        }
        requested_at = self.transport.clock.monotonic()
        call = Call("POST", f"{self.ims_url}{TOKEN_PATH}", form=form, changes_nothing=True, expected=read_token)
        token, lifetime = self.transport.send(call).body
        self.on_token(token)
        return token, lifetime, requested_at


def read_token(body: object) -> tuple[str, float]:
    """
    Return the token that IMS grants, and its lifetime in seconds.

    :raises UnexpectedError: if there is no token that a header can contain, or if the lifetime is not a valid time.
    """
    token, given = mapping(body).get("access_token"), mapping(body).get("expires_in")
    remember(token)
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH or not _fits_header(token):
        raise UnexpectedError("IMS answered no access_token that a header can contain")
    lifetime = ASSUMED_LIFETIME_SECONDS if given is None else number(given)
    if lifetime is not None and lifetime > MAX_LIFETIME_SECONDS:
        lifetime /= 1000
    if lifetime is None or not 0 < lifetime <= MAX_LIFETIME_SECONDS:
        raise UnexpectedError("IMS answered an expires_in that is not a valid number of seconds")
    return token, lifetime


def _check_header(field_name: str, value: str, *, secret: bool = False) -> None:
    """Raise :class:`.InvalidInputError` for a value that no HTTP header can contain."""
    if not _fits_header(value):
        allowed = "it must be set, as printable ASCII text without blanks at its ends"
        raise InvalidInputError(field_name, "***" if secret and value else value, allowed)


def _fits_header(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and value == value.strip()
