"""Stripe: the REST resources that the source offers; a row is the page element below ``data``.

The objects have the attributes that Adobe's pages about the source show: amounts are whole numbers of the smallest
unit, times are epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from airflow_provider_payments.emulator.samples import flaws
from airflow_provider_payments.emulator.samples.creation_times import (
    PAST_DAYS,
    PAST_GAP_SECONDS,
    EveryNth,
    creation_times,
    follow_ups,
)
from airflow_provider_payments.emulator.samples.draws import DIGITS, LETTERS, Draws, opaque
from airflow_provider_payments.emulator.samples.flaws import Flaw, Row
from airflow_provider_payments.emulator.samples.people import person
from airflow_provider_payments.emulator.samples.stripe_billing import (
    PRICES,
    PRODUCTS,
    Element,
    contact,
    customers,
    identifier,
    prices,
    subscriptions,
    unit_amount,
)
from airflow_provider_payments.emulator.samples.tables import Table

CHARGES, FUTURE_CHARGES = 1500, 1500
CUSTOMERS, FUTURE_CUSTOMERS = 300, 100
SUBSCRIPTIONS = 200
# Refunded charges have succeeded and have no flaw.
REFUNDED = EveryNth(10, 3)

_DAY = 86400
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
    """Return the resources that the source's documentation names, in the order of the documentation.

    :param start: the start of the emulator's clock, in epoch seconds.
    """
    customers_created = creation_times("stripe customers", start, CUSTOMERS, FUTURE_CUSTOMERS, step=9000)
    # Charges start half a year after customers, so that the first charge can refer to one.
    charged = creation_times("stripe charges", start, CHARGES, FUTURE_CHARGES, days=220)
    subscribed = creation_times("stripe subscriptions", start, SUBSCRIPTIONS, 0, days=220)
    refunded = follow_ups("stripe refunds", start, charged, REFUNDED, days=30)
    settled = sorted(
        [(at, place, False) for place, at in enumerate(charged) if _status(place) == "succeeded"]
        + [(at, place, True) for at, place in refunded]
    )
    opened, latest = float(int(start) - PAST_DAYS * _DAY), int(start) - PAST_GAP_SECONDS
    charges = _resource("charges", charged, lambda: _charges(charged, customers_created), _CHARGE_FLAWS)
    refunds = _resource(
        "refunds", [at for at, _ in refunded], lambda: _refunds(refunded, charges.good_rows), _REFUND_FLAWS
    )
    return (
        charges,
        _resource("subscriptions", subscribed, lambda: subscriptions(subscribed, customers_created, opened, latest)),
        refunds,
        _resource(
            "balance_transactions",
            [at for at, _, _ in settled],
            lambda: _balance_transactions(settled, charges.good_rows, latest),
            _BALANCE_FLAWS,
        ),
        _resource("customers", customers_created, lambda: customers(customers_created)),
        _resource("prices", [opened] * PRICES, lambda: prices(opened)),
    )


def _resource(
    name: str, created: Sequence[float], fill: Callable[[], Iterable[Element]], faulty: tuple[Flaw, ...] = ()
) -> Table:
    return Table(name, (), created, lambda: [{"data": element} for element in fill()], faulty)


def _charges(created: Sequence[float], customers_created: Sequence[float]) -> Iterator[Element]:
    draws = Draws("stripe charges")
    for place, at in enumerate(created):
        customer = draws.below(bisect_right(customers_created, at))
        who, price, status = person(customer), draws.below(PRICES), _status(place)
        amount = unit_amount(price) * (1 + draws.below(4))
        is_refunded = place in REFUNDED
        refunded_amount = 0 if not is_refunded else amount if draws.below(3) else 1 + draws.below(amount)
        paid, failed = status == "succeeded", status == "failed"
        yield {
            "id": identifier("ch", place),
            "object": "charge",
            "amount": amount,
            "amount_captured": amount if paid else 0,
            "amount_refunded": refunded_amount,
            "balance_transaction": _balance_id(place, False) if paid else None,
            "billing_details": contact(who),
            "calculated_statement_descriptor": "EXAMPLE SHOP",
            "captured": paid,
            "created": int(at),
            "currency": draws.pick(_CURRENCIES),
            "customer": identifier("cus", customer),
            "description": None if draws.below(3) else f"{_GOODS[price % PRODUCTS // 2]} renewal",
            "disputed": False,
            "failure_code": "card_declined" if failed else None,
            "failure_message": "Your card was declined." if failed else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": {"product": identifier("prod", price % PRODUCTS), "price": identifier("price", price)},
            "outcome": _OUTCOMES[status],
            "paid": paid,
            "payment_intent": identifier("pi", place),
            "payment_method": identifier("pm", customer),
            "payment_method_details": {
                "card": {
                    **_card(customer, who.country),
                    **_authorization(None if failed else amount, int(at) + 7 * _DAY if status == "pending" else None),
                },
                "type": "card",
            },
            "radar_options": {},
            "receipt_email": who.email,
            "receipt_url": f"https://pay.example.com/receipts/{identifier('ch', place)}" if paid else None,
            "refunded": is_refunded and refunded_amount == amount,
            "statement_descriptor": "EXAMPLE SHOP",
            "status": status,
            **_NULL_MEMBERS,
        }


def _card(customer: int, country: str) -> Element:
    """Return the card of a customer."""
    brand = _BRANDS[customer % len(_BRANDS)]
    return {
        "brand": brand,
        "country": country,
        "exp_month": 1 + customer % 12,
        "exp_year": 2030 + customer % 5,
        "fingerprint": opaque(customer, 31, 16, LETTERS),
        "funding": "credit" if customer % 3 else "debit",
        "installments": None,
        "last4": f"{customer * 7919 % 10000:04d}",
        "mandate": None,
        "network": brand,
        "network_token": _TOKEN_USED if customer % 4 else _NO_TOKEN_USED,
        "three_d_secure": None,
        "wallet": None,
    }


def _authorization(amount: int | None, capture_before: int | None) -> Element:
    """Return the bank's authorization of a charge.

    :param amount: the amount in cents; None if the charge was declined.
    :param capture_before: epoch seconds; None if nothing is left to capture.
    """
    return {
        "amount_authorized": amount,
        "capture_before": capture_before,
        "checks": _CHECKS_FAILED if amount is None else _CHECKS_PASSED,
        "extended_authorization": _DISABLED,
        "incremental_authorization": _UNAVAILABLE,
        "multicapture": _UNAVAILABLE,
        "overcapture": {"maximum_amount_capturable": amount, **_UNAVAILABLE},
    }


def _refunds(followed: Sequence[tuple[float, int]], charges: Sequence[Row]) -> Iterator[Element]:
    draws = Draws("stripe refunds")
    for at, place in followed:
        charge = charges[place]["data"]
        yield {
            "id": identifier("re", place),
            "object": "refund",
            "amount": charge["amount_refunded"],
            "balance_transaction": _balance_id(place, True),
            "charge": charge["id"],
            "created": int(at),
            "currency": charge["currency"],
            "destination_details": {
                "card": {
                    "reference": opaque(place, 37, 12, DIGITS),
                    "reference_status": "available",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": {"product": charge["metadata"]["product"]},
            "payment_intent": charge["payment_intent"],
            "reason": draws.pick(("requested_by_customer", "requested_by_customer", "duplicate", "fraudulent")),
            "receipt_number": f"{2000 + place // 1000}-{place % 10000:04d}",
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }


def _balance_transactions(
    settled: Sequence[tuple[float, int, bool]], charges: Sequence[Row], latest: float
) -> Iterator[Element]:
    for at, place, is_refund in settled:
        charge = charges[place]["data"]
        currency, description = charge["currency"], charge["description"]
        amount = -charge["amount_refunded"] if is_refund else charge["amount"]
        fee = 0 if is_refund else amount * 29 // 1000 + 30
        available = int(at) // _DAY * _DAY + 2 * _DAY
        yield {
            "id": _balance_id(place, is_refund),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": available,
            "created": int(at),
            "currency": currency,
            "description": f"REFUND FOR CHARGE ({description or charge['id']})" if is_refund else description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [{"amount": fee, "currency": currency, **_FEE}] if fee else [],
            "net": amount - fee,
            "reporting_category": "refund" if is_refund else "charge",
            "source": identifier("re", place) if is_refund else charge["id"],
            "status": "available" if available <= latest else "pending",
            "type": "refund" if is_refund else "charge",
        }


def _status(place: int) -> str:
    """Return the status of a charge: of a hundred, four have failed and two are pending, none of them refunded."""
    return "failed" if place % 25 == 9 else "pending" if place % 50 == 21 else "succeeded"


def _balance_id(place: int, is_refund: bool) -> str:
    return identifier("txn", 2 * place + is_refund)


# Shared by the cards of all charges.
_DISABLED, _UNAVAILABLE = {"status": "disabled"}, {"status": "unavailable"}
_TOKEN_USED, _NO_TOKEN_USED = {"used": True}, {"used": False}
_CHECKS_PASSED, _CHECKS_FAILED = (
    {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": cvc} for cvc in ("pass", "fail")
)
_FEE = {"application": None, "description": "Stripe processing fees", "type": "stripe_fee"}
_NULL_MEMBERS = dict.fromkeys(
    (
        *("application", "application_fee", "application_fee_amount", "destination", "dispute"),
        *("failure_balance_transaction", "invoice", "on_behalf_of", "order", "receipt_number", "review", "shipping"),
        *("source", "source_transfer", "statement_descriptor_suffix", "transfer_data", "transfer_group"),
    )
)
_OUTCOMES = {
    "succeeded": {
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 32,
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "failed": {
        "network_status": "declined_by_network",
        "reason": "generic_decline",
        "risk_level": "normal",
        "risk_score": 48,
        "seller_message": "The bank did not return any further details.",
        "type": "issuer_declined",
    },
    "pending": None,
}
