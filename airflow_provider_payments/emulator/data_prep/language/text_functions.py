"""Functions of texts, and hashes of them."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.patterns import Pattern
from airflow_provider_payments.emulator.data_prep.language.function import Function, group, plain, spread
from airflow_provider_payments.emulator.data_prep.language.values import MAX_RESULT, ExpressionError, as_text

_ENCODINGS = {"UTF-8": "utf-8", "UTF-16": "utf-16", "ISO-8859-1": "latin-1", "US-ASCII": "ascii"}
# Delimiters of ``explode`` that must be escaped with a backslash.
_SPECIAL = re.compile(r"[+?^|.\[({)*$]+|\\")
_LITERAL = re.compile(r"(?:[^+?^|.\[({)*$\\]|\\[^A-Za-z0-9])+", re.DOTALL)


def _position(text: str, part: str, start: int = 0, occurrence: int = 1) -> int:
    at = max(start, 0) - 1
    for _ in range(min(max(occurrence, 1), MAX_RESULT)):
        at = text.find(part, at + 1)
        if at < 0:
            break
    return at


def _replaced(text: str, old: str, new: str) -> str:
    # Checked beforehand: one call can multiply two long texts.
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_RESULT:
        raise ExpressionError(f"the result is a text longer than {MAX_RESULT} characters")
    return text.replace(old, new)


def _part(text: str, begin: int, count: int) -> str:
    if begin < 0 or count < 0:
        raise ExpressionError("the start and the length of a part are 0 or more")
    return text[begin : begin + count]


def _padding(text: str, count: int, filler: str) -> str:
    """Return the padding that extends a text to a length."""
    lacking = min(count, MAX_RESULT + 1) - len(text)
    unit = filler or " "
    return (unit * (lacking // len(unit) + 1))[: max(lacking, 0)]


def _split(text: str, separators: str) -> list[str]:
    """Return the parts between any of the separators; a literal backslash is escaped by a backslash."""
    characters = re.sub(r"\\(.)", r"\1", separators, flags=re.DOTALL)
    if not characters:
        return list(text)
    return re.split(f"[{re.escape(characters)}]", text)


def _exploded(text: str, pattern: str = ",") -> list[str]:
    if _SPECIAL.fullmatch(pattern):
        raise ExpressionError(f"the delimiter '{pattern}' must be escaped with a backslash")
    if not pattern:
        return list(text)
    if _LITERAL.fullmatch(pattern):
        return _without_empty_end(text.split(re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)))
    parts, at = [], 0
    for match in Pattern(pattern, ExpressionError).found_in(text):
        if match.end() == match.start():
            raise ExpressionError(f"the delimiter '{pattern[:100]}' matches the empty text: escape it")
        parts.append(text[at : match.start()])
        at = match.end()
    return _without_empty_end([*parts, text[at:]])


def _without_empty_end(parts: list[str]) -> list[str]:
    """Return the parts without empty ones at the end, as in Java; at least one part."""
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _groups(text: str, pattern: str) -> list[str | None]:
    match = next(Pattern(pattern, ExpressionError).found_in(text), None)
    return [] if match is None else [match[0], *match.groups()]


def _joined(separator: str, *given: Any) -> str:
    return separator.join(as_text(part) for part in spread(given))


def _hashed(algorithm: str) -> Callable[..., Any]:
    return plain(lambda text, charset="UTF-8": hashlib.new(algorithm, _encoded(text, charset)).hexdigest())


def _encoded(text: str, charset: str) -> bytes:
    encoding = _ENCODINGS.get(charset.upper())
    if encoding is None:
        raise ExpressionError(f"the character set must be one of {', '.join(_ENCODINGS)}")
    return text.encode(encoding, errors="replace")


def _check_sum(text: str, charset: str = "UTF-8") -> str:
    return zlib.crc32(_encoded(text, charset)).to_bytes(4, "little").hex()


_padded_left = plain(lambda text, *padding: _padding(as_text(text), *padding) + as_text(text))
_padded_right = plain(lambda text, *padding: as_text(text) + _padding(as_text(text), *padding))
_beginning = plain(lambda text, count: text[: max(count, 0)])
_ending = plain(lambda text, count: text[max(len(text) - max(count, 0), 0) :])
_same = plain(lambda left, right: right is not None and left == as_text(right))
_same_ignoring_case = plain(lambda left, right: right is not None and left.lower() == as_text(right).lower())
_matches = plain(lambda text, pattern: Pattern(pattern, ExpressionError).matches(text))
_lower, _upper = plain(str.lower), plain(str.upper)

_PATTERN_EXAMPLE = '"E259,E259B_009,1_1", "([^,]+),[^,]*,([^,]+)"'
_MD5 = "d3b96ce8c9fb4e9bd0198d03ba6852c7"
_SHA1 = "c3599c11e47719df18a2448690840c5dfcce3c80"
_SHA256 = "7330d2b39ca35eaf4cb95fc846c21ee6a39af698154a83a586ee270a0d372104"
_SHA512 = (
    "a3d7e45a0d9be5fd4e4b9a3b8c9c2163c21ef708bf11b4232bb21d2a8704ada2"
    "cdcd7b367dd0788a89a5c908cfe377aceb1072a7b386b7d4fd2ff68a8fd24d16"
)
TEXT_FUNCTIONS: Mapping[str, Function] = {
    **group(
        "String",
        (
            "concat(string: text...) -> text",
            plain(lambda *given: "".join(given)),
            "Joins texts.",
            'concat("Hi, ", "there", "!")',
            "Hi, there!",
        ),
        (
            "explode(string: text, regex?: text) -> array",
            plain(_exploded),
            "Parts a text at a regular expression.",
            'explode("Hi, there!", " ")',
            '["Hi,", "there!"]',
        ),
        (
            "split(input: text, separator: text) -> array",
            plain(_split),
            "Parts a text at each of one or several characters.",
            'split("Hello world", " ")',
            '["Hello", "world"]',
        ),
        (
            "join(separator: text, objects: any...) -> text",
            plain(_joined),
            "Joins entries with a separator.",
            'join(" ", to_array(true, "Hello", "world"))',
            "Hello world",
        ),
        (
            "instr(input: text, substring: text, start_position?: whole, occurrence?: whole) -> whole",
            plain(_position),
            "The position of a part in a text, from 0; -1 if there is none.",
            'instr("adobe.com", "com")',
            "6",
        ),
        (
            "replacestr(input: text, to_find: text, to_replace: text) -> text",
            plain(_replaced),
            "Replaces a part of a text.",
            'replacestr("This is a string re test", "re", "replace")',
            "This is a string replace test",
        ),
        (
            "substr(input: text, start_index: whole, length: whole) -> text",
            plain(_part),
            "A part of a text by position and length.",
            'substr("This is a substring test", 7, 8)',
            " a subst",
        ),
        ("lower(input: text) -> text", _lower, "In small letters.", 'lower("HeLLo")', "hello"),
        ("lcase(input: text) -> text", _lower, "In small letters.", 'lcase("HeLLo")', "hello"),
        ("upper(input: text) -> text", _upper, "In capital letters.", 'upper("HeLLo")', "HELLO"),
        ("ucase(input: text) -> text", _upper, "In capital letters.", 'ucase("HeLLo")', "HELLO"),
        ("trim(string: text) -> text", plain(str.strip), "Without blanks around it.", 'trim(" hello ")', "hello"),
        ("ltrim(string: text) -> text", plain(str.lstrip), "Without blanks before it.", 'ltrim(" hello")', "hello"),
        ("rtrim(string: text) -> text", plain(str.rstrip), "Without blanks behind it.", 'rtrim("hello ")', "hello"),
        ("left(string: text, count: whole) -> text", _beginning, "The first characters.", 'left("abcde", 2)', "ab"),
        ("right(string: text, count: whole) -> text", _ending, "The last characters.", 'right("abcde", 2)', "de"),
        (
            "lpad(input: single, count: whole, padding: text) -> text",
            _padded_left,
            "Fills a text up on the left.",
            'lpad("bat", 8, "yz")',
            "yzyzybat",
        ),
        (
            "rpad(input: single, count: whole, padding: text) -> text",
            _padded_right,
            "Fills a text up on the right.",
            'rpad("bat", 8, "yz")',
            "batyzyzy",
        ),
    ),
    **group(
        "Regular expressions",
        (
            "extract_regex(string: text, regex: text) -> array",
            plain(_groups),
            "The first match of a pattern, and its groups.",
            f"extract_regex({_PATTERN_EXAMPLE})",
            '["E259,E259B_009,1_1", "E259", "1_1"]',
        ),
        (
            "matches_regex(string: text, regex: text) -> boolean",
            _matches,
            "Whether a pattern matches a whole text.",
            f"matches_regex({_PATTERN_EXAMPLE})",
            "true",
        ),
    ),
    **group(
        "Hashing",
        *(
            (
                f"{name}(input: text, charset?: text) -> text",
                apply,
                f"The {title} of a text.",
                f'{name}("my text", "UTF-8")',
                result,
            )
            for name, title, apply, result in (
                ("sha1", "SHA-1 hash", _hashed("sha1"), _SHA1),
                ("sha256", "SHA-256 hash", _hashed("sha256"), _SHA256),
                ("sha512", "SHA-512 hash", _hashed("sha512"), _SHA512),
                ("md5", "MD5 hash", _hashed("md5"), _MD5),
                ("crc32", "CRC-32 check sum", plain(_check_sum), "8df92e80"),
            )
        ),
    ),
}
TEXT_METHODS: Mapping[str, Function] = group(
    "String",
    (
        "equals(string1: text, string2: single) -> boolean",
        _same,
        "Whether two texts are the same.",
        '"string1".equals("STRING1")',
        "false",
    ),
    (
        "equalsIgnoreCase(string1: text, string2: single) -> boolean",
        _same_ignoring_case,
        "Whether two texts are the same but for the case of letters.",
        '"string1".equalsIgnoreCase("STRING1")',
        "true",
    ),
)
