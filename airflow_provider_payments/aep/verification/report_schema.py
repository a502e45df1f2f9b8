"""The JSON Schema of a verification report, for programs that read reports."""

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
    """Return the JSON Schema of the report that ``payments verify`` writes and ``payments-emulator --like`` reads."""
    outcomes = [str(outcome) for outcome in Outcome]
    return {
        "$schema": _DRAFT,
        "title": "Report of the verification of a sandbox",
        **_object(
            {
                "format": _described(
                    {"const": REPORT_FORMAT}, "Version of the report, incremented if a member changes its meaning."
                ),
                "provider": _described({"type": "string"}, "The version of airflow-provider-payments."),
                "day": _described(
                    {"type": "string", "format": "date"},
                    "The date of the verification, by the platform's clock in UTC.",
                ),
                "quick": _described(
                    {"type": "boolean"}, "Whether one object of each kind was created instead of three."
                ),
                "ingest": _described({"type": "boolean"}, "Whether ingesting rows was permitted."),
                "requests": _described(_COUNT, "Number of requests, not counting those for tokens."),
                "summary": _described(
                    _object({name: _described(_COUNT, f"Checks that are {name}.") for name in outcomes}),
                    "Number of checks with each outcome.",
                ),
                "checks": _described(
                    {"type": "array", "items": _check(outcomes)}, "The selected checks, in the order in which they ran."
                ),
                "left": _described(
                    _object(
                        {kind: _described(_COUNT, f"Objects of the kind {name}.") for kind, name in KINDS.items()},
                        required=False,
                    ),
                    "Number of objects that could not be deleted, by kind.",
                ),
                "recommended": _described(
                    _recommended(), "Settle times for the Airflow connection's extra; only those that were measured."
                ),
            }
        ),
    }


def _check(outcomes: list[str]) -> Json:
    members = {
        "id": _described(
            {"type": "string", "pattern": r"^[a-z_]+\.[a-z0-9_]+$"}, "Id of the check; its meaning never changes."
        ),
        "assumption": _described({"type": "string"}, "The assumption of this package about the platform."),
        "outcome": _described({"enum": outcomes}, "Whether the assumption holds; `not tried` proves nothing about it."),
        "seen": _described(
            {"type": "object", "propertyNames": {"pattern": "^[a-z_]+$"}},
            "The observations by names of the check: numbers, statuses, codes, booleans and keywords.",
        ),
        "reason": _described({"type": "string"}, "Why the check was not tried; absent if it was tried."),
    }
    return _object(members) | {"required": [name for name in members if name != "reason"]}


def _recommended() -> Json:
    members = {
        "settle_seconds": _described(_SECONDS, "Three times the longest time until a list contained a new object."),
        "dataflow_settle_seconds": _described(_SECONDS, "The same for dataflows and flow runs."),
    }
    return _object(members, required=False)


def _object(members: Json, *, required: bool = True) -> Json:
    shape: Json = {"type": "object", "properties": members, "additionalProperties": False}
    return shape | {"required": list(members)} if required else shape


def _described(shape: Json, description: str) -> Json:
    return shape | {"description": description}
