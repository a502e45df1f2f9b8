"""Mapping sets and their versions, parsed from both dialects of requests."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_payments.emulator.core.sandbox import Sandbox
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.data_prep.refusals import invalid, refused
from airflow_provider_payments.emulator.schema_registry.registry import Registry

ATTRIBUTE, EXPRESSION, STATIC = "ATTRIBUTE", "EXPRESSION", "STATIC"
# Answers of the service and older clients have different names for the same kinds.
_SOURCE_TYPES = {
    ATTRIBUTE: ATTRIBUTE,
    EXPRESSION: EXPRESSION,
    STATIC: STATIC,
    "text/x.schema-path": ATTRIBUTE,
    "text/x.aep-xl": EXPRESSION,
}
_MAJOR_ONE = re.compile(r"(?:.*;\s*version=)?1(?:\.\d+)*", re.IGNORECASE | re.DOTALL)
_EXTRAS: Mapping[str, type] = {"inputSchema": dict, "allowNullValues": bool, "tags": list}
MAX_MAPPINGS = 5000
#: Returns, for the ids of a dataset and a batch and a limit, the reference to the dataset's schema and records of the
#: batch; raises Catalog's refusal.
ReadSample = Callable[[str, str, int], tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One mapping of a set.

    :param extras: members that are stored and returned, but have no effect in the emulator.
    """

    id: str
    source_type: str
    source: str
    destination: str
    extras: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One version of a mapping set; immutable.

    :param content_type: the version of the schema as the client wrote it: ``1.0`` or a media type.
    :param extras: members that are stored and returned, but have no effect in the emulator.
    :param author: the id of the user who created the version.
    """

    version: int
    name: str | None
    schema_id: str
    content_type: str
    mappings: tuple[FieldMapping, ...]
    extras: Mapping[str, Any]
    modified: int
    author: str

    def mapping(self, identifier: str) -> FieldMapping | None:
        """Return the mapping with an id, or None."""
        return next((mapping for mapping in self.mappings if mapping.id == identifier), None)


@dataclass(slots=True)
class MappingSet:
    """All versions of a mapping set."""

    id: str
    created: int
    versions: list[MappingVersion]
    number: int = -1

    @property
    def latest(self) -> MappingVersion:
        return self.versions[-1]

    def version(self, number: int) -> MappingVersion:
        """Return the version with a number, or refuse."""
        if not 0 <= number - self.versions[0].version < len(self.versions):
            raise refused(404, f"Mapping set {self.id} has no version {number}.")
        return self.versions[number - self.versions[0].version]


class MappingSets:
    """The mapping sets of one sandbox.

    :param registry: contains the output schemas.
    :param read_sample: see :data:`ReadSample`.
    """

    def __init__(self, sandbox: Sandbox, registry: Registry, read_sample: ReadSample) -> None:
        self.sandbox = sandbox
        self.registry = registry
        self.read_sample = read_sample
        self.store: Store[MappingSet] = Store(
            keys={"name": lambda item: () if item.latest.name is None else (item.latest.name,)},
            lag=sandbox.lag,
            kind=lambda item: "mapping_set",
        )

    def create(self, body: Mapping[str, Any]) -> MappingSet:
        """Create a mapping set, or refuse. The same content sent twice creates two mapping sets."""
        version = self.parse(body, 0)
        holder = self.sandbox.name_holder("mapping_set", self.store, version.name)
        if holder is not None:
            raise refused(409, f"The name '{str(version.name)[:100]}' is taken by the mapping set {holder.id}.")
        return self.store.add(MappingSet(uuid.uuid4().hex, version.modified, [version]))

    def get(self, identifier: str, *, removed: bool = False) -> MappingSet:
        """Return the mapping set with an id, or refuse.

        :param removed: whether to find a removed mapping set too, as long as reads lag.
        """
        found = self.store.read(identifier, removed=removed)
        if found is None:
            raise refused(404, f"There is no mapping set {identifier[:100]}.").in_case("unknown_id")
        return found

    def replace(self, mapping_set: MappingSet, body: Mapping[str, Any]) -> MappingVersion:
        """Add a version, or refuse."""
        version = self.parse(body, mapping_set.latest.version + 1)
        mapping_set.versions.append(version)
        self.store.reindex(mapping_set)
        return version

    def revise(self, mapping_set: MappingSet, mappings: Iterable[FieldMapping]) -> MappingVersion:
        """Add a version with other mappings than the latest version, or refuse."""
        lines, before = _checked_length(tuple(mappings)), mapping_set.latest
        now, author = self.sandbox.clock.millis(), self.sandbox.options.user_id
        version = replace(before, version=before.version + 1, mappings=lines, modified=now, author=author)
        mapping_set.versions.append(version)
        return version

    def parse(self, body: Mapping[str, Any], number: int) -> MappingVersion:
        """Parse a body of either dialect as a version, or refuse."""
        schema_id, content_type = _schema_of(body)
        schema = self.registry.read(schema_id)
        if schema is None or schema.kind != "schemas":
            raise invalid(f"The output schema {schema_id[:300]} does not exist.")
        if not _MAJOR_ONE.fullmatch(content_type):
            raise invalid(f"The version of the output schema cannot be read from '{content_type[:100]}'.")
        entries = _checked_length(body.get("mappings"))
        name = body.get("name")
        if name is not None and not isinstance(name, str):
            raise invalid("'name' must be text.")
        mappings = tuple(field_mapping(entry, place) for place, entry in enumerate(entries))
        extras = {key: body[key] for key, kind in _EXTRAS.items() if isinstance(body.get(key), kind)}
        now, author = self.sandbox.clock.millis(), self.sandbox.options.user_id
        return MappingVersion(number, name, schema.id, content_type, mappings, extras, now, author)


def _checked_length(mappings: Any) -> tuple[Any, ...]:
    if not isinstance(mappings, list | tuple) or not 0 < len(mappings) <= MAX_MAPPINGS:
        raise invalid(f"'mappings' must be a list of 1 to {MAX_MAPPINGS} mappings.")
    return tuple(mappings)


def _schema_of(body: Mapping[str, Any]) -> tuple[str, str]:
    output = body.get("outputSchema")
    reference = output.get("schemaRef") if isinstance(output, dict) else body.get("schemaRef")
    if isinstance(reference, dict):
        identifier, content_type = reference.get("id"), reference.get("contentType", "1.0")
    else:
        identifier, content_type = body.get("xdmSchema"), body.get("xdmVersion", "1.0")
    if not isinstance(identifier, str) or not identifier:
        raise invalid("The mapping set names no output schema: give 'outputSchema.schemaRef.id', or 'xdmSchema'.")
    if not isinstance(content_type, str):
        raise invalid("The version of the output schema must be text.")
    return identifier, content_type


def field_mapping(entry: Any, place: int) -> FieldMapping:
    """Parse one mapping of a body in either dialect, or refuse.

    :param place: the index of the mapping in the set, for refusals.
    """
    if not isinstance(entry, dict):
        raise invalid(f"mappings[{place}] must be an object.")
    source = entry.get("source", entry.get("sourceAttribute"))
    destination = entry.get("destination", entry.get("destinationXdmPath"))
    kind = entry.get("sourceType", ATTRIBUTE)
    is_given = bool(source) or (source == "" and kind == STATIC)  # an empty constant is allowed
    if not isinstance(source, str) or not isinstance(destination, str) or not is_given or not destination:
        raise invalid(f"mappings[{place}] needs a source and a destination, both text.")
    if not isinstance(kind, str) or kind not in _SOURCE_TYPES:
        raise invalid(f"mappings[{place}].sourceType must be ATTRIBUTE, EXPRESSION or STATIC.")
    extras: dict[str, Any] = {"identity": entry.get("identity") is True, "primaryIdentity": False}
    for key in ("identityGroup", "namespaceCode", "name", "description"):
        if isinstance(entry.get(key), str):
            extras[key] = entry[key]
    return FieldMapping(uuid.uuid4().hex, _SOURCE_TYPES[kind], source, destination.removeprefix("/"), extras)
