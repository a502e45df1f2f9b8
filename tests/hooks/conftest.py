from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import CONNECTION_ID, connection_json
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks

SetConnection = Callable[..., None]


@pytest.fixture
def set_connection(monkeypatch: pytest.MonkeyPatch) -> SetConnection:
    """Return a function that sets the default Airflow connection; fields are replaced or, with ``None``, left out."""

    def put(url: str, extra: dict[str, Any] | None = None, **fields: Any) -> None:
        connection = json.loads(connection_json(url))
        connection["extra"] |= extra or {}
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", json.dumps(connection | fields))

    return put
