"""Lookups of flow runs: a run by its id, a dataflow's newest runs, and the run that replaces a failed one."""

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

#: Maximum number of a dataflow's newest runs that a search reads: a page of the service's list.
MAX_RUNS_SEARCHED = 100


def read_run(client: Client, run_id: str) -> FlowRun:
    """
    Return the current state of a run.

    :raises UnreadableError: if the answer cannot be read.
    """
    return FlowRun.from_item(flow_service.item(client, "runs", run_id))


def read_run_if_it_exists(client: Client, run_id: str) -> FlowRun | None:
    """
    Return the current state of a run; ``None`` if it no longer exists.

    :raises UnreadableError: if the answer cannot be read.
    """
    try:
        return read_run(client, run_id)
    except NotFoundError:
        return None


def wait_until_visible(client: Client, run_id: str) -> FlowRun:
    """
    Return a run that the service has just created, waiting until the service finds it by its id.

    :raises UnsettledError: if the run is not found within the settle time of dataflows, or 10 s if that is longer.
    """
    clock = client.transport.clock
    until = clock.monotonic() + max(client.dataflow_settle_seconds, MIN_SEARCH_SECONDS)
    while True:
        try:
            return read_run(client, run_id)
        except (NotFoundError, UnreadableError) as error:
            if clock.monotonic() >= until:
                message = f"flow run {run_id} was created but is not visible yet; the next attempt reads it again"
                raise UnsettledError(message) from error
        clock.sleep(SEARCH_INTERVAL_SECONDS)


def newest_run_of_window(client: Client, run: FlowRun) -> FlowRun:
    """
    Return the newest run over the same data window as ``run``: ``run`` itself, or a later run that replaces it.

    :raises UnreadableError: if a run that may be the newest cannot be read.
    """
    window = Window.of(run)
    if window is None:
        return run

    def later() -> list[FlowRun]:
        since = runs_of(client, run.flow_id, run.created_at)
        return [other for other in since if (shown := Window.of(other)) and shown.is_like(window)]

    # max() returns the first of equal runs: of runs created at the same time, the service lists the newest first.
    return max(patiently(client, later), key=lambda other: other.created_at, default=run)


def newest_failed(client: Client, flow_id: str) -> FlowRun | None:
    """
    Return the newest failed run of a dataflow whose window no later run has read.

    The :data:`MAX_RUNS_SEARCHED` newest runs are searched. If none matches, the newest run is returned; ``None`` if the
    dataflow has no run.

    :raises UnreadableError: if a run that may match, or may have read the window, cannot be read.
    """
    later_windows = list[Window]()
    runs = patiently(client, lambda: newest_runs(client, flow_id, MAX_RUNS_SEARCHED))
    for run in runs:
        window = Window.of(run)
        if run.status is Status.FAILED and not (window and any(map(window.is_like, later_windows))):
            return run
        later_windows += [window] if window else []
    return next(iter(runs), None)


def newest_runs(client: Client, flow_id: str, number: int) -> list[FlowRun]:
    """
    Return a dataflow's newest runs, the newest first.

    :param number: how many; runs that were created at the same time as the last of them are returned too.
    """
    runs, listed = list[FlowRun](), RunList(client, flow_id)
    for page in listed:
        runs += [run for run, _ in page]
        if len(runs) >= number and listed.has_all_since(runs[number - 1].created_at):
            break
    runs.sort(key=lambda run: run.created_at, reverse=True)
    return [run for run in runs if run.created_at >= runs[:number][-1].created_at]
