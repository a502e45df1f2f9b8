"""What Airflow masks in logs, forgotten between tests."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from airflow.providers.common.compat.sdk import redact


@pytest.fixture(autouse=True)
def forgotten_masks() -> Iterator[None]:
    """
    Forget the secrets that Airflow was told of.

    It compiles all of them into one pattern with each new one; the tokens of hundreds of tests make that slow.
    """
    yield
    masker = import_module(redact.__module__)._secrets_masker()
    masker.patterns.clear()
    masker.replacer = None
