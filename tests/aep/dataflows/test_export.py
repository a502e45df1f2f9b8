"""Exports: files of existing dataflows, whose plan shows no change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.export import Export, export_dataflows
from airflow_provider_payments.aep.dataflows.plan import Plan
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.schema_registry import Schema
from tests.aep.chain import TABLE, Chain
from tests.aep.dataflows.applying import apply, not_done, plan_of, plan_text
from tests.aep.dataflows.dataflow_creator import FLOW_SERVICE, FLOW_SPECS, DataflowCreator, DataflowSetup, base_body
from tests.aep.dataflows.files import TEN_LINES
from tests.conftest import Emulator


def export_to(folder: Path, client: Client, *patterns: str, **how: Any) -> Export:
    """Export dataflows to a folder."""
    export = export_dataflows(Snapshot(client), patterns, **how)
    folder.mkdir(exist_ok=True)
    for name, text in export.files.items():
        (folder / name).write_text(text)
    return export


def round_trip(folder: Path, client: Client, **how: Any) -> Plan:
    """Export all dataflows to a folder and return the plan of the files."""
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


def test_an_exported_file_is_as_short_as_a_handwritten_one(client: Client, tmp_path: Path) -> None:
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


def test_patterns_select_dataflows_and_one_without_a_match_is_refused(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    seed(emulator, "square", 12)
    files = export_to(tmp_path, client, "square seed 1*").files
    assert sorted(files) == [f"square_seed_{at}.yaml" for at in (1, 10, 11, 12)]
    with pytest.raises(InvalidInputError, match="a pattern that matches one; did you mean 'square seed 1'"):
        export_to(tmp_path, client, "squares seed 1", "square*")


# ---- skipped and refused dataflows ---------------------------------------------------------------------------------


def test_dataflows_of_other_sources_are_skipped_or_refused_if_named(client: Client, tmp_path: Path) -> None:
    creator = DataflowCreator(client)
    creator.create(DataflowSetup())
    other = creator.create_foreign()
    export = export_to(tmp_path, client)
    assert (export.summary, export.refused) == ("1 exported, 1 of other vendors skipped", [])
    (refusal,) = export_to(tmp_path, client, other).refused
    assert (refusal.id, refusal.reason) == (other, "its source is not a payments source")


def test_a_draft_and_an_incomplete_dataflow_are_refused_with_the_reason(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    creator = DataflowCreator(client)
    creator.create(DataflowSetup(names=("without dataset", "s", "t")))
    (dataset,) = emulator.objects("dataSets")
    client.request("DELETE", f"/data/foundation/catalog/dataSets/{dataset['id']}")
    (source,) = emulator.objects("sourceConnections")
    draft = {"name": "a draft", "flowSpec": {"id": FLOW_SPECS["CRMToAEP"], "version": "1.0"}}
    body = {**draft, "sourceConnectionIds": [source["id"]]}
    client.request("POST", "/data/foundation/flowservice/flows", params={"mode": "draft"}, body=body)
    reasons = {refusal.name: refusal.reason for refusal in export_to(tmp_path, client).refused}
    assert reasons == {"without dataset": "it has no dataset, or several of them", "a draft": "it is a draft"}


def test_an_ambiguous_or_forbidden_name_gives_an_id_and_a_comment(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    creator = DataflowCreator(client)
    for name in ("Twin", "Twin", "Payments, EU"):
        creator.create(DataflowSetup(names=(name, "s", "t")))
    export = export_to(tmp_path, client)
    assert sorted(export.files) == ["Payments_EU.yaml", "Twin.yaml", "Twin_2.yaml"]
    for file, why in (
        ("Twin.yaml", "several dataflows have this name"),
        ("Payments_EU.yaml", "its name 'Payments, EU' is not allowed in a definition"),
    ):
        assert why in export.files[file]
        assert "# the id identifies the dataflow; it is valid in this sandbox only" in export.files[file]
    assert not_done(plan_of(client, tmp_path)) == {}


def test_file_names_differ_in_more_than_case_and_from_the_project_file(client: Client, tmp_path: Path) -> None:
    creator = DataflowCreator(client)
    for name in ("Project", "shop/1", "Shop_1", "..."):
        creator.create(DataflowSetup(names=(name, "s", "t")))
    files = sorted(name.lower() for name in export_to(tmp_path, client).files)
    assert files == ["dataflow.yaml", "project_2.yaml", "shop_1.yaml", "shop_1_2.yaml"]
    plan = plan_of(client, tmp_path)
    assert (len(plan.definitions), not_done(plan)) == (4, {})


def test_a_dataset_with_an_ambiguous_name_is_given_by_its_id(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    DataflowCreator(client).create(DataflowSetup())
    (dataset,) = emulator.objects("dataSets")
    twin = {name: dataset[name] for name in ("name", "schemaRef")}
    client.request("POST", "/data/foundation/catalog/dataSets", body=twin)
    (text,) = export_to(tmp_path, client).files.values()
    assert f"dataset: {dataset['id']}\n" in text
    assert text.startswith(
        "# the dataset is given by its id, because its name is ambiguous; the id is valid in one sandbox only\n"
    )
    assert not_done(plan_of(client, tmp_path)) == {}


@pytest.mark.parametrize("description", ["Rows of {{ ds }}", "{% raw %}", "  "])
def test_a_description_that_a_file_cannot_contain_is_left_out(client: Client, tmp_path: Path, description: str) -> None:
    DataflowCreator(client).create(DataflowSetup(description=description))
    (text,) = export_to(tmp_path, client).files.values()
    assert "\ndescription" not in text
    assert text.startswith("# its description is left out") == bool(description.strip())
    assert not_done(plan_of(client, tmp_path)) == {}


def test_a_dataflow_with_a_part_that_looks_like_jinja_is_refused(client: Client, tmp_path: Path) -> None:
    creator = DataflowCreator(client)
    creator.bases["paypal"] = creator.post(f"{FLOW_SERVICE}/connections", base_body("own {{ x }}"))["id"]
    creator.create(DataflowSetup())
    (refusal,) = export_to(tmp_path, client).refused
    assert refusal.reason == "a text of it contains `{{` or `{%`, which a definition rejects as Jinja"


def test_a_schedule_without_backfill_is_exported_with_backfill_false(client: Client, tmp_path: Path) -> None:
    DataflowCreator(client).create(DataflowSetup(schedule={"frequency": "hour", "interval": 1, "backfill": False}))
    (text,) = export_to(tmp_path, client).files.values()
    assert "schedule:\n  every: hour\n  backfill: false\n" in text


def test_properties_without_a_member_are_named_in_a_comment(client: Client, tmp_path: Path) -> None:
    creator = DataflowCreator(client)
    creator.create(
        DataflowSetup(schedule={"frequency": "day", "interval": 1, "endTime": 4202444800}, options={"silent": True})
    )
    (text,) = export_to(tmp_path, client).files.values()
    assert text.startswith(
        "# left out, because a definition has no member for it: options.silent, scheduleParams.endTime\nversion: 1\n"
    )
    assert not_done(plan_of(client, tmp_path)) == {}


def test_an_unknown_transformation_is_refused(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    DataflowCreator(client).create(DataflowSetup())
    path = f"{FLOW_SERVICE}/flows"
    (flow,) = client.get(path)["items"]
    flow["transformations"].append({"name": "Mask", "params": {}})
    emulator.fail("status", method="GET", path=path, times=1, status=200, body={"items": [flow]})
    (refusal,) = export_to(tmp_path, client).refused
    assert refusal.reason == "it has a transformation of an unknown kind (Mask)"


def test_two_readers_of_the_same_data_are_exported_as_allowed(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    seed(emulator, "square", 2)
    export = export_to(tmp_path, client)
    for text in export.files.values():
        assert text.startswith(
            "# another dataflow reads the same data into the same dataset: each row is ingested twice\n"
        )
        assert "allow_second_reader: true" in text


@pytest.mark.parametrize("form", ["tabular", "parquet_xdm"])
def test_a_chain_in_the_form_of_older_documents_is_exported_as_unchanged(
    client: Client, chain: Chain, tmp_path: Path, form: str
) -> None:
    adhoc = chain.ensure(chain.ad_hoc_class()).existing.id
    schema = chain.ensure(Schema(name="own ad hoc", class_id=adhoc)).existing.id
    source = chain.ensure(chain.source(path=TABLE, data_format=form, schema_id=schema)).existing.id
    mapping_set = chain.ensure(chain.mapping_set(dialect="legacy")).existing.id
    lake = chain.ensure(chain.dataset_base_connection()).existing.id
    target = chain.ensure(chain.target(base_connection_id=lake, data_format="parquet_xdm")).existing.id
    ends = {"source_connection_id": source, "target_connection_id": target, "mapping_set_id": mapping_set}
    chain.ensure(chain.dataflow(**ends))
    plan = round_trip(tmp_path / "exported", client)
    assert (not_done(plan), plan.definitions) == ({}, ("own dataflow",))


def test_a_copy_of_a_chain_of_older_documents_has_the_newer_form(
    client: Client, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    DataflowCreator(client).create(DataflowSetup(names=("Products", "s", "t"), older="parquet_xdm", legacy=True))
    (text,) = export_to(tmp_path, client, manage_schema=True).files.values()
    assert text.startswith(
        "# left out, because Adobe's newer documents do not use it: an ad-hoc schema and a dataset base"
    )
    assert "  path: PayPal.Catalog_Products\n  format: parquet_xdm\n" in text
    assert not_done(plan_of(client, tmp_path)) == {}
    other, copied = make_client(sandbox="prod"), text.replace("own paypal", "PayPal connection")
    apply(other, plan_text(other, tmp_path / "prod", copied))
    assert not_done(plan_text(other, tmp_path / "prod", copied)) == {}


def test_an_exported_dataflow_can_be_created_in_an_empty_sandbox(
    client: Client, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    creator = DataflowCreator(client)
    creator.create(DataflowSetup(names=("Products", "s", "t"), options={"partialIngestionPercent": 5}))
    export_to(tmp_path, client, manage_schema=True)
    text = (tmp_path / "Products.yaml").read_text()
    other = make_client(sandbox="prod")
    elsewhere = tmp_path / "prod"
    named = text.replace("own paypal", "PayPal connection")
    apply(other, plan_text(other, elsewhere, named))
    assert not_done(plan_text(other, elsewhere, named)) == {}
