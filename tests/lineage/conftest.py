from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.sensors.conftest import history as history
from tests.sensors.conftest import proxy_of_history as proxy_of_history
from tests.sensors.conftest import said as said
from tests.sensors.flows import written_history as written_history


def forget(settings: Any) -> None:
    """Clear the caches of OpenLineage's configuration."""
    for value in vars(settings).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


@pytest.fixture
def openlineage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Configure OpenLineage's transport; skip the test if OpenLineage is not installed."""
    settings = pytest.importorskip("airflow.providers.openlineage.conf", reason="an optional library")
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    forget(settings)
    yield
    monkeypatch.undo()
    forget(settings)
