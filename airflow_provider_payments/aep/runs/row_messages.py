"""
Messages about records that failed, with the records' values masked.

A message may contain any value of a customer's payment, anywhere and without quotes: ``jo@example.com is not a valid
enum value``. So values are not searched for. Instead, only text that cannot be a value is kept: words of the platform's
validators, and column names in places where only a column name can occur. Everything else becomes ``***``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MASK = "***"
#: Number of characters of a message that are read; the beginning is enough to tell what failed.
MAX_MESSAGE_CHARACTERS = 1000
#: Number of cached results; most rows fail with one of a few messages.
CACHE_SIZE = 1024

#: A step of a path. Column names may begin with a digit, but so do card numbers, so such steps are masked.
_STEP = r"[A-Za-z_$][\w$]{0,63}"
_PATH = rf"{_STEP}(?:(?:\\?\.|/){_STEP}|\[(?:\*|\d{{1,4}})?\])*"
_PLACE = re.compile(
    r"#(?P<pointer>(?:/[^\s/:\]]+)*)(?=:)"
    rf"|(?P<label>\bdestination path|\bsourceField:|\bdestinationField:) (?P<path>{_PATH})(?=\.?(?:[\s,;]|$))"
    rf"|\brequired key \[(?P<required>{_PATH})\]"
)
_PUNCTUATION = "\"'`()[]{}<>,.;:!?"
#: Words of validators and mappers, of their types and formats.
_WORDS = frozenset(
    """
    a actual allowed an and any are array as at attribute be because been below between boolean by byte can cannot
    cast column computed conform contain contains conversion convert converted corrupt could data datatype date
    date-time datetime decimal defined destination destinationfield details do does double duplicate either email empty
    enum equal error errors exceeds exclusivemaximum exclusiveminimum exist expected expression extraneous fail failed
    failure field fix float for form format found from function get greater has have hold hostname identity in incorrect
    int integer invalid ipv4 ipv6 is it item items its json jsonarray jsonobject key lacks length less lies long lower
    map mapper mapping match matches maximum maxitems maxlength maxproperties message minimum minitems minlength
    minproperties missing more multiple must name namespace no not null number object of on only or outside parse
    parsed path pattern permitted please primary properties property range read record regex required resend row rows
    schema schemas set short source sourcefield string struct text than that the there this time timestamp to
    transform transformation type types unable unexpected unique unknown uri url valid validate validated validation
    value values was were when where which while with without xdm
    """.split()  # noqa: SIM905 - a block of words is easier to read than a list of strings
)


class MaskedMessage(NamedTuple):
    """
    A message with its values masked.

    :param message: the message, with ``***`` in place of values.
    :param column: the column that the message names, as a path separated by ``.``; empty if it names none.
    """

    message: str
    column: str


def mask_values(message: object) -> MaskedMessage:
    """Return a message about a record with the record's values masked, and the column that it names."""
    if not isinstance(message, str):
        return MaskedMessage(MASK if message else "", "")
    return _mask_text(message[:MAX_MESSAGE_CHARACTERS])


@lru_cache(CACHE_SIZE)
def _mask_text(message: str) -> MaskedMessage:
    columns: dict[str, str] = {}
    parts, end = list[str](), 0
    for place in _PLACE.finditer(message):
        parts.append(_masked(message[end : place.start()]))
        if place["pointer"] is not None:
            steps = [_step(step) for step in place["pointer"].split("/")[1:]]
            columns["pointer"] = ".".join(steps)
            parts.append("/".join(["#", *steps]))
        else:
            columns[place["label"] or "required"] = place["path"] or place["required"]
            parts.append(place[0])
        end = place.end()
    parts.append(_masked(message[end:]))
    return MaskedMessage(_joined(parts), _column(columns))


def _column(found: dict[str, str]) -> str:
    """Return the column to report: the record's for a validator's message, the source's for a mapper's."""
    if required := found.get("required"):
        return ".".join(filter(None, (found.get("pointer"), required)))
    order = ("pointer", "sourceField:", "destinationField:", "destination path")
    return next((found[label].replace("\\.", ".") for label in order if found.get(label)), "")


def _step(step: str) -> str:
    if step.isdecimal():
        return "*"  # an index of an array
    return step if re.fullmatch(_STEP, step) else MASK


def _masked(text: str) -> str:
    """Mask all words except those of validators, each with the characters attached to it."""
    return re.sub(r"\S+", lambda word: _word(word[0]), text)


def _word(word: str) -> str:
    bare = word.strip(_PUNCTUATION)
    if bare.lower() in _WORDS or (not bare and len(word) == 1):
        return word
    return MASK + (word[-1] if word[-1] in ".:;,]" else "")


def _joined(parts: list[str]) -> str:
    text = " ".join("".join(parts).split())
    # One mask for any number of words, because their number would reveal something about the value.
    return re.sub(r"\*{3}[.:;,\]]?(?: \*{3}(?=[.:;,\] ]|$))+", MASK, re.sub(r"\*{3}[.:;,\]](?= \*{3})", MASK, text))
