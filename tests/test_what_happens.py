"""Each row of the README's table "What happens when", made to happen: what it quotes is really seen."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, BaseOperator, TaskDeferred

from airflow_provider_payments.aep.auth import AccessToken
from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.marks import Writer
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.transport import Clock
from airflow_provider_payments.hooks.errors import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.base import CreateOperator
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.flow_runs import (
    FlowRunTimeoutError,
    RetryFlowRunOperator,
    RunDataflowOperator,
)
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from airflow_provider_payments.outcomes import FlowRunFailedError
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from airflow_provider_payments.triggers.flow_run import FlowRunTrigger
from tests.aep.raw_server import raw_server, trickles
from tests.conftest import CONNECTION_ID, Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.operators.chain import ARGUMENTS, TaskInstance, make_dataflow, make_ends
from tests.operators.demand import Store

README = (Path(__file__).parent.parent / "README.md").read_text()
TABLE = README[README.index("## What happens when") :].split("\n## ", 1)[0]
ROWS = {row[0].strip(): row[2] for row in re.findall(r"^\|(.*?)\|(.*?)\|(.*?)\|$", TABLE, re.MULTILINE)[2:]}
SOURCES = "*/sourceConnections"
TESTED: set[str] = set()


def event(row: str) -> Callable[[Any], Any]:
    """Say which row a test is for."""
    TESTED.add(row)
    return pytest.mark.parametrize("row", [row])


class Stage:
    """Runs operators as tasks do, in the emulator's time: a wait moves its clock and sleeps nothing."""

    def __init__(self, emulator: Emulator, make_client: Callable[..., Client], read: Callable[[], str]) -> None:
        self.emulator = emulator
        self.naps: list[float] = []
        self.clock = Clock(lambda: sum(self.naps), self._sleep)
        self._make_client = make_client
        self._read = read
        self._told = ""
        self.client = self.connect()

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.emulator.advance(seconds)

    def connect(self, url: str | None = None, **options: Any) -> Client:
        windows = {"consistency_window": 10.0, "dataflow_window": 50.0}
        self.client = self._make_client(url, clock=self.clock, **windows | options)
        return self.client

    def run(
        self, operator: type[BaseOperator], run_id: str = "one", try_number: int = 1, given: Any = None, **changes: Any
    ) -> Any:
        """Execute a task once, with more ``given`` in its context; what it returns and what its error says is told."""
        task = operator(task_id="step", **ARGUMENTS.get(operator, {}) | changes)
        task.hook = ExperiencePlatformHook()
        task.hook.client = self.client
        try:
            result = task.execute({"ti": TaskInstance(try_number), "run_id": run_id, **(given or {})})
        except Exception as error:
            self._told += str(error)
            raise
        self.tell(result)
        return result

    def tell(self, what: Any) -> None:
        """Take note of what a user sees elsewhere."""
        self._told += json.dumps(what)

    def source(self, **how: Any) -> Any:
        return self.run(CreateSourceConnectionOperator, **how)

    def has_shown(self, row: str) -> None:
        """Hold what was told, logged and printed against all that the row quotes."""
        seen = self._told + self._read()
        assert [quoted for quoted in re.findall(r"`([^`]+)`", ROWS[row]) if quoted not in seen] == []


@pytest.fixture
def stage(
    emulator: Emulator,
    make_client: Callable[..., Client],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Stage:
    caplog.set_level("INFO")
    return Stage(emulator, make_client, lambda: caplog.text + capsys.readouterr().out)


def value_of(operator: type[CreateOperator], **changes: Any) -> Resource:
    """What an operator would create, for somebody else to create it."""
    return operator(task_id="step", **ARGUMENTS[operator] | changes).resource()


def test_every_row_has_its_test() -> None:
    assert set(ROWS) == TESTED


# ---- answers that do not come --------------------------------------------------------------------------------------

LOSSES = {
    "lost": ("apply_then_drop", {}),
    "cut": ("truncate", {}),
    "500": ("apply_then_status", {"status": 500}),
    "503": ("apply_then_status", {"status": 503, "headers": {"Retry-After": "5"}}),
    "late": ("late_apply", {"seconds": 8}),
}


@event("The answer to a creation is lost, cut, unreadable or a 5xx")
@pytest.mark.parametrize(("action", "details"), LOSSES.values(), ids=LOSSES)
def test_lost_answer(row: str, action: str, details: dict[str, Any], stage: Stage) -> None:
    stage.emulator.fail(action, method="POST", path=SOURCES, **details)
    made = stage.source()
    (only,) = stage.emulator.objects("sourceConnections")
    assert (made["id"], made["created"]) == (only["id"], True)
    assert len(stage.emulator.posted("/sourceConnections")) == 1
    stage.has_shown(row)


@event("A task is killed, and tried again")
def test_killed(row: str, stage: Stage) -> None:
    # What the killed one asked for takes effect eight seconds later; the next try has begun by then.
    stage.emulator.fail("late_apply", method="POST", path=SOURCES, seconds=8)
    with pytest.raises(RequestError):
        value_of(CreateSourceConnectionOperator).create(stage.client, Writer("manual", "one").mark())
    made = stage.source(try_number=2)
    (only,) = stage.emulator.objects("sourceConnections")
    assert made["id"] == only["id"]
    assert len(stage.emulator.posted("/sourceConnections")) == 1
    stage.has_shown(row)


@event("The host cannot be reached")
def test_unreachable(row: str, stage: Stage) -> None:
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        stage.connect(url, credential=AccessToken("emulator-client", "token"))
        with pytest.raises(ExperiencePlatformUnavailableError):
            stage.source()
    assert len(stage.naps) == 4
    stage.has_shown(row)


@event("429 with a `Retry-After` of up to 60 s")
def test_short_retry_after(row: str, stage: Stage) -> None:
    stage.emulator.fail("status", method="POST", path=SOURCES, status=429, headers={"Retry-After": "7"})
    assert stage.source()["created"]
    assert stage.naps[0] == 7.0
    stage.has_shown(row)


@event("A `Retry-After` of more than 60 s")
def test_long_retry_after(row: str, stage: Stage) -> None:
    stage.emulator.fail("status", method="GET", path=SOURCES, status=429, headers={"Retry-After": "300"})
    with pytest.raises(ExperiencePlatformUnavailableError) as error:
        stage.source()
    assert (error.value.retry_after, stage.naps) == (300.0, [])
    stage.has_shown(row)


@event("An operation takes longer than `operation_timeout`")
def test_timeout(row: str, stage: Stage) -> None:
    stage.connect(operation_timeout=60)
    stage.emulator.fail("status", method="POST", path=SOURCES, status=503, headers={"Retry-After": "50"}, times=99)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert stage.naps == [50.0]
    stage.has_shown(row)


# ---- others who write ----------------------------------------------------------------------------------------------


@event("Two DAG runs create the same chain at once")
def test_two_writers(row: str, stage: Stage) -> None:
    # The other one's creation takes effect between this one's look and its own creation.
    stage.emulator.fail("late_apply", method="POST", path=SOURCES, seconds=1)
    with pytest.raises(RequestError):
        value_of(CreateSourceConnectionOperator).create(stage.client, Writer("manual", "two").mark())
    stage.emulator.fail("status", method="POST", path=SOURCES, status=429, headers={"Retry-After": "2"})
    mine = stage.source()
    (only,) = stage.emulator.objects("sourceConnections")
    assert (mine["id"], mine["created"], mine["copies"]) == (only["id"], False, [])
    assert len(stage.emulator.requests(method="DELETE")) == 1
    stage.has_shown(row)


def leave_a_copy(stage: Stage, connect: Callable[..., None]) -> tuple[dict[str, Any], str]:
    """Make a dataflow, and another as a killed run leaves it; return the arguments and the copy's id."""
    connect(stage.emulator.url)
    ends = make_ends()
    stage.run(CreateDataflowOperator, **ends)
    return ends, value_of(CreateDataflowOperator, **ends).create(stage.client, Writer("manual", "killed").mark()).id


@event("A killed run left a copy")
def test_copy(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    ends, copy = leave_a_copy(stage, connect)
    assert stage.run(CreateDataflowOperator, run_id="three", **ends)["copies"] == [copy]
    states = {flow["id"]: flow["state"] for flow in stage.emulator.objects("flows")}
    assert (len(states), states[copy]) == (2, "disabled")
    stage.emulator.advance(3600)
    assert {run["flowId"] for run in stage.emulator.objects("runs")} == set(states) - {copy}
    stage.has_shown(row)


@event("The same, with `remove_copies=True`")
def test_remove_copies(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    ends, copy = leave_a_copy(stage, connect)
    stage.emulator.advance(151)
    stage.connect()
    result = stage.run(CreateDataflowOperator, run_id="three", remove_copies=True, **ends)
    (only,) = stage.emulator.objects("flows")
    assert (result["id"], result["copies"]) == (only["id"], [])
    assert only["id"] != copy
    stage.has_shown(row)


@event("The object is there and right")
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
    stage.has_shown(row)


@event("The object is there and differs")
def test_drift(row: str, stage: Stage) -> None:
    stage.source()
    with pytest.raises(ExperiencePlatformFailedError):
        stage.source(run_id="two", columns=["Product_Id"])
    assert len(stage.emulator.posted("/sourceConnections")) == 1
    stage.has_shown(row)


@event('Somebody changes a dataflow while `if_exists="update"` does')
def test_stale_etag(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends = make_ends()
    stage.run(CreateDataflowOperator, **ends)
    stage.emulator.fail("status", method="PATCH", path="*/flows/*", code="FLOW-1404-412")
    stage.run(CreateDataflowOperator, run_id="two", if_exists="update", interval=45, **ends)
    (only,) = stage.emulator.objects("flows")
    assert only["scheduleParams"]["interval"] == 45
    assert [r["status"] for r in stage.emulator.requests(method="PATCH")] == [412, 200]
    stage.has_shown(row)


@event("The answer to a change is lost")
def test_lost_change(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends = make_ends()
    stage.run(CreateDataflowOperator, **ends)
    stage.emulator.fail("apply_then_drop", method="PATCH", path="*/flows/*")
    stage.run(CreateDataflowOperator, run_id="two", if_exists="update", interval=45, **ends)
    (only,) = stage.emulator.objects("flows")
    assert only["scheduleParams"]["interval"] == 45
    assert len(stage.emulator.requests(method="PATCH")) == 1
    stage.has_shown(row)


@event("A schema's title is taken by a field group")
def test_title_taken(row: str, stage: Stage) -> None:
    stage.run(CreateTargetSchemaOperator)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(CreateTargetSchemaOperator, name="products - fields")
    stage.has_shown(row)


@event("A list still shows what was deleted")
def test_ghost(row: str, stage: Stage) -> None:
    first = stage.source()
    stage.emulator.fail("list_lag", method="DELETE", seconds=30)
    stage.client.request("DELETE", f"/data/foundation/flowservice/sourceConnections/{first['id']}")
    stage.emulator.advance(20)
    again = stage.source(run_id="two")
    (only,) = stage.emulator.objects("sourceConnections")
    assert (again["id"], again["created"]) == (only["id"], True)
    assert again["id"] != first["id"]
    stage.has_shown(row)


@event("A list shows what a read by its id does not find yet")
def test_read_lag(row: str, stage: Stage) -> None:
    stage.emulator.fail("read_lag", method="POST", path=SOURCES, seconds=25)
    made = value_of(CreateSourceConnectionOperator).create(stage.client, Writer("somebody", "else").mark())
    found = stage.source()
    assert (found["id"], found["created"]) == (made.id, False)
    assert sum(stage.naps) >= 25
    stage.has_shown(row)


@event("What may be the one cannot be understood")
def test_unreadable_item(row: str, stage: Stage) -> None:
    odd = {"items": [{"id": "odd", "name": 7}]}
    stage.emulator.fail("status", method="GET", path=SOURCES, status=200, body=odd, times=None)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert stage.emulator.objects("sourceConnections") == []
    stage.has_shown(row)


REPEATED = {"items": [], "_links": {"next": {"href": "/x?continuationToken=again"}}}
UNREADABLE_LINK = {"items": [], "_links": {"next": {"href": 7}}}


@event(
    "A list does not come to its own end: a page or its token comes again, its link is unreadable, or 20 empty pages "
    "come in a row"
)
@pytest.mark.parametrize("page", [REPEATED, UNREADABLE_LINK, None], ids=["repeated", "unreadable", "empty pages"])
def test_cut_list(
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
    stage.has_shown(row)


@event("No list shows what was created")
def test_unlisted(row: str, stage: Stage) -> None:
    stage.emulator.fail("list_lag", method="POST", path=SOURCES, seconds=3600)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.source()
    assert len(stage.emulator.objects("sourceConnections")) == 1
    stage.has_shown(row)


@event("A task gives up after its dataflow was made")
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
    stage.has_shown(row)


# ---- tokens, hosts, guards -----------------------------------------------------------------------------------------


@event("The token dies in mid-run")
def test_token(row: str, stage: Stage) -> None:
    stage.emulator.fail("expire_token", method="POST", path=SOURCES)
    assert stage.source()["created"]
    assert len(stage.emulator.requests(method="POST", path="/ims/token")) == 2
    stage.has_shown(row)


@event("The new token is refused too")
def test_token_refused(row: str, stage: Stage) -> None:
    stage.emulator.fail("expire_token", method="GET", path=SOURCES, times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert len(stage.emulator.requests(method="POST", path="/ims/token")) == 2
    stage.has_shown(row)


@event("A read is answered by HTML, blank, or with anything but what was asked for")
@pytest.mark.parametrize("status", [200, 403, 404, 502])
def test_html(row: str, status: int, stage: Stage, proxy: FaultProxy) -> None:
    stage.connect(proxy.url)
    page = b"<html><title>Sign in</title></html>"
    proxy.fault("GET", SOURCES, status=status, body=page, times=4)
    assert stage.source()["created"]
    before = proxy.count("GET", "/sourceConnections")
    proxy.fault("GET", SOURCES, status=status, body=page, times=99)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source(run_id="two")
    assert proxy.count("GET", "/sourceConnections") == before + 5
    stage.has_shown(row)


@event("An answer leads to another host")
def test_redirect(row: str, stage: Stage) -> None:
    headers = {"Location": "https://elsewhere.example/"}
    stage.emulator.fail("status", method="GET", path=SOURCES, status=307, headers=headers, times=5)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert len(stage.naps) == 4
    stage.has_shown(row)


@event("An answer comes byte by byte, hangs or has no end")
def test_trickle(row: str, stage: Stage) -> None:
    with raw_server(trickles(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        stage.connect(server.url, credential=AccessToken("emulator-client", "token"))
        stage.client.transport.timeouts, stage.client.transport.attempts = (0.1, 0.2), 1
        with pytest.raises(ExperiencePlatformUnavailableError):
            stage.source()
        assert server.dropped.wait(5)
    stage.has_shown(row)


@event("`read_only` is set in the connection")
def test_read_only(row: str, stage: Stage) -> None:
    stage.connect(read_only=True)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.source()
    assert {r["method"] for r in stage.emulator.requests(path="/data/")} == {"GET"}
    stage.has_shown(row)


@event("An argument is wrong")
def test_bad_argument(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(CreateDataflowOperator, interval=10)
    assert stage.emulator.requests() == []
    stage.has_shown(row)


@event("A mapping reads what a REST source does not show")
def test_unknown_attributes(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    schema = stage.run(CreateTargetSchemaOperator)["id"]
    reads = partial(stage.run, CreateMappingSetOperator, schema_id=schema, source_columns=["data", "data.id"])
    with pytest.raises(ExperiencePlatformFailedError):
        reads(mappings={"_id": "id"})
    assert stage.emulator.posted("/mappingSets") == []
    assert reads(mappings={"_id": "data.customer.id"})["created"]
    stage.has_shown(row)


# ---- time ----------------------------------------------------------------------------------------------------------


@event("The worker's clock is wrong")
def test_wrong_clock(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends = make_ends()
    now = stage.emulator.advance(86400)  # this machine's clock is a day behind
    stage.run(CreateDataflowOperator, **ends)
    (flow,) = stage.emulator.objects("flows")
    assert 410 <= flow["scheduleParams"]["startTime"] - now <= 412
    stage.has_shown(row)


@event("`start_time` has passed")
def test_start_time(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    ends, start = make_ends(), int(stage.emulator.advance(0)) + 600
    first = stage.run(CreateDataflowOperator, start_time=start, **ends)
    stage.emulator.advance(3600)
    assert stage.run(CreateDataflowOperator, run_id="two", start_time=start, **ends)["id"] == first["id"]
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(CreateDataflowOperator, name="another", start_time=start, **make_ends("another"))
    stage.has_shown(row)


# ---- flow runs on demand -------------------------------------------------------------------------------------------

YESTERDAY = {"window_start": "2026-11-20T00:00:00Z", "window_end": "2026-11-21T00:00:00Z"}


def once_dataflow(stage: Stage, connect: Callable[..., None], **schedule: Any) -> dict[str, Any]:
    """Make a dataflow that runs once, tomorrow; return what asks for a run of it."""
    connect(stage.emulator.url)
    once = {"frequency": "once", "interval": None, "delta_column": None, "start_delay": 86400}
    made = make_dataflow(**once | schedule)
    return {"flow_id": made["id"], "delta_column": "Create_Time", "accept_partial": True} | YESTERDAY


@event("The answer to the start of a flow run is lost")
@pytest.mark.parametrize(("action", "details"), LOSSES.values(), ids=LOSSES)
def test_lost_run(row: str, action: str, details: dict[str, Any], stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.emulator.fail(action, method="POST", path="*/runs", **details)
    returned = stage.run(RunDataflowOperator, **asked)
    (only,) = stage.emulator.objects("runs")
    assert (returned["run_id"], len(stage.emulator.posted("/runs"))) == (only["id"], 1)
    stage.has_shown(row)


@event(
    "A task that waits for its flow run is killed, or takes longer than `timeout` or `execution_timeout`, and is tried "
    "again"
)
@pytest.mark.parametrize(
    "limit", [{"timeout": 0}, {"execution_timeout": timedelta(0)}], ids=["timeout", "execution_timeout"]
)
def test_run_of_an_earlier_try(row: str, limit: dict[str, Any], stage: Stage, connect: Callable[..., None]) -> None:
    asked, store = once_dataflow(stage, connect), {"task_state_store": Store()}
    with pytest.raises(FlowRunTimeoutError):
        stage.run(RunDataflowOperator, given=store, **limit, **asked)
    returned = stage.run(RunDataflowOperator, given=store, try_number=2, **asked)
    (only,) = stage.emulator.objects("runs")
    assert (returned["run_id"], len(stage.emulator.posted("/runs"))) == (only["id"], 1)
    stage.has_shown(row)


@event("A flow run that a task started fails")
def test_failed_run(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        stage.run(RunDataflowOperator, **asked)
    assert len(stage.emulator.objects("runs")) == 1
    stage.has_shown(row)


@event("A window is asked for that a run has brought: by a cleared task, a backfill, a DAG run by hand")
def test_covered_window(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    first = stage.run(RunDataflowOperator, **asked)
    assert stage.run(RunDataflowOperator, run_id="by hand", **asked) == first | {"reused": True}
    assert len(stage.emulator.posted("/runs")) == 1
    stage.has_shown(row)
    assert stage.run(RunDataflowOperator, if_covered="again", **asked)["run_id"] != first["run_id"]


@event("A window is asked for that overlaps in part what runs have read")
def test_overlapping_window(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.run(RunDataflowOperator, **asked)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, **asked | {"window_end": "2026-11-20T12:00:00Z"})
    assert len(stage.emulator.posted("/runs")) == 1
    stage.has_shown(row)


@event("A window is asked for that is not over, or whose rows may still come (`window_lag`)")
@pytest.mark.parametrize("deferrable", [True, False])
def test_window_not_over(row: str, deferrable: bool, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    end = int(stage.emulator.advance(0)) - 60
    window = {"window_start": end - 3600, "window_end": end, "deferrable": deferrable}
    with pytest.raises(TaskDeferred if deferrable else AirflowRescheduleException):
        stage.run(RunDataflowOperator, **asked | window, window_lag=600)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, **asked | window | {"window_end": end + 100_000})
    assert (stage.emulator.posted("/runs"), stage.naps) == ([], [])
    stage.has_shown(row)


@event("A flow run claims success, and a count is missing, null or no number")
@pytest.mark.parametrize("count", [None, -1, 2.5, "many"], ids=str)
def test_unknown_counts(row: str, count: Any, stage: Stage, connect: Callable[..., None], proxy: FaultProxy) -> None:
    asked = once_dataflow(stage, connect)
    stage.connect(proxy.url)
    counts = {"inputRecordCount": 7, "outputRecordCount": 7, "failedRecordCount": count}

    def reply(path: str) -> tuple[int, bytes]:
        stage.emulator.advance(5)
        (item,) = [run for run in stage.emulator.objects("runs") if run["id"] in path]
        return 200, json.dumps({"items": [{**item, "metrics": {**item["metrics"], "recordSummary": counts}}]}).encode()

    proxy.fault("GET", "/runs/", reply=reply, times=9)
    with pytest.raises(FlowRunFailedError, match=f"failedRecordCount={re.escape(json.dumps(count))}"):
        stage.run(RunDataflowOperator, **asked)
    accepted = {**asked, "window_start": "2026-11-19T00:00:00Z", "window_end": "2026-11-20T00:00:00Z"}
    assert stage.run(RunDataflowOperator, unknown_counts="accept", **accepted)["failed_records"] is None
    stage.has_shown(row)


@event("A list of flow runs holds one that cannot be read")
def test_unreadable_run(row: str, stage: Stage, connect: Callable[..., None], proxy: FaultProxy) -> None:
    asked = once_dataflow(stage, connect)
    stage.connect(proxy.url)
    body = json.dumps({"items": [{"id": "odd", "flowId": asked["flow_id"]}]}).encode()
    proxy.fault("GET", "/runs[?]", status=200, body=body, times=3)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.run(RunDataflowOperator, **asked)
    assert stage.emulator.posted("/runs") == []
    *_, flow = seeded(stage, connect, runs=1)
    connect(proxy.url)
    (run,) = [run for run in stage.emulator.objects("runs") if run["flowId"] == flow]
    body = json.dumps({"items": [{"id": "odd", "flowId": flow}, run]}).encode()
    proxy.fault("GET", "/runs[?]", status=200, body=body)
    (ended,) = wait(stage, [flow])
    assert ended["run"]["id"] == run["id"]
    stage.has_shown(row)


@event("`RetryFlowRunOperator` is given a run that was made good already")
def test_made_good(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        stage.run(RunDataflowOperator, **asked)
    again = {"flow_id": asked["flow_id"], "accept_partial": True}
    assert stage.run(RetryFlowRunOperator, **again) == stage.run(RetryFlowRunOperator, **again)
    assert len(stage.emulator.objects("runs")) == 2
    stage.has_shown(row)


@event("A window is asked for without a data interval, or with an empty one")
def test_no_window(row: str, stage: Stage) -> None:
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, flow_id="flow")
    moment = YESTERDAY["window_start"]
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, flow_id="flow", window_start=moment, window_end=moment)
    assert stage.emulator.requests() == []
    stage.has_shown(row)


@event("A window is asked of a dataflow that runs on a schedule")
def test_scheduled_dataflow(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect, frequency="hour", interval=1, delta_column="Create_Time")
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, **asked)
    assert stage.emulator.posted("/runs") == []
    stage.has_shown(row)


# ---- waiting -------------------------------------------------------------------------------------------------------


def wait(stage: Stage, flow_ids: list[str], seconds: float | None = None, **options: Any) -> list[Any]:
    """Wait in a triggerer's way for runs of dataflows; what the triggers say is told."""
    until = None if seconds is None else time.time() + seconds
    options |= {"aep_conn_id": CONNECTION_ID, "poll_interval": 0.001, "deadline": until}

    async def one(flow_id: str) -> Any:
        waiting = FlowRunTrigger(selection={"flow_id": flow_id, "since": 0.0}, **options)
        (only,) = [event.payload async for event in waiting.run()]
        return only

    async def together() -> list[Any]:
        async with asyncio.timeout(30):
            return await asyncio.gather(*map(one, flow_ids))

    events = asyncio.run(together())
    stage.tell(events)
    return events


def seeded(stage: Stage, connect: Callable[..., None], runs: int) -> list[str]:
    connect(stage.emulator.url)
    order = {"sandbox": "dev", "dataflows": 3, "runs_per_dataflow": runs, "enabled": True}
    stage.emulator.control("POST", "seed", json=order)
    return [flow["id"] for flow in stage.emulator.objects("flows")]


def disable(stage: Stage, flow_id: str) -> None:
    path = f"/data/foundation/flowservice/flows/{flow_id}/action"
    stage.client.request("POST", path, params={"op": "disable"})


@event("Polls for a flow run fail")
def test_failing_polls(row: str, stage: Stage, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    flows = seeded(stage, connect, runs=1)
    stage.emulator.fail("status", method="GET", path="*/flows", status=503, times=9)
    assert [event["status"] for event in wait(stage, flows[:1])] == ["ended"]
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MAX_UNANSWERED_SECONDS", 0.2)
    stage.emulator.fail("status", method="GET", path="*/flows", status=503, times=None)
    began = time.monotonic()
    assert [event["status"] for event in wait(stage, flows[:1])] == ["error"]
    assert time.monotonic() - began >= 0.2
    stage.has_shown(row)


@event("One of many dataflows makes the service fail")
def test_guilty_dataflow(row: str, stage: Stage, connect: Callable[..., None], proxy: FaultProxy) -> None:
    flows = seeded(stage, connect, runs=1)
    connect(proxy.url)
    proxy.fault("GET", flows[0], status=503, times=10**6)
    assert [event["status"] for event in wait(stage, flows, seconds=2)] == ["timeout", "ended", "ended"]
    stage.has_shown(row)


@event("A dataflow that is waited for is deleted")
def test_deleted_dataflow(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    gone, *others = seeded(stage, connect, runs=0)
    stage.client.request("DELETE", f"/data/foundation/flowservice/flows/{gone}")
    events = wait(stage, [gone, *others], seconds=2)
    assert [event["status"] for event in events] == ["error", "timeout", "timeout"]
    stage.has_shown(row)


@event("A dataflow that is waited for is disabled")
def test_disabled_dataflow(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    off, *others = seeded(stage, connect, runs=0)
    disable(stage, off)
    events = wait(stage, [off, *others], seconds=1)
    assert [event["status"] for event in events] == ["error", "timeout", "timeout"]
    assert [event["status"] for event in wait(stage, [off], seconds=1, fail_if_disabled=False)] == ["timeout"]
    with pytest.raises(ExperiencePlatformFailedError, match="is disabled since"):
        stage.run(FlowRunSensor, flow_id=off, timeout=0)
    with pytest.raises(AirflowSensorTimeout):
        stage.run(FlowRunSensor, flow_id=off, timeout=0, fail_if_disabled="False")
    stage.has_shown(row)


@event("A dataflow that is waited for is disabled")
def test_disabled_dataflow_whose_run_has_begun(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    stage.emulator.order("stuck")
    flow = make_dataflow(frequency="once", interval=None, delta_column=None, start_delay=600)["id"]
    stage.emulator.advance(3600)
    disable(stage, flow)
    assert [event["status"] for event in wait(stage, [flow], seconds=1)] == ["timeout"]
    stage.emulator.control("POST", "outcomes/release")
    stage.emulator.advance(10)
    assert [event["status"] for event in wait(stage, [flow])] == ["ended"]


@event("A long 429 while many wait")
def test_long_throttling(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    flows = seeded(stage, connect, runs=0)
    headers = {"Retry-After": "3600"}
    stage.emulator.fail("status", method="GET", path="*/flows", status=429, headers=headers, times=99)
    assert {event["status"] for event in wait(stage, flows, seconds=0.5)} == {"timeout"}
    assert [request["status"] for request in stage.emulator.requests(path="/data/")] == [429]
    stage.has_shown(row)


@event("The Airflow connection is edited while tasks wait")
def test_edited_connection(
    row: str, stage: Stage, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, proxy: FaultProxy
) -> None:
    flows = seeded(stage, connect, runs=1)
    connect(proxy.url)
    monkeypatch.setattr("airflow_provider_payments.triggers.poller.RENEWAL_INTERVAL_SECONDS", 0.0)

    proxy.fault("GET", "/flows", status=500, times=3)
    proxy.fault("GET", "/flows", status=403, first=lambda: connect(stage.emulator.url), times=10**6)
    assert {event["status"] for event in wait(stage, flows, seconds=10)} == {"ended"}
    stage.has_shown(row)


# ---- half-made chains ----------------------------------------------------------------------------------------------


@event("A chain fails half-way, and `TeardownChainOperator` follows")
def test_half_made(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    stage.source()
    schema = stage.run(CreateTargetSchemaOperator)
    stage.run(CreateTargetDatasetOperator, schema_id=schema["id"])
    outcome = stage.run(TeardownChainOperator)
    assert [removed["kind"] for removed in outcome["removed"]] == ["source connection", "dataset"]
    assert stage.emulator.objects("sourceConnections") == stage.emulator.objects("dataSets") == []
    assert [left["kind"] for left in outcome["left_over"]] == ["schema", "field group"]
    stage.has_shown(row)
