"""
Settling: the waits until a write has taken effect and is listed, within a settle time that no service promises.

After a lost answer to the creation of an object or a flow run, the request is sent again only if the settle time has
elapsed and the object is not listed.
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

#: Interval between two searches for a created object that is not listed.
SEARCH_INTERVAL_SECONDS = 2.0
#: Minimum time for which a created object that is not listed is searched for.
MIN_SEARCH_SECONDS = 10.0
#: Maximum number of times that one operation sends the same request, if each answer is lost and no request has had an
#: effect.
MAX_REQUESTS = 3


@dataclass
class Settling:
    """
    The waits of one operation.

    :param client: its clock sleeps, and its deadline limits the waits.
    :param what: the object to wait for, such as "dataflow 'orders'".
    :param settle_seconds: time within which a write takes effect and is listed.
    """

    client: Client
    what: str
    settle_seconds: float

    def __post_init__(self) -> None:
        #: When the operation must end because the dataflow that it created starts; never by default.
        self.start_deadline = Deadline(self.client.transport.clock)

    @property
    def seconds_after_sending(self) -> float:
        """The time until a request that is sent now has taken effect and is listed."""
        return self.settle_seconds + TICK_SECONDS if self.settle_seconds else 0.0

    def seconds_after_lost_answer(self, error: RequestError, noun: str, sent: int) -> float:
        """
        Return how many seconds to sleep after a lost answer, until the created object must be listed.

        :param error: the failure of the request; raised again unless its answer was lost.
        :param noun: the kind of object to search for after the sleep, for the log.
        :param sent: how many such requests were sent so far; the back-off doubles with each.
        :raises UnsettledError: see :meth:`require_time`.
        """
        if error.failure is not Failure.AMBIGUOUS or (error.retry_after or 0.0) > MAX_WAIT_SECONDS:
            raise error
        log.warning("%s; searching for the %s before the request is sent again", error, noun)
        back_off = FIRST_WAIT_SECONDS * 2 ** (sent - 1) if error.retry_after is None else error.retry_after
        return self.require_time(max(self.seconds_after_sending, back_off), "to be listed")

    def sleep(self, seconds: float, why: str) -> None:
        """
        Sleep, and log the reason.

        :raises UnsettledError: see :meth:`require_time`.
        """
        if self.require_time(seconds, why):
            log.info("Waiting %.0f s for %s %s", seconds, self.what, why)
            self.client.transport.clock.sleep(seconds)

    def require_time(self, seconds: float, why: str) -> float:
        """
        Return ``seconds``, if the operation has that much time left for a wait.

        :param why: ends the sentence "the object needs 3 s ...".
        :raises UnsettledError: if the remaining time is shorter.
        """
        if seconds and seconds > self.client.transport.remaining:
            limit = f"operation_timeout ({self.client.operation_timeout:g} s)"
            if self.start_deadline.remaining < seconds:
                limit = "the time before it starts"
            raise UnsettledError(
                f"{self.what} needs {seconds:.0f} s {why}, more than the remaining part of {limit}; the next attempt "
                "continues"
            )
        return seconds
