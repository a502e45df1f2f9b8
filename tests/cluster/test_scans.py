"""What the command for clusters calls a miss: in logs, in the dump, among objects and rows, and of processes."""

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
    ("line", "missed"),
    [
        (record("warning", "Rate limited (HTTP 429); polling paused for 5 s"), False),
        (record("info", "a line of nobody's concern"), False),
        (record("error", "Could not poll for the flow run"), False),
        (record("warning", "something that the manual does not explain"), True),
        (record("error", "Unexpected error in a poll"), True),
        (record("error", "Task failed", error_detail=[{"exc_type": "ExperiencePlatformUnavailableError"}]), False),
        (record("error", "Task failed", error_detail=[{"exc_type": "KeyError"}]), True),
        ('  File "/x/airflow_provider_payments/triggers/poller.py", line 1, in poll', True),
        (json.dumps({"level": "error", "event": "somebody else's", "logger": "airflow.jobs"}), False),
    ],
)
def test_a_line_of_ours_is_missed_unless_the_manual_expects_it(tmp_path: Path, line: str, missed: bool) -> None:
    (tmp_path / "triggerer 1.log").write_text(f"{line}\n")
    assert len(scan_logs(tmp_path).misses) == missed


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
def test_secrets_and_tokens_are_found_as_they_may_be_written(content: bytes, found: list[str]) -> None:
    assert list(secrets_in("a dump", content, SECRETS)) == found


def test_a_second_dataflow_and_the_rows_that_it_brings_again_are_missed(connected: Emulator) -> None:
    make_dataflow(partial_ingestion_percent=5)
    connected.advance(UNTIL_THE_FIRST_RUN_SECONDS)
    census = count(connected, ["products"])
    assert census.misses() == []
    assert (census.flow_runs, census.rows) == (1, 1195)
    make_dataflow("products - again", partial_ingestion_percent=5)
    connected.advance(UNTIL_THE_FIRST_RUN_SECONDS)
    census = count(connected, ["products"])
    assert census.objects["flows"] == {"products": 2}
    assert census.twice > 1000


def test_a_line_names_what_is_missing_duplicate_twice_and_red() -> None:
    objects = {kind: {"A": 1} for kind in KINDS} | {"flows": {"A": 2}, "dataSets": {}, "mappingSets": {"A": 3}}
    line = Line("pairs", 2, 1, Census(["A"], objects, rows=5, twice=3), 1.0, ["further"])
    said = ["1 not green", "1 duplicates", "1 objects missing", "3 rows twice", "further"]
    assert line.misses() == [f"pairs: {miss}" for miss in said]


def test_a_process_that_was_left_behind_is_found(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=tmp_path, stdin=subprocess.PIPE) as process:
        assert [found.pid for found in processes_in(tmp_path)] == [process.pid]
        process.communicate(b"\n")
    assert processes_in(tmp_path) == []
