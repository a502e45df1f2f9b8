"""
A definition: the declaration of a dataflow, in YAML or as a Python value with the same checks.

A member that is left out has a default for creations, and is not compared with existing objects. The services' own
formats are in :mod:`..resources`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.dataflows import converters as to
from airflow_provider_payments.aep.dataflows.layers import without_defaults
from airflow_provider_payments.aep.dataflows.members import FLAG, TEXT, TEXT_OR_NULL, TEXTS, Issue, member, write_value
from airflow_provider_payments.aep.dataflows.parts import (
    Checked,
    Connection,
    Dataset,
    DeltaColumn,
    Identity,
    Schedule,
    Schema,
    Source,
    from_delta_column,
    from_reference,
    from_schedule,
    to_dataset,
    to_delta_column,
    to_schedule,
    to_schema,
    to_source,
)
from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.resources.converters import named
from airflow_provider_payments.aep.resources.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_payments.aep.resources.data_prep import FieldMapping

__all__ = ["VERSION", "Connection", "Dataset", "Definition", "DeltaColumn", "Identity", "Schedule", "Schema", "Source"]

VERSION = 1


@attrs.frozen(kw_only=True, field_transformer=named)
class Definition(Checked):
    """
    A desired dataflow with the objects that it needs.

    :raises InvalidInputError: if a member is not allowed; the error names the member and the allowed values.
    """

    name: str = attrs.field(
        converter=to.to_name, metadata=member("The dataflow's name, which identifies it in the sandbox.", TEXT)
    )
    description: str | None = attrs.field(
        default=None, converter=to.to_optional_text, metadata=member("Free text. Compared if written.", TEXT)
    )
    previous_names: tuple[str, ...] = attrs.field(
        default=(),
        converter=to.to_names,
        metadata=member("Former names: a dataflow with one of these is renamed.", TEXTS, each=to.to_name),
    )
    id: str | None = attrs.field(
        default=None,
        converter=to.to_optional_id,
        metadata=member("The dataflow's id, instead of its name; valid in one sandbox only.", TEXT),
    )
    manage_unmarked: bool = attrs.field(
        default=False,
        converter=to.to_flag,
        metadata=member("Whether objects without a mark may be changed. Default: false.", FLAG),
    )
    enabled: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether the dataflow runs. Default: created enabled; a disabled one stays disabled.", FLAG),
    )
    allow_second_reader: bool = attrs.field(
        default=False,
        converter=to.to_flag,
        metadata=member("Whether the dataflow may read data that another dataflow reads into the same dataset.", FLAG),
    )
    source: Source = attrs.field(converter=to_source, metadata=member("The data to read.", nested=Source))
    schema: Schema | str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_schema),
        metadata=member(
            "The target schema: title or $id of an existing schema, or an object that describes it.",
            TEXT,
            nested=Schema,
            write=from_reference,
        ),
    )
    dataset: Dataset | str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_dataset),
        metadata=member(
            "The dataset: name or id of an existing dataset, or an object that describes it.",
            TEXT,
            nested=Dataset,
            write=from_reference,
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
            "Destination -> column, {expression: ...} or {value: ...}. A destination is a custom field under the "
            "tenant's namespace; one that begins with _ is used unchanged, xdm: begins a standard path.",
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "type": ["string", "object", "null"],
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {"expression": TEXT_OR_NULL, "value": TEXT_OR_NULL},
                },
            },
            each=to.to_mapping_source,
            write=to.from_mappings,
        ),
    )
    delta_column: DeltaColumn | None = attrs.field(
        default=None,
        converter=to_delta_column,
        metadata=member(
            "The column that identifies new rows: its name, or an object. Required for a table that is read more than "
            "once.",
            TEXT,
            nested=DeltaColumn,
            write=from_delta_column,
        ),
    )
    schedule: Schedule = attrs.field(
        factory=Schedule,
        converter=to_schedule,
        metadata=member(
            "`once` (the default), an interval such as `every 30 minutes`, or an object.",
            TEXT,
            nested=Schedule,
            write=from_schedule,
        ),
    )
    tolerance: str | None = attrs.field(
        default=None,
        converter=to.to_percent,
        metadata=member(
            "The share of bad rows below which the other rows are ingested, such as 5%; 0% removes a tolerance. "
            "Default: none.",
            TEXT,
        ),
    )
    error_diagnostics: bool | None = attrs.field(
        default=None,
        converter=to.to_optional_flag,
        metadata=member("Whether bad rows are kept for download. Default: the service's default.", FLAG),
    )

    def issues(self) -> Iterator[Issue]:
        if self.name in self.previous_names:
            yield Issue(("previous_names",), self.name, "the current name cannot be a previous one")
        yield from self._delta_column_issues()
        yield from self._column_issues()
        yield from self._destination_issues()
        yield from self._identity_issues()
        yield from self._profile_issues()
        if self.tolerated_percent and self.error_diagnostics is False:
            allowed = "leave it out: with a tolerance the service always keeps bad rows"
            yield Issue(("error_diagnostics",), False, allowed)
        if self.schema_title and self.schema_title == self.field_group_title:
            yield Issue(("schema", "field_group"), self.field_group_title, "a title that differs from the schema's")

    def _delta_column_issues(self) -> Iterator[Issue]:
        once, tabular = self.schedule.every is None, self.source.resource is None
        if self.delta_column and (once or not tabular):
            why = "if the dataflow runs once" if once else "with a `resource`"
            yield Issue(("delta_column",), self.delta_column.name, f"leave it out {why}")
        if not self.delta_column and tabular and not once:
            yield Issue(("delta_column",), None, "it must be given for a table that is read more than once")

    def _column_issues(self) -> Iterator[Issue]:
        """Yield an issue for each mapped column, and for a delta column, that is not read."""
        columns = self.source.columns
        if columns is None:
            return
        used: dict[tuple[str, ...], str] = {
            ("mappings", to.from_destination(m.destination)): m.source
            for m in self.mappings
            if m.source_type == "ATTRIBUTE"
        }
        if self.delta_column:
            used[("delta_column",)] = self.delta_column.name
        for steps, column in used.items():
            if column not in columns:
                yield Issue(steps, column, f"'{column}' is not among source.columns{did_you_mean(column, columns)}")

    def _destination_issues(self) -> Iterator[Issue]:
        seen: dict[str, str] = {}
        fields = self.schema.fields if isinstance(self.schema, Schema) else None
        for mapping in self.mappings:
            written = to.from_destination(mapping.destination)
            steps = ("mappings", written)
            if mapping.destination in seen:
                yield Issue(steps, written, "no destination may occur twice")
            seen[mapping.destination] = written
            field = to.tenant_field(mapping.destination)
            if fields is not None and field is not None and not _contains(fields, field):
                yield Issue(steps, written, f"'{field}' is not among schema.fields{did_you_mean(field, fields)}")

    def _identity_issues(self) -> Iterator[Issue]:
        """Yield an issue if the identity is a custom field that the schema will not have."""
        schema = self.schema if isinstance(self.schema, Schema) else None
        field = to.tenant_field(to.to_destination(schema.identity.field)) if schema and schema.identity else None
        if schema is None or field is None:
            return
        mapped = filter(None, (to.tenant_field(m.destination) for m in self.mappings))
        fields = dict.fromkeys(mapped) if schema.fields is None else schema.fields
        if not _contains(fields, field):
            where = "neither mapped nor among schema.fields" if schema.fields is None else "not among schema.fields"
            steps = ("schema", "identity", "field")
            yield Issue(steps, field, f"'{field}' is {where}{did_you_mean(field, fields)}")

    def _profile_issues(self) -> Iterator[Issue]:
        """Yield an issue if the dataset is to be in Profile and its described schema is not."""
        dataset, schema = self.dataset, self.schema
        is_missing = schema is None or (isinstance(schema, Schema) and not schema.profile)
        if isinstance(dataset, Dataset) and dataset.profile and is_missing:
            yield Issue(("dataset", "profile"), True, "its schema must be in Profile too: write `schema.profile: true`")

    @property
    def tolerated_percent(self) -> float | None:
        """The tolerated share of bad rows, in percent; ``None`` if the definition has no tolerance."""
        return None if self.tolerance is None else float(self.tolerance.removesuffix("%"))

    @property
    def flow_spec(self) -> str:
        """The flow spec's name."""
        return self.source.flow_spec or SOURCES[self.source.vendor].flow_spec

    @property
    def schema_title(self) -> str | None:
        """The title of the described schema; ``None`` if the definition refers to a schema or only to its dataset."""
        if isinstance(self.schema, str) or (self.schema is None and isinstance(self.dataset, str)):
            return None
        return (self.schema.title if self.schema else None) or self.name

    @property
    def field_group_title(self) -> str | None:
        """The title of the field group with the described fields; ``None`` if no schema is described."""
        if self.schema_title is None or isinstance(self.schema, str):
            return None
        return (self.schema.field_group if self.schema else None) or f"{self.schema_title} - fields"

    @property
    def dataset_name(self) -> str | None:
        """The name of the described dataset; ``None`` if the definition refers to an existing dataset."""
        if isinstance(self.dataset, str):
            return None
        return (self.dataset.name if self.dataset else None) or self.name

    def to_yaml(self, defaults: Mapping[str, Any] | None = None) -> str:
        """
        Return the definition as the text of a file, without members that have the format's default.

        :param defaults: the defaults of the project file that will apply to the file; the text sets those to ``null``
            that the definition does not have. Default: none.
        """
        from airflow_provider_payments.aep.dataflows.yamltext import write_yaml

        return write_yaml({"version": VERSION} | without_defaults(write_value(self), defaults or {}))


def _contains(fields: Mapping[str, Any], path: str) -> bool:
    """Return whether a path is one of the fields, or leads into one that is an object, an array or a map."""
    plain = path.split("[", 1)[0]
    return any(plain == field or plain.startswith(f"{field}.") for field in fields)
