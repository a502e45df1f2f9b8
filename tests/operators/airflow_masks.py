"""A reset of the secrets that Airflow masks in logs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from airflow.providers.common.compat.sdk import redact


@pytest.fixture(autouse=True)
def forgotten_masks() -> Iterator[None]:
    """
    Remove all secrets from Airflow's masker.

    The masker compiles all secrets into one pattern whenever one is added, which is slow with the tokens of hundreds of
    tests.
    """
    yield
    masker = import_module(redact.__module__)._secrets_masker()
    masker.patterns.clear()
    masker.replacer = None
