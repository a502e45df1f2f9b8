"""What definitions say against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.definition import Dataset, Definition, Schema
from airflow_provider_payments.aep.dataflows.members import write_value
from airflow_provider_payments.aep.dataflows.problems import Place, Problem
from airflow_provider_payments.aep.dataflows.yamlfile import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["contradictions"]

Written = tuple[Definition, Node]


def contradictions(written: Sequence[Written]) -> Iterator[Problem]:
    """Yield a problem for each definition that does not go with an earlier one."""
    yield from _names(written)
    yield from _readers(written)
    yield from _descriptions(written, "schema", lambda d: d.schema if isinstance(d.schema, Schema) else None)
    yield from _descriptions(written, "dataset", lambda d: d.dataset if isinstance(d.dataset, Dataset) else None)


def _names(written: Sequence[Written]) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for definition, node in written:
        for path, name in [
            ("name", definition.name),
            *(("previous_names", name) for name in definition.previous_names),
        ]:
            place = node.at(path).place
            if name in first:
                yield Problem(place, path, f"'{name}' is the name of another dataflow, in {_short(first[name])}")
            first.setdefault(name, place)


def _readers(written: Sequence[Written]) -> Iterator[Problem]:
    first: dict[Any, tuple[str, Place]] = {}
    for definition, node in written:
        if definition.allow_second_reader:
            continue
        source = definition.source
        dataset = definition.dataset if isinstance(definition.dataset, str) else definition.dataset_name
        key = (source.vendor, source.connection.id or source.connection.name, source.place, dataset)
        if key in first:
            name, place = first[key]
            allowed = (
                f"'{name}' ({_short(place)}) reads the same into the same dataset: each row would come twice; if both "
                "are meant, write `allow_second_reader: true`"
            )
            yield Problem(node.at("source").place, "source", allowed)
        else:
            first[key] = definition.name, node.at("name").place


def _descriptions(written: Sequence[Written], member: str, described: Any) -> Iterator[Problem]:
    """A shared object is described once, or the same wherever it is described."""
    first: dict[str, tuple[Any, Place]] = {}
    for definition, node in written:
        value = described(definition)
        if value is None:
            continue
        name = definition.schema_title if member == "schema" else definition.dataset_name
        place = node.at(member).place
        theirs = write_value(value)
        ours, before = first.setdefault(name or "", (theirs, place))
        if ours != theirs:
            allowed = f"'{name}' is described otherwise in {_short(before)}: describe it once, and refer to it by name"
            yield Problem(place, member, allowed)


def _short(place: Place) -> str:
    return f"{place.file}:{place.line}"
