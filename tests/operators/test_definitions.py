"""``PlanDataflowsOperator`` and ``ExportDataflowsOperator``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowNotFoundException, AirflowSkipException

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.definitions import ExportDataflowsOperator, PlanDataflowsOperator
from tests.aep.dataflows.applying import apply, plan_text
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import Emulator
from tests.operators.chain import TaskInstance, context

NAME = "PayPal catalog products"
PROJECT = """\
version: 1
project: finance
environments:
  dev: {variables: {pace: 30 minutes}}
  prod: {aep_conn_id: nowhere, variables: {pace: 1 hour}}
"""


@pytest.fixture
def folder(tmp_path: Path, client: Client, connected: Emulator) -> Path:
    """Return a folder with one definition, whose objects exist."""
    apply(client, plan_text(client, tmp_path / "applied", TEN_LINES), owner="finance")
    text = TEN_LINES.replace("30 minutes", "${var.pace}")
    return write_files(tmp_path / "files", project=PROJECT, products=text)


def plan(folder: Path | str, **arguments: Any) -> dict[str, Any]:
    return PlanDataflowsOperator(task_id="plan", definition=str(folder), environment="dev", **arguments).execute(
        context()
    )


def export(folder: Path | str, **arguments: Any) -> dict[str, Any]:
    return ExportDataflowsOperator(task_id="export", path=str(folder), **arguments).execute(context())


def test_a_plan_returns_its_steps(folder: Path) -> None:
    nothing = plan(folder)
    assert set(nothing) == outputs.PlannedDataflows.__required_keys__
    assert (nothing["changed"], nothing["drifted"], nothing["plan"]["steps"]) == ([], [], [])
    changed = plan(folder, variables={"pace": "2 hours"})
    assert (changed["changed"], changed["drifted"], changed["summary"]["update"]) == ([NAME], [NAME], 1)
    assert "schedule.frequency: minute -> hour" in changed["text"]
    assert changed["digest"] != nothing["digest"]


def test_the_environments_connection_is_used_unless_one_is_given(folder: Path) -> None:
    with pytest.raises(AirflowNotFoundException, match="nowhere"):
        PlanDataflowsOperator(task_id="plan", definition=str(folder), environment="prod").execute(context())
    given = PlanDataflowsOperator(task_id="x", definition=str(folder), environment="prod", aep_conn_id="aep_default")
    assert given.execute(context())["drifted"] == [NAME]


def test_drift_fails_or_skips_the_task_if_set(folder: Path) -> None:
    late = {"variables": {"pace": "2 hours"}}
    with pytest.raises(
        ExperiencePlatformFailedError, match=f"the sandbox differs from these definitions: {NAME}"
    ) as failure:
        plan(folder, on_drift="fail", **late)
    assert "hour" not in str(failure.value)  # the plan is only in the log, as Airflow logs this message twice
    task = TaskInstance()
    check = PlanDataflowsOperator(
        task_id="x", definition=str(folder), environment="dev", on_drift="skip", variables={"pace": "2 hours"}
    )
    with pytest.raises(AirflowSkipException, match="the sandbox differs from these definitions"):
        check.execute(context(task))
    assert (task.pushed["drifted"], task.pushed["return_value"]["drifted"]) == ([NAME], [NAME])
    assert plan(folder, on_drift="fail")["drifted"] == []


@pytest.mark.parametrize("ignored", ["schedule", f"{NAME}.schedule"])
def test_ignored_members_are_no_drift(folder: Path, ignored: str) -> None:
    late = {"variables": {"pace": "2 hours"}}
    planned = plan(folder, on_drift="fail", ignore=[ignored], **late)
    assert (planned["changed"], planned["drifted"]) == ([NAME], [])
    with pytest.raises(ExperiencePlatformFailedError):
        plan(folder, on_drift="fail", ignore="tolerance", **late)


def test_a_disabled_dataflow_is_drift(folder: Path, client: Client, connected: Emulator) -> None:
    (flow,) = connected.objects("flows")
    client.request("POST", f"/data/foundation/flowservice/flows/{flow['id']}/action", params={"op": "disable"})
    planned = plan(folder)
    assert (planned["changed"], planned["drifted"]) == ([], [NAME])
    assert plan(folder, ignore=["enabled"])["drifted"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_drift": "ignore"}, "on_drift='ignore' is not allowed: one of report, fail, skip"),
        ({"ignore": ["tolerence"]}, "did you mean 'tolerance'"),
        ({"only": ["PayPal"]}, "there is no definition 'PayPal'"),
        ({"environment": "test"}, "there is no environment 'test'"),
    ],
)
def test_a_wrong_argument_fails_the_task_without_a_retry(folder: Path, arguments: dict[str, Any], message: str) -> None:
    given = {"task_id": "plan", "definition": str(folder), "environment": "dev"} | arguments
    with pytest.raises(ExperiencePlatformFailedError, match=message):
        PlanDataflowsOperator(**given).execute(context())


def test_a_broken_file_fails_the_task_with_file_and_line(folder: Path) -> None:
    write_files(folder, products=TEN_LINES.replace("vendor: paypal", "vendor: pay"))
    with pytest.raises(ExperiencePlatformFailedError, match=r"products\.yaml:3:18: source\.vendor: one of"):
        plan(folder)


def test_a_service_that_does_not_answer_fails_the_task_with_a_retry(folder: Path, connected: Emulator) -> None:
    connected.fail("status", path="/data/foundation/flowservice/flows", status=503, times=50)
    with pytest.raises(ExperiencePlatformUnavailableError):
        plan(folder)


def test_a_relative_path_is_relative_to_the_dags_folder(tmp_path: Path, connected: Emulator) -> None:
    write_files(tmp_path, dataflows__products=TEN_LINES)
    with DAG(dag_id="plans", schedule=None) as dag:
        step = PlanDataflowsOperator(task_id="plan", definition="dataflows")
    dag.fileloc = str(tmp_path / "plans.py")
    assert step.execute(context())["summary"]["create"] == 7


def test_an_export_writes_files_whose_plan_has_no_changes(folder: Path, tmp_path: Path) -> None:
    exported = export(tmp_path / "exported")
    assert set(exported) == outputs.ExportedDataflows.__required_keys__
    assert (len(exported["files"]), exported["refused"], exported["skipped"]) == (1, [], 0)
    again = PlanDataflowsOperator(task_id="plan", definition=str(tmp_path / "exported"))
    assert again.execute(context())["changed"] == []
    with pytest.raises(ExperiencePlatformFailedError, match="overwrite=True overwrites them"):
        export(tmp_path / "exported")
    assert export(tmp_path / "exported", overwrite=True, names=["PayPal*"])["files"] == exported["files"]


def test_an_export_with_an_invalid_overwrite_sends_no_request(tmp_path: Path, connected: Emulator) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match=r"overwrite=1\.5 is not allowed"):
        export(tmp_path / "exported", overwrite=1.5)
    assert connected.requests() == []


def test_an_export_writes_to_an_object_storage(folder: Path, tmp_path: Path) -> None:
    exported = export(f"file://{tmp_path}/storage/dataflows")
    assert exported["files"] == [f"file://{tmp_path}/storage/dataflows/PayPal_catalog_products.yaml"]
    text = (tmp_path / "storage" / "dataflows" / "PayPal_catalog_products.yaml").read_text()
    assert text.startswith("version: 1\nname: PayPal catalog products\n")
