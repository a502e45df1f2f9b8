"""One run of a verification: what its checks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.verification.objects import Objects
    from airflow_provider_payments.aep.verification.probe import Probe

__all__ = ["Delay", "Settled", "Trial"]


@attrs.define
class Delay:
    """
    How long something lasted: polls see it go on, or over.

    :param since: when it began, by the clock's ``monotonic``.
    :param at_least: seconds that it lasted, known from the last poll that saw it go on.
    :param seconds: the seconds until a poll saw it over, which it lasted at most; ``None``: no poll did.
    """

    since: float
    at_least: float = 0.0
    seconds: float | None = None

    def go_on(self, at: float) -> None:
        """Take note of a poll that saw it go on."""
        self.at_least = max(0.0, at - self.since)

    def end(self, at: float) -> None:
        """Take note of the poll that saw it over."""
        self.seconds = round(max(0.0, at - self.since), 1)


@attrs.define
class Settled:
    """
    What was measured of a kind, for each object by its id.

    :param second: whether a second object of the name was ``taken`` or ``refused``; empty where it was not tried.
    :param listed: until a list showed it.
    :param readable: until a read by its id found it.
    :param gone: until no list showed it any more after its deletion.
    :param gone_by_id: until no read by its id found it any more.
    """

    second: str = ""
    listed: dict[str, Delay] = attrs.field(factory=dict)
    readable: dict[str, Delay] = attrs.field(factory=dict)
    gone: dict[str, Delay] = attrs.field(factory=dict)
    gone_by_id: dict[str, Delay] = attrs.field(factory=dict)


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
