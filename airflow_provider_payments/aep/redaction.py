"""
Known secrets, and text without them. A service or a proxy may repeat what it was sent, and its words end in logs.
Secrets are removed before text is shortened: a masker that looks for whole secrets misses parts.
"""

from __future__ import annotations

import json
from threading import Lock
from urllib.parse import quote, quote_plus

MASK = "***"
#: Shorter secrets would mask everyday words.
MIN_LENGTH = 4
#: A process sees a few credentials, and a new token a day for each; the oldest is forgotten.
MAX_SECRETS = 1000

_known: dict[str, None] = {}
_lock = Lock()


def remember(*secrets: object) -> None:
    """Take note of client secrets, tokens, vendors' credentials, proxies' passwords; what is no text is ignored."""
    with _lock:
        for secret in secrets:
            if isinstance(secret, str) and len(secret) >= MIN_LENGTH:
                _known.pop(secret, None)
                _known[secret] = None
        for oldest in list(_known)[: max(0, len(_known) - MAX_SECRETS)]:
            del _known[oldest]


def redacted(text: str) -> str:
    """Return ``text`` without any known secret, as it is, or as a URL, a form or JSON writes it."""
    with _lock:
        known = list(_known)
    for secret in sorted(known, key=len, reverse=True):
        for written in {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}:
            if written in text:
                text = text.replace(written, MASK)
    return text
