"""The kinds of Flow Service: how their items are listed, read and changed, and which items refer to an object."""

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
    """A kind of Flow Service, whose objects are items with an etag and a state."""

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
        # The service expects its etag unchanged, including the inner quotes.
        headers, path = {"If-Match": existing.etag or "*"}, f"{self.path}/{segment(existing.id)}"
        answer = client.request("PATCH", path, body=list(operations), headers=headers, safe=safe)
        return replace(existing, etag=readers.text(readers.at(answer.body, "etag")) or existing.etag)

    def blocking_reference(self, reads: Reads, existing: RemoteObject, deleted_before: Collection[str] = ()) -> str:
        return referring_item(reads, self, existing.id, deleted_before)


def referring_item(reads: Reads, kind: Kind, object_id: str, deleted_before: Collection[str] = ()) -> str:
    """
    Return which item refers to an object of a kind, empty if none does.

    :param deleted_before: ids of items that will be deleted first, whose references do not count.
    :raises UnreadableError: if an item that may refer to the object cannot be understood.
    """
    users = (_referring_item_in(reads, object_id, *place, deleted_before) for place in kind.referrers.items())
    return next(filter(None, users), "")


def _referring_item_in(
    reads: Reads, object_id: str, collection: str, reference: str, deleted_before: Collection[str]
) -> str:
    """
    Return which item of ``collection`` has the object's id under ``reference``, such as ``params.dataSetId``.

    A deletion follows, so no filter is trusted: every item is read, and an item that cannot be understood is an error
    because it may refer to the object.
    """
    users, path = FlowServiceKind(name=collection, path=f"{FLOW_SERVICE}/{collection}"), reference.split(".")
    for item in flow_service.items(reads, collection):
        if readers.text(item.get("id")) in deleted_before:
            continue
        fields = users.fields_of_item(item)
        refers = object_id in (fields.texts(*path) if path[-1].endswith("Ids") else (fields.text(*path),))
        # Lists are eventually consistent and may return deleted objects.
        if refers and users.read(reads, users.read_item(fields)):
            return f"{collection} {fields.identity()} refers to it"
    return ""
