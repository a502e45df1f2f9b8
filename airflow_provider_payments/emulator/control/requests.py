"""Operations on the request log."""

from __future__ import annotations

from airflow_provider_payments.emulator.control.values import count_in, query_of
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.request_log import RequestFilter
from airflow_provider_payments.emulator.organisation import Organisation


def show_requests(call: Call[Organisation]) -> Answer:
    """List the logged requests; filters: ?method, path (a prefix), status, sandbox, since (a number), fault."""
    query = query_of(call, ("method", "path", "status", "sandbox", "since", "fault"))
    selection = RequestFilter(
        method=query.get("method"),
        path=query.get("path"),
        status=query.get("status"),
        sandbox=query.get("sandbox"),
        since=count_in(query, "since"),
        fault=query.get("fault"),
    )
    return Answer({"requests": [entry.to_wire() for entry in call.state.log.select(selection)]})


def forget_requests(call: Call[Organisation]) -> Answer:
    """Remove all requests from the log; the numbering of later requests continues."""
    return Answer({"removed": call.state.log.clear()})


ROUTES: Routes[Organisation] = (
    ("GET", "/requests", show_requests),
    ("DELETE", "/requests", forget_requests),
)
