"""
Known secrets, and text without them. A service or a proxy may repeat what it was sent, and its words end in errors.
Secrets are removed before text is shortened: a masker that looks for whole secrets misses parts.
"""

from __future__ import annotations

import json
import re
from html import escape
from threading import Lock
from urllib.parse import quote, quote_plus

MASK = "***"
#: Shorter secrets would mask everyday words.
MIN_LENGTH = 4
#: A process sees a few credentials, and a new token a day for each; the oldest is forgotten.
MAX_SECRETS = 1000

#: Each secret with the forms in which it may be written.
_known: dict[str, frozenset[str]] = {}
_lock = Lock()


def remember(*secrets: object) -> None:
    """Take note of client secrets, tokens, vendors' credentials, proxies' passwords; what is no text is ignored."""
    with _lock:
        for secret in secrets:
            if isinstance(secret, str) and len(secret) >= MIN_LENGTH:
                # What is used last is forgotten last.
                _known[secret] = _known.pop(secret) if secret in _known else _forms(secret)
        for oldest in list(_known)[: max(0, len(_known) - MAX_SECRETS)]:
            del _known[oldest]


def redacted(text: str) -> str:
    """Return ``text`` without any known secret, as it is, or as a URL, a form, JSON, HTML or Python writes it."""
    with _lock:
        forms = [form for known in _known.values() for form in known if form in text]
    # One secret may be a part of another.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(secret: str) -> frozenset[str]:
    sendable = secret.encode(errors="replace").decode()
    quoted = {quote(sendable), quote(sendable, safe=""), quote_plus(sendable)}
    quoted |= {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in quoted}
    text = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], escape(secret)}
    # Python escapes a quotation mark only in a text that holds both kinds.
    text |= {repr(secret)[1:-1], repr(f"\"'{secret}")[4:-1]}
    text |= {form.replace("/", "\\/") for form in text}
    # Errors are one line: what stood between words is one blank.
    text |= {" ".join(form.split()) for form in text}
    return frozenset(form for form in quoted | text if len(form) >= MIN_LENGTH)
