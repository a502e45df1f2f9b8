"""Where source connections and dataflows of a verification read: a base connection, and a table or resource of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, find_flow_spec
from airflow_provider_payments.aep.resources.sources import SOURCES, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.services import Json

__all__ = ["SourceData", "read_source"]

#: Tables whose columns are read, until one has a time by which rows are distinguished.
MAX_TABLES = 5
#: The resource that is read of a source that offers no tables, and one of its attributes.
REST_RESOURCE, REST_ATTRIBUTE = "charges", "data.id"


@attrs.frozen
class SourceData:
    """
    Where rows come from.

    :param base_connection_id: the vendor account's base connection.
    :param source: the vendor's source.
    :param place: which of the vendor's data a source connection reads, as arguments of it.
    :param text_column: what the mapping set reads.
    :param delta_column: by which runs tell new rows; ``None`` for a source without tables.
    :param flow_spec: what a dataflow refers to.
    :param credential: what a further base connection would log in with; empty where the caller gives none.
    """

    base_connection_id: str
    source: Source
    place: Json
    text_column: str
    delta_column: DeltaColumn | None
    flow_spec: FlowSpec
    credential: Mapping[str, str] = attrs.field(factory=dict, repr=False)


def read_source(client: Client, base_connection_id: str, credential: Mapping[str, str] | None = None) -> SourceData:
    """
    Return what a base connection offers.

    :raises InvalidInputError: if it is not of a payments source, or offers nothing that a dataflow can read.
    """
    item = flow_service.item(client, "connections", base_connection_id)
    spec_id = readers.at(item, "connectionSpec", "id")
    source = next((source for source in SOURCES.values() if source.spec_id == spec_id), None)
    if source is None:
        allowed = f"the base connection of a payments source: {', '.join(SOURCES)}"
        raise InvalidInputError("base_connection_id", base_connection_id, allowed)
    place, column, delta = _table(client, base_connection_id) if source.tabular else _resource()
    flow_spec = find_flow_spec(client, source.flow_spec, source.spec_id)
    return SourceData(base_connection_id, source, place, column, delta, flow_spec, credential or {})


def _resource() -> tuple[Json, str, None]:
    return {"resource_path": REST_RESOURCE}, REST_ATTRIBUTE, None


def _table(client: Client, base_connection_id: str) -> tuple[Json, str, DeltaColumn]:
    tables = readers.mappings(flow_service.explore(client, base_connection_id))
    for table in [path for item in tables if (path := readers.text(item.get("path")))][:MAX_TABLES]:
        columns = flow_service.columns(client, base_connection_id, table)
        times = [column["name"] for column in columns if _is_time(column)]
        texts = [column["name"] for column in columns if column["name"] not in times]
        if times and texts:
            return {"table": table, "columns": columns}, texts[0], DeltaColumn(times[0])
    allowed = f"it must offer a table with a time among its first {MAX_TABLES}"
    raise InvalidInputError("base_connection_id", base_connection_id, allowed)


def _is_time(column: Json) -> bool:
    kinds = (column.get("meta:xdmType"), readers.at(column, "xdm", "format"))
    return any(kind in ("date-time", "date") for kind in kinds)
