"""The ingestion of a flow run: copy the rows of its data window, map and validate them, write one batch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_payments.emulator.catalog.batches import DIAGNOSTICS_RETENTION_SECONDS, Batch, Failure, RowError
from airflow_provider_payments.emulator.catalog.state import Dataset
from airflow_provider_payments.emulator.core.identifiers import new_ulid
from airflow_provider_payments.emulator.core.refusals import Refusal
from airflow_provider_payments.emulator.data_prep.transform import (
    MAPPER_ERROR,
    RowRefused,
    Transform,
)
from airflow_provider_payments.emulator.flow_service.connection_rules import accepts_credential
from airflow_provider_payments.emulator.flow_service.forced_outcomes import FAIL_COPY, FAIL_PROMOTION, FAIL_SOME
from airflow_provider_payments.emulator.flow_service.mappings import mapping_version
from airflow_provider_payments.emulator.flow_service.model import FAILED, PARTIAL, SUCCESS, Flow, Run
from airflow_provider_payments.emulator.flow_service.payloads import partial_percent, to_boolean
from airflow_provider_payments.emulator.flow_service.sources import column_selector, object_path, source_table
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.samples.flaws import CORRUPT
from airflow_provider_payments.emulator.samples.tables import Table

Row = Mapping[str, Any]

RECORD_ID = "_id"
UNPARSABLE_ERROR = "INGEST-1401-400"
TARGET_MISSING_ERROR = "INGEST-1404-404"
NO_FILES_ERROR = "133"
_TYPICAL_ROW_BYTES = 200


class CopyFailed(Exception):
    """The rows of a run could not be copied from the source."""


def copy_rows(service: FlowService, run: Run) -> Sequence[Row]:
    """Return the rows of a run's data window, with the columns of the source connection; set the run's input counts.

    :raises CopyFailed: if the source cannot be read.
    """
    if run.outcome_kind == FAIL_COPY:
        raise CopyFailed("The source could not be read: this outcome was forced.")
    source = service.source_connections.get(run.flow.source_id)
    base = service.connections.get(source.base_id or "") if source else None
    if source is None or base is None:
        raise CopyFailed("The source connection or its base connection does not exist any more.")
    if not accepts_credential(base):
        raise CopyFailed("The source refused the credential of the base connection.")
    table = source_table(service, source)
    if table is None:
        raise CopyFailed("The source has no such table any more.")
    select_columns = column_selector(source, table)
    found = _rows_in_window(table, run, delta_column(run.flow), service.clock.now())
    rows = [row if CORRUPT in row else select_columns(row) for row in found]
    run.input_records = len(rows)
    run.input_bytes = _size(rows)
    return rows


def delta_column(flow: Flow) -> str | None:
    """Return the delta column in the Copy transformation of a dataflow; None if the transformation names none."""
    delta = (flow.transformation("Copy") or {}).get("deltaColumn")
    return delta["name"] if isinstance(delta, dict) else None


def _rows_in_window(table: Table, run: Run, delta: str | None, now: float) -> list[Row]:
    # The data window of a run on demand may end in the future, but the source has only rows up to now.
    end = min(run.window_end, now)
    rows = table.between(run.window_begin, end, delta, now)
    # A row whose delta value cannot be read belongs to no data window. The first run of a backfill ingests such rows:
    # otherwise every run would ingest them again, or no run would.
    if delta is not None and run.is_first and run.window_begin <= 0:
        rows += table.without_time(end, delta)
    return rows


def promote_rows(service: FlowService, run: Run, rows: Sequence[Row]) -> str:
    """Map and validate the rows, and write the valid rows unless too many failed; return the status of the run."""
    options = run.flow.content.get("options") or {}
    percent = partial_percent(options)
    run.has_diagnostics = percent is not None or to_boolean(options.get("errorDiagnosticsEnabled")) is True
    dataset, transform = _target(service, run.flow)
    if dataset is None or transform is None:
        run.failures = (
            Failure(TARGET_MISSING_ERROR, "The dataset, schema or mapping set does not exist any more.", 0),
        )
        return FAILED
    if run.outcome_kind == FAIL_PROMOTION:
        run.failures = (Failure(NO_FILES_ERROR, "No files were found for the batch: this outcome was forced.", 0),)
        _add_batch(service, run, dataset, percent, FAILED, rejected=rows)
        return FAILED
    records, errors = _mapped(transform, rows)
    if run.outcome_kind == FAIL_SOME:
        _fail_more(run, rows, records, errors)
    run.failures = _failures(errors)
    if errors and run.outcome_kind != FAIL_SOME and (percent is None or len(errors) * 100 / len(rows) >= percent):
        _add_batch(service, run, dataset, percent, FAILED, errors=errors, rejected=rows)
        return FAILED
    run.output_records = len(records)
    run.output_bytes = _size(records)
    _add_batch(service, run, dataset, percent, SUCCESS, errors=errors)
    dataset.rows.extend(records)
    return PARTIAL if run.outcome_kind == FAIL_SOME else SUCCESS


def set_counts(run: Run, input_records: int, failed_records: int) -> str:
    """Set the counts of a run without ingesting rows; return the run's status.

    :param failed_records: the number of failed records; if all records failed, the run failed.
    """
    run.has_promotion = input_records > 0
    run.input_records = run.output_records = input_records
    run.input_bytes = run.output_bytes = input_records * _TYPICAL_ROW_BYTES
    if failed_records:
        run.output_records -= failed_records
        run.output_bytes = run.output_records * _TYPICAL_ROW_BYTES
        run.has_diagnostics = True
        run.failures = (Failure(MAPPER_ERROR, "A value could not be converted.", failed_records),)
    return FAILED if failed_records and not run.output_records else SUCCESS


def _target(service: FlowService, flow: Flow) -> tuple[Dataset | None, Transform | None]:
    target = service.target_connections.get(flow.target_id)
    dataset = service.catalog.datasets.get(target.content["params"]["dataSetId"]) if target else None
    try:
        version = mapping_version(service, flow.transformation("Mapping") or {}, lagging=False)
        schema = service.registry.lookup(version.schema_id)
        if schema is None:
            return dataset, None
        properties, required = service.registry.resolve(schema)
    except Refusal:
        return dataset, None
    # A record needs no identifier, but if the identifier is mapped, a row without one fails.
    if RECORD_ID not in required and any(mapping.destination == RECORD_ID for mapping in version.mappings):
        required = (*required, RECORD_ID)
    return dataset, Transform(version.mappings, properties, required, service.clock.now)


def _mapped(transform: Transform, rows: Sequence[Row]) -> tuple[list[Row], list[RowError]]:
    records: list[Row] = []
    errors: list[RowError] = []
    for row in rows:
        if CORRUPT in row:
            errors.append(RowError(UNPARSABLE_ERROR, "The row is corrupt and cannot be parsed.", row))
            continue
        try:
            records.append(transform.apply(row))
        except RowRefused as refused:
            errors.append(RowError(refused.code, refused.message, row))
    return records, errors


def _failures(errors: Sequence[RowError]) -> tuple[Failure, ...]:
    """Return one failure for each code, with the most frequent message of the code."""
    counts: dict[str, Counter[str]] = {}
    for error in errors:
        counts.setdefault(error.code, Counter())[error.message] += 1
    return tuple(Failure(code, found.most_common(1)[0][0], found.total()) for code, found in counts.items())


def _fail_more(run: Run, rows: Sequence[Row], records: list[Row], errors: list[RowError]) -> None:
    """Fail the first valid rows until the forced number of records has failed."""
    assert run.outcome is not None
    missing = max(run.outcome.failed - len(errors), 0)
    failed = {id(error.row) for error in errors}
    chosen = [row for row in rows if id(row) not in failed][:missing]
    errors.extend(RowError(MAPPER_ERROR, "The row failed because this outcome was forced.", row) for row in chosen)
    del records[:missing]


def _add_batch(
    service: FlowService,
    run: Run,
    dataset: Dataset,
    percent: float | None,
    status: str,
    errors: Sequence[RowError] = (),
    rejected: Sequence[Row] = (),
) -> None:
    """Create the run's batch; its diagnostics expire after the retention time."""
    batches, now = service.catalog.batches, service.clock.now()
    source = service.source_connections.get(run.flow.source_id)
    batch = Batch(
        id=new_ulid(now),
        dataset_id=dataset.id,
        flow_id=run.flow_id,
        run_id=run.id,
        status=status,
        started=run.copy_ended,
        completed=service.clock.millis(),
        source=object_path(source.content) if source else "",
        input_bytes=run.input_bytes,
        input_records=run.input_records,
        output_records=run.output_records,
        first_row=len(dataset.rows),
        failures=run.failures,
        has_diagnostics=run.has_diagnostics,
        percent=percent,
        errors=errors if run.has_diagnostics else (),
        rejected=rejected,
    )
    batches.add(batch)
    dataset.last_batch = batch
    run.batch_id = batch.id
    if batch.errors or batch.rejected:
        service.clock.call_at(now + DIAGNOSTICS_RETENTION_SECONDS, batch.expire)


def _size(rows: Sequence[Row]) -> int:
    return len(json.dumps(rows))
