"""How lists compare a member of an item with what a client wrote in a query."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.patterns import Pattern, PatternError
from airflow_provider_payments.emulator.refusals import Refusal

Check = Callable[[Any], bool]
Comparable = tuple[int, tuple[int, ...], str]

_DOTTED = re.compile(r"\d{1,18}(\.\d{1,18})*", re.ASCII)
_ORDERS: Mapping[str, Callable[[Comparable, Comparable], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def as_text(value: Any) -> str:
    """A member as a query would name it.

    :param value: any JSON; None is the empty text.
    """
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def comparable(value: Any) -> Comparable:
    """What orders values: numbers and versions part by part, behind them all else as text.

    :param value: any JSON.
    """
    text = as_text(value)
    if _DOTTED.fullmatch(text):
        return (0, tuple(map(int, text.split("."))), "")
    return (1, (), text)


def ordered(sign: str, wanted: str) -> Check:
    """The check that a member is smaller or greater; one that is missing is neither.

    :param sign: ``<``, ``<=``, ``>`` or ``>=``.
    """
    fits, limit = _ORDERS[sign], comparable(wanted)
    return lambda value: value is not None and fits(comparable(value), limit)


def matching(source: str, refuse: Callable[[str], Refusal]) -> Check:
    """The check that a text holds what a regular expression describes.

    :param source: the expression.
    :param refuse: words the refusal of one that is not accepted.
    """

    def refused(error: PatternError) -> Refusal:
        return refuse(f"The pattern '{source[:100]}' is not accepted: {error}.")

    try:
        pattern = Pattern(source)
    except PatternError as error:
        raise refused(error) from error

    def check(value: Any) -> bool:
        try:
            return isinstance(value, str) and pattern.found_in(value)
        except PatternError as error:
            raise refused(error) from error

    return check
