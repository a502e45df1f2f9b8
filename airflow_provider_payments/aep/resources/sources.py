"""
The catalogue of payment sources: what Experience Platform calls them, how they log in, what shape their data has.

Adobe announced the end of its PayPal source for June 2025; Square and Stripe are the current ones.
Sources: Adobe's catalogue of sources and its pages "PayPal", "Square" and "Stripe".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Source:
    """
    One vendor's source.

    :param name: what arguments call it.
    :param title: what people call it.
    :param spec_id: its connection spec.
    :param auth_spec: the ``auth.specName`` that its base connection names.
    :param auth_params: what each auth parameter is called, and which attribute of a :class:`VendorCredential` it takes.
    :param tabular: whether it offers tables; otherwise REST resources as JSON.
    :param flow_spec: the name of the flow spec that reads it.
    """

    name: str
    title: str
    spec_id: str
    auth_spec: str
    auth_params: Mapping[str, str]
    tabular: bool
    flow_spec: str


SOURCES = {
    source.name: source
    for source in (
        Source(
            name="paypal",
            title="PayPal",
            spec_id="221c7626-58f6-4eec-8ee2-042b0226f03b",
            auth_spec="Client-Id-Secret Based Authentication",
            auth_params={"host": "host", "clientId": "client_id", "clientSecret": "client_secret"},
            tabular=True,
            flow_spec="CRMToAEP",
        ),
        Source(
            name="square",
            title="Square",
            spec_id="2acf109f-9b66-4d5e-bc18-ebb2adcff8d5",
            auth_spec="OAuth2 Refresh Code",
            auth_params={
                "host": "host",
                "clientId": "client_id",
                "clientSecret": "client_secret",
                "accessToken": "access_token",
                "refreshToken": "refresh_token",
            },
            tabular=True,
            flow_spec="CRMToAEP",
        ),
        Source(
            name="stripe",
            title="Stripe",
            spec_id="cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3",
            auth_spec="OAuth2 Refresh Code",
            auth_params={"accessToken": "access_token"},
            tabular=False,
            flow_spec="RestStorageToAEP",
        ),
    )
}


def require_source(source: object, instead: object = None, argument: str = "") -> None:
    """
    Refuse an operator's arguments that name no source: none is assumed.

    :param instead: the value of another argument that does as well.
    :param argument: what that one is called.
    :raises InvalidInputError: if both are absent.
    """
    if not source and not instead:
        other = f"; or give {argument}" if argument else ""
        raise InvalidInputError("source", source, f"it must be given, as one of {', '.join(SOURCES)}{other}")


def find_source(name: object) -> Source:
    """
    Return the source of this name, in any case.

    :raises InvalidInputError: if the catalogue does not hold it.
    """
    source = SOURCES.get(name.lower()) if isinstance(name, str) else None
    if source is None:
        raise InvalidInputError("source", name, f"one of {', '.join(SOURCES)}")
    return source
