"""Scopes: what a token may be for. Adobe publishes no list of all; these are the names that its console shows."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[,\s]+")
_NAMES = frozenset(
    {
        *("openid", "AdobeID", "session", "profile", "email", "address", "phone", "offline_access"),
        *("additional_info", "read_organizations", "read_client_secret", "manage_client_secrets", "adobeio_api"),
        *("account_cluster.read", "event_receiver_api", "user_management_sdk", "campaign_sdk", "target_sdk"),
        *("firefly_api", "firefly_enterprise", "ff_apis", "audiencemanager_api"),
    }
)
# Each begins the names of a family: acp.foundation.catalog, additional_info.projectedProductContext, ...
_FAMILIES = re.compile(r"(?:acp|additional_info|adobeio|cjm)(?:\.[A-Za-z0-9_-]+)+")


def scopes_of(text: str) -> list[str]:
    """The scopes in a text, commas or blanks between them; what is empty or named twice counts once or not."""
    return list(dict.fromkeys(filter(None, _SEPARATORS.split(text))))


def is_scope(name: str) -> bool:
    """Whether a name is one of Adobe's scopes, case and all."""
    return name in _NAMES or _FAMILIES.fullmatch(name) is not None
