"""What a dataflow reads from, planned: base connection, source connection, and whether the table has what is mapped."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from unicodedata import normalize

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.attributes import Attributes
from airflow_provider_payments.aep.dataflows.chain import Chain, Known, StuckError
from airflow_provider_payments.aep.dataflows.converters import written_destination
from airflow_provider_payments.aep.dataflows.plan import Login
from airflow_provider_payments.aep.dataflows.sandbox import Parts, name_of
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

__all__ = ["SourceSteps", "choose"]

NO_REPLACEMENT = (
    "what a dataflow reads does not change under it. Three ways: write what is there; give the dataflow another name "
    "and dataset, and history comes again, into a fresh dataset; or another name, the same dataset and "
    "`backfill: false`, and accept the gap"
)


def choose(chain: Chain, desired: Resource, candidates: list[RemoteObject]) -> RemoteObject | None:
    """Return the one of several objects of a name that every writer chooses, ``None`` where there is none."""
    seen = []
    for existing in candidates:
        found = desired.differences(chain.snapshot, existing)
        deciding = tuple(difference for difference in found if desired.is_decisive(difference))
        seen.append(Seen(existing, deciding, checked=True))
    # A plan waits for nothing: what settles is there.
    action = decide(Rules(desired.kind.may_duplicate, 0.0), seen, Memory(searched=True), Now(0.0, chain.snapshot.now()))
    return action.seen.existing if isinstance(action, (Adopt, Resolve)) else None


class SourceSteps(Chain):
    """The steps up to the source connection."""

    def live_source(self, parts: Parts) -> None:
        """Hold the source connection of a dataflow against the definition: a change would not reach the dataflow."""
        source = self.definition.source
        if parts.source is None or parts.base is None:
            gone = "source connection" if parts.source is None else "base connection"
            self.conflict(SOURCE_CONNECTION, self.source_name, f"the dataflow's {gone} is gone")
            return
        name = name_of(parts.source) or self.source_name
        differences = self.source_connection(parts.base.id).differences(self.snapshot, parts.source)
        base, asked = parts.base, source.connection
        if (asked.id and asked.id != base.id) or (asked.name and not _is_named(asked.name, base)):
            differences = [Difference("source.connection", asked.id or asked.name, name_of(base)), *differences]
        else:
            self.base_is_right(base, used=True)
        if differences:
            self.conflict(SOURCE_CONNECTION, name, NO_REPLACEMENT, differences, ("source",), id=parts.source.id)
        else:
            self.keep(SOURCE_CONNECTION, name, parts.source, used=True)

    def new_source(self) -> tuple[Known, Known]:
        """Plan base and source connection of a dataflow that is not there yet."""
        base = self._base()
        desired = self.source_connection(base.id)
        named = list(desired.look_up(self.snapshot))
        free = [each for each in named if base.existing and each.id not in self.sandbox.users]
        right = [each for each in free if not desired.differences(self.snapshot, each)]
        if existing := choose(self, desired, right):
            return base, self.keep(SOURCE_CONNECTION, self.source_name, existing, used=False)
        ignored = tuple(each.id for each in named)
        return base, self.create(SOURCE_CONNECTION, self.source_name, desired, ignored=ignored)

    def source_connection(self, base_id: str) -> SourceConnection:
        """Return the source connection that is desired."""
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
        """What the source connection is called when it is created."""
        return self.definition.source.name or self.default_name("source")

    # ---- the base connection ---------------------------------------------------------------------------------------

    def base_is_right(self, base: RemoteObject, *, used: bool) -> Known:
        """Keep a base connection, if it is the vendor's."""
        name = name_of(base)
        spec_id = BASE_CONNECTION.fields_of(base).text("connectionSpec", "id")
        if spec_id != self.vendor.spec_id:
            reason = f"it is no base connection of {self.vendor.title}: name another one"
            changes = [Difference("connectionSpec.id", self.vendor.spec_id, spec_id)]
            self.conflict(BASE_CONNECTION, name, reason, changes, ("source", "connection"), id=base.id)
            raise StuckError
        return self.keep(BASE_CONNECTION, name, base, used=used)

    def _base(self) -> Known:
        asked, at = self.definition.source.connection, ("source", "connection")
        if asked.id:
            if existing := BASE_CONNECTION.find(self.snapshot, asked.id):
                return self.base_is_right(existing, used=False)
            self.conflict(BASE_CONNECTION, asked.id, "there is no base connection of this id", (), at)
            raise StuckError
        name = asked.name or ""
        everything = list(BASE_CONNECTION.list_all(self.snapshot))
        named = [each for each in everything if _is_named(name, each)]
        fitting = [each for each in named if mapping(each.item.get("connectionSpec")).get("id") == self.vendor.spec_id]
        if len(fitting) > 1 and all(self.is_ours(BASE_CONNECTION, each) for each in fitting):
            # Applies at the same time made them: all writers take the oldest.
            fitting = [min(fitting, key=lambda each: each.creation_order)]
        if len(fitting) > 1:
            ids = ", ".join(each.id for each in sorted(fitting, key=lambda each: each.creation_order))
            self.conflict(
                BASE_CONNECTION, name, f"several have this name: write `connection: {{id: ...}}`, one of {ids}", (), at
            )
            raise StuckError
        if named:
            return self.base_is_right((fitting or named)[0], used=False)
        if asked.airflow_conn_id:
            reason = f"with the credential of {asked.airflow_conn_id!r}"
            return self.create(BASE_CONNECTION, name, reason=reason, login=Login(asked.airflow_conn_id, self.vendor))
        hint = self.similar(name, map(name_of, everything))
        reason = f"there is no base connection of this name; to create it, write `airflow_conn_id`{hint}"
        self.conflict(BASE_CONNECTION, name, reason, (), at)
        raise StuckError

    # ---- columns ---------------------------------------------------------------------------------------------------

    def check_columns(self, base: Known) -> None:
        """
        Hold mapped columns and the delta column against the table, before anything is made for it.

        :raises StuckError: if the table is not there, or lacks one.
        """
        source, at = self.definition.source, ("source", "table" if self.definition.source.table else "resource")
        if base.existing is None or source.path:
            return
        try:
            known = Attributes(tuple(self.columns) if source.table else self._attributes(base.id))
        except InvalidInputError as error:
            self.conflict(SOURCE_CONNECTION, self.source_name, error.allowed, (), at)
            raise StuckError from None
        except RequestError as error:
            if error.failure is not Failure.FINAL or error.status not in (400, 404):
                raise
            if isinstance(error, NotFoundError):
                BASE_CONNECTION.check_gone(self.snapshot, base.existing)
            reason = f"{source.place} cannot be explored: {error.problem.detail or error.problem.title or error}"
            self.conflict(SOURCE_CONNECTION, self.source_name, reason, (), at)
            raise StuckError from None
        asked: dict[tuple[str, ...], list[str]] = {
            ("mappings", written_destination(m.destination)): m.reads() for m in self.definition.mappings
        }
        if self.definition.delta_column:
            asked[("delta_column",)] = [self.definition.delta_column.name]
        asked[("source", "columns")] = list(source.columns or ())
        wrong = {
            steps: f"{'.'.join(steps)}: {source.place} has no {column!r}{self.similar(column, known.names)}"
            for steps, columns in asked.items()
            for column in columns
            if not known.has(column) and (not known.is_tree or known.corrections(column))
        }
        if wrong:
            self.conflict(SOURCE_CONNECTION, self.source_name, "; ".join(wrong.values()), (), next(iter(wrong)))
            raise StuckError

    @cached_property
    def columns(self) -> Mapping[str, Json]:
        """The table's columns by name, as explore gives them; empty where there is no table to ask for."""
        base_id, table = self.base_id, self.definition.source.table
        if base_id is None or table is None:
            return {}
        return {column["name"]: column for column in flow_service.columns(self.snapshot, base_id, table)}

    #: The base connection, once it is known to be there.
    base_id: str | None = None

    def _attributes(self, base_id: str) -> tuple[str, ...]:
        return tuple(flow_service.attributes(self.snapshot, base_id, self.definition.source.place))

    def type_of(self, column: str) -> str:
        """Return the type of a field that a column is mapped to: text where explore tells none."""
        found = Fields("a column", self.columns.get(column, {}))
        for kind in (xdm_type(found.below("xdm")), text(found.value("meta:xdmType"))):
            if kind in FIELD_TYPES:
                return str(kind)
        return "string"


def _is_named(name: str, existing: RemoteObject) -> bool:
    return normalize("NFC", name) == normalize("NFC", name_of(existing))
