"""One run of a verification: what its checks share."""

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

#: Seconds between two polls; later, the share of the time that has passed.
POLL_SECONDS, POLL_SHARE = 2.0, 0.15

Shared = TypeVar("Shared")


@attrs.define
class Trial:
    """
    What checks ask with, and what they have learnt for each other.

    :param probe: sends requests.
    :param objects: makes what they ask about.
    """

    probe: Probe
    objects: Objects
    _shared: dict[str, Any] = attrs.field(factory=dict, init=False)

    @property
    def client(self) -> Client:
        """The client of the sandbox."""
        return self.probe.client

    def polls(self, seconds: float) -> Iterator[float]:
        """Yield the time of each poll, by the clock's ``monotonic``, as long as ``seconds`` have not passed."""
        clock = self.client.transport.clock
        begun = clock.monotonic()
        while (passed := (at := clock.monotonic()) - begun) <= seconds:
            yield at
            clock.sleep(max(POLL_SECONDS, POLL_SHARE * passed))

    def read(self, kind: str, object_id: str = "") -> RemoteObject:
        """
        Return an object as it is now.

        :param object_id: of another than the first of its kind, which is made if it is not there.
        :raises NotTriedError: if no read by its id finds it.
        """
        object_id = object_id or self.objects.first(kind)
        for _ in self.polls(READ_LAG_SECONDS):
            try:
                return KINDS[kind].get(self.client, object_id)
            except NotFoundError:
                pass
        raise NotTriedError(f"no read by its id finds the {KINDS[kind]}")

    def once(self, what: str, ask: Callable[[], Shared]) -> Shared:
        """
        Return what several checks need, asked for with the first of them; that it cannot be had is remembered too.

        :param what: its name among such things.
        """
        if what not in self._shared:
            try:
                self._shared[what] = ask()
            except (NotTriedError, PlatformError) as error:
                self._shared[what] = error
        found: Shared | Exception = self._shared[what]
        if isinstance(found, Exception):
            raise found
        return found
