"""
Values and expressions that Data Prep maps onto fields of the verification's field group, with the assumed results.

The rows are constants, and a report contains only numbers, booleans and times of the results: no data of the tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

__all__ = ["PREVIEWS", "SAMPLE_FIELDS", "VALIDATED", "Sample"]


@attrs.frozen
class Sample:
    """
    One mapping and its assumed result.

    :param id: the last part of the check's id, and the name of the field.
    :param field: the type of the field.
    :param source: an attribute of the row, or an expression.
    :param result: the assumed value of the field; ``None``: no value. For a validation: whether the mapping passes.
    :param assumption: the assumption, as a sentence.
    :param document: the document that supports the assumption.
    :param row: the attributes of the row. Defaults to none: the source is an expression over constants.
    :param member: a member of the field that an earlier mapping fills. Defaults to none.
    """

    id: str
    field: str | Json
    source: str
    result: object
    assumption: str
    document: str
    row: Json = attrs.field(factory=dict)
    member: str = ""

    @property
    def source_type(self) -> str:
        """The type of the source as Data Prep calls it."""
        return "ATTRIBUTE" if self.row else "EXPRESSION"


def _given(sample_id: str, field: str | Json, value: object, result: object, assumption: str, document: str) -> Sample:
    """Return the sample of a value that is mapped without an expression."""
    return Sample(sample_id, field, sample_id, result, assumption, document, {sample_id: value})


_TWO_TEXTS = {"type": "object", "properties": {"one": {"type": "string"}, "two": {"type": "string"}}}
_FORMATS = "Adobe's page on data formats"
_FUNCTIONS = "Adobe's page on mapping functions"

_VALUES = (
    Sample(
        "special_attribute",
        "string",
        "${First Name}",
        "1",
        "An attribute with a blank in its name can be written `${First Name}`.",
        "Adobe's page documents this for fields, with samples of expressions only",
        {"First Name": "1"},
    ),
    Sample(
        "split_empty_parts",
        "integer",
        'size_of(split("1,,2,", ","))',
        4,
        "The function `split` keeps empty parts of a text.",
        f"a guess; {_FUNCTIONS} has no such sample",
    ),
    Sample(
        "explode_empty_parts",
        "integer",
        'size_of(explode("1,,2,,", ","))',
        3,
        "The function `explode` drops empty parts at the end of a text.",
        "a guess, as in Java",
    ),
    Sample(
        "whole_division",
        "number",
        "1234 / 100",
        12,
        "The quotient of two whole numbers in an expression is a whole number.",
        "the language that the reserved words suggest",
    ),
    _given("blanks", "integer", " 12 ", 12, "Blanks around a number in text are ignored.", "a guess"),
    _given(
        "nested_null",
        _TWO_TEXTS,
        {"one": "1", "two": None},
        {"one": "1"},
        "A member of a mapped object that is null is left out.",
        "a guess",
    ),
    Sample(
        "whole_object",
        _TWO_TEXTS,
        "whole_object",
        {"one": "1"},
        "A mapped object replaces members of its field that an earlier mapping wrote.",
        "a guess",
        {"whole_object": {"one": "1"}},
        member="two",
    ),
)
_TIMES = (
    Sample(
        "zone_letters",
        "date-time",
        'zone_date_to_utc(date("2019-07-15T12:00:00 PST"))',
        "2019-07-15T20:00:00Z",
        "The abbreviation of a time zone after a time is a fixed offset, also in summer.",
        f"{_FUNCTIONS}, the sample of `zone_date_to_utc`",
    ),
    Sample(
        "other_zone",
        "date-time",
        'zone_date_to_zone(date("2019-01-15T12:00:00Z"), "Europe/Paris")',
        "2019-01-15T12:00:00Z",
        "A time that an expression converts to another zone stays the same point in time.",
        f"a guess; two samples of {_FUNCTIONS} print the local time with a `Z`",
    ),
    Sample(
        "milliseconds",
        "date-time",
        'set_date_part("m", 4, date("2016-11-09T11:44:44.797"))',
        "2016-04-09T11:44:44.797Z",
        "A time keeps its milliseconds through an expression.",
        f"{_FORMATS}; the sample of `set_date_part` drops them",
    ),
)
_REFUSED = (
    _given(
        "absent_day", "date-time", "2019-02-30", None, "A day that does not exist in its month is refused.", "a guess"
    ),
    _given("midnight", "date-time", "2019-10-23T24:00:00Z", None, "The hour 24:00 is refused.", "a guess"),
    _given(
        "undocumented_time",
        "date-time",
        "1571829875000",
        None,
        "A text of digits is refused as a time.",
        f"{_FORMATS} does not list it",
    ),
    _given(
        "undocumented_number",
        "number",
        "1,234",
        None,
        "A text with a comma is refused as a number.",
        f"{_FORMATS} does not list it",
    ),
    _given(
        "undocumented_truth",
        "boolean",
        "1",
        None,
        "The text `1` is refused as a boolean.",
        f"{_FORMATS} does not list it",
    ),
)
#: Groups of samples, each previewed in one request: a service may refuse a whole row because of one value.
PREVIEWS = {"values": _VALUES, "times": _TIMES, "refused": _REFUSED}
#: The samples that are validated, all in one request.
VALIDATED = (
    Sample(
        "function_name",
        "string",
        "trim(date)",
        True,
        "A mapping may read an attribute that has the name of a function.",
        f"Adobe's troubleshooting guide has such a mapping, {_FUNCTIONS} reserves the names",
    ),
    Sample(
        "array_as_value",
        "string",
        "sha256(items[*].x)",
        False,
        "A validation refuses a mapping that passes an array to a function of a single value.",
        "the platform's editor",
    ),
)
#: The types of the field group's fields for samples, by name.
SAMPLE_FIELDS = {sample.id: sample.field for sample in (*_VALUES, *_TIMES, *_REFUSED, *VALIDATED)}
