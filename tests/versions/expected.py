"""Marks of tests that fail because of Airflow on some versions, and that are reported once they pass there."""

from __future__ import annotations

from importlib.metadata import version

import pytest

AIRFLOW = version("apache-airflow")
#: The minor version, such as ``3.0``.
SERIES = AIRFLOW.rpartition(".")[0]


def fails_on(*series: str, reason: str) -> pytest.MarkDecorator:
    """
    Mark a test that is expected to fail on some minor versions of Airflow.

    :param series: the minor versions, such as ``3.0``.
    :param reason: the defect of Airflow.
    """
    return pytest.mark.xfail(SERIES in series, reason=reason, strict=True)
