"""Exports: what exists becomes files that plan as unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.export import Export, export_dataflows
from airflow_provider_payments.aep.dataflows.plan import Plan
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import InvalidInputError
from tests.aep.dataflows.applying import apply, not_done, plan_of, plan_text
from tests.aep.dataflows.files import TEN_LINES
from tests.conftest import Emulator


def export_to(folder: Path, client: Client, *patterns: str, **how: Any) -> Export:
    """Export into a folder."""
    export = export_dataflows(Snapshot(client), patterns, **how)
    folder.mkdir(exist_ok=True)
    for name, text in export.files.items():
        (folder / name).write_text(text)
    return export


def round_trip(folder: Path, client: Client, **how: Any) -> Plan:
    """Plan what was exported."""
    export = export_to(folder, client, **how)
    assert export.refused == []
    return plan_of(client, folder)


def seed(emulator: Emulator, source: str, dataflows: int, **how: Any) -> None:
    body = {"sandbox": "dev", "dataflows": dataflows, "source": source, "name_prefix": f"{source} seed", **how}
    emulator.control("POST", "seed", json=body)


@pytest.mark.parametrize("manage_schema", [False, True])
def test_a_created_chain_is_exported_as_unchanged(client: Client, tmp_path: Path, manage_schema: bool) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES))
    plan = round_trip(tmp_path / "exported", client, manage_schema=manage_schema)
    assert not_done(plan) == {}
    assert plan.definitions == ("PayPal catalog products",)


@pytest.mark.parametrize("manage_schema", [False, True])
def test_seeded_dataflows_of_three_vendors_are_exported_as_unchanged(
    client: Client, emulator: Emulator, tmp_path: Path, manage_schema: bool
) -> None:
    for source in ("paypal", "square", "stripe"):
        seed(emulator, source, 5)
    seed(emulator, "square", 2, enabled=True)
    plan = round_trip(tmp_path / "exported", client, manage_schema=manage_schema)
    assert not_done(plan) == {}
    assert len(plan.definitions) == 17
    assert plan.drift == ()


def test_a_file_says_what_a_person_would_write(client: Client, tmp_path: Path) -> None:
    apply(client, plan_text(client, tmp_path, TEN_LINES + "tolerance: 5%\nenabled: true\n"))
    export = export_to(tmp_path / "exported", client)
    assert export.files == {
        "PayPal_catalog_products.yaml": """\
version: 1
name: PayPal catalog products
source:
  vendor: paypal
  connection: PayPal connection
  table: PayPal.Catalog_Products
  columns:
    - Create_Time
    - Description
    - Product_Id
    - Product_Name
    - Type
schema: PayPal catalog products
dataset: PayPal catalog products
mappings:
  _id: Product_Id
  product.createTime: Create_Time
  product.name: Product_Name
  product.type: Type
delta_column: Create_Time
schedule: every 30 minutes
tolerance: 5%
"""
    }


def test_patterns_choose_and_one_that_fits_nothing_is_refused(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    seed(emulator, "square", 12)
    files = export_to(tmp_path, client, "square seed 1*").files
    assert sorted(files) == [f"square_seed_{at}.yaml" for at in (1, 10, 11, 12)]
    with pytest.raises(InvalidInputError, match="the name or id of a dataflow in the sandbox"):
        export_to(tmp_path, client, "squares*")
