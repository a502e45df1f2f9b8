"""Mapping expressions: reading them, and computing them for a row. What is not known is refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.data_prep import values
from airflow_provider_payments.emulator.data_prep.function import Now
from airflow_provider_payments.emulator.data_prep.functions import FUNCTIONS, METHODS
from airflow_provider_payments.emulator.data_prep.values import ExpressionError

MAX_LENGTH = 4096
MAX_NESTING = 20
# A chain of operators is as deep a tree as it is long.
MAX_OPERATORS = 100
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)"
    r"|(?P<wrapped>\$\{[^}]+\})"
    r"|(?P<name>(?:[^\W\d]|\$)[\w$]*)"
    r"|(?P<mark>&&|\|\||[=!<>]=|\?:|\?\?|[-+*/%!<>?:()\[\],.]))",
    re.DOTALL,
)
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_WORDS = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
_WORDS |= {"div": "/", "mod": "%"}
# Names that a path can only begin with inside ${...}.
_RESERVED = frozenset({"new", "break", "var", "for", "while", "continue", "else", "if", "return", "_errors", "do"})
_RESERVED |= {"function", "empty", "size"}


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
class Apply:
    """A function with its arguments; the first argument of a method is what it is called on."""

    name: str
    arguments: tuple[Expression, ...]
    method: bool = False


@dataclass(frozen=True, slots=True)
class Operate:
    """An operator with its operands, one or two."""

    sign: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """``condition ? yes : no``."""

    condition: Expression
    yes: Expression
    no: Expression


Expression = Literal | Path | Items | Apply | Operate | Choose
Read = Callable[[str], Any]


# Sign, name, how many operands, what it does, an example: as they are listed.
OPERATORS = (
    ("+", "add", 2, "The sum, or one text behind the other.", "1 + 2"),
    ("-", "subtract", 2, "The difference.", "2 - 1"),
    ("*", "multiply", 2, "The product.", "2 * 3"),
    ("/", "divide", 2, "The quotient; of whole numbers without its fraction. Also: div.", "amount / 100.0"),
    ("%", "mod", 2, "What is left of a division. Also: mod.", "5 % 2"),
    ("-", "negate", 1, "The number with the other sign.", "-12"),
    ("==", "equals", 2, "Whether two values are the same. Also: eq.", "a == b"),
    ("!=", "notEquals", 2, "Whether two values differ. Also: ne.", "a != b"),
    ("<", "lessThan", 2, "Whether a value is smaller. Also: lt.", "a < b"),
    ("<=", "lessThanOrEqual", 2, "Whether a value is not greater. Also: le.", "a <= b"),
    (">", "greaterThan", 2, "Whether a value is greater. Also: gt.", "a > b"),
    (">=", "greaterThanOrEqual", 2, "Whether a value is not smaller. Also: ge.", "a >= b"),
    ("&&", "and", 2, "Whether both hold. Also: and.", "a && b"),
    ("||", "or", 2, "Whether one of two holds. Also: or.", "a || b"),
    ("!", "not", 1, "Whether it does not hold. Also: not.", "!a"),
    ("?:", "ternary", 3, "One of two values; without the middle one, the first that holds.", "a ? b : c"),
    ("??", "coalesce", 2, "The first that is not null.", "a ?? b"),
)

# How tightly the operators with two operands bind.
_BINDING = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4}
_BINDING |= {"+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
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


def parse(source: str) -> Expression:
    """Understand an expression; raises :class:`ExpressionError`."""
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters")
    return _Parser(_tokens(source)).whole()


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = source.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read the expression from '{text[at : at + 30]}' on")
        kind = str(match.lastgroup)
        token = match[kind]
        if kind == "name" and token in _WORDS:
            kind, token = "mark", _WORDS[token]
        tokens.append((kind, token))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.operators = 0

    def whole(self) -> Expression:
        expression = self._ternary(0)
        if self.at < len(self.tokens):
            raise ExpressionError(f"unexpected '{self.tokens[self.at][1][:40]}' behind the expression")
        return expression

    def _next(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _is(self, mark: str) -> bool:
        """Step over a mark if it comes next."""
        found = self._next() == ("mark", mark)
        self.at += found
        return found

    def _need(self, mark: str) -> None:
        if not self._is(mark):
            found = self._next()[1][:40]
            raise ExpressionError(
                f"'{mark}' is missing before '{found}'" if found else f"'{mark}' is missing at the end"
            )

    def _ternary(self, depth: int) -> Expression:
        if depth > MAX_NESTING:
            raise ExpressionError(f"the expression is nested deeper than {MAX_NESTING} levels")
        condition = self._binary(1, depth)
        if self._is("?"):
            yes = self._ternary(depth + 1)
            self._need(":")
            return Choose(condition, yes, self._ternary(depth + 1))
        for sign in ("?:", "??"):
            if self._is(sign):
                return Operate(sign, (condition, self._ternary(depth + 1)))
        return condition

    def _binary(self, weakest: int, depth: int) -> Expression:
        left = self._unary(depth)
        while self._next()[0] == "mark" and _BINDING.get(self._next()[1], 0) >= weakest:
            sign = self._next()[1]
            self.at += 1
            self._count()
            left = Operate(sign, (left, self._binary(_BINDING[sign] + 1, depth)))
        return left

    def _count(self) -> None:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise ExpressionError(f"the expression has more than {MAX_OPERATORS} operators")

    def _unary(self, depth: int) -> Expression:
        for sign in ("-", "!"):
            if self._is(sign):
                self._count()
                return Operate(sign, (self._unary(depth),))
        return self._postfix(self._primary(depth), depth)

    def _primary(self, depth: int) -> Expression:
        kind, token = self._next()
        self.at += 1
        match kind:
            case "text":
                return Literal(re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL))
            case "number":
                return Literal(values.number(token))
            case "wrapped":
                return Path(token[2:-1])
            case "name":
                return self._named(token, depth)
            case "end":
                raise ExpressionError("the expression ends too early")
        if token == "(":
            inner = self._ternary(depth + 1)
            self._need(")")
            return inner
        if token == "[":
            return Items(self._list("]", depth))
        raise ExpressionError(f"unexpected '{token}'")

    def _named(self, name: str, depth: int) -> Expression:
        if self._is("("):
            return self._call(name, (), depth, method=False)
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name])
        if name in _RESERVED:
            raise ExpressionError(f"'{name}' is a reserved word; as a field it is written ${{{name}}}")
        return Path(name)

    def _postfix(self, base: Expression, depth: int) -> Expression:
        while True:
            if self._is("."):
                kind, name = self._next()
                if kind not in ("name", "wrapped"):
                    raise ExpressionError(f"a name is missing behind '.', before '{name[:40]}'")
                self.at += 1
                self._count()
                if kind == "name" and self._is("("):
                    base = self._call(name, (base,), depth, method=True)
                elif isinstance(base, Path):
                    base = Path(f"{base.path}.{name[2:-1] if kind == 'wrapped' else name}")
                else:
                    raise ExpressionError(f"'.{name[:40]}' needs a path before it")
            elif isinstance(base, Path) and self._is("["):
                kind, token = self._next()
                if token != "*" and not (kind == "number" and token.isdigit()):
                    raise ExpressionError("an index is a whole number, or * for all")
                self.at += 1
                self._need("]")
                base = Path(f"{base.path}[{token}]")
            else:
                return base

    def _call(self, name: str, before: tuple[Expression, ...], depth: int, *, method: bool) -> Expression:
        known = (METHODS if method else FUNCTIONS).get(name)
        if known is None:
            raise ExpressionError(f"the function '{name[:60]}' is not known")
        arguments = (*before, *self._list(")", depth))
        if not known.fewest <= len(arguments) <= known.most:
            offered, hidden = len(arguments) - len(before), len(before)
            least, most = known.fewest - hidden, known.most - hidden
            raise ExpressionError(
                f"{name} takes {least if least == most else f'{least} to {most}'} arguments, not {offered}"
            )
        return Apply(name, arguments, method)

    def _list(self, end: str, depth: int) -> tuple[Expression, ...]:
        entries: list[Expression] = []
        while not self._is(end):
            if entries:
                self._need(",")
            entries.append(self._ternary(depth + 1))
        return tuple(entries)


def paths(expression: Expression) -> list[str]:
    """The source attributes that an expression reads, each once."""
    return list(dict.fromkeys(_paths(expression)))


def _paths(expression: Expression) -> Iterator[str]:
    match expression:
        case Path(path):
            yield path
        case Apply(name, _, False) if name in _ABOUT_PATHS:
            return
        case Apply(_, children) | Items(children) | Operate(_, children):
            for child in children:
                yield from _paths(child)
        case Choose(condition, yes, no):
            for child in (condition, yes, no):
                yield from _paths(child)


# They ask whether an attribute is there, so it need not be.
_ABOUT_PATHS = ("contains_key", "is_set")


def evaluate(expression: Expression, read: Read, now: Now) -> Any:
    """The value for one row; raises :class:`ExpressionError`.

    :param read: gives a source attribute by its path, None when the row has none.
    :param now: tells the time, in epoch seconds.
    """
    match expression:
        case Literal(value):
            return value
        case Path(path):
            return read(path)
        case Items(items):
            return [evaluate(item, read, now) for item in items]
        case Choose(condition, yes, no):
            return evaluate(yes if values.truth(evaluate(condition, read, now)) else no, read, now)
        case Operate(sign, operands):
            return _operated(sign, operands, read, now)
        case Apply(name, (Literal(path) | Path(path),), False) if name in _ABOUT_PATHS:
            return read(values.as_text(path)) is not None
        case Apply(name, arguments, method):
            given = [evaluate(argument, read, now) for argument in arguments]
            return _applied(name, given, now, method)


def _operated(sign: str, operands: tuple[Expression, ...], read: Read, now: Now) -> Any:
    left = evaluate(operands[0], read, now)
    if len(operands) == 1:
        return not values.truth(left) if sign == "!" else values.subtract(0, left)
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
        raise ExpressionError(f"'{sign}' cannot take {values.shown(left)} and {values.shown(right)}") from error


def _applied(name: str, given: list[Any], now: Now, method: bool) -> Any:
    try:
        result = (METHODS if method else FUNCTIONS)[name].apply(now, *given)
    except ExpressionError as error:
        raise ExpressionError(f"{name}: {error}") from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ExpressionError(f"{name} cannot take {', '.join(map(values.shown, given[:3]))}") from error
    return values.bounded(result) if isinstance(result, str) else result
