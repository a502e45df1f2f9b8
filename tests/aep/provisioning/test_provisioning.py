"""Find or create: exactly one object, despite faults and lost answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import ConflictError, InvalidInputError, RequestError, UnsettledError
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import GONE, KINDS, Chain, Kind
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

KIND_NAMES = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
#: Kinds of which the service accepts a second object of the same name.
NOT_UNIQUE = [name for name in KINDS if name not in ("field group", "ad-hoc class", "schema")]


@pytest.fixture
def proxied(make_client: Callable[..., Client], proxy: FaultProxy, naps: list[float]) -> Chain:
    """A chain whose requests go through the failing proxy, with settle times that are recorded in its naps."""
    # Validations of mapping sets are POSTs below the path of creations; faults for creations must not apply to them.
    proxy.fault("POST", "/mappingSets/validate", times=99)
    return Chain(make_client(proxy.url, settle_seconds=10.0, dataflow_settle_seconds=50.0), naps)


def objects(emulator: Emulator, kind: Kind, name: str) -> list[dict[str, Any]]:
    return [item for item in emulator.objects(kind.objects) if name in (item.get("name"), item.get("title"))]


def requested(emulator: Emulator, since: int) -> list[str]:
    """The requests since then, without those for a token and for the tenant id."""
    return [
        f"{r['method']} {r['path']}"
        for r in emulator.requests()[since:]
        if not r["path"].startswith("/ims/") and not r["path"].endswith("/stats")
    ]


# ---- without faults ------------------------------------------------------------------------------------------------


@KIND_NAMES
def test_an_existing_object_is_adopted_with_the_same_outcome(kind: Kind, chain: Chain, emulator: Emulator) -> None:
    desired = kind.build(chain)
    before = len(emulator.requests())
    provisioned = chain.ensure(desired)
    assert provisioned.created
    # A lookup by each key, the creation, and a lookup after it. The list of datasets takes one page more, and a source
    # connection reads the types of its columns from explore.
    assert len(requested(emulator, before)) <= (5 if kind in (KINDS["dataset"], KINDS["source connection"]) else 4)

    before = len(emulator.requests())
    found = chain.ensure(desired)
    requests = requested(emulator, before)
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)
    assert len(requests) <= (3 if kind is KINDS["dataset"] else 2)
    assert not [request for request in requests if not request.startswith("GET")]
    assert len(objects(emulator, kind, desired.name)) == 1
    assert chain.naps == []

    first, second = provisioned.to_json(), found.to_json()
    assert first == json.loads(json.dumps(first))
    assert (first.pop("created"), second.pop("created")) == (True, False)
    assert (first.pop("runs_since", None) is None) == (second.pop("runs_since", None) is None)
    assert first == second
    assert first["id"] == provisioned.existing.id


def test_a_chain_costs_four_requests_per_creation_and_two_per_adoption(chain: Chain, emulator: Emulator) -> None:
    """Base connection, field group, schema, dataset, both connections, mapping set, dataflow, and the flow spec."""
    # Field group and schema take one request more: they return once they can be read by their ids.
    for most, first in ((4 * 8 + 3, True), (2 * 8 + 2, False)):
        before, whole = len(emulator.requests()), Chain(chain.client)
        outcomes = [whole.ensure(whole.base_connection()), whole.ensure(whole.dataflow())]
        assert [outcome.created for outcome in outcomes] == [first, first]
        requests = requested(emulator, before)
        # Including the lookup of the flow spec and the validation of the mappings.
        assert len(requests) <= most
        assert len([r for r in requests if r.startswith("POST") and "validate" not in r]) == (8 if first else 0)


def test_the_outcome_carries_the_services_request_id(chain: Chain, emulator: Emulator) -> None:
    provisioned, found = chain.ensure(chain.source()), chain.ensure(chain.source())
    requests = emulator.requests(path=KINDS["source connection"].path)
    assert [r["method"] for r in requests] == ["GET", "GET", "POST", "GET", "GET", "GET"]
    creation, read = requests[2], requests[-1]
    assert provisioned.request_id == creation["request_id"]
    assert found.request_id == read["request_id"]
    assert len({r["request_id"] for r in requests}) == 6


@KIND_NAMES
def test_fail_refuses_an_existing_object(kind: Kind, chain: Chain, emulator: Emulator) -> None:
    desired = kind.build(chain)
    provisioned = chain.ensure(desired, if_exists="fail")
    with pytest.raises(ConflictError) as conflict:
        chain.ensure(desired, if_exists="fail")
    assert provisioned.existing.id in str(conflict.value)
    assert "if_exists='fail' adopts no object" in str(conflict.value)


def test_fail_adopts_an_object_of_an_earlier_attempt(chain: Chain) -> None:
    provisioned = chain.ensure(chain.source())
    found = chain.ensure(chain.source(), if_exists="fail", attempt=2)
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)


def test_an_unknown_if_exists_is_refused_before_any_request(chain: Chain, emulator: Emulator) -> None:
    with pytest.raises(InvalidInputError, match="if_exists='replace' is not allowed: one of reuse, update, fail"):
        chain.ensure(chain.source(), if_exists="replace")
    assert emulator.requests() == []


@pytest.mark.parametrize("kind", [KINDS[name] for name in NOT_UNIQUE], ids=NOT_UNIQUE)
def test_the_oldest_of_several_matching_objects_is_adopted(kind: Kind, chain: Chain, emulator: Emulator) -> None:
    desired = kind.build(chain)
    oldest = chain.ensure(desired).existing.id
    for _ in range(3):
        emulator.advance(10)
        desired.create(chain.client)
    assert chain.ensure(desired).existing.id == oldest


def test_the_oldest_matching_object_is_adopted_not_an_older_differing_one(chain: Chain, emulator: Any) -> None:
    chain.ensure(chain.source(columns=("Product_Id",)))
    emulator.advance(10)
    right = chain.source().create(chain.client).id
    emulator.advance(10)
    chain.source().create(chain.client)
    assert chain.ensure(chain.source()).existing.id == right


def test_a_source_connection_of_another_dataflow_is_a_conflict(chain: Chain, emulator: Emulator) -> None:
    provisioned = chain.ensure(chain.dataflow())
    with pytest.raises(
        ConflictError, match=f"'own dataflow' exists already .{provisioned.existing.id}.*the same source"
    ):
        chain.ensure(chain.dataflow(name="second", source_connection_id=chain.source_id))
    assert len(emulator.posted("/flows")) == 1


def test_an_ignored_filter_does_not_report_another_dataflows_source_connection(
    chain: Chain, proxied: Chain, proxy: FaultProxy
) -> None:
    chain.ensure(chain.dataflow())
    everything = json.dumps(chain.client.get(KINDS["dataflow"].path)).encode()
    proxy.fault("GET", "/flows?property=sourceConnectionIds", status=200, body=everything)
    assert proxied.ensure(chain.dataflow(name="second")).created


def test_reuse_fails_and_names_the_differences(chain: Chain, emulator: Emulator) -> None:
    provisioned = chain.ensure(chain.dataflow())
    with pytest.raises(ConflictError) as conflict:
        chain.ensure(chain.dataflow(schedule=Schedule(frequency="hour", interval=2)))
    for part in (
        f"dataflow 'own dataflow' exists already ({provisioned.existing.id}) and differs",
        "scheduleParams.frequency: desired 'hour', actual 'minute'",
        "scheduleParams.interval: desired 2, actual 15",
        "if_exists='update'",
    ):
        assert part in str(conflict.value)
    assert len(emulator.objects("flows")) == 1


# ---- with faults ---------------------------------------------------------------------------------------------------

#: Seconds to wait after a lost creation: the settle time, and one because the platform's dates have whole seconds. For
#: the registry, which refuses a second title, only the back-off.
SETTLING = dict.fromkeys(KINDS, 11.0) | {"dataflow": 51.0, "field group": 1.0, "ad-hoc class": 1.0, "schema": 1.0}
APPLIED = {"answer lost": {"lose": True}, "answer cut": {"cut": True}}
NOT_APPLIED: dict[str, dict[str, Any]] = {
    "request lost": {"before": True},
    "no id": {"status": 201},
    "500": {"status": 500},
    "503": {"status": 503, "headers": {"Retry-After": "1"}},
    "HTML": {"status": 200, "body": b"<html>"},
}


def faults(of_every_kind: tuple[str, ...], table: dict[str, dict[str, Any]]) -> pytest.MarkDecorator:
    """Parametrize a test with some faults for every kind of resource, and with all faults for source connections."""
    cases = [
        pytest.param(kind, fault, SETTLING[name], id=f"{name}: {what}")
        for name, kind in KINDS.items()
        for what, fault in table.items()
        if what in of_every_kind or name == "source connection"
    ]
    return pytest.mark.parametrize(("kind", "fault", "settling"), cases)


@faults(("answer lost",), APPLIED)
def test_a_creation_whose_answer_was_lost_is_adopted_and_not_repeated(
    kind: Kind,
    fault: dict[str, Any],
    settling: float,
    chain: Chain,
    proxied: Chain,
    proxy: FaultProxy,
    emulator: Emulator,
) -> None:
    desired = kind.build(chain)
    proxy.fault("POST", kind.path, **fault)
    outcome = proxied.ensure(desired)
    (only,) = objects(emulator, kind, desired.name)
    assert outcome.existing.id == (only.get("$id") or only["id"])
    assert proxy.count("POST", kind.path) - proxy.count("POST", "/validate") == 1
    # The mark identifies the object as created by this call; a mapping set carries no mark.
    assert outcome.created == (kind is not KINDS["mapping set"])
    assert proxied.naps == [settling]


@faults(("request lost", "no id"), NOT_APPLIED)
def test_a_creation_without_effect_is_repeated_after_the_settle_time(
    kind: Kind,
    fault: dict[str, Any],
    settling: float,
    chain: Chain,
    proxied: Chain,
    proxy: FaultProxy,
    emulator: Emulator,
) -> None:
    desired = kind.build(chain)
    proxy.fault("POST", kind.path, **fault)
    outcome = proxied.ensure(desired)
    assert outcome.created
    assert len(objects(emulator, kind, desired.name)) == 1
    # Kinds that may have duplicates wait once more after the creation.
    assert proxied.naps == [settling] * (2 if outcome.resource.kind.may_duplicate else 1)


def test_an_object_created_despite_a_500_is_adopted(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = chain.source()
    created_id = desired.create(chain.client).id
    proxy.fault("GET", "/sourceConnections", status=200, body=b'{"items": []}')
    proxy.fault("POST", "/sourceConnections", status=500)
    assert proxied.ensure(desired).existing.id == created_id
    assert len(emulator.objects("sourceConnections")) == 1


def test_fail_adopts_its_own_creation_whose_answer_was_lost(chain: Chain, proxied: Chain, proxy: FaultProxy) -> None:
    proxy.fault("POST", "/sourceConnections", lose=True)
    desired = chain.source()
    assert proxied.ensure(desired, if_exists="fail").existing.id == next(iter(desired.look_up(chain.client))).id


def test_the_retry_after_of_a_503_is_respected(chain: Chain, proxied: Chain, proxy: FaultProxy) -> None:
    proxy.fault("POST", "/sourceConnections", status=503, headers={"Retry-After": "30"})
    assert proxied.ensure(chain.source()).created
    assert sum(proxied.naps) >= 30.0


def test_a_429_is_retried_without_a_new_lookup(chain: Chain, proxied: Chain, proxy: FaultProxy) -> None:
    proxy.fault("POST", "/sourceConnections", status=429, headers={"Retry-After": "7"})
    assert proxied.ensure(chain.source()).created
    requested = [method for method, path, _ in proxy.asked if "/sourceConnections" in path]
    assert requested == ["GET", "GET", "POST", "POST", "GET"]
    # The Retry-After, then the settle time of the creation.
    assert proxied.naps == [7.0, 11.0]


@KIND_NAMES
def test_three_lost_creations_raise_unsettled_error(
    kind: Kind, chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = kind.build(chain)
    proxy.fault("POST", kind.path, before=True, times=99)
    with pytest.raises(
        UnsettledError, match=f"{desired.kind} '{desired.name}' could not be created: 3 creations were sent"
    ) as unsettled:
        proxied.ensure(desired)
    assert unsettled.value.retryable
    assert proxy.count("POST", kind.path) - proxy.count("POST", "/validate") == 3
    assert objects(emulator, kind, desired.name) == []


def test_an_object_of_the_third_lost_creation_is_adopted(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    proxy.fault("POST", "/sourceConnections", before=True, times=2)
    proxy.fault("POST", "/sourceConnections", lose=True)
    proxied.ensure(chain.source())
    assert len(emulator.objects("sourceConnections")) == 1


@KIND_NAMES
def test_a_refusal_raises_one_error_and_is_not_repeated(
    kind: Kind, chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    desired = kind.build(chain)
    body = b'{"type": "https://ns.adobe.com/aep/errors/FLOW-2121-403", "title": "Forbidden", "detail": "No right."}'
    proxy.fault("POST", kind.path, status=403, body=body, headers={"x-request-id": "req-5"})
    with pytest.raises(RequestError, match=re.escape(f"POST {kind.path} failed (final)")) as failed:
        proxied.ensure(desired)
    for part in ("403 - FLOW-2121-403 - Forbidden - No right.", "request id req-5"):
        assert part in str(failed.value)
    assert not failed.value.retryable
    assert proxy.count("POST", kind.path) - proxy.count("POST", "/validate") == 1
    assert objects(emulator, kind, desired.name) == []


def test_a_refusal_contains_the_services_code_and_request_id(chain: Chain, emulator: Emulator) -> None:
    source = chain.source(columns=[{"name": "Type"}], base_connection_id="00000000-0000-0000-0000-000000000000")
    with pytest.raises(RequestError) as failed:
        chain.ensure(source)
    assert failed.value.code == "FLOW-1439-404"
    (refused,) = emulator.requests(method="POST", status="404")
    assert f"request id {refused['request_id']}" in str(failed.value)


@pytest.mark.parametrize("deleted", ["ours", "theirs"])
def test_a_dataflow_with_a_deleted_reference_is_not_created_again(
    deleted: str, chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    provisioned = chain.ensure(chain.dataflow())
    same = chain.source(name="another source").create(chain.client).id
    emulator.advance(60)
    proxy.fault("GET", f"/sourceConnections/{same if deleted == 'ours' else chain.source_id}", status=404, body=GONE)
    with pytest.raises(ConflictError, match=f"sourceConnectionIds: desired '{same}', actual '{chain.source_id}'"):
        proxied.ensure(chain.dataflow(source_connection_id=same))
    assert [item["id"] for item in emulator.objects("flows")] == [provisioned.existing.id]


def test_a_list_that_cannot_be_read_creates_nothing(chain: Chain, proxied: Chain, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/sourceConnections", status=500, times=99)
    with pytest.raises(RequestError) as failed:
        proxied.ensure(chain.source())
    assert failed.value.retryable
    assert proxy.count("POST", "/sourceConnections") == 0
