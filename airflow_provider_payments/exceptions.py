"""
The errors with which a task of this provider can fail: final errors are not retried, the others are.

``ExperiencePlatformFailedError`` and its subclasses are Airflow's ``AirflowFailException``: the task fails at once.
``ExperiencePlatformUnavailableError`` and its subclasses are ``AirflowException``: Airflow's retries apply.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

__all__ = [
    "ExperiencePlatformFailedError",
    "ExperiencePlatformUnavailableError",
    "FlowRunFailedError",
    "FlowRunTimeoutError",
]

#: The end of an error, if a task ends before its flow run.
RUN_CONTINUES = "the run continues in Experience Platform (the API has no cancel), and a retry of the task waits for it"


class ExperiencePlatformFailedError(AirflowFailException):
    """
    A retry cannot succeed: bad input, a refusal, a difference. The task fails without a retry.

    .. seealso:: ``docs/errors.md#errors`` in the manual.
    """


class ExperiencePlatformUnavailableError(AirflowException):
    """
    A retry may succeed; Airflow's retries apply.

    .. seealso:: ``docs/errors.md#errors`` in the manual.

    :param message: the error's message.
    :param retry_after: seconds that the service asked to wait. From Airflow 3.3 on, the next try is delayed by this
        time, up to a day. Defaults to ``None``: the service named no time.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FlowRunFailedError(ExperiencePlatformFailedError):
    """
    The flow run failed, was cancelled, lost more records than the task accepts, or does not report its record counts.

    .. seealso:: ``docs/errors.md#errors`` in the manual.
    """


class FlowRunTimeoutError(ExperiencePlatformUnavailableError):
    """
    The flow run has not ended within ``timeout``. It continues; a retry of the task waits for it.

    .. seealso:: ``docs/data-windows.md#timeouts-and-kills`` in the manual.

    :param message: the run and its last known status; the error adds that the run continues.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}; {RUN_CONTINUES}")
