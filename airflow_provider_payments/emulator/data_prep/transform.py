"""Applying a mapping set, which is checked once against the target schema, to rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.core.paths import (
    MAX_INDEX,
    Everywhere,
    Occupied,
    Steps,
    read,
    steps_of,
    unwrapped,
    write,
)
from airflow_provider_payments.emulator.data_prep.conversion import Converter, Unconvertible, converter
from airflow_provider_payments.emulator.data_prep.language import expressions
from airflow_provider_payments.emulator.data_prep.language.function import Now
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError
from airflow_provider_payments.emulator.data_prep.mapping_sets import ATTRIBUTE, STATIC, FieldMapping
from airflow_provider_payments.emulator.data_prep.row_validation import Check, Invalid, checker
from airflow_provider_payments.emulator.schema_registry.fields import find

MAPPER_ERROR = "MAPPER-3700-400"


class RowRefused(Exception):
    """A row that cannot be mapped, or whose record is invalid.

    :param code: the error code, such as ``MAPPER-3700-400``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class _Line:
    """A compiled mapping.

    :param value: computes the mapped value of a row.
    :param convert: converts a value to the destination's type.
    """

    mapping: FieldMapping
    steps: Steps
    value: Callable[[Mapping[str, Any]], Any]
    convert: Converter

    def refusal(self, problem: str, place: str = "") -> RowRefused:
        """Return the error of the mapping for a row, in the wording that Adobe's own client parses.

        :param place: the path of the value below the destination.
        """
        source, destination = (" ".join(text.split())[:200] for text in (self.mapping.source, self.mapping.destination))
        return RowRefused(
            MAPPER_ERROR,
            f"Mapper transform error at destination path {destination}{place}. {problem} "
            f"sourceField: {source} destinationField: {destination}",
        )


def problems(
    mappings: Sequence[FieldMapping],
    properties: Mapping[str, Any],
    has_source: Callable[[str], bool] | None = None,
) -> list[str | None]:
    """Return the problem of each mapping; None for a valid one.

    :param properties: the target schema's fields.
    :param has_source: whether the source has an attribute; None if the source is not known.
    """
    seen: set[Steps | None] = set()
    result = []
    for mapping in mappings:
        result.append(_problem(mapping, properties, has_source, seen))
        seen.add(steps_of(mapping.destination))
    return result


def _problem(
    mapping: FieldMapping,
    properties: Mapping[str, Any],
    has_source: Callable[[str], bool] | None,
    seen: Collection[Steps | None],
) -> str | None:
    where = mapping.destination[:200]
    steps = steps_of(mapping.destination)
    if steps is None or find(properties, steps) is None:
        return f"The target schema has no field '{where}'."
    if steps in seen:
        return f"The field '{where}' is the destination of two mappings."
    if sum(isinstance(step, Everywhere) for step in steps) > 1:
        return f"The emulator writes into one level of arrays only, not '{where}'."
    if any(isinstance(step, int) and step > MAX_INDEX for step in steps):
        return f"The emulator writes to index {MAX_INDEX} at most, not '{where}'."
    try:
        sources = sources_of(mapping)
    except ExpressionError as error:
        return f"The expression '{mapping.source[:200]}' is not accepted: {error}."
    for source in sources:
        if has_source is not None and not has_source(source):
            return f"The source has no attribute '{source[:200]}'."
    return None


def sources_of(mapping: FieldMapping) -> list[str]:
    """Return the source attributes that a mapping reads; raise :class:`ExpressionError`."""
    if mapping.source_type == STATIC:
        return []
    if mapping.source_type == ATTRIBUTE:
        return [unwrapped(mapping.source)]
    return expressions.paths(expressions.parse(mapping.source))


class Transform:
    """A compiled mapping set.

    :param mappings: mappings for which :func:`problems` returns None.
    :param properties: the target schema's fields.
    :param required: the required top-level fields; None if nothing is required on any level.
    :param now: returns the time in epoch seconds.
    """

    def __init__(
        self,
        mappings: Iterable[FieldMapping],
        properties: Mapping[str, Any],
        required: Sequence[str] | None,
        now: Now = time.time,
    ) -> None:
        whole = {"type": "object", "properties": properties, "required": required}
        self._check = None if required is None else checker(whole)
        self._lines = [_compile(mapping, properties, now, checked=required is None) for mapping in mappings]

    def apply(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of a row; raise :class:`RowRefused`."""
        record: dict[str, Any] = {}
        for line in self._lines:
            _apply_line(line, row, record)
        if self._check is not None:
            try:
                self._check(record)
            except Invalid as invalid:
                raise RowRefused(invalid.code, str(invalid)) from invalid
        return record

    def preview(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[FieldMapping, str]]]:
        """Return the record of a row without the mappings that fail, and each failed mapping with its problem."""
        record: dict[str, Any] = {}
        failures = []
        for line in self._lines:
            try:
                _apply_line(line, row, record)
            except RowRefused as refused:
                failures.append((line.mapping, refused.message))
        return record, failures


def _compile(mapping: FieldMapping, properties: Mapping[str, Any], now: Now, *, checked: bool) -> _Line:
    steps = steps_of(mapping.destination) or ()
    field = find(properties, steps) or {}
    convert = converter(field)
    if checked:  # a preview checks the mapped value only, not the record
        convert = _converter_with_check(convert, checker(field, complete=False))
    return _Line(mapping, steps, _value_function(mapping, now), convert)


def _converter_with_check(convert: Converter, check: Check) -> Converter:
    def convert_and_check(value: Any) -> Any:
        converted = convert(value)
        check(converted)
        return converted

    return convert_and_check


def _apply_line(line: _Line, row: Mapping[str, Any], record: dict[str, Any]) -> None:
    try:
        value = line.value(row)
        if value is not None:
            write(record, line.steps, value, line.convert)
    except ExpressionError as error:
        raise line.refusal(f"It cannot be computed: {error}.") from error
    except Unconvertible as error:
        types = f"the expected data type was: {error.expected}, the actual data type was: {error.actual}."
        raise line.refusal(f"The value cannot be converted: {types}", error.place) from error
    except Invalid as invalid:
        for step in reversed(line.steps):
            invalid.inside("*" if isinstance(step, Everywhere) else step)
        raise RowRefused(invalid.code, str(invalid)) from invalid
    except Occupied as error:
        raise line.refusal("It lies below a value that cannot hold it.") from error


def _value_function(mapping: FieldMapping, now: Now) -> Callable[[Mapping[str, Any]], Any]:
    source = mapping.source
    if mapping.source_type == STATIC:
        return lambda row: source
    if mapping.source_type == ATTRIBUTE:
        return lambda row: read(row, source)
    expression = expressions.parse(source)
    return lambda row: expressions.evaluate(expression, lambda path: read(row, path), now)
