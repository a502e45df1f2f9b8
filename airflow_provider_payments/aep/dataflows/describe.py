"""
Description of an existing dataflow as a definition.

The definition leaves out default values, and a plan of it shows no change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows import converters as to
from airflow_provider_payments.aep.dataflows.definition import (
    Connection,
    Dataset,
    Definition,
    DeltaColumn,
    Identity,
    Schedule,
    Schema,
    Source,
)
from airflow_provider_payments.aep.dataflows.omissions import omissions, unknown_transformations
from airflow_provider_payments.aep.dataflows.sandbox import Parts, Sandbox, base_and_place, name_of
from airflow_provider_payments.aep.dataflows.snapshot import FLOW_SPEC
from airflow_provider_payments.aep.dataflows.yamlfile import JINJA
from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.readers import mapping, text
from airflow_provider_payments.aep.resources import catalog
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import (
    MAPPING_SET,
    SOURCE_TYPES,
    TENANT_PLACEHOLDER,
    FieldMapping,
    mapping_meaning,
)
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn as ServiceDeltaColumn
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, source_meaning
from airflow_provider_payments.aep.resources.identity import field_path, is_primary, namespace_of
from airflow_provider_payments.aep.resources.live_dataflow import read_dataflow
from airflow_provider_payments.aep.resources.profile import IDENTITY_MAP, is_in_profile
from airflow_provider_payments.aep.resources.schema_registry import FIELD_TYPES, SCHEMA
from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.services import PROFILE_CLASS, Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["DataflowDescription", "NotExpressibleError", "vendor_of"]

#: Keywords of a field that a definition contains; titles, and keywords that the registry adds, are not compared.
_KEYWORDS = (
    *("type", "format", "enum", "meta:enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "required"),
    *("items", "properties", "additionalProperties"),
)


class NotExpressibleError(PlatformError):
    """A dataflow that cannot be expressed as a definition."""


def vendor_of(source: RemoteObject) -> str | None:
    """Return the vendor of a source connection; ``None`` if it is not a payments source."""
    spec_id = mapping(source.item.get("connectionSpec")).get("id")
    return next((name for name, source in SOURCES.items() if source.spec_id == spec_id), None)


@dataclass(frozen=True)
class _CompleteParts:
    """The parts of a dataflow, none of them missing."""

    dataflow: RemoteObject
    source: RemoteObject
    base: RemoteObject
    target: RemoteObject
    dataset: RemoteObject
    schema: RemoteObject
    mapping_set: RemoteObject


def _complete(parts: Parts) -> _CompleteParts:
    found = {name: getattr(parts, name) for name in ("source", "base", "target", "dataset", "mapping_set")}
    for name, part in found.items():
        if part is None:
            raise NotExpressibleError(
                f"it has no {name.replace('base', 'base connection').replace('_', ' ')}, or several of them"
            )
    if parts.schema is None:
        raise NotExpressibleError("the schema of its dataset is not a custom schema")
    return _CompleteParts(dataflow=parts.dataflow, schema=parts.schema, **found)


class DataflowDescription:
    """
    One dataflow, described as a definition.

    :param parts: the objects that the dataflow refers to.
    :param manage_schema: whether the definition describes schema and dataset, instead of referring to them.
    :raises NotExpressibleError: if the dataflow is a draft or lacks a part.
    :raises UnreadableError: if the dataflow cannot be understood.
    """

    def __init__(self, sandbox: Sandbox, parts: Parts, *, manage_schema: bool) -> None:
        self.sandbox, self.manage_schema = sandbox, manage_schema
        self.dataflow = read_dataflow(DATAFLOW.fields_of(parts.dataflow))
        if self.dataflow["state"] == "draft":
            raise NotExpressibleError("it is a draft")
        if unknown := unknown_transformations(parts.dataflow):
            raise NotExpressibleError(f"it has a transformation of an unknown kind ({', '.join(unknown)})")
        self.parts = _complete(parts)
        #: Comments for the reader of the file.
        self.comments: list[str] = list(omissions(parts.dataflow, self.parts.source, self.parts.target))

    def file(self, defaults: Mapping[str, Any]) -> str:
        """
        Return the definition as a file's text, with comments on top.

        :param defaults: the defaults of the project file that will apply to the file.
        :raises NotExpressibleError: with the reason, if the format cannot express the dataflow.
        :raises UnreadableError: if a part of the dataflow cannot be understood.
        """
        try:
            definition = self._definition(self.parts)
        except InvalidInputError as error:
            raise NotExpressibleError(f"a definition cannot express it: {error.field}: {error.allowed}") from None
        text = definition.to_yaml(defaults)
        if JINJA.search(text):
            raise NotExpressibleError("a text of it contains `{{` or `{%`, which a definition rejects as Jinja")
        return "".join(f"# {' '.join(comment.split())}\n" for comment in self.comments) + text

    def _definition(self, parts: _CompleteParts) -> Definition:
        named = self._name_and_id(name_of(parts.dataflow))
        once = self.dataflow["scheduleParams.frequency"] == "once"
        percent, diagnostics = (
            self.dataflow[f"options.{name}"] for name in ("partialIngestionPercent", "errorDiagnosticsEnabled")
        )
        mark = DATAFLOW.mark_of(parts.dataflow)
        return Definition(
            **named,
            description=self._description(),
            manage_unmarked=mark is None,
            enabled=False if self.dataflow["state"] == "disabled" else None,
            allow_second_reader=self._has_other_readers(parts.source, parts.dataset),
            source=self._source(parts.source, parts.base),
            **(self._described_target(str(named["name"])) if self.manage_schema else self._referred_target()),
            mappings=self._mappings(),
            delta_column=None if once else self._delta_column(),
            schedule=self._schedule(),
            tolerance=f"{percent:g}%" if percent else None,
            error_diagnostics=True if diagnostics and not percent else None,
        )

    def _description(self) -> str | None:
        found: str | None = self.dataflow["description"]
        if not found or not found.strip():
            return None
        if not JINJA.search(found):
            return found
        self.comments.append(
            "its description is left out: it contains `{{` or `{%`, which a definition rejects as Jinja"
        )
        return None

    def _name_and_id(self, live_name: str) -> Json:
        """Return the name, and the id too if the name does not identify the dataflow."""
        try:
            name, problem = to.to_name(live_name), ""
        except InvalidInputError as error:
            name = "".join(letter if letter.isalnum() or letter in "-_." else " " for letter in live_name)
            problem = f"its name {live_name!r} is not allowed in a definition ({error.allowed})"
        if not problem and len(self.sandbox.named(live_name)) == 1:
            return {"name": name}
        self.comments.append(problem or "several dataflows have this name")
        self.comments.append("the id identifies the dataflow; it is valid in this sandbox only")
        cleaned = " ".join(name.split())[: to.MAX_NAME - 9].strip() or "dataflow"
        return {"name": f"{cleaned} {self.parts.dataflow.id[:8]}", "id": self.parts.dataflow.id}

    def _has_other_readers(self, source: RemoteObject, dataset: RemoteObject) -> bool:
        base, place = base_and_place(source)
        others = len(self.sandbox.readers_of(base or "", place or "", dataset.id)) > 1
        if others:
            self.comments.append(
                "another dataflow reads the same data into the same dataset: each row is ingested twice"
            )
        return others

    # ---- source ----------------------------------------------------------------------------------------------------

    def _source(self, source: RemoteObject, base: RemoteObject) -> Source:
        vendor = vendor_of(source) or ""
        fields = SOURCE_CONNECTION.fields_of(source)
        params = {key: fields.text("params", key) for key in ("tableName", "path", "resourcePath")}
        columns = source_meaning(fields)["params.columns"]
        if columns and not set(self._columns_used()) <= set(columns):
            self.comments.append(
                "its source connection does not list every column that the dataflow uses, so its columns are left out"
            )
            columns = []
        return Source(
            vendor=vendor,
            connection=self._connection(base),
            table=params["tableName"],
            resource=params["resourcePath"],
            path=params["path"],
            format=fields.text("data", "format") if params["path"] else None,
            columns=columns if columns and params["tableName"] else None,
            flow_spec=self._flow_spec(vendor),
        )

    def _connection(self, base: RemoteObject) -> Connection:
        name, spec = name_of(base), mapping(base.item.get("connectionSpec")).get("id")
        alike = [
            each
            for each in BASE_CONNECTION.list_all(self.sandbox.snapshot)
            if name_of(each) == name and mapping(each.item.get("connectionSpec")).get("id") == spec
        ]
        try:
            if len(alike) == 1:
                return Connection(name=name)
        except InvalidInputError:
            pass
        self.comments.append(
            "the base connection is given by its id, because its name is ambiguous; the id is valid in one sandbox only"
        )
        return Connection(id=base.id)

    def _columns_used(self) -> Iterator[str]:
        yield from (m.source for m in self._mappings() if m.source_type == "ATTRIBUTE")
        if self.dataflow["scheduleParams.frequency"] != "once" and self.dataflow["deltaColumn.name"]:
            yield self.dataflow["deltaColumn.name"]

    def _flow_spec(self, vendor: str) -> str | None:
        for item in self.sandbox.snapshot.items(FLOW_SPEC):
            if item.get("id") == self.dataflow["flowSpec.id"]:
                name = text(item.get("name"))
                return None if name == SOURCES[vendor].flow_spec else name
        return None

    # ---- target ----------------------------------------------------------------------------------------------------

    def _referred_target(self) -> Json:
        schema, dataset = self.parts.schema, self.parts.dataset
        name = name_of(dataset)
        alike = [each for each in DATASET.list_all(self.sandbox.snapshot) if name_of(each) == name]
        if len(alike) != 1:
            self.comments.append(
                "the dataset is given by its id, because its name is ambiguous; the id is valid in one sandbox only"
            )
        return {"schema": name_of(schema, "title") or schema.id, "dataset": name if len(alike) == 1 else dataset.id}

    def _described_target(self, name: str) -> Json:
        schema, dataset = self.parts.schema, self.parts.dataset
        title, item = name_of(schema, "title"), SCHEMA.fields_of(schema)
        references = [entry.text("$ref") or "" for entry in item.each("allOf")]
        groups = self.sandbox.field_groups(schema)
        class_id = item.text("meta:class") or next(iter(references), PROFILE_CLASS)
        further = [each for each in references if each not in (class_id, *(group.id for group in groups))]
        fields = {path: node for group in groups for path, node in _leaves(self.sandbox.own_fields(group))}
        own = name_of(groups[0], "title") if groups else None
        identity = self._identity(schema)
        in_profile = self._is_in_profile(schema, dataset, identity, further)
        described = Schema(
            title=None if title == name else title,
            class_=None if class_id == PROFILE_CLASS else class_id,
            fields=fields or None,
            field_group=None if own == f"{title} - fields" else own,
            field_groups=further,
            identity=identity,
            profile=True if in_profile else None,
        )
        live, profile = name_of(dataset), True if in_profile and catalog.is_in_profile(dataset) else None
        return {"schema": described, "dataset": Dataset(name=None if live == name else live, profile=profile)}

    def _is_in_profile(
        self, schema: RemoteObject, dataset: RemoteObject, identity: Identity | None, groups: list[str]
    ) -> bool:
        """Return whether the schema is in Profile and a definition can express this."""
        identified = identity is not None and identity.primary
        if is_in_profile(schema) and (identified or IDENTITY_MAP in groups):
            return True
        if is_in_profile(schema) or catalog.is_in_profile(dataset):
            self.comments.append("`profile: true` is left out, because its schema has no primary identity to write")
        return False

    def _identity(self, schema: RemoteObject) -> Identity | None:
        """Return the schema's identity; a definition has only one."""
        found = self.sandbox.identities_of(schema.id)
        if not found:
            return None
        if len(found) > 1:
            self.comments.append("its schema has several identities; a definition contains only one of them")
        namespace = namespace_of(found[0])
        if namespace is None:
            self.comments.append("the identity of its schema is left out, because its namespace has no code")
            return None
        place = self._place(field_path(found[0]).removeprefix("/").replace("/", "."))
        primary = True if is_primary(found[0]) else None
        return Identity(field=to.from_destination(place), namespace=namespace, primary=primary)

    def _place(self, path: str) -> str:
        """Return the path of a field with a placeholder for the tenant's namespace."""
        namespace = f"{self.sandbox.namespace}."
        return f"_{TENANT_PLACEHOLDER}.{path.removeprefix(namespace)}" if path.startswith(namespace) else path

    # ---- mappings, delta column and schedule -----------------------------------------------------------------------

    def _mappings(self) -> tuple[FieldMapping, ...]:
        found = []
        for kind, source, destination in mapping_meaning(MAPPING_SET.fields_of(self.parts.mapping_set))["mappings"]:
            if kind not in SOURCE_TYPES or destination is None or (source is None and kind != "STATIC"):
                raise NotExpressibleError(f"its mapping set contains a mapping of an unknown type ({kind})")
            found.append(FieldMapping(source or "", self._place(destination), kind))
        if not found:
            raise NotExpressibleError("its mapping set is empty")
        return tuple(sorted(found, key=lambda each: to.from_destination(each.destination)))

    def _delta_column(self) -> DeltaColumn | None:
        name, form, zone = (self.dataflow[f"deltaColumn.{key}"] for key in ("name", "dateFormat", "timezone"))
        if name is None:
            return None
        return DeltaColumn(
            name=name,
            format=None if form == ServiceDeltaColumn.DATE_FORMAT else form,
            timezone=None if zone == ServiceDeltaColumn.TIMEZONE else zone,
        )

    def _schedule(self) -> Schedule:
        frequency, interval = (self.dataflow[f"scheduleParams.{key}"] for key in ("frequency", "interval"))
        if frequency == "once":
            return Schedule()
        every = str(frequency) if interval in (1, None) else f"{interval} {frequency}s"
        return Schedule(every=every, backfill=None if self.dataflow["scheduleParams.backfill"] else False)


def _leaves(node: Fields, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each field's path, with its type or, if it has more keywords than a type, its JSON schema."""
    for name, found in node.mapping("properties").items():
        inner = Fields.of(f"{path}{name}", found)
        if inner.mapping("properties"):
            yield from _leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", _written(inner.item)


def _written(node: Mapping[str, Any]) -> Any:
    schema = _schema(node)
    formats = ("date", "date-time", "time", "uri", "email")
    kind = schema.get("format") if schema.get("format") in formats else schema.get("type")
    return kind if set(schema) <= {"type", "format"} and kind in FIELD_TYPES else schema


def _inner(keyword: str, value: Any) -> Any:
    if keyword in ("items", "additionalProperties") and isinstance(value, Mapping):
        return _schema(value)
    if keyword == "properties":
        return {name: _schema(mapping(inner)) for name, inner in mapping(value).items()}
    return value


def _schema(node: Mapping[str, Any]) -> Json:
    return {keyword: _inner(keyword, node[keyword]) for keyword in _KEYWORDS if node.get(keyword) not in (None, {}, [])}
