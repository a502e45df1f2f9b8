"""
What to do next: a pure function of what was observed, what this call has done, and the time.

The driver (:mod:`.ensure`) observes, sleeps and sends; a plan can ask the same with an empty :class:`Memory`.

| observed | action |
| --- | --- |
| something was gone a settle time ago, and lists still show it | :class:`Check` it a second time |
| what this call made does not show | :class:`Search`, :class:`Wait`, in the end :class:`GiveUp` or adopt another |
| nothing | :class:`Wait` until what was sent has settled, :class:`Search`, then :class:`Create`, three times at most |
| the oldest that is right is young, or what was sent is | :class:`Wait` until both have settled |
| the oldest that is right was only listed | :class:`Check` |
| this call made it, right or not by now, and an older one differs that ingests the same | :class:`Withdraw` |
| its creator may still be deleting it | :class:`Wait` |
| else the oldest that is right | :class:`Adopt` |
| all differ, and an earlier attempt has only disabled the oldest | :class:`Check`, :class:`Wait`, :class:`Revive` |
| all differ | :class:`Resolve` the oldest |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_payments.aep.api.settling import MAX_REQUESTS, MIN_SEARCH_SECONDS, SEARCH_INTERVAL_SECONDS
from airflow_provider_payments.aep.http.retries import TICK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_provider_payments.aep.errors import Difference
    from airflow_provider_payments.aep.resources.kind import RemoteObject

#: Sums of floating-point seconds are no finer; a clock that is simulated might never pass the rest.
RESOLUTION_SECONDS = 1e-6
#: For how many settle times a created object that shows in no list is searched for: where another one can be adopted,
#: and where nothing is there.
SETTLE_TIMES_BESIDE, SETTLE_TIMES_ALONE = 2, 6


class Now(NamedTuple):
    """
    The time.

    :param own: by this machine's monotonic clock, which passes evenly.
    :param platform: in epoch seconds of the platform's clock, as far as its answers tell.
    """

    own: float
    platform: float


@dataclass(frozen=True)
class Rules:
    """
    What a kind demands.

    :param may_duplicate: whether two creations at the same time both succeed, and it matters.
    :param settle_seconds: within which what was sent takes effect and shows in lists.
    :param ingests: whether it moves rows by itself.
    """

    may_duplicate: bool
    settle_seconds: float
    ingests: bool = False


@dataclass(frozen=True)
class Seen:
    """
    An object of the desired name.

    :param existing: the object as it was read last.
    :param differences: in what it is not the desired one.
    :param leeway: in what it differs though it is the one: an update changes that too.
    :param ours: whether this call made it.
    :param is_duplicate: whether it does the same work as the desired one, though it may differ.
    :param checked: whether it was read by its id in this look: lists show what is gone for a while.
    :param withdrawn: whether an earlier attempt of the chain has disabled it, as far as is seen, and no more is wrong.
    :param busy_until: until when its creator may still be deleting it, in epoch seconds of the platform's clock.
    """

    existing: RemoteObject
    differences: tuple[Difference, ...] = ()
    leeway: tuple[Difference, ...] = ()
    ours: bool = False
    is_duplicate: bool = True
    checked: bool = False
    withdrawn: bool = False
    busy_until: float = 0.0

    @property
    def id(self) -> str:
        """Its id."""
        return self.existing.id


@dataclass(frozen=True)
class Memory:
    """
    What one call has done and learnt. All moments are by the own clock.

    :param attempt: from the second on, an earlier one may have sent a creation and died.
    :param posts: creations that were sent and may have taken effect.
    :param sent_at: when one may last have been sent.
    :param mine: the id of what this call certainly made.
    :param gone: what lists show though a read says it is gone -> when that was noticed. One answer may be a mistake, so
        it is asked for once more; -inf after that.
    :param looks: at the lists.
    :param searched: whether the current look was by the second key too.
    :param revived: whether something that was disabled has been enabled: once only.
    :param begins_at: when what this call made begins to ingest, less the time to give it up before.
    """

    attempt: int = 1
    posts: int = 0
    sent_at: float = -math.inf
    mine: str | None = None
    gone: Mapping[str, float] = field(default_factory=dict)
    looks: int = 0
    searched: bool = False
    revived: bool = False
    begins_at: float = math.inf

    def looked(self, listed: Collection[str], own: float, *, searched: bool) -> Memory:
        """Return it after a new look. An earlier attempt may have sent a creation right up to the first one."""
        sent_at = own if self.attempt > 1 and not self.looks else self.sent_at
        gone = {object_id: noticed for object_id, noticed in self.gone.items() if object_id in listed}
        return replace(self, looks=self.looks + 1, searched=searched, sent_at=sent_at, gone=gone)

    def sent(self, own: float, mine: str | None = None) -> Memory:
        """Return it after a creation that may have taken effect; ``mine`` is the id that the service answered."""
        return replace(self, posts=self.posts + 1, sent_at=own, mine=mine or self.mine)

    def missing(self, object_id: str, own: float) -> Memory:
        """Return it after a read that did not find what is listed."""
        return replace(self, gone={**self.gone, object_id: -math.inf if object_id in self.gone else own})

    def found(self, object_id: str) -> Memory:
        """Return it after a read that found what seemed to be gone."""
        return replace(self, gone={key: noticed for key, noticed in self.gone.items() if key != object_id})

    def withdrew(self, object_id: str) -> Memory:
        """Return it after what this call made has been removed."""
        mine = None if self.mine == object_id else self.mine
        return replace(self, mine=mine, gone={**self.gone, object_id: -math.inf})


@dataclass(frozen=True)
class Create:
    """Send a creation."""


@dataclass(frozen=True)
class Adopt:
    """It is the one. ``duplicates`` do the same work."""

    seen: Seen
    duplicates: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Resolve:
    """It differs: change it, or fail, as the caller wishes."""

    seen: Seen
    duplicates: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Revive:
    """An earlier attempt gave it up and disabled it: enable it."""

    seen: Seen
    duplicates: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Withdraw:
    """This call made it, and another writer was first with something else that ingests the same: remove it."""

    seen: Seen


@dataclass(frozen=True)
class Check:
    """Read it by its id, then decide again."""

    id: str


@dataclass(frozen=True)
class Search:
    """Look by the second key too, then decide again."""


@dataclass(frozen=True)
class Wait:
    """Sleep, then look again. ``why`` ends the sentence "it needs 3 s ..."."""

    seconds: float
    why: str


@dataclass(frozen=True)
class GiveUp:
    """End with an error. ``why`` follows the object's name."""

    why: str
    retryable: bool


Action = Create | Adopt | Resolve | Revive | Withdraw | Check | Search | Wait | GiveUp


def decide(rules: Rules, observed: Collection[Seen], memory: Memory, now: Now) -> Action:
    """
    Return what to do next. It is total: whatever was observed, exactly one action follows.

    :param observed: the objects of the name that lists show, without those in ``memory.gone``.
    """
    for object_id, noticed in memory.gone.items():
        if noticed > -math.inf and not _settling(rules, noticed - now.own):
            return Check(object_id)
    if memory.mine is not None and all(seen.id != memory.mine for seen in observed):
        beside = any(not seen.differences for seen in observed)
        if action := _own_is_missing(rules, memory, now, beside=beside):
            return action
    if not observed:
        return _nothing_is_there(rules, memory, now)
    right = [seen for seen in observed if not seen.differences]
    if right:
        return _one_is_right(_oldest(right), rules, observed, memory, now)
    return _all_differ(rules, observed, memory, now)


def _own_is_missing(rules: Rules, memory: Memory, now: Now, *, beside: bool) -> Action | None:
    if not memory.searched:
        return Search()
    waited = now.own - memory.sent_at - TICK_SECONDS
    times = SETTLE_TIMES_BESIDE if beside else SETTLE_TIMES_ALONE
    in_time = memory.begins_at - now.own > MIN_SEARCH_SECONDS
    if in_time and waited <= max(times * rules.settle_seconds, MIN_SEARCH_SECONDS):
        return Wait(SEARCH_INTERVAL_SECONDS, "to show in lists")
    if beside:
        return None
    why = (
        f"was created ({memory.mine}), but {waited:.0f} s later no list shows it. Nothing more is created: another "
        "attempt would not find it either"
    )
    return GiveUp(why, retryable=False)


def _nothing_is_there(rules: Rules, memory: Memory, now: Now) -> Action:
    since = max([memory.sent_at + TICK_SECONDS, *memory.gone.values()]) - now.own
    if wait := _settling(rules, since):
        return wait
    if not memory.searched:
        return Search()
    if memory.posts < MAX_REQUESTS:
        return Create()
    why = (
        f"cannot be created: {memory.posts} requests to create it brought no object, and none shows after "
        f"{rules.settle_seconds:g} s; the next attempt looks again"
    )
    return GiveUp(why, retryable=True)


def _settling(rules: Rules, since: float) -> Wait | None:
    """Return the wait for what happened ``since`` seconds from now, which is negative for the past."""
    rest = since + rules.settle_seconds
    if not rules.settle_seconds or rest <= RESOLUTION_SECONDS:
        return None
    return Wait(min(rest, rules.settle_seconds + TICK_SECONDS), "to settle")


def _one_is_right(winner: Seen, rules: Rules, observed: Collection[Seen], memory: Memory, now: Now) -> Action:
    sent = memory.sent_at + TICK_SECONDS - now.own
    since = sent if winner.id == memory.mine else max(winner.existing.created - now.platform, sent)
    if rules.may_duplicate and (wait := _settling(rules, since)):
        return wait
    if not winner.checked and winner.id != memory.mine:
        return Check(winner.id)
    if rules.ingests and winner.ours:
        first = _oldest([winner, *_duplicates(winner, observed)])
        if first.differences and first.existing.creation_order < winner.existing.creation_order:
            return Withdraw(winner)
    if winner.busy_until - now.platform > RESOLUTION_SECONDS:
        return Wait(winner.busy_until - now.platform, "to be deleted by its creator")
    return Adopt(winner, _duplicates(winner, observed))


def _all_differ(rules: Rules, observed: Collection[Seen], memory: Memory, now: Now) -> Action:
    oldest = _oldest(observed)
    duplicates = _duplicates(oldest, observed)
    if rules.ingests and (own := next((seen for seen in duplicates if seen.ours), None)):
        return Withdraw(own)
    if memory.revived or not oldest.withdrawn:
        return Resolve(oldest, duplicates)
    if not oldest.checked:
        return Check(oldest.id)
    if oldest.busy_until - now.platform > RESOLUTION_SECONDS:
        return Wait(oldest.busy_until - now.platform, "to be given up by its creator")
    return Revive(oldest, duplicates)


def _oldest(seen: Collection[Seen]) -> Seen:
    """Return the one that every writer chooses."""
    return min(seen, key=lambda each: each.existing.creation_order)


def _duplicates(winner: Seen, observed: Collection[Seen]) -> tuple[Seen, ...]:
    return tuple(seen for seen in observed if seen.is_duplicate and seen.id != winner.id)
