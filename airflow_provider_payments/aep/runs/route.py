"""
The route of a dataflow's rows: its source table and its dataset, for reports about a flow run.

Each object is read once, by its id: the dataflow unless a poll has read it, its target connection and its dataset; for
lineage also its source connection, mapping set and schema. No decision depends on these objects, so members that are
missing or unreadable are simply absent.
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

__all__ = ["MappedField", "Route", "Table", "Tables", "read_route", "read_tables"]

Read = TypeVar("Read")

#: Maximum number of a schema's fields that are reported; Adobe's largest classes have some hundreds.
MAX_FIELDS = 2000
#: Maximum depth of nested fields in a schema.
MAX_DEPTH = 20


@dataclass(frozen=True)
class Table:
    """
    A table of the vendor or a dataset, with its columns.

    :param name: the name of the vendor's table or resource, or the dataset's id.
    :param columns: the columns' names and types; for a dataset, the paths of the schema's fields that hold values.
    """

    name: str
    columns: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class MappedField:
    """
    A field of the dataset and its mapping.

    :param destination: the field's path.
    :param reads: the source columns that the mapping reads; empty for constants and for expressions that cannot be
        parsed.
    :param expression: the expression that computes the field; ``None`` if a column is copied unchanged.
    """

    destination: str
    reads: tuple[str, ...]
    expression: str | None


@dataclass(frozen=True)
class Route:
    """
    A dataflow and the dataset that it writes to; ``None`` for values that the service does not show.

    :param flow: the dataflow.
    :param url: the platform's URL.
    :param org_id: id of the organisation.
    :param sandbox: name of the sandbox.
    :param dataset_id: id of the dataset.
    :param dataset_name: the dataset's name.
    :param schema_id: id of the dataset's schema.
    :param problems: the errors of objects that could not be read, for the log.
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
        """The ids and names of the dataflow and the dataset."""
        return Names(self.flow.id, self.flow.name, self.dataset_id, self.dataset_name)


@dataclass(frozen=True)
class Tables:
    """
    The source table and the dataset of a route, and the mapping between them.

    :param vendor: the source's vendor, such as ``paypal``; ``None`` if the provider does not know the source.
    :param connection_id: id of the base connection, which represents an account at the vendor.
    :param source: the vendor's table.
    :param target: the dataset.
    :param mapped: the dataset's fields that are mapped.
    :param problems: the errors of objects that could not be read, for the log.
    """

    vendor: str | None
    connection_id: str | None
    source: Table | None
    target: Table | None
    mapped: tuple[MappedField, ...]
    problems: tuple[str, ...]


class _Reader:
    """Reads objects, and collects the errors of those that cannot be read."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, read: Callable[[], Read], default: Read) -> Read:
        """Return the result of ``read``, or ``default`` after an error."""
        try:
            return read()
        except PlatformError as error:
            self.problems.append(str(error))
            return default


def read_route(client: Client, flow_id: str, seen: FlowParts | None = None) -> Route:
    """
    Read the dataset that a dataflow writes to.

    :param seen: the dataflow, if a poll has read it already.
    """
    reader, nothing = _Reader(), dict[str, Any]()
    flow = seen if seen and seen.id == flow_id else None
    if flow is None:
        item = reader.read(lambda: flow_service.item(client, "flows", flow_id), {"id": flow_id})
        flow = FlowParts.of_item(item)
    target_id = flow.target_connection_id
    target = reader.read(lambda: _connection(client, "targetConnections", target_id), nothing)
    dataset_id = readers.text(readers.at(target, "params", "dataSetId"))
    dataset = reader.read(lambda: catalog.dataset(client, dataset_id) if dataset_id else nothing, nothing)
    return Route(
        flow=flow,
        url=client.url,
        org_id=client.org_id,
        sandbox=client.sandbox,
        dataset_id=dataset_id,
        dataset_name=readers.text(dataset.get("name")),
        schema_id=readers.text(readers.at(target, "data", "schema", "id")),
        problems=tuple(reader.problems),
    )


def read_tables(reads: Reads, route: Route) -> Tables:
    """Read the source connection, mapping set and schema of a route, for lineage."""
    reader, nothing, flow = _Reader(), dict[str, Any](), route.flow
    no_fields: tuple[MappedField, ...] = ()
    source = reader.read(lambda: _connection(reads, "sourceConnections", flow.source_connection_id), nothing)
    mapped = reader.read(lambda: tuple(_mapped_fields(_mapping_set(reads, flow))), no_fields)
    schema = reader.read(lambda: _schema(reads, route.schema_id), nothing)
    spec = readers.at(source, "connectionSpec", "id")
    fields = tuple(_fields(schema))[:MAX_FIELDS]
    return Tables(
        vendor=next((name for name, vendor in SOURCES.items() if vendor.spec_id == spec), None),
        connection_id=readers.text(source.get("baseConnectionId")),
        source=_source_table(source),
        target=Table(route.dataset_id, fields) if route.dataset_id else None,
        mapped=mapped,
        problems=tuple(reader.problems),
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


def _mapped_fields(mapping_set: Json) -> Iterator[MappedField]:
    if not mapping_set:
        return
    for kind, source, destination in mapping_meaning(Fields("mapping set", mapping_set))["mappings"]:
        if not source or not destination:
            continue
        if kind == "ATTRIBUTE":
            yield MappedField(destination, (source,), None)
        else:
            yield MappedField(destination, tuple(attributes_read(source)) if kind == "EXPRESSION" else (), source)


def _fields(node: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str | None]]:
    """Yield the path and type of each field of a schema that holds values; ``[*]`` stands for an array's items."""
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
