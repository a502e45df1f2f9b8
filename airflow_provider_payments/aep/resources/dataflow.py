"""
The dataflow: the only object that moves rows, so the one that must never exist twice.

Sources: the tutorials "Create a dataflow for payments sources" and "Update dataflows", and Adobe's OpenAPI file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Self, TypeVar

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import data_prep, flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import ConflictError, Difference, InvalidInputError, RequestError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import (
    add_extra,
    as_bool,
    as_int,
    as_mapping,
    as_number,
)
from airflow_provider_payments.aep.resources.base import without_empty
from airflow_provider_payments.aep.resources.converters import named, to_bool, to_column_names, to_id, to_int, to_number
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET, mapping_meaning
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn, read_delta_column, with_delta_column
from airflow_provider_payments.aep.resources.flow_service import (
    SOURCE_CONNECTION,
    TARGET_CONNECTION,
    FlowServiceResource,
    source_meaning,
    target_meaning,
)
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, check_against
from airflow_provider_payments.aep.resources.items import FlowServiceKind, read_item, read_live
from airflow_provider_payments.aep.resources.kind import Existing, Kind, created_object
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.resources.schedule import SCHEDULE_FIELDS, Schedule, read_schedule
from airflow_provider_payments.aep.resources.switches import switch
from airflow_provider_payments.aep.services import FLOW_SERVICE, Json

log = logging.getLogger(__name__)

Reference = TypeVar("Reference")

START_HAS_PASSED = "FLOW-1360-400"
#: Seconds added to window and retry delay before a new dataflow begins.
FENCE_MARGIN_SECONDS = 60.0


class DataflowKind(FlowServiceKind):
    """What is asked of dataflows: one that stays beside another can be disabled."""

    def disable(self, client: Client, existing: Existing) -> bool:
        if existing.item.get("state") == "disabled":
            return False
        return switch(client, existing.id, "disable")


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

    :param flow_spec: what :func:`..flow_specs.find_flow_spec` returns, or a flow spec's id.
    :param mapping_set_version: the version to use; a later one does not reach the dataflow by itself. ``None`` is 0 for
        a new dataflow, and whichever a live one uses.
    :param delta_column: needed for a table on any schedule but ``once``, and only there.
    :param source_columns: the source connection's columns, where known: the delta column must be among them.
    :param error_diagnostics: whether bad rows are kept for download, for 30 days.
    :param partial_ingestion_percent: the share of bad rows, above 0 up to 100, below which the others still land.
    :param retry_delay: seconds after which a task that was killed is tried again; without a start of its own, the
        dataflow begins later than that.
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
    retry_delay: float = 0.0

    def check(self) -> None:
        percent = self.partial_ingestion_percent
        if percent is not None and not 0 < percent <= 100:
            raise InvalidInputError("partial_ingestion_percent", percent, "more than 0, at most 100")
        if percent is not None and self.error_diagnostics is False:
            raise InvalidInputError("error_diagnostics", False, "partial ingestion turns diagnostics on by itself")
        self._check_delta_column()
        self._check_end_time()
        own = set(as_mapping("extra.scheduleParams", self.extra.get("scheduleParams"))) & SCHEDULE_FIELDS
        if own:
            allowed = "each of these is set by an argument of its own"
            raise InvalidInputError("extra.scheduleParams", sorted(own), allowed)

    def _check_delta_column(self) -> None:
        delta = self.delta_column
        columns = self.source_columns
        if delta and self.schedule.frequency == "once":
            raise InvalidInputError("delta_column", delta.name, "leave it out with frequency 'once'")
        if delta and self.flow_spec.copies is False:
            raise InvalidInputError("delta_column", delta.name, f"flow spec {self.flow_spec.name!r} reads no tables")
        if not delta and self.flow_spec.copies and self.schedule.frequency != "once":
            raise InvalidInputError("delta_column", None, "a table source needs one on any schedule but 'once'")
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
        # Both machine-readable contracts say the version is text.
        return {"mappingId": self.mapping_set_id, "mappingVersion": str(self._mapping_used[1])}

    @property
    def _mapping_used(self) -> tuple[str, int]:
        return self.mapping_set_id, self.mapping_set_version or 0

    def _options(self) -> Json:
        # Partial ingestion turns diagnostics on by itself.
        diagnostics = True if self.partial_ingestion_percent is not None else self.error_diagnostics
        return without_empty(
            {"errorDiagnosticsEnabled": diagnostics, "partialIngestionPercent": self.partial_ingestion_percent}
        )

    def look_further(self, client: Client) -> Iterator[Existing]:
        """See as well that no other dataflow reads the source connection: a pair of them belongs to one dataflow."""
        related = self._related(client)
        if named := [read_item(fields) for fields in related if self._is_it(fields)]:
            yield from named
            return
        for fields in related:
            reads_it = self.source_connection_id in fields.texts("sourceConnectionIds")
            if reads_it and (existing := read_live(client, self.kind.collection, read_item(fields))):
                advice = "It reads the same source connection; give each dataflow a source connection of its own."
                raise ConflictError(self.kind.name, fields.text("name") or "", existing.id, (), advice)

    def ready(self, client: Client) -> Self:
        """Hold schedule and options against the live flow spec, which a bare id has not told yet."""
        spec = self.flow_spec
        if spec.schedule_schema is None:
            spec = FlowSpec.from_item(flow_service.item(client, "flowSpecs", spec.id))
        checked = attrs.evolve(self, flow_spec=spec)
        schedule = self._schedule(client)
        delay, fence = schedule["startTime"] - client.transport.now(), self._fence(client)
        if delay < fence:
            log.warning(
                "dataflow %r begins in %d s. If its task is killed while another creates the same, both may ingest "
                "before one is removed: from %d s on that cannot be",
                self.name,
                delay,
                fence,
            )
        check_against("schedule", schedule, spec.schedule_schema)
        check_against("options", self._options(), spec.option_schema)
        return checked

    def _schedule(self, client: Client) -> Json:
        # The platform's time: a start that lies in its past is refused.
        return self.schedule.params(datetime.fromtimestamp(client.transport.now(), UTC), self._fence(client))

    def _fence(self, client: Client) -> float:
        """
        Seconds before which a new dataflow must not run: until then its creation has settled, and a task that was
        killed in between has been tried again, so a duplicate is gone or disabled before it ingests.
        """
        settle = client.dataflow_settle_seconds
        return settle + self.retry_delay + FENCE_MARGIN_SECONDS if settle else 0.0

    def begins(self, client: Client) -> float:
        return float(self._schedule(client)["startTime"])

    def is_out_of_date(self, error: RequestError) -> bool:
        return error.code == START_HAS_PASSED and self.schedule.start_time is None

    def create(self, client: Client, mark: Mark | None = None) -> Existing:
        def payload() -> Json:
            # Times count from the request: one that comes late must still start late.
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
            "state": "enabled",
        }
        fields |= {f"scheduleParams.{name}": value for name, value in self.schedule.wanted.items()}
        fields |= {f"options.{name}": value for name, value in self._options().items()}
        if self.delta_column:
            fields |= {f"deltaColumn.{name}": value for name, value in self.delta_column.wanted.items()}
        return fields

    def actual_fields(self, client: Client, existing: Existing) -> Json:
        fields = self.kind.fields_of(existing)
        params = {step.text("name"): step.below("params") for step in fields.each("transformations")}
        none = Fields(fields.what, {})
        schedule, options = read_schedule(fields.below("scheduleParams")), read_options(fields.below("options"))
        state = fields.text("state")
        found: Json = {
            "flowSpec.id": fields.text("flowSpec", "id"),
            "sourceConnectionIds": self._reference(client, SOURCE_CONNECTION, fields.texts("sourceConnectionIds")),
            "targetConnectionIds": self._reference(client, TARGET_CONNECTION, fields.texts("targetConnectionIds")),
            "mapping": self._mapping(client, params.get("Mapping", none)),
            # A dataflow passes through other states on its way; only these two keep it from running.
            "state": state if state in ("disabled", "draft") else "enabled",
        }
        delta = read_delta_column(params.get("Copy", none))
        found |= {f"deltaColumn.{name}": value for name, value in delta.items()}
        found |= {f"scheduleParams.{name}": value for name, value in schedule.items()}
        return found | {f"options.{name}": value for name, value in options.items()}

    def _reference(self, client: Client, kind: Kind, ids: list[str]) -> object:
        """Return the connection that a dataflow refers to; this one's own where that means the same."""
        source = kind is SOURCE_CONNECTION
        ours = self.source_connection_id if source else self.target_connection_id

        def meaning(connection: str) -> Json:
            fields = Fields.of_item(kind.name, flow_service.item(client, kind.collection, connection))
            return source_meaning(fields) if source else target_meaning(fields)

        same = len(ids) == 1 and (ids[0] == ours or _alike(client, kind, meaning, {ids[0]: ids[0], ours: ours}))
        return ours if same else (ids[0] if len(ids) == 1 else ids)

    def _mapping(self, client: Client, used: Fields) -> object:
        """Return the mapping set and version that a dataflow uses; this one's own where that means the same."""
        ours, mapping_set = self._mapping_used, used.text("mappingId")
        if mapping_set is None:
            return None
        theirs = (mapping_set, used.parsed(as_int, "mappingVersion") or 0)

        def meaning(version: tuple[str, int]) -> Json:
            return mapping_meaning(Fields.of_item(MAPPING_SET.name, data_prep.mapping_set(client, *version)))

        any_version = self.mapping_set_version is None and theirs[0] == ours[0]
        same = theirs == ours or any_version or _alike(client, MAPPING_SET, meaning, {theirs: theirs[0], ours: ours[0]})
        return ours if same else theirs

    def is_duplicate(self, differences: list[Difference]) -> bool:
        # Two of one name that read the same bring each row twice, however else they differ.
        return not any(d.field == "sourceConnectionIds" for d in differences)

    fixed_advice = (
        "A change of these does not reach a dataflow that exists: choose another name, or enable the dataflow if it is "
        "its state that differs."
    )
    #: What a change can reach in a dataflow that exists; a new source or target pair wants a new dataflow.
    changeable: ClassVar[tuple[str, ...]] = ("mapping", "deltaColumn.", "scheduleParams.", "options.")

    def change(self, client: Client, existing: Existing, differences: list[Difference]) -> Existing:
        path = f"{self.kind.path}/{existing.id}"
        operations = self.patch(self.kind.fields_of(existing), differences)
        # The etag goes back as it came, its inner quotes included.
        answer = client.request("PATCH", path, body=operations, headers={"If-Match": existing.etag or "*"})
        return replace(existing, etag=readers.text(readers.at(answer.body, "etag")) or existing.etag)

    def patch(self, fields: Fields, differences: list[Difference]) -> list[Json]:
        """Return the JSON Patch that gives an existing dataflow what differs, and leaves all else as it is."""
        changed = {d.field for d in differences}
        to_once = self.schedule.frequency == "once" and "scheduleParams.frequency" in changed
        operations: list[Json] = []
        if to_once or any(name.startswith(("mapping", "deltaColumn.")) for name in changed):
            steps = self._changed_transformations(fields, changed, to_once=to_once)
            operations.append({"op": "replace", "path": "/transformations", "value": steps})
        # A single run must not have a backfill, not even one that stands in the live schedule.
        schedule, theirs = self.schedule.wanted, fields.mapping("scheduleParams")
        reached = [name for name in schedule if f"scheduleParams.{name}" in changed] + ["backfill"] * to_once
        for name in reached:
            # Adding a member that is there replaces it.
            at, value = f"/scheduleParams/{name}", schedule.get(name)
            if value is not None:
                operations.append({"op": "add", "path": at, "value": value})
            elif name in theirs:
                operations.append({"op": "remove", "path": at})
        if any(name.startswith("options.") for name in changed):
            ours = dict(fields.mapping("options")) | self._options()
            ours.pop("isSampleDataflow", None)  # the service's own
            operations.append({"op": "add", "path": "/options", "value": ours})
        return operations

    def _changed_transformations(self, fields: Fields, changed: set[str], *, to_once: bool) -> list[Json]:
        """Return the live transformations, changed in what differs; one that is missing is put before the others."""
        found, new = [dict(step.item) for step in fields.each("transformations")], self._transformations()
        missing = [step for step in new if step["name"] not in {step.get("name") for step in found}]
        for step in found:
            params = dict(readers.mapping(step.get("params")))
            if step.get("name") == "Mapping" and "mapping" in changed:
                step["params"] = params | self._mapping_params
            elif step.get("name") == "Copy" and self.delta_column:
                step["params"] = with_delta_column(params, self.delta_column)
        # A single run has no delta column.
        return missing + [step for step in found if not (to_once and step.get("name") == "Copy")]

    def outputs(self, existing: Existing, at: float) -> Json:
        return {"runs_since": self.schedule.runs_since(datetime.fromtimestamp(at, UTC)).isoformat()}


def _alike(
    client: Client, kind: Kind, meaning: Callable[[Reference], Json], references: Mapping[Reference, str]
) -> bool:
    """
    Whether references lead to objects that mean the same: they are compared so.

    :param references: each with the id that it names.
    :raises ReadLagError: if one of them cannot be read yet.
    """
    meanings = []
    for reference, object_id in references.items():
        try:
            meanings.append(meaning(reference))
        except RequestError as error:
            if not error.says_gone:
                raise
            kind.check_reference(client, object_id)
            return False  # one of the two is gone
    return all(other == meanings[0] for other in meanings)


def read_options(options: Fields) -> Json:
    """Read a dataflow's options as they come back, numbers or text; an absent flag is off."""
    percent = options.parsed(as_number, "partialIngestionPercent")
    flag = options.parsed(as_bool, "errorDiagnosticsEnabled")
    return {"partialIngestionPercent": percent, "errorDiagnosticsEnabled": percent is not None or flag or False}
