"""Operations to show and to move the emulator's clock."""

from __future__ import annotations

from airflow_provider_payments.emulator.control.refusals import ControlRefusal
from airflow_provider_payments.emulator.control.values import MAX_SECONDS, body_of, number
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.organisation import Organisation


def show_clock(call: Call[Organisation]) -> Answer:
    """Show the time and the clock's mode."""
    return Answer({"now": call.state.clock.now(), "mode": call.state.clock.mode})


def move_clock(call: Call[Organisation]) -> Answer:
    """Advance a manual clock by {"advance": seconds} and run the actions that become due."""
    clock = call.state.clock
    if clock.mode != "manual":
        raise ControlRefusal(
            400, f"The clock cannot be moved in mode {clock.mode!r}: start the emulator with --time manual."
        )
    body = body_of(call, ("advance",), "a move of the clock")
    clock.advance(number("advance", body.get("advance"), 0, MAX_SECONDS))
    return Answer({"now": clock.now()})


ROUTES: Routes[Organisation] = (
    ("GET", "/clock", show_clock),
    ("POST", "/clock", move_clock),
)
