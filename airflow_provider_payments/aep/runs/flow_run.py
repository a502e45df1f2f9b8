"""
A flow run: what became of it, and how much arrived.

``metrics.statusSummary.status`` has no published list of values, so every word falls into one of four states and an
unknown one fails closed. Sources: "Monitor dataflows using the Flow Service API" and the run schema of Adobe's OpenAPI
file.
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
from airflow_provider_payments.aep.runs.run_problems import errors_of, failed_codes
from airflow_provider_payments.aep.services import PAGE, Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client


log = logging.getLogger(__name__)


class Status(StrEnum):
    """Where a run stands, in our words; the service's own is its raw status."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


#: Seconds that a run may stand in the queue between its creation and its start.
MAX_QUEUE_SECONDS = 86400.0
#: Seconds by which a list that seems to be sorted may still be out of order.
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

    :param id: its id.
    :param flow_id: whose run it is.
    :param raw_status: the service's own word.
    :param created_at: when the service made it, epoch seconds.
    :param started_at: when it began to work, epoch seconds; ``None`` while it is queued.
    :param completed_at: when it ended, epoch seconds; some failed runs never get one.
    :param input_records: how many records came in; ``None``: unknown, as the two that follow may be.
    :param output_records: how many reached the dataset.
    :param failed_records: how many did not.
    :param batch_ids: the batches that hold its records, and its failed records for 30 days.
    :param errors: ``code: message`` as the service gives them, without repeats.
    :param failed_codes: the codes of its failed records, the most frequent first, each with how many where it says so.
    :param window_start: where the data window begins that it reads, epoch seconds: as it was asked for where the run
        shows that, else as its copying shows it, which some runs do only once they copy.
    :param window_end: where that ends.
    :param copied_start: where the data window begins as its copying shows it, epoch seconds.
    :param copied_end: where that ends.
    :param unknown_counts: which counts are unknown, with what came in their place, for a message.
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
    def known(self) -> bool:
        """Whether the raw status is a word that we know."""
        return self._word in _ACTIVE | _SUCCEEDED | _PARTIAL | _FAILED

    @property
    def _word(self) -> str:
        return self.raw_status.lower().replace("_", "").replace(" ", "")

    @property
    def status(self) -> Status:
        """
        The run's status in our words.

        ``success`` with failed records is partial. An unknown word is active as long as the run has no completion time,
        and failed once it has one.
        """
        if self._word in _FAILED:
            return Status.FAILED
        if self._word in _PARTIAL or (self._word in _SUCCEEDED and (self.failed_records or 0) > 0):
            return Status.PARTIAL
        if self._word in _SUCCEEDED:
            return Status.SUCCEEDED
        if self._word in _ACTIVE or self.completed_at is None:
            return Status.ACTIVE
        return Status.FAILED

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.status is Status.ACTIVE

    @property
    def began(self) -> float:
        """The start for ordering and comparing; a queued run has only its creation."""
        return self.started_at or self.created_at

    @property
    def counts(self) -> tuple[int | None, int | None, int | None]:
        """Records in, out and failed."""
        return self.input_records, self.output_records, self.failed_records

    @property
    def failed_ratio(self) -> float | None:
        """Failed records as a share of those read, 0 to 1; ``None`` where a count is unknown."""
        if self.input_records is None or self.output_records is None or self.failed_records is None:
            return None
        total = max(self.input_records, self.output_records + self.failed_records)
        return self.failed_records / total if total else 0.0

    def __str__(self) -> str:
        said = f"flow run {self.id} is {self.raw_status}"
        if self.status is Status.ACTIVE and self.counts == (None, None, None):
            return said
        came, went, failed = ("unknown" if number is None else number for number in self.counts)
        return f"{said}: {came} records in, {went} out, {failed} failed"

    def summary(self) -> Json:
        """Return what the sensor hands on: plain JSON, times as ISO 8601 text in UTC, ``None`` for what is unknown."""
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
        """Read :meth:`to_json`'s form; ``None`` if it is not one. A field of a newer version is passed over."""
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
        Read an item of ``GET /runs``; apart from what names and orders it, what cannot be read counts as absent.

        :raises UnreadableError: if it has no id, no dataflow or no time of creation.
        """
        run_id, flow_id = text(at(item, "id")), text(at(item, "flowId"))
        created_at = moment(at(item, "createdAt"))
        if run_id is None or flow_id is None or created_at is None:
            what = f"flow run {run_id}" if run_id else f"a flow run of dataflow {flow_id}" if flow_id else "a flow run"
            parts = "; ".join(f"{name}={shown(at(item, name))}" for name in ("id", "flowId", "createdAt"))
            raise UnreadableError(what, parts if isinstance(item, Mapping) else shown(item))
        metrics = mapping(at(item, "metrics"))
        # The OpenAPI file misspells the key; live answers do not.
        activities = mappings(at(item, "activities") or at(item, "activites"))
        copied = next(filter(None, map(_copied_window, activities)), None)
        window_start, window_end = asked_window(item) or copied or (None, None)
        copied_start, copied_end = copied or (None, None)
        return cls(
            id=run_id,
            flow_id=flow_id,
            raw_status=text(at(metrics, "statusSummary", "status")) or "",
            created_at=created_at,
            started_at=moment(at(metrics, "durationSummary", "startedAtUTC")),
            completed_at=moment(at(metrics, "durationSummary", "completedAtUTC")),
            batch_ids=tuple(dict.fromkeys(_batches(activities))),
            failed_codes=tuple(map(str, failed_codes(metrics, activities))),
            errors=tuple(dict.fromkeys(errors_of(metrics, activities))),
            window_start=window_start,
            window_end=window_end,
            copied_start=copied_start,
            copied_end=copied_end,
            **read_counts(metrics.get("recordSummary")),
        )


@dataclass(frozen=True)
class RunSelection:
    """
    Which run of a dataflow is meant.

    :param flow_id: the dataflow.
    :param run_id: one run by its id; then the rest does not matter.
    :param since: epoch seconds; runs that began earlier do not count.
    :param pick: ``first`` of those, or ``latest``, so that a retried run replaces the failed one.
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
        """Epoch seconds; runs that were made earlier cannot be meant."""
        return self.since - MAX_QUEUE_SECONDS

    def choose(self, runs: Iterable[FlowRun]) -> FlowRun | None:
        """Return the one that is meant among a dataflow's runs; ``None`` where there is none yet, which is normal."""
        meant = sorted((run for run in runs if run.began >= self.since), key=lambda run: (run.began, run.id))
        return meant[0 if self.pick == "first" else -1] if meant else None

    def is_too_early(self, run: FlowRun) -> bool:
        """Whether a run has begun before those that are meant."""
        return run.started_at is not None and run.started_at < self.since

    def __str__(self) -> str:
        if self.run_id:
            return f"flow run {self.run_id}"
        return f"the {self.pick} run of dataflow {self.flow_id} since {iso(self.since)}"


Skip = Literal["none", "others", "all"]


class RunList:
    """
    A dataflow's runs in pages, each run with its item.

    The newest are asked for first, in documented ways only; no document promises that the service keeps to that order.

    :param skip: which items that cannot be read are skipped, with a warning that names each: ``none``, where it
        decides something that there is no such run; ``others``, those that do not say that they are this dataflow's;
        or ``all``.
    :param page: how many runs to ask for at once, 1000 at most.
    """

    def __init__(self, client: Client, flow_id: str, *, skip: Skip = "none", page: int = PAGE) -> None:
        self._client, self._flow_id, self._skip, self._page = client, flow_id, skip, page
        #: When the last item was made; NaN, which is never less than anything, once they are out of order.
        self._last = math.inf
        self._seen = set[str]()

    def __iter__(self) -> Iterator[list[tuple[FlowRun, Mapping[str, Any]]]]:
        """
        Ask for the pages.

        :raises UnreadableError: if an item cannot be read and might be one of this dataflow's runs.
        """
        of_the_dataflow = f"flowId=={self._flow_id}"
        for page in flow_service.pages(self._client, "runs", of_the_dataflow, orderby="-createdAt", limit=self._page):
            for item in page:
                made = moment(at(item, "createdAt"))
                if made is not None:
                    self._last = made if made <= self._last else math.nan
            yield list(self._runs(page))

    def _runs(self, page: Iterable[Mapping[str, Any]]) -> Iterator[tuple[FlowRun, Mapping[str, Any]]]:
        for item in page:
            of = text(at(item, "flowId"))
            # A service that ignored the filter would answer other dataflows' runs too.
            if of not in (None, self._flow_id):
                continue
            skips = self._skip == "all" or (self._skip == "others" and of is None)
            for run in readable_runs([item]) if skips else [FlowRun.from_item(item)]:
                if run.id not in self._seen:
                    self._seen.add(run.id)
                    yield run, item

    def has_all_since(self, created_at: float) -> bool:
        """Whether the pages so far hold all runs that were made then or later, if their order is to be trusted."""
        return self._last < created_at - LIST_MARGIN_SECONDS


def runs_of(client: Client, flow_id: str, created_since: float = 0.0, *, skip: Skip = "none") -> Iterator[FlowRun]:
    """
    Yield a dataflow's runs that were made at or after ``created_since`` (epoch seconds), as :class:`RunList` has them.

    No run exists before the dataflow's start time, so none at all is normal.
    """
    listed = RunList(client, flow_id, skip=skip)
    for page in listed:
        yield from (run for run, _ in page if run.created_at >= created_since)
        if listed.has_all_since(created_since):
            return


def readable_runs(items: Iterable[object]) -> Iterator[FlowRun]:
    """Yield the runs that can be read; each of the others is skipped with a warning that names it."""
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


def asked_window(item: object) -> tuple[float, float] | None:
    """Return the data window that a run was asked to read, epoch seconds, where an item of ``GET /runs`` shows it."""
    return _window(at(item, "params"))


def _copied_window(activity: Mapping[str, Any]) -> tuple[float, float] | None:
    return _window(at(activity, "durationSummary", "extensions"))


def _window(place: object) -> tuple[float, float] | None:
    given = mapping(place)
    start = given.get("windowStartTime", given.get("windowStart"))
    end = moment(given.get("windowEndTime", given.get("windowEnd")))
    begins = 0.0 if number(start) == 0 else moment(start)  # 1970, which reads as no moment
    # Half a window is none: a run that seems to read another window would be taken for somebody else's.
    return (begins, end) if begins is not None and end is not None and begins < end else None


def _batches(activities: list[Mapping[str, Any]]) -> Iterator[str]:
    for activity in activities:
        for target in mappings(activity.get("targetInfo")):
            if at(target, "reference", "type") == "Batch":
                yield from _texts(at(target, "reference", "ids"))
