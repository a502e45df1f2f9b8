"""The vendors' tables, compared with the documents of the vendors and Adobe: attributes, ids, codes, consistency."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.emulator.samples.test_sample_tables import at
from tests.emulator.samples.test_samples import ALL, START, TABLES

TOKEN, CODE = "[0-9A-Za-z]", "[0-9A-Z]"
# The form of every value, by table and path.
FORMS: Mapping[tuple[str, str], str] = {
    ("charges", "data.id"): f"ch_3{TOKEN}{{23}}",
    ("charges", "data.balance_transaction"): f"txn_3{TOKEN}{{23}}",
    ("charges", "data.customer"): f"cus_{TOKEN}{{14}}",
    ("charges", "data.payment_intent"): f"pi_3{TOKEN}{{23}}",
    ("charges", "data.payment_method"): f"pm_1{TOKEN}{{23}}",
    ("charges", "data.currency"): "usd|eur|gbp",
    ("charges", "data.status"): "succeeded|pending|failed",
    ("charges", "data.payment_method_details.card.brand"): "amex|mastercard|visa",
    ("charges", "data.payment_method_details.card.checks.cvc_check"): "pass|fail",
    ("charges", "data.payment_method_details.card.fingerprint"): f"{TOKEN}{{16}}",
    ("charges", "data.payment_method_details.card.funding"): "credit|debit",
    ("charges", "data.payment_method_details.card.last4"): r"\d{4}",
    ("charges", "data.payment_method_details.card.network"): "amex|mastercard|visa",
    ("subscriptions", "data.id"): f"sub_1{TOKEN}{{23}}",
    ("subscriptions", "data.latest_invoice"): f"in_1{TOKEN}{{23}}",
    ("subscriptions", "data.status"): "active|canceled|past_due|trialing",
    ("refunds", "data.id"): f"re_3{TOKEN}{{23}}",
    ("refunds", "data.destination_details.card.reference"): r"\d{12}",
    ("refunds", "data.reason"): "duplicate|fraudulent|requested_by_customer",
    ("refunds", "data.status"): "succeeded",
    ("balance_transactions", "data.id"): f"txn_3{TOKEN}{{23}}",
    ("balance_transactions", "data.source"): f"(ch|re)_3{TOKEN}{{23}}",
    ("balance_transactions", "data.status"): "available|pending",
    ("customers", "data.id"): f"cus_{TOKEN}{{14}}",
    ("customers", "data.invoice_prefix"): "[0-9A-F]{8}",
    ("customers", "data.invoice_settings.default_payment_method"): f"pm_1{TOKEN}{{23}}",
    ("prices", "data.id"): f"price_1{TOKEN}{{23}}",
    ("prices", "data.product"): f"prod_{TOKEN}{{14}}",
    ("prices", "data.recurring.interval"): "month|year",
    ("PayPal.Billing_Plans", "Id"): f"P-{CODE}{{24}}",
    ("PayPal.Billing_Plans", "Type"): "FIXED|INFINITE",
    ("PayPal.Billing_Plans", "State"): "ACTIVE|CREATED|INACTIVE",
    ("PayPal.Billing_Plans_Payment_Definition", "Id"): f"PD-{CODE}{{24}}",
    ("PayPal.Billing_Plans_Payment_Definition", "Type"): "REGULAR",
    ("PayPal.Billing_Plans_Payment_Definition", "Frequency"): "DAY|WEEK|MONTH|YEAR",
    ("PayPal.Billing_Plans_Payment_Definition", "Frequency_Interval"): r"[1-9]\d*",
    ("PayPal.Billing_Plans_Payment_Definition", "Amount_Value"): r"\d+\.\d\d",
    ("PayPal.Billing_Plans_Payment_Definition_Charge_Models", "Id"): f"CHM-{CODE}{{24}}",
    ("PayPal.Billing_Plans_Payment_Definition_Charge_Models", "Type"): "TAX|SHIPPING",
    ("PayPal.Catalog_Products", "Product_Id"): f"PROD-{CODE}{{17}}",
    ("PayPal.Catalog_Products", "Type"): "DIGITAL|PHYSICAL|SERVICE",
    ("PayPal.Customers", "Customer_Id"): f"{CODE}{{13}}",
    ("PayPal.Customers", "Country_Code"): "[A-Z]{2}",
    ("PayPal.Transactions", "Transaction_Id"): f"{CODE}{{17}}",
    ("PayPal.Transactions", "Transaction_Event_Code"): "T00(00|03|06)",
    ("PayPal.Transactions", "Transaction_Status"): "[DPSV]",
    ("PayPal.Transactions", "Gross_Amount"): r"\d+\.\d\d",
    ("PayPal.Transactions", "Fee_Amount"): r"-\d+\.\d\d",
    ("PayPal.Transactions", "Currency_Code"): "AUD|CAD|EUR|GBP|USD",
    ("PayPal.Refunds", "Refund_Id"): f"{CODE}{{17}}",
    ("PayPal.Refunds", "Status"): "COMPLETED|FAILED|PENDING",
    ("PayPal.Disputes", "Dispute_Id"): r"PP-D-\d{5}",
    ("PayPal.Disputes", "Reason"): "MERCHANDISE_OR_SERVICE_NOT_(RECEIVED|AS_DESCRIBED)|UNAUTHORISED",
    ("PayPal.Disputes", "Status"): "OPEN|RESOLVED|UNDER_REVIEW|WAITING_FOR_SELLER_RESPONSE",
    ("PayPal.Disputes", "Outcome"): "RESOLVED_(BUYER|SELLER)_FAVOUR",
    ("PayPal.Payouts", "Payout_Item_Id"): f"{CODE}{{13}}",
    ("PayPal.Payouts", "Payout_Batch_Id"): f"{CODE}{{13}}",
    ("PayPal.Payouts", "Transaction_Status"): "RETURNED|SUCCESS|UNCLAIMED",
    ("Square.Customers", "Id"): f"{CODE}{{26}}",
    ("Square.Payments", "Id"): f"{TOKEN}{{29}}",
    ("Square.Payments", "Location_Id"): f"L{CODE}{{12}}",
    ("Square.Payments", "Currency"): "CAD|EUR|USD",
    ("Square.Payments", "Status"): "APPROVED|CANCELED|COMPLETED|FAILED",
    ("Square.Payments", "Source_Type"): "CARD|CASH|WALLET",
    ("Square.Payments", "Created_At"): r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    ("Square.Refunds", "Id"): f"{TOKEN}{{29}}_{TOKEN}{{40}}",
    ("Square.Refunds", "Status"): "COMPLETED|PENDING|REJECTED",
    ("Square.Catalog_Items", "Id"): f"{CODE}{{24}}",
}
# The attributes that Adobe's page on the source prints for each object, below ``data``; charges have their own test.
ATTRIBUTES: Mapping[str, str] = {
    "subscriptions": (
        "id object application application_fee_percent automatic_tax billing_cycle_anchor billing_thresholds cancel_at "
        "cancel_at_period_end canceled_at cancellation_details collection_method created currency current_period_end "
        "current_period_start customer days_until_due default_payment_method default_source default_tax_rates "
        "description discount ended_at invoice_settings items latest_invoice livemode metadata "
        "next_pending_invoice_item_invoice on_behalf_of pause_collection payment_settings "
        "pending_invoice_item_interval pending_setup_intent pending_update quantity schedule start_date status "
        "test_clock transfer_data trial_end trial_settings trial_start"
    ),
    "refunds": (
        "id object amount balance_transaction charge created currency destination_details metadata payment_intent "
        "reason receipt_number source_transfer_reversal status transfer_reversal"
    ),
    "balance_transactions": (
        "id object amount available_on created currency description exchange_rate fee fee_details net "
        "reporting_category source status type"
    ),
    "customers": (
        "id object address balance created currency default_source delinquent description discount email "
        "invoice_prefix invoice_settings livemode metadata name next_invoice_sequence phone preferred_locales shipping "
        "tax_exempt test_clock"
    ),
    "prices": (
        "id object active billing_scheme created currency custom_unit_amount livemode lookup_key metadata nickname "
        "product recurring tax_behavior tiers_mode transform_quantity type unit_amount unit_amount_decimal"
    ),
}
ITEM = "id object billing_thresholds created metadata plan price quantity subscription tax_rates"
PLAN = (
    "id object active aggregate_usage amount amount_decimal billing_scheme created currency interval interval_count "
    "livemode metadata nickname product tiers_mode transform_usage trial_period_days usage_type"
)


def rows(path: str) -> Iterator[Any]:
    (table,) = (tables[path] for tables in TABLES.values() if path in tables)
    return iter(table.good_rows)


@pytest.mark.parametrize(("path", "column"), FORMS)
def test_ids_and_codes_have_the_vendors_forms(path: str, column: str) -> None:
    found = [value for value in (at(row, column) for row in rows(path)) if value is not None]
    form = re.compile(FORMS[path, column])
    assert found
    assert [value for value in found if not form.fullmatch(value)] == []


def test_every_column_with_an_id_has_a_form() -> None:
    first = {path: next(iter(tables[path].good_rows)) for _, tables in TABLES.items() for path in tables}
    named = {path: "data.id" if "data" in row else next(iter(row)) for path, row in first.items()}
    assert named.items() <= set(FORMS)
    assert len(named) == len(ALL)


@pytest.mark.parametrize("path", ATTRIBUTES)
def test_an_object_of_stripe_has_the_attributes_that_adobe_prints(path: str) -> None:
    for row in rows(path):
        assert row["data"].keys() == set(ATTRIBUTES[path].split())


def test_a_subscription_contains_a_price_from_the_list_of_prices() -> None:
    listed = {row["data"]["id"]: row["data"] for row in rows("prices")}
    for row in rows("subscriptions"):
        items = row["data"]["items"]
        (item,) = items["data"]
        assert (items["total_count"], items["has_more"]) == (1, False)
        assert item.keys() == set(ITEM.split())
        assert item["subscription"] == row["data"]["id"]
        assert item["plan"].keys() == set(PLAN.split())
        price = listed[item["price"]["id"]]
        assert item["price"] == price
        assert item["plan"]["id"] == price["id"]
        assert item["plan"]["amount"] == price["unit_amount"]
        assert item["plan"]["interval"] == price["recurring"]["interval"]


def test_the_times_of_a_subscription_match_its_status() -> None:
    for row in rows("subscriptions"):
        subscription, (item,) = row["data"], row["data"]["items"]["data"]
        begin, end = (datetime.fromtimestamp(subscription[f"current_period_{side}"], UTC) for side in ("start", "end"))
        ended = subscription["status"] == "canceled"
        assert subscription["created"] == subscription["start_date"] <= subscription["current_period_start"]
        assert (
            subscription["current_period_start"]
            <= (subscription["ended_at"] or START)
            < subscription["current_period_end"]
        )
        if subscription["status"] != "trialing":
            months = 12 if item["plan"]["interval"] == "year" else 1
            assert (end.year - begin.year) * 12 + end.month - begin.month == months
        assert (subscription["ended_at"] is not None) == ended
        assert (subscription["cancel_at"] is not None) == subscription["cancel_at_period_end"]
        assert subscription["cancel_at"] in (None, subscription["current_period_end"])
        assert (subscription["canceled_at"] is not None) == (ended or subscription["cancel_at_period_end"])
        assert (subscription["cancellation_details"]["reason"] is not None) == (subscription["canceled_at"] is not None)
        assert subscription["canceled_at"] is None or subscription["created"] <= subscription["canceled_at"] <= START
        assert (
            (subscription["trial_start"] is not None)
            == (subscription["trial_end"] is not None)
            == (subscription["status"] == "trialing")
        )
        assert subscription["trial_end"] is None or subscription["trial_end"] > START


def test_a_balance_transaction_is_pending_until_its_amount_is_available() -> None:
    statuses = {row["data"]["status"] for row in rows("balance_transactions")}
    assert statuses == {"available", "pending"}
    for row in rows("balance_transactions"):
        assert (row["data"]["status"] == "pending") == (row["data"]["available_on"] > START - 3600)
        assert sum(detail["amount"] for detail in row["data"]["fee_details"]) == row["data"]["fee"]


def test_a_customer_pays_with_the_card_that_invoices_use() -> None:
    cards = {row["data"]["id"]: row["data"]["invoice_settings"]["default_payment_method"] for row in rows("customers")}
    for row in rows("charges"):
        assert row["data"]["payment_method"] == cards[row["data"]["customer"]]


def test_the_attributes_of_a_charges_capture_agree() -> None:
    for row in rows("charges"):
        charge, card = row["data"], row["data"]["payment_method_details"]["card"]
        declined = charge["status"] == "failed"
        assert charge["paid"] == charge["captured"] == (charge["status"] == "succeeded")
        assert card["amount_authorized"] == (None if declined else charge["amount"])
        assert card["overcapture"]["maximum_amount_capturable"] == card["amount_authorized"]
        assert (card["capture_before"] is not None) == (charge["status"] == "pending")
        assert card["network"] == card["brand"]
        assert (charge["failure_code"] is not None) == (card["checks"]["cvc_check"] == "fail") == declined


def test_unlimited_paypal_plans_have_no_cycles_and_one_currency() -> None:
    plans = {row["Id"]: row for row in rows("PayPal.Billing_Plans")}
    definitions = {row["Id"]: row for row in rows("PayPal.Billing_Plans_Payment_Definition")}
    for row in definitions.values():
        assert (row["Cycles"] == "0") == (plans[row["Plan_Id"]]["Type"] == "INFINITE")
    for row in rows("PayPal.Billing_Plans_Payment_Definition_Charge_Models"):
        assert row["Amount_Currency"] == definitions[row["Payment_Definition_Id"]]["Amount_Currency"]


def test_a_square_receipt_number_begins_like_its_payment_id() -> None:
    for row in rows("Square.Payments"):
        assert row["Receipt_Number"] == row["Id"][:4]
