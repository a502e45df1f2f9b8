"""What the sensor and the run operators share: they judge a flow run once it has ended."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook

if TYPE_CHECKING:
    from airflow_provider_payments.aep.runs.flow_run import FlowRun
    from airflow_provider_payments.outcomes import RunLog, Tolerance

__all__ = ["JudgesFlowRuns"]

#: Seconds that a poll may take though the timeout has passed: the run may have ended in time.
LAST_POLL_SECONDS = 5.0


class JudgesFlowRuns:
    """
    The hook, the arguments that say how many records may fail, and the run's lines in the task's log.

    :meta private:
    """

    aep_conn_id: str
    accept_partial: bool | str
    max_failed_ratio: float | str | None
    unknown_counts: str
    log: Any

    @cached_property
    def hook(self) -> ExperiencePlatformHook:
        """The hook; reads the connection with its first use."""
        return ExperiencePlatformHook(self.aep_conn_id)

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

    def _judge(self, run: FlowRun, *, counts: bool = True) -> dict[str, Any]:
        """
        Judge an ended run as :meth:`.Tolerance.judge` does; an error names the most frequent codes of failed records.

        :raises FlowRunFailedError: if the run failed, lost more than accepted, or does not say how much.
        """
        return self._tolerance().judge(run, self.log, counts=counts, sample=self._sampled_codes)

    def _sampled_codes(self, run: FlowRun) -> str:
        """Return what samples say of a run's failed records. It makes an error clearer, and never another one."""
        from airflow_provider_payments.aep.runs.row_samples import sampled_codes

        try:
            return sampled_codes(self.hook.client, run)
        except Exception as error:  # the run has been judged, whatever this may be
            self.log.info("There are no samples of the failed records: %s", error)
            return ""
