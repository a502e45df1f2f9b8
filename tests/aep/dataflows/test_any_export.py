"""An export of any payments dataflows plans as unchanged."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from tests.aep.dataflows.applying import not_done, plan_of
from tests.aep.dataflows.dataflow_creator import DataflowCreator, DataflowSetup, dataflow_setups
from tests.aep.dataflows.test_export import export_to
from tests.conftest import Emulator


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(several=st.lists(dataflow_setups(), min_size=1, max_size=3), manage_schema=st.booleans())
def test_any_dataflows_are_exported_as_unchanged(
    several: list[DataflowSetup], manage_schema: bool, emulator: Emulator, make_client: Callable[..., Client]
) -> None:
    emulator.reset()
    client = make_client()
    creator = DataflowCreator(client)
    for one in several:
        creator.create(one)
    with tempfile.TemporaryDirectory() as folder:
        export = export_to(Path(folder), client, manage_schema=manage_schema)
        assert (export.refused, len(export.files)) == ([], len(several))
        plan = plan_of(client, Path(folder))
    assert [str(step) for step in plan.steps if not step.is_done] == []
    assert (not_done(plan), plan.drift) == ({}, ())
