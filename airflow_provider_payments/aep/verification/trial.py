"""The context of one verification that all of its checks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS
from airflow_provider_payments.aep.errors import NotFoundError, PlatformError
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.verification.objects import Objects
    from airflow_provider_payments.aep.verification.probe import Probe

__all__ = ["POLL_SECONDS", "Trial"]

#: Minimum seconds between two polls, and the fraction of the elapsed time that a later interval has.
POLL_SECONDS, POLL_FRACTION = 2.0, 0.15

Shared = TypeVar("Shared")


@attrs.define
class Trial:
    """
    The context of a verification: how its checks send requests and create objects, and the results that they share.

    :param probe: sends the requests of checks.
    :param objects: creates and deletes the objects of checks.
    """

    probe: Probe
    objects: Objects
    _shared: dict[str, Any] = attrs.field(factory=dict, init=False)

    @property
    def client(self) -> Client:
        """The client of the sandbox."""
        return self.probe.client

    def polls(self, seconds: float) -> Iterator[float]:
        """Yield the monotonic time of each poll, and sleep between polls, until ``seconds`` have elapsed."""
        clock = self.client.transport.clock
        began_at = clock.monotonic()
        while (elapsed := (at := clock.monotonic()) - began_at) <= seconds:
            yield at
            clock.sleep(max(POLL_SECONDS, POLL_FRACTION * elapsed))

    def read(self, kind: str, object_id: str = "") -> RemoteObject:
        """
        Return the present state of an object.

        :param object_id: id of the object. Defaults to that of the kind's first object, which is created if needed.
        :raises NotTriedError: if no read by its id finds the object within ``READ_LAG_SECONDS``.
        """
        object_id = object_id or self.objects.first_id(kind)
        for _ in self.polls(READ_LAG_SECONDS):
            try:
                return KINDS[kind].get(self.client, object_id)
            except NotFoundError:
                pass
        raise NotTriedError(f"no read by its id finds the {KINDS[kind]}")

    def shared(self, name: str, produce: Callable[[], Shared]) -> Shared:
        """
        Return a result that several checks use. The first call produces it; if that raised, each call raises the same.

        :param name: identifies the result.
        :param produce: returns the result.
        """
        if name not in self._shared:
            try:
                self._shared[name] = produce()
            except (NotTriedError, PlatformError) as error:
                self._shared[name] = error
        result: Shared | Exception = self._shared[name]
        if isinstance(result, Exception):
            raise result
        return result
