"""Conditions on single values in queries of lists, and sort keys."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.patterns import Pattern
from airflow_provider_payments.emulator.core.refusals import Refusal

Check = Callable[[Any], bool]
SortKey = tuple[Any, ...]

ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WHOLE = re.compile(r"-?\d{1,300}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,300}(\.\d{1,300})?([eE][-+]?\d{1,3})?", re.ASCII)
_DOTTED = re.compile(r"\d{1,18}(\.\d{1,18})*", re.ASCII)


def as_text(value: Any) -> str | None:
    """Return the text of a value in a query; None for null, objects and lists."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None


def as_number(text: str) -> int | float | None:
    """Return the number that a text represents, or None."""
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number."""
    return value.__class__ is int or value.__class__ is float


def sort_key(value: Any) -> SortKey:
    """Return the sort key of a value: null and containers come first, then numbers, then all other values as text."""
    if is_number(value):
        return (1, value)
    text = as_text(value)
    return (0,) if text is None else (2, text)


def version_sort_key(text: str) -> tuple[Any, ...]:
    """Return a sort key that compares dotted versions part by part; other texts follow all versions."""
    return (0, *map(int, text.split("."))) if _DOTTED.fullmatch(text) else (1, text)


def one_of(wanted: Iterable[str]) -> Check:
    """Return a check that a value equals one of some texts, or the number that one of the texts represents."""
    texts = frozenset(wanted)
    numbers = {number for number in map(as_number, texts) if number is not None}

    def fits(value: Any) -> bool:
        if value.__class__ is str:
            return value in texts
        return value in numbers if is_number(value) else as_text(value) in texts

    return fits


def compared_to(sign: str, limit: str, text_key: Callable[[str], Any] = str) -> Check:
    """Return a check that a value is less or greater than a limit. Null, objects and lists never pass it.

    :param sign: one of :data:`ORDERINGS`.
    :param text_key: the sort key of texts.
    """
    compare, number, limit_key = ORDERINGS[sign], as_number(limit), text_key(limit)

    def fits(value: Any) -> bool:
        # Called for up to 100,000 values in one request: is_number() is inlined for speed.
        if value.__class__ is int or value.__class__ is float:
            return number is not None and compare(value, number)
        text = as_text(value)
        return text is not None and compare(text_key(text), limit_key)

    return fits


def matching(source: str, refuse: Callable[[str], Refusal]) -> Check:
    """Return a check that a regular expression is found in a text.

    :param refuse: builds the refusal of an expression that is not accepted.
    """
    pattern = Pattern(source, refuse)
    return lambda value: isinstance(value, str) and any(pattern.found_in(value))
