"""The JSON form of a report as JSON Schema, for those who read reports with programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.verification.findings import Outcome
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.report import REPORT_FORMAT

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

__all__ = ["report_schema"]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_COUNT: Json = {"type": "integer", "minimum": 0}
_SECONDS: Json = {"type": "integer", "minimum": 1}


def report_schema() -> Json:
    """Return the schema of what ``payments verify`` writes and ``payments-emulator --like`` reads."""
    outcomes = [str(outcome) for outcome in Outcome]
    return {
        "$schema": _DRAFT,
        "title": "What a verification of a sandbox found",
        **_object(
            {
                "format": _said({"const": REPORT_FORMAT}, "Raised when a member changes its meaning."),
                "provider": _said({"type": "string"}, "The version of airflow-provider-payments."),
                "day": _said({"type": "string", "format": "date"}, "When, by the platform's clock in UTC."),
                "quick": _said({"type": "boolean"}, "Whether one object of each kind was made instead of three."),
                "ingest": _said({"type": "boolean"}, "Whether rows might be brought in."),
                "requests": _said(_COUNT, "How many were sent, those for tokens not counted."),
                "summary": _said(
                    _object({name: _said(_COUNT, f"Checks that are {name}.") for name in outcomes}),
                    "How many checks ended how.",
                ),
                "checks": _said(
                    {"type": "array", "items": _check(outcomes)}, "The checks that were asked for, in their order."
                ),
                "left": _said(
                    _object(
                        {kind: _said(_COUNT, f"Objects of the kind {name}.") for kind, name in KINDS.items()},
                        required=False,
                    ),
                    "Objects that the services kept, by kind.",
                ),
                "recommended": _said(_recommended(), "For the Airflow connection's extra, as far as it was measured."),
            }
        ),
    }


def _check(outcomes: list[str]) -> Json:
    members = {
        "id": _said(
            {"type": "string", "pattern": r"^[a-z_]+\.[a-z0-9_]+$"}, "Of the check; its meaning never changes."
        ),
        "assumption": _said({"type": "string"}, "What this package assumes of the platform."),
        "outcome": _said({"enum": outcomes}, "Whether that holds; `not tried` says nothing about it."),
        "seen": _said(
            {"type": "object", "propertyNames": {"pattern": "^[a-z_]+$"}},
            "What was seen, by names of the check's own: numbers, statuses, codes, true or false, short words.",
        ),
        "reason": _said({"type": "string"}, "Why it was not tried; only there."),
    }
    return _object(members) | {"required": [name for name in members if name != "reason"]}


def _recommended() -> Json:
    members = {
        "settle_seconds": _said(_SECONDS, "Three times the longest that a list took to show an object."),
        "dataflow_settle_seconds": _said(_SECONDS, "The same of dataflows."),
    }
    return _object(members, required=False)


def _object(members: Json, *, required: bool = True) -> Json:
    shape: Json = {"type": "object", "properties": members, "additionalProperties": False}
    return shape | {"required": list(members)} if required else shape


def _said(shape: Json, description: str) -> Json:
    return shape | {"description": description}
