"""
The provisioning of one object: each step observes, carries out what :func:`.decide.decide` returns, and names a pause.

An operation does not sleep while objects settle: the driver in :mod:`.ensure` sleeps, once for all its operations.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS, Patience, ReadLagError
from airflow_provider_payments.aep.api.settling import Settling
from airflow_provider_payments.aep.errors import (
    ConflictError,
    Failure,
    NotFoundError,
    PlatformError,
    RequestError,
    UnlistedError,
    UnreadableError,
    UnsettledError,
)
from airflow_provider_payments.aep.http.clock import Deadline
from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.provisioning.changing import Changes
from airflow_provider_payments.aep.provisioning.decide import (
    Adopt,
    Check,
    Create,
    GiveUp,
    Memory,
    Resolve,
    Revive,
    Rules,
    Search,
    Seen,
    Wait,
    Withdraw,
    decide,
)
from airflow_provider_payments.aep.provisioning.giving_up import GIVE_UP_SECONDS, claim, give_up
from airflow_provider_payments.aep.provisioning.observing import Observer
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.kind import RemoteObject
from airflow_provider_payments.aep.resources.switches import enable_or_disable

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.provisioning.duplicates import Duplicates
    from airflow_provider_payments.aep.resources.base import Resource

log = logging.getLogger(__name__)

_FAIL_ADVICE = "if_exists='fail' adopts no object that existed before."


@dataclass(frozen=True)
class Pause:
    """
    The time until the next step of an operation.

    :param seconds: the least time to wait.
    :param why: ends the sentence "the object needs 3 s ..."; empty if the reason has been logged already.
    """

    seconds: float = 0.0
    why: str = ""


class Operation:
    """
    The provisioning of one object, step by step until it has a result.

    :param client: for requests.
    :param desired: the object to find or create.
    :param if_exists: see :func:`.ensure.ensure`.
    :param duplicates: records what this operation creates, and removes duplicates.
    :param attempt: see :func:`.ensure.ensure`.
    :param ignored: ids of objects that are never candidates, regardless of their names.
    """

    def __init__(
        self,
        client: Client,
        desired: Resource,
        if_exists: str,
        duplicates: Duplicates,
        attempt: int,
        ignored: Collection[str] = (),
    ) -> None:
        self.client, self.desired, self.if_exists, self.duplicates = client, desired, if_exists, duplicates
        self.observer = Observer(client, desired, duplicates, if_exists, Memory(attempt), ignored)
        seconds = desired.kind.settle_seconds(client)
        self.rules = Rules(desired.kind.may_duplicate, seconds, desired.kind.ingests)
        self.settling = Settling(client, f"{desired.kind} {desired.name!r}", seconds)
        self.changes = Changes(client, desired, if_exists, self.settling)
        #: The service's id of the request that created the object.
        self.creation_request_id = ""
        #: The desired value as it is sent in a creation; ``None`` until the first one.
        self.ready: Resource | None = None
        #: When the service first refused a creation because of an object that cannot be read yet.
        self.first_refused_at: float | None = None

        #: When the next step is due, by the local monotonic clock.
        self.due = -math.inf
        #: What the next step waits for, for the log; empty if that has been logged already.
        self.waits_for = ""
        #: The outcome; ``None`` until the operation has ended.
        self.result: Provisioned | PlatformError | None = None
        #: The created object until it has been read by its id.
        self.unconfirmed: RemoteObject | None = None
        self._patience = Patience(client)
        self._deadline: Deadline | None = None

    @property
    def latest(self) -> float:
        """Until when the next step may wait for steps of other operations, by the local monotonic clock."""
        if self._deadline is None:
            return math.inf
        settle_seconds = self.rules.settle_seconds
        return max(self.due, min(self.due + settle_seconds, self.settling.start_deadline.at - 2 * settle_seconds))

    def extend(self, seconds: float) -> None:
        """Extend the deadline by the time that steps of other operations took: they do not count towards it."""
        if self._deadline is not None:
            self._deadline = Deadline(self._deadline.clock, self._deadline.at + seconds)

    def step(self, reads: Reads, read_at: float | None = None) -> None:
        """
        Observe once, and carry out the decision.

        :param reads: answers the lookups: the client, or lists that are read once for several operations.
        :param read_at: the time since which these lists are read, by the local monotonic clock, not before the step was
            due; ``None``: the lookups send requests.
        """
        transport = self.client.transport
        self._deadline = self._deadline or transport.deadline.within(self.client.operation_timeout)
        try:
            with transport.until(self._deadline), transport.until(self.settling.start_deadline):
                outcome = self._observe_and_act(reads, read_at)
        except PlatformError as error:
            self._fail(error)
            return
        if isinstance(outcome, Pause):
            self.due = transport.clock.monotonic() + outcome.seconds
            self.waits_for = f"{self.settling.what} {outcome.why}" if outcome.why else ""
        else:
            self.result = outcome

    def confirm(self) -> None:
        """Wait until the created object can be read by its id: before that, the service refuses references to it."""
        if self.unconfirmed is None or self._deadline is None:
            return
        kind, until = self.desired.kind, self.client.now() + TICK_SECONDS + READ_LAG_SECONDS
        patience = Patience(self.client)
        try:
            with self.client.transport.until(self._deadline):
                while not self._can_be_read(self.unconfirmed):
                    patience.wait(ReadLagError(f"{kind} {self.unconfirmed.id}", until))
        except PlatformError as error:
            self._fail(error)

    def _can_be_read(self, created: RemoteObject) -> bool:
        try:
            self.desired.kind.check_readable(self.client, created)
        except NotFoundError:
            return False
        return True

    def _fail(self, error: PlatformError) -> None:
        """End with an error; give up dataflows that this operation created."""
        memory, failure = self.observer.memory, error
        may_ingest = self.desired.kind.ingests and (memory.creations or memory.attempt > 1)
        if may_ingest and error.retryable and isinstance(error, RequestError) and error.retry_after is not None:
            # A retry after Retry-After would be too late: a duplicate may have begun to ingest by then.
            failure = UnsettledError(
                f"{error}; a dataflow may have been created already, so the next attempt searches before that time"
            )
            failure.__cause__ = error
        failure.add(give_up(self.client, self.duplicates))
        self.result = failure

    def _observe_and_act(self, reads: Reads, read_at: float | None) -> Provisioned | Pause:
        try:
            self.observer.look_up(reads, read_at)
            outcome = self._act()
        except (UnreadableError, RequestError) as error:
            return Pause(self._patience.next_wait_seconds(error))
        self._patience = Patience(self.client)
        return outcome

    def _act(self) -> Provisioned | Pause:
        """Carry out decisions until one of them ends the step."""
        observer = self.observer
        while True:
            match decide(self.rules, observer.seen.values(), observer.memory, observer.read_at):
                case Search():
                    observer.search()
                case Check(object_id):
                    observer.check(object_id)
                case Withdraw(seen):
                    self.duplicates.resolve([seen.existing])
                    observer.forget_withdrawn(seen.id)
                case Wait(seconds, why):
                    return Pause(self.settling.require_time(seconds, why), why)
                case action:
                    return self._end(action)

    def _end(self, action: Create | Adopt | Revive | Resolve | GiveUp) -> Provisioned | Pause:
        """Carry out a decision that normally ends the operation; return a pause if another step is necessary."""
        match action:
            case Create():
                return self._create()
            case Adopt(seen, duplicates):
                return self._adopt(seen, duplicates)
            case Revive(seen, duplicates):
                return self._revive(seen, duplicates)
            case Resolve(seen, duplicates):
                return self._resolve(seen, duplicates)
            case GiveUp(why, retryable):
                raise (UnsettledError if retryable else UnlistedError)(f"{self.settling.what} {why}")

    # ---- creation --------------------------------------------------------------------------------------------------

    def _create(self) -> Provisioned | Pause:
        """Send one creation; return the outcome if the kind does not need to settle."""
        if self.ready is None:
            ready = self.desired.ready(self.observer.reads)
            ready.validate(self.client)
            self.ready = ready
        mark = self.duplicates.writer.mark() if self.client.marks else None
        begins = self.ready.ingests_from(self.client)
        nonces = {mark.nonce} if mark else set()
        self.duplicates.nonces |= nonces
        self.duplicates.unknown_nonces |= nonces
        try:
            existing = self.ready.create(self.client, mark)
        except RequestError as error:
            if error.failure is Failure.AMBIGUOUS:
                creations = self._record_creation()
                seconds = self.settling.seconds_after_lost_answer(error, self.desired.kind.name, creations)
                return Pause(seconds, "to be listed")
            self.duplicates.unknown_nonces -= nonces
            if not self.desired.is_outdated_request(error):
                return self._handle_refusal(error)
            self.observer.memory = replace(self.observer.memory, creations=self.observer.memory.creations + 1)
            return Pause()
        except PlatformError:  # the creation was not sent
            self.duplicates.unknown_nonces -= nonces
            raise
        self._record_creation(existing.id)
        self.duplicates.unknown_nonces -= nonces
        now = self.observer.now.platform + TICK_SECONDS
        self.duplicates.created_objects[existing.id] = replace(existing, created=now)
        self._limit_to_start(begins)
        self.creation_request_id = self.client.transport.last_request_id
        if self.desired.kind.may_duplicate:
            return Pause(self.settling.require_time(self.settling.seconds_after_sending, "to settle"), "to settle")
        self.unconfirmed = existing
        return self._outcome(self.ready, existing, created=True)

    def _record_creation(self, created_id: str | None = None) -> int:
        """Record a creation that has taken effect, or may have; return how many creations were sent."""
        self.observer.memory = self.observer.memory.after_creation(self.observer.now.monotonic, created_id)
        return self.observer.memory.creations

    def _limit_to_start(self, begins: float) -> None:
        """
        Limit the operation, so that the created dataflow can still be given up before it starts.

        :param begins: the dataflow's start, in epoch seconds of the platform's clock. A start that is too early for
            that sets no limit; a warning about it has been logged before.
        """
        left = begins - GIVE_UP_SECONDS - self.observer.now.platform
        if self.rules.settle_seconds + TICK_SECONDS < left < math.inf:
            self.settling.start_deadline = self.settling.start_deadline.within(left)
            self.observer.memory = replace(self.observer.memory, must_end_at=self.settling.start_deadline.at)

    def _handle_refusal(self, error: RequestError) -> Provisioned | Pause:
        """Adopt or resolve the object because of which the service refused a creation; raise if it names none."""
        if self.first_refused_at is None:
            self.first_refused_at = self.observer.now.platform
        # The detail names the object, which may also be hidden from the credential for good.
        refused_by = f"{self.settling.what} ({error.problem.detail})"
        unread = ReadLagError(refused_by, self.first_refused_at + READ_LAG_SECONDS)
        try:
            named = self.desired.object_named_by(self.client, error)
            differences = self.desired.differences(self.client, named) if named else []
        except NotFoundError:
            raise unread from error
        if named is None and self.desired.is_taken(error):
            raise unread from error
        if named is None:
            raise error
        seen = self.observer.assess(named, differences, checked=True)
        return self._resolve(seen, ()) if seen.differences else self._adopt(seen, ())

    # ---- existing objects ------------------------------------------------------------------------------------------

    def _adopt(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned | Pause:
        existing, memory = seen.existing, self.observer.memory
        # Without marks, an object that is listed after a creation was sent counts as created by this operation.
        is_unmarked = not (self.client.marks and self.desired.kind.carries_mark)
        was_sent = memory.sent_at > -math.inf
        ours = was_sent and (is_unmarked or self.duplicates.writer.owns(self.desired.kind.mark_of(existing)))
        if self.if_exists == "fail" and not (seen.ours or ours):
            raise ConflictError(self.desired.kind.name, self.desired.name, existing.id, (), _FAIL_ADVICE)
        if not claim(self.client, self.duplicates, existing):
            return Pause()
        left = self._resolve_duplicates([each.existing for each in duplicates] + self._own_unlisted(existing))
        may_change = ours or seen.ours or self.if_exists == "update"
        changes = self.changes.allowed(seen.tolerated) if may_change else []
        if changes:
            existing = self.changes.update(existing, changes)
        return self._outcome(self.desired, existing, created=seen.ours, updated=bool(changes), duplicates=left)

    def _own_unlisted(self, adopted: RemoteObject) -> list[RemoteObject]:
        """Return the object that this operation created if no list shows it: no other writer can have adopted it."""
        created_id = self.observer.memory.created_id
        # Absent if it was removed as a duplicate already, in a step that failed later.
        created = self.duplicates.created_objects.get(created_id or "")
        if created_id is None or created is None or created_id == adopted.id or created_id in self.observer.seen:
            return []
        own = self.desired.kind.read(self.client, RemoteObject(created_id, created.created))
        return [own] if own else []

    def _revive(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned | Pause:
        """Enable a dataflow that an earlier try or run has disabled, then adopt or resolve it."""
        self.observer.memory = replace(self.observer.memory, revived=True)
        if not enable_or_disable(self.client, seen.id, "enable"):
            return Pause()
        now = self.observer.check(seen.id)
        log.warning("Enabled %s %s, which an earlier attempt created and disabled", self.desired.kind, seen.id)
        if now is None:
            return Pause()
        if now.differences:
            return self._resolve(now, duplicates)
        return self._adopt(now, duplicates)

    def _resolve(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned:
        """Update an object that differs, or raise, depending on ``if_exists``."""
        if self.if_exists != "update":
            advice = "Change the arguments, choose another name, or let if_exists='update' change what can be changed."
            advice = _FAIL_ADVICE if self.if_exists == "fail" else advice
            raise ConflictError(self.desired.kind.name, self.desired.name, seen.id, seen.differences, advice)
        updated = self.changes.update(seen.existing, [*seen.differences, *seen.tolerated])
        left = self._resolve_duplicates([each.existing for each in duplicates])
        return self._outcome(self.desired, updated, created=False, updated=True, duplicates=left)

    def _resolve_duplicates(self, duplicates: list[RemoteObject]) -> tuple[str, ...]:
        """Remove the duplicates if they matter for this kind; return the ids of those that remain."""
        if self.desired.kind.may_duplicate:
            return self.duplicates.resolve(duplicates)
        return tuple(duplicate.id for duplicate in duplicates)

    def _outcome(
        self,
        resource: Resource,
        existing: RemoteObject,
        *,
        created: bool,
        updated: bool = False,
        duplicates: tuple[str, ...] = (),
    ) -> Provisioned:
        is_own = existing.id == self.observer.memory.created_id
        request_id = self.creation_request_id if is_own else self.client.transport.last_request_id
        at = self.observer.now.platform
        was_updated = updated or self.changes.answer_was_lost
        return Provisioned(resource, existing, created, request_id, at, was_updated, duplicates)
