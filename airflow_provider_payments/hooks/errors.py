"""The one place where errors of the platform become Airflow's: final ones are not retried, the others may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_payments.aep.errors import PlatformError


class ExperiencePlatformFailedError(AirflowFailException):
    """It cannot succeed by being tried again: bad input, a refusal, a difference. The task fails without a retry."""


class ExperiencePlatformUnavailableError(AirflowException):
    """
    It may succeed later; Airflow's retries apply.

    :param retry_after: seconds that the service asked to wait, where it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Raise what the block raises as Airflow's own kind of error."""
    try:
        yield
    except PlatformError as error:
        if error.retryable:
            raise ExperiencePlatformUnavailableError(str(error), getattr(error, "retry_after", None)) from error
        raise ExperiencePlatformFailedError(str(error)) from error
