"""What was asked so far."""

from __future__ import annotations

from airflow_provider_payments.emulator.control.values import queried, queried_count
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.request_log import Selection
from airflow_provider_payments.emulator.organisation import Organisation


def show_requests(call: Call[Organisation]) -> Answer:
    """What was asked, in order; ?method, path (its beginning), status, sandbox, since (a number), fault select."""
    query = queried(call, ("method", "path", "status", "sandbox", "since", "fault"))
    selection = Selection(
        method=query.get("method"),
        path=query.get("path"),
        status=query.get("status"),
        sandbox=query.get("sandbox"),
        since=queried_count(query, "since"),
        fault=query.get("fault"),
    )
    return Answer({"requests": [entry.to_wire() for entry in call.state.log.select(selection)]})


def forget_requests(call: Call[Organisation]) -> Answer:
    """Forget what was asked; numbers go on."""
    return Answer({"removed": call.state.log.clear()})


ROUTES: Routes[Organisation] = (
    ("GET", "/requests", show_requests),
    ("DELETE", "/requests", forget_requests),
)
