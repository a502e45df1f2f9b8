"""What fails by Airflow's own fault: expected on the versions that are named, and reported once it passes."""

from __future__ import annotations

from importlib.metadata import version

import pytest

AIRFLOW = version("apache-airflow")
#: Such as ``3.0``.
SERIES = AIRFLOW.rpartition(".")[0]


def fails_on(*series: str, reason: str) -> pytest.MarkDecorator:
    """
    Mark a check that Airflow makes fail.

    :param series: such as ``3.0``.
    :param reason: what Airflow does wrong.
    """
    return pytest.mark.xfail(SERIES in series, reason=reason, strict=True)
