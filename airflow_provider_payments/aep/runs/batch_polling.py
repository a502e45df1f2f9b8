"""
Where the flow runs of many waits stand, with few requests, all of them documented.

Runs whose ids are known are asked for by a hundred ids. Where no run is known yet, a hundred dataflows are asked for
their last run. That shows a new run, not whether it is the first one: it is taken where the schedule allows no other
since the last poll; else the dataflow's runs are listed once. Ids are matched here, whatever the service answers.
Source: the guide "Sort and filter responses" and the schemas of flows and runs in Adobe's OpenAPI file.
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

#: In one of this number of polls, a wait that has no run is asked about in another way.
VERIFY_EVERY = 5
#: Seconds for one question of a poller, pages included, doubled with each failed poll: others wait behind it meanwhile.
QUESTION_SECONDS, MAX_QUESTION_SECONDS = 10.0, 40.0

#: What a dataflow shows to a wait that has no run yet: no run that is meant, one that has just begun, or else.
Shows = Literal["nothing", "active", "other"]


class RunQueries:
    """
    Asks for the runs of many waits.

    :param client: for the requests.
    :param question_seconds: for one question at first; without a bound for a worker that polls for itself alone.
    :param on_dataflow: is called with each dataflow that is shown.
    """

    def __init__(
        self,
        client: Client,
        question_seconds: float = math.inf,
        on_dataflow: Callable[[Json], None] = lambda flow: None,
    ) -> None:
        self.client = client
        self._question_seconds = question_seconds
        self._on_dataflow = on_dataflow
        #: Whether dataflows show their last runs; else each is asked for its runs.
        self._shows_last_runs = True
        self._polls = 0

    def poll(self, waits: Sequence[Wait]) -> None:
        """
        Ask where the waits' runs stand: each then has its ``run``, or the ``error`` that kept it from being seen.

        :param waits: as many as fit in one question.
        """
        self._polls += 1
        before = {wait: wait.run for wait in waits}
        for wait in waits:
            wait.error = None
        begun = self._dataflows([wait for wait in waits if wait.may_be_another])
        known = [w for w in waits if w.run_id and not w.error and w.run is before[w] and w not in begun]
        self._known_runs(known)
        for wait in known:
            # Another may have begun since, which a dataflow need not show while it runs.
            if wait.may_be_another and wait.run and wait.run.status is not Status.ACTIVE and not wait.error:
                self._list_runs(wait)

    def _listed(self, collection: str, waits: list[Wait], ids: Iterable[str]) -> dict[str, Json]:
        """
        Return the items of these ids, in one question for all the waits.

        A failure is the error of each of them, but a final one only where a single wait was asked for.
        """
        found: dict[str, Json] = {}
        asked = dict.fromkeys(ids)
        try:
            with self.client.transport.within(self._seconds_for(waits)):
                for page in flow_service.pages(self.client, collection, f"id=={','.join(asked)}"):
                    found |= {item["id"]: item for item in page if text(at(item, "id")) in asked}
                    if len(found) == len(asked):  # whatever else the service lists
                        break
        except PlatformError as error:
            for wait in waits:
                wait.error = error if len(waits) == 1 else _of_several(error, len(waits))
        return found

    def _item(self, collection: str, item_id: str, wait: Wait) -> Json:
        with self.client.transport.within(self._seconds_for([wait])):
            return flow_service.item(self.client, collection, item_id)

    def _seconds_for(self, waits: Sequence[Wait]) -> float:
        failures = max((wait.failures for wait in waits), default=0)
        at_first = self._question_seconds
        return min(at_first * 2.0 ** min(failures, 10), max(at_first, MAX_QUESTION_SECONDS))

    def _list_runs(self, wait: Wait) -> None:
        """List the runs of one wait's dataflow."""
        transport = self.client.transport
        try:
            with transport.within(self._seconds_for([wait])):
                asked = transport.clock.monotonic()
                # One of this dataflow that cannot be read might be the one.
                runs = runs_of(self.client, wait.flow_id, wait.cursor, skip="others")
                first = list(islice(runs, 1))
                wait.by_platform(transport.platform_clock)
                wait.take(chain(first, runs), transport.now(asked))
        except PlatformError as error:
            wait.error = error

    # ---- dataflows -------------------------------------------------------------------------------------------------

    def _dataflows(self, waits: list[Wait]) -> set[Wait]:
        """
        Ask dataflows for their last runs, and those alone that may have one that is meant.

        :return: the waits whose run has only just shown, and has not ended: it need not be asked for yet.
        """
        if not waits:
            return set()
        monotonic = self.client.transport.clock.monotonic
        asked = monotonic()
        found = self._listed("flows", waits, (wait.flow_id for wait in waits))
        now, until = self.client.transport.now(asked), monotonic() + self._seconds_for(waits)
        shows = dict[Wait, Shows]()
        # Those that failed come last: they must not keep the others from being asked about.
        for wait in sorted((wait for wait in waits if not wait.error), key=lambda wait: wait.failures):
            try:
                if monotonic() > until:
                    reason = "not asked: the questions before took too long"
                    raise RequestError(Failure.NOT_SENT, "GET", "/runs", reason=reason)
                flow = found.get(wait.flow_id) or self._item("flows", wait.flow_id, wait)
            except RequestError as error:
                wait.error = error
                continue
            self._on_dataflow(flow)
            shows[wait] = self._dataflow(wait, flow, now)
        quiet = [wait for wait, shown in shows.items() if shown == "nothing"]
        if quiet and self._polls % VERIFY_EVERY == 0:
            self._verify(quiet[self._polls // VERIFY_EVERY % len(quiet)], now)
        return {wait for wait, shown in shows.items() if shown == "active"}

    def _dataflow(self, wait: Wait, flow: Mapping[str, Any], now: float) -> Shows:
        """Read a dataflow's last run, and list its runs where that does not tell which one is meant."""
        before = wait.known_run_id
        shows: Shows = "other"
        if self._shows_nothing_new(wait, flow, now):
            shows = "other" if wait.known_run_id else "nothing"
        elif not wait.known_run_id or wait.quiet_since is None:
            self._list_runs(wait)
        elif before is None and moment(at(flow, "lastRunDetails", "completedAtUTC")) is None:
            shows = "active"
        if not (wait.run_id or wait.error) and flow.get("state") == "disabled":
            self._disabled(wait, flow)
        return shows

    def _shows_nothing_new(self, wait: Wait, flow: Mapping[str, Any], now: float) -> bool:
        """
        Read what a dataflow shows of its last run; it may become the wait's known run.

        :return: whether no run can have begun that is meant, as far as the dataflow shows.
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
        # Half of it: runs begin late.
        if wait.selection.pick == "latest" or (period and began - wait.quiet_since < period / 2):
            wait.known_run_id = run_id
        return False

    def _disabled(self, wait: Wait, flow: Mapping[str, Any]) -> None:
        """A disabled dataflow begins no run; one that it began before may not show in it."""
        self._list_runs(wait)
        if not (wait.run_id or wait.error or wait.is_queued) and wait.fail_if_disabled:
            changed = moment(flow.get("updatedAt"))
            wait.error = DataflowDisabledError(wait.flow_id, iso(changed) if changed else None)

    def _verify(self, wait: Wait, now: float) -> None:
        """Ask one wait alone: a service that does not show last runs would never show one."""
        self._list_runs(wait)
        ended = wait.run.completed_at if wait.run else None
        if ended and ended < now - LIST_MARGIN_SECONDS:
            log.warning("Dataflow %s does not show its last run (%s); asking each for its runs", wait.flow_id, wait.run)
            self._shows_last_runs = False

    # ---- runs ------------------------------------------------------------------------------------------------------

    def _known_runs(self, waits: list[Wait]) -> None:
        """Ask for runs by their ids; each must be there."""
        if not waits:
            return
        found = self._listed("runs", waits, (str(wait.run_id) for wait in waits))
        for wait in (wait for wait in waits if not wait.error):
            try:
                wait.run = FlowRun.from_item(found.get(str(wait.run_id)) or self._item("runs", str(wait.run_id), wait))
                wait.missing_since = None
            except (RequestError, UnreadableError) as error:
                wait.error = self._unless_it_lags(wait, error)

    def _unless_it_lags(self, wait: Wait, error: PlatformError) -> PlatformError:
        """Return what it means that a run cannot be read: one that was listed may not be found by its id yet."""
        if wait.selection.run_id or not isinstance(error, NotFoundError):
            return error
        transport = self.client.transport
        now = transport.clock.monotonic()
        if wait.missing_since is None:
            wait.missing_since = now
        rest = wait.missing_since + max(self.client.dataflow_settle_seconds, READ_LAG_SECONDS) - now
        return ReadLagError(f"flow run {wait.run_id}", transport.now() + rest) if rest > 0 else error


def _of_several(error: PlatformError, count: int) -> PlatformError:
    """Return what a failed question means to each of several waits: a refusal may be the fault of another."""
    if not isinstance(error, RequestError) or error.retryable or error.status in (401, 403):
        return error
    reason = f"asked for {count} at once: {error}"
    return RequestError(Failure.AMBIGUOUS, error.method, error.path, reason=reason, status=error.status)
