"""
A definition: a dataflow as a team writes it down, in YAML or as a Python value with the same checks.

What nobody writes is used for a creation and compared with nothing. Formats of the services stand in
:mod:`..resources`; here is only what people write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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
from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_time
from airflow_provider_payments.aep.resources import schedule as schedules
from airflow_provider_payments.aep.resources.converters import named
from airflow_provider_payments.aep.resources.data_prep import FieldMapping
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn as NewRows
from airflow_provider_payments.aep.resources.flow_service import FORMATS
from airflow_provider_payments.aep.resources.sources import SOURCES

__all__ = ["Connection", "Dataset", "Definition", "DeltaColumn", "Schedule", "Schema", "Source"]

VERSION = 1


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


def _to_connection(value: object) -> Connection:
    return value if isinstance(value, Connection) else Connection(name=to.to_optional_name(to.to_text(value)))


def _from_connection(connection: Connection) -> Any:
    written = write_value(connection)
    return connection.name if list(written) == ["name"] else written


@attrs.frozen(kw_only=True, field_transformer=named)
class Source(Checked):
    """The data to read."""

    vendor: str = attrs.field(
        converter=to.to_vendor, metadata=member("Whose data it is.", {"type": "string", "enum": list(SOURCES)})
    )
    connection: Connection = attrs.field(
        converter=_to_connection,
        metadata=member(
            "The vendor account's base connection: its name, or an object.",
            TEXT,
            nested=Connection,
            write=_from_connection,
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


def _to_source(value: object) -> Source:
    if not isinstance(value, Source):
        raise InvalidInputError("", value, "it must be an object with `vendor`, `connection` and `table` or `resource`")
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
            {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "object"]}},
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


@attrs.frozen(kw_only=True, field_transformer=named)
class Dataset:
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
            "Tags that it has at least.", {"type": "object", "additionalProperties": TEXTS}, each=to.to_texts
        ),
    )


def _to_schema(value: object) -> Schema | str:
    return value if isinstance(value, Schema) else to.to_text(value)


def _to_dataset(value: object) -> Dataset | str:
    return value if isinstance(value, Dataset) else to.to_text(value)


def _from_reference(value: Schema | Dataset | str) -> Any:
    return value if isinstance(value, str) else write_value(value)


@attrs.frozen(kw_only=True, field_transformer=named)
class DeltaColumn:
    """The column by which new rows are told from those already read."""

    name: str = attrs.field(converter=to.to_text, metadata=member("Its name.", TEXT))
    format: str | None = attrs.field(
        default=None,
        converter=to.to_optional_text,
        metadata=member(f"A Java pattern. Default: {NewRows.DATE_FORMAT}.", TEXT),
    )
    timezone: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member(f"Default: {NewRows.TIMEZONE}.", TEXT)
    )


def _to_delta_column(value: object) -> DeltaColumn | None:
    if value is None or isinstance(value, DeltaColumn):
        return value
    return DeltaColumn(name=to.to_text(value))


def _from_delta_column(column: DeltaColumn) -> Any:
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


def _to_schedule(value: object) -> Schedule:
    return value if isinstance(value, Schedule) else Schedule(every=to.to_every(to.to_text(value)))


def _from_schedule(schedule: Schedule) -> Any:
    written = write_value(schedule)
    return f"every {(schedule.every or '').removeprefix('every ')}" if list(written) == ["every"] else written


@attrs.frozen(kw_only=True, field_transformer=named)
class Definition(Checked):
    """
    A dataflow as somebody wants it, with all that it needs.

    :raises InvalidInputError: naming the member that is not allowed, and what is.
    """

    name: str = attrs.field(
        converter=to.to_name, metadata=member("The dataflow's name, by which it is found in the sandbox.", TEXT)
    )
    description: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member("Free text. Compared where written.", TEXT)
    )
    previous_names: tuple[str, ...] = attrs.field(
        default=(),
        converter=to.to_names,
        metadata=member("What it was called before: it is renamed, not created.", TEXTS, each=to.to_name),
    )
    id: str | None = attrs.field(
        default=None,
        converter=to.to_optional_id,
        metadata=member("The dataflow's id, whatever it is called; it holds in one sandbox only.", TEXT),
    )
    manage_unmarked: bool = attrs.field(
        default=False,
        converter=to.to_flag,
        metadata=member("Whether objects that nobody marked may be changed. Default: false.", FLAG),
    )
    enabled: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether it runs. Default: it is created enabled, and left disabled where it is.", FLAG),
    )
    allow_second_reader: bool = attrs.field(
        default=False,
        converter=to.to_flag,
        metadata=member("Whether it may read what another dataflow reads into the same dataset.", FLAG),
    )
    source: Source = attrs.field(converter=_to_source, metadata=member("The data to read.", nested=Source))
    schema: Schema | str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(_to_schema),
        metadata=member(
            "The target schema: title or $id of one that is there, or an object that says what it is.",
            TEXT,
            nested=Schema,
            write=_from_reference,
        ),
    )
    dataset: Dataset | str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(_to_dataset),
        metadata=member(
            "The dataset: name or id of one that is there, or an object that says what it is.",
            TEXT,
            nested=Dataset,
            write=_from_reference,
        ),
    )
    target_name: str | None = attrs.field(
        default=None,
        converter=to.to_optional_name,
        metadata=member("The target connection's name when it is created. Default: `<name> - target`.", TEXT),
    )
    mappings: tuple[FieldMapping, ...] = attrs.field(
        converter=to.to_mappings,
        metadata=member(
            "Destination -> column, {expression: ...} or {value: ...}. A destination is a field of the team's own; one "
            "that begins with _ stands as it is, xdm: begins a standard path.",
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "type": ["string", "object"],
                    "maxProperties": 1,
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {"expression": TEXT, "value": TEXT},
                },
            },
            each=to.to_mapped,
            write=to.from_mappings,
        ),
    )
    delta_column: DeltaColumn | None = attrs.field(
        default=None,
        converter=_to_delta_column,
        metadata=member(
            "By which new rows are told: a column's name, or an object. Required for a table that is read "
            "more than once.",
            TEXT,
            nested=DeltaColumn,
            write=_from_delta_column,
        ),
    )
    schedule: Schedule = attrs.field(
        factory=Schedule,
        converter=_to_schedule,
        metadata=member(
            "`once` (the default), an interval such as `every 30 minutes`, or an object.",
            TEXT,
            nested=Schedule,
            write=_from_schedule,
        ),
    )
    tolerance: str | None = attrs.field(
        default=None,
        converter=to.to_percent,
        metadata=member(
            "The share of bad rows below which the others still land, such as 5%. Default: none.",
            TEXT,
        ),
    )
    error_diagnostics: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether bad rows are kept for download. Default: the service's.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        if self.name in self.previous_names:
            yield Issue(("previous_names",), self.name, "its name of now is none of its previous ones")
        yield from self._delta_column_issues()
        yield from self._column_issues()
        yield from self._destination_issues()
        if self.tolerated_percent and self.error_diagnostics is False:
            allowed = "with a tolerance the service keeps bad rows anyway"
            yield Issue(("error_diagnostics",), False, allowed)
        if self.schema_title and self.schema_title == self.field_group_title:
            yield Issue(("schema", "field_group"), self.field_group_title, "another title than the schema's")

    def _delta_column_issues(self) -> Iterator[Issue]:
        once, tabular = self.schedule.every is None, self.source.resource is None
        if self.delta_column and (once or not tabular):
            why = "where it runs once" if once else "with a `resource`"
            yield Issue(("delta_column",), self.delta_column.name, f"leave it out {why}")
        if not self.delta_column and tabular and not once:
            yield Issue(("delta_column",), None, "it must be given for a table that is read more than once")

    def _column_issues(self) -> Iterator[Issue]:
        """Hold mapped columns and the delta column against the columns that are read."""
        columns = self.source.columns
        if columns is None:
            return
        read: dict[tuple[str, ...], str] = {
            ("mappings", to.written_destination(m.destination)): m.source
            for m in self.mappings
            if m.source_type == "ATTRIBUTE"
        }
        if self.delta_column:
            read[("delta_column",)] = self.delta_column.name
        for steps, column in read.items():
            if column not in columns:
                yield Issue(steps, column, f"'{column}' is not among source.columns{did_you_mean(column, columns)}")

    def _destination_issues(self) -> Iterator[Issue]:
        seen: dict[str, str] = {}
        fields = self.schema.fields if isinstance(self.schema, Schema) else None
        for mapping in self.mappings:
            written = to.written_destination(mapping.destination)
            steps = ("mappings", written)
            if mapping.destination in seen:
                yield Issue(steps, written, "each destination only once")
            seen[mapping.destination] = written
            own = to.own_field(mapping.destination)
            if fields is not None and own is not None and not _holds(fields, own):
                yield Issue(steps, written, f"'{own}' is not among schema.fields{did_you_mean(own, fields)}")

    @property
    def tolerated_percent(self) -> float | None:
        """The tolerated share of bad rows; ``None`` where nobody wrote one."""
        return None if self.tolerance is None else float(self.tolerance.removesuffix("%"))

    @property
    def flow_spec(self) -> str:
        """The flow spec's name."""
        return self.source.flow_spec or SOURCES[self.source.vendor].flow_spec

    @property
    def schema_title(self) -> str | None:
        """The title of the schema that is described; ``None`` where one is referred to, by itself or by its dataset."""
        if isinstance(self.schema, str) or (self.schema is None and isinstance(self.dataset, str)):
            return None
        return (self.schema.title if self.schema else None) or self.name

    @property
    def field_group_title(self) -> str | None:
        """The title of the field group that holds the described fields; ``None`` where a schema is referred to."""
        if self.schema_title is None or isinstance(self.schema, str):
            return None
        return (self.schema.field_group if self.schema else None) or f"{self.schema_title} - fields"

    @property
    def dataset_name(self) -> str | None:
        """The name of the dataset that is described; ``None`` where one is referred to."""
        if isinstance(self.dataset, str):
            return None
        return (self.dataset.name if self.dataset else None) or self.name

    def to_yaml(self) -> str:
        """Return it as a file's text: what was written, nothing that is a default."""
        from airflow_provider_payments.aep.dataflows.yamltext import write_yaml

        return write_yaml({"version": VERSION} | write_value(self))


def _holds(fields: Mapping[str, Any], path: str) -> bool:
    """Whether a path is one of the fields, or leads into one that is an object, an array or a map."""
    plain = path.split("[", 1)[0]
    return any(plain == field or plain.startswith(f"{field}.") for field in fields)
