"""The parts of a definition: what to read, where it goes, when it runs."""

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
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn as NewRows
from airflow_provider_payments.aep.resources.flow_service import FORMATS
from airflow_provider_payments.aep.resources.profile import IDENTITY_MAP
from airflow_provider_payments.aep.resources.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Checked", "Connection", "Dataset", "DeltaColumn", "Identity", "Schedule", "Schema", "Source"]


class Checked:
    """A value whose members are held against each other, once each is right for itself."""

    def __attrs_post_init__(self) -> None:
        if issues := list(self.issues()):
            raise InconsistentError(issues)

    def issues(self) -> Iterator[Issue]:
        """Yield what does not go together."""
        yield from ()


@attrs.frozen(kw_only=True, field_transformer=named)
class Connection(Checked):
    """A vendor account's base connection."""

    name: str | None = attrs.field(
        default=None, converter=to.to_optional_name, metadata=member("Its name in the sandbox.", TEXT)
    )
    id: str | None = attrs.field(
        default=None,
        converter=to.to_optional_id,
        metadata=member("Its id, where a name does not tell it from others; it holds in one sandbox only.", TEXT),
    )
    airflow_conn_id: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member("The Airflow connection with the vendor's credential, from which it is created.", TEXT),
    )

    def issues(self) -> Iterator[Issue]:
        if (self.name is None) == (self.id is None):
            yield Issue((), None, "either `name` or `id` must be given")
        if self.id and self.airflow_conn_id:
            yield Issue(("airflow_conn_id",), self.airflow_conn_id, "leave it out with `id`: one of an id exists")


def to_connection(value: object) -> Connection:
    """Return a base connection, from its name too."""
    return value if isinstance(value, Connection) else Connection(name=to.to_optional_name(to.to_text(value)))


def from_connection(connection: Connection) -> Any:
    """Return a base connection as files have it."""
    written = write_value(connection)
    return connection.name if list(written) == ["name"] else written


@attrs.frozen(kw_only=True, field_transformer=named)
class Source(Checked):
    """The data to read."""

    vendor: str = attrs.field(
        converter=to.to_vendor, metadata=member("Whose data it is.", {"type": "string", "enum": list(SOURCES)})
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
        metadata=member("A table as the older documents send it, with `format`.", TEXT),
    )
    format: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member("The format of what a `path` leads to.", {"type": "string", "enum": list(FORMATS)}),
    )
    columns: tuple[str, ...] | None = attrs.field(
        default=None,
        converter=to.to_columns,
        metadata=member(
            "A table's columns to read. Default: all that it has when the connection is created.",
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
            yield Issue(("format",), self.format, "it goes with `path`, and `path` with it")
        if self.format and self.format not in FORMATS:
            yield Issue(("format",), self.format, f"one of {', '.join(FORMATS)}")
        if self.columns and not self.table:
            yield Issue(("columns",), self.columns, "only a `table` has columns to choose")

    @property
    def place(self) -> str:
        """The table, resource or path."""
        return self.table or self.resource or self.path or ""


def to_source(value: object) -> Source:
    """Return what a dataflow reads."""
    if not isinstance(value, Source):
        raise InvalidInputError("", value, "it must be an object with `vendor`, `connection` and `table` or `resource`")
    return value


@attrs.frozen(kw_only=True, field_transformer=named)
class Identity:
    """The field that tells whose a row is."""

    field: str = attrs.field(
        converter=to.to_field, metadata=member("The field, written as a destination of `mappings`.", TEXT)
    )
    namespace: str = attrs.field(
        converter=to.to_id, metadata=member("The code of its identity namespace, such as Email.", TEXT)
    )
    primary: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether it is the schema's primary identity. Default: the service's, which is no.", FLAG),
    )


def to_identity(value: object) -> Identity | None:
    """Return an identity, ``None`` where nobody wrote one."""
    if value is not None and not isinstance(value, Identity):
        raise InvalidInputError("", value, "it must be an object with `field` and `namespace`")
    return value


@attrs.frozen(kw_only=True, field_transformer=named)
class Schema(Checked):
    """The schema that the dataset follows, as it should be."""

    title: str | None = attrs.field(
        default=None, converter=to.to_optional_name, metadata=member("Default: the dataflow's name.", TEXT)
    )
    description: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member("Free text, when it is created.", TEXT)
    )
    class_: str | None = attrs.field(
        default=None,
        converter=to.to_optional_class,
        metadata=member(
            f"One of {', '.join(to.CLASSES)}, or a class's $id. Default: profile.", TEXT, write=to.from_class
        ),
    )
    fields: Mapping[str, Any] | None = attrs.field(
        default=None,
        converter=to.to_fields,
        metadata=member(
            "The team's own fields: path -> type or JSON schema. Default: those that the mappings name.",
            {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "object", "null"]}},
        ),
    )
    field_group: str | None = attrs.field(
        default=None,
        converter=to.to_optional_name,
        metadata=member("Title of the field group that holds the fields. Default: `<title> - fields`.", TEXT),
    )
    field_groups: tuple[str, ...] = attrs.field(
        default=(),
        converter=to.to_texts,
        metadata=member("Further field groups, each a title or an $id.", TEXTS, each=to.to_text),
    )
    identity: Identity | None = attrs.field(
        default=None,
        converter=to_identity,
        metadata=member("The field that tells whose a row is. Compared where written.", nested=Identity),
    )
    profile: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether its rows are part of profiles. It cannot be undone. Compared where written.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        identified = bool(self.identity and self.identity.primary) or IDENTITY_MAP in self.field_groups
        if self.profile and not identified:
            yield Issue(("profile",), True, "a schema in Profile needs an `identity` with `primary: true`")


@attrs.frozen(kw_only=True, field_transformer=named)
class Dataset(Checked):
    """The dataset that the rows go to, as it should be."""

    name: str | None = attrs.field(
        default=None, converter=to.to_optional_name, metadata=member("Default: the dataflow's name.", TEXT)
    )
    description: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member("Free text, when it is created.", TEXT)
    )
    tags: Mapping[str, tuple[str, ...]] = attrs.field(
        factory=dict,
        converter=to.to_tags,
        metadata=member(
            "Tags that it has at least.",
            {"type": "object", "additionalProperties": TEXTS | {"type": ["array", "null"]}},
            each=to.to_texts,
        ),
    )
    profile: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether its rows are part of profiles. It cannot be undone. Compared where written.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        if self.profile is not None and PROFILE_TAG in self.tags:
            yield Issue(("tags", PROFILE_TAG), self.tags[PROFILE_TAG], "leave it out with `profile`")


def to_schema(value: object) -> Schema | str:
    """Return a schema, or the title or ``$id`` of one that is referred to."""
    return value if isinstance(value, Schema) else to.to_text(value)


def to_dataset(value: object) -> Dataset | str:
    """Return a dataset, or the name or id of one that is referred to."""
    return value if isinstance(value, Dataset) else to.to_text(value)


def from_reference(value: Schema | Dataset | str) -> Any:
    """Return a schema or dataset as files have it."""
    return value if isinstance(value, str) else write_value(value)


@attrs.frozen(kw_only=True, field_transformer=named)
class DeltaColumn:
    """The column that distinguishes new rows from those already read."""

    name: str = attrs.field(converter=to.to_text, metadata=member("Its name.", TEXT))
    format: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member(f"A Java pattern. Default: {NewRows.DATE_FORMAT}.", TEXT),
    )
    timezone: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member(f"Default: {NewRows.TIMEZONE}.", TEXT)
    )


def to_delta_column(value: object) -> DeltaColumn | None:
    """Return a delta column, from its name too."""
    if value is None or isinstance(value, DeltaColumn):
        return value
    return DeltaColumn(name=to.to_text(value))


def from_delta_column(column: DeltaColumn) -> Any:
    """Return a delta column as files have it."""
    written = write_value(column)
    return column.name if list(written) == ["name"] else written


@attrs.frozen(kw_only=True, field_transformer=named)
class Schedule(Checked):
    """When the dataflow runs."""

    every: str | None = attrs.field(
        default=None,
        converter=to.to_every,
        metadata=member("Its interval, such as `30 minutes`, `1 hour` or `day`. Default: it runs once.", TEXT),
    )
    start: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member("The first run, as ISO 8601 text with an offset. Default: soon after the creation.", TEXT),
    )
    backfill: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether the first run reads all history. Default: the service's, which is yes.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        try:
            as_time("", self.start)
        except InvalidInputError as error:
            yield Issue(("start",), self.start, error.allowed)
        if self.backfill is not None and self.every is None:
            yield Issue(("backfill",), self.backfill, "leave it out where it runs once: that reads all history")

    @property
    def desired(self) -> schedules.Schedule:
        """The same in the service's words."""
        frequency, interval = to.interval(self.every) if self.every else ("once", None)
        return schedules.Schedule(
            frequency=frequency, interval=interval, start_time=as_time("start", self.start), backfill=self.backfill
        )


def to_schedule(value: object) -> Schedule:
    """Return a schedule, from its interval too."""
    return value if isinstance(value, Schedule) else Schedule(every=to.to_every(to.to_text(value)))


def from_schedule(schedule: Schedule) -> Any:
    """Return a schedule as files have it."""
    written = write_value(schedule)
    return f"every {(schedule.every or '').removeprefix('every ')}" if list(written) == ["every"] else written
