"""Parsing the faults of requests to the control interface."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

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
from airflow_provider_payments.emulator.core.faults import Fault, Match

MAX_DELAY_SECONDS = 3600
MAX_COUNT = 10**9
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CODE = re.compile(r"(FLOW|XDM|MAPPER|SMS)-\d{4}-[45]\d\d|[45]\d{5}")
_FRAMING = ("content-length", "transfer-encoding", "connection")


def _code(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise wrong(
            name, value, "a code such as FLOW-2120-403, XDM-1010-404, MAPPER-3700-400, or 403025 of the gateway"
        )
    return value


def _headers(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise wrong(name, value, "an object of header names and values")
    return {_header_name(header): _header_value(f"{name}.{header[:100]}", text) for header, text in value.items()}


def _header_name(header: str) -> str:
    if not _TOKEN.fullmatch(header) or header.lower() in _FRAMING:
        raise wrong("headers", header, f"a valid header name, and none of {', '.join(_FRAMING)}")
    return header


def _header_value(name: str, value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not all(" " <= sign <= "~" or "\xa0" <= sign <= "\xff" for sign in text):
        raise wrong(name, value, "a number, or text of one line in Latin-1")
    return text.strip()


def _anything(_: str, value: Any) -> Any:
    return value


_STATUS = partial(whole_number, low=200, high=599)
_SECONDS = partial(number, low=0, high=MAX_SECONDS)
_ANSWER: Mapping[str, Check] = {"status": _STATUS, "code": _code, "headers": _headers, "body": _anything}
# The options of each action.
_OPTIONS: Mapping[str, Mapping[str, Check]] = {
    "status": _ANSWER,
    "delay": {"seconds": partial(number, low=0, high=MAX_DELAY_SECONDS)},
    "drop_before": {},
    "apply_then_drop": {},
    "apply_then_status": _ANSWER,
    "late_apply": {"seconds": _SECONDS, **_ANSWER},
    "reset": {"apply": boolean},
    "truncate": {},
    "bad_json": {},
    "html": {"status": _STATUS, "headers": _headers},
    "expire_token": {},
    "list_lag": {"seconds": _SECONDS},
    "read_lag": {"seconds": _SECONDS},
}


def fault_from(body: Any) -> Fault:
    """Parse a fault; raise a refusal of anything else."""
    if not isinstance(body, dict):
        raise wrong("fault", body, "an object")
    if "action" not in body:
        raise missing("action", f": it must be one of {', '.join(sorted(_OPTIONS))}")
    action = one_of("action", body["action"], _OPTIONS)
    checks = _OPTIONS[action]
    check_names(body, {"match", "times", "probability", "action", *checks}, f"a fault with the action {action}")
    given = {name: check(name, body[name]) for name, check in checks.items() if name in body}
    times = body.get("times", 1)
    return Fault(
        match=_match(body.get("match", {})),
        action=action,
        options=_completed(action, given),
        times=None if times is None else whole_number("times", times, 1, MAX_COUNT),
        probability=number("probability", body.get("probability", 1), 0, 1),
    )


def _completed(action: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a fault with defaults added; refuse missing and contradictory options."""
    checks = _OPTIONS[action]
    if "seconds" in checks and "seconds" not in given:
        raise missing("seconds", f": the action {action} requires it")
    if "code" in given:
        code = given["code"]
        status = int(code[-3:] if "-" in code else code[:3])
        if given.setdefault("status", status) != status:
            raise wrong("status", given["status"], f"{status}, the status of the code {code}")
    if action in ("status", "apply_then_status") and "status" not in given:
        raise missing("status", f": the action {action} requires it, or a 'code'")
    if action == "late_apply" and "status" not in given and given.keys() & {"headers", "body"}:
        raise missing("status", ": without a status no answer is sent, so 'headers' and 'body' have no effect")
    defaults = {"headers": {}, "apply": False, **({"status": 502} if action == "html" else {})}
    return {**{name: value for name, value in defaults.items() if name in checks}, **given}


def _match(body: Any) -> Match:
    if not isinstance(body, dict):
        raise wrong("match", body, "an object")
    check_names(body, ("method", "path", "nth"), "a match")
    path = body.get("path")
    if path is not None and not isinstance(path, str):
        raise wrong("match.path", path, "a path in which * stands for any text")
    # Paths are compared without a trailing slash.
    glob = path and (path.rstrip("/") or "/")
    return Match(_methods(body.get("method")), glob, whole_number("match.nth", body.get("nth", 1), 1, MAX_COUNT))


def _methods(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and _TOKEN.fullmatch(name) for name in names):
        raise wrong("match.method", value, "a method such as POST, or a list of them")
    return tuple(name.upper() for name in names)
