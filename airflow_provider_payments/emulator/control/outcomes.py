"""Operations that force how flow runs end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.control.refusals import wrong
from airflow_provider_payments.emulator.control.values import (
    MAX_SECONDS,
    Check,
    body_of,
    boolean,
    check_names,
    number,
    one_of,
    text,
    whole_number,
)
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.flow_service import forced_outcomes
from airflow_provider_payments.emulator.flow_service.forced_outcomes import Outcome
from airflow_provider_payments.emulator.organisation import Organisation

MAX_TIMES = 1000
MAX_FAILED_RECORDS = 10**6


def _times(name: str, value: Any) -> int | None:
    return None if value is None else whole_number(name, value, 1, MAX_TIMES)


# The members that all outcomes have, and the options of each kind.
_MEMBERS: Mapping[str, Check] = {
    "flowId": text,
    "name": text,
    "sandbox": text,
    "times": _times,
}
_COMPLETED: Mapping[str, Check] = {"completed": boolean}
_OPTIONS: Mapping[str, Mapping[str, Check]] = {
    forced_outcomes.FAIL_COPY: _COMPLETED,
    forced_outcomes.FAIL_PROMOTION: _COMPLETED,
    forced_outcomes.FAIL_SOME: {"failed": partial(whole_number, low=1, high=MAX_FAILED_RECORDS)},
    forced_outcomes.STUCK: {},
    forced_outcomes.CANCEL: _COMPLETED,
    forced_outcomes.UNKNOWN_STATUS: {"status": text, **_COMPLETED},
    forced_outcomes.LATE: {"seconds": partial(number, low=0, high=MAX_SECONDS)},
}
_REQUIRED: Mapping[str, str] = {forced_outcomes.UNKNOWN_STATUS: "status", forced_outcomes.LATE: "seconds"}
_ATTRIBUTES: Mapping[str, str] = {"flowId": "flow_id"}


def force_outcome(call: Call[Organisation]) -> Answer:
    """Force how the next runs end: {"outcome": kind, "flowId" or "name", "times": 1 or null, options}."""
    body = call.json_object()
    kind = one_of("outcome", body.get("outcome"), _OPTIONS)
    checks = {**_MEMBERS, **_OPTIONS[kind]}
    check_names(body, ("outcome", *checks), f"the outcome {kind}")
    if "sandbox" in body:
        one_of("sandbox", body["sandbox"], call.state.services)
    needed = _REQUIRED.get(kind)
    if needed is not None and needed not in body:
        raise wrong(needed, None, f"given with the outcome {kind}")
    values = {_ATTRIBUTES.get(name, name): check(name, body[name]) for name, check in checks.items() if name in body}
    outcome = Outcome(kind, **values)
    call.state.outcomes.pending.append(outcome)
    return Answer(_to_wire(outcome))


def list_outcomes(call: Call[Organisation]) -> Answer:
    """List the outcomes that wait for runs to apply to."""
    return Answer({"outcomes": [_to_wire(outcome) for outcome in call.state.outcomes.pending]})


def remove_outcomes(call: Call[Organisation]) -> Answer:
    """Remove all waiting outcomes; the answer lists them. Stuck runs stay stuck."""
    answer = list_outcomes(call)
    call.state.outcomes.pending.clear()
    return answer


def release_runs(call: Call[Organisation]) -> Answer:
    """Release all stuck runs, or with {"flowId": ...} those of a dataflow, even before they start; lists their ids."""
    body = body_of(call, ("flowId",), "a release", needed=False)
    flow_id = text("flowId", body["flowId"]) if "flowId" in body else None
    return Answer({"released": call.state.outcomes.release(flow_id)})


def _to_wire(outcome: Outcome) -> dict[str, Any]:
    shown = (*_MEMBERS, *_OPTIONS[outcome.kind])
    values = {name: getattr(outcome, _ATTRIBUTES.get(name, name)) for name in shown}
    # ``times`` is shown even if it is null, because null means all runs.
    shown_values = {name: value for name, value in values.items() if value is not None or name == "times"}
    return {"outcome": outcome.kind, **shown_values}


ROUTES: Routes[Organisation] = (
    ("POST", "/outcomes", force_outcome),
    ("GET", "/outcomes", list_outcomes),
    ("DELETE", "/outcomes", remove_outcomes),
    ("POST", "/outcomes/release", release_runs),
)
