"""Turning a report of ``payments verify`` into options with which the emulator behaves like the verified sandbox."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from airflow_provider_payments.emulator.control.option_values import parse_options
from airflow_provider_payments.emulator.control.refusals import ControlRefusal, missing
from airflow_provider_payments.emulator.control.values import one_of, whole_number
from airflow_provider_payments.emulator.core.behaviour import (
    KINDS,
    NO_LAG,
    ONCE,
    PAGE_LIMITS,
    QUESTIONS,
    REFUSALS,
    TWICE,
)
from airflow_provider_payments.emulator.core.options import RuntimeOptions

__all__ = ["ReportError", "options_like"]

FORMAT = 1
NOT_TRIED = "not tried"
# The lag that stands for an object that did not appear, or did not disappear, while the verification waited.
NEVER_SECONDS = 86_400
_OUTCOMES = ("confirmed", "contradicted", NOT_TRIED)
_NAMES = {"refused": ONCE, "taken": TWICE}
Seen = Mapping[str, Any]


class ReportError(ValueError):
    """A file is not a report of ``payments verify``, or a check in the report cannot be read."""


def options_like(path: str | os.PathLike[str]) -> RuntimeOptions:
    """Return the options with which an emulator behaves like the sandbox of a report.

    A check that was not tried, and a check that belongs to no option, leave the defaults unchanged.

    :param path: the path of the report.
    :raises ReportError: if the file is not such a report.
    """
    options = RuntimeOptions()
    for check in _checks(path):
        identifier = check["id"]
        try:
            options = replace(options, **parse_options(options, _changes(check)))
        except ControlRefusal as error:
            raise ReportError(f"{path}: the check '{identifier[:100]}' cannot be read: {error.detail}") from error
    return options


def _checks(path: str | os.PathLike[str]) -> list[Mapping[str, Any]]:
    try:
        report = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{path} is not JSON: {error}") from error
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise ReportError(f"{path} is not a report of checks: it must be an object with 'format' {FORMAT}.")
    checks = report.get("checks")
    if not isinstance(checks, list):
        raise ReportError(f"{path} is not a report of checks: 'checks' must be a list.")
    for place, check in enumerate(checks):
        if not isinstance(check, dict) or not isinstance(check.get("id"), str):
            raise ReportError(f"{path}: checks[{place}] must be an object whose 'id' is text.")
    return checks


def _changes(check: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the changes of options that a check leads to."""
    read = _READERS.get(check["id"])
    if read is None or one_of("outcome", check.get("outcome"), _OUTCOMES) == NOT_TRIED:
        return {}
    seen = check.get("seen")
    if not isinstance(seen, dict):
        raise ControlRefusal(400, "'seen' must be an object.")
    return read(seen)


def _member(seen: Seen, name: str) -> Any:
    if name not in seen:
        raise missing(f"seen.{name}")
    return seen[name]


def _status(seen: Seen) -> int:
    return whole_number("seen.status", _member(seen, "status"), 200, 599)


def _lag(kind: str, lag: str, seen: Seen) -> Mapping[str, Any]:
    seconds = _member(seen, "maximum")
    return {"lags": {kind: {lag: NEVER_SECONDS if seconds is None else seconds}}}


def _name(kind: str, seen: Seen) -> Mapping[str, Any]:
    return {"names": {kind: _NAMES[one_of("seen.second", _member(seen, "second"), _NAMES)]}}


def _pages(service: str, seen: Seen) -> Mapping[str, Any]:
    return {"page_limits": {service: _known(seen, "maximum", "above")}}


def _default_page(seen: Seen) -> Mapping[str, Any]:
    # Without a next page, the number of items is that of the whole list, not of a page.
    return {"page_limits": {"flow_service": {"default": _member(seen, "items")}}} if seen.get("next") else {}


def _question(question: str, seen: Seen) -> Mapping[str, Any]:
    return {"questions": {question: _member(seen, "parameter")}}


def _refusal(case: str, seen: Seen) -> Mapping[str, Any]:
    return {"refusals": {case: _known(seen, "status", "code", "form")}}


def _known(seen: Seen, *names: str) -> Mapping[str, Any]:
    """Return the named members that are known; an unknown member is null or absent."""
    return {name: seen[name] for name in names if seen.get(name) is not None}


# By the id of a check, a function from the check's observations to changes of options.
_READERS: Mapping[str, Callable[[Seen], Mapping[str, Any]]] = {
    **{f"{kind}.{lag}": partial(_lag, kind, lag) for kind in KINDS for lag in asdict(NO_LAG)},
    **{f"{kind}.names": partial(_name, kind) for kind in KINDS},
    **{f"{service}.pages": partial(_pages, service) for service in PAGE_LIMITS},
    "flow_service.default_page": _default_page,
    **{question: partial(_question, question) for question in QUESTIONS},
    **{case: partial(_refusal, case) for case in REFUSALS},
    "schema_registry.if_match_absent": lambda seen: {"registry_requires_if_match": _status(seen) >= 400},
    "flow_run.shown_active": lambda seen: {"last_run_shows_active": _member(seen, "shown")},
    "clock.date": lambda seen: {"dates_ahead": _member(seen, "ahead") or 0},
    "clock.token_lifetime": lambda seen: {"token_seconds": _member(seen, "seconds")},
}
