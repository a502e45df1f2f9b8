"""A dataflow is deleted with its connections and dataset, with the same outcome despite faults and kills."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import PlatformError, UnsettledError
from airflow_provider_payments.aep.provisioning.deletion import Deletion
from airflow_provider_payments.aep.resources.finding import AbsentError
from airflow_provider_payments.aep.resources.flow_service import TARGET_CONNECTION
from airflow_provider_payments.aep.resources.marks import Mark, Writer, deletion_digest
from airflow_provider_payments.aep.resources.switches import rewrite_mark
from tests.aep.chain import FLOW_SERVICE, Chain
from tests.aep.conftest import Stepping
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

LISTS = ("flows", "targetConnections", "sourceConnections")
NAME = "own dataflow"


def remaining(emulator: Emulator) -> int:
    return sum(len(emulator.objects(kind)) for kind in (*LISTS, "dataSets"))


def delete(client: Client, *, dataflow: str = NAME, dataset: bool = False) -> list[str]:
    """Delete as a task does; return the kinds of the deleted objects."""
    deletion = Deletion(client, dataflow, dataset=dataset)
    return [one["kind"] for one in deletion.carry_out(deletion.parts()).removed]


def marks(emulator: Emulator) -> list[Mark | None]:
    return [Mark.read(item["description"]) for kind in LISTS[1:] for item in emulator.objects(kind)]


def test_a_dataflow_is_deleted_before_its_connections_and_without_its_dataset(
    client: Client, flow_id: str, emulator: Emulator
) -> None:
    assert delete(client) == ["dataflow", "target connection", "source connection"]
    assert remaining(emulator) == 1
    with pytest.raises(AbsentError):
        delete(client)


def test_the_dataset_is_deleted_on_request(client: Client, flow_id: str, emulator: Emulator) -> None:
    assert delete(client, dataflow=flow_id, dataset=True)[3:] == ["dataset"]
    assert remaining(emulator) == 0


def test_an_object_that_another_dataflow_uses_is_kept_and_not_marked(
    client: Client, chain: Chain, flow_id: str, emulator: Emulator
) -> None:
    other = chain.ensure(chain.dataflow(name="other")).existing.id
    deletion = Deletion(client, NAME, dataset=True)
    outcome = deletion.carry_out(deletion.parts())
    assert [one["kind"] for one in outcome.removed] == ["dataflow", "source connection"]
    assert {one["kind"]: one["reason"] for one in outcome.kept} == {
        "target connection": f"flows {other} refers to it",
        "dataset": f"targetConnections {chain.target_id} refers to it",
    }
    assert [r["path"].split("/")[-2] for r in emulator.requests(method="PATCH")] == ["sourceConnections"]


def test_a_dataset_with_a_batch_stays(client: Client, chain: Chain, emulator: Emulator) -> None:
    chain.ensure(chain.dataflow(partial_ingestion_percent=5))
    start = emulator.objects("flows")[0]["scheduleParams"]["startTime"]
    emulator.advance(start - emulator.control("GET", "clock")["now"] + 60)
    deletion = Deletion(client, NAME, dataset=True)
    outcome = deletion.carry_out(deletion.parts())
    assert [one["kind"] for one in outcome.kept] == ["dataset"]
    assert "it holds rows: batch" in outcome.kept[0]["reason"]


def test_marks_record_the_deletion_and_keep_their_owner(client: Client, flow_id: str, emulator: Emulator) -> None:
    before = marks(emulator)
    Deletion(client, NAME).parts()
    assert marks(emulator) == [mark and replace(mark, deletion=deletion_digest(NAME)) for mark in before]
    Deletion(client, NAME).parts()
    assert len(emulator.requests(method="PATCH")) == 2


class Killed(BaseException):
    """The end of a process, which no code under test catches."""


def killed_after(requests: int) -> Callable[[], None]:
    """Return a step for a credential that ends the process before one of its requests."""
    left = itertools.count(requests, -1)

    def step() -> None:
        if next(left) == 0:
            raise Killed

    return step


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "created by a person"])
def test_a_second_try_completes_a_deletion_killed_at_any_request(
    make_client: Callable[..., Client],
    emulator: Emulator,
    credential: Callable[..., Any],
    naps: list[float],
    marked: bool,
) -> None:
    for requests in itertools.count():
        emulator.reset()
        chain = Chain(make_client(marks=marked))
        chain.ensure(chain.dataflow())
        given = {name: getattr(credential(), name) for name in ("client_id", "client_secret", "transport", "ims_url")}
        mortal = Stepping(**given, scopes=f"openid,acp.mortal-{requests}", step=killed_after(requests))
        try:
            delete(make_client(credential=mortal), dataset=True)
            break
        except Killed:
            delete(make_client(), dataset=True)
        assert (requests, remaining(emulator)) == (requests, 0)
    assert requests > 20


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("kind", LISTS)
def test_a_lost_answer_to_a_write_does_not_fail_the_deletion(
    faulty: Client, proxy: FaultProxy, flow_id: str, emulator: Emulator, kind: str, method: str
) -> None:
    proxy.fault(method, f"/{kind}/", lose=True)
    assert delete(faulty, dataset=True) == ["dataflow", "target connection", "source connection", "dataset"]
    assert remaining(emulator) == 0


def test_if_the_dataflow_cannot_be_deleted_nothing_is_deleted(
    faulty: Client, proxy: FaultProxy, flow_id: str, emulator: Emulator
) -> None:
    before = remaining(emulator)
    proxy.fault("DELETE", "/flows/", status=403)
    with pytest.raises(PlatformError, match=f"dataflow {flow_id} was not deleted: .*403.*; it is disabled"):
        delete(faulty)
    assert remaining(emulator) == before
    assert emulator.objects("flows")[0]["state"] == "disabled"


def test_a_mark_that_cannot_be_written_is_a_warning(
    faulty: Client, proxy: FaultProxy, flow_id: str, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fault("PATCH", "/targetConnections/", status=403)
    assert delete(faulty, dataset=True)[3:] == ["dataset"]
    assert "cannot be written; if this try is killed, the object stays: " in caplog.text


def test_another_writers_change_of_a_mark_is_kept(
    faulty: Client, client: Client, chain: Chain, proxy: FaultProxy, flow_id: str, emulator: Emulator
) -> None:
    target = TARGET_CONNECTION.get(client, chain.target_id)
    theirs = Writer("sales").mark()
    proxy.fault("PATCH", "/targetConnections/", first=lambda: rewrite_mark(client, TARGET_CONNECTION, target, theirs))
    Deletion(faulty, NAME).parts()
    assert marks(emulator)[0] == replace(theirs, deletion=deletion_digest(NAME))


@pytest.mark.parametrize("status", [409, 412, 428])
def test_nothing_is_deleted_while_other_writers_keep_changing_a_mark(
    faulty: Client, proxy: FaultProxy, flow_id: str, emulator: Emulator, status: int
) -> None:
    proxy.fault("PATCH", "/targetConnections/", status=status, times=3)
    with pytest.raises(UnsettledError, match="could not be marked, because other writers change it"):
        delete(faulty)
    assert len(emulator.objects("flows")) == 1
    assert delete(faulty)[0] == "dataflow"


def test_a_second_try_keeps_a_connection_with_a_new_owner(
    client: Client, faulty: Client, chain: Chain, proxy: FaultProxy, flow_id: str, emulator: Emulator
) -> None:
    Deletion(client, NAME).parts()
    client.request("DELETE", f"{FLOW_SERVICE}/flows/{flow_id}")
    target = TARGET_CONNECTION.get(client, chain.target_id)
    theirs = (TARGET_CONNECTION.mark_of(target) or Writer().mark()).with_owner("finance")
    take_over = partial(rewrite_mark, client, TARGET_CONNECTION, target, theirs)
    proxy.fault("GET", f"/targetConnections/{chain.target_id}", first=take_over)
    assert delete(faulty) == ["source connection"]
    assert marks(emulator) == [theirs]


def test_an_item_with_an_unreadable_id_does_not_fail_the_deletion(
    faulty: Client, proxy: FaultProxy, flow_id: str
) -> None:
    items = b'{"items": [{"id": {"of": "another kind"}, "name": "odd"}]}'
    proxy.fault("GET", "/flows[?]", status=200, body=items)
    assert delete(faulty, dataflow=flow_id) == ["dataflow", "target connection", "source connection"]


def test_without_marks_nothing_is_written_before_a_deletion(
    make_client: Callable[..., Client], flow_id: str, emulator: Emulator
) -> None:
    assert delete(make_client(marks=False)) == ["dataflow", "target connection", "source connection"]
    assert emulator.requests(method="PATCH") == []
