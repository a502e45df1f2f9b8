"""What a mapping set does to rows: checked once against the target schema, then applied to each row."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_payments.emulator.data_prep import expressions
from airflow_provider_payments.emulator.data_prep.dates import iso_time
from airflow_provider_payments.emulator.data_prep.function import Now
from airflow_provider_payments.emulator.data_prep.mapping_sets import ATTRIBUTE, STATIC, FieldMapping
from airflow_provider_payments.emulator.data_prep.paths import (
    MAX_INDEX,
    Everywhere,
    Occupied,
    Steps,
    read,
    steps_of,
    unescaped,
    unwrapped,
    write,
)
from airflow_provider_payments.emulator.data_prep.scalars import SCALARS
from airflow_provider_payments.emulator.data_prep.values import ExpressionError
from airflow_provider_payments.emulator.schema_registry.fields import find

MAPPER_ERROR = "MAPPER-3700-400"
MISSING_ERROR = "INGEST-1555-400"
UNFIT_ERROR = "INGEST-1401-400"


class RowRefused(Exception):
    """A row that does not become a record.

    :param code: such as ``MAPPER-3700-400``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class _Line:
    """A mapping, ready for rows.

    :param value: computes what is mapped from a row.
    :param field: what the schema says of the destination.
    """

    mapping: FieldMapping
    steps: Steps
    field: Mapping[str, Any]
    value: Callable[[Mapping[str, Any]], Any]


def problems(
    mappings: Sequence[FieldMapping],
    properties: Mapping[str, Any],
    has_source: Callable[[str], bool] | None = None,
) -> list[str | None]:
    """What is wrong with each mapping, None where nothing is.

    :param properties: the target schema's fields.
    :param has_source: whether the source has an attribute; None when the source is not known.
    """
    seen: set[str] = set()
    result = []
    for mapping in mappings:
        result.append(_problem(mapping, properties, has_source, seen))
        seen.add(mapping.destination)
    return result


def _problem(
    mapping: FieldMapping,
    properties: Mapping[str, Any],
    has_source: Callable[[str], bool] | None,
    seen: set[str],
) -> str | None:
    where = mapping.destination[:200]
    steps = steps_of(mapping.destination)
    if steps is None or find(properties, unwrapped(mapping.destination)) is None:
        return f"The target schema has no field '{where}'."
    if mapping.destination in seen:
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
        if has_source is not None and not (has_source(source) or has_source(unescaped(source))):
            return f"The source has no attribute '{source[:200]}'."
    return None


def sources_of(mapping: FieldMapping) -> list[str]:
    """The source attributes that a mapping reads; raises :class:`ExpressionError`."""
    if mapping.source_type == STATIC:
        return []
    if mapping.source_type == ATTRIBUTE:
        return [unwrapped(mapping.source)]
    return expressions.paths(expressions.parse(mapping.source))


class Transform:
    """A checked mapping set, ready for rows.

    :param mappings: without :func:`problems`.
    :param properties: the target schema's fields.
    :param required: the fields that every record needs; None when nothing is, on no level.
    :param now: tells the time, in epoch seconds.
    """

    def __init__(
        self,
        mappings: Iterable[FieldMapping],
        properties: Mapping[str, Any],
        required: Sequence[str] | None,
        now: Now = time.time,
    ) -> None:
        self._whole = None if required is None else {"properties": properties, "required": required}
        self._lines = [
            _Line(
                mapping,
                steps_of(mapping.destination) or (mapping.destination,),
                find(properties, unwrapped(mapping.destination)) or {},
                _reader(mapping, now),
            )
            for mapping in mappings
        ]

    def apply(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The record that a row becomes; raises :class:`RowRefused`."""
        record: dict[str, Any] = {}
        for line in self._lines:
            _follow(line, row, record)
        missing = None if self._whole is None else next(_missing(record, self._whole), None)
        if missing is not None:
            raise RowRefused(MISSING_ERROR, f"The required field '{missing}' is missing or null.")
        return record

    def preview(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[FieldMapping, str]]]:
        """What a row becomes without the mappings that fail for it, and why each of those does."""
        record: dict[str, Any] = {}
        failures = []
        for line in self._lines:
            try:
                _follow(line, row, record)
            except RowRefused as refused:
                failures.append((line.mapping, refused.message))
        return record, failures


def _follow(line: _Line, row: Mapping[str, Any], record: dict[str, Any]) -> None:
    where = line.mapping.destination[:200]
    try:
        value = line.value(row)
    except ExpressionError as error:
        raise RowRefused(MAPPER_ERROR, f"Cannot compute '{where}': {error}.") from error
    if value is None:
        return
    try:
        write(record, line.steps, value, lambda found: _converted(found, line.field, where))
    except Occupied as error:
        raise RowRefused(MAPPER_ERROR, f"'{where}' lies below a value that cannot hold it.") from error


def _missing(value: Any, field: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """The paths of required fields that a value lacks; an object that is absent needs nothing."""
    if isinstance(value, list):
        for entry in value:
            yield from _missing(entry, field.get("items", {}), f"{where}[]")
    if not isinstance(value, dict):
        return
    prefix = f"{where}." if where else ""
    for name in field.get("required", ()):
        if value.get(name) in (None, ""):
            yield prefix + name
    for name, child in field.get("properties", {}).items():
        if name in value:
            yield from _missing(value[name], child, prefix + name)


def _reader(mapping: FieldMapping, now: Now) -> Callable[[Mapping[str, Any]], Any]:
    source = mapping.source
    if mapping.source_type == STATIC:
        return lambda row: source
    if mapping.source_type == ATTRIBUTE:
        return lambda row: read(row, source)
    expression = expressions.parse(source)
    return lambda row: expressions.evaluate(expression, lambda path: read(row, path), now)


def _converted(value: Any, field: Mapping[str, Any], where: str) -> Any:
    try:
        converted = _convert(value, field, where)
    except (ValueError, TypeError) as error:
        kind = field.get("format") or field.get("type")
        raise RowRefused(MAPPER_ERROR, f"The value for '{where}' cannot be read as {kind}.") from error
    allowed = field.get("enum")
    if isinstance(allowed, list) and converted not in allowed:
        raise RowRefused(UNFIT_ERROR, f"The value for '{where}' is not one of those that the schema allows.")
    longest = field.get("maxLength")
    if isinstance(converted, str) and isinstance(longest, int) and len(converted) > longest:
        raise RowRefused(UNFIT_ERROR, f"The value for '{where}' is longer than the schema allows.")
    if isinstance(converted, int | float) and not isinstance(converted, bool):
        low, high = field.get("minimum"), field.get("maximum")
        if (isinstance(low, int | float) and converted < low) or (isinstance(high, int | float) and converted > high):
            raise RowRefused(UNFIT_ERROR, f"The value for '{where}' lies outside the bounds of the schema.")
    return converted


def _convert(value: Any, field: Mapping[str, Any], where: str) -> Any:
    kind = str(field.get("type", "object"))
    if convert := _CONVERSIONS.get(kind):
        return convert(value, field, where)
    return SCALARS.get(str(field.get("format")), SCALARS[kind])(value)


def _to_object(value: Any, _: Mapping[str, Any], __: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    # Another mapping may write below it, and the source's row is not the record's.
    return {key: _plain(entry) for key, entry in copy.deepcopy(value).items()}


def _to_array(value: Any, field: Mapping[str, Any], where: str) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    items = field.get("items", {})
    return [None if entry is None else _converted(entry, items, f"{where}[]") for entry in value]


def _plain(value: Any) -> Any:
    """A value of an expression as JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return iso_time(value) if isinstance(value, datetime) else value


_CONVERSIONS: Mapping[str, Callable[[Any, Mapping[str, Any], str], Any]] = {"object": _to_object, "array": _to_array}
