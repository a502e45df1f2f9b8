"""
The on-demand flow run that the checks of flow runs share, polled from the request to its end.

The run ingests about ten rows of the source, if it has any, into a dataset of the verification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.errors import NotFoundError, RequestError
from airflow_provider_payments.aep.readers import at, mappings, moment, text
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import FlowRun, runs_of
from airflow_provider_payments.aep.runs.on_demand import OnDemandRun
from airflow_provider_payments.aep.services import segment
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.probe import Answer, as_answer
from airflow_provider_payments.aep.verification.rules import one_time_dataflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from airflow_provider_payments.aep.verification.source import SourceData
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["PolledRun", "polled_run", "requested_run", "run_ids_by_form", "run_request", "send_run_request"]

#: Maximum seconds for which a run is polled.
MAX_RUN_SECONDS = 600.0
#: Maximum seconds from the end of a run until its dataflow shows that end.
MAX_SHOWN_SECONDS = 30.0
#: Maximum number of reads of the dataflow while its run is in progress.
MAX_ACTIVE_READS = 8
DAY_SECONDS = 86400
#: Number of previewed rows in the data window, and the maximum length of the window.
WINDOW_ROWS, MAX_WINDOW_SECONDS = 10, 30 * DAY_SECONDS


@attrs.define
class PolledRun:
    """
    The observations of a flow run. Seconds count from the request for the run.

    :param answer: the answer to the request.
    :param window: the requested data window.
    :param id: the run's id in the answer; empty if the answer names none.
    :param listed_seconds: seconds until a list contained the run; ``None``: no list did.
    :param readable_seconds: seconds until a read by its id found the run; ``None``: no read did.
    :param states: the first observation of the run with each raw status, in order.
    :param item: the JSON of the last read.
    :param run: the parsed run of the last read; ``None`` before the first one.
    :param queued_seconds: seconds until the run began, by the platform's clock; ``None`` if that is unknown.
    :param shows_active: whether the dataflow showed the run while it was in progress; ``None``: no read found it so.
    :param active_reads: number of reads of the dataflow while the run was in progress.
    :param shows_end: whether the dataflow showed the end of the run; ``None``: polling stopped before the end.
    """

    answer: Answer
    window: Window
    id: str = ""
    listed_seconds: float | None = None
    readable_seconds: float | None = None
    states: list[FlowRun] = attrs.field(factory=list)
    item: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    run: FlowRun | None = None
    queued_seconds: float | None = None
    shows_active: bool | None = None
    active_reads: int = 0
    shows_end: bool | None = None

    @property
    def has_ended(self) -> bool:
        """Whether a read returned the run after its end."""
        return self.run is not None and not self.run.is_active

    @property
    def ended(self) -> FlowRun:
        """
        The run after its end.

        :raises NotTriedError: if polling stopped before the end.
        """
        if self.run is None or self.run.is_active:
            raise NotTriedError(f"the flow run has not ended within {MAX_RUN_SECONDS:g} s")
        return self.run

    @property
    def with_rows(self) -> FlowRun:
        """
        The run after its end, if it has read rows.

        :raises NotTriedError: if it has read none, or polling stopped before the end.
        """
        if self.ended.input_records == 0:
            raise NotTriedError("no row of the source falls into the flow run's window")
        return self.ended


# ---- the request ---------------------------------------------------------------------------------------------------


def run_request(trial: Trial) -> OnDemandRun:
    """Return the request for an on-demand run of a dataflow that runs once."""
    return trial.shared("run request", lambda: _request(trial))


def _request(trial: Trial) -> OnDemandRun:
    dataflow_id = one_time_dataflow(trial).id
    trial.read("dataflow", dataflow_id)
    source = trial.objects.require_source()
    column = source.delta_column.name if source.delta_column else None
    return OnDemandRun(client=trial.client, flow_id=dataflow_id, window=_window(trial, source), delta_column=column)


def send_run_request(request: OnDemandRun) -> Answer:
    """Send a request for a run; return the answer, which may be a refusal."""
    try:
        answer = request.send()
    except RequestError as error:
        return as_answer(error)
    return Answer(answer.status, body=answer.body, headers=answer.headers)


def run_ids_by_form(body: object) -> dict[str, str]:
    """Return the run's id in an answer by the form of the answer: ``object``, ``list`` or both."""
    first = next(iter(mappings(at(body, "items"))), {})
    ids = {"list": text(first.get("id")), "object": text(at(body, "id"))}
    return {form: run_id for form, run_id in ids.items() if run_id}


def _window(trial: Trial, source: SourceData) -> Window:
    """Return a data window that contains about ten rows of the table's preview, or the last day if it has no times."""
    times = sorted(_previewed_times(trial, source))[-WINDOW_ROWS:]
    if not times:
        now = int(trial.client.now())
        return Window(now - DAY_SECONDS, now)
    return Window(int(max(times[0], times[-1] - MAX_WINDOW_SECONDS)) - 1, int(times[-1]) + 1)


def _previewed_times(trial: Trial, source: SourceData) -> list[float]:
    if source.delta_column is None:
        return []
    table = flow_service.explore(trial.client, source.base_connection_id, source.place["table"], preview=True)
    rows = mappings(at(table, "data"))
    return [time for row in rows if (time := moment(row.get(source.delta_column.name))) is not None]


# ---- polling -------------------------------------------------------------------------------------------------------


def requested_run(trial: Trial) -> PolledRun:
    """Return the run, which the first call requests and polls to its end. The request may have been refused."""
    return trial.shared("run", lambda: _poll_to_end(trial))


def polled_run(trial: Trial) -> PolledRun:
    """
    Return the run of :func:`requested_run`.

    :raises NotTriedError: if the answer to the request names no run.
    """
    polled = requested_run(trial)
    if not polled.id:
        raise NotTriedError(f"the request for a flow run was answered {polled.answer.status_text}")
    return polled


def _poll_to_end(trial: Trial) -> PolledRun:
    request = run_request(trial)
    requested_at, requested_platform_time = trial.client.transport.clock.monotonic(), trial.client.now()
    answer = send_run_request(request)
    polled = PolledRun(answer, request.window, next(iter(run_ids_by_form(answer.body).values()), ""))
    if not polled.id:
        return polled
    for at_time in trial.polls(MAX_RUN_SECONDS):
        _poll(trial, request.flow_id, polled, round(at_time - requested_at, 1))
        if polled.listed_seconds is not None and polled.has_ended:
            break
    if polled.run and polled.run.started_at is not None:
        polled.queued_seconds = round(max(0.0, polled.run.started_at - requested_platform_time), 1)
    if polled.has_ended:
        last_runs = (_last_run(trial, request.flow_id) for _ in trial.polls(MAX_SHOWN_SECONDS))
        polled.shows_end = any(_shows_end_of(polled, last) for last in last_runs)
    return polled


def _shows_end_of(polled: PolledRun, last: object) -> bool:
    """Return whether a dataflow's last run is the polled run after its end, or a later one of its schedule."""
    if moment(at(last, "completedAtUTC")) is None:
        return False
    started_at = polled.ended.started_at or 0.0
    return at(last, "id") == polled.id or (moment(at(last, "startedAtUTC")) or 0.0) > started_at


def _poll(trial: Trial, flow_id: str, polled: PolledRun, seconds: float) -> None:
    if polled.listed_seconds is None and _is_listed(trial, flow_id, polled.id):
        polled.listed_seconds = seconds
    if not polled.has_ended:
        _read(trial, polled, seconds)
    if polled.run and not polled.has_ended and not polled.shows_active and polled.active_reads < MAX_ACTIVE_READS:
        polled.active_reads += 1
        polled.shows_active = at(_last_run(trial, flow_id), "id") == polled.id


def _is_listed(trial: Trial, flow_id: str, run_id: str) -> bool:
    return any(run.id == run_id for run in runs_of(trial.client, flow_id, skip="all"))


def _read(trial: Trial, polled: PolledRun, seconds: float) -> None:
    try:
        polled.item = flow_service.item(trial.client, "runs", polled.id)
    except NotFoundError:
        return
    if polled.readable_seconds is None:
        polled.readable_seconds = seconds
    polled.run = FlowRun.from_item(polled.item)
    if polled.run.raw_status not in [state.raw_status for state in polled.states]:
        polled.states.append(polled.run)


def _last_run(trial: Trial, flow_id: str) -> object:
    answer = trial.probe.send("GET", f"{KINDS['dataflow'].path}/{segment(flow_id)}")
    return at(next(iter(mappings(at(answer.body, "items"))), answer.body), "lastRunDetails")
