"""Items of Flow Service: as lists show them, as they are now, and what refers to something; and the kinds of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
from airflow_provider_payments.aep.services import FLOW_SERVICE, PAGE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.fields import Fields


class FlowServiceKind(Kind):
    """What all kinds of Flow Service share: listed and read as items."""

    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
        return flow_service.items(reads, self.collection, *([f"name=={name}"] if name else []), limit=limit)

    def listed(self, item: Json) -> RemoteObject | None:
        return None if item.get("state") == "deleting" else super().listed(item)

    def is_being_deleted(self, fields: Fields) -> bool:
        return fields.text("state") == "deleting"

    def settle_seconds(self, reads: Reads) -> float:
        return reads.dataflow_settle_seconds if self.collection == "flows" else reads.settle_seconds

    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        return self.read_item(self.fields_of_item(flow_service.item(reads, self.collection, object_id)))

    def read(self, reads: Reads, existing: RemoteObject) -> RemoteObject | None:
        now = super().read(reads, existing)
        return now if now and now.item.get("state") != "deleting" else None

    def patch(
        self, client: Client, existing: RemoteObject, operations: Sequence[Json], *, safe: bool | None = None
    ) -> RemoteObject:
        # The etag goes back as it came, its inner quotes included.
        headers, path = {"If-Match": existing.etag or "*"}, f"{self.path}/{segment(existing.id)}"
        answer = client.request("PATCH", path, body=list(operations), headers=headers, safe=safe)
        return replace(existing, etag=readers.text(readers.at(answer.body, "etag")) or existing.etag)

    def blocking_reference(self, reads: Reads, existing: RemoteObject, going: Collection[str] = ()) -> str:
        return referring_item(reads, self, existing.id, going)


def referring_item(reads: Reads, kind: Kind, object_id: str, going: Collection[str] = ()) -> str:
    """
    Say what refers to an object of a kind; empty where nothing does.

    :param going: ids of what does not count.
    """
    users = (_referring_item_in(reads, object_id, *place, going) for place in kind.referrers.items())
    return next(filter(None, users), "")


def _referring_item_in(reads: Reads, object_id: str, collection: str, reference: str, going: Collection[str]) -> str:
    """
    Say which item of ``collection`` has the object's id under ``reference``, such as ``params.dataSetId``.

    A deletion follows, so no filter is trusted: each item is looked at, and one that cannot be read may refer to it.
    """
    users, path = FlowServiceKind(name=collection, path=f"{FLOW_SERVICE}/{collection}"), reference.split(".")
    for item in flow_service.items(reads, collection):
        if readers.text(item.get("id")) in going:
            continue
        fields = users.fields_of_item(item)
        refers = object_id in (fields.texts(*path) if path[-1].endswith("Ids") else (fields.text(*path),))
        # Lists are eventually consistent and may return deleted objects.
        if refers and users.read(reads, users.read_item(fields)):
            return f"{collection} {fields.identity()} refers to it"
    return ""
