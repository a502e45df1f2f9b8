"""Stripe: customers, prices and subscriptions, and the ids of all objects."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from airflow_provider_payments.emulator.samples.draws import LETTERS, Draws, opaque
from airflow_provider_payments.emulator.samples.people import Person, person

Element = dict[str, Any]

PRODUCTS, PRICES = 20, 40
_DAY = 86400
# By prefix: the first character of all ids with the prefix, and the number of characters after the prefix.
_IDS = {
    **dict.fromkeys(("ch", "re", "txn", "pi"), ("3", 24)),
    **dict.fromkeys(("sub", "price", "pm", "in"), ("1", 24)),
    **dict.fromkeys(("cus", "prod", "si"), ("", 14)),
}
_KINDS = tuple(_IDS)


# Cached: many rows refer to a few customers, prices and products.
@lru_cache(maxsize=4096)
def identifier(prefix: str, place: int) -> str:
    """Return the id of the object with an index.

    :param prefix: the prefix of the kind of object, such as ``ch``.
    """
    first, length = _IDS[prefix]
    return f"{prefix}_{first}{opaque(place, _KINDS.index(prefix), length - len(first), LETTERS)}"


def unit_amount(price: int) -> int:
    """Return the amount of a price in cents; a year costs as much as ten months."""
    month = 499 + price % PRODUCTS * 700
    return month if price < PRODUCTS else month * 10


def contact(who: Person) -> Element:
    """Return the contact details of a charge or a customer."""
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


def customers(created: Sequence[float]) -> Iterator[Element]:
    """Yield one customer for each creation time."""
    for place, at in enumerate(created):
        yield {
            "id": identifier("cus", place),
            "object": "customer",
            **contact(person(place)),
            "balance": 0,
            "created": int(at),
            "currency": "usd",
            "default_source": None,
            "delinquent": place % 29 == 0,
            "description": None,
            "discount": None,
            "invoice_prefix": opaque(place, 29, 8),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": identifier("pm", place),
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": {},
            "next_invoice_sequence": 1 + place % 12,
            "preferred_locales": ["en"],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }


def prices(opened: float) -> list[Element]:
    """Return a monthly and a yearly price of each product.

    :param opened: the creation time of all prices, in epoch seconds.
    """
    return [
        {
            "id": identifier("price", place),
            "object": "price",
            "active": place % 9 > 0,
            "billing_scheme": "per_unit",
            "created": int(opened),
            "currency": "usd",
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": "monthly" if place < PRODUCTS else "yearly",
            "product": identifier("prod", place % PRODUCTS),
            "recurring": {
                "aggregate_usage": None,
                "interval": "month" if place < PRODUCTS else "year",
                "interval_count": 1,
                "trial_period_days": None,
                "usage_type": "licensed",
            },
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring",
            "unit_amount": unit_amount(place),
            "unit_amount_decimal": str(unit_amount(place)),
        }
        for place in range(PRICES)
    ]


def subscriptions(
    created: Sequence[float], customers_created: Sequence[float], opened: float, latest: float
) -> Iterator[Element]:
    """Yield one subscription for each creation time. All times are epoch seconds.

    :param created: the creation times of the subscriptions.
    :param customers_created: the creation times of the customers.
    :param opened: the creation time of all prices.
    :param latest: the time until which subscriptions are renewed, and after which none has ended.
    """
    draws, offered = Draws("stripe subscriptions"), prices(opened)
    for place, at in enumerate(created):
        price, status = draws.below(PRICES), draws.pick(("active",) * 7 + ("trialing", "past_due", "canceled"))
        at_period_end = draws.below(10) == 0 and status != "canceled"
        ended = int(min(at + 20 * _DAY, latest)) if status == "canceled" else None
        begin, end = _period(at, 1 if price < PRODUCTS else 12, ended or latest)
        if status == "trialing":
            begin = int(at)
        yield {
            "id": identifier("sub", place),
            "object": "subscription",
            "automatic_tax": {"enabled": False, "liability": None},
            "billing_cycle_anchor": int(at),
            "cancel_at": end if at_period_end else None,
            "cancel_at_period_end": at_period_end,
            "canceled_at": begin if at_period_end else ended,
            "cancellation_details": {
                "comment": None,
                "feedback": None,
                "reason": "cancellation_requested" if at_period_end or ended else None,
            },
            "collection_method": "charge_automatically",
            "created": int(at),
            "currency": "usd",
            "current_period_end": end,
            "current_period_start": begin,
            "customer": identifier("cus", draws.below(bisect_right(customers_created, at))),
            "default_tax_rates": [],
            "ended_at": ended,
            "invoice_settings": {"issuer": {"type": "self"}},
            "items": _items(place, int(at), offered[price]),
            "latest_invoice": identifier("in", place),
            "livemode": False,
            "metadata": {},
            "payment_settings": _PAYMENT_SETTINGS,
            "quantity": 1,
            "start_date": int(at),
            "status": status,
            "trial_end": end if status == "trialing" else None,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "trial_start": int(at) if status == "trialing" else None,
            **_NULL_MEMBERS,
        }


_PAYMENT_SETTINGS = {
    "payment_method_options": None,
    "payment_method_types": None,
    "save_default_payment_method": "off",
}
_NULL_MEMBERS = dict.fromkeys(
    (
        *("application", "application_fee_percent", "billing_thresholds", "days_until_due", "default_payment_method"),
        *("default_source", "description", "discount", "next_pending_invoice_item_invoice", "on_behalf_of"),
        *("pause_collection", "pending_invoice_item_interval", "pending_setup_intent", "pending_update", "schedule"),
        *("test_clock", "transfer_data"),
    )
)


def _items(place: int, at: int, price: Element) -> Element:
    """Return the items of a subscription: one item with one price."""
    subscription, recurring = identifier("sub", place), price["recurring"]
    shared = ("id", "active", "billing_scheme", "created", "currency", "livemode", "metadata", "nickname", "product")
    plan = {
        **{name: price[name] for name in shared},
        **recurring,
        "object": "plan",
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "tiers_mode": None,
        "transform_usage": None,
    }
    item: Element = {
        "id": identifier("si", place),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": at,
        "metadata": {},
        "plan": plan,
        "price": price,
        "quantity": 1,
        "subscription": subscription,
        "tax_rates": [],
    }
    url = f"/v1/subscription_items?subscription={subscription}"
    return {"object": "list", "data": [item], "has_more": False, "total_count": 1, "url": url}


def _period(start: float, months: int, time: float) -> tuple[int, int]:
    """Return the billing period that contains a time.

    :param start: the beginning of the first period.
    :param months: the length of a period.
    """
    elapsed = 0
    while _later(start, elapsed + months) <= time:
        elapsed += months
    return _later(start, elapsed), _later(start, elapsed + months)


def _later(at: float, months: int) -> int:
    """Return the same day and time some months later, or the last day of a shorter month."""
    day = datetime.fromtimestamp(at, UTC)
    years, month = divmod(day.month - 1 + months, 12)
    last = monthrange(day.year + years, month + 1)[1]
    return int(day.replace(year=day.year + years, month=month + 1, day=min(day.day, last)).timestamp())
