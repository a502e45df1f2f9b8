"""The decision of exactly-once provisioning: a pure function, a row for each case, and what holds whatever is seen."""

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

#: A connection, a dataflow, and a kind of which the service itself refuses a second one.
CONNECTION, DATAFLOW, SCHEMA = Rules(True, 10.0), Rules(True, 50.0, ingests=True), Rules(False, 0.0)
MAPPING_SET = Rules(False, 10.0)
PLATFORM = 1_800_000_000.0
NOW = Now(own=1000.0, platform=PLATFORM)
LONG_AGO = PLATFORM - 86400
OTHER = (Difference("table", "a", "b"),)


def seen(object_id: str = "a", created: float = LONG_AGO, **given: Any) -> Seen:
    return Seen(RemoteObject(object_id, created), **given)


OLD, YOUNG, NEW = seen(checked=True), seen(created=PLATFORM - 4), seen("n", created=PLATFORM - 4)
DIFFERS = seen("d", differences=OTHER, is_duplicate=False)
SENT = Memory(posts=1, sent_at=NOW.own)
OURS = seen("m", created=PLATFORM - 100, ours=True)
STOPPED = seen("m", created=PLATFORM - 100, ours=True, differences=(Difference("state", "enabled", "disabled"),))
MADE = Memory(posts=1, sent_at=NOW.own - 100, mine="m", searched=True)
FIRST = seen("f", created=PLATFORM - 101, differences=OTHER, is_duplicate=True)
WITHDRAWN = seen("w", differences=(Difference("state", "enabled", "disabled"),), withdrawn=True)
READ = seen("w", differences=WITHDRAWN.differences, withdrawn=True, checked=True)
BUSY = seen("w", differences=READ.differences, withdrawn=True, checked=True, busy_until=PLATFORM + 7)


def made(seconds_ago: float, **given: Any) -> Memory:
    return Memory(**{"posts": 1, "sent_at": NOW.own - seconds_ago, "mine": "m", "searched": True} | given)


CASES: dict[str, tuple[Rules, Collection[Seen], Memory, Action]] = {
    # Nothing is there.
    "nothing, by the first key": (CONNECTION, [], Memory(), Search()),
    "nothing, by both keys": (CONNECTION, [], Memory(searched=True), Create()),
    "nothing, just after a creation was sent": (CONNECTION, [], SENT, Wait(11.0, "to settle")),
    "nothing, and an earlier attempt may have sent one": (
        CONNECTION, [], Memory(attempt=2).looked((), NOW.own, searched=True), Wait(11.0, "to settle"),
    ),
    "nothing, and what was sent has settled": (CONNECTION, [], Memory(1, 1, NOW.own - 11, searched=True), Create()),
    "nothing, and less is left than a clock can tell": (
        CONNECTION, [], Memory(1, 1, NOW.own - 11 + 1e-9, searched=True), Create(),
    ),
    "nothing, just before what was sent has settled": (
        CONNECTION, [], Memory(1, 1, NOW.own - 10, searched=True), Wait(1.0, "to settle"),
    ),
    "nothing, after three creations": (
        CONNECTION, [], Memory(posts=3, searched=True),
        GiveUp("cannot be created: 3 requests to create it brought no object, and none shows after 10 s; the next "
               "attempt looks again", retryable=True),
    ),
    "nothing, of a kind that need not settle": (SCHEMA, [], Memory(posts=1, sent_at=NOW.own, searched=True), Create()),
    # What lists show though it is gone.
    "one that a read has just missed": (CONNECTION, [], Memory(gone={"x": NOW.own}), Wait(10.0, "to settle")),
    "one that a read missed a settle time ago": (CONNECTION, [OLD], Memory(gone={"x": NOW.own - 10}), Check("x")),
    "one that two reads missed": (CONNECTION, [], Memory(gone={"x": -math.inf}, searched=True), Create()),
    "one that a read missed, beside one that is right": (CONNECTION, [OLD], Memory(gone={"x": NOW.own}), Adopt(OLD)),
    # One is right.
    "one that is right, as listed": (CONNECTION, [seen()], Memory(), Check("a")),
    "one that is right, as read": (CONNECTION, [OLD], Memory(), Adopt(OLD)),
    "one that is young": (CONNECTION, [YOUNG], Memory(), Wait(6.0, "to settle")),
    "one that is young, of a kind that need not settle": (MAPPING_SET, [YOUNG], Memory(), Check("a")),
    "one that is dated in the future": (
        CONNECTION, [seen(created=PLATFORM + 3600)], Memory(), Wait(11.0, "to settle"),
    ),
    "one that is old, just after a creation was sent": (CONNECTION, [OLD], SENT, Wait(11.0, "to settle")),
    "two that are right": (CONNECTION, [NEW, OLD], Memory(), Adopt(OLD, (NEW,))),
    "two that are right, of one age": (
        CONNECTION, [seen("b", checked=True), OLD], Memory(), Adopt(OLD, (seen("b", checked=True),)),
    ),
    "one that is right and one that differs": (CONNECTION, [DIFFERS, OLD], Memory(), Adopt(OLD)),
    "one whose maker may still be deleting it": (
        DATAFLOW, [seen(checked=True, busy_until=PLATFORM + 9)], Memory(), Wait(9.0, "to be deleted by its creator"),
    ),
    "one whose maker has had the time to delete it": (
        DATAFLOW, [seen(checked=True, busy_until=PLATFORM)], Memory(), Adopt(seen(checked=True, busy_until=PLATFORM)),
    ),
    # What this call made.
    "our own": (DATAFLOW, [OURS], MADE, Adopt(OURS)),
    "our own, just made": (DATAFLOW, [OURS], made(0), Wait(51.0, "to settle")),
    "our own and an older one": (CONNECTION, [OURS, OLD], MADE, Adopt(OLD, (OURS,))),
    "our own does not show by the first key": (CONNECTION, [], made(20, searched=False), Search()),
    "our own does not show": (CONNECTION, [], made(20), Wait(2.0, "to show in lists")),
    "our own never shows": (
        CONNECTION, [], made(62),
        GiveUp("was created (m), but 61 s later no list shows it. Nothing more is created: another attempt would not "
               "find it either", retryable=False),
    ),
    "our own never shows, and begins soon": (
        DATAFLOW, [], made(60, begins_at=NOW.own + 5),
        GiveUp("was created (m), but 59 s later no list shows it. Nothing more is created: another attempt would not "
               "find it either", retryable=False),
    ),
    "our own does not show, another one does": (CONNECTION, [OLD], made(20), Wait(2.0, "to show in lists")),
    "our own never shows, another one does": (CONNECTION, [OLD], made(22), Adopt(OLD)),
    "our own never shows, one that differs does": (CONNECTION, [DIFFERS], made(30), Wait(2.0, "to show in lists")),
    # Another writer was first with something else.
    "our own dataflow, and an older one that ingests the same": (DATAFLOW, [OURS, FIRST], MADE, Withdraw(OURS)),
    "our own dataflow that somebody disabled, and an older one that differs": (
        DATAFLOW, [STOPPED, FIRST], MADE, Withdraw(STOPPED),
    ),
    "our own connection, and an older one that differs": (CONNECTION, [OURS, FIRST], MADE, Adopt(OURS, (FIRST,))),
    "our own dataflow, and an older one that reads something else": (DATAFLOW, [OURS, DIFFERS], MADE, Adopt(OURS)),
    "somebody else's dataflow, and an older one that differs": (
        DATAFLOW, [OLD, seen("f", LONG_AGO - 1, differences=OTHER)], Memory(),
        Adopt(OLD, (seen("f", LONG_AGO - 1, differences=OTHER),)),
    ),
    # All differ.
    "one that differs": (CONNECTION, [DIFFERS], Memory(), Resolve(DIFFERS)),
    "two that differ": (DATAFLOW, [FIRST, DIFFERS], Memory(), Resolve(DIFFERS, (FIRST,))),
    "one that was disabled, as listed": (DATAFLOW, [WITHDRAWN], Memory(), Check("w")),
    "one that was disabled, as read": (DATAFLOW, [READ], Memory(), Revive(READ)),
    "one that is just being disabled": (DATAFLOW, [BUSY], Memory(), Wait(7.0, "to be given up by its creator")),
    "one that was disabled once more": (DATAFLOW, [READ], Memory(revived=True), Resolve(READ)),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "observed", "memory", "action"), CASES.values(), ids=CASES)
def test_each_case_has_its_action(rules: Rules, observed: Collection[Seen], memory: Memory, action: Action) -> None:
    assert decide(rules, observed, memory, NOW) == action


# ---- whatever is observed ------------------------------------------------------------------------------------------

SECONDS = st.floats(0, 500, allow_nan=False)
MOMENTS = st.sampled_from((-math.inf, NOW.own)) | SECONDS.map(lambda seconds: NOW.own - seconds)
IDS = st.sampled_from("abcm")
RULES = st.sampled_from((CONNECTION, DATAFLOW, SCHEMA, MAPPING_SET, Rules(True, 0.0), Rules(True, 0.0, ingests=True)))
SEEN = st.builds(
    Seen,
    st.builds(RemoteObject, IDS, SECONDS.map(lambda seconds: PLATFORM - seconds)),
    st.sampled_from(((), OTHER, WITHDRAWN.differences)),
    ours=st.booleans(),
    is_duplicate=st.booleans(),
    checked=st.booleans(),
    withdrawn=st.booleans(),
    busy_until=st.just(0.0) | SECONDS.map(lambda seconds: PLATFORM - 250 + seconds),
)
OBSERVED = st.lists(SEEN, max_size=4, unique_by=lambda each: each.id)
MEMORIES = st.builds(
    Memory,
    attempt=st.integers(1, 3),
    posts=st.integers(0, 3),
    sent_at=MOMENTS,
    mine=st.none() | IDS,
    gone=st.dictionaries(st.sampled_from("xyz"), MOMENTS, max_size=2),
    looks=st.integers(1, 9),
    searched=st.booleans(),
    revived=st.booleans(),
    begins_at=st.just(math.inf) | SECONDS.map(lambda seconds: NOW.own + seconds),
)


@given(RULES, OBSERVED, MEMORIES)
def test_one_action_follows_and_it_is_about_what_is_known(rules: Rules, observed: list[Seen], memory: Memory) -> None:
    action = decide(rules, observed, memory, NOW)
    match action:
        case Wait(seconds, why):
            assert 0 < seconds < math.inf
            assert why
        case Check(object_id):
            assert object_id in {*memory.gone, *(each.id for each in observed)}
        case Adopt(one, others) | Resolve(one, others) | Revive(one, others):
            assert one in observed
            assert one not in others
            assert set(map(id, others)) <= set(map(id, observed))
        case Withdraw(one):
            assert one in observed
            assert one.ours
            assert rules.ingests
        case Search():
            assert not memory.searched
        case Create() | GiveUp():
            pass


@given(RULES, OBSERVED, MEMORIES)
def test_nothing_is_created_before_all_that_was_sent_has_settled_and_both_keys_have_shown_nothing(
    rules: Rules, observed: list[Seen], memory: Memory
) -> None:
    if decide(rules, observed, memory, NOW) == Create():
        assert observed == []
        assert memory.searched
        assert memory.posts < 3
        assert memory.mine is None
        assert not rules.settle_seconds or NOW.own >= memory.sent_at + rules.settle_seconds
        assert all(noticed == -math.inf for noticed in memory.gone.values())


@given(RULES, OBSERVED, MEMORIES)
def test_only_the_oldest_that_is_right_is_adopted_once_it_has_settled_and_was_read(
    rules: Rules, observed: list[Seen], memory: Memory
) -> None:
    action = decide(rules, observed, memory, NOW)
    if isinstance(action, Adopt):
        right = [each for each in observed if not each.differences]
        assert action.seen == min(right, key=lambda each: each.existing.creation_order)
        assert action.seen.checked or action.seen.id == memory.mine
        if rules.may_duplicate and action.seen.id != memory.mine:
            assert NOW.platform + 1e-6 >= action.seen.existing.created + rules.settle_seconds
        assert action.duplicates == tuple(each for each in observed if each.is_duplicate and each != action.seen)


@given(RULES, OBSERVED, MEMORIES)
def test_who_waits_as_long_as_it_says_comes_to_an_end(rules: Rules, observed: list[Seen], memory: Memory) -> None:
    """No list changes: a driver that does what is said ends, and creates three times at most."""
    now = NOW
    for _ in range(400):
        match decide(rules, observed, memory, now):
            case Wait(seconds, _):
                now = Now(now.own + seconds, now.platform + seconds)
                memory = memory.looked([*memory.gone, *(each.id for each in observed)], now.own, searched=False)
            case Search():
                memory = memory.looked([*memory.gone], now.own, searched=True)
            case Check(object_id) if object_id in memory.gone:
                memory = memory.missing(object_id, now.own)
            case Check(object_id):
                observed = [each for each in observed if each.id != object_id]
                memory = memory.missing(object_id, now.own)
            case Withdraw(one):
                observed = [each for each in observed if each is not one]
                memory = memory.withdrew(one.id)
            case Create():
                memory = memory.sent(now.own)
            case _:
                return
    pytest.fail("it goes on for ever")


def test_a_first_attempt_remembers_no_creation_and_a_later_one_a_possible_one_once() -> None:
    assert Memory().looked((), 5.0, searched=False).sent_at == -math.inf
    again = Memory(attempt=2).looked((), 5.0, searched=False)
    assert (again.sent_at, again.looked((), 9.0, searched=False).sent_at) == (5.0, 5.0)


def test_what_is_not_listed_any_more_is_not_in_doubt_any_more() -> None:
    memory = Memory().missing("a", 1.0).missing("b", 1.0).missing("b", 2.0)
    assert memory.gone == {"a": 1.0, "b": -math.inf}
    assert memory.looked(["b"], 3.0, searched=False).gone == {"b": -math.inf}
    assert memory.found("a").gone == {"b": -math.inf}


def test_who_removes_one_of_two_that_it_made_remembers_the_other() -> None:
    memory = Memory().sent(1.0, "a")
    assert memory.withdrew("lost").mine == "a"
    assert memory.withdrew("a").mine is None
    assert memory.withdrew("a").gone == {"a": -math.inf}


def test_the_manual_names_each_action_and_no_other() -> None:
    page = (Path(airflow_provider_payments.__file__).parent / "docs" / "exactly-once.md").read_text()
    steps = " ".join(row.split("|")[2] for row in page.splitlines() if row.startswith("| ") and row.count("|") == 3)
    assert set(re.findall(r"`([A-Z]\w+)`", steps)) == {action.__name__ for action in get_args(Action)}
