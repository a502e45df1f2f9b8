"""``payments verify`` against the emulator: output, report, remaining objects and exit status."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.aep.verification.interruptions import left
from tests.cli.conftest import Run
from tests.conftest import PAYPAL, Emulator

DEV = ("verify", "--sandbox", "dev")
NAMES = (*DEV, "--only", "dataset.names")
READABLE = (*DEV, "--only", "field_group.readable", "--quick")


@pytest.fixture
def contradicting(connected: Emulator) -> Emulator:
    """An emulator that refuses a second dataset with the same name."""
    connected.fail("status", method="POST", path="*/dataSets", nth=2, status=400)
    return connected


def test_the_objects_are_announced_before_the_results_are_printed(run: Run, connected: Emulator) -> None:
    status, out, err = run(*READABLE)
    assert status == 0
    assert "In sandbox dev this creates up to" in err
    assert [line.split() for line in out.splitlines()[:2]] == [
        ["CONFIRMED", "SEEN"],
        ["field_group.readable", "median:", "0.0,", "maximum:", "0.0,", "objects:", "1"],
    ]
    assert re.fullmatch(r"Verify: 1 confirmed, 0 contradicted, 0 not tried; \d+ requests\.", out.splitlines()[-1])
    assert not left(connected)


def test_a_contradiction_is_status_2_and_is_printed_first(run: Run, contradicting: Emulator, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    status, out, _ = run(*NAMES, "--only", "field_group.readable", "--report", report)
    assert status == 2
    assert out.splitlines()[:4] == [
        "CONTRADICTED  dataset.names",
        "    A second dataset of the same name is accepted.",
        "    Seen: second: refused",
        "    Relied on: `Kind.may_duplicate`; no document says otherwise",
    ]
    written = json.loads(report.read_text())
    assert written["summary"] == {"confirmed": 1, "contradicted": 1, "not tried": 0}
    assert not left(contradicting)


def test_checks_without_their_requirements_are_not_tried(run: Run, connected: Emulator) -> None:
    status, out, _ = run(*DEV, "--only", "dataflow.names", "--only", "base_connection.names")
    assert (status, "0 confirmed, 0 contradicted, 2 not tried" in out) == (0, True)
    assert out.splitlines()[0] == "NOT TRIED"
    assert "    it needs a vendor's connection (--vendor-conn-id, --source): base_connection.names" in out


def test_checks_of_dataflows_require_a_base_connection_or_a_vendors_connection(
    run: Run, connected: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = (*DEV, "--quick", "--only", "dataflow.readable")
    assert "1 confirmed" in run(*only, "--base-connection-id", PAYPAL)[1]
    vendor = {"conn_type": "generic", "host": "api.sandbox.paypal.com", "login": "id", "password": "a-secret"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(vendor))
    given = ("--vendor-conn-id", "shop", "--source", "paypal")
    assert "2 confirmed" in run(*only, *given, "--only", "base_connection.readable")[1]
    assert not left(connected)


@pytest.mark.parametrize("output", ["json", "yaml", "markdown"])
def test_the_report_is_printed_in_the_requested_format(run: Run, contradicting: Emulator, output: str) -> None:
    status, out, _ = run(*NAMES, "-o", output)
    assert status == 2
    if output == "markdown":
        assert out.splitlines()[0] == "| outcome | check | assumption | seen |"
        assert out.splitlines()[2].startswith("| contradicted | dataset.names | A second dataset ")
    else:
        (check,) = (json.loads if output == "json" else yaml.safe_load)(out)["checks"]
        assert (check["id"], check["outcome"], check["seen"]) == (
            "dataset.names",
            "contradicted",
            {"second": "refused"},
        )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--sandbox", "prod"], "--sandbox='prod' is not allowed: repeat the name of the connection's sandbox, 'dev'"),
        (["--only", "datset"], "--only='datset' is not allowed: the id of a check, or one of"),
        (["--only", "dataset.name"], "did you mean 'dataset.names'?"),
        (
            ["--source", "paypal"],
            "--source='paypal' is not allowed: one of paypal, square, stripe, together with a vendor's",
        ),
        (["--vendor-conn-id", "shop"], "--source: one of paypal, square, stripe, together with a vendor's"),
        (["--vendor-conn-id", "shop", "--source", "paypal"], "AIRFLOW_CONN_SHOP"),
        (["--vendor-conn-id", "x", "--base-connection-id", "y"], "--vendor-conn-id='x' is not allowed: either a base"),
        (["--base-connection-id", ".."], "--base-connection-id='..' is not allowed"),
        (["--report", "nowhere/report.json"], "--report='nowhere/report.json' is not allowed: a file that can be"),
        (["--report", "."], "--report='.' is not allowed: a file that can be written (Is a directory)"),
        (["--conn-id", "nowhere"], "--conn-id='nowhere' is not allowed: the id of an Airflow connection"),
    ],
)
def test_a_wrong_argument_is_status_1_and_named_before_any_request(
    run: Run, connected: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*DEV, *words)
    assert (status, out, expected in err) == (1, "", True), err
    assert connected.requests() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"read_only": True}, "read_only=True is not allowed: a verification creates objects"),
        ({"marks": False}, "marks=False is not allowed: a verification finds the objects to delete by their marks"),
    ],
    ids=["read_only", "marks"],
)
def test_a_connection_that_forbids_writes_or_marks_is_refused(
    run: Run, connected: Emulator, connect: Callable[..., None], extra: dict[str, bool], expected: str
) -> None:
    connect(connected.url, **extra)
    status, _, err = run(*READABLE)
    assert (status, expected in err) == (1, True), err
    assert connected.requests() == []


def test_a_production_sandbox_is_refused_without_allow_production(
    run: Run, connected: Emulator, connect: Callable[..., None]
) -> None:
    connect(connected.url, sandbox="prod")
    prod = ("verify", "--sandbox", "prod", "--only", "field_group.readable", "--quick")
    status, out, err = run(*prod)
    expected = "--allow-production=False is not allowed: sandbox 'prod' is of type production, not development"
    assert (status, out, expected in err) == (1, "", True), err
    assert connected.requests(method="POST", path="/data") == []
    assert run(*prod, "--allow-production")[0] == 0


def test_an_existing_report_is_replaced(run: Run, connected: Emulator, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("x" * 100_000)
    assert run(*READABLE, "--report", report)[0] == 0
    assert json.loads(report.read_text())["quick"] is True


def test_ctrl_c_deletes_the_created_objects_and_is_status_130(connected: Emulator) -> None:
    connected.fail("delay", method="GET", path="*/fieldgroups/*", seconds=60)
    command = [sys.executable, "-m", "airflow_provider_payments.cli.main", *READABLE]
    # Processes that a shell starts in the background ignore SIGINT, and so do their children.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it takes no lock
    ) as running:
        while not any(fault["fired"] for fault in connected.faults()):
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("payments verify: interrupted; its objects were deleted, unless")
    assert not left(connected)
