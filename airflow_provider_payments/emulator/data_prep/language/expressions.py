"""Evaluating mapping expressions, and their operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.paths import read_below
from airflow_provider_payments.emulator.data_prep.language import values
from airflow_provider_payments.emulator.data_prep.language.function import Now
from airflow_provider_payments.emulator.data_prep.language.functions import FUNCTIONS, METHODS
from airflow_provider_payments.emulator.data_prep.language.parser import parse
from airflow_provider_payments.emulator.data_prep.language.syntax import (
    EXISTENCE_TESTS,
    Apply,
    Below,
    Choose,
    Entries,
    Expression,
    Items,
    Lambda,
    Literal,
    Operate,
    Path,
    first_name,
    paths,
)
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError

__all__ = ["OPERATORS", "Read", "evaluate", "parse", "paths"]

Read = Callable[[str], Any]

# Sign, name, number of operands, description and example, as the API lists them.
OPERATORS = (
    ("+", "add", 2, "The sum, or one text behind the other.", "1 + 2"),
    ("-", "subtract", 2, "The difference.", "2 - 1"),
    ("*", "multiply", 2, "The product.", "2 * 3"),
    ("/", "divide", 2, "The quotient; of whole numbers without its fraction. Also: div.", "amount / 100.0"),
    ("%", "mod", 2, "The remainder of a division. Also: mod.", "5 % 2"),
    ("-", "negate", 1, "The number with the other sign.", "-12"),
    ("==", "equals", 2, "Whether two values are the same. Also: eq.", "a == b"),
    ("!=", "notEquals", 2, "Whether two values differ. Also: ne.", "a != b"),
    ("<", "lessThan", 2, "Whether a value is smaller. Also: lt.", "a < b"),
    ("<=", "lessThanOrEqual", 2, "Whether a value is not greater. Also: le.", "a <= b"),
    (">", "greaterThan", 2, "Whether a value is greater. Also: gt.", "a > b"),
    (">=", "greaterThanOrEqual", 2, "Whether a value is not smaller. Also: ge.", "a >= b"),
    ("&&", "and", 2, "Whether both conditions are true. Also: and.", "a && b"),
    ("||", "or", 2, "Whether one of two conditions is true. Also: or.", "a || b"),
    ("!", "not", 1, "Whether a condition is not true. Also: not.", "!a"),
    ("~", "complement", 1, "The whole number with every bit changed.", "~44"),
    ("?:", "ternary", 3, "One of two values; without the middle one, the first if it is true.", "a ? b : c"),
    ("??", "coalesce", 2, "The first that is not null.", "a ?? b"),
)
_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.remainder,
    "==": values.equal,
    "!=": lambda left, right: not values.equal(left, right),
    "<": values.less,
    ">": lambda left, right: values.less(right, left),
    "<=": lambda left, right: values.less(left, right) or values.equal(left, right),
    ">=": lambda left, right: values.less(right, left) or values.equal(left, right),
}
_SINGLE_OPERATIONS: Mapping[str, Callable[[Any], Any]] = {
    "!": lambda value: not values.truth(value),
    "-": lambda value: values.subtract(0, value),
    "~": lambda value: ~values.whole(value),
}


def evaluate(expression: Expression, read: Read, now: Now) -> Any:
    """Return the value of an expression for one row; raise :class:`ExpressionError`.

    :param read: reads a source attribute by its path; None if the row has none.
    :param now: returns the time in epoch seconds.
    """
    match expression:
        case Literal(value):
            return value
        case Path(path):
            return read(path)
        case Below(call, path):
            return read_below(evaluate(call, read, now), path)
        case Items(items):
            return [evaluate(item, read, now) for item in items]
        case Entries(entries):
            parts = [evaluate(entry, read, now) for entry in entries]
            return {values.as_text(key): value for key, value in zip(parts[::2], parts[1::2], strict=True)}
        case Choose(condition, yes, no):
            return evaluate(yes if values.truth(evaluate(condition, read, now)) else no, read, now)
        case Operate(sign, operands):
            return _operation_result(sign, operands, read, now)
        case Apply(name, (Literal(path) | Path(path),), False) if name in EXISTENCE_TESTS:
            return read(values.as_text(path)) is not None
        case Apply(name, arguments, method):
            given = [
                _lambda_call(argument, read, now) if isinstance(argument, Lambda) else evaluate(argument, read, now)
                for argument in arguments
            ]
            return _function_result(name, given, now, method)


def _lambda_call(function: Lambda, read: Read, now: Now) -> Callable[[Any], Any]:
    def call(entry: Any) -> Any:
        def read_in_scope(path: str) -> Any:
            return read_below(entry, path) if first_name(path) == function.parameter else read(path)

        return evaluate(function.body, read_in_scope, now)

    return call


def _operation_result(sign: str, operands: tuple[Expression, ...], read: Read, now: Now) -> Any:
    left = evaluate(operands[0], read, now)
    if len(operands) == 1:
        return _SINGLE_OPERATIONS[sign](left)
    match sign:
        case "&&":
            return values.truth(left) and values.truth(evaluate(operands[1], read, now))
        case "||":
            return values.truth(left) or values.truth(evaluate(operands[1], read, now))
        case "??":
            return evaluate(operands[1], read, now) if left is None else left
        case "?:":
            holds = left is not None and (not isinstance(left, bool | int | float) or values.truth(left))
            return left if holds and left != "" else evaluate(operands[1], read, now)
    right = evaluate(operands[1], read, now)
    try:
        return _OPERATIONS[sign](left, right)
    except OverflowError as error:
        raise ExpressionError(f"'{sign}' cannot take {values.shortened(left)} and {values.shortened(right)}") from error


def _function_result(name: str, given: list[Any], now: Now, method: bool) -> Any:
    try:
        return values.bounded((METHODS if method else FUNCTIONS)[name].call(now, given))
    except ExpressionError as error:
        raise ExpressionError(f"{name}: {error}") from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ExpressionError(f"{name} cannot take {', '.join(map(values.shortened, given[:3]))}") from error
