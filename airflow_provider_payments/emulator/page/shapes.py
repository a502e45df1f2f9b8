"""The page's parts as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_payments.emulator.flow_service.flow_runs import Run
from airflow_provider_payments.emulator.page.markup import Markup, breakable, tag, together
from airflow_provider_payments.emulator.page.plot import LEAST_HEIGHT, plot
from airflow_provider_payments.emulator.page.story import (
    MOST_ROWS,
    FlowStory,
    Link,
    Traffic,
    columns_of,
    flattened,
)
from airflow_provider_payments.emulator.page.wording import (
    NONE,
    Sign,
    cut,
    failed_records,
    millis,
    moment,
    number,
    run_sign,
    sign_of,
)

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.catalog.state import Dataset
    from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingVersion
    from airflow_provider_payments.emulator.faults import Fault
    from airflow_provider_payments.emulator.flow_service.outcomes import Outcome
    from airflow_provider_payments.emulator.request_log import Entry

_CARD_RUNS = 5
# The heads of columns with numbers.
_COUNTS = frozenset({"in", "landed", "failed", "times", "matched", "fired", "runs"})
_MOST_COLUMNS = 9
_MOST_MAPPINGS = 50
_SHOWN_ID = 8


def card(*children: str | None) -> Markup:
    """Parts of the page that belong together."""
    return tag("section", *children, class_="card")


def empty(text: str) -> Markup:
    """What stands where there is nothing to show."""
    return tag("p", text, class_="empty")


def soft(*children: str) -> Markup:
    """What is not so important."""
    return tag("span", *children, class_="soft")


def badge(sign: Sign) -> Markup:
    """A state, by colour, sign and word."""
    return tag("span", tag("span", sign.glyph, aria_hidden="true"), sign.word, class_=f"badge {sign.tone}")


def traffic_tiles(traffic: Traffic, faults: int, orders: int) -> Markup:
    """How the requests went, and what is still going to go wrong."""
    return tag(
        "dl",
        _tile("requests", traffic.asked),
        _tile("refused (4xx)", traffic.refusals),
        _tile("failed (5xx)", traffic.failures, alarming=True),
        _tile("without answer", traffic.unanswered, alarming=True),
        _tile("faults in force", faults),
        _tile("runs ordered", orders),
        class_="tiles",
    )


def _tile(name: str, count: int, *, alarming: bool = False) -> Markup:
    figure = tag("dd", number(count), class_="alarm" if alarming and count else None)
    return tag("div", tag("dt", name), figure)


def flow_card(story: FlowStory) -> Markup:
    """A dataflow in short."""
    return tag(
        "article",
        _flow_head(story, tag("a", cut(story.name), href=f"?dataflow={quote(story.id, safe='')}")),
        chain(story.chain, whole_ids=False),
        _runs_beside(story) if story.runs else _no_run(story),
        class_="card",
    )


def _runs_beside(story: FlowStory) -> Markup:
    runs = tuple(reversed(story.runs[-_CARD_RUNS:]))
    return tag(
        "div",
        plot(story.runs, 460, 190, f"card-{story.id}"),
        run_table(runs, _caption("last runs", len(runs), story.run_count), brief=True),
        class_="beside",
    )


def _no_run(story: FlowStory) -> Markup:
    return empty(f"No flow run yet: {story.schedule}.")


def whole_story(story: FlowStory) -> Markup:
    """A dataflow with everything that belongs to it."""
    runs = tuple(reversed(story.runs))
    return together(
        card(
            _flow_head(story, cut(story.name, 200)),
            tag("p", "dataflow ", tag("code", story.id), class_="soft"),
            chain(story.chain, whole_ids=True),
        ),
        tag("h2", "Flow runs"),
        card(
            plot(story.runs, 1160, 300, "whole"),
            legend(),
            run_table(runs, _caption("last runs", len(runs), story.run_count), brief=False),
        )
        if runs
        else _no_run(story),
        tag("h2", "Records that landed"),
        row_table(story.dataset) if story.dataset else empty("There is no dataset."),
        tag("h2", "Mapping set"),
        mapping_table(story.mapping) if story.mapping else empty("There is no mapping set."),
    )


def _flow_head(story: FlowStory, title: str) -> Markup:
    latest = run_sign(story.runs[-1]) if story.runs else None
    return tag(
        "div",
        tag("h3", title),
        badge(sign_of(story.state)),
        soft(story.schedule),
        soft("sandbox ", story.sandbox),
        together(soft("last run"), badge(latest)) if latest else None,
        class_="head",
    )


def chain(links: Sequence[Link], *, whole_ids: bool) -> Markup:
    """What a dataflow is made of, from the vendor to the schema."""
    return tag("ol", *(_link(link, whole_ids) for link in links), class_="chain")


def _link(link: Link, whole_ids: bool) -> Markup:
    identifier = cut(link.id, 200)
    # The end of a schema's id tells it from others, the beginning of all others' does.
    short = "…" + identifier[-_SHOWN_ID:] if "/" in identifier else identifier[:_SHOWN_ID]
    return tag(
        "li",
        tag("span", link.role, class_="role"),
        tag("span", breakable(cut(link.name)), class_="name"),
        tag("span", breakable(cut(link.note)), class_="note") if link.note else None,
        tag("span", identifier if whole_ids else short, class_="id", title=identifier) if identifier else None,
        badge(sign_of(link.state)) if link.state and (whole_ids or link.state != "enabled") else None,
    )


def legend() -> Markup:
    """What the plot's colours and signs mean."""
    signs = (sign_of("success"), sign_of("partialSuccess"), sign_of("failed"), sign_of("inProgress"))
    return tag(
        "ul",
        tag("li", tag("span", class_="key landed"), "records landed"),
        tag("li", tag("span", class_="key failed"), "records failed"),
        *(tag("li", tag("b", sign.glyph, class_=sign.tone), sign.word) for sign in signs),
        tag("li", f"a bar is at least {LEAST_HEIGHT} pixels high"),
        class_="legend",
    )


def run_table(runs: Sequence[Run], caption: str, *, brief: bool) -> Markup:
    """Flow runs, newest first.

    :param brief: without what only the whole story tells.
    """
    counts = ("status", "in", "landed", "failed")
    names = ("start (UTC)", *counts) if brief else ("start (UTC)", "end (UTC)", *counts, "batch", "run")
    return _table(caption, _heads(names), [row for run in runs for row in _run_rows(run, brief, len(names))])


def _run_rows(run: Run, brief: bool, width: int) -> Iterable[Markup]:
    failed = failed_records(run)
    cells = [
        tag("td", millis(run.started or run.created)),
        None if brief else tag("td", millis(run.completed)),
        tag("td", badge(run_sign(run))),
        tag("td", number(run.input_records), class_="count"),
        tag("td", number(run.output_records), class_="count"),
        tag("td", number(failed), class_="count bad-count" if failed else "count"),
    ]
    if not brief:
        cells += [tag("td", run.batch_id or NONE, class_="id"), tag("td", run.id, class_="id")]
    yield tag("tr", *cells)
    if brief:
        return
    if run.copy_error:
        yield tag("tr", tag("td", cut(run.copy_error, 300), class_="why", colspan=width))
    for failure in run.failures[:_CARD_RUNS]:
        text = together(
            tag("b", f"{number(failure.count)} \u00d7 ") if failure.count else None,
            tag("code", failure.code),
            " ",
            cut(failure.message, 300),
        )
        yield tag("tr", tag("td", text, class_="why", colspan=width))


def row_table(dataset: Dataset) -> Markup:
    """The last records of a dataset, newest first."""
    count = len(dataset.rows)
    if not count:
        return empty("No record has landed yet.")
    rows = [flattened(row) for row in reversed(dataset.rows[-MOST_ROWS:])]
    names = columns_of(rows, _MOST_COLUMNS)
    head = [tag("th", "#", class_="count"), *(tag("th", _leaf(name), title=name) for name in names)]
    body = [
        tag("tr", tag("td", number(count - place), class_="count soft"), *(_value(row.get(name)) for name in names))
        for place, row in enumerate(rows)
    ]
    caption = _caption("last records", len(rows), count)
    return card(_table(caption, head, body))


def _leaf(path: str) -> str:
    return cut(path.rpartition(".")[2], 40)


def _value(value: Any) -> Markup:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return tag("td", str(value), class_="count")
    return tag("td", NONE if value is None else cut(str(value), 60))


def mapping_table(mapping: MappingVersion) -> Markup:
    """Which attribute goes into which field."""
    shown = mapping.mappings[:_MOST_MAPPINGS]
    body = [
        tag(
            "tr",
            tag("td", tag("code", cut(line.source, 200)), class_="long"),
            tag("td", line.source_type.lower()),
            tag("td", tag("code", cut(line.destination, 200)), class_="long"),
        )
        for line in shown
    ]
    caption = _caption("mappings", len(shown), len(mapping.mappings))
    return card(_table(caption, _heads(("source", "kind", "field of the schema")), body))


def dataset_details(datasets: Sequence[Dataset]) -> Markup:
    """Datasets with their last records, folded."""
    return together(
        *(
            tag(
                "details",
                tag(
                    "summary",
                    tag("strong", cut(str(dataset.content.get("name")))),
                    f": {number(len(dataset.rows))} records ",
                    tag("code", dataset.id),
                ),
                row_table(dataset),
            )
            for dataset in datasets
        )
    )


def refused_table(refused: Sequence[Entry]) -> Markup:
    """The last requests that did not succeed, newest first."""
    if not refused:
        return empty("No request was refused.")
    names = ("time (UTC)", "status", "method", "path", "sandbox", "fault")
    body = [row for entry in refused for row in _refused_rows(entry, len(names))]
    return card(_table("none: no answer has gone out", _heads(names), body))


def _refused_rows(entry: Entry, width: int) -> Iterable[Markup]:
    yield tag(
        "tr",
        tag("td", moment(entry.at)),
        tag("td", tag("b", str(entry.status or "none"))),
        tag("td", cut(entry.method, 20)),
        tag("td", tag("code", breakable(cut(entry.path, 160))), class_="long"),
        tag("td", cut(entry.sandbox, 40) or NONE),
        tag("td", " ".join(entry.fault) if entry.fault else NONE),
    )
    if entry.problem is not None:
        label, detail = entry.problem
        yield tag("tr", tag("td", tag("code", label), " ", cut(detail, 300), class_="why", colspan=width))


def fault_table(faults: Sequence[Fault]) -> Markup:
    """The faults in force."""
    body = [
        tag(
            "tr",
            tag("td", fault.id),
            tag("td", fault.action),
            tag("td", " ".join(fault.match.methods or ("any",))),
            tag("td", tag("code", cut(fault.match.path or "*", 160)), class_="long"),
            tag("td", "ever" if fault.times is None else number(fault.times), class_="count"),
            tag("td", number(fault.matched), class_="count"),
            tag("td", number(fault.fired), class_="count"),
        )
        for fault in faults
    ]
    return card(_table("", _heads(("id", "action", "method", "path", "times", "matched", "fired")), body))


def order_table(orders: Sequence[Outcome]) -> Markup:
    """The outcomes of flow runs that were ordered and have not come."""
    body = [
        tag(
            "tr",
            tag("td", order.kind),
            tag("td", cut(order.name or order.flow_id or "any"), class_="long"),
            tag("td", order.sandbox or "any"),
            tag("td", "ever" if order.times is None else number(order.times), class_="count"),
        )
        for order in orders
    ]
    return card(_table("", _heads(("outcome", "dataflow", "sandbox", "runs")), body))


def _heads(names: Iterable[str]) -> list[Markup]:
    return [tag("th", name, class_="count" if name in _COUNTS else None) for name in names]


def _table(caption: str, head: Sequence[Markup], body: Sequence[Markup]) -> Markup:
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption) if caption else None,
            tag("thead", tag("tr", *head)),
            tag("tbody", *body),
        ),
        class_="scroll",
    )


def _caption(name: str, shown: int, count: int) -> str:
    return f"{name}: {number(shown)} of {number(count)}" if count > shown else f"{name}: all {number(count)}"
