"""An object that a verification has made, and what the answer to a creation tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError
from airflow_provider_payments.aep.verification.kinds import KINDS

if TYPE_CHECKING:
    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["Made", "made_id", "may_have_worked"]


@attrs.define
class Made:
    """
    An object that was made.

    :param kind: its key in :data:`KINDS`.
    :param at: when the answer came, by the clock's ``monotonic``.
    """

    kind: str
    existing: RemoteObject
    name: str
    at: float


def may_have_worked(error: PlatformError) -> bool:
    """Whether a creation that failed so may have made something."""
    return not isinstance(error, RequestError) or error.failure is Failure.AMBIGUOUS


def made_id(kind: str, body: object) -> str | None:
    """Return the id that the answer to a creation names."""
    if isinstance(body, list):  # Catalog: ["@/dataSets/5c8c..."]
        return (readers.text(body[0]) or "").rpartition("/")[2] or None if body else None
    return readers.text(readers.at(body, KINDS[kind].id_key))
