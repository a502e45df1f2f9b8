"""The health check against the emulator: which dataflows it checks, what it finds, and how many requests it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.definition import Definition
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError
from airflow_provider_payments.aep.health.reading import HealthOptions, check_health
from airflow_provider_payments.aep.health.report import health_json, health_table
from airflow_provider_payments.aep.resources.marks import Writer
from tests.aep.chain import FLOW_SERVICE, Chain
from tests.aep.health.sandbox import DAY, FLOWS, Sandbox, codes
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy


@pytest.fixture
def sandbox(emulator: Emulator, make_client: Callable[..., Client]) -> Sandbox:
    return Sandbox(emulator, make_client)


@pytest.fixture
def faulty(emulator: Emulator, make_client: Callable[..., Client], proxy: FaultProxy) -> Sandbox:
    """The sandbox behind a proxy whose faults a test sets."""
    return Sandbox(emulator, lambda: make_client(proxy.url))


def good(sandbox: Sandbox, count: int, prefix: str = "good 3") -> list[str]:
    """Seed dataflows whose last runs succeeded; in the emulator that depends only on the prefix."""
    return sandbox.seed(count, name_prefix=prefix)


# ---- problems ------------------------------------------------------------------------------------------------------


def test_a_sandbox_without_dataflows_is_healthy(sandbox: Sandbox) -> None:
    assert sandbox.check() == {}
    assert health_table(()) == "Health: 0 of 0 healthy."


def test_a_failing_dataflow_is_reported_with_its_last_success(sandbox: Sandbox) -> None:
    good(sandbox, 1)
    sandbox.let_run("fail_copy", times=3)
    assert sandbox.check() == {"good 3 1": ["failed"]}
    sandbox.let_run()
    assert sandbox.check() == {"good 3 1": ["failed", "stale"]}
    sandbox.let_run()
    (health,) = check_health(sandbox.client, HealthOptions())
    assert health.age is not None
    assert 3 * DAY < health.age < 4 * DAY
    sandbox.let_run()
    assert sandbox.check() == {"good 3 1": []}


def test_a_success_that_lost_records_is_partial(sandbox: Sandbox) -> None:
    good(sandbox, 1)
    sandbox.let_run("partial", failed=3)
    (health,) = check_health(sandbox.client, HealthOptions())
    assert codes(health) == ["partial"]
    assert "its last run lost records: 3 of " in health.problems[0].text


def test_an_active_run_does_not_hide_the_run_before_it(sandbox: Sandbox) -> None:
    sandbox.emulator.control("PUT", "options", json={"last_run_shows_active": True})
    good(sandbox, 1)
    sandbox.let_run("stuck")
    (health,) = check_health(sandbox.client, HealthOptions())
    assert (codes(health), health.observation.is_running) == ([], True)
    assert health.observation.last_run
    assert health.observation.last_run.status == "succeeded"


def test_disabling_by_a_user_and_by_the_platform_are_distinguished(sandbox: Sandbox) -> None:
    ids = good(sandbox, 2)
    sandbox.act(ids[0], "disable")
    sandbox.emulator.order("fail_copy", times=40, flowId=ids[1])
    sandbox.emulator.advance(32 * DAY)
    assert [flow["state"] for flow in sandbox.emulator.objects("flows")] == ["disabled", "disabled"]
    assert sandbox.check() == {"good 3 1": ["disabled"], "good 3 2": ["disabled_by_platform"]}


def test_a_draft_and_a_dataflow_before_its_start_are_distinguished(sandbox: Sandbox, chain: Chain) -> None:
    chain.ensure(chain.dataflow(), writer=Writer("shop"))
    body = {"name": "draft", "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860"}}
    sandbox.client.request("POST", FLOWS, body=body, params={"mode": "draft"})
    assert sandbox.check(patterns=["*"]) == {"draft": ["draft"], "own dataflow": []}


def test_a_dataflow_that_never_ran_is_stale_after_two_intervals(sandbox: Sandbox) -> None:
    sandbox.seed(1, runs=0)
    (flow,) = sandbox.emulator.objects("flows")
    assert "lastRunDetails" not in flow
    sandbox.act(flow["id"], "disable")
    sandbox.emulator.advance(3 * DAY)
    sandbox.act(flow["id"], "enable")
    assert list(sandbox.check().values()) == [["stale"]]


# ---- selection of dataflows ----------------------------------------------------------------------------------------


def test_by_default_payments_and_marked_dataflows_are_checked(sandbox: Sandbox, chain: Chain) -> None:
    good(sandbox, 1)
    assert list(sandbox.check()) == ["good 3 1"]
    chain.ensure(chain.dataflow(), writer=Writer("shop"))
    assert list(sandbox.check()) == ["good 3 1", "own dataflow"]


@pytest.mark.parametrize("hides", ["specs", "marks"])
def test_a_payments_dataflow_is_recognized_by_its_source_or_mark(
    proxy: FaultProxy, faulty: Sandbox, chain: Chain, emulator: Emulator, hides: str
) -> None:
    chain.ensure(chain.dataflow(), writer=Writer("shop"))
    (flow,) = emulator.objects("flows")
    hidden: dict[str, Any] = {"inheritedAttributes": {}} if hides == "specs" else {"description": "made by hand"}
    flow |= hidden
    other = flow | {"id": "other", "name": "of another vendor", "inheritedAttributes": {}, "description": None}
    body = json.dumps({"items": [flow, other]}).encode()
    proxy.fault("GET", "/flows?", status=200, body=body)
    assert list(faulty.check()) == ["own dataflow"]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["good 3 1"], ["good 3 1"]),
        (["good*"], ["good 3 1", "good 3 2"]),
        (["?ood 3 2", "*1"], ["good 3 1", "good 3 2"]),
    ],
)
def test_names_and_patterns_select_dataflows(sandbox: Sandbox, patterns: list[str], names: list[str]) -> None:
    good(sandbox, 2)
    assert list(sandbox.check(patterns=patterns)) == names


def test_a_pattern_that_matches_nothing_is_refused_with_the_nearest_name(sandbox: Sandbox) -> None:
    (flow_id,) = good(sandbox, 1)
    assert list(sandbox.check(patterns=[flow_id])) == ["good 3 1"]
    with pytest.raises(InvalidInputError, match=r"names='goods 3 1'.*did you mean 'good 3 1'"):
        sandbox.check(patterns=["goods 3 1"])


def defined(name: str, **given: Any) -> Definition:
    from airflow_provider_payments.aep.dataflows.definition import Source

    source = Source(vendor="paypal", connection="PayPal connection", table="PayPal.Transactions")
    return Definition(name=name, source=source, mappings={"_id": "Transaction_Id"}, **given)


def test_a_definition_selects_its_dataflow_by_name_former_name_or_id(sandbox: Sandbox) -> None:
    first, _ = good(sandbox, 2)
    sandbox.act(first, "disable")
    definitions = [
        defined("renamed", previous_names=("good 3 2",)),
        defined("by id", id=first, enabled=False),
        defined("not there"),
    ]
    assert sandbox.check(definitions=definitions) == {"good 3 1": [], "good 3 2": [], "not there": ["missing"]}
    definitions[1] = defined("by id", id=first)
    assert sandbox.check(definitions=definitions)["good 3 1"] == ["disabled"]


# ---- requests ------------------------------------------------------------------------------------------------------


def test_dataflows_with_succeeded_last_runs_take_one_request_per_hundred(sandbox: Sandbox) -> None:
    good(sandbox, 150)
    sandbox.requests()
    found = sandbox.check()
    losers = sum(found[name] == ["failed"] for name in found)
    assert sandbox.requests() == ["flows", "runs", "runs"] + ["runs"] * losers
    assert len(found) == 150


def test_each_dataflow_with_a_failed_last_run_takes_another_request(sandbox: Sandbox) -> None:
    good(sandbox, 5)
    sandbox.let_run("fail_copy", times=2)
    sandbox.requests()
    assert sorted(map(len, sandbox.check().values())) == [0, 0, 0, 1, 1]
    assert sandbox.requests() == ["flows", "runs", "runs", "runs"]


def test_counting_runs_takes_a_request_per_dataflow_and_reports_shares(sandbox: Sandbox) -> None:
    good(sandbox, 3)
    sandbox.let_run("fail_copy")
    sandbox.let_run("partial", failed=3)
    since = float(sandbox.emulator.control("GET", "clock")["now"]) - 1.9 * DAY
    sandbox.requests()
    found = check_health(sandbox.client, HealthOptions(failures_since=since, max_failed_ratio=0.9))
    assert sandbox.requests() == ["flows", "runs", "runs", "runs", "runs"]
    totals = [health.observation.totals for health in found if health.observation.totals]
    assert [(each.runs, each.failed_runs) for each in totals] == [(2, 1), (2, 0), (2, 0)]
    assert sum(each.failed_records for each in totals) == 3 + 1 + 1
    strict = sandbox.check(failures_since=since, max_failed_ratio=0.0001)
    assert "failure_share" in strict["good 3 1"]


def test_each_base_connection_is_tested_once_and_a_failure_is_reported(sandbox: Sandbox) -> None:
    good(sandbox, 3)
    good(sandbox, 2, "other 3")
    base = sandbox.emulator.objects("flows")[0]["inheritedAttributes"]["sourceConnections"][0]["baseConnection"]["id"]
    sandbox.requests()
    assert set(map(tuple, sandbox.check(test_connections=True).values())) == {()}
    tests = [path for path in sandbox.requests() if path.endswith("/test")]
    assert len(tests) == len(set(tests)) == 2
    patch = [{"op": "replace", "path": "/auth/params/clientSecret", "value": "wrong"}]
    path = f"{FLOW_SERVICE}/connections/{base}"
    etag = sandbox.client.get(path)["items"][0]["etag"]
    sandbox.client.request("PATCH", path, body=patch, headers={"If-Match": etag})
    sandbox.emulator.fail("status", path=f"*{base}/test", status=500, times=50)
    found = check_health(sandbox.client, HealthOptions(test_connections=True, patterns=["good*"]))
    assert [codes(health) for health in found] == [["credential"]] * 3
    assert f"base connection {base} cannot be tested" in found[0].problems[0].text


def test_a_hidden_base_connection_is_found_by_the_source_connection(
    proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox
) -> None:
    good(sandbox, 2)
    bare = [flow | {"inheritedAttributes": {}} for flow in sandbox.emulator.objects("flows")]
    proxy.fault("GET", "/flows?", status=200, body=json.dumps({"items": bare}).encode())
    sandbox.requests()
    assert faulty.check(test_connections=True, patterns=["*"]) == {"good 3 1": [], "good 3 2": []}
    (test,) = [path for path in sandbox.requests() if path.endswith("/test")]
    assert test.startswith("connections/")


# ---- unusable answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b'{"items": [{"id": 5}]}', b'{"items": [{}]}'])
def test_unreadable_runs_are_a_problem_of_their_own_dataflow_only(
    proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox, body: bytes
) -> None:
    first, _ = good(sandbox, 2)
    sandbox.let_run("fail_copy", times=2)
    wrong = json.loads(body)
    wrong["items"] = [
        item | {"flowId": first} if isinstance(item, dict) else {"flowId": first} for item in wrong["items"]
    ]
    proxy.fault("GET", f"/runs?property=flowId*{first}", status=200, body=json.dumps(wrong).encode(), times=50)
    found = faulty.check()
    assert found == {"good 3 1": ["unreadable", "failed"], "good 3 2": ["failed"]}


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_for_one_dataflow_is_a_problem_of_it_only(
    proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox, status: int
) -> None:
    first, _ = good(sandbox, 2)
    sandbox.let_run("fail_copy", times=2)
    proxy.fault("GET", f"/runs?property=flowId*{first}", status=status, times=50)
    found = faulty.check()
    assert found == {"good 3 1": ["unreadable", "failed"], "good 3 2": ["failed"]}


@pytest.mark.parametrize(("path", "status"), [("/flows?", 403), ("/runs?", 503), ("/runs?", 401), ("/flows?", 500)])
def test_a_failure_that_concerns_all_dataflows_ends_the_check(
    proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox, path: str, status: int
) -> None:
    good(sandbox, 2)
    proxy.fault("GET", path, status=status, times=99)
    with pytest.raises(RequestError, match=str(status)):
        faulty.check()


def test_an_incomplete_list_of_dataflows_ends_the_check(proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox) -> None:
    good(sandbox, 2)
    page = {"items": sandbox.emulator.objects("flows"), "_links": {"next": {"href": "/flows?continuationToken=again"}}}
    proxy.fault("GET", "/flows?", status=200, body=json.dumps(page).encode(), times=50)
    with pytest.raises(RequestError, match="the list is incomplete"):
        faulty.check()


def test_if_last_runs_are_hidden_each_dataflows_runs_are_listed(
    proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox
) -> None:
    good(sandbox, 2)
    bare = [
        {name: value for name, value in flow.items() if name != "lastRunDetails"}
        for flow in sandbox.emulator.objects("flows")
    ]
    proxy.fault("GET", "/flows?", status=200, body=json.dumps({"items": bare}).encode())
    sandbox.requests()
    assert faulty.check() == {"good 3 1": [], "good 3 2": []}
    assert sandbox.requests() == ["runs", "runs"]


# ---- reports and options -------------------------------------------------------------------------------------------


def test_the_table_starts_with_problems_and_a_name_adds_no_line(sandbox: Sandbox) -> None:
    ids = good(sandbox, 2)
    flow = sandbox.client.get(f"{FLOWS}/{ids[1]}")["items"][0]
    rename = [{"op": "replace", "path": "/name", "value": "z\nHealth: all is well"}]
    sandbox.client.request("PATCH", f"{FLOWS}/{ids[1]}", body=rename, headers={"If-Match": flow["etag"]})
    sandbox.act(ids[1], "disable")
    found = check_health(sandbox.client, HealthOptions())
    lines = health_table(found).splitlines()
    assert [line.split()[0] for line in lines if line] == ["DATAFLOW", "z\\x0aHealth:", "good", "Health:"]
    assert lines[-1] == "Health: 1 of 2 healthy; 1 disabled."
    assert len(health_table(found, unhealthy_only=True).splitlines()) == len(lines) - 1
    assert json.loads(json.dumps(health_json(found)))["summary"] == {"dataflows": 2, "healthy": 1, "disabled": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_failed_ratio": 0.5}, "max_failed_ratio=0.5 is not allowed: it needs `failures_since`"),
        ({"max_failed_ratio": 1.5, "failures_since": 1.0}, "a share from 0 to 1"),
        ({"ignore": ["stael"]}, "did you mean 'stale'"),
    ],
)
def test_inconsistent_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        HealthOptions(**options)


def test_a_dataflow_judged_without_runs_takes_no_request(sandbox: Sandbox, chain: Chain) -> None:
    chain.ensure(chain.dataflow(), writer=Writer("shop"))  # it starts in some minutes
    body = {"name": "draft", "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860"}}
    sandbox.client.request("POST", FLOWS, body=body, params={"mode": "draft"})
    (resting,) = sandbox.seed(1, runs=0)
    sandbox.act(resting, "disable")
    sandbox.requests()
    assert len(sandbox.check(patterns=["*"])) == 3
    assert sandbox.requests() == ["flows"]


def test_a_dataflow_showing_a_foreign_run_is_judged_by_its_own_runs(
    proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox
) -> None:
    first, _ = good(sandbox, 2)
    sandbox.let_run("fail_copy", flowId=first)
    flows = sandbox.emulator.objects("flows")
    foreign = {flow["id"]: flow["lastRunDetails"] for flow in flows}
    swapped = [flow | {"lastRunDetails": foreign[other["id"]]} for flow, other in zip(flows, flows[::-1], strict=True)]
    proxy.fault("GET", "/flows?", status=200, body=json.dumps({"items": swapped}).encode())
    assert faulty.check() == {"good 3 1": ["failed"], "good 3 2": []}


def test_a_refused_platform_credential_is_not_reported_as_the_vendors(
    proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox
) -> None:
    good(sandbox, 1)
    proxy.fault("GET", "/test", status=403)
    with pytest.raises(RequestError, match="403"):
        faulty.check(test_connections=True)


def test_a_dataflow_with_an_unreadable_mark_is_checked(proxy: FaultProxy, faulty: Sandbox, sandbox: Sandbox) -> None:
    good(sandbox, 1)
    (flow,) = sandbox.emulator.objects("flows")
    odd = flow | {"description": 5, "inheritedAttributes": {}}
    proxy.fault("GET", "/flows?", status=200, body=json.dumps({"items": [odd]}).encode())
    assert list(faulty.check()) == ["good 3 1"]
