"""A call that gives up leaves no dataflow of its own that ingests, and the next attempt continues."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import (
    ConflictError,
    PlatformError,
    RequestError,
    UnlistedError,
    UnreadableError,
    UnsettledError,
)
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.provisioning.giving_up import GIVE_UP_SECONDS
from airflow_provider_payments.aep.resources.marks import Mark, Writer
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import FLOW_SERVICE, KINDS, Chain
from tests.chaos.timeline import Timeline
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

A, LATER, OTHER = Writer("payments", "a"), Writer("payments", "later"), Writer("orders", "a")
FLOWS = "*/flows"
NONE_LISTED = b'{"items": []}'


@pytest.fixture
def proxied(make_writer: Callable[..., Chain], proxy: FaultProxy) -> Chain:
    return make_writer(proxy.url)


def states(emulator: Emulator) -> dict[str, str]:
    return {item["id"]: item["state"] for item in emulator.objects("flows")}


def creations(emulator: Emulator) -> int:
    return sum(r["path"].endswith("/flows") for r in emulator.requests(method="POST", status=201))


def give_up(by: Chain, desired: Any, kind: type[PlatformError] = PlatformError, writer: Writer = A, **how: Any) -> str:
    """Let a call fail; return the text of its error."""
    with pytest.raises(kind) as failed:
        by.ensure(desired, writer=writer, **how)
    return str(failed.value)


def fail_lists(emulator: Emulator, **fault: Any) -> None:
    """Let the lookup after the creation fail, which is the third one."""
    emulator.fail(method="GET", path=FLOWS, nth=3, **{"action": "status", "status": 403} | fault)


# ---- deleted dataflows ---------------------------------------------------------------------------------------------


def test_a_dataflow_that_is_never_listed_is_deleted_before_it_starts(
    chain: Chain, make_writer: Callable[..., Chain], proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = chain.dataflow(schedule=Schedule(), partial_ingestion_percent=50)
    proxy.fault("GET", "/flows[?]", status=200, body=NONE_LISTED, times=999)
    for run in ("monday", "tuesday", "wednesday"):
        said = give_up(make_writer(proxy.url), desired, UnlistedError, Writer("payments", run))
        assert "no list shows it" in said
        assert "which this call created, was deleted" in said
        emulator.advance(3600)
    assert (creations(emulator), states(emulator), emulator.objects("runs")) == (3, {}, [])
    assert emulator.rows(chain.dataset_id)["count"] == 0


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 403}, RequestError),
        ({"status": 503, "times": 9}, RequestError),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, UnsettledError),
        ({"action": "status", "status": 200, "body": {"items": [{"id": "odd"}]}, "times": 9}, UnreadableError),
    ],
    ids=["refused", "unavailable", "rate limited", "unreadable"],
)
def test_a_failure_after_the_creation_deletes_the_dataflow(
    fault: dict[str, Any], kind: type[PlatformError], chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = chain.dataflow()
    fail_lists(emulator, **fault)
    said = give_up(writer, desired, kind)
    assert "which this call created, was deleted" in said
    assert (creations(emulator), states(emulator)) == (1, {})
    emulator.control("DELETE", "faults")
    outcome = writer.ensure(desired, writer=A, attempt=2)
    assert states(emulator) == {outcome.existing.id: "enabled"}


def test_a_deadline_within_the_settle_time_deletes_the_dataflow(
    chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    desired = chain.dataflow()
    # A second attempt waits before its creation, so no time is left for the settle time of the creation.
    said = give_up(make_writer(operation_timeout=60.0), desired, UnsettledError, attempt=2)
    assert "more than the remaining part of operation_timeout (60 s)" in said
    assert "which this call created, was deleted" in said
    assert (creations(emulator), states(emulator)) == (1, {})


def test_a_dataflow_whose_answer_was_lost_is_found_by_mark_and_deleted(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    headers = {"Retry-After": "3600"}
    emulator.fail("apply_then_status", method="POST", path=FLOWS, status=503, headers=headers)
    assert "which this call created, was deleted" in give_up(writer, chain.dataflow(), UnsettledError)
    assert states(emulator) == {}


def test_an_unanswered_and_unlisted_creation_is_reported_then_adopted(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired, headers = chain.dataflow(), {"Retry-After": "3600"}
    emulator.fail("late_apply", method="POST", path=FLOWS, seconds=40, status=503, headers=headers)
    assert "No list shows the dataflow whose creation was not answered" in give_up(writer, desired, UnsettledError)
    outcome = writer.ensure(desired, writer=A, attempt=2)
    assert (outcome.created, states(emulator)) == (False, {outcome.existing.id: "enabled"})


def test_a_task_timeout_deletes_the_created_dataflow(
    chain: Chain, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    class TaskTimeout(BaseException):
        """An exception like Airflow's after ``execution_timeout``."""

    def end(_: float) -> None:
        raise TaskTimeout

    desired, client = chain.dataflow(), make_client(dataflow_settle_seconds=50.0, clock=Clock(sleep=end))
    with pytest.raises(TaskTimeout):
        ensure(client, desired, writer=A)
    assert (creations(emulator), states(emulator)) == (1, {})


@pytest.mark.parametrize("kind", ["source connection", "target connection", "dataset", "base connection"])
def test_an_object_of_another_kind_is_kept_and_adopted_later(
    kind: str, chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = KINDS[kind].build(chain)
    requested = len(emulator.requests(method="DELETE"))
    body = b"{}" if kind == "dataset" else NONE_LISTED
    fault = proxy.fault("GET", KINDS[kind].path, status=200, body=body, times=999)
    give_up(proxied, desired, UnlistedError)
    fault.times = 0
    assert not proxied.ensure(desired, writer=LATER).created
    assert len(emulator.requests(method="DELETE")) == requested


def test_a_refused_creation_deletes_nothing(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    emulator.fail("status", method="POST", path=FLOWS, status=400)
    desired = chain.dataflow()
    give_up(writer, desired, RequestError)
    assert emulator.requests(method="DELETE") == []


def test_without_marks_a_dataflow_whose_creation_was_answered_is_deleted(
    chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    desired = chain.dataflow()
    fail_lists(emulator)
    assert "was deleted" in give_up(make_writer(marks=False), desired)
    assert states(emulator) == {}


# ---- dataflows that cannot be deleted ------------------------------------------------------------------------------


def disabled(chain: Chain, writer: Chain, emulator: Emulator) -> str:
    """Give up a dataflow that cannot be deleted; return its id."""
    desired = chain.dataflow()
    emulator.fail("status", method="DELETE", path="*/flows/*", status=403)
    fail_lists(emulator)
    said = give_up(writer, desired)
    ((flow, state),) = states(emulator).items()
    assert (state, f"{flow}, which this call created, could not be deleted" in said) == ("disabled", True)
    assert "was disabled; the next attempt of its chain enables it" in said
    return flow


@pytest.mark.parametrize(("by", "attempt"), [(A, 2), (LATER, 1)], ids=["the next try", "the next run"])
def test_an_undeletable_dataflow_is_disabled_and_enabled_by_the_next_attempt(
    by: Writer, attempt: int, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    flow = disabled(chain, writer, emulator)
    outcome = writer.ensure(chain.dataflow(), writer=by, attempt=attempt)
    assert (outcome.existing.id, states(emulator)) == (flow, {flow: "enabled"})
    mark = Mark.read(emulator.objects("flows")[0]["description"])
    assert mark is not None
    assert (mark.run, mark.adopted, mark.given_up) == (A.run_digest, True, 0)


def test_an_update_enables_a_given_up_dataflow_and_changes_its_schedule(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    flow = disabled(chain, writer, emulator)
    desired = chain.dataflow(schedule=Schedule(frequency="hour", interval=2))
    outcome = writer.ensure(desired, writer=LATER, if_exists="update")
    assert (outcome.existing.id, outcome.updated, states(emulator)) == (flow, True, {flow: "enabled"})
    schedule = emulator.objects("flows")[0]["scheduleParams"]
    assert (schedule["frequency"], schedule["interval"]) == ("hour", 2)


@pytest.mark.parametrize("if_exists", ["reuse", "update"])
def test_a_given_up_dataflow_that_no_update_can_fix_stays_disabled(
    if_exists: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    flow = disabled(chain, writer, emulator)
    changed: dict[str, Any]
    if if_exists == "reuse":
        changed = {"schedule": Schedule(frequency="hour", interval=2)}
    else:
        other = chain.ensure(chain.dataset(name="another")).existing.id
        changed = {"target_connection_id": chain.ensure(chain.target(name="others", dataset_id=other)).existing.id}
    said = give_up(writer, chain.dataflow(**changed), ConflictError, attempt=2, if_exists=if_exists)
    assert "state: desired 'enabled', actual 'disabled'" in said
    assert states(emulator) == {flow: "disabled"}


def test_a_started_dataflow_is_disabled_and_ingests_no_row_twice(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = chain.dataflow(schedule=Schedule(start_delay=20), partial_ingestion_percent=50)
    fail_lists(emulator)
    assert "could not be deleted (it has started) and was disabled" in give_up(writer, desired)
    rows = emulator.rows(chain.dataset_id)["count"]
    outcome = writer.ensure(desired, writer=A, attempt=2)
    emulator.advance(86400)
    assert states(emulator) == {outcome.existing.id: "enabled"}
    assert emulator.rows(chain.dataset_id)["count"] == rows > 0


def test_a_dataflow_that_starts_during_its_deletion_is_disabled(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    # The lookup after the creation fails after 51 s; the deletion would be sent again after 58 s.
    desired = chain.dataflow(schedule=Schedule(start_delay=56), partial_ingestion_percent=50)
    fail_lists(emulator)
    emulator.fail("status", method="DELETE", path="*/flows/*", status=503, headers={"Retry-After": "7"})
    assert "could not be deleted (DELETE" in give_up(writer, desired)
    ((flow, state),) = states(emulator).items()
    assert state == "disabled"
    assert writer.ensure(desired, writer=A, attempt=2).existing.id == flow
    emulator.advance(86400)
    assert len(emulator.objects("runs")) == 1


def test_a_dataflow_that_a_person_disabled_later_is_never_enabled(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    flow = disabled(chain, writer, emulator)
    emulator.advance(3600)
    for op in ("enable", "disable"):
        chain.client.request("POST", f"{FLOW_SERVICE}/flows/{flow}/action", params={"op": op})
    with pytest.raises(ConflictError, match="state: desired 'enabled', actual 'disabled'"):
        writer.ensure(chain.dataflow(), writer=A, attempt=2)
    assert states(emulator) == {flow: "disabled"}


def test_another_chain_does_not_enable_a_given_up_dataflow(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    flow = disabled(chain, writer, emulator)
    with pytest.raises(ConflictError, match="state: desired"):
        writer.ensure(chain.dataflow(), writer=OTHER)
    assert states(emulator) == {flow: "disabled"}


def test_a_dataflow_that_a_person_has_disabled_is_not_given_up(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    def disable() -> None:
        for flow in states(emulator):
            chain.client.request("POST", f"{FLOW_SERVICE}/flows/{flow}/action", params={"op": "disable"})

    desired = chain.dataflow()
    proxy.fault("GET", "/flows[?]", times=2)
    proxy.fault("GET", "/flows[?]", status=403, body=json.dumps({"title": "no"}).encode(), first=disable)
    assert "has been disabled by another writer, and stays" in give_up(proxied, desired)
    ((_, state),) = states(emulator).items()
    assert state == "disabled"
    with pytest.raises(ConflictError, match="state: desired"):
        proxied.ensure(desired, writer=A, attempt=2)


def test_an_undeletable_enabled_dataflow_is_reported_in_time_and_adopted_later(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = chain.dataflow()
    fail_lists(emulator)
    for method, path in (("DELETE", "*/flows/*"), ("POST", "*/action")):
        emulator.fail("status", method=method, path=path, status=503, times=None)
    said = give_up(writer, desired)
    ((flow, state),) = states(emulator).items()
    assert (state, f"{flow}, which this call created, still exists and is enabled" in said) == ("enabled", True)
    assert "403" in said
    assert sum(writer.naps) <= 51 + GIVE_UP_SECONDS
    emulator.control("DELETE", "faults")
    assert writer.ensure(desired, writer=A, attempt=2).existing.id == flow


def test_a_dataflow_that_another_writer_changed_is_kept(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    def change() -> None:
        chain.ensure(chain.dataflow(schedule=Schedule(frequency="hour", interval=2)), if_exists="update", writer=LATER)

    desired = chain.dataflow()
    proxy.fault("GET", "/flows[?]", times=2)
    proxy.fault("GET", "/flows[?]", first=change)
    said = give_up(proxied, desired, ConflictError)
    assert "scheduleParams.frequency: desired 'minute', actual 'hour'" in said
    assert "has been changed by another writer, and stays" in said
    assert list(states(emulator).values()) == ["enabled"]


def test_a_dataflow_with_only_another_description_is_deleted(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    def describe() -> None:
        (flow,) = emulator.objects("flows")
        patch = [{"op": "replace", "path": "/description", "value": flow["description"].replace("ours", "theirs")}]
        path, headers = f"{FLOW_SERVICE}/flows/{flow['id']}", {"If-Match": flow["etag"]}
        chain.client.request("PATCH", path, body=patch, headers=headers)

    proxy.fault("GET", "/flows[?]", times=2)
    proxy.fault("GET", "/flows[?]", status=403, body=json.dumps({"title": "no"}).encode(), first=describe)
    assert "which this call created, was deleted" in give_up(proxied, chain.dataflow(description="ours"))
    assert states(emulator) == {}


# ---- other writers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "attempt"), [(LATER, 1), (A, 2)], ids=["another run", "the next try of a task whose first try still runs"]
)
def test_a_dataflow_that_another_task_adopted_is_kept(
    by: Writer,
    attempt: int,
    chain: Chain,
    make_writer: Callable[..., Chain],
    proxy: FaultProxy,
    emulator: Emulator,
    timeline: Timeline,
) -> None:
    desired = chain.dataflow()
    first, second = make_writer(proxy.url), make_writer()
    proxy.fault("GET", "/flows[?]", times=2)
    proxy.fault("GET", "/flows[?]", status=503, headers={"Retry-After": "30"}, times=3)
    proxy.fault("GET", "/flows[?]", status=403, body=json.dumps({"title": "no"}).encode())
    errors: list[str] = []

    def failing() -> None:
        errors.append(give_up(first, desired))

    adopted: list[str] = []

    def adopting() -> None:
        adopted.append(second.ensure(desired, writer=by, attempt=attempt).existing.id)

    timeline.run((failing, adopting), (0.0, 1.0))
    assert states(emulator) == {adopted[0]: "enabled"}
    assert "has been adopted by another task, and stays" in errors[0]


def test_a_dataflow_being_given_up_is_adopted_after_its_creator_has_finished(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = chain.dataflow()
    flow = chain.ensure(desired, writer=A).existing
    emulator.advance(60)
    now = desired.kind.read(chain.client, flow)
    assert now is not None
    given_up = now.item["description"].replace("]", f" given up {int(emulator.control('GET', 'clock')['now'])}]")
    body = [{"op": "add", "path": "/description", "value": given_up}]
    chain.client.request("PATCH", f"{FLOW_SERVICE}/flows/{flow.id}", body=body, headers={"If-Match": str(now.etag)})
    assert writer.ensure(desired, writer=LATER).existing.id == flow.id
    assert GIVE_UP_SECONDS - 1 <= sum(writer.naps) <= GIVE_UP_SECONDS + 2


def test_a_dataflow_older_than_any_giving_up_is_adopted_without_a_write(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = chain.dataflow()
    chain.ensure(desired, writer=A)
    emulator.advance(1000)
    before = len(emulator.requests())
    writer.ensure(desired, writer=LATER)
    assert {r["method"] for r in emulator.requests()[before:] if r["path"].startswith("/data")} == {"GET"}
