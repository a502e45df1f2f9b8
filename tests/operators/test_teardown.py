"""``TeardownChainOperator``: the objects that it removes and keeps, its output and its log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import airflow
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator
from tests.conftest import PAYPAL, Emulator
from tests.operators.airflow_database import migrate
from tests.operators.chain import TaskInstance, build, context, make_dataflow, make_ends, run
from tests.sensors.flows import advance_to_run

Outcome = dict[str, list[dict[str, str]]]
REMOVABLE = ("flows", "targetConnections", "sourceConnections", "dataSets")
LATER: dict[str, Any] = {"start_time": 2222222222}


def tear_down(run_id: str = "one", task: Any = None, **arguments: Any) -> Outcome:
    """Execute the operator in a DAG run; return its output."""
    return dict(TeardownChainOperator(task_id="teardown", **arguments).execute(context(task, run_id)))


def existing_ids(emulator: Emulator, *kinds: str) -> list[str]:
    return [item["id"] for kind in kinds or REMOVABLE for item in emulator.objects(kind)]


def ids(found: list[dict[str, str]]) -> list[str]:
    return [entry["id"] for entry in found]


class RunningTask(TaskInstance):
    """A task instance of a DAG with a number of active runs."""

    dag_id = "shop"

    def __init__(self, active_runs: int) -> None:
        super().__init__()
        self.active_runs = active_runs

    def get_dr_count(self, dag_id: str, states: list[str]) -> int:
        assert (dag_id, states) == ("shop", ["running"])
        return self.active_runs


def test_a_teardown_removes_its_runs_objects_and_lists_undeletable_ones(connected: Emulator) -> None:
    ends = make_ends(run_id="one")
    (dataset,), (schema,) = connected.objects("dataSets"), connected.objects("schemas")
    (field_group,) = connected.objects("fieldgroups")
    found = tear_down()
    assert found == {
        "removed": [
            {"kind": "target connection", "id": ends["target_connection_id"], "name": "products - target"},
            {"kind": "source connection", "id": ends["source_connection_id"], "name": "products - source"},
            {"kind": "dataset", "id": dataset["id"], "name": "products"},
        ],
        "kept": [],
        "left_over": [
            {"kind": "schema", "id": schema["$id"], "name": "products"},
            {"kind": "field group", "id": field_group["$id"], "name": "products - fields"},
            {"kind": "mapping set", "id": ends["mapping_set_id"], "name": "products - mapping"},
        ],
    }
    assert json.loads(json.dumps(found)) == found
    assert existing_ids(connected) == []
    assert len(existing_ids(connected, "mappingSets")) == len(connected.objects("schemas")) == 1


def test_objects_of_other_runs_chains_and_users_are_kept(connected: Emulator) -> None:
    others = [
        run(CreateSourceConnectionOperator, name="of another run", run_id="two")["id"],
        run(CreateSourceConnectionOperator, name="of another chain", run_id="one", chain="other")["id"],
    ]
    mine = run(CreateSourceConnectionOperator, run_id="one")["id"]
    found = tear_down()
    assert found == {
        "removed": [{"kind": "source connection", "id": mine, "name": "products - source"}],
        "kept": [],
        "left_over": [],
    }
    assert existing_ids(connected) == others
    assert PAYPAL in existing_ids(connected, "connections")
    assert ids(tear_down(chain="other")["removed"]) == others[1:]


def test_a_base_connection_is_deleted_after_its_source_connection(
    connected: Emulator, connect_vendor: Callable[..., None]
) -> None:
    connect_vendor(host="api.sandbox.paypal.com", login="client", password="secret")
    base = run(CreateBaseConnectionOperator, run_id="one")["id"]
    source = run(CreateSourceConnectionOperator, base_connection_id=base, run_id="one")["id"]
    assert ids(tear_down()["removed"]) == [source, base]
    assert base not in existing_ids(connected, "connections")


@pytest.mark.parametrize("dataflows", [False, "false", None], ids=repr)
def test_a_complete_chain_is_kept(connected: Emulator, dataflows: object) -> None:
    flow = make_dataflow(run_id="one", **LATER)["id"]
    before = existing_ids(connected)
    found = tear_down(dataflows=dataflows)
    assert found["removed"] == []
    assert {entry["kind"]: entry["reason"] for entry in found["kept"]} == {
        "target connection": f"flows {flow} refers to it",
        "source connection": f"flows {flow} refers to it",
        "dataset": f"targetConnections {found['kept'][0]['id']} refers to it",
    }
    assert existing_ids(connected) == before
    assert connected.requests(method="DELETE") == []


@pytest.mark.parametrize("dataflows", [True, "true"], ids=repr)
def test_with_dataflows_the_whole_chain_is_deleted(connected: Emulator, dataflows: object) -> None:
    make_dataflow(run_id="one", **LATER)
    found = tear_down(dataflows=dataflows)
    assert [entry["kind"] for entry in found["removed"]] == [
        "dataflow",
        "target connection",
        "source connection",
        "dataset",
    ]
    assert (found["kept"], existing_ids(connected)) == ([], [])


def test_objects_that_a_later_runs_dataflow_adopted_are_kept(connected: Emulator) -> None:
    ends = make_ends(run_id="one")
    flow = run(CreateDataflowOperator, run_id="two", **ends, **LATER)["id"]
    before = existing_ids(connected)
    found = tear_down(dataflows=True)
    assert (found["removed"], existing_ids(connected)) == ([], before)
    assert f"flows {flow} refers to it" in [entry["reason"] for entry in found["kept"]]


def test_a_dataset_with_rows_is_kept(connected: Emulator) -> None:
    make_dataflow(run_id="one", partial_ingestion_percent=5)
    advance_to_run(connected)
    (batch,) = connected.objects("batches")
    (dataset,) = connected.objects("dataSets")
    found = tear_down(dataflows=True)
    assert found["kept"] == [
        {"kind": "dataset", "id": dataset["id"], "name": "products", "reason": f"it holds rows: batch {batch['id']}"}
    ]
    assert connected.rows(dataset["id"])["count"] > 0


def test_a_repeated_teardown_removes_nothing(connected: Emulator) -> None:
    make_ends(run_id="one")
    first, second = tear_down(), tear_down()
    assert len(first["removed"]) == 3
    assert second == first | {"removed": []}


def test_a_run_that_created_nothing_is_no_error(connected: Emulator) -> None:
    assert tear_down() == {"removed": [], "kept": [], "left_over": []}


def test_a_teardown_logs_removed_kept_and_left_over_objects(
    connected: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    source = run(CreateSourceConnectionOperator, run_id="one")["id"]
    tear_down()
    output = capsys.readouterr().out
    assert f"Removed: [{{'kind': 'source connection', 'id': '{source}', 'name': 'products - source'}}]" in output
    assert "Kept: nothing" in output
    assert "Left over: nothing" in output


def test_the_chain_defaults_to_the_dag_and_may_be_a_template(connected: Emulator) -> None:
    with DAG(dag_id="shop_eu", schedule=None):
        source = build(CreateSourceConnectionOperator)
        by_default = TeardownChainOperator(task_id="by_default")
        other = TeardownChainOperator(task_id="other", chain="shop_us")
        named = TeardownChainOperator(task_id="named", chain="shop_{{ params.country }}")
    named.render_template_fields({"params": {"country": "eu"}})
    for tearing_down in (by_default, named):
        source.execute(context(run_id="one"))
        assert other.execute(context(run_id="one"))["removed"] == []
        assert len(tearing_down.execute(context(run_id="one"))["removed"]) == 1


def test_objects_of_another_dag_with_the_same_run_id_are_kept(connected: Emulator) -> None:
    run_id, steps = "scheduled__2026-01-01T00:00:00+00:00", []
    for dag_id in ("shop_eu", "shop_us"):
        with DAG(dag_id=dag_id, schedule=None):
            steps.append(build(CreateSourceConnectionOperator, name=dag_id, chain="shop"))
            remove = TeardownChainOperator(task_id="remove", chain="shop")
    eu, us = (step.execute(context(run_id=run_id))["id"] for step in steps)
    assert ids(remove.execute(context(run_id=run_id))["removed"]) == [us]
    assert existing_ids(connected) == [eu]


def test_objects_with_a_mark_of_the_first_edition_are_kept(connected: Emulator) -> None:
    with DAG(dag_id="shop", schedule=None):
        source = build(CreateSourceConnectionOperator)
        remove = TeardownChainOperator(task_id="remove")
    digest = hashlib.sha256(b"shop\0one").hexdigest()[:12]
    body = source.resource().payload() | {"description": f"[airflow:shop#{digest}.8d01e5c7]"}  # type: ignore[attr-defined]
    path = "/data/foundation/flowservice/sourceConnections"
    old = ExperiencePlatformHook().client.request("POST", path, body=body).body["id"]
    assert remove.execute(context(run_id="one"))["removed"] == []
    assert existing_ids(connected) == [old]


@pytest.mark.parametrize(("field", "value"), [("chain", "two words"), ("dataflows", "perhaps")])
def test_a_wrong_argument_is_named_before_any_request(connected: Emulator, field: str, value: str) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match=f"{field}='{value}'"):
        tear_down(**{field: value})
    assert connected.requests() == []


def test_a_teardown_without_marks_is_refused(connected: Emulator, connect: Callable[..., None]) -> None:
    make_ends(run_id="one")
    before, requests = existing_ids(connected), len(connected.requests())
    connect(connected.url, marks=False)
    with pytest.raises(ExperiencePlatformFailedError, match=r"marks=False.*switch marks on"):
        tear_down()
    assert existing_ids(connected) == before
    assert len(connected.requests()) == requests


def test_while_another_run_is_active_the_teardown_fails_with_a_retry(connected: Emulator) -> None:
    make_ends(run_id="one")
    before, requests = existing_ids(connected), len(connected.requests())
    with pytest.raises(ExperiencePlatformUnavailableError, match=r"Another run.*nothing was removed") as failure:
        tear_down(task=RunningTask(active_runs=2))
    assert not isinstance(failure.value, AirflowFailException)
    assert (existing_ids(connected), len(connected.requests())) == (before, requests)
    assert len(tear_down(task=RunningTask(active_runs=1))["removed"]) == 3


@pytest.mark.skipif(airflow.__version__ >= "3", reason="from Airflow 3 on, the task instance itself counts the runs")
def test_on_airflow_2_active_runs_are_counted_by_the_task_instance(connected: Emulator) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType

    class Task(TaskInstance):
        dag_id = "shop_of_two_runs"

    def active(run_id: str, day: int) -> DagRun:
        moment = airflow.utils.timezone.datetime(2026, 1, day)
        return DagRun(
            dag_id=Task.dag_id,
            run_id=run_id,
            run_type=DagRunType.MANUAL,
            execution_date=moment,
            state=DagRunState.RUNNING,
        )

    migrate()
    with create_session() as session:
        session.add(active("one", 1))
    source = run(CreateSourceConnectionOperator, run_id="one")["id"]
    with create_session() as session:
        session.add(active("two", 2))
    with pytest.raises(ExperiencePlatformUnavailableError, match="Another run"):
        tear_down(task=Task())
    with create_session() as session:
        session.query(DagRun).filter(DagRun.dag_id == Task.dag_id, DagRun.run_id == "two").delete()
    assert ids(tear_down(task=Task())["removed"]) == [source]
