"""What Sandbox Management offers: which sandboxes a credential may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import pages
from airflow_provider_payments.aep.readers import mappings, text
from airflow_provider_payments.aep.services import PAGE, SANDBOXES

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client


def names(client: Client) -> list[str]:
    """
    Return the names of the sandboxes that the credential may use, as :func:`types` does.

    :raises RequestError: if the service refuses or does not answer.
    """
    return list(types(client))


def types(client: Client) -> dict[str, str]:
    """
    Return the names of the sandboxes that the credential may use, a hundred at most, each with its type.

    Any credential may ask. An item without a name that can be read is left out; a type that cannot be read is empty.

    :raises RequestError: if the service refuses or does not answer.
    """
    params = {"limit": str(PAGE), "offset": "0"}
    page = client.request(
        "GET", f"{SANDBOXES}/", params=params, expected=pages.holding("sandboxes"), in_sandbox=False
    ).body
    items = mappings(page["sandboxes"])
    return {name: text(item.get("type")) or "" for item in items if (name := text(item.get("name")))}
