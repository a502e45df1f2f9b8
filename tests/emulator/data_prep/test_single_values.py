"""The conversion of single values to the type of their field, and the values that are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.client import Client
from tests.emulator.data_prep.previews import converted, results

INTEGERS = {"12": 12, "+12": 12, "-12": -12, "007": 7, " 7 ": 7, "0": 0}
NUMBERS = {
    "12": 12,
    "20.5": 20.5,
    "-20.5": -20.5,
    "+1": 1,
    ".5": 0.5,
    "5.": 5,
    "1e3": 1000,
    "1.5E-3": 0.0015,
    " 1.5 ": 1.5,
    "12.3456": 12.3456,
    "1000000.34": 1000000.34,
}
#: Texts that Python or users accept as numbers, but that no document allows.
NO_NUMBERS: tuple[Any, ...] = (
    *(
        "1_000",
        "1,000",
        "1 000",
        "1.000,00",
        "\uff11\uff12",
        "\u0663",
        "\u00b2",
        "\u216b",
        "0x1F",
        "0b1",
        "1e",
        "e5",
        "--1",
        "+-1",
        ".",
        "",
    ),
    *("inf", "-inf", "Infinity", "nan", "NaN", "1e999", "12L", "1.5f", "$5", "5 %", "\u30001", "1\u00a0", "true"),
    *(True, False, {"a": 1}, [1]),
)
BOOLEANS = {
    **dict.fromkeys(("y", "yes", "Y", "YES", "on", "ON", "true", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "NO", "off", "OFF", "false", "FALSE"), False),
}
NO_BOOLEANS: tuple[Any, ...] = ("Yes", "True", "oN", "t", "1", "0", "ja", "", 1, 0, 1.0, [True], {"a": True})


def test_only_documented_forms_of_numbers_are_accepted(client: Client) -> None:
    kinds = {"integer": (INTEGERS, ("12.0", "1e3", ".5", 12.5)), "number": (NUMBERS, ())}
    for kind, (good, bad) in kinds.items():
        field = {"type": kind}
        assert dict(zip(good, converted(client, list(good), field), strict=True)) == good
        refused = (*NO_NUMBERS, *bad)
        results_of_refused = zip(refused, converted(client, refused, field), strict=True)
        assert [(value, found) for value, found in results_of_refused if found is not ...] == []
    assert converted(client, [12.0, 7, -3], {"type": "integer"}) == [12, 7, -3]


@pytest.mark.parametrize("function", ["to_integer", "to_decimal", "to_float", "to_bigint"])
def test_functions_parse_numbers_as_fields_do(client: Client, function: str) -> None:
    texts = [text for text in NO_NUMBERS if isinstance(text, str)]
    for text in texts:
        with pytest.raises(AssertionError, match="is no number"):
            results(client, [f"{function}(text)"], {"text": text})
    good = INTEGERS if function == "to_integer" else NUMBERS
    row = {f"n{place}": text for place, text in enumerate(good)}
    assert results(client, [f"{function}({name})" for name in row], row) == list(good.values())


def test_only_documented_texts_are_accepted_as_booleans(client: Client) -> None:
    field = {"type": "boolean"}
    assert dict(zip(BOOLEANS, converted(client, list(BOOLEANS), field), strict=True)) == BOOLEANS
    assert converted(client, [True, False], field) == [True, False]
    assert converted(client, NO_BOOLEANS, field) == [...] * len(NO_BOOLEANS)


def test_multiples_are_checked_in_decimal_arithmetic(client: Client) -> None:
    values = [0.3, 1234567890.12, 98765432109.87, 1e22, 1e308, -0.07]
    assert converted(client, values, {"type": "number", "multipleOf": 0.01}) == values
    assert converted(client, [0.305, 1e-308, -0.071], {"type": "number", "multipleOf": 0.01}) == [...] * 3
    assert converted(client, [1e308, 1.5e-10], {"type": "number", "multipleOf": 1e-10}) == [1e308, ...]


def test_any_single_value_is_converted_to_text(client: Client) -> None:
    texts = {"12.50": "12.50", " a ": " a ", "": ""}
    assert dict(zip(texts, converted(client, list(texts), {"type": "string"}), strict=True)) == texts
    values = [True, False, 12, 12.5, -0.0]
    assert converted(client, values, {"type": "string"}) == ["true", "false", "12", "12.5", "-0.0"]


DECIMALS = st.decimals(-(10**12), 10**12, places=3).map(str)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(repr)
WHOLE = st.integers(-(2**31), 2**31 - 1).map(str)
#: Digits of all scripts, and the other characters that Python accepts in numbers.
NUMERIC = st.text(st.characters(categories=("Nd", "No", "Nl")) | st.sampled_from("0123456789_+-.eExXinfa "), max_size=8)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DECIMALS | FLOATS | WHOLE, min_size=30, max_size=60))
def test_the_text_of_any_number_is_parsed_to_the_same_number(client: Client, texts: list[str]) -> None:
    assert converted(client, texts, {"type": "number"}) == [float(text) for text in texts]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NUMERIC, min_size=50, max_size=100))
def test_only_numbers_as_json_or_java_writes_them_are_accepted(client: Client, texts: list[str]) -> None:
    found = zip(texts, converted(client, texts, {"type": "number"}), strict=True)
    for text, number in found:
        if number is not ...:
            assert set(text) <= set("0123456789+-.eE "), (text, number)
            assert number == json.loads(json.dumps(float(text)))
    for text, number in zip(texts, converted(client, texts, {"type": "integer"}), strict=True):
        assert number is ... or set(text) <= set("0123456789+- "), (text, number)


SINGLE = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
ANY = st.recursive(SINGLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
FIELDS = (
    *({"type": kind} for kind in ("string", "integer", "number", "boolean")),
    *({"type": "string", "format": form} for form in ("date", "date-time")),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANY, min_size=1, max_size=40), st.sampled_from(FIELDS))
def test_any_value_is_converted_to_the_type_of_its_field_or_refused(
    client: Client, values: list[Any], field: dict[str, str]
) -> None:
    types = {"string": str, "integer": int, "number": float | int, "boolean": bool}
    for value, found in zip(values, converted(client, values, field), strict=True):
        assert found is ... or isinstance(found, types[field["type"]]), (value, found)
