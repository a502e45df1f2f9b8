"""What failed of a flow run: its status and counts, the codes of failed records, and their columns and messages."""

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

#: Raised when a member of the JSON form changes its meaning.
DIAGNOSIS_FORMAT = 1
#: What the user calls a run or dataflow that is named.
ASKED = "run_or_flow"


@dataclass(frozen=True)
class Diagnosis:
    """
    What failed of a run.

    :param run: the run.
    :param codes: the codes of failed records that the run names itself, the most frequent first.
    :param errors: what row errors say: all that were downloaded, or samples.
    :param files: those that were downloaded; ``None`` where none were to be.
    :param without: batches that have no row errors, and why, as far as it was looked for.
    """

    run: FlowRun
    codes: list[FailedCode]
    errors: RowErrors
    files: list[str] | None = None
    without: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_sampled(self) -> bool:
        """Whether the row errors are samples, and not all there are."""
        return self.files is None

    @property
    def rows(self) -> list[Json]:
        """The kinds of row errors, the most frequent first; with an example where examples were asked for."""
        return [self._row(kind, number) for kind, number in self.errors.kinds]

    def to_json(self) -> Json:
        """Return it as plain JSON; ``format`` tells its form."""
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
            "without_row_errors": dict(self.without),
        }

    def _row(self, kind: ErrorKind, number: int) -> Json:
        row: Json = {
            "count": number,
            "code": self._long(kind.code),
            "column": kind.column,
            "message": kind.message,
        }
        if example := (self.errors.examples or {}).get(kind):
            row |= {"example": example.message, "record": example.record}
        return row

    def _long(self, code: str) -> str:
        """Return the code as the run has it: files have only the number of it."""
        alike = [each.code for each in self.codes if code in each.code.split("-")[1:2]]
        return alike[0] if len(alike) == 1 else code


@naming_permission()
def diagnose(client: Client, asked: str, *, download: Download | None = None, examples: bool = False) -> Diagnosis:
    """
    Return what failed of a run.

    :param asked: a run's id, or a dataflow's id or name: of its newest runs the first that failed or is partial.
    :param download: what downloads all row errors; ``None``: samples are read.
    :param examples: whether samples show an error of each kind with the values of its record.
    :raises InvalidInputError: if there is neither a run nor a dataflow with a run.
    :raises PlatformError: if the service refuses, an answer cannot be understood, or the store refuses.
    """
    item = _run_item(client, asked)
    run, metrics = FlowRun.from_item(item), mapping(item.get("metrics"))
    codes = failed_codes(metrics, mappings(at(item, "activities") or at(item, "activites")))
    batch_ids = () if run.is_active or run.failed_records == 0 else run.batch_ids
    if download is None:
        return Diagnosis(run, codes, read_samples(client, batch_ids, examples=examples))
    for batch_id in batch_ids:
        download.add(batch_id)
    return Diagnosis(run, codes, download.errors, download.files, download.without)


def _run_item(client: Client, asked: str) -> Mapping[str, Any]:
    try:
        return flow_service.item(client, "runs", as_id(ASKED, asked))
    except (InvalidInputError, NotFoundError):
        pass  # a name may be no id
    except RequestError as error:
        if error.status != 400:
            raise
    flow_id = find_object(client, DATAFLOW, asked, argument=ASKED).id
    runs = newest_runs(client, flow_id, MAX_RUNS_SEARCHED)
    if not runs:
        raise InvalidInputError(ASKED, asked, "a flow run, or a dataflow that has run")
    failed = (run for run in runs if run.status in (Status.FAILED, Status.PARTIAL))
    return flow_service.item(client, "runs", next(failed, runs[0]).id)
