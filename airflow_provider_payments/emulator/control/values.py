"""Reading and checking the bodies and queries of the control interface."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from airflow_provider_payments.emulator.control.refusals import ControlRefusal, wrong
from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.organisation import Organisation

Check = Callable[[str, Any], Any]
MAX_SECONDS = 366 * 86400  # a year


def body_of(call: Call[Organisation], allowed: Collection[str], what: str, *, needed: bool = True) -> dict[str, Any]:
    """Return the body of a request; raise a refusal of unknown members.

    :param allowed: the known members.
    :param what: the body's name in refusals.
    :param needed: whether a body is required; if it is not, an absent body counts as empty.
    """
    body = call.json_object() if needed or call.raw.strip() else {}
    check_names(body, allowed, what)
    return body


def check_names(given: Collection[str], allowed: Collection[str], what: str) -> None:
    """Refuse unknown names, so that a misspelt name is not ignored.

    :param what: the container of the names, as refusals call it.
    """
    unknown = next((name for name in given if name not in allowed), None)
    if unknown is not None:
        known = ", ".join(sorted(allowed)) or "nothing"
        raise ControlRefusal(400, f"'{unknown[:100]}' is unknown in {what}: known are {known}.")


def number(name: str, value: Any, low: float, high: float) -> float:
    """Return a value that must be a number within bounds, both included; raise a refusal of any other."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(name, value, f"a number from {low} to {high}")
    return value


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Return a value that must be a whole number within bounds, both included; raise a refusal of any other."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(name, value, f"a whole number from {low} to {high}")
    return value


def boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(name, value, "true or false")
    return value


def text(name: str, value: Any, longest: int = 200) -> str:
    """Return a value that must be text and not empty; raise a refusal of any other.

    :param longest: the maximum number of characters.
    """
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise wrong(name, value, f"text of 1 to {longest} characters")
    return value


def one_of(name: str, value: Any, allowed: Collection[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise wrong(name, value, f"one of {', '.join(sorted(allowed))}")
    return value


def query_of(call: Call[Organisation], allowed: Collection[str]) -> Mapping[str, str]:
    """Return the query as a mapping, in which the last value of a repeated parameter counts.

    :param allowed: the known parameters; others are refused.
    """
    query = dict(call.query)
    check_names(query, allowed, "the query")
    return query


def count_in(query: Mapping[str, str], name: str) -> int | None:
    """Return the value of a query parameter that must be a whole number, 0 or more; None if the parameter is absent."""
    given = query.get(name)
    if given is None:
        return None
    count = parse_count(given)
    if count is None:
        raise wrong(name, given, "a whole number, 0 or more")
    return count
