"""``payments diagnose``: what failed of a run, and no value of a record unless values are asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.fault_proxy import FaultProxy
from tests.operators.row_errors import files_below
from tests.sensors.conftest import history as history
from tests.sensors.conftest import proxy_of_history as proxy_of_history
from tests.sensors.flows import History
from tests.sensors.flows import written_history as written_history

PAGE = (Path(__file__).parent.parent.parent / "airflow_provider_payments" / "docs" / "diagnostics.md").read_text()
#: What the bad products are called and coded.
VALUES = re.compile("PROD-|not recorded|Headphones|Camera")


def without_ids(text: str) -> str:
    """The output as the manual shows it."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b01[0-9A-Z]{24}\b|20\d\d-\S+:\d\d(?=;)", "...", text)
    return re.sub(r"(createTime\. ).*", r"\1...", text)


def test_the_output_is_the_one_that_the_manual_shows(run: Run, history: History) -> None:
    ((command, *shown),) = (block.splitlines() for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
    assert command == "$ payments diagnose products"
    status, out, _ = run("diagnose", "partial")
    assert status == 0
    assert without_ids(out).splitlines() == shown


def test_a_refused_run_names_the_permission_that_it_needs(
    run: Run, history: History, proxy_of_history: FaultProxy
) -> None:
    proxy_of_history.fault("GET", "/runs/", status=403, body=b'{"code": "FLOW-2120-403", "message": "no"}')
    status, _, err = run("diagnose", history.runs(history.partial)[0]["id"])
    assert (status, "The credential needs the permission 'View Sources'" in err) == (1, True), err


@pytest.mark.parametrize("output", ["table", "json", "yaml", "markdown"])
def test_no_format_shows_a_value_of_a_record(run: Run, history: History, output: str) -> None:
    status, out, err = run("diagnose", "partial", "-o", output)
    assert status == 0
    assert "Create_Time" in out
    assert not VALUES.search(out + err)


def test_values_are_shown_where_they_are_asked_for(run: Run, history: History) -> None:
    out = run("diagnose", "partial", "--show-values")[1]
    assert VALUES.search(out)
    (row, *_) = json.loads(run("diagnose", "partial", "--show-values", "-o", "json")[1])["row_errors"]
    assert (row["column"], json.loads(row["record"])["Product_Id"]) == ("_id", None)


def test_a_run_is_meant_by_its_id_and_a_dataflow_by_name_or_id(run: Run, history: History) -> None:
    failed = history.runs(history.partial)[0]["id"]
    found = [json.loads(run("diagnose", asked, "-o", "json")[1]) for asked in (failed, "partial", history.partial)]
    assert [each["run_id"] for each in found] == [failed] * 3
    assert (found[0]["status"], found[0]["sampled"], found[0]["rows"]) == ("partial", True, 5)
    assert [(each["code"], each["count"]) for each in found[0]["codes"]] == [
        ("DCVS-1111-400", 3),
        ("MAPPER-3700-400", 2),
    ]


def test_yaml_says_what_json_says(run: Run, history: History) -> None:
    assert yaml.safe_load(run("diagnose", "failed", "-o", "yaml")[1]) == json.loads(
        run("diagnose", "failed", "-o", "json")[1]
    )


def test_all_row_errors_are_downloaded_to_a_folder(run: Run, history: History, tmp_path: Path) -> None:
    found = json.loads(run("diagnose", "failed", "--to", tmp_path, "-o", "json")[1])
    assert (found["sampled"], found["rows"], len(found["files"])) == (False, 5, 3)
    assert len(files_below(tmp_path)) == 3
    assert "5 row errors by code and column:" in run("diagnose", "failed", "--to", tmp_path)[1]


def test_a_run_without_diagnostics_says_why_there_is_nothing(run: Run, history: History, tmp_path: Path) -> None:
    assert "There are no samples of row errors" in run("diagnose", "undiagnosed")[1]
    assert "has no row errors: error diagnostics were off" in run("diagnose", "undiagnosed", "--to", tmp_path)[1]


def test_a_run_that_lost_nothing_is_diagnosed_by_its_counts_alone(run: Run, history: History) -> None:
    status, out, _ = run("diagnose", "good")
    assert (status, len(out.splitlines())) == (0, 2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("waiting", "a flow run, or a dataflow that has run"),
        ("parital", "there is no dataflow of this name or id; did you mean 'partial'?"),
        ("no such name", "there is no dataflow of this name or id"),
    ],
)
def test_what_is_neither_a_run_nor_a_dataflow_with_one_is_status_1(
    run: Run, history: History, asked: str, said: str
) -> None:
    status, out, err = run("diagnose", asked)
    assert (status, out) == (1, "")
    assert f"RUN|FLOW='{asked}' is not allowed: {said}" in err


@pytest.mark.parametrize("path", ["nowhere://bucket", "https://["])
def test_a_folder_that_is_none_is_status_1(run: Run, history: History, path: str) -> None:
    status, out, err = run("diagnose", "partial", "--to", path)
    assert (status, out) == (1, "")
    assert err.startswith(f"--to='{path}' is not allowed: a path, or a URL of an object storage")
