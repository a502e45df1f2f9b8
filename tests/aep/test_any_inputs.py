"""Converters of arguments: all notations of a value are equal, and any value is converted or refused."""

from __future__ import annotations

import contextlib
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import (
    MAX_EPOCH_SECONDS,
    MIN_EPOCH_SECONDS,
    as_bool,
    as_column_names,
    as_constant,
    as_data,
    as_duration,
    as_int,
    as_list,
    as_mapping,
    as_number,
    as_optional_text,
    as_time,
)
from tests.operators.arguments import WILD

READERS: list[Any] = [
    *(as_bool, as_column_names, as_constant, as_data, as_duration, as_int, as_list, as_mapping, as_number),
    *(as_optional_text, as_time),
]
DATES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 59))
DIGITS = ("%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S")


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@given(value=WILD)
def test_any_value_is_converted_or_refused_with_its_field(read: Any, value: object) -> None:
    with contextlib.suppress(InvalidInputError):
        found = read("argument", value)
        assert not isinstance(found, float) or math.isfinite(found)
        return
    with pytest.raises(InvalidInputError, match=r"^argument"):
        read("argument", value)


@given(date=DATES, form=st.sampled_from(DIGITS))
def test_a_date_in_digits_is_not_read_as_epoch_seconds(date: datetime, form: str) -> None:
    digits = date.strftime(form)
    for value in (digits, int(digits)):
        with pytest.raises(InvalidInputError, match="the time must carry a timezone"):
            as_time("window_start", value)


@given(seconds=st.integers(MIN_EPOCH_SECONDS, 1_999_999_999) | st.integers(2_100_000_000, MAX_EPOCH_SECONDS))
def test_a_time_is_equal_in_every_notation(seconds: int) -> None:
    time = datetime.fromtimestamp(seconds, UTC)
    forms = [time, pendulum.instance(time).in_tz("Asia/Kolkata"), time.isoformat(), seconds, str(seconds)]
    assert {as_time("since", form) for form in forms} == {time}


@given(number=st.integers() | st.floats())
def test_a_number_beyond_this_century_is_refused_as_a_time(number: float) -> None:
    try:
        time = as_time("since", number)
    except InvalidInputError:
        return
    assert time is not None
    assert number == 0 or MIN_EPOCH_SECONDS <= time.timestamp() <= MAX_EPOCH_SECONDS


@given(days=st.integers(0, 999), hours=st.integers(0, 999), seconds=st.integers(0, 9999))
def test_a_duration_is_equal_in_every_notation(days: int, hours: int, seconds: int) -> None:
    meant = timedelta(days=days, hours=hours, seconds=seconds)
    text = f"P{days}DT{hours}H{seconds}S"
    total = int(meant.total_seconds())
    forms = [meant, pendulum.duration(days=days, hours=hours, seconds=seconds), text, total, str(total)]
    assert {as_duration("timeout", form) for form in forms} == {total}
    assert pendulum.parse(text) == meant  # as Airflow's own library reads the text


@given(text=st.text("PTYMWDHS0123456789", max_size=9) | st.from_regex(r"P([0-9]Y)?([0-9]M)?([0-9]D)?(T[0-9]H)?"))
def test_iso_8601_durations_equal_those_of_pendulum(text: str) -> None:
    text = text.strip()
    with contextlib.suppress(InvalidInputError, pendulum.parsing.exceptions.ParserError):
        seconds = as_duration("timeout", text)
        if text.startswith("P"):
            assert seconds == pytest.approx(pendulum.parse(text).total_seconds())  # type: ignore[union-attr]
