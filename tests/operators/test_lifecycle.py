"""The operators that enable, disable, publish and delete a dataflow, as tasks run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.lifecycle import (
    DeleteDataflowOperator,
    DisableDataflowOperator,
    EnableDataflowOperator,
    PublishDataflowOperator,
)
from tests.conftest import Emulator
from tests.operators.chain import TaskInstance, context, make_dataflow, make_ends
from tests.operators.test_outputs import check

OPERATORS: list[type[BaseOperator]] = [
    EnableDataflowOperator,
    DisableDataflowOperator,
    PublishDataflowOperator,
    DeleteDataflowOperator,
]
EACH = pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
LISTS = ("flows", "targetConnections", "sourceConnections")
LATER: dict[str, Any] = {"start_time": 2222222222}


@pytest.fixture
def flow_id(connected: Emulator) -> str:
    return str(make_dataflow(**LATER)["id"])


def run(
    operator: type[BaseOperator], dataflow: object, where: Any = None, client: Client | None = None, **arguments: Any
) -> dict[str, Any]:
    step: Any = operator(task_id="step", dataflow=dataflow, **arguments)
    if client:
        step.hook = ExperiencePlatformHook()
        step.hook.client = client
    return dict(step.execute(context() if where is None else where))


def count(emulator: Emulator, *kinds: str) -> int:
    return sum(len(emulator.objects(kind)) for kind in kinds or LISTS)


def test_disable_and_enable_return_the_state_before_and_after(connected: Emulator, flow_id: str) -> None:
    was_enabled = run(DisableDataflowOperator, flow_id)
    check(was_enabled, outputs.ChangedDataflow)
    own = {"id": flow_id, "name": "products"}
    assert was_enabled == own | {"state_before": "enabled", "state": "disabled", "changed": True}
    unchanged = {"state_before": "disabled", "state": "disabled", "changed": False}
    assert run(DisableDataflowOperator, "products") == own | unchanged
    assert run(EnableDataflowOperator, "products") == was_enabled | {"state_before": "disabled", "state": "enabled"}


@pytest.mark.parametrize("operator", OPERATORS[:2], ids=lambda operator: operator.__name__)
def test_a_second_try_waits_for_the_request_of_the_first(
    connected: Emulator,
    make_client: Callable[..., Client],
    flow_id: str,
    naps: list[float],
    operator: type[BaseOperator],
) -> None:
    client = make_client(dataflow_settle_seconds=50.0)
    run(operator, flow_id, client=client)
    assert sum(naps) == 0
    run(operator, flow_id, context(TaskInstance(2)), client)
    assert sum(naps) == 51


def test_a_disabled_dataflow_begins_no_run_until_it_is_enabled(connected: Emulator) -> None:
    flow = make_dataflow()["id"]
    run(DisableDataflowOperator, flow)
    connected.advance(3600)
    assert connected.objects("runs") == []
    run(EnableDataflowOperator, flow)
    connected.advance(1860)
    assert len(connected.objects("runs")) == 1


def test_a_draft_is_published_only_once(connected: Emulator) -> None:
    ends = make_ends()
    mapping = {"name": "Mapping", "params": {"mappingId": ends["mapping_set_id"], "mappingVersion": "0"}}
    body = {
        "name": "draft",
        "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"},
        "sourceConnectionIds": [ends["source_connection_id"]],
        "targetConnectionIds": [ends["target_connection_id"]],
        "transformations": [mapping],
        "scheduleParams": {"startTime": 2222222222, "frequency": "once"},
    }
    path = "/data/foundation/flowservice/flows"
    draft = ExperiencePlatformHook().client.request("POST", path, body=body, params={"mode": "draft"}).body["id"]
    with pytest.raises(ExperiencePlatformFailedError, match="is a draft: publish it first"):
        run(EnableDataflowOperator, draft)
    first = run(PublishDataflowOperator, "draft")
    check(first, outputs.PublishedDataflow)
    assert (first["state_before"], first["state"], first["changed"]) == ("draft", "enabled", True)
    assert first["published"] == [{"kind": "dataflow", "id": draft, "name": "draft"}]
    second = run(PublishDataflowOperator, "draft")
    assert (second["state_before"], second["changed"], second["published"]) == ("enabled", False, [])


@pytest.mark.parametrize("dataset", [True, "true", False, "false", None], ids=repr)
def test_a_dataflow_is_deleted_with_its_connections_the_dataset_on_request(
    connected: Emulator, flow_id: str, dataset: object
) -> None:
    deleted = run(DeleteDataflowOperator, flow_id, dataset=dataset)
    check(deleted, outputs.DeletedDataflow)
    kinds = ["dataflow", "target connection", "source connection"]
    goes = str(dataset).lower() == "true"
    assert [entry["kind"] for entry in deleted["removed"]] == kinds + ["dataset"] * goes
    assert (deleted["kept"], deleted["name"]) == ([], "products")
    assert (count(connected), count(connected, "dataSets")) == (0, not goes)


def test_deleting_an_absent_dataflow_is_logged_and_no_error(
    connected: Emulator, flow_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(DeleteDataflowOperator, "product") == {"removed": [], "kept": []}
    assert "Nothing to delete: dataflow='product' is not allowed" in capsys.readouterr().out
    run(DeleteDataflowOperator, flow_id)
    assert run(DeleteDataflowOperator, flow_id) == {"removed": [], "kept": []}


@pytest.mark.parametrize("named", [True, False], ids=["name", "id"])
def test_the_next_try_completes_a_deletion_killed_after_the_dataflow(
    connected: Emulator, client: Client, flow_id: str, named: bool
) -> None:
    connected.fail("status", method="DELETE", path="*/targetConnections/*", status=503, times=50)
    name_or_id = "products" if named else flow_id
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(DeleteDataflowOperator, name_or_id, client=client)
    assert (count(connected, "flows"), count(connected)) == (0, 2)
    connected.control("DELETE", "faults")
    deleted = run(DeleteDataflowOperator, name_or_id)
    check(deleted, outputs.DeletedDataflow)
    assert [entry["kind"] for entry in deleted["removed"]] == ["target connection", "source connection"]
    assert (count(connected), run(DeleteDataflowOperator, name_or_id)) == (0, {"removed": [], "kept": []})


def test_a_cleared_task_deletes_the_dataflow_that_now_has_the_name(connected: Emulator) -> None:
    first = make_dataflow(**LATER)["id"]
    assert run(DeleteDataflowOperator, "products")["id"] == first
    later = make_dataflow(**LATER)["id"]
    assert run(DeleteDataflowOperator, "products")["id"] == later
    assert count(connected) == 0


@EACH
def test_read_only_refuses_every_change_of_a_dataflow(
    connected: Emulator, connect: Callable[..., None], flow_id: str, operator: type[BaseOperator]
) -> None:
    path = f"/data/foundation/flowservice/flows/{flow_id}/action"
    if operator is EnableDataflowOperator:
        ExperiencePlatformHook().client.request("POST", path, params={"op": "disable"})
    connect(connected.url, read_only=True)
    before = len(connected.requests())
    if operator is PublishDataflowOperator:
        assert run(operator, flow_id)["changed"] is False
    else:
        with pytest.raises(ExperiencePlatformFailedError, match="was not sent: read_only is set"):
            run(operator, flow_id)
    later = [r for r in connected.requests()[before:] if not r["path"].startswith("/ims")]
    assert {r["method"] for r in later} == {"GET"}


@EACH
@pytest.mark.parametrize("wrong", [None, "", "  ", 5, ["products"]], ids=repr)
def test_a_dataflow_that_is_not_text_is_refused_before_any_request(
    connected: Emulator, operator: type[BaseOperator], wrong: object
) -> None:
    with pytest.raises(AirflowFailException, match=r"dataflow=.* is not allowed: it must be given"):
        run(operator, wrong)
    assert connected.requests() == []


@EACH
def test_a_name_of_several_dataflows_is_refused(
    connected: Emulator, flow_id: str, operator: type[BaseOperator]
) -> None:
    connected.control("POST", "seed", json={"sandbox": "dev", "dataflows": 2, "name_prefix": "x"})
    client = ExperiencePlatformHook().client
    first, second = (flow for flow in connected.objects("flows") if flow["name"].startswith("x "))
    path = f"/data/foundation/flowservice/flows/{second['id']}"
    rename = [{"op": "replace", "path": "/name", "value": first["name"]}]
    client.request("PATCH", path, body=rename, headers={"If-Match": second["etag"]})
    with pytest.raises(ExperiencePlatformFailedError, match="several dataflows have this name") as refusal:
        run(operator, first["name"])
    assert all(flow["id"] in str(refusal.value) for flow in (first, second))
    assert count(connected, "flows") == 3


@EACH
def test_the_link_opens_the_dataflow(connected: Emulator, flow_id: str, operator: type[BaseOperator]) -> None:
    task = TaskInstance()
    run(operator, flow_id, context(task))
    assert task.pushed == {"experience_platform_link": f"{connected.url}/"}


def test_leftovers_of_another_dataflows_deletion_are_kept(connected: Emulator, client: Client, flow_id: str) -> None:
    connected.fail("status", method="DELETE", path="*/targetConnections/*", status=503, times=50)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(DeleteDataflowOperator, flow_id, client=client)
    connected.control("DELETE", "faults")
    assert run(DeleteDataflowOperator, "another") == {"removed": [], "kept": []}
    assert count(connected) == 2
