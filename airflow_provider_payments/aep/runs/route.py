"""
Where a dataflow's rows come from and go to: what reports say besides a flow run.

Objects are read once, by their ids: target connection and dataset, for lineage also source connection, mapping set and
schema, and the dataflow itself where no poll has shown it. Nothing is decided on them: what the service does not show,
or shows garbled, is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import catalog, data_prep, flow_service, schema_registry
from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.data_prep import mapping_meaning
from airflow_provider_payments.aep.resources.expressions import attributes_read
from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.runs.flow_parts import FlowParts, Names

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.services import Json

__all__ = ["Mapped", "Route", "Table", "Tables", "read_route", "read_tables"]

Read = TypeVar("Read")

#: Fields of a schema that are reported at most; those of Adobe's largest classes are some hundreds.
MAX_FIELDS = 2000
MAX_DEPTH = 20


@dataclass(frozen=True)
class Table:
    """
    Data with its columns.

    :param name: of the vendor's table or resource, or the dataset's id.
    :param columns: names and types; of a schema paths of its fields that hold values.
    """

    name: str
    columns: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Mapped:
    """
    How a field of the dataset comes about.

    :param destination: its path.
    :param reads: columns of the source; empty for a constant, and where an expression is not understood.
    :param expression: what computes it; ``None`` if it is a column as it is.
    """

    destination: str
    reads: tuple[str, ...]
    expression: str | None


@dataclass(frozen=True)
class Route:
    """
    What a dataflow reads and writes; ``None`` where it is not shown.

    :param flow: the dataflow.
    :param url: the platform's URL.
    :param org_id: the organisation.
    :param sandbox: the sandbox.
    :param dataset_id: the dataset that rows go to.
    :param dataset_name: its name.
    :param schema_id: its schema.
    :param problems: what could not be read, for a log.
    """

    flow: FlowParts
    url: str
    org_id: str
    sandbox: str
    dataset_id: str | None
    dataset_name: str | None
    schema_id: str | None
    problems: tuple[str, ...]

    @property
    def names(self) -> Names:
        """What people know its ends by."""
        return Names(self.flow.id, self.flow.name, self.dataset_id, self.dataset_name)


@dataclass(frozen=True)
class Tables:
    """
    Both ends of a route.

    :param vendor: of the source, such as ``paypal``; ``None`` where it is not in the catalogue.
    :param connection_id: the base connection, which stands for an account at the vendor.
    :param source: the vendor's table.
    :param target: the dataset.
    :param mapped: how its fields come about.
    :param problems: what could not be read, for a log.
    """

    vendor: str | None
    connection_id: str | None
    source: Table | None
    target: Table | None
    mapped: tuple[Mapped, ...]
    problems: tuple[str, ...]


class _Reading:
    """Reads one object after the other; one that cannot be read is empty, and a problem."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def tried(self, read: Callable[[], Read], otherwise: Read) -> Read:
        """Return what is read, or ``otherwise``."""
        try:
            return read()
        except PlatformError as error:
            self.problems.append(str(error))
            return otherwise


def read_route(client: Client, flow_id: str, seen: FlowParts | None = None) -> Route:
    """
    Read where a dataflow writes to.

    :param seen: the dataflow, where a poll has shown it.
    """
    reading, nothing = _Reading(), dict[str, Any]()
    flow = seen if seen and seen.id == flow_id else None
    if flow is None:
        item = reading.tried(lambda: flow_service.item(client, "flows", flow_id), {"id": flow_id})
        flow = FlowParts.of_item(item)
    target_id = flow.target_connection_id
    target = reading.tried(lambda: _connection(client, "targetConnections", target_id), nothing)
    dataset_id = readers.text(readers.at(target, "params", "dataSetId"))
    dataset = reading.tried(lambda: catalog.dataset(client, dataset_id) if dataset_id else nothing, nothing)
    return Route(
        flow=flow,
        url=client.url,
        org_id=client.org_id,
        sandbox=client.sandbox,
        dataset_id=dataset_id,
        dataset_name=readers.text(dataset.get("name")),
        schema_id=readers.text(readers.at(target, "data", "schema", "id")),
        problems=tuple(reading.problems),
    )


def read_tables(reads: Reads, route: Route) -> Tables:
    """Read what else lineage says of a route: source connection, mapping set and schema."""
    reading, nothing, flow = _Reading(), dict[str, Any](), route.flow
    no_fields: tuple[Mapped, ...] = ()
    source = reading.tried(lambda: _connection(reads, "sourceConnections", flow.source_connection_id), nothing)
    mapped = reading.tried(lambda: tuple(_mapped(_mapping_set(reads, flow))), no_fields)
    schema = reading.tried(lambda: _schema(reads, route.schema_id), nothing)
    spec = readers.at(source, "connectionSpec", "id")
    fields = tuple(_fields(schema))[:MAX_FIELDS]
    return Tables(
        vendor=next((name for name, vendor in SOURCES.items() if vendor.spec_id == spec), None),
        connection_id=readers.text(source.get("baseConnectionId")),
        source=_source_table(source),
        target=Table(route.dataset_id, fields) if route.dataset_id else None,
        mapped=mapped,
        problems=tuple(reading.problems),
    )


def _connection(reads: Reads, collection: str, connection_id: str | None) -> Json:
    return flow_service.item(reads, collection, connection_id) if connection_id else {}


def _mapping_set(reads: Reads, flow: FlowParts) -> Json:
    return data_prep.mapping_set(reads, flow.mapping_set_id, flow.mapping_version) if flow.mapping_set_id else {}


def _schema(reads: Reads, schema_id: str | None) -> Json:
    return schema_registry.resource(reads, "schemas", schema_id) if schema_id else {}


def _source_table(source: Json) -> Table | None:
    params = readers.mapping(source.get("params"))
    name = next(filter(None, (readers.text(params.get(key)) for key in ("tableName", "resourcePath", "path"))), None)
    columns = [
        (column, readers.text(each.get("type")))
        for each in readers.mappings(params.get("columns"))
        if (column := readers.text(each.get("name")))
    ]
    return Table(name, tuple(columns)) if name else None


def _mapped(mapping_set: Json) -> Iterator[Mapped]:
    if not mapping_set:
        return
    for kind, source, destination in mapping_meaning(Fields("mapping set", mapping_set))["mappings"]:
        if not source or not destination:
            continue
        if kind == "ATTRIBUTE":
            yield Mapped(destination, (source,), None)
        else:
            yield Mapped(destination, tuple(attributes_read(source)) if kind == "EXPRESSION" else (), source)


def _fields(node: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str | None]]:
    """Yield the paths of a schema's fields that hold values, with their types; of an array ``[*]`` is an item."""
    properties = readers.mapping(readers.at(node, "properties"))
    items = readers.at(node, "items")
    if depth >= MAX_DEPTH:
        return
    if properties:
        for name, child in properties.items():
            yield from _fields(child, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(items, Mapping):
        yield from _fields(items, f"{path}[*]", depth + 1)
    elif path:
        yield path, _type_of(readers.mapping(node))


def _type_of(node: Mapping[str, Any]) -> str | None:
    return readers.text(node.get("meta:xdmType")) or readers.text(node.get("format")) or readers.text(node.get("type"))
