"""The members of an object as functions, each compiled from its field when a value first needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

Field = Mapping[str, Any]
Compiled = TypeVar("Compiled")


class Members(dict[str, Compiled], Generic[Compiled]):
    """What is compiled for each member of an object by its name; schemas have more fields than rows do.

    :param field: of the object.
    :param compiled: makes a function of a field.
    """

    def __init__(self, field: Field, compiled: Callable[[Field], Compiled]) -> None:
        super().__init__()
        self.known: Mapping[str, Field] = field.get("properties", {})
        held = field.get("additionalProperties")
        #: Whether there are no members but the known ones.
        self.closed = held is False or (held is None and bool(self.known))
        self._compiled = compiled
        self._others = compiled(held if isinstance(held, Mapping) else {})

    def lack(self, name: str) -> bool:
        """Whether the object takes no member of that name."""
        return self.closed and name not in self.known

    def __missing__(self, name: str) -> Compiled:
        if name not in self.known:  # the keys of a map have no end: they are not kept
            return self._others
        self[name] = self._compiled(self.known[name])
        return self[name]
