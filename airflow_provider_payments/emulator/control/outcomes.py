"""Ordering what becomes of flow runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.control.values import check_names, number, one_of, whole, wrong
from airflow_provider_payments.emulator.exchange import Answer, Call, Routes
from airflow_provider_payments.emulator.flow_service import outcomes
from airflow_provider_payments.emulator.flow_service.outcomes import Outcome

MAX_TIMES = 1000
MAX_FAILED = 10**6
MAX_SECONDS = 366 * 86400
_LONGEST_TEXT = 200

_Check = Callable[[str, Any], Any]


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise wrong(name, value, f"text of 1 to {_LONGEST_TEXT} characters")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(name, value, "true or false")
    return value


# What every outcome takes besides its word, and what each takes of its own.
_MEMBERS: Mapping[str, _Check] = {
    "flowId": _text,
    "name": _text,
    "sandbox": _text,
    "times": lambda name, value: whole(name, value, 1, MAX_TIMES),
}
_COMPLETED: Mapping[str, _Check] = {"completed": _flag}
_OPTIONS: Mapping[str, Mapping[str, _Check]] = {
    outcomes.FAIL_COPY: _COMPLETED,
    outcomes.FAIL_PROMOTION: _COMPLETED,
    outcomes.FAIL_SOME: {"failed": lambda name, value: whole(name, value, 1, MAX_FAILED)},
    outcomes.STUCK: {},
    outcomes.CANCEL: _COMPLETED,
    outcomes.UNKNOWN_STATUS: {"status": _text, **_COMPLETED},
    outcomes.LATE: {"seconds": lambda name, value: number(name, value, 0, MAX_SECONDS)},
}
_REQUIRED: Mapping[str, str] = {outcomes.UNKNOWN_STATUS: "status", outcomes.LATE: "seconds"}
_ATTRIBUTES: Mapping[str, str] = {"flowId": "flow_id"}


def order_outcome(call: Call) -> Answer:
    """Order what becomes of the next runs: {"outcome": word, "flowId" or "name": whose, "times": 1, options}."""
    body = call.json_object()
    kind = one_of("outcome", body.get("outcome"), _OPTIONS)
    checks = {**_MEMBERS, **_OPTIONS[kind]}
    check_names(body, ("outcome", *checks), f"the outcome {kind}")
    if "sandbox" in body:
        one_of("sandbox", body["sandbox"], call.world.sandboxes)
    needed = _REQUIRED.get(kind)
    if needed is not None and needed not in body:
        raise wrong(needed, None, f"given with the outcome {kind}")
    values = {_ATTRIBUTES.get(name, name): check(name, body[name]) for name, check in checks.items() if name in body}
    order = Outcome(kind, **values)
    call.world.outcomes.pending.append(order)
    return Answer(_to_wire(order))


def list_outcomes(call: Call) -> Answer:
    """The orders that still wait for a run."""
    return Answer({"outcomes": [_to_wire(order) for order in call.world.outcomes.pending]})


def remove_outcomes(call: Call) -> Answer:
    """Take all waiting orders back; answers them. Runs that are stuck stay so."""
    answer = list_outcomes(call)
    call.world.outcomes.pending.clear()
    return answer


def release_runs(call: Call) -> Answer:
    """Let stuck runs go on, all or with {"flowId": ...} those of one dataflow; answers their ids."""
    body = {} if not call.raw.strip() else call.json_object()
    check_names(body, ("flowId",), "a release")
    flow_id = _text("flowId", body["flowId"]) if "flowId" in body else None
    return Answer({"released": call.world.outcomes.release(flow_id)})


def _to_wire(order: Outcome) -> dict[str, Any]:
    shown = (*_MEMBERS, *_OPTIONS[order.kind])
    values = {name: getattr(order, _ATTRIBUTES.get(name, name)) for name in shown}
    return {"outcome": order.kind, **{name: value for name, value in values.items() if value is not None}}


ROUTES: Routes = (
    ("POST", "/outcomes", order_outcome),
    ("GET", "/outcomes", list_outcomes),
    ("DELETE", "/outcomes", remove_outcomes),
    ("POST", "/outcomes/release", release_runs),
)
