"""The decision of exactly-once provisioning: a case for each situation, and properties of any situation."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import airflow_provider_payments
from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.provisioning.decide import (
    Action,
    Adopt,
    Check,
    Create,
    GiveUp,
    Memory,
    Now,
    Resolve,
    Revive,
    Rules,
    Search,
    Seen,
    Wait,
    Withdraw,
    decide,
)
from airflow_provider_payments.aep.resources.kind import RemoteObject

#: Rules of a connection, of a dataflow, and of a kind of which the service itself refuses a second object.
CONNECTION, DATAFLOW, SCHEMA = Rules(True, 10.0), Rules(True, 50.0, ingests=True), Rules(False, 0.0)
MAPPING_SET = Rules(False, 10.0)
PLATFORM = 1_800_000_000.0
NOW = Now(monotonic=1000.0, platform=PLATFORM)
LONG_AGO = PLATFORM - 86400
OTHER = (Difference("table", "a", "b"),)


def seen(object_id: str = "a", created: float = LONG_AGO, **given: Any) -> Seen:
    return Seen(RemoteObject(object_id, created), **given)


OLD, RECENT, RECENT_N = seen(checked=True), seen(created=PLATFORM - 4), seen("n", created=PLATFORM - 4)
DIFFERS = seen("d", differences=OTHER, is_duplicate=False)
SENT = Memory(creations=1, sent_at=NOW.monotonic)
OURS = seen("m", created=PLATFORM - 100, ours=True)
OURS_DISABLED = seen("m", created=PLATFORM - 100, ours=True, differences=(Difference("state", "enabled", "disabled"),))
CREATED = Memory(creations=1, sent_at=NOW.monotonic - 100, created_id="m", searched=True)
OLDER_DIFFERS = seen("f", created=PLATFORM - 101, differences=OTHER, is_duplicate=True)
GIVEN_UP = seen("w", differences=(Difference("state", "enabled", "disabled"),), was_given_up=True)
GIVEN_UP_READ = seen("w", differences=GIVEN_UP.differences, was_given_up=True, checked=True)
BUSY = seen("w", differences=GIVEN_UP.differences, was_given_up=True, checked=True, busy_until=PLATFORM + 7)


def created(seconds_ago: float, **given: Any) -> Memory:
    """The memory of a call that created the object ``m`` a number of seconds ago."""
    known = {"creations": 1, "sent_at": NOW.monotonic - seconds_ago, "created_id": "m", "searched": True}
    return Memory(**known | given)


def missing(noticed: float, *, searched: bool = False) -> Memory:
    """The memory of a call whose read by id did not find the listed object ``x``."""
    return Memory(missing={"x": noticed}, searched=searched)


def never_listed(seconds: int) -> GiveUp:
    why = (
        f"was created (m), but no list shows it {seconds} s later. No other object is created, because another attempt "
    )
    return GiveUp(f"{why}would not find it either", retryable=False)


CASES: dict[str, tuple[Rules, Collection[Seen], Memory, Action]] = {
    # No object exists.
    "no object by the first key": (CONNECTION, [], Memory(), Search()),
    "no object by both keys": (CONNECTION, [], Memory(searched=True), Create()),
    "no object just after a creation was sent": (CONNECTION, [], SENT, Wait(11.0, "to settle")),
    "no object, and an earlier attempt may have sent a creation": (
        CONNECTION, [], Memory(attempt=2).after_lookup((), NOW.monotonic, searched=True), Wait(11.0, "to settle"),
    ),
    "no object, and the creation has settled": (
        CONNECTION, [], Memory(1, 1, NOW.monotonic - 11, searched=True), Create(),
    ),
    "no object, and the wait that is left is below the resolution": (
        CONNECTION, [], Memory(1, 1, NOW.monotonic - 11 + 1e-9, searched=True), Create(),
    ),
    "no object just before the creation has settled": (
        CONNECTION, [], Memory(1, 1, NOW.monotonic - 10, searched=True), Wait(1.0, "to settle"),
    ),
    "no object after three creations": (
        CONNECTION, [], Memory(creations=3, searched=True),
        GiveUp("could not be created: 3 creations were sent, and no list shows an object 10 s after the last one; the "
               "next attempt searches again", retryable=True),
    ),
    "no object of a kind without a settle time": (
        SCHEMA, [], Memory(creations=1, sent_at=NOW.monotonic, searched=True), Create(),
    ),
    # A listed object is not found by its id.
    "an object that a read has just not found": (CONNECTION, [], missing(NOW.monotonic), Wait(10.0, "to settle")),
    "an object that a read did not find a settle time ago": (
        CONNECTION, [OLD], missing(NOW.monotonic - 10), Check("x"),
    ),
    "an object that two reads did not find": (CONNECTION, [], missing(-math.inf, searched=True), Create()),
    "an object that a read did not find, and a matching one": (CONNECTION, [OLD], missing(NOW.monotonic), Adopt(OLD)),
    # An object matches.
    "a matching object that was only listed": (CONNECTION, [seen()], Memory(), Check("a")),
    "a matching object that was read by its id": (CONNECTION, [OLD], Memory(), Adopt(OLD)),
    "a recent matching object": (CONNECTION, [RECENT], Memory(), Wait(6.0, "to settle")),
    "a recent matching object of a kind without duplicates": (MAPPING_SET, [RECENT], Memory(), Check("a")),
    "a matching object with a date in the future": (
        CONNECTION, [seen(created=PLATFORM + 3600)], Memory(), Wait(11.0, "to settle"),
    ),
    "an old matching object just after a creation was sent": (CONNECTION, [OLD], SENT, Wait(11.0, "to settle")),
    "two matching objects": (CONNECTION, [RECENT_N, OLD], Memory(), Adopt(OLD, (RECENT_N,))),
    "two matching objects of one age": (
        CONNECTION, [seen("b", checked=True), OLD], Memory(), Adopt(OLD, (seen("b", checked=True),)),
    ),
    "a matching and a differing object": (CONNECTION, [DIFFERS, OLD], Memory(), Adopt(OLD)),
    "a matching object that its creator may still be deleting": (
        DATAFLOW, [seen(checked=True, busy_until=PLATFORM + 9)], Memory(), Wait(9.0, "to be deleted by its creator"),
    ),
    "a matching object whose creator has had the time to delete it": (
        DATAFLOW, [seen(checked=True, busy_until=PLATFORM)], Memory(), Adopt(seen(checked=True, busy_until=PLATFORM)),
    ),
    # This call has created an object.
    "our object": (DATAFLOW, [OURS], CREATED, Adopt(OURS)),
    "our object just after its creation": (DATAFLOW, [OURS], created(0), Wait(51.0, "to settle")),
    "our object and an older matching one": (CONNECTION, [OURS, OLD], CREATED, Adopt(OLD, (OURS,))),
    "our object is not listed by the first key": (CONNECTION, [], created(20, searched=False), Search()),
    "our object is not listed": (CONNECTION, [], created(20), Wait(2.0, "to be listed")),
    "our object is never listed": (CONNECTION, [], created(62), never_listed(61)),
    "our object is never listed and starts soon": (
        DATAFLOW, [], created(60, must_end_at=NOW.monotonic + 5), never_listed(59),
    ),
    "our object is not listed, another one matches": (CONNECTION, [OLD], created(20), Wait(2.0, "to be listed")),
    "our object is never listed, another one matches": (CONNECTION, [OLD], created(22), Adopt(OLD)),
    "our object is not listed, another one differs": (CONNECTION, [DIFFERS], created(30), Wait(2.0, "to be listed")),
    # Another writer created an object that differs before.
    "our dataflow, and an older one that ingests the same": (DATAFLOW, [OURS, OLDER_DIFFERS], CREATED, Withdraw(OURS)),
    "our dataflow that another writer disabled, and an older one that differs": (
        DATAFLOW, [OURS_DISABLED, OLDER_DIFFERS], CREATED, Withdraw(OURS_DISABLED),
    ),
    "our connection, and an older one that differs": (
        CONNECTION, [OURS, OLDER_DIFFERS], CREATED, Adopt(OURS, (OLDER_DIFFERS,)),
    ),
    "our dataflow, and an older one that reads another source": (DATAFLOW, [OURS, DIFFERS], CREATED, Adopt(OURS)),
    "a dataflow of another writer, and an older one that differs": (
        DATAFLOW, [OLD, seen("f", LONG_AGO - 1, differences=OTHER)], Memory(),
        Adopt(OLD, (seen("f", LONG_AGO - 1, differences=OTHER),)),
    ),
    # All objects differ.
    "a differing object": (CONNECTION, [DIFFERS], Memory(), Resolve(DIFFERS)),
    "two differing objects": (DATAFLOW, [OLDER_DIFFERS, DIFFERS], Memory(), Resolve(DIFFERS, (OLDER_DIFFERS,))),
    "a given up dataflow that was only listed": (DATAFLOW, [GIVEN_UP], Memory(), Check("w")),
    "a given up dataflow that was read by its id": (DATAFLOW, [GIVEN_UP_READ], Memory(), Revive(GIVEN_UP_READ)),
    "a dataflow that its creator may still be disabling": (
        DATAFLOW, [BUSY], Memory(), Wait(7.0, "to be given up by its creator"),
    ),
    "a dataflow that was disabled again after it was enabled": (
        DATAFLOW, [GIVEN_UP_READ], Memory(revived=True), Resolve(GIVEN_UP_READ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "observed", "memory", "action"), CASES.values(), ids=CASES)
def test_a_situation_leads_to_its_action(
    rules: Rules, observed: Collection[Seen], memory: Memory, action: Action
) -> None:
    assert decide(rules, observed, memory, NOW) == action


# ---- properties of any situation -----------------------------------------------------------------------------------

SECONDS = st.floats(0, 500, allow_nan=False)
TIMES = st.sampled_from((-math.inf, NOW.monotonic)) | SECONDS.map(lambda seconds: NOW.monotonic - seconds)
IDS = st.sampled_from("abcm")
RULES = st.sampled_from((CONNECTION, DATAFLOW, SCHEMA, MAPPING_SET, Rules(True, 0.0), Rules(True, 0.0, ingests=True)))
SEEN = st.builds(
    Seen,
    st.builds(RemoteObject, IDS, SECONDS.map(lambda seconds: PLATFORM - seconds)),
    st.sampled_from(((), OTHER, GIVEN_UP.differences)),
    ours=st.booleans(),
    is_duplicate=st.booleans(),
    checked=st.booleans(),
    was_given_up=st.booleans(),
    busy_until=st.just(0.0) | SECONDS.map(lambda seconds: PLATFORM - 250 + seconds),
)
OBSERVED = st.lists(SEEN, max_size=4, unique_by=lambda each: each.id)
MEMORIES = st.builds(
    Memory,
    attempt=st.integers(1, 3),
    creations=st.integers(0, 3),
    sent_at=TIMES,
    created_id=st.none() | IDS,
    missing=st.dictionaries(st.sampled_from("xyz"), TIMES, max_size=2),
    lookups=st.integers(1, 9),
    searched=st.booleans(),
    revived=st.booleans(),
    must_end_at=st.just(math.inf) | SECONDS.map(lambda seconds: NOW.monotonic + seconds),
)


@given(RULES, OBSERVED, MEMORIES)
def test_the_action_refers_to_observed_objects_only(rules: Rules, observed: list[Seen], memory: Memory) -> None:
    action = decide(rules, observed, memory, NOW)
    match action:
        case Wait(seconds, why):
            assert 0 < seconds < math.inf
            assert why
        case Check(object_id):
            assert object_id in {*memory.missing, *(each.id for each in observed)}
        case Adopt(chosen, others) | Resolve(chosen, others) | Revive(chosen, others):
            assert chosen in observed
            assert chosen not in others
            assert set(map(id, others)) <= set(map(id, observed))
        case Withdraw(own):
            assert own in observed
            assert own.ours
            assert rules.ingests
        case Search():
            assert not memory.searched
        case Create() | GiveUp():
            pass


@given(RULES, OBSERVED, MEMORIES)
def test_a_creation_follows_only_settled_creations_and_empty_results_by_both_keys(
    rules: Rules, observed: list[Seen], memory: Memory
) -> None:
    if decide(rules, observed, memory, NOW) == Create():
        assert observed == []
        assert memory.searched
        assert memory.creations < 3
        assert memory.created_id is None
        assert not rules.settle_seconds or NOW.monotonic >= memory.sent_at + rules.settle_seconds
        assert all(noticed == -math.inf for noticed in memory.missing.values())


@given(RULES, OBSERVED, MEMORIES)
def test_only_the_oldest_matching_object_is_adopted_once_settled_and_read(
    rules: Rules, observed: list[Seen], memory: Memory
) -> None:
    action = decide(rules, observed, memory, NOW)
    if isinstance(action, Adopt):
        matching = [each for each in observed if not each.differences]
        assert action.seen == min(matching, key=lambda each: each.existing.creation_order)
        assert action.seen.checked or action.seen.id == memory.created_id
        if rules.may_duplicate and action.seen.id != memory.created_id:
            assert NOW.platform + 1e-6 >= action.seen.existing.created + rules.settle_seconds
        assert action.duplicates == tuple(each for each in observed if each.is_duplicate and each != action.seen)


@given(RULES, OBSERVED, MEMORIES)
def test_a_driver_that_carries_out_the_actions_ends(rules: Rules, observed: list[Seen], memory: Memory) -> None:
    """The lists never change, and the driver creates three times at most."""
    now = NOW
    for _ in range(400):
        match decide(rules, observed, memory, now):
            case Wait(seconds, _):
                now = Now(now.monotonic + seconds, now.platform + seconds)
                memory = memory.after_lookup(
                    [*memory.missing, *(each.id for each in observed)], now.monotonic, searched=False
                )
            case Search():
                memory = memory.after_lookup([*memory.missing], now.monotonic, searched=True)
            case Check(object_id) if object_id in memory.missing:
                memory = memory.after_missing(object_id, now.monotonic)
            case Check(object_id):
                observed = [each for each in observed if each.id != object_id]
                memory = memory.after_missing(object_id, now.monotonic)
            case Withdraw(own):
                observed = [each for each in observed if each is not own]
                memory = memory.after_withdrawal(own.id)
            case Create():
                memory = memory.after_creation(now.monotonic)
            case _:
                return
    pytest.fail("the driver does not end")


def test_only_the_first_lookup_of_a_later_attempt_assumes_an_earlier_creation() -> None:
    assert Memory().after_lookup((), 5.0, searched=False).sent_at == -math.inf
    again = Memory(attempt=2).after_lookup((), 5.0, searched=False)
    assert (again.sent_at, again.after_lookup((), 9.0, searched=False).sent_at) == (5.0, 5.0)


def test_a_missing_object_is_forgotten_once_found_or_no_longer_listed() -> None:
    memory = Memory().after_missing("a", 1.0).after_missing("b", 1.0).after_missing("b", 2.0)
    assert memory.missing == {"a": 1.0, "b": -math.inf}
    assert memory.after_lookup(["b"], 3.0, searched=False).missing == {"b": -math.inf}
    assert memory.after_found("a").missing == {"b": -math.inf}


def test_a_withdrawal_forgets_the_created_id_of_that_object_only() -> None:
    memory = Memory().after_creation(1.0, "a")
    assert memory.after_withdrawal("lost").created_id == "a"
    assert memory.after_withdrawal("a").created_id is None
    assert memory.after_withdrawal("a").missing == {"a": -math.inf}


def test_the_manual_names_each_action_and_no_other_action() -> None:
    page = (Path(airflow_provider_payments.__file__).parent / "docs" / "exactly-once.md").read_text()
    steps = " ".join(row.split("|")[2] for row in page.splitlines() if row.startswith("| ") and row.count("|") == 3)
    assert set(re.findall(r"`([A-Z]\w+)`", steps)) == {action.__name__ for action in get_args(Action)}
