"""
Events and their consumers, row errors and lineage after real deferrals in a live Airflow 3.3.

``dags/payments_on_arrival.py`` loses no flow run when the triggerer is killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from airflow_provider_payments.operators.connections import CreateTargetConnectionOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.versions import has_event_streams
from tests.assets.accessors import as_said
from tests.assets.test_events import uri_of
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.lineage.schemas import written
from tests.operators.chain import make_dataflow
from tests.operators.chain import run as create
from tests.operators.on_demand import ONCE
from tests.operators.row_errors import files_below
from tests.sensors.flows import HALF_HOUR, runs
from tests.system.airflow_process import REPOSITORY

if not has_event_streams():
    pytest.skip("Airflow 3.3 and newer acknowledge the events of an asset's watcher", allow_module_level=True)

from tests.system.live_airflow import LiveAirflow, on_demand

pytestmark = on_demand
WATCHES, WAITS, FOLLOWS, LIVE = "payments_on_arrival", "payments_arrivals", "payments_consumer", "live_outlets"
#: Example DAGs, each with a text in its file and the replacement, which lets the DAG poll often.
HASTY = {"payments_on_arrival": ("asset=ARRIVED)", "asset=ARRIVED, poll_interval=0.5)")} | {
    "payments_arrival_events": ("deferrable=True,", "deferrable=True, poke_interval=0.5,")
}
EVENTS = "SELECT e.source_dag_id, e.source_task_id, e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id"


class Arrivals:
    """
    A live Airflow with example DAGs, and the dataflows that they work with.

    :param watched: the id of the dataflow whose runs are announced; its first run is due in two hours.
    :param partial: the id of a dataflow whose first run, within the hour, loses five of 1,200 records.
    :param failing: the id of a dataflow whose first run, within the hour, fails.
    :param on_demand: the id of a dataflow that runs on demand, into another dataset.
    :param folder: an empty folder.
    """

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator, self.folder = emulator, folder
        self.watched = make_dataflow("watched", partial_ingestion_percent=5, start_delay=7200)["id"]
        weekly: dict[str, Any] = {"frequency": "week", "interval": 1}
        self.partial = make_dataflow("partial [red] [/]", partial_ingestion_percent=5, **weekly)["id"]
        self.failing = make_dataflow("failing", error_diagnostics=True, **weekly)["id"]
        arguments = ONCE | {"partial_ingestion_percent": 10, "target_connection_id": other_target()}
        self.on_demand = make_dataflow("on demand", **arguments)["id"]
        dags = [folder / f"{name}.py" for name in HASTY]
        for file in dags:
            text, (before, after) = (REPOSITORY / "dags" / file.name).read_text(), HASTY[file.stem]
            assert text.count(before) == 1
            file.write_text(text.replace(before, after))
        for name in ("home", "lineage"):
            (folder / name).mkdir()
        # OpenLineage writes a file for each event.
        transport = json.dumps({"type": "file", "log_file_path": str(folder / "lineage" / "event")})
        dags.append(Path(__file__).with_name(f"{LIVE}.py"))
        self.airflow = LiveAirflow(
            folder / "home", connection_json(emulator.url), dags, openlineage__transport=transport
        )
        self.airflow.environment |= {
            "PAYMENTS_FLOW_ID": self.watched,
            "PAYMENTS_DATASET": self.dataset(self.partial),
            "RUN_FLOW": self.on_demand,
            "RUN_DATASET": self.dataset(self.on_demand),
            "FAILING_FLOW": self.failing,
        }

    def dataset(self, flow_id: str) -> str:
        """Return the URI of a dataflow's dataset."""
        return uri_of(self.emulator, flow_id)

    def runs(self, flow_id: str) -> dict[str, dict[str, Any]]:
        """Return the runs of a dataflow in the emulator, by id."""
        return {run["id"]: run for run in runs(self.emulator, flow_id)}

    def advance_to_run(self, flow_id: str) -> None:
        """Move the clock to a minute after the first scheduled run of a dataflow."""
        (flow,) = (flow for flow in self.emulator.objects("flows") if flow["id"] == flow_id)
        self.emulator.advance(flow["scheduleParams"]["startTime"] - self.emulator.advance(0) + 60)

    def events(self, asset: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the events of an asset, in order: DAG and task, if a task emitted it, and the extra."""
        found = self.airflow.rows(f"{EVENTS} WHERE a.uri=? ORDER BY e.id", asset)
        return [(dag_id, task_id, json.loads(extra)) for dag_id, task_id, extra in found]

    def announced(self) -> list[dict[str, Any]]:
        """Return the payloads of the watched asset's events, in order."""
        return [extra["payload"] for _, _, extra in self.events("payments_arrived")]

    def reported(self, dag_id: str) -> set[str]:
        """Return the lines that a DAG's runs have printed."""
        query = "SELECT value FROM xcom WHERE dag_id=? AND task_id='report' AND key='return_value'"
        return {line for (value,) in self.airflow.rows(query, dag_id) for line in json.loads(value)}

    def lineage(self, kind: str = "", job: str = "") -> list[dict[str, Any]]:
        """Return the events that were sent to OpenLineage, of a kind and of a task if these are given."""
        events = written(self.folder / "lineage")
        return [e for e in events if kind in ("", e["eventType"]) and job in ("", e["job"]["name"])]


def other_target() -> str:
    """Create a second dataset, and return the target connection to it."""
    ends = {"schema_id": create(CreateTargetSchemaOperator)["id"]}
    ends["dataset_id"] = create(CreateTargetDatasetOperator, name="more products", **ends)["id"]
    return str(create(CreateTargetConnectionOperator, name="more products", **ends)["id"])


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arrivals]:
    with EmulatorServer(time="manual") as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection_json(server.url))
        arrivals = Arrivals(Emulator(server.url), tmp_path_factory.mktemp("arrivals"))
        with arrivals.airflow as airflow:
            # Runs that end before the watcher's first poll are not announced.
            airflow.wait_until(lambda: airflow.rows("SELECT key FROM asset_state_store"))
            yield arrivals


@pytest.fixture(scope="module")
def deferred(arrivals: Arrivals) -> Arrivals:
    """Provide the arrivals after all three waiting tasks were deferred, and their flow runs and DAG runs have ended."""
    airflow = arrivals.airflow
    waits = {"flow_id": arrivals.partial, "since": "2020-01-01T00:00:00Z", "folder": f"file://{arrivals.folder}/errors"}
    waiting, live = airflow.trigger(WAITS, waits), airflow.trigger(LIVE)
    airflow.wait_until_heard(WAITS, waiting, "wait_for_flow_run")
    for task_id in ("run", "wait_for_failure"):
        airflow.wait_until_heard(LIVE, live, task_id)
    waits_of = {**airflow.states(LIVE, live), "wait_for_flow_run": airflow.states(WAITS, waiting)["wait_for_flow_run"]}
    assert set(waits_of.values()) == {"deferred"}
    arrivals.advance_to_run(arrivals.failing)
    ended = {f"{LIVE}.run": "COMPLETE", f"{LIVE}.wait_for_failure": "FAIL", f"{WAITS}.wait_for_flow_run": "COMPLETE"}
    for job, kind in ended.items():
        airflow.wait_until(partial(arrivals.lineage, kind, job))
    airflow.wait_until(lambda: arrivals.reported(FOLLOWS))
    airflow.wait_until(lambda: airflow.states(WAITS, waiting).get("download_row_errors") == "success")
    airflow.wait_until(lambda: airflow.states(LIVE, live)["wait_for_failure"] == "failed")
    airflow.wait_until(lambda: airflow.states("follows_alias"))
    return arrivals


def test_a_partial_run_leaves_files_of_row_errors_and_starts_the_consumer(deferred: Arrivals) -> None:
    returned = deferred.airflow.xcoms(WAITS)
    waited, downloaded = returned["wait_for_flow_run"], returned["download_row_errors"]
    assert (waited["status"], waited["output_records"], waited["failed_records"]) == ("partial", 1195, 5)
    ((dag_id, task_id, extra),) = deferred.events(deferred.dataset(deferred.partial))
    assert (dag_id, task_id, extra["flow_name"]) == (WAITS, "wait_for_flow_run", "partial [red] [/]")
    assert as_said(waited).items() <= extra.items()
    assert deferred.reported(FOLLOWS) == {f"Flow run {waited['run_id']} partial: 1195 records arrived, 5 failed"}
    assert len(files_below(deferred.folder / "errors")) == len(downloaded["files"]) > 0
    assert downloaded["rows"] == 5


def test_a_deferred_wait_emits_counts_and_a_failed_task_nothing(deferred: Arrivals) -> None:
    returned = deferred.airflow.xcoms(LIVE)["run"]
    events = deferred.events(deferred.dataset(deferred.on_demand))
    # One event of the dataset, and one by its alias; the failed task has the same outlets.
    assert [(dag_id, task_id) for dag_id, task_id, _ in events] == [(LIVE, "run")] * 2
    assert all(as_said(returned).items() <= extra.items() for _, _, extra in events)
    assert deferred.airflow.states(LIVE)["wait_for_failure"] == "failed"


def test_lineage_is_valid_after_deferrals_and_of_a_failed_run(deferred: Arrivals) -> None:
    flows = {f"{WAITS}.wait_for_flow_run": deferred.partial, f"{LIVE}.run": deferred.on_demand}
    for job, flow_id in (flows | {f"{LIVE}.wait_for_failure": deferred.failing}).items():
        (ended,) = (event for event in deferred.lineage(job=job) if event["eventType"] in ("COMPLETE", "FAIL"))
        ((run_id, run),) = deferred.runs(flow_id).items()
        (source,), (target,) = ended["inputs"], ended["outputs"]
        assert ended["run"]["facets"]["externalQuery"]["externalQueryId"] == run_id
        assert f"{target['namespace']}/{target['name']}" == deferred.dataset(flow_id)
        rows = source["inputFacets"]["inputStatistics"], target["outputFacets"]["outputStatistics"]
        assert tuple(each["rowCount"] for each in rows) == counts(run)[:2]
        assert "columnLineage" in target["facets"]


def test_airflow_shows_the_path_from_the_source_to_the_consumer(deferred: Arrivals) -> None:
    assets = {asset["uri"]: asset for asset in deferred.airflow.api("GET", "assets")["assets"]}

    def tasks(uri: str, which: str) -> list[tuple[str, str]]:
        return [(task["dag_id"], task["task_id"]) for task in assets[uri][f"{which}_tasks"]]

    dataset = deferred.dataset(deferred.partial)
    assert tasks("paypal://shop/PayPal.Catalog_Products", "consuming") == [(WAITS, "wait_for_flow_run")]
    assert tasks(dataset, "producing") == [(WAITS, "wait_for_flow_run")]
    assert tasks(dataset, "consuming") == [(FOLLOWS, "report")]
    assert [dag["dag_id"] for dag in assets[dataset]["scheduled_dags"]] == [FOLLOWS]


def test_an_event_of_another_form_does_not_fail_the_consumer(deferred: Arrivals) -> None:
    airflow, reported = deferred.airflow, deferred.reported(FOLLOWS)
    (dataset,) = airflow.rows("SELECT id FROM asset WHERE uri=?", deferred.dataset(deferred.partial))
    airflow.api("POST", "assets/events", asset_id=dataset[0], extra={"run_id": ["<b>"], "status": None})
    airflow.wait_until(lambda: airflow.rows("SELECT state FROM dag_run WHERE dag_id=?", FOLLOWS) == [("success",)] * 2)
    assert deferred.reported(FOLLOWS) == reported


def line(run: dict[str, Any]) -> str:
    """Return the line that the watching DAG prints for a run."""
    records = {name: run[f"{name}_records"] for name in ("input", "output", "failed")}
    counts = "{input} records read, {output} arrived, {failed} failed".format(**records)
    return f"Flow run {run['run_id']} {run['status']}: {counts}"


def counts(run: dict[str, Any]) -> tuple[int, ...]:
    records = run["metrics"]["recordSummary"]
    return tuple(records[f"{name}RecordCount"] for name in ("input", "output", "failed"))


def test_each_flow_run_triggers_the_dag_although_the_triggerer_is_killed(arrivals: Arrivals) -> None:
    airflow, emulator = arrivals.airflow, arrivals.emulator
    arrivals.advance_to_run(arrivals.watched)
    airflow.wait_until(arrivals.announced)
    # The event is in Airflow's database; the triggerer may or may not have stored its progress.
    airflow.kill("triggerer")
    for _ in range(2):
        emulator.advance(HALF_HOUR)
    airflow.start("triggerer")
    airflow.wait_until(lambda: {run["run_id"] for run in arrivals.announced()} == set(arrivals.runs(arrivals.watched)))
    # Airflow assigns events that come while its scheduler is busy to the DAG run of the next event.
    airflow.wait_until(lambda: not airflow.rows("SELECT * FROM asset_dag_run_queue"))
    emulator.advance(HALF_HOUR)
    airflow.wait_until(lambda: len(arrivals.reported(WATCHES)) == 4)

    existing, announced = arrivals.runs(arrivals.watched), arrivals.announced()
    assert arrivals.reported(WATCHES) == {line(run) for run in announced}
    assert len(existing) == 4
    assert len(announced) in (4, 5)
    assert {run["flow_id"] for run in announced} == {arrivals.watched}
    for run in announced:
        assert counts(existing[run["run_id"]]) == (run["input_records"], run["output_records"], run["failed_records"])
    assert (announced[0]["status"], announced[0]["failed_records"]) == ("partial", 5)
