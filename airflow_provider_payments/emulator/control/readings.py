"""How to read what the platform's documents leave open, and what the credential may do."""

from __future__ import annotations

from dataclasses import asdict, fields

from airflow_provider_payments.emulator.control.values import body_of, flag
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.organisation import Readings

_NAMES = tuple(field.name for field in fields(Readings))


def choose_readings(call: Call) -> Answer:
    """Choose what the documents, or a credential's rights, leave open: {"sandbox_admin": true}; the others stay."""
    body = body_of(call, _NAMES, "the options")
    chosen = {name: flag(name, value) for name, value in body.items()}
    for name, value in chosen.items():
        setattr(call.world.readings, name, value)
    return show_readings(call)


def show_readings(call: Call) -> Answer:
    """The readings in force."""
    return Answer(asdict(call.world.readings))


ROUTES: Routes = (
    ("PUT", "/options", choose_readings),
    ("GET", "/options", show_readings),
)
