"""Functions that declare the fields of global resources by name, type and constraints.

Titles are derived from the names. A text with array_field names or values separates them by blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Tree = dict[str, Any]

_TIMES = frozenset({"date", "date-time"})
_ANYTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class DataType:
    """A global data type.

    :param id: the ``$id``.
    :param required: the names of the required fields.
    """

    id: str
    title: str
    properties: Tree
    required: tuple[str, ...] = ()

    def node(self) -> Tree:
        """Return a field, or an entry of an array or a map, of this type."""
        return {**struct(self.title, self.properties, self.required), "meta:referencedFrom": self.id}


def title_of(name: str) -> str:
    """Return the title for a name: "Loyalty ID" for ``loyaltyID``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name.replace("_", " ")).split()
    title = " ".join(word if word.isupper() else word.lower() for word in words)
    return title[0].upper() + title[1:]


def leaves(names: str, kind: str = "string", form: str | None = None, limits: Mapping[str, Any] = _ANYTHING) -> Tree:
    """Return fields of one scalar type.

    :param form: the ``format`` of the fields.
    :param limits: constraints of the values, such as ``maxLength``.
    """
    xdm = form if form in _TIMES else {"integer": "int"}.get(kind, kind)
    node = {"type": kind, "meta:xdmType": xdm, **({"format": form} if form else {}), **limits}
    return {name: {"title": title_of(name), **node} for name in names.split()}


def choice(names: str, values: str | Mapping[str, str], *, custom: bool = False) -> Tree:
    """Return fields with a list of allowed values.

    :param values: the values; a mapping to labels if the labels cannot be derived from the values.
    :param custom: whether other values are allowed too, so that ``values`` are only suggestions.
    """
    labels = {value: title_of(value) for value in values.split()} if isinstance(values, str) else values
    return leaves(names, limits={**({} if custom else {"enum": list(labels)}), "meta:enum": labels})


def struct(title: str, properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> Tree:
    """Return an object."""
    needed = {"required": list(required)} if required else {}
    return {"title": title, "type": "object", "meta:xdmType": "object", "properties": properties, **needed}


def nested(name: str, properties: Mapping[str, Any]) -> Tree:
    """Return a field that is an object."""
    return {name: struct(title_of(name), properties)}


def typed(names: str, data_type: DataType) -> Tree:
    """Return fields of a data type."""
    return {name: {**data_type.node(), "title": title_of(name)} for name in names.split()}


def array_field(name: str, entry: Mapping[str, Any]) -> Tree:
    """Return a field that is an array."""
    return {name: {"title": title_of(name), "type": "array", "meta:xdmType": "array", "items": entry}}


def map_field(name: str, entry: Mapping[str, Any]) -> Tree:
    """Return a field that is a map."""
    return {name: map_of(title_of(name), entry)}


def map_of(title: str, entry: Mapping[str, Any]) -> Tree:
    """Return a map; all its values have one type."""
    return {"title": title, "type": "object", "meta:xdmType": "map", "additionalProperties": entry}
