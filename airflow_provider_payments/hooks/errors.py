"""The conversion of the client's errors to Airflow exceptions: final errors fail the task, others may be retried."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["airflow_errors"]


@contextmanager
def airflow_errors() -> Iterator[None]:
    """
    Convert an error of the client that the block raises.

    :raises ExperiencePlatformFailedError: if the error is final.
    :raises ExperiencePlatformUnavailableError: if a retry may succeed.
    """
    try:
        yield
    except PlatformError as error:
        if error.retryable:
            raise ExperiencePlatformUnavailableError(str(error), getattr(error, "retry_after", None)) from error
        raise ExperiencePlatformFailedError(str(error)) from error
