"""Planning of a dataflow's base connection and source connection, and the check of its columns."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.attributes import Attributes
from airflow_provider_payments.aep.dataflows.chain import ChainSteps, PlannedObject, PlanningStoppedError
from airflow_provider_payments.aep.dataflows.converters import from_destination
from airflow_provider_payments.aep.dataflows.plan import Login
from airflow_provider_payments.aep.dataflows.sandbox import Parts, is_same_name, name_of
from airflow_provider_payments.aep.errors import Difference, Failure, InvalidInputError, NotFoundError, RequestError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.provisioning.decide import Adopt, Memory, Now, Resolve, Rules, Seen, decide
from airflow_provider_payments.aep.readers import mapping, text
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, SourceConnection
from airflow_provider_payments.aep.resources.schema_fields import xdm_type
from airflow_provider_payments.aep.resources.schema_registry import FIELD_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.services import Json

__all__ = ["SourceSteps", "select_existing"]

SOURCE_CHANGE_ADVICE = (
    "a change does not reach the dataflow. There are three ways: write the existing values; give the dataflow another "
    "name and another dataset, into which all history is ingested again; or another name, the same dataset and "
    "`backfill: false`, which leaves a gap"
)


def select_existing(chain: ChainSteps, desired: Resource, candidates: list[RemoteObject]) -> RemoteObject | None:
    """Return the object of several with the same name that every writer adopts; ``None`` if there is no such object."""
    seen = []
    for existing in candidates:
        found = desired.differences(chain.snapshot, existing)
        deciding = tuple(difference for difference in found if desired.is_decisive(difference))
        seen.append(Seen(existing, deciding, checked=True))
    # A plan does not wait for the settle time: the apply searches again.
    action = decide(Rules(desired.kind.may_duplicate, 0.0), seen, Memory(searched=True), Now(0.0, chain.snapshot.now()))
    return action.seen.existing if isinstance(action, (Adopt, Resolve)) else None


class SourceSteps(ChainSteps):
    """The steps of base connection and source connection."""

    def live_source(self, parts: Parts) -> None:
        """Compare the source connection of a dataflow. A difference is a conflict: no change reaches the dataflow."""
        source = self.definition.source
        if parts.source is None or parts.base is None:
            missing = "source connection" if parts.source is None else "base connection"
            self.conflict(SOURCE_CONNECTION, self.source_name, f"the dataflow's {missing} no longer exists")
            return
        name = name_of(parts.source) or self.source_name
        differences = self.source_connection(parts.base.id).differences(self.snapshot, parts.source)
        base, written = parts.base, source.connection
        if (written.id and written.id != base.id) or (written.name and not is_same_name(written.name, name_of(base))):
            differences = [Difference("source.connection", written.id or written.name, name_of(base)), *differences]
        else:
            self.keep_base(base, used=True)
        if differences:
            self.conflict(SOURCE_CONNECTION, name, SOURCE_CHANGE_ADVICE, differences, ("source",), id=parts.source.id)
        else:
            self.keep(SOURCE_CONNECTION, name, parts.source, used=True)

    def new_source(self) -> tuple[PlannedObject, PlannedObject]:
        """Plan base connection and source connection of a new dataflow."""
        base = self._base()
        return base, self.adopt_or_create(self.source_connection(base.id), base)

    def adopt_or_create(self, desired: Resource, parent: PlannedObject) -> PlannedObject:
        """
        Plan a new dataflow's connection: an unused one that equals the desired one is adopted.

        :param parent: the object that the connection refers to; if it is new, no connection can be adopted.
        """
        named = list(desired.look_up(self.snapshot))
        free = [each for each in named if parent.existing and each.id not in self.sandbox.users]
        matching = [each for each in free if not desired.differences(self.snapshot, each)]
        if existing := select_existing(self, desired, matching):
            return self.keep(desired.kind, desired.name, existing, used=False)
        ignored = tuple(each.id for each in named)
        return self.create(desired.kind, desired.name, desired, ignored=ignored)

    def source_connection(self, base_id: str) -> SourceConnection:
        """Return the desired source connection."""
        source = self.definition.source
        return SourceConnection(
            name=self.source_name,
            base_connection_id=base_id,
            spec_id=self.vendor.spec_id,
            table=source.table,
            resource_path=source.resource,
            path=source.path,
            data_format=source.format,
            columns=source.columns,
        )

    @property
    def source_name(self) -> str:
        """The name of a new source connection."""
        return self.definition.source.name or self.default_name("source")

    # ---- the base connection ---------------------------------------------------------------------------------------

    def keep_base(self, base: RemoteObject, *, used: bool) -> PlannedObject:
        """
        Add an existing base connection.

        :raises PlanningStoppedError: if it belongs to another vendor.
        """
        name = name_of(base)
        spec_id = BASE_CONNECTION.fields_of(base).text("connectionSpec", "id")
        if spec_id != self.vendor.spec_id:
            reason = f"it is not a base connection of {self.vendor.title}: name another one"
            changes = [Difference("connectionSpec.id", self.vendor.spec_id, spec_id)]
            self.conflict(BASE_CONNECTION, name, reason, changes, ("source", "connection"), id=base.id)
            raise PlanningStoppedError
        return self.keep(BASE_CONNECTION, name, base, used=used)

    def _base(self) -> PlannedObject:
        written, at = self.definition.source.connection, ("source", "connection")
        if written.id:
            if existing := BASE_CONNECTION.find(self.snapshot, written.id):
                return self.keep_base(existing, used=False)
            self.conflict(BASE_CONNECTION, written.id, "there is no base connection with this id", (), at)
            raise PlanningStoppedError
        name = written.name or ""
        base_connections = list(BASE_CONNECTION.list_all(self.snapshot))
        named = [each for each in base_connections if is_same_name(name, name_of(each))]
        fitting = [each for each in named if mapping(each.item.get("connectionSpec")).get("id") == self.vendor.spec_id]
        if len(fitting) > 1 and all(self.is_ours(BASE_CONNECTION, each) for each in fitting):
            # Concurrent applies created them; every writer uses the oldest.
            fitting = [min(fitting, key=lambda each: each.creation_order)]
        if len(fitting) > 1:
            ids = ", ".join(each.id for each in sorted(fitting, key=lambda each: each.creation_order))
            self.conflict(
                BASE_CONNECTION,
                name,
                f"several have this name: write `connection: {{id: ...}}` with one of {ids}",
                (),
                at,
            )
            raise PlanningStoppedError
        if named:
            return self.keep_base((fitting or named)[0], used=False)
        if written.airflow_conn_id:
            reason = f"with the credential of {written.airflow_conn_id!r}"
            return self.create(BASE_CONNECTION, name, reason=reason, login=Login(written.airflow_conn_id, self.vendor))
        hint = self.suggestion(name, map(name_of, base_connections))
        reason = f"there is no base connection with this name; to create it, write `airflow_conn_id`{hint}"
        self.conflict(BASE_CONNECTION, name, reason, (), at)
        raise PlanningStoppedError

    # ---- columns ---------------------------------------------------------------------------------------------------

    def check_columns(self, base: PlannedObject) -> None:
        """
        Check that the source has the columns that the definition uses, before an object is created for it.

        :raises PlanningStoppedError: if the table or resource does not exist, or lacks a column.
        """
        source, at = self.definition.source, ("source", "table" if self.definition.source.table else "resource")
        if base.existing is None or source.path:
            return
        try:
            known = Attributes(tuple(self.columns) if source.table else self._attributes(base.id))
        except InvalidInputError as error:
            self.conflict(SOURCE_CONNECTION, self.source_name, error.allowed, (), at)
            raise PlanningStoppedError from None
        except RequestError as error:
            if error.failure is not Failure.FINAL or error.status not in (400, 404):
                raise
            if isinstance(error, NotFoundError):
                BASE_CONNECTION.check_gone(self.snapshot, base.existing)
            reason = f"{source.place} cannot be explored: {error.problem.detail or error.problem.title or error}"
            self.conflict(SOURCE_CONNECTION, self.source_name, reason, (), at)
            raise PlanningStoppedError from None
        used: dict[tuple[str, ...], list[str]] = {
            ("mappings", from_destination(m.destination)): m.reads() for m in self.definition.mappings
        }
        if self.definition.delta_column:
            used[("delta_column",)] = [self.definition.delta_column.name]
        used[("source", "columns")] = list(source.columns or ())
        missing = {
            steps: f"{'.'.join(steps)}: {source.place} has no {column!r}{self.suggestion(column, known.names)}"
            for steps, columns in used.items()
            for column in columns
            if not known.has(column) and (not known.is_tree or known.corrections(column))
        }
        if missing:
            self.conflict(SOURCE_CONNECTION, self.source_name, "; ".join(missing.values()), (), next(iter(missing)))
            raise PlanningStoppedError

    @cached_property
    def columns(self) -> Mapping[str, Json]:
        """The table's columns by name, as the explore API returns them; empty if there is no table to explore."""
        base_id, table = self.base_id, self.definition.source.table
        if base_id is None or table is None:
            return {}
        return {column["name"]: column for column in flow_service.columns(self.snapshot, base_id, table)}

    #: The base connection's id; ``None`` until the base connection exists.
    base_id: str | None = None

    def _attributes(self, base_id: str) -> tuple[str, ...]:
        return tuple(flow_service.attributes(self.snapshot, base_id, self.definition.source.place))

    def type_of(self, column: str) -> str:
        """Return the XDM type for a field that a column is mapped to; ``string`` if explore reports no type."""
        found = Fields("a column", self.columns.get(column, {}))
        for kind in (xdm_type(found.below("xdm")), text(found.value("meta:xdmType"))):
            if kind in FIELD_TYPES:
                return str(kind)
        return "string"
