"""Contradictions between the definitions of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.definition import Dataset, Definition, Schema
from airflow_provider_payments.aep.dataflows.members import write_value
from airflow_provider_payments.aep.dataflows.problems import Place, Problem
from airflow_provider_payments.aep.dataflows.yamlfile import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["contradictions"]

LocatedDefinition = tuple[Definition, Node]


def contradictions(definitions: Sequence[LocatedDefinition]) -> Iterator[Problem]:
    """Yield a problem for each definition that contradicts an earlier one."""
    yield from _repeated_names(definitions)
    yield from _second_readers(definitions)
    yield from _conflicting_descriptions(
        definitions, "schema", lambda d: d.schema if isinstance(d.schema, Schema) else None
    )
    yield from _conflicting_descriptions(
        definitions, "dataset", lambda d: d.dataset if isinstance(d.dataset, Dataset) else None
    )


def _repeated_names(definitions: Sequence[LocatedDefinition]) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for definition, node in definitions:
        for path, name in [
            ("name", definition.name),
            *(("previous_names", name) for name in definition.previous_names),
        ]:
            place = node.at(path).place
            if name in first:
                yield Problem(place, path, f"'{name}' is the name of another dataflow, in {_short(first[name])}")
            first.setdefault(name, place)


def _second_readers(definitions: Sequence[LocatedDefinition]) -> Iterator[Problem]:
    first: dict[Any, tuple[str, Place]] = {}
    for definition, node in definitions:
        if definition.allow_second_reader:
            continue
        source = definition.source
        dataset = definition.dataset if isinstance(definition.dataset, str) else definition.dataset_name
        key = (source.vendor, source.connection.id or source.connection.name, source.place, dataset)
        if key in first:
            name, place = first[key]
            allowed = (
                f"'{name}' ({_short(place)}) reads the same data into the same dataset: each row would be ingested "
                "twice; if both are intended, write `allow_second_reader: true`"
            )
            yield Problem(node.at("source").place, "source", allowed)
        else:
            first[key] = definition.name, node.at("name").place


def _conflicting_descriptions(
    definitions: Sequence[LocatedDefinition], member: str, described: Any
) -> Iterator[Problem]:
    """
    Yield a problem for each schema or dataset that two definitions describe differently.

    :param member: ``schema`` or ``dataset``.
    :param described: returns the description of a definition, or ``None``.
    """
    first: dict[str, tuple[Any, Place]] = {}
    for definition, node in definitions:
        value = described(definition)
        if value is None:
            continue
        name = definition.schema_title if member == "schema" else definition.dataset_name
        place = node.at(member).place
        theirs = write_value(value)
        ours, before = first.setdefault(name or "", (theirs, place))
        if ours != theirs:
            allowed = f"{_short(before)} describes '{name}' differently: describe it once, and refer to it by name"
            yield Problem(place, member, allowed)


def _short(place: Place) -> str:
    return f"{place.file}:{place.line}"
