"""What a mapping set does to rows: checked once against the target schema, then applied to each row."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from airflow_provider_payments.emulator.data_prep import expressions
from airflow_provider_payments.emulator.data_prep.mapping_sets import ATTRIBUTE, STATIC, FieldMapping
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
class _Step:
    destination: tuple[str, ...]
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
    if find(properties, mapping.destination) is None:
        return f"The target schema has no field '{mapping.destination[:200]}'."
    if mapping.destination in seen:
        return f"The field '{mapping.destination[:200]}' is the destination of two mappings."
    if "[" in mapping.destination:
        return f"The emulator does not write into arrays: '{mapping.destination[:200]}'."
    try:
        sources = _sources(mapping)
    except expressions.ExpressionError as error:
        return f"The expression '{mapping.source[:200]}' is not accepted: {error}."
    for source in sources:
        if has_source is not None and not has_source(source):
            return f"The source has no attribute '{source[:200]}'."
    return None


def _sources(mapping: FieldMapping) -> list[str]:
    if mapping.source_type == STATIC:
        return []
    if mapping.source_type == ATTRIBUTE:
        return [mapping.source]
    return expressions.paths(expressions.parse(mapping.source))


class Transform:
    """A checked mapping set, ready for rows.

    :param mappings: without :func:`problems`.
    :param properties: the target schema's fields.
    :param required: the fields that every record needs; None when nothing is, on no level.
    """

    def __init__(
        self, mappings: Iterable[FieldMapping], properties: Mapping[str, Any], required: Sequence[str] | None
    ) -> None:
        self._whole = None if required is None else {"properties": properties, "required": required}
        self._steps = [
            _Step(tuple(mapping.destination.split(".")), find(properties, mapping.destination) or {}, _reader(mapping))
            for mapping in mappings
        ]

    def apply(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The record that a row becomes; raises :class:`RowRefused`."""
        record: dict[str, Any] = {}
        for step in self._steps:
            try:
                value = step.value(row)
            except expressions.ExpressionError as error:
                raise RowRefused(MAPPER_ERROR, f"Cannot compute '{'.'.join(step.destination)}': {error}.") from error
            if value is not None:
                _put(record, step.destination, _converted(value, step.field, step.destination))
        missing = None if self._whole is None else next(_missing(record, self._whole), None)
        if missing is not None:
            raise RowRefused(MISSING_ERROR, f"The required field '{missing}' is missing or null.")
        return record


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


def _reader(mapping: FieldMapping) -> Callable[[Mapping[str, Any]], Any]:
    source = mapping.source
    if mapping.source_type == STATIC:
        return lambda row: source
    if mapping.source_type == ATTRIBUTE:
        return lambda row: read(row, source)
    expression = expressions.parse(source)
    return lambda row: expressions.evaluate(expression, lambda path: read(row, path))


def read(row: Mapping[str, Any], path: str) -> Any:
    """A source attribute of a row: a column, or a path into a tree.

    :param path: the whole text may be a column's name, dots included.
    """
    if path in row:
        return row[path]
    node: Any = row
    for step in path.split("."):
        node = node.get(step) if isinstance(node, Mapping) else None
    return node


def _put(record: dict[str, Any], destination: tuple[str, ...], value: Any) -> None:
    node = record
    for step in destination[:-1]:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            raise RowRefused(MAPPER_ERROR, f"'{'.'.join(destination)}' lies below a value that is no object.")
    node[destination[-1]] = value


def _converted(value: Any, field: Mapping[str, Any], destination: tuple[str, ...]) -> Any:
    where = ".".join(destination)
    try:
        converted = _CONVERSIONS[str(field.get("type", "object"))](value, field)
    except (ValueError, TypeError, OverflowError) as error:
        kind = field.get("format") or field.get("type")
        raise RowRefused(MAPPER_ERROR, f"The value for '{where}' cannot be read as {kind}.") from error
    allowed = field.get("enum")
    if isinstance(allowed, list) and converted not in allowed:
        raise RowRefused(UNFIT_ERROR, f"The value for '{where}' is not one of those that the schema allows.")
    if isinstance(converted, int | float) and not isinstance(converted, bool):
        low, high = field.get("minimum"), field.get("maximum")
        if (isinstance(low, int | float) and converted < low) or (isinstance(high, int | float) and converted > high):
            raise RowRefused(UNFIT_ERROR, f"The value for '{where}' lies outside the bounds of the schema.")
    return converted


def _to_text(value: Any, field: Mapping[str, Any]) -> str:
    if isinstance(value, dict | list):
        raise TypeError(value)
    match field.get("format"):
        case "date-time":
            return iso_time(str(value))
        case "date":
            return date.fromisoformat(str(value).strip()[:10]).isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


def iso_time(text: str) -> str:
    """A time in any ISO form, blank or ``T`` between, as ``yyyy-MM-ddTHH:mm:ssZ``; raises ``ValueError``.

    :param text: without a zone it is UTC.
    """
    return parse_time(text).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """A time in any ISO form, in UTC; raises ``ValueError``."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def _to_boolean(value: Any, _: Mapping[str, Any]) -> bool:
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _to_number(value: Any, _: Mapping[str, Any]) -> float:
    number = float(str(value).strip())
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _same(kind: type) -> Callable[[Any, Mapping[str, Any]], Any]:
    def check(value: Any, _: Mapping[str, Any]) -> Any:
        if not isinstance(value, kind):
            raise TypeError(value)
        # Another mapping may write below it, and the source's row is not the record's.
        return copy.deepcopy(value)

    return check


_CONVERSIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "string": _to_text,
    "integer": lambda value, _: int(str(value).strip()),
    "number": _to_number,
    "boolean": _to_boolean,
    "object": _same(dict),
    "array": _same(list),
}
