"""Operations to add, list and remove faults."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.control.fault_bodies import fault_from
from airflow_provider_payments.emulator.control.refusals import ControlRefusal, wrong
from airflow_provider_payments.emulator.control.values import check_names, whole_number
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.faults import Fault
from airflow_provider_payments.emulator.organisation import Organisation

MAX_SEED = 2**63 - 1


def add_faults(call: Call[Organisation]) -> Answer:
    """Add a fault, a list of faults, or {"seed": ..., "faults": [...]}; if one is refused, none is added."""
    body = call.json()
    faults = call.state.faults
    if isinstance(body, dict) and body.keys() & {"seed", "faults"}:
        check_names(body, ("seed", "faults"), "a list of faults with its seed")
        added = _faults_from(body.get("faults", []))
        if "seed" in body:
            faults.seed(whole_number("seed", body["seed"], 0, MAX_SEED))
    else:
        added = _faults_from(body if isinstance(body, list) else [body])
    for fault in added:
        faults.add(fault)
    if isinstance(body, dict) and "action" in body:
        return Answer(added[0].to_wire())
    return Answer({"faults": [fault.to_wire() for fault in added]})


def _faults_from(bodies: Any) -> list[Fault]:
    if not isinstance(bodies, list):
        raise wrong("faults", bodies, "a list of faults")
    return [fault_from(body) for body in bodies]


def list_faults(call: Call[Organisation]) -> Answer:
    """List the active faults; each shows the number of matching requests, and of requests for which it fired."""
    return Answer({"faults": [fault.to_wire() for fault in call.state.faults]})


def show_fault(call: Call[Organisation]) -> Answer:
    """Show one fault."""
    return Answer(_fault(call).to_wire())


def remove_fault(call: Call[Organisation]) -> Answer:
    """Remove one fault; the answer shows how often it fired."""
    fault = _fault(call)
    call.state.faults.remove(fault.id)
    return Answer(fault.to_wire())


def remove_faults(call: Call[Organisation]) -> Answer:
    """Remove all faults; the answer shows how often each fired."""
    removed = [fault.to_wire() for fault in call.state.faults]
    call.state.faults.clear()
    return Answer({"faults": removed})


def _fault(call: Call[Organisation]) -> Fault:
    fault = call.state.faults.get(call.params["id"])
    if fault is None:
        raise ControlRefusal(404, f"There is no active fault '{call.params['id'][:100]}'.")
    return fault


ROUTES: Routes[Organisation] = (
    ("POST", "/faults", add_faults),
    ("GET", "/faults", list_faults),
    ("DELETE", "/faults", remove_faults),
    ("GET", "/faults/{id}", show_fault),
    ("DELETE", "/faults/{id}", remove_fault),
)
