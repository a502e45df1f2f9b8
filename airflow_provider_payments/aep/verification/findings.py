"""The finding of a check."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

__all__ = ["Finding", "NotTriedError", "Outcome", "judged"]


class Outcome(StrEnum):
    """The outcome of a check."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_TRIED = "not tried"


class NotTriedError(Exception):
    """A check cannot be completed. The message is part of the report, so it holds no text of the tenant."""


@attrs.frozen
class Finding:
    """
    The finding of a check.

    :param outcome: whether the assumption was confirmed, contradicted or not tried.
    :param seen: the observed numbers, statuses, codes and keywords; never an id, a name or a text of the tenant.
        Defaults to none.
    :param reason: why the check was not tried. Defaults to empty: the check was tried.
    """

    outcome: Outcome
    seen: Json = attrs.field(factory=dict)
    reason: str = ""


def judged(holds: bool, **seen: object) -> Finding:
    """Return the finding of a completed check: confirmed if the assumption holds, contradicted if not."""
    return Finding(Outcome.CONFIRMED if holds else Outcome.CONTRADICTED, seen)
