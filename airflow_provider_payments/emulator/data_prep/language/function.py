"""Functions of the expression language: signatures, checking of arguments, calls."""

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
    shortened,
    truth,
    whole,
)

Now = Callable[[], float]
#: Maximum number of arguments of a variadic function.
MAX_ARGUMENTS = 200

_SIGNATURE = re.compile(r"(?P<name>\w+)\((?P<parameters>.*)\) -> (?P<result_kind>\w+)")
_PARAMETER = re.compile(r"(?P<name>\w+)(?P<optional>\?)?: (?P<kind>\w+)(?P<many>\.\.\.)?")


def as_time(value: Any) -> datetime:
    """Return a time; a text must have one of the forms that need no format."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ExpressionError(f"{shortened(value)} is no time")
    return parse_time(value)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ExpressionError(f"{shortened(value)} is no array")
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ExpressionError(f"{shortened(value)} is no object")
    return value


def _single(value: Any) -> Any:
    if isinstance(value, list | Mapping):
        raise ExpressionError(f"an {shortened(value)} is no single value")
    return value


def _unchanged(value: Any) -> Any:
    return value


#: The conversion of an argument, by the kind of its parameter.
_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "text": as_text,
    "number": number,
    "whole": whole,
    "boolean": truth,
    "time": as_time,
    "array": _array,
    "object": _object,
    "single": _single,
    "any": _unchanged,
    "lambda": _unchanged,
}
#: The Java types that the API lists, by kind of value; other kinds have none.
_JAVA_TYPES: Mapping[str, str] = {
    "text": "java.lang.String",
    "number": "java.lang.Number",
    "whole": "java.lang.Integer",
    "boolean": "java.lang.Boolean",
    "time": "java.time.ZonedDateTime",
    "object": "java.util.Map",
    "array": "[Ljava.lang.Object;",
}
#: The kinds of values that are never an array.
SINGLE_KINDS = frozenset({"text", "single", "number", "whole", "boolean", "time", "object"})


def java_type(kind: str) -> str:
    """Return the Java type that the API lists for a kind of values."""
    return _JAVA_TYPES.get(kind, "java.lang.Object")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function.

    :param kind: the kind of values; other single values are converted if possible.
    :param many: whether the parameter accepts all further arguments.
    """

    name: str
    kind: str
    is_optional: bool
    many: bool

    def argument(self, value: Any) -> Any:
        """Convert an argument; raise :class:`ExpressionError` if that fails."""
        nothing = value is None and self.kind in ("time", "array", "object")
        return None if nothing else _CONVERSIONS[self.kind](value)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the expression language.

    :param parameters: the first parameter of a method is the value on which the method is called.
    :param result_kind: the kind of the result.
    :param apply: computes the result from the clock and the arguments.
    :param result: the result of the example in Adobe's documents; empty if the example has no fixed result.
    """

    name: str
    category: str
    parameters: tuple[Parameter, ...]
    result_kind: str
    apply: Callable[..., Any]
    description: str
    example: str
    result: str

    @property
    def min_arguments(self) -> int:
        """The minimum number of arguments."""
        return sum(not parameter.is_optional for parameter in self.parameters)

    @property
    def max_arguments(self) -> int:
        """The maximum number of arguments."""
        return MAX_ARGUMENTS if self.parameters and self.parameters[-1].many else len(self.parameters)

    @property
    def signature(self) -> str:
        """The result, name and parameters as the API lists them: ``ZonedDateTime date(Object, String)``."""
        kinds = (_short_type(parameter.kind) + "..." * parameter.many for parameter in self.parameters)
        return f"{_short_type(self.result_kind)} {self.name}({', '.join(kinds)})"

    def parameter(self, place: int) -> Parameter:
        """Return the parameter of an argument, by the argument's index from 0."""
        return self.parameters[min(place, len(self.parameters) - 1)]

    def call(self, now: Now, given: Sequence[Any]) -> Any:
        """Return the result; None if the first argument is None and the function requires a value for it."""
        if given and given[0] is None and self._requires_first_value:
            return None
        return self.apply(now, *(self.parameter(place).argument(value) for place, value in enumerate(given)))

    @property
    def _requires_first_value(self) -> bool:
        first = self.parameters[0]
        return first.kind not in ("any", "single", "boolean") and not first.many


def _short_type(kind: str) -> str:
    return "Object[]" if kind == "array" else java_type(kind).rpartition(".")[2]


Declaration = tuple[str, Callable[..., Any], str, str, str]


def group(category: str, *declarations: Declaration) -> dict[str, Function]:
    """Return the functions of one category by name.

    :param declarations: signature, function, description, example, and the example's result as JSON or text.
    """
    functions = (_function(category, *declaration) for declaration in declarations)
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
    return Function(
        match["name"], category, tuple(parameters), match["result_kind"], apply, description, example, result
    )


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adapt a function that does not use the clock."""
    return lambda _, *given: function(*given)


def null_safe(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adapt a function that does not use the clock; return None if its first argument is None."""
    return lambda _, value, *more: None if value is None else function(value, *more)


def spread(given: tuple[Any, ...]) -> list[Any]:
    """Return the arguments, or the entries of an array that is the only argument."""
    return given[0] if len(given) == 1 and isinstance(given[0], list) else list(given)
