"""A dataflow's last run, in its wire form and in filters, with either setting of ``last_run_shows_active``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import FLOW, Client
from tests.emulator.flow_service.test_run_outcomes import force_outcome

RUN_SECONDS = 2


def with_active_run(client: Client, **outcome: Any) -> tuple[str, list[Any]]:
    """Create a dataflow and let one run end while another stays active; return its id and both runs."""
    flow = str(client.flow(client.prepared())["id"])
    client.advance(60 + RUN_SECONDS)
    force_outcome(client, **{"outcome": "stuck", "flowId": flow, **outcome})
    client.advance(1800)
    return flow, client.runs(flow)


def show_active(client: Client, shown: bool) -> None:
    change = {"last_run_shows_active": shown}
    options = client.control("PUT", "options", json=change)
    assert options == options | change == client.control("GET", "options")


def found(client: Client, expression: str) -> list[str]:
    return [item["id"] for item in client.get(f"{FLOW}/flows", property=f"lastRunDetails.{expression}")["items"]]


@pytest.mark.parametrize("shown", [True, False])
def test_an_active_run_is_the_last_run_only_if_chosen(client: Client, shown: bool) -> None:
    show_active(client, shown)
    flow, (ended, active) = with_active_run(client)
    began = [run["metrics"]["durationSummary"]["startedAtUTC"] for run in (ended, active)]
    expected, state = (active, "inProgress") if shown else (ended, "success")
    last = client.item("flows", flow)["lastRunDetails"]
    assert (last["id"], last["state"], last["startedAtUTC"]) == (expected["id"], state, began[shown])
    assert ("completedAtUTC" in last) is not shown
    assert found(client, f"startedAtUTC>={began[1]}") == ([flow] if shown else [])
    assert found(client, f"startedAtUTC>={began[0]}") == [flow]
    assert found(client, f"startedAtUTC>{began[shown]}") == []
    assert found(client, f"state=={state}") == found(client, f"id=={expected['id']}") == [flow]
    assert found(client, "completedAtUTC>0") == ([] if shown else [flow])
    client.control("POST", "outcomes/release")
    client.advance(RUN_SECONDS)
    assert client.item("flows", flow)["lastRunDetails"]["id"] == active["id"]
    assert found(client, f"startedAtUTC>={began[1]}") == [flow]


def test_the_option_of_active_last_runs_can_change_at_any_time(client: Client) -> None:
    flow, (ended, active) = with_active_run(client)
    for shown, expected in ((False, ended), (True, active)):
        show_active(client, shown)
        assert client.item("flows", flow)["lastRunDetails"]["id"] == expected["id"]
    client.control("PUT", "options", json={"last_run_shows_active": False})
    client.control("POST", "reset")
    assert client.control("GET", "options")["last_run_shows_active"] is True


def test_an_active_first_run_is_not_shown_if_only_ended_runs_are(client: Client) -> None:
    show_active(client, False)
    force_outcome(client, outcome="stuck")
    flow = str(client.flow(client.prepared())["id"])
    client.advance(60 + RUN_SECONDS)
    assert "lastRunDetails" not in client.item("flows", flow)
    assert found(client, "startedAtUTC>=0") == []


def test_a_late_ended_run_is_the_last_run_once_it_is_listed(client: Client) -> None:
    show_active(client, False)
    flow, (ended,) = with_active_run(client, outcome="late", seconds=300)
    assert client.item("flows", flow)["lastRunDetails"]["id"] == ended["id"]
    client.advance(300)
    late = client.runs(flow)[-1]
    assert client.item("flows", flow)["lastRunDetails"]["id"] == late["id"] != ended["id"]


def test_an_older_run_that_ends_later_is_not_the_last_run(client: Client) -> None:
    show_active(client, False)
    flow, (_, stuck) = with_active_run(client)
    client.advance(1800)
    newest = client.runs(flow)[-1]
    client.control("POST", "outcomes/release")
    client.advance(RUN_SECONDS)
    assert "completedAtUTC" in client.item("runs", stuck["id"])["metrics"]["durationSummary"]
    assert client.item("flows", flow)["lastRunDetails"]["id"] == newest["id"]


def test_a_scheduled_last_run_has_no_start_time(client: Client) -> None:
    flow = str(client.flow(client.prepared())["id"])
    client.advance(60)
    last = client.item("flows", flow)["lastRunDetails"]
    assert last.keys() == {"id", "state"}
    assert found(client, "startedAtUTC>=0") == found(client, "startedAtUTC<0") == []
    assert found(client, "state==scheduled") == [flow]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"last_run_shows_active": 1}, "last_run_shows_active"),
        ({"last_run_shows_active": None}, "last_run_shows_active"),
        ({"last_run_shows": True}, "last_run_shows"),
        ([], "object"),
    ],
)
def test_invalid_options_of_last_runs_are_refused(client: Client, body: Any, named: str) -> None:
    assert named in client.refused("PUT", "/__emulator__/options", 400, json=body)["error"]
    assert client.control("GET", "options")["last_run_shows_active"] is True


def test_ids_select_dataflows_and_runs_exactly(client: Client) -> None:
    client.control("POST", "seed", json={"sandbox": "dev", "dataflows": 30, "runs_per_dataflow": 2})
    for kind in ("flows", "runs"):
        items = client.get(f"{FLOW}/{kind}")["items"]
        wanted = [item["id"] for item in items[::3]]
        ids = ",".join([*reversed(wanted), "none", wanted[0]])
        assert client.get(f"{FLOW}/{kind}", property=f"id=={ids}")["items"] == items[::3]
