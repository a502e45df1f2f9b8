"""
Where a dataflow's rows come from and go to: what reports say besides a flow run.

Each object is read once, when it is first asked for, by its id: the dataflow, then what it refers to.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.services import Json

__all__ = ["Route"]


class Route:
    """
    What a dataflow reads and writes.

    Members that the service does not show, or shows garbled, are ``None``.

    :param client: what reads it.
    :param flow_id: id of the dataflow.
    """

    def __init__(self, client: Client, flow_id: str) -> None:
        self.client, self.flow_id = client, flow_id

    @classmethod
    def read(cls, client: Client, flow_id: str) -> Self:
        """
        Return the route of a dataflow whose name and dataset have been read.

        :raises RequestError: if the service does not show the dataflow, or what it refers to.
        """
        route = cls(client, flow_id)
        _ = route._target
        return route

    @property
    def flow_name(self) -> str | None:
        """The dataflow's name."""
        return readers.text(self._flow.get("name"))

    @property
    def dataset_id(self) -> str | None:
        """Id of the dataset that rows go to."""
        return readers.text(readers.at(self._target, "params", "dataSetId"))

    @cached_property
    def _flow(self) -> Json:
        return flow_service.item(self.client, "flows", self.flow_id)

    @cached_property
    def _target(self) -> Json:
        return self._referred("targetConnections", "targetConnectionIds")

    def _referred(self, collection: str, member: str) -> Json:
        """Return the one object to which a member of the dataflow refers; an empty one where it refers to no single."""
        ids = [found for each in readers.sequence(self._flow.get(member)) if (found := readers.text(each))]
        return flow_service.item(self.client, collection, ids[0]) if len(ids) == 1 else {}
