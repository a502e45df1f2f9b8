"""
Mapping sets of Data Prep: the mappings of source fields to fields of a schema.

Mapping sets are found by their content, because no published answer contains their name; none can be deleted. Two
dialects are in use: the current one (``outputSchema``, ``source``, ``destination``) and that of the tutorials
(``xdmSchema``, ``sourceAttribute``, ``destinationXdmPath``). Sources: Adobe's OpenAPI file of Data Prep, the page
"Mapping sets", the tutorials.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import data_prep, schema_registry
from airflow_provider_payments.aep.api.attributes import Attributes
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import (
    as_constant,
    as_data,
    as_list,
    as_mapping,
)
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.converters import (
    named,
    to_column_names,
    to_content_type,
    to_id,
    to_optional_text,
)
from airflow_provider_payments.aep.resources.expressions import attributes_read
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
from airflow_provider_payments.aep.services import DATA_PREP, PAGE, SCHEMA_VERSION, Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client, Reads

log = logging.getLogger(__name__)
SOURCE_TYPES = ("ATTRIBUTE", "EXPRESSION", "STATIC")
DIALECTS = ("current", "legacy")
#: Placeholder of the tenant's namespace in a destination, as in Adobe's documents: ``_{TENANT_ID}.product.name``.
TENANT_PLACEHOLDER = "{TENANT_ID}"


@dataclass(frozen=True)
class FieldMapping:
    """
    The mapping of one source field, expression or constant to a field of the target schema.

    :param source: a column or path, an expression, or a constant, which may be empty, depending on ``source_type``.
    :param destination: a path in the target schema.
    :param source_type: ``ATTRIBUTE`` (a column or path), ``EXPRESSION`` or ``STATIC`` (a constant). Defaults to
        ``ATTRIBUTE``.
    :param identity: the identity flag of the tutorials, sent only in the legacy dialect, like the two arguments that
        follow. Today descriptors declare identities. Defaults to ``False``.
    :param identity_group: the kind of identity in the legacy dialect. Defaults to ``None``.
    :param namespace_code: code of the identity namespace in the legacy dialect. Defaults to ``None``.
    """

    source: str
    destination: str
    source_type: str = "ATTRIBUTE"
    identity: bool = False
    identity_group: str | None = None
    namespace_code: str | None = None

    def __post_init__(self) -> None:
        read_source = as_constant if self.source_type == "STATIC" else as_data
        read_source("mappings.source", self.source)
        as_data("mappings.destination", self.destination)
        if self.source_type not in SOURCE_TYPES:
            raise InvalidInputError("mappings.source_type", self.source_type, f"one of {', '.join(SOURCE_TYPES)}")

    @classmethod
    def parse(cls, value: object) -> FieldMapping:
        """
        Return the mapping of an object with the names of this class or of either dialect.

        :raises InvalidInputError: if a key is unknown or a value is wrong.
        """
        given = as_mapping("mappings", value)
        names = {
            "source": ("source", "sourceAttribute"),
            "destination": ("destination", "destinationXdmPath"),
            "source_type": ("source_type", "sourceType"),
            "identity": ("identity",),
            "identity_group": ("identity_group", "identityGroup"),
            "namespace_code": ("namespace_code", "namespaceCode"),
        }
        unknown = set(given) - {name for group in names.values() for name in group} - {"version"}
        if unknown:
            raise InvalidInputError("mappings", sorted(unknown), f"known keys are {', '.join(names)}")
        found = {ours: given[key] for ours, keys in names.items() for key in keys if given.get(key) is not None}
        return cls(**{"source": None, "destination": None} | found)

    def reads(self) -> list[str]:
        """Return the attributes of the source that the mapping certainly reads."""
        if self.source_type == "EXPRESSION":
            return attributes_read(self.source)
        return [self.source] if self.source_type == "ATTRIBUTE" else []

    def payload(self, dialect: str) -> Json:
        """Return the mapping in a dialect, ``current`` or ``legacy``."""
        if dialect == "current":
            return {"sourceType": self.source_type, "source": self.source, "destination": self.destination}
        return {
            "destinationXdmPath": self.destination,
            "sourceAttribute": self.source,
            "identity": self.identity,
            "identityGroup": self.identity_group,
            "namespaceCode": self.namespace_code,
            "version": 0,
        }


def _mappings(value: object) -> tuple[FieldMapping, ...]:
    if isinstance(value, str):
        value = as_mapping("mappings", value) if value.lstrip().startswith("{") else as_list("mappings", value)
    if isinstance(value, Mapping):
        value = [{"source": source, "destination": destination} for destination, source in value.items()]
    given = as_list("mappings", value)
    if not given:
        raise InvalidInputError("mappings", value, "at least one mapping")
    return tuple(m if isinstance(m, FieldMapping) else FieldMapping.parse(m) for m in given)


class MappingSetKind(Kind):
    """The kind of mapping sets, which have versions and are never deleted."""

    created_at = ("createdDate",)

    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
        return data_prep.mapping_sets(reads, name, limit)

    def read_item(self, fields: Fields) -> RemoteObject:
        fields.count("version")  # raises if the version, to which dataflows refer, is unreadable
        return super().read_item(fields)

    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        return self.read_item(self.fields_of_item(data_prep.mapping_set(reads, object_id, version)))

    def version_of(self, existing: RemoteObject) -> int:
        return self.fields_of(existing).count("version")

    def read(self, reads: Reads, existing: RemoteObject) -> RemoteObject | None:
        # A mapping set is never deleted, but a dataflow that refers to one is refused until it can be read.
        if reads.now() < existing.created + self.settle_seconds(reads):
            super().read(reads, existing)
        return existing

    def confirm(self, reads: Reads, existing: RemoteObject) -> None:
        if self.settle_seconds(reads):
            self.get(reads, existing.id, self.version_of(existing))

    def belongs_to(self, existing: RemoteObject) -> str | None:
        return schema_of(self.fields_of(existing))


MAPPING_SET = MappingSetKind(
    name="mapping set",
    path=f"{DATA_PREP}/mappingSets",
    # A duplicate does no harm, because references to either mapping set are equivalent.
    may_duplicate=False,
    carries_mark=False,
)


@attrs.frozen(kw_only=True, field_transformer=named)
class MappingSet(Resource):
    """
    A mapping set for one schema.

    :param schema_id: ``$id`` of the target schema.
    :param mappings: :class:`FieldMapping` values, objects with the same members, or one object of destination ->
        source.
    :param tenant_id: value of ``{TENANT_ID}`` in destinations. Defaults to ``None``: read from the registry if needed.
    :param source_columns: the columns of a table, among which mapped columns must be; or the attributes of a REST
        resource, of which misspellings are refused before a creation. Defaults to ``None``: unknown, no check.
    :param dialect: ``current`` or ``legacy``. Defaults to ``current``.
    :param schema_version: the content type by which the schema is requested; only its major version is compared.
    """

    kind = MAPPING_SET

    schema_id: str = attrs.field(converter=to_id)
    mappings: tuple[FieldMapping, ...] = attrs.field(converter=_mappings)
    tenant_id: str | None = attrs.field(default=None, converter=to_optional_text)
    source_columns: tuple[str, ...] | None = attrs.field(default=None, converter=to_column_names)
    dialect: str = "current"
    schema_version: str = attrs.field(default=SCHEMA_VERSION, converter=to_content_type)

    @property
    def placed_mappings(self) -> list[FieldMapping]:
        """The mappings, with the tenant's namespace in their destinations if it is known."""
        if not self.tenant_id:
            return list(self.mappings)
        namespace = self.tenant_id.removeprefix("_")
        return [replace(m, destination=m.destination.replace(TENANT_PLACEHOLDER, namespace)) for m in self.mappings]

    def check(self) -> None:
        if self.dialect not in DIALECTS:
            raise InvalidInputError("dialect", self.dialect, f"one of {', '.join(DIALECTS)}")
        mappings = self.placed_mappings
        seen: set[str] = set()
        for mapping in mappings:
            # Before the tenant is known, any namespace may be the one that the placeholder stands for.
            place = re.sub(r"^_[^.]+\.", "_.", mapping.destination) if self._needs_tenant_id else mapping.destination
            if place in seen:
                raise InvalidInputError("mappings.destination", mapping.destination, "each destination only once")
            seen.add(place)
            if self.dialect == "legacy" and mapping.source_type != "ATTRIBUTE":
                raise InvalidInputError(
                    "mappings.source_type", mapping.source_type, "the legacy dialect has ATTRIBUTE only"
                )
        known = self._attributes
        if known is None or known.is_tree:
            return
        for mapping in mappings:
            if mapping.source_type == "ATTRIBUTE" and not known.has(mapping.source):
                nearest = " or ".join(known.nearest(mapping.source))
                allowed = f"one of the source's columns: {', '.join(known.names)}"
                hint = f"did you mean {nearest}? It must be " if nearest else ""
                raise InvalidInputError("mappings.source", mapping.source, hint + allowed)

    @property
    def _attributes(self) -> Attributes | None:
        return None if self.source_columns is None else Attributes(self.source_columns)

    def _check_unknown_attributes(self) -> None:
        """
        Refuse misspelt attributes, and log a warning for other unknown ones, which the source may have.

        :raises InvalidInputError: if an unknown attribute looks like a misspelling of a known one.
        """
        known = self._attributes
        if known is None:
            return
        for mapping in self.mappings:
            for source in mapping.reads():
                if known.has(source):
                    continue
                if corrections := known.corrections(source):
                    allowed = f"did you mean {' or '.join(corrections)}? Without source_columns it is not checked"
                    raise InvalidInputError("mappings.source", mapping.source, allowed)
                nearest = f" (nearest: {', '.join(found)})" if (found := known.nearest(source)) else ""
                log.warning("mappings.source=%r: explore lists no attribute %r%s", mapping.source, source, nearest)

    @property
    def _needs_tenant_id(self) -> bool:
        return not self.tenant_id and any(TENANT_PLACEHOLDER in m.destination for m in self.mappings)

    def look_up(self, reads: Reads) -> Iterator[RemoteObject]:
        # The legacy dialect sends no name, so the list cannot be filtered by it.
        return self._equivalent(reads, data_prep.mapping_sets(reads, self.name if self.dialect == "current" else None))

    def search_by_second_key(self, reads: Reads) -> Iterator[RemoteObject]:
        everything = data_prep.mapping_sets(reads) if self.dialect == "current" else ()
        return self._equivalent(reads, (item for item in everything if self._may_have_name(item)))

    def _may_have_name(self, item: Json) -> bool:
        name = readers.text(item.get("name"))  # no published answer contains a name
        return name is None or Fields(self.kind.name, item).is_named("name", self.name)

    def _equivalent(self, reads: Reads, items: Iterable[Json]) -> Iterator[RemoteObject]:
        desired = self.complete(reads).desired_fields()
        for fields in map(self.kind.fields_of_item, items):
            # The schema is compared first, so that unreadable mappings for another schema are no error.
            if schema_of(fields) == self.schema_id and mapping_meaning(fields) == desired:
                yield self.kind.read_item(fields)

    def complete(self, reads: Reads) -> Self:
        """Return this value with the tenant's namespace filled in."""
        return attrs.evolve(self, tenant_id=schema_registry.tenant_id(reads)) if self._needs_tenant_id else self

    def body(self) -> Json:
        mappings = [m.payload(self.dialect) for m in self.placed_mappings]
        if self.dialect == "legacy":
            return {"version": 0, "xdmSchema": self.schema_id, "xdmVersion": "1.0", "id": None, "mappings": mappings}
        schema = {"id": self.schema_id, "contentType": self.schema_version}
        return {"name": self.name, "outputSchema": {"schemaRef": schema}, "mappings": mappings}

    def ready(self, reads: Reads) -> Self:
        """
        Return this value with the tenant's namespace filled in, after a check of the sources.

        The sources are checked only before a creation: explore may list other attributes today than it did when an
        existing mapping set was created.
        """
        self._check_unknown_attributes()
        return self.complete(reads)

    def validate(self, client: Client) -> None:
        """
        Let the service validate the destinations, because its creation request accepts invalid ones.

        :raises InvalidInputError: if the service reports a mapping as invalid, which would make the dataflow fail.
        """
        body = client.request("POST", f"{self.kind.path}/validate", body=self.payload(), safe=True).body
        for result in Fields.of("the validation of the mapping set", body).each("validationResponse"):
            if result.text("status") == "FAILED":
                error = next(iter(readers.mappings(result.item.get("errors"))), {})
                pair = {name: readers.text(error.get(name)) for name in ("source", "destination")}
                reason = readers.text(error.get("exception")) or "it gives no reason"
                raise InvalidInputError("mappings", pair, f"Data Prep refuses it: {reason}")

    def desired_fields(self) -> Json:
        return mapping_meaning(Fields(self.name, self.body()))

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        return mapping_meaning(self.kind.fields_of(existing))

    fixed_advice = "A mapping set is never changed, because other dataflows may use it: a new one is created."

    def outputs(self, existing: RemoteObject, at: float) -> Json:
        return {"version": self.kind.fields_of(existing).count("version")}


_ATTRIBUTE_TYPES = {"text/x.schema-path": "ATTRIBUTE", "text/x.aep-xl": "EXPRESSION"}


def schema_of(fields: Fields) -> str | None:
    """Return the target schema of a mapping set, in either dialect."""
    return fields.text("outputSchema", "schemaRef", "id") or fields.text("schemaRef", "id") or fields.text("xdmSchema")


def mapping_meaning(fields: Fields) -> Json:
    """Return the members by which mapping sets are compared, from either dialect or the service's mix of both."""
    versions = [("outputSchema", "schemaRef", "contentType"), ("schemaRef", "contentType"), ("xdmVersion",)]
    triples = set()
    for mapping in fields.each("mappings"):
        source_type = mapping.text("sourceType") or "ATTRIBUTE"
        triples.add(
            (
                _ATTRIBUTE_TYPES.get(source_type, source_type.upper()),
                mapping.text("source") or mapping.text("sourceAttribute"),
                mapping.text("destination") or mapping.text("destinationXdmPath"),
            )
        )
    return {
        "schema": schema_of(fields),
        "schema version": next((fields.major_version(*path) for path in versions if fields.value(*path)), 1),
        "mappings": sorted(triples, key=repr),
    }
