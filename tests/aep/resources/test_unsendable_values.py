"""Values that no request can carry, or that a service would misread, are refused with the argument's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import (
    as_content_type,
    as_id,
    as_int,
    as_list,
    as_mapping,
    as_name,
    as_optional_id,
    as_text,
)
from airflow_provider_payments.aep.resources.flow_service import SourceConnection
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec
from airflow_provider_payments.aep.resources.schedule import Schedule
from airflow_provider_payments.aep.resources.schema_registry import FieldGroup
from tests.aep.chain import value

HUGE = 10**5000


@pytest.mark.parametrize("inner", [float("nan"), float("inf"), "\ud800", b"a", {1}, object(), HUGE], ids=type)
def test_values_other_than_json_are_refused_in_objects(inner: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^extra=.*plain JSON"):
        as_mapping("extra", {"a": [inner]})


def test_a_lone_surrogate_is_refused_in_text() -> None:
    with pytest.raises(InvalidInputError, match="Unicode"):
        as_text("description", "a\ud800")


@pytest.mark.parametrize("read", [as_mapping, as_list])
def test_extremely_nested_json_text_is_refused(read: Callable[[str, object], Any]) -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        read("extra", '{"a":' * 100_000 + "[" * 100_000)


@pytest.mark.parametrize("read", [as_name, as_int, as_text, as_mapping])
def test_a_huge_number_is_refused_without_being_printed(read: Callable[[str, object], Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"^name=<int that cannot be shown>"):
        read("name", HUGE)


def test_a_long_value_is_shortened_in_the_message() -> None:
    with pytest.raises(InvalidInputError) as refused:
        as_name("name", "x" * 100_000)
    assert len(str(refused.value)) < 1500


@pytest.mark.parametrize("name", ["{a", "[1]"])
def test_a_name_that_a_filter_reads_as_json_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"begin with \{ or \["):
        as_name("name", name)


@pytest.mark.parametrize(
    "wrong", [".", "..", "a b", "a,b", "a\n", "ä", "a?b", "a&b", "/a", 5, [], "", "None"], ids=repr
)
def test_text_that_no_path_or_filter_can_contain_is_no_id(wrong: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^schema_id="):
        as_id("schema_id", wrong)


@pytest.mark.parametrize(
    "right",
    [
        "24151d58-ffa7-4960-951d-58ffa7396097",
        "https://ns.adobe.com/acme/schemas/5c8c3c555033b814b69f947f",
        "_acme.schemas.5c8c3c555033b814b69f947f",
        "https://ns.adobe.com/{TENANT_ID}/classes/1",
    ],
)
def test_an_id_is_accepted_unchanged(right: str) -> None:
    assert as_id("schema_id", right) == as_optional_id("schema_id", right) == right
    assert as_optional_id("schema_id", "") is None


@pytest.mark.parametrize(
    "wrong", ["", "1", "application/json", "application/vnd.adobe.xed+json;version=2", 1], ids=repr
)
def test_other_media_types_are_refused_as_content_type(wrong: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^schema_version="):
        as_content_type("schema_version", wrong)


SCHEDULES: dict[str, dict[str, Any]] = {
    "start_delay": {"start_delay": 10**11},
    "interval": {"frequency": "minute", "interval": 10**9},
    "start_time": {"start_time": "9999-12-31T00:00:00Z"},
    "end_time": {"end_time": "9999-12-31T00:00:00Z"},
}


@pytest.mark.parametrize("field", SCHEDULES)
def test_delays_intervals_and_times_beyond_a_hundred_years_are_refused(field: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^{field}="):
        Schedule(**SCHEDULES[field])


@pytest.mark.parametrize("member", ["transformations", "schedule_schema", "option_schema"])
def test_a_flow_spec_with_malformed_members_is_refused(member: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^flow_spec\.{member}=5"):
        FlowSpec.from_json({"id": "spec", member: 5})


ODD_FIELDS: dict[str, dict[str, Any]] = {
    "type": {"type": 5},
    "properties": {"type": "object", "properties": ""},
    "no type below": {"type": "object", "properties": {"a": {"items": {}}}},
    "type below": {"type": "array", "items": {"type": "varchar"}},
    "name below": {"type": "object", "properties": {"a b": {"type": "string"}}},
}


@pytest.mark.parametrize("node", ODD_FIELDS.values(), ids=ODD_FIELDS)
def test_a_malformed_field_is_refused(node: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"^fields\.a.*the Schema Registry says"):
        value(FieldGroup, fields={"a": node})


def test_a_column_type_defaults_to_text_and_must_be_text() -> None:
    (column,) = value(SourceConnection, columns=({"name": "Id"},)).body()["params"]["columns"]
    assert column == {"name": "Id", "type": "string"}
    with pytest.raises(InvalidInputError, match=r"^columns\.type=5"):
        value(SourceConnection, columns=({"name": "Id", "type": 5},))
