"""Times as Data Prep parses and formats them: accepted forms, format letters, zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.client import Client
from tests.emulator.data_prep.previews import converted, results

MOMENT = {"type": "string", "format": "date-time"}
DAY = {"type": "string", "format": "date"}
FULL_WIDTH_YEAR = "\uff12\uff10\uff11\uff19"
#: The documented forms in their order, each with a text and the time that the text means.
DOCUMENTED_FORMS = {
    "2020-12-31 23:04:05-0800": "2021-01-01T07:04:05Z",
    "2020-12-31 23:04:05.678-0800": "2021-01-01T07:04:05.678Z",
    "2020-12-31 23:04:05.678": "2020-12-31T23:04:05.678Z",
    "2020-12-31T23:04:05.678-08": "2021-01-01T07:04:05.678Z",
    "2020-12-31T23:04:05Z": "2020-12-31T23:04:05Z",
    "2020-12-31": "2020-12-31T00:00:00Z",
    "2020/12/31": "2020-12-31T00:00:00Z",
    "2020.12.31": "2020-12-31T00:00:00Z",
    "2020-Dec-31": "2020-12-31T00:00:00Z",
    "20201231": "2020-12-31T00:00:00Z",
    "12-31-2020": "2020-12-31T00:00:00Z",
    "12112020": "2020-12-11T00:00:00Z",
    "1/31/2020": "2020-01-31T00:00:00Z",
    "31.1.2020": "2020-01-31T00:00:00Z",
    "1/31/2020 11:04:05 PM": "2020-01-31T23:04:05Z",
    "31.1.2020 12:04:05 AM": "2020-01-31T00:04:05Z",
    "31.Jan.2020": "2020-01-31T00:00:00Z",
    "31-Jan-2020": "2020-01-31T00:00:00Z",
}
#: Forms of samples and of ISO 8601.
OTHER_FORMS = {
    "2019-10-23 11:24": "2019-10-23T11:24:00Z",
    "2019-10-17T11:55:12 PST": "2019-10-17T19:55:12Z",
    # Documented: milliseconds are lost before such a zone.
    "2024-05-05 20:39:00.005 PST": "2024-05-06T04:39:00Z",
    "2024-05-05 20:39:00.005-0800": "2024-05-06T04:39:00.005Z",
    "2019-10-23T11:24:00+05:30": "2019-10-23T05:54:00Z",
    "2019-10-23T11:24:00.123456789Z": "2019-10-23T11:24:00.123Z",
    " 2019-10-23 ": "2019-10-23T00:00:00Z",
}
NO_TIMES: tuple[Any, ...] = (
    # Python parses April 2026 in milliseconds as a July of the year 1776.
    *(
        1776070100000,
        "1776070100000",
        1571829875000,
        1571829875,
        20191023,
        17.5,
        True,
        "1571829875000",
        "1571829875",
        "1776",
    ),
    *("2019-W43-3", "2019W433", "2019-296", "12019-10-23", "+12019-10-23", "19-10-23", "2019-1-2", "2019-10-23T11"),
    *(
        FULL_WIDTH_YEAR + "-10-23",
        "2019\u201010\u201023",
        "2019-10-23T11:24:00,5Z",
        "2019-10-23T24:00:00Z",
        "20191023T112400Z",
    ),
    *("2019-13-01", "2019-02-30", "31/12/2020", "2019-10-23 11:24 PM", "1/31/2020 13:04:05 PM", "31-JAN-2020"),
    *("2019-10-23T11:24:00+25:00", "2019-10-23T11:24:00 XYZ", "2019-10-23T11:24:00 pst", "now", "", "2019-10-23x"),
)


def test_only_documented_forms_of_times_are_accepted(client: Client) -> None:
    forms = {**DOCUMENTED_FORMS, **OTHER_FORMS}
    assert dict(zip(forms, converted(client, list(forms), MOMENT), strict=True)) == forms
    results_of_no_times = zip(
        NO_TIMES, converted(client, NO_TIMES, MOMENT), converted(client, NO_TIMES, DAY), strict=True
    )
    assert [entry for entry in results_of_no_times if entry[1:] != (..., ...)] == []


def test_a_day_is_the_day_in_the_zone_of_the_text(client: Client) -> None:
    days = {
        "2020-12-31T23:30:00-08:00": "2020-12-31",
        "2021-01-01 00:30:00+0900": "2021-01-01",
        "12-31-2020": "2020-12-31",
    }
    assert dict(zip(days, converted(client, list(days), DAY), strict=True)) == days


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
OFFSETS = st.integers(-17 * 60, 17 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DIGITS = st.text("0123456789", min_size=1, max_size=14) | st.text("0123456789-/.: TWZ+", max_size=20)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(MOMENTS, OFFSETS), min_size=30, max_size=60))
def test_a_time_is_the_same_in_any_zone(client: Client, written: list[tuple[datetime, timezone]]) -> None:
    texts = [time.astimezone(zone).isoformat(timespec="milliseconds") for time, zone in written]
    found = converted(client, texts, MOMENT)
    assert [datetime.fromisoformat(text) for text in found] == [time for time, _ in written]
    assert all(text.endswith("Z") and ".000" not in text for text in found)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DIGITS, min_size=50, max_size=100))
def test_digits_are_a_time_with_a_four_digit_year_or_refused(client: Client, texts: list[str]) -> None:
    for text, found in zip(texts, converted(client, texts, DAY), strict=True):
        if found is ...:
            continue
        assert date.fromisoformat(found).isoformat() == found
        assert f"{int(found[:4]):04d}" in text, (text, found)


#: Formats, and the text for 2019-10-07, 15:04:05.678 in New York.
WRITTEN = {
    "G GGGG GGGGG": "AD Anno Domini A",
    "y yy yyyy Y YY YYYY": "2019 19 2019 2019 19 2019",
    "M MM MMM MMMM MMMMM": "10 10 Oct October O",
    "L LL LLL LLLL": "10 10 Oct October",
    "w ww W D DDD d dd F u": "41 41 2 280 280 7 07 1 1",
    "E EEE EEEE EEEEE": "Mon Mon Monday M",
    "a H HH k K h hh m mm s ss": "PM 15 15 15 3 3 03 4 04 5 05",
    "S SS SSS SSSSSS": "6 67 678 678000",
    "z Z ZZZZ ZZZZZ": "EDT -0400 GMT-04:00 -04:00",
    "X XX XXX": "-04 -0400 -04:00",
    "V VV O OOOO": "America/New_York America/New_York GMT-4 GMT-04:00",
    "Q QQ QQQ QQQQ q": "4 04 Q4 4th quarter 4",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX": "2019-10-07T15:04:05.678-04:00",
    "'at' h 'o''clock'": "at 3 o'clock",
}
#: Formats and texts that mean 2019-10-07, 19:04:05 UTC, or the day.
READ = (
    ("yyyy-MM-dd HH:mm:ss", "2019-10-07 19:04:05", "2019-10-07T19:04:05Z"),
    ("d/M/yy", "7/10/19", "2019-10-07T00:00:00Z"),
    ("dd MMMM yyyy", "07 October 2019", "2019-10-07T00:00:00Z"),
    ("EEE, d LLL yyyy", "Mon, 7 Oct 2019", "2019-10-07T00:00:00Z"),
    ("EEEE yyyyMMdd", "Monday 20191007", "2019-10-07T00:00:00Z"),
    ("yyyy-DDD", "2019-280", "2019-10-07T00:00:00Z"),
    ("YYYY-'W'ww-u", "2019-W41-1", "2019-10-07T00:00:00Z"),
    ("yyyyMMddHHmmssSSS", "20191007190405678", "2019-10-07T19:04:05.678Z"),
    ("yyyy-MM-dd hh:mm a", "2019-10-07 07:04 PM", "2019-10-07T19:04:00Z"),
    ("yyyy-MM-dd KK:mm a", "2019-10-07 00:04 PM", "2019-10-07T12:04:00Z"),
    ("yyyy-MM-dd kk:mm", "2019-10-07 24:04", "2019-10-07T00:04:00Z"),
    ("G yyyy-MM-dd", "AD 2019-10-07", "2019-10-07T00:00:00Z"),
    *(
        (f"yyyy-MM-dd HH:mm:ss{letters}", f"2019-10-07 {text}", "2019-10-07T19:04:05Z")
        for letters, text in {
            "X": "15:04:05-04",
            "XX": "15:04:05-0400",
            "XXX": "15:04:05-04:00",
            "Z": "15:04:05-0400",
            " z": "15:04:05 EDT",
            " zzz": "20:04:05 BST",
            " VV": "15:04:05 America/New_York",
            " O": "15:04:05 GMT-4",
            " OOOO": "15:04:05 GMT-04:00",
            "ZZZZ": "15:04:05GMT-04:00",
        }.items()
    ),
)
NOT_READ = (
    ("yyyy-MM-dd", "12019-10-07"),
    ("yyyy-MM-dd", f"{FULL_WIDTH_YEAR}-10-07"),
    ("yyyy-MM-dd", "2019-02-30"),
    ("dd-MMM-yyyy", "07-OCT-2019"),
    ("dd-MMM-yyyy", "07-October-2019"),
    ("dd MMMM yyyy", "07 Oct 2019"),
    ("E yyyy-MM-dd", "Tue 2019-10-07"),
    ("u yyyy-MM-dd", "2 2019-10-07"),
    ("yyyy-MM-dd hh:mm a", "2019-10-07 13:04 PM"),
    ("yyyy-MM-dd HH:mm", "2019-10-07 24:04"),
    ("yyyy-MM-dd HH:mmZ", "2019-10-07 15:04-04:00"),
    ("yyyy-MM-dd HH:mmXXX", "2019-10-07 15:04-04"),
    ("yyyy-DDD", "2019-366"),
    ("QQQ yyyy", "Q4 2019"),
    ("yyyy-MM-dd zzzz", "2019-10-07 Pacific Standard Time"),
    ("yyyy-MM-dd n", "2019-10-07 5"),
    ("yyyy yyyy", "2019 2019"),
)


def test_format_letters_format_times_as_java_does(client: Client) -> None:
    row = {"at": "2019-10-07 19:04:05.678+0000"}
    there = 'zone_date_to_zone(date(at), "America/New_York")'
    quoted = [f'format({there}, "{pattern}")' for pattern in WRITTEN]
    assert dict(zip(WRITTEN, results(client, quoted, row), strict=True)) == WRITTEN
    in_utc = 'format(date(at), "z Z X XXX O OOOO VV")'
    assert results(client, [in_utc], row) == ["UTC +0000 Z Z GMT GMT UTC"]


def test_format_letters_parse_times_as_java_does(client: Client) -> None:
    found = results(client, [f'date("{text}", "{pattern}")' for pattern, text, _ in READ])
    for (pattern, text, expected), time in zip(READ, found, strict=True):
        assert time == expected, (pattern, text)


@pytest.mark.parametrize(("pattern", "text"), NOT_READ)
def test_a_text_that_does_not_match_its_format_is_refused(client: Client, pattern: str, text: str) -> None:
    with pytest.raises(AssertionError, match="date cannot take"):
        results(client, [f'date("{text}", "{pattern}")'])


#: Letters of zones, and their offset from UTC, which is the same in summer.
LETTERS = {
    "UTC": "12:00",
    "GMT": "12:00",
    "WET": "12:00",
    "BST": "11:00",
    "CET": "11:00",
    "CEST": "10:00",
    "EET": "10:00",
    "SAST": "10:00",
    "MSK": "09:00",
    "EDT": "16:00",
    "EST": "17:00",
    "CST": "18:00",
    "MST": "19:00",
    "PDT": "19:00",
    "PST": "20:00",
    "AKST": "21:00",
    "HST": "22:00",
    "IST": "06:30",
    "SGT": "04:00",
    "HKT": "04:00",
    "AWST": "04:00",
    "JST": "03:00",
    "KST": "03:00",
    "ACST": "02:30",
    "AEST": "02:00",
    "AEDT": "01:00",
    "NZST": "00:00",
}


def test_zone_letters_that_java_accepts_are_accepted(client: Client) -> None:
    for day in ("2019-01-15", "2019-07-15"):
        expressions = [
            f'format(zone_date_to_utc(date("{day} 12:00 {letters}", "yyyy-MM-dd HH:mm z")), "HH:mm")'
            for letters in LETTERS
        ]
        assert dict(zip(LETTERS, results(client, expressions), strict=True)) == LETTERS
        plain = [f'format(zone_date_to_utc("{day} 12:00 {letters}"), "HH:mm")' for letters in LETTERS]
        assert dict(zip(LETTERS, results(client, plain), strict=True)) == LETTERS


def test_a_zone_may_be_a_region_an_offset_or_letters(client: Client) -> None:
    hours = {
        "Europe/Paris": "14:00",
        "CET": "14:00",  # the region, in which it is summer
        "America/Los_Angeles": "05:00",
        "AEDT": "23:00",
        "JST": "21:00",
        "Z": "12:00",
        "UTC": "12:00",
        "+05:30": "17:30",
        "-0800": "04:00",
        "UTC+1": "13:00",
        "GMT-03:00": "09:00",
    }
    row = {"at": "2019-07-15T12:00:00Z"}
    found = results(client, [f'format(zone_date_to_zone(date(at), "{name}"), "HH:mm")' for name in hours], row)
    assert dict(zip(hours, found, strict=True)) == hours
    for unknown in ("Moon/Base", "../UTC", "+19:00", "+1:75", "pst", "", "America"):
        with pytest.raises(AssertionError, match="zone_date_to_zone"):
            results(client, [f'zone_date_to_zone(date(at), "{unknown}")'], row)


def test_parts_of_times_are_set_and_times_built_from_parts(client: Client) -> None:
    parts = {"year": "2020-10-07T03:04:05Z", "yy": "2020-10-07T03:04:05Z"}
    row = {"at": "2019-10-07T03:04:05Z"}
    assert results(client, [f'set_date_part("{part}", 2020, date(at))' for part in parts], row) == list(parts.values())
    numbered = {"mm": "2019-09-07T03:04:05Z", "d": "2019-10-09T03:04:05Z", "hh": "2019-10-07T09:04:05Z"}
    numbered |= {"mi": "2019-10-07T03:09:05Z", "n": "2019-10-07T03:09:05Z", "ss": "2019-10-07T03:04:09Z"}
    found = results(client, [f'set_date_part("{part}", 9, date(at))' for part in numbered], row)
    assert found == list(numbered.values())
    created = 'make_date_time(2019, 10, 17, 11, 55, 12, 5000000, "+01:00")'
    assert results(client, [created]) == ["2019-10-17T10:55:12.005Z"]
    for wrong in (
        'set_date_part("quarter", 1, now())',
        'set_date_part("m", 13, now())',
        'make_date_time(2019, 2, 30, 0, 0, 0, 0, "UTC")',
        'make_date_time(2019, 2, 1, 0, 0, 0, 1000000000, "UTC")',
    ):
        with pytest.raises(AssertionError, match=wrong.partition("(")[0]):
            results(client, [wrong])
