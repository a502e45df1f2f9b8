"""Schedules: the rules for their parameters, and the times at which runs are due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.flow_service.payloads import to_boolean, to_integer
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, missing, wrong

ONCE = "once"
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
_MIN_INTERVALS = {"minute": 15, "hour": 1, "day": 1, "week": 1}
# A larger number is refused: it is most likely a time in milliseconds.
MAX_START_SECONDS = 10**11
_MAX_PERIOD_SECONDS = 10**11
# How far in the past a start time may be: clients send the current time in whole seconds, and requests take time.
START_TOLERANCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule.

    :param start: the start time, in epoch seconds.
    :param period: the seconds between runs; None for a single run.
    :param backfill: whether the first run ingests rows from before the start time.
    """

    start: int
    frequency: str
    period: int | None
    backfill: bool

    def first_due(self, now: float, at_once: bool) -> float:
        """Return the time at which the first run is due.

        :param at_once: whether the run is due a second from now, regardless of the start time.
        """
        return now + 1 if at_once else max(float(self.start), now)

    def next_due(self, after: float) -> float | None:
        """Return the first scheduled time that is later than ``after`` and than the start; None after a single run."""
        if self.period is None:
            return None
        passed = max(int((after - self.start) // self.period), 0)
        return float(self.start + (passed + 1) * self.period)


def parse_schedule(params: Any, now: float | None) -> Schedule:
    """Parse ``scheduleParams``, or refuse them with the code of their error.

    :param now: the current time, to refuse a start time before it (beyond the tolerance); None if the start time was
        accepted before.
    """
    if params is None:
        raise missing("scheduleParams")
    if not isinstance(params, dict):
        raise wrong("scheduleParams", "an object")
    if not params:
        raise FlowRefusal("1317-400", "The schedule parameters are empty.")
    frequency = _frequency(params)
    start = _start(params, now)
    interval, backfill = params.get("interval"), params.get("backfill")
    if frequency == ONCE:
        if interval is not None:
            raise FlowRefusal("1361-400", "An interval is not allowed for a dataflow that runs once.")
        if backfill is not None:
            raise FlowRefusal("1364-400", "Backfill is not allowed for a dataflow that runs once.")
        return Schedule(start, frequency, None, True)
    period = _interval(interval, frequency) * _UNIT_SECONDS[frequency]
    has_backfill = True if backfill is None else to_boolean(backfill)
    if has_backfill is None:
        raise wrong("scheduleParams.backfill", "true or false")
    return Schedule(start, frequency, period, has_backfill)


def _frequency(params: Mapping[str, Any]) -> str:
    frequency = params.get("frequency")
    if frequency is None or frequency == "":
        raise missing("scheduleParams.frequency")
    if not isinstance(frequency, str) or (frequency != ONCE and frequency not in _UNIT_SECONDS):
        allowed = ", ".join((ONCE, *_UNIT_SECONDS))
        raise FlowRefusal("1397-400", f"The frequency '{str(frequency)[:60]}' is none of: {allowed}.")
    return frequency


def _start(params: Mapping[str, Any], now: float | None) -> int:
    given = params.get("startTime")
    if given is None or given == "":
        raise missing("scheduleParams.startTime")
    start = to_integer(given)
    if start is None or not -MAX_START_SECONDS < start < MAX_START_SECONDS:
        raise FlowRefusal("1340-400", f"The start time '{str(given)[:60]}' is not a number of epoch seconds.")
    if now is not None and start < now - START_TOLERANCE_SECONDS:
        raise FlowRefusal("1360-400", f"The start time {start} is in the past: it is {int(now)} now.")
    return start


def _interval(given: Any, frequency: str) -> int:
    if given is None or given == "":
        raise missing("scheduleParams.interval")
    interval = to_integer(given)
    if interval is None:
        raise wrong("scheduleParams.interval", "a whole number")
    least = _MIN_INTERVALS[frequency]
    if interval < least:
        raise FlowRefusal("1362-400", f"The interval {interval} is below the least one for {frequency}, {least}.")
    if interval * _UNIT_SECONDS[frequency] > _MAX_PERIOD_SECONDS:
        detail = (
            f"The interval {interval} is not allowed with the frequency {frequency}: no second run would ever come."
        )
        raise FlowRefusal("1363-400", detail)
    return interval
