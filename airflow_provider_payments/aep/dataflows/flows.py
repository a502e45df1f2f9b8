"""A whole chain, planned: found through its dataflow where that is there, by the names of its parts where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api.patience import ReadLagError
from airflow_provider_payments.aep.dataflows.chain import Known, StuckError
from airflow_provider_payments.aep.dataflows.converters import written_destination
from airflow_provider_payments.aep.dataflows.sandbox import Parts, name_of
from airflow_provider_payments.aep.dataflows.sources import choose
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
#: Seconds beyond the settle time in which the creator of a second dataflow deletes it, unless it was killed.
CREATOR_SECONDS = 10

#: What a change of a dataflow does to rows, by the head of the difference's field.
_AFFECTS = {
    "mapping": "rows of later runs are mapped anew; rows that landed stay as they are. The former mapping set stays",
    "deltaColumn": "later runs find new rows by another value: rows that landed may come again, others may be left out",
}


class DataflowSteps(TargetSteps):
    """The steps of a whole definition."""

    def plan(self) -> None:
        """Add them all, as far as they can be known."""
        try:
            found = self._find()
            if found:
                self._live(self.sandbox.parts(found[0]), found[1:])
            else:
                self._new()
        except StuckError:
            return
        except (UnreadableError, InvalidInputError) as error:
            self.conflict(DATAFLOW, self.definition.name, str(error), passes=isinstance(error, UnreadableError))

    def _find(self) -> list[RemoteObject]:
        """Return the dataflow, and others of its name; nothing where it is to be created."""
        definition = self.definition
        if definition.id:
            if existing := DATAFLOW.find(self.snapshot, definition.id):
                return [existing]
            self.conflict(DATAFLOW, definition.name, f"there is no dataflow {definition.id}", (), ("id",))
            raise StuckError
        found = [each for name in (definition.name, *definition.previous_names) for each in self.sandbox.named(name)]
        if len(found) > 1:
            others = ", ".join(f"{name_of(each)!r} ({each.id})" for each in found[1:])
            taken = f"several dataflows have the name or a previous one: {name_of(found[0])!r} ({found[0].id}) is taken"
            self.planning.notes.append(f"{taken}; {others} may bring each row once more")
        return found

    # ---- a dataflow that is there ----------------------------------------------------------------------------------

    def _live(self, parts: Parts, others: list[RemoteObject]) -> None:
        self.base_id = parts.base.id if parts.base else None
        self.live_source(parts)
        if parts.target is None or parts.dataset is None:
            gone = "target connection" if parts.target is None else "dataset"
            self.conflict(TARGET_CONNECTION, self._target_name, f"the dataflow's {gone} is gone", (), ("dataset",))
            return
        schema = self.live_schema(parts.schema or self.schema_of(parts.dataset))
        self.live_dataset(parts.dataset, schema)
        self.keep(TARGET_CONNECTION, name_of(parts.target) or self._target_name, parts.target, used=True)
        self._live_dataflow(parts, schema, self._live_mapping_set(parts, schema), others)

    def _live_mapping_set(self, parts: Parts, schema: Known) -> Known:
        desired = self._mapping_set(schema)
        if parts.mapping_set:
            live = mapping_meaning(MAPPING_SET.fields_of(parts.mapping_set))
            if live["mappings"] == desired.desired_fields()["mappings"]:
                return self.keep(MAPPING_SET, self._mapping_set_name, parts.mapping_set, used=True)
        return self._new_mapping_set(schema, Known(self.base_id or "", parts.base))

    def _live_dataflow(self, parts: Parts, schema: Known, mapping_set: Known, others: list[RemoteObject]) -> None:
        dataflow, fields = parts.dataflow, DATAFLOW.fields_of(parts.dataflow)
        used = mapping_used(fields)
        ends = [next(iter(fields.texts(member)), "none") for member in ("sourceConnectionIds", "targetConnectionIds")]
        # A flow spec that nobody wrote is the one that is there.
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
        name, reason = name_of(dataflow), _what_it_affects(differences)
        self.judge(name, desired, dataflow, used=True, differences=differences, shown=shown, reason=reason)

    def _differences(self, desired: Dataflow, dataflow: RemoteObject) -> list[Difference]:
        """Return what differs and counts; connections have been held against the definition by themselves."""
        definition, left_out = self.definition, {"sourceConnectionIds", "targetConnectionIds"}
        if definition.id and name_of(dataflow) not in definition.previous_names:
            left_out.add("name")  # the id tells which one it is
        if desired.enabled is None and dataflow.item.get("state") == "disabled":
            left_out.add("state")
            self._note_disabled(dataflow)
        return [each for each in desired.differences(self.snapshot, dataflow) if each.field not in left_out]

    def _changed_mappings(self, parts: Parts, schema: Known) -> Iterator[Difference]:
        """Yield the differences of each destination, as files have them."""
        live = mapping_meaning(MAPPING_SET.fields_of(parts.mapping_set))["mappings"] if parts.mapping_set else []
        desired = self._mapping_set(schema).desired_fields()["mappings"]
        before, after = (
            {destination: (kind, source) for kind, source, destination in each} for each in (live, desired)
        )
        for destination in sorted({*before, *after}, key=str):
            if before.get(destination) != after.get(destination):
                written = written_destination(str(destination).replace(f"{self.sandbox.namespace}.", "_{TENANT_ID}."))
                sources = (_source(each.get(destination)) for each in (after, before))
                yield Difference(f"mappings.{written}", *sources)

    def _disable_duplicate(self, desired: Dataflow, other: RemoteObject) -> None:
        """
        Plan that a second dataflow stops which an apply of this project, killed or at the same time, has made.

        :raises ReadLagError: if its creator may be about to delete it.
        """
        if other.item.get("state") == "disabled" or not self.is_ours(DATAFLOW, other):
            return
        if desired.is_duplicate(desired.differences(self.snapshot, other)):
            settle = self.snapshot.dataflow_settle_seconds
            until = other.created + settle + CREATOR_SECONDS
            if settle and self.snapshot.now() < until:
                raise ReadLagError(f"{DATAFLOW} {other.id}", until)
            self.add(
                DATAFLOW,
                self.definition.name,
                "update",
                other.id,
                id=other.id,
                changes=(Difference("state", "disabled", other.item.get("state")),),
                reason="this project made it besides the one that counts: each row would come twice",
                desired=attrs.evolve(desired, enabled=False),
                existing=other,
                change=Change(action="disable"),
                is_duplicate=True,
            )

    def _was_given_up(self, dataflow: RemoteObject) -> bool:
        """
        Whether an apply of this project disabled the dataflow because it could not finish, and nobody wished that.

        :raises ReadLagError: if its creator may still be deleting it.
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
            f"{self.definition.name!r} is disabled{_since(dataflow)}, by somebody or by the platform after 30 days of "
            "failures; write `enabled: true` to enable it, or `enabled: false`"
        )

    # ---- a dataflow that is not there ------------------------------------------------------------------------------

    def _new(self) -> None:
        base, source = self.new_source()
        self.base_id = base.id if base.existing else None
        self.check_columns(base)
        schema, dataset = self.new_dataset()
        self._guard(base, source, dataset)
        target = self._new_target(schema, dataset)
        mapping_set = self._new_mapping_set(schema, base)
        desired = self._dataflow(source.id, target.id, mapping_set=(mapping_set.id, 0), spec=self._flow_spec())
        desired.ready(self.snapshot)
        self.create(DATAFLOW, self.definition.name, desired, self._about_history(dataset))

    def _new_target(self, schema: Known, dataset: Known) -> Known:
        desired = TargetConnection(name=self._target_name, dataset_id=dataset.id, schema_id=schema.id)
        named = list(desired.look_up(self.snapshot))
        free = [each for each in named if dataset.existing and each.id not in self.sandbox.users]
        right = [each for each in free if not desired.differences(self.snapshot, each)]
        if existing := choose(self, desired, right):
            return self.keep(TARGET_CONNECTION, self._target_name, existing, used=False)
        ignored = tuple(each.id for each in named)
        return self.create(TARGET_CONNECTION, self._target_name, desired, ignored=ignored)

    def _new_mapping_set(self, schema: Known, base: Known) -> Known:
        desired = self._mapping_set(schema)
        found = list(desired.look_up(self.snapshot)) if schema.existing else []
        if found:
            return self.keep(
                MAPPING_SET, self._mapping_set_name, min(found, key=lambda each: each.creation_order), used=False
            )
        self.check_destinations(schema)
        self.check_columns(base)
        return self.create(MAPPING_SET, self._mapping_set_name, desired)

    def _guard(self, base: Known, source: Known, dataset: Known) -> None:
        """
        See that no row is brought in twice.

        :raises StuckError: if another dataflow reads the same, or a dataflow that is gone may have.
        """
        written, name = self.definition.source, self.definition.name
        if self.definition.allow_second_reader:
            return
        first = self.planning.new_readers.setdefault((base.id, written.place, dataset.id), name)
        if first != name:
            reason = f"{first!r} reads {written.place} into the same dataset: each row would come twice"
            self.conflict(DATAFLOW, name, reason, (), ("source",))
            raise StuckError
        if dataset.existing is None:
            return
        if readers := self.sandbox.readers_of(base.id, written.place, dataset.id):
            other = name_of(readers[0])
            reason = (
                f"{other!r} ({readers[0].id}) reads {written.place} into the same dataset: each row would come twice. "
                f"Was it renamed? Write `previous_names: [{other}]`. If both are meant: `allow_second_reader: true`"
            )
            self.conflict(DATAFLOW, name, reason, (), ("source",))
            raise StuckError
        is_old = source.existing and source.existing.created < self.snapshot.now() - DAY_SECONDS
        schedule = self.definition.schedule
        if is_old and dataset.existing.item.get("lastBatchId") and schedule.every and schedule.backfill is None:
            reason = (
                "a dataflow that is gone may have read this source into the dataset, which holds rows: write "
                "`backfill: true` to read all history again, or `backfill: false` to read new rows only"
            )
            self.conflict(DATAFLOW, name, reason, (), ("schedule",))
            raise StuckError

    def _about_history(self, dataset: Known) -> str:
        schedule = self.definition.schedule
        reads_all = not schedule.every or schedule.backfill is not False
        holds_rows = reads_all and dataset.existing is not None and dataset.existing.item.get("lastBatchId")
        again = "; the dataset holds rows, and what it has of that history comes twice"
        return f"{_history(reads_all=reads_all)}{again if holds_rows else ''}"

    # ---- the values ------------------------------------------------------------------------------------------------

    @property
    def _target_name(self) -> str:
        return self.definition.target_name or self.default_name("target")

    @property
    def _mapping_set_name(self) -> str:
        return self.default_name("mapping")

    def _mapping_set(self, schema: Known) -> MappingSet:
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
    """Say when a dataflow was disabled; where something else was its last change, when that was."""
    changed = moment(dataflow.item.get("updatedAt"))
    if changed is None:
        return ""
    was_last = at(dataflow.item, "lastOperation", "operation") == "disable"
    return f" since {iso(changed)}" if was_last else f" (last changed {iso(changed)})"


def _source(mapped: tuple[str, str] | None) -> str | None:
    """Return what a destination is mapped from, as people read it."""
    if mapped is None:
        return None
    kind, source = mapped
    return source if kind == "ATTRIBUTE" else f"{'value' if kind == 'STATIC' else kind.lower()} {source}"


def _what_it_affects(differences: list[Difference]) -> str:
    """Say which rows a change reaches, for a reviewer."""
    fields = {each.field: each.desired for each in differences}
    heads = {field.partition(".")[0] for field in fields}
    said = [text for head, text in _AFFECTS.items() if head in heads]
    if "state" in fields:
        enabled = fields["state"] == "enabled"
        said.append("reads what is new since its last run" if enabled else "no run begins while it is disabled")
    if "scheduleParams.backfill" in fields:
        said.append(_history(reads_all=bool(fields["scheduleParams.backfill"])))
    elif not said and heads & {"options", "scheduleParams"}:
        said.append("holds for later runs; no row is read again")
    return ". ".join(said)


def _history(*, reads_all: bool) -> str:
    return "reads all history with its first run" if reads_all else "reads rows that are new from its start on"
