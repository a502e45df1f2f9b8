"""Square: no list of the source's tables is public, so the tables follow the names of Square's own API.

Amounts are whole numbers of the currency's smallest unit, as in Square's API.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from airflow_provider_payments.emulator.samples import flaws
from airflow_provider_payments.emulator.samples.creation_times import EveryNth, creation_times, follow_ups
from airflow_provider_payments.emulator.samples.draws import CAPITALS, LETTERS, Draws, opaque
from airflow_provider_payments.emulator.samples.flaws import Flaw, Row
from airflow_provider_payments.emulator.samples.people import person
from airflow_provider_payments.emulator.samples.tables import Column, Table, timestamp_text

PAYMENTS, FUTURE_PAYMENTS = 2000, 3000
CUSTOMERS, FUTURE_CUSTOMERS = 400, 200
ITEMS = 120
# Refunded payments were completed and have no flaw.
REFUNDED = EveryNth(10, 3)

_DRINKS = ("Flat White", "Espresso", "Chai", "Cold Brew", "Lemonade", "Oat Latte", "Matcha", "Hot Chocolate")
_SIZES = ("small", "regular", "large")
_LOCATIONS = tuple(f"L{opaque(place, 12, 12, CAPITALS)}" for place in range(3))
_CURRENCIES = ("USD", "USD", "USD", "CAD", "EUR")
_STATUSES = ("COMPLETED",) * 18 + ("APPROVED", "FAILED", "CANCELED")
_SOURCES = ("CARD", "CARD", "CARD", "CASH", "WALLET")
_PAYMENT_FLAWS = (
    Flaw(flaws.MISSING, "Id", (512, 1500)),
    Flaw(flaws.NO_NUMBER, "Amount", (215, 930, 1741)),
    Flaw(flaws.NO_TIME, "Updated_At", (444, 1288)),
    Flaw(flaws.UNKNOWN_CODE, "Currency", (360, 1015, 1890)),
    Flaw(flaws.TOO_LONG, "Note", (605, 1421)),
    Flaw(flaws.DUPLICATE, "Id", (702, 1312)),
    Flaw(flaws.NO_DELTA_TIME, "Created_At", (801, 1604)),
    Flaw(flaws.ODD_TEXT, "Note", (150, 1111, 1999)),
)
_REFUND_FLAWS = (
    Flaw(flaws.MISSING, "Payment_Id", (177,)),
    Flaw(flaws.NO_NUMBER, "Amount", (120, 181)),
    Flaw(flaws.NO_TIME, "Updated_At", (133,)),
    Flaw(flaws.UNKNOWN_CODE, "Currency", (150,)),
)


def tables(start: float) -> Sequence[Table]:
    """Return the tables in the order in which explore lists them.

    :param start: the start of the emulator's clock, in epoch seconds.
    """
    items_created = creation_times("Square.Catalog_Items", start, ITEMS, 0)
    customers_created = creation_times("Square.Customers", start, CUSTOMERS, FUTURE_CUSTOMERS, step=13500)
    # Payments start half a year after items and customers, so that the first payment can refer to some.
    paid_created = creation_times("Square.Payments", start, PAYMENTS, FUTURE_PAYMENTS, days=220)
    payments = Table(
        "Square.Payments",
        (
            *(Column("Id"), Column("Customer_Id"), Column("Catalog_Object_Id"), Column("Location_Id")),
            *(Column("Amount", "integer"), Column("Tip_Amount", "integer"), Column("Currency")),
            *(Column("Status"), Column("Source_Type"), Column("Receipt_Number"), Column("Note")),
            *_TIMES,
        ),
        paid_created,
        lambda: _payments(paid_created, customers_created),
        _PAYMENT_FLAWS,
    )
    refunds = follow_ups("Square.Refunds", start, paid_created, REFUNDED, days=30)
    return (
        Table(
            "Square.Customers",
            (
                *map(Column, ("Id", "Given_Name", "Family_Name", "Email_Address", "Country", "Postal_Code")),
                *_TIMES,
            ),
            customers_created,
            lambda: _customers(customers_created),
        ),
        payments,
        Table(
            "Square.Refunds",
            (
                *(Column("Id"), Column("Payment_Id"), Column("Amount", "integer"), Column("Currency")),
                *(Column("Status"), Column("Reason"), *_TIMES),
            ),
            [at for at, _ in refunds],
            lambda: _refunds(refunds, payments.good_rows),
            _REFUND_FLAWS,
        ),
        Table(
            "Square.Catalog_Items",
            (
                *(Column("Id"), Column("Name"), Column("Variation")),
                *(Column("Price_Amount", "integer"), Column("Price_Currency"), *_TIMES),
            ),
            items_created,
            lambda: _items(items_created),
        ),
    )


_TIMES = (Column("Created_At", format="date-time"), Column("Updated_At", format="date-time"))


def _customers(created: Sequence[float]) -> Iterator[Row]:
    draws = Draws("Square.Customers")
    for place, at in enumerate(created):
        who = person(place)
        yield {
            "Id": _customer_id(place),
            "Given_Name": who.given,
            "Family_Name": who.family,
            "Email_Address": who.email,
            "Country": who.country,
            "Postal_Code": who.postal_code,
            "Created_At": _stamp(at),
            "Updated_At": _stamp(at + draws.below(3600)),
        }


def _items(created: Sequence[float]) -> list[Row]:
    return [
        {
            "Id": _item_id(place),
            "Name": _DRINKS[place % len(_DRINKS)],
            "Variation": _SIZES[place // len(_DRINKS) % len(_SIZES)],
            "Price_Amount": _price(place),
            "Price_Currency": "USD",
            "Created_At": _stamp(at),
            "Updated_At": _stamp(at),
        }
        for place, at in enumerate(created)
    ]


def _payments(created: Sequence[float], customers_created: Sequence[float]) -> Iterator[Row]:
    draws = Draws("Square.Payments")
    for place, at in enumerate(created):
        # Every item was created before the first payment that refers to it.
        item, identifier = draws.below(ITEMS // 4), opaque(place, 11, 29, LETTERS)
        yield {
            "Id": identifier,
            "Customer_Id": _customer_id(draws.below(bisect_right(customers_created, at))),
            "Catalog_Object_Id": _item_id(item),
            "Location_Id": draws.pick(_LOCATIONS),
            "Amount": _price(item) * (1 + draws.below(6)),
            "Tip_Amount": 50 * draws.below(7),
            "Currency": draws.pick(_CURRENCIES),
            "Status": "COMPLETED" if place in REFUNDED else draws.pick(_STATUSES),
            "Source_Type": draws.pick(_SOURCES),
            "Receipt_Number": identifier[:4],
            "Note": "To take away" if draws.below(4) == 0 else None,
            "Created_At": _stamp(at),
            "Updated_At": _stamp(at + draws.below(120)),
        }


def _refunds(followed: Sequence[tuple[float, int]], payments: Sequence[Row]) -> Iterator[Row]:
    draws = Draws("Square.Refunds")
    for at, place in followed:
        paid = payments[place]
        yield {
            "Id": f"{paid['Id']}_{opaque(place, 13, 40, LETTERS)}",
            "Payment_Id": paid["Id"],
            "Amount": paid["Amount"] if draws.below(3) else 1 + draws.below(paid["Amount"]),
            "Currency": paid["Currency"],
            "Status": draws.pick(("COMPLETED",) * 18 + ("PENDING", "REJECTED")),
            "Reason": draws.pick(("Returned", "Damaged", "Duplicate", "Accidental charge")),
            "Created_At": _stamp(at),
            "Updated_At": _stamp(at + draws.below(86400)),
        }


def _customer_id(place: int) -> str:
    return opaque(place, 15, 26, CAPITALS)


def _item_id(place: int) -> str:
    return opaque(place, 16, 24, CAPITALS)


def _price(item: int) -> int:
    return 250 + item * 7 % 24 * 25


def _stamp(at: float) -> str:
    """Return a time in Square's form: RFC 3339 with milliseconds."""
    return timestamp_text(at).replace(" ", "T") + ".000Z"
