"""Several writers adopt the oldest object and delete their own duplicates, so no row is ingested twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.kind import RemoteObject
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import KINDS, Chain
from tests.chaos.timeline import Timeline
from tests.conftest import Emulator

A, B, LATER = Writer("payments", "run a"), Writer("payments", "run b"), Writer("payments", "run c")
SETTLES = [
    "base connection",
    "dataset base connection",
    "source connection",
    "target connection",
    "dataset",
    "dataflow",
]
ONCE = Schedule()


def ids(emulator: Emulator, name: str, desired: Resource) -> list[str]:
    return [item["id"] for item in emulator.objects(KINDS[name].objects) if item.get("name") == desired.name]


def deleted(emulator: Emulator) -> list[str]:
    """The ids of all deletions that were requested."""
    return [r["path"].rsplit("/", 1)[-1] for r in emulator.requests(method="DELETE")]


@pytest.fixture
def race(make_writer: Callable[..., Chain], timeline: Timeline) -> Callable[..., list[Provisioned]]:
    """Let two writers create the same object; both look it up before either creates it, as a request takes a second."""

    def run(desired: Resource, head_start: float = 0.5, **settings: Any) -> list[Provisioned]:
        first, second = (make_writer(seconds=1.0, **settings) for _ in range(2))
        programs = (lambda: first.ensure(desired, writer=A)), (lambda: second.ensure(desired, writer=B))
        return timeline.run(programs, (0.0, head_start))

    return run


def duplicated(chain: Chain, emulator: Emulator, desired: Resource, by: Writer | None = B) -> tuple[str, RemoteObject]:
    """Create an object, and a second later a duplicate as of a killed writer; return both."""
    first = chain.ensure(desired, writer=A).existing.id
    emulator.advance(1)
    return first, desired.ready(chain.client).create(chain.client, by.mark() if by else None)


# ---- two at the same time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETTLES)
def test_the_later_of_two_writers_deletes_its_own_duplicate(
    name: str, race: Callable[..., list[Provisioned]], chain: Chain, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    requested = len(emulator.posted(KINDS[name].path))
    older, younger = race(desired)
    assert len(emulator.posted(KINDS[name].path)) == requested + 2
    assert ids(emulator, name, desired) == [older.existing.id] == [younger.existing.id]
    assert (older.created, younger.created) == (True, False)
    (removed,) = deleted(emulator)
    assert removed != older.existing.id
    assert older.duplicates in ((removed,), ())
    assert younger.duplicates == ()


@pytest.mark.parametrize("creation", [1, 2], ids=["the older", "the younger"])
@pytest.mark.parametrize("name", SETTLES)
def test_the_writer_of_an_unlisted_object_removes_it_and_adopts_the_other(
    name: str, creation: int, race: Callable[..., list[Provisioned]], chain: Chain, emulator: Emulator
) -> None:
    desired, path = KINDS[name].build(chain), KINDS[name].path
    emulator.fail("list_lag", method="POST", path=path, nth=creation, seconds=3600)
    first, second = race(desired)
    assert ids(emulator, name, desired) == [first.existing.id] == [second.existing.id]
    assert len(deleted(emulator)) == 1
    assert (first.duplicates, second.duplicates) == ((), ())


def test_objects_created_at_the_same_time_are_ordered_by_id(
    race: Callable[..., list[Provisioned]], chain: Chain, emulator: Emulator
) -> None:
    for number in range(8):
        desired = chain.source(name=f"own source {number}")
        first, second = race(desired, head_start=0.0)
        (kept,) = ids(emulator, "source connection", desired)
        assert kept == first.existing.id == second.existing.id < deleted(emulator)[-1]
        assert sorted([first.created, second.created]) == [False, True]
    assert len(deleted(emulator)) == 8


def test_an_unreadable_duplicate_does_not_hide_an_earlier_removal(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired, path = chain.source(), KINDS["source connection"].path
    # An older object is listed only after this writer's creation, and a younger one is created while that settles.
    emulator.fail("list_lag", method="POST", path=path, seconds=6)
    oldest = desired.ready(chain.client).create(chain.client, A.mark())
    emulator.advance(1)
    emulator.fail("late_apply", method="POST", path=path, seconds=8)
    with pytest.raises(RequestError):
        desired.create(chain.client, LATER.mark())
    # Reads by id: the oldest, its own, then the youngest.
    emulator.fail("status", status=404, method="GET", path=f"{path}/*", nth=3)
    found = writer.ensure(desired, writer=B)
    assert (found.existing.id, found.created) == (oldest.id, False)
    assert len(deleted(emulator)) == 1
    assert ids(emulator, "source connection", desired) == [oldest.id, *found.duplicates]
    assert len(found.duplicates) == 1


def test_without_marks_both_writers_adopt_the_oldest_and_delete_nothing(
    race: Callable[..., list[Provisioned]], chain: Chain, emulator: Emulator
) -> None:
    desired = chain.source()
    older, younger = race(desired, marks=False)
    first, second = ids(emulator, "source connection", desired)
    assert older.existing.id == younger.existing.id == first
    assert older.duplicates == younger.duplicates == (second,)
    assert deleted(emulator) == []


def test_two_writers_of_one_dataflow_ingest_each_row_once(
    race: Callable[..., list[Provisioned]], chain: Chain, emulator: Emulator
) -> None:
    older, _ = race(chain.dataflow(schedule=ONCE, partial_ingestion_percent=50))
    emulator.advance(86400)
    (run,) = emulator.objects("runs")
    assert run["flowId"] == older.existing.id
    read = run["metrics"]["recordSummary"]["outputRecordCount"]
    assert emulator.rows(chain.dataset_id)["count"] == read > 0


# ---- duplicates of other writers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETTLES)
def test_a_duplicate_of_another_run_is_reported_and_kept(
    name: str, chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    desired = KINDS[name].build(chain)
    first, duplicate = duplicated(chain, emulator, desired)
    emulator.advance(600)
    found = writer.ensure(desired, writer=LATER)
    assert (found.existing.id, found.duplicates) == (first, (duplicate.id,))
    assert found.to_json()["duplicates"] == [duplicate.id]
    assert ids(emulator, name, desired) == [first, duplicate.id]
    assert deleted(emulator) == []
    name_and_id = f"{desired.kind} {desired.name!r} ({duplicate.id})"
    warning = f"There is a duplicate of {name_and_id}, created by [airflow:payments#{B.run_digest}."
    assert warning in caplog.text
    assert "remove_duplicates=True would remove it" in caplog.text


def test_an_object_that_differs_is_no_duplicate(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.source(), writer=A)
    chain.source(columns=("Product_Id",)).create(chain.client, B.mark())
    emulator.advance(600)
    assert writer.ensure(chain.source(), writer=LATER, remove_duplicates=True).duplicates == ()
    assert deleted(emulator) == []


@pytest.mark.parametrize("name", SETTLES)
def test_a_duplicate_of_the_same_chain_is_removed_on_request(
    name: str, chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    desired = KINDS[name].build(chain)
    first, duplicate = duplicated(chain, emulator, desired)
    emulator.advance(600)
    found = writer.ensure(desired, writer=LATER, remove_duplicates=True)
    assert (found.existing.id, found.duplicates) == (first, ())
    assert (ids(emulator, name, desired), deleted(emulator)) == ([first], [duplicate.id])
    assert f"Removed a duplicate of {desired.kind} {desired.name!r} ({duplicate.id})" in caplog.text


@pytest.mark.parametrize(("age", "stays"), [(30, True), (31, False)])
def test_a_duplicate_is_removed_after_three_settle_times(
    age: float, stays: bool, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    _, duplicate = duplicated(chain, emulator, chain.source())
    emulator.advance(age)
    found = writer.ensure(chain.source(), writer=LATER, remove_duplicates=True)
    assert (found.duplicates, deleted(emulator)) == (((duplicate.id,), []) if stays else ((), [duplicate.id]))


@pytest.mark.parametrize("by", [None, Writer("orders", "run b")], ids=["unmarked", "another chain's"])
@pytest.mark.parametrize("name", SETTLES)
def test_a_duplicate_of_another_chain_is_never_removed(
    name: str, by: Writer | None, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    first, duplicate = duplicated(chain, emulator, desired, by)
    emulator.advance(600)
    assert writer.ensure(desired, writer=LATER, remove_duplicates=True).duplicates == (duplicate.id,)
    assert (ids(emulator, name, desired), deleted(emulator)) == ([first, duplicate.id], [])


def test_without_marks_no_duplicate_is_removed(
    chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    _, duplicate = duplicated(chain, emulator, chain.source())
    emulator.advance(600)
    unmarked = make_writer(marks=False)
    assert unmarked.ensure(chain.source(), writer=LATER, remove_duplicates=True).duplicates == (duplicate.id,)
    assert deleted(emulator) == []


USERS: dict[str, Callable[[Chain, str], Resource]] = {
    "base connection": lambda chain, duplicate: chain.source(base_connection_id=duplicate),
    "source connection": lambda chain, duplicate: chain.dataflow(name="user", source_connection_id=duplicate),
    "target connection": lambda chain, duplicate: chain.dataflow(target_connection_id=duplicate),
    "dataset": lambda chain, duplicate: chain.target(dataset_id=duplicate),
}


@pytest.mark.parametrize("name", USERS)
def test_a_duplicate_in_use_is_kept_and_its_user_logged(
    name: str, chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    desired = KINDS[name].build(chain)
    _, duplicate = duplicated(chain, emulator, desired)
    user = chain.ensure(USERS[name](chain, duplicate.id)).existing.id
    emulator.advance(600)
    assert writer.ensure(desired, writer=LATER, remove_duplicates=True).duplicates == (duplicate.id,)
    assert deleted(emulator) == []
    assert f"Kept a duplicate of {desired.kind} {desired.name!r} ({duplicate.id}): " in caplog.text
    assert f"{user} refers to it" in caplog.text


def test_a_duplicate_whose_only_user_was_deleted_is_removed(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    _, duplicate = duplicated(chain, emulator, chain.source())
    user = chain.ensure(chain.dataflow(name="user", source_connection_id=duplicate.id)).existing.id
    emulator.advance(600)
    emulator.fail("list_lag", method="DELETE", path="*/flows/*", seconds=600)
    chain.client.request("DELETE", f"{KINDS['dataflow'].path}/{user}")
    assert writer.ensure(chain.source(), writer=LATER, remove_duplicates=True).duplicates == ()
    assert deleted(emulator) == [user, duplicate.id]


# ---- duplicates of dataflows ---------------------------------------------------------------------------------------


def states(emulator: Emulator) -> dict[str, str]:
    return {item["id"]: item["state"] for item in emulator.objects("flows")}


def test_a_duplicate_dataflow_is_disabled_before_its_first_run(
    chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    desired = chain.dataflow(schedule=ONCE, partial_ingestion_percent=50)
    first, duplicate = duplicated(chain, emulator, desired)
    assert writer.ensure(desired, writer=LATER).duplicates == (duplicate.id,)
    assert states(emulator) == {first: "enabled", duplicate.id: "disabled"}
    assert "Disabled the duplicate of dataflow 'own dataflow'" in caplog.text
    emulator.advance(86400)
    (run,) = emulator.objects("runs")
    assert run["flowId"] == first
    assert emulator.rows(chain.dataset_id)["count"] == run["metrics"]["recordSummary"]["outputRecordCount"] > 0


def test_an_unmarked_duplicate_is_reported_but_neither_disabled_nor_deleted(
    chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    desired = chain.dataflow(schedule=ONCE, partial_ingestion_percent=50)
    first, duplicate = duplicated(chain, emulator, desired, by=None)
    emulator.advance(200)
    assert writer.ensure(desired, writer=LATER, remove_duplicates=True).duplicates == (duplicate.id,)
    assert states(emulator) == {first: "enabled", duplicate.id: "enabled"}
    assert (
        f"duplicate of dataflow 'own dataflow' ({duplicate.id}), created by another writer, without a mark"
        in caplog.text
    )


def test_a_disabled_duplicate_is_not_disabled_again_but_removed_on_request(
    chain: Chain, writer: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    desired = chain.dataflow()
    first, duplicate = duplicated(chain, emulator, desired)
    actions = [f"{KINDS['dataflow'].path}/{duplicate.id}/action"]
    assert (
        writer.ensure(desired, writer=LATER).duplicates
        == writer.ensure(desired, writer=LATER).duplicates
        == (duplicate.id,)
    )
    assert [r["path"] for r in emulator.requests(method="POST") if r["path"].endswith("/action")] == actions
    emulator.advance(600)
    assert make_writer().ensure(desired, writer=LATER, remove_duplicates=True).duplicates == ()
    assert states(emulator) == {first: "enabled"}


def test_a_duplicate_deleted_before_it_could_be_disabled_is_no_error(
    chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desired = chain.dataflow()
    first, duplicate = duplicated(chain, emulator, desired)
    emulator.advance(600)
    emulator.fail("list_lag", method="DELETE", path="*/flows/*", seconds=600)
    chain.client.request("DELETE", f"{KINDS['dataflow'].path}/{duplicate.id}")
    assert writer.ensure(desired, writer=LATER).existing.id == first
    assert states(emulator) == {first: "enabled"}
    assert "Disabled" not in caplog.text
