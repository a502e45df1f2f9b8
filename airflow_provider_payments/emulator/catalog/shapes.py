"""The wire form of Catalog's datasets, views, files and batches."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_payments.emulator.catalog.batches import Batch
from airflow_provider_payments.emulator.catalog.state import Catalog, Dataset
from airflow_provider_payments.emulator.schema_registry.fields import without_texts


def dataset_to_wire(dataset: Dataset, catalog: Catalog) -> dict[str, Any]:
    """Return the wire form of a dataset without the id, which is the dataset's key in the answer.

    :param catalog: provides the schema, whose latest minor version is in the schema reference.
    """
    content, options = dataset.content, catalog.sandbox.options
    schema = catalog.registry.lookup(dataset.schema_id)
    behaviour = {"dataBehavior": catalog.registry.behaviour_of(schema)} if schema else {}
    wire: dict[str, Any] = {
        "name": content["name"],
        "description": content.get("description", ""),
        "enableErrorDiagnostics": content.get("enableErrorDiagnostics", False),
        "tags": tags_of(dataset),
        "imsOrg": options.org,
        "sandboxId": catalog.sandbox.id,
        "version": dataset.version,
        "created": dataset.created,
        "updated": dataset.updated,
        "createdClient": options.client_id,
        "createdUser": options.user_id,
        "updatedUser": options.user_id,
        "viewId": dataset.view_id,
        "basePath": f"adl://emulator/platform/{dataset.id}",
        "files": f"@/dataSetFiles?dataSetId={dataset.id}",
        "fileDescription": content.get("fileDescription", {"persisted": True, "format": "parquet"}),
        "schemaRef": {
            "id": dataset.schema_id,
            "contentType": f"application/vnd.adobe.xed+json;version=1.{schema.minor if schema else 0}",
        },
        "observableSchema": content.get("observableSchema") or _observable(dataset, catalog),
        "classification": {**behaviour, "managedBy": "CUSTOMER", **content.get("classification", {})},
    }
    if "extensions" in content:
        wire["extensions"] = content["extensions"]
    if dataset.data_source_id is not None:
        wire["dataSourceId"] = dataset.data_source_id
    if dataset.last_batch is not None:
        wire["lastBatchId"] = dataset.last_batch.id
        wire["lastBatchStatus"] = dataset.last_batch.status
    return wire


def tags_of(dataset: Dataset) -> dict[str, list[str]]:
    """Return the tags that Catalog sets, and the client's."""
    table = re.sub(r"[^a-z0-9]+", "_", dataset.name.lower()).strip("_")[:120]
    own = {"adobe/pqs/table": [table or f"dataset_{dataset.id}"], "adobe/siphon/table/format": ["delta"]}
    return {**own, **dataset.content.get("tags", {})}


def _observable(dataset: Dataset, catalog: Catalog) -> dict[str, Any]:
    schema = catalog.registry.lookup(dataset.schema_id)
    if not dataset.rows or schema is None:
        return {}
    properties, _ = catalog.registry.resolve(schema)
    columns = dataset.columns
    seen = {name: without_texts(tree) for name, tree in properties.items() if name in columns}
    return {"type": "object", "meta:xdmType": "object", "properties": seen}


def last_batches_to_wire(dataset: Dataset, catalog: Catalog) -> dict[str, Any]:
    """Return the wire form of a dataset's last batches; empty if the dataset has no batch."""
    batches = catalog.batches.find("dataSet", (dataset.id,))
    if not batches:
        return {}
    latest = {
        "lastSuccessfulBatchId" if batch.status == "success" else "lastFailedBatchId": batch.id for batch in batches
    }
    return {
        "lastBatchId": batches[-1].id,
        "lastBatchStatus": batches[-1].status,
        **latest,
        "imsOrg": catalog.sandbox.options.org,
        "sandboxId": catalog.sandbox.id,
        "created": batches[0].started,
        "updated": batches[-1].completed,
    }


def view_to_wire(dataset: Dataset, catalog: Catalog) -> dict[str, Any]:
    """Return the wire form of a dataset's view without the id, which is the view's key in the answer."""
    wire = dataset_to_wire(dataset, catalog)
    own = ("imsOrg", "version", "created", "updated", "createdClient", "createdUser", "updatedUser", "basePath")
    return {
        **{name: wire[name] for name in own},
        "dataSetId": dataset.id,
        "aspect": "production",
        "status": "enabled",
        "fileDescription": wire["fileDescription"],
        "files": f"@/dataSets/{dataset.id}/views/{dataset.view_id}/files",
    }


def file_to_wire(batch: Batch, view_id: str, catalog: Catalog) -> dict[str, Any]:
    """Return the wire form of a dataset file, without the id.

    :param view_id: the id of the dataset's view.
    """
    options = catalog.sandbox.options
    return {
        "batchId": batch.id,
        "dataSetViewId": view_id,
        "imsOrg": options.org,
        "availableDates": {},
        "createdUser": options.user_id,
        "createdClient": options.client_id,
        "updatedUser": options.user_id,
        "version": "1.0.0",
        "created": batch.completed,
        "updated": batch.completed,
    }


def batch_to_wire(batch: Batch, catalog: Catalog) -> dict[str, Any]:
    """Return the wire form of a batch; the batch's id is also its key in the answer."""
    options = catalog.sandbox.options
    return {
        "id": batch.id,
        "externalId": batch.id,
        "imsOrg": options.org,
        "sandboxId": catalog.sandbox.id,
        "version": "1.0.1",
        "status": batch.status,
        "created": batch.started,
        "started": batch.started,
        "completed": batch.completed,
        "updated": batch.completed,
        "createdClient": options.client_id,
        "createdUser": options.user_id,
        "updatedUser": options.user_id,
        "inputFormat": {"format": "parquet"},
        "relatedObjects": [{"type": "dataSet", "id": batch.dataset_id}],
        "metrics": {
            "inputByteSize": batch.input_bytes,
            "inputFileCount": 1 if batch.input_records else 0,
            "inputRecordCount": batch.input_records,
            "outputRecordCount": batch.output_records,
            "failedRecordCount": batch.failed_records,
        },
        "errors": [
            {
                "code": failure.code,
                "description": failure.message,
                **({"recordCount": failure.count} if failure.count else {}),
            }
            for failure in batch.summary()
        ],
        "tags": batch.tags,
    }
