"""
Find or create: one object for each name, whatever happens to the answers and whoever else writes.

Experience Platform has no idempotency key, and all but the Schema Registry take a second object of the same name. So
the name in its sandbox is the key. Each attempt looks, compares by meaning, adopts the oldest object that is right, and
creates only where there is none; it looks again after a creation has had the time to show. All who create the same see
the same oldest one then, and each removes what it made beside it. Every object carries a :class:`~.marks.Mark`, so an
attempt knows what it made itself though no answer said so.

What holds it together is a bound: a lost request takes effect, and shows in lists, within the settle time. No service
promises one. A second dataflow would ingest twice, so dataflows have a longer one, and begin later than it ends.

What cannot be understood, a list that was cut, and a read that lags behind the list are no grounds for anything:
:mod:`.patience` looks again.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.aep.copies import Copies
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
from airflow_provider_payments.aep.giving_up import (
    claimed,
    give_up,
    seconds_until_given_up,
    was_disabled_by_giving_up,
)
from airflow_provider_payments.aep.looking import Candidates, Looks, oldest
from airflow_provider_payments.aep.marks import Writer
from airflow_provider_payments.aep.patience import READ_LAG_SECONDS, Patience, ReadLagError
from airflow_provider_payments.aep.provisioned import Provisioned
from airflow_provider_payments.aep.resources.base import Existing, Resource
from airflow_provider_payments.aep.resources.switches import switch
from airflow_provider_payments.aep.retries import FIRST_WAIT, MAX_WAIT, TICK
from airflow_provider_payments.aep.settling import Waits

log = logging.getLogger(__name__)

IF_EXISTS = ("reuse", "update", "fail")
MAX_CREATIONS = 3
MAX_CHANGES = 3
#: Seconds between looks for an object that was made and shows in no list; and the least time to look for it.
LOOK_AGAIN, PATIENCE = 2.0, 10.0


def ensure(
    client: Client,
    want: Resource,
    *,
    if_exists: str = "reuse",
    attempt: int = 1,
    writer: Writer | None = None,
    remove_copies: bool = False,
) -> Provisioned:
    """
    Return the one object that is ``want``, made if there was none.

    :param if_exists: what to do where objects of the name exist and none is right: ``reuse`` fails and shows the
        difference, ``update`` changes what reaches the dataflow and refuses the rest. ``fail`` refuses any object that
        was there before, right or not.
    :param attempt: Airflow's try number. From the second on, an earlier one may have asked for a creation and died.
    :param writer: in whose name it is made; ``fail`` adopts what the same run of the same chain made.
    :param remove_copies: whether unused copies that carry this chain's mark and have had time to settle are deleted.
        Without it a call deletes only what it made itself; copies are reported, and a copied dataflow is disabled.
    :raises ConflictError: if an object of the name stands in the way.
    :raises UnsettledError: if the outcome could not be learnt in the client's ``operation_timeout``; a later attempt
        goes on.
    :raises UnlistedError: if no list shows what was made.
    :raises UnreadableError: if what may be it cannot be understood, or not be read yet; a later attempt looks again.
    :raises RequestError: if the service refuses, or a read fails in the end.
    """
    if if_exists not in IF_EXISTS:
        raise InvalidInputError("if_exists", if_exists, f"one of {', '.join(IF_EXISTS)}")
    copies = Copies(client, want, writer or Writer(), remove_copies)
    work = _Provisioning(client, want, if_exists, attempt, copies)
    try:
        with client.transport.within(client.operation_timeout):
            return work.run()
    except PlatformError as error:
        failure = error
        if want.ingests and (work.posts or attempt > 1) and error.retryable and _must_wait(error):
            # To come back when the service asks would be too late: a copy may have begun to ingest by then.
            failure = UnsettledError(f"{error}; it may be there already, so the next attempt looks before that")
        failure.add(give_up(client, copies))
        if failure is error:
            raise
        raise failure from error
    except BaseException:  # the task's time is over, or somebody ends it
        give_up(client, copies)
        raise


def _must_wait(error: PlatformError) -> bool:
    return isinstance(error, RequestError) and error.retry_after is not None


@dataclass
class _Provisioning:
    """One call of :func:`ensure`."""

    client: Client
    want: Resource
    if_exists: str
    attempt: int
    copies: Copies
    mine: str | None = None
    #: The service's id of the request that made it.
    made_by: str = ""
    posts: int = 0
    ready: Resource | None = None
    looked: bool = False
    #: Whether something that was there has been changed.
    changed: bool = False
    #: When a creation was first refused because of something that cannot be read.
    refused: float | None = None
    #: Whether something that was disabled has been enabled.
    revived: bool = False

    def __post_init__(self) -> None:
        self.looks = Looks(self.client, self.want, self.copies)
        self.waits = Waits(self.client, self.want)

    def run(self) -> Provisioned:
        patience = Patience(self.client)
        while True:
            with self.client.transport.until(self.waits.before_it_begins):
                try:
                    if done := self._step():
                        return done
                    patience = Patience(self.client)
                except (UnreadableError, RequestError) as error:
                    patience.wait(error)

    def _step(self) -> Provisioned | None:
        """Look, and do one thing; return ``None`` where another look must follow."""
        found = self.looks.look()
        if not self.looked and self.attempt > 1:
            self.waits.note_sent()
        self.looked = True
        if self._misses_own(found):
            found += self.looks.look_further()
        if self._misses_own(found) and self._awaiting_own(beside=any(not differences for _, differences in found)):
            return None
        if not found:
            if self.waits.settling(max([self.waits.last_sent, *self.looks.dead.values()])) or self.looks.in_doubt:
                return None
            found = self.looks.look_further()
        if not found:
            return None if self.looks.in_doubt else self._create()
        return self._choose(found)

    def _misses_own(self, found: Candidates) -> bool:
        return self.mine is not None and self.mine not in {existing.id for existing, _ in found}

    def _awaiting_own(self, *, beside: bool) -> bool:
        """
        Sleep until what the service said that it made may show; say whether there still is hope.

        :param beside: whether another one that is right is there to adopt.
        """
        waited = self.waits.now - self.waits.last_sent
        longest = max((2 if beside else 6) * self.waits.settle_time, PATIENCE)
        if waited <= longest and self.waits.before_it_begins.remaining > PATIENCE:
            self.waits.sleep(LOOK_AGAIN, "to show in lists")
            return True
        if beside:
            return False
        raise UnlistedError(
            f"{self.want.kind} {self.want.name!r} was created ({self.mine}), but {waited:.0f} s later no list "
            "shows it. Nothing more is created: another attempt would not find it either"
        )

    # ---- creating --------------------------------------------------------------------------------------------------

    def _create(self) -> Provisioned | None:
        """Ask for a creation, once; return the outcome where nothing needs to settle."""
        if self.posts == MAX_CREATIONS:
            raise UnsettledError(
                f"{self.want.kind} {self.want.name!r}: {self.posts} requests to create it brought no object, and none "
                f"shows after {self.waits.settle_time:g} s; the next attempt looks again"
            )
        self.ready = self.ready or self.want.ready(self.client)
        mark, begins = self.copies.writer.mark() if self.client.marks else None, self.ready.begins(self.client)
        nonces = {mark.nonce} if mark else set()
        self.copies.nonces |= nonces
        self.copies.unseen |= nonces
        try:
            existing = self.ready.create(self.client, mark)
        except RequestError as error:
            if error.failure is Failure.AMBIGUOUS:
                self._lost(error)
                return None
            self.copies.unseen -= nonces
            if self.want.is_out_of_date(error):
                self.posts += 1
            else:
                return self._refused(error)
            return None
        except PlatformError:  # it was not sent
            self.copies.unseen -= nonces
            raise
        self.mine, self.posts = existing.id, self.posts + 1
        self.waits.note_sent()
        self.copies.unseen -= nonces
        self.copies.made[existing.id] = replace(existing, created=self.waits.last_sent)
        self.waits.hurry(begins)
        self.made_by = self.client.transport.last_request_id
        if not self.want.settles:
            self._await_reads(existing)
            return self._outcome(self.ready, existing, created=True)
        self.waits.settling(self.waits.last_sent)
        return None

    def _await_reads(self, made: Existing) -> None:
        """Wait until what was made can be read by its id: what refers to it is refused before that."""
        patience = Patience(self.client)
        while True:
            try:
                return self.want.confirm(self.client, made)
            except RequestError as error:
                if not error.says_gone:
                    raise
                patience.wait(ReadLagError(f"{self.want.kind} {made.id}", self.waits.last_sent + READ_LAG_SECONDS))

    def _lost(self, error: RequestError) -> None:
        """Give a creation of unknown outcome the time to show."""
        self.posts += 1
        self.waits.note_sent()
        if (error.retry_after or 0.0) > MAX_WAIT:
            raise error
        log.warning("%s; looking for the %s before asking again", error, self.want.kind)
        told = FIRST_WAIT * 2 ** (self.posts - 1) if error.retry_after is None else error.retry_after
        self.waits.sleep(max(self.waits.settle_time + TICK if self.waits.settle_time else 0.0, told), "to show")

    def _refused(self, error: RequestError) -> Provisioned | None:
        """Adopt what a refusal names as standing in the way."""
        self.refused = self.waits.now if self.refused is None else self.refused
        try:
            named = self.want.adopt_named_by(self.client, error)
            differences = self.want.differences(self.client, named) if named else []
        except RequestError as unread:
            if not unread.says_gone:
                raise
            # It may also be hidden from the credential: the refusal says which object it is.
            named_by = f"{self.want.kind} {self.want.name!r} ({error.problem.detail})"
            raise ReadLagError(named_by, self.refused + READ_LAG_SECONDS) from error
        if named is None:
            raise error
        return self._resolve(named, differences, []) if differences else self._adopt(named, [])

    # ---- deciding --------------------------------------------------------------------------------------------------

    def _choose(self, found: Candidates) -> Provisioned | None:
        """Take the oldest that is right, once it has settled."""
        right = [existing for existing, differences in found if not differences]
        if not right:
            return self._resolve(*oldest(found), found)
        winner = min(right, key=lambda existing: existing.age)
        if self.want.settles and self.waits.settling(self._moment_of(winner)):
            return None
        now = winner if winner.id == self.mine else self.looks.still_there(winner)
        return self._take(winner, now, found + self._own_unlisted(found)) if now else None

    def _moment_of(self, winner: Existing) -> float:
        """When what is to settle was made; of one's own, that is when it was asked for."""
        return self.waits.last_sent if winner.id == self.mine else max(winner.created, self.waits.last_sent)

    def _own_unlisted(self, found: Candidates) -> Candidates:
        """Return what this call made and no list shows: nobody else can have adopted it."""
        own = (
            self.want.read(self.client, Existing(str(self.mine), self.waits.last_sent))
            if self._misses_own(found)
            else None
        )
        return [(own, [])] if own else []

    def _take(self, winner: Existing, now: Existing, found: Candidates) -> Provisioned | None:
        """
        Adopt the oldest that is right, unless it is not so any more, or another writer was first with something else.

        :param winner: as the list shows it.
        :param now: as it is.
        """
        if now is not winner and (differences := self.want.differences(self.client, now)):
            return self._resolve(now, differences, found)
        if self.want.ingests and self.copies.is_mine(now):
            first, differences = oldest([c for c in found if self.want.is_copy(c[1])])
            if differences and first.age < now.age:
                self.copies.see_to([now])
                return self._resolve(first, differences, [])
        return self._adopt(now, found)

    def _adopt(self, existing: Existing, found: Candidates) -> Provisioned | None:
        mark, created = self.want.mark_of(existing), self.copies.is_mine(existing)
        # Where nothing carries a mark nobody can tell: what shows after a creation was sent is taken for its object.
        untold = not (self.client.marks and self.want.carries_mark)
        ours = created or (self.waits.sent_at > -math.inf and (untold or self.copies.writer.made(mark)))
        if self.if_exists == "fail" and not ours:
            advice = "if_exists='fail' adopts nothing that was there before."
            raise ConflictError(self.want.kind, self.want.name, existing.id, (), advice)
        if (rest := seconds_until_given_up(self.client, mark)) > 0:
            self.waits.sleep(rest, "to be deleted by who made it")
            return None
        if not claimed(self.client, self.copies, existing):
            return None
        return self._outcome(self.want, existing, created=created, copies=self._copies_left(existing, found))

    def _resolve(self, existing: Existing, differences: list[Difference], found: Candidates) -> Provisioned | None:
        """Do with an object that differs what ``if_exists`` says."""
        if self._was_given_up(existing, differences):
            now = self.looks.still_there(existing) if switch(self.client, existing.id, "enable") else None
            log.warning("Enabled %s %s, which an earlier attempt made and disabled", self.want.kind, existing.id)
            return self._take(existing, now, found) if now else None
        if self.if_exists != "update":
            advice = "Change the arguments, choose another name, or let if_exists='update' change what can be changed."
            if self.if_exists == "fail":
                advice = "if_exists='fail' adopts nothing that was there before."
            raise ConflictError(self.want.kind, self.want.name, existing.id, differences, advice)
        updated = self._updated(existing, differences)
        copies = self._copies_left(existing, found)
        return self._outcome(self.want, updated, created=False, updated=True, copies=copies)

    def _was_given_up(self, existing: Existing, differences: list[Difference]) -> bool:
        """
        Whether an attempt of this chain made and disabled it, and it is right otherwise, or can be made so by an update
        that is allowed; once only, and once that attempt has had its time to do so.
        """
        others = [d for d in differences if d.field != "state"]
        reached = self.if_exists == "update" and all(d.field.startswith(self.want.changeable) for d in others)
        if self.revived or not self.want.ingests or len(others) == len(differences) or (others and not reached):
            return False
        now, writer = self.want.read(self.client, existing), self.copies.writer
        mark = self.want.mark_of(now) if now else None
        if now is None or not was_disabled_by_giving_up(writer, mark, now):
            return False
        if self.client.read_only or (self.if_exists == "fail" and not writer.made(mark)):
            return False
        if (rest := seconds_until_given_up(self.client, mark)) > 0:
            self.waits.sleep(rest, "to be given up by who made it")
        self.revived = True
        return True

    def _copies_left(self, winner: Existing, found: Candidates) -> tuple[str, ...]:
        """See to the winner's copies, where they matter; return the ids of those that stay."""
        others = [e for e, differences in found if e.id != winner.id and self.want.is_copy(differences)]
        return self.copies.see_to(others) if self.want.settles else tuple(other.id for other in others)

    def _updated(self, existing: Existing, differences: list[Difference]) -> Existing:
        """Change it; where somebody else changed it meanwhile, or the answer is lost, look what is left to do."""
        for _ in range(MAX_CHANGES):
            try:
                return self.want.update(self.client, existing, differences)
            except RequestError as error:
                if error.says_gone:
                    # The refusal of a change may speak of what the change refers to: a read tells.
                    (self.want.check_gone if error.method == "GET" else self.want.read)(self.client, existing)
                lost = error.failure is Failure.AMBIGUOUS
                if not (lost or error.status == 412) or (error.retry_after or 0.0) > MAX_WAIT:
                    raise
                self.changed = self.changed or lost
                log.warning("%s; looking at the %s again", error, self.want.kind)
                if lost:
                    self.waits.sleep(max(FIRST_WAIT, error.retry_after or 0.0), "to be changed")
            now = self.want.read(self.client, existing)
            if now is None:
                break
            existing, differences = now, self.want.differences(self.client, now)
            if not differences:
                # As any later look-up shows it.
                return next((e for e in self.want.look_up(self.client) if e.id == now.id), now)
        raise UnsettledError(
            f"{self.want.kind} {self.want.name!r} ({existing.id}) could not be changed: others change it, or answers "
            "are lost; the next attempt looks again"
        )

    def _outcome(
        self,
        resource: Resource,
        existing: Existing,
        *,
        created: bool,
        updated: bool = False,
        copies: tuple[str, ...] = (),
    ) -> Provisioned:
        request_id = self.made_by if existing.id == self.mine else self.client.transport.last_request_id
        return Provisioned(resource, existing, created, request_id, self.waits.now, updated or self.changed, copies)
