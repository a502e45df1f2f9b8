"""The parts of a definition: source, schema, dataset, delta column and schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.dataflows import converters as to
from airflow_provider_payments.aep.dataflows.members import (
    FLAG,
    TEXT,
    TEXTS,
    InconsistentError,
    Issue,
    member,
    write_value,
)
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_time
from airflow_provider_payments.aep.resources import schedule as schedules
from airflow_provider_payments.aep.resources.catalog import PROFILE_TAG
from airflow_provider_payments.aep.resources.converters import named
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn as ServiceDeltaColumn
from airflow_provider_payments.aep.resources.flow_service import FORMATS
from airflow_provider_payments.aep.resources.profile import IDENTITY_MAP
from airflow_provider_payments.aep.resources.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Checked", "Connection", "Dataset", "DeltaColumn", "Identity", "Schedule", "Schema", "Source"]


class Checked:
    """A value whose members are checked against each other, after each was checked alone."""

    def __attrs_post_init__(self) -> None:
        if issues := list(self.issues()):
            raise InconsistentError(issues)

    def issues(self) -> Iterator[Issue]:
        """Yield an issue for each member that contradicts another."""
        yield from ()


@attrs.frozen(kw_only=True, field_transformer=named)
class Connection(Checked):
    """The base connection of a vendor account."""

    name: str | None = attrs.field(
        default=None, converter=to.to_optional_name, metadata=member("The base connection's name.", TEXT)
    )
    id: str | None = attrs.field(
        default=None,
        converter=to.to_optional_id,
        metadata=member("The base connection's id, if its name is ambiguous; valid in one sandbox only.", TEXT),
    )
    airflow_conn_id: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member(
            "Id of the Airflow connection with the vendor's credential; the base connection is created with it.", TEXT
        ),
    )

    def issues(self) -> Iterator[Issue]:
        if (self.name is None) == (self.id is None):
            yield Issue((), None, "either `name` or `id` must be given")
        if self.id and self.airflow_conn_id:
            yield Issue(
                ("airflow_conn_id",), self.airflow_conn_id, "leave it out: a base connection with an `id` exists"
            )


def to_connection(value: object) -> Connection:
    """Return a base connection; text is its name."""
    return value if isinstance(value, Connection) else Connection(name=to.to_optional_name(to.to_text(value)))


def from_connection(connection: Connection) -> Any:
    """Return a base connection in the form of files."""
    written = write_value(connection)
    return connection.name if list(written) == ["name"] else written


@attrs.frozen(kw_only=True, field_transformer=named)
class Source(Checked):
    """The data to read."""

    vendor: str = attrs.field(
        converter=to.to_vendor, metadata=member("The vendor of the data.", {"type": "string", "enum": list(SOURCES)})
    )
    connection: Connection = attrs.field(
        converter=to_connection,
        metadata=member(
            "The vendor account's base connection: its name, or an object.",
            TEXT,
            nested=Connection,
            write=from_connection,
        ),
    )
    table: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member("A table of PayPal or Square.", TEXT)
    )
    resource: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member("A REST resource of Stripe, such as charges.", TEXT),
    )
    path: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member("A table in the form of Adobe's older documents, with `format`.", TEXT),
    )
    format: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member("The format of the data at `path`.", {"type": "string", "enum": list(FORMATS)}),
    )
    columns: tuple[str, ...] | None = attrs.field(
        default=None,
        converter=to.to_columns,
        metadata=member(
            "The table's columns to read. Default: all columns at the time of the connection's creation.",
            TEXTS | {"minItems": 1, "uniqueItems": True},
            each=to.to_text,
        ),
    )
    flow_spec: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member("The flow spec's name. Default: CRMToAEP for tables, RestStorageToAEP for resources.", TEXT),
    )
    name: str | None = attrs.field(
        default=None,
        converter=to.to_optional_name,
        metadata=member("The source connection's name when it is created. Default: `<name> - source`.", TEXT),
    )

    def issues(self) -> Iterator[Issue]:
        source = SOURCES[self.vendor]
        places = {name: getattr(self, name) for name in ("table", "resource", "path") if getattr(self, name)}
        if len(places) != 1:
            yield Issue((), sorted(places), "exactly one of `table`, `resource` and `path` must be given")
        if self.table and not source.tabular:
            yield Issue(("table",), self.table, f"{source.title} has REST resources: write `resource`")
        if self.resource and source.tabular:
            yield Issue(("resource",), self.resource, f"{source.title} has tables: write `table`")
        if bool(self.path) != bool(self.format):
            yield Issue(("format",), self.format, "`path` and `format` must be given together")
        if self.format and self.format not in FORMATS:
            yield Issue(("format",), self.format, f"one of {', '.join(FORMATS)}")
        if self.columns and not self.table:
            yield Issue(("columns",), self.columns, "columns can be chosen only for a `table`")

    @property
    def place(self) -> str:
        """The table, resource or path."""
        return self.table or self.resource or self.path or ""


def to_source(value: object) -> Source:
    """Return a source; no short form is accepted."""
    if not isinstance(value, Source):
        raise InvalidInputError("", value, "it must be an object with `vendor`, `connection` and `table` or `resource`")
    return value


@attrs.frozen(kw_only=True, field_transformer=named)
class Identity:
    """The field that identifies the person of a row."""

    field: str = attrs.field(
        converter=to.to_field, metadata=member("The field, in the form of a destination of `mappings`.", TEXT)
    )
    namespace: str = attrs.field(
        converter=to.to_id, metadata=member("The code of the identity namespace, such as Email.", TEXT)
    )
    primary: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether this is the schema's primary identity. Default: the service's default, false.", FLAG),
    )


def to_identity(value: object) -> Identity | None:
    """Return an identity; ``None`` if the value is ``None``."""
    if value is not None and not isinstance(value, Identity):
        raise InvalidInputError("", value, "it must be an object with `field` and `namespace`")
    return value


@attrs.frozen(kw_only=True, field_transformer=named)
class Schema(Checked):
    """The desired schema of the dataset."""

    title: str | None = attrs.field(
        default=None, converter=to.to_optional_name, metadata=member("The title. Default: the dataflow's name.", TEXT)
    )
    description: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member("Free text. Compared if written.", TEXT)
    )
    class_: str | None = attrs.field(
        default=None,
        converter=to.to_optional_class,
        metadata=member(
            f"The class: one of {', '.join(to.CLASSES)}, or a class's $id. Default: profile.",
            TEXT,
            write=to.from_class,
        ),
    )
    fields: Mapping[str, Any] | None = attrs.field(
        default=None,
        converter=to.to_fields,
        metadata=member(
            "Custom fields under the tenant's namespace: path -> type or JSON schema. Default: the fields that the "
            "mappings name.",
            {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "object", "null"]}},
        ),
    )
    field_group: str | None = attrs.field(
        default=None,
        converter=to.to_optional_name,
        metadata=member("Title of the field group with these fields. Default: `<title> - fields`.", TEXT),
    )
    field_groups: tuple[str, ...] = attrs.field(
        default=(),
        converter=to.to_texts,
        metadata=member("Further field groups, each a title or an $id.", TEXTS, each=to.to_text),
    )
    identity: Identity | None = attrs.field(
        default=None,
        converter=to_identity,
        metadata=member("The field that identifies the person of a row. Compared if written.", nested=Identity),
    )
    profile: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether its rows are part of profiles. It cannot be undone. Compared if written.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        identified = bool(self.identity and self.identity.primary) or IDENTITY_MAP in self.field_groups
        if self.profile and not identified:
            yield Issue(("profile",), True, "a schema in Profile requires an `identity` with `primary: true`")


@attrs.frozen(kw_only=True, field_transformer=named)
class Dataset(Checked):
    """The desired dataset."""

    name: str | None = attrs.field(
        default=None, converter=to.to_optional_name, metadata=member("The name. Default: the dataflow's name.", TEXT)
    )
    description: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member("Free text. Compared if written.", TEXT)
    )
    tags: Mapping[str, tuple[str, ...]] = attrs.field(
        factory=dict,
        converter=to.to_tags,
        metadata=member(
            "Required tags; the dataset may have more.",
            {"type": "object", "additionalProperties": TEXTS | {"type": ["array", "null"]}},
            each=to.to_texts,
        ),
    )
    profile: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether its rows are part of profiles. It cannot be undone. Compared if written.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        if self.profile is not None and PROFILE_TAG in self.tags:
            yield Issue(("tags", PROFILE_TAG), self.tags[PROFILE_TAG], "leave it out with `profile`")


def to_schema(value: object) -> Schema | str:
    """Return a described schema, or the title or ``$id`` of an existing schema."""
    return value if isinstance(value, Schema) else to.to_text(value)


def to_dataset(value: object) -> Dataset | str:
    """Return a described dataset, or the name or id of an existing dataset."""
    return value if isinstance(value, Dataset) else to.to_text(value)


def from_reference(value: Schema | Dataset | str) -> Any:
    """Return a schema or dataset in the form of files."""
    return value if isinstance(value, str) else write_value(value)


@attrs.frozen(kw_only=True, field_transformer=named)
class DeltaColumn:
    """The column that distinguishes new rows from rows already read."""

    name: str = attrs.field(converter=to.to_text, metadata=member("The column's name.", TEXT))
    format: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member(
            f"The format of its values, as a Java pattern. Default: {ServiceDeltaColumn.DATE_FORMAT}.", TEXT
        ),
    )
    timezone: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member(f"The timezone of its values. Default: {ServiceDeltaColumn.TIMEZONE}.", TEXT),
    )


def to_delta_column(value: object) -> DeltaColumn | None:
    """Return a delta column; text is its name."""
    if value is None or isinstance(value, DeltaColumn):
        return value
    return DeltaColumn(name=to.to_text(value))


def from_delta_column(column: DeltaColumn) -> Any:
    """Return a delta column in the form of files."""
    written = write_value(column)
    return column.name if list(written) == ["name"] else written


@attrs.frozen(kw_only=True, field_transformer=named)
class Schedule(Checked):
    """The schedule of a dataflow."""

    every: str | None = attrs.field(
        default=None,
        converter=to.to_every,
        metadata=member("The interval, such as `30 minutes`, `1 hour` or `day`. Default: one single run.", TEXT),
    )
    start: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member(
            "Time of the first run, as ISO 8601 text with an offset. Default: soon after the creation.", TEXT
        ),
    )
    backfill: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether the first run reads all history. Default: the service's default, true.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        try:
            as_time("", self.start)
        except InvalidInputError as error:
            yield Issue(("start",), self.start, error.allowed)
        if self.backfill is not None and self.every is None:
            yield Issue(("backfill",), self.backfill, "leave it out: a dataflow that runs once reads all history")

    @property
    def desired(self) -> schedules.Schedule:
        """The schedule as a value of :mod:`..resources`."""
        frequency, interval = to.interval(self.every) if self.every else ("once", None)
        return schedules.Schedule(
            frequency=frequency, interval=interval, start_time=as_time("start", self.start), backfill=self.backfill
        )


def to_schedule(value: object) -> Schedule:
    """Return a schedule; text is its interval."""
    return value if isinstance(value, Schedule) else Schedule(every=to.to_every(to.to_text(value)))


def from_schedule(schedule: Schedule) -> Any:
    """Return a schedule in the form of files."""
    written = write_value(schedule)
    return f"every {(schedule.every or '').removeprefix('every ')}" if list(written) == ["every"] else written
