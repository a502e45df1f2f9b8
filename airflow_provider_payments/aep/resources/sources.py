"""
The catalogue of payment sources: their names in Experience Platform, their credentials, and the kind of their data.

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

    :param name: the source's name in arguments, such as ``paypal``.
    :param title: the source's name in messages, such as ``PayPal``.
    :param spec_id: id of the source's connection spec.
    :param auth_spec: the ``auth.specName`` of the source's base connections.
    :param auth_params: auth parameter -> the value of the vendor's Airflow connection that it contains: ``host``,
        ``client_id``, ``client_secret``, ``access_token`` or ``refresh_token``.
    :param tabular: whether the source offers tables; otherwise it offers REST resources as JSON.
    :param flow_spec: name of the flow spec that reads the source.
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
    Check that an operator's arguments name a source, because none is assumed.

    :param source: the value of the argument ``source``.
    :param instead: the value of another argument that may be given instead. Defaults to ``None``.
    :param argument: the name of that argument. Defaults to empty: there is none.
    :raises InvalidInputError: if both values are absent.
    """
    if not source and not instead:
        other = f"; or give {argument}" if argument else ""
        raise InvalidInputError("source", source, f"it must be given, as one of {', '.join(SOURCES)}{other}")


def find_source(name: object) -> Source:
    """
    Return the source of a name, regardless of upper and lower case.

    :raises InvalidInputError: if the catalogue has no source of this name.
    """
    source = SOURCES.get(name.lower()) if isinstance(name, str) else None
    if source is None:
        raise InvalidInputError("source", name, f"one of {', '.join(SOURCES)}")
    return source
