"""What Catalog shows of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.catalog.batches import Batch
    from airflow_provider_payments.emulator.world import Sandbox


def batch_to_wire(batch: Batch, sandbox: Sandbox) -> dict[str, Any]:
    """A batch; its id is also the key under which it stands."""
    options = sandbox.options
    return {
        "id": batch.id,
        "externalId": batch.id,
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
