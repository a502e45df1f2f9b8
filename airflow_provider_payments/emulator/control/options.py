"""The options that can change while the emulator runs."""

from __future__ import annotations

from dataclasses import asdict, fields

from airflow_provider_payments.emulator.control.values import body_of, boolean
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.options import RuntimeOptions
from airflow_provider_payments.emulator.organisation import Organisation

_NAMES = tuple(field.name for field in fields(RuntimeOptions))


def set_options(call: Call[Organisation]) -> Answer:
    """Set options, such as {"sandbox_admin": true}; the others stay."""
    body = body_of(call, _NAMES, "the options")
    chosen = {name: boolean(name, value) for name, value in body.items()}
    for name, value in chosen.items():
        setattr(call.state.runtime_options, name, value)
    return show_options(call)


def show_options(call: Call[Organisation]) -> Answer:
    """Show the options."""
    return Answer(asdict(call.state.runtime_options))


ROUTES: Routes[Organisation] = (
    ("PUT", "/options", set_options),
    ("GET", "/options", show_options),
)
