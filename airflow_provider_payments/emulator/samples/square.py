"""Square: no table list of its source is public, so these follow the names of Square's own API."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from airflow_provider_payments.emulator.samples.moments import moments
from airflow_provider_payments.emulator.samples.tables import Column, Row, Table, timestamp_text

PAYMENTS = 2000
WITHOUT_ID = (512, 1500)
REFUNDS = 200
CUSTOMERS = 400
FUTURE_PAYMENTS = 3000


def tables(start: float) -> Sequence[Table]:
    """The tables, in the order in which explore lists them.

    :param start: epoch seconds where the future begins.
    """
    return (_customers(start), _payments(start), _refunds(start))


def _payments(start: float) -> Table:
    random = Random("Square.Payments")
    born = moments(random, start, PAYMENTS, FUTURE_PAYMENTS)
    rows: list[Row] = [
        {
            "Id": None if place in WITHOUT_ID else f"SQP{place:07d}",
            "Customer_Id": f"SQC{random.randrange(CUSTOMERS):05d}",
            "Amount": random.randrange(100, 50000),
            "Currency": random.choice(("USD", "CAD", "EUR")),
            "Status": random.choices(("COMPLETED", "APPROVED", "FAILED", "CANCELED"), (90, 5, 3, 2))[0],
            "Source_Type": random.choice(("CARD", "CASH", "WALLET")),
            "Created_At": timestamp_text(at),
        }
        for place, at in enumerate(born)
    ]
    columns = (
        Column("Id"),
        Column("Customer_Id"),
        Column("Amount", "integer"),
        Column("Currency"),
        Column("Status"),
        Column("Source_Type"),
        Column("Created_At", format="date-time"),
    )
    return Table("Square.Payments", columns, rows, born)


def _refunds(start: float) -> Table:
    random = Random("Square.Refunds")
    born = moments(random, start, REFUNDS, 0)
    rows: list[Row] = [
        {
            "Id": f"SQR{place:06d}",
            "Payment_Id": f"SQP{random.randrange(PAYMENTS):07d}",
            "Amount": random.randrange(100, 20000),
            "Currency": "USD",
            "Reason": random.choice(("Returned", "Damaged", "Duplicate")),
            "Created_At": timestamp_text(at),
        }
        for place, at in enumerate(born)
    ]
    columns = (
        Column("Id"),
        Column("Payment_Id"),
        Column("Amount", "integer"),
        Column("Currency"),
        Column("Reason"),
        Column("Created_At", format="date-time"),
    )
    return Table("Square.Refunds", columns, rows, born)


def _customers(start: float) -> Table:
    random = Random("Square.Customers")
    born = moments(random, start, CUSTOMERS, 0)
    rows: list[Row] = [
        {
            "Id": f"SQC{place:05d}",
            "Given_Name": random.choice(("Ada", "Bo", "Chidi", "Dana", "Emil", "Fatma", "Goran", "Hana")),
            "Family_Name": random.choice(("Abe", "Brandt", "Cruz", "Diallo", "Eriksen", "Fontana")),
            "Email_Address": f"customer{place}@example.com",
            "Created_At": timestamp_text(at),
        }
        for place, at in enumerate(born)
    ]
    names = ("Id", "Given_Name", "Family_Name", "Email_Address")
    return Table("Square.Customers", (*map(Column, names), Column("Created_At", format="date-time")), rows, born)
