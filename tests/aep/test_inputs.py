"""Converters of arguments, with values as of templates and users."""

from __future__ import annotations

from collections import UserList
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import (
    MAX_ID,
    add_extra,
    as_bool,
    as_column_names,
    as_constant,
    as_data,
    as_duration,
    as_id,
    as_int,
    as_list,
    as_mapping,
    as_name,
    as_number,
    as_text,
    as_texts,
    as_time,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ABSENT = [None, "", "  ", "None"]


def refusal(read: Any, value: object) -> InvalidInputError:
    """Return the error of a value that must be refused; its message must begin with the field's name."""
    with pytest.raises(InvalidInputError) as refused:
        read("field_name", value)
    assert str(refused.value).startswith("field_name=")
    return refused.value


@pytest.mark.parametrize("name", ["a", "PayPal catalog products - source", "naïve façade", "支付", "x" * 100])
def test_a_name_that_every_filter_can_find_is_accepted(name: str) -> None:
    assert as_name("name", name) == name


@pytest.mark.parametrize("character", ",!*~=<>&+%\"'")
def test_a_name_with_a_filter_character_is_refused(character: str) -> None:
    error = refusal(as_name, f"pay{character}ments")
    assert repr(f"pay{character}ments") in str(error)
    assert f" {character}" in error.allowed


LOST_NAMES: dict[str, object] = {
    "empty": "",
    "blank first": " a",
    "blank last": "a ",
    "too long": "x" * 101,
    "tab": "tab\there",
    "zero width": "zero\u200bwidth",
    "surrogate": "lone\ud800",
    "None": None,
    "truth": True,
    "number": 2026,
    "list": ["a"],
}


@pytest.mark.parametrize("name", LOST_NAMES.values(), ids=LOST_NAMES)
def test_a_name_that_could_not_be_found_again_is_refused(name: object) -> None:
    assert refusal(as_name, name).allowed.startswith("1 to 100 characters, no blanks at the ends")


@pytest.mark.parametrize(
    "value", [None, "None", "", "a b", "a/../b", "é", "x" * (MAX_ID + 1)], ids=lambda v: str(v)[:9]
)
def test_an_invalid_id_is_refused(value: object) -> None:
    assert as_id("run_id", "x" * MAX_ID) == "x" * MAX_ID
    assert "as an id" in str(refusal(as_id, value)) or "between slashes" in str(refusal(as_id, value))


def test_a_name_in_another_unicode_form_is_refused() -> None:
    assert "normal form C" in refusal(as_name, "e\u0301tude").allowed


@pytest.mark.parametrize("value", [None, "", "  ", "None", 5], ids=repr)
def test_text_rendered_from_an_absent_value_is_refused(value: object) -> None:
    assert "must be given" in refusal(as_text, value).allowed


@pytest.mark.parametrize("text", ["None", "null", "nan", "0x1F", " x "])
def test_the_text_none_is_accepted_as_data(text: str) -> None:
    assert as_data("mappings.source", text) == as_constant("mappings.source", text) == text
    assert as_column_names("source_columns", ["Gross", {"name": text}]) == ("Gross", text)


def test_only_a_constant_may_be_empty() -> None:
    assert as_constant("mappings.source", "") == ""
    assert "must be given" in refusal(as_data, " ").allowed
    assert "as text" in refusal(as_constant, None).allowed


@pytest.mark.parametrize("read", [as_int, as_number, as_bool, as_time, as_list, as_duration])
@pytest.mark.parametrize("value", ABSENT, ids=repr)
def test_an_absent_value_is_none(read: Any, value: object) -> None:
    assert read("field_name", value) is None


@pytest.mark.parametrize(("value", "number"), [(15, 15), ("15", 15), (" +15 ", 15), ("-3", -3), (15.0, 15), (0, 0)])
def test_a_whole_number_is_accepted_in_each_form(value: object, number: int) -> None:
    result = as_int("interval", value)
    assert result == number
    assert type(result) is int


@pytest.mark.parametrize(
    "value", [True, "15.0", 1.5, "1e3", "\u0661\u0665", "9" * 19, float("nan"), float("inf"), [1]], ids=repr
)
def test_a_value_that_is_not_a_whole_number_is_refused(value: object) -> None:
    error = refusal(as_int, value)
    assert repr(value) in str(error)
    assert error.allowed == "it must be a whole number"


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), ("2.5", 2.5), (5.0, 5), (-1, -1)])
def test_a_number_is_accepted_in_each_form(value: object, number: float) -> None:
    assert as_number("percent", value) == number


@pytest.mark.parametrize(
    "value", [True, "five", "nan", "inf", "1_000", "\u0663", float("nan"), 10**400, [1]], ids=lambda v: repr(v)[:9]
)
def test_a_value_that_is_not_a_finite_number_is_refused(value: object) -> None:
    assert refusal(as_number, value).allowed == "it must be a number"


@pytest.mark.parametrize(("value", "truth"), [(True, True), ("True", True), (" false ", False), (False, False)])
def test_a_boolean_is_accepted_in_each_form(value: object, truth: bool) -> None:
    assert as_bool("backfill", value) is truth


@pytest.mark.parametrize("value", [1, 0, "yes", "1", []], ids=repr)
def test_a_value_that_only_resembles_a_boolean_is_refused(value: object) -> None:
    assert refusal(as_bool, value).allowed == "it must be true or false"


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        datetime(2026, 3, 1, 7, tzinfo=timezone(timedelta(hours=-5))),
        pendulum.datetime(2026, 3, 1, 13, tz="Europe/Berlin"),
        "2026-03-01T12:00:00Z",
        "2026-03-01 13:00:00+01:00",
        int(NOON.timestamp()),
        NOON.timestamp(),
        str(int(NOON.timestamp())),
        f" {NOON.timestamp()} ",
    ],
    ids=["UTC", "offset", "pendulum", "ISO Z", "ISO offset", "epoch", "epoch float", "epoch text", "epoch float text"],
)
def test_a_time_is_converted_to_utc_from_each_form(value: object) -> None:
    moment = as_time("start_time", value)
    assert moment == NOON
    assert type(moment) is datetime
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 3, 1), pendulum.naive(2026, 3, 1), "2026-03-01T12:00:00", "2026-03-01"],
    ids=["datetime", "pendulum", "ISO", "day"],
)
def test_a_time_without_a_timezone_is_refused(value: object) -> None:
    error = refusal(as_time, value)
    assert "timezone" in error.allowed
    assert "2026-03-01" in str(error)


@pytest.mark.parametrize("value", ["tomorrow", True, [1], date(2026, 3, 1), 10**20, "-5", float("nan")], ids=repr)
def test_a_value_that_is_not_a_time_is_refused(value: object) -> None:
    assert "datetime, ISO 8601 text or epoch seconds" in refusal(as_time, value).allowed


@pytest.mark.parametrize("value", [1790000000000, "1790000000000", 1790000000000.0], ids=repr)
def test_milliseconds_are_refused_with_a_hint(value: object) -> None:
    assert refusal(as_time, value).allowed.endswith("Are these milliseconds?")


@pytest.mark.parametrize(
    ("digits", "meant"),
    [
        ("20260120", "2026-01-20T00:00:00+00:00"),
        ("2026012010", "2026-01-20T10:00:00+00:00"),
        ("202601201030", "2026-01-20T10:30:00+00:00"),
        ("20260120103055", "2026-01-20T10:30:55+00:00"),
        ("20000101", "2000-01-01T00:00:00+00:00"),
        ("2099123123", "2099-12-31T23:00:00+00:00"),
    ],
)
def test_a_date_in_digits_is_refused_as_lacking_a_timezone(digits: str, meant: str) -> None:
    for value in (digits, f" {digits} ", int(digits), float(digits)):
        assert refusal(as_time, value).allowed == f"the time must carry a timezone, for example {meant}"


@pytest.mark.parametrize("value", [0, "0", 0.0, "0.0"], ids=repr)
def test_epoch_zero_is_accepted(value: object) -> None:
    assert as_time("since", value) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [1_000_000_000, 2026013099, 4_102_444_800], ids=str)
def test_epoch_seconds_of_this_century_are_accepted(value: int) -> None:
    for given in (value, str(value), float(value)):
        assert as_time("since", given) == datetime.fromtimestamp(value, UTC)


@pytest.mark.parametrize("value", [1, -1, 999_999_999, 4_102_444_801, 20261345, 202613450000], ids=str)
def test_other_numbers_are_refused_as_a_time(value: int) -> None:
    assert "epoch seconds from 1,000,000,000 to 4,102,444,800, or 0" in refusal(as_time, value).allowed


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (7200, 7200),
        ("7200", 7200),
        (" 0.5 ", 0.5),
        (0, 0),
        ("PT2H", 7200),
        ("P1DT12H", 129600),
        ("PT1.5H", 5400),
        ("PT0,5S", 0.5),
        ("P1W", 604800),
        ("PT5M30S", 330),
        (timedelta(hours=2), 7200),
        (pendulum.duration(hours=2), 7200),
        (pendulum.datetime(2026, 3, 1) - pendulum.datetime(2026, 1, 1), 59 * 86400),
    ],
    ids=str,
)
def test_a_duration_is_accepted_in_each_form(value: object, seconds: float) -> None:
    assert as_duration("timeout", value) == seconds


NO_DURATIONS = ["P1M", "P1Y", "P", "PT", "PT5", "P1H", "2:00:00", "an hour", "nan", "inf", True, [1], 10**400, "P1DT"]


@pytest.mark.parametrize(
    "value", [*NO_DURATIONS, float("nan"), float("inf"), pendulum.duration(months=1)], ids=lambda v: repr(v)[:20]
)
def test_a_duration_without_a_fixed_length_is_refused(value: object) -> None:
    assert "without years and months such as PT2H" in refusal(as_duration, value).allowed


@pytest.mark.parametrize("value", [-1, "-1", -0.5, timedelta(seconds=-1)], ids=repr)
def test_a_negative_duration_is_refused(value: object) -> None:
    assert refusal(as_duration, value).allowed == "it must be 0 or more seconds"


def test_json_null_counts_as_absent() -> None:
    assert as_mapping("tags", "null") == {}
    assert as_list("columns", " null ") is None


def test_objects_and_lists_are_accepted_as_json_text() -> None:
    assert as_mapping("tags", '{"a": ["b"]}') == {"a": ["b"]}
    assert as_mapping("tags", None) == as_mapping("tags", "") == {}
    assert as_list("columns", '["a", "b"]') == as_list("columns", ("a", "b")) == ["a", "b"]
    assert as_list("columns", UserList(["a", "b"])) == ["a", "b"]  # as what mapped tasks return, which loads late


@pytest.mark.parametrize(
    ("read", "value", "allowed"),
    [
        (as_mapping, "{'a': 1}", "JSON"),
        (as_mapping, "[1]", "object"),
        (as_mapping, {1: "a"}, "object with text as keys"),
        (as_list, "a, b", "JSON"),
        (as_list, '{"a": 1}', "list"),
        (as_list, 5, "list"),
        (as_list, b"ab", "list"),
        (as_list, '"ab"', "list"),
    ],
)
def test_a_value_that_is_not_an_object_or_list_is_refused(read: Any, value: object, allowed: str) -> None:
    assert allowed in refusal(read, value).allowed


def test_extra_fields_are_merged_without_changing_the_arguments() -> None:
    payload, extra = {"data": {"format": "json"}, "name": "n"}, {"data": {"properties": {"a": 1}}, "labels": ["C1"]}
    merged = add_extra(payload, extra)
    assert merged == {"data": {"format": "json", "properties": {"a": 1}}, "name": "n", "labels": ["C1"]}
    assert payload == {"data": {"format": "json"}, "name": "n"}
    assert extra == {"data": {"properties": {"a": 1}}, "labels": ["C1"]}


def test_an_equal_extra_field_is_accepted() -> None:
    assert add_extra({"name": "n"}, {"name": "n"}) == {"name": "n"}


@pytest.mark.parametrize(
    ("extra", "field", "value"),
    [
        ({"name": "other"}, "extra.name", "other"),
        ({"data": {"format": "csv"}}, "extra.data.format", "csv"),
        ({"data": "csv"}, "extra.data", "csv"),
    ],
)
def test_an_extra_field_that_contradicts_an_argument_is_refused(extra: dict[str, Any], field: str, value: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        add_extra({"data": {"format": "json"}, "name": "n"}, extra)
    assert (refused.value.field, refused.value.value) == (field, value)
    assert "set by its own argument" in refused.value.allowed


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("Square payments", ["Square payments"]),
        ('["a", "b"]', ["a", "b"]),
        (("a",), ["a"]),
        ([], []),
        (None, None),
        ("None", None),  # a template around an absent XCom
    ],
)
def test_a_single_text_is_a_list_with_one_item(given: object, texts: list[str] | None) -> None:
    assert as_texts("names", given) == texts
