"""A small, honest part of the expression language: literals, paths and a few functions; all else is refused by name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 2000
MAX_NESTING = 20
# Of a text that a function gives; nested calls multiply what they are given.
MAX_RESULT = 100_000
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*)*)"
    r"|(?P<mark>[(),]))",
    re.ASCII,
)


class ExpressionError(Exception):
    """An expression that is not understood, or cannot be computed for a row."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A source attribute."""

    path: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A function with its arguments."""

    name: str
    arguments: tuple[Expression, ...]


Expression = Literal | Path | Apply


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(_text(value))


def _decimal(value: Any) -> float | None:
    if value is None:
        return None
    number = float(_text(value))
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _first(values: Sequence[Any]) -> Any:
    return next((value for value in values if value is not None), None)


# Name to (fewest arguments, most arguments, function over the list of values).
_FUNCTIONS: Mapping[str, tuple[int, int, Callable[[Sequence[Any]], Any]]] = {
    "concat": (1, 20, lambda values: "".join(map(_text, values))),
    "lower": (1, 1, lambda values: None if values[0] is None else _text(values[0]).lower()),
    "upper": (1, 1, lambda values: None if values[0] is None else _text(values[0]).upper()),
    "trim": (1, 1, lambda values: None if values[0] is None else _text(values[0]).strip()),
    "replace": (3, 3, lambda values: _text(values[0]).replace(_text(values[1]), _text(values[2]))),
    "coalesce": (1, 20, _first),
    "to_integer": (1, 1, lambda values: _whole(values[0])),
    "to_decimal": (1, 1, lambda values: _decimal(values[0])),
}
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}


def parse(source: str) -> Expression:
    """Understand an expression; raises :class:`ExpressionError`.

    :param source: as it stands in a mapping.
    """
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters")
    tokens, at = [], 0
    text = source.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read the expression from '{text[at : at + 30]}' on")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    expression, rest = _parse(tokens, 0)
    if rest:
        raise ExpressionError(f"unexpected '{rest[0][1]}' behind the expression")
    return expression


def _parse(tokens: list[tuple[str, str]], depth: int) -> tuple[Expression, list[tuple[str, str]]]:
    if not tokens:
        raise ExpressionError("the expression ends too early")
    if depth > MAX_NESTING:
        raise ExpressionError(f"the expression is nested deeper than {MAX_NESTING} levels")
    (kind, token), rest = tokens[0], tokens[1:]
    if kind == "text":
        return Literal(re.sub(r"\\(.)", r"\1", token[1:-1])), rest
    if kind == "number":
        return Literal(float(token) if "." in token else int(token)), rest
    if kind != "name":
        raise ExpressionError(f"unexpected '{token}'")
    if not rest or rest[0] != ("mark", "("):
        return (Literal(_CONSTANTS[token]) if token in _CONSTANTS else Path(token)), rest
    return _parse_call(token, rest[1:], depth)


def _parse_call(name: str, tokens: list[tuple[str, str]], depth: int) -> tuple[Expression, list[tuple[str, str]]]:
    if name not in _FUNCTIONS:
        raise ExpressionError(f"the emulator does not know the function '{name}'; it knows {', '.join(_FUNCTIONS)}")
    arguments: list[Expression] = []
    while tokens and tokens[0] != ("mark", ")"):
        if arguments:
            if tokens[0] != ("mark", ","):
                raise ExpressionError(f"unexpected '{tokens[0][1]}' among the arguments of {name}")
            tokens = tokens[1:]
        argument, tokens = _parse(tokens, depth + 1)
        arguments.append(argument)
    if not tokens:
        raise ExpressionError(f"the call of {name} is not closed")
    fewest, most, _ = _FUNCTIONS[name]
    if not fewest <= len(arguments) <= most:
        raise ExpressionError(f"{name} takes {fewest} to {most} arguments, not {len(arguments)}")
    return Apply(name, tuple(arguments)), tokens[1:]


def paths(expression: Expression) -> list[str]:
    """The source attributes that an expression reads."""
    match expression:
        case Path(path):
            return [path]
        case Apply(_, arguments):
            return [path for argument in arguments for path in paths(argument)]
        case _:
            return []


def evaluate(expression: Expression, read: Callable[[str], Any]) -> Any:
    """The value for one row; raises :class:`ExpressionError`.

    :param read: gives a source attribute by its path.
    """
    match expression:
        case Literal(value):
            return value
        case Path(path):
            return read(path)
        case Apply(name, arguments):
            values = [evaluate(argument, read) for argument in arguments]
            if name == "replace":
                _check_growth(values)
            try:
                result = _FUNCTIONS[name][2](values)
            except (ValueError, OverflowError) as error:
                raise ExpressionError(f"{name} cannot take '{_text(values[0])[:60]}'") from error
            if isinstance(result, str) and len(result) > MAX_RESULT:
                raise _too_long(name)
            return result


def _check_growth(values: Sequence[Any]) -> None:
    # Before it happens: one call can multiply two long texts.
    text, old, new = map(_text, values)
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_RESULT:
        raise _too_long("replace")


def _too_long(name: str) -> ExpressionError:
    return ExpressionError(f"{name} gives a text longer than {MAX_RESULT} characters")
