"""Updates and deletions despite lost answers and other writers: done once, and other writers' changes are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import ConflictError, RequestError, UnsettledError
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import KINDS, UPDATES, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

FLOWS = KINDS["dataflow"].path
HOURLY = Schedule(frequency="hour", interval=1)
PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
CHANGEABLE = pytest.mark.parametrize("name", UPDATES)


@pytest.fixture
def proxied(make_client: Callable[..., Client], proxy: FaultProxy) -> Client:
    return make_client(proxy.url)


def updated(client: Client, desired: Resource) -> Provisioned:
    return ensure(client, desired, if_exists="update")


def before_and_after(chain: Chain, name: str) -> Resource:
    """Create an object with the usual arguments; return the value to update it to."""
    build = KINDS[name].build
    chain.ensure(build(chain, **({"field_groups": ()} if name == "schema" else {})))
    return build(chain, **UPDATES[name])


# ---- changes of other writers --------------------------------------------------------------------------------------


def change_by_hand(chain: Chain, flow_id: str, interval: int) -> None:
    """Change a dataflow's options and interval, as another writer does."""
    operations = [
        {"op": "add", "path": "/options", "value": {"errorDiagnosticsEnabled": True}},
        {"op": "replace", "path": "/scheduleParams/interval", "value": interval},
    ]
    headers = {"If-Match": flow_service.item(chain.client, "flows", flow_id)["etag"]}
    chain.client.request("PATCH", f"{FLOWS}/{flow_id}", body=operations, headers=headers)


@pytest.mark.parametrize("times", [1, 2])
def test_a_refused_update_is_sent_again_and_keeps_the_other_writers_change(
    times: int, chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.dataflow()).existing.id
    others = iter(range(times))
    # Another writer's change, between each lookup and update.
    proxy.fault("PATCH", "/flows", first=lambda: change_by_hand(chain, created_id, 20 + next(others)), times=times)
    outcome = updated(proxied, chain.dataflow(schedule=HOURLY))
    assert (outcome.updated, outcome.existing.id) == (True, created_id)
    assert [status for method, _, status in proxy.asked if method == "PATCH"] == [412] * times + [200]
    (item,) = emulator.objects("flows")
    assert item["scheduleParams"]["frequency"] == "hour"
    assert item["scheduleParams"]["interval"] == 1
    assert item["options"]["errorDiagnosticsEnabled"] is True
    assert outcome.existing.etag == item["etag"]


def test_an_update_that_another_writer_has_made_is_not_sent_again(
    chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    chain.ensure(chain.dataflow())
    desired = chain.dataflow(schedule=HOURLY)
    proxy.fault("PATCH", "/flows", first=lambda: updated(chain.client, desired))
    assert updated(proxied, desired).updated
    assert [status for method, _, status in proxy.asked if method == "PATCH"] == [412]
    assert not updated(chain.client, desired).updated


def test_an_update_of_a_dataflow_that_was_just_disabled_is_a_conflict(
    chain: Chain, proxied: Client, proxy: FaultProxy
) -> None:
    created_id = chain.ensure(chain.dataflow()).existing.id
    proxy.fault("PATCH", "/flows", first=lambda: chain.post(f"{FLOWS}/{created_id}/action", None, op="disable"))
    with pytest.raises(ConflictError, match="state: desired 'enabled', actual 'disabled'"):
        updated(proxied, chain.dataflow(schedule=HOURLY))
    assert proxy.count("PATCH", "/flows") == 1


def test_an_update_is_given_up_after_three_conflicting_changes(
    chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.dataflow()).existing.id
    others = iter(range(20, 99))
    proxy.fault("PATCH", "/flows", first=lambda: change_by_hand(chain, created_id, next(others)), times=99)
    with pytest.raises(
        UnsettledError, match=f"dataflow 'own dataflow' .{created_id}. could not be updated"
    ) as unsettled:
        updated(proxied, chain.dataflow(schedule=HOURLY))
    assert unsettled.value.retryable
    assert [status for method, _, status in proxy.asked if method == "PATCH"] == [412] * 3
    (item,) = emulator.objects("flows")
    assert (item["scheduleParams"]["frequency"], item["scheduleParams"]["interval"]) == ("minute", 22)


def test_an_update_of_an_object_that_was_just_deleted_may_be_retried(
    chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.dataflow()).existing.id
    emulator.advance(60)
    path = f"{FLOWS}/{created_id}"
    proxy.fault("PATCH", "/flows", first=lambda: chain.client.request("DELETE", path), lose=True)
    desired = chain.dataflow(schedule=HOURLY)
    with pytest.raises(UnsettledError):
        updated(proxied, desired)
    assert updated(proxied, desired).created


def grow_by_hand(chain: Chain, name: str) -> None:
    """Add a field or a field group to an object of the registry, as another writer does."""
    more = {"fields": {"theirs": "string"}} if name == "field group" else {"field_groups": (chain.group_id,)}
    assert chain.ensure(KINDS[name].build(chain, **more), if_exists="update").updated


@pytest.mark.parametrize("name", ["field group", "schema"])
def test_additions_of_other_writers_to_a_registry_resource_are_kept(
    name: str, chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = before_and_after(chain, name)
    chain.ensure(chain.schema(name="other"))
    proxy.fault("PATCH", KINDS[name].path, first=lambda: grow_by_hand(chain, name))
    assert updated(proxied, desired).updated
    assert [status for method, _, status in proxy.asked if method == "PATCH"] == [412, 200]
    (item,) = (item for item in emulator.objects(KINDS[name].objects) if item["title"] == desired.name)
    if name == "schema":
        assert {PERSON, chain.group_id} <= {part["$ref"] for part in item["allOf"]}
    else:
        fields = item["definitions"]["customFields"]["properties"]["_emulator"]["properties"]
        assert fields.keys() == {"product", "theirs"}
        assert "price" in fields["product"]["properties"]


@pytest.mark.parametrize("name", ["field group", "schema"])
def test_the_same_addition_by_another_writer_is_added_once(
    name: str, chain: Chain, proxied: Client, proxy: FaultProxy
) -> None:
    desired = before_and_after(chain, name)
    proxy.fault("PATCH", KINDS[name].path, first=lambda: updated(chain.client, desired))
    assert updated(proxied, desired).updated
    assert [status for method, _, status in proxy.asked if method == "PATCH"] == [412]


@pytest.mark.parametrize("name", ["field group", "schema"])
def test_a_registry_that_refuses_its_own_etag_is_updated_without_if_match(
    name: str,
    chain: Chain,
    proxied: Client,
    proxy: FaultProxy,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    desired = before_and_after(chain, name)
    emulator.control("PUT", "options", json={"registry_requires_if_match": False})
    proxy.fault("PATCH", KINDS[name].path, status=412)
    assert updated(proxied, desired).updated
    assert [status for method, _, status in proxy.asked if method == "PATCH"] == [412, 200]
    assert "again" not in caplog.text  # the same call sends it without If-Match
    assert not updated(chain.client, desired).updated


@pytest.mark.parametrize("name", ["field group", "schema"])
def test_a_registry_that_refuses_every_etag_fails_with_its_own_status(
    name: str, chain: Chain, proxied: Client, proxy: FaultProxy
) -> None:
    desired = before_and_after(chain, name)
    proxy.fault("PATCH", KINDS[name].path, status=412, times=2)
    proxy.fault("PATCH", KINDS[name].path, status=428, times=9)
    with pytest.raises(RequestError, match="428"):
        updated(proxied, desired)


def test_a_recent_tag_that_is_not_listed_yet_is_kept(
    chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.dataset(tags={"team": ["a"]})).existing.id
    path = f"/data/foundation/catalog/dataSets/{created_id}"
    tags = {"team": ["a", "theirs"]}
    proxy.fault("GET", path, first=lambda: chain.client.request("PATCH", path, body={"tags": tags}))
    assert updated(proxied, chain.dataset(tags={"team": ["ours"]})).updated
    (item,) = emulator.objects("dataSets")
    assert item["tags"]["team"] == ["a", "theirs", "ours"]


# ---- lost answers --------------------------------------------------------------------------------------------------


@CHANGEABLE
@pytest.mark.parametrize("fault", [{"lose": True}, {"cut": True}], ids=["lost", "cut"])
def test_an_update_whose_answer_was_lost_is_verified_and_not_sent_again(
    name: str, fault: dict[str, Any], chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = before_and_after(chain, name)
    proxy.fault("PATCH", KINDS[name].path, **fault)
    outcome = updated(proxied, desired)
    assert (outcome.created, outcome.updated) == (False, True)
    assert len(emulator.requests(method="PATCH")) == 1
    # Nothing was added twice, and the outcome equals that of a lookup.
    (existing,) = desired.look_up(chain.client)
    assert (outcome.existing.id, outcome.existing.etag) == (existing.id, existing.etag)
    if name == "schema":
        assert [part["$ref"] for part in existing.item["allOf"]].count(PERSON) == 1
    if name == "dataset":
        assert existing.item["tags"]["team"] == ["payments"]


@CHANGEABLE
def test_an_update_that_did_not_arrive_is_sent_again(
    name: str, chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator, naps: list[float]
) -> None:
    desired = before_and_after(chain, name)
    proxy.fault("PATCH", KINDS[name].path, before=True)
    assert updated(proxied, desired).updated
    assert (proxy.count("PATCH", KINDS[name].path), len(emulator.requests(method="PATCH"))) == (2, 1)
    assert naps == [1.0]
    assert not updated(chain.client, desired).updated


def test_an_update_without_any_answer_is_sent_three_times(chain: Chain, proxied: Client, proxy: FaultProxy) -> None:
    desired = before_and_after(chain, "dataflow")
    proxy.fault("PATCH", "/flows", before=True, times=99)
    with pytest.raises(UnsettledError, match="or answers were lost; the next attempt tries again"):
        updated(proxied, desired)
    assert proxy.count("PATCH", "/flows") == 3


def test_a_lost_request_to_disable_is_repeated_after_the_settle_time(
    chain: Chain, make_writer: Callable[..., Chain], proxy: FaultProxy, emulator: Emulator
) -> None:
    chain.ensure(chain.dataflow())
    emulator.advance(600)
    writer = make_writer(proxy.url)
    proxy.fault("POST", "/action", status=503)
    assert writer.ensure(chain.dataflow(enabled=False), if_exists="update").updated
    assert writer.naps == [51.0]
    assert [flow["state"] for flow in emulator.objects("flows")] == ["disabled"]


@pytest.mark.parametrize("seconds", [30, 61])
def test_a_retry_after_of_a_lost_update_is_slept_or_raised(
    seconds: int, chain: Chain, proxied: Client, proxy: FaultProxy, naps: list[float]
) -> None:
    desired = before_and_after(chain, "dataflow")
    proxy.fault("PATCH", "/flows", status=503, headers={"Retry-After": str(seconds)})
    if seconds <= 60:
        assert updated(proxied, desired).updated
        assert naps == [30.0]
        return
    with pytest.raises(RequestError) as failed:
        updated(proxied, desired)
    assert (failed.value.retry_after, failed.value.retryable, naps) == (61.0, True, [])
    assert proxy.count("PATCH", "/flows") == 1


# ---- deletions -----------------------------------------------------------------------------------------------------

DELETABLE = ["base connection", "source connection", "target connection", "dataset", "dataflow"]


@pytest.mark.parametrize("name", DELETABLE)
@pytest.mark.parametrize("fault", [{"lose": True}, {"cut": True}, {"before": True}], ids=["lost", "cut", "not sent"])
def test_a_deletion_is_repeated_after_a_lost_answer_and_accepts_404(
    name: str, fault: dict[str, Any], chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    kind, desired = KINDS[name], KINDS[name].build(chain)
    created_object = chain.ensure(desired).existing
    proxy.fault("DELETE", kind.path, **fault)
    desired.kind.delete(proxied, created_object)
    assert proxy.count("DELETE", kind.path) == (1 if fault.get("cut") and name != "dataset" else 2)
    assert created_object.id not in [item["id"] for item in emulator.objects(kind.objects)]
    # A repeated deletion, as after a kill, succeeds too.
    desired.kind.delete(proxied, created_object)


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_refused_deletion_is_an_error(
    status: int, chain: Chain, proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_object = chain.ensure(chain.source()).existing
    proxy.fault("DELETE", "/sourceConnections", status=status)
    with pytest.raises(RequestError) as failed:
        chain.source().kind.delete(proxied, created_object)
    assert failed.value.status == status
    assert proxy.count("DELETE", "/sourceConnections") == 1
