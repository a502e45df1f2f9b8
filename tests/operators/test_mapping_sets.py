"""Mapping sets: forms of mappings, dialects, and lookups by content."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.conftest import Emulator
from tests.operators.chain import COLUMNS, MAPPINGS, run

FULL = "application/vnd.adobe.xed-full+json;version=1"
SENT = [
    {"sourceType": "ATTRIBUTE", "source": "Product_Id", "destination": "_id"},
    {"sourceType": "ATTRIBUTE", "source": "Product_Name", "destination": "_emulator.product.name"},
    {"sourceType": "ATTRIBUTE", "source": "Create_Time", "destination": "_emulator.product.createTime"},
]


@pytest.fixture
def schema(connected: Emulator) -> str:
    return str(run(CreateTargetSchemaOperator)["id"])


def create(schema: str, **changes: Any) -> dict[str, Any]:
    return run(CreateMappingSetOperator, schema_id=schema, **changes)


def test_a_mapping_set_is_created_once_with_the_tenants_namespace_filled_in(connected: Emulator, schema: str) -> None:
    first, second = create(schema), create(schema)
    assert connected.posted("/mappingSets") == [
        {
            "name": "products - mapping",
            "outputSchema": {"schemaRef": {"id": schema, "contentType": FULL}},
            "mappings": SENT,
        }
    ]
    (created,) = connected.objects("mappingSets")
    assert first == {
        "id": created["id"],
        "name": "products - mapping",
        "created": True,
        "duplicates": [],
        "version": 0,
    }
    assert second == first | {"created": False}


@pytest.mark.parametrize("constant", ["None", "null", "", " ", "2026_11"])
def test_a_constant_is_sent_unchanged(connected: Emulator, schema: str, constant: str) -> None:
    mapping = {"source": constant, "destination": "_{TENANT_ID}.product.name", "source_type": "STATIC"}
    created = create(schema, mappings=[mapping])
    assert create(schema, mappings=json.dumps([mapping])) == created | {"created": False}
    (body,) = connected.posted("/mappingSets")
    assert body["mappings"] == [{"sourceType": "STATIC", "source": constant, "destination": "_emulator.product.name"}]


def test_a_column_may_have_the_name_none(connected: Emulator, schema: str) -> None:
    create(schema, mappings={"_{TENANT_ID}.product.name": "None"}, source_columns=["Gross", "None"])
    (body,) = connected.posted("/mappingSets")
    assert [mapping["source"] for mapping in body["mappings"]] == ["None"]


@pytest.mark.parametrize("tenant", ["emulator", "_emulator"])
def test_a_given_tenant_id_is_not_requested(connected: Emulator, schema: str, tenant: str) -> None:
    before = len(connected.requests(path="/data/foundation/schemaregistry/stats"))
    create(schema, tenant_id=tenant)
    (body,) = connected.posted("/mappingSets")
    assert body["mappings"] == SENT
    assert len(connected.requests(path="/data/foundation/schemaregistry/stats")) == before


@pytest.mark.parametrize(
    "mappings",
    [
        [{"source": source, "destination": destination} for destination, source in MAPPINGS.items()],
        [{"sourceAttribute": source, "destinationXdmPath": to, "identity": False} for to, source in MAPPINGS.items()],
        json.dumps(MAPPINGS),
        json.dumps([{"source": source, "destination": to} for to, source in reversed(MAPPINGS.items())]),
    ],
    ids=["objects", "names of the legacy dialect", "JSON text", "another order"],
)
def test_every_form_of_the_same_mappings_finds_the_same_mapping_set(
    connected: Emulator, schema: str, mappings: Any
) -> None:
    created = create(schema)
    assert create(schema, mappings=mappings, source_columns=COLUMNS) == created | {"created": False}


def test_expressions_and_static_values_are_sent_with_their_type(connected: Emulator, schema: str) -> None:
    mappings = [
        {"source": 'concat(Product_Name, "!")', "destination": "_emulator.product.name", "source_type": "EXPRESSION"},
        {"source": "p-1", "destination": "_id", "sourceType": "STATIC"},
    ]
    create(schema, mappings=mappings, source_columns=["Product_Name"])
    (body,) = connected.posted("/mappingSets")
    assert [mapping["sourceType"] for mapping in body["mappings"]] == ["EXPRESSION", "STATIC"]


def test_the_legacy_dialect_is_sent_as_in_the_tutorials(connected: Emulator, schema: str) -> None:
    assert create(schema, dialect="legacy")["created"]
    assert connected.posted("/mappingSets") == [
        {
            "version": 0,
            "xdmSchema": schema,
            "xdmVersion": "1.0",
            "id": None,
            "mappings": [
                {
                    "destinationXdmPath": mapping["destination"],
                    "sourceAttribute": mapping["source"],
                    "identity": False,
                    "identityGroup": None,
                    "namespaceCode": None,
                    "version": 0,
                }
                for mapping in SENT
            ],
        }
    ]


def test_a_mapping_set_of_the_legacy_dialect_is_found_again(connected: Emulator, schema: str) -> None:
    created = create(schema, dialect="legacy")
    assert create(schema, dialect="legacy") == created | {"created": False}


def test_a_changed_mapping_is_a_new_mapping_set(connected: Emulator, schema: str) -> None:
    first, second = create(schema), create(schema, mappings={"_id": "Product_Id"})
    assert (first["created"], second["created"]) == (True, True)
    assert first["id"] != second["id"]


def test_an_unknown_destination_is_refused_before_the_creation(connected: Emulator, schema: str) -> None:
    with pytest.raises(AirflowFailException, match=r"_emulator\.product\.price.*Data Prep refuses it"):
        create(schema, mappings=MAPPINGS | {"_emulator.product.price": "Price"})
    assert connected.posted("/mappingSets") == []
    assert len(connected.posted("/mappingSets/validate")) == 1
