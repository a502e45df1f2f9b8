"""The resources of Flow Service as compact values; their wire form is built for each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.catalog.batches import Failure
from airflow_provider_payments.emulator.flow_service.forced_outcomes import Outcome
from airflow_provider_payments.emulator.flow_service.schedule import Schedule

# The members of a dataflow that name its source and target connections, and the kinds of these connections.
SOURCES, TARGETS = "sourceConnections", "targetConnections"
END_KINDS: Mapping[str, str] = {"sourceConnectionIds": SOURCES, "targetConnectionIds": TARGETS}
DRAFT, ENABLED, DISABLED, INITIALIZING = "draft", "enabled", "disabled", "initializing"
SCHEDULED, IN_PROGRESS, SUCCESS, FAILED = "scheduled", "inProgress", "success", "failed"
PARTIAL, CANCELLED = "partialSuccess", "cancelled"
_ACTIVE = frozenset({SCHEDULED, IN_PROGRESS})
# The path of the status in the wire form of a run.
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
# The members of a dataflow's content that its wire form shows unchanged.
COPIED_MEMBERS = ("flowSpec", *END_KINDS, "scheduleParams", "transformations", "labels", "policy", "recordTypes")
# The top-level attributes of each kind, by which its list can be filtered and sorted.
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

    :param content: the members that the client sent and may patch.
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

    :param schedule: the parsed schedule parameters; None while the dataflow is a draft.
    :param schedule_version: increased when the schedule changes; runs planned for an earlier version do not start.
    :param operation: the name of the last write, and its patch, if any.
    :param watermark: the end of the data that scheduled runs have read, in epoch seconds; None before the first run.
    :param last_run: the newest run that lists show.
    :param last_ended_run: the newest run that lists show and that has ended.
    :param failing_since: the time of the first failure in an unbroken series, in epoch seconds; 0 if the last run did
        not fail.
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
        """The id of the source connection; a draft may lack it."""
        return str(self.content["sourceConnectionIds"][0])

    @property
    def target_id(self) -> str:
        """The id of the target connection; a draft may lack it."""
        return str(self.content["targetConnectionIds"][0])

    def transformation(self, name: str) -> Mapping[str, Any] | None:
        """Return the parameters of a transformation; None if the dataflow lacks the transformation.

        :param name: ``Copy`` or ``Mapping``.
        """
        for entry in self.content.get("transformations") or ():
            if entry["name"] == name:
                params: Mapping[str, Any] = entry.get("params") or {}
                return params
        return None


@dataclass(slots=True, eq=False)
class Run:
    """A run of a dataflow. Times are epoch milliseconds, 0 until they are known.

    An emulator may hold 100,000 runs, so values that can be derived are not stored.

    :param flow: the dataflow; if it was deleted, its last state.
    :param window_begin: the begin of the data window in epoch seconds, exclusive.
    :param window_end: the end of the data window in epoch seconds, inclusive.
    :param is_first: whether this is the first run of the schedule.
    :param copy_ended: the time at which copying ended, with or without success.
    :param has_promotion: whether the run has a promotion stage after copying.
    :param failures: the causes of failed records, each with the number of records.
    :param has_diagnostics: whether error diagnostics were enabled.
    :param copy_error: the reason for which copying failed; empty if it did not fail.
    :param outcome: the forced outcome, if there is one.
    :param request: the client's request, if this is a run on demand.
    :param retry: the run that repeats this run.
    :param writes: the number of changes, from which the etag is derived.
    """

    id: str
    flow: Flow
    created: int
    updated: int
    window_begin: float
    window_end: float
    is_first: bool
    status: str = SCHEDULED
    started: int = 0
    copy_ended: int = 0
    completed: int = 0
    has_promotion: bool = False
    input_records: int = 0
    output_records: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    batch_id: str = ""
    failures: tuple[Failure, ...] = ()
    has_diagnostics: bool = False
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
        """Whether the run is no longer queued."""
        return self.status != SCHEDULED

    @property
    def has_ended(self) -> bool:
        """Whether the status is final. An unknown status is final: a run gets such a status at its end."""
        return self.status not in _ACTIVE

    @property
    def etag(self) -> str:
        """The etag with quotes, which changes with every write."""
        mark = int(self.id[:8], 16) + self.writes & 0xFFFFFFFF
        return f'"{mark:08x}-0000-0200-0000-{self.updated // 1000 & 0xFFFFFFFF:08x}0000"'
