from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Browser
from tests.browser.page_airflow import PageAirflow
from tests.browser.sample import store_sample
from tests.fault_proxy import FaultProxy, fault_proxy


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageAirflow]:
    """Return a running Airflow that contains the sample."""
    with PageAirflow(tmp_path_factory.mktemp("airflow")) as running:
        store_sample(running)
        yield running


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser") / "chromedriver.log") as running:
        yield running


@pytest.fixture
def browser(chromium: Browser, airflow: PageAirflow, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """
    Return a browser in which a viewer is logged in to Airflow with the light theme.

    A screenshot at the end of each test is stored in the folder that ``PAGE_SCREENSHOTS`` names.
    """
    chromium.log_in(airflow.url, airflow.token("viewer"))
    chromium.set_dark(False)
    chromium.errors()
    yield chromium
    if folder := os.environ.get("PAGE_SCREENSHOTS"):
        chromium.leave_frame()
        chromium.screenshot(Path(folder) / f"{request.node.name.removeprefix('test_')}.png")


@pytest.fixture
def proxy(airflow: PageAirflow) -> Iterator[FaultProxy]:
    """Return a proxy in front of the Airflow, which can answer in its place."""
    with fault_proxy(airflow.url) as running:
        yield running
