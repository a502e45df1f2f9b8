"""Schedules of dataflows: refused arguments, request bodies, and comparisons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.schedule import Schedule, read_schedule
from tests.aep.chain import Chain

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EPOCH_NOW = 1772366400
START = NOW + timedelta(hours=1)

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown frequency": (
        {"frequency": "month"},
        "frequency='month'",
        "one of once, minute, hour, day, week",
    ),
    "14 minutes": ({"frequency": "minute", "interval": 14}, "interval=14", "15 or more with frequency 'minute'"),
    "14 minutes as text": ({"frequency": "minute", "interval": "14"}, "interval=14", "15 or more"),
    "no interval": ({"frequency": "minute"}, "interval=None", "15 or more with frequency 'minute'"),
    "0 hours": ({"frequency": "hour", "interval": 0}, "interval=0", "1 or more with frequency 'hour'"),
    "minus one day": ({"frequency": "day", "interval": -1}, "interval=-1", "1 or more with frequency 'day'"),
    "no weeks": ({"frequency": "week", "interval": ""}, "interval=None", "1 or more with frequency 'week'"),
    "half an hour": ({"frequency": "hour", "interval": "0.5"}, "interval='0.5'", "a whole number"),
    "once with interval": ({"interval": 15}, "interval=15", "leave it out with frequency 'once'"),
    "once with backfill": ({"backfill": "false"}, "backfill=False", "leave it out with frequency 'once'"),
    "backfill maybe": (
        {"frequency": "hour", "interval": 1, "backfill": "maybe"},
        "backfill='maybe'",
        "true or false",
    ),
    "naive start": ({"start_time": datetime(2026, 3, 1)}, "start_time='2026-03-01 00:00:00'", "timezone"),
    "naive start as text": ({"start_time": "2026-03-01T00:00"}, "start_time='2026-03-01T00:00'", "timezone"),
    "naive end": ({"end_time": "2026-03-01"}, "end_time='2026-03-01'", "timezone"),
    "no time": ({"start_time": "soon"}, "start_time='soon'", "ISO 8601"),
    "end at start": (
        {"start_time": START, "end_time": START},
        "end_time='2026-03-01T13:00:00+00:00'",
        "after start_time",
    ),
    "negative delay": ({"start_delay": -1}, "start_delay=-1", "0 or more seconds"),
}


@pytest.mark.parametrize(("given", "named", "allowed"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_schedule_is_refused_with_field_value_and_rule(
    given: dict[str, Any], named: str, allowed: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        Schedule(**given)
    assert str(refused.value).startswith(named)
    assert allowed in str(refused.value)


@pytest.mark.parametrize(
    ("frequency", "interval"),
    [("minute", 15), ("hour", 1), ("day", 1), ("week", 1), ("week", 15)],
)
def test_the_minimum_interval_depends_on_the_frequency(frequency: str, interval: int) -> None:
    params = Schedule(frequency=frequency, interval=interval).params(NOW)
    assert params == {"startTime": EPOCH_NOW + 240, "frequency": frequency, "interval": interval}


def test_text_from_templates_is_converted() -> None:
    rendered: dict[str, Any] = {
        "frequency": "minute",
        "interval": "30",
        "start_time": "2026-03-01T14:00:00+01:00",
        "end_time": str(EPOCH_NOW + 7200),
        "backfill": "False",
    }
    schedule = Schedule(**rendered)
    assert schedule.params(NOW) == {
        "startTime": EPOCH_NOW + 3600,
        "endTime": EPOCH_NOW + 7200,
        "frequency": "minute",
        "interval": 30,
        "backfill": False,
    }


@pytest.mark.parametrize(
    "start", [START, pendulum.datetime(2026, 3, 1, 14, tz="Europe/Paris"), EPOCH_NOW + 3600], ids=type
)
def test_a_start_is_sent_in_whole_epoch_seconds(start: Any) -> None:
    start_time = Schedule(start_time=start).params(NOW)["startTime"]
    assert start_time == EPOCH_NOW + 3600
    assert type(start_time) is int


def test_a_start_time_is_rounded_up_to_a_whole_second() -> None:
    assert Schedule(start_time=NOW + timedelta(milliseconds=1)).params(NOW)["startTime"] == EPOCH_NOW + 1


def test_without_a_start_time_the_first_run_follows_the_delay() -> None:
    assert Schedule().params(NOW) == {"startTime": EPOCH_NOW + 240, "frequency": "once"}
    for minute in (60, "60", "PT1M", timedelta(minutes=1)):
        assert Schedule(start_delay=minute).params(NOW)["startTime"] == EPOCH_NOW + 60
    assert Schedule(start_delay=0).params(NOW)["startTime"] == EPOCH_NOW


def test_a_past_start_is_refused_at_the_creation_not_earlier() -> None:
    schedule = Schedule(start_time=NOW)
    assert schedule.params(NOW)["startTime"] == EPOCH_NOW
    with pytest.raises(InvalidInputError) as refused:
        schedule.params(NOW + timedelta(seconds=2))
    for part in ("start_time='2026-03-01T12:00:00+00:00'", "not be in the past", "now 2026-03-01T12:00:02+00:00"):
        assert part in str(refused.value)


def test_an_end_before_the_delayed_start_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="end_time"):
        Schedule(end_time=NOW + timedelta(seconds=100)).params(NOW)


def test_a_dataflow_whose_start_has_passed_is_adopted(chain: Chain) -> None:
    first = chain.ensure(chain.dataflow(schedule=Schedule(frequency="minute", interval=15)))
    past = Schedule(frequency="minute", interval=15, start_time=NOW.replace(year=2019))
    found = chain.ensure(chain.dataflow(schedule=past))
    assert (found.created, found.existing.id) == (False, first.existing.id)


def test_a_past_start_is_refused_before_the_post(chain: Chain, emulator: Any) -> None:
    past = Schedule(frequency="minute", interval=15, start_time=NOW.replace(year=2019))
    with pytest.raises(InvalidInputError, match="start_time='2019-03-01T12:00:00"):
        chain.ensure(chain.dataflow(schedule=past))
    assert emulator.posted("/flows") == []


SAME = {
    "as sent": {"frequency": "minute", "interval": 15, "backfill": True},
    "as text": {"startTime": "1567411548", "frequency": "minute", "interval": "15", "backfill": "true"},
    "backfill by default": {"startTime": 1567411548, "frequency": "minute", "interval": 15},
    "with an end that is not given": {"frequency": "minute", "interval": 15, "endTime": 1567411548},
}


@pytest.mark.parametrize("params", SAME.values(), ids=SAME)
def test_a_schedule_that_the_service_echoes_is_equal(params: dict[str, Any]) -> None:
    assert Schedule(frequency="minute", interval=15, backfill=True).desired.items() <= read_schedule(params).items()


DIFFERENT = {
    "interval": {"frequency": "minute", "interval": "30"},
    "frequency": {"frequency": "hour", "interval": 15},
    "backfill": {"frequency": "minute", "interval": 15, "backfill": "false"},
}


@pytest.mark.parametrize("params", DIFFERENT.values(), ids=DIFFERENT)
def test_another_frequency_interval_or_backfill_differs(params: dict[str, Any]) -> None:
    desired = Schedule(frequency="minute", interval=15, backfill=True).desired
    assert not desired.items() <= read_schedule(params).items()


def test_backfill_and_end_are_compared_only_if_given() -> None:
    assert Schedule(frequency="minute", interval=15).desired == {"frequency": "minute", "interval": 15}
    ending = Schedule(frequency="minute", interval=15, backfill=False, end_time=NOW)
    assert ending.desired == {
        "frequency": "minute",
        "interval": 15,
        "backfill": False,
        "endTime": int(NOW.timestamp()),
    }


def test_once_compares_neither_interval_nor_backfill() -> None:
    assert Schedule().desired.items() <= read_schedule({"startTime": "1567411548", "frequency": "once"}).items()


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        (Schedule(frequency="minute", interval=15), 900),
        (Schedule(frequency="hour", interval=2), 7200),
        (Schedule(frequency="day", interval=1), 86400),
        (Schedule(frequency="week", interval=1), 604800),
    ],
    ids=lambda value: getattr(value, "frequency", None),
)
def test_a_run_is_current_for_one_interval(schedule: Schedule, seconds: int) -> None:
    assert schedule.runs_since(NOW) == NOW - timedelta(seconds=seconds)


def test_with_once_every_run_is_current() -> None:
    assert Schedule().runs_since(NOW) == datetime(1970, 1, 1, tzinfo=UTC)
