"""
Read the health of many dataflows with few requests, all of them documented.

Dataflows are listed in pages of a thousand, each with the id of its last run. The last runs are read a hundred ids at a
time, because only a run reports whether records failed. A dataflow's runs are listed only if its last run has not
succeeded, with one request for each such dataflow. Sources: the guide "Sort and filter responses" and the schemas of
flows and runs in Adobe's OpenAPI file.
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

__all__ = ["HealthOptions", "check_health"]

log = logging.getLogger(__name__)

#: Number of runs that one request reads by id.
IDS_PER_REQUEST = 100
#: Number of newest runs that are listed of a dataflow whose last run has not succeeded.
RUNS_PER_REQUEST = 100
#: Number of newest runs that are listed of a disabled dataflow: 30 days of failures mean that the platform disabled it.
RUNS_PER_REQUEST_IF_DISABLED = 1000


@attrs.frozen(kw_only=True)
class HealthOptions:
    """
    The options of a health check: which dataflows are checked, and how.

    :param definitions: check the dataflows of these definitions, found by id or name. Defaults to ``None``: select by
        ``patterns``.
    :param patterns: names, ids, or patterns with ``*`` and ``?``. Defaults to none: the dataflows that read a payments
        source or carry a mark of this provider.
    :param max_age: see :class:`Limits`.
    :param max_failed_ratio: see :class:`Limits`; requires ``failures_since``.
    :param ignore: see :class:`Limits`.
    :param failures_since: epoch seconds; count all runs created at or after this time, with at least one request for
        each dataflow. Defaults to ``None``: count no runs.
    :param test_connections: whether to test that each base connection can log in to its vendor, with a request for
        each.
    :raises InvalidInputError: for a share outside 0 to 1 or without ``failures_since``, or an unknown code.
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
class _CheckedDataflow:
    """
    A dataflow whose observation is being completed.

    :param item: the dataflow's item in the list; empty if it does not exist.
    """

    item: dict[str, Any]
    observation: Observation

    def note(self, **fields: Any) -> None:
        self.observation = attrs.evolve(self.observation, **fields)

    @property
    def last_run_id(self) -> str | None:
        return text(at(self.item, "lastRunDetails", "id"))


@naming_permission()
def check_health(
    client: Client,
    options: HealthOptions,
    progress: Callable[[str], None] = lambda step: None,
    page_size: int = FLOW_SERVICE_PAGE_SIZE,
) -> tuple[Health, ...]:
    """
    Return the health of dataflows, sorted by name.

    :param options: the options of the check.
    :param progress: called with the name of each step before it begins.
    :param page_size: number of dataflows in a page.
    :raises InvalidInputError: if a pattern matches no dataflow.
    :raises RequestError: if a list cannot be read, a request fails in a retryable way, or the credential is refused.
        Other failures to read a single dataflow's runs are problems of that dataflow.
    """
    progress("dataflows")
    flows = patiently(client, lambda: list(DATAFLOW.list_all(client, limit=page_size)))
    dataflows = _selected(flows, options)
    existing = [dataflow for dataflow in dataflows if dataflow.observation.id]
    progress("last runs")
    _read_last_runs(client, existing)
    unclear = [dataflow for dataflow in existing if _needs_list(dataflow, client.now(), options)]
    _list_runs(client, unclear, options, progress)
    if options.test_connections:
        progress("connections")
        _test_connections(client, existing)
    limits = Limits(
        now=client.now(),
        max_age=options.max_age,
        max_failed_ratio=options.max_failed_ratio,
        ignore=options.ignore,
    )
    judged = [judge(dataflow.observation, limits) for dataflow in dataflows]
    return tuple(sorted(judged, key=lambda health: (health.observation.name, health.observation.id or "")))


# ---- selection of dataflows ----------------------------------------------------------------------------------------


def _selected(flows: Sequence[RemoteObject], options: HealthOptions) -> list[_CheckedDataflow]:
    if options.definitions is not None:
        return [dataflow for definition in options.definitions for dataflow in _of_definition(flows, definition)]
    if options.patterns:
        return [_checked(flow) for flow, _ in select_dataflows(flows, options.patterns)]
    return [_checked(flow) for flow in flows if _is_ours(flow)]


def _of_definition(flows: Iterable[RemoteObject], definition: Definition) -> list[_CheckedDataflow]:
    names = {definition.name, *definition.previous_names}
    found = [flow for flow in flows if (flow.id == definition.id if definition.id else name_of(flow) in names)]
    may_be_disabled = definition.enabled is False
    if not found:
        return [_CheckedDataflow({}, Observation(name=definition.name, may_be_disabled=may_be_disabled))]
    return [_checked(flow, may_be_disabled=may_be_disabled) for flow in found]


def _is_ours(flow: RemoteObject) -> bool:
    """Return whether a dataflow reads a payments source, or carries this provider's mark or an unreadable one."""
    specs = {source.spec_id for source in SOURCES.values()}
    sources = mappings(at(flow.item, "inheritedAttributes", "sourceConnections"))
    if any(text(at(source, "connectionSpec", "id")) in specs for source in sources):
        return True
    try:
        return DATAFLOW.mark_of(flow) is not None
    except UnreadableError:
        return True


def _checked(flow: RemoteObject, *, may_be_disabled: bool = False) -> _CheckedDataflow:
    item, schedule = flow.item, flow.item.get("scheduleParams")
    begins = [flow.created, moment(at(schedule, "startTime")) or 0.0]
    return _CheckedDataflow(
        dict(item),
        Observation(
            name=name_of(flow) or flow.id,
            id=flow.id,
            state=text(item.get("state")) or "",
            may_be_disabled=may_be_disabled,
            changed_at=moment(item.get("updatedAt")),
            begins_at=max(begins) or None,
            ends_at=moment(at(schedule, "endTime")),
            period=period_seconds(schedule),
        ),
    )


# ---- runs ----------------------------------------------------------------------------------------------------------


def _read_last_runs(client: Client, dataflows: Iterable[_CheckedDataflow]) -> None:
    """Read the runs that dataflows show as their last ones; a run that is not returned stays unknown here."""
    by_run = {run_id: dataflow for dataflow in dataflows if (run_id := dataflow.last_run_id)}
    ids = list(by_run)
    for first in range(0, len(ids), IDS_PER_REQUEST):
        for run in patiently(client, partial(_runs_by_id, client, ids[first : first + IDS_PER_REQUEST])):
            if run.flow_id == by_run[run.id].observation.id:
                _note_runs(by_run[run.id], [run])


def _runs_by_id(client: Client, ids: Collection[str]) -> list[FlowRun]:
    found: dict[str, FlowRun] = {}
    for page in flow_service.pages(client, "runs", f"id=={','.join(ids)}", limit=IDS_PER_REQUEST):
        found |= {run.id: run for run in readable_runs(page) if run.id in ids}
        if len(found) == len(ids):  # a service that ignores the filter has more pages
            break
    return list(found.values())


def _needs_list(dataflow: _CheckedDataflow, now: float, options: HealthOptions) -> bool:
    """Return whether a dataflow's runs must be listed, because its last run alone does not tell its health."""
    observation = dataflow.observation
    if options.failures_since is not None:
        return True
    if observation.state == "draft" or (observation.state == "disabled" and observation.may_be_disabled):
        return False
    if observation.last_success is not None:
        return False
    if dataflow.last_run_id is None:
        # A disabled dataflow without a last run never had one; a dataflow before its start time has none yet.
        return observation.state != "disabled" and (observation.begins_at or 0.0) <= now
    return True


def _list_runs(
    client: Client, dataflows: Sequence[_CheckedDataflow], options: HealthOptions, progress: Callable[[str], None]
) -> None:
    if options.failures_since is not None:
        log.info("Counting the runs of %d dataflows, with at least one request for each", len(dataflows))
    for number, dataflow in enumerate(dataflows, 1):
        progress(f"runs, {number} of {len(dataflows)}")
        try:
            runs = patiently(client, partial(_newest_runs, client, dataflow.observation, options.failures_since))
        except (UnreadableError, RequestError) as error:
            if _concerns_all_dataflows(error):
                raise
            dataflow.note(unreadable=f"its runs cannot be read: {error}")
            continue
        _note_runs(dataflow, runs)
        if options.failures_since is not None:
            since = options.failures_since
            dataflow.note(totals=RunTotals.of(run for run in runs if run.created_at >= since))


def _concerns_all_dataflows(error: UnreadableError | RequestError) -> bool:
    """Return whether the cause of a failure is not the single dataflow: the service fails or refuses the credential."""
    return isinstance(error, RequestError) and (error.retryable or error.status in (401, 403))


def _newest_runs(client: Client, observation: Observation, since: float | None) -> list[FlowRun]:
    """Return a dataflow's newest runs: one page, or all pages with runs created since a given time."""
    size = RUNS_PER_REQUEST_IF_DISABLED if observation.state == "disabled" else RUNS_PER_REQUEST
    listed, runs = RunList(client, str(observation.id), skip="others", page=size), list[FlowRun]()
    for page in listed:
        runs += [run for run, _ in page]
        if since is None or listed.has_all_since(since):
            break
    return runs


def _note_runs(dataflow: _CheckedDataflow, runs: Sequence[FlowRun]) -> None:
    """Add the newest ended run, and the newest run that succeeded or was partial, to a dataflow's observation."""
    newest = sorted(runs, key=lambda run: (run.began_at, run.id), reverse=True)
    ended = [run for run in newest if not run.is_active]
    dataflow.note(
        last_run=next(iter(ended), None),
        last_success=next((run for run in ended if run.status is not Status.FAILED), None),
        searched_since=newest[-1].began_at if newest else None,
        is_running=any(run.is_active for run in newest),
    )


# ---- credentials ---------------------------------------------------------------------------------------------------


def _test_connections(client: Client, dataflows: Iterable[_CheckedDataflow]) -> None:
    """Test each base connection once, and add the result to the observations of its dataflows."""
    bases = {dataflow.observation.id: _base_of(dataflow) for dataflow in dataflows}
    if None in bases.values():
        listed = patiently(client, lambda: list(SOURCE_CONNECTION.list_all(client, limit=FLOW_SERVICE_PAGE_SIZE)))
        by_source = {each.id: text(each.item.get("baseConnectionId")) for each in listed}
        for dataflow in dataflows:
            bases[dataflow.observation.id] = bases[dataflow.observation.id] or _base_by_source(dataflow, by_source)
    ids = sorted({base for base in bases.values() if base})
    log.info("Testing %d base connections: a request and a login at the vendor for each", len(ids))
    results = {base: _tested(client, base) for base in ids}
    for dataflow in dataflows:
        base = bases[dataflow.observation.id]
        dataflow.note(credential=results[base] if base else "its base connection is not known")


def _base_of(dataflow: _CheckedDataflow) -> str | None:
    sources = mappings(at(dataflow.item, "inheritedAttributes", "sourceConnections"))
    return next(filter(None, (text(at(source, "baseConnection", "id")) for source in sources)), None)


def _base_by_source(dataflow: _CheckedDataflow, by_source: dict[str, str | None]) -> str | None:
    sources = map(text, sequence(dataflow.item.get("sourceConnectionIds")))
    return next(filter(None, (by_source.get(source or "") for source in sources)), None)


def _tested(client: Client, base_id: str) -> str:
    """Return why a base connection fails the connection test; empty if it passes."""
    try:
        passes = flow_service.test_base_connection(client, base_id)
    except RequestError as error:
        if error.status in (401, 403):
            raise
        return f"base connection {base_id} cannot be tested: {error}"
    return "" if passes else f"base connection {base_id} fails the connection test: its credential may have expired"
