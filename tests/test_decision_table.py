"""The manual's table of the exactly-once decision agrees with the function and with its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

import pytest

from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.provisioning import decide as module
from airflow_provider_payments.aep.provisioning.decide import Action, GiveUp, Memory, Now, Rules, Seen, decide
from airflow_provider_payments.aep.resources.kind import RemoteObject

PAGE = (Path(__file__).parent.parent / "airflow_provider_payments" / "docs" / "exactly-once.md").read_text()
SECTION = PAGE.partition("## The decision")[2].partition("\n## ")[0]
TABLE_ROW = re.compile(r"^\| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = dict(TABLE_ROW.findall(SECTION)[2:])
SETTLE_SECONDS = 50.0
RULES = Rules(may_duplicate=True, settle_seconds=SETTLE_SECONDS, ingests=True)
NOW = Now(monotonic=1000.0, platform=1_800_000_000.0)
OLD, OLDER = NOW.platform - 86400, NOW.platform - 86401
BOTH_KEYS = Memory(searched=True)


def seen(object_id: str = "a", created: float = OLD, **given: Any) -> Seen:
    return Seen(RemoteObject(object_id, created), **given)


def differs(object_id: str = "d", created: float = OLD, **given: Any) -> Seen:
    return seen(object_id, created, differences=(Difference("table", "a", "b"),), **given)


def created(seconds_ago: float, *, searched: bool = True) -> Memory:
    """The memory of an operation that created the object ``m`` a number of seconds ago."""
    return Memory(creations=1, sent_at=NOW.monotonic - seconds_ago, created_id="m", searched=searched)


MATCHING, OURS = seen(checked=True), seen("m", ours=True)
#: Row of the table -> the decisions that it describes, in turn: the observed objects and the memory of each.
CASES: dict[str, list[tuple[Collection[Seen], Memory]]] = {
    "no object by the name": [([], Memory())],
    "no object by either key": [([], BOTH_KEYS)],
    "no object, and a creation was sent, or may have been sent by an earlier try": [
        ([], Memory(attempt=2).after_lookup((), NOW.monotonic, searched=True))
    ],
    "no object, after three creations that have settled": [([], Memory(creations=3, searched=True))],
    "a listed object that a read by its id did not find": [
        ([], Memory(missing={"x": NOW.monotonic})),
        ([], Memory(missing={"x": NOW.monotonic - SETTLE_SECONDS})),
    ],
    "a matching object that was only listed": [([seen()], Memory())],
    "a matching object, younger than W": [([seen(created=NOW.platform - SETTLE_SECONDS + 1)], Memory())],
    "a matching object, and a creation was sent less than W ago": [([MATCHING], Memory(sent_at=NOW.monotonic - 1))],
    "a matching object that was read by its id": [([MATCHING], Memory())],
    "several matching objects": [([seen("b"), MATCHING], Memory())],
    "a matching object that its creator may still be deleting": [
        ([seen(checked=True, busy_until=NOW.platform + 9)], Memory())
    ],
    "the object that this operation created is not listed": [([], created(60, searched=False)), ([], created(60))],
    "the same for 6 W (at least 10 s), and no other object matches": [([], created(6 * SETTLE_SECONDS + 2))],
    "the same for 2 W (at least 10 s), and another object matches": [([MATCHING], created(2 * SETTLE_SECONDS + 2))],
    "a dataflow that this operation created, and an older one that differs and ingests the same data": [
        ([OURS, differs("f", OLDER)], created(60))
    ],
    "only objects that differ": [([differs()], Memory())],
    "the oldest differs only because an earlier try or run gave it up and disabled it": [
        ([differs(was_given_up=True)], Memory()),
        ([differs(was_given_up=True, checked=True)], Memory()),
    ],
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_the_actions_that_are_decided(row: str) -> None:
    decided = [decide(RULES, observed, memory, NOW) for observed, memory in CASES[row]]
    shown = [word for word in re.findall(r"`(\w+)`", ROWS[row]) if word in ACTIONS]
    assert [type(action).__name__ for action in decided] == shown
    for action in decided:
        if isinstance(action, GiveUp):
            assert action.retryable == ("a retry may succeed" in ROWS[row])


ACTIONS = {action.__name__ for action in get_args(Action)}


def test_the_table_names_every_action_and_equals_the_docstring() -> None:
    assert dict(TABLE_ROW.findall(inspect.getdoc(module) or "")[2:]) == ROWS
    assert {word for cell in ROWS.values() for word in re.findall(r"`([A-Z]\w+)`", cell)} == ACTIONS
    assert set(CASES) == set(ROWS)


@pytest.mark.parametrize(
    ("times", "others"), [(6, []), (2, [MATCHING])], ids=["no other object matches", "another object matches"]
)
def test_a_created_object_is_searched_for_as_long_as_the_table_says(times: int, others: list[Seen]) -> None:
    before = decide(RULES, others, created(times * SETTLE_SECONDS - 1), NOW)
    after = decide(RULES, others, created(times * SETTLE_SECONDS + 2), NOW)
    assert type(before).__name__ == "Wait"
    assert type(after).__name__ != "Wait"
