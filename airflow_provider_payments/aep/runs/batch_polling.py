"""
Poll the flow runs of many waits with few requests, all of them documented.

Known runs are read by id, a hundred ids in a request. For waits without a known run, a hundred dataflows are read in a
request, each with its last run. A last run shows that a new run exists, but not that no other run began before it. So
the last run is accepted if the schedule allows no other run since the last poll; otherwise the dataflow's runs are
listed once. Answers are matched by id here, because a service may ignore the filter. Sources: the guide "Sort and
filter responses" and the schemas of flows and runs in Adobe's OpenAPI file.
"""

from __future__ import annotations

import logging
import math
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS, ReadLagError
from airflow_provider_payments.aep.errors import (
    DataflowDisabledError,
    Failure,
    NotFoundError,
    PlatformError,
    RequestError,
    UnreadableError,
)
from airflow_provider_payments.aep.readers import at, iso, moment, text
from airflow_provider_payments.aep.resources.schedule import period_seconds
from airflow_provider_payments.aep.runs.flow_run import LIST_MARGIN_SECONDS, FlowRun, Status, runs_of
from airflow_provider_payments.aep.runs.wait import Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.services import Json

log = logging.getLogger(__name__)

#: Interval, in polls, after which the runs of one dataflow that shows no new run are listed, to verify what it shows.
VERIFY_INTERVAL_POLLS = 5
#: Seconds that one query of a poller may take, pages included, because other waits are queued behind it; doubled with
#: each failed poll up to the maximum.
QUERY_SECONDS, MAX_QUERY_SECONDS = 10.0, 40.0

#: What a dataflow's last run shows about a wait: no matching run, a matching run that has just begun, or anything else.
LastRun = Literal["nothing", "active", "other"]


class RunQueries:
    """
    The queries that poll the runs of many waits.

    :param client: the client that sends the requests.
    :param query_seconds: seconds that one query may take at first. Defaults to infinity, for a worker that polls only
        its own wait.
    :param on_dataflow: called with each dataflow that is read.
    """

    def __init__(
        self,
        client: Client,
        query_seconds: float = math.inf,
        on_dataflow: Callable[[Json], None] = lambda flow: None,
    ) -> None:
        self.client = client
        self._query_seconds = query_seconds
        self._on_dataflow = on_dataflow
        #: Whether dataflows show their last runs; if not, the runs of each dataflow are listed.
        self._shows_last_runs = True
        self._polls = 0

    def poll(self, waits: Sequence[Wait]) -> None:
        """
        Poll once for all waits, and set each wait's ``run`` or ``error``.

        :param waits: as many as fit in one request.
        """
        self._polls += 1
        before = {wait: wait.run for wait in waits}
        for wait in waits:
            wait.error = None
        just_begun = self._poll_dataflows([wait for wait in waits if wait.may_match_unknown_run])
        known = [w for w in waits if w.run_id and not w.error and w.run is before[w] and w not in just_begun]
        self._poll_known_runs(known)
        for wait in known:
            # Another run may have begun since; a dataflow need not show a run while it is active.
            if wait.may_match_unknown_run and wait.run and wait.run.status is not Status.ACTIVE and not wait.error:
                self._list_runs(wait)

    def _items(self, collection: str, waits: list[Wait], ids: Iterable[str]) -> dict[str, Json]:
        """
        Return the items of these ids, with one query for all waits.

        A failure becomes the error of each wait. If several waits share the query, only a 401 or 403 is final.
        """
        found: dict[str, Json] = {}
        requested = dict.fromkeys(ids)
        try:
            with self.client.transport.within(self._seconds_for(waits)):
                for page in flow_service.pages(self.client, collection, f"id=={','.join(requested)}"):
                    found |= {item["id"]: item for item in page if text(at(item, "id")) in requested}
                    if len(found) == len(requested):  # a service that ignores the filter has more pages
                        break
        except PlatformError as error:
            for wait in waits:
                wait.error = error if len(waits) == 1 else _error_of_shared_query(error, len(waits))
        return found

    def _item(self, collection: str, item_id: str, wait: Wait) -> Json:
        with self.client.transport.within(self._seconds_for([wait])):
            return flow_service.item(self.client, collection, item_id)

    def _seconds_for(self, waits: Sequence[Wait]) -> float:
        failures = max((wait.failures for wait in waits), default=0)
        at_first = self._query_seconds
        return min(at_first * 2.0 ** min(failures, 10), max(at_first, MAX_QUERY_SECONDS))

    def _list_runs(self, wait: Wait) -> None:
        """List the runs of one wait's dataflow, and select the matching run."""
        transport = self.client.transport
        try:
            with transport.within(self._seconds_for([wait])):
                requested_at = transport.clock.monotonic()
                # An unreadable run of this dataflow might match, so it is an error; other unreadable runs are skipped.
                runs = runs_of(self.client, wait.flow_id, wait.cursor, skip="others")
                first = list(islice(runs, 1))
                wait.convert_to_platform_time(transport.platform_clock)
                wait.select(chain(first, runs), transport.now(requested_at))
        except PlatformError as error:
            wait.error = error

    # ---- dataflows -------------------------------------------------------------------------------------------------

    def _poll_dataflows(self, waits: list[Wait]) -> set[Wait]:
        """
        Read the waits' dataflows with their last runs, and list the runs of those that may have a matching run.

        :return: the waits whose run was just found and has not ended: this poll need not read the run.
        """
        if not waits:
            return set()
        monotonic = self.client.transport.clock.monotonic
        requested_at = monotonic()
        found = self._items("flows", waits, (wait.flow_id for wait in waits))
        now, until = self.client.transport.now(requested_at), monotonic() + self._seconds_for(waits)
        last_runs = dict[Wait, LastRun]()
        # Waits that failed before come last, because they may use up the time of the others.
        for wait in sorted((wait for wait in waits if not wait.error), key=lambda wait: wait.failures):
            try:
                if monotonic() > until:
                    reason = "the requests before it took too long"
                    raise RequestError(Failure.NOT_SENT, "GET", "/runs", reason=reason)
                flow = found.get(wait.flow_id) or self._item("flows", wait.flow_id, wait)
            except RequestError as error:
                wait.error = error
                continue
            self._on_dataflow(flow)
            last_runs[wait] = self._read_last_run(wait, flow, now)
        quiet = [wait for wait, last_run in last_runs.items() if last_run == "nothing"]
        if quiet and self._polls % VERIFY_INTERVAL_POLLS == 0:
            self._verify(quiet[self._polls // VERIFY_INTERVAL_POLLS % len(quiet)], now)
        return {wait for wait, last_run in last_runs.items() if last_run == "active"}

    def _read_last_run(self, wait: Wait, flow: Mapping[str, Any], now: float) -> LastRun:
        """Read a dataflow's last run, and list its runs if the last run does not show which run matches."""
        before = wait.known_run_id
        last_run: LastRun = "other"
        if self._shows_nothing_new(wait, flow, now):
            last_run = "other" if wait.known_run_id else "nothing"
        elif not wait.known_run_id or wait.quiet_since is None:
            self._list_runs(wait)
        elif before is None and moment(at(flow, "lastRunDetails", "completedAtUTC")) is None:
            last_run = "active"
        if not (wait.run_id or wait.error) and flow.get("state") == "disabled":
            self._check_disabled(wait, flow)
        return last_run

    def _shows_nothing_new(self, wait: Wait, flow: Mapping[str, Any], now: float) -> bool:
        """
        Return whether a dataflow's last run shows that no further matching run has begun.

        Otherwise the last run may become the wait's known run.
        """
        if wait.quiet_since is None or not self._shows_last_runs:
            return False
        last = flow.get("lastRunDetails")
        if last is None:
            return True
        run_id, began = text(at(last, "id")), moment(at(last, "startedAtUTC"))
        if run_id is None or began is None:
            return False
        if run_id == wait.known_run_id:
            return True
        if began < wait.selection.since:
            wait.quiet_since = max(wait.quiet_since, now)
            return True
        period = period_seconds(flow.get("scheduleParams"))
        # No other run can have begun between the last poll without a run and this one. Half a period: runs begin late.
        if wait.selection.pick == "latest" or (period and began - wait.quiet_since < period / 2):
            wait.known_run_id = run_id
        return False

    def _check_disabled(self, wait: Wait, flow: Mapping[str, Any]) -> None:
        """List a disabled dataflow's runs, which its last run need not show; set an error if no run can match."""
        self._list_runs(wait)
        if not (wait.run_id or wait.error or wait.is_queued) and wait.fail_if_disabled:
            changed = moment(flow.get("updatedAt"))
            wait.error = DataflowDisabledError(wait.flow_id, iso(changed) if changed else None)

    def _verify(self, wait: Wait, now: float) -> None:
        """List the runs of a wait whose dataflow shows no new run, to detect a service that hides last runs."""
        self._list_runs(wait)
        ended = wait.run.completed_at if wait.run else None
        if ended and ended < now - LIST_MARGIN_SECONDS:
            message = "Dataflow %s does not show its last run (%s); polls now list the runs of each dataflow"
            log.warning(message, wait.flow_id, wait.run)
            self._shows_last_runs = False

    # ---- runs ------------------------------------------------------------------------------------------------------

    def _poll_known_runs(self, waits: list[Wait]) -> None:
        """Read the known runs of waits by id; a run that is missing from the list is read alone."""
        if not waits:
            return
        found = self._items("runs", waits, (str(wait.run_id) for wait in waits))
        for wait in (wait for wait in waits if not wait.error):
            try:
                wait.run = FlowRun.from_item(found.get(str(wait.run_id)) or self._item("runs", str(wait.run_id), wait))
                wait.missing_since = None
            except (RequestError, UnreadableError) as error:
                wait.error = self._error_of_known_run(wait, error)

    def _error_of_known_run(self, wait: Wait, error: PlatformError) -> PlatformError:
        """Return a retryable error instead of a 404 for a while: a listed run may not be readable by its id yet."""
        if wait.selection.run_id or not isinstance(error, NotFoundError):
            return error
        transport = self.client.transport
        now = transport.clock.monotonic()
        if wait.missing_since is None:
            wait.missing_since = now
        rest = wait.missing_since + max(self.client.dataflow_settle_seconds, READ_LAG_SECONDS) - now
        return ReadLagError(f"flow run {wait.run_id}", transport.now() + rest) if rest > 0 else error


def _error_of_shared_query(error: PlatformError, count: int) -> PlatformError:
    """Return the error of each of several waits that shared a query; another wait may have caused a refusal."""
    if not isinstance(error, RequestError) or error.retryable or error.status in (401, 403):
        return error
    reason = f"one request for {count} waits: {error}"
    return RequestError(Failure.AMBIGUOUS, error.method, error.path, reason=reason, status=error.status)
