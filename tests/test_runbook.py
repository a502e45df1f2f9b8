"""The situations of the runbook on the page "In production": a user sees each quotation, and each command runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, TaskDeferred

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, FlowRunFailedError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator
from airflow_provider_payments.operators.lifecycle import EnableDataflowOperator
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.aep.dataflows.test_plan_changes import UserInterface, replace_mapping_set
from tests.cli.conftest import Run
from tests.cli.conftest import run as run
from tests.conftest import Emulator
from tests.hooks.conftest import SetConnection
from tests.hooks.conftest import set_connection as set_connection
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import Stage
from tests.operators.run_dataflow import operator
from tests.sensors.conftest import context, sensor
from tests.sensors.flows import advance_to_run

PAGE = (Path(__file__).parent.parent / "airflow_provider_payments" / "docs" / "production.md").read_text()
ROWS = {
    row[0].strip(): (row[1], row[3])
    for row in re.findall(r"^\|(.*?)\|(.*?)\|(.*?)\|(.*?)\|$", PAGE.partition("## Runbook")[2], re.MULTILINE)[2:]
}
TRIED: set[str] = set()


def situation(row: str) -> Callable[[Any], Any]:
    """Mark the test of a row."""
    TRIED.add(row)
    return pytest.mark.parametrize("row", [row])


class Incident:
    """
    The texts that a person on call sees, and the commands that they run.

    :param run: runs a command.
    :param read: returns the text that was logged and printed since the last call.
    """

    def __init__(self, run: Run, read: Callable[[], str]) -> None:
        self._run, self._read = run, read
        self._seen = ""
        self._done: set[str] = set()

    def fails(self, task: Any, error: type[Exception]) -> None:
        """Execute a task that fails, and keep the text of its error."""
        with pytest.raises(error) as failure:
            task.execute(context())
        self.see(str(failure.value))

    def see(self, text: str) -> None:
        self._seen += text

    def do(self, command: str, status: int = 0, **values: str) -> str:
        """Run a command as the page shows it, with values for the words in angle brackets."""
        self._seen += self._read()
        self._done.add(command)
        words = [values.get(word.strip("<>"), word) for word in command.split()[1:]]
        ended, out, err = self._run(*words)
        assert ended == status, err
        self.see(out)
        return out

    def matches(self, row: str) -> None:
        """Assert that the quotations of the row were seen, and that exactly its commands were run."""
        sees, does = ROWS[row]
        self._seen += self._read()
        quoted = [text for text in re.findall(r"`([^`]+)`", sees) if not text.startswith("--") and text != "timeout"]
        assert [text for text in quoted if text not in self._seen] == []
        assert set(re.findall(r"`(payments [^`]+)`", does)) == self._done


@pytest.fixture
def incident(run: Run, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Incident:
    caplog.set_level("INFO")
    return Incident(run, lambda: caplog.text + capsys.readouterr().out)


@pytest.fixture
def stage(connected: Emulator, make_client: Callable[..., Client]) -> Stage:
    """Provide a dataflow that runs on demand."""
    stage = Stage(connected, make_client, True)
    stage.make_dataflow()
    return stage


def flow_that_runs(emulator: Emulator, **options: Any) -> str:
    """Create a dataflow whose first run has begun or ended; return the dataflow's id."""
    flow = str(make_dataflow(**options)["id"])
    advance_to_run(emulator)
    return flow


def test_every_situation_is_tried_and_there_are_ten() -> None:
    assert set(ROWS) == TRIED
    assert len(ROWS) == 10


@situation("The source fails a run")
def test_source_fails(row: str, incident: Incident, stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    incident.fails(operator(stage), FlowRunFailedError)
    stage.emulator.fail("status", path="*/connections/*/test", status=200, body={"result": False})
    (failed,) = stage.runs()
    incident.do("payments status <dataflow> --test-connections", dataflow="products")
    repeated = stage.operator(RetryFlowRunOperator, run_id=failed["id"], accept_partial=True).execute(stage.context())
    assert repeated["output_records"] > 0
    incident.matches(row)


@situation("A run lost too many records")
def test_lost_records(row: str, incident: Incident, connected: Emulator) -> None:
    flow = flow_that_runs(connected, partial_ingestion_percent=5)
    incident.fails(sensor(flow_id=flow, since=0), FlowRunFailedError)
    assert "Create_Time" in incident.do("payments diagnose <dataflow>", dataflow="products")
    assert sensor(flow_id=flow, since=0, max_failed_ratio=0.05).execute(context())["status"] == "partial"
    incident.matches(row)


@situation("A dataflow is disabled")
def test_disabled(row: str, incident: Incident, connected: Emulator) -> None:
    order = {"sandbox": "dev", "dataflows": 1, "runs_per_dataflow": 1, "enabled": True, "name_prefix": "shop"}
    connected.control("POST", "seed", json=order)
    connected.order("fail_copy", times=40)
    connected.advance(32 * 86400)
    (flow,) = connected.objects("flows")
    incident.fails(sensor(flow_id=flow["id"], since=connected.advance(0)), ExperiencePlatformFailedError)
    incident.do("payments status <dataflow>", dataflow=flow["name"])
    EnableDataflowOperator(task_id="enable", dataflow=flow["id"]).execute(context())
    assert connected.objects("flows")[0]["state"] == "enabled"
    incident.matches(row)


@situation("Adobe refuses the credential")
def test_credential(row: str, incident: Incident, connected: Emulator, set_connection: SetConnection) -> None:
    flow = flow_that_runs(connected, backfill=False)
    set_connection(connected.url, password="the one before")
    incident.fails(sensor(flow_id=flow, since=0), ExperiencePlatformFailedError)
    set_connection(connected.url)
    assert sensor(flow_id=flow, since=0).execute(context())["status"] == "succeeded"
    assert "1 of 1 healthy" in incident.do("payments status")
    incident.matches(row)


@situation("The sandbox is wrong")
def test_sandbox(row: str, incident: Incident, connected: Emulator, connect: Callable[..., None]) -> None:
    flow = flow_that_runs(connected, backfill=False)
    connect(connected.url, sandbox="production")
    incident.fails(sensor(flow_id=flow, since=0), ExperiencePlatformFailedError)
    incident.see(ExperiencePlatformHook().test_connection()[1])
    connect(connected.url)
    assert "1 of 1 healthy" in incident.do("payments status")
    incident.matches(row)


async def fired(trigger: Any) -> Any:
    """Return the event of a trigger that a triggerer deserialises."""
    path, arguments = trigger.serialize()
    module, name = path.rsplit(".", 1)
    return (await anext(getattr(import_module(module), name)(**arguments).run())).payload


def deferred(**arguments: Any) -> Any:
    with pytest.raises(TaskDeferred) as deferral:
        sensor(deferrable=True, **arguments).execute(context())
    return deferral.value.trigger


@situation("The platform throttles")
def test_throttled(row: str, incident: Incident, connected: Emulator) -> None:
    flow = str(make_dataflow(backfill=False)["id"])
    trigger = deferred(flow_id=flow, since=0)
    advance_to_run(connected)
    connected.fail("status", method="GET", path="*/flows", status=429, headers={"Retry-After": "1"})
    event = asyncio.run(fired(trigger))
    assert sensor(flow_id=flow).execute_complete(context(), event)["status"] == "succeeded"
    incident.matches(row)


@situation("No triggerer runs")
def test_no_triggerer(row: str, incident: Incident, connected: Emulator) -> None:
    flow = str(make_dataflow(backfill=False)["id"])
    trigger = deferred(flow_id=flow, since=0, timeout=0.01)
    advance_to_run(connected, after=7200.0)
    event = asyncio.run(fired(trigger))
    assert sensor(flow_id=flow).execute_complete(context(), event)["status"] == "succeeded"
    incident.matches(row)


@situation("A run does not end")
def test_stuck(row: str, incident: Incident, connected: Emulator) -> None:
    connected.order("stuck")
    flow = flow_that_runs(connected, backfill=False)
    (run,) = connected.objects("runs")
    incident.fails(sensor(flow_id=flow, since=0, timeout=0), AirflowSensorTimeout)
    incident.fails(sensor(flow_id=flow, since=0, timeout=0.2, poke_interval=0.1), AirflowSensorTimeout)
    incident.do("payments diagnose <run>", run=run["id"])
    connected.control("POST", "outcomes/release")
    connected.advance(60)
    assert sensor(run_id=run["id"]).execute(context())["status"] == "succeeded"
    incident.matches(row)


@situation("Rows of a day are missing")
def test_missing_day(row: str, incident: Incident, stage: Stage) -> None:
    assert operator(stage).execute(stage.context())["output_records"] > 0
    rows = stage.rows()
    assert operator(stage).execute(stage.context())["reused"]
    assert stage.rows() == rows > 0
    incident.matches(row)


@situation("A dataflow was changed by hand")
def test_changed_by_hand(
    row: str, incident: Incident, connected: Emulator, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "dataflows", project="version: 1\nproject: finance\n", products=TEN_LINES)
    incident.do("payments apply dataflows --yes")
    replace_mapping_set(UserInterface(client, connected))
    assert "mapping" in incident.do("payments plan dataflows --detailed-exitcode", status=2)
    incident.do("payments apply dataflows --yes")
    assert "Nothing to do" in incident.do("payments plan dataflows --detailed-exitcode")
    incident.matches(row)
