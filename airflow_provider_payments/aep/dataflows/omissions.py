"""The properties of a dataflow that a definition cannot contain, as comments of an exported file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION, TARGET_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["omissions", "unknown_transformations"]

_TRANSFORMATIONS = ("Mapping", "Copy")
_EXPORTED_OPTIONS = ("partialIngestionPercent", "errorDiagnosticsEnabled")
_OMITTED_MEMBERS = ("labels", "policy", "recordTypes")


def unknown_transformations(dataflow: RemoteObject) -> list[str]:
    """Return the names of transformations that a definition cannot express."""
    names = [step.text("name") or "without a name" for step in DATAFLOW.fields_of(dataflow).each("transformations")]
    return [name for name in names if name not in _TRANSFORMATIONS]


def omissions(dataflow: RemoteObject, source: RemoteObject, target: RemoteObject) -> Iterator[str]:
    """
    Yield a comment for each group of properties that the definition leaves out.

    A plan does not compare these properties, and an update does not change them.

    :raises UnreadableError: if one of the three cannot be understood.
    """
    fields = DATAFLOW.fields_of(dataflow)
    # The service adds options that are false.
    set_options = [name for name, value in fields.mapping("options").items() if value]
    left_out = [f"options.{name}" for name in set_options if name not in _EXPORTED_OPTIONS]
    left_out += [member for member in _OMITTED_MEMBERS if fields.value(member)]
    left_out += ["scheduleParams.endTime"] if fields.value("scheduleParams", "endTime") is not None else []
    if left_out:
        yield f"left out, because a definition has no member for it: {', '.join(sorted(left_out))}"
    older = {
        "an ad-hoc schema": SOURCE_CONNECTION.fields_of(source).value("data", "schema"),
        "a dataset base connection": TARGET_CONNECTION.fields_of(target).value("baseConnectionId"),
    }
    if names := [name for name, value in older.items() if value]:
        yield f"left out, because Adobe's newer documents do not use it: {' and '.join(names)}"
