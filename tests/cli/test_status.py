"""``payments status`` against the emulator: output and exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.provisioning.lifecycle import find_dataflow, switch_to
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.cli.conftest import Run
from tests.conftest import Emulator

NAME = "PayPal catalog products"
REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def sandbox(connected: Emulator, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Two dataflows whose daily runs succeeded, one of them disabled; the working directory contains no files."""
    order = {"sandbox": "dev", "dataflows": 2, "runs_per_dataflow": 1, "enabled": True, "name_prefix": "good 3"}
    connected.control("POST", "seed", json=order)
    switch_to(client, find_dataflow(client, "good 3 2"), "disable")
    monkeypatch.chdir(tmp_path)
    return connected


def test_the_table_shows_each_dataflow_and_a_summary(run: Run, sandbox: Emulator) -> None:
    status, out, err = run("status")
    header, disabled, good, *rest = out.splitlines()
    assert header.split() == ["DATAFLOW", "STATE", "LAST", "RUN", "LAST", "SUCCESS", "HEALTH"]
    assert (disabled[:8], good[:8]) == ("good 3 2", "good 3 1")
    assert "it is disabled; it was last changed at" in disabled
    assert (status, rest, err) == (0, ["", "Health: 1 of 2 healthy; 1 disabled."], "")


def test_the_detailed_status_tells_whether_all_are_healthy(run: Run, sandbox: Emulator) -> None:
    assert run("status", "--detailed-exitcode")[0] == 2
    assert run("status", "--detailed-exitcode", "good 3 1")[0] == 0
    assert run("status", "--detailed-exitcode", "--ignore", "disabled")[0] == 0
    assert run("status", "--detailed-exitcode", "*1", "--max-age", "PT1H")[0] == 2


@pytest.mark.parametrize("output", ["json", "yaml", "markdown"])
def test_the_health_is_printed_in_the_requested_format(run: Run, sandbox: Emulator, output: str) -> None:
    out = run("status", "-o", output)[1]
    if output == "markdown":
        assert out.splitlines()[0] == "| dataflow | state | last run | last success | health |"
        assert out.splitlines()[2].startswith("| good 3 2 | disabled | succeeded |")
    else:
        found = (json.loads if output == "json" else yaml.safe_load)(out)
        assert (found["format"], found["healthy"], found["unhealthy"]) == (1, False, ["good 3 2"])
        assert [each["name"] for each in found["dataflows"]] == ["good 3 1", "good 3 2"]


def test_definitions_select_dataflows_and_the_connection(run: Run, sandbox: Emulator, tmp_path: Path) -> None:
    project = "version: 1\nproject: finance\nenvironments:\n  dev: {}\n  prod: {aep_conn_id: nowhere}\n"
    text = TEN_LINES.replace(NAME, "${var.name}")
    folder = write_files(tmp_path / "flows", project=project, first=text, other=TEN_LINES)
    given = ("--definition", folder, "-e", "dev", "--var", "name=good 3 1")
    assert "Health: 1 of 2 healthy; 1 missing." in run("status", *given)[1]
    assert "Health: 1 of 1 healthy." in run("status", "good 3 1", *given)[1]
    assert "AIRFLOW_CONN_NOWHERE" in run("status", *given, "-e", "prod")[2]


def test_counts_and_connection_tests_are_part_of_the_json_form(run: Run, sandbox: Emulator) -> None:
    since = float(sandbox.control("GET", "clock")["now"]) - 86400
    out = run("status", "--failures-since", int(since), "--test-connections", "-o", "json")[1]
    assert [each["totals"]["runs"] for each in json.loads(out)["dataflows"]] == [1, 1]
    assert [r["path"] for r in sandbox.requests() if r["path"].endswith("/test")] != []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["goods 3 1"], "NAME='goods 3 1' is not allowed: the name or id"),
        (["goods 3 1"], "did you mean 'good 3 1'"),
        (["--max-age", "soon"], "--max-age='soon' is not allowed"),
        (["--failures-since", "2026-01-01"], "--failures-since='2026-01-01' is not allowed: the time must carry"),
        (["--max-failed-ratio", "0.5"], "--max-failed-ratio=0.5 is not allowed: it needs `failures_since`"),
        (["--ignore", "partail"], "did you mean 'partial'"),
        (["--var", "name=x"], "name the files with --definition"),
        (["--definition", "nowhere"], "nowhere"),
        (["--conn-id", "nowhere"], "--conn-id='nowhere' is not allowed: the id of an Airflow connection"),
        (["--conn-id", "nowhere"], "AIRFLOW_CONN_NOWHERE"),
    ],
)
def test_a_wrong_argument_is_status_1_and_named(run: Run, sandbox: Emulator, words: list[str], expected: str) -> None:
    status, out, err = run("status", *words)
    assert (status, out, expected in err) == (1, "", True), err


def test_a_forbidden_list_names_the_required_permission(run: Run, sandbox: Emulator) -> None:
    sandbox.fail("status", method="GET", path="*/flows", code="FLOW-2120-403")
    status, out, err = run("status")
    assert (status, out) == (1, "")
    assert "The credential needs the permission 'View Sources' to read this" in err


def test_a_refusal_for_the_organisation_names_no_permission(run: Run, sandbox: Emulator) -> None:
    sandbox.fail("status", method="GET", path="*/flows", code="403025")
    status, _, err = run("status")
    assert (status, "needs the permission" in err) == (1, False)


def test_the_help_distinguishes_status_and_plan(run: Run) -> None:
    out = " ".join(run("status", "--help")[1].split())
    assert "`plan` compares definitions with the sandbox; `status` shows the health of" in out
    assert "`status` shows the health of" in " ".join(run("plan", "--help")[1].split())


def test_the_output_is_that_of_the_manual(
    run: Run, connected: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    order = {"sandbox": "dev", "dataflows": 3, "runs_per_dataflow": 1, "enabled": True, "source": "square"}
    connected.control("POST", "seed", json=order | {"name_prefix": "Square refunds"})
    flows = {flow["name"]: flow["id"] for flow in connected.objects("flows")}
    connected.order("fail_copy", flowId=flows["Square refunds 2"])
    connected.order("partial", flowId=flows["Square refunds 3"], failed=3)
    connected.advance(86400)
    page = (REPOSITORY / "airflow_provider_payments" / "docs" / "health.md").read_text()
    ((command, *shown),) = (
        block.splitlines() for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    )
    out = run(*command.removeprefix("$ payments ").split())[1]
    assert out.splitlines() == shown
