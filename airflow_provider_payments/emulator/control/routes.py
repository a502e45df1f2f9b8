"""All operations of the control interface."""

from __future__ import annotations

from airflow_provider_payments.emulator.control import (
    clock,
    faults,
    hidden,
    options,
    outcomes,
    rate_limit,
    requests,
    samples,
    seeding,
    state,
)
from airflow_provider_payments.emulator.control.refusals import ControlRefusal
from airflow_provider_payments.emulator.core.call import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.core.refusals import Refusal
from airflow_provider_payments.emulator.organisation import Organisation


def _refused(status: int, detail: str) -> Refusal:
    failed = "The emulator failed; its process has written the cause to stderr."
    return ControlRefusal(status, failed if status == 500 else detail)


def show_operations(call: Call[Organisation]) -> Answer:
    """List the operations of the control interface, each with one line of description."""
    lines = [(method, path, (handler.__doc__ or "").strip().partition("\n")[0]) for method, path, handler in ROUTES]
    return Answer(
        {"operations": [{"method": method, "path": call.path + path, "does": line} for method, path, line in lines]}
    )


DIALECT = Dialect(_refused)
ROUTES: Routes[Organisation] = (
    ("GET", "", show_operations),
    *state.ROUTES,
    *requests.ROUTES,
    *clock.ROUTES,
    *faults.ROUTES,
    *hidden.ROUTES,
    *outcomes.ROUTES,
    *rate_limit.ROUTES,
    *options.ROUTES,
    *samples.ROUTES,
    *seeding.ROUTES,
)
