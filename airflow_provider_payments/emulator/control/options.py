"""Operations on the options that can change while the emulator runs."""

from __future__ import annotations

from dataclasses import asdict

from airflow_provider_payments.emulator.control.option_values import parse_options
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.organisation import Organisation


def set_options(call: Call[Organisation]) -> Answer:
    """Set options, such as {"sandbox_admin": true}; options that are not named keep their values."""
    options = call.state.runtime_options
    for name, value in parse_options(options, call.json_object()).items():
        setattr(options, name, value)
    return show_options(call)


def show_options(call: Call[Organisation]) -> Answer:
    """Show the options."""
    return Answer(asdict(call.state.runtime_options))


ROUTES: Routes[Organisation] = (
    ("PUT", "/options", set_options),
    ("GET", "/options", show_options),
)
