"""``GET /``: the page that shows the emulator's state to people; no part of the platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.organisation import Organisation
from airflow_provider_payments.emulator.page.rendering import headers, render
from airflow_provider_payments.emulator.page.view_model import find_flow, organisation_view, sandbox_views, traffic

_MAX_REFRESH_SECONDS = 3600


class _NothingToShow(Exception):
    """The query names an unknown object or has an invalid value."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def show(organisation: Organisation, request: Request) -> Response:
    """Answer a request for the page."""
    try:
        page, status = _page(organisation, request.query_params), 200
    except _NothingToShow as error:
        page, status = _render("nothing.html", organisation, message=str(error)), error.status
    # Lone surrogates in names from clients cannot be encoded.
    return HTMLResponse(page.encode("utf-8", "replace"), status, headers())


def _page(organisation: Organisation, parameters: Mapping[str, str]) -> str:
    refresh = _refresh(parameters.get("refresh"))
    query = {name: parameters[name] for name in ("sandbox", "dataflow") if name in parameters}
    name, flow_id = query.get("sandbox"), query.get("dataflow")
    known = organisation.services
    if name is not None and name not in known:
        raise _NothingToShow(
            404, f"There is no sandbox {name[:100]!r}; there are: {', '.join(organisation.sandboxes)}."
        )
    if flow_id is not None:
        flow = find_flow(organisation, flow_id)
        if flow is None:
            raise _NothingToShow(404, f"There is no dataflow {flow_id[:100]!r} in any sandbox.")
        return _render("dataflow.html", organisation, query, refresh, traffic=traffic(organisation), flow=flow)
    chosen = [services for key, services in known.items() if name in (None, key)]
    return _render(
        "overview.html", organisation, query, refresh, traffic=traffic(organisation), sandboxes=sandbox_views(chosen)
    )


def _refresh(text: str | None) -> int | None:
    if text is None:
        return None
    seconds = parse_count(text)
    if not seconds or seconds > _MAX_REFRESH_SECONDS:
        raise _NothingToShow(400, f"'refresh' must be a whole number of seconds from 1 to {_MAX_REFRESH_SECONDS}.")
    return seconds


def _render(
    template: str,
    organisation: Organisation,
    query: Mapping[str, str] | None = None,
    refresh: int | None = None,
    **context: Any,
) -> str:
    """Render a page with the values that all pages show.

    :param query: the query of the page's address; None if the query is invalid.
    :param refresh: the seconds after which the page reloads; None if it does not.
    """
    return render(template, organisation=organisation_view(organisation), query=query, refresh=refresh, **context)
