"""``payments diagnose``: the errors of a run, without values of records unless they are requested."""

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
#: Values of the rejected records.
VALUES = re.compile("PROD-|not recorded|Headphones|Camera")


def without_ids(text: str) -> str:
    """Return the output in the form of the manual."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b01[0-9A-Z]{24}\b|20\d\d-\S+:\d\d(?=;)", "...", text)
    return re.sub(r"(createTime\. ).*", r"\1...", text)


def test_the_output_is_that_of_the_manual(run: Run, history: History) -> None:
    ((command, *shown),) = (block.splitlines() for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
    assert command == "$ payments diagnose products"
    status, out, _ = run("diagnose", "partial")
    assert status == 0
    assert without_ids(out).splitlines() == shown


def test_a_forbidden_run_names_the_required_permission(
    run: Run, history: History, proxy_of_history: FaultProxy
) -> None:
    proxy_of_history.fault("GET", "/runs/", status=403, body=b'{"code": "FLOW-2120-403", "message": "no"}')
    status, _, err = run("diagnose", history.runs(history.partial)[0]["id"])
    assert (status, "The credential needs the permission 'View Sources'" in err) == (1, True), err


@pytest.mark.parametrize("output", ["table", "json", "yaml", "markdown"])
def test_no_format_shows_values_of_records(run: Run, history: History, output: str) -> None:
    status, out, err = run("diagnose", "partial", "-o", output)
    assert status == 0
    assert "Create_Time" in out
    assert not VALUES.search(out + err)


def test_values_are_shown_on_request(run: Run, history: History) -> None:
    out = run("diagnose", "partial", "--show-values")[1]
    assert VALUES.search(out)
    (row, *_) = json.loads(run("diagnose", "partial", "--show-values", "-o", "json")[1])["row_errors"]
    assert (row["column"], json.loads(row["record"])["Product_Id"]) == ("_id", None)


def test_a_run_is_selected_by_its_id_or_by_its_dataflow(run: Run, history: History) -> None:
    failed = history.runs(history.partial)[0]["id"]
    found = [
        json.loads(run("diagnose", selector, "-o", "json")[1]) for selector in (failed, "partial", history.partial)
    ]
    assert [each["run_id"] for each in found] == [failed] * 3
    assert (found[0]["status"], found[0]["sampled"], found[0]["rows"]) == ("partial", True, 5)
    assert [(each["code"], each["count"]) for each in found[0]["codes"]] == [
        ("DCVS-1111-400", 3),
        ("MAPPER-3700-400", 2),
    ]


def test_yaml_and_json_output_are_equal(run: Run, history: History) -> None:
    assert yaml.safe_load(run("diagnose", "failed", "-o", "yaml")[1]) == json.loads(
        run("diagnose", "failed", "-o", "json")[1]
    )


def test_all_row_errors_are_downloaded_to_a_folder(run: Run, history: History, tmp_path: Path) -> None:
    found = json.loads(run("diagnose", "failed", "--to", tmp_path, "-o", "json")[1])
    assert (found["sampled"], found["rows"], len(found["files"])) == (False, 5, 3)
    assert len(files_below(tmp_path)) == 3
    assert "5 row errors by code and column:" in run("diagnose", "failed", "--to", tmp_path)[1]


def test_a_run_without_diagnostics_reports_why_row_errors_are_missing(
    run: Run, history: History, tmp_path: Path
) -> None:
    assert "There are no samples of row errors" in run("diagnose", "undiagnosed")[1]
    assert "has no row errors: error diagnostics were off" in run("diagnose", "undiagnosed", "--to", tmp_path)[1]


def test_a_successful_run_is_diagnosed_by_its_counts_alone(run: Run, history: History) -> None:
    status, out, _ = run("diagnose", "good")
    assert (status, len(out.splitlines())) == (0, 2)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("waiting", "a flow run, or a dataflow that has run"),
        ("parital", "there is no dataflow of this name or id; did you mean 'partial'?"),
        ("no such name", "there is no dataflow of this name or id"),
    ],
)
def test_an_unknown_run_or_a_dataflow_without_runs_is_status_1(
    run: Run, history: History, selector: str, expected: str
) -> None:
    status, out, err = run("diagnose", selector)
    assert (status, out) == (1, "")
    assert f"RUN|FLOW='{selector}' is not allowed: {expected}" in err


@pytest.mark.parametrize("path", ["nowhere://bucket", "https://["])
def test_a_wrong_folder_is_status_1(run: Run, history: History, path: str) -> None:
    status, out, err = run("diagnose", "partial", "--to", path)
    assert (status, out) == (1, "")
    assert err.startswith(f"--to='{path}' is not allowed: a path, or a URL of an object storage")
