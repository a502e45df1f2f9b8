"""Parsing expressions. Unknown names, and expressions that fail for every row, are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.core.paths import unwrapped
from airflow_provider_payments.emulator.data_prep.language import values
from airflow_provider_payments.emulator.data_prep.language.function import SINGLE_KINDS, Function
from airflow_provider_payments.emulator.data_prep.language.functions import FUNCTIONS, METHODS
from airflow_provider_payments.emulator.data_prep.language.syntax import (
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
    is_array,
)
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError

MAX_CHARACTERS = 4096
MAX_NESTING = 20
# A chain of operators makes a tree of the same depth.
MAX_OPERATORS = 100
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)"
    r"|(?P<wrapped>\$\{(?:[^{}\\]|\\.)+\})"
    r"|(?P<name>(?:[^\W\d]|\$)(?:[\w$]|\\\.)*)"
    r"|(?P<mark>->|&&|\|\||[=!<>]=|\?:|\?\?|[-+*/%!~<>?:()\[\]{},.]))",
    re.DOTALL,
)
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
# The names of operators, each with its sign.
_ALIASES = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
_ALIASES |= {"div": "/", "mod": "%"}
# Names with which a path can begin only within ${...}.
_RESERVED = frozenset({"new", "break", "var", "for", "while", "continue", "else", "if", "return", "_errors", "do"})
_RESERVED |= {"function", "empty", "size"}
# The precedence of binary operators.
_PRECEDENCE = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4}
_PRECEDENCE |= {"+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
# Operators that accept no array.
_SINGLE_SIGNS = frozenset({"+", "-", "*", "/", "%", "~", "<", ">", "<=", ">=", "!", "&&", "||"})


def parse(source: str) -> Expression:
    """Parse an expression; raise :class:`ExpressionError` if it is not valid."""
    if len(source) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression is longer than {MAX_CHARACTERS} characters")
    return _Parser(_tokens(source)).parse()


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = source.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read the expression from '{text[at : at + 30]}' on")
        kind = str(match.lastgroup)
        token = match[kind]
        if kind == "name" and token in _ALIASES:
            kind, token = "mark", _ALIASES[token]
        tokens.append((kind, token))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.operators = 0
        self.is_in_lambda = False

    def parse(self) -> Expression:
        expression = self._ternary(0)
        if self.at < len(self.tokens):
            raise ExpressionError(f"unexpected '{self.tokens[self.at][1][:40]}' behind the expression")
        return expression

    def _next(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _accept(self, mark: str) -> bool:
        """Consume the next token if it is a mark, and return whether it was."""
        found = self._next() == ("mark", mark)
        self.at += found
        return found

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            found = self._next()[1][:40]
            raise ExpressionError(
                f"'{mark}' is missing before '{found}'" if found else f"'{mark}' is missing at the end"
            )

    def _ternary(self, depth: int) -> Expression:
        if depth > MAX_NESTING:
            raise ExpressionError(f"the expression is nested deeper than {MAX_NESTING} levels")
        condition = self._binary(1, depth)
        if self._accept("?"):
            _check_single("?", condition)
            yes = self._ternary(depth + 1)
            self._expect(":")
            return Choose(condition, yes, self._ternary(depth + 1))
        for sign in ("?:", "??"):
            if self._accept(sign):
                return Operate(sign, (condition, self._ternary(depth + 1)))
        return condition

    def _binary(self, min_precedence: int, depth: int) -> Expression:
        left = self._unary(depth)
        while self._next()[0] == "mark" and _PRECEDENCE.get(self._next()[1], 0) >= min_precedence:
            sign = self._next()[1]
            self.at += 1
            self._count()
            left = _operation(sign, left, self._binary(_PRECEDENCE[sign] + 1, depth))
        return left

    def _count(self) -> None:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise ExpressionError(f"the expression has more than {MAX_OPERATORS} operators")

    def _unary(self, depth: int) -> Expression:
        for sign in ("-", "!", "~"):
            if self._accept(sign):
                self._count()
                return _operation(sign, self._unary(depth))
        return self._postfix(self._primary(depth), depth)

    def _primary(self, depth: int) -> Expression:
        kind, token = self._next()
        self.at += 1
        match kind:
            case "text":
                return Literal(_constant(token))
            case "number":
                return Literal(values.number(token))
            case "wrapped":
                return Path(unwrapped(token))
            case "name":
                return self._named(token, depth)
            case "end":
                raise ExpressionError("the expression ends too early")
        if token == "(":
            inner = self._ternary(depth + 1)
            self._expect(")")
            return inner
        if token == "[":
            return Items(self._list("]", depth))
        if token == "{":
            return Entries(self._entries(depth))
        raise ExpressionError(f"unexpected '{token}'")

    def _named(self, name: str, depth: int) -> Expression:
        if self._accept("("):
            return self._call(name, (), depth, method=False)
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name])
        if name in _RESERVED:
            raise ExpressionError(f"'{name}' is a reserved word; as a field it is written ${{{name}}}")
        return Path(name)

    def _postfix(self, base: Expression, depth: int) -> Expression:
        while True:
            if self._accept("."):
                kind, name = self._next()
                if kind not in ("name", "wrapped"):
                    raise ExpressionError(f"a name is missing behind '.', before '{name[:40]}'")
                self.at += 1
                self._count()
                if kind == "name" and self._accept("("):
                    base = self._call(name, (base,), depth, method=True)
                else:
                    base = _with_step(base, f".{unwrapped(name)}")
            elif isinstance(base, Path | Below | Apply) and self._accept("["):
                kind, token = self._next()
                if token != "*" and not (kind == "number" and token.isdigit()):
                    raise ExpressionError("an index is a parse number, or * for all")
                self.at += 1
                self._expect("]")
                base = _with_step(base, f"[{token}]")
            else:
                return base

    def _call(self, name: str, before: tuple[Expression, ...], depth: int, *, method: bool) -> Expression:
        known = (METHODS if method else FUNCTIONS).get(name)
        if known is None:
            raise ExpressionError(f"the function '{name[:60]}' is not known")
        arguments = (*before, *self._arguments(depth))
        if not known.min_arguments <= len(arguments) <= known.max_arguments:
            offered, hidden = len(arguments) - len(before), len(before)
            least, most = known.min_arguments - hidden, known.max_arguments - hidden
            raise ExpressionError(
                f"{name} takes {least if least == most else f'{least} to {most}'} arguments, not {offered}"
            )
        for place, argument in enumerate(arguments):
            _check_argument(known, place, argument)
        return Apply(name, _with_key(name, arguments), method)

    def _arguments(self, depth: int) -> tuple[Expression | Lambda, ...]:
        arguments: list[Expression | Lambda] = []
        while not self._accept(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._lambda(depth) or self._ternary(depth + 1))
        return tuple(arguments)

    def _lambda(self, depth: int) -> Lambda | None:
        kind, name = self._next()
        if kind != "name" or self.tokens[self.at + 1 : self.at + 2] != [("mark", "->")]:
            return None
        if self.is_in_lambda:
            # The inner one would iterate over its array for every entry of the outer one.
            raise ExpressionError("a '->' within another is not accepted")
        self.at += 2
        self.is_in_lambda = True
        body = self._ternary(depth + 1)
        self.is_in_lambda = False
        return Lambda(name, body)

    def _list(self, end: str, depth: int) -> tuple[Expression, ...]:
        entries: list[Expression] = []
        while not self._accept(end):
            if entries:
                self._expect(",")
            entries.append(self._ternary(depth + 1))
        return tuple(entries)

    def _entries(self, depth: int) -> tuple[Expression, ...]:
        entries: list[Expression] = []
        while not self._accept("}"):
            if entries:
                self._expect(",")
            entries.append(self._ternary(depth + 1))
            self._expect(":")
            entries.append(self._ternary(depth + 1))
        return tuple(entries)


def _with_step(base: Expression, step: str) -> Path | Below:
    match base:
        case Path(path):
            return Path(path + step)
        case Below(call, path):
            return Below(call, path + step)
        case Apply():
            return Below(base, f"_{step}")
    raise ExpressionError(f"'{step[:40]}' needs a path or a function before it")


# Escape sequences. A backslash before another character is kept: most are part of a regular expression.
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}


def _constant(token: str) -> str:
    """Return the text of a quoted token."""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), token[1:-1], flags=re.DOTALL)


def _operation(sign: str, *operands: Expression) -> Operate:
    if sign in _SINGLE_SIGNS:
        _check_single(sign, *operands)
    return Operate(sign, operands)


def _check_single(sign: str, *operands: Expression) -> None:
    if any(map(is_array, operands)):
        raise ExpressionError(f"'{sign}' accepts single values, not an array")


def _check_argument(function: Function, place: int, argument: Expression | Lambda) -> None:
    parameter = function.parameter(place)
    if isinstance(argument, Lambda) != (parameter.kind == "lambda"):
        raise ExpressionError(f"{function.name} {'needs a' if parameter.kind == 'lambda' else 'accepts no'} '->'")
    if parameter.kind in SINGLE_KINDS and is_array(argument):
        raise ExpressionError(f"{function.name} accepts a single value as '{parameter.name}', not an array")


def _with_key(name: str, arguments: tuple[Expression | Lambda, ...]) -> tuple[Expression | Lambda, ...]:
    """Return the arguments, with a key given as a path changed to text.

    Documented: ``object_to_map(addresses, type)``, where ``type`` is the name of a field of ``addresses``.
    """
    match name, arguments:
        case "object_to_map", (Path() | Items() | Apply() as array, Path(key)):
            return (array, Literal(key))
    return arguments
