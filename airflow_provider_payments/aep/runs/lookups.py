"""Flow runs that are looked up: one by its id, the newest of a dataflow, the one that took a failed run's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.api.settling import MIN_SEARCH_SECONDS, SEARCH_INTERVAL_SECONDS
from airflow_provider_payments.aep.errors import NotFoundError, UnreadableError, UnsettledError
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import FlowRun, RunList, Status, runs_of

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client

#: Of a dataflow, the newest ones: a page of the service's list.
MAX_RUNS_SEARCHED = 100


def read_run(client: Client, run_id: str) -> FlowRun:
    """
    Return a run as it stands.

    :raises UnreadableError: if the answer cannot be read.
    """
    return FlowRun.from_item(flow_service.item(client, "runs", run_id))


def run_if_there(client: Client, run_id: str) -> FlowRun | None:
    """
    Return a run as it stands; ``None`` if it is gone.

    :raises UnreadableError: if the answer cannot be read.
    """
    try:
        return read_run(client, run_id)
    except NotFoundError:
        return None


def when_it_shows(client: Client, run_id: str) -> FlowRun:
    """
    Return a run that the service says it made; for a while it may not find it itself.

    :raises UnsettledError: if it still does not after that.
    """
    clock = client.transport.clock
    until = clock.monotonic() + max(client.dataflow_settle_seconds, MIN_SEARCH_SECONDS)
    while True:
        try:
            return read_run(client, run_id)
        except (NotFoundError, UnreadableError) as error:
            if clock.monotonic() >= until:
                message = f"flow run {run_id} was created but is not visible yet; the next attempt looks again"
                raise UnsettledError(message) from error
        clock.sleep(SEARCH_INTERVAL_SECONDS)


def successor(client: Client, run: FlowRun) -> FlowRun:
    """
    Return the newest run over the same window as ``run``: that one itself, or one that took its place.

    :raises UnreadableError: if it may be one that cannot be read.
    """
    window = Window.of(run)
    if window is None:
        return run

    def later() -> list[FlowRun]:
        since = runs_of(client, run.flow_id, run.created_at)
        return [other for other in since if (shown := Window.of(other)) and shown.is_like(window)]

    # Of those made at the same moment the service lists the newest first.
    return max(patiently(client, later), key=lambda other: other.created_at, default=run)


def newest_failed(client: Client, flow_id: str) -> FlowRun | None:
    """
    Return the newest run that failed and whose window no later run has read.

    :data:`MAX_RUNS_SEARCHED` of the dataflow's runs are searched. Where none is such, its newest run is returned;
    ``None`` if it has none at all.

    :raises UnreadableError: if it may be one that cannot be read, or such a one may have read the window.
    """
    seen = list[Window]()
    runs = patiently(client, lambda: newest_runs(client, flow_id, MAX_RUNS_SEARCHED))
    for run in runs:
        window = Window.of(run)
        if run.status is Status.FAILED and not (window and any(map(window.is_like, seen))):
            return run
        seen += [window] if window else []
    return next(iter(runs), None)


def newest_runs(client: Client, flow_id: str, number: int) -> list[FlowRun]:
    """Return ``number`` of a dataflow's newest runs, the newest first, and all made together with the last of them."""
    runs, listed = list[FlowRun](), RunList(client, flow_id)
    for page in listed:
        runs += [run for run, _ in page]
        if len(runs) >= number and listed.has_all_since(runs[number - 1].created_at):
            break
    runs.sort(key=lambda run: run.created_at, reverse=True)
    return [run for run in runs if run.created_at >= runs[:number][-1].created_at]
