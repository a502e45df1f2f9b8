"""Several objects at once share one lookup and one settle time, and each has its own outcome."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.provisioning.ensure import ensure_many
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.flow_service import SourceConnection
from airflow_provider_payments.aep.resources.sources import SOURCES
from tests.conftest import PAYPAL, Emulator

SETTLE_SECONDS = 10.0


def sources(number: int) -> list[SourceConnection]:
    spec_id = SOURCES["paypal"].spec_id
    return [
        SourceConnection(name=f"s{at}", base_connection_id=PAYPAL, spec_id=spec_id, table="PayPal.Catalog_Products")
        for at in range(number)
    ]


def lists(emulator: Emulator) -> int:
    requested = emulator.requests(method="GET")
    return sum(each["path"].endswith("/sourceConnections") for each in requested)


@pytest.fixture
def settling(make_client: Callable[..., Client]) -> Client:
    return make_client(settle_seconds=SETTLE_SECONDS, dataflow_settle_seconds=50.0)


def test_many_objects_share_one_settle_time_and_one_lookup(
    settling: Client, emulator: Emulator, naps: list[float]
) -> None:
    results = ensure_many(settling, sources(20), read=lambda: Snapshot(settling))
    assert all(isinstance(each, Provisioned) and each.created for each in results)
    assert len(emulator.objects("sourceConnections")) == 20
    assert (lists(emulator), sum(naps)) == (2, pytest.approx(SETTLE_SECONDS + 1, abs=1))


def test_a_failed_list_is_requested_once_and_fails_all_objects(client: Client, emulator: Emulator) -> None:
    emulator.fail("status", method="GET", path="*/sourceConnections", status=403, times=50)
    results = ensure_many(client, sources(5), read=lambda: Snapshot(client))
    assert [type(each) for each in results] == [RequestError] * 5
    assert (lists(emulator), emulator.objects("sourceConnections")) == (1, [])


def test_a_refused_creation_fails_only_its_own_object(client: Client, emulator: Emulator) -> None:
    emulator.fail("status", method="POST", path="*/sourceConnections", nth=2, status=403)
    results = ensure_many(client, sources(3), read=lambda: Snapshot(client))
    assert [isinstance(each, Provisioned) for each in results] == [True, False, True]
    assert [each["name"] for each in emulator.objects("sourceConnections")] == ["s0", "s2"]


def test_a_later_attempt_adopts_a_late_creation_of_an_earlier_one(settling: Client, emulator: Emulator) -> None:
    emulator.fail("late_apply", method="POST", path="*/sourceConnections", seconds=8)
    (desired,) = sources(1)
    with pytest.raises(RequestError):
        desired.create(settling)
    (result,) = ensure_many(settling, [desired], read=lambda: Snapshot(settling), attempt=2)
    assert isinstance(result, Provisioned)
    assert [each["id"] for each in emulator.objects("sourceConnections")] == [result.existing.id]
