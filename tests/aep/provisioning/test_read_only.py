"""``read_only``: every write is refused before it is sent, and reads are allowed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.api import flow_service, schema_registry
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, ReadOnlyError
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.provisioning.teardown import tear_down
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_specs import find_flow_spec
from airflow_provider_payments.aep.resources.marks import Writer
from tests.aep.chain import CRM_FLOW_SPEC, DATA_PREP, FLOW_SERVICE, KINDS, PAYPAL_SPEC, TABLE, Chain
from tests.aep.provisioning.test_changes_under_faults import DELETABLE, UPDATES, before_and_after
from tests.conftest import PAYPAL, Emulator

ALL_KINDS = pytest.mark.parametrize("name", KINDS)


@pytest.fixture
def reader(make_client: Callable[..., Client]) -> Client:
    return make_client(read_only=True)


def writes(emulator: Emulator, since: int) -> list[str]:
    """The requests since then that are neither reads nor validations nor token requests."""
    return [
        f"{r['method']} {r['path']}"
        for r in emulator.requests()[since:]
        if r["method"] != "GET" and not r["path"].endswith(("/mappingSets/validate", "/ims/token/v3"))
    ]


@ALL_KINDS
def test_no_creation_is_sent(name: str, chain: Chain, reader: Client, emulator: Emulator) -> None:
    desired = KINDS[name].build(chain)
    before = len(emulator.requests())
    with pytest.raises(ReadOnlyError) as refused:
        ensure(reader, desired)
    assert str(refused.value) == f"POST {KINDS[name].path} was not sent: read_only is set in the connection"
    assert not refused.value.retryable
    assert writes(emulator, before) == []


@ALL_KINDS
def test_an_existing_object_is_found(name: str, chain: Chain, reader: Client, emulator: Emulator) -> None:
    desired = KINDS[name].build(chain)
    provisioned = chain.ensure(desired)
    before = len(emulator.requests())
    found = ensure(reader, desired)
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)
    assert writes(emulator, before) == []


@pytest.mark.parametrize("name", UPDATES)
def test_no_change_is_sent(name: str, chain: Chain, reader: Client, emulator: Emulator) -> None:
    desired = before_and_after(chain, name)
    before = len(emulator.requests())
    with pytest.raises(ReadOnlyError, match=f"^PATCH {KINDS[name].path}/"):
        ensure(reader, desired, if_exists="update")
    assert writes(emulator, before) == []


@pytest.mark.parametrize("name", DELETABLE)
def test_no_deletion_is_sent(name: str, chain: Chain, reader: Client, emulator: Emulator) -> None:
    desired: Resource = KINDS[name].build(chain)
    created_object = chain.ensure(desired).existing
    before = len(emulator.requests())
    with pytest.raises(ReadOnlyError, match=f"^DELETE {KINDS[name].path}/{created_object.id} was not sent"):
        desired.kind.delete(reader, created_object)
    assert writes(emulator, before) == []


def test_no_dataflow_is_disabled(chain: Chain, reader: Client, emulator: Emulator) -> None:
    created_object = chain.ensure(chain.dataflow()).existing
    with pytest.raises(ReadOnlyError, match=f"^POST {FLOW_SERVICE}/flows/{created_object.id}/action was not sent"):
        DATAFLOW.disable(reader, created_object)
    assert [item["state"] for item in emulator.objects("flows")] == ["enabled"]


def test_duplicates_are_reported_and_not_changed(chain: Chain, reader: Client, emulator: Emulator) -> None:
    desired = chain.dataflow()
    first = chain.ensure(desired, writer=Writer("payments", "run a")).existing.id
    duplicate = desired.ready(chain.client).create(chain.client, Writer("payments", "run b").mark()).id
    found = ensure(reader, desired, writer=Writer("payments", "run c"), remove_duplicates=True)
    assert {found.existing.id, *found.duplicates} == {first, duplicate}
    assert [item["state"] for item in emulator.objects("flows")] == ["enabled", "enabled"]


def test_no_teardown_deletes_anything(chain: Chain, reader: Client, emulator: Emulator) -> None:
    chain.ensure(chain.source())
    with pytest.raises(ReadOnlyError, match=r"^DELETE "):
        tear_down(reader, Writer())
    assert len(emulator.objects("sourceConnections")) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [f"{FLOW_SERVICE}/flows", f"{DATA_PREP}/mappingSets/validate/x", "/anything"])
def test_any_other_write_is_refused(method: str, path: str, reader: Client, emulator: Emulator) -> None:
    with pytest.raises(ReadOnlyError, match=f"^{method} {path} was not sent"):
        reader.request(method, path, body={})
    assert emulator.requests() == []


def test_a_validation_of_mappings_is_no_write(chain: Chain, reader: Client) -> None:
    assert chain.mapping_set().ready(reader).tenant_id is None  # there is no placeholder to fill
    with pytest.raises(InvalidInputError, match="Data Prep refuses it"):
        chain.mapping_set(mappings={"_emulator.nothing": "Product_Id"}).validate(reader)


def test_lookups_are_allowed(reader: Client) -> None:
    assert find_flow_spec(reader, "CRMToAEP", PAYPAL_SPEC).id == CRM_FLOW_SPEC
    assert schema_registry.tenant_id(reader) == "emulator"
    assert flow_service.test_base_connection(reader, PAYPAL)
    assert "Product_Id" in [column["name"] for column in flow_service.columns(reader, PAYPAL, TABLE)]
