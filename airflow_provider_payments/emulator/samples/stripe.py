"""Stripe: the REST resources that its source offers; a row is the page element below ``data``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from airflow_provider_payments.emulator.samples.moments import moments
from airflow_provider_payments.emulator.samples.tables import Row, Table

FUTURE = 1500
_CUSTOMERS = 300
_PAST = {
    "charges": 1500,
    "subscriptions": 200,
    "refunds": 150,
    "balance_transactions": 1600,
    "customers": _CUSTOMERS,
    "prices": 40,
}


def tables(start: float) -> Sequence[Table]:
    """The resources, in the order of their names in the documentation.

    :param start: epoch seconds where the future begins.
    """
    return tuple(_resource(name, start) for name in _PAST)


def _resource(name: str, start: float) -> Table:
    random = Random(f"stripe {name}")
    born = moments(random, start, _PAST[name], FUTURE if name in ("charges", "balance_transactions") else 0)
    rows: list[Row] = [{"data": _element(name, place, int(at), random)} for place, at in enumerate(born)]
    return Table(name, (), rows, born, tree=_tree_of(rows[0]))


def _element(name: str, place: int, created: int, random: Random) -> dict[str, Any]:
    money = {"amount": random.randrange(50, 100000), "currency": random.choice(("usd", "eur", "gbp"))}
    customer = f"cus_{random.randrange(_CUSTOMERS):06d}"
    match name:
        case "charges":
            own = {
                "id": f"ch_{place:08d}",
                **money,
                "customer": customer,
                "status": random.choices(("succeeded", "pending", "failed"), (94, 2, 4))[0],
                "paid": True,
                "billing_details": {"email": f"payer{place}@example.com", "name": f"Payer {place}"},
            }
        case "refunds":
            own = {
                "id": f"re_{place:06d}",
                **money,
                "charge": f"ch_{random.randrange(1500):08d}",
                "status": "succeeded",
            }
        case "subscriptions":
            own = {
                "id": f"sub_{place:06d}",
                "customer": customer,
                "status": random.choice(("active", "trialing", "canceled")),
                "currency": money["currency"],
            }
        case "balance_transactions":
            own = {"id": f"txn_{place:08d}", **money, "fee": random.randrange(1, 300), "type": "charge"}
        case "customers":
            own = {"id": f"cus_{place:06d}", "email": f"customer{place}@example.com", "name": f"Customer {place}"}
        case _:
            own = {"id": f"price_{place:05d}", "unit_amount": money["amount"], "currency": money["currency"]}
    return {**own, "created": created}


def _tree_of(example: Any) -> dict[str, Any]:
    if isinstance(example, Mapping):
        return {"type": "object", "properties": {name: _tree_of(value) for name, value in example.items()}}
    if isinstance(example, bool):
        return {"type": "boolean"}
    return {"type": "integer"} if isinstance(example, int) else {"type": "string"}
