"""Access tokens: the requests that get one, and how long a token is valid."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from typing import Any

from airflow_provider_payments.emulator.core.options import Options
from airflow_provider_payments.emulator.core.refusals import Refusal

_SEPARATORS = re.compile(r"[,\s]+")
# Adobe publishes no list of all scopes; these are the names that its console shows.
_NAMES = frozenset(
    {
        *("openid", "AdobeID", "session", "profile", "email", "address", "phone", "offline_access"),
        *("additional_info", "read_organizations", "read_client_secret", "manage_client_secrets", "adobeio_api"),
        *("account_cluster.read", "event_receiver_api", "user_management_sdk", "campaign_sdk", "target_sdk"),
        *("firefly_api", "firefly_enterprise", "ff_apis", "audiencemanager_api"),
    }
)
# Prefixes of further scopes: acp.foundation.catalog, additional_info.projectedProductContext, ...
_FAMILY = re.compile(r"(?:acp|additional_info|adobeio|cjm)(?:\.[A-Za-z0-9_-]+)+")


class OAuthRefusal(Refusal):
    """A refusal of IMS, with an error code of OAuth 2."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(status, detail, label=error)

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"error": self.label, "error_description": self.detail}


class Tokens:
    """The valid tokens; any number of tokens can be valid at once.

    :param options: contain the credential for which tokens are issued.
    :param now: returns the time in epoch seconds.
    :param lifetime: returns the lifetime of a new token, in seconds.
    """

    def __init__(self, options: Options, now: Callable[[], float], lifetime: Callable[[], int]) -> None:
        self.options = options
        self.lifetime = lifetime
        self._now = now
        self._expiry: dict[str, float] = {}

    def issue(self) -> str:
        """Return a new token."""
        now = self._now()
        # Drop expired tokens, oldest first: nearly all have the same lifetime, so the oldest expire first.
        while self._expiry and next(iter(self._expiry.values())) <= now:
            del self._expiry[next(iter(self._expiry))]
        # The token has the form of the signed tokens of IMS, by which clients recognise tokens to mask.
        token = f"eyJhbGciOiJub25lIn0.{secrets.token_urlsafe(48)}.{secrets.token_urlsafe(32)}"
        self._expiry[token] = now + self.lifetime()
        return token

    def revoke_all(self) -> None:
        """Revoke all tokens issued so far."""
        self._expiry.clear()

    def is_valid(self, token: str) -> bool:
        """Return whether a token was issued and has neither expired nor been revoked."""
        return self._expiry.get(token, 0.0) > self._now()


def check_client(
    grant_type: str | None,
    client_id: str | None,
    client_secret: str | None,
    scope: str | None,
    accepted: tuple[str, str],
) -> None:
    """Raise :class:`OAuthRefusal` unless the request has the client-credentials grant and the accepted client.

    :param accepted: client id and secret.
    """
    if not grant_type:
        raise OAuthRefusal("invalid_request", "missing grant_type parameter")
    if grant_type != "client_credentials":
        raise OAuthRefusal("unsupported_grant_type", "unsupported grant_type parameter")
    if not client_id or not _same(client_id, accepted[0]):
        raise OAuthRefusal("invalid_client", "invalid client_id parameter", 400)
    if not client_secret:
        raise OAuthRefusal("invalid_request", "missing client_secret parameter")
    if not _same(client_secret, accepted[1]):
        raise OAuthRefusal("invalid_client", "invalid client_secret parameter", 401)
    scopes = _scopes_of(scope or "")
    if not scopes:
        raise OAuthRefusal("invalid_scope", "missing scope parameter")
    unknown = next((name for name in scopes if not _is_scope(name)), None)
    if unknown is not None:
        raise OAuthRefusal("invalid_scope", f"invalid scope parameter: {unknown[:100]}")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def _scopes_of(text: str) -> list[str]:
    """Return the scopes in a text, which commas or spaces separate, each once."""
    return list(dict.fromkeys(filter(None, _SEPARATORS.split(text))))


def _is_scope(name: str) -> bool:
    """Return whether a name is one of Adobe's scopes; case matters."""
    return name in _NAMES or _FAMILY.fullmatch(name) is not None
