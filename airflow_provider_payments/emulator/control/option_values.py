"""Parsing changes of the options. Options, and members of options, that a change does not name keep their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeVar

from airflow_provider_payments.emulator.control.refusals import missing, wrong
from airflow_provider_payments.emulator.control.values import (
    MAX_SECONDS,
    Check,
    boolean,
    check_names,
    number,
    one_of,
    whole_number,
)
from airflow_provider_payments.emulator.core.behaviour import (
    BLANK,
    CUT,
    HONOURED,
    HTML,
    IGNORED,
    JSON,
    NO_LAG,
    ONCE,
    OTHER,
    REFUSED,
    TAKEN,
    TWICE,
    LagSeconds,
    PageLimit,
    RefusalAnswer,
)
from airflow_provider_payments.emulator.core.options import RuntimeOptions

MAX_LIMIT = 10**6
_CODE = re.compile(r"[\w.-]{0,60}", re.ASCII)
# Builds the new value of an option, or of a member of an option, from its name, its current value and the given value.
Parser = Callable[[str, Any, Any], Any]
Value = TypeVar("Value")


def _lag(name: str, current: LagSeconds, given: Any) -> LagSeconds:
    return replace(current, **_checked(name, given, _LAG))


def _page_limit(name: str, current: PageLimit, given: Any) -> PageLimit:
    return replace(current, **_checked(name, given, _PAGE_LIMIT))


def _refusal(name: str, _: RefusalAnswer | None, given: Any) -> RefusalAnswer | None:
    if given is None:
        return None
    members = _checked(name, given, _REFUSAL)
    if "status" not in members:
        raise missing(f"{name}.status")
    return RefusalAnswer(**members)


def _checked(name: str, given: Any, checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return the members of an object after checking each.

    :param name: the object's name in refusals.
    :param checks: the check of each known member.
    """
    _check_object(name, given, checks)
    return {member: checks[member](f"{name}.{member}", value) for member, value in given.items()}


def _check_object(name: str, given: Any, allowed: Collection[str]) -> None:
    if not isinstance(given, dict):
        raise wrong(name, given, f"an object of {', '.join(sorted(allowed))}")
    check_names(given, allowed, f"'{name}'")


def _limit_or_null(name: str, given: Any) -> int | None:
    return None if given is None else _LIMIT(name, given)


def _code(name: str, given: Any) -> str:
    if not isinstance(given, str) or not _CODE.fullmatch(given):
        raise wrong(name, given, "a code such as FLOW-1439-404 or 401013, or empty")
    return given


_LIMIT = partial(whole_number, low=1, high=MAX_LIMIT)
_LAG: Mapping[str, Check] = dict.fromkeys(asdict(NO_LAG), partial(number, low=0, high=MAX_SECONDS))
_PAGE_LIMIT: Mapping[str, Check] = {
    "default": _limit_or_null,
    "maximum": _LIMIT,
    "above": partial(one_of, allowed=(CUT, REFUSED, TAKEN)),
}
_REFUSAL: Mapping[str, Check] = {
    "status": partial(whole_number, low=200, high=599),
    "code": _code,
    "form": partial(one_of, allowed=(JSON, HTML, BLANK, OTHER)),
}


def _each(parse: Callable[[str, Value, Any], Value]) -> Parser:
    """Return a parser of an option that has a value for each kind, service or question.

    :param parse: parses a single one of these values.
    """

    def parse_all(name: str, current: Mapping[str, Value], given: Any) -> dict[str, Value]:
        _check_object(name, given, current)
        return {**current, **{key: parse(f"{name}.{key}", current[key], value) for key, value in given.items()}}

    return parse_all


def _plain(check: Check) -> Parser:
    """Return a parser of a value that does not depend on the current value."""
    return lambda name, _, given: check(name, given)


_PARSERS: Mapping[str, Parser] = {
    "last_run_shows_active": _plain(boolean),
    "queries_are_utf8": _plain(boolean),
    "registry_requires_if_match": _plain(boolean),
    "sandbox_admin": _plain(boolean),
    "lags": _each(_lag),
    "names": _each(_plain(partial(one_of, allowed=(ONCE, TWICE)))),
    "page_limits": _each(_page_limit),
    "questions": _each(_plain(partial(one_of, allowed=(HONOURED, IGNORED, REFUSED)))),
    "refusals": _each(_refusal),
    "dates_ahead": _plain(partial(number, low=-MAX_SECONDS, high=MAX_SECONDS)),
    "token_seconds": _plain(partial(whole_number, low=1, high=MAX_SECONDS)),
}


def parse_options(current: RuntimeOptions, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new values of the options that a change names, or raise a refusal.

    :param changes: such as ``{"sandbox_admin": true, "lags": {"dataset": {"listed": 3.0}}}``.
    """
    check_names(changes, _PARSERS, "the options")
    return {name: _PARSERS[name](name, getattr(current, name), value) for name, value in changes.items()}
