"""
What came of a creation step: which object it is, and what the next steps need.
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

    :param resource: the desired one, completed where it was created.
    :param existing: the object that it now is.
    :param created: whether this call made it; its mark shows that where the answer was lost.
    :param request_id: the service's id of the request that made or found it.
    :param updated: whether it was there and had to be changed.
    :param at: when, in epoch seconds of the platform's clock.
    :param duplicates: ids of others that mean the same and were left: another writer's, or in use.
    """

    resource: Resource
    existing: RemoteObject
    created: bool
    request_id: str
    at: float
    updated: bool = False
    duplicates: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return what an XCom carries; what has no value is left out."""
        own = {"id": self.existing.id, "name": self.resource.name, "created": self.created, "etag": self.existing.etag}
        return with_values(own | {"duplicates": list(self.duplicates)} | self.resource.outputs(self.existing, self.at))
