"""The view model of the page: the values that the templates show, limited in number and without markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from airflow_provider_payments.emulator.catalog.state import Dataset
from airflow_provider_payments.emulator.core.faults import Fault
from airflow_provider_payments.emulator.core.refusals import Refusal
from airflow_provider_payments.emulator.core.request_log import LoggedRequest
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingVersion
from airflow_provider_payments.emulator.flow_service.forced_outcomes import Outcome
from airflow_provider_payments.emulator.flow_service.mappings import mapping_version
from airflow_provider_payments.emulator.flow_service.model import SUCCESS, Flow, Resource, Run
from airflow_provider_payments.emulator.flow_service.schedule import ONCE
from airflow_provider_payments.emulator.flow_service.sources import object_path
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, FLOW_SPECS
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.organisation import Organisation, SandboxServices
from airflow_provider_payments.emulator.page.formatting import MISSING, SOME_FAILED, counted, moment, span

_MAX_FLOWS = 20
_MAX_RUNS = 50
_MAX_REASONS = 5
_MAX_ROWS, _MAX_COLUMNS = 10, 9
_MAX_DATASETS = 10
_MAX_FAULTS = _MAX_OUTCOMES = _MAX_REFUSED = 10


@dataclass(frozen=True, slots=True)
class Link:
    """An object of a dataflow's chain.

    :param role: the object's role in the chain.
    :param name: the object's name; empty if the object does not exist.
    :param state: the object's state; empty if its kind has no states.
    :param note: a detail of the object.
    """

    role: str
    name: str
    id: str
    state: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for which records failed.

    :param code: the error code; empty if copying failed.
    :param count: the number of failed records; 0 means all records.
    """

    text: str
    code: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class RunView:
    """A flow run.

    :param status: the raw status, or a status of the page's own if some records of a successful run failed.
    :param start: the start of the run, in epoch seconds.
    :param end: the end of the run, in epoch seconds; None until the run has ended.
    :param read: the number of records read.
    :param landed: the number of records ingested.
    :param failed: the number of records that failed; 0 until the run has ended.
    """

    id: str
    status: str
    start: float
    end: float | None
    read: int
    landed: int
    failed: int
    batch_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """The last records of a dataset.

    :param columns: the paths of fields, in the order of their first occurrence in the records.
    :param rows: the number and the values of each record, newest first; a missing value is None.
    """

    dataset: str
    dataset_id: str
    count: int
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class FlowView:
    """A dataflow with its chain, runs and dataset.

    :param runs: the last runs, oldest first.
    :param run_count: the number of all runs.
    """

    sandbox: str
    id: str
    name: str
    state: str
    schedule: str
    chain: tuple[Link, ...]
    runs: tuple[RunView, ...]
    run_count: int
    dataset: Dataset | None
    mapping: MappingVersion | None

    @property
    def records(self) -> Records | None:
        """The last records of the dataset; None without a dataset."""
        return _records(self.dataset) if self.dataset is not None else None


@dataclass(frozen=True, slots=True)
class SandboxView:
    """A sandbox.

    :param contents: the numbers of objects of each kind, as texts.
    :param flows: the newest dataflows, newest first.
    :param flow_count: the number of all dataflows.
    :param records: the last records of each of the newest datasets that have records.
    """

    name: str
    contents: tuple[str, ...]
    flows: tuple[FlowView, ...]
    flow_count: int
    run_count: int
    records: tuple[Records, ...]


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """The organisation: the values that a client needs to connect, and the time.

    :param address: the address of all services.
    :param sandboxes: the names of all sandboxes.
    :param now: the time on the emulator's clock, in epoch seconds.
    """

    id: str
    address: str
    client_id: str
    sandboxes: tuple[str, ...]
    clock_mode: str
    now: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """The logged requests, the active faults and the pending outcomes.

    :param refusals: the number of requests that were answered with a 4xx.
    :param failures: the number of requests that were answered with a 5xx.
    :param unanswered: the number of requests without an answer.
    :param refused: the last requests that were refused, failed or have no answer, newest first.
    :param runs_with_outcome: the number of coming runs with a forced outcome; an outcome for all runs counts as one.
    """

    requests: int
    refusals: int
    failures: int
    unanswered: int
    refused: tuple[LoggedRequest, ...]
    faults: tuple[Fault, ...]
    fault_count: int
    outcomes: tuple[Outcome, ...]
    runs_with_outcome: int


def organisation_view(organisation: Organisation) -> OrganisationView:
    """Return the view of the organisation."""
    options, clock = organisation.options, organisation.clock
    return OrganisationView(
        options.org,
        organisation.origin,
        options.client_id,
        tuple(organisation.sandboxes),
        clock.mode,
        clock.now(),
    )


def traffic(organisation: Organisation) -> Traffic:
    """Return the view of the request log, the faults and the forced outcomes."""
    classes = Counter(entry.status and entry.status // 100 for entry in organisation.log.newest_first())
    bad = (entry for entry in organisation.log.newest_first() if entry.status is None or entry.status >= 400)
    faults, outcomes = tuple(organisation.faults), tuple(organisation.outcomes.pending)
    return Traffic(
        requests=classes.total(),
        refusals=classes[4],
        failures=classes[5],
        unanswered=classes[None],
        # Search only if there is such a request: otherwise the search would read the whole log again.
        refused=tuple(islice(bad, _MAX_REFUSED)) if classes.keys() - {1, 2, 3} else (),
        faults=faults[:_MAX_FAULTS],
        fault_count=len(faults),
        outcomes=outcomes[:_MAX_OUTCOMES],
        runs_with_outcome=sum(outcome.times or 1 for outcome in outcomes),
    )


def sandbox_views(services: Sequence[SandboxServices]) -> list[SandboxView]:
    """Return the views of some sandboxes; sandboxes with dataflows come first."""
    used_first = sorted(services, key=lambda one: not len(one.flow_service.flows))
    return [_sandbox_view(one, max(1, _MAX_FLOWS // len(used_first))) for one in used_first]


def find_flow(organisation: Organisation, identifier: str) -> FlowView | None:
    """Return the view of a dataflow in any sandbox; None if no sandbox has the dataflow."""
    for services in organisation.services.values():
        flow = services.flow_service.flows.get(identifier)
        if flow is not None:
            return _flow_view(services, flow)
    return None


def _sandbox_view(services: SandboxServices, max_flows: int) -> SandboxView:
    service, catalog = services.flow_service, services.catalog
    # The search is limited too, because many datasets may be empty.
    filled = (dataset for dataset in _newest(catalog.datasets, 2 * _MAX_DATASETS) if dataset.rows)
    return SandboxView(
        name=services.sandbox.name,
        contents=(
            counted(len(service.flows), "dataflow"),
            counted(len(service.runs), "flow run"),
            counted(len(catalog.datasets), "dataset"),
            counted(len(catalog.batches), "batch", "batches"),
        ),
        flows=tuple(_flow_view(services, flow) for flow in _newest(service.flows, max_flows)),
        flow_count=len(service.flows),
        run_count=len(service.runs),
        records=tuple(_records(dataset) for dataset in islice(filled, _MAX_DATASETS)),
    )


def _newest(store: Store[Any], most: int) -> list[Any]:
    return list(islice(store.select().after(None, newest_first=True), most))


def _flow_view(services: SandboxServices, flow: Flow) -> FlowView:
    """Return the view of a dataflow; a draft may lack any part of its chain."""
    runs = services.flow_service.runs.select("flowId", (flow.id,))
    mapping = _mapping(services.flow_service, flow)
    target = services.flow_service.target_connections.get(_end(flow, "targetConnectionIds"))
    dataset = services.catalog.datasets.get(_dataset_id(target))
    return FlowView(
        sandbox=services.sandbox.name,
        id=flow.id,
        name=_name(flow.content),
        state=flow.state,
        schedule=_schedule(flow),
        chain=tuple(_chain(services, flow, mapping, target, dataset)),
        runs=tuple(map(_run_view, islice(runs.after(None, newest_first=True), _MAX_RUNS)))[::-1],
        run_count=len(runs),
        dataset=dataset,
        mapping=mapping,
    )


def _run_view(run: Run) -> RunView:
    failed = max(run.failed_records, 0) if run.has_ended else 0
    failures = (Reason(failure.message, failure.code, failure.count) for failure in run.failures[:_MAX_REASONS])
    return RunView(
        id=run.id,
        status=SOME_FAILED if run.status == SUCCESS and failed else run.status,
        start=(run.started or run.created) / 1000,
        end=run.completed / 1000 if run.completed else None,
        read=run.input_records,
        landed=run.output_records,
        failed=failed,
        batch_id=run.batch_id,
        reasons=(*([Reason(run.copy_error)] if run.copy_error else ()), *failures),
    )


def _records(dataset: Dataset) -> Records:
    count = len(dataset.rows)
    rows = [dict(_flattened(row)) for row in reversed(dataset.rows[-_MAX_ROWS:])]
    columns = tuple(dict.fromkeys(path for row in rows for path in row))[:_MAX_COLUMNS]
    values = tuple((count - place, tuple(map(row.get, columns))) for place, row in enumerate(rows))
    return Records(_name(dataset.content), dataset.id, count, columns, values)


def _flattened(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Return a record's values by their paths."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _chain(
    services: SandboxServices,
    flow: Flow,
    mapping: MappingVersion | None,
    target: Resource | None,
    dataset: Dataset | None,
) -> Iterable[Link]:
    service = services.flow_service
    source_id = _end(flow, "sourceConnectionIds")
    source = service.source_connections.get(source_id)
    base_id = (source.base_id or "") if source else ""
    base = service.connections.get(base_id)
    yield _resource_link("base connection", base_id, base, CONNECTION_SPECS[base.spec_id].name if base else "")
    yield _resource_link("source connection", source_id, source, object_path(source.content) if source else "")
    spec_id = str((flow.content.get("flowSpec") or {}).get("id", ""))
    spec = FLOW_SPECS.get(spec_id)
    yield Link("flow spec", str(spec["name"]), spec_id) if spec else _missing("flow spec", spec_id)
    mapping_id = str((flow.transformation("Mapping") or {}).get("mappingId", ""))
    if mapping is None:
        yield _missing("mapping set", mapping_id)
    else:
        note = f"version {mapping.version}, {counted(len(mapping.mappings), 'mapping')}"
        yield Link("mapping set", mapping.name or "unnamed", mapping_id, note=note)
    yield _resource_link("target connection", _end(flow, "targetConnectionIds"), target, "Data Lake" if target else "")
    if dataset is None:
        yield _missing("dataset", _dataset_id(target))
        return
    yield Link("dataset", _name(dataset.content), dataset.id, note=counted(len(dataset.rows), "record"))
    schema = services.registry.lookup(dataset.schema_id)
    yield Link("schema", schema.title, schema.id) if schema else _missing("schema", dataset.schema_id)


def _resource_link(role: str, identifier: str, found: Resource | None, note: str) -> Link:
    return Link(role, _name(found.content), found.id, found.state, note) if found else _missing(role, identifier)


def _missing(role: str, identifier: str) -> Link:
    return Link(role, "", identifier, MISSING)


def _mapping(service: FlowService, flow: Flow) -> MappingVersion | None:
    try:
        return mapping_version(service, flow.transformation("Mapping") or {}, lagging=False)
    except Refusal:
        return None


def _schedule(flow: Flow) -> str:
    schedule = flow.schedule
    if schedule is None:
        return "no schedule"
    start = f"{moment(schedule.start, '%Y-%m-%d %H:%M')} UTC"
    if schedule.frequency == ONCE or schedule.period is None:
        return f"once at {start}"
    return f"every {span(schedule.period)} from {start}{'' if schedule.backfill else ', without backfill'}"


def _end(flow: Flow, member: str) -> str:
    return next(iter(flow.content.get(member) or ()), "")


def _dataset_id(target: Resource | None) -> str:
    return str((target.content.get("params") or {}).get("dataSetId", "")) if target else ""


def _name(content: Mapping[str, Any]) -> str:
    return str(content.get("name") or "unnamed")
