"""
What a verification makes in the sandbox: a few objects of each kind, marked, and removed at its end.

They are what the operators would send. An object is made with the first check that needs it. Whatever happens, what was
made is deleted; what a run that was killed has left is found by its marks and deleted by the next one.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS
from airflow_provider_payments.aep.errors import NotFoundError, PlatformError, RequestError, UnreadableError
from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.resources.catalog import Dataset
from airflow_provider_payments.aep.resources.data_prep import TENANT_PLACEHOLDER, MappingSet
from airflow_provider_payments.aep.resources.dataflow import Dataflow
from airflow_provider_payments.aep.resources.finding import name_of
from airflow_provider_payments.aep.resources.flow_service import BaseConnection, SourceConnection, TargetConnection
from airflow_provider_payments.aep.resources.kind import RemoteObject
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schedule import Schedule
from airflow_provider_payments.aep.resources.schema_registry import FieldGroup, Schema
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import KINDS, NAME, OWNER, find_marked_objects, max_objects
from airflow_provider_payments.aep.verification.made import Made, made_id, may_have_worked
from airflow_provider_payments.aep.verification.probe import SpentError, UnansweredError, refusal_of
from airflow_provider_payments.aep.verification.samples import SAMPLE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client, Params
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Probe, Seen
    from airflow_provider_payments.aep.verification.source import SourceData

__all__ = ["Objects", "mapping_set"]

log = logging.getLogger(__name__)

#: A dataflow begins so long after its creation: it is deleted long before.
START_DELAY = timedelta(days=1)
#: Seconds between two reads of an object that cannot be read yet.
READ_AGAIN_SECONDS = 2.0
#: Requests that the deletion of one object takes, unless it is repeated.
REQUESTS_A_DELETION = 1


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
    #: What could not be deleted, each with the reason.
    kept: list[tuple[Made, str]] = attrs.field(factory=list)
    #: Creations that were begun and may have made an object that is not among ``made``.
    _open: int = attrs.field(default=0, init=False)
    #: Kinds of which a creation was not answered.
    _unanswered_kinds: set[str] = attrs.field(factory=set, init=False)
    #: By kind, the objects that were made, or may have been.
    _counts: Counter[str] = attrs.field(factory=Counter, init=False)
    _writer: Writer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._writer = Writer(OWNER, run=self.serial)

    def name(self, kind: str) -> str:
        """Return the name that objects of a kind get; it holds blanks. Titles are unique among all kinds of schemas."""
        return f"{NAME} {KINDS[kind].name} {self.serial}"

    @property
    def left(self) -> list[str]:
        """The kinds of what could not be deleted, each as often."""
        return [made.kind for made, _ in self.kept]

    @property
    def _client(self) -> Client:
        return self.probe.client

    # ---- making ----------------------------------------------------------------------------------------------------

    def of(self, kind: str) -> list[Made]:
        """Return the objects of a kind that are there, in the order of their creation."""
        return [made for made in self.made if made.kind == kind]

    def first(self, kind: str) -> str:
        """Return the id of an object of a kind, made now if there is none: what others refer to must be readable."""
        if made := self.of(kind):
            return made[0].existing.id
        first, clock = self.make(kind), self._client.transport.clock
        with suppress(RequestError):  # one that cannot be read may be of use though
            while not self.is_readable(first) and clock.monotonic() < first.at + READ_LAG_SECONDS:
                clock.sleep(READ_AGAIN_SECONDS)
        return first.existing.id

    def is_readable(self, made: Made) -> bool:
        """Whether a read by its id finds an object."""
        try:
            KINDS[made.kind].get(self._client, made.existing.id)
        except NotFoundError:
            return False
        except UnreadableError:
            return True
        return True

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
        self._begin(kind)
        try:
            existing = ready.create(self._client, self._writer.mark())
        except (PlatformError, SpentError) as error:
            if isinstance(error, SpentError) or not may_have_worked(error):
                self._not_made(kind)
                raise
            self._find_lost(kind)
            raise _unanswered(kind) from None
        return self._made(kind, existing, desired.name)

    def post(self, kind: str, body: Json, params: Params | None = None) -> tuple[Seen, Made | None]:
        """
        Send a creation as it is written here, with a mark; what it makes is removed like the other objects.

        :param kind: its key.
        :param body: the JSON to send.
        :return: the answer, and what was made; ``None``: nothing, as far as the answer tells.
        """
        name = str(body.get(KINDS[kind].name_key) or "")
        marked = KINDS[kind].marked(body, self._writer.mark())
        self._begin(kind)
        try:
            seen = self.probe.send("POST", KINDS[kind].path, params, body=marked)
        except NotTriedError as error:
            if isinstance(error, UnansweredError):
                self._find_lost(kind)
            else:
                self._not_made(kind)
            raise
        if object_id := made_id(kind, seen.body):
            return seen, self._made(kind, RemoteObject(object_id), name)
        if 400 <= seen.status < 500 and seen.form == "json":
            self._not_made(kind)
        else:
            self._find_lost(kind)
        return seen, None

    def _begin(self, kind: str) -> None:
        """Take note that an object is going to be made: no more of a kind than were announced."""
        if kind in self._unanswered_kinds:  # it would be waited for once more
            raise _unanswered(kind)
        if self._counts[kind] == max_objects(kind, self.size):
            raise SpentError(f"the number of {KINDS[kind]}s that may be made is reached")
        self._counts[kind] += 1
        self._open += 1

    def _not_made(self, kind: str) -> None:
        self._counts[kind] -= 1
        self._open -= 1

    def _made(self, kind: str, existing: RemoteObject, name: str) -> Made:
        made = Made(kind, existing, name, self._client.transport.clock.monotonic())
        self._hold(made)
        self._open -= 1
        return made

    def _hold(self, made: Made) -> None:
        self.made.append(made)
        self.probe.pace.reserve += REQUESTS_A_DELETION

    def forget(self, made: Made) -> None:
        """Note that an object need not be removed any more."""
        self.made.remove(made)
        self.probe.pace.reserve -= REQUESTS_A_DELETION

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

    def delete(self, made: Made) -> bool:
        """Delete an object; return whether it is gone. One that the service keeps is tried again at the end."""
        refusal = KINDS[made.kind].refusal(self._client, made.existing)
        self.forget(made)
        if refusal:
            self.kept.append((made, refusal))
        return not refusal

    def delete_all_of(self, kind: str) -> list[Made]:
        """Delete the objects of a kind and those that may refer to them; return those of the kind that are gone."""
        order = list(KINDS)
        gone = []
        for each in reversed(order[order.index(kind) :]):
            gone = [made for made in reversed(self.of(each)) if self.delete(made)]
        return gone[::-1]

    def remove_all(self) -> None:
        """Delete everything that was made, also where its creation was not answered."""
        if self._open:
            self._find_lost()
        with self.probe.pace.unlimited():
            self._delete_all()
            if self.kept:
                self._delete_kept()
        for made, reason in self.kept:
            log.warning("A %s of the verification stays: %s", KINDS[made.kind], reason)

    def remove_leftovers(self) -> None:
        """
        Delete what other runs have left, by their marks.

        :raises PlatformError: if it cannot be found.
        """
        with self.probe.pace.unlimited():
            for found in self._listed():
                self._hold(found)
            self._delete_all()

    def _delete_all(self) -> None:
        """Delete all that is known; what cannot be deleted hinders nothing else."""
        for kind in reversed(KINDS):
            for made in self.of(kind):
                try:
                    self.delete(made)
                except PlatformError as error:
                    self.forget(made)
                    self.kept.append((made, f"{error}; the next run removes it"))

    def _delete_kept(self) -> None:
        """Delete what was refused before: the service may not have known yet that what refers to it is gone."""
        self._client.transport.clock.sleep(self._client.settle_seconds)
        kept, self.kept = self.kept, []
        for made, _ in kept:
            self._hold(made)
        self._delete_all()

    def _find_lost(self, *kinds: str) -> None:
        """
        Find what was made by a creation that was not answered, once lists must show it.

        :param kinds: of which no other is tried.
        """
        self._unanswered_kinds |= set(kinds)
        client = self._client
        seconds = max(client.settle_seconds, client.dataflow_settle_seconds) + TICK_SECONDS
        log.warning("A creation of the verification was not answered: looking for its object in %.0f s", seconds)
        client.transport.clock.sleep(seconds)
        known = {made.existing.id for made in self.made}
        try:
            with self.probe.pace.unlimited():
                lost = [found for found in self._listed() if found.existing.id not in known]
        except PlatformError as error:
            log.warning("An object of the verification may stay: %s; the next run removes it", error)
            return
        for found in lost:
            self._hold(found)
        self._open = 0

    def _listed(self) -> list[Made]:
        """Return what this run or another has made, as lists show it."""
        found = find_marked_objects(self._client)
        return [Made(kind, one, name_of(KINDS[kind], one), 0.0) for kind, items in found.items() for one in items]


def _unanswered(kind: str) -> NotTriedError:
    return NotTriedError(f"the creation of a {KINDS[kind]} was not answered")


# ---- the usual values ----------------------------------------------------------------------------------------------


def _field_group(objects: Objects, name: str) -> Resource:
    fields = {"reference": "string", "amount": "number"} | SAMPLE_FIELDS
    return FieldGroup(name=name, fields={f"paymentsVerify.{field}": kind for field, kind in fields.items()})


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
        # Should it stay though, it brings in no old rows.
        schedule=Schedule(frequency="day", interval=1, start_time=start, backfill=False),
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
