"""
Which attributes of its source a mapping expression reads, as far as that is certain.

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
#: Begin statements, in which names may be variables, or are one.
_STATEMENTS = frozenset({"var", "new", "for", "while", "do", "if", "else", "return", "break", "continue", "function"})
_STATEMENTS |= {"_errors"}
#: Constants and operators that are words.
_WORDS = frozenset({"true", "false", "null", "and", "or", "not", "eq", "ne", "lt", "gt", "le", "ge", "div", "mod"})
_WORDS |= {"empty", "size"}
#: Functions whose arguments need not be attributes: they ask whether one is there, or take a name within an array.
_UNCERTAIN = frozenset({"is_set", "contains_key", "object_to_map"})


def attributes_read(expression: str) -> list[str]:
    """
    Return the paths that an expression reads, each once.

    Constants, functions with their names, and what is only asked for are none. An expression that is not understood
    as a whole gives none at all: a name in it may be anything.
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
    """Whether there is no statement, no value behind another one, as around an unknown word, and no odd path."""
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
    """Return the names of the path that begins here, and the place behind it; places in arrays are left out."""
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
    """Return the place behind the bracket that closes the one here."""
    depth = 0
    while at < len(tokens):
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
        at += 1
        if depth == 0:
            break
    return at


def _is_mark(tokens: Sequence[_Token], at: int, mark: str) -> bool:
    return at < len(tokens) and tokens[at] == _Token("mark", mark)
