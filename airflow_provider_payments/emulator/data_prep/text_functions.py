"""Functions of texts, and hashes of them."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.data_prep.function import MANY, Function, group, on_text, plain, spread
from airflow_provider_payments.emulator.data_prep.values import MAX_RESULT, ExpressionError, as_text, whole
from airflow_provider_payments.emulator.patterns import Pattern, PatternError

_ENCODINGS = {"UTF-8": "utf-8", "UTF-16": "utf-16", "ISO-8859-1": "latin-1", "US-ASCII": "ascii"}


def _position(text: str, part: Any, start: Any = 0, occurrence: Any = 1) -> int:
    at = whole(start) - 1
    for _ in range(min(max(whole(occurrence), 1), MAX_RESULT)):
        at = text.find(as_text(part), at + 1)
        if at < 0:
            break
    return at


def _replaced(text: str, old: Any, new: Any) -> str:
    old, new = as_text(old), as_text(new)
    # Before it happens: one call can multiply two long texts.
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_RESULT:
        raise ExpressionError(f"the result is a text longer than {MAX_RESULT} characters")
    return text.replace(old, new)


def _part(text: str, start: Any, length: Any) -> str:
    begin, count = whole(start), whole(length)
    if begin < 0 or count < 0:
        raise ExpressionError("the start and the length of a part are 0 or more")
    return text[begin : begin + count]


def _padding(text: Any, count: Any, filler: Any) -> str:
    """What makes a text as long as wanted."""
    lacking = min(whole(count), MAX_RESULT + 1) - len(as_text(text))
    unit = as_text(filler) or " "
    return (unit * (lacking // len(unit) + 1))[: max(lacking, 0)]


def _separator(text: Any) -> str:
    """The text that separates; what a regular expression would treat specially must be escaped."""

    def read(match: re.Match[str]) -> str:
        if match[2]:
            raise ExpressionError(f"the separator's '{match[2]}' must be escaped with a backslash")
        return match[1]

    return re.sub(r"\\(.?)|([+?^|.\[({)*$])", read, as_text(text), flags=re.DOTALL)


def _parted(text: str, separator: Any = ",") -> list[str]:
    by = _separator(separator)
    return text.split(by) if by else list(text)


def _joined(separator: Any, *given: Any) -> str:
    return as_text(separator).join(as_text(part) for part in spread(given))


def _fits(text: str, pattern: Any) -> bool:
    try:
        return Pattern(as_text(pattern)).matches(text)
    except PatternError as error:
        raise ExpressionError(f"The pattern '{as_text(pattern)[:100]}' is not accepted: {error}.") from error


def _hashed(algorithm: str) -> Callable[..., Any]:
    return on_text(lambda text, charset="UTF-8": hashlib.new(algorithm, _encoded(text, charset)).hexdigest())


def _encoded(text: str, charset: Any) -> bytes:
    encoding = _ENCODINGS.get(as_text(charset).upper())
    if encoding is None:
        raise ExpressionError(f"the character set must be one of {', '.join(_ENCODINGS)}")
    return text.encode(encoding, errors="replace")


def _check_sum(text: str, charset: Any = "UTF-8") -> str:
    return zlib.crc32(_encoded(text, charset)).to_bytes(4, "little").hex()


_padded_left = plain(lambda text, *padding: _padding(text, *padding) + as_text(text))
_padded_right = plain(lambda text, *padding: as_text(text) + _padding(text, *padding))
_beginning = on_text(lambda text, count: text[: max(whole(count), 0)])
_ending = on_text(lambda text, count: text[max(len(text) - max(whole(count), 0), 0) :])
_same = plain(lambda left, right: left is not None and as_text(left) == as_text(right))
_alike = plain(lambda left, right: left is not None and as_text(left).lower() == as_text(right).lower())

TEXT_FUNCTIONS: Mapping[str, Function] = {
    **group(
        "String",
        concat=(1, MANY, plain(lambda *given: "".join(map(as_text, given))), "Joins texts.", 'concat("Hi, ", name)'),
        explode=(1, 2, on_text(_parted), "Parts a text at a separator.", 'explode("a,b")'),
        split=(2, 2, on_text(_parted), "Parts a text at a separator.", 'split("a b", " ")'),
        join=(1, MANY, plain(_joined), "Joins entries with a separator.", 'join(" ", to_array(true, "a", "b"))'),
        instr=(2, 4, on_text(_position), "The place of a part in a text.", 'instr("adobe.com", "com")'),
        replacestr=(3, 3, on_text(_replaced), "Replaces a part of a text.", 'replacestr(name, "x", "y")'),
        substr=(3, 3, on_text(_part), "A part of a text by place and length.", "substr(id, 0, 3)"),
        lower=(1, 1, on_text(str.lower), "In small letters.", "lower(email)"),
        lcase=(1, 1, on_text(str.lower), "In small letters.", "lcase(email)"),
        upper=(1, 1, on_text(str.upper), "In capital letters.", "upper(currency)"),
        ucase=(1, 1, on_text(str.upper), "In capital letters.", "ucase(currency)"),
        trim=(1, 1, on_text(str.strip), "Without blanks around it.", 'trim(" a ")'),
        ltrim=(1, 1, on_text(str.lstrip), "Without blanks before it.", 'ltrim(" a")'),
        rtrim=(1, 1, on_text(str.rstrip), "Without blanks behind it.", 'rtrim("a ")'),
        left=(2, 2, _beginning, "The first characters.", "left(id, 2)"),
        right=(2, 2, _ending, "The last characters.", "right(id, 2)"),
        lpad=(3, 3, _padded_left, "Fills a text up on the left.", 'lpad("bat", 8, "yz")'),
        rpad=(3, 3, _padded_right, "Fills a text up on the right.", 'rpad("bat", 8, "yz")'),
        matches_regex=(2, 2, on_text(_fits), "Whether a pattern fits.", 'matches_regex(currency, "[A-Z]{3}")'),
    ),
    **group(
        "Hashing",
        md5=(1, 2, _hashed("md5"), "The MD5 hash.", "md5(email)"),
        sha1=(1, 2, _hashed("sha1"), "The SHA-1 hash.", "sha1(email)"),
        sha256=(1, 2, _hashed("sha256"), "The SHA-256 hash.", "sha256(email)"),
        sha512=(1, 2, _hashed("sha512"), "The SHA-512 hash.", "sha512(email)"),
        crc32=(1, 2, on_text(_check_sum), "The check sum.", "crc32(id)"),
    ),
}
TEXT_METHODS: Mapping[str, Function] = group(
    "String",
    equals=(2, 2, _same, "Whether two texts are the same.", 'type.equals("sale")'),
    equalsIgnoreCase=(2, 2, _alike, "The same, whatever the case of letters.", 'type.equalsIgnoreCase("SALE")'),
)
