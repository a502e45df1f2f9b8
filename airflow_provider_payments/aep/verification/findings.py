"""What became of a check."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

__all__ = ["Finding", "NotTriedError", "Outcome", "judged"]


class Outcome(StrEnum):
    """What became of a check."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_TRIED = "not tried"


class NotTriedError(Exception):
    """What a check asks cannot be asked; the text, which is part of the report, says why in words of our own."""


@attrs.frozen
class Finding:
    """
    What was found.

    :param seen: plain JSON in words of our own: numbers, statuses, codes. Never an id, a name or a text of the tenant.
    :param reason: why it was not tried; empty where it was.
    """

    outcome: Outcome
    seen: Json = attrs.field(factory=dict)
    reason: str = ""


def judged(holds: bool, **seen: object) -> Finding:
    """Return the finding of a check that was tried."""
    return Finding(Outcome.CONFIRMED if holds else Outcome.CONTRADICTED, seen)
