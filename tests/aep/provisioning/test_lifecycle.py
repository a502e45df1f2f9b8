"""Dataflows are enabled, disabled and published with the same outcome despite faults and repeats."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError, UnsettledError
from airflow_provider_payments.aep.provisioning.lifecycle import (
    find_dataflow,
    publish,
    switch_to,
)
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.finding import AbsentError
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
from airflow_provider_payments.aep.resources.switches import Action, act
from tests.aep.chain import FLOW_SERVICE, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

FLOWS = f"{FLOW_SERVICE}/flows"
LISTS = ("flows", "targetConnections", "sourceConnections")
BOTH = pytest.mark.parametrize(("action", "state"), [("disable", "disabled"), ("enable", "enabled")])


def prepared(client: Client, flow_id: str, action: str) -> RemoteObject:
    """The dataflow, in a state that the action changes."""
    if action == "enable":
        client.request("POST", f"{FLOWS}/{flow_id}/action", params={"op": "disable"})
    return find_dataflow(client, flow_id)


def state(emulator: Emulator) -> str:
    (flow,) = emulator.objects("flows")
    return str(flow["state"])


def actions(emulator: Emulator) -> list[str]:
    requested = [r for r in emulator.requests(method="POST") if r["path"].endswith("/action")]
    return [r["path"].split("/")[-3] for r in requested]


# ---- search --------------------------------------------------------------------------------------------------------


def test_an_id_is_read_once_and_a_name_finds_the_same_dataflow(
    client: Client, flow_id: str, emulator: Emulator
) -> None:
    before = len(emulator.requests())
    assert find_dataflow(client, flow_id).id == flow_id
    assert len(emulator.requests()) == before + 1
    assert find_dataflow(client, "own dataflow").id == flow_id


def test_a_name_of_two_dataflows_is_refused_with_their_ids(client: Client, chain: Chain, flow_id: str) -> None:
    body = chain.dataflow(name="twin").payload() | {"name": "own dataflow", "scheduleParams": {"startTime": 2222222222}}
    body["scheduleParams"] |= {"frequency": "minute", "interval": 15}
    twin = chain.post(FLOWS, body)["id"]
    with pytest.raises(InvalidInputError, match="several dataflows have this name") as refusal:
        find_dataflow(client, "own dataflow")
    assert all(one in str(refusal.value) for one in (flow_id, twin))


@pytest.mark.parametrize("requested", ["own dataflows", "11111111-2222-3333-4444-555555555555"])
def test_an_unknown_dataflow_raises_absent_error(client: Client, flow_id: str, requested: str) -> None:
    with pytest.raises(AbsentError, match="there is no dataflow of this name or id"):
        find_dataflow(client, requested)


# ---- enable and disable --------------------------------------------------------------------------------------------


@BOTH
def test_a_change_is_sent_once_and_a_repeat_sends_nothing(
    client: Client, flow_id: str, emulator: Emulator, action: Action, state: str
) -> None:
    before = prepared(client, flow_id, action)
    now = switch_to(client, before, action)
    assert (now.item["state"], now.etag != before.etag) == (state, True)
    sent = len(actions(emulator))
    assert switch_to(client, now, action) is now
    assert len(actions(emulator)) == sent


@BOTH
@pytest.mark.parametrize("fault", ["lose", "cut", "503", "html"])
def test_a_change_succeeds_despite_a_lost_answer(
    client: Client, faulty: Client, proxy: FaultProxy, flow_id: str, action: Action, state: str, fault: str
) -> None:
    before = prepared(client, flow_id, action)
    how: dict[str, dict[str, Any]] = {
        "lose": {"lose": True},
        "cut": {"cut": True},
        "503": {"status": 503},
        "html": {"status": 200, "body": b"<html>", "headers": {"Content-Type": "text/html"}},
    }
    proxy.fault("POST", "/action", **how[fault])
    assert switch_to(faulty, before, action).item["state"] == state


def test_a_change_without_any_answer_is_confirmed_by_a_read(faulty: Client, proxy: FaultProxy, flow_id: str) -> None:
    before = find_dataflow(faulty, flow_id)
    proxy.fault("POST", "/action", lose=True, times=50)
    assert switch_to(faulty, before, "disable").item["state"] == "disabled"


def test_a_request_that_takes_effect_late_does_not_undo_a_later_one(
    make_client: Callable[..., Client], flow_id: str, emulator: Emulator
) -> None:
    client = make_client(dataflow_settle_seconds=10.0)
    disabled = switch_to(client, find_dataflow(client, flow_id), "disable")
    emulator.fail("late_apply", method="POST", path="*/action", seconds=9)
    switch_to(client, switch_to(client, disabled, "enable"), "disable")
    emulator.advance(60)
    assert state(emulator) == "disabled"


def test_a_change_without_effect_is_requested_three_times(faulty: Client, proxy: FaultProxy, flow_id: str) -> None:
    before = find_dataflow(faulty, flow_id)
    proxy.fault("POST", "/action", status=503, times=50)
    with pytest.raises(UnsettledError, match="because answers were lost; the next attempt tries again"):
        switch_to(faulty, before, "disable")
    assert proxy.count("POST", "/action") == 3


def test_a_long_retry_after_a_change_ends_the_try(
    faulty: Client, proxy: FaultProxy, flow_id: str, naps: list[float]
) -> None:
    before = find_dataflow(faulty, flow_id)
    proxy.fault("POST", "/action", status=503, headers={"Retry-After": "300"})
    naps.clear()
    with pytest.raises(RequestError, match="the service asks to wait 300 s"):
        switch_to(faulty, before, "disable")
    assert sum(naps) == 0


def test_a_change_that_stays_invisible_is_read_three_times_then_retryable(
    faulty: Client, proxy: FaultProxy, flow_id: str, naps: list[float]
) -> None:
    before = find_dataflow(faulty, flow_id)
    proxy.fault("POST", "/action", status=200, body=b'{"id": "x", "etag": "y"}')
    naps.clear()
    requested = len(proxy.asked)
    with pytest.raises(UnsettledError, match=f"dataflow {flow_id} is still enabled; the next attempt reads it again"):
        switch_to(faulty, before, "disable")
    assert [method for method, *_ in proxy.asked[requested:]] == ["POST", "GET", "GET", "GET"]
    assert sum(naps) == 6


REFUSED = b'{"type": "https://ns.adobe.com/aep/errors/FLOW-1420-400", "title": "Bad Request", "detail": "updating"}'


@pytest.mark.parametrize("reads", [1, 3])
def test_a_refusal_during_a_transition_is_judged_by_the_final_state(
    faulty: Client, proxy: FaultProxy, client: Client, flow_id: str, reads: int
) -> None:
    before = find_dataflow(faulty, flow_id)
    proxy.fault("POST", "/action", status=400, body=REFUSED, first=lambda: act(client, flow_id, "disable"))
    shown = json.dumps({"items": [before.item | {"state": "disabling"}]}).encode()
    proxy.fault("GET", f"/flows/{flow_id}", status=200, body=shown, times=reads)
    if reads == 1:
        assert switch_to(faulty, before, "disable").item["state"] == "disabled"
    else:
        with pytest.raises(UnsettledError, match="is still disabling"):
            switch_to(faulty, before, "disable")


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_final_and_changes_nothing(
    faulty: Client, proxy: FaultProxy, flow_id: str, emulator: Emulator, status: int
) -> None:
    before = find_dataflow(faulty, flow_id)
    proxy.fault("POST", "/action", status=status)
    with pytest.raises(RequestError) as refusal:
        switch_to(faulty, before, "disable")
    assert (refusal.value.retryable, refusal.value.status, state(emulator)) == (False, status, "enabled")


# ---- drafts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(client: Client, chain: Chain) -> RemoteObject:
    """A draft dataflow whose source connection and base connection are drafts too."""

    def drafted(path: str, body: dict[str, Any]) -> str:
        return str(client.request("POST", path, body=body, params={"mode": "draft"}).body["id"])

    base = drafted(f"{FLOW_SERVICE}/connections", chain.base_connection().payload())
    source = drafted(f"{FLOW_SERVICE}/sourceConnections", chain.source(base_connection_id=base).payload())
    schedule = {"startTime": 2222222222, "frequency": "minute", "interval": 15}
    body = chain.dataflow(source_connection_id=source).payload() | {"scheduleParams": schedule}
    return DATAFLOW.get(client, drafted(FLOWS, body))


def published(client: Client, dataflow: RemoteObject) -> list[str]:
    """Publish a draft; return the kinds of the objects that were published."""
    seen: list[tuple[Kind, RemoteObject]] = []
    now = publish(client, dataflow, lambda kind, existing: seen.append((kind, existing)))
    assert now.item["state"] == "enabled"
    return [kind.name for kind, _ in seen]


def test_a_draft_is_published_after_its_references(client: Client, draft: RemoteObject, emulator: Emulator) -> None:
    assert published(client, draft) == ["base connection", "source connection", "dataflow"]
    assert actions(emulator) == ["connections", "sourceConnections", "flows"]
    now, requested = DATAFLOW.get(client, draft.id), len(emulator.requests())
    assert published(client, now) == []
    assert len(emulator.requests()) == requested


def test_a_draft_can_neither_be_enabled_nor_disabled(client: Client, draft: RemoteObject) -> None:
    with pytest.raises(InvalidInputError, match="is a draft: publish it first"):
        switch_to(client, draft, "enable")


def test_an_incomplete_draft_stays_a_draft_and_raises_the_reason(client: Client, emulator: Emulator) -> None:
    spec = {"id": "14518937-270c-4525-bdec-c2ba7cce3860"}
    created_id = client.request("POST", FLOWS, body={"name": "half", "flowSpec": spec}, params={"mode": "draft"}).body[
        "id"
    ]
    with pytest.raises(RequestError, match="FLOW-1304-400"):
        publish(client, DATAFLOW.get(client, created_id))
    assert state(emulator) == "draft"


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_publication_succeeds_despite_a_lost_answer(
    faulty: Client, proxy: FaultProxy, draft: RemoteObject, nth: int
) -> None:
    kinds = ["connections", "sourceConnections", "flows"]
    proxy.fault("POST", f"/{kinds[nth - 1]}/*/action", lose=True)
    assert published(faulty, draft) == ["base connection", "source connection", "dataflow"]
