"""The page "Take over and destroy" of the manual: its commands print the shown output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.loading import load_project
from tests.aep.dataflows.applying import apply, plan_of
from tests.aep.dataflows.destroying import NAME, PLANS, PROJECT, existing_ids
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.cli.conftest import Run
from tests.conftest import Emulator

PAGE = (Path(__file__).parents[2] / "airflow_provider_payments" / "docs" / "destroy.md").read_text()
BLOCKS = [block.splitlines() for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]
TAKE_OVER, DESTROY, ORPHANS = BLOCKS


def plain(lines: list[str]) -> list[str]:
    """Return lines without ids and digests."""
    return [re.sub(r" \([^)]*\)$|(?<=^Digest )\w+$", "", line) for line in lines]


def printed(run: Run, block: list[str]) -> tuple[int, list[str]]:
    command = block[0].removeprefix("$ payments ").split()
    status, out, _ = run(*command)
    return status, plain(out.splitlines())


@pytest.fixture
def folder(tmp_path: Path, client: Client, connected: Emulator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only dataflow belongs to the example DAG."""
    folder = write_files(tmp_path, project=PROJECT, products=TEN_LINES)
    apply(client, plan_of(client, folder), owner="payments_dataflow")
    monkeypatch.chdir(folder)
    return folder


def test_the_plan_that_takes_over_prints_the_shown_output(run: Run, folder: Path) -> None:
    status, lines = printed(run, TAKE_OVER)
    assert (status, lines) == (0, plain(TAKE_OVER[1:]))


def test_the_destroy_prints_the_shown_output(run: Run, folder: Path, connected: Emulator) -> None:
    assert run("apply", ".", "--take-over", "payments_dataflow", "--yes")[0] == 0
    status, lines = printed(run, DESTROY)
    assert (status, lines) == (0, plain(DESTROY[1:]))
    assert existing_ids(connected) == existing_ids(connected, "dataSets")


def test_the_list_of_orphans_prints_the_shown_output(run: Run, folder: Path) -> None:
    write_files(folder, plans=PLANS)
    assert run("apply", ".", "--only", "Billing plans", "--yes")[0] == 0
    (folder / "plans.yaml").unlink()
    assert [each.definition.name for each in load_project(folder).definitions] == [NAME]
    status, lines = printed(run, ORPHANS)
    assert (status, lines) == (0, plain(ORPHANS[1:]))
