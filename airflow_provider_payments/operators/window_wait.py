"""Waiting until a data window is over and its rows have arrived, without a worker."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_duration
from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.versions import reschedule_at

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

    from airflow_provider_payments.aep.runs.data_window import Window

DAY_SECONDS = 24 * 60 * 60.0
#: Difference between this machine's clock and the platform's that is ignored.
CLOCK_SKEW_SECONDS = 1.0
#: Minimum seconds of a deferral: Airflow 3.3 fails a task whose trigger fires before the scheduler has recorded its
#: deferral (apache/airflow#72716).
MIN_DEFERRAL_SECONDS = 5.0


@dataclass(frozen=True)
class WindowWait:
    """
    When a run over a window may be started.

    :param lag: seconds after the window's end in which rows of it may still arrive.
    :param longest: maximum seconds to wait until the run may start.
    """

    lag: float
    longest: float

    @classmethod
    def read(cls, window_lag: timedelta | float | str | None, max_window_wait: timedelta | float | str | None) -> Self:
        """
        Return the wait that an operator's arguments describe.

        :raises InvalidInputError: naming the argument that is wrong.
        """
        lag, longest = as_duration("window_lag", window_lag) or 0.0, as_duration("max_window_wait", max_window_wait)
        return cls(lag, DAY_SECONDS + lag if longest is None else longest)

    def left(self, window: Window, now: float) -> float:
        """
        Return the seconds until a run over a window may be started; 0 where it may.

        :param now: the platform's time, epoch seconds.
        :raises InvalidInputError: if that is longer than ``max_window_wait``.
        """
        left = window.end + self.lag - now
        if left <= CLOCK_SKEW_SECONDS:
            return 0.0
        if left > self.longest + CLOCK_SKEW_SECONDS:
            allowed = f"{window} may be read {self.lag:g} s after its end; that must be within max_window_wait, "
            raise InvalidInputError("window_end", iso(window.end), f"{allowed}{self.longest:g} s, not in {left:.0f} s")
        return left

    def pause(self, operator: BaseOperator, window: Window, now: float, *, deferrable: bool, method_name: str) -> None:
        """
        Return if a run over a window may be started; otherwise defer or reschedule the task until then.

        :param operator: the task.
        :param window: the data window.
        :param now: the platform's time, epoch seconds.
        :param deferrable: whether to defer; otherwise the task is rescheduled.
        :param method_name: the method that resumes after a deferral; a rescheduled task starts anew.
        """
        left = self.left(window, now)
        if not left:
            return
        rows = f", and rows may arrive for {self.lag:g} s more" if self.lag else ""
        operator.log.info("%s is not over%s; waiting until %s", window, rows, iso(math.ceil(now + left)))
        if deferrable:
            from airflow.providers.common.compat.standard.triggers import TimeDeltaTrigger

            trigger = TimeDeltaTrigger(timedelta(seconds=max(left, MIN_DEFERRAL_SECONDS)))
            operator.defer(trigger=trigger, method_name=method_name)
        reschedule_at(datetime.now(UTC) + timedelta(seconds=left))
