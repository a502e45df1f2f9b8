"""``CheckDataflowHealthOperator``: its checks, output and log, and how the task ends."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowNotFoundException, AirflowSkipException

from airflow_provider_payments.aep.health.judging import PROBLEMS
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.health import CheckDataflowHealthOperator
from airflow_provider_payments.operators.lifecycle import DisableDataflowOperator
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import Emulator
from tests.operators.chain import TaskInstance, context
from tests.operators.test_outputs import check as check_keys

GOOD = "good 3"


@pytest.fixture
def sandbox(connected: Emulator) -> Emulator:
    """Two daily dataflows whose runs succeeded, one of them disabled."""
    order = {"sandbox": "dev", "dataflows": 2, "runs_per_dataflow": 1, "enabled": True, "name_prefix": GOOD}
    connected.control("POST", "seed", json=order)
    DisableDataflowOperator(task_id="pause", dataflow=f"{GOOD} 2").execute(context())
    return connected


def check(task: TaskInstance | None = None, **arguments: Any) -> dict[str, Any]:
    return dict(CheckDataflowHealthOperator(task_id="check", **arguments).execute(context(task)))


def test_a_report_contains_each_dataflow_and_the_log_a_table(
    sandbox: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    found = check()
    check_keys(found, outputs.CheckedDataflows)
    assert (found["healthy"], found["unhealthy"]) == (False, [f"{GOOD} 2"])
    assert found["summary"] == {"dataflows": 2, "healthy": 1, "disabled": 1}
    assert (found["org_id"], found["sandbox"]) == ("EMULATOR@AdobeOrg", "dev")
    for dataflow in found["dataflows"]:
        check_keys(dataflow, outputs.DataflowHealth)
    assert [problem["code"] for problem in found["dataflows"][1]["problems"]] == ["disabled"]
    assert f"{GOOD} 1" not in found["text"]
    output = capsys.readouterr().out
    assert f"{GOOD} 1  enabled   succeeded" in " ".join(output.split("\n"))
    assert "Health: 1 of 2 healthy; 1 disabled." in output


@pytest.mark.parametrize(
    ("how", "error"), [("fail", ExperiencePlatformFailedError), ("skip", AirflowSkipException)], ids=["fail", "skip"]
)
def test_a_task_that_fails_or_skips_pushes_its_result(sandbox: Emulator, how: str, error: type[Exception]) -> None:
    task = TaskInstance()
    with pytest.raises(error, match=r"Health: 1 of 2 healthy; 1 disabled\. The task's log shows the table"):
        check(task, on_unhealthy=how)
    assert task.pushed["unhealthy"] == [f"{GOOD} 2"]
    pushed = dict(task.pushed)
    returned = pushed.pop("return_value")
    assert returned == pushed
    assert check(on_unhealthy=how, names=[f"{GOOD} 1"])["healthy"]
    assert check(on_unhealthy=how, ignore=["disabled"])["healthy"]


@pytest.mark.parametrize("max_age", [timedelta(hours=10), 36000, "36000", "PT10H"], ids=repr)
def test_max_age_accepts_every_form_of_a_duration(sandbox: Emulator, max_age: object) -> None:
    assert check(names=f"{GOOD} 1", max_age=max_age)["summary"]["stale"] == 1
    assert check(names=f"{GOOD} 1", max_age="PT13H")["healthy"]


def test_counted_runs_and_tested_connections_are_opt_in(sandbox: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    since = float(sandbox.control("GET", "clock")["now"]) - 86400
    found = check(failures_since=since, max_failed_ratio="0.1", test_connections="true", names=f"{GOOD} 1")
    totals = found["dataflows"][0]["totals"]
    assert (found["healthy"], totals["runs"], totals["failed_runs"], totals["failed_records"]) == (True, 1, 0, 0)
    assert "Counting the runs of 1 dataflows, with at least one request for each" in caplog.messages
    assert "Testing 1 base connections: a request and a login at the vendor for each" in caplog.messages
    assert "totals" not in check()["dataflows"][0]


PROJECT = "version: 1\nproject: finance\nenvironments:\n  dev: {}\n  prod: {aep_conn_id: nowhere}\n"


def test_definitions_select_the_dataflows_to_check(sandbox: Emulator, tmp_path: Path) -> None:
    text = TEN_LINES.replace("PayPal catalog products", "${var.name}")
    other = TEN_LINES.replace("PayPal catalog products", "Not there")
    write_files(tmp_path, flows__project=PROJECT, flows__first=text, flows__other=other)
    given: dict[str, Any] = {"definition": "flows", "environment": "dev", "variables": {"name": f"{GOOD} 2"}}
    with DAG(dag_id="health", schedule=None) as dag:
        step = CheckDataflowHealthOperator(task_id="check", **given)
    dag.fileloc = str(tmp_path / "health.py")
    found = step.execute(context())
    assert found["summary"] == {"dataflows": 2, "healthy": 0, "missing": 1, "disabled": 1}
    folder = str(tmp_path / "flows")
    only = check(**given | {"definition": folder}, names=["Not there"])
    assert (only["unhealthy"], "id" in only["dataflows"][0]) == (["Not there"], False)
    with pytest.raises(AirflowNotFoundException, match="nowhere"):
        check(**given | {"definition": folder, "environment": "prod"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_unhealthy": "ignore"}, "on_unhealthy='ignore' is not allowed: one of report, fail, skip"),
        ({"names": ["nothing"]}, "names='nothing' is not allowed: the name or id of a dataflow"),
        ({"ignore": "partail"}, "did you mean 'partial'"),
        ({"max_failed_ratio": 0.5}, "it needs `failures_since`"),
        ({"failures_since": "2026-01-01"}, "must carry a timezone"),
        ({"max_age": "P1M"}, "max_age='P1M'"),
        ({"environment": "dev"}, "environment='dev' is not allowed: it requires `definition`"),
        ({"definition": "/nowhere"}, "/nowhere"),
    ],
    ids=repr,
)
def test_a_wrong_argument_fails_the_task_without_a_retry(
    sandbox: Emulator, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match=message):
        check(**arguments)


def test_a_service_that_does_not_answer_fails_the_task_with_a_retry(sandbox: Emulator) -> None:
    path = "/data/foundation/flowservice/flows"
    sandbox.fail("status", path=path, times=50, status=429, headers={"Retry-After": "100000"})
    with pytest.raises(ExperiencePlatformUnavailableError):
        check()


def test_a_health_check_only_reads(sandbox: Emulator) -> None:
    before = max(int(r["number"]) for r in sandbox.requests())
    check(failures_since=1_700_000_000, test_connections=True)
    requests = [r for r in sandbox.requests(since=before) if not r["path"].startswith("/ims")]
    assert requests
    assert {r["method"] for r in requests} == {"GET"}


PAGE = (Path(__file__).parent.parent.parent / "airflow_provider_payments" / "docs" / "health.md").read_text()


def test_the_manuals_task_is_valid_and_its_table_names_every_problem() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    shown: dict[str, Any] = {"CheckDataflowHealthOperator": CheckDataflowHealthOperator, "send_alert": print}
    exec(block, shown)
    assert shown["check"].on_unhealthy == "fail"
    section = PAGE.partition("## Problems")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == PROBLEMS
