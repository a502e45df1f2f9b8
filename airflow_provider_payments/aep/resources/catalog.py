"""
Datasets of the Catalog. Source: Adobe's page "Create a dataset using APIs" and its OpenAPI file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import catalog
from airflow_provider_payments.aep.errors import Difference, InvalidInputError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_content_type, as_id, as_mapping
from airflow_provider_payments.aep.resources.base import (
    Existing,
    Resource,
    delete,
    made,
    read_if_there,
    without_empty,
)
from airflow_provider_payments.aep.resources.items import user_of
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.services import CATALOG, DATASET_SCHEMA_VERSION, Json, segment

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client

MARK_TAG = "airflow/mark"


@dataclass(frozen=True, kw_only=True)
class Dataset(Resource):
    """
    A dataset that holds records of one schema.

    :param schema_id: the schema's ``$id``.
    :param schema_version: the content type that asks for the schema; its major version counts.
    :param tags: Catalog tags, each a list of texts, such as ``{"unifiedProfile": ["enabled: true"]}``.
    """

    kind: ClassVar[str] = "dataset"

    schema_id: str
    schema_version: str = DATASET_SCHEMA_VERSION
    tags: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        as_id("schema_id", self.schema_id)
        as_content_type("schema_version", self.schema_version)
        self._put("tags", as_mapping("tags", self.tags))
        if MARK_TAG in self.tags:
            raise InvalidInputError(f"tags.{MARK_TAG}", self.tags[MARK_TAG], "this tag is the provider's own")
        for name, values in self.tags.items():
            if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
                raise InvalidInputError(f"tags.{name}", values, "a list of texts")
        super().__post_init__()

    def look_up(self, client: Client) -> Iterator[Existing]:
        return self._named(catalog.datasets(client, self.name))

    def look_further(self, client: Client) -> Iterator[Existing]:
        return self._named(item for item in catalog.datasets(client) if item.get("name") is not None)

    def _named(self, items: Iterable[Json]) -> Iterator[Existing]:
        for item in items:
            fields = Fields.of_item(self.kind, item)
            if fields.is_named("name", self.name):
                yield _read_item(fields)

    @classmethod
    def everything(cls, client: Client) -> Iterator[Existing]:
        for item in catalog.datasets(client):
            if found := readers.text(item.get("id")):
                yield Existing(found, readers.moment(item.get("created")) or 0.0, item=item)

    @classmethod
    def read(cls, client: Client, existing: Existing) -> Existing | None:
        return read_if_there(
            lambda: _read_item(Fields.of_item(cls.kind, catalog.dataset(client, existing.id))),
            partial(cls.check_gone, client, existing),
        )

    @classmethod
    def in_use(cls, client: Client, existing: Existing) -> str:
        # Not every way that rows come by sets the last batch.
        if batch := existing.item.get("lastBatchId") or catalog.a_batch_of(client, existing.id):
            return f"it holds rows: batch {batch}"
        return user_of(client, existing.id, "targetConnections", "params.dataSetId")

    @classmethod
    def delete(cls, client: Client, existing: Existing) -> None:
        delete(client, f"{CATALOG}/dataSets/{segment(existing.id)}")

    # A dataset's description is what people read it by; its tags are for machines.
    def marked(self, payload: Json, mark: Mark | None) -> Json:
        if mark is None:
            return payload
        return payload | {"tags": dict(payload.get("tags") or {}) | {MARK_TAG: [str(mark)]}}

    @classmethod
    def mark_of(cls, existing: Existing) -> Mark | None:
        return next(map(Mark.read, cls.fields_of(existing).texts("tags", MARK_TAG)), None)

    def body(self) -> Json:
        return without_empty(
            {
                "name": self.name,
                "description": self.description,
                "schemaRef": {"id": self.schema_id, "contentType": self.schema_version},
                "tags": dict(self.tags),
            }
        )

    def create(self, client: Client, mark: Mark | None = None) -> Existing:
        path = f"{CATALOG}/dataSets"
        body = self.marked(self.payload(), mark)
        answer = client.request("POST", path, params={"requestDataSource": "true"}, body=body)
        reference = next(iter(readers.sequence(answer.body)), None)
        # "@/dataSets/5c8c..." in answers, "@/datasets/..." in prose.
        return made(answer, path, reference.rsplit("/", 1)[-1] if isinstance(reference, str) else None)

    changeable: ClassVar[tuple[str, ...]] = ("tags",)

    def change(self, client: Client, existing: Existing, differences: list[Difference]) -> Existing:
        # A tag that is sent replaces the one of its name: what stands there now, lists may not show yet, is sent again.
        now = self.read(client, existing) or existing
        theirs = {name: self.fields_of(now).texts("tags", name) for name in self.tags}
        missing = {name: values for name, values in self.tags.items() if not _pairs({name: values}) <= _pairs(theirs)}
        grown = {name: [*theirs[name], *values] for name, values in missing.items()}
        if grown:
            client.request("PATCH", f"{CATALOG}/dataSets/{existing.id}", body={"tags": grown})
        return existing

    def wanted(self) -> Json:
        return self._meaning(Fields(self.name, self.body()))

    def found(self, client: Client, existing: Existing) -> Json:
        return self._meaning(self.fields_of(existing))

    def _meaning(self, fields: Fields) -> Json:
        return {
            "schemaRef.id": fields.text("schemaRef", "id"),
            "schemaRef.contentType": fields.major_version("schemaRef", "contentType"),
            # The service and others add tags of their own, so "at least these".
            "tags": frozenset(_pairs({name: fields.texts("tags", name) for name in self.tags})),
        }


def _read_item(fields: Fields) -> Existing:
    return Existing(fields.identity(), fields.moment("created"), item=dict(fields.item))


def _pairs(tags: Mapping[str, Any]) -> set[str]:
    return {f"{name}={value.replace(' ', '')}" for name, values in tags.items() for value in values}
