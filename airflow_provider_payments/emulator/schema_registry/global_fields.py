"""How the fields of global resources are written down: a name, a type, and what a value may be.

Titles follow from the names. Lists of names and values have blanks between them.
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

    :param id: its ``$id``.
    :param required: the fields that each object of it needs.
    """

    id: str
    title: str
    properties: Tree
    required: tuple[str, ...] = ()

    def node(self) -> Tree:
        """A field, or an entry of an array or a map, that is of this type."""
        return {**struct(self.title, self.properties, self.required), "meta:referencedFrom": self.id}


def worded(name: str) -> str:
    """A name as a title: ``loyaltyID`` is "Loyalty ID"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name.replace("_", " ")).split()
    title = " ".join(word if word.isupper() else word.lower() for word in words)
    return title[0].upper() + title[1:]


def leaves(names: str, kind: str = "string", form: str | None = None, limits: Mapping[str, Any] = _ANYTHING) -> Tree:
    """Fields that hold one value each and differ in their names only.

    :param form: their ``format``.
    :param limits: what a value may be, such as its ``maxLength``.
    """
    xdm = form if form in _TIMES else {"integer": "int"}.get(kind, kind)
    node = {"type": kind, "meta:xdmType": xdm, **({"format": form} if form else {}), **limits}
    return {name: {"title": worded(name), **node} for name in names.split()}


def choice(names: str, values: str | Mapping[str, str], *, custom: bool = False) -> Tree:
    """Fields that hold one of some values.

    :param values: with their labels, where these do not follow from them.
    :param custom: whether others are allowed as well: then the values are suggestions.
    """
    labels = {value: worded(value) for value in values.split()} if isinstance(values, str) else values
    return leaves(names, limits={**({} if custom else {"enum": list(labels)}), "meta:enum": labels})


def struct(title: str, properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> Tree:
    """An object."""
    needed = {"required": list(required)} if required else {}
    return {"title": title, "type": "object", "meta:xdmType": "object", "properties": properties, **needed}


def nested(name: str, properties: Mapping[str, Any]) -> Tree:
    """A field that is an object."""
    return {name: struct(worded(name), properties)}


def typed(names: str, data_type: DataType) -> Tree:
    """Fields that are of a data type."""
    return {name: {**data_type.node(), "title": worded(name)} for name in names.split()}


def several(name: str, entry: Mapping[str, Any]) -> Tree:
    """A field that is an array."""
    return {name: {"title": worded(name), "type": "array", "meta:xdmType": "array", "items": entry}}


def keyed(name: str, entry: Mapping[str, Any]) -> Tree:
    """A field that is a map."""
    return {name: mapped(worded(name), entry)}


def mapped(title: str, entry: Mapping[str, Any]) -> Tree:
    """A map: all that it holds is alike."""
    return {"title": title, "type": "object", "meta:xdmType": "map", "additionalProperties": entry}
