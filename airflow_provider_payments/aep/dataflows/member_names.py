"""Names of a definition's members for the fields of services that a plan compares."""

from __future__ import annotations

from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.readers import number

__all__ = ["in_definition_terms", "member_of"]

#: Compared fields, or their parents -> members of a definition.
_MEMBERS = {
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


def _member_value(member: str, value: object) -> object:
    if member == "tolerance" and (percent := number(value)) is not None:
        return f"{percent:g}%"
    if member == "enabled" and value in ("enabled", "disabled"):  # a draft is neither
        return value == "enabled"
    return value


def in_definition_terms(change: Difference) -> Difference:
    """Return a difference with the member and the values of a definition."""
    head, _, rest = change.field.partition(".")
    member = _MEMBERS.get(change.field) or (
        f"{_MEMBERS[head]}.{rest}" if head in _MEMBERS and rest else _MEMBERS.get(head)
    )
    if member is None:
        return change
    return Difference(member, _member_value(member, change.desired), _member_value(member, change.actual))


def member_of(kind: str, field: str) -> str:
    """
    Return the member of a definition to which a difference belongs.

    :param kind: name of the object's kind.
    :param field: the field that differs.
    """
    if kind in ("schema", "field group", "identity", "profile enablement"):
        return "schema"
    if kind == "dataset":
        return "dataset"
    return (
        in_definition_terms(Difference(field, None, None)).field.partition(".")[0] if kind == "dataflow" else "source"
    )
