"""
What a task of this provider can fail with: final errors are not retried, the others are.

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

#: What becomes of a flow run when its task ends first.
RUN_CONTINUES = "the run continues in Experience Platform (the API has no cancel), and a retry of the task waits for it"


class ExperiencePlatformFailedError(AirflowFailException):
    """Another try cannot succeed: bad input, a refusal, a difference. The task fails without a retry."""


class ExperiencePlatformUnavailableError(AirflowException):
    """
    Another try may succeed; Airflow's retries apply.

    :param message: what failed.
    :param retry_after: seconds that the service asked to wait; ``None`` (default) where it named none.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FlowRunFailedError(ExperiencePlatformFailedError):
    """The flow run failed, was cancelled, lost more records than is tolerated, or does not say how many."""


class FlowRunTimeoutError(ExperiencePlatformUnavailableError):
    """
    The flow run has not ended within ``timeout``. It continues; a retry of the task waits for it.

    :param message: which run it is, and how long the task waited.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}; {RUN_CONTINUES}")
