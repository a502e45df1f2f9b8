"""Target schemas with the tenant's field group, and the ad-hoc schemas of the older documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.schema_registry import checked_fields
from airflow_provider_payments.operators.schemas import CreateAdHocSchemaOperator, CreateTargetSchemaOperator
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import FIELDS, TaskInstance, build, context, run

XDM = "https://ns.adobe.com/xdm"
PROFILE = f"{XDM}/context/profile"


def fields_of(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["definitions"]["customFields"]["properties"]["_emulator"]["properties"])


def test_fields_are_created_in_a_field_group_that_the_schema_uses(connected: Emulator) -> None:
    first = run(CreateTargetSchemaOperator, description="Payments")
    second = run(CreateTargetSchemaOperator)
    (group,), (schema,) = connected.posted("/fieldgroups"), connected.posted("/schemas")
    assert (group["title"], group["description"]) == ("products - fields", "Payments")
    assert (group["type"], group["meta:intendedToExtend"]) == ("object", [PROFILE])
    assert group["allOf"] == [{"$ref": "#/definitions/customFields"}]
    assert fields_of(group) == {
        "product": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "createTime": {"type": "string", "format": "date-time"}},
        }
    }
    assert schema == {
        "type": "object",
        "title": "products",
        "description": "Payments",
        "allOf": [{"$ref": PROFILE}, {"$ref": first["field_group_id"]}],
    }
    (created,) = connected.objects("schemas")
    assert (first["id"], first["name"], first["tenant_id"]) == (created["$id"], "products", "emulator")
    assert (first["created"], first["field_group_created"]) == (True, True)
    assert second == first | {"created": False, "field_group_created": False}


NAMES = st.text("aZ09_-. é", min_size=1, max_size=5) | st.sampled_from(["3d_secure", "order-id", "a" * 128, "a" * 129])


@settings(max_examples=300)
@given(name=NAMES.filter(lambda name: "." not in name))
def test_a_fields_name_is_checked_in_every_form_of_fields(name: str) -> None:
    inside: dict[str, Any] = {"type": "object", "properties": {name: {"type": "string"}}}
    ways: list[dict[str, Any]] = [
        {name: "string"},
        {f"card.{name}": {"type": "string"}},
        {"card": inside},
        {"cards": {"type": "array", "items": inside}},
        {f"card.{name}.more": "string"},
    ]
    right = re.fullmatch("[A-Za-z0-9][A-Za-z0-9_]*", name) is not None and len(name) <= 128
    for fields in ways:
        with nullcontext() if right else pytest.raises(InvalidInputError, match=r"^fields"):
            checked_fields("fields", fields)


def test_a_field_name_with_a_leading_digit_is_created_in_every_form(connected: Emulator) -> None:
    nested = {"type": "object", "properties": {"3d_secure": {"type": "string"}}}
    created = run(CreateTargetSchemaOperator, fields={"card": nested, "3ds.version": "string"})
    assert run(CreateTargetSchemaOperator, fields={"card.3d_secure": "string", "3ds.version": "string"}) == created | {
        "created": False,
        "field_group_created": False,
    }


def test_a_schema_without_fields_needs_no_field_group(connected: Emulator) -> None:
    group = f"{XDM}/context/profile-person-details"
    created = run(CreateTargetSchemaOperator, fields=None, field_groups=[group, group])
    assert connected.posted("/fieldgroups") == []
    (schema,) = connected.posted("/schemas")
    assert schema["allOf"] == [{"$ref": PROFILE}, {"$ref": group}]
    assert "field_group_id" not in created


def test_class_and_further_field_groups_precede_the_own_field_group(connected: Emulator) -> None:
    group, experience_event = f"{XDM}/context/profile-person-details", f"{XDM}/context/experienceevent"
    with pytest.raises(AirflowFailException, match="XDM-1506-400"):  # the further field group is only for profiles
        run(CreateTargetSchemaOperator, class_id=experience_event, field_groups=[group])
    (own,), (schema,) = connected.posted("/fieldgroups"), connected.posted("/schemas")
    assert own["meta:intendedToExtend"] == [experience_event]
    assert [entry["$ref"] for entry in schema["allOf"][:2]] == [experience_event, group]


def test_types_may_be_json_schemas(connected: Emulator) -> None:
    run(CreateTargetSchemaOperator, fields={"amount": {"type": "integer", "minimum": 0}, "paid": "boolean"})
    (group,) = connected.posted("/fieldgroups")
    assert fields_of(group) == {"amount": {"type": "integer", "minimum": 0}, "paid": {"type": "boolean"}}


def test_missing_fields_are_refused_by_reuse_and_added_by_update(connected: Emulator) -> None:
    created = run(CreateTargetSchemaOperator)
    more = FIELDS | {"product.type": "string"}
    with pytest.raises(AirflowFailException, match=r"field group 'products - fields'.*product\.type"):
        run(CreateTargetSchemaOperator, fields=more)
    updated = run(CreateTargetSchemaOperator, fields=more, if_exists="update")
    assert (updated["id"], updated["created"], updated["field_group_created"]) == (created["id"], False, False)
    (patch,) = connected.requests(method="PATCH")
    path = "/definitions/customFields/properties/_emulator/properties/product/properties/type"
    assert patch["body"] == [{"op": "add", "path": path, "value": {"type": "string"}}]


def test_a_field_of_another_type_is_never_changed(connected: Emulator) -> None:
    run(CreateTargetSchemaOperator)
    with pytest.raises(
        AirflowFailException, match=r"fields\.product\.name \(type\): desired 'integer', actual 'string'"
    ):
        run(CreateTargetSchemaOperator, fields=FIELDS | {"product.name": "integer"}, if_exists="update")
    assert connected.requests(method="PATCH") == []


def test_fail_adopts_no_schema_that_existed_before(connected: Emulator) -> None:
    run(CreateTargetSchemaOperator, fields=None)
    with pytest.raises(AirflowFailException, match=r"schema 'products' exists already .*if_exists='fail'"):
        run(CreateTargetSchemaOperator, fields=None, if_exists="fail")


def test_an_ad_hoc_schema_has_a_class_of_its_own(connected: Emulator) -> None:
    fields = {"Product_Id": "string", "Create_Time": "date-time"}
    first, second = (run(CreateAdHocSchemaOperator, fields=fields, description="d") for _ in range(2))
    assert connected.posted("/classes") == [
        {
            "type": "object",
            "title": "products - adhoc - class",
            "description": "d",
            "allOf": [
                {"$ref": f"{XDM}/data/adhoc"},
                {
                    "properties": {
                        "_adhoc": {
                            "type": "object",
                            "properties": {
                                "Product_Id": {"type": "string"},
                                "Create_Time": {"type": "string", "format": "date-time"},
                            },
                        }
                    }
                },
            ],
        }
    ]
    assert connected.posted("/schemas") == [
        {"type": "object", "title": "products - adhoc", "description": "d", "allOf": [{"$ref": first["class_id"]}]}
    ]
    assert (first["created"], first["class_created"]) == (True, True)
    assert second == first | {"created": False, "class_created": False}


@pytest.mark.parametrize(
    ("operator", "collection"),
    [(CreateTargetSchemaOperator, "fieldgroups"), (CreateAdHocSchemaOperator, "classes")],
    ids=["field group", "class"],
)
def test_a_created_half_is_reported_if_the_schema_is_refused(
    emulator: Emulator,
    proxy: FaultProxy,
    connect: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    operator: type[Any],
    collection: str,
) -> None:
    connect(proxy.url)
    proxy.fault("POST", "/tenant/schemas", status=403)
    task = TaskInstance()
    with pytest.raises(AirflowFailException, match="403"):
        build(operator).execute(context(task))
    (half,) = emulator.objects(collection)
    assert half["$id"] in capsys.readouterr().out
    assert half["$id"] in map(str, task.pushed.values())


def test_a_second_try_adopts_the_half_of_the_first(
    emulator: Emulator, proxy: FaultProxy, connect: Callable[..., None]
) -> None:
    connect(proxy.url)
    proxy.fault("POST", "/tenant/schemas", status=403)
    with pytest.raises(AirflowFailException):
        run(CreateTargetSchemaOperator)
    created = build(CreateTargetSchemaOperator).execute(context(TaskInstance(try_number=2)))
    assert (created["created"], created["field_group_created"]) == (True, False)
    assert len(emulator.objects("fieldgroups")) == 1


def test_the_own_field_group_has_the_given_title(connected: Emulator) -> None:
    created = run(CreateTargetSchemaOperator, field_group="shared fields")
    (group,) = connected.objects("fieldgroups")
    assert (group["title"], group["$id"]) == ("shared fields", created["field_group_id"])
    with pytest.raises(AirflowFailException, match="field_group='products' is not allowed: another title than"):
        run(CreateTargetSchemaOperator, field_group="products")


def test_a_further_field_group_is_found_by_its_title(connected: Emulator) -> None:
    group = run(CreateTargetSchemaOperator, field_group="shop details")["field_group_id"]
    run(CreateTargetSchemaOperator, name="other", fields={"note": "string"}, field_groups=["shop details"])
    *_, schema = connected.posted("/schemas")
    assert [entry["$ref"] for entry in schema["allOf"]][1] == group
    with pytest.raises(
        AirflowFailException, match=r"no field group of this title or \$id; did you mean 'shop details'"
    ):
        run(CreateTargetSchemaOperator, name="third", field_groups=["shop detail"])
    assert len(connected.objects("schemas")) == 2
