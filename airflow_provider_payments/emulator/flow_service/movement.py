"""How rows move: copied from the source by window, mapped, checked, landed in the dataset as one batch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.catalog.state import Batch, Dataset, RowError
from airflow_provider_payments.emulator.data_prep.transform import RowRefused, Transform
from airflow_provider_payments.emulator.flow_service.connections import works
from airflow_provider_payments.emulator.flow_service.ends import cut_row, source_table
from airflow_provider_payments.emulator.flow_service.flow_runs import FAILED, SUCCESS, Run
from airflow_provider_payments.emulator.flow_service.mappings import mapping_version
from airflow_provider_payments.emulator.flow_service.payloads import partial_percent, truth
from airflow_provider_payments.emulator.identifiers import new_ulid
from airflow_provider_payments.emulator.refusals import Refusal

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.state import Flow
    from airflow_provider_payments.emulator.samples.tables import Table
    from airflow_provider_payments.emulator.world import Sandbox

Row = Mapping[str, Any]


class CopyFailed(Exception):
    """The source could not be read."""


def copy_rows(sandbox: Sandbox, flow: Flow, run: Run) -> list[Row]:
    """The rows of a run's window, only with the columns of the source connection; raises :class:`CopyFailed`."""
    service = sandbox.flow_service
    source = service.source_connections.get(run.source_id)
    base = service.connections.get(source.base_id or "") if source else None
    if source is None or base is None:
        raise CopyFailed("The source connection or its base connection does not exist any more.")
    if not works(base):
        raise CopyFailed("The source refused the credential of the base connection.")
    table = source_table(sandbox, source)
    if table is None:
        raise CopyFailed("The source has no such table any more.")
    cut = cut_row(source, table)
    rows = [cut(row) for row in _in_window(table, run, _delta_column(flow))]
    run.input_records = len(rows)
    run.input_bytes = _size(rows)
    return rows


def _delta_column(flow: Flow) -> str | None:
    delta = (flow.transformation("Copy") or {}).get("deltaColumn")
    return delta["name"] if isinstance(delta, dict) else None


def _in_window(table: Table, run: Run, delta: str | None) -> list[Row]:
    begin, end = run.window
    rows = table.between(begin, end, delta)
    # A row whose delta value cannot be read belongs to no window. It comes with the first run that takes everything, or
    # every run would bring it again, or none.
    if delta is not None and run.first and begin <= 0:
        rows += table.undated(end, delta)
    return rows


def promote_rows(sandbox: Sandbox, flow: Flow, run: Run, rows: Sequence[Row]) -> None:
    """Map and check the rows, and land the good ones unless too many are bad."""
    options = flow.content.get("options") or {}
    percent = partial_percent(options)
    run.diagnostics = percent is not None or truth(options.get("errorDiagnosticsEnabled")) is True
    dataset, transform = _target(sandbox, flow, run)
    if dataset is None or transform is None:
        run.status = FAILED
        run.failures = (("INGEST-1404-404", "The dataset, schema or mapping set does not exist any more.", len(rows)),)
        return
    records, errors = _mapped(transform, rows)
    tolerated = not errors or (percent is not None and len(errors) * 100 / len(rows) < percent)
    run.status = SUCCESS if tolerated else FAILED
    counts = Counter((error.code, error.message) for error in errors)
    run.failures = tuple((code, message, count) for (code, message), count in counts.items())
    if tolerated:
        run.output_records = len(records)
        run.output_bytes = _size(records)
    if rows:
        _land(sandbox, flow, run, dataset, records if tolerated else [], tuple(errors))


def _target(sandbox: Sandbox, flow: Flow, run: Run) -> tuple[Dataset | None, Transform | None]:
    target = sandbox.flow_service.target_connections.get(run.target_id)
    dataset = sandbox.catalog.datasets.get(target.content["params"]["dataSetId"]) if target else None
    try:
        version = mapping_version(sandbox, flow.transformation("Mapping") or {})
        schema = sandbox.registry.get("schemas", version.schema_id)
        properties, required = sandbox.registry.resolve(schema)
    except Refusal:
        return dataset, None
    return dataset, Transform(version.mappings, properties, required)


def _mapped(transform: Transform, rows: Sequence[Row]) -> tuple[list[Row], list[RowError]]:
    records: list[Row] = []
    errors: list[RowError] = []
    for row in rows:
        try:
            records.append(transform.apply(row))
        except RowRefused as refused:
            errors.append(RowError(refused.code, refused.message, row))
    return records, errors


def _land(
    sandbox: Sandbox, flow: Flow, run: Run, dataset: Dataset, records: Sequence[Row], errors: tuple[RowError, ...]
) -> None:
    batches = sandbox.catalog.batches
    batch = Batch(
        id=new_ulid(sandbox.clock.now()),
        number=batches.next_number,
        dataset_id=dataset.id,
        status="success" if run.status == SUCCESS else "failed",
        started=run.copied,
        completed=run.completed,
        input_bytes=run.input_bytes,
        input_records=run.input_records,
        output_records=len(records),
        errors=errors,
        tags={"flowId": [flow.id], "flowRunId": [run.id], "acp_enableErrorDiagnostics": [str(run.diagnostics).lower()]},
    )
    batches.add(batch)
    dataset.rows.extend(records)
    dataset.last_batch = batch
    run.batch_id = batch.id


def _size(rows: Sequence[Row]) -> int:
    return sum(len(json.dumps(row)) for row in rows)
