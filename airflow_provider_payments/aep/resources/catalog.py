"""Datasets of the Catalog. Source: Adobe's page "Create a dataset using APIs" and its OpenAPI file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import catalog
from airflow_provider_payments.aep.errors import Difference, InvalidInputError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.base import Change, Resource, without_empty
from airflow_provider_payments.aep.resources.converters import named, to_bool, to_content_type, to_id, to_mapping
from airflow_provider_payments.aep.resources.items import referring_item
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject, created_object
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.services import CATALOG, DATASET_SCHEMA_VERSION, PAGE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_provider_payments.aep.api.client import Client, Reads

MARK_TAG = "airflow/mark"
PROFILE_TAG = "unifiedProfile"
_ENABLED_PREFIX = "enabled:"


class DatasetKind(Kind):
    """The kind of datasets, which carry their mark in a tag."""

    created_at = ("created",)

    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
        return catalog.datasets(reads, name, limit)

    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        return self.read_item(self.fields_of_item(catalog.dataset(reads, object_id)))

    def blocking_reference(self, reads: Reads, existing: RemoteObject, deleted_before: Collection[str] = ()) -> str:
        # `lastBatchId` is not set by every kind of ingestion, so batches are listed, too.
        if batch := existing.item.get("lastBatchId") or catalog.find_batch_id(reads, existing.id):
            return f"it holds rows: batch {batch}"
        return referring_item(reads, self, existing.id, deleted_before)

    # The mark is in a tag, because a dataset's description is text for people.
    def marked(self, payload: Json, mark: Mark | None) -> Json:
        if mark is None:
            return payload
        return payload | {"tags": dict(payload.get("tags") or {}) | {MARK_TAG: [str(mark)]}}

    def with_mark(self, existing: RemoteObject, operations: Sequence[Json], mark: Mark) -> tuple[Json, ...]:
        members = dict(next(iter(operations), {}))
        return (members | {"tags": dict(members.get("tags") or {}) | {MARK_TAG: [str(mark)]}},)

    def patch(
        self, client: Client, existing: RemoteObject, operations: Sequence[Json], *, safe: bool | None = None
    ) -> RemoteObject:
        # Catalog reports no etag, and merges the members of the request into the dataset, tag by tag.
        for members in operations:
            client.request("PATCH", f"{self.path}/{segment(existing.id)}", body=members, safe=safe)
        return existing

    def mark_of(self, existing: RemoteObject) -> Mark | None:
        return next(map(Mark.read, self.fields_of(existing).texts("tags", MARK_TAG)), None)


DATASET = DatasetKind(
    name="dataset",
    path=f"{CATALOG}/dataSets",
    page="dataset/browse/{id}",
    is_deletable=True,
    referrers={"targetConnections": "params.dataSetId"},
)


@attrs.frozen(kw_only=True, field_transformer=named)
class Dataset(Resource):
    """
    A dataset, which contains records of one schema.

    :param schema_id: ``$id`` of the schema.
    :param schema_version: the content type by which the schema is requested; only its major version is compared.
    :param tags: Catalog tags, each a list of texts, such as ``{"team": ["payments"]}``. Defaults to none.
    :param profile: whether the dataset's rows are part of profiles, which requires a schema that is enabled for
        Profile and cannot be undone. Defaults to ``None``: not compared, and not enabled at the creation.
    """

    kind = DATASET

    schema_id: str = attrs.field(converter=to_id)
    schema_version: str = attrs.field(default=DATASET_SCHEMA_VERSION, converter=to_content_type)
    tags: Mapping[str, Any] = attrs.field(factory=dict, converter=to_mapping)

    profile: bool | None = attrs.field(default=None, converter=to_bool)

    def check(self) -> None:
        if self.profile is not None and PROFILE_TAG in self.tags:
            raise InvalidInputError(f"tags.{PROFILE_TAG}", self.tags[PROFILE_TAG], "leave it out with `profile`")
        if MARK_TAG in self.tags:
            raise InvalidInputError(f"tags.{MARK_TAG}", self.tags[MARK_TAG], "this tag is reserved for the provider")
        for name, values in self.tags.items():
            if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
                raise InvalidInputError(f"tags.{name}", values, "a list of texts")

    def body(self) -> Json:
        return without_empty(
            {
                "name": self.name,
                "description": self.description,
                "schemaRef": {"id": self.schema_id, "contentType": self.schema_version},
                "tags": dict(self.tags) | ({PROFILE_TAG: [f"{_ENABLED_PREFIX}true"]} if self.profile else {}),
            }
        )

    def create(self, client: Client, mark: Mark | None = None) -> RemoteObject:
        body = self.kind.marked(self.payload(), mark)
        answer = client.request("POST", self.kind.path, params={"requestDataSource": "true"}, body=body)
        reference = next(iter(readers.sequence(answer.body)), None)
        # Samples of answers contain "@/dataSets/5c8c...", the text around them "@/datasets/...".
        object_id = reference.rsplit("/", 1)[-1] if isinstance(reference, str) else None
        return created_object(answer, self.kind.path, object_id)

    changeable: ClassVar[tuple[str, ...]] = ("tags", "description", "profile")

    def obstacle(self, existing: RemoteObject, difference: Difference, now: float) -> str:
        if difference.field == "profile" and not self.profile:
            return "A dataset stays in Profile: leave `profile` out."
        return super().obstacle(existing, difference, now)

    def latest(self, reads: Reads, existing: RemoteObject) -> RemoteObject:
        return self.kind.read(reads, existing) or existing

    def change(self, existing: RemoteObject, differences: Sequence[Difference]) -> Change:
        # A tag in the request replaces the existing tag of its name, so the existing values are sent again.
        theirs = {name: self.kind.fields_of(existing).texts("tags", name) for name in self.tags}
        missing = {name: values for name, values in self.tags.items() if not _pairs({name: values}) <= _pairs(theirs)}
        grown = {name: [*theirs[name], *values] for name, values in missing.items()}
        changed = {d.field for d in differences}
        if "profile" in changed:
            kept = self.kind.fields_of(existing).texts("tags", PROFILE_TAG)
            grown[PROFILE_TAG] = [
                *(tag for tag in kept if not tag.startswith(_ENABLED_PREFIX)),
                f"{_ENABLED_PREFIX}true",
            ]
        described = "description" in changed
        members = ({"tags": grown} if grown else {}) | ({"description": self.description} if described else {})
        return Change((members,) if members else ())

    def desired_fields(self) -> Json:
        described = {"description": self.description} if self.description else {}
        switched = {} if self.profile is None else {"profile": self.profile}
        return self._meaning(Fields(self.name, self.body())) | described | switched

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        fields = self.kind.fields_of(existing)
        return self._meaning(fields) | {
            "description": fields.text("description"),
            "profile": is_in_profile(existing),
        }

    def _meaning(self, fields: Fields) -> Json:
        return {
            "schemaRef.id": fields.text("schemaRef", "id"),
            "schemaRef.contentType": fields.major_version("schemaRef", "contentType"),
            # The service and other clients add tags, so tags are compared as "at least these".
            "tags": frozenset(_pairs({name: fields.texts("tags", name) for name in self.tags})),
        }


def is_in_profile(dataset: RemoteObject) -> bool:
    """
    Return whether a dataset is enabled for Profile, so that its rows are part of profiles.

    :raises UnreadableError: if the dataset's tags cannot be understood.
    """
    tags = DATASET.fields_of(dataset).texts("tags", PROFILE_TAG)
    return f"{_ENABLED_PREFIX}true" in (tag.replace(" ", "") for tag in tags)


def _pairs(tags: Mapping[str, Any]) -> set[str]:
    return {f"{name}={value.replace(' ', '')}" for name, values in tags.items() for value in values}
