"""
Schedules of dataflows.

The rules are those of the schedule schema in the flow spec, which differ from Adobe's text: only the interval of
``minute`` has the lower bound 15; those of ``hour``, ``day`` and ``week`` begin at 1. Source: Adobe's tutorial "Create
a dataflow for payments sources".
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_bool, as_int, lenient
from airflow_provider_payments.aep.readers import at, text
from airflow_provider_payments.aep.resources.converters import named, to_bool, to_int, to_seconds, to_time

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Frequency -> (minimum interval, seconds of one unit).
PERIODS = {"minute": (15, 60), "hour": (1, 3600), "day": (1, 86400), "week": (1, 604800)}
FREQUENCIES = ("once", *PERIODS)
SCHEDULE_FIELDS = frozenset({"startTime", "endTime", "frequency", "interval", "backfill"})
#: Minimum seconds between a dataflow's creation and its first run, if the user sets neither start time nor delay.
MIN_START_DELAY_SECONDS = 240
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A hundred years, the maximum delay and interval. Longer ones, and later times, were probably given in milliseconds.
MAX_SECONDS = 100 * 366 * 86400
MAX_TIME = datetime(2200, 1, 1, tzinfo=UTC)


@attrs.frozen(field_transformer=named)
class Schedule:
    """
    A dataflow's schedule. Numbers, booleans and times may be given as text, because templates render to text.

    :param frequency: ``once``, ``minute``, ``hour``, ``day`` or ``week``. Defaults to ``once``.
    :param interval: number of such units between two runs; required with any frequency but ``once``, and refused with
        it. Defaults to ``None``.
    :param start_time: time of the first run, timezone-aware. Defaults to ``None``: ``start_delay`` after the
        dataflow's creation.
    :param end_time: time after which no run begins; allowed only if the live flow spec lists it. Defaults to ``None``:
        no end.
    :param backfill: whether the first run reads all history or only new rows; refused with ``once``. Defaults to
        ``None``: not sent, which means true.
    :param start_delay: time between creation and first run, in seconds or another form that
        :func:`.inputs.as_duration` accepts. Defaults to ``None``: long enough that a duplicate is deleted before it
        ingests.
    """

    frequency: str = "once"
    interval: int | None = attrs.field(default=None, converter=to_int)
    start_time: datetime | None = attrs.field(default=None, converter=to_time)
    end_time: datetime | None = attrs.field(default=None, converter=to_time)
    backfill: bool | None = attrs.field(default=None, converter=to_bool)
    start_delay: float | None = attrs.field(default=None, converter=to_seconds)

    def __attrs_post_init__(self) -> None:
        if self.frequency not in FREQUENCIES:
            raise InvalidInputError("frequency", self.frequency, f"one of {', '.join(FREQUENCIES)}")
        if self.start_delay is not None and self.start_delay > MAX_SECONDS:
            raise InvalidInputError("start_delay", self.start_delay, "it must be at most 100 years")
        for name in ("start_time", "end_time"):
            time = getattr(self, name)
            if time and time >= MAX_TIME:
                raise InvalidInputError(name, time.isoformat(), f"it must be before {MAX_TIME:%Y}")
        if self.start_time and self.end_time and self.end_time <= self.start_time:
            raise InvalidInputError("end_time", self.end_time.isoformat(), "it must be after start_time")
        self._check_interval()

    def _check_interval(self) -> None:
        if self.frequency == "once":
            for name in ("interval", "backfill"):
                if getattr(self, name) is not None:
                    raise InvalidInputError(name, getattr(self, name), "leave it out with frequency 'once'")
            return
        least = PERIODS[self.frequency][0]
        if self.interval is None or self.interval < least:
            raise InvalidInputError("interval", self.interval, f"{least} or more with frequency {self.frequency!r}")
        if self.interval * PERIODS[self.frequency][1] > MAX_SECONDS:
            raise InvalidInputError("interval", self.interval, "no second run would come within 100 years")

    def params(self, now: datetime, min_delay: float = 0.0) -> dict[str, Any]:
        """
        Return the ``scheduleParams`` of a dataflow that is created now, with times in epoch seconds.

        :param now: the current time of the platform.
        :param min_delay: minimum seconds until the first run; applies if the user set neither start time nor delay.
        :raises InvalidInputError: if the start time has passed, or the end time is not after the start.
        """
        delay = max(MIN_START_DELAY_SECONDS, min_delay) if self.start_delay is None else self.start_delay
        start = self.start_time or now + timedelta(seconds=delay)
        if start < now.replace(microsecond=0):
            raise InvalidInputError(
                "start_time", start.isoformat(), f"it must not be in the past (now {now.isoformat()})"
            )
        if self.end_time and self.end_time <= start:
            raise InvalidInputError(
                "end_time", self.end_time.isoformat(), f"it must be after the start, {start.isoformat()}"
            )
        params: dict[str, Any] = {"startTime": math.ceil(start.timestamp()), "frequency": self.frequency}
        if self.end_time is not None:
            params["endTime"] = int(self.end_time.timestamp())
        repeated = {"interval": self.interval, "backfill": self.backfill}
        return params | {name: value for name, value in repeated.items() if value is not None}

    @property
    def desired(self) -> dict[str, Any]:
        """
        The members of ``scheduleParams`` that are compared: those that the user set.

        The start time is not compared, because that of an existing dataflow has usually passed.
        """
        fields: dict[str, Any] = {"frequency": self.frequency, "interval": self.interval}
        if self.backfill is not None:
            fields["backfill"] = self.backfill
        if self.end_time is not None:
            fields["endTime"] = int(self.end_time.timestamp())
        return fields

    def runs_since(self, now: datetime) -> datetime:
        """Return the time from which a flow run is current: one interval ago; with ``once`` every run is current."""
        if self.frequency == "once" or self.interval is None:
            return EPOCH
        return now - timedelta(seconds=self.interval * PERIODS[self.frequency][1])


def read_schedule(params: Fields | Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a dataflow's ``scheduleParams``, normalised for a comparison with :attr:`Schedule.desired`.

    The service returns the members as they were sent, as numbers or text; an absent ``backfill`` means true.

    :raises UnreadableError: if a member cannot be understood.
    """
    given = params if isinstance(params, Fields) else Fields.of("the schedule of a dataflow", params)
    frequency = given.text("frequency")
    return {
        "frequency": frequency,
        "interval": given.parsed(as_int, "interval"),
        "backfill": given.parsed(as_bool, "backfill") is not False,
        "endTime": given.parsed(as_int, "endTime"),
    }


def period_seconds(params: object) -> float | None:
    """Return the seconds between two runs according to a dataflow's ``scheduleParams``, ``None`` if unknown."""
    interval = lenient(as_int, at(params, "interval"))
    _, unit = PERIODS.get(text(at(params, "frequency")) or "", (0, 0))
    return float(interval * unit) if unit and isinstance(interval, int) and 0 < interval * unit <= MAX_SECONDS else None
