"""The diagnosis of a flow run: its status and counts, and the codes, columns and messages of its failed records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.permissions import naming_permission
from airflow_provider_payments.aep.errors import InvalidInputError, NotFoundError, RequestError
from airflow_provider_payments.aep.inputs import as_id
from airflow_provider_payments.aep.readers import at, mapping, mappings
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.finding import find_object
from airflow_provider_payments.aep.runs.flow_run import FlowRun, Status
from airflow_provider_payments.aep.runs.lookups import MAX_RUNS_SEARCHED, newest_runs
from airflow_provider_payments.aep.runs.row_samples import read_samples
from airflow_provider_payments.aep.runs.run_problems import FailedCode, failed_codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.runs.row_error_files import Download
    from airflow_provider_payments.aep.runs.row_errors import ErrorKind, RowErrors
    from airflow_provider_payments.aep.services import Json

#: Version of the JSON form; it is increased when a member changes its meaning.
DIAGNOSIS_FORMAT = 1
#: The argument that names a run or a dataflow, for errors.
RUN_OR_FLOW = "run_or_flow"


@dataclass(frozen=True)
class Diagnosis:
    """
    The failures of a run.

    :param run: the run.
    :param codes: the codes of failed records that the run itself reports, the most frequent first.
    :param errors: the counts of all downloaded row errors, or of samples.
    :param files: the paths of the downloaded files; ``None`` if samples were read instead.
    :param without_row_errors: the batches without row errors, each with the reason; only of a download.
    """

    run: FlowRun
    codes: list[FailedCode]
    errors: RowErrors
    files: list[str] | None = None
    without_row_errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_sampled(self) -> bool:
        """Whether ``errors`` counts samples instead of all row errors."""
        return self.files is None

    @property
    def rows(self) -> list[Json]:
        """The kinds of row errors, the most frequent first, each with an example if examples were kept."""
        return [self._row(kind, number) for kind, number in self.errors.kinds]

    def to_json(self) -> Json:
        """Return the diagnosis as plain JSON; its member ``format`` is the version of the form."""
        return {
            "format": DIAGNOSIS_FORMAT,
            **self.run.summary(),
            "flow_id": self.run.flow_id,
            "raw_status": self.run.raw_status,
            "errors": list(self.run.errors),
            "codes": [{"code": each.code, "count": each.count, "message": each.message} for each in self.codes],
            "sampled": self.is_sampled,
            "rows": self.errors.rows,
            "row_errors": self.rows,
            "unreadable_lines": self.errors.unreadable,
            "files": self.files or [],
            "without_row_errors": dict(self.without_row_errors),
        }

    def _row(self, kind: ErrorKind, number: int) -> Json:
        row: Json = {
            "count": number,
            "code": self._full_code(kind.code),
            "column": kind.column,
            "message": kind.message,
        }
        if example := (self.errors.examples or {}).get(kind):
            row |= {"example": example.message, "record": example.record}
        return row

    def _full_code(self, code: str) -> str:
        """Return the code as the run reports it: files contain only its number."""
        alike = [each.code for each in self.codes if code in each.code.split("-")[1:2]]
        return alike[0] if len(alike) == 1 else code


@naming_permission()
def diagnose(
    client: Client, run_or_flow: str, *, download: Download | None = None, examples: bool = False
) -> Diagnosis:
    """
    Return the diagnosis of a run.

    :param run_or_flow: a run's id, or a dataflow's id or name. Of a dataflow the newest failed or partial run is
        diagnosed, or the newest run if none failed.
    :param download: the download that fetches all row errors. Defaults to ``None``: samples are read.
    :param examples: whether to keep an example of each kind from the samples, with the values of its record.
    :raises InvalidInputError: if neither such a run exists, nor such a dataflow with a run.
    :raises PlatformError: if the service refuses, an answer cannot be understood, or the store refuses.
    """
    item = _run_item(client, run_or_flow)
    run, metrics = FlowRun.from_item(item), mapping(item.get("metrics"))
    codes = failed_codes(metrics, mappings(at(item, "activities") or at(item, "activites")))
    batch_ids = () if run.is_active or run.failed_records == 0 else run.batch_ids
    if download is None:
        return Diagnosis(run, codes, read_samples(client, batch_ids, examples=examples))
    for batch_id in batch_ids:
        download.add(batch_id)
    return Diagnosis(run, codes, download.errors, download.files, download.without_row_errors)


def _run_item(client: Client, run_or_flow: str) -> Mapping[str, Any]:
    try:
        return flow_service.item(client, "runs", as_id(RUN_OR_FLOW, run_or_flow))
    except (InvalidInputError, NotFoundError):
        pass  # it may be a dataflow's id or name, which need not have the form of an id
    except RequestError as error:
        if error.status != 400:
            raise
    flow_id = find_object(client, DATAFLOW, run_or_flow, argument=RUN_OR_FLOW).id
    runs = newest_runs(client, flow_id, MAX_RUNS_SEARCHED)
    if not runs:
        raise InvalidInputError(RUN_OR_FLOW, run_or_flow, "a flow run, or a dataflow that has run")
    failed = (run for run in runs if run.status in (Status.FAILED, Status.PARTIAL))
    return flow_service.item(client, "runs", next(failed, runs[0]).id)
