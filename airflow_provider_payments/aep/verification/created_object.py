"""An object that a verification has created, and the id in the answer to its creation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError
from airflow_provider_payments.aep.verification.kinds import KINDS

if TYPE_CHECKING:
    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["CreatedObject", "id_in_receipt", "may_have_created"]


@attrs.define
class CreatedObject:
    """
    An object that a verification has created.

    :param kind: its key in :data:`KINDS`.
    :param existing: the object as the service returned it.
    :param name: the name with which it was created.
    :param created_at: monotonic time of the answer to its creation.
    """

    kind: str
    existing: RemoteObject
    name: str
    created_at: float

    @property
    def id(self) -> str:
        """The object's id."""
        return self.existing.id


def may_have_created(error: PlatformError) -> bool:
    """Return whether a creation that failed with this error may have created an object."""
    return not isinstance(error, RequestError) or error.failure is Failure.AMBIGUOUS


def id_in_receipt(kind: str, body: object) -> str | None:
    """Return the id in the answer to a creation; ``None`` if there is none."""
    if isinstance(body, list):  # Catalog: ["@/dataSets/5c8c..."]
        return (readers.text(body[0]) or "").rpartition("/")[2] or None if body else None
    return readers.text(readers.at(body, KINDS[kind].id_key))
