"""What a function of the expression language is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_payments.emulator.core.dates import parse_time
from airflow_provider_payments.emulator.data_prep.language.values import (
    ExpressionError,
    as_text,
    number,
    shown,
    truth,
    whole,
)

Now = Callable[[], float]
# The most arguments of functions that take as many as one likes.
MANY = 200

_SIGNATURE = re.compile(r"(?P<name>\w+)\((?P<parameters>.*)\) -> (?P<gives>\w+)")
_PARAMETER = re.compile(r"(?P<name>\w+)(?P<optional>\?)?: (?P<kind>\w+)(?P<many>\.\.\.)?")


def as_time(value: Any) -> datetime:
    """A time, or a text that is one without a format."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ExpressionError(f"{shown(value)} is no time")
    return parse_time(value)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ExpressionError(f"{shown(value)} is no array")
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ExpressionError(f"{shown(value)} is no object")
    return value


def _single(value: Any) -> Any:
    if isinstance(value, list | Mapping):
        raise ExpressionError(f"an {shown(value)} is no single value")
    return value


def _as_it_is(value: Any) -> Any:
    return value


# Kind of a parameter -> what makes an argument of it.
_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "text": as_text,
    "number": number,
    "whole": whole,
    "boolean": truth,
    "time": as_time,
    "array": _array,
    "object": _object,
    "single": _single,
    "any": _as_it_is,
    "lambda": _as_it_is,
}
# Kind of a value -> its type as the platform lists it; of the others it lists none.
_JAVA_TYPES: Mapping[str, str] = {
    "text": "java.lang.String",
    "number": "java.lang.Number",
    "whole": "java.lang.Integer",
    "boolean": "java.lang.Boolean",
    "time": "java.time.ZonedDateTime",
    "object": "java.util.Map",
    "array": "[Ljava.lang.Object;",
}
# What an array is never.
SINGLE_KINDS = frozenset({"text", "single", "number", "whole", "boolean", "time", "object"})


def java_type(kind: str) -> str:
    """The type by which the platform lists a kind of values."""
    return _JAVA_TYPES.get(kind, "java.lang.Object")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function.

    :param kind: which values it takes; other single values become such a one where they can.
    :param many: takes all further arguments.
    """

    name: str
    kind: str
    is_optional: bool
    many: bool

    def argument(self, value: Any) -> Any:
        """A value as the function takes it; raises :class:`ExpressionError`."""
        nothing = value is None and self.kind in ("time", "array", "object")
        return None if nothing else _KINDS[self.kind](value)


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it is called and listed.

    :param parameters: those of a method begin with what it is called on.
    :param gives: the kind of its result.
    :param apply: called with the clock and the arguments.
    :param result: of the example, as the documents print it; empty where the example reads attributes.
    """

    name: str
    category: str
    parameters: tuple[Parameter, ...]
    gives: str
    apply: Callable[..., Any]
    description: str
    example: str
    result: str

    @property
    def fewest(self) -> int:
        """How many arguments it takes at least."""
        return sum(not parameter.is_optional for parameter in self.parameters)

    @property
    def most(self) -> int:
        """How many arguments it takes at most."""
        return MANY if self.parameters and self.parameters[-1].many else len(self.parameters)

    @property
    def signature(self) -> str:
        """Its result, name and parameters as the platform lists them: ``ZonedDateTime date(Object, String)``."""
        kinds = (_short(parameter.kind) + "..." * parameter.many for parameter in self.parameters)
        return f"{_short(self.gives)} {self.name}({', '.join(kinds)})"

    def parameter(self, place: int) -> Parameter:
        """The parameter of the argument in a place, from 0."""
        return self.parameters[min(place, len(self.parameters) - 1)]

    def call(self, now: Now, given: Sequence[Any]) -> Any:
        """The result; nothing for nothing, where the first argument is what the function works on."""
        if given and given[0] is None and self._needs_something:
            return None
        return self.apply(now, *(self.parameter(place).argument(value) for place, value in enumerate(given)))

    @property
    def _needs_something(self) -> bool:
        first = self.parameters[0]
        return first.kind not in ("any", "single", "boolean") and not first.many


def _short(kind: str) -> str:
    return "Object[]" if kind == "array" else java_type(kind).rpartition(".")[2]


Entry = tuple[str, Callable[..., Any], str, str, str]


def group(category: str, *entries: Entry) -> dict[str, Function]:
    """Functions of one category by name.

    :param entries: the signature, the function, what it does, an example, and the example's result as JSON or text.
    """
    functions = (_function(category, *entry) for entry in entries)
    return {function.name: function for function in functions}


def _function(
    category: str, signature: str, apply: Callable[..., Any], description: str, example: str, result: str
) -> Function:
    match = _SIGNATURE.fullmatch(signature)
    assert match is not None, signature
    parameters = []
    for text in filter(None, match["parameters"].split(", ")):
        part = _PARAMETER.fullmatch(text)
        assert part is not None, signature
        parameters.append(Parameter(part["name"], part["kind"], bool(part["optional"]), bool(part["many"])))
    return Function(match["name"], category, tuple(parameters), match["gives"], apply, description, example, result)


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs no clock."""
    return lambda _, *given: function(*given)


def on_some(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, which gives nothing when its first argument is nothing."""
    return lambda _, value, *more: None if value is None else function(value, *more)


def spread(given: tuple[Any, ...]) -> list[Any]:
    """The arguments, or those in the array that is the only one."""
    return given[0] if len(given) == 1 and isinstance(given[0], list) else list(given)
