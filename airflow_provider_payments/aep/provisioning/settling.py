"""
Settling: the waits of one operation until what was sent shows, by the platform's time.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import UnsettledError
from airflow_provider_payments.aep.http.clock import Deadline
from airflow_provider_payments.aep.http.retries import TICK
from airflow_provider_payments.aep.provisioning.giving_up import GIVE_UP_SECONDS
from airflow_provider_payments.aep.resources.base import Resource

log = logging.getLogger(__name__)


@dataclass
class Waits:
    """The waits of one operation."""

    client: Client
    want: Resource
    #: When a creation may last have been sent of which no list tells yet, by the clock's ``monotonic``.
    sent_at: float = -math.inf

    def __post_init__(self) -> None:
        #: When a dataflow that this call made must have settled, or is given up: then it never ingests before.
        self.before_it_begins = Deadline(self.client.transport.clock)

    @property
    def now(self) -> float:
        """The platform's time, in epoch seconds."""
        return self.client.transport.now()

    @property
    def last_sent(self) -> float:
        """The platform's time when a creation may last have been sent, a tick later; own time passes evenly."""
        return self.client.transport.now(self.sent_at) + TICK

    @property
    def settle_time(self) -> float:
        """Seconds that the kind takes to settle."""
        return self.want.settle_time(self.client)

    def note_sent(self) -> None:
        """A creation may have been sent just now."""
        self.sent_at = self.client.transport.clock.monotonic()

    def hurry(self, begins: float) -> None:
        """
        End the operation early enough to give up what begins to ingest then.

        :param begins: in epoch seconds of the platform's clock. One that is too early was warned of.
        """
        left = begins - GIVE_UP_SECONDS - self.now
        if self.settle_time + TICK < left < math.inf:
            self.before_it_begins = self.before_it_begins.within(left)

    def settling(self, moment: float) -> bool:
        """Sleep until what was sent at ``moment`` shows; say whether there was anything to wait for."""
        rest = moment + self.settle_time - self.now
        if not self.settle_time or rest <= 0:
            return False
        self.sleep(min(rest, self.settle_time + TICK), "to settle")
        return True

    def sleep(self, seconds: float, why: str) -> None:
        """
        Sleep, and say why.

        :raises UnsettledError: if that is longer than what is left.
        """
        if seconds > self.client.transport.remaining:
            limit = f"operation_timeout ({self.client.operation_timeout:g} s)"
            if self.before_it_begins.remaining < seconds:
                limit = "the time before it begins"
            raise UnsettledError(
                f"{self.want.kind} {self.want.name!r} needs {seconds:.0f} s {why}, longer than is left of {limit}; "
                "the next attempt looks again"
            )
        log.info("Waiting %.0f s for %s %r %s", seconds, self.want.kind, self.want.name, why)
        self.client.transport.clock.sleep(seconds)
