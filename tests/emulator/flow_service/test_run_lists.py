"""Lists of flow runs: filters by time and by metrics, and pages while new runs are added."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.emulator.client import FLOW, Client
from tests.emulator.flow_service.test_lists import walk


@pytest.fixture
def runs(client: Client) -> list[dict[str, Any]]:
    """The runs of two dataflows in half a day, oldest first."""
    body = client.prepared()
    flows = [client.flow(body)["id"] for _ in range(2)]
    for _ in range(24):
        client.advance(1800)
    found = client.get(f"{FLOW}/runs", limit=1000)["items"]
    assert {run["flowId"] for run in found} == set(flows)
    assert len(found) > 40
    return list(found)


def test_runs_can_be_filtered_by_creation_time(client: Client, runs: list[dict[str, Any]]) -> None:
    path, half = f"{FLOW}/runs", runs[len(runs) // 2]["createdAt"]
    flow = runs[0]["flowId"]
    signs: dict[str, Callable[[int, int], bool]] = {
        ">=": operator.ge,
        ">": operator.gt,
        "<=": operator.le,
        "<": operator.lt,
        "==": operator.eq,
        "!=": operator.ne,
    }
    for sign, compare in signs.items():
        passing = [run for run in runs if compare(run["createdAt"], half)]
        wanted = [run["id"] for run in passing]
        own = [run["id"] for run in passing if run["flowId"] == flow]
        assert wanted
        assert own
        by_time = f"createdAt{sign}{half}"
        both = [by_time, f"flowId=={flow}"]
        assert walk(client, path, property=by_time, limit=7) == wanted
        assert walk(client, path, property=by_time, limit=7, orderby="-createdAt") == wanted[::-1]
        assert walk(client, path, property=both, limit=7) == own
        assert walk(client, path, property=both, limit=7, orderby="-createdAt") == own[::-1]
        assert client.get(path, property=by_time, count="true") == {"count": len(wanted)}
        assert client.get(path, property=both, count="true") == {"count": len(own)}
    between = [f"createdAt>{runs[3]['createdAt']}", f"createdAt<{runs[20]['createdAt']}", "createdAt>=0"]
    wanted = [run["id"] for run in runs if runs[3]["createdAt"] < run["createdAt"] < runs[20]["createdAt"]]
    assert walk(client, path, property=between, limit=7) == wanted
    assert walk(client, path, property=between[::-1], limit=7, orderby="+createdAt") == wanted
    assert walk(client, path, property=["createdAt>5", "createdAt<5"]) == []


@pytest.mark.parametrize(
    "path",
    [
        "id",
        "flowId",
        "createdAt",
        "updatedAt",
        "metrics.statusSummary.status",
        "metrics.durationSummary.startedAtUTC",
        "metrics.durationSummary.completedAtUTC",
        "metrics.recordSummary.inputRecordCount",
    ],
)
def test_filters_agree_with_the_shown_values(client: Client, runs: list[dict[str, Any]], path: str) -> None:
    def shown(run: Any) -> Any:
        for step in path.split("."):
            run = run.get(step, {})
        return run

    value = shown(runs[5])
    assert value not in ({}, None)
    wanted = [run["id"] for run in runs if shown(run) == value]
    assert walk(client, f"{FLOW}/runs", property=f"{path}=={value}", limit=9) == wanted
    others = [run["id"] for run in runs if shown(run) != value]
    assert walk(client, f"{FLOW}/runs", property=f"{path}!={value}", limit=9) == others
    ordered = sorted(runs, key=lambda run: (shown(run), runs.index(run)))
    assert walk(client, f"{FLOW}/runs", orderby=path, limit=9) == [run["id"] for run in ordered]


def leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the paths of an object's values, as filters write paths, with the values."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from leaves(child, f"{path}.{name}")
    elif isinstance(node, list):
        for child in node:
            yield from leaves(child, f"{path}[]")
    else:
        yield path, node


def test_runs_can_be_filtered_by_every_shown_metric(client: Client) -> None:
    body = client.prepared()
    for outcome in ("fail_copy", "partial", "cancelled"):
        client.control("POST", "outcomes", json={"outcome": outcome})
        flow = client.flow({**body, "scheduleParams": {**body["scheduleParams"], "startTime": client.now() + 60}})
        client.advance(600)
        client.ask("POST", f"{FLOW}/flows/{flow['id']}/action", params={"op": "disable"})
    client.flow({**body, "scheduleParams": {**body["scheduleParams"], "startTime": client.now() + 60}})
    client.advance(3600)
    client.control("POST", "outcomes", json={"outcome": "stuck"})
    client.advance(1800)
    runs = client.get(f"{FLOW}/runs")["items"]
    shown = [set(leaves(run["metrics"], "metrics")) for run in runs]
    everything = set().union(*shown)
    assert {path for path, _ in everything} >= {
        "metrics.recordSummary.failedInfo[].code",
        "metrics.fileSummary.manifest.fileInfo[].path",
        "metrics.statusSummary.errors[].message",
        "metrics.sizeSummary.outputBytes",
    }
    for path, value in everything:
        found = walk(client, f"{FLOW}/runs", property=f'{path}=="{value}"')
        wanted = [run["id"] for run, pairs in zip(runs, shown, strict=True) if (path, value) in pairs]
        assert found == wanted, path
    for path in ("metrics", "metrics.recordSummary", "metrics.statusSummary.errors", "metrics.none.status"):
        assert walk(client, f"{FLOW}/runs", property=f"{path}==1") == []
        assert len(walk(client, f"{FLOW}/runs", property=f"{path}!=1")) == len(runs)


@pytest.mark.parametrize("order", ["createdAt", "-createdAt"])
def test_pages_of_runs_are_stable_while_runs_are_added(client: Client, runs: list[dict[str, Any]], order: str) -> None:
    answer = client.get(f"{FLOW}/runs", limit=11, orderby=order)
    seen = [item["id"] for item in answer["items"]]
    while "next" in answer["_links"]:
        client.advance(600)
        answer = client.get(FLOW + answer["_links"]["next"]["href"])
        seen += [item["id"] for item in answer["items"]]
    known = [run["id"] for run in runs]
    assert [identifier for identifier in seen if identifier in known] == (
        known if order == "createdAt" else known[::-1]
    )
    assert len(seen) == len(set(seen))
