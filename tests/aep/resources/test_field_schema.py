"""Checks of fields given as JSON schema: only keywords that the Schema Registry reads are checked."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.field_schema import check_field

TEXT: dict[str, Any] = {"type": "string"}
RIGHT: list[dict[str, Any]] = [
    TEXT | {"title": "", "description": "d", "format": "date", "$ref": "#/definitions/a", "pattern": "^a"},
    {"type": "number", "minimum": -0.5, "maximum": 1, "exclusiveMinimum": 0, "exclusiveMaximum": 2.5},
    TEXT | {"minLength": 0, "maxLength": 5.0, "maxItems": 10**400, "enum": [1, None], "meta:enum": {"a": "A"}},
    {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 2},
    {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": False},
    {"type": "object", "additionalProperties": TEXT},
    {"type": "object", "additionalProperties": {}},
    {"type": "object", "additionalProperties": True},
    TEXT | {"default": {"anything": [1]}, "xdm:about": 5},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "a.type"),
    ({"type": None}, "a.type"),
    ({"type": ["string"]}, "a.type"),
    *((TEXT | {name: 5}, f"a.{name}") for name in ("title", "description", "format", "$ref", "pattern")),
    *((TEXT | {name: True}, f"a.{name}") for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")),
    *((TEXT | {name: -1}, f"a.{name}") for name in ("minLength", "maxLength", "minItems", "maxItems")),
    (TEXT | {"minLength": 0.5}, "a.minLength"),
    (TEXT | {"minLength": float("inf")}, "a.minLength"),
    (TEXT | {"enum": []}, "a.enum"),
    (TEXT | {"enum": "a"}, "a.enum"),
    (TEXT | {"meta:enum": {"a": 1}}, "a.meta:enum"),
    (TEXT | {"required": "a"}, "a.required"),
    (TEXT | {"required": [1]}, "a.required"),
    ({"type": "object", "properties": []}, "a.properties"),
    ({"type": "object", "properties": {"_a": TEXT}}, "a.properties"),
    ({"type": "object", "properties": {"a\n": TEXT}}, "a.properties"),
    ({"type": "object", "properties": {"b": {"type": "text"}}}, "a.properties.b.type"),
    ({"type": "array", "items": []}, "a.items"),
    ({"type": "array", "items": {}}, "a.items.type"),
    ({"type": "object", "additionalProperties": "no"}, "a.additionalProperties"),
    ({"type": "object", "additionalProperties": {"title": "no type"}}, "a.additionalProperties.type"),
]


@pytest.mark.parametrize("field", RIGHT, ids=str)
def test_a_field_that_the_registry_accepts_passes_the_check(field: dict[str, Any]) -> None:
    check_field("a", field)


@pytest.mark.parametrize(("field", "place"), WRONG, ids=str)
def test_a_member_that_the_registry_would_refuse_is_named(field: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInputError, match="the Schema Registry says") as refusal:
        check_field("a", field)
    assert refusal.value.field == place
