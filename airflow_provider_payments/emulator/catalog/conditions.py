"""Conditions on one member of an object: ``property`` expressions, and the wildcards of Catalog's simple filters.

In a simple filter ``,`` is or, a leading ``!`` is not, ``*`` any text, ``**`` a star.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.catalog.state import bad_request
from airflow_provider_payments.emulator.comparisons import Check, as_text, matching, ordered

_CONDITION = re.compile(r"(!)?([A-Za-z][A-Za-z0-9_]*)(?:(==|!=|<=|>=|<|>|~)(.*))?", re.DOTALL)


def condition(expression: str) -> tuple[str, Check]:
    """The member that a ``property`` expression is about, and what it asks of the member.

    :param expression: such as ``name==a*``, ``version>1.0.3``, ``name~^a``, ``description`` or ``!description``.
    """
    match = _CONDITION.fullmatch(expression)
    if match is None or (match[1] and match[3]):
        raise bad_request(f"The property filter '{expression[:100]}' cannot be understood.")
    absent, member, sign, wanted = match.groups()
    if sign is None:
        return member, (lambda value: _is_missing(value)) if absent else (lambda value: not _is_missing(value))
    return member, _SIGNS[sign](wanted)


def _is_missing(value: Any) -> bool:
    return value is None or value == ""


def matches(wanted: str, value: str) -> bool:
    """Whether a value passes a simple filter.

    :param wanted: the filter as sent.
    """
    if wanted.startswith("!"):
        return not any(_wildcard(choice, value) for choice in wanted[1:].split(","))
    return any(_wildcard(choice, value) for choice in wanted.split(","))


def _wildcard(pattern: str, value: str) -> bool:
    """Left to right, greedily at the earliest place: linear, unlike a regular expression with many stars."""
    parts = [part.replace("\0", "*") for part in pattern.replace("**", "\0").split("*")]
    if len(parts) == 1:
        return parts[0] == value
    first, *middle, last = parts
    if not value.startswith(first) or not value.endswith(last) or len(value) < len(first) + len(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _equal(wanted: str) -> Check:
    return lambda value: value is not None and _wildcard(wanted, as_text(value))


def _unequal(wanted: str) -> Check:
    return lambda value: value is None or not _wildcard(wanted, as_text(value))


_SIGNS: Mapping[str, Callable[[str], Check]] = {
    "==": _equal,
    "!=": _unequal,
    "~": lambda wanted: matching(wanted, bad_request),
    **{sign: partial(ordered, sign) for sign in ("<", "<=", ">", ">=")},
}
