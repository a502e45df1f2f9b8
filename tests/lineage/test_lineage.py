"""The OpenLineage event of a task whose flow run has ended."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AssetAlias, TaskDeferred

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import FlowRunFailedError
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from tests.assets.accessors import outlet_events
from tests.assets.test_events import reads, uri_of
from tests.conftest import PAYPAL, Emulator
from tests.fault_proxy import FaultProxy
from tests.lineage.schemas import check
from tests.operators.chain import COLUMNS, PRODUCTS, make_dataflow, make_ends
from tests.operators.chain import run as create
from tests.operators.on_demand import Stage
from tests.operators.run_dataflow import operator
from tests.sensors.conftest import context, sensor
from tests.sensors.flows import History, advance_to_run

ANY = {"accept_partial": True}
SOURCE = f"paypal://{PAYPAL}"


def event_of(task: Any, *, failed: bool = False) -> dict[str, Any]:
    """Return the event that Airflow would send for a task, validated against OpenLineage's schemas."""
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.serde import Serde

    if failed:
        lineage, state = task.get_openlineage_facets_on_failure(None), RunState.FAIL
    else:
        lineage, state = task.get_openlineage_facets_on_complete(None), RunState.COMPLETE
    event = RunEvent(
        eventType=state,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(str(uuid.uuid4()), lineage.run_facets),
        job=Job("airflow", "dag.wait", lineage.job_facets),
        inputs=lineage.inputs,
        outputs=lineage.outputs,
        producer="https://airflow.apache.org",
    )
    sent: dict[str, Any] = json.loads(Serde.to_json(event))
    check(sent)
    return sent


def run(**arguments: Any) -> Any:
    task = sensor(**arguments)
    task.execute(context())
    return task


@pytest.mark.usefixtures("openlineage")
def test_input_and_output_have_columns_and_row_counts(history: History) -> None:
    event = event_of(run(flow_id=history.partial, **ANY))
    (source,), (target,) = event["inputs"], event["outputs"]
    assert (source["namespace"], source["name"]) == (SOURCE, PRODUCTS)
    assert [column["name"] for column in source["facets"]["schema"]["fields"]] == COLUMNS
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == 1200
    assert f"{target['namespace']}/{target['name']}" == uri_of(history.emulator, history.partial)
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == 1195
    columns = {column["name"]: column["type"] for column in target["facets"]["schema"]["fields"]}
    assert columns["_emulator.product.createTime"] == "date-time"


@pytest.mark.usefixtures("openlineage")
def test_each_mapped_field_is_linked_to_its_column(history: History) -> None:
    (target,) = event_of(run(flow_id=history.partial, **ANY))["outputs"]
    fields = target["facets"]["columnLineage"]["fields"]
    columns = {path: [each["field"] for each in found["inputFields"]] for path, found in fields.items()}
    assert columns == {
        "_id": ["Product_Id"],
        "_emulator.product.name": ["Product_Name"],
        "_emulator.product.createTime": ["Create_Time"],
    }
    assert set(columns) <= {column["name"] for column in target["facets"]["schema"]["fields"]}
    assert {(each["namespace"], each["name"]) for found in fields.values() for each in found["inputFields"]} == {
        (SOURCE, PRODUCTS)
    }


@pytest.mark.usefixtures("openlineage")
def test_an_expression_is_shown_with_its_columns_and_constants_are_omitted(connected: Emulator) -> None:
    mappings = [
        {"source": "Product_Id", "destination": "_id"},
        {
            "source": "concat(Product_Name, Product_Id)",
            "destination": "_{TENANT_ID}.product.name",
            "source_type": "EXPRESSION",
        },
        {
            "source": "2026-01-01T00:00:00Z",
            "destination": "_{TENANT_ID}.product.createTime",
            "source_type": "STATIC",
        },
    ]
    arguments = {"name": "products", "partial_ingestion_percent": 5} | make_ends(mappings=mappings)
    flow = create(CreateDataflowOperator, **arguments)["id"]
    advance_to_run(connected)
    (target,) = event_of(run(flow_id=flow, **ANY))["outputs"]
    fields = target["facets"]["columnLineage"]["fields"]
    assert set(fields) == {"_id", "_emulator.product.name"}
    name = fields["_emulator.product.name"]
    assert name["transformationDescription"] == "concat(Product_Name, Product_Id)"
    assert {each["field"] for each in name["inputFields"]} == {"Product_Name", "Product_Id"}


@pytest.mark.usefixtures("openlineage")
def test_the_flow_run_is_named_with_its_platform(history: History) -> None:
    facet = event_of(run(flow_id=history.good))["run"]["facets"]["externalQuery"]
    assert facet["externalQueryId"] in {run["id"] for run in history.runs(history.good)}
    assert facet["source"] == history.emulator.url


@pytest.mark.usefixtures("openlineage")
def test_a_failed_run_has_lineage_too(history: History) -> None:
    task = sensor(flow_id=history.failed)
    with pytest.raises(FlowRunFailedError):
        task.execute(context())
    event = event_of(task, failed=True)
    assert event["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 1200
    assert event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 0


@pytest.mark.usefixtures("openlineage")
def test_lineage_after_a_deferral_is_the_same(connected: Emulator) -> None:
    flow = make_dataflow(partial_ingestion_percent=5)["id"]
    with pytest.raises(TaskDeferred) as deferred:
        sensor(flow_id=flow, deferrable=True, **ANY).execute(context())
    advance_to_run(connected)
    task = sensor(flow_id=flow, deferrable=True, **ANY)
    fired = asyncio.run(_first(deferred.value.trigger))
    task.resume_execution("execute_complete", {"event": fired}, context())
    event = event_of(task)
    assert event["outputs"] == event_of(run(flow_id=flow, **ANY))["outputs"]


async def _first(trigger: Any) -> Any:
    return (await anext(trigger.run())).payload


@pytest.mark.usefixtures("openlineage")
def test_lineage_and_outlets_together_take_five_requests(history: History) -> None:
    before = len(reads(history.emulator))
    task = sensor(flow_id=history.good, outlets=[AssetAlias("arrived")])
    task.execute(context() | {"outlet_events": outlet_events()})
    assert sorted(reads(history.emulator)[before:]) == [
        "dataSets",
        "mappingSets",
        "schemas",
        "sourceConnections",
        "targetConnections",
    ]


@pytest.mark.usefixtures("openlineage")
def test_an_unreadable_object_is_omitted_from_lineage_and_logged(
    history: History, proxy_of_history: FaultProxy, said: Callable[[str], int]
) -> None:
    proxy_of_history.fault("GET", "/sourceConnections/", status=404, body=b'{"errorCode": "FLOW-1", "message": "no"}')
    event = event_of(run(flow_id=history.good))
    assert event["inputs"] == []
    assert "columnLineage" not in event["outputs"][0]["facets"]
    assert said(f"Could not read a part of the lineage of dataflow {history.good}") == 1


@pytest.mark.usefixtures("openlineage")
@pytest.mark.parametrize("garbled", [{"mappings": 5}, {"mappings": [{"source": 5, "destination": []}]}], ids=str)
def test_an_unreadable_mapping_set_removes_only_the_column_lineage(
    history: History, proxy_of_history: FaultProxy, garbled: dict[str, Any]
) -> None:
    (flow,) = (flow for flow in history.emulator.objects("flows") if flow["id"] == history.good)
    used = flow["transformations"][-1]["params"]["mappingId"]
    body = json.dumps({"id": used, "version": 0, "createdDate": 2_000_000_000_000} | garbled).encode()
    proxy_of_history.fault("GET", f"/mappingSets/{used}", status=200, body=body)
    (target,) = event_of(run(flow_id=history.good))["outputs"]
    assert "schema" in target["facets"]
    assert "columnLineage" not in target["facets"]


@pytest.mark.usefixtures("openlineage")
def test_a_run_on_demand_has_lineage(connected: Emulator, make_client: Callable[..., Client]) -> None:
    stage = Stage(connected, make_client, True)
    stage.make_dataflow()
    task = operator(stage)
    returned = task.execute(stage.context())
    (target,) = event_of(task)["outputs"]
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == returned["output_records"] > 0


@pytest.mark.usefixtures("openlineage")
def test_without_a_flow_run_there_is_no_lineage(history: History) -> None:
    event = event_of(sensor(flow_id=history.waiting), failed=True)
    assert (event["inputs"], event["outputs"]) == ([], [])


def test_without_openlineage_nothing_is_imported_or_read(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage", None)
    monkeypatch.setitem(sys.modules, "openlineage", None)
    known, before = set(sys.modules), len(reads(history.emulator))
    run(flow_id=history.good)
    assert [name for name in set(sys.modules) - known if "openlineage" in name] == []
    assert reads(history.emulator)[before:] == []


def test_openlineage_without_a_transport_takes_no_requests(history: History) -> None:
    pytest.importorskip("airflow.providers.openlineage", reason="an optional library")
    before = len(reads(history.emulator))
    run(flow_id=history.good)
    assert reads(history.emulator)[before:] == []
