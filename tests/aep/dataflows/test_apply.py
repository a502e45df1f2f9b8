"""Applies: failures affect only dependent definitions; lost answers and concurrent changes lead to another plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.applied import Applied
from airflow_provider_payments.aep.dataflows.apply import apply_plan
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.plan import Plan
from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.errors import InvalidInputError
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.aep.dataflows.observed_credential import PROJECT, ObservedCredential, named
from tests.conftest import Emulator

SHARED = "dataset: {name: Shared}\nschema: {title: Shared schema}\nallow_second_reader: true\n"
KINDS = ("fieldgroups", "schemas", "sourceConnections", "dataSets", "targetConnections", "flows")
SETTLING = {"settle_seconds": 10.0, "dataflow_settle_seconds": 50.0}


class KilledError(BaseException):
    """The process was killed. The provider does not catch it, and no request follows."""


def plan_of(client: Client, folder: Path, *texts: str) -> Plan:
    files = {f"f{at}": text for at, text in enumerate(texts)}
    return plan_project(client, load_project(write_files(folder, project=PROJECT, **files)))


def apply(client: Client, folder: Path, *texts: str, **how: Any) -> Applied:
    return apply_plan(client, plan_of(client, folder, *texts), credential=lambda conn_id, source: {}, **how)


def counts(emulator: Emulator) -> dict[str, int]:
    return {kind: len(emulator.objects(kind)) for kind in KINDS}


def test_an_apply_killed_before_each_request_is_finished_by_the_next(
    make_client: Callable[..., Client], emulator: Emulator, tmp_path: Path
) -> None:
    point, killed = 0, True
    while killed:
        emulator.reset()
        seen: list[int] = []

        def die(seen: list[int] = seen, at: int = point) -> None:
            seen.append(1)
            if len(seen) > at:
                raise KilledError

        inner = make_client().credential
        inner.token()
        try:
            apply(make_client(credential=ObservedCredential(inner, die), **SETTLING), tmp_path, TEN_LINES)
            killed = False
        except KilledError:
            applied = apply(make_client(**SETTLING), tmp_path, TEN_LINES, attempt=2)
            assert (point, applied.is_done, applied.plan.conflicts) == (point, True, ())
        assert (point, counts(emulator)) == (point, dict.fromkeys(KINDS, 1))
        point += 1
    assert point > 25
    assert plan_of(make_client(), tmp_path, TEN_LINES).is_empty


def test_a_failed_object_fails_the_definitions_that_need_it(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    emulator.fail("status", method="POST", path="*/dataSets", nth=1, status=403)
    applied = apply(
        client,
        tmp_path,
        named("First", SHARED),
        named("Second", "dataset: Shared\nallow_second_reader: true\n"),
        named("Third").replace("PayPal.Catalog_Products", "PayPal.Nothing"),
        named("Fourth"),
    )
    first, second, third, fourth = applied.definitions
    for each in (first, second):
        assert "dataset 'Shared': POST" in each.problems[0]
        assert "403" in each.problems[0]
        assert each.problems[1].startswith("not done, because they wait for the above: ")
    assert "PayPal.Nothing" in third.problems[0]
    assert (fourth.is_done, fourth.flow_id) == (True, emulator.objects("flows")[0]["id"])
    assert (len(emulator.objects("flows")), applied.retryable) == (1, False)


@pytest.mark.parametrize(
    "fault",
    [{"action": "apply_then_drop"}, {"action": "drop_before"}, {"action": "status", "status": 412}],
    ids=["applied", "lost", "changed meanwhile"],
)
def test_a_lost_answer_or_a_concurrent_change_leads_to_another_plan(
    client: Client, emulator: Emulator, tmp_path: Path, fault: dict[str, Any]
) -> None:
    apply(client, tmp_path, TEN_LINES)
    emulator.fail(**fault, method="PATCH", path="*/flows/*")
    changed = TEN_LINES.replace("30 minutes", "1 hour")
    assert apply(client, tmp_path, changed).is_done
    (flow,) = emulator.objects("flows")
    assert flow["scheduleParams"]["frequency"] == "hour"
    assert plan_of(client, tmp_path, changed).is_empty


def test_a_lost_request_to_disable_a_dataflow_cannot_undo_a_later_apply(
    make_client: Callable[..., Client], emulator: Emulator, tmp_path: Path
) -> None:
    client = make_client(dataflow_settle_seconds=10.0)
    apply(client, tmp_path, TEN_LINES)
    emulator.fail("late_apply", method="POST", path="*/action", seconds=9)
    for enabled in ("false", "true"):
        assert apply(client, tmp_path, f"{TEN_LINES}enabled: {enabled}\n").is_done
    emulator.advance(60)
    assert [flow["state"] for flow in emulator.objects("flows")] == ["enabled"]


def test_a_change_that_is_always_refused_is_retryable(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    apply(client, tmp_path, TEN_LINES)
    emulator.fail("status", method="PATCH", path="*/flows/*", status=412, times=10)
    applied = apply(client, tmp_path, TEN_LINES.replace("30 minutes", "1 hour"))
    assert (applied.is_done, applied.retryable) == (False, True)


def test_a_plan_with_another_digest_is_refused(client: Client, tmp_path: Path) -> None:
    seen = plan_of(client, tmp_path, TEN_LINES).digest
    plan_of(client, tmp_path, TEN_LINES).expect(seen)
    apply(client, tmp_path, TEN_LINES)
    with pytest.raises(InvalidInputError, match="expect"):
        plan_of(client, tmp_path, TEN_LINES).expect(seen)


def test_an_apply_with_nothing_to_do_writes_nothing(client: Client, emulator: Emulator, tmp_path: Path) -> None:
    apply(client, tmp_path, TEN_LINES)
    before = len(emulator.requests())
    assert apply(client, tmp_path, TEN_LINES).is_done
    assert {request["method"] for request in emulator.requests()[before:]} == {"GET"}


def test_an_apply_marks_a_recently_created_dataflow_as_adopted(
    make_client: Callable[..., Client], emulator: Emulator, tmp_path: Path
) -> None:
    apply(make_client(**SETTLING), tmp_path, TEN_LINES, run="one")
    assert apply(make_client(**SETTLING), tmp_path, TEN_LINES, run="two").is_done
    (flow,) = emulator.objects("flows")
    assert flow["description"].endswith(" adopted]")


def test_a_duplicate_dataflow_of_the_project_is_planned_to_be_disabled(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    apply(client, tmp_path, TEN_LINES)
    (flow,) = emulator.objects("flows")
    sent = [each["body"] for each in emulator.requests(method="POST") if each["path"].endswith("/flows")]
    emulator.advance(5)
    second = client.request("POST", "/data/foundation/flowservice/flows", body=sent[0]).body["id"]
    plan = plan_of(client, tmp_path, TEN_LINES)
    assert [(step.id, step.action) for step in plan.steps if step.kind == "dataflow"] == [
        (second, "update"),
        (flow["id"], "unchanged"),
    ]
    applied = apply(client, tmp_path, TEN_LINES)
    assert (applied.is_done, applied.duplicates, applied.definitions[0].flow_id) == (True, (second,), flow["id"])
    assert {each["id"]: each["state"] for each in emulator.objects("flows")} == {
        flow["id"]: "enabled",
        second: "disabled",
    }


def test_no_dataflow_begins_before_its_check_although_requests_are_slow(
    make_client: Callable[..., Client], emulator: Emulator, naps: list[float], tmp_path: Path
) -> None:
    def wait() -> None:
        naps.append(8.0)
        emulator.advance(8.0)

    texts = [named(f"Products {at}", SHARED) for at in range(40)]
    slow = make_client(credential=ObservedCredential(make_client().credential, wait), **SETTLING)
    assert apply(slow, tmp_path, *texts).is_done
    flows, requests = emulator.objects("flows"), emulator.requests()
    assert (len(flows), {flow["state"] for flow in flows}) == (40, {"enabled"})
    searches = [each["at"] for each in requests if each["method"] == "GET" and each["path"].endswith("/flows")]
    for flow in flows:
        created, begins = flow["createdAt"] / 1000, flow["scheduleParams"]["startTime"]
        assert any(created + 50 <= search < begins for search in searches), flow["name"]
