"""
The errors that a task of this provider can fail with: final errors are not retried, the others are.

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

#: What happens to a flow run when its task ends first.
RUN_CONTINUES = "the run continues in Experience Platform (the API has no cancel), and a retry of the task waits for it"


class ExperiencePlatformFailedError(AirflowFailException):
    """
    Another try cannot succeed: bad input, a refusal, a difference. The task fails without a retry.

    .. seealso:: ``docs/errors.md#errors`` in the manual.
    """


class ExperiencePlatformUnavailableError(AirflowException):
    """
    Another try may succeed; Airflow's retries apply.

    .. seealso:: ``docs/errors.md#errors`` in the manual.

    :param message: what failed.
    :param retry_after: seconds that the service asked to wait. From Airflow 3.3 on the next try waits as long, up to a
        day. Defaults to ``None``: it named none.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FlowRunFailedError(ExperiencePlatformFailedError):
    """
    The flow run failed, was cancelled, lost more records than is accepted, or does not say how many.

    .. seealso:: ``docs/errors.md#errors`` in the manual.
    """


class FlowRunTimeoutError(ExperiencePlatformUnavailableError):
    """
    The flow run has not ended within ``timeout``. It continues; a retry of the task waits for it.

    .. seealso:: ``docs/data-windows.md#timeouts-and-kills`` in the manual.

    :param message: the run and its last known status.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}; {RUN_CONTINUES}")
