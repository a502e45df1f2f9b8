"""
Known secrets, and text without them. A service or a proxy may repeat what it was sent, and its words end in errors.
Secrets are removed before text is shortened: a masker that looks for whole secrets misses parts.
"""

from __future__ import annotations

import re
from functools import cache
from html.entities import codepoint2name
from threading import Lock

MASK = "***"
#: Shorter secrets would mask everyday words.
MIN_LENGTH = 4
#: A process sees a few credentials, and a new token a day for each; the oldest is forgotten.
MAX_SECRETS = 1000

#: Each secret with what matches it in any writing.
_known: dict[str, re.Pattern[str]] = {}
_lock = Lock()


def remember(*secrets: object) -> None:
    """Take note of client secrets, tokens, vendors' credentials, proxies' passwords; what is no text is ignored."""
    with _lock:
        for secret in secrets:
            if isinstance(secret, str) and len(secret.strip()) >= MIN_LENGTH:
                # What is used last is forgotten last.
                _known[secret] = _known.pop(secret) if secret in _known else _pattern(secret.strip())
        for oldest in list(_known)[: max(0, len(_known) - MAX_SECRETS)]:
            del _known[oldest]


def redacted(text: str) -> str:
    """Return ``text`` without any known secret, as it is, or as a URL, a form, JSON, HTML or Python writes it."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)  # one secret may be a part of another
        patterns = [_known[secret] for secret in known]
    for pattern in patterns:
        text = pattern.sub(MASK, text)
    return text


def _pattern(secret: str) -> re.Pattern[str]:
    return re.compile("".join(map(_written, re.findall(r"\s+|\\+|.", secret, re.DOTALL))))


@cache
def _written(part: str) -> str:
    """
    Return what matches one character, or a run of blanks or of backslashes, in any writing.

    Texts are quoted within texts, so that a character may be escaped by any number of backslashes. They are taken
    possessively: a hostile text must not make the search try all ways to share them out.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]", part):
        return re.escape(part)
    if part.isspace():
        # Errors are one line, in which every run of blanks is one.
        codes = "|".join(rf"{_percent(blank)}|\\++[xu]0*{ord(blank):x}" for blank in sorted(set(part)))
        return rf"(?:(?:\s|\\++[nrtvf]|(?i:{codes}))+|\+{{{len(part)}}})"
    code = _percent(part)
    if part[0] == "\\":
        return rf"(?:\\++|(?i:{code}))"
    units = part.encode("utf-16-be", "surrogatepass").hex()
    escapes = "".join(rf"\\*+u{units[at : at + 4]}" for at in range(0, len(units), 4))
    number = ord(part)
    ways = [re.escape(part), f"x{number:02x}", f"u{number:08x}"]
    entities = [f"#{number}", f"#x{number:x}", *([codepoint2name[number]] if number in codepoint2name else [])]
    # The longest first: a percent sign begins its own code.
    return rf"(?:(?i:{code}|{escapes}|&(?:{'|'.join(entities)});)|\\*+(?i:{'|'.join(ways)}))"


def _percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="replace"))
