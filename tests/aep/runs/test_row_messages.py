"""Messages about failed records keep the problem, and no value of the record."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.runs.row_errors import NO_CODE, RowErrors, code_of
from airflow_provider_payments.aep.runs.row_messages import _WORDS, MASK, mask_values
from tests.any_json import ANY_JSON, QUIETLY

#: Messages of validators and mappers, with a place for a value.
TEMPLATES = [
    "The message cannot be validated: [#/_shop/email: {} is not a valid email]",
    "The message cannot be validated: [#/_shop/payers/{}/name: expected type: String, found: Null]",
    "#: 2 schema violations found, {}: not permitted",
    "{}",
    "{} cannot be parsed",
    "string [{}] does not match pattern ^[a-z]$",
    "Mapper transform error at destination path _shop.price. Unable to convert '{}' to Number. sourceField: a",
    'The value "{}", found at row 7, exceeds the maximum length',
    "sourceField:{}",
]
MAPPER = (
    "Mapper transform error at destination path _shop.price. The value cannot be converted: the expected data type "
    "was: Number, the actual data type was: String. sourceField: Price destinationField: _shop.price"
)
#: Values of payments; a value of one word is longer than any word of the validators.
VALUES = st.sampled_from(
    ["jo.doe@example.com", "4111111111111111", "4111 1111 1111 1111", "DE89370400440532013000", "19.99", "2026-11-30"]
) | st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=4, max_size=60)


@QUIETLY
@given(st.sampled_from(TEMPLATES), VALUES)
def test_no_word_of_a_value_remains_in_a_message(template: str, value: str) -> None:
    masked = mask_values(template.format(value))
    words = [word for word in re.findall(r"\w{4,}", value) if word.lower() not in _WORDS]
    text = f"{masked.message} {masked.column}"
    fixed = template.format("")
    # A step of a path that looks like a column name is kept.
    steps = set(re.findall(r"[A-Za-z_$][\w$]*", value)) if "/{}/" in template else set()
    assert [word for word in words if word in text and word not in fixed and word not in steps] == []


@pytest.mark.parametrize(
    ("message", "expected", "column"),
    [
        (MAPPER, MAPPER, "Price"),
        ("The message cannot be validated: [#: required key [_id] not found]", None, "_id"),
        ("The message cannot be validated: [#/_shop: required key [id] not found]", None, "_shop.id"),
        (
            "[#/_shop/items/3/name: expected maxLength: 10, actual: 600]",
            "[#/_shop/items/*/name: expected maxLength: ***, actual: ***]",
            "_shop.items.*.name",
        ),
        (
            "[#/_shop/currency: US$ is not a valid enum value]",
            "[#/_shop/currency: *** is not a valid enum value]",
            "_shop.currency",
        ),
        ("sourceField: jo.doe@example.com destinationField: a\\.b", "sourceField: *** destinationField: a\\.b", "a.b"),
        ("Row is corrupt and cannot be read, please fix and resend.", None, ""),
        ("#/map/jo@x.com: expected type: Null", "#/map/***: expected type: Null", "map.***"),
        ("", "", ""),
    ],
)
def test_a_masked_message_keeps_the_problem_and_the_column(message: str, expected: str | None, column: str) -> None:
    masked = mask_values(message)
    assert masked.message == (message if expected is None else expected)
    assert masked.column == column


@pytest.mark.parametrize("message", [None, 4111111111111111, {"a": "jo"}, ["jo"], True])
def test_a_message_that_is_not_text_is_masked(message: object) -> None:
    assert mask_values(message).message in ("", MASK)


@pytest.mark.parametrize("code", ["3700", 1401, "MAPPER-3700-400", "DCVS-1106", "INGEST-1211-400"])
def test_a_valid_code_is_returned_unchanged(code: object) -> None:
    assert code_of({"code": code}) == str(code)


@pytest.mark.parametrize("code", [None, "", "jo", "4111111111111111", True, 10**40, {}, "jo@x.com", "1" * 41])
def test_an_invalid_code_is_replaced_by_unknown(code: object) -> None:
    assert code_of({"code": code}) == NO_CODE


@QUIETLY
@given(ANY_JSON)
def test_any_line_is_counted_as_one_row_or_as_unreadable(line: object) -> None:
    found = RowErrors()
    found.add_line(json.dumps(line).encode())
    assert (found.rows, found.unreadable) == ((1, 0) if isinstance(line, dict) else (0, 1))
    assert sum(found.counts.values()) >= found.rows


def test_errors_beyond_the_maximum_of_kinds_are_still_counted() -> None:
    found = RowErrors()
    for number in range(5000):
        message = f"required key [column_{number}] not found"
        found.add_line(b'{"_errors": [{"code": "%d", "message": "%b"}]}' % (number % 7, message.encode()))
    assert sum(found.codes.values()) == 5000
    assert len(found.counts) < 1100
