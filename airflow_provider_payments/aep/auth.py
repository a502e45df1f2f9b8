"""
Credentials: how a bearer token is got, kept and replaced.

Adobe's OAuth server-to-server credential (IMS ``/ims/token/v3``) is the one for machines; a plain access token, valid
for about a day, serves tests and short jobs. The JWT exchange ended in 2025 and is not offered.
Source: Adobe's developer console guide "Server to server authentication".
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from airflow_provider_payments.aep.errors import Failure, InvalidInputError, RequestError
from airflow_provider_payments.aep.transport import Call, Transport, require_https

TOKEN_PATH = "/ims/token/v3"
#: Seconds before its end at which a token is no longer used, so that none dies between signing and arrival.
MARGIN = 300.0
DEFAULT_SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"
#: No token lives longer than a day or so; a larger ``expires_in`` counts milliseconds, as the old exchange did.
MAX_LIFETIME_SECONDS = 30 * 86400


@dataclass(frozen=True)
class AccessToken:
    """A token made elsewhere. It cannot be renewed: once refused, every call fails with a clear error."""

    client_id: str
    value: str = field(repr=False)

    renewable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_header("client_id", self.client_id)
        _check_header("access_token", self.value, secret=True)

    def token(self) -> str:
        return self.value

    def reject(self, token: str | None) -> None:
        """Nothing can replace it."""


@dataclass
class _Kept:
    """The place of one credential's token; its lock is held while a new one is asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = field(default="", repr=False)
    good_until: float = 0.0


# One token for each credential in a process, whoever asks: IMS may throttle a client that mints many.
_kept: dict[tuple[str, str, str, str], _Kept] = {}
# A child must not inherit a lock that another thread of its parent held.
os.register_at_fork(after_in_child=_kept.clear)


@dataclass(frozen=True)
class ClientCredentials:
    """
    OAuth server-to-server: client id and secret against a token that lives for a day.

    :param ims_url: the identity service, https.
    :param scopes: comma-separated, as the developer console shows them for the credential.
    :param on_token: told of each new token, so that it can be masked in logs.
    """

    client_id: str
    client_secret: str = field(repr=False)
    transport: Transport = field(repr=False)
    ims_url: str = "https://ims-na1.adobelogin.com"
    scopes: str = DEFAULT_SCOPES
    on_token: Callable[[str], None] = field(default=lambda _: None, repr=False)

    renewable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_header("client_id", self.client_id)
        if not self.client_secret:
            raise InvalidInputError("client_secret", "", "it must be set (the password of the connection)")
        object.__setattr__(self, "ims_url", require_https("ims_url", self.ims_url))
        object.__setattr__(self, "scopes", ",".join(s.strip() for s in self.scopes.split(",") if s.strip()))

    @property
    def _place(self) -> _Kept:
        return _kept.setdefault((self.ims_url, self.client_id, self.client_secret, self.scopes), _Kept())

    def token(self) -> str:
        """
        Return the process's token for this credential; ask IMS only where there is none or it is about to end.

        :raises RequestError: if IMS refuses the credential or cannot be reached.
        """
        place = self._place
        # Another thread asks for the same one meanwhile.
        if not place.lock.acquire(timeout=min(max(self.transport.remaining, 0), threading.TIMEOUT_MAX)):
            raise RequestError(Failure.NOT_SENT, "POST", TOKEN_PATH, reason="the operation's time is over")
        try:
            if place.good_until <= time.time():
                place.token, place.good_until = self._mint()
            return place.token
        finally:
            place.lock.release()

    def reject(self, token: str | None) -> None:
        """Forget ``token``, unless another thread has replaced it already."""
        place = self._place
        with place.lock:
            if place.token == token:
                place.good_until = 0.0

    def _mint(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scopes,
        }
        asked_at = time.time()
        answer = self.transport.send(Call("POST", f"{self.ims_url}{TOKEN_PATH}", form=form, safe=True))
        body = answer.body if isinstance(answer.body, dict) else {}
        token, seconds = body.get("access_token"), body.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, (int, float)) or seconds <= 0:
            raise RequestError(
                Failure.FINAL, "POST", TOKEN_PATH, reason="IMS answered without access_token and expires_in"
            )
        self.on_token(token)
        if seconds > MAX_LIFETIME_SECONDS:
            seconds /= 1000
        # Half the life where the margin would eat it all: a short-lived token is used, not minted for each request.
        return token, asked_at + max(seconds - MARGIN, seconds / 2)


def _check_header(field_name: str, value: str, *, secret: bool = False) -> None:
    """Refuse what no HTTP header can carry."""
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        allowed = "it must be set, as printable ASCII text without blanks at its ends"
        raise InvalidInputError(field_name, "***" if secret and value else value, allowed)
