"""Reads of Sandbox Management: the sandboxes that a credential may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import pages
from airflow_provider_payments.aep.readers import mappings, text
from airflow_provider_payments.aep.services import PAGE, SANDBOXES

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client


def names(client: Client) -> list[str]:
    """
    Return the names of the sandboxes that the credential may use; see :func:`types`.

    :raises RequestError: if the service refuses or does not answer.
    """
    return list(types(client))


def types(client: Client) -> dict[str, str]:
    """
    Return the types of the sandboxes that the credential may use, by name; at most a hundred sandboxes.

    The request requires no permission. An item with an unreadable name is left out; an unreadable type is empty.

    :raises RequestError: if the service refuses or does not answer.
    """
    params = {"limit": str(PAGE), "offset": "0"}
    page = client.request(
        "GET", f"{SANDBOXES}/", params=params, expected=pages.holding("sandboxes"), in_sandbox=False
    ).body
    items = mappings(page["sandboxes"])
    return {name: text(item.get("type")) or "" for item in items if (name := text(item.get("name")))}
