"""
Connections of Flow Service: base, source and target.

Sources: the tutorials "Create a base connection" (PayPal, Square, Stripe) and "Create a dataflow for payments sources",
old and new, and Adobe's OpenAPI file. Names are not unique: a repeated POST creates a second object of the same name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.redaction import remember
from airflow_provider_payments.aep.resources.base import Resource, without_empty
from airflow_provider_payments.aep.resources.converters import (
    ARGUMENT,
    named,
    to_column_names,
    to_content_type,
    to_id,
    to_optional_text,
)
from airflow_provider_payments.aep.resources.items import FlowServiceKind
from airflow_provider_payments.aep.resources.source_columns import (
    Column,
    actual_types,
    as_columns,
    described_column,
    user_types,
    with_explored_columns,
)
from airflow_provider_payments.aep.services import (
    ADHOC_SCHEMA_VERSION,
    DATA_LAKE_SPEC_ID,
    FLOW_SERVICE,
    SCHEMA_VERSION,
    SPEC_VERSION,
    Json,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_payments.aep.api.client import Reads
    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.resources.sources import Source

BASE_CONNECTION = FlowServiceKind(
    name="base connection",
    path=f"{FLOW_SERVICE}/connections",
    is_deletable=True,
    referrers={"sourceConnections": "baseConnectionId", "targetConnections": "baseConnectionId"},
)
DATASET_BASE_CONNECTION = replace(BASE_CONNECTION, name="dataset base connection")
SOURCE_CONNECTION = FlowServiceKind(
    name="source connection",
    path=f"{FLOW_SERVICE}/sourceConnections",
    is_deletable=True,
    referrers={"flows": "sourceConnectionIds"},
)
TARGET_CONNECTION = FlowServiceKind(
    name="target connection",
    path=f"{FLOW_SERVICE}/targetConnections",
    is_deletable=True,
    referrers={"flows": "targetConnectionIds"},
)
FORMATS = ("tabular", "delimited", "json", "parquet", "parquet_xdm")


def _columns(value: object) -> tuple[Column, ...] | None:
    return as_columns("", value)


class FlowServiceResource(Resource):
    """A resource of Flow Service, which can also be found by an object that it refers to."""

    #: A field by which lists can be filtered instead of the name, and the attribute that contains its value.
    second_key: ClassVar[tuple[str, str] | None] = None

    def search_by_second_key(self, reads: Reads) -> Iterator[RemoteObject]:
        return self._named(item for item in self._related(reads) if item.get("name") is not None)

    def _related(self, reads: Reads) -> list[Json]:
        """Return the items with the same second key, or the whole collection if the service refuses the filter."""
        filters = (f"{self.second_key[0]}=={getattr(self, self.second_key[1])}",) if self.second_key else ()
        try:
            return list(flow_service.items(reads, self.kind.collection, *filters))
        except RequestError as error:
            if not filters or error.status != 400:
                raise
            return list(flow_service.items(reads, self.kind.collection))


def spec(spec_id: str) -> Json:
    """Return the reference to a connection spec."""
    return {"id": spec_id, "version": SPEC_VERSION}


@attrs.frozen(kw_only=True, field_transformer=named)
class BaseConnection(FlowServiceResource):
    """
    A base connection: a vendor account's credential in Experience Platform.

    The service never returns the credential, so only the source, the kind of authentication and the host are compared:
    a base connection of the same name may belong to another account.

    :param source: the vendor's source from the catalogue.
    :param credential: the source's auth parameters by the service's names, such as ``clientSecret``.
    """

    kind = BASE_CONNECTION

    source: Source
    credential: Mapping[str, str] = attrs.field(repr=False)

    def check(self) -> None:
        # The host and the client id are not redacted: they are no secrets, and help to understand an error.
        remember(*(value for name, value in self.credential.items() if name not in ("host", "clientId")))
        missing = [name for name in self.source.auth_params if not self.credential.get(name)]
        if missing:
            raise InvalidInputError("credential", sorted(self.credential), f"{', '.join(missing)} must be set")

    def body(self) -> Json:
        auth = {"specName": self.source.auth_spec, "params": dict(self.credential)}
        return without_empty(
            {
                "name": self.name,
                "description": self.description,
                "auth": auth,
                "connectionSpec": spec(self.source.spec_id),
            }
        )

    def desired_fields(self) -> Json:
        return {"connectionSpec.id": self.source.spec_id, "auth.specName": self.source.auth_spec} | (
            {"auth.params.host": _host(self.credential["host"])} if "host" in self.credential else {}
        )

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        fields = self.kind.fields_of(existing)
        host = fields.text("auth", "params", "host") or self.credential.get("host")
        return {
            "connectionSpec.id": fields.text("connectionSpec", "id"),
            "auth.specName": fields.text("auth", "specName") or self.source.auth_spec,
            "auth.params.host": _host(str(host)),
        }


def _host(value: str) -> str:
    return value.split("://", 1)[-1].rstrip("/").lower()


@attrs.frozen(kw_only=True, field_transformer=named)
class DatasetBaseConnection(FlowServiceResource):
    """A connection to the data lake, which target connections need according to the oldest document only."""

    kind = DATASET_BASE_CONNECTION

    def body(self) -> Json:
        return without_empty(
            {"name": self.name, "description": self.description, "connectionSpec": spec(DATA_LAKE_SPEC_ID)}
        )

    def desired_fields(self) -> Json:
        return {"connectionSpec.id": DATA_LAKE_SPEC_ID}

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        return {"connectionSpec.id": self.kind.fields_of(existing).text("connectionSpec", "id")}


@attrs.frozen(kw_only=True, field_transformer=named)
class SourceConnection(FlowServiceResource):
    """
    A source connection: the data to read, which is a table with its columns, a path, or a REST resource.

    :param base_connection_id: id of the vendor account's base connection.
    :param spec_id: id of the source's connection spec.
    :param data_format: format of the data. Defaults to ``None``: ``tabular`` for tables, ``json`` for REST resources.
        Required with a path: ``delimited``, ``json`` or ``parquet`` for files, ``tabular`` or ``parquet_xdm`` as in the
        older documents.
    :param table: a table's path as explore returns it.
    :param columns: the table's columns: objects as explore returns them, or names, which get their types from explore
        at the creation. Defaults to ``None``: all columns that explore returns.
    :param path: a file's path, or a table's path as the older documents send it.
    :param resource_path: a REST resource, such as ``charges``.
    :param schema_id: ``$id`` of the ad-hoc schema of the older documents.
    :param schema_version: the content type by which that schema is requested.
    """

    kind = SOURCE_CONNECTION
    second_key = ("baseConnectionId", "base_connection_id")

    base_connection_id: str = attrs.field(converter=to_id)
    spec_id: str = attrs.field(converter=to_id, metadata={ARGUMENT: "connection_spec_id"})
    data_format: str | None = attrs.field(default=None, converter=to_optional_text)
    table: str | None = attrs.field(default=None, converter=to_optional_text)
    columns: tuple[Column, ...] | None = attrs.field(default=None, converter=_columns)
    path: str | None = attrs.field(default=None, converter=to_optional_text)
    resource_path: str | None = attrs.field(default=None, converter=to_optional_text)
    schema_id: str | None = attrs.field(default=None, converter=to_optional_text)
    schema_version: str = attrs.field(default=ADHOC_SCHEMA_VERSION, converter=to_content_type)

    def check(self) -> None:
        places = {"table": self.table, "path": self.path, "resource_path": self.resource_path}
        given = {name: value for name, value in places.items() if value}
        if len(given) != 1:
            raise InvalidInputError("table", given or None, f"exactly one of {', '.join(places)} must be given")
        (place,) = given
        if self.format not in FORMATS:
            raise InvalidInputError("data_format", self.data_format, f"one of {', '.join(FORMATS)}")
        if self.data_format and self._fixed_format not in (None, self.data_format):
            raise InvalidInputError("data_format", self.data_format, f"with {place} it must be {self._fixed_format!r}")
        if self.columns is not None and not self.table:
            raise InvalidInputError("columns", list(to_column_names(self.columns) or ()), "they need a table")

    @property
    def _fixed_format(self) -> str | None:
        return "tabular" if self.table else "json" if self.resource_path else None

    @property
    def format(self) -> str | None:
        """The data's format: ``data_format`` if given, else the only format of the kind of data."""
        return self.data_format or self._fixed_format

    def body(self) -> Json:
        schema = {"id": self.schema_id, "version": self.schema_version} if self.schema_id else None
        params = {
            "tableName": self.table,
            "columns": self._described_columns,
            "path": self.path,
            "resourcePath": self.resource_path,
        }
        return without_empty(
            {
                "name": self.name,
                "baseConnectionId": self.base_connection_id,
                "description": self.description,
                "data": without_empty({"format": self.format, "schema": schema}),
                "params": without_empty(params),
                "connectionSpec": spec(self.spec_id),
            }
        )

    @property
    def _described_columns(self) -> list[Json]:
        return [described_column(column) for column in self.columns or ()]

    def ready(self, reads: Reads) -> Self:
        """Return this value with the columns as explore returns them, except those that are given as objects."""
        if not self.table or (self.columns is not None and not any(isinstance(c, str) for c in self.columns)):
            return self
        explored = flow_service.columns(reads, self.base_connection_id, self.table)
        return attrs.evolve(
            self, columns=explored if self.columns is None else with_explored_columns(self.columns, explored)
        )

    def desired_fields(self) -> Json:
        fields = source_meaning(Fields(self.name, self.payload()))
        if self.columns is None:
            del fields["params.columns"]
        if self.schema_id:
            fields |= _schema_meaning(Fields(self.name, self.payload()))
        return fields | user_types(self.columns or ()) | self._extra_of(self.extra)

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        fields = self.kind.fields_of(existing)
        # A missing column counts as one difference, so its types are assumed to be equal.
        written = user_types(self.columns or ())
        types = written | actual_types(fields.each("params", "columns"), written)
        return source_meaning(fields) | _schema_meaning(fields) | types | self._extra_of(fields.item)

    def _extra_of(self, item: Mapping[str, Any]) -> Json:
        """Return the members that ``extra`` sets in ``params`` and ``data``, two objects that the service echoes."""
        fields, extra = Fields(self.name, item), Fields("extra", self.extra)
        places = [(place, name) for place in ("params", "data") for name in extra.mapping(place)]
        return {".".join(place): fields.value(*place) for place in places}

    def outputs(self, existing: RemoteObject, at: float) -> Json:
        # The answer to a creation contains no columns.
        columns = readers.mappings(readers.at(existing.item, "params", "columns")) or self._described_columns
        return {"columns": [name for c in columns if (name := readers.text(c.get("name")))] or None}


def source_meaning(fields: Fields) -> Json:
    """Return the members by which source connections are compared, from a payload or from the service's item."""
    return {
        "baseConnectionId": fields.text("baseConnectionId"),
        "connectionSpec.id": fields.text("connectionSpec", "id"),
        "data.format": fields.text("data", "format"),
        # The older documents send a table's name as `path`.
        "params.tableName": fields.text("params", "tableName") or fields.text("params", "path"),
        "params.resourcePath": fields.text("params", "resourcePath"),
        "params.columns": sorted(column.text("name") or "" for column in fields.each("params", "columns")),
    }


def _schema_meaning(fields: Fields) -> Json:
    return {
        "data.schema.id": fields.text("data", "schema", "id"),
        "data.schema.version": fields.major_version("data", "schema", "version"),
    }


@attrs.frozen(kw_only=True, field_transformer=named)
class TargetConnection(FlowServiceResource):
    """
    A target connection: the dataset to write to.

    :param dataset_id: id of the dataset.
    :param schema_id: ``$id`` of the target schema, the same as that of the dataset and the mapping set.
    :param schema_version: the content type by which the schema is requested; only its major version is compared.
    :param spec_id: id of the data lake's connection spec. The service accepts no other, although samples print others.
    :param base_connection_id: id of a dataset base connection, as in the oldest document. Defaults to ``None``: none.
    :param data_format: ``parquet_xdm`` in older documents. Defaults to ``None``: not sent.
    """

    kind = TARGET_CONNECTION
    second_key = ("params.dataSetId", "dataset_id")

    dataset_id: str = attrs.field(converter=to_id)
    schema_id: str = attrs.field(converter=to_id)
    schema_version: str = attrs.field(default=SCHEMA_VERSION, converter=to_content_type)
    spec_id: str = DATA_LAKE_SPEC_ID
    base_connection_id: str | None = attrs.field(default=None, converter=to_optional_text)
    data_format: str | None = attrs.field(default=None, converter=to_optional_text)

    def check(self) -> None:
        if self.spec_id != DATA_LAKE_SPEC_ID:
            allowed = f"only the data lake's, {DATA_LAKE_SPEC_ID}, is a target"
            raise InvalidInputError("connection_spec_id", self.spec_id, allowed)

    def body(self) -> Json:
        schema = {"id": self.schema_id, "version": self.schema_version}
        return without_empty(
            {
                "name": self.name,
                "description": self.description,
                "baseConnectionId": self.base_connection_id,
                "data": without_empty({"format": self.data_format, "schema": schema}),
                "params": {"dataSetId": self.dataset_id},
                "connectionSpec": spec(self.spec_id),
            }
        )

    def desired_fields(self) -> Json:
        fields = target_meaning(Fields(self.name, self.payload()))
        if self.data_format:
            fields["data.format"] = self.data_format
        if self.base_connection_id:
            fields["baseConnectionId"] = self.base_connection_id
        return fields

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        fields = self.kind.fields_of(existing)
        return target_meaning(fields) | {
            "data.format": fields.text("data", "format"),
            # The service may drop this member, which only the oldest document sends; then it counts as equal.
            "baseConnectionId": fields.text("baseConnectionId") or self.base_connection_id,
        }


def target_meaning(fields: Fields) -> Json:
    """Return the members by which target connections are compared, from a payload or from the service's item."""
    return {
        "params.dataSetId": fields.text("params", "dataSetId"),
        **_schema_meaning(fields),
        "connectionSpec.id": fields.text("connectionSpec", "id"),
    }
