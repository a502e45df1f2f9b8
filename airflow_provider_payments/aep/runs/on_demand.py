"""
Flow runs that are asked for: over a window of one's own, or once more after a failure.

The service knows no idempotency key here either, and a run has no name by which it could be found again. So the
runs that are there are noted before one is asked for: the baseline. Where the answer is lost, or the task was killed,
our run is the one that is not part of it. Where a run shows who asked for it and which window it reads, that must be
right too. It takes one writer for each dataflow, and a second run would bring its rows twice, so the settle time of
dataflows is waited for.

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
    What was there before a run was asked for.

    :param since: epoch seconds; the run is not older.
    :param known: ids of runs made since then that are not it.
    :param by_own_clock: whether ``since`` is this machine's time, and not the service's.
    :param allow_older: whether it may be older after all; it then was under way at that time, and shows its window.
    """

    since: float
    known: tuple[str, ...] = ()
    by_own_clock: bool = False
    allow_older: bool = False

    @classmethod
    def of(cls, runs: Sequence[FlowRun]) -> Self:
        """Return the baseline of a dataflow's runs, or of the newest of them."""
        since = max((run.created_at for run in runs), default=0.0)
        return cls(since, tuple(run.id for run in runs if run.created_at == since))

    def to_json(self) -> Json:
        """Return plain JSON, to be kept where a later attempt finds it."""
        return {"since": self.since, "known": list(self.known)}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """
        Read :meth:`to_json`'s form.

        :raises UnreadableError: if it is not one: then it is unknown which runs were there.
        """
        since, known = number(at(value, "since")), [text(run) for run in sequence(at(value, "known"))]
        if since is None or None in known or not isinstance(at(value, "known"), list):
            raise UnreadableError("what an earlier try has noted", shown(value))
        return cls(since, tuple(run for run in known if run))

    def by_service(self, client: Client) -> RunBaseline:
        """Return the same by the clock of the service, which has just answered with its time."""
        if not self.by_own_clock:
            return self
        return replace(self, since=self.since + client.now() - time.time(), by_own_clock=False)


@dataclass(frozen=True, kw_only=True)
class RunRequest(ABC):
    """
    A run to ask for.

    :param client: for the requests.
    :param flow_id: whose run it will be.
    :param window: what it will read, where that is known.
    :param flow: the dataflow, where :meth:`ready` has read it.
    """

    client: Client
    flow_id: str
    window: Window | None
    flow: FlowParts | None = None

    @abstractmethod
    def ready(self) -> Self:
        """
        Hold it against what the service has; the request is then complete.

        :raises InvalidInputError: if the service would refuse it.
        """

    @abstractmethod
    def send(self) -> Answer:
        """Ask for it."""

    def is_not(self, run: FlowRun) -> bool:
        """Whether a run is known to be another than the one that is asked for."""
        return False

    def look(self, own: Reading | None = None) -> Coverage:
        """
        Read the runs that are there now: the newest of them, or all where they may make this one needless.

        :param own: the run that this task has started before.
        :raises UnreadableError: if a run may be there that cannot be read.
        :raises CoveredError: if runs have read a part of the window.
        :raises UnsettledError: if one may be reading it, which will show later.
        """
        return Coverage(patiently(self.client, lambda: newest_runs(self.client, self.flow_id, 1)))

    def start(self, baseline: RunBaseline) -> tuple[str, bool]:
        """
        Ask for the run; return its id, and whether that had to be found out.

        :param baseline: what was there before; store them before the call, for the process may be killed.
        :raises UnsettledError: if it is unknown whether there is a run, or which.
        :raises RequestError: if the service refuses.
        """
        with self.client.transport.within(self.client.operation_timeout):
            for sent in range(1, MAX_REQUESTS + 1):
                try:
                    return self._ask(), False
                except RequestError as error:
                    self._settling.sleep(self._settling.pause_after_lost_answer(error, "flow run", sent), "to show")
                if found := self.find(baseline):
                    return found.id, True
        raise UnsettledError(
            f"{MAX_REQUESTS} requests for a run of dataflow {self.flow_id} brought none, and none shows after "
            f"{self.client.dataflow_settle_seconds:g} s; the next attempt looks again"
        )

    def resume(self, baseline: RunBaseline) -> FlowRun | None:
        """
        Return the run that an earlier attempt asked for, which may have been killed just now; ``None``: there is none.

        :raises UnsettledError: if that is unknown.
        """
        if found := self.find(baseline):
            return found
        baseline = baseline.by_service(self.client)
        with self.client.transport.within(self.client.operation_timeout):
            self._settling.sleep(self._settling.seconds_after_sending, "to show")
            return self.find(baseline)

    def find(self, baseline: RunBaseline, *, active: bool = False) -> FlowRun | None:
        """
        Return the run that can only be the one that was asked for.

        :param active: only one that has not ended counts.
        :raises UnsettledError: if there are several.
        :raises UnreadableError: if it may be one that cannot be read.
        """
        found = patiently(self.client, lambda: self._candidates(baseline))
        if active:
            found = [run for run in found if run.status is Status.ACTIVE]
        if self.window and all(map(Window.of, found)):
            # One that failed has been made good, where another reads the same window.
            found = [run for run in found if run.status is not Status.FAILED] or found
        if len(found) > 1:
            raise UnsettledError(
                f"Several runs of dataflow {self.flow_id} may be the one that was asked for: "
                f"{'; '.join(map(str, found))}. Let one task at a time start runs of a dataflow"
            )
        for run in found:
            log.info("Found the flow run that was asked for: %s", run.id)
        return found[0] if found else None

    def _candidates(self, baseline: RunBaseline) -> list[FlowRun]:
        """Return the runs that may be the one."""
        found, seen, listed = list[FlowRun](), 0, RunList(self.client, self.flow_id)
        for page in listed:
            baseline = baseline.by_service(self.client)
            # What does not say who asked for it may be ours.
            ours = [run for run, item in page if text(item.get("createdClient")) in (None, self._client_id)]
            found += [run for run in ours if run.id not in baseline.known and self._may_be(run, baseline)]
            seen += len(page)
            if (seen >= MAX_RUNS_SEARCHED or not baseline.allow_older) and listed.has_all_since(baseline.since):
                break
        return found

    @property
    def _client_id(self) -> str:
        return self.client.credential.client_id

    def _may_be(self, run: FlowRun, baseline: RunBaseline) -> bool:
        window = Window.of(run)
        is_like = window is not None and self.window is not None and window.is_like(self.window)
        if self.is_not(run):
            return False
        if run.created_at < baseline.since:
            was_under_way = run.status is Status.ACTIVE or (run.completed_at or 0.0) >= baseline.since
            return baseline.allow_older and was_under_way and is_like
        return window is None or self.window is None or is_like

    def _ask(self) -> str:
        answer = self.send()
        # The OpenAPI file shows an object, the tutorial a list of one.
        receipts = mappings(at(answer.body, "items")) or [mapping(answer.body)]
        run_id = created_object(answer, RUNS, text(receipts[0].get("id"))).id
        log.info("Asked for flow run %s of dataflow %s (request id %s)", run_id, self.flow_id, answer.request_id)
        return run_id

    @property
    def _settling(self) -> Settling:
        return Settling(self.client, f"A run of dataflow {self.flow_id}", self.client.dataflow_settle_seconds)


@dataclass(frozen=True, kw_only=True)
class OnDemandRun(RunRequest):
    """
    A run over a window.

    :param delta_column: by which rows fall into the window; the first such run of a dataflow over a table settles it.
    :param accepts: whether an ended run that has covered the window is good enough; ``None``: the window is brought
        once more whatever has covered it.
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
        settled = next((column for column in columns if column), None)
        if self.delta_column and settled and self.delta_column != settled:
            allowed = f"it must be {settled!r}, which an earlier run of the dataflow has settled (FLOW-1382)"
            raise InvalidInputError("delta_column", self.delta_column, allowed)
        return replace(self, delta_column=None if settled else self.delta_column, flow=FlowParts.of_item(flow))

    def look(self, own: Reading | None = None) -> Coverage:
        if self.accepts is None:
            return super().look(own)
        return read_coverage(self.client, self.flow_id, self.window, self.accepts, own)

    def send(self) -> Answer:
        return self.client.request("POST", RUNS, body=self._body)

    def _body(self) -> Json:
        # Counted from the request: one that comes late still starts at once.
        start = math.ceil(self.client.now())
        params = {"startTime": start, "windowStartTime": self.window.start, "windowEndTime": self.window.end}
        delta = {"deltaColumn": {"name": self.delta_column}} if self.delta_column else {}
        return {"flowId": self.flow_id, "params": params | delta}


@dataclass(frozen=True, kw_only=True)
class RepeatedRun(RunRequest):
    """
    A failed run's work, done again.

    :param run_id: the failed run.
    """

    run_id: str

    @classmethod
    def of(cls, client: Client, run: FlowRun) -> Self:
        """Return the request for a run as the service shows it."""
        return cls(client=client, flow_id=run.flow_id, window=Window.of(run), run_id=run.id)

    def ready(self) -> Self:
        return self

    def is_not(self, run: FlowRun) -> bool:
        return run.id == self.run_id

    def send(self) -> Answer:
        path = f"{RUNS}/{segment(self.run_id)}/action"
        return self.client.request("POST", path, params={"op": "re-trigger"})
