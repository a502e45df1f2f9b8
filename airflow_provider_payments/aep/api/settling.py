"""
Settling: what was sent takes effect, and shows, within a time that no service promises.

So after a creation, of an object or of a flow run, whose answer was lost nothing is sent again before that time has
passed and nothing shows.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import Failure, RequestError, UnsettledError
from airflow_provider_payments.aep.http.clock import Deadline
from airflow_provider_payments.aep.http.retries import FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS, TICK_SECONDS

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client

log = logging.getLogger(__name__)

#: Between two searches for what was created and does not show, and the least time to search for it.
SEARCH_INTERVAL_SECONDS, MIN_SEARCH_SECONDS = 2.0, 10.0
#: How often one call asks for the same, where each time the answer is lost and nothing shows.
MAX_REQUESTS = 3


@dataclass
class Settling:
    """
    The waits of one operation.

    :param what: what is to show, such as "dataflow 'orders'".
    :param settle_seconds: within which it does.
    """

    client: Client
    what: str
    settle_seconds: float

    def __post_init__(self) -> None:
        #: When the operation must be over because of what it has made, whatever time it was given.
        self.before_it_begins = Deadline(self.client.transport.clock)

    @property
    def seconds_after_sending(self) -> float:
        """How long what was sent just now may take to show."""
        return self.settle_seconds + TICK_SECONDS if self.settle_seconds else 0.0

    def pause_after_lost_answer(self, error: RequestError, noun: str, sent: int) -> float:
        """
        Return how many seconds to sleep until what was asked for must show, as :meth:`pause` does.

        :param error: how a request to create it failed; any but a lost answer is raised.
        :param noun: what to look for then.
        :param sent: how many such requests there were.
        :raises UnsettledError: as :meth:`pause` does.
        """
        if error.failure is not Failure.AMBIGUOUS or (error.retry_after or 0.0) > MAX_WAIT_SECONDS:
            raise error
        log.warning("%s; looking for the %s before asking again", error, noun)
        pause = FIRST_WAIT_SECONDS * 2 ** (sent - 1) if error.retry_after is None else error.retry_after
        return self.pause(max(self.seconds_after_sending, pause), "to show")

    def sleep(self, seconds: float, why: str) -> None:
        """
        Sleep, and say why.

        :raises UnsettledError: as :meth:`pause` does.
        """
        if self.pause(seconds, why):
            log.info("Waiting %.0f s for %s %s", seconds, self.what, why)
            self.client.transport.clock.sleep(seconds)

    def pause(self, seconds: float, why: str) -> float:
        """
        Return ``seconds`` for a sleep that is allowed.

        :param why: ends the sentence "it needs 3 s ...".
        :raises UnsettledError: if that is longer than what is left.
        """
        if seconds and seconds > self.client.transport.remaining:
            limit = f"operation_timeout ({self.client.operation_timeout:g} s)"
            if self.before_it_begins.remaining < seconds:
                limit = "the time before it begins"
            raise UnsettledError(
                f"{self.what} needs {seconds:.0f} s {why}, longer than is left of {limit}; the next attempt looks again"
            )
        return seconds
