"""Any answer to a list gives a destroy or one error of this package; unreadable objects count as users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import PlatformError
from tests.aep.dataflows.destroying import NAME, PLANS, applied, planned_destroy
from tests.aep.dataflows.files import TEN_LINES
from tests.aep.dataflows.test_any_sandbox import LISTS, VALUES, answers_of, corrupted, places
from tests.conftest import Emulator


@pytest.fixture
def project(client: Client, tmp_path: Path) -> tuple[Client, Path, set[str], dict[str, Any]]:
    """A project with two dataflows: a client, the folder, the ids of the second chain, and the answers of the lists."""
    folder = applied(client, tmp_path, products=TEN_LINES, plans=PLANS)
    second = {
        each.existing.id for each in planned_destroy(client, folder, only=["Billing plans"], datasets=True).to_delete
    }
    assert len(second) == 4
    return client, folder, second, answers_of(client)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(data=st.data())
def test_no_object_that_may_be_in_use_is_deleted_for_any_list(
    project: tuple[Client, Path, set[str], dict[str, Any]], emulator: Emulator, data: st.DataObject
) -> None:
    client, folder, second, answers = project
    emulator.control("DELETE", "faults")
    path = data.draw(st.sampled_from(sorted(LISTS)))
    items = answers[path][LISTS[path]] if LISTS[path] else answers[path]
    place = data.draw(st.sampled_from(sorted(places(items), key=str)))
    value: Any = data.draw(st.sampled_from([None, {}, [], "", 0, True, "x", [{}]]) | VALUES)
    body = corrupted(answers[path], LISTS[path], place, value)
    emulator.fail("status", method="GET", path=path, nth=1, times=1, status=200, body=body)
    try:
        planned = planned_destroy(client, folder, only=[NAME], datasets=True)
    except PlatformError:
        return
    assert not second & {each.existing.id for each in planned.to_delete}
    assert {each.kind.name for each in planned.to_delete} <= {
        "dataflow",
        "target connection",
        "source connection",
        "dataset",
    }
