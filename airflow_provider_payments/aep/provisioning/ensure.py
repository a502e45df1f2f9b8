"""
Find or create: one object for each name, whatever happens to answers and whatever other writers do.

Experience Platform has no idempotency key, and all but the Schema Registry take a second object of the same name. So
the name in its sandbox is the key. Each attempt looks, compares by meaning, adopts the oldest object that is right, and
creates only where there is none; it looks again after a creation has had the time to show. By then all writers of the
same object see the same oldest one, and each removes what it made beside it. Every object carries a
:class:`~.marks.Mark`, so an attempt recognises what it made itself though no answer said so.

:func:`.decide.decide` decides; here is the driver, which looks, sleeps and sends.

All rests on one bound: a lost request takes effect, and shows in lists, within the settle time. No service promises
one. A second dataflow would ingest twice, so dataflows have a longer one, and begin later than it ends.

What cannot be understood, a list that was cut, and a read that lags behind the list are no grounds for anything:
:mod:`.patience` looks again.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS, Patience, ReadLagError
from airflow_provider_payments.aep.api.settling import Settling
from airflow_provider_payments.aep.errors import (
    ConflictError,
    Difference,
    Failure,
    InvalidInputError,
    PlatformError,
    RequestError,
    UnlistedError,
    UnreadableError,
    UnsettledError,
)
from airflow_provider_payments.aep.http.retries import FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS, TICK_SECONDS
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
from airflow_provider_payments.aep.provisioning.duplicates import Duplicates
from airflow_provider_payments.aep.provisioning.giving_up import GIVE_UP_SECONDS, claimed, give_up
from airflow_provider_payments.aep.provisioning.observing import Observer
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.base import Change, Fixed, Resource
from airflow_provider_payments.aep.resources.kind import Existing
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.switches import switch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_payments.aep.api.client import Client

log = logging.getLogger(__name__)

IF_EXISTS = ("reuse", "update", "fail")
MAX_CHANGES = 3
_FAIL_ADVICE = "if_exists='fail' adopts nothing that was there before."


def ensure(
    client: Client,
    desired: Resource,
    *,
    if_exists: str = "reuse",
    attempt: int = 1,
    writer: Writer | None = None,
    remove_duplicates: bool = False,
) -> Provisioned:
    """
    Return the one object that is ``desired``, made if there was none.

    :param if_exists: what to do where objects of the name exist and none is right: ``reuse`` fails and shows the
        difference, ``update`` changes what reaches the dataflow and refuses the rest. ``fail`` refuses any object that
        was there before, right or not.
    :param attempt: Airflow's try number. From the second on, an earlier one may have asked for a creation and died.
    :param writer: in whose name it is made; ``fail`` adopts what the same run of the same chain made.
    :param remove_duplicates: whether unused duplicates that carry this chain's mark and have had time to settle are
        deleted. Without it a call deletes only what it made itself; others are reported, and a duplicate dataflow is
        disabled.
    :raises ConflictError: if an object of the name stands in the way.
    :raises UnsettledError: if the outcome could not be learnt in the client's ``operation_timeout``; a later attempt
        goes on.
    :raises UnlistedError: if no list shows what was made.
    :raises UnreadableError: if what may be it cannot be understood, or not be read yet; a later attempt looks again.
    :raises RequestError: if the service refuses, or a read fails in the end.
    """
    if if_exists not in IF_EXISTS:
        raise InvalidInputError("if_exists", if_exists, f"one of {', '.join(IF_EXISTS)}")
    duplicates = Duplicates(client, desired, writer or Writer(), remove_duplicates)
    work = _Provisioning(client, desired, if_exists, duplicates, attempt)
    try:
        with client.transport.within(client.operation_timeout):
            return work.run()
    except PlatformError as error:
        failure = error
        may_ingest = desired.kind.ingests and (work.observer.memory.posts or attempt > 1)
        if may_ingest and error.retryable and _must_wait(error):
            # To come back when the service asks would be too late: a duplicate may have begun to ingest by then.
            failure = UnsettledError(f"{error}; it may be there already, so the next attempt looks before that")
        failure.add(give_up(client, duplicates))
        if failure is error:
            raise
        raise failure from error
    except BaseException:  # the task's time is over, or somebody ends it
        give_up(client, duplicates)
        raise


def _must_wait(error: PlatformError) -> bool:
    return isinstance(error, RequestError) and error.retry_after is not None


class _Provisioning:
    """One call of :func:`ensure`."""

    def __init__(self, client: Client, desired: Resource, if_exists: str, duplicates: Duplicates, attempt: int) -> None:
        self.client, self.desired, self.if_exists, self.duplicates = client, desired, if_exists, duplicates
        self.observer = Observer(client, desired, duplicates, if_exists, Memory(attempt))
        seconds = desired.kind.settle_seconds(client)
        self.rules = Rules(desired.kind.may_duplicate, seconds, desired.kind.ingests)
        self.settling = Settling(client, f"{desired.kind} {desired.name!r}", seconds)
        #: The service's id of the request that made it.
        self.made_by = ""
        self.ready: Resource | None = None
        #: Whether something that was there has been changed.
        self.changed = False
        #: When a creation was first refused because of something that cannot be read.
        self.refused: float | None = None

    def run(self) -> Provisioned:
        patience = Patience(self.client)
        while True:
            with self.client.transport.until(self.settling.before_it_begins):
                try:
                    self.observer.look()
                    if done := self._step():
                        return done
                    patience = Patience(self.client)
                except (UnreadableError, RequestError) as error:
                    patience.wait(error)

    def _step(self) -> Provisioned | None:
        """Do what follows from a look; return ``None`` where another look must follow."""
        observer = self.observer
        while True:
            match decide(self.rules, observer.seen.values(), observer.memory, observer.now):
                case Search():
                    observer.search()
                case Check(object_id):
                    observer.check(object_id)
                case Withdraw(seen):
                    self.duplicates.resolve([seen.existing])
                    observer.withdrew(seen.id)
                case Wait(seconds, why):
                    self.settling.sleep(seconds, why)
                    return None
                case action:
                    return self._end(action)

    def _end(self, action: Create | Adopt | Revive | Resolve | GiveUp) -> Provisioned | None:
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

    def _create(self) -> Provisioned | None:
        """Send a creation, once; return the outcome where nothing needs to settle."""
        if self.ready is None:
            ready = self.desired.ready(self.client)
            ready.validate(self.client)
            self.ready = ready
        mark, begins = self.duplicates.writer.mark() if self.client.marks else None, self.ready.begins(self.client)
        nonces = {mark.nonce} if mark else set()
        self.duplicates.nonces |= nonces
        self.duplicates.unseen |= nonces
        try:
            existing = self.ready.create(self.client, mark)
        except RequestError as error:
            if error.failure is Failure.AMBIGUOUS:
                self.settling.after_lost_answer(error, self.desired.kind.name, self._note_sent())
                return None
            self.duplicates.unseen -= nonces
            if not self.desired.is_out_of_date(error):
                return self._refused(error)
            self.observer.memory = replace(self.observer.memory, posts=self.observer.memory.posts + 1)
            return None
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
            self.settling.sleep(self.settling.seconds_after_sending, "to settle")
            return None
        self._await_reads(existing)
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

    def _await_reads(self, made: Existing) -> None:
        """Wait until what was made can be read by its id: what refers to it is refused before that."""
        patience, until = Patience(self.client), self.observer.now.platform + TICK_SECONDS + READ_LAG_SECONDS
        while True:
            try:
                return self.desired.kind.confirm(self.client, made)
            except RequestError as error:
                if not error.says_gone:
                    raise
                patience.wait(ReadLagError(f"{self.desired.kind} {made.id}", until))

    def _refused(self, error: RequestError) -> Provisioned | None:
        """Adopt what a refusal names as standing in the way."""
        self.refused = self.observer.now.platform if self.refused is None else self.refused
        try:
            named = self.desired.adopt_named_by(self.client, error)
            differences = self.desired.differences(self.client, named) if named else []
        except RequestError as unread:
            if not unread.says_gone:
                raise
            # It may also be hidden from the credential: the refusal says which object it is.
            named_by = f"{self.settling.what} ({error.problem.detail})"
            raise ReadLagError(named_by, self.refused + READ_LAG_SECONDS) from error
        if named is None:
            raise error
        seen = self.observer.seen_as(named, differences, checked=True)
        return self._resolve(seen, ()) if seen.differences else self._adopt(seen, ())

    # ---- what is there ---------------------------------------------------------------------------------------------

    def _adopt(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned | None:
        existing, memory = seen.existing, self.observer.memory
        # Where nothing carries a mark, what shows after a creation was sent is taken for its object.
        is_unmarked = not (self.client.marks and self.desired.kind.carries_mark)
        was_sent = memory.sent_at > -math.inf
        ours = was_sent and (is_unmarked or self.duplicates.writer.made(self.desired.kind.mark_of(existing)))
        if self.if_exists == "fail" and not (seen.ours or ours):
            raise ConflictError(self.desired.kind.name, self.desired.name, existing.id, (), _FAIL_ADVICE)
        if not claimed(self.client, self.duplicates, existing):
            return None
        left = self._left([duplicate.existing for duplicate in duplicates] + self._own_unlisted(existing))
        changes = self._allowed(seen.leeway) if ours or seen.ours or self.if_exists == "update" else []
        if changes:
            existing = self._updated(existing, changes)
        return self._outcome(self.desired, existing, created=seen.ours, updated=bool(changes), duplicates=left)

    def _own_unlisted(self, winner: Existing) -> list[Existing]:
        """Return what this call made and no list shows: nobody else can have adopted it."""
        mine = self.observer.memory.mine
        # What is not among those made any more was removed as a duplicate, before something else failed.
        made = self.duplicates.made.get(mine or "")
        if mine is None or made is None or mine == winner.id or mine in self.observer.seen:
            return []
        own = self.desired.kind.read(self.client, Existing(mine, made.created))
        return [own] if own else []

    def _revive(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned | None:
        """Enable a dataflow that an earlier attempt has disabled."""
        self.observer.memory = replace(self.observer.memory, revived=True)
        if not switch(self.client, seen.id, "enable"):
            return None
        now = self.observer.check(seen.id)
        log.warning("Enabled %s %s, which an earlier attempt made and disabled", self.desired.kind, seen.id)
        if now is None:
            return None
        if now.differences:
            return self._resolve(now, duplicates)
        return self._adopt(now, duplicates)

    def _resolve(self, seen: Seen, duplicates: tuple[Seen, ...]) -> Provisioned:
        """Do with an object that differs what ``if_exists`` says."""
        if self.if_exists != "update":
            advice = "Change the arguments, choose another name, or let if_exists='update' change what can be changed."
            advice = _FAIL_ADVICE if self.if_exists == "fail" else advice
            raise ConflictError(self.desired.kind.name, self.desired.name, seen.id, seen.differences, advice)
        updated = self._updated(seen.existing, [*seen.differences, *seen.leeway])
        left = self._left([duplicate.existing for duplicate in duplicates])
        return self._outcome(self.desired, updated, created=False, updated=True, duplicates=left)

    def _left(self, duplicates: list[Existing]) -> tuple[str, ...]:
        """Resolve duplicates, where they matter; return the ids of those that stay."""
        if self.desired.kind.may_duplicate:
            return self.duplicates.resolve(duplicates)
        return tuple(duplicate.id for duplicate in duplicates)

    def _check_gone(self, existing: Existing, error: RequestError) -> None:
        """
        Find out whether a 404 speaks of the object itself: that to a change may speak of what the change refers to.

        :raises ReadLagError: if it does, and the object is so young that it may not be readable yet.
        """
        kind = self.desired.kind
        if error.method != "GET":
            try:
                kind.confirm(self.client, existing)
                kind.read(self.client, existing)
            except RequestError as unread:
                if not unread.says_gone:
                    raise
            else:
                return
        kind.check_gone(self.client, existing)

    def _updated(self, existing: Existing, differences: list[Difference]) -> Existing:
        """Change it; where somebody else changed it meanwhile, or the answer is lost, look what is left to do."""
        for _ in range(MAX_CHANGES):
            try:
                return self._change(existing, differences)
            except RequestError as error:
                if error.says_gone:
                    self._check_gone(existing, error)
                lost = error.failure is Failure.AMBIGUOUS
                if not (lost or error.status == 412) or (error.retry_after or 0.0) > MAX_WAIT_SECONDS:
                    raise
                self.changed = self.changed or lost
                log.warning("%s; looking at the %s again", error, self.desired.kind)
                if lost:
                    self.settling.sleep(max(FIRST_WAIT_SECONDS, error.retry_after or 0.0), "to be changed")
            now = self.desired.kind.read(self.client, existing)
            if now is None:
                break
            existing, differences = now, self._allowed(self.desired.differences(self.client, now))
            if not differences:
                # As any later look-up shows it.
                return next((e for e in self.desired.look_up(self.client) if e.id == now.id), now)
        raise UnsettledError(
            f"{self.settling.what} ({existing.id}) could not be changed: others change it, or answers are lost; the "
            "next attempt looks again"
        )

    def _allowed(self, differences: Iterable[Difference]) -> list[Difference]:
        """Return what may be changed; without ``update`` only what completes an object that this run made."""
        return [d for d in differences if self.if_exists == "update" or self.desired.follows_creation(d)]

    def _change(self, existing: Existing, differences: list[Difference]) -> Existing:
        desired, latest = self.desired, self.desired.latest(self.client, existing)
        if latest is not existing:
            differences = self._allowed(desired.differences(self.client, latest))
        match desired.judge(latest, differences, self.observer.now.platform):
            case Fixed(fixed, advice):
                raise ConflictError(desired.kind.name, desired.name, latest.id, fixed, advice)
            case Change() as change:
                return desired.send(self.client, latest, change)

    def _outcome(
        self,
        resource: Resource,
        existing: Existing,
        *,
        created: bool,
        updated: bool = False,
        duplicates: tuple[str, ...] = (),
    ) -> Provisioned:
        is_mine = existing.id == self.observer.memory.mine
        request_id = self.made_by if is_mine else self.client.transport.last_request_id
        at = self.observer.now.platform
        return Provisioned(resource, existing, created, request_id, at, updated or self.changed, duplicates)
