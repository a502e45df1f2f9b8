"""
Flow runs on demand: over a given data window, or as a retry of a failed run.

The service has no idempotency key for runs, and a run has no name by which it could be found again. So the existing
runs are recorded before a run is requested: the baseline. If the answer is lost, or the task is killed, the requested
run is the one that is not in the baseline. If a run shows which client requested it and which window it reads, both
must match too. This requires a single writer for each dataflow. A second run would ingest its rows twice, so a request
is repeated only after the settle time of dataflows.

Sources: "On-demand ingestion" and "Retry failed dataflow runs" of Adobe's Flow Service guides, and its OpenAPI file.
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.api.settling import MAX_REQUESTS, Settling
from airflow_provider_payments.aep.errors import (
    InvalidInputError,
    RequestError,
    UnreadableError,
    UnsettledError,
)
from airflow_provider_payments.aep.readers import at, mapping, mappings, number, sequence, shown, text
from airflow_provider_payments.aep.resources.kind import created_object
from airflow_provider_payments.aep.resources.schedule import read_schedule
from airflow_provider_payments.aep.runs.coverage import Coverage, Reading, read_coverage
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_parts import FlowParts
from airflow_provider_payments.aep.runs.flow_run import FlowRun, RunList, Status
from airflow_provider_payments.aep.runs.lookups import MAX_RUNS_SEARCHED, newest_runs
from airflow_provider_payments.aep.services import FLOW_SERVICE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.http.answers import Answer

log = logging.getLogger(__name__)

RUNS = f"{FLOW_SERVICE}/runs"


@dataclass(frozen=True)
class RunBaseline:
    """
    The runs that existed before a run was requested.

    :param since: epoch seconds; the requested run was not created earlier.
    :param known: ids of other runs that were created at or after ``since``.
    :param by_own_clock: whether ``since`` is a time of this machine's clock instead of the service's.
    :param allow_older: whether the run may have been created before ``since`` after all; it must then have been active
        at that time, and show its window.
    """

    since: float
    known: tuple[str, ...] = ()
    by_own_clock: bool = False
    allow_older: bool = False

    @classmethod
    def of(cls, runs: Sequence[FlowRun]) -> Self:
        """Return the baseline of a dataflow's runs; its newest runs are enough."""
        since = max((run.created_at for run in runs), default=0.0)
        return cls(since, tuple(run.id for run in runs if run.created_at == since))

    def to_json(self) -> Json:
        """Return plain JSON, to be stored for a later attempt."""
        return {"since": self.since, "known": list(self.known)}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """
        Return the baseline that :meth:`to_json` wrote.

        :raises UnreadableError: if ``value`` is not in that form, so it is unknown which runs existed.
        """
        since, known = number(at(value, "since")), [text(run) for run in sequence(at(value, "known"))]
        if since is None or None in known or not isinstance(at(value, "known"), list):
            raise UnreadableError("the run baseline that an earlier attempt stored", shown(value))
        return cls(since, tuple(run for run in known if run))

    def in_platform_time(self, client: Client) -> RunBaseline:
        """Return the baseline with ``since`` in the service's time; an answer must have shown that time already."""
        if not self.by_own_clock:
            return self
        return replace(self, since=self.since + client.now() - time.time(), by_own_clock=False)


@dataclass(frozen=True, kw_only=True)
class RunRequest(ABC):
    """
    A request for a run.

    :param client: the client that sends the requests.
    :param flow_id: id of the dataflow.
    :param window: the data window that the run will read, if known.
    :param flow: the dataflow, if :meth:`ready` has read it.
    """

    client: Client
    flow_id: str
    window: Window | None
    flow: FlowParts | None = None

    @abstractmethod
    def ready(self) -> Self:
        """
        Check the request against the dataflow, and return it complete.

        :raises InvalidInputError: if the service would refuse the request.
        """

    @abstractmethod
    def send(self) -> Answer:
        """Send the request once."""

    def excludes(self, run: FlowRun) -> bool:
        """Return whether a run cannot be the requested one."""
        return False

    def coverage(self, own: Reading | None = None) -> Coverage:
        """
        Read the dataflow's existing runs: the newest ones, or all if one of them may make this run needless.

        :param own: a run that this task started before.
        :raises UnreadableError: if an item that may be a run of the dataflow cannot be read.
        :raises CoveredError: if runs have read a part of the window.
        :raises UnsettledError: if an active run may be reading the window and does not show it yet.
        """
        return Coverage(patiently(self.client, lambda: newest_runs(self.client, self.flow_id, 1)))

    def start(self, baseline: RunBaseline) -> tuple[str, bool]:
        """
        Request the run; return its id, and whether the answer was lost and the run was found in the list.

        :param baseline: the runs that existed before; store it before the call, because the process may be killed.
        :raises UnsettledError: if it is unknown whether the run was created, or which run it is.
        :raises RequestError: if the service refuses.
        """
        with self.client.transport.within(self.client.operation_timeout):
            for sent in range(1, MAX_REQUESTS + 1):
                try:
                    return self._request(), False
                except RequestError as error:
                    seconds = self._settling.seconds_after_lost_answer(error, "flow run", sent)
                    self._settling.sleep(seconds, "to be listed")
                if found := self.find(baseline):
                    return found.id, True
        raise UnsettledError(
            f"{MAX_REQUESTS} requests for a run of dataflow {self.flow_id} were not answered, and no new run is listed "
            f"after {self.client.dataflow_settle_seconds:g} s; the next attempt searches again"
        )

    def resume(self, baseline: RunBaseline) -> FlowRun | None:
        """
        Return the run that an earlier attempt requested; ``None`` if there is none.

        The attempt may have been killed just after its request, so the settle time is waited for before the run counts
        as absent.

        :raises UnsettledError: if it is unknown whether there is a run.
        """
        if found := self.find(baseline):
            return found
        baseline = baseline.in_platform_time(self.client)
        with self.client.transport.within(self.client.operation_timeout):
            self._settling.sleep(self._settling.seconds_after_sending, "to be listed")
            return self.find(baseline)

    def find(self, baseline: RunBaseline, *, active: bool = False) -> FlowRun | None:
        """
        Return the requested run; ``None`` if no listed run matches.

        :param active: whether to consider only runs that have not ended.
        :raises UnsettledError: if several runs match.
        :raises UnreadableError: if an item that may be the run cannot be read.
        """
        found = patiently(self.client, lambda: self._candidates(baseline))
        if active:
            found = [run for run in found if run.status is Status.ACTIVE]
        if self.window and all(map(Window.of, found)):
            # A failed run has been replaced by another run that reads the same window.
            found = [run for run in found if run.status is not Status.FAILED] or found
        if len(found) > 1:
            raise UnsettledError(
                f"Several runs of dataflow {self.flow_id} may be the requested run: {'; '.join(map(str, found))}. "
                "Let only one task at a time start runs of a dataflow"
            )
        for run in found:
            log.info("Found the requested flow run: %s", run.id)
        return found[0] if found else None

    def _candidates(self, baseline: RunBaseline) -> list[FlowRun]:
        """Return the runs that may be the requested one."""
        found, searched, listed = list[FlowRun](), 0, RunList(self.client, self.flow_id)
        for page in listed:
            baseline = baseline.in_platform_time(self.client)
            # A run that does not show its client may have been requested by this one.
            ours = [run for run, item in page if text(item.get("createdClient")) in (None, self._client_id)]
            found += [run for run in ours if run.id not in baseline.known and self._may_match(run, baseline)]
            searched += len(page)
            if (searched >= MAX_RUNS_SEARCHED or not baseline.allow_older) and listed.has_all_since(baseline.since):
                break
        return found

    @property
    def _client_id(self) -> str:
        return self.client.credential.client_id

    def _may_match(self, run: FlowRun, baseline: RunBaseline) -> bool:
        window = Window.of(run)
        has_window = window is not None and self.window is not None and window.is_like(self.window)
        if self.excludes(run):
            return False
        if run.created_at < baseline.since:
            was_active = run.status is Status.ACTIVE or (run.completed_at or 0.0) >= baseline.since
            return baseline.allow_older and was_active and has_window
        return window is None or self.window is None or has_window

    def _request(self) -> str:
        answer = self.send()
        # The OpenAPI file shows an object, the tutorial a list of one.
        receipts = mappings(at(answer.body, "items")) or [mapping(answer.body)]
        run_id = created_object(answer, RUNS, text(receipts[0].get("id"))).id
        log.info("Requested flow run %s of dataflow %s (request id %s)", run_id, self.flow_id, answer.request_id)
        return run_id

    @property
    def _settling(self) -> Settling:
        return Settling(self.client, f"a run of dataflow {self.flow_id}", self.client.dataflow_settle_seconds)


@dataclass(frozen=True, kw_only=True)
class OnDemandRun(RunRequest):
    """
    A request for a run over a data window.

    :param delta_column: the column whose values decide which rows are in the window; a dataflow's first run on demand
        fixes it.
    :param accepts: returns whether an ended run that has covered the window is accepted; ``None``: the window is read
        regardless of earlier runs.
    """

    window: Window
    delta_column: str | None = None
    accepts: Callable[[FlowRun], bool] | None = None

    def ready(self) -> Self:
        flow = flow_service.item(self.client, "flows", self.flow_id)
        frequency = read_schedule(mapping(at(flow, "scheduleParams")))["frequency"]
        if frequency != "once":
            allowed = f"runs on demand are for dataflows with frequency 'once'; this one has {frequency!r} (FLOW-1386)"
            raise InvalidInputError("flow_id", self.flow_id, allowed)
        if flow.get("state") in ("disabled", "draft"):
            allowed = f"it must be an enabled dataflow; this one is {flow['state']} (FLOW-1380)"
            raise InvalidInputError("flow_id", self.flow_id, allowed)
        copies = [step for step in mappings(flow.get("transformations")) if step.get("name") == "Copy"]
        columns = [text(at(step, "params", "deltaColumn", "name")) for step in copies]
        fixed = next((column for column in columns if column), None)
        if self.delta_column and fixed and self.delta_column != fixed:
            allowed = f"it must be {fixed!r}, which an earlier run of the dataflow has fixed (FLOW-1382)"
            raise InvalidInputError("delta_column", self.delta_column, allowed)
        return replace(self, delta_column=None if fixed else self.delta_column, flow=FlowParts.of_item(flow))

    def coverage(self, own: Reading | None = None) -> Coverage:
        if self.accepts is None:
            return super().coverage(own)
        return read_coverage(self.client, self.flow_id, self.window, self.accepts, own)

    def send(self) -> Answer:
        return self.client.request("POST", RUNS, body=self._body)

    def _body(self) -> Json:
        # Computed when the request is sent, so that a delayed request still starts the run at once.
        start = math.ceil(self.client.now())
        params = {"startTime": start, "windowStartTime": self.window.start, "windowEndTime": self.window.end}
        delta = {"deltaColumn": {"name": self.delta_column}} if self.delta_column else {}
        return {"flowId": self.flow_id, "params": params | delta}


@dataclass(frozen=True, kw_only=True)
class RepeatedRun(RunRequest):
    """
    A request to retry a failed run.

    :param run_id: id of the failed run.
    """

    run_id: str

    @classmethod
    def of(cls, client: Client, run: FlowRun) -> Self:
        """Return the request to retry ``run``."""
        return cls(client=client, flow_id=run.flow_id, window=Window.of(run), run_id=run.id)

    def ready(self) -> Self:
        return self

    def excludes(self, run: FlowRun) -> bool:
        return run.id == self.run_id

    def send(self) -> Answer:
        path = f"{RUNS}/{segment(self.run_id)}/action"
        return self.client.request("POST", path, params={"op": "re-trigger"})
