"""``GET /``: the page, for people; no client of the platform asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from airflow_provider_payments.emulator.exchange import count_from
from airflow_provider_payments.emulator.page import shapes
from airflow_provider_payments.emulator.page.markup import Markup, tag, together
from airflow_provider_payments.emulator.page.story import (
    MOST_DATASETS,
    MOST_FLOWS,
    MOST_ORDERS,
    find_flow,
    newest,
    tell_flow,
    tell_traffic,
)
from airflow_provider_payments.emulator.page.style import POLICY, STYLE
from airflow_provider_payments.emulator.page.wording import counted, moment
from airflow_provider_payments.emulator.world import Sandbox, World

_MOST_REFRESH = 3600
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Unknown(Exception):
    """The page has nothing to show for what the address asks."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def page_route(world: World) -> Route:
    """The route of the page."""

    async def serve(request: Request) -> Response:
        query = request.query_params
        try:
            refresh = _refresh(query.get("refresh"))
            body, status = _body(world, query), 200
        except _Unknown as unknown:
            refresh, body, status = None, shapes.empty(str(unknown)), unknown.status
        page = _document(world, body, refresh)
        # Half a surrogate pair could not be written otherwise.
        return HTMLResponse(page.encode("utf-8", "replace"), status, _HEADERS)

    return Route("/", serve, methods=["GET"])


def _refresh(text: str | None) -> int | None:
    if text is None:
        return None
    seconds = count_from(text)
    if not seconds or seconds > _MOST_REFRESH:
        raise _Unknown(400, f"'refresh' must be a whole number of seconds from 1 to {_MOST_REFRESH}.")
    return seconds


def _body(world: World, query: Mapping[str, str]) -> Markup:
    name, flow_id = query.get("sandbox"), query.get("dataflow")
    if name is not None and name not in world.sandboxes:
        raise _Unknown(404, f"There is no sandbox {name[:100]!r}; there are: {', '.join(world.sandboxes)}.")
    chosen = [world.sandboxes[name]] if name is not None else list(world.sandboxes.values())
    traffic = tell_traffic(world)
    faults, orders = list(world.faults), world.outcomes.pending
    if flow_id is not None:
        found = find_flow(world, flow_id)
        if found is None:
            raise _Unknown(404, f"There is no dataflow {flow_id[:100]!r} in any sandbox.")
        stories: Sequence[Markup] = (shapes.whole_story(tell_flow(*found)),)
    else:
        # What is in use comes first.
        used = sorted(chosen, key=lambda sandbox: not len(sandbox.flow_service.flows))
        stories = [_sandbox(sandbox, MOST_FLOWS // len(chosen)) for sandbox in used]
    return together(
        _sandboxes(world, name, flow_id),
        shapes.traffic_tiles(traffic, len(faults), sum(order.times or 1 for order in orders)),
        together(tag("h2", "Faults in force"), shapes.fault_table(faults[:MOST_ORDERS])) if faults else None,
        together(tag("h2", "Ordered outcomes"), shapes.order_table(orders[:MOST_ORDERS])) if orders else None,
        *stories,
        tag("h2", "Last refused requests"),
        shapes.refused_table(traffic.refused),
    )


def _sandboxes(world: World, chosen: str | None, flow_id: str | None) -> Markup:
    addresses = {"all sandboxes": "?", **{name: f"?sandbox={name}" for name in world.sandboxes}}
    here = "" if flow_id is not None else chosen or "all sandboxes"
    return tag(
        "nav",
        *(
            tag("a", name, href=address, aria_current="page" if name == here else None)
            for name, address in addresses.items()
        ),
        aria_label="sandboxes",
    )


def _sandbox(sandbox: Sandbox, most: int) -> Markup:
    service, catalog = sandbox.flow_service, sandbox.catalog
    flows = newest(service.flows, most)
    counts = (
        counted(len(service.flows), "dataflow"),
        counted(len(service.runs), "flow run"),
        counted(len(catalog.datasets), "dataset"),
        counted(len(catalog.batches), "batch", "batches"),
    )
    datasets = list(islice((each for each in newest(catalog.datasets, MOST_FLOWS) if each.rows), MOST_DATASETS))
    return together(
        tag("h2", f"Sandbox {sandbox.name}"),
        tag("p", " · ".join(counts), class_="soft"),
        shapes.legend() if len(service.runs) else None,
        *(shapes.flow_card(tell_flow(sandbox, flow)) for flow in flows),
        shapes.empty("No dataflow yet: what a client creates in this sandbox appears here.") if not flows else None,
        tag("p", f"The newest {most} dataflows are shown.", class_="soft") if len(service.flows) > most else None,
        shapes.card(tag("h4", "Records in datasets"), shapes.dataset_details(datasets)) if datasets else None,
    )


def _document(world: World, body: Markup, refresh: int | None) -> str:
    title = "Experience Platform emulator"
    clock = world.clock
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="refresh", content=refresh) if refresh is not None else None,
        tag("title", title),
        # A browser would ask for a picture of its own accord, and that would look like a request to the platform.
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(STYLE)),
    )
    header = tag(
        "header",
        tag("h1", tag("a", title, href="?")),
        shapes.soft(f"clock {clock.mode}, ", tag("strong", f"{moment(clock.now())} UTC")),
    )
    footer = tag(
        "footer",
        f"{world.options.org}. All state is in memory. Add ",
        tag("code", "?refresh=5"),
        " to see changes by themselves.",
    )
    return "<!DOCTYPE html>\n" + tag("html", head, tag("body", header, tag("main", body), footer), lang="en")
