"""``ApplyDataflowsOperator`` and ``ApplyDataflowOperator``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.definitions import (
    ApplyDataflowOperator,
    ApplyDataflowsOperator,
    PlanDataflowsOperator,
)
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import Emulator
from tests.operators.chain import FullTaskInstance, TaskInstance, context
from tests.sensors.conftest import said as said

NAMES = ("PayPal catalog products", "Orders")


@pytest.fixture
def folder(tmp_path: Path, connected: Emulator) -> Path:
    """Return the folder of a project with two definitions."""
    orders = TEN_LINES.replace(NAMES[0], NAMES[1])
    return write_files(tmp_path / "files", project="version: 1\nproject: finance\n", a=TEN_LINES, b=orders)


def apply_all(folder: Path, **arguments: Any) -> dict[str, Any]:
    return ApplyDataflowsOperator(task_id="apply", definition=str(folder), **arguments).execute(context())


def apply_one(folder: Path, **arguments: Any) -> dict[str, Any]:
    return ApplyDataflowOperator(task_id="apply", definition=str(folder), **arguments).execute(context())


def test_one_task_creates_all_chains_and_returns_their_ids(folder: Path, connected: Emulator) -> None:
    returned = apply_all(folder)
    assert set(returned) == outputs.AppliedDataflows.__required_keys__
    flows = {flow["name"]: flow for flow in connected.objects("flows")}
    assert returned["flow_ids"] == [flows[name]["id"] for name in NAMES]
    assert returned["summary"] == {"created": 14}
    assert returned["definitions"][NAMES[1]]["ids"]["source_connection"] in flows[NAMES[1]]["sourceConnectionIds"]
    assert "[airflow:finance#" in flows[NAMES[0]]["description"]


def test_a_second_apply_writes_nothing(folder: Path, connected: Emulator) -> None:
    first = apply_all(folder)
    writes = [each for each in connected.requests(path="/data/") if each["method"] != "GET"]
    again = apply_all(folder)
    assert (again["flow_ids"], again["summary"], again["done"]) == (first["flow_ids"], {}, True)
    assert [each for each in connected.requests(path="/data/") if each["method"] != "GET"] == writes


def test_a_definition_in_conflict_fails_the_task_after_the_others(folder: Path, connected: Emulator) -> None:
    write_files(folder, b=TEN_LINES.replace(NAMES[0], NAMES[1]).replace("Product_Name", "Nothing"))
    with pytest.raises(ExperiencePlatformFailedError, match=r"Orders is not done\n.*has no 'Nothing'"):
        apply_all(folder)
    assert [flow["name"] for flow in connected.objects("flows")] == [NAMES[0]]


@pytest.mark.parametrize("kind", [ApplyDataflowsOperator, ApplyDataflowOperator])
def test_a_failing_task_pushes_the_result_of_each_definition(
    folder: Path, connected: Emulator, kind: type[ApplyDataflowsOperator]
) -> None:
    write_files(folder, b=TEN_LINES.replace(NAMES[0], NAMES[1]).replace("Product_Name", "Nothing"))
    only = NAMES[1:] if kind is ApplyDataflowOperator else None
    task = TaskInstance()
    with pytest.raises(ExperiencePlatformFailedError):
        kind(task_id="apply", definition=str(folder), only=only).execute(context(task))
    (pushed,) = [value for key, value in task.pushed.items() if key == "applied"]
    assert isinstance(pushed, dict)
    assert json.loads(json.dumps(pushed)) == pushed
    assert (pushed["done"], pushed["sandbox"], pushed["project"]) == (False, "dev", "finance")
    failed = pushed["definitions"][NAMES[1]]
    assert (failed["done"], "flow_id" in failed, len(failed["problems"]) > 0) == (False, False, True)
    done = [name for name, each in pushed["definitions"].items() if each["done"]]
    assert done == ([] if only else [NAMES[0]])


def test_a_failed_push_does_not_prevent_the_retry_of_an_apply(
    folder: Path, connected: Emulator, said: Callable[[str], int]
) -> None:
    connected.fail("status", method="POST", path="*/dataSets", status=503, headers={"Retry-After": "3600"})
    with pytest.raises(ExperiencePlatformUnavailableError, match="is not done"):
        ApplyDataflowsOperator(task_id="apply", definition=str(folder)).execute(context(FullTaskInstance("applied")))
    assert said("Could not push the XCom applied: no space is left") == 1


def test_a_problem_that_may_pass_is_left_to_the_next_try(folder: Path, connected: Emulator) -> None:
    connected.fail("status", method="POST", path="*/dataSets", status=503, headers={"Retry-After": "3600"})
    with pytest.raises(ExperiencePlatformUnavailableError, match=r"is not done\n  dataset .*503"):
        apply_all(folder, only=NAMES[0])
    assert connected.objects("flows") == []
    assert apply_all(folder)["summary"]["created"] > 7
    assert len(connected.objects("flows")) == 2


def test_only_the_approved_plan_is_applied(folder: Path, connected: Emulator) -> None:
    plan = PlanDataflowsOperator(task_id="plan", definition=str(folder)).execute(context())
    with pytest.raises(ExperiencePlatformFailedError, match="the plan has changed since its approval"):
        apply_all(folder, expect="0" * 16)
    assert connected.objects("flows") == []
    assert apply_all(folder, expect=plan["digest"])["done"] is True


def test_a_single_definition_is_applied_with_its_own_outputs(folder: Path, connected: Emulator) -> None:
    returned = apply_one(folder, only=NAMES[1])
    assert set(returned) == outputs.AppliedDataflow.__required_keys__
    (flow,) = connected.objects("flows")
    assert (returned["flow_id"], returned["name"], returned["problems"]) == (flow["id"], NAMES[1], [])


def test_several_definitions_are_refused_by_the_operator_for_one(folder: Path, connected: Emulator) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match=f"has '{NAMES[0]}', '{NAMES[1]}'"):
        apply_one(folder)
    assert connected.requests(path="/data/") == []


def test_the_log_contains_the_plan_and_the_result(folder: Path, said: Callable[[str], int]) -> None:
    apply_one(folder, only=NAMES[0])
    assert said("+ dataflow PayPal catalog products") == 1
    assert said("Apply: 7 created; 1 of 1 definitions are as written.") == 1
