"""
The objects that a verification creates in the sandbox: a few of each kind, marked, and deleted at its end.

Their values are those that the operators send. An object is created for the first check that needs one. All are deleted
at the end, also after an error or an interruption; those of a killed verification are deleted by the next one.
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
from airflow_provider_payments.aep.verification.created_object import CreatedObject, id_in_receipt, may_have_created
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import KINDS, NAME_PREFIX, OWNER, find_marked_objects, max_objects
from airflow_provider_payments.aep.verification.probe import LimitReachedError, UnansweredError, failure_text
from airflow_provider_payments.aep.verification.samples import SAMPLE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client, Params
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.probe import Answer, Probe
    from airflow_provider_payments.aep.verification.source import SourceData

__all__ = ["Objects", "mapping_set"]

log = logging.getLogger(__name__)

#: Time from the creation of a dataflow to its start time, long after its deletion.
START_DELAY = timedelta(days=1)
#: Seconds between two reads of an object that cannot be read yet.
READ_AGAIN_SECONDS = 2.0
#: Requests of one deletion without retries.
REQUESTS_PER_DELETION = 1


@attrs.define
class Objects:
    """
    The objects of one verification.

    :param probe: its client creates and deletes the objects.
    :param source: the source of source connections and dataflows; ``None`` if the caller names no base connection.
    :param size: number of objects of each kind that are measured.
    """

    probe: Probe
    source: SourceData | None
    size: int
    #: Distinguishes the names of this verification's objects from those of other verifications.
    serial: str = attrs.field(factory=lambda: secrets.token_hex(3))
    created: list[CreatedObject] = attrs.field(factory=list)
    #: The objects that could not be deleted, each with the reason.
    undeleted: list[tuple[CreatedObject, str]] = attrs.field(factory=list)
    #: Number of creations that were sent and whose objects, if any, are not in ``created``.
    _unconfirmed: int = attrs.field(default=0, init=False)
    #: Kinds with a creation that was not answered.
    _unanswered_kinds: set[str] = attrs.field(factory=set, init=False)
    #: Number of objects of each kind that were or may have been created.
    _counts: Counter[str] = attrs.field(factory=Counter, init=False)
    _writer: Writer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._writer = Writer(OWNER, run=self.serial)

    def name(self, kind: str) -> str:
        """Return a name with blanks for objects of a kind; titles must be unique among all kinds of the registry."""
        return f"{NAME_PREFIX} {KINDS[kind].name} {self.serial}"

    @property
    def left(self) -> list[str]:
        """The kind of each object that could not be deleted."""
        return [created.kind for created, _ in self.undeleted]

    @property
    def _client(self) -> Client:
        return self.probe.client

    # ---- creation --------------------------------------------------------------------------------------------------

    def of_kind(self, kind: str) -> list[CreatedObject]:
        """Return the existing objects of a kind in the order of their creation."""
        return [created for created in self.created if created.kind == kind]

    def first_id(self, kind: str) -> str:
        """Return the id of the first object of a kind; if there is none, create one and wait until it can be read."""
        if created := self.of_kind(kind):
            return created[0].id
        first, clock = self.create(kind), self._client.transport.clock
        with suppress(RequestError):  # other objects may be able to refer to an object that cannot be read
            while not self.is_readable(first) and clock.monotonic() < first.created_at + READ_LAG_SECONDS:
                clock.sleep(READ_AGAIN_SECONDS)
        return first.id

    def is_readable(self, created: CreatedObject) -> bool:
        """Return whether a read by its id finds an object."""
        try:
            KINDS[created.kind].get(self._client, created.id)
        except NotFoundError:
            return False
        except UnreadableError:
            return True
        return True

    def create(self, kind: str, name: str = "", desired: Resource | None = None) -> CreatedObject:
        """
        Create an object.

        :param kind: key of its kind.
        :param name: its name. Defaults to :meth:`name`.
        :param desired: its value. Defaults to the kind's usual value, :meth:`desired`.
        :raises RequestError: if the service refuses the creation; no object was created then.
        :raises NotTriedError: if the creation was not answered, or the maximum number of objects is reached.
        """
        desired = desired or self.desired(kind, name)
        ready = desired.ready(self._client)
        self._reserve(kind)
        try:
            existing = ready.create(self._client, self._writer.mark())
        except (PlatformError, LimitReachedError) as error:
            if isinstance(error, LimitReachedError) or not may_have_created(error):
                self._cancel(kind)
                raise
            self._find_unconfirmed(kind)
            raise _unanswered(kind) from None
        return self._record_created(kind, existing, desired.name)

    def post(self, kind: str, body: Json, params: Params | None = None) -> tuple[Answer, CreatedObject | None]:
        """
        Send a creation with a given body and a mark; return the answer, and the created object if the answer names one.

        :param kind: key of the kind.
        :param body: the JSON to send; the mark is added.
        :param params: query parameters. Defaults to none.
        """
        name = str(body.get(KINDS[kind].name_key) or "")
        marked = KINDS[kind].marked(body, self._writer.mark())
        self._reserve(kind)
        try:
            answer = self.probe.send("POST", KINDS[kind].path, params, body=marked)
        except NotTriedError as error:
            if isinstance(error, UnansweredError):
                self._find_unconfirmed(kind)
            else:
                self._cancel(kind)
            raise
        if object_id := id_in_receipt(kind, answer.body):
            return answer, self._record_created(kind, RemoteObject(object_id), name)
        if 400 <= answer.status < 500 and answer.form == "json":
            self._cancel(kind)
        else:
            self._find_unconfirmed(kind)
        return answer, None

    def _reserve(self, kind: str) -> None:
        """Count a creation before it is sent, up to the announced number of objects of its kind."""
        if kind in self._unanswered_kinds:  # another lost answer would cost another wait for its object
            raise _unanswered(kind)
        if self._counts[kind] == max_objects(kind, self.size):
            raise LimitReachedError(f"the number of {KINDS[kind]}s that may be created is reached")
        self._counts[kind] += 1
        self._unconfirmed += 1

    def _cancel(self, kind: str) -> None:
        """Undo :meth:`_reserve` for a creation that created no object."""
        self._counts[kind] -= 1
        self._unconfirmed -= 1

    def _record_created(self, kind: str, existing: RemoteObject, name: str) -> CreatedObject:
        created = CreatedObject(kind, existing, name, self._client.transport.clock.monotonic())
        self._track(created)
        self._unconfirmed -= 1
        return created

    def _track(self, created: CreatedObject) -> None:
        self.created.append(created)
        self.probe.budget.reserve += REQUESTS_PER_DELETION

    def untrack(self, created: CreatedObject) -> None:
        """Stop tracking an object, and release the requests that were reserved for its deletion."""
        self.created.remove(created)
        self.probe.budget.reserve -= REQUESTS_PER_DELETION

    def create_or_skip(self, kind: str, name: str = "") -> CreatedObject:
        """
        Create an object that a check needs, and whose creation it does not judge.

        :raises NotTriedError: if the service refuses the creation.
        """
        try:
            return self.create(kind, name)
        except RequestError as error:
            raise NotTriedError(f"the creation of a {KINDS[kind]} {failure_text(error)}") from None

    def desired(self, kind: str, name: str = "") -> Resource:
        """Return the usual value of a kind. The objects that it refers to are created now if there are none."""
        return _DESIRED[kind](self, name or self.name(kind))

    def require_source(self) -> SourceData:
        """
        Return the source of rows.

        :raises NotTriedError: if the caller names no base connection.
        """
        if self.source is None:
            raise NotTriedError("it needs a base connection")
        return self.source

    def _unshared_id(self, kind: str) -> str:
        """Return the id of a connection that no dataflow uses yet: dataflows share no connections."""
        used = len(self.of_kind("dataflow"))
        while len(self.of_kind(kind)) <= used:
            self.create(kind)
        return self.of_kind(kind)[used].id

    # ---- deletion --------------------------------------------------------------------------------------------------

    def delete(self, created: CreatedObject) -> bool:
        """Delete an object, and return whether the service did so. A refused deletion is repeated at the end."""
        refusal = KINDS[created.kind].try_delete(self._client, created.existing)
        self.untrack(created)
        if refusal:
            self.undeleted.append((created, refusal))
        return not refusal

    def delete_all_of(self, kind: str) -> list[CreatedObject]:
        """Delete the objects of a kind and those that may refer to them; return the deleted objects of the kind."""
        order = list(KINDS)
        deleted = []
        for each in reversed(order[order.index(kind) :]):
            deleted = [created for created in reversed(self.of_kind(each)) if self.delete(created)]
        return deleted[::-1]

    def remove_all(self) -> None:
        """Delete all created objects, including those of creations that were not answered."""
        if self._unconfirmed:
            self._find_unconfirmed()
        with self.probe.budget.unlimited():
            self._delete_all()
            if self.undeleted:
                self._repeat_refused()
        for created, reason in self.undeleted:
            log.warning("A %s of the verification is not deleted: %s", KINDS[created.kind], reason)

    def remove_leftovers(self) -> None:
        """
        Delete the marked objects of other verifications.

        :raises PlatformError: if they cannot be listed.
        """
        with self.probe.budget.unlimited():
            for found in self._list_marked():
                self._track(found)
            self._delete_all()

    def _delete_all(self) -> None:
        """Delete all tracked objects; one that cannot be deleted does not prevent the deletion of the others."""
        for kind in reversed(KINDS):
            for created in self.of_kind(kind):
                try:
                    self.delete(created)
                except PlatformError as error:
                    self.untrack(created)
                    self.undeleted.append((created, f"{error}; the next verification deletes it"))

    def _repeat_refused(self) -> None:
        """Repeat refused deletions: the service may not have noticed yet that the referring objects are deleted."""
        self._client.transport.clock.sleep(self._client.settle_seconds)
        refused, self.undeleted = self.undeleted, []
        for created, _ in refused:
            self._track(created)
        self._delete_all()

    def _find_unconfirmed(self, *kinds: str) -> None:
        """
        Find the objects of creations that were not answered, after the settle time.

        :param kinds: keys of kinds whose creation was not answered; no further object of them is created.
        """
        self._unanswered_kinds |= set(kinds)
        client = self._client
        seconds = max(client.settle_seconds, client.dataflow_settle_seconds) + TICK_SECONDS
        log.warning("A creation of the verification was not answered; searching for its object in %.0f s", seconds)
        client.transport.clock.sleep(seconds)
        known = {created.id for created in self.created}
        try:
            with self.probe.budget.unlimited():
                lost = [found for found in self._list_marked() if found.id not in known]
        except PlatformError as error:
            log.warning("An object of the verification may remain: %s; the next verification deletes it", error)
            return
        for found in lost:
            self._track(found)
        self._unconfirmed = 0

    def _list_marked(self) -> list[CreatedObject]:
        """Return the listed objects of this and other verifications."""
        found = find_marked_objects(self._client)
        pairs = ((kind, item) for kind, items in found.items() for item in items)
        return [CreatedObject(kind, item, name_of(KINDS[kind], item), 0.0) for kind, item in pairs]


def _unanswered(kind: str) -> NotTriedError:
    return NotTriedError(f"the creation of a {KINDS[kind]} was not answered")


# ---- the usual values ----------------------------------------------------------------------------------------------


def _field_group(objects: Objects, name: str) -> Resource:
    fields = {"reference": "string", "amount": "number"} | SAMPLE_FIELDS
    return FieldGroup(name=name, fields={f"paymentsVerify.{field}": kind for field, kind in fields.items()})


def _schema(objects: Objects, name: str) -> Resource:
    return Schema(name=name, field_groups=(objects.first_id("field_group"),))


def _dataset(objects: Objects, name: str) -> Resource:
    return Dataset(name=name, schema_id=objects.first_id("schema"))


def mapping_set(objects: Objects, name: str, field: str = "reference") -> MappingSet:
    """
    Return the value of a mapping set.

    :param name: its name.
    :param field: the field of our own field group to which a column of the source is mapped. Defaults to
        ``"reference"``.
    """
    column = objects.source.text_column if objects.source else "reference"
    destination = f"_{TENANT_PLACEHOLDER}.paymentsVerify.{field}"
    return MappingSet(name=name, schema_id=objects.first_id("schema"), mappings={destination: column})


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
    return TargetConnection(name=name, dataset_id=objects.first_id("dataset"), schema_id=objects.first_id("schema"))


def _dataflow(objects: Objects, name: str) -> Resource:
    source = objects.require_source()
    start = datetime.fromtimestamp(objects.probe.client.now(), UTC) + START_DELAY
    return Dataflow(
        name=name,
        source_connection_id=objects._unshared_id("source_connection"),
        target_connection_id=objects._unshared_id("target_connection"),
        flow_spec=source.flow_spec,
        mapping_set_id=objects.first_id("mapping_set"),
        # Without a backfill, a dataflow that cannot be deleted ingests no old rows.
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
