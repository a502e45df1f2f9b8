"""
The columns of a table that a source connection reads: the desired ones, and those of an existing source connection.

Source: the tutorial "Explore your data structure and contents for a payments source", whose column objects a source
connection accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_data, as_list, as_mapping, as_optional_text
from airflow_provider_payments.aep.resources.schema_fields import xdm_type

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

Column = str | Mapping[str, Any]
#: Types of XDM that JSON schema names differently -> their type in JSON schema. The other types have the same name.
_JSON_TYPES = dict.fromkeys(("byte", "short", "int", "long"), "integer") | {"double": "number", "map": "object"}


def as_columns(field: str, value: object) -> tuple[Column, ...] | None:
    """
    Return columns as the user gave them, names or objects as explore returns them; ``None`` if there are none.

    :param field: the user's name of the argument, for errors.
    :raises InvalidInputError: if a column is neither, or a name occurs twice.
    """
    columns: list[Column] = []
    for column in as_list(field, value) or ():
        if isinstance(column, str) and column:
            columns.append(as_data(field, column))
        elif isinstance(column, Mapping) and isinstance(column.get("name"), str) and column["name"]:
            columns.append(as_mapping(field, column))
        else:
            raise InvalidInputError(field, column, "each is a name, or an object with a name as explore gives it")
    described = [described_column(column) for column in columns]
    for column in described:
        as_data(f"{field}.name", column["name"])
        as_data(f"{field}.type", column["type"])
        as_optional_text(f"{field}.meta:xdmType", column.get("meta:xdmType"))
        xdm = as_mapping(f"{field}.xdm", column.get("xdm"))
        for name in ("type", "format"):
            as_optional_text(f"{field}.xdm.{name}", xdm.get(name))
    names = [column["name"] for column in described]
    if len(set(names)) != len(names):
        raise InvalidInputError(field, names, "each only once")
    return tuple(columns) or None


def with_explored_columns(columns: Iterable[Column], explored: Sequence[Json]) -> tuple[Column, ...]:
    """
    Return columns with each name replaced by the object that explore returns for it.

    :raises InvalidInputError: if the table has no column of a name.
    """
    known = {column["name"]: column for column in explored}
    for name in columns:
        if isinstance(name, str) and name not in known:
            nearest = " or ".join(get_close_matches(name, known))
            hint = f"did you mean {nearest}? It must be " if nearest else ""
            raise InvalidInputError("columns", name, f"{hint}one of the table's columns: {', '.join(known)}")
    return tuple(known[column] if isinstance(column, str) else column for column in columns)


def described_column(column: Column) -> Json:
    """Return a column as the object that the service expects; a column that is given as a name is text."""
    if isinstance(column, str):
        return {"name": column, "type": "string", "xdm": {"type": "string"}}
    return {"type": "string"} | dict(column)


def user_types(columns: Iterable[Column]) -> Json:
    """Return the types that the user set, by their path; a column that is given as a name has none."""
    given = [Fields("a column", column) for column in columns if isinstance(column, Mapping)]
    return {place: kind for column in given for place, kind in _types(column).items() if kind is not None}


def actual_types(columns: Iterable[Fields], written: Mapping[str, Any]) -> Json:
    """
    Return the types of an existing source connection's columns, by their path.

    A column's XDM type may be in ``xdm`` or in ``meta:xdmType``. If only one of them is set, it counts for both.

    :param written: the types that the user set; a type that differs from the live one only in its name is returned as
        the user wrote it.
    """
    actual: Json = {}
    for column in columns:
        source, xdm, named = _types(column).items()
        actual |= dict([source])
        for (place, kind), (_, other) in ((xdm, named), (named, xdm)):
            ours = written.get(place)
            same = kind is None and other is not None and _json_type(other) == _json_type(ours)
            actual[place] = ours if same else kind or other
    return actual


def _json_type(kind: str | None) -> str | None:
    return _JSON_TYPES.get(kind or "", kind)


def _types(column: Fields) -> dict[str, str | None]:
    place = f"params.columns.{column.text('name')}"
    return {
        f"{place} (type)": column.text("type"),
        f"{place} (xdm)": xdm_type(column.below("xdm")),
        f"{place} (meta:xdmType)": column.text("meta:xdmType"),
    }
