"""The source of a verification's dataflows: a base connection, and one of its tables or REST resources."""

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

#: Maximum number of tables whose columns are read in search of a delta column.
MAX_TABLES = 5
#: The REST resource of a source without tables, and one of its attributes.
REST_RESOURCE, REST_ATTRIBUTE = "charges", "data.id"


@attrs.frozen
class SourceData:
    """
    The source of rows.

    :param base_connection_id: id of the base connection to the vendor's account.
    :param source: the vendor's source.
    :param place: the table or REST resource, as arguments of a source connection.
    :param text_column: the column that the mapping set reads.
    :param delta_column: the column by which runs recognise new rows; ``None`` for a source without tables.
    :param flow_spec: the flow spec of the dataflows.
    :param credential: the credential for further base connections. Defaults to none: the caller gave none.
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
    Return the source of rows that a base connection offers.

    :param base_connection_id: id of the base connection.
    :param credential: the credential for further base connections. Defaults to ``None``.
    :raises InvalidInputError: if the base connection is not of a payments source, or has no table with a delta column.
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
    allowed = f"one of its first {MAX_TABLES} tables must have a column with times, and another column"
    raise InvalidInputError("base_connection_id", base_connection_id, allowed)


def _is_time(column: Json) -> bool:
    kinds = (column.get("meta:xdmType"), readers.at(column, "xdm", "format"))
    return any(kind in ("date-time", "date") for kind in kinds)
