"""The rows of the manual's page "What happens when" about existing dataflows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.exceptions import ExperiencePlatformUnavailableError
from airflow_provider_payments.operators.lifecycle import DeleteDataflowOperator, DisableDataflowOperator
from tests.operators.chain import make_dataflow
from tests.what_happens import LOSSES, Stage, event
from tests.what_happens import stage as stage


@event("The answer to enabling, disabling or publishing a dataflow is lost")
@pytest.mark.parametrize(("action", "details"), [LOSSES[name] for name in ("lost", "cut", "500", "503")])
def test_lost_switch(
    row: str, stage: Stage, connect: Callable[..., None], action: str, details: dict[str, Any]
) -> None:
    connect(stage.emulator.url)
    flow_id = make_dataflow()["id"]
    stage.emulator.fail(action, method="POST", path="*/action", **details)
    stage.run(DisableDataflowOperator, dataflow=flow_id)
    assert stage.emulator.objects("flows")[0]["state"] == "disabled"
    stage.assert_shown(row)


@event("A task is killed after it has deleted a dataflow, but before its connections, and is tried again")
def test_killed_deletion(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    make_dataflow()
    stage.emulator.fail("status", method="DELETE", path="*/targetConnections/*", status=503, times=9)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.run(DeleteDataflowOperator, dataflow="products")
    assert stage.emulator.objects("flows") == []
    stage.emulator.control("DELETE", "faults")
    stage.run(DeleteDataflowOperator, dataflow="products")
    assert stage.emulator.objects("targetConnections") == stage.emulator.objects("sourceConnections") == []
    stage.assert_shown(row)
