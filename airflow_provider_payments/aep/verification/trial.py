"""One run of a verification: what its checks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.verification.objects import Objects
    from airflow_provider_payments.aep.verification.probe import Probe

__all__ = ["Settled", "Trial"]


@attrs.define
class Settled:
    """
    What was measured of a kind, in seconds.

    :param second: whether a second object of the name was ``taken`` or ``refused``; empty where it was not tried.
    :param listed: for each object, until a list showed it; ``None``: none did.
    :param readable: the same of a read by id.
    :param gone: for each object, until no list showed it any more after its deletion.
    :param gone_by_id: the same of a read by id.
    """

    second: str = ""
    listed: list[float | None] = attrs.field(factory=list)
    readable: list[float | None] = attrs.field(factory=list)
    gone: list[float | None] = attrs.field(factory=list)
    gone_by_id: list[float | None] = attrs.field(factory=list)


@attrs.define
class Trial:
    """
    What checks ask with, and what they have learnt for each other.

    :param probe: sends requests.
    :param objects: makes what they ask about.
    :param settled: by kind, how its objects settled.
    """

    probe: Probe
    objects: Objects
    settled: dict[str, Settled] = attrs.field(factory=dict)

    @property
    def client(self) -> Client:
        """The client of the sandbox."""
        return self.probe.client
