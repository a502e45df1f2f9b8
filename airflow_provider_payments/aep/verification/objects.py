"""
What a verification makes in the sandbox: a few objects of each kind, marked, and removed at its end.

They are what the operators would send. An object is made with the first check that needs it. Whatever happens, what was
made is deleted; what a run that was killed has left is found by its marks and deleted by the next one.
"""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError
from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.provisioning.removing import find_marked, list_whole
from airflow_provider_payments.aep.resources.catalog import DATASET, Dataset
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET, TENANT_PLACEHOLDER, MappingSet
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW, Dataflow
from airflow_provider_payments.aep.resources.flow_service import (
    BASE_CONNECTION,
    SOURCE_CONNECTION,
    TARGET_CONNECTION,
    BaseConnection,
    SourceConnection,
    TargetConnection,
)
from airflow_provider_payments.aep.resources.kind import Existing
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schedule import Schedule
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA, FieldGroup, Schema
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.probe import SpentError, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client, Params
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.marks import Mark
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Probe, Seen
    from airflow_provider_payments.aep.verification.source import SourceData

__all__ = ["KINDS", "OWNER", "Objects", "mapping_set"]

log = logging.getLogger(__name__)

#: Whom the marks name.
OWNER = "payments-verify"
#: The kinds in the order of their creation; each may refer to those before it.
KINDS = {
    kind.name.replace(" ", "_"): kind
    for kind in (
        FIELD_GROUP,
        SCHEMA,
        DATASET,
        MAPPING_SET,
        BASE_CONNECTION,
        SOURCE_CONNECTION,
        TARGET_CONNECTION,
        DATAFLOW,
    )
}
#: A dataflow begins so long after its creation: it is deleted long before.
START_DELAY = timedelta(days=1)
#: Requests that the deletion of one object takes at most, with a repeat.
REQUESTS_A_DELETION = 2


@attrs.define
class Made:
    """
    An object that was made.

    :param kind: its key in :data:`KINDS`.
    :param at: when the answer came, by the clock's ``monotonic``.
    """

    kind: str
    existing: Existing
    name: str
    at: float


@attrs.define
class Objects:
    """
    The objects of one verification.

    :param probe: its client makes and deletes them.
    :param source: where source connections and dataflows read; ``None`` where the caller names none.
    :param size: how many of each kind are made.
    """

    probe: Probe
    source: SourceData | None
    size: int
    #: Distinguishes the names of this run from those of others.
    serial: str = attrs.field(factory=lambda: secrets.token_hex(3))
    made: list[Made] = attrs.field(factory=list)
    #: Kinds of which some could not be deleted, each as often.
    left: list[str] = attrs.field(factory=list)
    #: Whether a creation may have taken effect that is not among ``made``.
    is_uncertain: bool = False
    _writer: Writer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._writer = Writer(OWNER, run=self.serial)

    def name(self, kind: str) -> str:
        """Return the name that objects of a kind get; it holds blanks. Titles are unique among all kinds of schemas."""
        return f"payments verify {KINDS[kind].name} {self.serial}"

    @property
    def _client(self) -> Client:
        return self.probe.client

    # ---- making ----------------------------------------------------------------------------------------------------

    def of(self, kind: str) -> list[Made]:
        """Return the objects of a kind that are there, in the order of their creation."""
        return [made for made in self.made if made.kind == kind]

    def first(self, kind: str) -> str:
        """Return the id of an object of a kind, made now if there is none; others may refer to it."""
        return (self.of(kind) or [self.make(kind)])[0].existing.id

    def make(self, kind: str, name: str = "", desired: Resource | None = None) -> Made:
        """
        Make an object.

        :param kind: its key.
        :param name: another name than the usual one.
        :param desired: another value than the usual one.
        :raises RequestError: if the service refuses it; nothing was made then.
        :raises NotTriedError: if it is not known whether it was made.
        """
        desired = desired or self.desired(kind, name)
        ready = desired.ready(self._client)
        self.is_uncertain, certain = True, self.is_uncertain
        try:
            existing = ready.create(self._client, self._writer.mark())
        except SpentError:
            self.is_uncertain = certain
            raise
        except RequestError as error:
            if error.failure is Failure.AMBIGUOUS:
                raise NotTriedError(f"the creation of a {KINDS[kind]} was not answered") from None
            self.is_uncertain = certain
            raise
        self.is_uncertain = certain
        return self._note(kind, existing, desired.name)

    def _note(self, kind: str, existing: Existing, name: str) -> Made:
        made = Made(kind, existing, name, self._client.transport.clock.monotonic())
        self.made.append(made)
        self.probe.pace.reserve += REQUESTS_A_DELETION
        return made

    def post(self, kind: str, body: Json, params: Params | None = None) -> tuple[Seen, Made | None]:
        """
        Send a creation as it is written here, with a mark; what it makes is removed like the other objects.

        :param kind: its key.
        :param body: the JSON to send.
        :return: the answer, and what was made; ``None``: nothing, as far as the answer tells.
        """
        name = str(body.get(KINDS[kind].name_key) or "")
        self.is_uncertain, certain = True, self.is_uncertain
        marked = KINDS[kind].marked(body, self._writer.mark())
        try:
            seen = self.probe.send("POST", KINDS[kind].path, params, body=marked)
        except SpentError:
            self.is_uncertain = certain
            raise
        made_id = _made_id(kind, seen.body)
        self.is_uncertain = certain or not (made_id or 400 <= seen.status < 500)
        return seen, self._note(kind, Existing(made_id), name) if made_id else None

    def make_or_skip(self, kind: str, name: str = "") -> Made:
        """
        Make an object that a check needs and does not judge.

        :raises NotTriedError: if the service refuses it.
        """
        try:
            return self.make(kind, name)
        except RequestError as error:
            raise NotTriedError(f"the creation of a {KINDS[kind]} {refusal_of(error)}") from None

    def desired(self, kind: str, name: str = "") -> Resource:
        """Return the usual value of a kind; what it refers to is made now if it is not there."""
        return _DESIRED[kind](self, name or self.name(kind))

    def require_source(self) -> SourceData:
        """
        Return where rows come from.

        :raises NotTriedError: if the caller names no base connection.
        """
        if self.source is None:
            raise NotTriedError("it needs a base connection")
        return self.source

    def _own(self, kind: str) -> str:
        """Return the id of an object that nothing else refers to: dataflows share no connections."""
        taken = len(self.of("dataflow"))
        while len(self.of(kind)) <= taken:
            self.make(kind)
        return self.of(kind)[taken].existing.id

    # ---- removing --------------------------------------------------------------------------------------------------

    def forget(self, made: Made) -> None:
        """Note that an object need not be removed any more."""
        self.made.remove(made)
        pace = self.probe.pace
        pace.reserve = max(0, pace.reserve - REQUESTS_A_DELETION)

    def delete(self, made: Made) -> bool:
        """Delete an object; return whether it is gone. One that the service keeps is noted."""
        try:
            KINDS[made.kind].delete(self._client, made.existing)
        except RequestError as error:
            if error.failure is not Failure.FINAL:
                raise
            log.warning("a %s of the verification stays: %s", KINDS[made.kind], error)
            self.left.append(made.kind)
            self.forget(made)
            return False
        self.forget(made)
        return True

    def delete_all_of(self, kind: str) -> list[Made]:
        """Delete the objects of a kind and those that may refer to them; return those of the kind that are gone."""
        order = list(KINDS)
        gone = []
        for each in reversed(order[order.index(kind) :]):
            gone = [made for made in reversed(self.of(each)) if self.delete(made)]
        return gone[::-1]

    def remove_all(self) -> None:
        """Delete everything that was made, also where its creation was not answered."""
        self.probe.pace.reserve = 0
        for kind in reversed(KINDS):
            for made in self.of(kind):
                try:
                    self.delete(made)
                except PlatformError as error:
                    log.warning("a %s of the verification may be left: %s; the next run removes it", kind, error)
                    self.made.remove(made)
                    self.left.append(kind)
        if self.is_uncertain:
            client = self._client
            client.transport.clock.sleep(max(client.settle_seconds, client.dataflow_settle_seconds) + TICK_SECONDS)
            self.remove_leftovers()

    def remove_leftovers(self) -> int:
        """Delete what other runs have left, by their marks; return how many objects went."""
        client, gone = self._client, 0
        found = {key: find_marked(client, kind, _is_ours) for key, kind in KINDS.items() if kind.carries_mark}
        # Mapping sets carry no mark: theirs are those of schemas that do.
        schemas = {existing.id for existing in found["schema"]}
        sets = list_whole(client, MAPPING_SET) if schemas else []
        found["mapping_set"] = [existing for existing in sets if MAPPING_SET.belongs_to(existing) in schemas]
        for key in reversed(KINDS):
            for existing in found[key]:
                refusal = KINDS[key].refusal(client, existing)
                log.log(logging.WARNING if refusal else logging.INFO, "left by another run: %s %s", key, refusal)
                gone += not refusal
                self.left += [key] if refusal else []
        return gone


def _made_id(kind: str, body: object) -> str | None:
    if isinstance(body, list):  # Catalog: ["@/dataSets/5c8c..."]
        return (readers.text(body[0]) or "").rpartition("/")[2] or None if body else None
    return readers.text(readers.at(body, KINDS[kind].id_key))


def _is_ours(mark: Mark | None) -> bool:
    return mark is not None and mark.owner == OWNER


# ---- the usual values ----------------------------------------------------------------------------------------------


def _field_group(objects: Objects, name: str) -> Resource:
    return FieldGroup(name=name, fields={"paymentsVerify.reference": "string", "paymentsVerify.amount": "number"})


def _schema(objects: Objects, name: str) -> Resource:
    return Schema(name=name, field_groups=(objects.first("field_group"),))


def _dataset(objects: Objects, name: str) -> Resource:
    return Dataset(name=name, schema_id=objects.first("schema"))


def mapping_set(objects: Objects, name: str, field: str = "reference") -> MappingSet:
    """
    Return the value of a mapping set.

    :param field: of our own field group, which a column of the source fills.
    """
    column = objects.source.text_column if objects.source else "reference"
    destination = f"_{TENANT_PLACEHOLDER}.paymentsVerify.{field}"
    return MappingSet(name=name, schema_id=objects.first("schema"), mappings={destination: column})


def _base_connection(objects: Objects, name: str) -> Resource:
    source = objects.require_source()
    if not source.credential:
        raise NotTriedError("it needs a vendor's connection")
    return BaseConnection(name=name, source=source.source, credential=source.credential)


def _source_connection(objects: Objects, name: str) -> Resource:
    source = objects.require_source()
    return SourceConnection(
        name=name, base_connection_id=source.base_connection_id, spec_id=source.source.spec_id, **source.place
    )


def _target_connection(objects: Objects, name: str) -> Resource:
    return TargetConnection(name=name, dataset_id=objects.first("dataset"), schema_id=objects.first("schema"))


def _dataflow(objects: Objects, name: str) -> Resource:
    source = objects.require_source()
    start = datetime.fromtimestamp(objects.probe.client.now(), UTC) + START_DELAY
    return Dataflow(
        name=name,
        source_connection_id=objects._own("source_connection"),
        target_connection_id=objects._own("target_connection"),
        flow_spec=source.flow_spec,
        mapping_set_id=objects.first("mapping_set"),
        schedule=Schedule(frequency="day", interval=1, start_time=start),
        delta_column=source.delta_column,
    )


_DESIRED: dict[str, Callable[[Objects, str], Resource]] = {
    "field_group": _field_group,
    "schema": _schema,
    "dataset": _dataset,
    "mapping_set": mapping_set,
    "base_connection": _base_connection,
    "source_connection": _source_connection,
    "target_connection": _target_connection,
    "dataflow": _dataflow,
}
