"""
The outcome of a creation step: the object, and the values that the next steps need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.services import Json, with_values

if TYPE_CHECKING:
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import RemoteObject


@dataclass(frozen=True)
class Provisioned:
    """
    The outcome of :func:`.ensure.ensure`.

    :param resource: the desired value; after a creation, completed with what the service added.
    :param existing: the object that now exists.
    :param created: whether this operation created the object, which its mark proves even if the answer was lost.
    :param request_id: the service's id of the request that created or found the object.
    :param at: the time of the outcome, in epoch seconds of the platform's clock.
    :param updated: whether the object existed and had to be changed.
    :param duplicates: ids of duplicates that remain: those of other writers, and those in use.
    """

    resource: Resource
    existing: RemoteObject
    created: bool
    request_id: str
    at: float
    updated: bool = False
    duplicates: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return the value for an XCom; members without a value are left out."""
        own = {"id": self.existing.id, "name": self.resource.name, "created": self.created, "etag": self.existing.etag}
        return with_values(own | {"duplicates": list(self.duplicates)} | self.resource.outputs(self.existing, self.at))
