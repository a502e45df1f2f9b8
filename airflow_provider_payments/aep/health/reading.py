"""
Reads the health of many dataflows in few requests, all of them documented.

Dataflows come in pages of a thousand, each with its last run. Those runs are asked for by a hundred ids, because only a
run says whether records failed. The runs of a dataflow are listed only where its last one has not succeeded: one
request each. Sources: the guide "Sort and filter responses" and the schemas of flows and runs in Adobe's OpenAPI file.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.api.permissions import naming_permission
from airflow_provider_payments.aep.dataflows.sandbox import name_of
from airflow_provider_payments.aep.dataflows.selection import select_dataflows
from airflow_provider_payments.aep.dataflows.snapshot import FLOW_SERVICE_PAGE_SIZE
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError, UnreadableError
from airflow_provider_payments.aep.health.judging import PROBLEMS, Health, Limits, Observation, RunTotals, judge
from airflow_provider_payments.aep.inputs import did_you_mean
from airflow_provider_payments.aep.readers import at, mappings, moment, sequence, text
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION
from airflow_provider_payments.aep.resources.schedule import period_seconds
from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.runs.flow_run import FlowRun, RunList, Status, readable_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.dataflows.definition import Definition
    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["Question", "check_health"]

log = logging.getLogger(__name__)

IDS_PER_REQUEST = 100
#: Runs that are asked for at once of a dataflow whose last one has not succeeded.
RUNS_PER_REQUEST = 100
#: The same of one that is disabled: whether its runs have failed for 30 days says who may have disabled it.
RUNS_OF_DISABLED = 1000


@attrs.frozen(kw_only=True)
class Question:
    """
    What is asked.

    :param definitions: whose dataflows are meant, by their names or ids; ``None``: not by definitions.
    :param patterns: names, ids, or patterns with ``*`` and ``?``; none: the dataflows that read a payments source or
        carry a mark of this provider.
    :param max_age: seconds, as :class:`Limits` has it.
    :param max_failed_ratio: as :class:`Limits` has it.
    :param ignore: codes, as :class:`Limits` has it.
    :param failures_since: epoch seconds since which all runs are counted, at a request or more for each dataflow.
    :param test_connections: whether each base connection logs in at its vendor, at a request each.
    :raises InvalidInputError: for a share without a time from which to count, or an unknown code.
    """

    definitions: Sequence[Definition] | None = None
    patterns: Sequence[str] = ()
    max_age: float | None = None
    max_failed_ratio: float | None = None
    ignore: Collection[str] = ()
    failures_since: float | None = None
    test_connections: bool = False

    def __attrs_post_init__(self) -> None:
        ratio = self.max_failed_ratio
        if ratio is not None and not 0 <= ratio <= 1:
            raise InvalidInputError("max_failed_ratio", ratio, "a share from 0 to 1")
        if ratio is not None and self.failures_since is None:
            raise InvalidInputError(
                "max_failed_ratio", ratio, "it needs `failures_since`, the time from which to count"
            )
        for code in self.ignore:
            if code not in PROBLEMS:
                near = did_you_mean(code, PROBLEMS)
                raise InvalidInputError("ignore", code, f"the code of a problem: {', '.join(PROBLEMS)}{near}")


@attrs.define
class _Seen:
    """What is known so far of a dataflow, and the observation that grows out of it."""

    item: dict[str, Any]
    observation: Observation

    def note(self, **found: Any) -> None:
        self.observation = attrs.evolve(self.observation, **found)

    @property
    def last_run_id(self) -> str | None:
        return text(at(self.item, "lastRunDetails", "id"))


@naming_permission()
def check_health(
    client: Client,
    question: Question,
    progress: Callable[[str], None] = lambda what: None,
    page_size: int = FLOW_SERVICE_PAGE_SIZE,
) -> tuple[Health, ...]:
    """
    Return the health of dataflows, by name.

    :param progress: is called with what is going to be read.
    :param page_size: dataflows to ask for in a page.
    :raises InvalidInputError: if a pattern matches nothing.
    :raises RequestError: if a list cannot be read, or a request fails in a way that may pass. What cannot be read of a
        single dataflow is a problem of that one.
    """
    progress("dataflows")
    flows = patiently(client, lambda: list(DATAFLOW.list_all(client, limit=page_size)))
    seen = _meant(flows, question)
    there = [one for one in seen if one.observation.id]
    progress("last runs")
    _read_last_runs(client, there)
    _list_runs(client, [one for one in there if _needs_list(one, client.now(), question)], question, progress)
    if question.test_connections:
        progress("connections")
        _test_connections(client, there)
    limits = Limits(
        now=client.now(),
        max_age=question.max_age,
        max_failed_ratio=question.max_failed_ratio,
        ignore=question.ignore,
    )
    judged = [judge(one.observation, limits) for one in seen]
    return tuple(sorted(judged, key=lambda health: (health.seen.name, health.seen.id or "")))


# ---- which dataflows -----------------------------------------------------------------------------------------------


def _meant(flows: Sequence[RemoteObject], question: Question) -> list[_Seen]:
    if question.definitions is not None:
        return [seen for definition in question.definitions for seen in _of_definition(flows, definition)]
    if question.patterns:
        return [_seen(flow) for flow, _ in select_dataflows(flows, question.patterns)]
    return [_seen(flow) for flow in flows if _is_ours(flow)]


def _of_definition(flows: Iterable[RemoteObject], definition: Definition) -> list[_Seen]:
    names = {definition.name, *definition.previous_names}
    found = [flow for flow in flows if (flow.id == definition.id if definition.id else name_of(flow) in names)]
    may_rest = definition.enabled is False
    if not found:
        return [_Seen({}, Observation(name=definition.name, may_rest=may_rest))]
    return [_seen(flow, may_rest=may_rest) for flow in found]


def _is_ours(flow: RemoteObject) -> bool:
    """Whether a dataflow reads a payments source, or carries a mark of this provider or one that cannot be read."""
    specs = {source.spec_id for source in SOURCES.values()}
    sources = mappings(at(flow.item, "inheritedAttributes", "sourceConnections"))
    if any(text(at(source, "connectionSpec", "id")) in specs for source in sources):
        return True
    try:
        return DATAFLOW.mark_of(flow) is not None
    except UnreadableError:
        return True


def _seen(flow: RemoteObject, *, may_rest: bool = False) -> _Seen:
    item, schedule = flow.item, flow.item.get("scheduleParams")
    begins = [flow.created, moment(at(schedule, "startTime")) or 0.0]
    return _Seen(
        dict(item),
        Observation(
            name=name_of(flow) or flow.id,
            id=flow.id,
            state=text(item.get("state")) or "",
            may_rest=may_rest,
            changed_at=moment(item.get("updatedAt")),
            begins_at=max(begins) or None,
            ends_at=moment(at(schedule, "endTime")),
            period=period_seconds(schedule),
        ),
    )


# ---- runs ----------------------------------------------------------------------------------------------------------


def _read_last_runs(client: Client, seen: Iterable[_Seen]) -> None:
    """Read the runs that dataflows show as their last ones; of one that is not answered, its dataflow's are listed."""
    by_run = {run_id: one for one in seen if (run_id := one.last_run_id)}
    ids = list(by_run)
    for first in range(0, len(ids), IDS_PER_REQUEST):
        for run in patiently(client, partial(_runs_by_id, client, ids[first : first + IDS_PER_REQUEST])):
            if run.flow_id == by_run[run.id].observation.id:
                _note_runs(by_run[run.id], [run])


def _runs_by_id(client: Client, ids: Collection[str]) -> list[FlowRun]:
    found: dict[str, FlowRun] = {}
    for page in flow_service.pages(client, "runs", f"id=={','.join(ids)}", limit=IDS_PER_REQUEST):
        found |= {run.id: run for run in readable_runs(page) if run.id in ids}
        if len(found) == len(ids):  # whatever else the service lists
            break
    return list(found.values())


def _needs_list(seen: _Seen, now: float, question: Question) -> bool:
    """Whether the last run alone does not tell a dataflow's health."""
    what = seen.observation
    if question.failures_since is not None:
        return True
    if what.state == "draft" or (what.state == "disabled" and what.may_rest):
        return False
    if what.last_success is not None:
        return False
    if seen.last_run_id is None:
        # A disabled dataflow without a run had none; one whose time has not come has none yet.
        return what.state != "disabled" and (what.begins_at or 0.0) <= now
    return True


def _list_runs(client: Client, seen: Sequence[_Seen], question: Question, progress: Callable[[str], None]) -> None:
    if question.failures_since is not None:
        log.info("Counting the runs of %d dataflows, at a request or more for each", len(seen))
    for at_place, one in enumerate(seen, 1):
        progress(f"runs, {at_place} of {len(seen)}")
        try:
            runs = patiently(client, partial(_newest_runs, client, one.observation, question.failures_since))
        except (UnreadableError, RequestError) as error:
            if _concerns_all(error):
                raise
            one.note(unreadable=f"its runs cannot be read: {error}")
            continue
        _note_runs(one, runs)
        if question.failures_since is not None:
            since = question.failures_since
            one.note(totals=RunTotals.of(run for run in runs if run.created_at >= since))


def _concerns_all(error: UnreadableError | RequestError) -> bool:
    """Whether a failure says nothing of the dataflow that was asked for."""
    return isinstance(error, RequestError) and (error.retryable or error.status in (401, 403))


def _newest_runs(client: Client, what: Observation, since: float | None) -> list[FlowRun]:
    """Return a dataflow's newest runs: a page, or all since a moment."""
    size = RUNS_OF_DISABLED if what.state == "disabled" else RUNS_PER_REQUEST
    listed, runs = RunList(client, str(what.id), skip="others", page=size), list[FlowRun]()
    for page in listed:
        runs += [run for run, _ in page]
        if since is None or listed.has_all_since(since):
            break
    return runs


def _note_runs(seen: _Seen, runs: Sequence[FlowRun]) -> None:
    """Note the newest run that has ended, and the newest one that succeeded."""
    newest = sorted(runs, key=lambda run: (run.began, run.id), reverse=True)
    ended = [run for run in newest if not run.is_active]
    seen.note(
        last_run=next(iter(ended), None),
        last_success=next((run for run in ended if run.status is not Status.FAILED), None),
        searched_since=newest[-1].began if newest else None,
        is_running=any(run.is_active for run in newest),
    )


# ---- credentials ---------------------------------------------------------------------------------------------------


def _test_connections(client: Client, seen: Iterable[_Seen]) -> None:
    """Let each base connection log in at its vendor once."""
    bases = {one.observation.id: _base_of(one) for one in seen}
    if None in bases.values():
        listed = patiently(client, lambda: list(SOURCE_CONNECTION.list_all(client, limit=FLOW_SERVICE_PAGE_SIZE)))
        by_source = {each.id: text(each.item.get("baseConnectionId")) for each in listed}
        for one in seen:
            bases[one.observation.id] = bases[one.observation.id] or _base_by_source(one, by_source)
    ids = sorted({base for base in bases.values() if base})
    log.info("Testing %d base connections: a request and a login at the vendor for each", len(ids))
    results = {base: _tested(client, base) for base in ids}
    for one in seen:
        base = bases[one.observation.id]
        one.note(credential=results[base] if base else "its base connection is not known")


def _base_of(seen: _Seen) -> str | None:
    sources = mappings(at(seen.item, "inheritedAttributes", "sourceConnections"))
    return next(filter(None, (text(at(source, "baseConnection", "id")) for source in sources)), None)


def _base_by_source(seen: _Seen, by_source: dict[str, str | None]) -> str | None:
    sources = map(text, sequence(seen.item.get("sourceConnectionIds")))
    return next(filter(None, (by_source.get(source or "") for source in sources)), None)


def _tested(client: Client, base_id: str) -> str:
    """Return why a base connection fails its test; empty where it passes."""
    try:
        passes = flow_service.test_base_connection(client, base_id)
    except RequestError as error:
        if error.status in (401, 403):
            raise
        return f"base connection {base_id} cannot be tested: {error}"
    return "" if passes else f"base connection {base_id} fails the connection test: its credential may have lapsed"
