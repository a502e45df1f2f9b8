"""The manual's table of the exactly-once decision is what the function decides."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

import pytest

from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.provisioning.decide import Action, GiveUp, Memory, Now, Rules, Seen, decide
from airflow_provider_payments.aep.resources.kind import RemoteObject

PAGE = (Path(__file__).parent.parent / "airflow_provider_payments" / "docs" / "exactly-once.md").read_text()
SECTION = PAGE.partition("## The decision")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", SECTION, re.MULTILINE)[2:])
SETTLE_SECONDS = 50.0
RULES = Rules(may_duplicate=True, settle_seconds=SETTLE_SECONDS, ingests=True)
NOW = Now(own=1000.0, platform=1_800_000_000.0)
OLD, OLDER = NOW.platform - 86400, NOW.platform - 86401
BOTH_KEYS = Memory(searched=True)


def seen(object_id: str = "a", created: float = OLD, **given: Any) -> Seen:
    return Seen(RemoteObject(object_id, created), **given)


def differs(object_id: str = "d", created: float = OLD, **given: Any) -> Seen:
    return seen(object_id, created, differences=(Difference("table", "a", "b"),), **given)


def created(seconds_ago: float, *, searched: bool = True) -> Memory:
    """What a call knows that created the object ``m`` so long ago."""
    return Memory(posts=1, sent_at=NOW.own - seconds_ago, mine="m", searched=searched)


EQUAL, OURS = seen(checked=True), seen("m", ours=True)
#: Observed -> what is decided in turn: the objects that lists show, and what the call knows.
CASES: dict[str, list[tuple[Collection[Seen], Memory]]] = {
    "nothing, by the name": [([], Memory())],
    "nothing, by both keys": [([], BOTH_KEYS)],
    "nothing, and a creation was sent, or may have been sent by an earlier try": [
        ([], Memory(attempt=2).looked((), NOW.own, searched=True))
    ],
    "nothing, after three creations that have settled": [([], Memory(posts=3, searched=True))],
    "something is listed that a read by its id has not found": [
        ([], Memory(gone={"x": NOW.own})),
        ([], Memory(gone={"x": NOW.own - SETTLE_SECONDS})),
    ],
    "an equal object, as lists show it": [([seen()], Memory())],
    "an equal object, younger than W": [([seen(created=NOW.platform - SETTLE_SECONDS + 1)], Memory())],
    "an equal object, read by its id": [([EQUAL], Memory())],
    "several equal objects": [([seen("b"), EQUAL], Memory())],
    "an equal object that its creator may still be deleting": [
        ([seen(checked=True, busy_until=NOW.platform + 9)], Memory())
    ],
    "what this call created is not listed": [([], created(60, searched=False)), ([], created(60))],
    "the same for 6 W (at least 10 s), and nothing else is equal": [([], created(6 * SETTLE_SECONDS + 2))],
    "the same for 2 W (at least 10 s), and another object is equal": [([EQUAL], created(2 * SETTLE_SECONDS + 2))],
    "a dataflow that this call created, and an older one that differs and ingests the same": [
        ([OURS, differs("f", OLDER)], created(60))
    ],
    "only objects that differ": [([differs()], Memory())],
    "the oldest differs only because an earlier attempt gave it up and disabled it": [
        ([differs(withdrawn=True)], Memory()),
        ([differs(withdrawn=True, checked=True)], Memory()),
    ],
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_shows_the_actions_that_are_decided(row: str) -> None:
    decided = [decide(RULES, observed, memory, NOW) for observed, memory in CASES[row]]
    shown = [word for word in re.findall(r"`(\w+)`", ROWS[row]) if word in ACTIONS]
    assert [type(action).__name__ for action in decided] == shown
    for action in decided:
        if isinstance(action, GiveUp):
            assert action.retryable == ("a retry may succeed" in ROWS[row])


ACTIONS = {action.__name__ for action in get_args(Action)}


def test_the_table_shows_every_action_and_every_case() -> None:
    assert {word for cell in ROWS.values() for word in re.findall(r"`([A-Z]\w+)`", cell)} == ACTIONS
    assert set(CASES) == set(ROWS)


@pytest.mark.parametrize(
    ("times", "beside"), [(6, []), (2, [EQUAL])], ids=["nothing else is equal", "another object is equal"]
)
def test_what_was_created_is_searched_for_as_long_as_the_table_says(times: int, beside: list[Seen]) -> None:
    before = decide(RULES, beside, created(times * SETTLE_SECONDS - 1), NOW)
    after = decide(RULES, beside, created(times * SETTLE_SECONDS + 2), NOW)
    assert type(before).__name__ == "Wait"
    assert type(after).__name__ != "Wait"
