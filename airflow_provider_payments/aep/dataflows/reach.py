"""
The objects that a definition reaches in a sandbox: its dataflows, their parts, and unused objects created for them.

A connection that no dataflow uses belongs to a definition if it has the name that the definition gives it. This finds
the objects that a killed apply or destroy left. A destroy also finds unused connections with other names that read or
write the same data.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.dataflows.sandbox import base_and_place, is_same_name, name_of
from airflow_provider_payments.aep.errors import UnreadableError
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.identity import IDENTITY
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.dataflows.definition import Definition
    from airflow_provider_payments.aep.dataflows.sandbox import Sandbox
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject

__all__ = ["Reach"]

Found = tuple["Kind", "RemoteObject"]


class Reach:
    """
    The search for the objects that definitions reach.

    :param sandbox: the contents of the sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.snapshot = sandbox, sandbox.snapshot

    def reached_by(self, definition: Definition) -> list[Found]:
        """
        Return the objects that a definition reaches, each once.

        :raises UnreadableError: if the definition's dataflow cannot be read yet.
        :raises RequestError: if a list cannot be read.
        """
        found = {existing.id: (kind, existing) for kind, existing in self._reached(definition, by_meaning=True)}
        schemas = [existing for kind, existing in found.values() if kind is SCHEMA]
        found |= {existing.id: (kind, existing) for schema in schemas for kind, existing in self._of_schema(schema)}
        return list(found.values())

    def used_by(self, definition: Definition) -> Iterator[RemoteObject]:
        """Yield the objects that a definition's dataflow uses, or would use if it were created now; some repeatedly."""
        return (existing for _, existing in self._reached(definition, by_meaning=False))

    def _reached(self, definition: Definition, *, by_meaning: bool) -> Iterator[Found]:
        for dataflow in self._dataflows(definition):
            yield DATAFLOW, dataflow
            yield from self._parts(dataflow)
        bases = [each for each in self._all(BASE_CONNECTION) if _is_base(definition, each)]
        yield from ((BASE_CONNECTION, base) for base in bases)
        datasets = [each for each in self._all(DATASET) if _is_dataset(definition, each)]
        yield from ((DATASET, each) for each in datasets)
        reads = {(base.id, definition.source.place) for base in bases if by_meaning}
        sources = _part_names(definition, definition.source.name, "source")
        yield from (
            (SOURCE_CONNECTION, s) for s in self._sources if _has_name(sources, s) or base_and_place(s) in reads
        )
        writes = {dataset.id for dataset in datasets if by_meaning}
        targets = _part_names(definition, definition.target_name, "target")
        yield from ((TARGET_CONNECTION, t) for t in self._targets if _has_name(targets, t) or _writes_to(t) in writes)

    # ---- dataflows and their parts ---------------------------------------------------------------------------------

    def _dataflows(self, definition: Definition) -> list[RemoteObject]:
        """Return all dataflows with a name of the definition; if there are several, all belong to it."""
        if definition.id:
            found = DATAFLOW.find(self.snapshot, definition.id)
            return [found] if found else []
        return [each for name in (definition.name, *definition.previous_names) for each in self.sandbox.named(name)]

    def _parts(self, dataflow: RemoteObject) -> Iterator[Found]:
        try:
            parts = self.sandbox.parts(dataflow)
        except UnreadableError:
            return  # its unknown parts are not deleted, because the kinds treat an unreadable dataflow as a user
        for kind, part in (
            (TARGET_CONNECTION, parts.target),
            (SOURCE_CONNECTION, parts.source),
            (DATASET, parts.dataset),
            (MAPPING_SET, parts.mapping_set),
            (SCHEMA, parts.schema),
            (BASE_CONNECTION, parts.base),
        ):
            if part:
                yield kind, part

    def _of_schema(self, schema: RemoteObject) -> Iterator[Found]:
        try:
            yield from ((IDENTITY, each) for each in self.sandbox.identities_of(schema.id))
            yield from ((FIELD_GROUP, each) for each in self.sandbox.field_groups(schema))
        except UnreadableError:
            return  # identities and field groups are only reported, never deleted

    # ---- connections that no dataflow uses -------------------------------------------------------------------------

    def _all(self, kind: Kind) -> list[RemoteObject]:
        if kind not in self._lists:
            self._lists[kind] = list(kind.list_all(self.snapshot))
        return self._lists[kind]

    @cached_property
    def _lists(self) -> dict[Kind, list[RemoteObject]]:
        return {}

    @cached_property
    def _sources(self) -> list[RemoteObject]:
        return [each for each in self._all(SOURCE_CONNECTION) if each.id not in self.sandbox.users]

    @cached_property
    def _targets(self) -> list[RemoteObject]:
        return [each for each in self._all(TARGET_CONNECTION) if each.id not in self.sandbox.users]


def _is_base(definition: Definition, base: RemoteObject) -> bool:
    connection = definition.source.connection
    return base.id == connection.id if connection.id else _has_name([connection.name or ""], base)


def _is_dataset(definition: Definition, dataset: RemoteObject) -> bool:
    written = definition.dataset
    if isinstance(written, str):
        return dataset.id == written or _has_name([written], dataset)
    return _has_name([written.name] if written and written.name else _names(definition), dataset)


def _names(definition: Definition) -> list[str]:
    return [definition.name, *definition.previous_names]


def _part_names(definition: Definition, written: str | None, part: str) -> list[str]:
    """Return the possible names of a part: the given one, or those derived from the dataflow's names."""
    return [written] if written else [f"{name} - {part}" for name in _names(definition)]


def _writes_to(target: RemoteObject) -> str | None:
    return readers.text(readers.at(target.item, "params", "dataSetId"))


def _has_name(names: list[str], existing: RemoteObject) -> bool:
    return any(is_same_name(name, name_of(existing)) for name in names)
