"""Reads by id that lag behind lists: what is listed and answers 404 is not gone before it is older than they lag."""

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
#: Read by its id before it is adopted, each younger than reads may lag.
READ_KINDS = ["base connection", "source connection", "target connection", "dataset", "dataflow", *REGISTRY_KINDS]
A, B = Writer("payments", "a"), Writer("payments", "b")


def lag(emulator: Emulator, name: str, seconds: float) -> None:
    """What the next creation of this kind makes cannot be read for so long."""
    emulator.fail("read_lag", method="POST", path=f"*{KINDS[name].path}", seconds=seconds)


def posts(emulator: Emulator, name: str) -> int:
    return sum(1 for request in emulator.requests(method="POST") if request["path"] == KINDS[name].path)


# ---- what was just made ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGISTRY_KINDS)
@pytest.mark.parametrize("window", [0.0, 10.0])
def test_what_the_registry_made_returns_once_it_can_be_read(
    name: str, window: float, chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    want = KINDS[name].build(chain)
    writer = make_writer(settle_seconds=window, dataflow_settle_seconds=window)
    lag(emulator, name, 20)
    made = writer.ensure(want)
    assert (made.created, writer.naps) == (True, [2.0, 4.0, 8.0, 8.0])
    assert posts(emulator, name) == 1
    assert schema_registry.resource(writer.client, want.kind.collection, made.existing.id)


def test_a_field_group_that_cannot_be_read_at_once_does_not_end_its_schema(writer: Chain, emulator: Emulator) -> None:
    lag(emulator, "field group", 20)
    lag(emulator, "schema", 20)
    assert writer.ensure(writer.dataset()).created


def test_a_mapping_set_returns_once_its_dataflow_can_refer_to_it(writer: Chain, emulator: Emulator) -> None:
    lag(emulator, "mapping set", 9)
    assert writer.ensure(writer.dataflow()).created


def test_a_young_mapping_set_is_read_in_the_version_that_is_adopted(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    want = chain.mapping_set()
    path = f"{want.kind.path}/{chain.ensure(want).existing.id}"
    chain.client.request("PUT", path, body=want.ready(chain.client).payload())
    adopted = writer.ensure(want).existing
    assert want.outputs(adopted, 0.0) == {"version": 1}
    assert [read["query"] for read in emulator.requests(method="GET", path=path)] == ["version=1"]


def test_what_was_made_and_cannot_be_read_in_time_is_worth_another_attempt(
    writer: Chain, emulator: Emulator, chain: Chain
) -> None:
    lag(emulator, "ad-hoc class", 3600)
    with pytest.raises(ReadLagError, match=r"ad-hoc class .* cannot be read: it was created recently") as lagging:
        writer.ensure(chain.ad_hoc_class())
    assert lagging.value.retryable
    assert 30 <= sum(writer.naps) <= 32


# ---- what somebody else just made ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ_KINDS)
def test_a_young_object_that_cannot_be_read_yet_is_adopted_and_not_made_again(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    want = KINDS[name].build(chain)
    lag(emulator, name, 25)
    made = (want.ready(chain.client)).create(chain.client, A.mark())
    found = writer.ensure(want, writer=B)
    assert (found.existing.id, found.created, found.duplicates) == (made.id, False, ())
    assert sum(writer.naps) >= 25


@pytest.mark.parametrize("name", UPDATES)
def test_a_young_object_that_cannot_be_read_yet_is_updated_then(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    want, wider = KINDS[name].build(chain), KINDS[name].build(chain, **UPDATES[name])
    lag(emulator, name, 25)
    made = want.ready(chain.client).create(chain.client, A.mark())
    found = writer.ensure(wider, writer=B, if_exists="update")
    assert (found.existing.id, found.updated) == (made.id, True)


def test_an_update_by_a_field_group_that_is_nowhere_fails_at_once(chain: Chain, writer: Chain) -> None:
    # The registry answers 404 to the change of a schema that is there.
    made = chain.ensure(chain.schema(field_groups=())).existing
    nowhere = made.id.replace("/schemas/", "/mixins/")
    with pytest.raises(RequestError, match=f"PATCH .* 404 - XDM-1011-404 - .* field group resource {nowhere}"):
        writer.ensure(chain.schema(field_groups=(nowhere,)), if_exists="update")
    assert writer.naps == []


def test_a_field_group_unreadable_between_list_and_change_is_changed_later(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    made, groups = chain.ensure(chain.field_group()).existing.id, "*/tenant/fieldgroups/*"
    emulator.fail("status", status=404, method="PATCH", path=groups)
    # Three reads come before the change, and one after its refusal.
    emulator.fail("status", status=404, method="GET", path=groups, nth=4)
    changed = writer.ensure(chain.field_group(fields={"a": "string"}), if_exists="update")
    assert (changed.existing.id, changed.updated) == (made, True)
    assert [r["status"] for r in emulator.requests(method="PATCH", path="/data/foundation/schemaregistry")] == [
        404,
        200,
    ]


def test_a_title_taken_by_what_is_not_visible_yet_is_waited_for(
    chain: Chain, writer: Chain, proxy: FaultProxy, emulator: Emulator, make_writer: Callable[..., Chain]
) -> None:
    other = make_writer(proxy.url)
    lag(emulator, "ad-hoc class", 20)
    made = chain.ad_hoc_class().create(chain.client)
    proxy.fault("GET", "/tenant/classes?", status=200, body=b'{"results": []}')
    assert other.ensure(chain.ad_hoc_class()).existing.id == made.id


def test_a_title_that_is_taken_by_what_is_hidden_names_the_object(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    made = chain.ensure(chain.ad_hoc_class()).existing.id
    emulator.control("POST", "hidden", json={"kind": "classes", "id": made})
    with pytest.raises(ReadLagError, match=rf"'own class' \(.* An object {made} already exists .*\) cannot be read"):
        writer.ensure(chain.ad_hoc_class())


@pytest.mark.parametrize("name", ["source connection", "dataflow"])
def test_the_older_of_two_that_cannot_be_read_yet_still_is_the_one(
    name: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    want = KINDS[name].build(chain)
    lag(emulator, name, 25)
    oldest = want.ready(chain.client).create(chain.client, A.mark())
    emulator.advance(1)
    other = want.create(chain.client, B.mark())
    found = writer.ensure(want, writer=Writer("payments", "c"))
    assert (found.existing.id, found.duplicates) == (oldest.id, (other.id,))


def test_an_old_object_that_answers_404_is_gone_as_ever(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    made = chain.ensure(chain.source()).existing
    emulator.advance(31)
    emulator.fail("list_lag", method="DELETE", seconds=600)
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{made.id}")
    outcome = writer.ensure(chain.source())
    assert outcome.created
    assert outcome.existing.id != made.id


def test_a_young_object_that_is_truly_gone_is_made_again_in_the_same_attempt(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    made = chain.ensure(chain.source()).existing
    emulator.fail("list_lag", method="DELETE", seconds=600)
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{made.id}")
    outcome = writer.ensure(chain.source())
    assert outcome.created
    assert outcome.existing.id != made.id


def test_no_wait_for_a_read_outlasts_the_operation(
    chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    hasty = make_writer(settle_seconds=1.0, dataflow_settle_seconds=1.0, operation_timeout=12.0)
    lag(emulator, "source connection", 25)
    chain.source().create(chain.client)
    with pytest.raises(ReadLagError):
        hasty.ensure(chain.source())
    assert sum(hasty.naps) <= 12.0


# ---- what a dataflow refers to ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["source connection", "target connection", "mapping set"])
def test_a_reference_that_cannot_be_read_yet_is_not_different(
    kind: str, chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    made = chain.ensure(chain.dataflow())
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
    assert (found.existing.id, found.created) == (made.existing.id, False)
    assert sum(writer.naps) >= 20


def test_a_reference_that_no_list_shows_is_gone_at_once(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.dataflow())
    emulator.advance(600)
    gone = chain.source(name="another of the same").create(chain.client).id
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{gone}")
    with pytest.raises(ConflictError, match="sourceConnectionIds"):
        writer.ensure(chain.dataflow(source_connection_id=gone))
    assert writer.naps == []


# ---- what is deleted -------------------------------------------------------------------------------------------------


def test_a_duplicate_of_ones_own_that_cannot_be_read_yet_is_removed_then(
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


def test_a_teardown_removes_what_cannot_be_read_at_once(chain: Chain, hasty: Client, emulator: Emulator) -> None:
    lag(emulator, "source connection", 20)
    source = chain.source().create(chain.client, A.mark())
    assert [told["id"] for told in tear_down(hasty, A).removed] == [source.id]
    assert emulator.objects("sourceConnections") == []


def test_a_teardown_keeps_what_something_refers_to_that_cannot_be_read_yet(
    chain: Chain, hasty: Client, emulator: Emulator
) -> None:
    base = chain.base_connection().create(chain.client, A.mark())
    lag(emulator, "source connection", 20)
    user = chain.source(base_connection_id=base.id).create(chain.client)
    (kept,) = tear_down(hasty, A).kept
    assert (kept["id"], kept["reason"]) == (base.id, f"sourceConnections {user.id} refers to it")


# ---- without settle times --------------------------------------------------------------------------------------------


def test_without_settle_times_a_second_run_asks_and_waits_as_ever(chain: Chain, emulator: Emulator) -> None:
    asked = {}
    for name, kind in KINDS.items():
        want = kind.build(chain)
        chain.ensure(want)
        before = len(emulator.requests())
        assert not chain.ensure(want).created
        asked[name] = len(emulator.requests()) - before
    # Only a page without anything new is the end of the lists of datasets and mapping sets.
    assert asked == dict.fromkeys(KINDS, 2) | {"dataset": 3}
    assert chain.naps == []
