"""
Values and expressions that Data Prep maps onto fields of our own field group, and what is assumed to become of them.

The rows are written here, and what is shown of their results are numbers, truth values and times: none is the tenant's.
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
    One mapping.

    :param id: the end of the check's id, and the name of the field that it is mapped to.
    :param field: the type of that field.
    :param source: an attribute of the row, or an expression.
    :param row: what the row holds for it; empty for an expression over constants.
    :param member: of the field, that another mapping fills before; empty for none.
    :param result: what is assumed to land; ``None``: nothing. Of a validation: whether the mapping passes.
    :param assumption: a sentence.
    :param document: what speaks for it.
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
        """What the source is, in Data Prep's words."""
        return "ATTRIBUTE" if self.row else "EXPRESSION"


def _given(sample_id: str, field: str | Json, value: object, result: object, assumption: str, document: str) -> Sample:
    """Return the sample of a value that is mapped as it is."""
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
        "An attribute with a blank in its name is read where it is written `${First Name}`.",
        "Adobe's page says so of fields, and shows expressions only",
        {"First Name": "1"},
    ),
    Sample(
        "split_empty_parts",
        "integer",
        'size_of(split("1,,2,", ","))',
        4,
        "The function `split` keeps the empty parts of a text.",
        f"a guess; {_FUNCTIONS} has no such sample",
    ),
    Sample(
        "explode_empty_parts",
        "integer",
        'size_of(explode("1,,2,,", ","))',
        3,
        "The function `explode` drops the empty parts at the end of a text.",
        "a guess, the way of Java",
    ),
    Sample(
        "whole_division",
        "number",
        "1234 / 100",
        12,
        "Of two whole numbers, an expression's quotient is a whole number.",
        "the language that the reserved words point to",
    ),
    _given("blanks", "integer", " 12 ", 12, "Blanks around a number in a text do not count.", "a guess"),
    _given(
        "nested_null",
        _TWO_TEXTS,
        {"one": "1", "two": None},
        {"one": "1"},
        "A null within a mapped object leaves its field out.",
        "a guess",
    ),
    Sample(
        "whole_object",
        _TWO_TEXTS,
        "whole_object",
        {"one": "1"},
        "A mapped object replaces what an earlier mapping wrote into its field.",
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
        "The letters of a zone behind a time are an offset, in summer too.",
        f"{_FUNCTIONS}, the sample of `zone_date_to_utc`",
    ),
    Sample(
        "other_zone",
        "date-time",
        'zone_date_to_zone(date("2019-01-15T12:00:00Z"), "Europe/Paris")',
        "2019-01-15T12:00:00Z",
        "A time that an expression moves to another zone stays the same moment.",
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
    _given("absent_day", "date-time", "2019-02-30", None, "A day that its month lacks is refused.", "a guess"),
    _given("midnight", "date-time", "2019-10-23T24:00:00Z", None, "The hour 24:00 is refused.", "a guess"),
    _given(
        "undocumented_time",
        "date-time",
        "1571829875000",
        None,
        "A text of digits in the place of a time is refused.",
        f"{_FORMATS} does not list it",
    ),
    _given(
        "undocumented_number",
        "number",
        "1,234",
        None,
        "A number in a text with a comma is refused.",
        f"{_FORMATS} does not list it",
    ),
    _given(
        "undocumented_truth",
        "boolean",
        "1",
        None,
        "The text `1` in the place of a truth value is refused.",
        f"{_FORMATS} does not list it",
    ),
)
#: What is previewed in one request: a service may refuse all of a row for one of its values.
PREVIEWS = {"values": _VALUES, "times": _TIMES, "refused": _REFUSED}
#: What is validated, all in one request.
VALIDATED = (
    Sample(
        "function_name",
        "string",
        "trim(date)",
        True,
        "A mapping may read an attribute that has the name of a function.",
        f"Adobe's troubleshooting guide does so, {_FUNCTIONS} reserves the names",
    ),
    Sample(
        "array_as_value",
        "string",
        "sha256(items[*].x)",
        False,
        "A mapping that hands an array to a function of a single value is refused by validation.",
        "the platform's editor",
    ),
)
#: The fields of our own field group that they are mapped to, by name.
SAMPLE_FIELDS = {sample.id: sample.field for sample in (*_VALUES, *_TIMES, *_REFUSED, *VALIDATED)}
