"""The contents of a sandbox for plans, exports and destroys: dataflows with their parts, and the users of objects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import (
    BASE_CONNECTION,
    SOURCE_CONNECTION,
    TARGET_CONNECTION,
)
from airflow_provider_payments.aep.resources.identity import IDENTITY, is_primary
from airflow_provider_payments.aep.resources.live_dataflow import mapping_used
from airflow_provider_payments.aep.resources.schema_fields import resolved_properties
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject

__all__ = ["Parts", "Sandbox", "base_and_place", "is_same_name", "name_of"]


@dataclass(frozen=True)
class Parts:
    """The objects that a dataflow refers to by id; ``None`` for an object that does not exist or is not referred to."""

    dataflow: RemoteObject
    source: RemoteObject | None = None
    base: RemoteObject | None = None
    target: RemoteObject | None = None
    dataset: RemoteObject | None = None
    schema: RemoteObject | None = None
    mapping_set: RemoteObject | None = None


class Sandbox:
    """
    The contents of a sandbox.

    :param snapshot: the lists of the sandbox.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def dataflows(self) -> list[RemoteObject]:
        """All dataflows, the oldest first."""
        return sorted(DATAFLOW.list_all(self.snapshot), key=lambda each: each.creation_order)

    @cached_property
    def _by_name(self) -> Mapping[str, list[RemoteObject]]:
        found: dict[str, list[RemoteObject]] = {}
        for dataflow in self.dataflows:
            found.setdefault(normalize("NFC", name_of(dataflow)), []).append(dataflow)
        return found

    def named(self, name: str) -> list[RemoteObject]:
        """Return the dataflows with a name, the oldest first."""
        return self._by_name.get(normalize("NFC", name), [])

    def parts(self, dataflow: RemoteObject) -> Parts:
        """
        Return the objects that a dataflow refers to.

        :raises UnreadableError: if its references cannot be understood.
        """
        fields = DATAFLOW.fields_of(dataflow)
        source = self._single(SOURCE_CONNECTION, fields.texts("sourceConnectionIds"))
        target = self._single(TARGET_CONNECTION, fields.texts("targetConnectionIds"))
        base = self._referred(BASE_CONNECTION, SOURCE_CONNECTION, source, "baseConnectionId")
        dataset = self._referred(DATASET, TARGET_CONNECTION, target, "params", "dataSetId")
        schema = self._referred(SCHEMA, DATASET, dataset, "schemaRef", "id")
        used = mapping_used(fields)
        mapping_set = MAPPING_SET.find(self.snapshot, *used) if used else None
        return Parts(dataflow, source, base, target, dataset, schema, mapping_set)

    def _single(self, kind: Kind, ids: list[str]) -> RemoteObject | None:
        return kind.find(self.snapshot, ids[0]) if len(ids) == 1 else None

    def _referred(self, kind: Kind, of: Kind, existing: RemoteObject | None, *path: str) -> RemoteObject | None:
        referred = of.fields_of(existing).text(*path) if existing else None
        return kind.find(self.snapshot, referred) if referred else None

    @cached_property
    def users(self) -> Mapping[str, list[RemoteObject]]:
        """The dataflows, by the ids of the connections that they use."""
        found: dict[str, list[RemoteObject]] = {}
        for dataflow in self.dataflows:
            for member in ("sourceConnectionIds", "targetConnectionIds"):
                for used in map(readers.text, readers.sequence(dataflow.item.get(member))):
                    found.setdefault(used or "", []).append(dataflow)
        return found

    @cached_property
    def _sources(self) -> Mapping[str, RemoteObject]:
        return {each.id: each for each in SOURCE_CONNECTION.list_all(self.snapshot)}

    @cached_property
    def _datasets_of_targets(self) -> Mapping[str, str | None]:
        targets = TARGET_CONNECTION.list_all(self.snapshot)
        return {each.id: readers.text(readers.at(each.item, "params", "dataSetId")) for each in targets}

    @cached_property
    def _readers(self) -> Mapping[tuple[Any, ...], list[RemoteObject]]:
        found: dict[tuple[Any, ...], list[RemoteObject]] = {}
        for dataflow in self.dataflows:
            for source in map(self._sources.get, _ids(dataflow, "sourceConnectionIds")):
                for target in _ids(dataflow, "targetConnectionIds"):
                    if source and (dataset := self._datasets_of_targets.get(target)):
                        found.setdefault((*base_and_place(source), dataset), []).append(dataflow)
        return found

    def readers_of(self, base_id: str, place: str, dataset_id: str) -> list[RemoteObject]:
        """Return the dataflows, enabled or not, that read a table or resource into a dataset, the oldest first."""
        return self._readers.get((base_id, place, dataset_id), [])

    # ---- schemas ---------------------------------------------------------------------------------------------------

    def field_groups(self, schema: RemoteObject) -> list[RemoteObject]:
        """Return the custom field groups of a schema."""
        own = self.own_field_groups
        references = [entry.text("$ref") or "" for entry in SCHEMA.fields_of(schema).each("allOf")]
        return [own[reference] for reference in references if reference in own]

    @cached_property
    def own_field_groups(self) -> Mapping[str, RemoteObject]:
        """All custom field groups, by id."""
        return {each.id: each for each in FIELD_GROUP.list_all(self.snapshot)}

    def identities_of(self, schema_id: str) -> list[RemoteObject]:
        """
        Return the identities of a schema, the primary one first.

        :raises UnreadableError: if one of them cannot be understood.
        """
        return sorted(self._identities.get(schema_id, ()), key=lambda each: (not is_primary(each), each.creation_order))

    @cached_property
    def _identities(self) -> Mapping[str | None, list[RemoteObject]]:
        found: dict[str | None, list[RemoteObject]] = {}
        for identity in IDENTITY.list_all(self.snapshot):
            found.setdefault(IDENTITY.belongs_to(identity), []).append(identity)
        return found

    def own_fields(self, group: RemoteObject) -> Fields:
        """Return the object that holds a field group's fields under the tenant's namespace."""
        item = schema_registry.resource(self.snapshot, FIELD_GROUP.collection, group.id)
        full = Fields(f"{FIELD_GROUP} {group.id}", item)
        return resolved_properties(full).below(self.namespace)

    @cached_property
    def tenant_id(self) -> str:
        """The tenant's namespace without its underscore."""
        return schema_registry.tenant_id(self.snapshot)

    @property
    def namespace(self) -> str:
        """The tenant's namespace."""
        return f"_{self.tenant_id}"


def name_of(existing: RemoteObject, key: str = "name") -> str:
    """Return an object's name; empty if it cannot be read."""
    return readers.text(existing.item.get(key)) or ""


def is_same_name(left: str, right: str) -> bool:
    """Return whether two names are equal in normal form; services may return a name in another normal form."""
    return normalize("NFC", left) == normalize("NFC", right)


def _ids(dataflow: RemoteObject, member: str) -> Iterator[str]:
    yield from filter(None, map(readers.text, readers.sequence(dataflow.item.get(member))))


def base_and_place(source: RemoteObject) -> tuple[str | None, str | None]:
    """Return the base connection's id and the table or resource of a source connection; ``None`` if not readable."""
    item, params = source.item, readers.mapping(source.item.get("params"))
    place = next(
        (found for key in ("tableName", "path", "resourcePath") if (found := readers.text(params.get(key)))), None
    )
    return readers.text(item.get("baseConnectionId")), place
