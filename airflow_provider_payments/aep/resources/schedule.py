"""
When a dataflow runs.

The rules are those of the schedule schema in the flow spec, not of the prose around it: only ``minute`` has a lower
bound of 15, ``hour``, ``day`` and ``week`` start at 1. Source: Adobe's tutorial "Create a dataflow for payments
sources".
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

#: Frequency -> (least interval, its length in seconds).
PERIODS = {"minute": (15, 60), "hour": (1, 3600), "day": (1, 86400), "week": (1, 604800)}
FREQUENCIES = ("once", *PERIODS)
SCHEDULE_FIELDS = frozenset({"startTime", "endTime", "frequency", "interval", "backfill"})
#: Seconds between a dataflow's creation and its first run, where nothing asks for more.
MIN_START_DELAY_SECONDS = 240
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A hundred years: no delay or interval is longer, no time later, or something was given in milliseconds.
MAX_SECONDS = 100 * 366 * 86400
MAX_TIME = datetime(2200, 1, 1, tzinfo=UTC)


@attrs.frozen(field_transformer=named)
class Schedule:
    """
    A dataflow's schedule. Text is understood where a number, a boolean or a time is meant: templates render to text.

    :param frequency: ``once``, ``minute``, ``hour``, ``day`` or ``week``.
    :param interval: how many of these lie between two runs; not with ``once``.
    :param start_time: the first run, timezone-aware; ``None`` is ``start_delay`` after the dataflow's creation.
    :param end_time: no run after it; sent only where the live flow spec lists it.
    :param backfill: whether the first run reads all history (the service's default) or only what is new; not with
        ``once``.
    :param start_delay: seconds between creation and first run, or what else :func:`.inputs.as_duration` reads; ``None``
        is late enough that a dataflow which lost a race is gone before it ingests.
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
            moment = getattr(self, name)
            if moment and moment >= MAX_TIME:
                raise InvalidInputError(name, moment.isoformat(), f"it must lie before {MAX_TIME:%Y}")
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
        Return ``scheduleParams`` for a dataflow that is created now, times in epoch seconds.

        :param min_delay: seconds before which it should not run; an explicit start is taken as it is.
        :raises InvalidInputError: if the start time has passed.
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
        What a dataflow's schedule must say to count as this one: what somebody wrote of it.

        The start is past by nature, so it does not count.
        """
        fields: dict[str, Any] = {"frequency": self.frequency, "interval": self.interval}
        if self.backfill is not None:
            fields["backfill"] = self.backfill
        if self.end_time is not None:
            fields["endTime"] = int(self.end_time.timestamp())
        return fields

    def runs_since(self, now: datetime) -> datetime:
        """Return the time from which a flow run is current: one interval ago; with ``once`` any run is."""
        if self.frequency == "once" or self.interval is None:
            return EPOCH
        return now - timedelta(seconds=self.interval * PERIODS[self.frequency][1])


def read_schedule(params: Fields | Mapping[str, Any]) -> dict[str, Any]:
    """
    Read a dataflow's ``scheduleParams``, in the words of :attr:`Schedule.desired`.

    They come back as they were sent, numbers or text; an absent ``backfill`` is the service's default.

    :raises UnreadableError: if they cannot be understood.
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
    """Return the seconds between two runs by a dataflow's ``scheduleParams``; ``None`` where they do not say."""
    interval = lenient(as_int, at(params, "interval"))
    _, unit = PERIODS.get(text(at(params, "frequency")) or "", (0, 0))
    return float(interval * unit) if unit and isinstance(interval, int) and 0 < interval * unit <= MAX_SECONDS else None
