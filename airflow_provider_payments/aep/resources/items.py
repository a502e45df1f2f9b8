"""Items of Flow Service: as lists show them, as they are now, and what refers to something; and the kinds of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Reads
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.kind import Existing, Kind
from airflow_provider_payments.aep.services import FLOW_SERVICE, PAGE


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


class FlowServiceKind(Kind):
    """What all kinds of Flow Service share: listed and read as items."""

    def list_all(self, reads: Reads, limit: int = PAGE) -> Iterator[Existing]:
        for item in flow_service.items(reads, self.collection, limit=limit):
            if existing := listed(item):
                yield existing

    def settle_seconds(self, reads: Reads) -> float:
        return reads.dataflow_settle_seconds if self.collection == "flows" else reads.settle_seconds

    def get(self, reads: Reads, object_id: str, version: int = 0) -> Existing:
        return read_item(Fields.of_item(self.name, flow_service.item(reads, self.collection, object_id)))

    def read(self, reads: Reads, existing: Existing) -> Existing | None:
        now = super().read(reads, existing)
        return now if now and now.item.get("state") != "deleting" else None

    def blocking_reference(self, reads: Reads, existing: Existing) -> str:
        return next(filter(None, (user_of(reads, existing.id, *place) for place in self.referrers.items())), "")


def user_of(reads: Reads, object_id: str, collection: str, reference: str) -> str:
    """
    Say which item of ``collection`` has the object's id under ``reference``, such as ``params.dataSetId``.

    A deletion follows, so no filter is trusted: each item is looked at, and one that cannot be read may refer to it.
    """
    users, path = FlowServiceKind(name=collection, path=f"{FLOW_SERVICE}/{collection}"), reference.split(".")
    for item in flow_service.items(reads, collection):
        fields = Fields.of_item(collection, item)
        refers = object_id in (fields.texts(*path) if path[-1].endswith("Ids") else (fields.text(*path),))
        # Lists are eventually consistent and may return deleted objects.
        if refers and users.read(reads, read_item(fields)):
            return f"{collection} {fields.identity()} refers to it"
    return ""
