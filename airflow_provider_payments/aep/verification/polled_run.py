"""
One flow run on demand, polled from the request to its end: what the checks of flow runs judge.

It reads about ten rows into a dataset of the verification, where the source has any.
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
from airflow_provider_payments.aep.verification.probe import Seen, refused
from airflow_provider_payments.aep.verification.rules import dataflow_once

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from airflow_provider_payments.aep.verification.source import SourceData
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["PolledRun", "ask_for", "polled", "requested", "run_id_in", "run_request"]

#: Seconds for which a run is polled.
MAX_RUN_SECONDS = 600.0
#: Seconds after its end in which a dataflow shows it.
MAX_SHOWN_SECONDS = 30.0
#: How often a dataflow is asked whether it shows a run that is in progress.
MAX_ACTIVE_READS = 8
DAY_SECONDS = 86400
#: Rows that the window holds, as far as a preview tells; and its longest.
ROWS, MAX_WINDOW_SECONDS = 10, 30 * DAY_SECONDS


@attrs.define
class PolledRun:
    """
    What was seen of the run. Seconds count from the request.

    :param answer: to the request for it.
    :param window: that was asked for.
    :param id: what the answer calls it; empty where it names none.
    :param listed: seconds until a list showed it; ``None``: none did.
    :param readable: seconds until a read by its id found it.
    :param states: the run as it was first seen with each raw status, in their order.
    :param item: as it was read last.
    :param run: the same, understood.
    :param began: seconds until it began, by the platform's clock.
    :param active_shown: whether its dataflow showed it while it was in progress; ``None``: it was never seen so.
    :param active_reads: how often the dataflow was asked for that.
    :param end_shown: whether its dataflow showed its end; ``None``: it was not seen to end.
    """

    answer: Seen
    window: Window
    id: str = ""
    listed: float | None = None
    readable: float | None = None
    states: list[FlowRun] = attrs.field(factory=list)
    item: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    run: FlowRun | None = None
    began: float | None = None
    active_shown: bool | None = None
    active_reads: int = 0
    end_shown: bool | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it was seen to end."""
        return self.run is not None and not self.run.is_active

    @property
    def ended(self) -> FlowRun:
        """
        The run after its end.

        :raises NotTriedError: if it was not seen to end.
        """
        if self.run is None or self.run.is_active:
            raise NotTriedError(f"the flow run has not ended within {MAX_RUN_SECONDS:g} s")
        return self.run

    @property
    def with_rows(self) -> FlowRun:
        """
        The run after its end, if it has read rows.

        :raises NotTriedError: if it has not, or was not seen to end.
        """
        if self.ended.input_records == 0:
            raise NotTriedError("no row of the source falls into the flow run's window")
        return self.ended


# ---- the request ---------------------------------------------------------------------------------------------------


def run_request(trial: Trial) -> OnDemandRun:
    """Return the request for a run of a dataflow that runs once."""
    return trial.once("run request", lambda: _request(trial))


def _request(trial: Trial) -> OnDemandRun:
    dataflow_id = dataflow_once(trial).existing.id
    trial.read("dataflow", dataflow_id)
    source = trial.objects.require_source()
    column = source.delta_column.name if source.delta_column else None
    return OnDemandRun(client=trial.client, flow_id=dataflow_id, window=_window(trial, source), delta_column=column)


def ask_for(request: OnDemandRun) -> Seen:
    """Ask for a run; return the answer, a refusal too."""
    try:
        answer = request.send()
    except RequestError as error:
        return refused(error)
    return Seen(answer.status, body=answer.body, headers=answer.headers)


def run_id_in(body: object) -> dict[str, str]:
    """Return the run's id by the form in which an answer names it: ``object`` or ``list``."""
    first = next(iter(mappings(at(body, "items"))), {})
    found = {"list": text(first.get("id")), "object": text(at(body, "id"))}
    return {form: run_id for form, run_id in found.items() if run_id}


def _window(trial: Trial, source: SourceData) -> Window:
    """Return a window that holds about ten rows as a preview of the table shows them; else the last day."""
    times = sorted(_previewed(trial, source))[-ROWS:]
    if not times:
        now = int(trial.client.now())
        return Window(now - DAY_SECONDS, now)
    return Window(int(max(times[0], times[-1] - MAX_WINDOW_SECONDS)) - 1, int(times[-1]) + 1)


def _previewed(trial: Trial, source: SourceData) -> list[float]:
    if source.delta_column is None:
        return []
    table = flow_service.explore(trial.client, source.base_connection_id, source.place["table"], preview=True)
    rows = mappings(at(table, "data"))
    return [time for row in rows if (time := moment(row.get(source.delta_column.name))) is not None]


# ---- polling -------------------------------------------------------------------------------------------------------


def requested(trial: Trial) -> PolledRun:
    """Return the run, asked for and polled to its end with the first use; it may have been refused."""
    return trial.once("run", lambda: _poll_to_end(trial))


def polled(trial: Trial) -> PolledRun:
    """
    Return the same.

    :raises NotTriedError: if the answer names no run.
    """
    found = requested(trial)
    if not found.id:
        answer = found.answer
        raise NotTriedError(f"the request for a flow run was answered {answer.status} {answer.code}".rstrip())
    return found


def _poll_to_end(trial: Trial) -> PolledRun:
    request = run_request(trial)
    asked, asked_at = trial.client.transport.clock.monotonic(), trial.client.now()
    answer = ask_for(request)
    found = PolledRun(answer, request.window, next(iter(run_id_in(answer.body).values()), ""))
    if not found.id:
        return found
    for at_time in trial.polls(MAX_RUN_SECONDS):
        _poll(trial, request.flow_id, found, round(at_time - asked, 1))
        if found.listed is not None and found.has_ended:
            break
    if found.run and found.run.started_at is not None:
        found.began = round(max(0.0, found.run.started_at - asked_at), 1)
    if found.has_ended:
        shown = (_last_run(trial, request.flow_id) for _ in trial.polls(MAX_SHOWN_SECONDS))
        found.end_shown = any(_is_its_end(found, last) for last in shown)
    return found


def _is_its_end(found: PolledRun, last: object) -> bool:
    """Whether a dataflow shows the end of the run, or of a later one that its schedule has begun meanwhile."""
    if moment(at(last, "completedAtUTC")) is None:
        return False
    began = found.ended.started_at or 0.0
    return at(last, "id") == found.id or (moment(at(last, "startedAtUTC")) or 0.0) > began


def _poll(trial: Trial, flow_id: str, found: PolledRun, seconds: float) -> None:
    if found.listed is None and _is_listed(trial, flow_id, found.id):
        found.listed = seconds
    if not found.has_ended:
        _read(trial, found, seconds)
    if found.run and not found.has_ended and not found.active_shown and found.active_reads < MAX_ACTIVE_READS:
        found.active_reads += 1
        found.active_shown = at(_last_run(trial, flow_id), "id") == found.id


def _is_listed(trial: Trial, flow_id: str, run_id: str) -> bool:
    return any(run.id == run_id for run in runs_of(trial.client, flow_id, skip="all"))


def _read(trial: Trial, found: PolledRun, seconds: float) -> None:
    try:
        found.item = flow_service.item(trial.client, "runs", found.id)
    except NotFoundError:
        return
    if found.readable is None:
        found.readable = seconds
    found.run = FlowRun.from_item(found.item)
    if found.run.raw_status not in [state.raw_status for state in found.states]:
        found.states.append(found.run)


def _last_run(trial: Trial, flow_id: str) -> object:
    seen = trial.probe.send("GET", f"{KINDS['dataflow'].path}/{segment(flow_id)}")
    return at(next(iter(mappings(at(seen.body, "items"))), seen.body), "lastRunDetails")
