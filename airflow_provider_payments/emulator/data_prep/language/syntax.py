"""The syntax tree of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.core.paths import has_wildcard, steps_of
from airflow_provider_payments.emulator.data_prep.language.functions import FUNCTIONS, METHODS

#: Functions that test whether an attribute exists; the source need not have it.
EXISTENCE_TESTS = ("contains_key", "is_set")


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A source attribute."""

    path: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A map: keys and values in turn."""

    entries: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Apply:
    """A call of a function; the first argument of a method is the value on which the method is called."""

    name: str
    arguments: tuple[Expression | Lambda, ...]
    method: bool = False


@dataclass(frozen=True, slots=True)
class Below:
    """A part of the result of a function.

    :param path: the path of the part; its first name stands for the result.
    """

    call: Apply
    path: str


@dataclass(frozen=True, slots=True)
class Lambda:
    """``parameter -> body``, an argument of functions that iterate over an array."""

    parameter: str
    body: Expression


@dataclass(frozen=True, slots=True)
class Operate:
    """An operator with one or two operands."""

    sign: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """``condition ? yes : no``."""

    condition: Expression
    yes: Expression
    no: Expression


Expression = Literal | Path | Items | Entries | Apply | Below | Operate | Choose


def paths(expression: Expression) -> list[str]:
    """Return the source attributes that an expression reads, each once."""
    return list(dict.fromkeys(_paths(expression)))


def _paths(expression: Expression | Lambda) -> Iterator[str]:
    match expression:
        case Path(path):
            yield path
        case Apply(name, _, False) if name in EXISTENCE_TESTS:
            return
        case Apply(_, children) | Items(children) | Entries(children) | Operate(_, children):
            for child in children:
                yield from _paths(child)
        case Below(call):
            yield from _paths(call)
        case Choose(condition, yes, no):
            for child in (condition, yes, no):
                yield from _paths(child)
        case Lambda(parameter, body):
            yield from (path for path in _paths(body) if first_name(path) != parameter)


def first_name(path: str) -> str:
    """Return the first name of a path; the whole text if it is not a valid path."""
    steps = steps_of(path)
    return str(steps[0]) if steps else path


def is_array(expression: Expression | Lambda) -> bool:
    """Return whether the value of an expression can only be an array or None."""
    match expression:
        case Path(path) | Below(_, path):
            return has_wildcard(path)
        case Items():
            return True
        case Apply(name, _, method):
            return (METHODS if method else FUNCTIONS)[name].result_kind == "array"
        case Choose(_, yes, no):
            return is_array(yes) and is_array(no)
    return False
