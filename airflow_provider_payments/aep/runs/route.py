"""
Where a dataflow's rows come from and go to: what reports say besides a flow run.

Objects are read once, by their ids: the dataflow and its target connection, and for lineage also its source connection,
its mapping set and the schema. Nothing is decided on them: what the service does not show, or shows garbled, is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import data_prep, flow_service, schema_registry
from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.data_prep import mapping_meaning
from airflow_provider_payments.aep.resources.expressions import attributes_read
from airflow_provider_payments.aep.resources.live_dataflow import mapping_used
from airflow_provider_payments.aep.resources.sources import SOURCES

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
    What a dataflow reads and writes.

    :param flow: the dataflow.
    :param org_id: the organisation.
    :param sandbox: the sandbox.
    :param dataset_id: the dataset that rows go to.
    :param schema_id: the dataset's schema.
    """

    flow: Json
    org_id: str
    sandbox: str
    dataset_id: str | None
    schema_id: str | None

    @property
    def flow_name(self) -> str | None:
        """The dataflow's name."""
        return readers.text(self.flow.get("name"))


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


def read_route(client: Client, flow_id: str) -> Route:
    """
    Read a dataflow and its target connection.

    :raises RequestError: if the service does not show them.
    """
    flow = flow_service.item(client, "flows", flow_id)
    target = _referred(client, flow, "targetConnections", "targetConnectionIds")
    return Route(
        flow,
        client.org_id,
        client.sandbox,
        readers.text(readers.at(target, "params", "dataSetId")),
        readers.text(readers.at(target, "data", "schema", "id")),
    )


def read_tables(reads: Reads, route: Route) -> Tables:
    """Read what else lineage says of a route: source connection, mapping set and schema."""
    problems: list[str] = []
    nothing: Json = {}
    no_fields: tuple[Mapped, ...] = ()

    def tried(read: Callable[[], Read], otherwise: Read) -> Read:
        try:
            return read()
        except PlatformError as error:
            problems.append(str(error))
            return otherwise

    source = tried(lambda: _referred(reads, route.flow, "sourceConnections", "sourceConnectionIds"), nothing)
    mapped = tried(lambda: tuple(_mapped(_mapping_set(reads, route.flow))), no_fields)
    schema = tried(lambda: _schema(reads, route.schema_id), nothing)
    spec = readers.at(source, "connectionSpec", "id")
    fields = tuple(_fields(schema))[:MAX_FIELDS]
    return Tables(
        vendor=next((name for name, vendor in SOURCES.items() if vendor.spec_id == spec), None),
        connection_id=readers.text(source.get("baseConnectionId")),
        source=_source_table(source),
        target=Table(route.dataset_id, fields) if route.dataset_id else None,
        mapped=mapped,
        problems=tuple(problems),
    )


def _referred(reads: Reads, flow: Json, collection: str, member: str) -> Json:
    """Return the one object to which a member of a dataflow refers; an empty one where it refers to no single."""
    ids = [found for each in readers.sequence(flow.get(member)) if (found := readers.text(each))]
    return flow_service.item(reads, collection, ids[0]) if len(ids) == 1 else {}


def _mapping_set(reads: Reads, flow: Json) -> Json:
    used = mapping_used(Fields("dataflow", flow))
    return data_prep.mapping_set(reads, *used) if used else {}


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
