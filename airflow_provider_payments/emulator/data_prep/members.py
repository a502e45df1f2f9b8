"""Functions for the members of an object, each compiled from the member's field on first use, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Self, TypeVar

Field = Mapping[str, Any]
Compiled = TypeVar("Compiled")
#: Maximum length of a name in a message: clients choose the keys of a map.
MAX_NAME_CHARACTERS = 100


class Misfit(Exception):
    """A value that does not fit its field."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self._steps: list[str | int] = []

    def inside(self, step: str | int) -> Self:
        """Prepend a step to the path of the value, and return the error.

        :param step: name or index of the value in the object or array that contains it.
        """
        self._steps.append(step[:MAX_NAME_CHARACTERS] if isinstance(step, str) else step)
        return self

    @property
    def steps(self) -> list[str | int]:
        """The path to the value, outermost step first."""
        return self._steps[::-1]


class Members(dict[str, Compiled], Generic[Compiled]):
    """The compiled functions of an object's members by name, compiled lazily: schemas have more fields than rows use.

    :param field: the field of the object.
    :param compiled: returns the function of a field.
    """

    def __init__(self, field: Field, compiled: Callable[[Field], Compiled]) -> None:
        super().__init__()
        self.known: Mapping[str, Field] = field.get("properties", {})
        held = field.get("additionalProperties")
        #: Whether only the known members are allowed.
        self.closed = held is False or (held is None and bool(self.known))
        self._compiled = compiled
        self._others = compiled(held if isinstance(held, Mapping) else {})

    def lacks(self, name: str) -> bool:
        """Return whether the object allows no member with a name."""
        return self.closed and name not in self.known

    def __missing__(self, name: str) -> Compiled:
        if name not in self.known:  # a map may have any number of keys: their functions are not kept
            return self._others
        self[name] = self._compiled(self.known[name])
        return self[name]
