"""Settle times of one writer: no object counts as present or absent before its settle time has elapsed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.errors import ConflictError, RequestError, UnlistedError, UnsettledError
from airflow_provider_payments.aep.resources.marks import Writer
from tests.aep.chain import KINDS, Chain, Kind
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

SOURCES = KINDS["source connection"]
#: Seconds that each kind waits after a creation: its settle time, and one because the platform's dates have whole
#: seconds.
SETTLING = dict.fromkeys(KINDS, 11.0) | {"dataflow": 51.0}
#: Kinds without a wait: the service refuses a second object, or a second object has no effect.
AT_ONCE = ("field group", "ad-hoc class", "schema", "mapping set")
SETTLES = [name for name in KINDS if name not in AT_ONCE]
ALL_KINDS = pytest.mark.parametrize("name", KINDS)


@pytest.fixture
def proxied(make_writer: Callable[..., Chain], proxy: FaultProxy) -> Chain:
    return make_writer(proxy.url)


def posts(emulator: Emulator, kind: Kind) -> int:
    return sum(1 for r in emulator.requests(method="POST") if r["path"] == kind.path)


# ---- own creations -------------------------------------------------------------------------------------------------


@ALL_KINDS
def test_a_creation_returns_after_the_settle_time(name: str, chain: Chain, writer: Chain) -> None:
    assert writer.ensure(KINDS[name].build(chain)).created
    assert writer.naps == ([] if name in AT_ONCE else [SETTLING[name]])


@pytest.mark.parametrize("name", SETTLES)
def test_a_recent_object_is_adopted_once_it_has_settled(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    provisioned = chain.ensure(desired)
    emulator.advance(4)
    found = writer.ensure(desired)
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)
    assert writer.naps == [SETTLING[name] - 5]  # no extra second: the object states its time of creation


@ALL_KINDS
def test_a_later_run_waits_for_nothing(name: str, chain: Chain, writer: Chain, emulator: Emulator) -> None:
    desired = KINDS[name].build(chain)
    provisioned = chain.ensure(desired)
    emulator.advance(52)
    assert writer.ensure(desired).existing.id == provisioned.existing.id
    assert writer.naps == []


# ---- late creations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SETTLES, "mapping set"])
@pytest.mark.parametrize("share", [0.1, 1.0], ids=["soon", "at the end of the settle time"])
def test_a_lost_creation_that_takes_effect_late_is_not_repeated(
    name: str, share: float, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    kind, settle_seconds = KINDS[name], SETTLING[name] - 1
    desired = kind.build(chain)
    before, requested = len(emulator.objects(kind.objects)), posts(emulator, kind)
    emulator.fail("late_apply", method="POST", path=f"*{kind.path}", seconds=share * settle_seconds)
    outcome = writer.ensure(desired)
    assert (len(emulator.objects(kind.objects)), posts(emulator, kind)) == (before + 1, requested + 1)
    assert outcome.created == (name != "mapping set")
    # The object was created late, so it settles late; one second of that wait has passed already.
    left = share * settle_seconds - 1
    assert writer.naps == [settle_seconds + 1] + ([left] if name in SETTLES and left else [])


@pytest.mark.parametrize("name", SETTLES)
def test_a_creation_listed_when_its_settle_time_ends_is_not_repeated(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    kind, desired = KINDS[name], KINDS[name].build(chain)
    before = posts(emulator, kind)
    emulator.fail("list_lag", method="POST", path=f"*{kind.path}", seconds=SETTLING[name] - 1)
    assert writer.ensure(desired).created
    assert (posts(emulator, kind), writer.naps) == (before + 1, [SETTLING[name]])


def test_a_lost_answer_with_a_lagging_list_creates_one_object(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    emulator.fail("list_lag", method="POST", path="*/sourceConnections", seconds=10)
    proxy.fault("POST", "/sourceConnections", lose=True)
    assert proxied.ensure(chain.source()).created
    assert len(emulator.objects("sourceConnections")) == 1
    assert proxied.naps == [11.0]


def test_an_answered_creation_is_searched_for_beyond_the_settle_time(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    emulator.fail("list_lag", method="POST", path="*/sourceConnections", seconds=20)
    assert writer.ensure(chain.source()).created
    assert writer.naps == [11.0] + 5 * [2.0]
    assert posts(emulator, SOURCES) == 1


def test_a_creation_that_is_never_listed_raises_a_final_error(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    proxy.fault("GET", "/sourceConnections", status=200, body=b'{"items": []}', times=999)
    with pytest.raises(UnlistedError) as unlisted:
        proxied.ensure(chain.source())
    (only,) = emulator.objects("sourceConnections")
    assert f"source connection 'own source' was created ({only['id']}), but no list shows it 62 s later" in str(
        unlisted.value
    )
    assert not unlisted.value.retryable
    assert sum(proxied.naps) == 63.0
    assert posts(emulator, SOURCES) == 1


DELETABLE = [name for name in KINDS if name != "mapping set"]


@pytest.mark.parametrize("name", DELETABLE)
def test_a_deleted_object_that_is_still_listed_is_not_adopted(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    kind, desired = KINDS[name], KINDS[name].build(chain)
    deleted = chain.ensure(desired).existing.id
    emulator.fail("list_lag", method="DELETE", path=f"*{kind.path}/*", seconds=600)
    chain.client.request("DELETE", f"{kind.path}/{deleted.replace('/', '%2F').replace(':', '%3A')}")
    emulator.advance(60)
    assert deleted in [existing.id for existing in desired.look_up(chain.client)]
    outcome = writer.ensure(desired)
    assert (outcome.created, outcome.existing.id == deleted) == (True, False)


# ---- earlier attempts ----------------------------------------------------------------------------------------------


def test_a_second_attempt_waits_from_its_start_before_it_creates(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    assert writer.ensure(chain.source(), attempt=2).created
    assert [r["method"] for r in emulator.requests(path=SOURCES.path)] == ["GET", "GET", "GET", "POST", "GET"]
    assert writer.naps == [11.0, 11.0]


@pytest.mark.parametrize("name", [*SETTLES, "mapping set"])
def test_a_second_attempt_adopts_the_creation_of_a_killed_first_one(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    kind, desired = KINDS[name], KINDS[name].build(chain)
    emulator.fail("late_apply", method="POST", path=f"*{kind.path}", seconds=SETTLING[name] - 1)
    with pytest.raises(RequestError):
        desired.create(chain.client)
    before = posts(emulator, kind)
    found = writer.ensure(desired, attempt=2)
    assert found.existing.id in [existing.id for existing in desired.look_up(chain.client)]
    assert (found.created, posts(emulator, kind)) == (False, before)


def test_a_second_attempt_reports_a_duplicate_of_a_killed_first_one(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.source()).existing.id
    emulator.advance(600)
    emulator.fail("late_apply", method="POST", path="*/sourceConnections", seconds=10)
    with pytest.raises(RequestError):
        chain.source().create(chain.client, Writer().mark())
    found = writer.ensure(chain.source(), attempt=2)
    assert (found.existing.id, len(found.duplicates)) == (created_id, 1)
    assert writer.naps == [11.0]


def test_fail_adopts_the_creation_of_an_earlier_attempt_of_the_run(chain: Chain, writer: Chain) -> None:
    run = Writer("payments", "run 1")
    provisioned = chain.ensure(chain.source(), writer=run)
    found = writer.ensure(chain.source(), if_exists="fail", attempt=2, writer=run)
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)


@pytest.mark.parametrize("other", [Writer("payments", "run 1"), Writer("orders", "run 2")], ids=["run", "chain"])
def test_fail_refuses_an_object_of_another_run_or_chain(other: Writer, chain: Chain, writer: Chain) -> None:
    provisioned = chain.ensure(chain.source(), writer=other)
    with pytest.raises(ConflictError, match=f"{provisioned.existing.id}.*if_exists='fail' adopts no object"):
        writer.ensure(chain.source(), if_exists="fail", attempt=2, writer=Writer("payments", "run 2"))


# ---- timeouts --------------------------------------------------------------------------------------------------------


def test_a_long_retry_after_a_lost_creation_is_raised_not_slept(
    chain: Chain, proxied: Chain, proxy: FaultProxy
) -> None:
    proxy.fault("POST", "/sourceConnections", status=503, headers={"Retry-After": "3600"})
    with pytest.raises(RequestError) as failed:
        proxied.ensure(chain.source())
    assert (failed.value.retry_after, failed.value.retryable) == (3600.0, True)
    assert [method for method, path, _ in proxy.asked if "/sourceConnections" in path] == ["GET", "GET", "POST"]
    assert proxied.naps == []


def test_an_operation_ends_within_its_timeout(
    chain: Chain, make_writer: Callable[..., Chain], proxy: FaultProxy
) -> None:
    hasty = make_writer(proxy.url, dataflow_settle_seconds=10.0, operation_timeout=15.0)
    proxy.fault("POST", "/sourceConnections", before=True, times=9)
    with pytest.raises(
        UnsettledError, match=r"needs 11 s to be listed, more than the remaining part of operation_timeout"
    ):
        hasty.ensure(chain.source())
    requested = [method for method, path, _ in proxy.asked if "/sourceConnections" in path]
    assert requested == 2 * ["GET", "GET", "POST"]
    assert hasty.naps == [11.0]


def test_an_operation_whose_lists_time_out_creates_nothing(
    chain: Chain, make_writer: Callable[..., Chain], proxy: FaultProxy
) -> None:
    hasty = make_writer(proxy.url, dataflow_settle_seconds=10.0, operation_timeout=15.0)
    proxy.fault("GET", "/sourceConnections", status=503, headers={"Retry-After": "8"}, times=9)
    with pytest.raises(RequestError) as failed:
        hasty.ensure(chain.source())
    assert (failed.value.retryable, hasty.naps) == (True, [8.0])
    assert proxy.count("POST", "/sourceConnections") == 0


def test_a_creation_whose_answer_was_lost_has_the_same_outcome(chain: Chain, proxied: Chain, proxy: FaultProxy) -> None:
    proxy.fault("POST", "/sourceConnections", lose=True)
    first = proxied.ensure(chain.source()).to_json()
    assert json.loads(json.dumps(first)) == proxied.ensure(chain.source()).to_json() | {"created": True}
