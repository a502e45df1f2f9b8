"""The known attributes of a source, and corrections of misspelt ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.attributes import Attributes, paths_of
from tests.any_json import ANY_JSON

TEXT: dict[str, Any] = {"type": "string"}
SCHEMA = {
    "type": "object",
    "properties": {
        "data": {
            "type": "object",
            "properties": {
                "id": TEXT,
                "customer": {},
                "fee": {"type": "integer"},
                "metadata": {"type": "object", "properties": {}},
                "fee_details": {"type": "array", "items": {"type": "object", "properties": {"amount": TEXT}}},
                "card": {"type": "object", "properties": {"brand": TEXT, "last4": TEXT}},
                "v1.5": TEXT,
            },
        }
    },
}
PATHS = [
    "data",
    "data.id",
    "data.customer",
    "data.fee",
    "data.metadata",
    "data.fee_details",
    "data.fee_details[*].amount",
    "data.card",
    "data.card.brand",
    "data.card.last4",
    "data.v1\\.5",
]
TREE = Attributes(tuple(PATHS))
TABLE = Attributes(("Product_Id", "First.Name", "Type"))


def test_paths_include_objects_and_array_items() -> None:
    assert paths_of(SCHEMA) == PATHS


@given(ANY_JSON)
def test_any_schema_returns_valid_paths(schema: object) -> None:
    assert all(paths_of({"properties": {"data": schema}}))


def test_names_are_a_tree_only_if_all_parents_are_present() -> None:
    assert TREE.is_tree
    assert not any(Attributes(names).is_tree for names in ((), ("Id",), ("Id", "First.Name"), tuple(PATHS[1:])))


@pytest.mark.parametrize(
    "source",
    [*PATHS, "data.fee_details[0].amount", "data.fee_details[].amount", "data.fee_details.amount", "data.${v1\\.5}"],
)
def test_a_path_matches_with_any_array_index(source: str) -> None:
    assert TREE.has(source)


@pytest.mark.parametrize("source", ["Product_Id", "First.Name", "First\\.Name", "${First.Name}", "${First\\.Name}"])
def test_a_column_matches_wrapped_and_with_escaped_periods(source: str) -> None:
    assert TABLE.has(source)
    assert Attributes((source,)).has(source.replace("\\", ""))


@pytest.mark.parametrize(
    ("source", "meant"),
    {
        "id": ["data.id"],
        "card.brand": ["data.card.brand"],
        "v1\\.5": ["data.v1\\.5"],
        "data.custmer": ["data.customer"],
        "data.custmoer": ["data.customer"],
        "data.Customer": ["data.customer"],
        "data.CUSTOMER": ["data.customer"],
        "data.ids": ["data.id"],
        "data.cards.brand": ["data.card.brand"],
        "dat.card.last4": ["data.card.last4"],
        "data.card.lst4": ["data.card.last4"],
        "data.fee_details[0].amuont": ["data.fee_details[*].amount"],
        "data.vv1\\.5": ["data.v1\\.5"],
        "data.card.last": ["data.card.last4"],
    }.items(),
)
def test_a_misspelt_attribute_returns_its_correction(source: str, meant: list[str]) -> None:
    assert not TREE.has(source)
    assert TREE.corrections(source) == meant


@pytest.mark.parametrize(
    "source",
    [
        "data.net",  # two of three letters differ from "fee"
        "data.order",
        "data.card.last3",
        "data.v1\\.6",
        "data.cstmr_id",
        "data.metadata.order_id",
        "data.customer.email",
        "data.cards.number",
        "datum.crd.brand",
        "custmer",
    ],
)
def test_an_attribute_outside_the_sample_is_not_misspelt(source: str) -> None:
    assert TREE.corrections(source) == []


@pytest.mark.parametrize(
    ("attributes", "source", "nearest"),
    [
        (TREE, "data.payment.last4", ["data.card.last4", "data.metadata"]),
        (TREE, "custmer", ["data.customer"]),
        (TREE, "data.shipping_address_zip", []),
        (TABLE, "product_id", ["Product_Id"]),
        (TABLE, "FirstName", ["First.Name"]),
        (TABLE, "Currency", []),
    ],
)
def test_the_nearest_names_share_the_last_step_or_most_letters(
    attributes: Attributes, source: str, nearest: list[str]
) -> None:
    assert attributes.nearest(source) == nearest


LETTERS = st.text("abcdefgh_", min_size=1, max_size=8)


@given(LETTERS.filter(lambda name: len(name) >= 4), st.data())
def test_up_to_two_edits_of_a_name_are_a_misspelling(name: str, data: st.DataObject) -> None:
    misspelt = name
    for _ in range(2):
        at = data.draw(st.integers(0, len(misspelt)))
        misspelt = misspelt[:at] + data.draw(st.text("xyz", max_size=1)) + misspelt[at + data.draw(st.integers(0, 1)) :]
    assume(misspelt != name and len(misspelt) >= 4)
    assert Attributes(("data", f"data.{name}")).corrections(f"data.{misspelt}") == [f"data.{name}"]


@given(LETTERS, st.text("xyz", min_size=3, max_size=8))
def test_three_edits_of_a_name_are_no_misspelling(name: str, other: str) -> None:
    known = Attributes(("data", f"data.{name}"))
    assert known.corrections(f"data.{name}{other}") == known.corrections(f"data.{other}") == []
