"""The problems that a flow run itself reports: its errors, and the codes with which records failed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.readers import at, count, mapping, mappings, shown, text
from airflow_provider_payments.aep.redaction import redacted
from airflow_provider_payments.aep.runs.row_errors import NO_CODE, code_of
from airflow_provider_payments.aep.runs.row_messages import mask_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Maximum number of errors and codes that a run keeps: its values travel through a trigger's event and an XCom, which
#: not every database stores in any size.
MAX_ERRORS = 20
MAX_FAILED_CODES = 20
#: Maximum number of characters of an error; a longer error is cut.
MAX_ERROR_CHARACTERS = 500
#: Codes of errors that concern the run as a whole. A message with any other code may contain values of a record.
_RUN_CODES = re.compile(r"(?:CONNECTOR|FLOW)-|INGEST-1[0-3]")


@dataclass(frozen=True)
class FailedCode:
    """
    A code with which records of a run failed.

    :param code: the code, such as ``MAPPER-3700-400``.
    :param count: the number of records; ``None`` if the run does not report it.
    :param message: the message, with the values of records masked.
    """

    code: str
    count: int | None
    message: str

    def __str__(self) -> str:
        return self.code if self.count is None else f"{self.code} ({self.count})"


def errors_of(metrics: Mapping[str, Any], activities: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """
    Return ``code: message`` of a run's errors without repeats; in errors about records the values are masked.

    At most :data:`MAX_ERRORS` errors are returned. If there are more, the last entry says how many more.
    """
    errors = tuple(dict.fromkeys(_error_lines(metrics, activities)))
    more = len(errors) - MAX_ERRORS
    return (*errors[:MAX_ERRORS], f"and {more} more") if more > 0 else errors


def _error_lines(metrics: Mapping[str, Any], activities: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for holder in (metrics, *activities):
        status = mapping(holder.get("statusSummary"))
        for error in [*mappings(status.get("errors")), *mappings(at(status, "extensions", "errors"))]:
            parts = [error.get("code"), _message(error)]
            if line := ": ".join(redacted(text(part) or shown(part)) for part in parts if part):
                yield line if len(line) <= MAX_ERROR_CHARACTERS else f"{line[:MAX_ERROR_CHARACTERS]}..."


def failed_codes(metrics: Mapping[str, Any], activities: Iterable[Mapping[str, Any]]) -> list[FailedCode]:
    """
    Return the codes with which records failed, the most frequent first, codes without a number last.

    The codes are read from the run's ``failedInfo``, whose details no document describes; if it names none, from the
    errors that have a number of records.
    """
    found = [each for each in _failed_info(metrics, activities) if each.code != NO_CODE]
    if not found:
        found = [each for each in _counted_errors(activities) if each.code != NO_CODE]
    by_code = {each.code: each for each in reversed(found)}
    return sorted(by_code.values(), key=lambda each: (-(each.count or 0), each.code))


def _failed_info(metrics: Mapping[str, Any], activities: Iterable[Mapping[str, Any]]) -> Iterator[FailedCode]:
    for holder in (metrics, *activities):
        for info in mappings(at(holder, "recordSummary", "failedInfo")):
            number = count(at(info, "details", "recordCount"))
            yield _failed(info, count(info.get("recordCount")) if number is None else number)


def _counted_errors(activities: Iterable[Mapping[str, Any]]) -> Iterator[FailedCode]:
    for activity in activities:
        for error in mappings(at(activity, "statusSummary", "extensions", "errors")):
            if number := count(error.get("recordCount")):
                yield _failed(error, number)


def _failed(info: Mapping[str, Any], number: int | None) -> FailedCode:
    return FailedCode(code_of(info), number or None, mask_values(info.get("message")).message)


def _message(error: Mapping[str, Any]) -> object:
    """Return an error's message; values are masked unless the error concerns the run as a whole."""
    message, code = error.get("message"), error.get("code")
    concerns_run = "recordCount" not in error and _RUN_CODES.match(text(code) or "")
    return message if concerns_run else mask_values(message).message
