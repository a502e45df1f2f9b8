"""PayPal: the tables that its documentation shows."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from airflow_provider_payments.emulator.samples.moments import moments
from airflow_provider_payments.emulator.samples.tables import Column, Row, Table, timestamp_text

PRODUCTS = 1200
# Known bad rows of Catalog_Products, by place: without an id, and with a creation time that nobody can read.
WITHOUT_ID = (97, 411, 888)
UNREADABLE_TIME = (230, 1034)
FUTURE_PRODUCTS = 3000
PLANS = 150

_ADJECTIVES = ("Classic", "Compact", "Deluxe", "Eco", "Portable", "Premium", "Smart", "Solar", "Ultra", "Vintage")
_NOUNS = ("Backpack", "Blender", "Camera", "Desk Lamp", "Headphones", "Kettle", "Notebook", "Sneakers", "Tent", "Watch")
_TYPES = ("PHYSICAL", "DIGITAL", "SERVICE")


def tables(start: float) -> Sequence[Table]:
    """The tables, in the order in which explore lists them.

    :param start: epoch seconds where the future begins.
    """
    plan_moments = moments(Random("PayPal.Billing_Plans"), start, PLANS, 0)
    return (
        _plans(plan_moments),
        _payment_definitions(plan_moments),
        _charge_models(plan_moments),
        _products(start),
    )


def _products(start: float) -> Table:
    random = Random("PayPal.Catalog_Products")
    born = moments(random, start, PRODUCTS, FUTURE_PRODUCTS)
    rows: list[Row] = []
    for place, at in enumerate(born):
        name = f"{random.choice(_ADJECTIVES)} {random.choice(_NOUNS)} {random.randrange(100, 1000)}"
        kind = random.choice(_TYPES)
        rows.append(
            {
                "Product_Id": None if place in WITHOUT_ID else f"PROD-{random.getrandbits(48):012X}{place:05d}",
                "Product_Name": name,
                "Description": f"{name}, {kind.lower()} product",
                "Type": kind,
                "Create_Time": "not recorded" if place in UNREADABLE_TIME else timestamp_text(at),
            }
        )
    columns = (
        Column("Product_Id"),
        Column("Product_Name"),
        Column("Description"),
        Column("Type"),
        Column("Create_Time", format="date-time"),
    )
    return Table("PayPal.Catalog_Products", columns, rows, born)


def _plans(born: Sequence[float]) -> Table:
    random = Random("PayPal.Billing_Plans rows")
    rows: list[Row] = [
        {
            "Id": _plan_id(place),
            "Name": f"{random.choice(_ADJECTIVES)} plan {place:03d}",
            "Description": "Recurring payment",
            "Type": random.choice(("FIXED", "INFINITE")),
            "State": random.choice(("CREATED", "ACTIVE", "INACTIVE")),
            "Create_Time": timestamp_text(at),
            "Update_Time": timestamp_text(at + random.randrange(1800)),
        }
        for place, at in enumerate(born)
    ]
    names = ("Id", "Name", "Description", "Type", "State")
    times = (Column("Create_Time", format="date-time"), Column("Update_Time", format="date-time"))
    return Table("PayPal.Billing_Plans", (*map(Column, names), *times), rows, born)


def _payment_definitions(born: Sequence[float]) -> Table:
    random = Random("PayPal.Billing_Plans_Payment_Definition")
    rows: list[Row] = [
        {
            "Id": f"PD-{place:05d}",
            "Plan_Id": _plan_id(place),
            "Name": "Regular payment",
            "Type": random.choice(("TRIAL", "REGULAR")),
            "Frequency": random.choice(("DAY", "WEEK", "MONTH", "YEAR")),
            "Frequency_Interval": str(random.randrange(1, 4)),
            "Cycles": str(random.randrange(0, 13)),
            "Amount_Value": f"{random.randrange(199, 29900) / 100:.2f}",
            "Amount_Currency": random.choice(("EUR", "USD", "GBP")),
            "Create_Time": timestamp_text(at),
        }
        for place, at in enumerate(born)
    ]
    names = [name for name in rows[0] if name != "Create_Time"]
    columns = (*map(Column, names), Column("Create_Time", format="date-time"))
    return Table("PayPal.Billing_Plans_Payment_Definition", columns, rows, born)


def _charge_models(born: Sequence[float]) -> Table:
    random = Random("PayPal.Billing_Plans_Payment_Definition_Charge_Models")
    rows: list[Row] = [
        {
            "Id": f"CHM-{place:05d}",
            "Payment_Definition_Id": f"PD-{place:05d}",
            "Type": random.choice(("TAX", "SHIPPING")),
            "Amount_Value": f"{random.randrange(0, 2000) / 100:.2f}",
            "Amount_Currency": random.choice(("EUR", "USD", "GBP")),
            "Create_Time": timestamp_text(at),
        }
        for place, at in enumerate(born)
    ]
    names = [name for name in rows[0] if name != "Create_Time"]
    columns = (*map(Column, names), Column("Create_Time", format="date-time"))
    return Table("PayPal.Billing_Plans_Payment_Definition_Charge_Models", columns, rows, born)


def _plan_id(place: int) -> str:
    return f"P-{place:04d}{(place * 7919) % 100000:05d}"
