"""The options that can change while the emulator runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from airflow_provider_payments.emulator.control import behaviour
from airflow_provider_payments.emulator.control.values import boolean, check_names
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.options import RuntimeOptions
from airflow_provider_payments.emulator.organisation import Organisation

_NAMES = tuple(field.name for field in fields(RuntimeOptions))
# Makes a value from the option's name, its current value and what is given.
Parser = Callable[[str, Any, Any], Any]


def _switch(name: str, _: bool, given: Any) -> bool:
    return boolean(name, given)


_PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys(_NAMES, _switch),
    "lags": behaviour.lags,
    "names": behaviour.names,
    "page_limits": behaviour.page_limits,
    "questions": behaviour.questions,
}


def parse_options(current: RuntimeOptions, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The new values of the options that are named, or a refusal; what they do not name stays.

    :param changes: such as {"sandbox_admin": true}.
    """
    check_names(changes, _NAMES, "the options")
    return {name: _PARSERS[name](name, getattr(current, name), value) for name, value in changes.items()}


def set_options(call: Call[Organisation]) -> Answer:
    """Set options, such as {"sandbox_admin": true}; the others stay."""
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
