"""The wait, without a worker, until a data window has ended and its rows have arrived."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_duration
from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.triggers.flow_run import MIN_DEFERRAL_SECONDS
from airflow_provider_payments.versions import reschedule_at

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

    from airflow_provider_payments.aep.runs.data_window import Window

DAY_SECONDS = 24 * 60 * 60.0
#: Seconds by which this machine's clock and the platform's may differ without effect.
CLOCK_SKEW_SECONDS = 1.0


@dataclass(frozen=True)
class WindowWait:
    """
    The rule for when a run over a data window may be started.

    :param lag_seconds: seconds after the window's end in which its rows may still arrive.
    :param max_seconds: maximum seconds to wait until the run may start.
    """

    lag_seconds: float
    max_seconds: float

    @classmethod
    def read(cls, window_lag: timedelta | float | str | None, max_window_wait: timedelta | float | str | None) -> Self:
        """
        Return the wait that an operator's arguments describe.

        :raises InvalidInputError: if an argument is wrong.
        """
        lag, longest = as_duration("window_lag", window_lag) or 0.0, as_duration("max_window_wait", max_window_wait)
        return cls(lag, DAY_SECONDS + lag if longest is None else longest)

    def seconds_left(self, window: Window, now: float) -> float:
        """
        Return the seconds until a run over a window may be started, 0 if it may be started now.

        :param now: the platform's time, in epoch seconds.
        :raises InvalidInputError: if the wait is longer than ``max_window_wait``.
        """
        left = window.end + self.lag_seconds - now
        if left <= CLOCK_SKEW_SECONDS:
            return 0.0
        if left > self.max_seconds + CLOCK_SKEW_SECONDS:
            allowed = f"{window} may be read in {left:.0f} s; max_window_wait allows {self.max_seconds:g} s"
            raise InvalidInputError("window_end", iso(window.end), allowed)
        return left

    def pause(self, operator: BaseOperator, window: Window, now: float, *, deferrable: bool, method_name: str) -> None:
        """
        Return if a run over a window may be started; otherwise defer or reschedule the task until then.

        :param operator: the task.
        :param window: the data window.
        :param now: the platform's time, in epoch seconds.
        :param deferrable: whether to defer the task; otherwise it is rescheduled.
        :param method_name: the method that resumes the task after a deferral; a rescheduled task starts anew.
        """
        left = self.seconds_left(window, now)
        if not left:
            return
        ended = "has not ended" if now < window.end else "has ended"
        rows = f", and its rows may arrive for {self.lag_seconds:g} s after its end" if self.lag_seconds else ""
        operator.log.info("%s %s%s; waiting until %s", window, ended, rows, iso(math.ceil(now + left)))
        if deferrable:
            from airflow.providers.common.compat.standard.triggers import TimeDeltaTrigger

            trigger = TimeDeltaTrigger(timedelta(seconds=max(left, MIN_DEFERRAL_SECONDS)))
            operator.defer(trigger=trigger, method_name=method_name)
        reschedule_at(datetime.now(UTC) + timedelta(seconds=left))
