"""One answer may be wrong: what is said to be gone, what a list still says, what may not be deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api import catalog, flow_service
from airflow_provider_payments.aep.errors import (
    ConflictError,
    Failure,
    InvalidInputError,
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


# ---- what is said to be gone ---------------------------------------------------------------------------------------

SAYINGS = {
    "Flow Service's": (Problem("FLOW-1410-404", "Resource not found"), "", True),
    "Schema Registry's": (Problem("XDM-1010-404", detail="None."), "", True),
    "Catalog's, which gives no number": (Problem(title="NotFoundError"), "", True),
    "the gateway's": (Problem("404003", "Not found"), "", False),
    "about the sandbox": (Problem("FLOW-2100-404", "Sandbox not found"), "", False),
    "without a word": (Problem(), "", False),
    "HTML": (Problem(), "answered HTML instead of JSON", False),
}


@pytest.mark.parametrize(("problem", "reason", "gone"), SAYINGS.values(), ids=SAYINGS)
def test_only_the_service_itself_says_that_something_is_gone(problem: Problem, reason: str, gone: bool) -> None:
    error = RequestError(Failure.FINAL, "GET", "/x", status=404, problem=problem, reason=reason)
    assert error.says_gone is gone


def test_a_single_word_that_a_dataflow_is_gone_makes_no_second_one(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    made = chain.ensure(chain.dataflow(), writer=A)
    emulator.advance(600)
    proxy.fault("GET", f"{FLOWS}/{made.existing.id}", status=404, body=GONE)
    found = writer.ensure(chain.dataflow(), writer=LATER)
    assert (found.existing.id, found.created) == (made.existing.id, False)
    assert writer.naps == [50.0]
    assert len(emulator.objects("flows")) == 1


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"error_code": "404003", "message": "Not found"}'])
def test_a_404_that_is_not_the_services_is_one_clear_error(
    body: bytes, chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    made = chain.ensure(chain.dataflow(), writer=A)
    emulator.advance(600)
    proxy.fault("GET", f"{FLOWS}/{made.existing.id}", status=404, body=body, times=9)
    with pytest.raises(RequestError, match="404"):
        writer.ensure(chain.dataflow(), writer=LATER)
    assert len(emulator.objects("flows")) == 1


# ---- what a list still says ----------------------------------------------------------------------------------------


def shown(chain: Chain, flow_id: str, **changes: Any) -> bytes:
    """The answer to a single GET, changed."""
    return json.dumps({"items": [flow_service.item(chain.client, "flows", flow_id) | changes]}).encode()


def test_what_is_being_deleted_is_not_adopted(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    old = chain.ensure(chain.source(), writer=A)
    emulator.advance(600)
    item = flow_service.item(chain.client, "sourceConnections", old.existing.id) | {"state": "deleting"}
    going = json.dumps({"items": [item]}).encode()
    proxy.fault("GET", f"/sourceConnections/{old.existing.id}", status=200, body=going, times=99)
    new = writer.ensure(chain.source(), writer=LATER)
    assert new.created
    assert new.existing.id != old.existing.id


def test_what_has_changed_since_the_list_was_made_is_different(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    made = chain.ensure(chain.dataflow(), writer=A).existing.id
    emulator.advance(600)
    proxy.fault("GET", f"{FLOWS}/{made}", status=200, body=shown(chain, made, state="disabled"))
    with pytest.raises(ConflictError, match="state: desired 'enabled', actual 'disabled'"):
        writer.ensure(chain.dataflow(), writer=LATER)


def test_a_deleted_dataflow_that_lists_still_show_keeps_nobody_from_its_source_connection(
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
def test_a_moment_is_read_however_it_is_written(value: object, moment: float | None) -> None:
    assert moment_of(value) == pytest.approx(moment)


def test_pages_that_repeat_themselves_come_to_an_end(writer: Chain, proxy: FaultProxy) -> None:
    page = json.dumps({f"dataset{n}": {"name": "own dataset"} for n in range(100)}).encode()
    proxy.fault("GET", f"{CATALOG}/dataSets", status=200, body=page, times=999)
    assert len(list(catalog.datasets(writer.client, "own dataset"))) == 100
    assert proxy.count("GET", f"{CATALOG}/dataSets") == 2


# ---- copies of a dataflow ------------------------------------------------------------------------------------------


def test_a_duplicate_that_differs_is_disabled_and_the_oldest_updated(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    first = chain.ensure(chain.dataflow(), writer=A).existing.id
    emulator.advance(1)
    other = chain.dataflow(schedule=Schedule(frequency="hour", interval=2))
    copy = other.ready(chain.client).create(chain.client, KILLED.mark()).id
    emulator.advance(600)
    daily = chain.dataflow(schedule=Schedule(frequency="day", interval=1))
    outcome = writer.ensure(daily, writer=LATER, if_exists="update")
    assert (outcome.existing.id, outcome.updated, outcome.duplicates) == (first, True, (copy,))
    flows = {flow["id"]: flow for flow in emulator.objects("flows")}
    assert flows[first]["scheduleParams"]["frequency"] == "day"
    assert (flows[first]["state"], flows[copy]["state"]) == ("enabled", "disabled")


def test_of_two_writers_who_want_different_dataflows_the_younger_gives_way(
    chain: Chain, make_writer: Callable[..., Chain], timeline: Any, emulator: Emulator
) -> None:
    hourly = chain.dataflow(schedule=Schedule(frequency="hour", interval=1))
    daily = chain.dataflow(schedule=Schedule(frequency="day", interval=1))
    first, second = make_writer(seconds=1.0), make_writer(seconds=1.0)

    def younger() -> object:
        with pytest.raises(ConflictError) as conflict:
            second.ensure(daily, writer=LATER)
        return conflict.value

    made, conflict = timeline.run((lambda: first.ensure(hourly, writer=A), younger), (0.0, 0.5))
    (only,) = emulator.objects("flows")
    assert only["id"] == made.existing.id == conflict.object_id
    assert only["scheduleParams"]["frequency"] == "hour"


@pytest.mark.parametrize("marks", [True, False], ids=["a refused deletion", "without marks"])
def test_an_own_duplicate_that_cannot_be_deleted_is_disabled(
    marks: bool, chain: Chain, make_writer: Callable[..., Chain], timeline: Any, emulator: Emulator
) -> None:
    emulator.fail("status", method="DELETE", status=403, times=9)
    want = chain.dataflow()
    first, second = make_writer(seconds=1.0, marks=marks), make_writer(seconds=1.0, marks=marks)
    programs = (lambda: first.ensure(want, writer=A)), (lambda: second.ensure(want, writer=LATER))
    older, younger = timeline.run(programs, (0.0, 0.5))
    states = {flow["id"]: flow["state"] for flow in emulator.objects("flows")}
    assert older.existing.id == younger.existing.id
    assert sorted(states.values()) == ["disabled", "enabled"]
    assert states[older.existing.id] == "enabled"
    assert younger.duplicates == tuple(flow for flow, state in states.items() if state == "disabled")


def test_a_second_attempt_at_a_dataflow_does_not_wait_the_whole_retry_after(
    chain: Chain, writer: Chain, proxy: FaultProxy
) -> None:
    want = chain.dataflow()
    proxy.fault("GET", "/flows?", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(UnsettledError, match="so the next attempt searches before that time") as sent_away:
        writer.ensure(want, attempt=2, writer=A)
    assert getattr(sent_away.value, "retry_after", None) is None


def test_what_carries_no_mark_is_nobodys_own_where_marks_are_on(chain: Chain, emulator: Emulator) -> None:
    chain.source().create(chain.client)
    with pytest.raises(ConflictError, match="adopts no object that existed before"):
        chain.ensure(chain.source(), writer=A, attempt=2, if_exists="fail")


# ---- deletions -----------------------------------------------------------------------------------------------------


def test_a_dataset_with_a_batch_stays_though_it_names_no_last_one(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    dataset = chain.ensure(chain.dataset(), writer=A).existing.id
    proxy.fault("GET", f"{CATALOG}/batches", status=200, body=b'{"01BATCH": {"status": "loading"}}')
    outcome = tear_down(writer.client, A)
    assert [(kept["id"], kept["reason"]) for kept in outcome.kept] == [(dataset, "it holds rows: batch 01BATCH")]
    assert len(emulator.objects("dataSets")) == 1


def test_one_refused_deletion_is_reported_and_ends_nothing(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    source, dataset = (chain.ensure(want, writer=A).existing.id for want in (chain.source(), chain.dataset()))
    emulator.fail("status", method="DELETE", path="*/sourceConnections/*", code="FLOW-1418-400")
    outcome = tear_down(writer.client, A)
    assert [kept["id"] for kept in outcome.kept] == [source]
    assert "FLOW-1418" in outcome.kept[0]["reason"]
    assert [removed["id"] for removed in outcome.removed] == [dataset]


def test_a_run_that_begins_while_a_teardown_waits_is_noticed(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.source(), writer=A)
    asked: list[int] = []

    def check() -> None:
        asked.append(len(writer.naps))
        if writer.naps:
            raise RuntimeError("another run is active")

    with pytest.raises(RuntimeError):
        tear_down(writer.client, A, check=check)
    assert asked == [0, 1]
    assert len(emulator.objects("sourceConnections")) == 1


def test_a_credential_in_extra_is_not_repeated() -> None:
    with pytest.raises(InvalidInputError) as refused:
        add_extra({"auth": {"params": {"clientSecret": "a"}}}, {"auth": {"params": {"clientSecret": "s3cret"}}})
    assert "s3cret" not in str(refused.value)
    assert "extra.auth.params.clientSecret" in str(refused.value)
