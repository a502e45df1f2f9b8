"""Replacement of the placeholders that stand for the ids of objects to be created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_payments.aep.resources.base import Change, Resource

__all__ = ["fill_placeholders", "texts_of"]

Value = TypeVar("Value", bound="Resource | Change")


def fill_placeholders(value: Value, ids: Mapping[str, str]) -> Value:
    """
    Return a desired object, or a change, with placeholders replaced by ids.

    :param ids: ids by placeholder.
    :raises InvalidInputError: if the value is not allowed with these ids.
    """
    members = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    changed = {name: new for name, old in members.items() if (new := _filled(old, ids)) != old}
    return attrs.evolve(value, **changed) if changed else value


def _filled(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        return {name: _filled(inner, ids) for name, inner in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_filled(inner, ids) for inner in value)
    return value


def texts_of(value: Resource | None) -> Iterator[str]:
    """Yield all texts of a desired object; its placeholders are among them."""
    if value is not None:
        for field in attrs.fields(type(value)):
            yield from _texts(getattr(value, field.name))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
