"""Reading the bodies and queries of the control interface, and saying what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from airflow_provider_payments.emulator.control.refusals import ControlRefusal, wrong
from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.organisation import Organisation

Check = Callable[[str, Any], Any]
# A year: nobody tries out more.
MAX_SECONDS = 366 * 86400


def body_of(call: Call[Organisation], allowed: Collection[str], what: str, *, needed: bool = True) -> dict[str, Any]:
    """The body of a request, with nothing in it that means nothing.

    :param allowed: the members that the operation knows.
    :param what: what the body is.
    :param needed: whether there must be one.
    """
    body = call.json_object() if needed or call.raw.strip() else {}
    check_names(body, allowed, what)
    return body


def check_names(given: Collection[str], allowed: Collection[str], what: str) -> None:
    """Refuse names that mean nothing, since a slip of the pen would be silent otherwise.

    :param what: where the names stand.
    """
    unknown = next((name for name in given if name not in allowed), None)
    if unknown is not None:
        known = ", ".join(sorted(allowed)) or "nothing"
        raise ControlRefusal(400, f"'{unknown[:100]}' means nothing in {what}: known are {known}.")


def number(name: str, value: Any, low: float, high: float) -> float:
    """A number within bounds, both included."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(name, value, f"a number from {low} to {high}")
    return value


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number within bounds, both included."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(name, value, f"a whole number from {low} to {high}")
    return value


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(name, value, "true or false")
    return value


def text(name: str, value: Any, longest: int = 200) -> str:
    """Text that is not empty."""
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise wrong(name, value, f"text of 1 to {longest} characters")
    return value


def one_of(name: str, value: Any, allowed: Collection[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise wrong(name, value, f"one of {', '.join(sorted(allowed))}")
    return value


def queried(call: Call[Organisation], allowed: Collection[str]) -> Mapping[str, str]:
    """The query, each parameter at most once in effect: the last one counts.

    :param allowed: the parameters that the operation knows.
    """
    query = dict(call.query)
    check_names(query, allowed, "the query")
    return query


def queried_count(query: Mapping[str, str], name: str) -> int | None:
    """A query parameter that is a whole number, 0 or more; None when it is not there."""
    given = query.get(name)
    if given is None:
        return None
    count = parse_count(given)
    if count is None:
        raise wrong(name, given, "a whole number, 0 or more")
    return count
