"""
Planning of a whole chain.

The objects of an existing dataflow are found by the ids that it holds, those of a new dataflow by their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api.patience import ReadLagError
from airflow_provider_payments.aep.dataflows.chain import PlannedObject, PlanningStoppedError
from airflow_provider_payments.aep.dataflows.converters import from_destination
from airflow_provider_payments.aep.dataflows.sandbox import Parts, name_of
from airflow_provider_payments.aep.dataflows.targets import TargetSteps
from airflow_provider_payments.aep.errors import Difference, InvalidInputError, UnreadableError
from airflow_provider_payments.aep.provisioning.giving_up import busy_until, was_disabled_by_giving_up
from airflow_provider_payments.aep.readers import at, iso, moment
from airflow_provider_payments.aep.resources.base import Change
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET, MappingSet, mapping_meaning
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW, Dataflow
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
from airflow_provider_payments.aep.resources.flow_service import TARGET_CONNECTION, TargetConnection
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, look_up_flow_spec
from airflow_provider_payments.aep.resources.live_dataflow import mapping_used
from airflow_provider_payments.aep.resources.marks import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.services import Json

__all__ = ["DataflowSteps"]

DAY_SECONDS = 86400
#: Seconds after the settle time within which the creator of a duplicate dataflow deletes it, unless it was killed.
CREATOR_CLEANUP_SECONDS = 10

#: The effects of a dataflow's change on rows, by the first part of the differing field's name.
_ROW_EFFECTS = {
    "mapping": (
        "later runs use the new mappings; rows that were ingested do not change. The former mapping set is not deleted"
    ),
    "deltaColumn": (
        "later runs identify new rows by another value: rows may be ingested again, and others may be left out"
    ),
}


class DataflowSteps(TargetSteps):
    """The steps of one definition."""

    def plan(self) -> None:
        """Add all steps, up to a conflict on which the remaining steps depend."""
        try:
            found = self._find_dataflows()
            if found:
                self._plan_existing(self.sandbox.parts(found[0]), found[1:])
            else:
                self._plan_new()
        except PlanningStoppedError:
            return
        except (UnreadableError, InvalidInputError) as error:
            self.conflict(DATAFLOW, self.definition.name, str(error), is_temporary=isinstance(error, UnreadableError))

    def _find_dataflows(self) -> list[RemoteObject]:
        """
        Return the dataflow, followed by others of its names; an empty list if it is to be created.

        Dataflows of the current name come before those of previous names, and of one name the oldest comes first.
        """
        definition = self.definition
        if definition.id:
            if existing := DATAFLOW.find(self.snapshot, definition.id):
                return [existing]
            self.conflict(DATAFLOW, definition.name, f"there is no dataflow {definition.id}", (), ("id",))
            raise PlanningStoppedError
        found = [each for name in (definition.name, *definition.previous_names) for each in self.sandbox.named(name)]
        if len(found) > 1:
            others = ", ".join(f"{name_of(each)!r} ({each.id})" for each in found[1:])
            used = f"several dataflows have the name or a previous one: {name_of(found[0])!r} ({found[0].id}) is used"
            self.planning.notes.append(f"{used}; {others} may ingest each row again")
        return found

    # ---- an existing dataflow --------------------------------------------------------------------------------------

    def _plan_existing(self, parts: Parts, others: list[RemoteObject]) -> None:
        self.base_id = parts.base.id if parts.base else None
        self.live_source(parts)
        if parts.target is None or parts.dataset is None:
            missing = "target connection" if parts.target is None else "dataset"
            reason = f"the dataflow's {missing} no longer exists"
            self.conflict(TARGET_CONNECTION, self._target_name, reason, (), ("dataset",))
            return
        schema = self.live_schema(parts.schema or self.schema_of(parts.dataset))
        self.live_dataset(parts.dataset, schema)
        self.keep(TARGET_CONNECTION, name_of(parts.target) or self._target_name, parts.target, used=True)
        self._live_dataflow(parts, schema, self._live_mapping_set(parts, schema), others)

    def _live_mapping_set(self, parts: Parts, schema: PlannedObject) -> PlannedObject:
        desired = self._mapping_set(schema)
        if parts.mapping_set:
            live = mapping_meaning(MAPPING_SET.fields_of(parts.mapping_set))
            if live["mappings"] == desired.desired_fields()["mappings"]:
                return self.keep(MAPPING_SET, self._mapping_set_name, parts.mapping_set, used=True)
        return self._new_mapping_set(schema, PlannedObject(self.base_id or "", parts.base))

    def _live_dataflow(
        self, parts: Parts, schema: PlannedObject, mapping_set: PlannedObject, others: list[RemoteObject]
    ) -> None:
        dataflow, fields = parts.dataflow, DATAFLOW.fields_of(parts.dataflow)
        used = mapping_used(fields)
        ends = [next(iter(fields.texts(member)), "none") for member in ("sourceConnectionIds", "targetConnectionIds")]
        # Without a flow spec in the definition the dataflow keeps its own.
        spec = self._flow_spec() if self.definition.source.flow_spec else FlowSpec(str(fields.text("flowSpec", "id")))
        desired = self._dataflow(*ends, mapping_set=used or (mapping_set.id, 0), spec=spec)
        for other in others:
            self._disable_duplicate(desired, other)
        if self._was_given_up(dataflow):
            desired = attrs.evolve(desired, enabled=True)
        differences = self._differences(desired, dataflow)
        shown = list(differences)
        if mapping_set.existing is None or mapping_set.existing is not parts.mapping_set:
            differences.append(Difference("mapping", mapping_set.id, used))
            shown += self._changed_mappings(parts, schema)
            version = MAPPING_SET.fields_of(mapping_set.existing).count("version") if mapping_set.existing else 0
            desired = attrs.evolve(desired, mapping_set_id=mapping_set.id, mapping_set_version=version)
        name, reason = name_of(dataflow), _row_effects(differences)
        self.judge(name, desired, dataflow, used=True, differences=differences, shown=shown, reason=reason)

    def _differences(self, desired: Dataflow, dataflow: RemoteObject) -> list[Difference]:
        """Return the relevant differences of the dataflow. Its connections are compared in steps of their own."""
        definition, left_out = self.definition, {"sourceConnectionIds", "targetConnectionIds"}
        if definition.id and name_of(dataflow) not in definition.previous_names:
            left_out.add("name")  # the id identifies the dataflow
        if desired.enabled is None and dataflow.item.get("state") == "disabled":
            left_out.add("state")
            self._note_disabled(dataflow)
        return [each for each in desired.differences(self.snapshot, dataflow) if each.field not in left_out]

    def _changed_mappings(self, parts: Parts, schema: PlannedObject) -> Iterator[Difference]:
        """Yield the differences of each destination, in the form of files."""
        live = mapping_meaning(MAPPING_SET.fields_of(parts.mapping_set))["mappings"] if parts.mapping_set else []
        desired = self._mapping_set(schema).desired_fields()["mappings"]
        before, after = (
            {destination: (kind, source) for kind, source, destination in each} for each in (live, desired)
        )
        for destination in sorted({*before, *after}, key=str):
            if before.get(destination) != after.get(destination):
                written = from_destination(str(destination).replace(f"{self.sandbox.namespace}.", "_{TENANT_ID}."))
                sources = (_source(each.get(destination)) for each in (after, before))
                yield Difference(f"mappings.{written}", *sources)

    def _disable_duplicate(self, desired: Dataflow, other: RemoteObject) -> None:
        """
        Plan to disable a duplicate dataflow of this project.

        Another apply created it: one that was killed, or that ran at the same time.

        :raises ReadLagError: if the duplicate's creator may still delete it.
        """
        if other.item.get("state") == "disabled" or not self.is_ours(DATAFLOW, other):
            return
        if desired.is_duplicate(desired.differences(self.snapshot, other)):
            settle = self.snapshot.dataflow_settle_seconds
            until = other.created + settle + CREATOR_CLEANUP_SECONDS
            if settle and self.snapshot.now() < until:
                raise ReadLagError(f"{DATAFLOW} {other.id}", until)
            self.add(
                DATAFLOW,
                self.definition.name,
                "update",
                other.id,
                id=other.id,
                changes=(Difference("state", "disabled", other.item.get("state")),),
                reason="this project created it as a duplicate: each row would be ingested twice",
                desired=attrs.evolve(desired, enabled=False),
                existing=other,
                change=Change(action="disable"),
                is_duplicate=True,
            )

    def _was_given_up(self, dataflow: RemoteObject) -> bool:
        """
        Return whether the dataflow must be enabled because an apply of this project gave it up and disabled it.

        :raises ReadLagError: if the dataflow's creator may still be deleting it.
        """
        mark = DATAFLOW.mark_of(dataflow)
        if mark is None or self.definition.enabled is False or not self.is_ours(DATAFLOW, dataflow):
            return False
        if self.snapshot.now() < (until := busy_until(mark)):
            raise ReadLagError(f"{DATAFLOW} {dataflow.id}", until)
        return was_disabled_by_giving_up(Writer(mark.owner), mark, dataflow)

    def _note_disabled(self, dataflow: RemoteObject) -> None:
        self.planning.drift.append(self.definition.name)
        self.planning.notes.append(
            f"{self.definition.name!r} is disabled{_since(dataflow)}, by a user or by the platform after 30 days of "
            "failures; write `enabled: true` to enable it, or `enabled: false` to keep it disabled"
        )

    # ---- a new dataflow --------------------------------------------------------------------------------------------

    def _plan_new(self) -> None:
        base, source = self.new_source()
        self.base_id = base.id if base.existing else None
        self.check_columns(base)
        schema, dataset = self.new_dataset()
        self._check_double_ingestion(base, source, dataset)
        target = self._new_target(schema, dataset)
        mapping_set = self._new_mapping_set(schema, base)
        desired = self._dataflow(source.id, target.id, mapping_set=(mapping_set.id, 0), spec=self._flow_spec())
        desired.ready(self.snapshot)
        self.create(DATAFLOW, self.definition.name, desired, self._history_note(dataset))

    def _new_target(self, schema: PlannedObject, dataset: PlannedObject) -> PlannedObject:
        desired = TargetConnection(name=self._target_name, dataset_id=dataset.id, schema_id=schema.id)
        return self.adopt_or_create(desired, dataset)

    def _new_mapping_set(self, schema: PlannedObject, base: PlannedObject) -> PlannedObject:
        desired = self._mapping_set(schema)
        found = list(desired.look_up(self.snapshot)) if schema.existing else []
        if found:
            return self.keep(
                MAPPING_SET, self._mapping_set_name, min(found, key=lambda each: each.creation_order), used=False
            )
        self.check_destinations(schema)
        self.check_columns(base)
        return self.create(MAPPING_SET, self._mapping_set_name, desired)

    def _check_double_ingestion(self, base: PlannedObject, source: PlannedObject, dataset: PlannedObject) -> None:
        """
        Check that no row is ingested twice.

        :raises PlanningStoppedError: if another dataflow reads the same data into the dataset, or if a deleted dataflow
            may have done so.
        """
        written, name = self.definition.source, self.definition.name
        if self.definition.allow_second_reader:
            return
        first = self.planning.new_readers.setdefault((base.id, written.place, dataset.id), name)
        if first != name:
            reason = f"{first!r} reads {written.place} into the same dataset: each row would be ingested twice"
            self.conflict(DATAFLOW, name, reason, (), ("source",))
            raise PlanningStoppedError
        if dataset.existing is None:
            return
        if readers := self.sandbox.readers_of(base.id, written.place, dataset.id):
            other = name_of(readers[0])
            reason = (
                f"{other!r} ({readers[0].id}) reads {written.place} into the same dataset: each row would be ingested "
                f"twice. If it was renamed, write `previous_names: [{other}]`; if both are intended, "
                "`allow_second_reader: true`"
            )
            self.conflict(DATAFLOW, name, reason, (), ("source",))
            raise PlanningStoppedError
        is_source_old = source.existing and source.existing.created < self.snapshot.now() - DAY_SECONDS
        schedule = self.definition.schedule
        if is_source_old and dataset.existing.item.get("lastBatchId") and schedule.every and schedule.backfill is None:
            reason = (
                "a deleted dataflow may have read this source into the dataset, which contains rows: write "
                "`backfill: true` to read all history again, or `backfill: false` to read new rows only"
            )
            self.conflict(DATAFLOW, name, reason, (), ("schedule",))
            raise PlanningStoppedError

    def _history_note(self, dataset: PlannedObject) -> str:
        schedule = self.definition.schedule
        reads_all = not schedule.every or schedule.backfill is not False
        repeats_rows = reads_all and dataset.existing is not None and dataset.existing.item.get("lastBatchId")
        warning = "; the dataset contains rows, and those of this history will be ingested twice"
        return f"{_history(reads_all=reads_all)}{warning if repeats_rows else ''}"

    # ---- desired objects -------------------------------------------------------------------------------------------

    @property
    def _target_name(self) -> str:
        return self.definition.target_name or self.default_name("target")

    @property
    def _mapping_set_name(self) -> str:
        return self.default_name("mapping")

    def _mapping_set(self, schema: PlannedObject) -> MappingSet:
        return MappingSet(
            name=self._mapping_set_name,
            schema_id=schema.id,
            mappings=self.definition.mappings,
            tenant_id=self.sandbox.tenant_id,
        )

    def _flow_spec(self) -> FlowSpec:
        return look_up_flow_spec(self.snapshot, self.definition.flow_spec, self.vendor.spec_id)

    def _dataflow(self, source_id: str, target_id: str, *, mapping_set: tuple[str, int], spec: FlowSpec) -> Dataflow:
        definition, column = self.definition, self.definition.delta_column
        written: Json = (
            {"name": column.name, "dateFormat": column.format, "timezone": column.timezone} if column else {}
        )
        return Dataflow(
            name=definition.name,
            description=definition.description,
            source_connection_id=source_id,
            target_connection_id=target_id,
            flow_spec=spec,
            mapping_set_id=mapping_set[0],
            mapping_set_version=mapping_set[1],
            schedule=definition.schedule.desired,
            delta_column=DeltaColumn.parse({key: value for key, value in written.items() if value} or None),
            error_diagnostics=definition.error_diagnostics,
            partial_ingestion_percent=definition.tolerated_percent,
            enabled=definition.enabled,
        )


def _since(dataflow: RemoteObject) -> str:
    """Return when a dataflow was disabled, as the end of a sentence; after a later change the time of that change."""
    changed = moment(dataflow.item.get("updatedAt"))
    if changed is None:
        return ""
    was_last = at(dataflow.item, "lastOperation", "operation") == "disable"
    return f" since {iso(changed)}" if was_last else f" (last changed {iso(changed)})"


def _source(mapped: tuple[str, str] | None) -> str | None:
    """Return the source of a destination as text for people; ``None`` if the destination is not mapped."""
    if mapped is None:
        return None
    kind, source = mapped
    return source if kind == "ATTRIBUTE" else f"{'value' if kind == 'STATIC' else kind.lower()} {source}"


def _row_effects(differences: list[Difference]) -> str:
    """Return the effects of a change on rows, for a reviewer."""
    fields = {each.field: each.desired for each in differences}
    heads = {field.partition(".")[0] for field in fields}
    effects = [text for head, text in _ROW_EFFECTS.items() if head in heads]
    if "state" in fields:
        enabled = fields["state"] == "enabled"
        effects.append(
            "reads rows that are new since its last run" if enabled else "no run begins while it is disabled"
        )
    if "scheduleParams.backfill" in fields:
        effects.append(_history(reads_all=bool(fields["scheduleParams.backfill"])))
    elif not effects and heads & {"options", "scheduleParams"}:
        effects.append("applies to later runs; no row is read again")
    return ". ".join(effects)


def _history(*, reads_all: bool) -> str:
    return "reads all history with its first run" if reads_all else "reads rows that are new from its start on"
