"""Plan, approval, apply: the example DAG, and an approver who answers while it waits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.emulator.http.server import EmulatorServer
from airflow_provider_payments.versions import has_approvals
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import REPOSITORY, AirflowHome
from tests.system.vendors import CONNECTIONS
from tests.versions.expected import fails_on

DAG_ID = "payments_with_approval"
DAGS = REPOSITORY / "dags"
PROGRAM = str(Path(__file__).with_name("approvals.py"))
ALL_BUT_THE_WAIT = ("plan", "is_something_to_do", "approve", "apply", "dataflows")

pytestmark = [
    pytest.mark.skipif(not has_approvals(), reason="Airflow asks people from 3.1 on"),
    fails_on("3.1", "3.2", reason="`airflow dags test` does not hand the answer to the task that waits for it"),
]


@dataclass
class Approver:
    """An Airflow with the DAG, and a process that approves its plans."""

    airflow: AirflowHome
    emulator: Emulator
    process: subprocess.Popen[str]
    states: list[dict[str, str]] = field(default_factory=list)

    def run(self, before_the_answer: Callable[[], Any] | None = None, returncode: int = 0) -> tuple[str, str]:
        """Run the DAG, and approve the plan; return the text that was to be approved, and the run's log."""
        with ThreadPoolExecutor() as beside:
            run = beside.submit(self.airflow.test_dag, DAG_ID, returncode=returncode)
            if before_the_answer:
                self._order()
                before_the_answer()
            approved_text = self._order("Approve")
            log = run.result()
        self.states.append(self.airflow.states(DAG_ID))
        return approved_text, log

    def _order(self, *options: str) -> str:
        """Wait for the approval that the DAG requests, choose the options, and return its text."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{json.dumps([DAG_ID, *options])}\n")
        self.process.stdin.flush()
        return str(json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def approver(new_airflow: Callable[..., AirflowHome]) -> Iterator[Approver]:
    with EmulatorServer(time="fast") as server:
        airflow = new_airflow(connection_json(server.url), DAGS / f"{DAG_ID}.py", DAGS / "dataflows")
        airflow.environment |= CONNECTIONS
        with subprocess.Popen(
            [sys.executable, PROGRAM],
            env=airflow.environment | {"AIRFLOW_HOME": str(airflow.home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield Approver(airflow, Emulator(server.url), process)
            process.communicate()


@pytest.fixture(scope="module")
def approved_text(approver: Approver) -> str:
    """Provide the text of the first plan, which was approved."""
    return approver.run()[0]


def change_interval(approver: Approver, client: Client, hours: int) -> None:
    """Change the interval of a dataflow without the definitions."""
    (flow,) = (flow for flow in approver.emulator.objects("flows") if flow["name"] == "Square payments")
    path = f"/data/foundation/flowservice/flows/{flow['id']}"
    operation = {"op": "replace", "path": "/scheduleParams/interval", "value": str(hours)}
    client.request("PATCH", path, body=[operation], headers={"If-Match": flow["etag"]})


def test_an_approved_plan_is_applied_and_the_rows_land(approver: Approver, approved_text: str) -> None:
    assert "+ dataflow Square payments" in approved_text
    assert set(approver.states[0].values()) == {"success"}
    datasets = {dataset["name"]: dataset["id"] for dataset in approver.emulator.objects("dataSets")}
    counts = {name: approver.emulator.rows(dataset)["count"] for name, dataset in datasets.items()}
    assert counts == {"PayPal catalog": 1195, "Square payments": 1995, "Stripe charges": 1498}


def test_a_plan_without_changes_needs_no_approval(approver: Approver, approved_text: str) -> None:
    approver.airflow.test_dag(DAG_ID)
    states = approver.airflow.states(DAG_ID)
    assert [states[task] for task in ALL_BUT_THE_WAIT] == ["success", "success", "skipped", "skipped", "skipped"]


def test_a_plan_that_changed_after_it_was_shown_is_not_applied(
    approver: Approver, approved_text: str, make_client: Callable[..., Client]
) -> None:
    client = make_client(url=approver.emulator.url)
    change_interval(approver, client, 6)
    shown, log = approver.run(lambda: change_interval(approver, client, 12), returncode=1)
    assert "interval: 6 -> 1" in shown
    assert approver.states[-1]["apply"] == "failed"
    assert "digest" in log
    (flow,) = (flow for flow in approver.emulator.objects("flows") if flow["name"] == "Square payments")
    assert str(flow["scheduleParams"]["interval"]) == "12"
    change_interval(approver, client, 1)
