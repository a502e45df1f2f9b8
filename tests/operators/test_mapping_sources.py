"""Sources of mappings are checked against the source's known attributes before the mapping set is created."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import run

NO_TABLE: dict[str, Any] = {"table": None, "columns": None}
EXPLORED = {"path": "/data/foundation/flowservice/connections", "method": "GET"}
#: Attributes of a charge, below ``data``, that Adobe's Stripe tutorial maps to fields of the same path -> their types.
TUTORIAL: dict[str, str] = {
    **dict.fromkeys(("id", "object", "status", "customer", "currency", "payment_intent", "payment_method"), "string"),
    **dict.fromkeys(("receipt_url", "calculated_statement_descriptor", "balance_transaction"), "string"),
    **dict.fromkeys(("amount", "amount_captured", "amount_refunded", "created"), "integer"),
    **dict.fromkeys(("refunded", "disputed", "livemode", "captured", "paid"), "boolean"),
    "outcome": "object",
    "payment_method_details": "object",
    **{
        f"payment_method_details.card.{name}": kind
        for name, kind in {
            **dict.fromkeys(("last4", "fingerprint", "funding", "country", "network", "brand"), "string"),
            **dict.fromkeys(("exp_month", "exp_year", "amount_authorized"), "integer"),
            "network_token.used": "boolean",
            "extended_authorization.status": "string",
            "incremental_authorization.status": "string",
            "multicapture.status": "string",
            "overcapture.status": "string",
            "overcapture.maximum_amount_capturable": "integer",
        }.items()
    },
}


@pytest.fixture
def stripe(connected: Emulator, connect_vendor: Callable[..., None]) -> str:
    """Id of a base connection to Stripe."""
    connect_vendor(password="sk_test_4eC39HqLyjWDarjtT1zdp7dc")
    return str(run(CreateBaseConnectionOperator, name="stripe", source="stripe")["id"])


def charges(base: str, resource: str = "charges") -> dict[str, Any]:
    return run(
        CreateSourceConnectionOperator,
        name=resource,
        source="stripe",
        base_connection_id=base,
        resource_path=resource,
        **NO_TABLE,
    )


def target_schema(**fields: Any) -> str:
    return str(run(CreateTargetSchemaOperator, fields=fields or {"charge.text": "string"})["id"])


def mapped(source: str, columns: list[str] | None, **how: Any) -> dict[str, Any]:
    line = {"source": source, "destination": "_{TENANT_ID}.charge.text", **how}
    return run(CreateMappingSetOperator, schema_id=target_schema(), mappings=[line], source_columns=columns)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "mappings.source=" in record.getMessage()]


def test_a_rest_resource_returns_its_attributes_created_or_adopted(connected: Emulator, stripe: str) -> None:
    first, second = charges(stripe), charges(stripe)
    assert (first["created"], second["created"]) == (True, False)
    assert first["columns"] == second["columns"]
    assert first["columns"][0] == "data"
    assert {"data.id", "data.outcome", "data.payment_method_details.card.last4"} < set(first["columns"])
    (item,) = connected.objects("sourceConnections")
    assert item["params"] == {"resourcePath": "charges"}


def test_attributes_inside_arrays_are_paths_too(stripe: str) -> None:
    assert "data.fee_details[*].amount" in charges(stripe, "balance_transactions")["columns"]


@pytest.mark.parametrize(
    ("status", "answer"),
    [(403, {"title": "Forbidden"}), (200, {}), (200, {"schema": {"properties": {"data": {}}}})],
    ids=["refused", "empty", "no rows yet"],
)
def test_a_resource_that_cannot_be_explored_is_created_without_attributes(
    stripe: str, proxy: FaultProxy, connect: Callable[..., None], status: int, answer: dict[str, Any]
) -> None:
    connect(proxy.url)
    proxy.fault("GET", "/explore", status=status, body=json.dumps(answer).encode())
    created = charges(stripe)
    assert (created["created"], created.get("columns")) == (True, None)
    assert mapped("data.id", created.get("columns"))["created"]


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("id", "data.id"),
        ("payment_method_details.card.brand", "data.payment_method_details.card.brand"),
        ("data.amuont", "data.amount"),
        ("data.receiptUrl", "data.receipt_url"),
        ("data.payment_method_details.card.lst4", "data.payment_method_details.card.last4"),
    ],
)
@pytest.mark.parametrize("form", ["{}", 'concat({}, "!")', "${{{}}}"], ids=["attribute", "expression", "wrapped"])
def test_a_misspelt_source_is_refused_before_the_creation(
    connected: Emulator, stripe: str, source: str, meant: str, form: str
) -> None:
    columns = charges(stripe)["columns"]
    kind = "ATTRIBUTE" if form == "{}" else "EXPRESSION"
    with pytest.raises(AirflowFailException) as refusal:
        mapped(form.format(source), columns, source_type=kind)
    message = str(refusal.value)
    assert message.startswith(f"mappings.source={form.format(source)!r} is not allowed: did you mean {meant}?")
    assert connected.posted("/mappingSets") == connected.posted("/mappingSets/validate") == []


def test_an_attribute_that_explore_does_not_list_is_a_warning(
    connected: Emulator, stripe: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert mapped("data.level3.last4", charges(stripe)["columns"])["created"]
    nearest = "(nearest: data.payment_method_details.card.last4)"
    message = f"mappings.source='data.level3.last4': explore lists no attribute 'data.level3.last4' {nearest}"
    assert warned(caplog) == [message]
    assert len(connected.posted("/mappingSets")) == 1


@pytest.mark.parametrize(
    "mapping",
    [
        {"source": "now()", "source_type": "EXPRESSION"},
        {"source": '"idd"', "source_type": "EXPRESSION"},
        {"source": "is_set(data.amuont)", "source_type": "EXPRESSION"},
        {"source": "iif(data.paid, data.id, null)", "source_type": "EXPRESSION"},
        {"source": "amuont", "source_type": "STATIC"},
    ],
    ids=lambda mapping: str(mapping["source"]),
)
def test_constants_functions_and_known_attributes_pass_without_a_warning(
    stripe: str, caplog: pytest.LogCaptureFixture, mapping: dict[str, Any]
) -> None:
    assert mapped(columns=charges(stripe)["columns"], **mapping)["created"]
    assert warned(caplog) == []


def test_an_existing_mapping_set_is_adopted_without_a_check_of_sources(
    stripe: str, caplog: pytest.LogCaptureFixture
) -> None:
    columns = charges(stripe)["columns"]
    created = mapped("data.disputed", columns)
    today = [path.replace("disputed", "dispute") for path in columns]
    assert mapped("data.disputed", today) == created | {"created": False}
    assert warned(caplog) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("Product_Nam", "did you mean Product_Name? It must be one of the source's columns: Product_Name, First.Name"),
        ("Currency", "is not allowed: one of the source's columns: Product_Name, First.Name"),
        ("First", "one of the source's columns: Product_Name, First.Name"),
    ],
)
def test_a_column_that_the_table_lacks_is_refused(connected: Emulator, source: str, message: str) -> None:
    with pytest.raises(AirflowFailException) as refusal:
        mapped(source, ["Product_Name", "First.Name"])
    assert message in str(refusal.value)
    assert connected.posted("/mappingSets") == []


@pytest.mark.parametrize("source", ["First.Name", "First\\.Name", "${First\\.Name}", "${Last Name}"])
def test_a_column_with_special_characters_may_be_wrapped_or_escaped(connected: Emulator, source: str) -> None:
    assert mapped(source, ["First.Name", "Last Name"])["created"]
    (body,) = connected.posted("/mappingSets")
    assert body["mappings"][0]["source"] == source


def test_a_wrapped_column_ingests_its_values(connected: Emulator) -> None:
    source, schema = run(CreateSourceConnectionOperator), target_schema()
    mapping = mapped("${Product_Name}", source["columns"])
    dataset = run(CreateTargetDatasetOperator, schema_id=schema)["id"]
    run(
        CreateDataflowOperator,
        source_connection_id=source["id"],
        target_connection_id=run(CreateTargetConnectionOperator, dataset_id=dataset, schema_id=schema)["id"],
        flow_spec=run(FindFlowSpecOperator),
        mapping_set_id=mapping["id"],
        mapping_set_version=mapping["version"],
    )
    connected.advance(600)
    rows = connected.rows(dataset)["rows"]
    assert rows
    assert all(row["_emulator"]["charge"]["text"] for row in rows)


def test_an_unknown_column_in_an_expression_is_a_warning_or_refused(
    caplog: pytest.LogCaptureFixture, connected: Emulator
) -> None:
    columns = ["Amount", "First.Name"]
    assert mapped("concat(${First\\.Name}, Currency)", columns, source_type="EXPRESSION")["created"]
    assert warned(caplog) == [
        "mappings.source='concat(${First\\\\.Name}, Currency)': explore lists no attribute 'Currency'"
    ]
    with pytest.raises(AirflowFailException, match=r"did you mean Amount\?"):
        mapped("Amonut / 100", columns, source_type="EXPRESSION")


def test_adobes_stripe_tutorial_ingests_every_mapped_attribute(connected: Emulator, stripe: str) -> None:
    source = charges(stripe)
    # The tutorial also maps whole objects, whose members the schema does not name.
    anything = {"type": "object", "properties": {"type": {"type": "string"}}, "additionalProperties": {}}
    fields = {f"charges_data.{path}": anything if kind == "object" else kind for path, kind in TUTORIAL.items()}
    card = {path: fields.pop(path) for path in list(fields) if path.startswith("charges_data.payment_method_details")}
    fields["charges_data.payment_method_details"] = nested(card, "charges_data.payment_method_details")
    schema = target_schema(**fields)
    dataset = run(CreateTargetDatasetOperator, schema_id=schema)["id"]
    lines = [
        {
            "destinationXdmPath": f"_{{TENANT_ID}}.charges_data.{path}",
            "sourceAttribute": f"data.{path}",
            "identity": False,
            "version": 0,
        }
        for path in TUTORIAL
    ]
    mapping = run(
        CreateMappingSetOperator,
        schema_id=schema,
        mappings=lines,
        dialect="legacy",
        source_columns=source["columns"],
    )
    run(
        CreateDataflowOperator,
        source_connection_id=source["id"],
        target_connection_id=run(CreateTargetConnectionOperator, dataset_id=dataset, schema_id=schema)["id"],
        flow_spec=run(FindFlowSpecOperator, source="stripe"),
        mapping_set_id=mapping["id"],
        mapping_set_version=mapping["version"],
        source_columns=source["columns"],
        delta_column=None,
        partial_ingestion_percent=5,  # three amounts and two times are malformed
    )
    connected.advance(600)
    (ended,) = connected.objects("runs")
    counts = ended["metrics"]["recordSummary"]
    assert (counts["inputRecordCount"], counts["failedRecordCount"]) == (1500, 5)
    landed = [row["_emulator"]["charges_data"] for row in connected.rows(dataset)["rows"]]
    paid = next(row for row in landed if row["paid"])
    assert [path for path in TUTORIAL if at(paid, path) is None] == []
    assert at(paid, "payment_method_details.card.amount_authorized") == paid["amount"]


def nested(fields: dict[str, Any], root: str) -> dict[str, Any]:
    """Return the JSON schema of an object, from its fields by path."""
    whole: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": {}}
    for path, kind in fields.items():
        if path != root:
            *steps, last = path.removeprefix(f"{root}.").split(".")
            node = whole
            for step in steps:
                node = node["properties"].setdefault(step, {**whole, "properties": {}})
            node["properties"][last] = {"type": kind}
    return whole


def at(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = (row or {}).get(step)
    return row
