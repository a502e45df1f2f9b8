"""
Members of an item where absence decides: each is what it should be, or absent, or *unknown*.

:mod:`.readers` takes what is not meant for nothing. What compares, creates or deletes must not: a garbled field is
neither empty nor different, so these raise :class:`.errors.UnreadableError`, whatever JSON stands there. The error
names the member and the kind of value, never the value: a credential may stand next to it.
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
    An item.

    :param what: which one it is, for the error.
    :param item: its members as the service shows them, or as a payload holds them.
    """

    what: str
    item: Mapping[str, Any]

    @classmethod
    def of(cls, what: str, value: object) -> Fields:
        """Return the members of ``value``, which must be an object."""
        if not isinstance(value, Mapping):
            raise UnreadableError(what, f"it is {_kind(value)}, not an object")
        return cls(what, value)

    @classmethod
    def of_item(cls, kind: str, value: object, id_key: str = "id") -> Fields:
        """Return the members of an item of a list, named by its id where that can be read."""
        return cls.of(f"{kind} {readers.text(readers.at(value, id_key)) or 'without a readable id'}", value)

    def unreadable(self, path: tuple[str, ...], value: object, expected: str) -> UnreadableError:
        """Return the error that says so of a member."""
        return UnreadableError(self.what, f"its {'.'.join(path)} is {_kind(value)}, not {expected}")

    def value(self, *path: str) -> Any:
        """Return whatever stands there, ``None`` where a step is absent."""
        found: Any = self.item
        for depth, step in enumerate(path):
            if found is None:
                return None
            if not isinstance(found, Mapping):
                raise self.unreadable(path[:depth], found, "an object")
            found = found.get(step)
        return found

    def text(self, *path: str) -> str | None:
        """Return text, ``None`` where it is absent or empty."""
        return self._typed(str, "text", path) or None

    def mapping(self, *path: str) -> Mapping[str, Any]:
        """Return an object, empty where it is absent."""
        found: Mapping[str, Any] = self._typed(Mapping, "an object", path) or {}
        return found

    def below(self, *path: str) -> Fields:
        """Return the members of an object that stands there."""
        return Fields(f"{'.'.join(path)} of {self.what}", self.mapping(*path))

    def sequence(self, *path: str) -> list[Any]:
        """Return a list, empty where it is absent."""
        return list(self._typed((list, tuple), "a list", path) or ())

    def each(self, *path: str) -> list[Fields]:
        """Return the members of each object of a list."""
        return [Fields.of(f"an entry of {'.'.join(path)} of {self.what}", entry) for entry in self.sequence(*path)]

    def texts(self, *path: str) -> list[str]:
        """Return a list of texts, empty where it is absent."""
        found = self.sequence(*path)
        for entry in found:
            if not isinstance(entry, str):
                raise self.unreadable((*path, "*"), entry, "text")
        return found

    def moment(self, *path: str) -> float:
        """Return epoch seconds, 0 where it is absent."""
        value = self.value(*path)
        found = readers.moment(value)
        if found is None and value not in (None, "", 0):
            raise self.unreadable(path, value, "a time")
        return found or 0.0

    def count(self, *path: str) -> int:
        """Return a whole number from 0 on, 0 where it is absent."""
        value = self.value(*path)
        found = readers.count(value)
        if found is None and value not in (None, ""):
            raise self.unreadable(path, value, "a whole number")
        return found or 0

    def parsed(self, parse: Callable[[str, object], Value], *path: str) -> Value:
        """Return what an argument of that form would mean: services echo what they were sent, numbers as text too."""
        value = self.value(*path)
        try:
            return parse("", value)
        except InvalidInputError as error:
            raise self.unreadable(path, value, error.allowed.removeprefix("it must be ")) from None

    def major_version(self, *path: str) -> int:
        """
        Return the schema major version that a content type or version asks for.

        ``application/vnd.adobe.xed-full+json; version=1.3``, ``;version=1`` and ``1.0`` all mean 1; absent means the
        only one.
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
        Whether it has the name, or none that can be read and so may be the one.

        Names are compared in Unicode normal form C: text looks the same in others, and some systems write those.
        """
        value = self.value(key)
        if not isinstance(value, str):
            raise self.unreadable((key,), value, "text")
        return normalize("NFC", value) == normalize("NFC", name)

    def identity(self, key: str = "id") -> str:
        """Return its id, which must be there."""
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
    return "an object" if isinstance(value, Mapping) else _KINDS.get(type(value), "no JSON")
