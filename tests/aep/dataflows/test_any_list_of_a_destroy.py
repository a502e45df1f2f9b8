"""Whatever a list shows: what goes is known, or there is one error of ours; what cannot be read is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import PlatformError
from tests.aep.dataflows.destroying import NAME, PLANS, applied, decided
from tests.aep.dataflows.files import TEN_LINES
from tests.aep.dataflows.test_any_sandbox import LISTS, VALUES, answers_of, places, spoiled
from tests.conftest import Emulator


@pytest.fixture
def project(client: Client, tmp_path: Path) -> tuple[Client, Path, set[str], dict[str, Any]]:
    """Two dataflows of a project: a client, the files, the ids of what is the second's, and what the lists answer."""
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    second = {each.existing.id for each in decided(client, folder, only=["Billing plans"], datasets=True).to_delete}
    assert len(second) == 4
    return client, folder, second, answers_of(client)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(data=st.data())
def test_whatever_stands_in_a_list_nothing_goes_that_may_be_in_use(
    project: tuple[Client, Path, set[str], dict[str, Any]], emulator: Emulator, data: st.DataObject
) -> None:
    client, folder, second, answers = project
    emulator.control("DELETE", "faults")
    path = data.draw(st.sampled_from(sorted(LISTS)))
    items = answers[path][LISTS[path]] if LISTS[path] else answers[path]
    place = data.draw(st.sampled_from(sorted(places(items), key=str)))
    value: Any = data.draw(st.sampled_from([None, {}, [], "", 0, True, "x", [{}]]) | VALUES)
    body = spoiled(answers[path], LISTS[path], place, value)
    emulator.fail("status", method="GET", path=path, nth=1, times=1, status=200, body=body)
    try:
        planned = decided(client, folder, only=[NAME], datasets=True)
    except PlatformError:
        return
    assert not second & {each.existing.id for each in planned.to_delete}
    assert {each.kind.name for each in planned.to_delete} <= {
        "dataflow",
        "target connection",
        "source connection",
        "dataset",
    }
