"""Reading changes of the platform's behaviour: what a change does not name stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from airflow_provider_payments.emulator.control.refusals import wrong
from airflow_provider_payments.emulator.control.values import MAX_SECONDS, check_names, number, one_of, whole_number
from airflow_provider_payments.emulator.core.behaviour import (
    CUT,
    HONOURED,
    IGNORED,
    ONCE,
    REFUSED,
    TAKEN,
    TWICE,
    LagSeconds,
    PageLimit,
)

MAX_LIMIT = 10**6
Value = TypeVar("Value")


def lags(name: str, current: Mapping[str, LagSeconds], given: Any) -> dict[str, LagSeconds]:
    """``{"dataset": {"listed": 3.0}}``, in seconds."""
    return _members(name, current, given, _lag)


def _lag(name: str, current: LagSeconds, given: Any) -> LagSeconds:
    return replace(current, **_members(name, asdict(current), given, _seconds))


def _seconds(name: str, _: float, given: Any) -> float:
    return number(name, given, 0, MAX_SECONDS)


def names(name: str, current: Mapping[str, str], given: Any) -> dict[str, str]:
    """``{"dataset": "once"}``."""
    return _members(name, current, given, lambda path, _, value: one_of(path, value, (ONCE, TWICE)))


def page_limits(name: str, current: Mapping[str, PageLimit], given: Any) -> dict[str, PageLimit]:
    """``{"catalog": {"default": 20, "maximum": 100, "above": "refused"}}``."""
    return _members(name, current, given, _page_limit)


def _page_limit(name: str, current: PageLimit, given: Any) -> PageLimit:
    return replace(current, **_members(name, asdict(current), given, _limit_member))


def _limit_member(name: str, _: Any, given: Any) -> Any:
    member = name.rpartition(".")[2]
    if member == "above":
        return one_of(name, given, (CUT, REFUSED, TAKEN))
    return None if member == "default" and given is None else whole_number(name, given, 1, MAX_LIMIT)


def questions(name: str, current: Mapping[str, str], given: Any) -> dict[str, str]:
    """``{"flow_service.start": "refused"}``."""
    return _members(name, current, given, lambda path, _, value: one_of(path, value, (HONOURED, IGNORED, REFUSED)))


def _members(
    name: str, current: Mapping[str, Value], given: Any, parse: Callable[[str, Value, Any], Value]
) -> dict[str, Value]:
    """The current members, with those that are given in their place.

    :param name: of the whole, in refusals.
    :param parse: makes a member from its path, its current value and what is given.
    """
    if not isinstance(given, dict):
        raise wrong(name, given, f"an object of {', '.join(sorted(current))}")
    check_names(given, current, f"'{name}'")
    return {**current, **{key: parse(f"{name}.{key}", current[key], value) for key, value in given.items()}}
