"""With any answer of the service, a health check judges each dataflow or ends with a ``PlatformError``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.health.judging import PROBLEMS
from airflow_provider_payments.aep.health.reading import HealthOptions, check_health
from airflow_provider_payments.aep.health.report import health_json, health_rows, health_table
from tests.any_json import ANY_JSON, objects
from tests.fault_proxy import FaultProxy

IDS = st.sampled_from(["a", "b", "c"])
MOMENTS = st.sampled_from([0, 1, 1.8e12, 1.9e12, "1900000000", "2026-01-01T00:00:00Z"])
TIMES = objects(startedAtUTC=MOMENTS, completedAtUTC=MOMENTS)
COUNTS = objects(inputRecordCount=st.integers(0, 9), outputRecordCount=st.integers(0, 9), failedRecordCount=MOMENTS)
STATUSES = objects(status=st.sampled_from(["success", "failed", "partialSuccess", "inProgress"]))
SOURCES = objects(id=IDS, connectionSpec=objects(id=IDS), baseConnection=objects(id=IDS))


def items(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Lists of up to three objects with an id and any of these members, each valid or any JSON; or of any JSON."""
    some = {name: ANY_JSON | member for name, member in members.items()}
    known = st.fixed_dictionaries({"id": IDS, "createdAt": MOMENTS}, optional=some)
    return st.lists(known, max_size=3) | st.lists(known | objects(**members), max_size=3)


FLOWS = items(
    name=st.text(max_size=3),
    description=st.text(max_size=3),
    state=st.sampled_from(["enabled", "disabled", "draft", "deleting"]),
    updatedAt=MOMENTS,
    scheduleParams=objects(startTime=MOMENTS, endTime=MOMENTS, frequency=st.just("minute"), interval=st.just("15")),
    lastRunDetails=objects(id=IDS, startedAtUTC=MOMENTS, completedAtUTC=MOMENTS),
    sourceConnectionIds=st.lists(IDS, max_size=2),
    inheritedAttributes=objects(sourceConnections=st.lists(SOURCES, max_size=2)),
)
RUNS = items(
    flowId=IDS,
    metrics=objects(durationSummary=TIMES, recordSummary=COUNTS, statusSummary=STATUSES),
)


def test_any_answer_yields_each_dataflows_health_or_a_platform_error(
    proxy: FaultProxy, make_client: Callable[..., Client]
) -> None:
    pages: dict[str, list[Any]] = {}

    def reply(path: str) -> tuple[int, bytes]:
        collection = path.partition("?")[0].rsplit("/", 1)[1]
        return 200, json.dumps({"items": pages.get(collection, [])}).encode()

    proxy.fault("GET", "/flowservice/", reply=reply, times=10**6)
    ends = set()

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(FLOWS, RUNS, st.booleans())
    def each(flows: list[Any], runs: list[Any], opt_in: bool) -> None:
        pages.update(flows=flows, runs=runs)
        options = HealthOptions(patterns=["*"], test_connections=opt_in, failures_since=1e9 if opt_in else None)
        try:
            found = check_health(make_client(proxy.url), options)
        except PlatformError as error:
            ends.add(type(error).__name__)
            return
        ends.add("health")
        assert len(health_rows(found)) == len(found)
        assert {problem.code for health in found for problem in health.problems} <= set(PROBLEMS)
        assert json.loads(json.dumps(health_json(found), allow_nan=False))
        assert len(health_table(found).splitlines()) == (len(found) + 3 if found else 1)

    each()
    assert "health" in ends
