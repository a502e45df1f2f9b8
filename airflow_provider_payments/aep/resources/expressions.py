"""
Analysis of mapping expressions: the attributes of the source that an expression certainly reads.

Sources: Data Prep's page "Mapping functions" (operators, reserved words, paths, ``${...}`` around odd names) and its
troubleshooting guide (escaped periods).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<number>[0-9][\w.]*)"
    r"|(?P<name>\$\{[^{}]+\}|(?:[^\W\d]|\$)(?:[\w$]|\\\.)*)"
    r"|(?P<mark>&&|\|\||[=!<>]=|-(?!>)|/(?![/*])|[?:+*%!<>()\[\],.]))",
    re.DOTALL,
)
#: Words of statements, in which names may be variables; ``_errors`` is a variable itself.
_STATEMENTS = frozenset({"var", "new", "for", "while", "do", "if", "else", "return", "break", "continue", "function"})
_STATEMENTS |= {"_errors"}
#: Words that are constants or operators.
_WORDS = frozenset({"true", "false", "null", "and", "or", "not", "eq", "ne", "lt", "gt", "le", "ge", "div", "mod"})
_WORDS |= {"empty", "size"}
#: Functions whose arguments need not be existing attributes: they test for existence, or expect a name in an array.
_UNCERTAIN = frozenset({"is_set", "contains_key", "object_to_map"})


def attributes_read(expression: str) -> list[str]:
    """
    Return the paths of attributes that an expression reads, each once.

    Constants, names of functions, and attributes that are only tested for existence are left out. The result is empty
    if a part of the expression is not understood, because its names may then be anything.
    """
    tokens = _tokens(expression)
    if tokens is None or not _is_understood(tokens):
        return []
    return list(dict.fromkeys(_paths(tokens)))


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def _tokens(expression: str) -> list[_Token] | None:
    tokens, at, text = [], 0, expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match[kind]))
        at = match.end()
    return tokens


def _is_understood(tokens: Sequence[_Token]) -> bool:
    """
    Return whether all tokens form an expression that this module understands.

    It has no statement, no two values in a row (as next to an unknown operator), and a name behind each period.
    """
    if any(token.text in _STATEMENTS for token in tokens):
        return False
    pairs = list(pairwise(tokens))
    two_values = any(_is_value(left) and _is_value(right) for left, right in pairs)
    return not two_values and all(right.kind == "name" for left, right in pairs if left == _Token("mark", "."))


def _is_value(token: _Token) -> bool:
    return token.kind != "mark" and not (token.kind == "name" and token.text.lower() in _WORDS)


def _paths(tokens: Sequence[_Token]) -> Iterator[str]:
    at = 0
    while at < len(tokens):
        if tokens[at].kind != "name":
            at += 1
            continue
        names, end = _names(tokens, at)
        follows_a_value = at > 0 and tokens[at - 1].text == "."
        if _is_mark(tokens, end, "("):
            function = names.pop()
            end = _closing(tokens, end) if function in _UNCERTAIN and not names else end
        if names and not follows_a_value and not (len(names) == 1 and names[0].lower() in _WORDS):
            yield ".".join(name[2:-1] if name.startswith("${") else name for name in names)
        at = end


def _names(tokens: Sequence[_Token], at: int) -> tuple[list[str], int]:
    """Return the names of the path that begins at a token, without array indexes, and the position after the path."""
    names = [tokens[at].text]
    at += 1
    while True:
        if _is_mark(tokens, at, ".") and at + 1 < len(tokens) and tokens[at + 1].kind == "name":
            names.append(tokens[at + 1].text)
            at += 2
        elif _is_mark(tokens, at, "[") and _is_place(tokens, at + 1) and _is_mark(tokens, at + 2, "]"):
            at += 3
        else:
            return names, at


def _is_place(tokens: Sequence[_Token], at: int) -> bool:
    return _is_mark(tokens, at, "*") or (at < len(tokens) and tokens[at].kind == "number")


def _closing(tokens: Sequence[_Token], at: int) -> int:
    """Return the position after the bracket that closes the opening bracket at ``at``."""
    depth = 0
    while at < len(tokens):
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
        at += 1
        if depth == 0:
            break
    return at


def _is_mark(tokens: Sequence[_Token], at: int, mark: str) -> bool:
    return at < len(tokens) and tokens[at] == _Token("mark", mark)
