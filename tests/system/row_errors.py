"""A DAG of ``test_row_errors``: a flow run that fails its task for failed records, and the download of row errors."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.diagnostics import DownloadRowErrorsOperator
from airflow_provider_payments.operators.flow_runs import RunDataflowOperator

with DAG("row_errors", schedule=None, catchup=False, params={"flow_id": "", "folder": "s3://aws_default@quarantine"}):
    run = RunDataflowOperator(
        task_id="run",
        flow_id="{{ params.flow_id }}",
        delta_column="Create_Time",
        window_start=datetime(2020, 1, 1, tzinfo=UTC),
        window_end=datetime(2026, 1, 1, tzinfo=UTC),
        poll_interval=0.1,
    )
    row_errors = DownloadRowErrorsOperator(
        task_id="download_row_errors",
        run_id=run.output["run_id"],
        path="{{ params.folder }}",
        trigger_rule="all_done",
    )
    run >> row_errors
