"""
One object's part of :func:`.ensure.ensure`: each step looks, does what :func:`.decide.decide` says, and names a pause.

It never sleeps for what settles: the driver does, for all objects that it makes at once.
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
from airflow_provider_payments.aep.provisioning.giving_up import GIVE_UP_SECONDS, claimed, give_up
from airflow_provider_payments.aep.provisioning.observing import Observer
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.kind import RemoteObject
from airflow_provider_payments.aep.resources.switches import switch

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.provisioning.duplicates import Duplicates
    from airflow_provider_payments.aep.resources.base import Resource

log = logging.getLogger(__name__)

_FAIL_ADVICE = "if_exists='fail' adopts nothing that was there before."


@dataclass(frozen=True)
class Pause:
    """
    Look again, not before ``seconds`` have passed.

    :param why: ends the sentence "it needs 3 s ..."; empty where that is said already.
    """

    seconds: float = 0.0
    why: str = ""


class Operation:
    """
    What is done until one object is there.

    :param client: for requests.
    :param desired: the object.
    :param if_exists: as :func:`.ensure.ensure` has it, as ``attempt``.
    :param duplicates: what it has made, and what becomes of duplicates.
    :param ignored: ids of objects that are none of its candidates, whatever they are called.
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
        #: The service's id of the request that made it.
        self.made_by = ""
        self.ready: Resource | None = None
        #: When a creation was first refused because of something that cannot be read.
        self.refused: float | None = None

        #: When the next step is due, by the own clock.
        self.due = -math.inf
        #: What the next step waits for, for the log; empty where that is said already.
        self.waits_for = ""
        #: What came of it; ``None`` until it is over.
        self.result: Provisioned | PlatformError | None = None
        #: What was made, and has not been read since.
        self.unread: RemoteObject | None = None
        self._patience = Patience(client)
        self._deadline: Deadline | None = None

    @property
    def latest(self) -> float:
        """When the next step must not wait any longer for those of others, by the own clock; the first one can."""
        if self._deadline is None:
            return math.inf
        settle_seconds = self.rules.settle_seconds
        return max(self.due, min(self.due + settle_seconds, self.settling.before_it_begins.at - 2 * settle_seconds))

    def allow(self, seconds: float) -> None:
        """Give it as much longer as the steps of others have taken: its timeout is for what it does itself."""
        if self._deadline is not None:
            self._deadline = Deadline(self._deadline.clock, self._deadline.at + seconds)

    def step(self, reads: Reads, read_at: float | None = None) -> None:
        """
        Look once, and do what follows.

        :param reads: what is looked at: the client, or lists that are read for several operations.
        :param read_at: since when these are read, by the own clock, not before the step was due; ``None``: just now.
        """
        transport = self.client.transport
        self._deadline = self._deadline or transport.deadline.within(self.client.operation_timeout)
        try:
            with transport.until(self._deadline), transport.until(self.settling.before_it_begins):
                done = self._look_and_act(reads, read_at)
        except PlatformError as error:
            self._fail(error)
            return
        if isinstance(done, Pause):
            self.due = transport.clock.monotonic() + done.seconds
            self.waits_for = f"{self.settling.what} {done.why}" if done.why else ""
        else:
            self.result = done

    def confirm(self) -> None:
        """Wait until what was made can be read by its id: what refers to it is refused before that."""
        if self.unread is None or self._deadline is None:
            return
        kind, until = self.desired.kind, self.client.now() + TICK_SECONDS + READ_LAG_SECONDS
        patience = Patience(self.client)
        try:
            with self.client.transport.until(self._deadline):
                while not self._can_be_read(self.unread):
                    patience.wait(ReadLagError(f"{kind} {self.unread.id}", until))
        except PlatformError as error:
            self._fail(error)

    def _can_be_read(self, made: RemoteObject) -> bool:
        try:
            self.desired.kind.confirm(self.client, made)
        except NotFoundError:
            return False
        return True

    def _fail(self, error: PlatformError) -> None:
        """End with an error; what this call made and would ingest is removed."""
        memory, failure = self.observer.memory, error
        may_ingest = self.desired.kind.ingests and (memory.posts or memory.attempt > 1)
        if may_ingest and error.retryable and isinstance(error, RequestError) and error.retry_after is not None:
            # To come back when the service asks would be too late: a duplicate may have begun to ingest by then.
            failure = UnsettledError(f"{error}; it may be there already, so the next attempt looks before that")
            failure.__cause__ = error
        failure.add(give_up(self.client, self.duplicates))
        self.result = failure

    def _look_and_act(self, reads: Reads, read_at: float | None) -> Provisioned | Pause:
        try:
            self.observer.look(reads, read_at)
            done = self._act()
        except (UnreadableError, RequestError) as error:
            return Pause(self._patience.pause(error))
        self._patience = Patience(self.client)
        return done

    def _act(self) -> Provisioned | Pause:
        """Do what follows from a look."""
        observer = self.observer
        while True:
            match decide(self.rules, observer.seen.values(), observer.memory, observer.read_at):
                case Search():
                    observer.search()
                case Check(object_id):
                    observer.check(object_id)
                case Withdraw(seen):
                    self.duplicates.resolve([seen.existing])
                    observer.withdrew(seen.id)
                case Wait(seconds, why):
                    return Pause(self.settling.pause(seconds, why), why)
                case action:
                    return self._end(action)

    def _end(self, action: Create | Adopt | Revive | Resolve | GiveUp) -> Provisioned | Pause:
        """Do what ends the operation, if nothing comes between."""
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

    # ---- creating --------------------------------------------------------------------------------------------------

    def _create(self) -> Provisioned | Pause:
        """Send a creation, once; return the outcome where nothing needs to settle."""
        if self.ready is None:
            ready = self.desired.ready(self.observer.reads)
            ready.validate(self.client)
            self.ready = ready
        mark, begins = (
            self.duplicates.writer.mark() if self.client.marks else None,
            self.ready.ingests_from(self.client),
        )
        nonces = {mark.nonce} if mark else set()
        self.duplicates.nonces |= nonces
        self.duplicates.unseen |= nonces
        try:
            existing = self.ready.create(self.client, mark)
        except RequestError as error:
            if error.failure is Failure.AMBIGUOUS:
                sent = self._note_sent()
                return Pause(self.settling.pause_after_lost_answer(error, self.desired.kind.name, sent), "to show")
            self.duplicates.unseen -= nonces
            if not self.desired.is_outdated_request(error):
                return self._refused(error)
            self.observer.memory = replace(self.observer.memory, posts=self.observer.memory.posts + 1)
            return Pause()
        except PlatformError:  # it was not sent
            self.duplicates.unseen -= nonces
            raise
        self._note_sent(existing.id)
        self.duplicates.unseen -= nonces
        now = self.observer.now.platform + TICK_SECONDS
        self.duplicates.made[existing.id] = replace(existing, created=now)
        self._hurry(begins)
        self.made_by = self.client.transport.last_request_id
        if self.desired.kind.may_duplicate:
            return Pause(self.settling.pause(self.settling.seconds_after_sending, "to settle"), "to settle")
        self.unread = existing
        return self._outcome(self.ready, existing, created=True)

    def _note_sent(self, mine: str | None = None) -> int:
        """Note that a creation may have taken effect, or has; return how many there were."""
        self.observer.memory = self.observer.memory.sent(self.observer.now.own, mine)
        return self.observer.memory.posts

    def _hurry(self, begins: float) -> None:
        """
        End the operation early enough to give up what begins to ingest then.

        :param begins: in epoch seconds of the platform's clock. One that is too early was warned of.
        """
        left = begins - GIVE_UP_SECONDS - self.observer.now.platform
        if self.rules.settle_seconds + TICK_SECONDS < left < math.inf:
            self.settling.before_it_begins = self.settling.before_it_begins.within(left)
            self.observer.memory = replace(self.observer.memory, begins_at=self.settling.before_it_begins.at)

    def _refused(self, error: RequestError) -> Provisioned | Pause:
        """Adopt what a refusal names as standing in the way."""
        self.refused = self.observer.now.platform if self.refused is None else self.refused
        # The refusal says which object it is: that may also be hidden from the credential.
        refused_by = f"{self.settling.what} ({error.problem.detail})"
        unread = ReadLagError(refused_by, self.refused + READ_LAG_SECONDS)
        try:
            named = self.desired.object_named_by(self.client, error)
            differences = self.desired.differences(self.client, named) if named else []
        except NotFoundError:
            raise unread from error
        if named is None and self.desired.is_taken(error):
            raise unread from error
        if named is None:
            raise error
        seen = self.observer.seen_as(named, differences, checked=True)
        return self._resolve(seen, ()) if seen.differences else self._adopt(seen, ())

    # ---- what is there ---------------------------------------------------------------------------------------------

    def _adopt(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned | Pause:
        existing, memory = seen.existing, self.observer.memory
        # Where nothing carries a mark, what shows after a creation was sent is taken for its object.
        is_unmarked = not (self.client.marks and self.desired.kind.carries_mark)
        was_sent = memory.sent_at > -math.inf
        ours = was_sent and (is_unmarked or self.duplicates.writer.owns(self.desired.kind.mark_of(existing)))
        if self.if_exists == "fail" and not (seen.ours or ours):
            raise ConflictError(self.desired.kind.name, self.desired.name, existing.id, (), _FAIL_ADVICE)
        if not claimed(self.client, self.duplicates, existing):
            return Pause()
        left = self._left([duplicate.existing for duplicate in duplicates] + self._own_unlisted(existing))
        changes = self.changes.allowed(seen.leeway) if ours or seen.ours or self.if_exists == "update" else []
        if changes:
            existing = self.changes.updated(existing, changes)
        return self._outcome(self.desired, existing, created=seen.ours, updated=bool(changes), duplicates=left)

    def _own_unlisted(self, winner: RemoteObject) -> list[RemoteObject]:
        """Return what this call made and no list shows: nobody else can have adopted it."""
        mine = self.observer.memory.mine
        # What is not among those made any more was removed as a duplicate, before something else failed.
        made = self.duplicates.made.get(mine or "")
        if mine is None or made is None or mine == winner.id or mine in self.observer.seen:
            return []
        own = self.desired.kind.read(self.client, RemoteObject(mine, made.created))
        return [own] if own else []

    def _revive(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned | Pause:
        """Enable a dataflow that an earlier attempt has disabled."""
        self.observer.memory = replace(self.observer.memory, revived=True)
        if not switch(self.client, seen.id, "enable"):
            return Pause()
        now = self.observer.check(seen.id)
        log.warning("Enabled %s %s, which an earlier attempt made and disabled", self.desired.kind, seen.id)
        if now is None:
            return Pause()
        if now.differences:
            return self._resolve(now, duplicates)
        return self._adopt(now, duplicates)

    def _resolve(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned:
        """Do with an object that differs what ``if_exists`` says."""
        if self.if_exists != "update":
            advice = "Change the arguments, choose another name, or let if_exists='update' change what can be changed."
            advice = _FAIL_ADVICE if self.if_exists == "fail" else advice
            raise ConflictError(self.desired.kind.name, self.desired.name, seen.id, seen.differences, advice)
        updated = self.changes.updated(seen.existing, [*seen.differences, *seen.leeway])
        left = self._left([duplicate.existing for duplicate in duplicates])
        return self._outcome(self.desired, updated, created=False, updated=True, duplicates=left)

    def _left(self, duplicates: list[RemoteObject]) -> tuple[str, ...]:
        """Resolve duplicates, where they matter; return the ids of those that stay."""
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
        is_mine = existing.id == self.observer.memory.mine
        request_id = self.made_by if is_mine else self.client.transport.last_request_id
        at = self.observer.now.platform
        return Provisioned(resource, existing, created, request_id, at, updated or self.changes.was_lost, duplicates)
