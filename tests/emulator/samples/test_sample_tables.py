"""The vendors' tables: reproducible, ordered by time, and consistent with each other."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import jsonschema
import pytest

from airflow_provider_payments.emulator.samples import paypal
from airflow_provider_payments.emulator.samples.flaws import CORRUPT, DUPLICATE, UNPARSABLE
from airflow_provider_payments.emulator.samples.tables import Table
from tests.emulator.samples.test_samples import ALL, START, TABLES


def test_another_process_builds_identical_tables() -> None:
    script = (
        "import hashlib, json\n"
        "from airflow_provider_payments.emulator.samples import paypal, square, stripe\n"
        "for vendor in (paypal, square, stripe):\n"
        "    built = [[table.path, table.created, list(table.rows)] for table in vendor.tables(1760000000.0)]\n"
        "    print(hashlib.sha256(json.dumps(built).encode()).hexdigest())\n"
    )
    here = [
        hashlib.sha256(
            json.dumps([[table.path, table.created, list(table.rows)] for table in tables.values()]).encode()
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


def test_another_start_shifts_the_times_and_changes_nothing_else() -> None:
    later = {table.path: table for table in paypal.tables(START + 86400)}
    for path, table in TABLES["paypal"].items():
        assert [at - 86400 for at in later[path].created] == list(table.created)
        times = [column.name for column in table.columns if column.format]
        for old, new in zip(table.rows, later[path].rows, strict=True):
            if CORRUPT not in old:
                assert {**old, **dict.fromkeys(times)} == {**new, **dict.fromkeys(times)}


@pytest.mark.parametrize(("vendor", "path"), ALL)
def test_rows_are_ordered_and_flaws_are_distinct(vendor: str, path: str) -> None:
    table = TABLES[vendor][path]
    assert list(table.created) == sorted(table.created)
    assert len(table.rows) == len(table.created)
    # The number of rows that a first run ingests does not depend on the speed of the client.
    assert table.count(START - 3600) == table.count(START + 899)
    places = [place for flaw in table.flaws for place in flaw.places]
    assert len(places) == len(set(places))
    # The first hundred rows, which previews return and schemas are built from, have no flaw.
    assert min(places, default=100) >= 100
    ids = [identity(row) for row in table.good_rows]
    assert len(set(ids)) == len(ids)


def identity(row: Mapping[str, Any]) -> str:
    return str(row["data"]["id"] if "data" in row else next(iter(row.values())))


@pytest.mark.parametrize(("vendor", "path"), ALL)
def test_every_good_row_is_valid_for_the_schema_of_explore(vendor: str, path: str) -> None:
    table = TABLES[vendor][path]
    schema = nullable(
        table.tree or {"type": "object", "properties": {c.name: c.to_wire()["xdm"] for c in table.columns}}
    )
    validator = jsonschema.Draft7Validator(schema, format_checker=FORMATS)
    for row in table.good_rows:
        assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(row)] == []


FORMATS = jsonschema.FormatChecker(())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: Any) -> bool:
    return value is None or isinstance(datetime.fromisoformat(value), datetime)


@FORMATS.checks("date", raises=ValueError)
def is_day(value: Any) -> bool:
    return value is None or isinstance(date.fromisoformat(value), date)


def nullable(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of explore with two rules added: any attribute may be null, and no other attribute exists."""
    result = dict(node)
    if "type" in node:
        result["type"] = [node["type"], "null"]
    if "properties" in node:
        result["properties"] = {name: nullable(child) for name, child in node["properties"].items()}
        result |= {"additionalProperties": False, "required": list(node["properties"])}
    if "items" in node:
        result["items"] = nullable(node["items"])
    return result


@pytest.mark.parametrize(("vendor", "path"), ALL)
def test_an_attribute_without_a_type_is_null_in_every_row(vendor: str, path: str) -> None:
    table = TABLES[vendor][path]
    nulls = [where for where, node in leaves(table.tree or {}) if node == {}]
    assert bool(nulls) == (vendor == "stripe")
    for row in table.good_rows:
        assert [where for where in nulls if value_at(row, where) is not None] == []


def leaves(node: Mapping[str, Any], where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in node.get("properties", {}).items():
        if "properties" in child:
            yield from leaves(child, (*where, name))
        else:
            yield (*where, name), child


def value_at(row: Any, where: tuple[str, ...]) -> Any:
    for step in where:
        row = (row or {}).get(step)
    return row


def by_id(table: Table) -> dict[str, tuple[float, Mapping[str, Any]]]:
    """Return the creation time and the row of each id, without duplicates and unparsable rows."""
    flawed = {place for flaw in table.flaws if flaw.kind in (DUPLICATE, UNPARSABLE) for place in flaw.places}
    rows = enumerate(zip(table.created, table.rows, strict=True))
    return {identity(row): (created_at, row) for place, (created_at, row) in rows if place not in flawed}


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
        ("paypal", "PayPal.Payouts", "PayPal.Customers", "Customer_Id", None),
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
def test_the_row_that_a_reference_names_exists_and_is_older(
    vendor: str, child: str, parent: str, reference: str, amounts: tuple[str, str] | None
) -> None:
    known, table = by_id(TABLES[vendor][parent]), TABLES[vendor][child]
    assert len(table.good_rows) > 0
    for created_at, row in zip(table.created, table.good_rows, strict=True):
        named_created_at, named = known[at(row, reference)]
        assert named_created_at <= created_at
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


def test_people_are_invented_and_the_same_in_all_tables() -> None:
    customers = {row["Customer_Id"]: row for row in TABLES["paypal"]["PayPal.Customers"].rows}
    for row in TABLES["paypal"]["PayPal.Transactions"].good_rows:
        customer = customers[row["Customer_Id"]]
        assert row["Payer_Email"] == customer["Email_Address"]
        assert row["Payer_Email"].rpartition("@")[2] in ("example.com", "example.net", "example.org")
    assert len({row["Email_Address"] for row in customers.values()}) == len(customers)


def test_most_payments_and_all_refunded_ones_have_succeeded() -> None:
    statuses = Counter(row["Transaction_Status"] for row in TABLES["paypal"]["PayPal.Transactions"].good_rows)
    assert statuses["S"] > 0.85 * statuses.total()
    assert set(statuses) == {"S", "P", "V", "D"}
    payments = by_id(TABLES["square"]["Square.Payments"])
    for row in TABLES["square"]["Square.Refunds"].good_rows:
        assert payments[row["Payment_Id"]][1]["Status"] == "COMPLETED"


def test_one_row_is_created_every_quarter_of_an_hour() -> None:
    for vendor, path in (("paypal", "PayPal.Transactions"), ("square", "Square.Payments"), ("stripe", "charges")):
        created_at = TABLES[vendor][path].created
        future = created_at[bisect_right(created_at, START) :]
        assert future[:3] == [START + 900, START + 1800, START + 2700]


def test_four_payouts_in_ten_are_created_hours_after_their_times() -> None:
    payouts = TABLES["paypal"]["PayPal.Payouts"]
    times = [datetime.fromisoformat(row["Create_Time"]) for row in payouts.rows]
    late = Counter(created_at - time.timestamp() for created_at, time in zip(payouts.created, times, strict=True))
    assert {seconds / 3600 for seconds in late} == {0, 1, 2, 4, 6}
    assert 0.35 < 1 - late[0] / late.total() < 0.45
    assert [row["Value_Date"] for row in payouts.rows] == [str(time.date()) for time in times]
