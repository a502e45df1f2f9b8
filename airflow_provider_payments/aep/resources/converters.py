"""
Converters of the arguments of resources: they accept the forms that an argument may have, and return one type.

They wrap the functions of :mod:`..inputs` as functions of the value alone, as attrs and type checkers expect.
:func:`named` puts the field's name into their errors.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep import inputs
from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import attrs

#: Metadata key of the name under which users know a field, if it differs from the field's name.
ARGUMENT = "argument"


def named(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Let each field's converter name the field in its errors; attrs calls this when it builds a class."""
    return [field.evolve(converter=_naming(field)) if callable(field.converter) else field for field in fields]


def _naming(field: attrs.Attribute[Any]) -> Callable[[object], Any]:
    convert: Any = field.converter
    name = field.metadata.get(ARGUMENT, field.name)

    @wraps(convert)
    def converted(value: object) -> Any:
        try:
            return convert(value)
        except InvalidInputError as error:
            if error.field and not error.field.startswith("."):
                raise
            raise InvalidInputError(f"{name}{error.field}", error.value, error.allowed) from None

    return converted


def to_name(value: object) -> str:
    """Return an object's name."""
    return inputs.as_name("", value)


def to_id(value: object) -> str:
    """Return an id."""
    return inputs.as_id("", value)


def to_optional_text(value: object) -> str | None:
    """Return text, or ``None`` for ``None`` and empty text."""
    return inputs.as_optional_text("", value)


def to_content_type(value: object) -> str:
    """Return the content type by which a schema is requested."""
    return inputs.as_content_type("", value)


def to_mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, also from JSON text."""
    return inputs.as_mapping("", value)


def to_column_names(value: object) -> tuple[str, ...] | None:
    """Return the names of columns, ``None`` if none are given."""
    return inputs.as_column_names("", value)


def to_int(value: object) -> int | None:
    """Return a whole number, also from text."""
    return inputs.as_int("", value)


def to_number(value: object) -> float | None:
    """Return a number, also from text."""
    return inputs.as_number("", value)


def to_bool(value: object) -> bool | None:
    """Return a boolean, also from text."""
    return inputs.as_bool("", value)


def to_time(value: object) -> datetime | None:
    """Return a time in UTC."""
    return inputs.as_time("", value)


def to_seconds(value: object) -> float | None:
    """Return a duration in seconds."""
    return inputs.as_duration("", value)
