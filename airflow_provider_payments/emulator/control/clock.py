"""Moving time."""

from __future__ import annotations

from airflow_provider_payments.emulator.control.values import MAX_SECONDS, body_of, number
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.refusals import ControlRefusal


def show_clock(call: Call) -> Answer:
    """What time it is, and how it passes."""
    return Answer({"now": call.world.clock.now(), "mode": call.world.clock.mode})


def move_clock(call: Call) -> Answer:
    """Move a manual clock on by {"advance": seconds} and let happen what became due."""
    clock = call.world.clock
    if clock.mode != "manual":
        raise ControlRefusal(400, f"The clock moves by itself in mode {clock.mode!r}; start with --time manual.")
    body = body_of(call, ("advance",), "a move of the clock")
    clock.advance(number("advance", body.get("advance"), 0, MAX_SECONDS))
    return Answer({"now": clock.now()})


ROUTES: Routes = (
    ("GET", "/clock", show_clock),
    ("POST", "/clock", move_clock),
)
