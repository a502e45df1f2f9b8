"""Plans of a new chain, and of the same chain after it was created."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_payments.aep.api.client import Client
from tests.aep.dataflows.applying import actions, apply, not_done, plan_text
from tests.aep.dataflows.files import TEN_LINES
from tests.conftest import Emulator

CREATED = ["field group", "schema", "source connection", "dataset", "target connection", "mapping set", "dataflow"]


def test_the_ten_line_file_creates_seven_objects(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    plan = plan_text(client, tmp_path, TEN_LINES)
    assert actions(plan) == {"base connection": "adopt", **dict.fromkeys(CREATED, "create")}
    assert plan.changed == ("PayPal catalog products",)


def test_a_plan_only_reads(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    plan_text(client, tmp_path, TEN_LINES)
    sent = [(request["method"], request["path"]) for request in emulator.requests()]
    assert [path for method, path in sent if method != "GET"] == ["/ims/token/v3"]
    assert len(sent) <= 13


def test_a_created_chain_is_unchanged(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    plan = plan_text(client, tmp_path, TEN_LINES)
    assert not_done(plan) == {}
    assert (plan.is_empty, plan.changed) == (True, ())
