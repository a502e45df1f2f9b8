"""Reads by id that lag behind lists: a 404 to a listed object counts as its deletion only after the read lag."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.api.patience import ReadLagError
from airflow_provider_payments.aep.errors import ConflictError, RequestError
from airflow_provider_payments.aep.provisioning.teardown import tear_down
from airflow_provider_payments.aep.resources.marks import Writer
from tests.aep.chain import FLOW_SERVICE, KINDS, UPDATES, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

REGISTRY_KINDS = ["field group", "ad-hoc class", "schema"]
#: Kinds that are read by id before an adoption.
READ_KINDS = ["base connection", "source connection", "target connection", "dataset", "dataflow", *REGISTRY_KINDS]
A, B = Writer("payments", "a"), Writer("payments", "b")


def lag(emulator: Emulator, name: str, seconds: float) -> None:
    """Let the next object of this kind be unreadable by its id for a number of seconds."""
    emulator.fail("read_lag", method="POST", path=f"*{KINDS[name].path}", seconds=seconds)


def posts(emulator: Emulator, name: str) -> int:
    return sum(1 for request in emulator.requests(method="POST") if request["path"] == KINDS[name].path)


# ---- own creations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGISTRY_KINDS)
@pytest.mark.parametrize("settle_seconds", [0.0, 10.0])
def test_a_registry_creation_returns_once_it_can_be_read(
    name: str, settle_seconds: float, chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    writer = make_writer(settle_seconds=settle_seconds, dataflow_settle_seconds=settle_seconds)
    lag(emulator, name, 20)
    provisioned = writer.ensure(desired)
    assert (provisioned.created, writer.naps) == (True, [2.0, 4.0, 8.0, 8.0])
    assert posts(emulator, name) == 1
    assert schema_registry.resource(writer.client, desired.kind.collection, provisioned.existing.id)


def test_a_schema_is_created_although_its_field_group_is_readable_late(writer: Chain, emulator: Emulator) -> None:
    lag(emulator, "field group", 20)
    lag(emulator, "schema", 20)
    assert writer.ensure(writer.dataset()).created


def test_a_mapping_set_returns_once_its_dataflow_can_refer_to_it(writer: Chain, emulator: Emulator) -> None:
    lag(emulator, "mapping set", 9)
    assert writer.ensure(writer.dataflow()).created


def test_a_recent_mapping_set_is_read_in_the_adopted_version(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    desired = chain.mapping_set()
    path = f"{desired.kind.path}/{chain.ensure(desired).existing.id}"
    chain.client.request("PUT", path, body=desired.ready(chain.client).payload())
    adopted = writer.ensure(desired).existing
    assert desired.outputs(adopted, 0.0) == {"version": 1}
    assert [read["query"] for read in emulator.requests(method="GET", path=path)] == ["version=1"]


def test_a_creation_that_stays_unreadable_raises_a_retryable_error(
    writer: Chain, emulator: Emulator, chain: Chain
) -> None:
    lag(emulator, "ad-hoc class", 3600)
    with pytest.raises(ReadLagError, match=r"ad-hoc class .* cannot be read: it was created recently") as lagging:
        writer.ensure(chain.ad_hoc_class())
    assert lagging.value.retryable
    assert 30 <= sum(writer.naps) <= 32


# ---- recent objects of other writers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ_KINDS)
def test_a_recent_object_that_cannot_be_read_yet_is_adopted_later(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    lag(emulator, name, 25)
    created_object = (desired.ready(chain.client)).create(chain.client, A.mark())
    found = writer.ensure(desired, writer=B)
    assert (found.existing.id, found.created, found.duplicates) == (created_object.id, False, ())
    assert sum(writer.naps) >= 25


@pytest.mark.parametrize("name", UPDATES)
def test_a_recent_object_that_cannot_be_read_yet_is_updated_later(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired, wider = KINDS[name].build(chain), KINDS[name].build(chain, **UPDATES[name])
    lag(emulator, name, 25)
    created_object = desired.ready(chain.client).create(chain.client, A.mark())
    found = writer.ensure(wider, writer=B, if_exists="update")
    assert (found.existing.id, found.updated) == (created_object.id, True)


def test_an_update_with_an_unknown_field_group_fails_at_once(chain: Chain, writer: Chain) -> None:
    # The registry answers this update of an existing schema with 404.
    created_object = chain.ensure(chain.schema(field_groups=())).existing
    unknown = created_object.id.replace("/schemas/", "/mixins/")
    with pytest.raises(RequestError, match=f"PATCH .* 404 - XDM-1011-404 - .* field group resource {unknown}"):
        writer.ensure(chain.schema(field_groups=(unknown,)), if_exists="update")
    assert writer.naps == []


def test_a_field_group_unreadable_between_list_and_change_is_changed_later(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    created_id, groups = chain.ensure(chain.field_group()).existing.id, "*/tenant/fieldgroups/*"
    emulator.fail("status", status=404, method="PATCH", path=groups)
    # Three reads come before the change, and one after its refusal.
    emulator.fail("status", status=404, method="GET", path=groups, nth=4)
    changed = writer.ensure(chain.field_group(fields={"a": "string"}), if_exists="update")
    assert (changed.existing.id, changed.updated) == (created_id, True)
    assert [r["status"] for r in emulator.requests(method="PATCH", path="/data/foundation/schemaregistry")] == [
        404,
        200,
    ]


def test_an_unlisted_object_that_took_the_title_is_adopted_once_readable(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator, make_writer: Callable[..., Chain]
) -> None:
    other = make_writer(proxy.url)
    lag(emulator, "ad-hoc class", 20)
    created_object = chain.ad_hoc_class().create(chain.client)
    proxy.fault("GET", "/tenant/classes?", status=200, body=b'{"results": []}')
    assert other.ensure(chain.ad_hoc_class()).existing.id == created_object.id


def test_a_title_of_a_hidden_object_raises_an_error_with_its_id(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.ad_hoc_class()).existing.id
    emulator.control("POST", "hidden", json={"kind": "classes", "id": created_id})
    with pytest.raises(
        ReadLagError, match=rf"'own class' \(.* An object {created_id} already exists .*\) cannot be read"
    ):
        writer.ensure(chain.ad_hoc_class())


@pytest.mark.parametrize("name", ["source connection", "dataflow"])
def test_the_older_object_is_adopted_although_it_is_readable_late(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    lag(emulator, name, 25)
    oldest = desired.ready(chain.client).create(chain.client, A.mark())
    emulator.advance(1)
    other = desired.create(chain.client, B.mark())
    found = writer.ensure(desired, writer=Writer("payments", "c"))
    assert (found.existing.id, found.duplicates) == (oldest.id, (other.id,))


def test_an_old_object_that_answers_404_counts_as_deleted(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    created_object = chain.ensure(chain.source()).existing
    emulator.advance(31)
    emulator.fail("list_lag", method="DELETE", seconds=600)
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{created_object.id}")
    outcome = writer.ensure(chain.source())
    assert outcome.created
    assert outcome.existing.id != created_object.id


def test_a_recent_object_that_was_deleted_is_created_again(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    created_object = chain.ensure(chain.source()).existing
    emulator.fail("list_lag", method="DELETE", seconds=600)
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{created_object.id}")
    outcome = writer.ensure(chain.source())
    assert outcome.created
    assert outcome.existing.id != created_object.id


def test_waits_for_a_read_end_with_the_operation_timeout(
    chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    hasty = make_writer(settle_seconds=1.0, dataflow_settle_seconds=1.0, operation_timeout=12.0)
    lag(emulator, "source connection", 25)
    chain.source().create(chain.client)
    with pytest.raises(ReadLagError):
        hasty.ensure(chain.source())
    assert sum(hasty.naps) <= 12.0


# ---- references of a dataflow ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["source connection", "target connection", "mapping set"])
def test_a_reference_that_cannot_be_read_yet_is_no_difference(
    kind: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    provisioned = chain.ensure(chain.dataflow())
    emulator.advance(600)
    same = {
        "source connection": ("source_connection_id", chain.source),
        "target connection": ("target_connection_id", chain.target),
        "mapping set": ("mapping_set_id", chain.mapping_set),
    }
    argument, build = same[kind]
    lag(emulator, kind, 20)
    young = build(name="another of the same").create(chain.client).id
    found = writer.ensure(chain.dataflow(**{argument: young}))
    assert (found.existing.id, found.created) == (provisioned.existing.id, False)
    assert sum(writer.naps) >= 20


def test_a_reference_that_is_not_listed_counts_as_deleted(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.dataflow())
    emulator.advance(600)
    deleted_id = chain.source(name="another of the same").create(chain.client).id
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{deleted_id}")
    with pytest.raises(ConflictError, match="sourceConnectionIds"):
        writer.ensure(chain.dataflow(source_connection_id=deleted_id))
    assert writer.naps == []


# ---- deletions -------------------------------------------------------------------------------------------------------


def test_an_own_duplicate_that_cannot_be_read_yet_is_removed_later(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    emulator.fail("list_lag", method="POST", path="*/sourceConnections", seconds=5)
    oldest = chain.source().create(chain.client, A.mark()).id
    emulator.advance(1)
    lag(emulator, "source connection", 29)
    found = writer.ensure(chain.source(), writer=B)
    assert (found.existing.id, found.created, found.duplicates) == (oldest, False, ())
    assert posts(emulator, "source connection") == 2
    assert [source["id"] for source in emulator.objects("sourceConnections")] == [oldest]


@pytest.fixture
def hasty(make_writer: Callable[..., Chain]) -> Client:
    """A client without settle times, in the emulator's time."""
    return make_writer(settle_seconds=0.0, dataflow_settle_seconds=0.0).client


def test_a_teardown_waits_for_an_object_that_cannot_be_read_yet(
    chain: Chain, hasty: Client, emulator: Emulator
) -> None:
    lag(emulator, "source connection", 20)
    source = chain.source().create(chain.client, A.mark())
    assert [report["id"] for report in tear_down(hasty, A).removed] == [source.id]
    assert emulator.objects("sourceConnections") == []


def test_a_teardown_keeps_an_object_whose_user_cannot_be_read_yet(
    chain: Chain, hasty: Client, emulator: Emulator
) -> None:
    base = chain.base_connection().create(chain.client, A.mark())
    lag(emulator, "source connection", 20)
    user = chain.source(base_connection_id=base.id).create(chain.client)
    (kept,) = tear_down(hasty, A).kept
    assert (kept["id"], kept["reason"]) == (base.id, f"sourceConnections {user.id} refers to it")


# ---- without settle times --------------------------------------------------------------------------------------------


def test_without_settle_times_a_second_run_sends_two_requests_and_never_waits(chain: Chain, emulator: Emulator) -> None:
    requested = {}
    for name, kind in KINDS.items():
        desired = kind.build(chain)
        chain.ensure(desired)
        before = len(emulator.requests())
        assert not chain.ensure(desired).created
        requested[name] = len(emulator.requests()) - before
    # Lists of datasets and mapping sets end only with a page without a new item.
    assert requested == dict.fromkeys(KINDS, 2) | {"dataset": 3}
    assert chain.naps == []
