"""PayPal: the tables that Adobe's documentation shows, and tables of payments.

No list of the tables with payments is public, so their columns follow PayPal's own API. Amounts are decimal text, as in
PayPal's API.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from airflow_provider_payments.emulator.samples import flaws
from airflow_provider_payments.emulator.samples.creation_times import EveryNth, creation_times, follow_ups
from airflow_provider_payments.emulator.samples.draws import CAPITALS, Draws, opaque
from airflow_provider_payments.emulator.samples.flaws import Flaw, Row
from airflow_provider_payments.emulator.samples.people import person
from airflow_provider_payments.emulator.samples.tables import Column, Table, timestamp_text

Times = Sequence[float]

PRODUCTS, FUTURE_PRODUCTS = 1200, 3000
TRANSACTIONS, FUTURE_TRANSACTIONS = 2400, 1500
CUSTOMERS, FUTURE_CUSTOMERS = 600, 300
PLANS = 150
PAYOUTS, FUTURE_PAYOUTS = 900, 3000
#: Hours between the times in a payout's columns and its creation: none for six in ten payouts, up to six for others.
_HOURS_LATE = (0,) * 6 + (1, 2, 4, 6)
# Refunded and disputed payments have succeeded and have no flaw.
REFUNDED = EveryNth(10, 3)
DISPUTED = EveryNth(40, 7)

_ADJECTIVES = ("Classic", "Compact", "Deluxe", "Eco", "Portable", "Premium", "Smart", "Solar", "Ultra", "Vintage")
_NOUNS = ("Backpack", "Blender", "Camera", "Desk Lamp", "Headphones", "Kettle", "Notebook", "Sneakers", "Tent", "Watch")
_TYPES = ("PHYSICAL", "DIGITAL", "SERVICE")
_CURRENCIES = ("USD",) * 6 + ("EUR",) * 3 + ("GBP", "CAD", "AUD")
# Succeeded, pending, reversed, denied.
_STATUSES = ("S",) * 46 + ("P", "P", "V", "D")
_PRODUCT_FLAWS = (
    Flaw(flaws.MISSING, "Product_Id", (107, 411, 888)),
    Flaw(flaws.NO_TIME, "Create_Time", (230, 1034)),
    Flaw(flaws.DUPLICATE, "Product_Id", (345, 777)),
    Flaw(flaws.ODD_TEXT, "Description", (120, 560, 999)),
)
_TRANSACTION_FLAWS = (
    Flaw(flaws.MISSING, "Transaction_Id", (201, 1402, 2490)),
    Flaw(flaws.NO_NUMBER, "Gross_Amount", (305, 611, 1209, 2010, 2550)),
    Flaw(flaws.NO_TIME, "Update_Time", (155, 1901)),
    Flaw(flaws.UNKNOWN_CODE, "Currency_Code", (408, 999, 1752)),
    Flaw(flaws.TOO_LONG, "Note", (722, 2216)),
    Flaw(flaws.UNPARSABLE, "", (540, 1340, 2180)),
    Flaw(flaws.DUPLICATE, "Transaction_Id", (612, 1812)),
    Flaw(flaws.NO_DELTA_TIME, "Create_Time", (850, 1600)),
    Flaw(flaws.ODD_TEXT, "Payer_Name", (180, 1110, 2001)),
)
_REFUND_FLAWS = (
    Flaw(flaws.MISSING, "Transaction_Id", (161,)),
    Flaw(flaws.NO_NUMBER, "Amount_Value", (118, 190)),
    Flaw(flaws.NO_TIME, "Update_Time", (144,)),
    Flaw(flaws.UNKNOWN_CODE, "Amount_Currency", (130,)),
    Flaw(flaws.UNPARSABLE, "", (205,)),
)


def tables(start: float) -> Sequence[Table]:
    """Return the tables in the order in which explore lists them: the documented ones first.

    :param start: the start of the emulator's clock, in epoch seconds.
    """
    plans_created = creation_times("PayPal.Billing_Plans", start, PLANS, 0)
    products_created = creation_times("PayPal.Catalog_Products", start, PRODUCTS, FUTURE_PRODUCTS)
    customers_created = creation_times("PayPal.Customers", start, CUSTOMERS, FUTURE_CUSTOMERS, step=9000)
    # Transactions start ten days after products and customers, so that the first transaction can refer to some.
    paid_created = creation_times("PayPal.Transactions", start, TRANSACTIONS, FUTURE_TRANSACTIONS, days=390)
    payouts_created = creation_times("PayPal.Payouts", start, PAYOUTS, FUTURE_PAYOUTS, days=390)
    plans = Table(
        "PayPal.Billing_Plans",
        _columns("Id", "Name", "Description", "Type", "State"),
        plans_created,
        lambda: _plans(plans_created),
    )
    definitions = Table(
        "PayPal.Billing_Plans_Payment_Definition",
        _columns(
            *("Id", "Plan_Id", "Name", "Type", "Frequency", "Frequency_Interval", "Cycles"),
            *("Amount_Value", "Amount_Currency"),
            times=("Create_Time",),
        ),
        plans_created,
        lambda: _payment_definitions(plans.good_rows),
    )
    transactions = Table(
        "PayPal.Transactions",
        _columns(
            *("Transaction_Id", "Customer_Id", "Payer_Name", "Payer_Email", "Product_Id", "Quantity"),
            *("Transaction_Event_Code", "Transaction_Status", "Gross_Amount", "Fee_Amount", "Net_Amount"),
            *("Currency_Code", "Note"),
        ),
        paid_created,
        lambda: _transactions(paid_created, customers_created, products_created),
        _TRANSACTION_FLAWS,
    )
    refunds = follow_ups("PayPal.Refunds", start, paid_created, REFUNDED, days=30)
    disputes = follow_ups("PayPal.Disputes", start, paid_created, DISPUTED, days=60)
    return (
        plans,
        definitions,
        Table(
            "PayPal.Billing_Plans_Payment_Definition_Charge_Models",
            _columns("Id", "Payment_Definition_Id", "Type", "Amount_Value", "Amount_Currency", times=("Create_Time",)),
            plans_created,
            lambda: _charge_models(definitions.good_rows),
        ),
        Table(
            "PayPal.Catalog_Products",
            _columns("Product_Id", "Product_Name", "Description", "Type", times=("Create_Time",)),
            products_created,
            lambda: _products(products_created),
            _PRODUCT_FLAWS,
        ),
        Table(
            "PayPal.Customers",
            _columns("Customer_Id", "Given_Name", "Surname", "Email_Address", "Country_Code", times=("Create_Time",)),
            customers_created,
            lambda: _customers(customers_created),
        ),
        transactions,
        Table(
            "PayPal.Refunds",
            _columns("Refund_Id", "Transaction_Id", "Amount_Value", "Amount_Currency", "Status", "Note_To_Payer"),
            [at for at, _ in refunds],
            lambda: _refunds(refunds, transactions.good_rows),
            _REFUND_FLAWS,
        ),
        Table(
            "PayPal.Disputes",
            _columns(
                *("Dispute_Id", "Disputed_Transaction_Id", "Reason", "Status"),
                *("Dispute_Amount_Value", "Dispute_Amount_Currency", "Outcome"),
            ),
            [at for at, _ in disputes],
            lambda: _disputes(disputes, transactions.good_rows),
        ),
        Table(
            "PayPal.Payouts",
            (
                *_columns(
                    *("Payout_Item_Id", "Payout_Batch_Id", "Customer_Id", "Receiver"),
                    *("Amount_Value", "Amount_Currency", "Transaction_Status"),
                    times=("Create_Time",),
                ),
                Column("Value_Date", format="date"),
            ),
            payouts_created,
            lambda: _payouts(payouts_created, customers_created),
        ),
    )


def _columns(*texts: str, times: Sequence[str] = ("Create_Time", "Update_Time")) -> tuple[Column, ...]:
    """Return columns of text, followed by columns of times."""
    return (*map(Column, texts), *(Column(name, format="date-time") for name in times))


def _plans(created: Times) -> list[Row]:
    draws = Draws("PayPal.Billing_Plans")
    return [
        {
            "Id": _plan_id(place),
            "Name": f"{draws.pick(_ADJECTIVES)} plan {place:03d}",
            "Description": "Recurring payment",
            "Type": draws.pick(("FIXED", "INFINITE")),
            "State": draws.pick(("CREATED", "ACTIVE", "INACTIVE")),
            "Create_Time": timestamp_text(at),
            "Update_Time": timestamp_text(at + draws.below(1800)),
        }
        for place, at in enumerate(created)
    ]


def _payment_definitions(plans: Sequence[Row]) -> Iterator[Row]:
    """Yield the regular payment of each plan; an unlimited plan has no cycles."""
    draws = Draws("PayPal.Billing_Plans_Payment_Definition")
    for place, plan in enumerate(plans):
        yield {
            "Id": f"PD-{opaque(place, 7, 24, CAPITALS)}",
            "Plan_Id": plan["Id"],
            "Name": "Regular payment",
            "Type": "REGULAR",
            "Frequency": draws.pick(("DAY", "WEEK", "MONTH", "YEAR")),
            "Frequency_Interval": str(1 + draws.below(3)),
            "Cycles": "0" if plan["Type"] == "INFINITE" else str(1 + draws.below(12)),
            "Amount_Value": _decimal(199 + draws.below(29800)),
            "Amount_Currency": draws.pick(_CURRENCIES),
            "Create_Time": plan["Create_Time"],
        }


def _charge_models(definitions: Sequence[Row]) -> Iterator[Row]:
    draws = Draws("PayPal.Billing_Plans_Payment_Definition_Charge_Models")
    for place, definition in enumerate(definitions):
        yield {
            "Id": f"CHM-{opaque(place, 8, 24, CAPITALS)}",
            "Payment_Definition_Id": definition["Id"],
            "Type": draws.pick(("TAX", "SHIPPING")),
            "Amount_Value": _decimal(draws.below(2000)),
            "Amount_Currency": definition["Amount_Currency"],
            "Create_Time": definition["Create_Time"],
        }


def _products(created: Times) -> Iterator[Row]:
    draws = Draws("PayPal.Catalog_Products")
    for place, at in enumerate(created):
        name = f"{draws.pick(_ADJECTIVES)} {draws.pick(_NOUNS)} {100 + draws.below(900)}"
        kind = draws.pick(_TYPES)
        yield {
            "Product_Id": _product_id(place),
            "Product_Name": name,
            "Description": f"{name}, {kind.lower()} product",
            "Type": kind,
            "Create_Time": timestamp_text(at),
        }


def _customers(created: Times) -> Iterator[Row]:
    for place, at in enumerate(created):
        who = person(place)
        yield {
            "Customer_Id": _customer_id(place),
            "Given_Name": who.given,
            "Surname": who.family,
            "Email_Address": who.email,
            "Country_Code": who.country,
            "Create_Time": _zoned(at),
        }


def _transactions(
    created: Sequence[float], customers_created: Sequence[float], products_created: Sequence[float]
) -> Iterator[Row]:
    draws = Draws("PayPal.Transactions")
    # No transaction refers to a product with a flaw: its id may be wrong.
    flawed = {place for flaw in _PRODUCT_FLAWS for place in flaw.places}
    for place, at in enumerate(created):
        customer = draws.below(bisect_right(customers_created, at))
        product = draws.below(bisect_right(products_created, at))
        while product in flawed:
            product -= 1
        who, quantity = person(customer), 1 + draws.below(3)
        # A product has one price; most end in 99.
        gross = quantity * (product * 7919 % 150 * 100 + (499 if product % 4 else 450))
        fee = gross * 349 // 10000 + 49
        yield {
            "Transaction_Id": opaque(place, 1, 17, CAPITALS),
            "Customer_Id": _customer_id(customer),
            "Payer_Name": f"{who.given} {who.family}",
            "Payer_Email": who.email,
            "Product_Id": _product_id(product),
            "Quantity": str(quantity),
            "Transaction_Event_Code": draws.pick(("T0006", "T0006", "T0003", "T0000")),
            "Transaction_Status": "S" if place in REFUNDED or place in DISPUTED else draws.pick(_STATUSES),
            "Gross_Amount": _decimal(gross),
            "Fee_Amount": _decimal(-fee),
            "Net_Amount": _decimal(gross - fee),
            "Currency_Code": draws.pick(_CURRENCIES),
            "Note": None if draws.below(5) else "Thank you!",
            "Create_Time": _zoned(at),
            "Update_Time": _zoned(at + draws.below(600)),
        }


def _refunds(followed: Sequence[tuple[float, int]], transactions: Sequence[Row]) -> Iterator[Row]:
    draws = Draws("PayPal.Refunds")
    for at, place in followed:
        paid = transactions[place]
        whole = _cents(paid["Gross_Amount"])
        yield {
            "Refund_Id": opaque(place, 2, 17, CAPITALS),
            "Transaction_Id": paid["Transaction_Id"],
            "Amount_Value": _decimal(whole if draws.below(3) else 1 + draws.below(whole)),
            "Amount_Currency": paid["Currency_Code"],
            "Status": draws.pick(("COMPLETED",) * 18 + ("PENDING", "FAILED")),
            "Note_To_Payer": draws.pick(("Returned", "Damaged", "Wrong size", "Ordered twice")),
            "Create_Time": _zoned(at),
            "Update_Time": _zoned(at + draws.below(86400)),
        }


def _disputes(followed: Sequence[tuple[float, int]], transactions: Sequence[Row]) -> Iterator[Row]:
    draws = Draws("PayPal.Disputes")
    reasons = ("MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED", "UNAUTHORISED")
    for at, place in followed:
        paid = transactions[place]
        resolved = draws.below(3) > 0
        yield {
            "Dispute_Id": f"PP-D-{10000 + place}",
            "Disputed_Transaction_Id": paid["Transaction_Id"],
            "Reason": draws.pick(reasons),
            "Status": "RESOLVED" if resolved else draws.pick(("OPEN", "UNDER_REVIEW", "WAITING_FOR_SELLER_RESPONSE")),
            "Dispute_Amount_Value": paid["Gross_Amount"],
            "Dispute_Amount_Currency": paid["Currency_Code"],
            "Outcome": draws.pick(("RESOLVED_BUYER_FAVOUR", "RESOLVED_SELLER_FAVOUR")) if resolved else None,
            "Create_Time": _zoned(at),
            "Update_Time": _zoned(at + draws.below(10 * 86400)),
        }


def _payouts(created: Times, customers_created: Times) -> Iterator[Row]:
    draws = Draws("PayPal.Payouts")
    for place, at in enumerate(created):
        paid_at = at - 3600 * draws.pick(_HOURS_LATE)
        customer = draws.below(bisect_right(customers_created, paid_at))
        yield {
            "Payout_Item_Id": opaque(place, 5, 13, CAPITALS),
            "Payout_Batch_Id": opaque(place // 12, 6, 13, CAPITALS),
            "Customer_Id": _customer_id(customer),
            "Receiver": person(customer).email,
            "Amount_Value": _decimal(500 + draws.below(40_000)),
            "Amount_Currency": draws.pick(_CURRENCIES),
            "Transaction_Status": draws.pick(("SUCCESS",) * 18 + ("UNCLAIMED", "RETURNED")),
            "Create_Time": _zoned(paid_at),
            "Value_Date": timestamp_text(paid_at)[:10],
        }


def _plan_id(place: int) -> str:
    return f"P-{opaque(place, 9, 24, CAPITALS)}"


def _product_id(place: int) -> str:
    return f"PROD-{opaque(place, 3, 17, CAPITALS)}"


def _customer_id(place: int) -> str:
    return opaque(place, 4, 13, CAPITALS)


def _zoned(at: float) -> str:
    """Return a time in PayPal's form for payments."""
    return timestamp_text(at).replace(" ", "T") + "+0000"


def _decimal(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _cents(text: str) -> int:
    return round(float(text) * 100)
