"""Converters of mapped values to the types of fields, compiled once from the fields of a schema.

A converter parses numbers, booleans and times from text, at every level of an object or array. It does not change a
value that the field cannot accept at all, such as an object for a text field: the validation of the row refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from airflow_provider_payments.emulator.core.dates import iso_time
from airflow_provider_payments.emulator.data_prep.language.values import type_name
from airflow_provider_payments.emulator.data_prep.members import Field, Members, Misfit
from airflow_provider_payments.emulator.data_prep.scalars import SCALARS

Converter = Callable[[Any], Any]

_TIMES = ("date", "date-time")


class Unconvertible(Misfit):
    """A value that cannot be converted to its field's type. Types are in capitals, such as ``DATETIME``.

    :param value: the value.
    :param expected: the format of a date or time field, else the type.
    """

    def __init__(self, value: Any, expected: str) -> None:
        self.expected, self.actual = (name.replace("-", "").upper() for name in (expected, type_name(value)))
        super().__init__(self.expected)

    @property
    def place(self) -> str:
        """The path of the value below the destination, such as ``.lines[0].price``; empty for the destination."""
        return "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in self.steps)


def converter(field: Field) -> Converter:
    """Return the converter of a field; the converter raises :class:`Unconvertible`.

    :param field: the field, with data types expanded; empty if any value is allowed.
    """
    kind, form = field.get("type"), field.get("format")
    if kind == "object":
        return _object(field)
    if kind == "array":
        return _array(field)
    name = str(form if kind == "string" and form in _TIMES else kind)
    return _scalar(name, SCALARS[name]) if name in SCALARS else _plain


def _scalar(name: str, read: Converter) -> Converter:
    is_text_field = name == "string"

    def convert(value: Any) -> Any:
        if is_text_field and isinstance(value, dict | list):
            return value
        try:
            return read(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise Unconvertible(value, name) from error

    return convert


def _object(field: Field) -> Converter:
    members, required = Members(field, converter), frozenset(field.get("required", ()))

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return _plain(value)
        result = {}
        for name, entry in value.items():
            # Null is not written, like the null of a single mapping, unless the member is required: then validation
            # refuses it. An empty object for which the schema has no field is not written either.
            if (entry is None and name not in required) or (entry == {} and members.lacks(name)):
                continue
            try:
                result[name] = None if entry is None else members[name](entry)
            except Unconvertible as error:
                raise error.inside(name) from None
        return result

    return convert


def _array(field: Field) -> Converter:
    item = converter(field.get("items", {"type": "string"}))

    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            return _plain(value)
        result = []
        for place, entry in enumerate(value):
            try:
                result.append(None if entry is None else item(entry))
            except Unconvertible as error:
                raise error.inside(place) from None
        return result

    return convert


def _plain(value: Any) -> Any:
    """Return a copy of a value in JSON's types, so that other mappings can write into it without changing the row."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return iso_time(value) if isinstance(value, datetime) else value
