"""
The decision of exactly-once provisioning: a pure function of the observed objects, the operation's memory and the time.

An :class:`.operation.Operation` observes, and carries out the decision; a plan decides with an empty :class:`Memory`.
The table is also in the manual, in ``docs/exactly-once.md``. W is the settle time of the kind. The second key is the
object's references, or the whole list without the filter by name.

| observed | next |
| --- | --- |
| no object by the name | `Search` by the second key |
| no object by either key | `Create` |
| no object, and a creation was sent, or may have been sent by an earlier try | `Wait` until the creation has settled |
| no object, after three creations that have settled | `GiveUp`; a retry may succeed |
| a listed object that a read by its id did not find | `Wait` until W has elapsed, then `Check` once more |
| a matching object that was only listed | `Check`: read it by its id |
| a matching object, younger than W | `Wait` until it has settled |
| a matching object, and a creation was sent less than W ago | `Wait` until the creation has settled |
| a matching object that was read by its id | `Adopt` |
| several matching objects | `Adopt` the oldest; the others are duplicates |
| a matching object that its creator may still be deleting | `Wait` until the creator has finished |
| the object that this operation created is not listed | `Search` by the second key, then `Wait` and search again |
| the same for 6 W (at least 10 s), and no other object matches | `GiveUp`, without a retry |
| the same for 2 W (at least 10 s), and another object matches | `Adopt` the other object |
| a dataflow that this operation created, and an older one that differs and ingests the same data | `Withdraw` its own |
| only objects that differ | `Resolve` the oldest: `update` changes it, `reuse` and `fail` end with an error |
| the oldest differs only because an earlier try or run gave it up and disabled it | `Check`, then `Revive`: enable it |
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

#: Shorter waits count as zero: rounding errors could keep a simulated clock just below the end of a wait for ever.
RESOLUTION_SECONDS = 1e-6
#: For how many settle times a created object that is not listed is searched for, if another object matches.
SEARCH_SETTLE_TIMES_WITH_MATCH = 2
#: The same, if no other object matches.
SEARCH_SETTLE_TIMES_WITHOUT_MATCH = 6


class Now(NamedTuple):
    """
    The time of a decision.

    :param monotonic: by the local monotonic clock, in seconds.
    :param platform: by the platform's clock as estimated from its answers, in epoch seconds.
    """

    monotonic: float
    platform: float


@dataclass(frozen=True)
class Rules:
    """
    The properties of a kind that a decision depends on.

    :param may_duplicate: whether two simultaneous creations both succeed and the second does harm, see :class:`.Kind`.
    :param settle_seconds: time within which a creation takes effect and is listed.
    :param ingests: whether an object of the kind ingests data by itself.
    """

    may_duplicate: bool
    settle_seconds: float
    ingests: bool = False


@dataclass(frozen=True)
class Seen:
    """
    An observed object that has the desired name.

    :param existing: the object as it was last read.
    :param differences: differences from the desired object that prevent its adoption.
    :param tolerated: differences that do not prevent its adoption; an update removes them too.
    :param ours: whether this operation created the object.
    :param is_duplicate: whether the object does the same work as the desired one, even if it differs.
    :param checked: whether the object was read by its id since the last lookup: lists may contain deleted objects.
    :param was_given_up: whether an earlier try or run of the chain gave the object up and disabled it, and it differs
        in nothing else. Until the object is checked: whether that is possible.
    :param busy_until: until when its creator may still be deleting the object, in epoch seconds of the platform's
        clock.
    """

    existing: RemoteObject
    differences: tuple[Difference, ...] = ()
    tolerated: tuple[Difference, ...] = ()
    ours: bool = False
    is_duplicate: bool = True
    checked: bool = False
    was_given_up: bool = False
    busy_until: float = 0.0

    @property
    def id(self) -> str:
        """The object's id."""
        return self.existing.id


@dataclass(frozen=True)
class Memory:
    """
    What one operation has done and learnt. All times are of the local monotonic clock.

    :param attempt: Airflow's try number. From the second on, an earlier one may have sent a creation before it was
        killed.
    :param creations: the number of creations that this operation has sent.
    :param sent_at: when a creation may last have been sent.
    :param created_id: the id of the object that this operation certainly created.
    :param missing: id of a listed object that a read by id did not find -> when that was noticed. One answer may be
        wrong, so the object is read once more; -inf after the second read.
    :param lookups: the number of lookups so far.
    :param searched: whether the current lookup included the search by the second key.
    :param revived: whether a disabled object has been enabled, which is done once only.
    :param must_end_at: when this operation must end, so that a dataflow that it created can still be given up before
        the dataflow starts.
    """

    attempt: int = 1
    creations: int = 0
    sent_at: float = -math.inf
    created_id: str | None = None
    missing: Mapping[str, float] = field(default_factory=dict)
    lookups: int = 0
    searched: bool = False
    revived: bool = False
    must_end_at: float = math.inf

    def after_lookup(self, listed: Collection[str], now: float, *, searched: bool) -> Memory:
        """Return the memory after a lookup. An earlier try may have sent a creation until the first lookup."""
        sent_at = now if self.attempt > 1 and not self.lookups else self.sent_at
        missing = {object_id: noticed for object_id, noticed in self.missing.items() if object_id in listed}
        return replace(self, lookups=self.lookups + 1, searched=searched, sent_at=sent_at, missing=missing)

    def after_creation(self, now: float, created_id: str | None = None) -> Memory:
        """Return the memory after a creation that may have taken effect; ``created_id`` is the id in the answer."""
        created_id = created_id or self.created_id
        return replace(self, creations=self.creations + 1, sent_at=now, created_id=created_id)

    def after_missing(self, object_id: str, now: float) -> Memory:
        """Return the memory after a read by id that did not find a listed object."""
        noticed = -math.inf if object_id in self.missing else now
        return replace(self, missing={**self.missing, object_id: noticed})

    def after_found(self, object_id: str) -> Memory:
        """Return the memory after a read that found an object; the object no longer counts as missing."""
        missing = {key: noticed for key, noticed in self.missing.items() if key != object_id}
        return replace(self, missing=missing)

    def after_withdrawal(self, object_id: str) -> Memory:
        """Return the memory after the deletion of an object that this operation created."""
        created_id = None if self.created_id == object_id else self.created_id
        return replace(self, created_id=created_id, missing={**self.missing, object_id: -math.inf})


@dataclass(frozen=True)
class Create:
    """Send a creation."""


@dataclass(frozen=True)
class Adopt:
    """Return the observed object, which matches. ``duplicates`` do the same work."""

    seen: Seen
    duplicates: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Resolve:
    """Update the observed object, which differs, or fail, depending on ``if_exists``."""

    seen: Seen
    duplicates: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Revive:
    """Enable the observed dataflow, which an earlier try or run gave up and disabled."""

    seen: Seen
    duplicates: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Withdraw:
    """Delete the dataflow that this operation created: an older one of another writer ingests the same data."""

    seen: Seen


@dataclass(frozen=True)
class Check:
    """Read a listed object by its id, then decide again."""

    id: str


@dataclass(frozen=True)
class Search:
    """Search by the second key too, then decide again."""


@dataclass(frozen=True)
class Wait:
    """Sleep, then look up again. ``why`` ends the sentence "the object needs 3 s ..."."""

    seconds: float
    why: str


@dataclass(frozen=True)
class GiveUp:
    """End with an error. ``why`` continues a sentence that begins with the object's name."""

    why: str
    retryable: bool


Action = Create | Adopt | Resolve | Revive | Withdraw | Check | Search | Wait | GiveUp


def decide(rules: Rules, observed: Collection[Seen], memory: Memory, now: Now) -> Action:
    """
    Return the next action. The function is total: exactly one action follows from any observation.

    :param observed: the listed objects of the name, without those in ``memory.missing``.
    """
    for object_id, noticed in memory.missing.items():
        if noticed > -math.inf and not _settling(rules, noticed - now.monotonic):
            return Check(object_id)
    matching = [seen for seen in observed if not seen.differences]
    if memory.created_id is not None and all(seen.id != memory.created_id for seen in observed):
        action = _decide_if_own_is_unlisted(rules, memory, now, has_match=bool(matching))
        if action:
            return action
    if not observed:
        return _decide_without_objects(rules, memory, now)
    if matching:
        return _decide_with_match(_oldest(matching), rules, observed, memory, now)
    return _decide_without_match(rules, observed, memory, now)


def _decide_if_own_is_unlisted(rules: Rules, memory: Memory, now: Now, *, has_match: bool) -> Action | None:
    if not memory.searched:
        return Search()
    waited = now.monotonic - memory.sent_at - TICK_SECONDS
    settle_times = SEARCH_SETTLE_TIMES_WITH_MATCH if has_match else SEARCH_SETTLE_TIMES_WITHOUT_MATCH
    in_time = memory.must_end_at - now.monotonic > MIN_SEARCH_SECONDS
    if in_time and waited <= max(settle_times * rules.settle_seconds, MIN_SEARCH_SECONDS):
        return Wait(SEARCH_INTERVAL_SECONDS, "to be listed")
    if has_match:
        return None
    why = (
        f"was created ({memory.created_id}), but no list shows it {waited:.0f} s later. No other object is created, "
        "because another attempt would not find it either"
    )
    return GiveUp(why, retryable=False)


def _decide_without_objects(rules: Rules, memory: Memory, now: Now) -> Action:
    since = max([memory.sent_at + TICK_SECONDS, *memory.missing.values()]) - now.monotonic
    if wait := _settling(rules, since):
        return wait
    if not memory.searched:
        return Search()
    if memory.creations < MAX_REQUESTS:
        return Create()
    why = (
        f"could not be created: {memory.creations} creations were sent, and no list shows an object "
        f"{rules.settle_seconds:g} s after the last one; the next attempt searches again"
    )
    return GiveUp(why, retryable=True)


def _settling(rules: Rules, since: float) -> Wait | None:
    """Return the wait until an event has settled that is ``since`` seconds from now (negative: in the past)."""
    rest = since + rules.settle_seconds
    if not rules.settle_seconds or rest <= RESOLUTION_SECONDS:
        return None
    return Wait(min(rest, rules.settle_seconds + TICK_SECONDS), "to settle")


def _decide_with_match(match: Seen, rules: Rules, observed: Collection[Seen], memory: Memory, now: Now) -> Action:
    sent = memory.sent_at + TICK_SECONDS - now.monotonic
    since = sent if match.id == memory.created_id else max(match.existing.created - now.platform, sent)
    if rules.may_duplicate and (wait := _settling(rules, since)):
        return wait
    if not match.checked and match.id != memory.created_id:
        return Check(match.id)
    if rules.ingests and match.ours:
        first = _oldest([match, *_duplicates(match, observed)])
        if first.differences and first.existing.creation_order < match.existing.creation_order:
            return Withdraw(match)
    if match.busy_until - now.platform > RESOLUTION_SECONDS:
        return Wait(match.busy_until - now.platform, "to be deleted by its creator")
    return Adopt(match, _duplicates(match, observed))


def _decide_without_match(rules: Rules, observed: Collection[Seen], memory: Memory, now: Now) -> Action:
    oldest = _oldest(observed)
    duplicates = _duplicates(oldest, observed)
    if rules.ingests and (own := next((seen for seen in duplicates if seen.ours), None)):
        return Withdraw(own)
    if memory.revived or not oldest.was_given_up:
        return Resolve(oldest, duplicates)
    if not oldest.checked:
        return Check(oldest.id)
    if oldest.busy_until - now.platform > RESOLUTION_SECONDS:
        return Wait(oldest.busy_until - now.platform, "to be given up by its creator")
    return Revive(oldest, duplicates)


def _oldest(seen: Collection[Seen]) -> Seen:
    """Return the oldest object, which every writer chooses."""
    return min(seen, key=lambda each: each.existing.creation_order)


def _duplicates(chosen: Seen, observed: Collection[Seen]) -> tuple[Seen, ...]:
    return tuple(seen for seen in observed if seen.is_duplicate and seen.id != chosen.id)
