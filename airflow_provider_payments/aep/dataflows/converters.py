"""
Converters of a definition's members.

A converter depends on the value alone, and accepts its own result: a definition converts the values that reading its
file has converted already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.aep import inputs
from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.data_prep import TENANT_PLACEHOLDER, FieldMapping
from airflow_provider_payments.aep.resources.schedule import PERIODS
from airflow_provider_payments.aep.resources.schema_registry import checked_fields
from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.services import PROFILE_CLASS, Json

__all__ = [
    "CLASSES",
    "MAX_NAME",
    "STANDARD_PREFIX",
    "from_class",
    "from_destination",
    "from_mappings",
    "interval",
    "tenant_field",
    "to_class",
    "to_columns",
    "to_destination",
    "to_every",
    "to_field",
    "to_fields",
    "to_flag",
    "to_id",
    "to_list",
    "to_mapping_source",
    "to_mappings",
    "to_name",
    "to_names",
    "to_optional_class",
    "to_optional_flag",
    "to_optional_id",
    "to_optional_name",
    "to_optional_text",
    "to_percent",
    "to_tags",
    "to_text",
    "to_texts",
    "to_vendor",
]

#: Maximum length of a dataflow's name. Its parts are named after it, with up to ten more characters.
MAX_NAME = inputs.MAX_NAME - 10
#: Names of classes in files -> their ``$id``.
CLASSES = {
    "profile": PROFILE_CLASS,
    "event": "https://ns.adobe.com/xdm/context/experienceevent",
    "product": "https://ns.adobe.com/xdm/classes/product",
}
#: The prefix of a destination that is a standard path of the class or of a standard field group.
STANDARD_PREFIX = "xdm:"
_SOURCE_TYPES = {"expression": "EXPRESSION", "value": "STATIC"}
_INTERVAL = re.compile(r"(?:every )?(?:([0-9]{1,9}) )?(minute|hour|day|week)s?")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%")


def to_name(value: object) -> str:
    """Return a dataflow's name, short enough for the names of its parts."""
    name = _name(value)
    if len(name) > MAX_NAME:
        raise InvalidInputError("", value, f"at most {MAX_NAME} characters, because its parts are named after it")
    return name


def to_optional_name(value: object) -> str | None:
    """Return the name of a part; ``None`` if the value is ``None``."""
    return None if value is None else _name(value)


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInputError("", value, "it must be text: write it in quotes")
    return inputs.as_name("", value)


def to_names(value: object) -> tuple[str, ...]:
    """Return dataflows' names."""
    return tuple(map(to_name, to_list(value)))


def to_list(value: object) -> list[Any]:
    """Return a list; text is neither a list of characters nor JSON."""
    if not isinstance(value, (list, tuple)):
        raise InvalidInputError("", value, "it must be a list")
    return list(value)


def to_text(value: object) -> str:
    """Return a text."""
    return inputs.as_data("", value)


def to_optional_text(value: object) -> str | None:
    """Return a text; ``None`` if the value is ``None``."""
    return None if value is None else to_text(value)


def to_optional_id(value: object) -> str | None:
    """Return an id; ``None`` if the value is ``None``."""
    return None if value is None else inputs.as_id("", value)


def to_id(value: object) -> str:
    """Return an id."""
    return inputs.as_id("", value)


def to_flag(value: object) -> bool:
    """Return a boolean; no text is accepted."""
    if not isinstance(value, bool):
        raise InvalidInputError("", value, "it must be true or false")
    return value


def to_optional_flag(value: object) -> bool | None:
    """Return a boolean; ``None`` if the value is ``None``."""
    return None if value is None else to_flag(value)


def to_vendor(value: object) -> str:
    """Return the name of a vendor's source."""
    if value not in SOURCES:
        hint = did_you_mean(value, SOURCES) if isinstance(value, str) else ""
        raise InvalidInputError("", value, f"one of {', '.join(SOURCES)}{hint}")
    return str(value)


def to_columns(value: object) -> tuple[str, ...] | None:
    """Return unique column names; ``None`` if the value is ``None``."""
    if value is None:
        return None
    names = tuple(map(to_text, to_list(value)))
    if not names or len(set(names)) != len(names):
        raise InvalidInputError("", value, "at least one column, and no column twice")
    return names


def to_class(value: object) -> str:
    """Return a class's ``$id``."""
    name = inputs.as_id("", value)
    if "/" not in name and name not in CLASSES:
        allowed = f"one of {', '.join(CLASSES)}, or a class's $id{did_you_mean(name, CLASSES)}"
        raise InvalidInputError("", value, allowed)
    return CLASSES.get(name, name)


def to_optional_class(value: object) -> str | None:
    """Return a class's ``$id``; ``None`` if the value is ``None``."""
    return None if value is None else to_class(value)


def from_class(class_id: str) -> str:
    """Return the name of a class in files."""
    return next((name for name, known in CLASSES.items() if known == class_id), class_id)


class _Fields(dict[str, Any]):
    """Fields that have been checked already."""


def to_fields(value: object) -> Mapping[str, Any] | None:
    """Return fields as path -> type; ``None`` if the value is ``None``."""
    if value is None or isinstance(value, _Fields):
        return value
    if not isinstance(value, Mapping):
        raise InvalidInputError("", value, "it must be an object that maps fields to types")
    return _Fields(checked_fields("", value))


def to_tags(value: object) -> Mapping[str, tuple[str, ...]]:
    """Return a dataset's tags."""
    if not isinstance(value, Mapping):
        raise InvalidInputError("", value, "it must be an object that maps tags to lists of texts")
    return {inputs.as_data("", name): to_texts(values) for name, values in value.items()}


def to_texts(value: object) -> tuple[str, ...]:
    """Return texts."""
    return tuple(map(to_text, to_list(value)))


def to_mappings(value: object) -> tuple[FieldMapping, ...]:
    """
    Return mappings from an object that maps destinations to sources.

    A destination that begins with ``_`` is used unchanged, ``xdm:`` begins a standard path, and any other destination
    is a custom field under the tenant's namespace.
    """
    if isinstance(value, tuple) and all(isinstance(entry, FieldMapping) for entry in value):
        return value
    if not isinstance(value, Mapping) or not value:
        raise InvalidInputError("", value, "it must be an object that maps at least one destination to a source")
    return tuple(_mapping(destination, source) for destination, source in value.items())


def to_mapping_source(value: object) -> tuple[str, str]:
    """Return the source type and the source of a mapping."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, text),) = value.items()
        if source_type := _SOURCE_TYPES.get(str(name)):
            read = inputs.as_constant if source_type == "STATIC" else inputs.as_data
            return source_type, read(str(name), text)
    if not isinstance(value, str):
        allowed = "a column's name, or an object with `expression` or `value`, which is text"
        raise InvalidInputError("", value, allowed)
    return "ATTRIBUTE", inputs.as_data("", value)


def from_mappings(mappings: tuple[FieldMapping, ...]) -> Json:
    """Return mappings in the form of files."""
    names = {source_type: name for name, source_type in _SOURCE_TYPES.items()}
    return {
        from_destination(m.destination): {names[m.source_type]: m.source} if m.source_type in names else m.source
        for m in mappings
    }


def from_destination(destination: str) -> str:
    """Return a destination in the form of files."""
    if (field := tenant_field(destination)) is not None:
        return field
    return destination if destination.startswith("_") else f"{STANDARD_PREFIX}{destination}"


def tenant_field(destination: str) -> str | None:
    """Return the path of a custom field below the tenant's namespace; ``None`` for any other destination."""
    namespace = f"_{TENANT_PLACEHOLDER}."
    return destination.removeprefix(namespace) if destination.startswith(namespace) else None


def to_destination(written: object) -> str:
    """Return the XDM path of a destination in the form of files."""
    place = to_text(written)
    if place.startswith(STANDARD_PREFIX):
        return to_text(place.removeprefix(STANDARD_PREFIX))
    return place if place.startswith("_") else f"_{TENANT_PLACEHOLDER}.{place}"


def to_field(value: object) -> str:
    """Return a valid destination in the form of files."""
    to_destination(value)
    return to_text(value)


def _mapping(destination: object, source: object) -> FieldMapping:
    source_type, text = to_mapping_source(source)
    return FieldMapping(text, to_destination(destination), source_type)


def to_percent(value: object) -> str | None:
    """Return a percentage as text; ``None`` if the value is ``None``."""
    if value is None:
        return None
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if not found or float(found[1]) > 100:
        raise InvalidInputError("", value, "a percentage, at most 100%, such as 5%")
    return str(value)


def to_every(value: object) -> str | None:
    """Return a schedule's interval as text; ``None`` for ``once``."""
    if value is None or value == "once":
        return None
    interval(value)
    return str(value)


def interval(value: object) -> tuple[str, int]:
    """Return frequency and interval of a text such as ``every 30 minutes`` or ``1 hour``."""
    found = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise InvalidInputError(
            "", value, "`once`, or an interval such as `every 30 minutes`, `every day` or `2 weeks`"
        )
    unit, number = found[2], int(found[1] or 1)
    if number < PERIODS[unit][0]:
        raise InvalidInputError("", value, f"{PERIODS[unit][0]} {unit}s or more")
    return unit, number
