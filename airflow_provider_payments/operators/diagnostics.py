"""The operator that downloads row errors: which records of a flow run failed, and why."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_payments.aep.errors import InvalidInputError, UnsettledError
from airflow_provider_payments.aep.inputs import as_id, as_optional_id, as_texts
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.operators.base import ExperiencePlatformOperator
from airflow_provider_payments.operators.storage import storage_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

__all__ = ["DownloadRowErrorsOperator"]

#: Maximum number of kinds of errors in the output and the log.
MAX_ERROR_KINDS = 20


class DownloadRowErrorsOperator(ExperiencePlatformOperator):
    """
    Download the row errors of a flow run: which records failed, and why.

    It only reads the platform. Returns :class:`~airflow_provider_payments.operators.outputs.DownloadedRowErrors`. Each
    batch gets a folder below ``path``, with the unchanged files of Data Access, in JSON Lines. **The files contain
    values of customers' payments**; output and log contain codes, columns, counts, and messages without values. A file
    that is complete is not downloaded again. Experience Platform keeps row errors for 30 days.

    .. seealso:: ``docs/diagnostics.md#downloadrowerrorsoperator`` in the manual.

    :param path: the folder to write to: a path, or a URL of an object storage such as ``s3://conn@bucket/row-errors``.
        (templated)
    :param run_id: id of the flow run, which must have ended. Required unless ``batch_ids`` is given. Defaults to
        ``None``. (templated)
    :param batch_ids: ids of batches, instead of a run: a list, or one id. Defaults to ``None``: the batches of the run.
        (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (*ExperiencePlatformOperator.template_fields, "path", "run_id", "batch_ids")
    template_fields_renderers: ClassVar[dict[str, str]] = {"batch_ids": "json"}

    def __init__(
        self,
        *,
        path: str,
        run_id: str | None = None,
        batch_ids: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.run_id = run_id
        self.batch_ids = batch_ids

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Download the files that the folder does not contain yet.

        :raises ExperiencePlatformFailedError: if another try cannot succeed: a wrong argument, a refusal.
        :raises ExperiencePlatformUnavailableError: if another try may succeed: the store refuses a file, an answer is
            not usable, or the run has not ended.
        """
        from airflow_provider_payments.aep.runs.row_error_files import Download

        with airflow_errors():
            given = self._given_batch_ids()
            folder = storage_folder("path", self.path)
            batch_ids = self._batch_ids_of_run() if given is None else given
            download = Download(self.hook.client, folder, _writer(context), display_path=self.path)
            for batch_id in batch_ids:
                download.add(batch_id)
        errors = download.errors
        kinds = [
            {"code": kind.code, "column": kind.column, "count": number, "message": kind.message}
            for kind, number in errors.kinds[:MAX_ERROR_KINDS]
        ]
        for each in kinds:
            self.log.info("%(count)d errors of code %(code)s in column %(column)r: %(message)s", each)
        return {
            "batch_ids": batch_ids,
            "files": download.files,
            "rows": errors.rows,
            "codes": errors.codes,
            "row_errors": kinds,
            "unreadable_lines": errors.unreadable,
            "without_row_errors": download.without_row_errors,
        }

    def _given_batch_ids(self) -> list[str] | None:
        """
        Return the ids in ``batch_ids``, ``None`` if ``run_id`` is given instead.

        :raises InvalidInputError: if both or neither are given.
        """
        ids = as_texts("batch_ids", self.batch_ids)
        given = None if ids is None else [as_id("batch_ids", each) for each in ids]
        run_id = as_optional_id("run_id", self.run_id)
        if (given is None) == (run_id is None):
            raise InvalidInputError("run_id", self.run_id, "a flow run's id, or batch_ids, one of them, must be given")
        return given if given is None else list(dict.fromkeys(given))

    def _batch_ids_of_run(self) -> list[str]:
        from airflow_provider_payments.aep.runs.lookups import read_run

        run = read_run(self.hook.client, as_id("run_id", self.run_id))
        if run.is_active:
            raise UnsettledError(f"{run}: it has not ended, so its row errors are not complete")
        if not run.batch_ids:
            self.log.warning("%s. The run has no batch, so there are no row errors", run)
        return list(run.batch_ids)


def _writer(context: Context) -> str:
    """Return a short identifier of the task instance, which is the same in each of its tries."""
    ti = context.get("ti")
    names = [str(getattr(ti, name, "")) for name in ("dag_id", "task_id", "run_id", "map_index")]
    return hashlib.sha256("/".join(names).encode()).hexdigest()[:8]
