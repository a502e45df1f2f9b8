"""Judging a change: the update that would be sent, or the reason why none is possible; no request writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client, Reads
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.base import Change, Resource, Unchangeable
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import FIELDS, FLOW_SERVICE, KINDS, UPDATES, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy


class Reader:
    """A reader as a plan uses it, without any method that writes."""

    settle_seconds = dataflow_settle_seconds = 0.0

    def __init__(self, client: Client) -> None:
        self._client = client

    def now(self) -> float:
        return self._client.now()

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._client.get(*args, **kwargs)

    def walk(self, *args: Any) -> Iterator[list[Any]]:
        return self._client.walk(*args)

    def once(self, name: str, request: Callable[[], str]) -> str:
        return self._client.once(name, request)


@pytest.fixture
def reader(chain: Chain) -> Reads:
    return Reader(chain.client)


def judged(reads: Reads, desired: Resource, existing: RemoteObject, now: float | None = None) -> Change | Unchangeable:
    differences = desired.differences(reads, existing)
    return desired.judge(existing, differences, reads.now() if now is None else now)


# ---- every kind ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_read_only_reader_finds_and_compares_any_kind(
    name: str, chain: Chain, reader: Reads, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    created_object = chain.ensure(desired).existing
    writes = len([r for r in emulator.requests() if r["method"] != "GET"])
    (listed,) = desired.look_up(reader)
    assert [existing.id for existing in desired.search_by_second_key(reader)] in ([created_object.id], [])
    assert desired.differences(reader, listed) == []
    assert created_object.id in [existing.id for existing in desired.kind.list_all(reader, 2)]
    assert "limit=2" in str(emulator.requests()[-1])
    assert desired.ready(reader).name == desired.name
    assert len([r for r in emulator.requests() if r["method"] != "GET"]) == writes


@pytest.mark.parametrize("name", KINDS)
def test_an_object_found_by_id_is_compared_regardless_of_its_name(name: str, chain: Chain, reader: Reads) -> None:
    created_object = chain.ensure(KINDS[name].build(chain)).existing
    existing = KINDS[name].build(chain).kind.find(reader, created_object.id)
    assert existing is not None
    renamed = [d.field for d in KINDS[name].build(chain, name="another").differences(reader, existing)]
    assert renamed == ["name"] if name == "dataflow" else renamed == []


@pytest.mark.parametrize("name", ["source connection", "dataset", "dataflow"])
def test_a_deleted_object_is_not_found_by_its_id(name: str, chain: Chain, reader: Reads) -> None:
    kind: Kind = KINDS[name].build(chain).kind
    assert kind.find(reader, "3abea21c-7e36-4be1-bec1-d3bad0e3e0de") is None


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_sends_the_judged_change(name: str, chain: Chain, reader: Reads) -> None:
    created_object = chain.ensure(KINDS[name].build(chain)).existing
    desired = KINDS[name].build(chain, **UPDATES[name])
    (existing,) = desired.look_up(reader)
    change = judged(reader, desired, existing)
    assert isinstance(change, Change)
    assert change.operations
    assert chain.ensure(KINDS[name].build(chain)).existing.id == created_object.id  # nothing was sent
    desired.send(chain.client, existing, change)
    (existing,) = desired.look_up(reader)
    assert desired.differences(reader, existing) == []


def test_a_field_group_is_judged_by_its_list_item(chain: Chain, reader: Reads) -> None:
    chain.ensure(chain.field_group())
    desired = chain.field_group(fields=FIELDS | {"product.price": "number", "product.name": "integer"})
    (existing,) = desired.look_up(reader)
    fixed = judged(reader, desired, existing)
    assert isinstance(fixed, Unchangeable)
    assert [d.field for d in fixed.differences] == ["fields.product.name (type)"]
    assert fixed.advice.startswith("An update only adds fields")


def test_listed_fields_without_references_are_compared_without_a_read(
    chain: Chain, reader: Reads, emulator: Emulator
) -> None:
    chain.ensure(chain.field_group())
    (existing,) = chain.field_group().look_up(reader)
    before = len(emulator.requests())
    assert chain.field_group(fields={"product.name": "string"}).differences(reader, existing) == []
    assert len(emulator.requests()) == before
    reference = {"$ref": "https://ns.adobe.com/emulator/datatypes/a"}
    fields = {"_emulator": {"type": "object", "properties": {"product": {"type": "object"} | reference}}}
    item = existing.item | {"definitions": {"customFields": {"properties": fields}}}
    chain.field_group().differences(reader, RemoteObject(existing.id, item=item))
    assert len(emulator.requests()) == before + 1


@pytest.mark.parametrize("name", ["field group", "ad-hoc class"])
def test_fields_missing_in_a_list_are_read_before_they_differ(
    name: str, chain: Chain, reader: Reads, emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    chain.ensure(desired)
    (existing,) = desired.look_up(reader)
    late = json.loads(json.dumps(existing.item).replace("Product_Id", "Other").replace('"product"', '"other"'))
    before = len(emulator.requests())
    assert desired.differences(reader, RemoteObject(existing.id, existing.created, existing.etag, late)) == []
    assert len(emulator.requests()) == before + 1


def test_a_mapping_set_found_by_id_is_compared_by_content(chain: Chain, reader: Reads) -> None:
    created_object = chain.ensure(chain.mapping_set()).existing
    existing = chain.mapping_set().kind.find(reader, created_object.id)
    assert existing is not None
    alike = {"_{TENANT_ID}.product.name": "Product_Name", "_id": "Product_Id"}
    assert chain.mapping_set(mappings=alike).differences(reader, existing) == []
    other = chain.mapping_set(mappings={"_id": "Type"})
    assert [d.field for d in other.differences(reader, existing)] == ["mappings"]
    assert isinstance(judged(reader, other, existing), Unchangeable)


# ---- time limits -----------------------------------------------------------------------------------------------------

QUARTER = Schedule("minute", 15)
LIMITS: dict[str, tuple[Schedule, dict[str, Any], str, bool]] = {
    # name: existing schedule, desired arguments, code of the refusal, whether it is refused before the start too
    "to a single run": (QUARTER, {"schedule": Schedule()}, "FLOW-1403", False),
    "backfill": (QUARTER, {"schedule": Schedule("minute", 15, backfill=False)}, "FLOW-1404", False),
    "mapping of a single run": (Schedule(), {"schedule": Schedule(), "mapping_set_id": "other"}, "FLOW-1366", True),
}


@pytest.mark.parametrize(("before", "requested", "code", "always"), LIMITS.values(), ids=LIMITS)
def test_a_change_after_the_start_is_judged_fixed(
    before: Schedule,
    requested: dict[str, Any],
    code: str,
    always: bool,
    chain: Chain,
    reader: Reads,
    emulator: Emulator,
) -> None:
    if "mapping_set_id" in requested:
        requested |= {"mapping_set_id": chain.ensure(chain.mapping_set(mappings={"_id": "Type"})).existing.id}
    chain.ensure(chain.dataflow(schedule=before))
    desired = chain.dataflow(**requested)
    (existing,) = desired.look_up(reader)
    start = existing.item["scheduleParams"]["startTime"]
    assert isinstance(judged(reader, desired, existing, start - 1), Unchangeable) is always
    fixed = judged(reader, desired, existing, start)
    assert isinstance(fixed, Unchangeable)
    assert code in fixed.advice
    # The service refuses the update.
    emulator.advance(300)
    change = desired.change(existing, desired.differences(reader, existing))
    with pytest.raises(Exception, match=code):
        desired.send(chain.client, existing, change)


def test_transformations_of_one_name_keep_their_own_parameters(chain: Chain, reader: Reads) -> None:
    chain.ensure(chain.dataflow())
    desired = chain.dataflow(delta_column=DeltaColumn("Type"))
    (existing,) = desired.look_up(reader)
    copy, mapping = existing.item["transformations"]
    first = copy | {"params": copy["params"] | {"own": 1}}
    live = RemoteObject(existing.id, item=existing.item | {"transformations": [first, copy, mapping]})
    change = judged(reader, desired, live)
    assert isinstance(change, Change)
    (step,) = change.operations
    assert [shown["params"].get("own") for shown in step["value"]] == [1, None, None]
    assert [shown["params"].get("deltaColumn", {}).get("name") for shown in step["value"]] == ["Type", "Type", None]


def test_an_interval_can_be_changed_after_the_start(chain: Chain, reader: Reads) -> None:
    chain.ensure(chain.dataflow())
    desired = chain.dataflow(schedule=Schedule("minute", 30))
    (existing,) = desired.look_up(reader)
    assert isinstance(judged(reader, desired, existing, existing.item["scheduleParams"]["startTime"] + 1), Change)


# ---- state, name and description -------------------------------------------------------------------------------------


def switched(chain: Chain, op: str) -> None:
    (flow,) = chain.dataflow().look_up(chain.client)
    chain.post(f"{FLOW_SERVICE}/flows/{flow.id}/action", None, op=op)


@pytest.mark.parametrize(
    ("op", "enabled", "verdict"),
    [
        ("disable", True, Change((), "enable")),
        ("enable", False, Change((), "disable")),
        ("disable", False, Change()),
        ("enable", True, Change()),
        ("enable", None, Change()),
    ],
)
def test_a_state_that_the_user_set_is_changed(
    op: str, enabled: bool | None, verdict: Change, chain: Chain, reader: Reads, emulator: Emulator
) -> None:
    chain.ensure(chain.dataflow())
    switched(chain, op)
    desired = chain.dataflow(enabled=enabled)
    (existing,) = desired.look_up(reader)
    assert judged(reader, desired, existing) == verdict
    found = chain.ensure(desired, if_exists="update")
    assert found.updated is (verdict != Change())
    assert emulator.objects("flows")[0]["state"] == ("disabled" if enabled is False else "enabled")


def test_a_state_that_the_user_did_not_set_stays(chain: Chain, reader: Reads) -> None:
    chain.ensure(chain.dataflow())
    switched(chain, "disable")
    (existing,) = chain.dataflow().look_up(reader)
    fixed = judged(reader, chain.dataflow(), existing)
    assert isinstance(fixed, Unchangeable)
    assert [d.field for d in fixed.differences] == ["state"]
    assert re.match(r"The dataflow is disabled, and was last changed at 20\S+\+00:00: enable it", fixed.advice)


def test_a_draft_is_not_enabled_by_an_update(chain: Chain, reader: Reads) -> None:
    chain.ensure(chain.dataflow())
    (existing,) = chain.dataflow().look_up(reader)
    draft = RemoteObject(existing.id, item=existing.item | {"state": "draft"})
    assert isinstance(judged(reader, chain.dataflow(enabled=True), draft), Unchangeable)


def test_a_dataflow_is_created_disabled_on_request(chain: Chain, emulator: Emulator) -> None:
    desired = chain.dataflow(enabled=False)
    assert chain.ensure(desired).created
    (flow,) = emulator.objects("flows")
    assert flow["state"] == "disabled"
    assert not chain.ensure(desired).updated


def test_a_concurrent_change_of_a_new_disabled_dataflow_is_kept(
    chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    def change() -> None:
        (flow,) = emulator.objects("flows")
        patch = [{"op": "replace", "path": "/scheduleParams/interval", "value": 45}]
        path, headers = f"{FLOW_SERVICE}/flows/{flow['id']}", {"If-Match": flow["etag"]}
        chain.client.request("PATCH", path, body=patch, headers=headers)

    desired = chain.dataflow(enabled=False)
    proxy.fault("POST", "/action", status=503, first=change)
    proxy.fault("POST", "/action", status=503)
    assert ensure(make_client(proxy.url), desired).created
    (flow,) = emulator.objects("flows")
    assert (flow["state"], flow["scheduleParams"]["interval"]) == ("disabled", 45)


@pytest.mark.parametrize("enabled", [None, False])
def test_a_later_try_without_update_keeps_another_writers_description(
    enabled: bool | None, chain: Chain, emulator: Emulator
) -> None:
    desired = chain.dataflow(description="ours", enabled=enabled)
    created_object = chain.ensure(desired).existing
    (flow,) = emulator.objects("flows")
    text = flow["description"].replace("ours", "theirs")
    patch = [{"op": "replace", "path": "/description", "value": text}]
    chain.client.request(
        "PATCH", f"{desired.kind.path}/{created_object.id}", body=patch, headers={"If-Match": flow["etag"]}
    )
    again = chain.ensure(desired, attempt=2)
    assert (again.existing.id, again.updated) == (created_object.id, False)
    assert emulator.objects("flows")[0]["description"] == text


def test_an_enabled_dataflow_is_adopted_if_no_update_is_allowed(chain: Chain, emulator: Emulator) -> None:
    provisioned = chain.ensure(chain.dataflow())
    assert chain.ensure(chain.dataflow(enabled=False)).existing.id == provisioned.existing.id
    assert emulator.objects("flows")[0]["state"] == "enabled"


def test_a_dataflow_found_by_its_id_is_renamed_in_place(chain: Chain, reader: Reads, emulator: Emulator) -> None:
    created_object = chain.ensure(chain.dataflow()).existing
    desired = chain.dataflow(name="another", source_connection_id=chain.source_id)
    existing = desired.kind.find(reader, created_object.id)
    assert existing is not None
    change = judged(reader, desired, existing)
    assert change == Change(({"op": "add", "path": "/name", "value": "another"},))
    assert isinstance(change, Change)
    desired.send(chain.client, existing, change)
    (flow,) = emulator.objects("flows")
    assert (flow["id"], flow["name"]) == (created_object.id, "another")


@pytest.mark.parametrize("name", ["dataflow", "schema", "dataset"])
@pytest.mark.parametrize("marked", [True, False])
def test_an_update_sets_a_description_and_keeps_the_mark(
    name: str, marked: bool, chain: Chain, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    chain = chain if marked else Chain(make_client(marks=False))
    provisioned = chain.ensure(KINDS[name].build(chain, description="as it was"))
    mark = provisioned.resource.kind.mark_of(next(iter(provisioned.resource.look_up(chain.client)))) if marked else None
    desired = KINDS[name].build(chain, description="as it shall be")
    # The description does not decide whether an object matches.
    assert chain.ensure(desired).existing.id == provisioned.existing.id
    assert not chain.ensure(desired).updated
    assert chain.ensure(desired, if_exists="update").updated
    (existing,) = desired.look_up(chain.client)
    in_text = f" {mark}" if mark and name != "dataset" else ""
    assert existing.item["description"] == f"as it shall be{in_text}"
    assert desired.kind.carries_mark
    assert desired.kind.mark_of(existing) == mark
    assert not chain.ensure(desired, if_exists="update").updated
    assert not chain.ensure(KINDS[name].build(chain), if_exists="update").updated
