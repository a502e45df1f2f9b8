"""
Items of Flow Service: as lists show them, as they are now, and what refers to something; and the kinds of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client, Reads
from airflow_provider_payments.aep.api.patience import check_gone
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.kind import Existing, Kind, read_if_there


def read_item(fields: Fields) -> Existing:
    """Return an item whose age is known: it decides which of several is the one."""
    item = dict(fields.item)
    return Existing(fields.identity(), fields.moment("createdAt"), readers.text(item.get("etag")), item)


def listed(item: Mapping[str, Any]) -> Existing | None:
    """Return an item of a list as far as it can be read, ``None`` where that is not its id, or it is going."""
    found = readers.text(item.get("id"))
    if found is None or item.get("state") == "deleting":
        return None
    return Existing(found, readers.moment(item.get("createdAt")) or 0.0, readers.text(item.get("etag")), dict(item))


def settle_time(client: Client, collection: str) -> float:
    """Return the seconds in which a creation in a collection shows in lists."""
    return client.dataflow_settle_seconds if collection == "flows" else client.settle_seconds


def user_of(client: Client, object_id: str, collection: str, reference: str) -> str:
    """
    Say which item of ``collection`` has the object's id under ``reference``, such as ``params.dataSetId``.

    A deletion follows, so no filter is trusted: each item is looked at, and one that cannot be read may refer to it.
    """
    path = reference.split(".")
    for item in flow_service.items(client, collection):
        fields = Fields.of_item(collection, item)
        refers = object_id in (fields.texts(*path) if path[-1].endswith("Ids") else (fields.text(*path),))
        # Lists show the dead for a while.
        if refers and read_live(client, collection, read_item(fields)):
            return f"{collection} {fields.identity()} refers to it"
    return ""


def read_live(client: Client, collection: str, listed: Existing) -> Existing | None:
    """
    Return a listed item as it is now, ``None`` where it is gone or going.

    :raises ReadLagError: if it cannot be read yet.
    """

    def read() -> Existing:
        return read_item(Fields.of_item(collection, flow_service.item(client, collection, listed.id)))

    what, seconds = f"{collection} {listed.id}", settle_time(client, collection)
    existing = read_if_there(read, partial(check_gone, client, what, listed.created, seconds))
    return existing if existing and existing.item.get("state") != "deleting" else None


class FlowServiceKind(Kind):
    """What all kinds of Flow Service share: listed and read as items."""

    def list_all(self, reads: Reads) -> Iterator[Existing]:
        for item in flow_service.items(reads, self.collection):
            if existing := listed(item):
                yield existing

    def settle_seconds(self, client: Client) -> float:
        return settle_time(client, self.collection)

    def read(self, client: Client, existing: Existing) -> Existing | None:
        return read_live(client, self.collection, existing)

    def blocking_reference(self, client: Client, existing: Existing) -> str:
        return next(filter(None, (user_of(client, existing.id, *place) for place in self.referrers.items())), "")
