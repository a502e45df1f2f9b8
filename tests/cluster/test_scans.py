"""The violations that the cluster command finds: in logs, in the dump, in objects and rows, and of processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.runs import KINDS
from tests.cluster.census import Census, count
from tests.cluster.chains import UNTIL_THE_FIRST_RUN_SECONDS
from tests.cluster.report import Line
from tests.cluster.scans import TOKEN, LogScan, processes_in, scan_logs, secrets_in
from tests.conftest import Emulator
from tests.operators.chain import make_dataflow

OURS = "airflow_provider_payments.triggers.poller"
SECRETS = {"the key": "a key+of/this~test=="}


def record(level: str, event: str, **more: object) -> str:
    return json.dumps({"level": level, "event": event, "logger": OURS} | more)


@pytest.mark.parametrize(
    ("line", "is_violation"),
    [
        (record("warning", "Rate limited (HTTP 429); polling paused for 5 s"), False),
        (record("info", "a line below the level of a warning"), False),
        (record("error", "Could not poll for the flow run"), False),
        (record("warning", "something that the manual does not explain"), True),
        (record("error", "Unexpected error in a poll"), True),
        (record("error", "Task failed", error_detail=[{"exc_type": "ExperiencePlatformUnavailableError"}]), False),
        (record("error", "Task failed", error_detail=[{"exc_type": "KeyError"}]), True),
        ('  File "/x/airflow_provider_payments/triggers/poller.py", line 1, in poll', True),
        (json.dumps({"level": "error", "event": "an error of another library", "logger": "airflow.jobs"}), False),
    ],
)
def test_a_provider_line_is_a_violation_unless_the_manual_explains_it(
    tmp_path: Path, line: str, is_violation: bool
) -> None:
    (tmp_path / "triggerer 1.log").write_text(f"{line}\n")
    assert len(scan_logs(tmp_path).violations) == is_violation


def test_lines_are_counted_by_the_rows_of_the_manual() -> None:
    scan = LogScan()
    for seconds in (1, 2):
        scan.read("log", record("warning", f"Rate limited (HTTP 429); polling paused for {seconds} s"))
    assert scan.lines == {"Rate limited (HTTP 429); polling paused for ... s": 2}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"nothing", []),
        (b"x a key%2Bof%2Fthis~test%3D%3D y", []),
        (b"x a+key%2Bof%2Fthis~test%3D%3D y", ["the key in a dump"]),
        (b"COPY ... a key+of/this~test== ...", ["the key in a dump"]),
        (b"Bearer " + TOKEN + b"x.y", ["a token in a dump"]),
    ],
)
def test_secrets_and_tokens_are_found_in_every_form(content: bytes, found: list[str]) -> None:
    assert list(secrets_in("a dump", content, SECRETS)) == found


def test_a_second_dataflow_and_its_duplicate_rows_are_counted(connected: Emulator) -> None:
    make_dataflow(partial_ingestion_percent=5)
    connected.advance(UNTIL_THE_FIRST_RUN_SECONDS)
    census = count(connected, ["products"])
    assert census.violations() == []
    assert (census.flow_runs, census.rows) == (1, 1195)
    make_dataflow("products - again", partial_ingestion_percent=5)
    connected.advance(UNTIL_THE_FIRST_RUN_SECONDS)
    census = count(connected, ["products"])
    assert census.objects["flows"] == {"products": 2}
    assert census.twice > 1000


def test_a_line_lists_every_kind_of_violation() -> None:
    objects = {kind: {"A": 1} for kind in KINDS} | {"flows": {"A": 2}, "dataSets": {}, "mappingSets": {"A": 3}}
    line = Line("pairs", 2, 1, Census(["A"], objects, rows=5, twice=3), 1.0, ["further"])
    expected = ["1 not green", "1 duplicates", "1 objects missing", "3 rows twice", "further"]
    assert line.violations() == [f"pairs: {violation}" for violation in expected]


def test_a_process_that_still_runs_is_found(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=tmp_path, stdin=subprocess.PIPE) as process:
        assert [found.pid for found in processes_in(tmp_path)] == [process.pid]
        process.communicate(b"\n")
    assert processes_in(tmp_path) == []
