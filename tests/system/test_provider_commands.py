"""The provider as Airflow's own commands show it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system.airflow_process import AirflowHome


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("list", "airflow-provider-payments"),
        ("hooks", "aep"),
        ("links", "airflow_provider_payments.links.ExperiencePlatformLink"),
    ],
)
def test_airflow_shows_the_provider(command: str, shown: str, new_airflow: Callable[..., AirflowHome]) -> None:
    assert shown in new_airflow("").run("providers", command, "-o", "plain")
