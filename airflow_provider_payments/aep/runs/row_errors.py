"""
Row errors, counted by code, column and message, line by line in bounded memory.

A line of a file of row errors is an object: the record (``_corrupt_record``), its errors with code and message
(``_errors``), and the file's name. The counts contain no value of a record; examples do, and are kept only on request.
"""

from __future__ import annotations

import json
import re
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.http.answers import UnexpectedError
from airflow_provider_payments.aep.readers import mapping, mappings
from airflow_provider_payments.aep.runs.row_messages import MASK, mask_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_payments.aep.services import Json

#: Number of kinds of errors that are counted separately; further kinds are counted by code only, and from twice this
#: number on together.
MAX_KINDS = 1000
#: Maximum length of a line that is parsed; a record has a few thousand bytes.
MAX_LINE_BYTES = 2**22
#: Maximum length of an example's message and record, each.
MAX_EXAMPLE_CHARACTERS = 2000
#: The code of a row error that has no readable code.
NO_CODE = "unknown"
#: The highest number that counts as a code; a longer number may be an account number.
MAX_CODE = 999_999
_CODE = r"(?:[A-Z][A-Z0-9_]{0,15}-)?[0-9]{1,6}(?:-[0-9]{1,6})?"


@dataclass(frozen=True)
class ErrorKind:
    """
    A kind of row error: its code, column and message.

    :param code: the code in the file, such as ``3700``.
    :param column: the column's path, separated by ``.``; empty if the message names no column.
    :param message: the message, with the values of records masked.
    """

    code: str
    column: str
    message: str


@dataclass(frozen=True)
class Example:
    """
    A row error as the service shows it, with values of a customer's payment.

    :param message: the message with its values.
    :param record: the record that failed.
    """

    message: str
    record: str


@dataclass
class RowErrors:
    """
    The counts of the lines of one or more files of row errors.

    :param rows: number of records that failed.
    :param unreadable: number of lines that are not row errors, or longer than :data:`MAX_LINE_BYTES`.
    :param counts: number of errors of each kind.
    :param examples: the first error of each kind; ``None`` if no examples are kept.
    """

    rows: int = 0
    unreadable: int = 0
    counts: dict[ErrorKind, int] = field(default_factory=dict)
    examples: dict[ErrorKind, Example] | None = None

    @property
    def codes(self) -> dict[str, int]:
        """The number of errors with each code, the most frequent first."""
        totals: dict[str, int] = {}
        for kind, number in self.counts.items():
            totals[kind.code] = totals.get(kind.code, 0) + number
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    @property
    def kinds(self) -> list[tuple[ErrorKind, int]]:
        """The kinds and their numbers of errors, the most frequent first."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], *astuple(item[0])))

    def add(self, other: RowErrors) -> None:
        """Add the counts and examples of another file."""
        self.rows += other.rows
        self.unreadable += other.unreadable
        for kind, number in other.counts.items():
            self._count(kind, number)
        if self.examples is not None:
            self.examples = {**(other.examples or {}), **self.examples}

    def add_line(self, line: bytes | bytearray) -> None:
        """Count the errors of a line; a blank line is ignored."""
        if not line.strip():
            return
        try:
            given = json.loads(line)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            self.unreadable += 1
            return
        self.rows += 1
        for error in mappings(given.get("_errors")) or [{}]:
            self._add_error(error, given)

    def _add_error(self, error: Mapping[str, Any], line: Json) -> None:
        masked = mask_values(error.get("message"))
        kind = self._count(ErrorKind(code_of(error), masked.column, masked.message), 1)
        if self.examples is not None and kind not in self.examples:
            record = line.get("_corrupt_record")
            text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
            message = str(error.get("message") or "")
            self.examples[kind] = Example(message[:MAX_EXAMPLE_CHARACTERS], text[:MAX_EXAMPLE_CHARACTERS])

    def _count(self, kind: ErrorKind, number: int) -> ErrorKind:
        if kind not in self.counts and len(self.counts) >= MAX_KINDS:
            kind = replace(kind, column="", message=MASK)
            if kind not in self.counts and len(self.counts) >= 2 * MAX_KINDS:
                kind = replace(kind, code=NO_CODE)
        self.counts[kind] = self.counts.get(kind, 0) + number
        return kind


def code_of(error: object) -> str:
    """Return the code of an error; :data:`NO_CODE` if it has no readable code."""
    code = mapping(error).get("code")
    if isinstance(code, int) and not isinstance(code, bool) and 0 <= code <= MAX_CODE:
        return str(code)
    return code if isinstance(code, str) and re.fullmatch(_CODE, code) else NO_CODE


class LineReader:
    """
    Counts the row errors of one file from its chunks, in bounded memory.

    :param examples: whether to keep an example of each kind.
    """

    def __init__(self, *, examples: bool = False) -> None:
        self.found = RowErrors(examples={} if examples else None)
        self.bytes = 0
        self._rest = bytearray()
        #: Whether the current line is too long, and its beginning has been discarded.
        self._is_too_long = False
        self._has_begun = False

    def feed(self, chunk: bytes) -> None:
        """
        Count the lines of the next chunk.

        :raises UnexpectedError: if the file does not begin like JSON Lines, so something else answered the request.
        """
        self.bytes += len(chunk)
        self._check_beginning(chunk)
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._end_line(line)
        self._rest += rest
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest.clear()
            self._is_too_long = True

    def finish(self) -> RowErrors:
        """Count the last line, which may lack its newline, and return all counts."""
        self._end_line(b"")
        return self.found

    def read(self, chunks: Iterable[bytes]) -> RowErrors:
        """Return the counts of a whole file."""
        for chunk in chunks:
            self.feed(chunk)
        return self.finish()

    def _check_beginning(self, chunk: bytes) -> None:
        if self._has_begun or not (begin := chunk.lstrip()):
            return
        self._has_begun = True
        if begin[:1] != b"{":
            content = "HTML" if begin[:1] == b"<" else "something else"
            raise UnexpectedError(f"answered {content} instead of JSON Lines")

    def _end_line(self, end: bytes) -> None:
        line = self._rest + end
        if self._is_too_long or len(line) > MAX_LINE_BYTES:
            self.found.unreadable += 1
        else:
            self.found.add_line(line)
        self._rest.clear()
        self._is_too_long = False
