"""Results of a task: log lines, the link, and errors that a retry can or cannot resolve."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.kind import Kind
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.dataflows import FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import ARGUMENTS, TaskInstance, build, context, run

LINK = "experience_platform_link"
SOURCES = "/data/foundation/flowservice/sourceConnections"


def create(**changes: Any) -> dict[str, Any]:
    return run(CreateSourceConnectionOperator, **changes)


@pytest.fixture
def behind_proxy(proxy: FaultProxy, connect: Callable[..., None], request: pytest.FixtureRequest) -> FaultProxy:
    # Short only if no answer will come, because answers may be slow on a busy machine.
    connect(proxy.url, read_timeout=1.0 if "time-out" in request.node.name else 10.0)
    return proxy


def test_each_object_is_logged_with_its_id_and_request_id(
    connected: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    created = create()
    create()
    (creation,) = connected.requests(method="POST", path=SOURCES)
    look_up = connected.requests(method="GET", path=SOURCES)[-1]
    lines = re.findall(r"\w+ source connection .*?\(request id .*?\)", capsys.readouterr().out)
    assert lines == [
        f"Created source connection 'products - source': id {created['id']} (request id {creation['request_id']})",
        f"Adopted source connection 'products - source': id {created['id']} (request id {look_up['request_id']})",
    ]


def test_an_updated_object_is_logged_as_updated(connected: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    schema = run(CreateTargetSchemaOperator)["id"]
    created = run(CreateTargetDatasetOperator, schema_id=schema)
    run(CreateTargetDatasetOperator, schema_id=schema, tags={"owner": ["shop"]}, if_exists="update")
    assert f"Updated dataset 'products': id {created['id']}" in capsys.readouterr().out


def test_a_schema_and_its_field_group_are_both_logged(connected: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    created = run(CreateTargetSchemaOperator)
    lines = re.findall(r"Created (.*?): id (\S+)", capsys.readouterr().out)
    assert lines == [
        ("field group 'products - fields'", created["field_group_id"]),
        ("schema 'products'", created["id"]),
    ]


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        (DATAFLOW, "source/dataflows/a%2Fb"),
        (DATASET, "dataset/browse/a%2Fb"),
        (SCHEMA, "schema/overview"),
        (FIELD_GROUP, "schema/overview"),
        (MAPPING_SET, "source/overview"),
    ],
    ids=str,
)
def test_the_link_opens_the_objects_page_in_its_sandbox(kind: Kind, address: str) -> None:
    task = TaskInstance()
    store_link(context(task), url="https://platform.adobe.io", sandbox="dev", page=kind.page, object_id="a/b")
    assert task.pushed == {LINK: f"https://experience.adobe.com/#/sname:dev/platform/{address}"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://adobe.io.example.com"], ids=["loopback", "foreign"])
def test_the_link_opens_the_root_of_another_platform(url: str) -> None:
    task = TaskInstance()
    store_link(context(task), url=url, sandbox="dev", page="x", object_id="id")
    assert task.pushed == {LINK: f"{url}/"}


def test_every_creation_stores_and_offers_its_link(connected: Emulator) -> None:
    operator, task = build(CreateSourceConnectionOperator), TaskInstance()
    operator.execute(context(task))
    assert task.pushed == {LINK: f"{connected.url}/"}
    offered = {cls: [type(link) for link in cls.operator_extra_links] for cls in ARGUMENTS}
    assert offered.pop(FindFlowSpecOperator) == []
    assert set(map(tuple, offered.values())) == {(ExperiencePlatformLink,)}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412], ids=str)
def test_a_refusal_fails_the_task_without_a_retry(behind_proxy: FaultProxy, status: int) -> None:
    body = b'{"type": "https://ns.adobe.com/aep/errors/FLOW-1-400", "title": "No", "report": {"request-id": "r-1"}}'
    behind_proxy.fault("POST", "/sourceConnections", status=status, body=body)
    with pytest.raises(ExperiencePlatformFailedError, match=rf"POST {SOURCES} .*{status} - FLOW-1-400 - No") as refusal:
        create()
    assert isinstance(refusal.value, AirflowFailException)
    assert "request id r-1" in str(refusal.value)
    assert behind_proxy.count("POST", "/sourceConnections") == 1


def test_a_token_refused_twice_ends_the_try_but_allows_a_retry(behind_proxy: FaultProxy) -> None:
    body = b'{"error_code": "401013", "message": "Oauth token is not valid"}'
    behind_proxy.fault("GET", "/sourceConnections", status=401, body=body, times=2)
    message = r"401013.*check client id and client secret"
    with pytest.raises(ExperiencePlatformUnavailableError, match=message) as refusal:
        create()
    assert not any(
        value.removeprefix("Bearer ") in str(refusal.value) for value in behind_proxy.authorizations if value
    )
    assert behind_proxy.count("POST", "/ims/token") == 2
    assert create()["name"] == "products - source"


@pytest.mark.parametrize(
    ("method", "fault", "message"),
    [
        ("POST", {"status": 429, "headers": {"Retry-After": "3600"}}, "429"),
        ("GET", {"status": 503, "headers": {"Retry-After": "3600"}}, "503"),
        ("GET", {"status": 500, "headers": {"Retry-After": "0"}, "times": 5}, "500"),
        (
            "GET",
            {"status": 200, "body": b"<html>", "headers": {"Retry-After": "0"}, "times": 5},
            "HTML instead of JSON",
        ),
        (
            "POST",
            {"status": 502, "headers": {"Retry-After": "0"}, "times": 3},
            "3 creations were sent, and no list shows an object",
        ),
    ],
    ids=["429", "503", "500", "HTML", "no answer to any creation"],
)
def test_a_temporary_failure_may_be_retried(
    behind_proxy: FaultProxy, method: str, fault: dict[str, Any], message: str
) -> None:
    behind_proxy.fault(method, "/sourceConnections", **fault)
    with pytest.raises(ExperiencePlatformUnavailableError, match=message) as failure:
        create()
    assert not isinstance(failure.value, AirflowFailException)
    assert create()["name"] == "products - source"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "headers": {"Retry-After": "0"}},
        {"status": 200, "body": b"<html>"},
        {"status": 201, "body": b"{}"},
        {"lose": True},
        {"before": True, "lose": True},
        {"cut": True},
        {"hang": True},
    ],
    ids=["503", "HTML", "no id", "lost answer", "lost request", "cut answer", "time-out"],
)
def test_a_creation_whose_answer_was_lost_leaves_exactly_one_object(
    emulator: Emulator, behind_proxy: FaultProxy, fault: dict[str, Any]
) -> None:
    behind_proxy.fault("POST", "/sourceConnections", **fault)
    created = create()
    assert [item["id"] for item in emulator.objects("sourceConnections")] == [created["id"]]
