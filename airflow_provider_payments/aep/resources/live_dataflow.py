"""Existing dataflows: their members under the names of :class:`~.dataflow.Dataflow`, and patches that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_bool, as_int, as_number
from airflow_provider_payments.aep.resources.delta_column import read_delta_column
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.resources.schedule import read_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_payments.aep.services import Json


def read_dataflow(fields: Fields) -> Json:
    """
    Return the members of a dataflow that can be compared without reading another object.

    :raises UnreadableError: if a member cannot be understood.
    """
    parts = {
        "scheduleParams": read_schedule(fields.below("scheduleParams")),
        "options": read_options(fields.below("options")),
        "deltaColumn": read_delta_column(transformation(fields, "Copy")),
    }
    state = fields.text("state")
    own = {
        "flowSpec.id": fields.text("flowSpec", "id"),
        "name": normalize("NFC", fields.text("name") or ""),
        "description": Mark.without(fields.text("description")),
        # A dataflow may be in other states for a while; only these two keep it from running.
        "state": state if state in ("disabled", "draft") else "enabled",
    }
    return own | {f"{part}.{name}": value for part, members in parts.items() for name, value in members.items()}


def transformation(fields: Fields, name: str) -> Fields:
    """Return the parameters of a dataflow's transformation, ``Copy`` or ``Mapping``; empty if it has none."""
    found = [step.below("params") for step in fields.each("transformations") if step.text("name") == name]
    return found[-1] if found else Fields(fields.what, {})


def mapping_used(fields: Fields) -> tuple[str, int] | None:
    """Return the id and version of the mapping set that a dataflow uses, ``None`` if it names none."""
    used = transformation(fields, "Mapping")
    mapping_set = used.text("mappingId")
    return None if mapping_set is None else (mapping_set, used.parsed(as_int, "mappingVersion") or 0)


def read_options(options: Fields) -> Json:
    """Return a dataflow's options, which the service returns as numbers or text; an absent flag is false."""
    percent = options.parsed(as_number, "partialIngestionPercent")
    flag = options.parsed(as_bool, "errorDiagnosticsEnabled")
    return {"partialIngestionPercent": percent, "errorDiagnosticsEnabled": percent is not None or flag or False}


def has_started(fields: Fields, now: float) -> bool:
    """
    Return whether a dataflow's start time has passed, after which the service allows fewer changes.

    :param now: the current time, in epoch seconds of the platform's clock.
    """
    start = readers.moment(fields.value("scheduleParams", "startTime"))
    return start is not None and start <= now


# ---- changes -------------------------------------------------------------------------------------------------------


def changed_transformations(
    fields: Fields, new: list[Json], changes: Mapping[str, Callable[[Json], Json]], *, without_copy: bool
) -> Json:
    """
    Return the JSON Patch operation that changes a dataflow's transformations; missing ones are added at the front.

    :param fields: the members of the existing dataflow.
    :param new: the transformations that a new dataflow would have.
    :param changes: transformation's name -> function that changes its parameters.
    :param without_copy: whether to remove the Copy transformation, as a dataflow that runs once has no delta column.
    """
    found = [dict(step.item) for step in fields.each("transformations")]
    missing = [step for step in new if step["name"] not in {step.get("name") for step in found}]
    kept = [step for step in found if not (without_copy and step.get("name") == "Copy")]
    for step in kept:
        if change := changes.get(str(step.get("name"))):
            step["params"] = change(dict(readers.mapping(step.get("params"))))
    return {"op": "replace", "path": "/transformations", "value": missing + kept}


def set_member(path: str, value: object) -> Json:
    """Return the JSON Patch operation that sets a member: ``add`` replaces an existing one."""
    return {"op": "add", "path": path, "value": value}
