"""Reading changes of the platform's behaviour: what a change does not name stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from airflow_provider_payments.emulator.control.refusals import wrong
from airflow_provider_payments.emulator.control.values import MAX_SECONDS, check_names, number, one_of
from airflow_provider_payments.emulator.core.behaviour import ONCE, TWICE, LagSeconds

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
