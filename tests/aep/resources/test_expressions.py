"""The attributes that a mapping expression certainly reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.resources.expressions import attributes_read
from airflow_provider_payments.emulator.data_prep.language import expressions
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError


@pytest.mark.parametrize(
    ("expression", "read"),
    {
        'concat(First_Name, " ", Last_Name)': ["First_Name", "Last_Name"],
        "data.amount / 100.0": ["data.amount"],
        "data.items[0].price + data.items[*].price": ["data.items.price"],
        "${First\\.Name}": ["First\\.Name"],
        "data.${odd name}.x": ["data.odd name.x"],
        "lower(address.street\\.name)": ["address.street\\.name"],
        "First\\.Name + address.${street\\.name}": ["First\\.Name", "address.street\\.name"],
        "object_to_map(data.addresses, type) ?? data.id": ["data.id"],
        "data.id.toUpperCase()": ["data.id"],
        "trim(data.name).length": ["data.name"],
        'iif(data.paid, data.amount, 0) != 12 ? "a" : other': ["data.paid", "data.amount", "other"],
        "now()": [],
        "uuid()": [],
        "true": [],
        "NULL": [],
        "1e5 + 3": [],
        '"data.amount"': [],
        "'it\\'s data.amount'": [],
        "[1, 2, 'a']": [],
        "not empty": [],
        'is_set(data.tip) ? 1 : contains_key(data.meta, "k")': [],
        "is_set(lower(data.tip)) && data.paid": ["data.paid"],
        'data.meta["k"].deeper': ["data.meta"],
        "data.a / data.b": ["data.a", "data.b"],
        "not data.paid or size data.items": ["data.paid", "data.items"],
    }.items(),
)
def test_paths_are_read_and_constants_and_functions_are_not(expression: str, read: list[str]) -> None:
    assert attributes_read(expression) == read


@pytest.mark.parametrize(
    "expression",
    [
        "var x = data.id",
        "a -> a.id",
        "a => a.id",
        "{data.id: 1}",
        "data.id; data.amount",
        "new Date(data.id)",
        "a = b",
        "a & b",
        "'a",
        "a @ b",
        "data.id // in cents",
        "data.id /* in cents */",
        "iif(status in [1, 2], a, b)",
        "'a' b",
        "data.3d_secure.result",
        "_errors.message",
    ],
)
def test_an_expression_that_is_not_understood_yields_no_attributes(expression: str) -> None:
    assert attributes_read(expression) == []


NAMES = st.sampled_from(("id", "data", "amount", "order_2", "größe", "trueish", "emptyset", "street\\.name"))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
CONSTANTS = st.sampled_from(("1", "2.5", '"data.id"', "'x'", "true", "null", "now()", "uuid()"))


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda two: f"concat({two[0]}, {two[1]})"),
        pairs.map(lambda two: f"({two[0]}) == {two[1]}"),
        pairs.map(lambda two: f"{two[0]} and {two[1]}"),
        pairs.map(lambda two: f"[{two[0]}, {two[1]}]"),
        st.tuples(inner, inner, inner).map(lambda three: f"iif({three[0]}, {three[1]}, {three[2]})"),
        inner.map(lambda one: f'trim({one}).equals("a")'),
        st.tuples(PATHS, inner).map(lambda two: f"is_set({two[0]}) ? {two[1]} : -1"),
        PATHS.map(lambda path: f"${{{path}}}"),
        PATHS.map(lambda path: f"{path}[0].deeper"),
    )


@given(st.recursive(PATHS | CONSTANTS, larger, max_leaves=8))
def test_attributes_agree_with_a_complete_parser_of_the_language(expression: str) -> None:
    try:
        read = expressions.paths(expressions.parse(expression))
    except ExpressionError:
        return  # nested deeper than the other parser supports
    assert attributes_read(expression) == list(dict.fromkeys(path.replace("[0]", "") for path in read))


@given(st.text() | st.text("ab.$\\{}[]()\"' =-><&|0"))
def test_any_text_yields_names_or_nothing(expression: str) -> None:
    assert all(attributes_read(expression))
