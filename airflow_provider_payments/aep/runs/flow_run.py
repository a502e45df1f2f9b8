"""
A flow run: its status and its record counts.

``metrics.statusSummary.status`` has no published list of values, so each raw status is mapped to one of four statuses,
and an unknown raw status fails closed. Sources: "Monitor dataflows using the Flow Service API" and the run schema of
Adobe's OpenAPI file.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.errors import InvalidInputError, UnreadableError
from airflow_provider_payments.aep.readers import (
    MAX_EPOCH_SECONDS,
    at,
    count,
    iso,
    mapping,
    mappings,
    moment,
    number,
    sequence,
    shown,
    text,
)
from airflow_provider_payments.aep.runs.record_counts import read_counts
from airflow_provider_payments.aep.runs.run_problems import MAX_FAILED_CODES, errors_of, failed_codes
from airflow_provider_payments.aep.services import PAGE, Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client


log = logging.getLogger(__name__)


class Status(StrEnum):
    """The provider's status of a run; the service's own value is the raw status."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


#: Maximum number of seconds that a run may be queued between its creation and its start.
MAX_QUEUE_SECONDS = 86400.0
#: Seconds by which a list that seems to be sorted by creation time may be out of order.
LIST_MARGIN_SECONDS = 300.0

_MOMENTS = ("started_at", "completed_at", "window_start", "window_end", "copied_start", "copied_end")
_ACTIVE = frozenset({"queued", "scheduled", "pending", "processing", "inprogress", "running", "started"})
_SUCCEEDED = frozenset({"success", "succeeded", "completed"})
_PARTIAL = frozenset({"partialsuccess", "partialfailure"})
_FAILED = frozenset({"failed", "failure", "cancelled", "canceled", "aborted", "error"})


@dataclass(frozen=True)
class FlowRun:
    """
    One run of a dataflow, in plain values.

    :param id: the run's id.
    :param flow_id: id of its dataflow.
    :param raw_status: the service's own status.
    :param created_at: when the service created the run, epoch seconds.
    :param started_at: when the run started, epoch seconds; ``None`` while it is queued.
    :param completed_at: when the run ended, epoch seconds; some failed runs never get a completion time.
    :param input_records: number of records read; ``None`` if unknown, as for the next two.
    :param output_records: number of records that reached the dataset.
    :param failed_records: number of records that failed.
    :param batch_ids: the batches that hold the run's records, and for 30 days its failed records.
    :param errors: ``code: message`` of the run's errors without repeats; at most 20, each cut after 500 characters. If
        there are more, a last entry says how many more.
    :param failed_codes: the 20 most frequent codes of its failed records, the most frequent first, each with the number
        of records if the run reports it.
    :param window_start: start of the run's data window, epoch seconds: of the requested window if the run shows it,
        otherwise of the window that its copy activity reports, which some runs do only once they copy.
    :param window_end: end of that window.
    :param copied_start: start of the data window that the copy activity reports, epoch seconds.
    :param copied_end: end of that window.
    :param unknown_counts: the names of the unknown counts and the values found instead, for a message.
    """

    id: str
    flow_id: str
    raw_status: str
    created_at: float
    started_at: float | None = None
    completed_at: float | None = None
    input_records: int | None = None
    output_records: int | None = None
    failed_records: int | None = None
    batch_ids: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    failed_codes: tuple[str, ...] = ()
    window_start: float | None = None
    window_end: float | None = None
    copied_start: float | None = None
    copied_end: float | None = None
    unknown_counts: str = ""

    @property
    def has_known_status(self) -> bool:
        """Whether the raw status is one that this provider knows."""
        return self._normalized_status in _ACTIVE | _SUCCEEDED | _PARTIAL | _FAILED

    @property
    def _normalized_status(self) -> str:
        return self.raw_status.lower().replace("_", "").replace(" ", "")

    @property
    def status(self) -> Status:
        """
        The provider's status of the run.

        ``success`` with failed records is partial. An unknown raw status is active as long as the run has no completion
        time, and failed once it has one.
        """
        status = self._normalized_status
        if status in _FAILED:
            return Status.FAILED
        if status in _PARTIAL or (status in _SUCCEEDED and (self.failed_records or 0) > 0):
            return Status.PARTIAL
        if status in _SUCCEEDED:
            return Status.SUCCEEDED
        if status in _ACTIVE or self.completed_at is None:
            return Status.ACTIVE
        return Status.FAILED

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended."""
        return self.status is Status.ACTIVE

    @property
    def began_at(self) -> float:
        """The run's start time, or its creation time while it is queued; for ordering and comparing."""
        return self.started_at or self.created_at

    @property
    def counts(self) -> tuple[int | None, int | None, int | None]:
        """The numbers of records read, written and failed; ``None`` for an unknown number."""
        return self.input_records, self.output_records, self.failed_records

    @property
    def failed_ratio(self) -> float | None:
        """Failed records as a share of the records read, 0 to 1; ``None`` if a count is unknown."""
        if self.input_records is None or self.output_records is None or self.failed_records is None:
            return None
        total = max(self.input_records, self.output_records + self.failed_records)
        return self.failed_records / total if total else 0.0

    def __str__(self) -> str:
        text = f"flow run {self.id} is {self.raw_status}"
        if self.status is Status.ACTIVE and self.counts == (None, None, None):
            return text
        read, written, failed = ("unknown" if number is None else number for number in self.counts)
        return f"{text}: {read} records in, {written} out, {failed} failed"

    def summary(self) -> Json:
        """Return the sensor's output: plain JSON, times as ISO 8601 text in UTC, ``None`` for unknown values."""
        return {
            "run_id": self.id,
            "status": self.status.value,
            "input_records": self.input_records,
            "output_records": self.output_records,
            "failed_records": self.failed_records,
            "batch_ids": list(self.batch_ids),
            "started_at": None if self.started_at is None else iso(self.started_at),
            "completed_at": None if self.completed_at is None else iso(self.completed_at),
        }

    def to_json(self) -> Json:
        """Return all values as plain JSON, for a trigger's event."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: object) -> FlowRun | None:
        """
        Return the run that :meth:`to_json` wrote; ``None`` if ``value`` is not in that form.

        Fields of a newer version of this provider are ignored.
        """
        given = mapping(value)
        run_id, flow_id, status = text(given.get("id")), text(given.get("flow_id")), given.get("raw_status")
        created_at = _epoch(given.get("created_at"))
        if run_id is None or flow_id is None or created_at is None or not isinstance(status, str):
            return None
        values: dict[str, Any] = {name: _epoch(given.get(name)) for name in _MOMENTS}
        values |= {name: count(given.get(name)) for name in ("input_records", "output_records", "failed_records")}
        values |= {name: _texts(given.get(name)) for name in ("batch_ids", "errors", "failed_codes")}
        unknown_counts = text(given.get("unknown_counts")) or ""
        return cls(run_id, flow_id, text(status) or "", created_at, **values, unknown_counts=unknown_counts)

    @classmethod
    def from_item(cls, item: object) -> FlowRun:
        """
        Read an item of ``GET /runs``; unreadable members count as absent, except the three that are required.

        :raises UnreadableError: if the item has no id, no dataflow or no creation time.
        """
        run_id, flow_id = text(at(item, "id")), text(at(item, "flowId"))
        created_at = moment(at(item, "createdAt"))
        if run_id is None or flow_id is None or created_at is None:
            label = f"flow run {run_id}" if run_id else f"a flow run of dataflow {flow_id}" if flow_id else "a flow run"
            parts = "; ".join(f"{name}={shown(at(item, name))}" for name in ("id", "flowId", "createdAt"))
            raise UnreadableError(label, parts if isinstance(item, Mapping) else shown(item))
        metrics = mapping(at(item, "metrics"))
        # The OpenAPI file misspells the key; live answers do not.
        activities = mappings(at(item, "activities") or at(item, "activites"))
        copied = next(filter(None, map(_copied_window, activities)), None)
        window_start, window_end = requested_window(item) or copied or (None, None)
        copied_start, copied_end = copied or (None, None)
        return cls(
            id=run_id,
            flow_id=flow_id,
            raw_status=text(at(metrics, "statusSummary", "status")) or "",
            created_at=created_at,
            started_at=moment(at(metrics, "durationSummary", "startedAtUTC")),
            completed_at=moment(at(metrics, "durationSummary", "completedAtUTC")),
            batch_ids=tuple(dict.fromkeys(_batches(activities))),
            failed_codes=tuple(map(str, failed_codes(metrics, activities)[:MAX_FAILED_CODES])),
            errors=errors_of(metrics, activities),
            window_start=window_start,
            window_end=window_end,
            copied_start=copied_start,
            copied_end=copied_end,
            **read_counts(metrics.get("recordSummary")),
        )


@dataclass(frozen=True)
class RunSelection:
    """
    Which run of a dataflow to wait for.

    :param flow_id: the dataflow's id.
    :param run_id: id of one run; the other fields then have no effect.
    :param since: epoch seconds; runs that began earlier do not match.
    :param pick: ``first`` or ``latest`` of the matching runs; with ``latest`` a retried run replaces the failed one.
    """

    flow_id: str | None = None
    run_id: str | None = None
    since: float = 0.0
    pick: str = "first"

    def __post_init__(self) -> None:
        if not self.run_id and not self.flow_id:
            raise InvalidInputError("flow_id", self.flow_id, "a dataflow's id, or run_id, must be given")
        if self.pick not in ("first", "latest"):
            raise InvalidInputError("pick", self.pick, "first or latest")

    @property
    def created_since(self) -> float:
        """Epoch seconds; runs that were created earlier cannot match."""
        return self.since - MAX_QUEUE_SECONDS

    def select(self, runs: Iterable[FlowRun]) -> FlowRun | None:
        """Return the selected one of a dataflow's runs; ``None`` if no run matches yet, which is normal."""
        matching = sorted((run for run in runs if run.began_at >= self.since), key=lambda run: (run.began_at, run.id))
        return matching[0 if self.pick == "first" else -1] if matching else None

    def is_too_early(self, run: FlowRun) -> bool:
        """Return whether a run started before ``since``."""
        return run.started_at is not None and run.started_at < self.since

    def __str__(self) -> str:
        if self.run_id:
            return f"flow run {self.run_id}"
        return f"the {self.pick} run of dataflow {self.flow_id} since {iso(self.since)}"


Skip = Literal["none", "others", "all"]


class RunList:
    """
    A dataflow's runs in pages, each run with its item.

    The newest runs are requested first, in documented ways only; no document promises that the service keeps the order.

    :param skip: which unreadable items are skipped, with a warning that names each: ``none``, if the absence of a run
        decides something; ``others``, the items that do not name this dataflow; or ``all``. Defaults to ``"none"``.
    :param page: number of runs in a page, at most 1000.
    """

    def __init__(self, client: Client, flow_id: str, *, skip: Skip = "none", page: int = PAGE) -> None:
        self._client, self._flow_id, self._skip, self._page = client, flow_id, skip, page
        #: Creation time of the last item; NaN, which compares as false, once the items are out of order.
        self._last = math.inf
        self._seen = set[str]()

    def __iter__(self) -> Iterator[list[tuple[FlowRun, Mapping[str, Any]]]]:
        """
        Yield the pages.

        :raises UnreadableError: if an item that ``skip`` does not exclude cannot be read.
        """
        of_the_dataflow = f"flowId=={self._flow_id}"
        for page in flow_service.pages(self._client, "runs", of_the_dataflow, orderby="-createdAt", limit=self._page):
            for item in page:
                created_at = moment(at(item, "createdAt"))
                if created_at is not None:
                    self._last = created_at if created_at <= self._last else math.nan
            yield list(self._runs(page))

    def _runs(self, page: Iterable[Mapping[str, Any]]) -> Iterator[tuple[FlowRun, Mapping[str, Any]]]:
        for item in page:
            flow_id = text(at(item, "flowId"))
            # A service that ignores the filter returns the runs of other dataflows too.
            if flow_id not in (None, self._flow_id):
                continue
            skips = self._skip == "all" or (self._skip == "others" and flow_id is None)
            for run in readable_runs([item]) if skips else [FlowRun.from_item(item)]:
                if run.id not in self._seen:
                    self._seen.add(run.id)
                    yield run, item

    def has_all_since(self, created_at: float) -> bool:
        """Return whether the pages so far contain all runs created at or after a time; false if they are unsorted."""
        return self._last < created_at - LIST_MARGIN_SECONDS


def runs_of(client: Client, flow_id: str, created_since: float = 0.0, *, skip: Skip = "none") -> Iterator[FlowRun]:
    """
    Yield a dataflow's runs that were created at or after a time.

    No run exists before the dataflow's start time, so an empty result is normal.

    :param created_since: epoch seconds. Defaults to ``0``: all runs.
    :param skip: see :class:`RunList`.
    """
    listed = RunList(client, flow_id, skip=skip)
    for page in listed:
        yield from (run for run, _ in page if run.created_at >= created_since)
        if listed.has_all_since(created_since):
            return


def readable_runs(items: Iterable[object]) -> Iterator[FlowRun]:
    """Yield the runs that can be read; skip each unreadable item with a warning that names it."""
    for item in items:
        try:
            yield FlowRun.from_item(item)
        except UnreadableError as error:
            log.warning("Skipped %s", error)


def _epoch(value: object) -> float | None:
    found = number(value)
    return found if found is not None and 0 <= found <= MAX_EPOCH_SECONDS else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(found for found in map(text, sequence(value)) if found)


def requested_window(item: object) -> tuple[float, float] | None:
    """Return the requested data window of a run, in epoch seconds, if its item of ``GET /runs`` shows it."""
    return _window(at(item, "params"))


def _copied_window(activity: Mapping[str, Any]) -> tuple[float, float] | None:
    return _window(at(activity, "durationSummary", "extensions"))


def _window(member: object) -> tuple[float, float] | None:
    given = mapping(member)
    start = given.get("windowStartTime", given.get("windowStart"))
    end = moment(given.get("windowEndTime", given.get("windowEnd")))
    begins = 0.0 if number(start) == 0 else moment(start)  # moment() returns None for 0, which is 1970 here
    # Half a window counts as none: with a wrong window, a run of this task would look like another writer's.
    return (begins, end) if begins is not None and end is not None and begins < end else None


def _batches(activities: list[Mapping[str, Any]]) -> Iterator[str]:
    for activity in activities:
        for target in mappings(activity.get("targetInfo")):
            if at(target, "reference", "type") == "Batch":
                yield from _texts(at(target, "reference", "ids"))
