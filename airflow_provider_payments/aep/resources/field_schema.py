"""
Checks of fields given as JSON schema, for the keywords that the Schema Registry reads.

They do without a validator of JSON Schema: DAG files that describe fields are parsed often, and importing a validator
takes longer than everything else in such a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.aep.errors import InvalidInputError

__all__ = ["FIELD_NAME", "check_field"]

#: Pattern of a field's name. A hyphen is not allowed, as Adobe's page "Define XDM fields in the UI" does not list it.
FIELD_NAME = "[A-Za-z0-9][A-Za-z0-9_]{0,127}"
_TYPES = ("string", "integer", "number", "boolean", "object", "array")


def check_field(place: str, field: object) -> None:
    """
    Check that the registry accepts a field.

    A type is required, because the registry would fill in another one for a field without it.

    :param place: the user's name of the field, for errors.
    :param field: the field's JSON schema.
    :raises InvalidInputError: if a member is wrong; the error names the member.
    """
    if not isinstance(field, Mapping):
        raise _wrong(place, field, "a field is an object")
    if field.get("type") not in _TYPES:
        raise _wrong(f"{place}.type", field.get("type"), f"a type is one of {', '.join(_TYPES)}")
    for name, (is_right, expected) in _MEMBERS.items():
        if name in field and not is_right(field[name]):
            raise _wrong(f"{place}.{name}", field[name], f"{name} is {expected}")
    for name, inner in field.get("properties", {}).items():
        if not isinstance(name, str) or not re.fullmatch(FIELD_NAME, name):
            raise _wrong(
                f"{place}.properties", name, "a name is letters, digits and underscores, the first no underscore"
            )
        check_field(f"{place}.properties.{name}", inner)
    if "items" in field:
        check_field(f"{place}.items", field["items"])
    if (further := field.get("additionalProperties")) and further is not True:
        check_field(f"{place}.additionalProperties", further)


def _wrong(place: str, value: object, expected: str) -> InvalidInputError:
    return InvalidInputError(place, value, f"the Schema Registry says: {expected}")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and (isinstance(value, int) or value.is_integer())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_labels(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_switch(value: object) -> bool:
    return isinstance(value, (bool, Mapping))


_Member = tuple[Callable[[Any], bool], str]
_TEXT: _Member = (_is_text, "text")
_NUMBER: _Member = (_is_number, "a number")
_COUNT: _Member = (_is_count, "a whole number from 0 on")
_MEMBERS: dict[str, _Member] = {
    **dict.fromkeys(("title", "description", "format", "$ref", "pattern"), _TEXT),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _COUNT),
    "enum": (_is_list, "a list with at least one value"),
    "meta:enum": (_is_labels, "an object of value to text"),
    "required": (_is_texts, "a list of texts"),
    "properties": (_is_object, "an object of name to field"),
    "additionalProperties": (_is_switch, "true, false or a field"),
}
