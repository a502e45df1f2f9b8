"""A client for who asks again and again, in threads beside a triggerer's event loop."""

from __future__ import annotations

import threading

from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.aep.clock import Clock
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.pace import Pace
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook


class _Polling(Pace):
    """
    The pace of requests that nobody wants any more once ``ended`` is set.

    :param ended: see :func:`polling_client`.
    """

    def __init__(self, clock: Clock, ended: threading.Event) -> None:
        super().__init__(clock)
        self._ended = ended

    def __enter__(self) -> None:
        if self._ended.is_set():
            raise _nobody_waits()
        super().__enter__()


def polling_client(conn_id: str, ended: threading.Event) -> Client:
    """
    Return a client that sends each request once, for the next look is the retry, and bows to a 429 in all threads.

    :param conn_id: the Airflow connection, which is read now.
    :param ended: once it is set, nothing is sent any more, and nobody sleeps any longer: that would hold up the end of
        the process.
    """

    def sleep(seconds: float) -> None:
        if ended.wait(seconds):
            raise _nobody_waits()

    client = ExperiencePlatformHook(conn_id).client
    client.transport.attempts = 1
    client.transport.clock = Clock(sleep=sleep)
    client.transport.pace = _Polling(client.transport.clock, ended)
    return client


def _nobody_waits() -> RequestError:
    return RequestError(Failure.NOT_SENT, "GET", "/runs", reason="nobody waits any more")
