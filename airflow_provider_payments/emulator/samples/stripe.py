"""Stripe: the REST resources that its source offers; a row is the page element below ``data``.

The objects have the shape of Stripe's own API: amounts are whole numbers of the smallest unit, times epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from airflow_provider_payments.emulator.samples import flaws
from airflow_provider_payments.emulator.samples.draws import Draws, opaque
from airflow_provider_payments.emulator.samples.flaws import Flaw, Row
from airflow_provider_payments.emulator.samples.moments import PAST_DAYS, Every, followers, moments
from airflow_provider_payments.emulator.samples.people import Person, person
from airflow_provider_payments.emulator.samples.tables import Table

Element = dict[str, Any]

CHARGES, FUTURE_CHARGES = 1500, 1500
CUSTOMERS, FUTURE_CUSTOMERS = 300, 100
SUBSCRIPTIONS = 200
PRODUCTS, PRICES = 20, 40
# What is refunded has succeeded; no flaw lies at these places.
REFUNDED = Every(10, 3)

_CURRENCIES = ("usd",) * 6 + ("eur",) * 3 + ("gbp",)
_BRANDS = ("visa", "visa", "mastercard", "amex")
_GOODS = ("Starter", "Team", "Business", "Enterprise", "Support", "Storage", "Seats", "Training", "Audit", "Archive")
_CHARGE_FLAWS = (
    Flaw(flaws.MISSING, "data.customer", (205, 1101)),
    Flaw(flaws.NO_NUMBER, "data.amount_captured", (311, 828, 1390)),
    Flaw(flaws.NO_TIME, "data.created", (404, 1250)),
    Flaw(flaws.UNKNOWN_CODE, "data.currency", (150, 962)),
    Flaw(flaws.TOO_LONG, "data.description", (615, 1004)),
    Flaw(flaws.DUPLICATE, "data.id", (502, 1421)),
    Flaw(flaws.ODD_TEXT, "data.billing_details.name", (130, 740, 1499)),
)
_REFUND_FLAWS = (
    Flaw(flaws.MISSING, "data.charge", (110,)),
    Flaw(flaws.NO_NUMBER, "data.amount", (125,)),
    Flaw(flaws.UNPARSABLE, "", (131,)),
)
_BALANCE_FLAWS = (
    Flaw(flaws.MISSING, "data.id", (300, 901)),
    Flaw(flaws.NO_NUMBER, "data.fee", (412, 1333)),
    Flaw(flaws.NO_TIME, "data.available_on", (777,)),
    Flaw(flaws.UNKNOWN_CODE, "data.currency", (505, 1208)),
    Flaw(flaws.UNPARSABLE, "", (640, 1044, 1500)),
    Flaw(flaws.DUPLICATE, "data.id", (871,)),
)


def tables(start: float) -> Sequence[Table]:
    """The resources that the source's documentation names, in its order.

    :param start: epoch seconds where the future begins.
    """
    customers_born = moments("stripe customers", start, CUSTOMERS, FUTURE_CUSTOMERS, step=9000)
    # Half a year later than the first customers, so that the first charge has some to name.
    charged = moments("stripe charges", start, CHARGES, FUTURE_CHARGES, days=220)
    subscribed = moments("stripe subscriptions", start, SUBSCRIPTIONS, 0, days=220)
    refunded = followers("stripe refunds", start, charged, REFUNDED, days=30)
    settled = sorted(
        [(at, place, False) for place, at in enumerate(charged) if _status(place) == "succeeded"]
        + [(at, place, True) for at, place in refunded]
    )
    opened = float(int(start) - PAST_DAYS * 86400)
    charges = _resource("charges", charged, lambda: _charges(charged, customers_born), _CHARGE_FLAWS)
    refunds = _resource(
        "refunds", [at for at, _ in refunded], lambda: _refunds(refunded, charges.good_rows), _REFUND_FLAWS
    )
    return (
        charges,
        _resource("subscriptions", subscribed, lambda: _subscriptions(subscribed, customers_born)),
        refunds,
        _resource(
            "balance_transactions",
            [at for at, _, _ in settled],
            lambda: _balance_transactions(settled, charges.good_rows),
            _BALANCE_FLAWS,
        ),
        _resource("customers", customers_born, lambda: _customers(customers_born)),
        _resource("prices", [opened] * PRICES, lambda: _prices(opened)),
    )


def _resource(
    name: str, born: Sequence[float], fill: Callable[[], Iterable[Element]], faulty: tuple[Flaw, ...] = ()
) -> Table:
    return Table(name, (), born, lambda: [{"data": element} for element in fill()], faulty)


def _charges(born: Sequence[float], customers_born: Sequence[float]) -> Iterator[Element]:
    draws = Draws("stripe charges")
    for place, at in enumerate(born):
        customer = draws.below(bisect_right(customers_born, at))
        who, price, status = person(customer), draws.below(PRICES), _status(place)
        amount = _unit_amount(price) * (1 + draws.below(4))
        is_refunded = place in REFUNDED
        back = 0 if not is_refunded else amount if draws.below(3) else 1 + draws.below(amount)
        paid, failed = status == "succeeded", status == "failed"
        yield {
            "id": _id("ch", place),
            "object": "charge",
            "amount": amount,
            "amount_captured": amount if paid else 0,
            "amount_refunded": back,
            "balance_transaction": _balance_id(place, False) if paid else None,
            "billing_details": _contact(who),
            "calculated_statement_descriptor": "EXAMPLE SHOP",
            "captured": paid,
            "created": int(at),
            "currency": draws.pick(_CURRENCIES),
            "customer": _id("cus", customer),
            "description": None if draws.below(3) else f"{_GOODS[price % PRODUCTS // 2]} renewal",
            "disputed": False,
            "failure_code": "card_declined" if failed else None,
            "failure_message": "Your card was declined." if failed else None,
            "livemode": False,
            "metadata": {"product": _id("prod", price % PRODUCTS), "price": _id("price", price)},
            "outcome": _OUTCOMES[status],
            "paid": paid,
            "payment_intent": _id("pi", place),
            "payment_method": _id("pm", customer),
            "payment_method_details": _card(customer, who.country, None if failed else amount),
            "receipt_email": who.email,
            "receipt_url": f"https://pay.example.com/receipts/{_id('ch', place)}" if paid else None,
            "refunded": is_refunded and back == amount,
            "statement_descriptor": "EXAMPLE SHOP",
            "status": status,
        }


def _refunds(followed: Sequence[tuple[float, int]], charges: Sequence[Row]) -> Iterator[Element]:
    draws = Draws("stripe refunds")
    for at, place in followed:
        charge = charges[place]["data"]
        yield {
            "id": _id("re", place),
            "object": "refund",
            "amount": charge["amount_refunded"],
            "balance_transaction": _balance_id(place, True),
            "charge": charge["id"],
            "created": int(at),
            "currency": charge["currency"],
            "destination_details": {"card": {"type": "refund"}, "type": "card"},
            "metadata": {"product": charge["metadata"]["product"]},
            "payment_intent": charge["payment_intent"],
            "reason": draws.pick(("requested_by_customer", "requested_by_customer", "duplicate", "fraudulent")),
            "receipt_number": f"{2000 + place // 1000}-{place % 10000:04d}",
            "status": "succeeded",
        }


def _balance_transactions(settled: Sequence[tuple[float, int, bool]], charges: Sequence[Row]) -> Iterator[Element]:
    for at, place, is_refund in settled:
        charge = charges[place]["data"]
        amount = -charge["amount_refunded"] if is_refund else charge["amount"]
        fee = 0 if is_refund else amount * 29 // 1000 + 30
        yield {
            "id": _balance_id(place, is_refund),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": int(at) // 86400 * 86400 + 2 * 86400,
            "created": int(at),
            "currency": charge["currency"],
            "description": None if place % 3 else "Settlement",
            "fee": fee,
            "fee_details": [{"amount": fee, "currency": charge["currency"], "type": "stripe_fee"}] if fee else [],
            "net": amount - fee,
            "reporting_category": "refund" if is_refund else "charge",
            "source": _id("re", place) if is_refund else charge["id"],
            "status": "available",
            "type": "refund" if is_refund else "charge",
        }


def _subscriptions(born: Sequence[float], customers_born: Sequence[float]) -> Iterator[Element]:
    draws = Draws("stripe subscriptions")
    for place, at in enumerate(born):
        price, status = draws.below(PRICES), draws.pick(("active",) * 7 + ("trialing", "past_due", "canceled"))
        item = {"id": _id("si", place), "price": {"id": _id("price", price), "object": "price"}, "quantity": 1}
        yield {
            "id": _id("sub", place),
            "object": "subscription",
            "cancel_at_period_end": draws.below(10) == 0,
            "canceled_at": int(at) + 20 * 86400 if status == "canceled" else None,
            "collection_method": "charge_automatically",
            "created": int(at),
            "currency": "usd",
            "current_period_end": int(at) + 30 * 86400,
            "current_period_start": int(at),
            "customer": _id("cus", draws.below(bisect_right(customers_born, at))),
            "items": {"object": "list", "data": [item], "has_more": False},
            "livemode": False,
            "start_date": int(at),
            "status": status,
        }


def _customers(born: Sequence[float]) -> Iterator[Element]:
    for place, at in enumerate(born):
        contact = _contact(person(place))
        yield {
            "id": _id("cus", place),
            "object": "customer",
            **contact,
            "balance": 0,
            "created": int(at),
            "currency": "usd",
            "delinquent": place % 29 == 0,
            "invoice_prefix": opaque(place, 29)[:8],
            "livemode": False,
            "preferred_locales": ["en"],
            "tax_exempt": "none",
        }


def _prices(opened: float) -> list[Element]:
    return [
        {
            "id": _id("price", place),
            "object": "price",
            "active": place % 9 > 0,
            "billing_scheme": "per_unit",
            "created": int(opened),
            "currency": "usd",
            "livemode": False,
            "nickname": "monthly" if place < PRODUCTS else "yearly",
            "product": _id("prod", place % PRODUCTS),
            "recurring": {"interval": "month" if place < PRODUCTS else "year", "interval_count": 1},
            "tax_behavior": "unspecified",
            "type": "recurring",
            "unit_amount": _unit_amount(place),
            "unit_amount_decimal": str(_unit_amount(place)),
        }
        for place in range(PRICES)
    ]


def _contact(who: Person) -> dict[str, Any]:
    return {
        "address": {
            "city": who.city,
            "country": who.country,
            "line1": "1 Example Street",
            "line2": None,
            "postal_code": who.postal_code,
            "state": who.state,
        },
        "email": who.email,
        "name": f"{who.given} {who.family}",
        "phone": None,
    }


def _card(customer: int, country: str, authorized: int | None) -> dict[str, Any]:
    """How a charge was paid.

    :param authorized: in cents; None where the bank declined.
    """
    brand = _BRANDS[customer % len(_BRANDS)]
    card = {
        "amount_authorized": authorized,
        "brand": brand,
        "country": country,
        "exp_month": 1 + customer % 12,
        "exp_year": 2030 + customer % 5,
        "extended_authorization": _DISABLED,
        "fingerprint": opaque(customer, 31),
        "funding": "credit" if customer % 3 else "debit",
        "incremental_authorization": _UNAVAILABLE,
        "last4": f"{customer * 7919 % 10000:04d}",
        "multicapture": _UNAVAILABLE,
        "network": brand,
        "network_token": _TOKEN_USED if customer % 4 else _NO_TOKEN_USED,
        "overcapture": {"maximum_amount_capturable": authorized, **_UNAVAILABLE},
    }
    return {"card": card, "type": "card"}


def _status(place: int) -> str:
    """Four charges of a hundred fail and two are pending, none of them refunded."""
    return "failed" if place % 25 == 9 else "pending" if place % 50 == 21 else "succeeded"


def _unit_amount(price: int) -> int:
    """In cents; a year costs ten months."""
    month = 499 + price % PRODUCTS * 700
    return month if price < PRODUCTS else month * 10


def _id(prefix: str, place: int) -> str:
    return f"{prefix}_{opaque(place, _KINDS.index(prefix))}"


def _balance_id(place: int, is_refund: bool) -> str:
    return _id("txn", 2 * place + is_refund)


# Shared by the cards of all charges.
_DISABLED, _UNAVAILABLE = {"status": "disabled"}, {"status": "unavailable"}
_TOKEN_USED, _NO_TOKEN_USED = {"used": True}, {"used": False}
_KINDS = ("ch", "re", "txn", "sub", "si", "cus", "price", "prod", "pi", "pm")
_OUTCOMES = {
    "succeeded": {
        "network_status": "approved_by_network",
        "risk_level": "normal",
        "risk_score": 32,
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "failed": {
        "network_status": "declined_by_network",
        "risk_level": "normal",
        "risk_score": 48,
        "seller_message": "The bank did not return any further details.",
        "type": "issuer_declined",
    },
    "pending": None,
}
