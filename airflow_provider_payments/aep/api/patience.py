"""
Patience: repeated reads of answers that cannot be understood, and of objects that cannot be read by their id yet.

Reads by id can lag behind lists; up to 20 seconds were observed for the Schema Registry. So a *listed* object that
answers 404 counts as deleted only if it is older than that. And an item that may match, but cannot be understood,
counts neither as present nor as absent: a later answer may be readable.
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

#: How long reads by id may lag behind lists.
READ_LAG_SECONDS = 30.0
#: How often in a row one operation reads an answer that cannot be understood.
MAX_MISREADINGS = 3
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 2.0, 8.0
#: The beginning of :attr:`.RequestError.reason` for a list that broke off before its last page.
INCOMPLETE = "the list is incomplete"


class ReadLagError(UnreadableError):
    """
    A listed object cannot be read by its id yet.

    :param what: the object, for the message.
    :param until: when the object must be readable, in epoch seconds of the platform's clock.
    """

    def __init__(self, what: str, until: float) -> None:
        super().__init__(what, "it was created recently, and a read by its id does not find it yet")
        self.until = until


@dataclass
class Patience:
    """The waits of one operation between failed reads; each wait is longer than the one before."""

    client: Client
    waits: int = 0
    misread: int = 0

    def wait(self, error: UnreadableError | RequestError) -> None:
        """
        Sleep before the next read, for as long as :meth:`next_wait_seconds` returns.

        :param error: the failure of the last read; raised again if another read is useless.
        """
        self.client.transport.clock.sleep(self.next_wait_seconds(error))

    def next_wait_seconds(self, error: UnreadableError | RequestError) -> float:
        """
        Return how many seconds to sleep before the next read.

        :param error: the failure of the last read; raised again if another read cannot change it, if no read is left,
            or if the operation has no time for the sleep.
        """
        seconds: float = min(FIRST_WAIT_SECONDS * 2 ** min(self.waits, 10), MAX_WAIT_SECONDS)
        transport = self.client.transport
        if isinstance(error, ReadLagError):
            # Several short sleeps: the estimate of the platform's clock may improve in between.
            seconds = min(seconds, error.until - transport.now())
        elif isinstance(error, UnreadableError) or error.reason.startswith(INCOMPLETE):
            self.misread += 1
            if self.misread == MAX_MISREADINGS:
                raise error
        else:
            raise error
        if not 0 < seconds <= transport.remaining:
            raise error
        log.warning("%s; reading again in %.0f s", error, seconds)
        self.waits += 1
        return seconds


def patiently(client: Client, read: Callable[[], Result]) -> Result:
    """
    Return the result of ``read``, which is called again after the waits of :class:`Patience`.

    :raises UnreadableError: if an answer still cannot be understood after several reads.
    :raises RequestError: if a request fails, or if a list stays incomplete.
    """
    patience = Patience(client)
    while True:
        try:
            return read()
        except (UnreadableError, RequestError) as error:
            patience.wait(error)


def check_deleted(reads: Reads, what: str, created: float, settle_seconds: float) -> None:
    """
    Accept a 404 to a listed object as its deletion, unless the object is so recent that a read may not find it yet.

    :param what: the object, for the error.
    :param created: when the object was created, in epoch seconds; 0 if unknown.
    :param settle_seconds: the settle time of its kind.
    :raises ReadLagError: if the object is that recent.
    :raises UnreadableError: if the object's age is unknown.
    """
    if not created:
        raise UnreadableError(what, "it is listed, but a read by its id does not find it, and its age is unknown")
    until = created + max(settle_seconds, READ_LAG_SECONDS)
    if reads.now() < until:
        raise ReadLagError(what, until)
