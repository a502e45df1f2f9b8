"""Wrong answers: false 404s, outdated lists, and refused deletions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api import catalog, flow_service
from airflow_provider_payments.aep.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    Problem,
    RequestError,
    UnsettledError,
)
from airflow_provider_payments.aep.inputs import add_extra
from airflow_provider_payments.aep.provisioning.teardown import tear_down
from airflow_provider_payments.aep.readers import moment as moment_of
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import CATALOG, FLOW_SERVICE, GONE, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

FLOWS = f"{FLOW_SERVICE}/flows"
A, KILLED, LATER = Writer("payments", "a"), Writer("payments", "killed"), Writer("payments", "later")


@pytest.fixture
def writer(make_writer: Callable[..., Chain], proxy: FaultProxy) -> Chain:
    return make_writer(proxy.url)


# ---- false 404s ----------------------------------------------------------------------------------------------------

NOT_FOUND = {
    "Flow Service's": (Problem("FLOW-1410-404", "Resource not found"), "", True),
    "Schema Registry's": (Problem("XDM-1010-404", detail="None."), "", True),
    "Catalog's, which has no code": (Problem(title="NotFoundError"), "", True),
    "the gateway's": (Problem("404003", "Not found"), "", False),
    "about the sandbox": (Problem("FLOW-2100-404", "Sandbox not found"), "", False),
    "without any text": (Problem(), "", False),
    "HTML": (Problem(), "answered HTML instead of JSON", False),
}


@pytest.mark.parametrize(("problem", "reason", "is_not_found"), NOT_FOUND.values(), ids=NOT_FOUND)
def test_only_a_404_of_the_service_itself_means_deleted(problem: Problem, reason: str, is_not_found: bool) -> None:
    assert NotFoundError.matches(404, problem, reason) is is_not_found


def test_a_single_404_of_a_dataflow_creates_no_second_one(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    provisioned = chain.ensure(chain.dataflow(), writer=A)
    emulator.advance(600)
    proxy.fault("GET", f"{FLOWS}/{provisioned.existing.id}", status=404, body=GONE)
    found = writer.ensure(chain.dataflow(), writer=LATER)
    assert (found.existing.id, found.created) == (provisioned.existing.id, False)
    assert writer.naps == [50.0]
    assert len(emulator.objects("flows")) == 1


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"error_code": "404003", "message": "Not found"}'])
def test_a_404_of_an_intermediary_is_an_error_and_creates_nothing(
    body: bytes, chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    provisioned = chain.ensure(chain.dataflow(), writer=A)
    emulator.advance(600)
    proxy.fault("GET", f"{FLOWS}/{provisioned.existing.id}", status=404, body=body, times=9)
    with pytest.raises(RequestError, match="404"):
        writer.ensure(chain.dataflow(), writer=LATER)
    assert len(emulator.objects("flows")) == 1


# ---- outdated lists ------------------------------------------------------------------------------------------------


def changed_answer(chain: Chain, flow_id: str, **changes: Any) -> bytes:
    """The answer to a single GET, with changed members."""
    return json.dumps({"items": [flow_service.item(chain.client, "flows", flow_id) | changes]}).encode()


def test_an_object_that_is_being_deleted_is_not_adopted(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    old = chain.ensure(chain.source(), writer=A)
    emulator.advance(600)
    item = flow_service.item(chain.client, "sourceConnections", old.existing.id) | {"state": "deleting"}
    deleting = json.dumps({"items": [item]}).encode()
    proxy.fault("GET", f"/sourceConnections/{old.existing.id}", status=200, body=deleting, times=99)
    new = writer.ensure(chain.source(), writer=LATER)
    assert new.created
    assert new.existing.id != old.existing.id


def test_an_object_that_changed_after_the_lookup_is_a_conflict(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.dataflow(), writer=A).existing.id
    emulator.advance(600)
    proxy.fault("GET", f"{FLOWS}/{created_id}", status=200, body=changed_answer(chain, created_id, state="disabled"))
    with pytest.raises(ConflictError, match="state: desired 'enabled', actual 'disabled'"):
        writer.ensure(chain.dataflow(), writer=LATER)


def test_a_deleted_but_still_listed_dataflow_does_not_block_its_source_connection(
    chain: Chain, emulator: Emulator
) -> None:
    old = chain.ensure(chain.dataflow(), writer=A).existing.id
    emulator.fail("list_lag", method="DELETE", seconds=600)
    chain.client.request("DELETE", f"{FLOWS}/{old}")
    successor = chain.dataflow(name="successor", source_connection_id=chain.source_id)
    assert chain.ensure(successor, writer=A).created


@pytest.mark.parametrize(
    ("value", "moment"),
    [(1790000000123, 1790000000.123), ("2026-09-21T14:13:20Z", 1790000000.0), ("soon", None), (None, None)],
)
def test_a_time_is_read_from_each_notation(value: object, moment: float | None) -> None:
    assert moment_of(value) == pytest.approx(moment)


def test_a_list_that_repeats_its_page_ends(writer: Chain, proxy: FaultProxy) -> None:
    page = json.dumps({f"dataset{n}": {"name": "own dataset"} for n in range(100)}).encode()
    proxy.fault("GET", f"{CATALOG}/dataSets", status=200, body=page, times=999)
    assert len(list(catalog.datasets(writer.client, "own dataset"))) == 100
    assert proxy.count("GET", f"{CATALOG}/dataSets") == 2


# ---- duplicates of a dataflow --------------------------------------------------------------------------------------


def test_a_differing_duplicate_is_disabled_and_the_oldest_dataflow_updated(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    first = chain.ensure(chain.dataflow(), writer=A).existing.id
    emulator.advance(1)
    other = chain.dataflow(schedule=Schedule(frequency="hour", interval=2))
    duplicate = other.ready(chain.client).create(chain.client, KILLED.mark()).id
    emulator.advance(600)
    daily = chain.dataflow(schedule=Schedule(frequency="day", interval=1))
    outcome = writer.ensure(daily, writer=LATER, if_exists="update")
    assert (outcome.existing.id, outcome.updated, outcome.duplicates) == (first, True, (duplicate,))
    flows = {flow["id"]: flow for flow in emulator.objects("flows")}
    assert flows[first]["scheduleParams"]["frequency"] == "day"
    assert (flows[first]["state"], flows[duplicate]["state"]) == ("enabled", "disabled")


def test_the_later_of_two_writers_of_different_dataflows_gets_a_conflict(
    chain: Chain, make_writer: Callable[..., Chain], timeline: Any, emulator: Emulator
) -> None:
    hourly = chain.dataflow(schedule=Schedule(frequency="hour", interval=1))
    daily = chain.dataflow(schedule=Schedule(frequency="day", interval=1))
    first, second = make_writer(seconds=1.0), make_writer(seconds=1.0)

    def younger() -> object:
        with pytest.raises(ConflictError) as conflict:
            second.ensure(daily, writer=LATER)
        return conflict.value

    provisioned, conflict = timeline.run((lambda: first.ensure(hourly, writer=A), younger), (0.0, 0.5))
    (only,) = emulator.objects("flows")
    assert only["id"] == provisioned.existing.id == conflict.object_id
    assert only["scheduleParams"]["frequency"] == "hour"


@pytest.mark.parametrize("marks", [True, False], ids=["a refused deletion", "without marks"])
def test_a_created_duplicate_that_cannot_be_deleted_is_disabled(
    marks: bool, chain: Chain, make_writer: Callable[..., Chain], timeline: Any, emulator: Emulator
) -> None:
    emulator.fail("status", method="DELETE", status=403, times=9)
    desired = chain.dataflow()
    first, second = make_writer(seconds=1.0, marks=marks), make_writer(seconds=1.0, marks=marks)
    programs = (lambda: first.ensure(desired, writer=A)), (lambda: second.ensure(desired, writer=LATER))
    older, younger = timeline.run(programs, (0.0, 0.5))
    states = {flow["id"]: flow["state"] for flow in emulator.objects("flows")}
    assert older.existing.id == younger.existing.id
    assert sorted(states.values()) == ["disabled", "enabled"]
    assert states[older.existing.id] == "enabled"
    assert younger.duplicates == tuple(flow for flow, state in states.items() if state == "disabled")


def test_a_second_attempt_at_a_dataflow_ignores_a_long_retry_after(
    chain: Chain, writer: Chain, proxy: FaultProxy
) -> None:
    desired = chain.dataflow()
    proxy.fault("GET", "/flows?", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(UnsettledError, match="so the next attempt searches before that time") as unsettled:
        writer.ensure(desired, attempt=2, writer=A)
    assert getattr(unsettled.value, "retry_after", None) is None


def test_an_unmarked_object_is_not_adopted_by_fail_if_marks_are_used(chain: Chain, emulator: Emulator) -> None:
    chain.source().create(chain.client)
    with pytest.raises(ConflictError, match="adopts no object that existed before"):
        chain.ensure(chain.source(), writer=A, attempt=2, if_exists="fail")


# ---- deletions -----------------------------------------------------------------------------------------------------


def test_a_dataset_with_a_batch_stays_even_without_a_last_batch_id(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    dataset = chain.ensure(chain.dataset(), writer=A).existing.id
    proxy.fault("GET", f"{CATALOG}/batches", status=200, body=b'{"01BATCH": {"status": "loading"}}')
    outcome = tear_down(writer.client, A)
    assert [(kept["id"], kept["reason"]) for kept in outcome.kept] == [(dataset, "it holds rows: batch 01BATCH")]
    assert len(emulator.objects("dataSets")) == 1


def test_a_refused_deletion_is_reported_and_the_teardown_continues(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    source, dataset = (chain.ensure(desired, writer=A).existing.id for desired in (chain.source(), chain.dataset()))
    emulator.fail("status", method="DELETE", path="*/sourceConnections/*", code="FLOW-1418-400")
    outcome = tear_down(writer.client, A)
    assert [kept["id"] for kept in outcome.kept] == [source]
    assert "FLOW-1418" in outcome.kept[0]["reason"]
    assert [removed["id"] for removed in outcome.removed] == [dataset]


def test_a_teardown_checks_again_after_its_wait(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.source(), writer=A)
    requested: list[int] = []

    def check() -> None:
        requested.append(len(writer.naps))
        if writer.naps:
            raise RuntimeError("another run is active")

    with pytest.raises(RuntimeError):
        tear_down(writer.client, A, check=check)
    assert requested == [0, 1]
    assert len(emulator.objects("sourceConnections")) == 1


def test_an_error_does_not_repeat_a_credential_in_extra() -> None:
    with pytest.raises(InvalidInputError) as refused:
        add_extra({"auth": {"params": {"clientSecret": "a"}}}, {"auth": {"params": {"clientSecret": "s3cret"}}})
    assert "s3cret" not in str(refused.value)
    assert "extra.auth.params.clientSecret" in str(refused.value)
