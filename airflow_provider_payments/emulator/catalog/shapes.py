"""What Catalog shows of datasets and batches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.schema_registry.fields import without_texts

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.catalog.state import Batch, Dataset
    from airflow_provider_payments.emulator.world import Sandbox


def dataset_to_wire(dataset: Dataset, sandbox: Sandbox) -> dict[str, Any]:
    """A dataset without its id, which is the key under which it stands.

    :param sandbox: where its schema is looked up: the reference shows the schema's latest minor version.
    """
    content, options = dataset.content, sandbox.options
    schema = sandbox.registry.lookup(dataset.schema_id)
    wire: dict[str, Any] = {
        "name": content["name"],
        "description": content.get("description", ""),
        "enableErrorDiagnostics": content.get("enableErrorDiagnostics", False),
        "tags": {**_own_tags(dataset), **content.get("tags", {})},
        "imsOrg": options.org,
        "sandboxId": sandbox.id,
        "version": f"1.0.{dataset.writes}",
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
        "observableSchema": content.get("observableSchema") or _observable(dataset, sandbox),
    }
    if dataset.data_source_id is not None:
        wire["dataSourceId"] = dataset.data_source_id
    if dataset.last_batch is not None:
        wire["lastBatchId"] = dataset.last_batch.id
        wire["lastBatchStatus"] = dataset.last_batch.status
    return wire


def _own_tags(dataset: Dataset) -> dict[str, list[str]]:
    table = re.sub(r"[^a-z0-9]+", "_", str(dataset.content["name"]).lower()).strip("_")[:120]
    return {"adobe/pqs/table": [table or f"dataset_{dataset.id}"], "adobe/siphon/table/format": ["delta"]}


def _observable(dataset: Dataset, sandbox: Sandbox) -> dict[str, Any]:
    schema = sandbox.registry.lookup(dataset.schema_id)
    if not dataset.rows or schema is None:
        return {}
    properties, _ = sandbox.registry.resolve(schema)
    seen = {name: without_texts(tree) for name, tree in properties.items() if any(name in row for row in dataset.rows)}
    return {"type": "object", "meta:xdmType": "object", "properties": seen}


def batch_to_wire(batch: Batch, sandbox: Sandbox) -> dict[str, Any]:
    """A batch without its id, which is the key under which it stands."""
    options = sandbox.options
    counts: dict[tuple[str, str], int] = {}
    for error in batch.errors:
        key = (error.code, error.message)
        counts[key] = counts.get(key, 0) + 1
    return {
        "imsOrg": options.org,
        "sandboxId": sandbox.id,
        "version": "1.0.1",
        "status": batch.status,
        "created": batch.started,
        "started": batch.started,
        "completed": batch.completed,
        "updated": batch.completed,
        "createdClient": options.client_id,
        "createdUser": options.user_id,
        "updatedUser": options.user_id,
        "relatedObjects": [{"type": "dataSet", "id": batch.dataset_id}],
        "metrics": {
            "inputByteSize": batch.input_bytes,
            "inputFileCount": 1 if batch.input_records else 0,
            "inputRecordCount": batch.input_records,
            "outputRecordCount": batch.output_records,
            "failedRecordCount": batch.failed_records,
        },
        "errors": [
            {"code": code, "description": message, "recordCount": count} for (code, message), count in counts.items()
        ],
        "tags": dict(batch.tags),
    }
