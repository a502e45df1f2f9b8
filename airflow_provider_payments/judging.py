"""What the sensor and the run operators share: they judge a flow run once it has ended."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_payments.outcomes import RunLog, Tolerance

__all__ = ["JudgesFlowRuns"]


class JudgesFlowRuns:
    """
    The arguments that say how many records may fail, and the run's lines in the task's log.

    :meta private:
    """

    accept_partial: bool | str
    max_failed_ratio: float | str | None
    unknown_counts: str
    log: Any

    @cached_property
    def run_log(self) -> RunLog:
        """The run's lines in the task's log."""
        from airflow_provider_payments.outcomes import RunLog  # loaded with the task, not when a DAG is parsed

        return RunLog(self.log)

    def _tolerance(self) -> Tolerance:
        """
        Return how many records may fail.

        :raises InvalidInputError: naming the argument that is wrong.
        """
        from airflow_provider_payments.outcomes import Tolerance

        return Tolerance.read(self.accept_partial, self.max_failed_ratio, self.unknown_counts)
