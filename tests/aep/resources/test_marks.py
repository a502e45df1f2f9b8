"""Marks: their place in each kind of object, their content, and that they cause no differences."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.marks import Mark, Writer
from tests.aep.chain import KINDS, UPDATES, Chain, Kind
from tests.conftest import Emulator

DAILY = Writer("payments.daily-1", "scheduled__2026-03-01")
MARK = rf"\[airflow:payments\.daily-1#{DAILY.run_digest}\.[0-9a-f]{{8}}\]"
DESCRIBED = [name for name in KINDS if name not in ("dataset", "mapping set")]
MARKED = [name for name in KINDS if name != "mapping set"]


def kinds(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", [KINDS[name] for name in names], ids=names)


def sent(emulator: Emulator, kind: Kind) -> dict[str, Any]:
    """Return the request body of the last creation of a kind."""
    return dict([r["body"] for r in emulator.requests(method="POST") if r["path"] == kind.path][-1])


# ---- the place of a mark -------------------------------------------------------------------------------------------


@kinds(DESCRIBED)
def test_a_mark_is_appended_to_the_description(kind: Kind, chain: Chain, emulator: Emulator) -> None:
    chain.ensure(kind.build(chain, description="Paid orders"), writer=DAILY)
    assert re.fullmatch(f"Paid orders {MARK}", sent(emulator, kind)["description"])


@kinds(DESCRIBED)
def test_a_mark_is_the_whole_description_if_none_is_given(kind: Kind, chain: Chain, emulator: Emulator) -> None:
    chain.ensure(kind.build(chain), writer=DAILY)
    assert re.fullmatch(MARK, sent(emulator, kind)["description"])


def test_a_datasets_mark_is_a_tag_next_to_the_users_tags(chain: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.dataset(description="Paid orders", tags={"team": ["payments"]}), writer=DAILY)
    body = sent(emulator, KINDS["dataset"])
    assert body["description"] == "Paid orders"
    assert body["tags"].keys() == {"team", "airflow/mark"}
    assert body["tags"]["team"] == ["payments"]
    (mark,) = body["tags"]["airflow/mark"]
    assert re.fullmatch(MARK, mark)


def test_setting_the_tag_of_the_mark_is_refused(chain: Chain) -> None:
    with pytest.raises(InvalidInputError, match=re.escape("tags.airflow/mark=['x'] is not allowed")):
        chain.dataset(tags={"airflow/mark": ["x"]})


def test_a_mapping_set_carries_no_mark(chain: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.mapping_set(description="Paid orders"), writer=DAILY)
    assert "airflow" not in json.dumps(sent(emulator, KINDS["mapping set"]))


@kinds(MARKED)
def test_a_mark_is_found_in_lists_and_in_reads_by_id(kind: Kind, chain: Chain) -> None:
    resource = kind.build(chain, description="Paid orders")
    chain.ensure(resource, writer=DAILY)
    (by_name,) = resource.look_up(chain.client)
    (of_all,) = [existing for existing in resource.kind.list_all(chain.client) if existing.id == by_name.id]
    shown = resource.kind.read(chain.client, of_all)
    assert shown
    marks = [resource.kind.mark_of(existing) for existing in (by_name, of_all, shown)]
    assert marks[0] is not None
    assert re.fullmatch(MARK, str(marks[0]))
    assert marks == [marks[0]] * 3


# ---- the content of a mark -----------------------------------------------------------------------------------------

OWNERS = ["a", "payments", "payments.daily-1", "team_a.payments", "zahlungen-für-märz", "7", "x" * 250]


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("before", ["", "Paid orders ", "Two\nlines ", "[airflow:other#0.0] ", "äöü"])
def test_a_mark_is_read_as_it_was_written(owner: str, before: str) -> None:
    mark = Writer(owner, "run").mark()
    assert Mark.read(f"{before}{mark}") == mark
    assert (mark.owner, Mark.read(f"{before}{mark} \n")) == (owner, mark)


BAD_OWNERS = ["", " ", "two words", "a]", "a#b", "a/b", "a:b", "a\n", "a,b", "x" * 251]


@pytest.mark.parametrize("owner", BAD_OWNERS, ids=repr)
def test_an_owner_that_no_mark_can_carry_is_refused_as_chain(owner: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(f"chain={owner!r} is not allowed: 1 to 250 letters")):
        Writer(owner)


NO_MARKS: list[object] = [
    None,
    "",
    5,
    ["[airflow:a#1.2]"],
    "Paid orders",
    "[airflow:a#1.2] and more",
    "[airflow:#1.2]",
    "[airflow:a#.2]",
    "[airflow:a#1.]",
    "[airflow:a#1]",
    "[airflow:a b#1.2]",
    "[airflow:a#xyz.2]",
    "airflow:a#1.2",
]


@pytest.mark.parametrize("text", NO_MARKS, ids=repr)
def test_text_that_only_resembles_a_mark_is_no_mark(text: object) -> None:
    assert Mark.read(text) is None


def test_a_writer_owns_only_the_marks_of_its_own_run() -> None:
    mark = DAILY.mark()
    assert DAILY.owns(mark)
    assert Writer("payments.daily-1", "scheduled__2026-03-01").owns(mark)
    for other in (
        Writer("payments.daily-1", "scheduled__2026-03-02"),
        Writer("other", "scheduled__2026-03-01"),
        Writer("payments.daily-1", "scheduled__2026-03-01", "other_dag"),
    ):
        assert not other.owns(mark)
    assert not DAILY.owns(None)


def test_a_first_edition_mark_belongs_to_the_chain_but_no_run() -> None:
    mark = Mark.read("Paid orders [airflow:payments.daily-1#0d3a5ff4ab51.8d01e5c7]")
    digest = hashlib.sha256(b"payments.daily-1\0scheduled__2026-03-01").hexdigest()[:12]
    assert mark == Mark("payments.daily-1", "0d3a5ff4ab51", "8d01e5c7")
    for dag in ("", "payments.daily-1"):
        assert not Writer(DAILY.owner, DAILY.run, dag).owns(Mark(DAILY.owner, digest, "8d01e5c7"))


def test_runs_of_the_same_name_differ_between_owners() -> None:
    assert Writer("a", "run").run_digest != Writer("b", "run").run_digest
    # The boundary between owner and run counts.
    assert Writer("a", "brun").run_digest != Writer("ab", "run").run_digest


def test_a_runs_id_is_written_only_as_a_digest(chain: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.source(), writer=DAILY)
    assert "scheduled" not in json.dumps(sent(emulator, KINDS["source connection"]))


def test_each_creation_request_carries_a_new_nonce(chain: Chain, emulator: Emulator) -> None:
    emulator.fail("status", method="POST", path="*/sourceConnections", status=500, times=2)
    chain.ensure(chain.source(), writer=DAILY)
    bodies = [r["body"] for r in emulator.requests(method="POST", path=KINDS["source connection"].path)]
    marks = [Mark.read(body["description"]) for body in bodies]
    assert len({mark.nonce for mark in marks if mark}) == len(bodies) == 3
    assert {(mark.owner, mark.run) for mark in marks if mark} == {("payments.daily-1", DAILY.run_digest)}


# ---- comparisons and updates ---------------------------------------------------------------------------------------


@kinds(MARKED)
def test_a_mark_is_no_difference(kind: Kind, chain: Chain, make_client: Callable[..., Client]) -> None:
    first = chain.ensure(kind.build(chain, description="Paid orders"), writer=DAILY)
    # Another writer's mark, another description, or no marks: the object is the same.
    cases = (
        (chain.client, None, "update"),
        (chain.client, "Orders", "reuse"),
        (make_client(marks=False), None, "update"),
    )
    for client, description, if_exists in cases:
        found = ensure(client, kind.build(chain, description=description), if_exists=if_exists, writer=Writer("other"))
        assert (found.created, found.updated, found.existing.id) == (False, False, first.existing.id)


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_keeps_the_mark_of_the_creator(name: str, chain: Chain) -> None:
    build = KINDS[name].build
    chain.ensure(build(chain, description="Paid orders"), writer=DAILY)
    resource = build(chain, **UPDATES[name])
    assert chain.ensure(resource, if_exists="update", writer=Writer("other")).updated
    (existing,) = resource.look_up(chain.client)
    assert DAILY.owns(resource.kind.mark_of(existing))
    assert existing.item["description"].startswith("Paid orders")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_without_marks_no_object_carries_one(
    kind: Kind, chain: Chain, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    resource = kind.build(chain)
    ensure(make_client(marks=False), resource, writer=DAILY)
    assert "airflow" not in json.dumps(sent(emulator, kind))
