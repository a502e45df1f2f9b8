"""The rows of the manual's page "What happens when": each event produces the quoted texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from tests.fault_proxy import FaultProxy
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.operators.chain import make_ends
from tests.what_happens import ROWS, SOURCES, TESTED, Stage, event, seeded, value_of, wait
from tests.what_happens import stage as stage


def test_every_row_has_its_test() -> None:
    for module in ("dataflows", "requests", "runs"):
        import_module(f"tests.test_what_happens_to_{module}")
    assert set(ROWS) == TESTED


# ---- other writers -------------------------------------------------------------------------------------------------


@event("Two DAG runs create the same chain at the same time")
def test_two_writers(row: str, stage: Stage) -> None:
    # The other writer's creation takes effect between this writer's lookup and its own creation.
    stage.emulator.fail("late_apply", method="POST", path=SOURCES, seconds=1)
    with pytest.raises(RequestError):
        value_of(CreateSourceConnectionOperator).create(stage.client, Writer("manual", "two").mark())
    stage.emulator.fail("status", method="POST", path=SOURCES, status=429, headers={"Retry-After": "2"})
    mine = stage.source()
    (only,) = stage.emulator.objects("sourceConnections")
    assert (mine["id"], mine["created"], mine["duplicates"]) == (only["id"], False, [])
    assert len(stage.emulator.requests(method="DELETE")) == 1
    stage.assert_shown(row)


def leave_a_duplicate(stage: Stage, connect: Callable[..., None]) -> tuple[dict[str, Any], str]:
    """Create a dataflow, and a duplicate as of a killed run; return the arguments and the duplicate's id."""
    connect(stage.emulator.url)
    ends = make_ends()
    stage.run(CreateDataflowOperator, **ends)
    return ends, value_of(CreateDataflowOperator, **ends).create(stage.client, Writer("manual", "killed").mark()).id


@event("A killed run left a duplicate")
def test_duplicate(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    ends, duplicate = leave_a_duplicate(stage, connect)
    assert stage.run(CreateDataflowOperator, run_id="three", **ends)["duplicates"] == [duplicate]
    states = {flow["id"]: flow["state"] for flow in stage.emulator.objects("flows")}
    assert (len(states), states[duplicate]) == (2, "disabled")
    stage.emulator.advance(3600)
    assert {run["flowId"] for run in stage.emulator.objects("runs")} == set(states) - {duplicate}
    stage.assert_shown(row)


@event("The same, with `remove_duplicates=True`")
def test_remove_duplicate(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    ends, duplicate = leave_a_duplicate(stage, connect)
    stage.emulator.advance(151)
    stage.connect()
    result = stage.run(CreateDataflowOperator, run_id="three", remove_duplicates=True, **ends)
    (only,) = stage.emulator.objects("flows")
    assert (result["id"], result["duplicates"]) == (only["id"], [])
    assert only["id"] != duplicate
    stage.assert_shown(row)


@event("A matching object exists")
def test_adopted(row: str, stage: Stage) -> None:
    first = stage.source()
    stage.emulator.advance(60)
    stage.naps.clear()
    stage.connect()
    before = len(stage.emulator.requests())
    again = stage.source(run_id="two")
    assert (again["id"], again["created"], stage.naps) == (first["id"], False, [])
    asked = [r for r in stage.emulator.requests()[before:] if not r["path"].startswith("/ims/")]
    assert [r["method"] for r in asked] == ["GET", "GET"]
    stage.assert_shown(row)


@event("An object of the name exists and differs")
def test_drift(row: str, stage: Stage) -> None:
    stage.source()
    with pytest.raises(ExperiencePlatformFailedError):
        stage.source(run_id="two", columns=["Product_Id"])
    assert len(stage.emulator.posted("/sourceConnections")) == 1
    stage.assert_shown(row)


@event('Another writer changes a dataflow during an update (`if_exists="update"`)')
def test_stale_etag(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends = make_ends()
    stage.run(CreateDataflowOperator, **ends)
    stage.emulator.fail("status", method="PATCH", path="*/flows/*", code="FLOW-1404-412")
    stage.run(CreateDataflowOperator, run_id="two", if_exists="update", interval=45, **ends)
    (only,) = stage.emulator.objects("flows")
    assert only["scheduleParams"]["interval"] == 45
    assert [r["status"] for r in stage.emulator.requests(method="PATCH")] == [412, 200]
    stage.assert_shown(row)


@event("The answer to an update is lost")
def test_lost_change(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends = make_ends()
    stage.run(CreateDataflowOperator, **ends)
    stage.emulator.fail("apply_then_drop", method="PATCH", path="*/flows/*")
    stage.run(CreateDataflowOperator, run_id="two", if_exists="update", interval=45, **ends)
    (only,) = stage.emulator.objects("flows")
    assert only["scheduleParams"]["interval"] == 45
    assert len(stage.emulator.requests(method="PATCH")) == 1
    stage.assert_shown(row)


@event("A schema's title is taken by a field group")
def test_title_taken(row: str, stage: Stage) -> None:
    stage.run(CreateTargetSchemaOperator)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(CreateTargetSchemaOperator, name="products - fields")
    stage.assert_shown(row)


@event("A list still contains a deleted object")
def test_deleted_but_listed_object(row: str, stage: Stage) -> None:
    first = stage.source()
    stage.emulator.fail("list_lag", method="DELETE", seconds=30)
    stage.client.request("DELETE", f"/data/foundation/flowservice/sourceConnections/{first['id']}")
    stage.emulator.advance(20)
    again = stage.source(run_id="two")
    (only,) = stage.emulator.objects("sourceConnections")
    assert (again["id"], again["created"]) == (only["id"], True)
    assert again["id"] != first["id"]
    stage.assert_shown(row)


@event("A listed object cannot be read by its id yet")
def test_read_lag(row: str, stage: Stage) -> None:
    stage.emulator.fail("read_lag", method="POST", path=SOURCES, seconds=25)
    made = value_of(CreateSourceConnectionOperator).create(stage.client, Writer("somebody", "else").mark())
    found = stage.source()
    assert (found["id"], found["created"]) == (made.id, False)
    assert sum(stage.naps) >= 25
    stage.assert_shown(row)


@event("An item that may match cannot be understood")
def test_unreadable_item(row: str, stage: Stage) -> None:
    odd = {"items": [{"id": "odd", "name": 7}]}
    stage.emulator.fail("status", method="GET", path=SOURCES, status=200, body=odd, times=None)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert stage.emulator.objects("sourceConnections") == []
    stage.assert_shown(row)


REPEATED = {"items": [], "_links": {"next": {"href": "/x?continuationToken=again"}}}
UNREADABLE_LINK = {"items": [], "_links": {"next": {"href": 7}}}


@event(
    "A list is incomplete: a page or its token is repeated, its link is unreadable, or more than 20 empty pages follow "
    "each other"
)
@pytest.mark.parametrize("page", [REPEATED, UNREADABLE_LINK, None], ids=["repeated", "unreadable", "empty pages"])
def test_incomplete_list(
    row: str, page: dict[str, Any] | None, stage: Stage, connect: Callable[..., None], proxy: FaultProxy
) -> None:
    stage.connect(proxy.url)
    tokens = iter(range(999))

    def reply(_: str) -> tuple[int, bytes]:
        link = {"next": {"href": f"/x?continuationToken={next(tokens)}"}}
        return 200, json.dumps(page or {"items": [], "_links": link}).encode()

    proxy.fault("GET", SOURCES, reply=reply, times=999)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert stage.emulator.objects("sourceConnections") == []
    *_, flow = seeded(stage, connect, runs=1)
    connect(proxy.url)
    proxy.fault("GET", "/flows[?]", reply=reply, times=2 * 21)  # twice the first 21 pages, where none is cut sooner
    assert [event["status"] for event in wait(stage, [flow])] == ["ended"]
    stage.assert_shown(row)


@event("No list shows the created object")
def test_unlisted(row: str, stage: Stage) -> None:
    stage.emulator.fail("list_lag", method="POST", path=SOURCES, seconds=3600)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.source()
    assert len(stage.emulator.objects("sourceConnections")) == 1
    stage.assert_shown(row)


@event("A task gives up after it has created a dataflow")
def test_given_up(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends = make_ends()
    stage.emulator.fail("status", method="GET", path="*/flows", nth=3, status=403)
    stage.emulator.fail("status", method="DELETE", path="*/flows/*", status=403)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(CreateDataflowOperator, **ends)
    (flow,) = stage.emulator.objects("flows")
    assert flow["state"] == "disabled"
    assert stage.run(CreateDataflowOperator, run_id="two", **ends)["id"] == flow["id"]
    assert [item["state"] for item in stage.emulator.objects("flows")] == ["enabled"]
    stage.assert_shown(row)


# ---- time ----------------------------------------------------------------------------------------------------------


@event("The worker's clock is wrong")
def test_wrong_clock(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends = make_ends()
    now = stage.emulator.advance(86400)  # this machine's clock is a day behind
    stage.run(CreateDataflowOperator, **ends)
    (flow,) = stage.emulator.objects("flows")
    assert 410 <= flow["scheduleParams"]["startTime"] - now <= 412
    stage.assert_shown(row)


@event("`start_time` is in the past")
def test_start_time(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends, start = make_ends(), int(stage.emulator.advance(0)) + 600
    first = stage.run(CreateDataflowOperator, start_time=start, **ends)
    stage.emulator.advance(3600)
    assert stage.run(CreateDataflowOperator, run_id="two", start_time=start, **ends)["id"] == first["id"]
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(CreateDataflowOperator, name="another", start_time=start, **make_ends("another"))
    stage.assert_shown(row)


# ---- unfinished chains ---------------------------------------------------------------------------------------------


@event("A chain fails before its end, and `TeardownChainOperator` follows")
def test_unfinished_chain(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    stage.source()
    schema = stage.run(CreateTargetSchemaOperator)
    stage.run(CreateTargetDatasetOperator, schema_id=schema["id"])
    outcome = stage.run(TeardownChainOperator)
    assert [removed["kind"] for removed in outcome["removed"]] == ["source connection", "dataset"]
    assert stage.emulator.objects("sourceConnections") == stage.emulator.objects("dataSets") == []
    assert [left["kind"] for left in outcome["left_over"]] == ["schema", "field group"]
    stage.assert_shown(row)
