"""The operations of the control interface, gathered."""

from __future__ import annotations

from airflow_provider_payments.emulator.control import (
    clock,
    faults,
    outcomes,
    rate_limit,
    requests,
    samples,
    seeding,
    state,
)
from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.refusals import ControlRefusal, Refusal


def _unreadable(detail: str) -> Refusal:
    return ControlRefusal(400, detail)


def _no_sandboxes(*_: str) -> Refusal:
    return ControlRefusal(404, "The control interface spans all sandboxes.")


def _failed() -> Refusal:
    return ControlRefusal(500, "The emulator failed; its process has written the cause to stderr.")


DIALECT = Dialect(_unreadable, _no_sandboxes, _no_sandboxes, _failed)
ROUTES: Routes = (
    *state.ROUTES,
    *requests.ROUTES,
    *clock.ROUTES,
    *faults.ROUTES,
    *outcomes.ROUTES,
    *rate_limit.ROUTES,
    *samples.ROUTES,
    *seeding.ROUTES,
)


def show_operations(call: Call) -> Answer:
    """The operations of the control interface, with a line each."""
    lines = [(method, path, (handler.__doc__ or "").strip().partition("\n")[0]) for method, path, handler in ROUTES]
    return Answer(
        {"operations": [{"method": method, "path": call.path + path, "does": line} for method, path, line in lines]}
    )
