"""The resources of Flow Service as compact values; their wire form is made for each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.catalog.batches import Failure
from airflow_provider_payments.emulator.flow_service.forced_outcomes import Outcome
from airflow_provider_payments.emulator.flow_service.schedule import Schedule

# The members of a dataflow that name its source and target connections, and the kinds of these.
SOURCES, TARGETS = "sourceConnections", "targetConnections"
END_KINDS: Mapping[str, str] = {"sourceConnectionIds": SOURCES, "targetConnectionIds": TARGETS}
DRAFT, ENABLED, DISABLED, INITIALIZING = "draft", "enabled", "disabled", "initializing"
SCHEDULED, IN_PROGRESS, SUCCESS, FAILED = "scheduled", "inProgress", "success", "failed"
PARTIAL, CANCELLED = "partialSuccess", "cancelled"
_ACTIVE = frozenset({SCHEDULED, IN_PROGRESS})
# The path of a run's status.
RUN_STATUS = "metrics.statusSummary.status"
_AUDIT = frozenset(
    {
        *("id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"),
        *("sandboxId", "sandboxName", "imsOrgId", "state", "version", "etag"),
    }
)
_BODY = _AUDIT | {"name", "description", "connectionSpec"}
_END = _BODY | {"baseConnectionId", "data", "params", "inheritedAttributes"}
_SPEC = frozenset({"id", "name", "providerId", "version", "attributes"})
# The members of its content that a dataflow shows unchanged.
COPIED_MEMBERS = ("flowSpec", *END_KINDS, "scheduleParams", "transformations", "labels", "policy", "recordTypes")
# The top-level attributes of each kind, by which it can be filtered and sorted.
KNOWN_FIELDS: Mapping[str, frozenset[str]] = {
    "connections": _BODY | {"auth"},
    SOURCES: _END,
    TARGETS: _END,
    "flows": _BODY | {*COPIED_MEMBERS, "inheritedAttributes", "options", "runs", "lastOperation", "lastRunDetails"},
    "runs": _AUDIT | {"flowId", "flowSpec", "providerRefId", "metrics", "activities", "params", "predecessors"},
    "connectionSpecs": _SPEC,
    "flowSpecs": _SPEC | {"sourceConnectionSpecIds", "targetConnectionSpecIds"},
}


@dataclass(slots=True)
class Resource:
    """A base, source or target connection. Times are epoch milliseconds.

    :param content: what the client sent and may patch.
    :param etag: with quotes; changes with every write.
    """

    id: str
    content: dict[str, Any]
    created: int
    updated: int
    etag: str
    state: str = ENABLED
    number: int = -1

    @property
    def spec_id(self) -> str:
        return str(self.content["connectionSpec"]["id"])

    @property
    def base_id(self) -> str | None:
        value = self.content.get("baseConnectionId")
        return value if isinstance(value, str) else None


@dataclass(slots=True)
class Flow(Resource):
    """A dataflow.

    :param schedule: from its schedule parameters; None while it is a draft.
    :param schedule_version: increased when the schedule changes; runs planned for an earlier version do not start.
    :param operation: the last write, and the patch if it was one.
    :param watermark: epoch seconds up to which runs have read; None before the first.
    :param last_run: the newest run that lists show; ``last_ended_run`` is the newest of those that have ended.
    :param failing_since: epoch seconds of the first of an unbroken series of failures; 0 if the last run did not fail.
    """

    schedule: Schedule | None = None
    schedule_version: int = 0
    operation: tuple[str, Any] = ("create", None)
    watermark: float | None = None
    last_run: Run | None = None
    last_ended_run: Run | None = None
    failing_since: float = 0

    @property
    def source_id(self) -> str:
        """Only of a dataflow that is not a draft, as :attr:`target_id`."""
        return str(self.content["sourceConnectionIds"][0])

    @property
    def target_id(self) -> str:
        return str(self.content["targetConnectionIds"][0])

    def transformation(self, name: str) -> Mapping[str, Any] | None:
        """The parameters of a transformation.

        :param name: ``Copy`` or ``Mapping``.
        """
        for entry in self.content.get("transformations") or ():
            if entry["name"] == name:
                params: Mapping[str, Any] = entry.get("params") or {}
                return params
        return None


@dataclass(slots=True, eq=False)
class Run:
    """One run of a dataflow. Times are epoch milliseconds, 0 until they are known.

    There may be 100,000: what can be derived is not stored.

    :param flow: its current state, or the state when it was deleted.
    :param begin: of its data window in epoch seconds, exclusive.
    :param end: of its data window in epoch seconds, inclusive.
    :param first: whether it is the first run of the schedule.
    :param copied: epoch milliseconds when copying ended, well or badly.
    :param promotes: whether there was anything to promote after copying.
    :param failures: why records failed, and how many.
    :param diagnosed: whether error diagnostics were on.
    :param copy_error: why copying failed; empty when it did not.
    :param outcome: the forced outcome, if there is one.
    :param request: the client's request, of a run on demand.
    :param retry: the run that repeats this one.
    :param writes: how often it has changed.
    """

    id: str
    flow: Flow
    created: int
    updated: int
    begin: float
    end: float
    first: bool
    status: str = SCHEDULED
    started: int = 0
    copied: int = 0
    completed: int = 0
    promotes: bool = False
    input_records: int = 0
    output_records: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    batch_id: str = ""
    failures: tuple[Failure, ...] = ()
    diagnosed: bool = False
    copy_error: str = ""
    outcome: Outcome | None = None
    request: Mapping[str, Any] | None = None
    retry: Run | None = None
    writes: int = 0
    number: int = -1

    @property
    def flow_id(self) -> str:
        return self.flow.id

    @property
    def failed_records(self) -> int:
        return self.input_records - self.output_records

    @property
    def outcome_kind(self) -> str:
        """The kind of the forced outcome; empty if there is none."""
        return self.outcome.kind if self.outcome is not None else ""

    @property
    def has_started(self) -> bool:
        """Whether it is no longer queued."""
        return self.status != SCHEDULED

    @property
    def has_ended(self) -> bool:
        """Whether it is final. An unknown status is: a run gets it at its end."""
        return self.status not in _ACTIVE

    @property
    def etag(self) -> str:
        """With quotes; changes with every write."""
        mark = int(self.id[:8], 16) + self.writes & 0xFFFFFFFF
        return f'"{mark:08x}-0000-0200-0000-{self.updated // 1000 & 0xFFFFFFFF:08x}0000"'
