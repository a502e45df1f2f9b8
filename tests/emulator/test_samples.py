"""The vendors' sample data: how much there is, what refers to what, what is wrong with it; and it never differs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_payments.emulator.samples import paypal, square, stripe
from airflow_provider_payments.emulator.samples.flaws import CORRUPT, DUPLICATE, UNPARSABLE
from airflow_provider_payments.emulator.samples.tables import Table
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
# Rows at the start, and the flaws among them.
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
    "missing_value": "INGEST-1555-400",
    "no_number": "MAPPER-3700-400",
    "no_time": "MAPPER-3700-400",
    "unknown_code": "INGEST-1401-400",
    "too_long": "INGEST-1401-400",
    "unparsable_row": "INGEST-1401-400",
}
# What a target field must be for a flaw of a kind to matter.
FIELDS = {
    "no_number": {"type": "number"},
    "no_time": {"type": "string", "format": "date-time"},
    "unknown_code": {"type": "string", "enum": ["USD", "EUR", "GBP", "CAD", "AUD", "usd", "eur", "gbp"]},
    "too_long": {"type": "string", "maxLength": 255},
    "odd_text": {"type": "string"},
}
FLAWED = [path for path, (_, flaws) in KNOWN.items() if flaws]


def samples(client: Client) -> dict[str, Any]:
    shown = client.control("GET", "samples")["samples"]
    return {path: table for tables in shown.values() for path, table in tables.items()}


def base_connection(client: Client, path: str) -> tuple[str, str]:
    """A base connection for a table, and its connection spec."""
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


def test_explore_offers_what_the_samples_hold(client: Client) -> None:
    shown = client.control("GET", "samples")["samples"]
    assert list(shown) == ["paypal", "square", "stripe"]
    for vendor, example in (("paypal", "PayPal.Refunds"), ("square", "Square.Refunds"), ("stripe", "refunds")):
        base, _ = base_connection(client, example)
        offered = client.get(f"{FLOW}/connections/{base}/explore", objectType="root")
        assert [table["path"] for table in offered] == list(shown[vendor])


def test_rows_and_flaws_are_the_known_ones(client: Client) -> None:
    shown = samples(client)
    assert {path: table["rows"] for path, table in shown.items()} == {path: rows for path, (rows, _) in KNOWN.items()}
    for path, (_, flaws) in KNOWN.items():
        now = {kind: flaw["rows"] for kind, flaw in shown[path]["flaws"].items()}
        assert now == flaws, path
        for kind, flaw in shown[path]["flaws"].items():
            assert flaw["refusedAs"] == CODES.get(kind)


@pytest.mark.parametrize("path", FLAWED)
def test_a_dataflow_refuses_the_flawed_rows_and_only_them(client: Client, path: str) -> None:
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


def test_rows_without_a_moment_come_with_the_first_run_only(client: Client) -> None:
    flow = client.flow(transactions_flow(client))["id"]
    client.advance(60 + 1800 + 2)
    first, second = client.runs(flow)
    # Two without a moment and three that could not be parsed are among them.
    assert first["metrics"]["recordSummary"]["inputRecordCount"] == 2400
    assert second["metrics"]["recordSummary"]["inputRecordCount"] == 2


def transactions_flow(client: Client) -> dict[str, Any]:
    schema = client.schema("transactions", amount={"type": "string"})
    dataset = client.dataset(schema)
    source = client.source(params={"tableName": "PayPal.Transactions"})
    return client.flow_body_of(source, schema, dataset, ("Transaction_Id", "_id"))


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
    # Flaws come with the future, too.
    assert later["PayPal.Transactions"]["flaws"]["missing_value"]["rows"] == 3


def test_another_process_makes_the_same() -> None:
    script = (
        "import hashlib, json\n"
        "from airflow_provider_payments.emulator.samples import paypal, square, stripe\n"
        "for vendor in (paypal, square, stripe):\n"
        "    made = [[table.path, table.born, list(table.rows)] for table in vendor.tables(1760000000.0)]\n"
        "    print(hashlib.sha256(json.dumps(made).encode()).hexdigest())\n"
    )
    here = [
        hashlib.sha256(
            json.dumps([[table.path, table.born, list(table.rows)] for table in tables.values()]).encode()
        ).hexdigest()
        for tables in TABLES.values()
    ]
    answer = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        timeout=60,
    )
    assert answer.stdout.split() == here


def test_another_start_moves_the_times_and_nothing_else() -> None:
    later = {table.path: table for table in paypal.tables(START + 86400)}
    for path, table in TABLES["paypal"].items():
        assert [at - 86400 for at in later[path].born] == list(table.born)
        times = [column.name for column in table.columns if column.format]
        for old, new in zip(table.rows, later[path].rows, strict=True):
            if CORRUPT not in old:
                assert {**old, **dict.fromkeys(times)} == {**new, **dict.fromkeys(times)}


def test_tables_are_made_fast() -> None:
    began = time.process_time()
    for make in VENDORS.values():
        for table in make(START + 7):
            assert table.rows
    assert time.process_time() - began < 1


@pytest.mark.parametrize(("vendor", "path"), ALL)
def test_a_table_is_in_order(vendor: str, path: str) -> None:
    table = TABLES[vendor][path]
    assert list(table.born) == sorted(table.born)
    assert len(table.rows) == len(table.born)
    # What a first run finds does not depend on how fast somebody is.
    assert table.count(START - 3600) == table.count(START + 899)
    places = [place for flaw in table.flaws for place in flaw.places]
    assert len(places) == len(set(places))
    # A preview shows the first hundred rows: all good, and they tell what the others look like.
    assert min(places, default=100) >= 100
    ids = [identity(row) for row in table.good_rows]
    assert len(set(ids)) == len(ids)


def identity(row: Mapping[str, Any]) -> str:
    return str(row["data"]["id"] if "data" in row else next(iter(row.values())))


@pytest.mark.parametrize(("vendor", "path"), ALL)
def test_rows_fit_what_explore_says_of_them(vendor: str, path: str) -> None:
    table = TABLES[vendor][path]
    if table.tree is None:
        for row in table.good_rows:
            assert list(row) == [column.name for column in table.columns]
            for column in table.columns:
                value = row[column.name]
                assert value is None or isinstance(value, int if column.type == "integer" else str)
                if column.format and value is not None:
                    datetime.fromisoformat(str(value))
        return
    for row in table.good_rows:
        assert list(misfits(row, table.tree, "")) == []


def misfits(value: Any, tree: Mapping[str, Any], where: str) -> Iterator[str]:
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    if value is None:
        return
    if not isinstance(value, kinds[tree["type"]]):
        yield f"{where}: {value!r}"
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from misfits(child, tree["properties"].get(name, {"type": "object"}), f"{where}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from misfits(child, tree["items"], where)


def by_id(table: Table) -> dict[str, tuple[float, Mapping[str, Any]]]:
    """Where an id leads: the rows as a client sees them, duplicates and unparsable ones left out."""
    flawed = {place for flaw in table.flaws if flaw.kind in (DUPLICATE, UNPARSABLE) for place in flaw.places}
    rows = enumerate(zip(table.born, table.rows, strict=True))
    return {identity(row): (born, row) for place, (born, row) in rows if place not in flawed}


@pytest.mark.parametrize(
    ("vendor", "child", "parent", "reference", "amounts"),
    [
        ("paypal", "PayPal.Refunds", "PayPal.Transactions", "Transaction_Id", ("Amount_Value", "Gross_Amount")),
        (
            "paypal",
            "PayPal.Disputes",
            "PayPal.Transactions",
            "Disputed_Transaction_Id",
            ("Dispute_Amount_Value", "Gross_Amount"),
        ),
        ("paypal", "PayPal.Transactions", "PayPal.Customers", "Customer_Id", None),
        ("paypal", "PayPal.Transactions", "PayPal.Catalog_Products", "Product_Id", None),
        ("paypal", "PayPal.Billing_Plans_Payment_Definition", "PayPal.Billing_Plans", "Plan_Id", None),
        (
            "paypal",
            "PayPal.Billing_Plans_Payment_Definition_Charge_Models",
            "PayPal.Billing_Plans_Payment_Definition",
            "Payment_Definition_Id",
            None,
        ),
        ("square", "Square.Refunds", "Square.Payments", "Payment_Id", ("Amount", "Amount")),
        ("square", "Square.Payments", "Square.Customers", "Customer_Id", None),
        ("square", "Square.Payments", "Square.Catalog_Items", "Catalog_Object_Id", None),
        ("stripe", "refunds", "charges", "data.charge", ("data.amount", "data.amount")),
        ("stripe", "charges", "customers", "data.customer", None),
        ("stripe", "subscriptions", "customers", "data.customer", None),
    ],
)
def test_what_a_row_names_exists_and_is_older(
    vendor: str, child: str, parent: str, reference: str, amounts: tuple[str, str] | None
) -> None:
    known, table = by_id(TABLES[vendor][parent]), TABLES[vendor][child]
    assert len(table.good_rows) > 0
    for born, row in zip(table.born, table.good_rows, strict=True):
        named_born, named = known[at(row, reference)]
        assert named_born <= born
        if amounts is not None:
            assert 0 < float(at(row, amounts[0])) <= float(at(named, amounts[1]))


def at(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = row[step]
    return row


def test_balance_transactions_settle_every_charge_and_refund() -> None:
    tables = TABLES["stripe"]
    settled = {at(row, "data.source"): at(row, "data") for row in tables["balance_transactions"].good_rows}
    for row in tables["charges"].good_rows:
        charge = row["data"]
        if charge["status"] != "succeeded":
            assert charge["id"] not in settled
            continue
        entry = settled.pop(charge["id"])
        assert (entry["id"], entry["amount"]) == (charge["balance_transaction"], charge["amount"])
        assert entry["net"] == entry["amount"] - entry["fee"]
    for row in tables["refunds"].good_rows:
        assert settled.pop(row["data"]["id"])["amount"] == -row["data"]["amount"]
    assert settled == {}


def test_people_are_made_up_and_stay_themselves() -> None:
    customers = {row["Customer_Id"]: row for row in TABLES["paypal"]["PayPal.Customers"].rows}
    for row in TABLES["paypal"]["PayPal.Transactions"].good_rows:
        customer = customers[row["Customer_Id"]]
        assert row["Payer_Email"] == customer["Email_Address"]
        assert row["Payer_Email"].rpartition("@")[2] in ("example.com", "example.net", "example.org")
    assert len({row["Email_Address"] for row in customers.values()}) == len(customers)


def test_most_payments_succeed_and_those_refunded_all_did() -> None:
    statuses = Counter(row["Transaction_Status"] for row in TABLES["paypal"]["PayPal.Transactions"].good_rows)
    assert statuses["S"] > 0.85 * statuses.total()
    assert set(statuses) == {"S", "P", "V", "D"}
    payments = by_id(TABLES["square"]["Square.Payments"])
    for row in TABLES["square"]["Square.Refunds"].good_rows:
        assert payments[row["Payment_Id"]][1]["Status"] == "COMPLETED"


def test_rows_come_into_being_one_each_quarter_of_an_hour() -> None:
    for vendor, path in (("paypal", "PayPal.Transactions"), ("square", "Square.Payments"), ("stripe", "charges")):
        born = TABLES[vendor][path].born
        future = born[bisect_right(born, START) :]
        assert future[:3] == [START + 900, START + 1800, START + 2700]
