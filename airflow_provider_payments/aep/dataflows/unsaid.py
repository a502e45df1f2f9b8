"""What a dataflow holds that no member of a definition says: the comments of an exported file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION, TARGET_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["unknown_transformations", "unsaid"]

_TRANSFORMATIONS = ("Mapping", "Copy")
_SAID_OPTIONS = ("partialIngestionPercent", "errorDiagnosticsEnabled")
_UNSAID_MEMBERS = ("labels", "policy", "recordTypes")


def unknown_transformations(dataflow: RemoteObject) -> list[str]:
    """Return the names of transformations that decide what becomes of rows, and that no definition can say."""
    names = [step.text("name") or "one without a name" for step in DATAFLOW.fields_of(dataflow).each("transformations")]
    return [name for name in names if name not in _TRANSFORMATIONS]


def unsaid(dataflow: RemoteObject, source: RemoteObject, target: RemoteObject) -> Iterator[str]:
    """
    Yield what the reader of a file should know; a plan compares none of it, and an update leaves it as it is.

    :raises UnreadableError: if one of the three cannot be understood.
    """
    fields = DATAFLOW.fields_of(dataflow)
    # The service adds flags that are off.
    set_options = [name for name, value in fields.mapping("options").items() if value]
    left_out = [f"options.{name}" for name in set_options if name not in _SAID_OPTIONS]
    left_out += [member for member in _UNSAID_MEMBERS if fields.value(member)]
    left_out += ["scheduleParams.endTime"] if fields.value("scheduleParams", "endTime") is not None else []
    if left_out:
        yield f"left out, for a definition has no member for it: {', '.join(sorted(left_out))}"
    older = {
        "an ad-hoc schema": SOURCE_CONNECTION.fields_of(source).value("data", "schema"),
        "a dataset base connection": TARGET_CONNECTION.fields_of(target).value("baseConnectionId"),
    }
    if names := [name for name, value in older.items() if value]:
        yield f"left out, for Adobe's newer documents do without it: {' and '.join(names)}"
