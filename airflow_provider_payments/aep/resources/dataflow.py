"""
Dataflows: the only objects that ingest rows, so a duplicate of one must never run.

Sources: the tutorials "Create a dataflow for payments sources" and "Update dataflows", and Adobe's OpenAPI file.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.errors import ConflictError, Difference, InvalidInputError, RequestError
from airflow_provider_payments.aep.inputs import add_extra, as_mapping
from airflow_provider_payments.aep.resources.base import Change, without_empty
from airflow_provider_payments.aep.resources.converters import named, to_bool, to_column_names, to_id, to_int, to_number
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET, mapping_meaning
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn, with_delta_column
from airflow_provider_payments.aep.resources.flow_service import (
    SOURCE_CONNECTION,
    TARGET_CONNECTION,
    FlowServiceResource,
    source_meaning,
    target_meaning,
)
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, check_against
from airflow_provider_payments.aep.resources.items import FlowServiceKind
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject, created_object
from airflow_provider_payments.aep.resources.live_dataflow import (
    changed_transformations,
    has_started,
    mapping_used,
    read_dataflow,
    set_member,
)
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.resources.schedule import SCHEDULE_FIELDS, Schedule
from airflow_provider_payments.aep.resources.switches import enable_or_disable, send_action
from airflow_provider_payments.aep.services import FLOW_SERVICE, Json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.fields import Fields

log = logging.getLogger(__name__)

START_HAS_PASSED = "FLOW-1360-400"
#: Seconds between the time at which a duplicate is certainly found and the first run of a new dataflow.
START_MARGIN_SECONDS = 60.0


class DataflowKind(FlowServiceKind):
    """The kind of dataflows; a duplicate that is not deleted can be disabled."""

    def disable(self, client: Client, existing: RemoteObject) -> bool:
        if existing.item.get("state") == "disabled":
            return False
        return enable_or_disable(client, existing.id, "disable")


DATAFLOW = DataflowKind(
    name="dataflow",
    path=f"{FLOW_SERVICE}/flows",
    page="source/dataflows/{id}",
    ingests=True,
    is_deletable=True,
)


@attrs.frozen(kw_only=True, field_transformer=named)
class Dataflow(FlowServiceResource):
    """
    A dataflow from one source connection to one target connection.

    :param source_connection_id: id of the source connection, which no other dataflow may read.
    :param target_connection_id: id of the target connection.
    :param flow_spec: the flow spec, from :func:`..flow_specs.find_flow_spec` or with its id alone.
    :param mapping_set_id: id of the mapping set.
    :param mapping_set_version: the version to use; a later version does not reach the dataflow by itself. Defaults to
        ``None``: 0 for a new dataflow; the version of an existing dataflow is not compared.
    :param schedule: when the dataflow runs. Defaults to ``once``.
    :param delta_column: the delta column, required for a table with any frequency but ``once``, and refused otherwise.
    :param source_columns: the source connection's columns, among which the delta column must be. Defaults to ``None``:
        unknown, no check.
    :param error_diagnostics: whether bad rows are kept for download, for 30 days. Defaults to ``None``: not sent.
    :param partial_ingestion_percent: the share of bad rows, up to 100 percent, below which the other rows land. 0
        removes partial ingestion from an existing dataflow, so that one bad row fails the run. Defaults to ``None``:
        not sent.
    :param enabled: whether the dataflow runs. Defaults to ``None``: a new dataflow is enabled; an existing dataflow
        that is disabled differs, but an update does not enable it.
    :param retry_delay: seconds after which a killed task is tried again. Without a start time or delay, the first run
        begins later than that. Defaults to 0.
    """

    kind = DATAFLOW
    second_key = ("sourceConnectionIds[]", "source_connection_id")

    source_connection_id: str = attrs.field(converter=to_id)
    target_connection_id: str = attrs.field(converter=to_id)
    flow_spec: FlowSpec
    mapping_set_id: str = attrs.field(converter=to_id)
    mapping_set_version: int | None = attrs.field(default=None, converter=to_int)
    schedule: Schedule = attrs.field(factory=Schedule)
    delta_column: DeltaColumn | None = None
    source_columns: tuple[str, ...] | None = attrs.field(default=None, converter=to_column_names)
    error_diagnostics: bool | None = attrs.field(default=None, converter=to_bool)
    partial_ingestion_percent: float | None = attrs.field(default=None, converter=to_number)
    enabled: bool | None = attrs.field(default=None, converter=to_bool)
    retry_delay: float = 0.0

    def check(self) -> None:
        percent = self.partial_ingestion_percent
        if percent is not None and not 0 <= percent <= 100:
            raise InvalidInputError("partial_ingestion_percent", percent, "0 to 100")
        if percent and self.error_diagnostics is False:
            raise InvalidInputError("error_diagnostics", False, "partial ingestion always turns error diagnostics on")
        self._check_delta_column()
        self._check_end_time()
        own = set(as_mapping("extra.scheduleParams", self.extra.get("scheduleParams"))) & SCHEDULE_FIELDS
        if own:
            allowed = "each of these is set by its own argument"
            raise InvalidInputError("extra.scheduleParams", sorted(own), allowed)

    def _check_delta_column(self) -> None:
        delta = self.delta_column
        columns = self.source_columns
        if delta and self.schedule.frequency == "once":
            raise InvalidInputError("delta_column", delta.name, "leave it out with frequency 'once'")
        if delta and self.flow_spec.reads_tables is False:
            raise InvalidInputError("delta_column", delta.name, f"flow spec {self.flow_spec.name!r} reads no tables")
        if not delta and self.flow_spec.reads_tables and self.schedule.frequency != "once":
            raise InvalidInputError("delta_column", None, "it is required for a table with any frequency but 'once'")
        if delta and columns is not None and delta.name not in columns:
            raise InvalidInputError("delta_column", delta.name, f"one of the source's columns: {', '.join(columns)}")

    def _check_end_time(self) -> None:
        schema = self.flow_spec.schedule_schema
        if self.schedule.end_time and schema is not None and "endTime" not in readers.mapping(schema.get("properties")):
            raise InvalidInputError(
                "end_time", self.schedule.end_time.isoformat(), "the flow spec's schedule does not list endTime"
            )

    def body(self) -> Json:
        return without_empty(
            {
                "name": self.name,
                "description": self.description,
                "flowSpec": {"id": self.flow_spec.id, "version": self.flow_spec.version},
                "sourceConnectionIds": [self.source_connection_id],
                "targetConnectionIds": [self.target_connection_id],
                "transformations": self._transformations(),
                "options": self._options(),
            }
        )

    def _transformations(self) -> list[Json]:
        copy = [{"name": "Copy", "params": {"deltaColumn": self.delta_column.payload()}}] if self.delta_column else []
        return [*copy, {"name": "Mapping", "params": self._mapping_params}]

    @property
    def _mapping_params(self) -> Json:
        # Both machine-readable contracts declare the version as text.
        return {"mappingId": self.mapping_set_id, "mappingVersion": str(self._mapping_used[1])}

    @property
    def _mapping_used(self) -> tuple[str, int]:
        return self.mapping_set_id, self.mapping_set_version or 0

    def _options(self) -> Json:
        # The service turns diagnostics on with partial ingestion.
        percent = self.partial_ingestion_percent or None
        diagnostics = True if percent else self.error_diagnostics
        return without_empty({"errorDiagnosticsEnabled": diagnostics, "partialIngestionPercent": percent})

    @property
    def _removes_partial_ingestion(self) -> bool:
        return self.partial_ingestion_percent == 0

    def search_by_second_key(self, reads: Reads) -> Iterator[RemoteObject]:
        """
        Yield the dataflows of the desired name that read the source connection.

        :raises ConflictError: if a dataflow of another name reads it, as each dataflow needs a source connection of its
            own.
        """
        related = [self.kind.fields_of_item(item) for item in self._related(reads)]
        if named := [self.kind.read_item(fields) for fields in related if self._is_match(fields)]:
            yield from named
            return
        for fields in related:
            reads_it = self.source_connection_id in fields.texts("sourceConnectionIds")
            if reads_it and (existing := self.kind.read(reads, self.kind.read_item(fields))):
                advice = "It reads the same source connection; give each dataflow a source connection of its own."
                raise ConflictError(self.kind.name, fields.text("name") or "", existing.id, (), advice)

    def ready(self, reads: Reads) -> Self:
        """Check schedule and options against the live flow spec, which is read if only its id is known."""
        spec = self.flow_spec
        if spec.schedule_schema is None:
            spec = FlowSpec.from_item(flow_service.item(reads, "flowSpecs", spec.id))
        checked = attrs.evolve(self, flow_spec=spec)
        schedule = self._schedule(reads)
        delay, min_delay = schedule["startTime"] - reads.now(), self._min_start_delay(reads)
        if delay < min_delay:
            log.warning(
                "dataflow %r begins in %d s. If its task is killed while another task creates the same dataflow, both "
                "may ingest before one is removed; start at least %d s after the creation to rule this out",
                self.name,
                delay,
                min_delay,
            )
        check_against("schedule", schedule, spec.schedule_schema)
        check_against("options", self._options(), spec.option_schema)
        return checked

    def _schedule(self, reads: Reads) -> Json:
        # By the platform's clock, because the service refuses a start time in its past.
        return self.schedule.params(datetime.fromtimestamp(reads.now(), UTC), self._min_start_delay(reads))

    def _min_start_delay(self, reads: Reads) -> float:
        """
        Return the minimum seconds between the creation of a dataflow and its first run.

        In that time the creation settles, and a task that was killed is tried again, so a duplicate is deleted or
        disabled before it ingests.
        """
        settle = reads.dataflow_settle_seconds
        return settle + self.retry_delay + START_MARGIN_SECONDS if settle else 0.0

    def ingests_from(self, reads: Reads) -> float:
        return float(self._schedule(reads)["startTime"])

    def is_outdated_request(self, error: RequestError) -> bool:
        return error.code == START_HAS_PASSED and self.schedule.start_time is None

    def create(self, client: Client, mark: Mark | None = None) -> RemoteObject:
        def payload() -> Json:
            # Built for each attempt, so that a request that is sent again late starts the dataflow late, too.
            schedule = {"scheduleParams": self._schedule(client)}
            return self.kind.marked(add_extra(self.body() | schedule, self.extra), mark)

        answer = client.request("POST", self.kind.path, body=payload)
        return created_object(answer, self.kind.path, readers.at(answer.body, "id"), readers.at(answer.body, "etag"))

    def desired_fields(self) -> Json:
        fields: Json = {
            "flowSpec.id": self.flow_spec.id,
            "sourceConnectionIds": self.source_connection_id,
            "targetConnectionIds": self.target_connection_id,
            "mapping": self._mapping_used,
            "state": "disabled" if self.enabled is False else "enabled",
            "name": self.name,
        }
        fields |= {} if self.description is None else {"description": self.description}
        fields |= {f"scheduleParams.{name}": value for name, value in self.schedule.desired.items()}
        fields |= {f"options.{name}": value for name, value in self._options().items()}
        fields |= {"options.partialIngestionPercent": None} if self._removes_partial_ingestion else {}
        if self.delta_column:
            fields |= {f"deltaColumn.{name}": value for name, value in self.delta_column.desired.items()}
        return fields

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        fields = self.kind.fields_of(existing)
        ends = {
            "sourceConnectionIds": (SOURCE_CONNECTION, self.source_connection_id),
            "targetConnectionIds": (TARGET_CONNECTION, self.target_connection_id),
        }
        connections = {
            member: _connection(reads, kind, fields.texts(member), desired) for member, (kind, desired) in ends.items()
        }
        return read_dataflow(fields) | connections | {"mapping": self._mapping(reads, mapping_used(fields))}

    def _mapping(self, reads: Reads, used: tuple[str, int] | None) -> tuple[str, int] | None:
        """Return the mapping set and version that a dataflow uses, or the desired ones if they are equivalent."""
        desired = self._mapping_used
        any_version = used is not None and self.mapping_set_version is None and used[0] == desired[0]
        return desired if any_version or (used and _are_equivalent(reads, MAPPING_SET, used, desired)) else used

    def is_duplicate(self, differences: list[Difference]) -> bool:
        # Two dataflows of one name that read the same source connection ingest each row twice, even if they differ.
        return not any(d.field == "sourceConnectionIds" for d in differences)

    def is_decisive(self, difference: Difference) -> bool:
        return super().is_decisive(difference) and not self.is_set_after_creation(difference)

    def is_set_after_creation(self, difference: Difference) -> bool:
        return difference.field == "state" and self.enabled is False

    fixed_advice = "A change of these fields does not reach an existing dataflow: choose another name."
    #: Fields that an update can change; another source or target connection needs a new dataflow.
    changeable = ("mapping", "deltaColumn.", "scheduleParams.", "options.", "name", "description")

    def obstacle(self, existing: RemoteObject, difference: Difference, now: float) -> str:
        fields, name = self.kind.fields_of(existing), difference.field
        if name == "state":
            return "" if self.enabled is not None and difference.actual != "draft" else _state_advice(fields)
        if name.startswith(("mapping", "deltaColumn.")) and fields.text("scheduleParams", "frequency") == "once":
            return "Transformations of a dataflow that runs once cannot be changed (FLOW-1366): choose another name."
        if has_started(fields, now):
            if name == "scheduleParams.frequency" and self.schedule.frequency == "once":
                return "A dataflow that has started cannot be changed to run once (FLOW-1403): choose another name."
            if name == "scheduleParams.backfill":
                return (
                    "Backfill cannot be changed once a dataflow has started (FLOW-1404): choose another name, or leave "
                    "it out."
                )
        return super().obstacle(existing, difference, now)

    def change(self, existing: RemoteObject, differences: Sequence[Difference]) -> Change:
        fields, changed = self.kind.fields_of(existing), {d.field for d in differences}
        # The service refuses `once` with a delta column or a backfill, so both are removed from the live dataflow.
        to_once = self.schedule.frequency == "once" and "scheduleParams.frequency" in changed
        texts = {"name": self.name, "description": Mark.described(fields.text("description"), self.description or "")}
        operations = [set_member(f"/{member}", text) for member, text in texts.items() if member in changed]
        if to_once or any(name.startswith(("mapping", "deltaColumn.")) for name in changed):
            changes = self._changes_of_params(changed)
            operations.append(changed_transformations(fields, self._transformations(), changes, without_copy=to_once))
        schedule = {name: v for name, v in self.schedule.desired.items() if f"scheduleParams.{name}" in changed}
        for name, value in (schedule | ({"backfill": None} if to_once else {})).items():
            if value is not None:
                operations.append(set_member(f"/scheduleParams/{name}", value))
            elif name in fields.mapping("scheduleParams"):
                operations.append({"op": "remove", "path": f"/scheduleParams/{name}"})
        if any(name.startswith("options.") for name in changed):
            options = dict(fields.mapping("options")) | self._options()
            options.pop("isSampleDataflow", None)  # set by the service only
            if self._removes_partial_ingestion:
                options.pop("partialIngestionPercent", None)
            operations.append(set_member("/options", options))
        action: Literal["enable", "disable"] = "disable" if self.enabled is False else "enable"
        return Change(tuple(operations), action if "state" in changed else None)

    def _changes_of_params(self, changed: set[str]) -> dict[str, Callable[[Json], Json]]:
        """Return, by transformation, the function that changes only the differing parameters of a live one."""
        delta_column, mapping = self.delta_column, self._mapping_params
        changes: dict[str, Callable[[Json], Json]] = {}
        if delta_column:
            changes["Copy"] = lambda copy: with_delta_column(copy, delta_column)
        if "mapping" in changed:
            changes["Mapping"] = lambda used: used | mapping
        return changes

    def send(self, client: Client, existing: RemoteObject, change: Change) -> RemoteObject:
        existing = super().send(client, existing, change)
        if change.action:
            send_action(client, existing.id, change.action)
            existing = self.kind.read(client, existing) or existing
        return existing

    def outputs(self, existing: RemoteObject, at: float) -> Json:
        return {"runs_since": self.schedule.runs_since(datetime.fromtimestamp(at, UTC)).isoformat()}


def _state_advice(fields: Fields) -> str:
    changed = readers.moment(fields.value("updatedAt"))
    since = f", and was last changed at {readers.iso(changed)}" if changed else ""
    return f"The dataflow is {fields.text('state')}{since}: enable it, or choose another name."


def _connection(reads: Reads, kind: Kind, ids: list[str], desired: str) -> object:
    """Return the id of the connection that a dataflow refers to, or the desired id if both are equivalent."""
    if len(ids) != 1:
        return ids
    return desired if _are_equivalent(reads, kind, (ids[0], 0), (desired, 0)) else ids[0]


def _are_equivalent(reads: Reads, kind: Kind, *references: tuple[str, int]) -> bool:
    """
    Return whether references lead to objects that are equal in the members that are compared.

    :param references: pairs of an id and a version.
    :raises ReadLagError: if one of the objects cannot be read yet.
    """
    if len(set(references)) == 1:
        return True
    meanings = []
    for reference in references:
        existing = kind.find(reads, *reference)
        if existing is None:
            return False
        meanings.append(_MEANINGS[kind](kind.fields_of(existing)))
    return all(other == meanings[0] for other in meanings)


_MEANINGS: dict[Kind, Callable[[Fields], Json]] = {
    SOURCE_CONNECTION: source_meaning,
    TARGET_CONNECTION: target_meaning,
    MAPPING_SET: mapping_meaning,
}
