"""
Credentials: how a bearer token is got, kept and replaced.

Adobe's OAuth server-to-server credential (IMS ``/ims/token/v3``) is the one for machines; a plain access token, valid
for about a day, serves tests and short jobs. The JWT exchange ended in 2025 and is not offered.
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
from airflow_provider_payments.aep.http.transport import Call, Transport, require_https
from airflow_provider_payments.aep.readers import mapping, number
from airflow_provider_payments.aep.redaction import remember

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_PATH = "/ims/token/v3"
#: Before its end a token is no longer used for so long, so that none dies between signing and arrival.
EXPIRY_MARGIN_SECONDS = 300.0
#: Of a token whose answer does not say how long it lives. IMS gives a day; a short guess costs a request now and then,
#: and a long one would hold on to a token that somebody revoked. Where it is too long, the service's refusal ends it.
ASSUMED_LIFE_SECONDS = 600.0
DEFAULT_IMS_URL = "https://ims-na1.adobelogin.com"
DEFAULT_SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"
#: No token lives longer than a day or so; a larger ``expires_in`` counts milliseconds, as the old exchange did.
MAX_LIFE_SECONDS = 30 * 86400.0
#: Longer headers are refused by servers; IMS's tokens have some 1,000 to 2,500 characters.
MAX_TOKEN_LENGTH = 8192


@dataclass(frozen=True)
class AccessToken:
    """
    A token made elsewhere. It cannot be renewed: once refused, every call fails with a clear error.

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
        """Nothing can replace it."""
        return False


@dataclass
class _Kept:
    """
    The place of one credential's token; its lock is held while a new one is asked for. Times are monotonic.

    :param good_until: when the token is no longer used.
    :param asked_at: when it was asked for.
    :param life: for how many seconds it was granted.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = field(default="", repr=False)
    good_until: float = -math.inf
    asked_at: float = -math.inf
    life: float = 0.0


# One token for each credential in a process: IMS may throttle a client that mints many.
_kept: dict[tuple[str, str, str, str], _Kept] = {}
# A child must not inherit a lock that another thread of its parent held.
os.register_at_fork(after_in_child=_kept.clear)


def _https(value: str) -> str:
    return require_https("ims_url", value)


def _joined(scopes: str) -> str:
    return ",".join(scope.strip() for scope in scopes.split(",") if scope.strip())


@attrs.frozen
class ClientCredentials:
    """
    OAuth server-to-server: client id and secret against a token that lives for a day.

    :param client_id: the credential's id, as the developer console shows it.
    :param client_secret: its secret.
    :param transport: what sends the token request.
    :param ims_url: the identity service, https.
    :param scopes: comma-separated, as the developer console shows them for the credential.
    :param on_token: called with each new token, so that it can be masked in logs.
    :param renewal_interval_seconds: a token that is younger is not replaced, even where it is refused: a poller must
        not fetch a token for each refusal.
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
    def _place(self) -> _Kept:
        return _kept.setdefault((self.ims_url, self.client_id, self.client_secret, self.scopes), _Kept())

    def token(self) -> str:
        """
        Return the process's token for this credential; ask IMS only where there is none or it is about to end.

        :raises RequestError: if IMS refuses the credential or cannot be reached.
        """
        return self._current().token

    def life_seconds(self) -> float:
        """
        Return for how many seconds the process's token was granted.

        :raises RequestError: as :meth:`token` does.
        """
        return self._current().life

    def _current(self) -> _Kept:
        """Return the place of the token, which is a new one where there was none or it is about to end."""
        place = self._place
        # Another thread asks for the same one meanwhile.
        if not place.lock.acquire(timeout=min(max(self.transport.remaining, 0), threading.TIMEOUT_MAX)):
            raise RequestError(Failure.NOT_SENT, "POST", TOKEN_PATH, reason="the operation's time is over")
        try:
            if self._is_due(place):
                place.token, place.life, place.asked_at = self._mint()
                # Half the life where the margin would eat it all: a short-lived token is used, not minted for each
                # request.
                place.good_until = place.asked_at + max(place.life - EXPIRY_MARGIN_SECONDS, place.life / 2)
            return place
        finally:
            place.lock.release()

    def reject(self, token: str | None) -> bool:
        """Forget ``token``, unless another thread has replaced it already; return whether another can be had now."""
        place = self._place
        with place.lock:
            if place.token == token:
                place.good_until = -math.inf
            return place.token != token or self._is_due(place)

    def _is_due(self, place: _Kept) -> bool:
        return self.transport.clock.monotonic() >= max(place.good_until, place.asked_at + self.renewal_interval_seconds)

    def _mint(self) -> tuple[str, float, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scopes,
        }
        asked_at = self.transport.clock.monotonic()
        call = Call("POST", f"{self.ims_url}{TOKEN_PATH}", form=form, changes_nothing=True, expected=granted)
        token, life = self.transport.send(call).body
        self.on_token(token)
        return token, life, asked_at


def granted(body: object) -> tuple[str, float]:
    """
    Read what IMS grants: a token, and for how many seconds it lives.

    :raises UnexpectedError: without a token that a header can carry, or with a life that is no time.
    """
    token, given = mapping(body).get("access_token"), mapping(body).get("expires_in")
    remember(token)
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH or not _fits_header(token):
        raise UnexpectedError("IMS answered no access_token that a header can carry")
    life = ASSUMED_LIFE_SECONDS if given is None else number(given)
    if life is not None and life > MAX_LIFE_SECONDS:
        life /= 1000
    if life is None or not 0 < life <= MAX_LIFE_SECONDS:
        raise UnexpectedError("IMS answered an expires_in that is no number of seconds that a token may live")
    return token, life


def _check_header(field_name: str, value: str, *, secret: bool = False) -> None:
    """Refuse what no HTTP header can carry."""
    if not _fits_header(value):
        allowed = "it must be set, as printable ASCII text without blanks at its ends"
        raise InvalidInputError(field_name, "***" if secret and value else value, allowed)


def _fits_header(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and value == value.strip()
