"""
A flow run: what became of it, and how much arrived.

``metrics.statusSummary.status`` has no published list of values, so every word falls into one of four states and an
unknown one fails closed. Sources: "Monitor dataflows using the Flow Service API" and the run schema of Adobe's OpenAPI
file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.services import Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.client import Client


class State(StrEnum):
    """Where a run stands."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


#: Seconds that a run may stand in the queue between its creation and its start.
LONGEST_QUEUE = 86400.0

_ACTIVE = frozenset({"queued", "scheduled", "pending", "processing", "inprogress", "running", "started"})
_SUCCEEDED = frozenset({"success", "succeeded", "completed"})
_PARTIAL = frozenset({"partialsuccess", "partialfailure"})
_FAILED = frozenset({"failed", "failure", "cancelled", "canceled", "aborted", "error"})


@dataclass(frozen=True)
class FlowRun:
    """
    One run of a dataflow, in plain values.

    :param status: the service's own word.
    :param created_at: when the service made it, epoch seconds.
    :param started_at: when it began to work, epoch seconds; ``None`` while it is queued.
    :param completed_at: when it ended, epoch seconds; some failed runs never get one.
    :param batch_ids: the batches that hold its records, and its failed records for 30 days.
    :param errors: ``code: message`` as the service gives them, without repeats.
    :param window_start: where the time begins of which it reads the rows, epoch seconds; some runs show it only once
        they copy.
    :param window_end: where that ends.
    """

    id: str
    flow_id: str
    status: str
    created_at: float
    started_at: float | None = None
    completed_at: float | None = None
    input_records: int = 0
    output_records: int = 0
    failed_records: int = 0
    batch_ids: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    window_start: float | None = None
    window_end: float | None = None

    @property
    def known(self) -> bool:
        """Whether the status is a word that we know."""
        return self._word in _ACTIVE | _SUCCEEDED | _PARTIAL | _FAILED

    @property
    def _word(self) -> str:
        return self.status.lower().replace("_", "").replace(" ", "")

    @property
    def state(self) -> State:
        """
        The run's state. ``success`` with failed records is partial. An unknown word is active as long as the run has no
        completion time, and failed once it has one.
        """
        if self._word in _FAILED:
            return State.FAILED
        if self._word in _PARTIAL or (self._word in _SUCCEEDED and self.failed_records > 0):
            return State.PARTIAL
        if self._word in _SUCCEEDED:
            return State.SUCCEEDED
        if self._word in _ACTIVE or self.completed_at is None:
            return State.ACTIVE
        return State.FAILED

    @property
    def began(self) -> float:
        """The start for ordering and comparing; a queued run has only its creation."""
        return self.started_at or self.created_at

    @property
    def failed_ratio(self) -> float:
        """Failed records as a share of those read, 0 to 1."""
        total = max(self.input_records, self.output_records + self.failed_records)
        return self.failed_records / total if total else 0.0

    def __str__(self) -> str:
        counts = f"{self.input_records} records in, {self.output_records} out, {self.failed_records} failed"
        return f"flow run {self.id} is {self.status}: {counts}"

    def summary(self) -> Json:
        """Return what the sensor hands on: plain JSON, times as ISO 8601 text in UTC."""
        return {
            "run_id": self.id,
            "status": self.state.value,
            "input_records": self.input_records,
            "output_records": self.output_records,
            "failed_records": self.failed_records,
            "batch_ids": list(self.batch_ids),
            "started_at": _iso(self.started_at),
            "completed_at": _iso(self.completed_at),
        }

    def to_json(self) -> Json:
        """Return all values as plain JSON, for a trigger's event."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: object) -> FlowRun | None:
        """Read :meth:`to_json`'s form; ``None`` if it is not one. A field of a newer version is passed over."""
        given = _dict(value)
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if k in known}
        named = all(isinstance(values.get(name), str) for name in ("id", "flow_id", "status"))
        return cls(**values) if named and isinstance(values.get("created_at"), (int, float)) else None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> FlowRun:
        """Read an item of ``GET /runs``; whatever is missing or of another type counts as absent."""
        metrics = _dict(item.get("metrics"))
        duration, records = _dict(metrics.get("durationSummary")), _dict(metrics.get("recordSummary"))
        # The OpenAPI file misspells the key; live answers do not.
        activities = [_dict(a) for a in _list(item.get("activities") or item.get("activites"))]
        return cls(
            id=str(item.get("id") or ""),
            flow_id=str(item.get("flowId") or ""),
            status=str(_dict(metrics.get("statusSummary")).get("status") or ""),
            created_at=seconds(item.get("createdAt")) or 0.0,
            started_at=seconds(duration.get("startedAtUTC")),
            completed_at=seconds(duration.get("completedAtUTC")),
            input_records=_count(records.get("inputRecordCount")),
            output_records=_count(records.get("outputRecordCount")),
            failed_records=_count(records.get("failedRecordCount")),
            batch_ids=tuple(dict.fromkeys(_batches(activities))),
            errors=tuple(dict.fromkeys(_errors(metrics, activities))),
            **_window(item, activities),
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
        return self.since - LONGEST_QUEUE

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
        return f"the {self.pick} run of dataflow {self.flow_id} since {_iso(self.since)}"


def runs_of(
    client: Client, flow_id: str, created_since: float = 0.0, *, skip_unreadable: bool = False
) -> Iterator[FlowRun]:
    """
    Yield a dataflow's runs that were made at or after ``created_since`` (epoch seconds), the newest first.

    No run exists before the dataflow's start time, so none at all is normal. It asks in documented ways only.
    """
    for item in client.items("runs", f"flowId=={flow_id}", orderby="-createdAt"):
        run = FlowRun.from_item(item)
        if run.flow_id != flow_id:
            continue  # a service that ignored the filter would answer other dataflows' runs too
        if 0.0 < run.created_at < created_since:
            return  # sorted by creation: what follows was made earlier still
        yield run


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: object) -> int:
    # Failed runs may carry -1 where nothing was counted.
    return max(0, int(value)) if isinstance(value, (int, float)) else 0


def seconds(value: object) -> float | None:
    """Read a moment as epoch seconds: the services give milliseconds, older samples seconds, so the magnitude tells."""
    if not isinstance(value, (int, float)) or value <= 0:
        return None
    return value / 1000 if value >= 1e11 else float(value)


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _window(item: Mapping[str, Any], activities: list[Mapping[str, Any]]) -> dict[str, float]:
    for place in (
        _dict(item.get("params")),
        *(_dict(_dict(a.get("durationSummary")).get("extensions")) for a in activities),
    ):
        end = seconds(place.get("windowEndTime", place.get("windowEnd")))
        if end is not None:
            start = seconds(place.get("windowStartTime", place.get("windowStart")))
            return {"window_start": start or 0.0, "window_end": end}  # 1970 reads as nothing
    return {}


def _batches(activities: list[Mapping[str, Any]]) -> Iterator[str]:
    for activity in activities:
        for target in _list(activity.get("targetInfo")):
            reference = _dict(_dict(target).get("reference"))
            if reference.get("type") == "Batch":
                yield from (str(batch) for batch in _list(reference.get("ids")))


def _errors(metrics: Mapping[str, Any], activities: list[Mapping[str, Any]]) -> Iterator[str]:
    for holder in (metrics, *activities):
        status = _dict(holder.get("statusSummary"))
        for error in [*_list(status.get("errors")), *_list(_dict(status.get("extensions")).get("errors"))]:
            code, message = _dict(error).get("code"), _dict(error).get("message")
            if text := ": ".join(str(part) for part in (code, message) if part):
                yield text
