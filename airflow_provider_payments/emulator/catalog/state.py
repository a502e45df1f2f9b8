"""Datasets, and the rules for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_provider_payments.emulator.catalog.batches import Batch, Row
from airflow_provider_payments.emulator.catalog.refusals import bad_request, not_found
from airflow_provider_payments.emulator.core.identifiers import new_object_id
from airflow_provider_payments.emulator.core.refusals import PlainRefusal
from airflow_provider_payments.emulator.core.sandbox import Sandbox
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.schema_registry.registry import Registry

_CONTENT_TYPE = re.compile(r"application/vnd\.adobe\.xed[a-z-]*\+json\s*;\s*version=(\d+)(\.\d+)*", re.IGNORECASE)
# The members that a client may write; others are ignored, as the service does.
_WRITABLE: Mapping[str, type] = {
    "name": str,
    "description": str,
    "tags": dict,
    "schemaRef": dict,
    "enableErrorDiagnostics": bool,
    "fileDescription": dict,
    "dataSourceId": int,
    "observableSchema": dict,
    "extensions": dict,
    "classification": dict,
}
# The tags that Profile and Identity Service read, with their switches.
_SWITCHES: Mapping[str, tuple[str, ...]] = {
    "unifiedProfile": ("enabled", "isUpsert"),
    "unifiedIdentity": ("enabled",),
}
_MANAGERS = ("CUSTOMER", "SYSTEM")


@dataclass(slots=True)
class Dataset:
    """A dataset and its records.

    :param content: the members that clients wrote.
    :param rows: the ingested records, nested.
    """

    id: str
    content: dict[str, Any]
    created: int
    updated: int
    view_id: str
    data_source_id: int | None
    number: int = -1
    writes: int = 0
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    last_batch: Batch | None = None
    _columns: set[str] = field(default_factory=set)
    _rows_seen: int = 0

    @property
    def columns(self) -> set[str]:
        """The top-level names in all rows."""
        for row in islice(self.rows, self._rows_seen, None):
            self._columns.update(row)
        self._rows_seen = len(self.rows)
        return self._columns

    @property
    def name(self) -> str:
        return str(self.content["name"])

    @property
    def version(self) -> str:
        return f"1.0.{self.writes}"

    @property
    def schema_id(self) -> str:
        return str(self.content["schemaRef"]["id"])


class Catalog:
    """The state of Catalog for one sandbox.

    :param registry: contains the schemas of the datasets.
    """

    def __init__(self, sandbox: Sandbox, registry: Registry) -> None:
        self.sandbox = sandbox
        self.registry = registry
        self.datasets: Store[Dataset] = Store(
            keys={"name": lambda dataset: (dataset.name,), "schema": lambda dataset: (dataset.schema_id,)},
            lag=sandbox.lag,
            kind=lambda dataset: "dataset",
        )
        self.batches: Store[Batch] = Store(keys={"dataSet": lambda batch: (batch.dataset_id,)}, lag=sandbox.lag)

    def create(self, body: Mapping[str, Any], request_data_source: bool) -> Dataset:
        """Create a dataset, or refuse."""
        content = self._writable_content(body)
        for member in ("name", "schemaRef"):
            if not content.get(member):
                raise bad_request(f"A dataset needs '{member}'.")
        holder = self.sandbox.name_holder("dataset", self.datasets, content["name"])
        if holder is not None:
            raise PlainRefusal(409, f"The name '{holder.name[:100]}' is taken by the dataset {holder.id}.")
        now, millis = self.sandbox.clock.now(), self.sandbox.clock.millis()
        source = content.pop("dataSourceId", None)
        dataset = Dataset(new_object_id(now), content, millis, millis, new_object_id(now), source)
        self.datasets.add(dataset)
        if source is None and request_data_source:
            dataset.data_source_id = dataset.number + 1
        return dataset

    def get(self, identifier: str, *, removed: bool = False) -> Dataset:
        """Return the dataset with an id, or refuse.

        :param removed: whether to find a removed dataset too, as long as reads lag.
        """
        dataset = self.datasets.read(identifier, removed=removed)
        if dataset is None:
            raise not_found("DataSet")
        return dataset

    def batch(self, identifier: str) -> Batch:
        """Return the batch with an id, or refuse."""
        batch = self.batches.read(identifier)
        if batch is None:
            raise not_found("Batch")
        return batch

    def read_sample(self, dataset_id: str, batch_id: str, max_rows: int) -> tuple[Mapping[str, Any], Sequence[Row]]:
        """Return the schema reference of a dataset and the first records of a batch, or refuse.

        :param batch_id: a batch of any dataset; the batch has no records if its dataset was deleted.
        """
        dataset, batch = self.get(dataset_id), self.batch(batch_id)
        origin = self.datasets.get(batch.dataset_id)
        end = batch.first_row + min(batch.output_records, max_rows)
        return dataset.content["schemaRef"], origin.rows[batch.first_row : end] if origin else ()

    def update(self, dataset: Dataset, body: Mapping[str, Any], *, whole: bool) -> None:
        """Write members of a dataset, or refuse.

        :param whole: whether members that the body omits are dropped (PUT, JSON Patch) or kept (PATCH with an object).
        """
        changes = self._writable_content(body)
        for member in ("name", "schemaRef"):
            if member in body and body[member] is None:
                raise bad_request(f"'{member}' cannot be removed.")
        if "schemaRef" in changes and changes["schemaRef"]["id"] != dataset.schema_id:
            raise bad_request("The schema of a dataset cannot be changed.")
        kept = {"schemaRef": dataset.content["schemaRef"]} if whole else dict(dataset.content)
        tags = {**kept.get("tags", {}), **changes.get("tags", {})}
        content = {**kept, **changes, **({"tags": tags} if tags else {})}
        if not content.get("name"):
            raise bad_request("A dataset needs 'name'.")
        dataset.content = content
        dataset.writes += 1
        dataset.updated = self.sandbox.clock.millis()
        self.datasets.reindex(dataset)

    def _writable_content(self, body: Mapping[str, Any]) -> dict[str, Any]:
        content = {name: body[name] for name in _WRITABLE if body.get(name) is not None}
        for name, value in content.items():
            if not isinstance(value, _WRITABLE[name]):
                raise bad_request(f"'{name}' has the wrong type.")
        if "schemaRef" in content:
            content["schemaRef"] = self._schema_ref(content["schemaRef"])
        for key, values in content.get("tags", {}).items():
            _check_tag(key, values)
        manager = content.get("classification", {}).get("managedBy", _MANAGERS[0])
        if manager not in _MANAGERS:
            raise bad_request(f"'classification.managedBy' must be one of {', '.join(_MANAGERS)}.")
        return content

    def _schema_ref(self, reference: Mapping[str, Any]) -> dict[str, str]:
        identifier, content_type = reference.get("id"), reference.get("contentType")
        if not isinstance(identifier, str) or not isinstance(content_type, str):
            raise bad_request("'schemaRef' needs 'id' and 'contentType', both text.")
        match = _CONTENT_TYPE.fullmatch(content_type.strip())
        if match is None or match[1] != "1":
            raise bad_request(f"'schemaRef.contentType' names no form and version of a schema: '{content_type[:100]}'.")
        resource = self.registry.read(identifier)
        if resource is None or resource.kind != "schemas":
            raise bad_request(f"'schemaRef.id' names no schema: {identifier[:200]}.")
        return {"id": resource.id, "contentType": content_type}


def _check_tag(key: str, values: Any) -> None:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise bad_request(f"The tag '{key[:100]}' must be a list of texts.")
    for value in values if key in _SWITCHES else ():
        name, _, state = value.partition(":")
        if name not in _SWITCHES[key] or state.strip() not in ("true", "false"):
            allowed = " or ".join(f"'{name}:true'" for name in _SWITCHES[key])
            raise bad_request(f"The tag '{key}' holds {allowed}, not '{value[:100]}'.")
