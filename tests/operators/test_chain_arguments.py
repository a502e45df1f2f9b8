"""The owner, DAG run and number of the try that operators pass to provisioning."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.transport import Clock
from airflow_provider_payments.aep.resources.marks import Mark, Writer
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.connections import (
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.conftest import Emulator
from tests.operators.chain import TaskInstance, build, context, run

SOURCES = "*/sourceConnections"
#: The emulator's collections of the kinds that carry a mark.
MARKED = ("fieldgroups", "schemas", "dataSets", "sourceConnections", "targetConnections", "flows")


def mark_of(item: dict[str, Any]) -> Mark:
    """Return the mark of an object, which must have one."""
    texts = (item.get("tags") or {}).get("airflow/mark", [item.get("description")])
    mark = Mark.read(texts[0])
    assert mark is not None, item
    return mark


def in_dag(operator: type[BaseOperator], dag_id: str = "paypal.products-2", **changes: Any) -> BaseOperator:
    with DAG(dag_id=dag_id, schedule=None):
        return build(operator, **changes)


def source_mark(emulator: Emulator, run_id: str = "", dag_id: str = "shop", **changes: Any) -> Mark:
    """Create a source connection in a DAG run; return its mark."""
    in_dag(CreateSourceConnectionOperator, dag_id, **changes).execute(context(run_id=run_id))
    return mark_of(emulator.objects("sourceConnections")[-1])


def with_client(operator: BaseOperator, client: Client) -> BaseOperator:
    hook = ExperiencePlatformHook()
    hook.client = client
    operator.hook = hook  # type: ignore[attr-defined]
    return operator


# ---- owners --------------------------------------------------------------------------------------------------------


def test_all_objects_of_a_dag_run_carry_its_dag_and_run(connected: Emulator) -> None:
    def make(operator: type[BaseOperator], **changes: Any) -> str:
        return str(in_dag(operator, **changes).execute(context(run_id="manual__1"))["id"])

    schema = make(CreateTargetSchemaOperator)
    dataset = make(CreateTargetDatasetOperator, schema_id=schema)
    make(
        CreateDataflowOperator,
        source_connection_id=make(CreateSourceConnectionOperator, description="PayPal"),
        target_connection_id=make(CreateTargetConnectionOperator, schema_id=schema, dataset_id=dataset),
        mapping_set_id=make(CreateMappingSetOperator, schema_id=schema),
    )
    marks = [mark_of(item) for kind in MARKED for item in connected.objects(kind)]
    digest = Writer("paypal.products-2", "manual__1", "paypal.products-2").run_digest
    assert {(mark.owner, mark.run) for mark in marks} == {("paypal.products-2", digest)}
    assert len({mark.nonce for mark in marks}) == len(marks) == len(MARKED)
    (source,) = connected.objects("sourceConnections")
    assert source["description"] == f"PayPal {mark_of(source)}"


def test_a_given_chain_is_the_owner_instead_of_the_dag(connected: Emulator) -> None:
    assert source_mark(connected).owner == "shop"
    assert source_mark(connected, name="named", chain="payments_eu").owner == "payments_eu"
    assert source_mark(connected, name="blank", chain="").owner == "shop"


def test_a_chain_may_be_a_template(connected: Emulator) -> None:
    step = in_dag(CreateSourceConnectionOperator, chain="{{ params.shop }}_payments")
    step.render_template_fields({"params": {"shop": "berlin"}})
    step.execute(context())
    assert [mark_of(item).owner for item in connected.objects("sourceConnections")] == ["berlin_payments"]


def test_a_task_outside_a_dag_has_the_owner_manual(connected: Emulator) -> None:
    run(CreateSourceConnectionOperator)
    assert [mark_of(item).owner for item in connected.objects("sourceConnections")] == ["manual"]


@pytest.mark.parametrize("chain", ["two words", "a]", "a#b", "a\n", "a" * 251, 5, ["a"]], ids=repr)
def test_a_chain_that_no_mark_can_carry_is_refused_before_any_request(connected: Emulator, chain: Any) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match=r"chain="):
        run(CreateSourceConnectionOperator, chain=chain)
    assert connected.requests() == []


def test_marks_differ_between_runs_but_not_between_tries(connected: Emulator) -> None:
    first = source_mark(connected, "scheduled__2026-01-01", name="1")
    again = source_mark(connected, "scheduled__2026-01-01", name="2")
    later = source_mark(connected, "scheduled__2026-01-02", name="3")
    other = source_mark(connected, "scheduled__2026-01-01", dag_id="square", name="4")
    assert first.run == again.run
    assert len({first.run, later.run, other.run}) == 3
    assert len({mark.nonce for mark in (first, again, later, other)}) == 4


def test_without_marks_a_description_is_sent_unchanged(connected: Emulator, connect: Callable[..., None]) -> None:
    connect(connected.url, marks="false")
    run(CreateSourceConnectionOperator, description="PayPal")
    assert [item["description"] for item in connected.objects("sourceConnections")] == ["PayPal"]


# ---- tries ---------------------------------------------------------------------------------------------------------


def lose_the_answer_and_the_search(emulator: Emulator) -> None:
    """Let the answer to the next creation be lost, and the search after it fail."""
    emulator.fail("apply_then_drop", method="POST", path=SOURCES)
    emulator.fail("status", method="GET", path=SOURCES, nth=3, status=503, headers={"Retry-After": "3600"})


def attempt(try_number: int, run_id: str = "one", **changes: Any) -> dict[str, Any]:
    step = build(CreateSourceConnectionOperator, if_exists="fail", **changes)
    return dict(step.execute(context(TaskInstance(try_number), run_id)))


def test_a_second_try_adopts_the_object_of_a_lost_answer(connected: Emulator) -> None:
    lose_the_answer_and_the_search(connected)
    with pytest.raises(ExperiencePlatformUnavailableError, match="503"):
        attempt(1)
    (created,) = connected.objects("sourceConnections")
    assert attempt(2)["id"] == created["id"]
    assert len(connected.posted("/sourceConnections")) == 1


@pytest.mark.parametrize(("try_number", "run_id"), [(1, "one"), (2, "two")], ids=["first try", "another run"])
def test_fail_refuses_an_object_that_no_earlier_try_created(connected: Emulator, try_number: int, run_id: str) -> None:
    lose_the_answer_and_the_search(connected)
    with pytest.raises(ExperiencePlatformUnavailableError):
        attempt(1)
    with pytest.raises(ExperiencePlatformFailedError, match=r"exists already.*if_exists='fail'"):
        attempt(try_number, run_id)


@pytest.mark.parametrize(("try_number", "waits"), [(1, 1), (2, 2)], ids=["first", "second"])
def test_only_a_later_try_waits_for_creations_of_an_earlier_one(
    emulator: Emulator, make_client: Callable[..., Client], naps: list[float], try_number: int, waits: int
) -> None:
    step = with_client(build(CreateSourceConnectionOperator), make_client(settle_seconds=10.0))
    assert step.execute(context(TaskInstance(try_number)))["created"]
    # A settle time of 10 s, plus 1 s because the service's time is in whole seconds.
    assert round(sum(naps) / 11) == waits


class Killed(BaseException):
    """The end of a process, which no handler catches."""


def test_the_next_try_continues_one_killed_after_its_request(
    emulator: Emulator, make_client: Callable[..., Client]
) -> None:
    def kill(seconds: float) -> None:
        raise Killed

    dying = make_client(settle_seconds=10.0, clock=Clock(sleep=kill))
    with pytest.raises(Killed):
        with_client(build(CreateSourceConnectionOperator), dying).execute(context(run_id="one"))
    (left,) = emulator.objects("sourceConnections")
    next_try = with_client(build(CreateSourceConnectionOperator), make_client(settle_seconds=10.0))
    created = next_try.execute(context(TaskInstance(2), "one"))
    assert (created["id"], created["duplicates"]) == (left["id"], [])
    assert len(emulator.posted("/sourceConnections")) == 1


# ---- duplicates ----------------------------------------------------------------------------------------------------


@pytest.fixture
def duplicates(connected: Emulator) -> list[str]:
    """Provide the ids of three equal source connections of one chain, the oldest first, created by earlier runs."""
    body = build(CreateSourceConnectionOperator).resource().payload()  # type: ignore[attr-defined]
    client = ExperiencePlatformHook().client
    for number in range(3):
        marked = body | {"description": str(Writer("shop", f"run {number}").mark())}
        client.request("POST", "/data/foundation/flowservice/sourceConnections", body=marked)
        connected.advance(60)
    return [item["id"] for item in connected.objects("sourceConnections")]


def left(emulator: Emulator) -> list[str]:
    return [item["id"] for item in emulator.objects("sourceConnections")]


@pytest.mark.parametrize("given", [{}, *({"remove_duplicates": value} for value in (False, "false", None))])
def test_duplicates_are_reported_and_kept(
    connected: Emulator, duplicates: list[str], given: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    result = run(CreateSourceConnectionOperator, chain="shop", **given)
    assert (result["id"], result["created"]) == (duplicates[0], False)
    assert sorted(result["duplicates"]) == sorted(duplicates[1:])
    assert json.loads(json.dumps(result)) == result
    assert left(connected) == duplicates
    warned = [record.getMessage() for record in caplog.records if "remove_duplicates=True would" in record.getMessage()]
    assert [[copy in line for copy in result["duplicates"]] for line in warned] == [[True, False], [False, True]]


@pytest.mark.parametrize("given", [True, "true", "True"], ids=repr)
def test_duplicates_of_the_chain_are_removed_on_request(
    connected: Emulator, duplicates: list[str], given: object
) -> None:
    result = run(CreateSourceConnectionOperator, chain="shop", remove_duplicates=given)
    assert (result["id"], result["duplicates"]) == (duplicates[0], [])
    assert left(connected) == duplicates[:1]


def test_duplicates_of_another_chain_are_never_removed(connected: Emulator, duplicates: list[str]) -> None:
    result = run(CreateSourceConnectionOperator, chain="other", remove_duplicates=True)
    assert sorted(result["duplicates"]) == sorted(duplicates[1:])
    assert left(connected) == duplicates


def test_remove_duplicates_other_than_a_boolean_is_refused_before_any_request(connected: Emulator) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match="remove_duplicates='perhaps'"):
        run(CreateSourceConnectionOperator, remove_duplicates="perhaps")
    assert connected.requests() == []
