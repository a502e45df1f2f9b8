"""What a plan finds in the services' words, said in those of a definition."""

from __future__ import annotations

from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.readers import number

__all__ = ["in_words", "member_of"]

#: A field that is compared -> the member that says it, and what is below it.
_WORDS = {
    "scheduleParams": "schedule",
    "options.partialIngestionPercent": "tolerance",
    "options.errorDiagnosticsEnabled": "error_diagnostics",
    "deltaColumn.dateFormat": "delta_column.format",
    "deltaColumn": "delta_column",
    "mapping": "mappings",
    "state": "enabled",
    "params.columns": "source.columns",
    "params.tableName": "source.table",
    "params.resourcePath": "source.resource",
    "data.format": "source.format",
}


def _said(member: str, value: object) -> object:
    if member == "tolerance" and (percent := number(value)) is not None:
        return f"{percent:g}%"
    if member == "enabled" and value in ("enabled", "disabled"):  # a draft is neither
        return value == "enabled"
    return value


def in_words(change: Difference) -> Difference:
    """Return a difference as the definition would have it."""
    head, _, rest = change.field.partition(".")
    words = _WORDS.get(change.field) or (f"{_WORDS[head]}.{rest}" if head in _WORDS and rest else _WORDS.get(head))
    if words is None:
        return change
    return Difference(words, _said(words, change.desired), _said(words, change.actual))


def member_of(kind: str, field: str) -> str:
    """
    Return the member of a definition that says what differs.

    :param kind: the object's, by name.
    :param field: what differs of it.
    """
    if kind in ("schema", "field group", "identity", "profile enablement"):
        return "schema"
    if kind == "dataset":
        return "dataset"
    return in_words(Difference(field, None, None)).field.partition(".")[0] if kind == "dataflow" else "source"
