"""How lists compare a member of an item with what a client wrote in a query."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.patterns import Pattern, PatternError
from airflow_provider_payments.emulator.refusals import Refusal

Check = Callable[[Any], bool]
SortKey = tuple[int, float, str]
Comparable = tuple[int, tuple[int, ...], str]

_DOTTED = re.compile(r"\d{1,18}(\.\d{1,18})*", re.ASCII)
_ORDERS: Mapping[str, Callable[[Comparable, Comparable], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def as_text(value: Any) -> str:
    """A member as a query would name it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def sort_key(value: Any) -> SortKey:
    """What sorts members: nothing first, then numbers, then all else as text."""
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (0, 0.0, "") if value is None else (2, 0.0, as_text(value))


def check(sign: str, wanted: str, equals: Callable[[str], bool], refuse: Callable[[str], Refusal]) -> Check:
    """What a filter asks of a member.

    :param sign: ``==``, ``!=``, ``~`` for a pattern that a part of the member fits, or one of order, in which a member
        that is missing has no place.
    :param equals: whether a text is the wanted one.
    :param refuse: words the refusal of a pattern that is not accepted.
    """
    match sign:
        case "==":
            return lambda value: value is not None and equals(as_text(value))
        case "!=":
            return lambda value: value is None or not equals(as_text(value))
        case "~":
            return _matching(wanted, refuse)
    fits, limit = _ORDERS[sign], _comparable(wanted)
    return lambda value: value is not None and fits(_comparable(value), limit)


def _comparable(value: Any) -> Comparable:
    """What orders values: numbers and versions part by part, behind them all else as text."""
    text = as_text(value)
    if _DOTTED.fullmatch(text):
        return (0, tuple(map(int, text.split("."))), "")
    return (1, (), text)


def _matching(source: str, refuse: Callable[[str], Refusal]) -> Check:
    def refused(error: PatternError) -> Refusal:
        return refuse(f"The pattern '{source[:100]}' is not accepted: {error}.")

    try:
        pattern = Pattern(source)
    except PatternError as error:
        raise refused(error) from error

    def found(value: Any) -> bool:
        try:
            return isinstance(value, str) and pattern.found_in(value)
        except PatternError as error:
            raise refused(error) from error

    return found
