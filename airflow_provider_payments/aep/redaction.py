"""
The redaction of known secrets from text.

A service or a proxy may repeat a request in its answer, and errors quote answers. Secrets are removed before a text is
shortened, because a masker that searches for whole secrets does not find a part of one.
"""

from __future__ import annotations

import re
from functools import cache
from html.entities import codepoint2name
from threading import Lock

MASK = "***"
#: Shorter secrets are not redacted, because they would mask ordinary words.
MIN_LENGTH = 4
#: Upper bound for known secrets, far above the few credentials and daily tokens of a process; the least recently used
#: secret is forgotten first.
MAX_SECRETS = 1000

#: Secret -> a pattern that matches the secret in any encoding.
_known: dict[str, re.Pattern[str]] = {}
_lock = Lock()


def remember(*secrets: object) -> None:
    """Register client secrets, tokens, vendor credentials or proxy passwords; values other than text are ignored."""
    with _lock:
        for secret in secrets:
            if isinstance(secret, str) and len(secret.strip()) >= MIN_LENGTH:
                # Insert again, so that the dictionary is ordered by last use.
                _known[secret] = _known.pop(secret) if secret in _known else _pattern(secret.strip())
        for oldest in list(_known)[: max(0, len(_known) - MAX_SECRETS)]:
            del _known[oldest]


def redacted(text: str) -> str:
    """Return ``text`` without known secrets, whether plain or encoded for a URL, a form, JSON, HTML or Python."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)  # longest first, because a secret may be a part of another
        patterns = [_known[secret] for secret in known]
    for pattern in patterns:
        text = pattern.sub(MASK, text)
    return text


def _pattern(secret: str) -> re.Pattern[str]:
    return re.compile("".join(map(_encodings, re.findall(r"\s+|\\+|.", secret, re.DOTALL))))


@cache
def _encodings(part: str) -> str:
    """
    Return a pattern for one character, or for a run of blanks or backslashes, in any encoding.

    Texts are quoted within texts, so a character may be escaped by any number of backslashes. The quantifiers for
    backslashes are possessive, so that a hostile text cannot cause excessive backtracking.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]", part):
        return re.escape(part)
    if part.isspace():
        # Any run of blanks matches, because errors are one line with single blanks.
        codes = "|".join(rf"{_percent(blank)}|\\++[xu]0*{ord(blank):x}" for blank in sorted(set(part)))
        return rf"(?:(?:\s|\\++[nrtvf]|(?i:{codes}))+|\+{{{len(part)}}})"
    code = _percent(part)
    if part[0] == "\\":
        return rf"(?:\\++|(?i:{code}))"
    units = part.encode("utf-16-be", "surrogatepass").hex()
    escapes = "".join(rf"\\*+u{units[at : at + 4]}" for at in range(0, len(units), 4))
    number = ord(part)
    forms = [re.escape(part), f"x{number:02x}", f"u{number:08x}"]
    entities = [f"#{number}", f"#x{number:x}", *([codepoint2name[number]] if number in codepoint2name else [])]
    # The longest forms first, because a percent sign is the beginning of its own percent code.
    return rf"(?:(?i:{code}|{escapes}|&(?:{'|'.join(entities)});)|\\*+(?i:{'|'.join(forms)}))"


def _percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="replace"))
