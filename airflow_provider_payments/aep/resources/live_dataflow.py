"""What a dataflow shows of itself, in the words of :class:`~.dataflow.Dataflow`, and the JSON Patch that changes it."""

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
    Return the members of a dataflow that need no other object to be understood.

    :raises UnreadableError: if one of them cannot be understood.
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
        # A dataflow passes through other states on its way; only these two keep it from running.
        "state": state if state in ("disabled", "draft") else "enabled",
    }
    return own | {f"{part}.{name}": value for part, members in parts.items() for name, value in members.items()}


def transformation(fields: Fields, name: str) -> Fields:
    """Return the parameters of a dataflow's transformation, ``Copy`` or ``Mapping``; empty where it has none."""
    found = [step.below("params") for step in fields.each("transformations") if step.text("name") == name]
    return found[-1] if found else Fields(fields.what, {})


def mapping_used(fields: Fields) -> tuple[str, int] | None:
    """Return the mapping set that a dataflow uses and its version, ``None`` where it names none."""
    used = transformation(fields, "Mapping")
    mapping_set = used.text("mappingId")
    return None if mapping_set is None else (mapping_set, used.parsed(as_int, "mappingVersion") or 0)


def read_options(options: Fields) -> Json:
    """Read a dataflow's options as they come back, numbers or text; an absent flag is off."""
    percent = options.parsed(as_number, "partialIngestionPercent")
    flag = options.parsed(as_bool, "errorDiagnosticsEnabled")
    return {"partialIngestionPercent": percent, "errorDiagnosticsEnabled": percent is not None or flag or False}


def has_started(fields: Fields, now: float) -> bool:
    """
    Whether a dataflow's start time has passed, after which the service changes less of it.

    :param now: in epoch seconds of the platform's clock.
    """
    start = readers.moment(fields.value("scheduleParams", "startTime"))
    return start is not None and start <= now


# ---- changes -------------------------------------------------------------------------------------------------------


def changed_transformations(
    fields: Fields, new: list[Json], changes: Mapping[str, Callable[[Json], Json]], *, without_copy: bool
) -> Json:
    """
    Return the patch of a dataflow's transformations; one that is missing is put before the others.

    :param new: those of a new dataflow.
    :param changes: by name, what changes the parameters of those that are there.
    :param without_copy: whether it must not have a delta column, as a single run.
    """
    found = [dict(step.item) for step in fields.each("transformations")]
    missing = [step for step in new if step["name"] not in {step.get("name") for step in found}]
    kept = [step for step in found if not (without_copy and step.get("name") == "Copy")]
    for step in kept:
        if change := changes.get(str(step.get("name"))):
            step["params"] = change(dict(readers.mapping(step.get("params"))))
    return {"op": "replace", "path": "/transformations", "value": missing + kept}


def set_member(path: str, value: object) -> Json:
    """Return the step of a JSON Patch that sets a member: adding one that is there replaces it."""
    return {"op": "add", "path": path, "value": value}
