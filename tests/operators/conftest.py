from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.operators.airflow_masks import forgotten_masks as forgotten_masks


@pytest.fixture
def connect_vendor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set a vendor's Airflow connection in the environment, with the id ``shop``."""

    def put(**fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "generic", **fields}))

    return put
