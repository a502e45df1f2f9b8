"""The vendors' sample data: numbers of rows, and numbers and consequences of flaws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_payments.emulator.samples import paypal, square, stripe
from tests.emulator.client import (
    FLOW,
    PAYPAL,
    PAYPAL_SPEC,
    REST_FLOW_SPEC,
    SQUARE_SPEC,
    STRIPE_SPEC,
    Client,
    sent,
)

START = 1_760_000_000.0
VENDORS = {"paypal": paypal.tables, "square": square.tables, "stripe": stripe.tables}
TABLES = {vendor: {table.path: table for table in make(START)} for vendor, make in VENDORS.items()}
ALL = [(vendor, path) for vendor, tables in TABLES.items() for path in tables]
# The number of rows at the start, and of flawed rows by kind.
KNOWN: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "PayPal.Billing_Plans": (150, {}),
    "PayPal.Billing_Plans_Payment_Definition": (150, {}),
    "PayPal.Billing_Plans_Payment_Definition_Charge_Models": (150, {}),
    "PayPal.Catalog_Products": (1200, {"missing_value": 3, "no_time": 2, "duplicate_id": 2, "odd_text": 3}),
    "PayPal.Customers": (600, {}),
    "PayPal.Transactions": (
        2400,
        {
            "missing_value": 2,
            "no_number": 4,
            "no_time": 2,
            "unknown_code": 3,
            "too_long": 2,
            "unparsable_row": 3,
            "duplicate_id": 2,
            "no_moment": 2,
            "odd_text": 3,
        },
    ),
    "PayPal.Refunds": (
        240,
        {"missing_value": 1, "no_number": 2, "no_time": 1, "unknown_code": 1, "unparsable_row": 1},
    ),
    "PayPal.Disputes": (60, {}),
    "PayPal.Payouts": (900, {}),
    "Square.Customers": (400, {}),
    "Square.Payments": (
        2000,
        {
            "missing_value": 2,
            "no_number": 3,
            "no_time": 2,
            "unknown_code": 3,
            "too_long": 2,
            "duplicate_id": 2,
            "no_moment": 2,
            "odd_text": 3,
        },
    ),
    "Square.Refunds": (200, {"missing_value": 1, "no_number": 2, "no_time": 1, "unknown_code": 1}),
    "Square.Catalog_Items": (120, {}),
    "charges": (
        1500,
        {
            "missing_value": 2,
            "no_number": 3,
            "no_time": 2,
            "unknown_code": 2,
            "too_long": 2,
            "duplicate_id": 2,
            "odd_text": 3,
        },
    ),
    "subscriptions": (200, {}),
    "refunds": (150, {"missing_value": 1, "no_number": 1, "unparsable_row": 1}),
    "balance_transactions": (
        1560,
        {
            "missing_value": 2,
            "no_number": 2,
            "no_time": 1,
            "unknown_code": 2,
            "unparsable_row": 3,
            "duplicate_id": 1,
        },
    ),
    "customers": (300, {}),
    "prices": (40, {}),
}
CODES = {
    "missing_value": "DCVS-1111-400",
    "no_number": "MAPPER-3700-400",
    "no_time": "MAPPER-3700-400",
    "unknown_code": "DCVS-1106-400",
    "too_long": "INGEST-1554-400",
    "unparsable_row": "INGEST-1401-400",
}
# The target field that refuses a flaw, by kind.
FIELDS = {
    "no_number": {"type": "number"},
    "no_time": {"type": "string", "format": "date-time"},
    "unknown_code": {"type": "string", "enum": ["USD", "EUR", "GBP", "CAD", "AUD", "usd", "eur", "gbp"]},
    "too_long": {"type": "string", "maxLength": 255},
    "odd_text": {"type": "string"},
}
FLAWED = [path for path, (_, flaws) in KNOWN.items() if flaws]


def samples(client: Client) -> dict[str, Any]:
    actual = client.control("GET", "samples")["samples"]
    return {path: table for tables in actual.values() for path, table in tables.items()}


def base_connection(client: Client, path: str) -> tuple[str, str]:
    """Return the ids of a base connection for a table and of its connection spec."""
    if path.startswith("PayPal."):
        return PAYPAL, PAYPAL_SPEC
    params = {"accessToken": "token"}
    spec = STRIPE_SPEC
    if path.startswith("Square."):
        params |= {"host": "h", "clientId": "c", "clientSecret": "s", "refreshToken": "r"}
        spec = SQUARE_SPEC
    auth = {"specName": "OAuth2 Refresh Code", "params": params}
    body = {"name": "account", "auth": auth, "connectionSpec": {"id": spec, "version": "1.0"}}
    return client.make(f"{FLOW}/connections", body)["id"], spec


def test_explore_lists_the_tables_of_the_samples(client: Client) -> None:
    actual = client.control("GET", "samples")["samples"]
    assert list(actual) == ["paypal", "square", "stripe"]
    for vendor, example in (("paypal", "PayPal.Refunds"), ("square", "Square.Refunds"), ("stripe", "refunds")):
        base, _ = base_connection(client, example)
        offered = client.get(f"{FLOW}/connections/{base}/explore", objectType="root")
        assert [table["path"] for table in offered] == list(actual[vendor])


def test_numbers_of_rows_and_flaws_are_the_expected_ones(client: Client) -> None:
    actual = samples(client)
    assert {path: table["rows"] for path, table in actual.items()} == {path: rows for path, (rows, _) in KNOWN.items()}
    for path, (_, flaws) in KNOWN.items():
        now = {kind: flaw["rows"] for kind, flaw in actual[path]["flaws"].items()}
        assert now == flaws, path
        for kind, flaw in actual[path]["flaws"].items():
            assert flaw["refusedAs"] == CODES.get(kind)


@pytest.mark.parametrize("path", FLAWED)
def test_a_dataflow_refuses_exactly_the_flawed_rows(client: Client, path: str) -> None:
    flaws = samples(client)[path]["flaws"]
    rest = not path.startswith(("PayPal.", "Square."))
    pairs, fields = [(flaws["missing_value"]["column"], "_id")], {}
    for kind in FIELDS.keys() & flaws.keys():
        column = flaws[kind]["column"]
        pairs.append((column, f"_emulator.product.{kind}"))
        # Stripe's times are numbers.
        fields[kind] = {"type": "integer"} if rest and kind == "no_time" else FIELDS[kind]
    base, spec = base_connection(client, path)
    source = client.source(
        baseConnectionId=base,
        data={"format": "json" if rest else "tabular"},
        params={"resourcePath" if rest else "tableName": path},
        connectionSpec={"id": spec, "version": "1.0"},
    )
    schema = client.schema("flawed", **fields)
    dataset = client.dataset(schema)
    body = sent(client.flow_body_of(source, schema, dataset, *pairs))
    body["transformations"] = body["transformations"][1:]
    body["scheduleParams"] = {"startTime": client.now() + 60, "frequency": "once"}
    if rest:
        body["flowSpec"]["id"] = REST_FLOW_SPEC
    flow = client.flow(body)["id"]
    client.advance(62)
    (run,) = client.runs(flow)
    rows, known = KNOWN[path]
    expected: Counter[str] = Counter()
    for kind, count in known.items():
        if kind in CODES:
            expected[CODES[kind]] += count
    errors = run["activities"][1]["statusSummary"]["extensions"]["errors"]
    found: Counter[str] = Counter()
    for error in errors:
        found[error["code"]] += error.get("recordCount", 0)
    assert +found == expected
    summary = run["metrics"]["recordSummary"]
    assert summary["inputRecordCount"] == rows
    assert summary["failedRecordCount"] == expected.total()
    assert client.control("GET", f"datasets/{dataset}/rows")["count"] == rows - expected.total()


def test_only_the_first_run_ingests_rows_without_a_delta_time(client: Client) -> None:
    flow = client.flow(transactions_flow(client))["id"]
    client.advance(60 + 1800 + 2)
    first, second = client.runs(flow)
    # They include two rows without a delta time and three that could not be parsed.
    assert first["metrics"]["recordSummary"]["inputRecordCount"] == 2400
    assert second["metrics"]["recordSummary"]["inputRecordCount"] == 2


def transactions_flow(client: Client) -> dict[str, Any]:
    schema = client.schema("transactions", amount={"type": "string"})
    dataset = client.dataset(schema)
    source = client.source(params={"tableName": "PayPal.Transactions"})
    return client.flow_body_of(source, schema, dataset, ("Transaction_Id", "_id"))


def test_a_schedule_never_ingests_rows_that_arrive_late(client: Client) -> None:
    (payouts,) = (table for table in paypal.tables(client.now()) if table.path == "PayPal.Payouts")
    schema = client.schema("payouts", amount={"type": "string"})
    body = client.flow_body_of(
        client.source(params={"tableName": payouts.path}), schema, client.dataset(schema), ("Payout_Item_Id", "_id")
    )
    client.flow(body)
    first = client.now() + 60
    client.advance(60 + 12 * 3600 + 2)
    arrived = payouts.rows[: payouts.count(client.now())]
    # The first run reads all past rows, each later run half an hour; late rows are late by an hour or more.
    read = [
        row["Payout_Item_Id"]
        for row, created in zip(arrived, payouts.created, strict=False)
        if created <= first or created == datetime.fromisoformat(row["Create_Time"]).timestamp()
    ]
    ingested = client.control("GET", f"datasets/{body['_dataset']}/rows", params={"limit": 5000})["rows"]
    assert [row["_id"] for row in ingested] == read
    assert KNOWN[payouts.path][0] < len(read) < len(arrived)


def test_sources_grow_with_the_clock(client: Client) -> None:
    before = samples(client)
    client.advance(3600 + 1)
    after = samples(client)
    for path in ("PayPal.Catalog_Products", "PayPal.Transactions", "Square.Payments", "charges"):
        assert after[path]["rows"] == before[path]["rows"] + 4
        assert after[path]["rowsInAll"] == before[path]["rowsInAll"] > 2 * 1400
    client.advance(40 * 86400)
    client.sign_in()
    later = samples(client)
    for path in ("PayPal.Refunds", "PayPal.Disputes", "PayPal.Customers", "Square.Refunds", "refunds", "customers"):
        assert later[path]["rows"] > before[path]["rows"]
    # Future rows have flaws too.
    assert later["PayPal.Transactions"]["flaws"]["missing_value"]["rows"] == 3
