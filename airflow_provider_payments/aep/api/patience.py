"""
Patience: what cannot be understood, or cannot be read yet, is read again before anything is decided on it.

Reads by id can lag behind lists: of the Schema Registry up to 20 seconds were seen. What is *listed* and answers 404 is
not gone before it is older than that. And an item that might be the one, but cannot be understood, is neither there nor
absent: a later read may be understood.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_payments.aep.errors import RequestError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client, Reads

log = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Seconds for which reads by id may lag behind lists.
READ_LAG_SECONDS = 30.0
#: How often in a row one operation reads what cannot be understood.
MAX_MISREADINGS = 3
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 2.0, 8.0
#: How the reason of a list begins that did not come to its own end.
INCOMPLETE = "the list is incomplete"


class ReadLagError(UnreadableError):
    """
    What is listed cannot be read by its id yet.

    :param until: when that is no excuse any more, in epoch seconds of the platform's clock.
    """

    def __init__(self, what: str, until: float) -> None:
        super().__init__(what, "it was made a moment ago, and a read by its id does not find it yet")
        self.until = until


@dataclass
class Patience:
    """The waits of one operation between reads that failed, longer each time."""

    client: Client
    waits: int = 0
    misread: int = 0

    def wait(self, error: UnreadableError | RequestError) -> None:
        """
        Sleep before the next read, as :meth:`pause` has it.

        :param error: any failure.
        """
        self.client.transport.clock.sleep(self.pause(error))

    def pause(self, error: UnreadableError | RequestError) -> float:
        """
        Return how many seconds to sleep before the next read.

        It raises ``error`` where no read, or none in the operation's time, is left.

        :param error: any failure; those that no read can change are raised at once.
        """
        seconds: float = min(FIRST_WAIT_SECONDS * 2 ** min(self.waits, 10), MAX_WAIT_SECONDS)
        transport = self.client.transport
        if isinstance(error, ReadLagError):
            # Not all at once, however young it is: the platform's clock may be understood better meanwhile.
            seconds = min(seconds, error.until - transport.now())
        elif isinstance(error, UnreadableError) or error.reason.startswith(INCOMPLETE):
            self.misread += 1
            if self.misread == MAX_MISREADINGS:
                raise error
        else:
            raise error
        if not 0 < seconds <= transport.remaining:
            raise error
        log.warning("%s; looking again in %.0f s", error, seconds)
        self.waits += 1
        return seconds


def patiently(client: Client, ask: Callable[[], Result]) -> Result:
    """
    Return what ``ask`` returns, asked again as :class:`Patience` has it.

    :raises UnreadableError: if it cannot be understood in the end.
    :raises RequestError: if a request fails, or a list stays incomplete.
    """
    patience = Patience(client)
    while True:
        try:
            return ask()
        except (UnreadableError, RequestError) as error:
            patience.wait(error)


def check_gone(reads: Reads, what: str, created: float, settle_time: float) -> None:
    """
    Take the word of the service that something listed is gone: unless it is so young that a read may not find it yet.

    :param created: in epoch seconds, 0 where unknown.
    :param settle_time: of its kind, in seconds.
    :raises ReadLagError: if it is that young.
    :raises UnreadableError: if its age cannot be read.
    """
    if not created:
        raise UnreadableError(
            what, "it is listed, a read by its id does not find it, and it does not say how old it is"
        )
    until = created + max(settle_time, READ_LAG_SECONDS)
    if reads.now() < until:
        raise ReadLagError(what, until)
