"""The members of an object as functions, each compiled from its field when a value first needs it; where one fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Self, TypeVar

Field = Mapping[str, Any]
Compiled = TypeVar("Compiled")
# Of a name in a message: the keys of a map are a client's.
MAX_NAME_CHARACTERS = 100


class Misfit(Exception):
    """A value that does not fit its field."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self._steps: list[str | int] = []

    def inside(self, step: str | int) -> Self:
        """The same, as seen from the object or array that holds the value.

        :param step: name or index of the value.
        """
        self._steps.append(step[:MAX_NAME_CHARACTERS] if isinstance(step, str) else step)
        return self

    @property
    def steps(self) -> list[str | int]:
        """The way to the value, from the outside in."""
        return self._steps[::-1]


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
