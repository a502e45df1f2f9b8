"""Deferred sensors in a live Airflow whose triggerers are killed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.sensors.flows import runs
from tests.system.live_airflow import SENSORS, LiveAirflow, on_demand

if versions.RetryPolicy is None:
    pytest.skip("Airflow before 3.3 is started in another way", allow_module_level=True)

#: Seconds to notice that a triggerer was killed, and for the work of each sensor on a busy machine.
LIMIT = 120.0 + 3 * SENSORS
DAG_FILE = Path(__file__).with_name("many_sensors.py")
DAG = DAG_FILE.stem
ENDS = {"success", "failed", "upstream_failed"}
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

pytestmark = on_demand


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with EmulatorServer(time="manual") as server:
        yield Emulator(server.url)


@pytest.fixture(scope="module")
def airflow(platform: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAirflow]:
    home = tmp_path_factory.mktemp("airflow")
    with LiveAirflow(home, connection_json(platform.url), [DAG_FILE]) as running:
        yield running


@dataclass(frozen=True)
class Waits:
    """
    A DAG run whose sensors wait, each for the first run of a dataflow of its own.

    :param flows: the dataflows, in the order in which they are to run.
    """

    airflow: LiveAirflow
    platform: Emulator
    run_id: str
    flows: list[dict[str, Any]]

    @property
    def places(self) -> range:
        """The indexes of the sensors, which are the indexes of their dataflows."""
        return range(len(self.flows))

    def states(self, places: Iterable[int]) -> set[str]:
        """Return the states of the sensors with these indexes."""
        states = self.airflow.states(DAG, self.run_id)
        return {states.get(f"wait[{place}]", "") for place in places}

    def wait_until_deferred(self, places: Iterable[int], times: int) -> None:
        """
        Wait until these sensors are deferred, and the scheduler has processed that.

        :param times: number of runs of sensors on workers by then.
        """
        self.airflow.wait_until_heard(DAG, self.run_id, "wait", times, LIMIT)
        self.airflow.wait_until(lambda: self.states(places) <= {"deferred", *ENDS}, LIMIT)
        assert self.states(places) == {"deferred"}

    def run_dataflows(self, places: Iterable[int]) -> None:
        """Move the clock to a minute after the start of these dataflows; other dataflows may start as well."""
        start = max(float(self.flows[place]["scheduleParams"]["startTime"]) for place in places)
        self.platform.advance(start + 60 - self.platform.control("GET", "clock")["now"])

    def polls(self, number: int) -> list[str]:
        """Return the URLs that are requested until each wait has been polled ``number`` times on average."""
        self.platform.control("DELETE", "requests")

        def enough() -> list[str]:
            requests = self.platform.requests(method="GET", path="/data/foundation/flowservice/")
            urls = [f"{request['path']}?{request['query']}" for request in requests]
            # A URL without an id requests all runs of the sandbox.
            polls = sum(len(ID.findall(url)) or len(self.flows) for url in urls)
            return urls if polls >= number * len(self.flows) else []

        return self.airflow.wait_until(enough)

    def assert_succeeded(self, places: Iterable[int], tries: int = 1) -> None:
        """Wait until these sensors have succeeded, in ``tries`` tries, with one log line and their runs' counts."""
        self.airflow.wait_until(lambda: self.states(places) <= ENDS, LIMIT)
        assert self.states(places) == {"success"}
        returned = self.airflow.xcoms(DAG, self.run_id)
        assert {place: returned_counts(returned[f"wait[{place}]"]) for place in places} == {
            place: stored_counts(*runs(self.platform, self.flows[place]["id"])) for place in places
        }
        assert {self.log(place, tries).count("; batches: ") for place in places} == {1}
        query = "SELECT map_index, try_number FROM task_instance WHERE run_id=? AND task_id='wait'"
        tries_by_place = dict(self.airflow.rows(query, self.run_id))
        assert {tries_by_place[place] for place in places} == {tries}

    def log(self, place: int, attempt: int) -> str:
        """Return the log of a sensor on its workers."""
        task = self.airflow.home / "logs" / f"dag_id={DAG}" / f"run_id={self.run_id}" / "task_id=wait"
        return (task / f"map_index={place}" / f"attempt={attempt}.log").read_text()


def begin(airflow: LiveAirflow, platform: Emulator, sensors: int) -> Waits:
    """Create dataflows that run one after the other, half a day from now; start a sensor for each."""
    platform.reset()
    platform.control("POST", "seed", json={"sandbox": "dev", "dataflows": sensors, "enabled": True})
    flows = sorted(platform.objects("flows"), key=lambda flow: float(flow["scheduleParams"]["startTime"]))
    run_id = airflow.trigger(DAG, {"flow_ids": [flow["id"] for flow in flows]})
    waits = Waits(airflow, platform, run_id, flows)
    waits.wait_until_deferred(waits.places, times=sensors)
    return waits


def returned_counts(returned: dict[str, Any]) -> dict[str, Any]:
    """Return the counts of a run in the value of a sensor."""
    return {name: returned[name] for name in ("run_id", "input_records", "output_records", "failed_records")}


def stored_counts(run: dict[str, Any]) -> dict[str, Any]:
    """Return the same counts of a run in the emulator."""
    records = run["metrics"]["recordSummary"]
    counts = {f"{which}_records": records[f"{which}RecordCount"] for which in ("input", "output", "failed")}
    return {"run_id": run["id"], **counts}


def test_a_killed_triggerer_loses_no_wait(airflow: LiveAirflow, platform: Emulator) -> None:
    waits = begin(airflow, platform, SENSORS)
    first, second = waits.places[: SENSORS // 2], waits.places[SENSORS // 2 :]
    platform.order("stuck", times=SENSORS)
    waits.run_dataflows(first)
    # One request polls a hundred waits, two if some of them have a run; from time to time one more checks the
    # answers. The runs of a dataflow whose last run may not be its first are requested once.
    assert len(waits.polls(10)) <= 10 * (2 * math.ceil(SENSORS / 100) + 1) + len(first)
    assert waits.states(waits.places) == {"deferred"}

    airflow.kill("triggerer")
    for place in first:
        platform.control("POST", "outcomes/release", json={"flowId": waits.flows[place]["id"]})
    platform.advance(60)  # these runs end while no triggerer polls
    airflow.start("triggerer")
    waits.assert_succeeded(first)
    assert waits.states(second) == {"deferred"}
    waits.run_dataflows(second)
    platform.control("POST", "outcomes/release")
    platform.advance(60)
    waits.assert_succeeded(waits.places)


def test_a_second_triggerer_takes_over(airflow: LiveAirflow, platform: Emulator) -> None:
    jobs = "SELECT id FROM job WHERE job_type='TriggererJob' ORDER BY id"
    before = airflow.rows(jobs)
    airflow.start("triggerer", "second triggerer")
    airflow.wait_until(lambda: len(airflow.rows(jobs)) > len(before))
    waits = begin(airflow, platform, min(SENSORS // 2, 40))
    (most,) = airflow.rows("SELECT triggerer_id FROM trigger GROUP BY triggerer_id ORDER BY count(*) DESC LIMIT 1")
    airflow.kill("second triggerer" if most == airflow.rows(jobs)[-1] else "triggerer")
    waits.run_dataflows(waits.places)
    waits.assert_succeeded(waits.places)


def test_a_wait_that_a_user_ends_is_no_longer_polled(airflow: LiveAirflow, platform: Emulator) -> None:
    waits = begin(airflow, platform, 8)
    ended, cleared, others = 0, 1, waits.places[2:]
    run = f"dags/{DAG}/dagRuns/{waits.run_id}"
    airflow.api("PATCH", f"{run}/taskInstances/wait/{ended}", new_state="failed")
    task = {"dag_run_id": waits.run_id, "task_ids": [["wait", cleared]], "only_failed": False, "dry_run": False}
    airflow.api("POST", f"dags/{DAG}/clearTaskInstances", **task)
    waits.wait_until_deferred([cleared, *others], times=len(waits.flows) + 1)
    # A poll names exactly the watched dataflows, because no dataflow has a run yet.
    watched = {waits.flows[place]["id"] for place in (cleared, *others)}
    airflow.wait_until(lambda: set(ID.findall(" ".join(waits.polls(3)))) == watched)
    waits.run_dataflows(waits.places)
    waits.assert_succeeded(others)
    waits.assert_succeeded([cleared], tries=2)
    assert waits.states([ended]) == {"failed"}
    assert f"wait[{ended}]" not in airflow.xcoms(DAG, waits.run_id)
