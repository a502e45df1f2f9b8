"""
Strict readers of an item's members: a value is valid, absent, or raises :class:`.errors.UnreadableError`.

The functions of :mod:`.readers` return ``None`` for invalid values. Code that compares, creates or deletes must not
take an unreadable member for an absent or a different one, so it uses this module. The error names the member and the
type of its value, never the value, which may contain a credential.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from unicodedata import normalize

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import InvalidInputError, UnreadableError

Value = TypeVar("Value")

_KINDS = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list"}
_MAJOR = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class Fields:
    """
    The members of an item.

    :param what: the item's kind and id, for errors.
    :param item: the members in a service's answer, or in a payload.
    """

    what: str
    item: Mapping[str, Any]

    @classmethod
    def of(cls, what: str, value: object) -> Fields:
        """Return the members of ``value``, which must be an object; raise otherwise."""
        if not isinstance(value, Mapping):
            raise UnreadableError(what, f"it is {_kind(value)}, not an object")
        return cls(what, value)

    @classmethod
    def of_item(cls, kind: str, value: object, id_key: str = "id") -> Fields:
        """Return the members of a listed item; errors contain its id if that can be read."""
        return cls.of(f"{kind} {readers.text(readers.at(value, id_key)) or 'without a readable id'}", value)

    def unreadable(self, path: tuple[str, ...], value: object, expected: str) -> UnreadableError:
        """Return the error of an unreadable member."""
        return UnreadableError(self.what, f"its {'.'.join(path)} is {_kind(value)}, not {expected}")

    def value(self, *path: str) -> Any:
        """Return the value at a path; ``None`` if a step is absent."""
        found: Any = self.item
        for depth, step in enumerate(path):
            if found is None:
                return None
            if not isinstance(found, Mapping):
                raise self.unreadable(path[:depth], found, "an object")
            found = found.get(step)
        return found

    def text(self, *path: str) -> str | None:
        """Return a text; ``None`` if it is absent or empty."""
        return self._typed(str, "text", path) or None

    def mapping(self, *path: str) -> Mapping[str, Any]:
        """Return an object; an empty one if it is absent."""
        found: Mapping[str, Any] = self._typed(Mapping, "an object", path) or {}
        return found

    def below(self, *path: str) -> Fields:
        """Return the members of a nested object."""
        return Fields(f"{'.'.join(path)} of {self.what}", self.mapping(*path))

    def sequence(self, *path: str) -> list[Any]:
        """Return a list; an empty one if it is absent."""
        return list(self._typed((list, tuple), "a list", path) or ())

    def each(self, *path: str) -> list[Fields]:
        """Return the members of each object of a list."""
        return [Fields.of(f"an entry of {'.'.join(path)} of {self.what}", entry) for entry in self.sequence(*path)]

    def texts(self, *path: str) -> list[str]:
        """Return a list of texts; an empty one if it is absent."""
        found = self.sequence(*path)
        for entry in found:
            if not isinstance(entry, str):
                raise self.unreadable((*path, "*"), entry, "text")
        return found

    def moment(self, *path: str) -> float:
        """Return a time in epoch seconds; 0 if it is absent."""
        value = self.value(*path)
        found = readers.moment(value)
        if found is None and value not in (None, "", 0):
            raise self.unreadable(path, value, "a time")
        return found or 0.0

    def count(self, *path: str) -> int:
        """Return a whole number of 0 or more; 0 if it is absent."""
        value = self.value(*path)
        found = readers.count(value)
        if found is None and value not in (None, ""):
            raise self.unreadable(path, value, "a whole number")
        return found or 0

    def parsed(self, parse: Callable[[str, object], Value], *path: str) -> Value:
        """Return a value parsed like an argument: services return numbers as text if they were sent as text."""
        value = self.value(*path)
        try:
            return parse("", value)
        except InvalidInputError as error:
            raise self.unreadable(path, value, error.allowed.removeprefix("it must be ")) from None

    def major_version(self, *path: str) -> int:
        """
        Return the major version of a schema in a content type or version.

        ``application/vnd.adobe.xed-full+json; version=1.3``, ``;version=1`` and ``1.0`` all mean 1; so does an absent
        value, because 1 is the only major version.
        """
        value = self.value(*path)
        if value is None:
            return 1
        if isinstance(value, str):
            _, marker, version = "".join(value.lower().split()).rpartition("version=")
            if _MAJOR.fullmatch(digits := version.partition(".")[0]):
                return int(digits)
            if not marker:
                return 1
        elif (number := readers.number(value)) is not None:
            return int(number)
        raise self.unreadable(path, value, "a version")

    def is_named(self, key: str, name: str) -> bool:
        """
        Return whether the item has a name.

        Names are compared in Unicode normal form C, because some systems write other forms, which look the same.

        :raises UnreadableError: if the item's name is not text, because it may match.
        """
        value = self.value(key)
        if not isinstance(value, str):
            raise self.unreadable((key,), value, "text")
        return normalize("NFC", value) == normalize("NFC", name)

    def identity(self, key: str = "id") -> str:
        """Return the item's id; raise if it is absent."""
        found = readers.text(self.value(key))
        if found is None:
            raise self.unreadable((key,), self.value(key), "an id")
        return found

    def _typed(self, kind: type | tuple[type, ...], expected: str, path: tuple[str, ...]) -> Any:
        found = self.value(*path)
        if found is not None and not isinstance(found, kind):
            raise self.unreadable(path, found, expected)
        return found


def _kind(value: object) -> str:
    return "an object" if isinstance(value, Mapping) else _KINDS.get(type(value), "not a JSON value")
