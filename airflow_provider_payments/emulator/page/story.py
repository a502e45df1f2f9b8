"""What the page tells, gathered from the world: never more than a screen can show, however much there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.flow_service.flow_runs import Run
from airflow_provider_payments.emulator.flow_service.mappings import mapping_version
from airflow_provider_payments.emulator.flow_service.schedule import ONCE
from airflow_provider_payments.emulator.flow_service.sources import object_path
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, FLOW_SPECS
from airflow_provider_payments.emulator.page.wording import NONE, moment, number, span
from airflow_provider_payments.emulator.refusals import Refusal

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.catalog.state import Dataset
    from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingVersion
    from airflow_provider_payments.emulator.flow_service.state import Flow, Resource
    from airflow_provider_payments.emulator.request_log import Entry
    from airflow_provider_payments.emulator.store import Store
    from airflow_provider_payments.emulator.world import Sandbox, World

MOST_FLOWS = 20
MOST_RUNS = 50
MOST_ROWS = 10
MOST_DATASETS = 10
MOST_REFUSED = 10
MOST_ORDERS = 10

_FINE = frozenset(range(100, 400))


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a dataflow's chain.

    :param role: what it is.
    :param state: empty where it has none.
    :param note: what else matters about it.
    """

    role: str
    name: str
    id: str
    state: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class FlowStory:
    """A dataflow with what belongs to it.

    :param runs: the last ones, oldest first.
    :param run_count: of all its runs.
    """

    sandbox: str
    id: str
    name: str
    state: str
    schedule: str
    chain: tuple[Link, ...]
    runs: tuple[Run, ...]
    run_count: int
    dataset: Dataset | None
    mapping: MappingVersion | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests that the log still holds.

    :param refused: the last ones, newest first.
    """

    asked: int
    refusals: int
    failures: int
    unanswered: int
    refused: tuple[Entry, ...]


def newest(store: Store[Any], most: int) -> list[Any]:
    """The last items of a store, newest first."""
    return list(islice(store.select().behind(None, backwards=True), most))


def find_flow(world: World, identifier: str) -> tuple[Sandbox, Flow] | None:
    """A dataflow, and where it is."""
    for sandbox in world.sandboxes.values():
        flow = sandbox.flow_service.flows.get(identifier)
        if flow is not None:
            return sandbox, flow
    return None


def tell_flow(sandbox: Sandbox, flow: Flow) -> FlowStory:
    """The story of a dataflow; of a draft too, which may lack anything."""
    runs = sandbox.flow_service.runs.select("flowId", (flow.id,))
    mapping = _mapping(sandbox, flow)
    target = sandbox.flow_service.target_connections.get(_end(flow, "targetConnectionIds"))
    dataset = sandbox.catalog.datasets.get(_param(target, "dataSetId"))
    return FlowStory(
        sandbox=sandbox.name,
        id=flow.id,
        name=_name(flow.content),
        state=flow.state,
        schedule=_schedule(flow),
        chain=tuple(_chain(sandbox, flow, mapping, target, dataset)),
        runs=tuple(reversed(list(islice(runs.behind(None, backwards=True), MOST_RUNS)))),
        run_count=len(runs),
        dataset=dataset,
        mapping=mapping,
    )


def tell_traffic(world: World) -> Traffic:
    """What was asked of the platform, and how it went."""
    counts = Counter(entry.status for entry in world.log.newest_first())

    def sum_from(lowest: int, below: int) -> int:
        return sum(count for status, count in counts.items() if status is not None and lowest <= status < below)

    wrong = (entry for entry in world.log.newest_first() if (entry.status or 400) >= 400)
    refused = tuple(islice(wrong, MOST_REFUSED)) if counts.keys() - _FINE else ()
    return Traffic(sum(counts.values()), sum_from(400, 500), sum_from(500, 600), counts[None], refused)


def flattened(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A record's values by their paths."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def columns_of(rows: Iterable[Mapping[str, Any]], most: int) -> list[str]:
    """The names in some flat rows, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))[:most]


def _chain(
    sandbox: Sandbox, flow: Flow, mapping: MappingVersion | None, target: Resource | None, dataset: Dataset | None
) -> Iterable[Link]:
    service = sandbox.flow_service
    source_id, target_id = _end(flow, "sourceConnectionIds"), _end(flow, "targetConnectionIds")
    source = service.source_connections.get(source_id)
    base_id = (source.base_id or "") if source else ""
    base = service.connections.get(base_id)
    vendor = CONNECTION_SPECS[base.spec_id].name if base else ""
    yield _resource_link("base connection", base_id, base, vendor)
    yield _resource_link("source connection", source_id, source, object_path(source.content) if source else "")
    spec_id = str((flow.content.get("flowSpec") or {}).get("id", ""))
    spec = FLOW_SPECS.get(spec_id)
    yield Link("flow spec", str(spec["name"]), spec_id) if spec else _missing("flow spec", spec_id)
    mapping_id = str((flow.transformation("Mapping") or {}).get("mappingId", ""))
    if mapping is None:
        yield _missing("mapping set", mapping_id)
    else:
        note = f"version {mapping.version}, {number(len(mapping.mappings))} mappings"
        yield Link("mapping set", mapping.name or "unnamed", mapping_id, note=note)
    yield _resource_link("target connection", target_id, target, "Data Lake" if target else "")
    if dataset is None:
        yield _missing("dataset", _param(target, "dataSetId"))
        return
    note = f"{number(len(dataset.rows))} records"
    yield Link("dataset", _name(dataset.content), dataset.id, note=note)
    schema = sandbox.registry.lookup(dataset.schema_id)
    yield Link("schema", schema.title, schema.id) if schema else _missing("schema", dataset.schema_id)


def _resource_link(role: str, identifier: str, found: Resource | None, note: str) -> Link:
    return Link(role, _name(found.content), found.id, found.state, note) if found else _missing(role, identifier)


def _missing(role: str, identifier: str) -> Link:
    return Link(role, NONE, identifier, "missing")


def _mapping(sandbox: Sandbox, flow: Flow) -> MappingVersion | None:
    try:
        return mapping_version(sandbox, flow.transformation("Mapping") or {})
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


def _param(resource: Resource | None, name: str) -> str:
    return str((resource.content.get("params") or {}).get(name, "")) if resource else ""


def _name(content: Mapping[str, Any]) -> str:
    return str(content.get("name") or "unnamed")
