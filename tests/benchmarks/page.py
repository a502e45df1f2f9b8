"""
Measure the page in Airflow: requests and seconds of the first screen, seconds of 3,000 runs, the plugin's import.

    python -m tests.benchmarks.page

Print each figure with its limit; the exit status is 3 if a figure exceeds its limit. Airflow's API server runs in a
process of its own, on SQLite, and so does the browser. Seconds are those from the navigation to the last change of the
page.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.limits import Table
from tests.browser.chromium import Browser
from tests.browser.page_airflow import PageAirflow, asset, history
from tests.browser.sample import failure, health
from tests.browser.steps import SETTLED, enter, show

DATASETS, RUNS = 20, 20
#: The number of datasets that are added later, and of runs of each: with the others more than 3,000 runs.
MORE_SHOPS, MORE_RUNS = 26, 100
LOADS, IMPORTS = 5, 15

NOTE_CHANGES = """
new MutationObserver(() => { window.changed = performance.now(); })
  .observe(document, {subtree: true, childList: true, attributes: true});
"""
IMPORT = """
import time
from airflow import plugins_manager
import airflow_provider_payments
started = time.perf_counter()
import airflow_provider_payments.plugin
print((time.perf_counter() - started) * 1000)
"""


def first_screen(table: Table, browser: Browser, airflow: PageAirflow) -> None:
    """Measure the page without scrolling; the first load warms up the server."""
    requests, seconds = [], []
    for _ in range(LOADS + 1):
        show(browser, airflow.page, width=1280, height=800)
        requests.append(1 + browser.run("return performance.getEntriesByType('resource').length"))
        seconds.append(browser.run("return window.changed") / 1000)
    table.row("first screen: requests, those for the page's own files included", max(requests), 25, "")
    table.row("first screen, median", statistics.median(seconds[1:]), 0.5, "s")


def search_all_runs(table: Table, browser: Browser, airflow: PageAirflow) -> None:
    """Measure a search in all runs, for which the page reads and draws all runs."""
    show(browser, airflow.page)
    started = browser.run("return performance.now()")
    enter(browser, "runs", str(MORE_RUNS))
    enter(browser, "text", "square")
    browser.wait_for(SETTLED)
    drawn = browser.run("return document.querySelectorAll('.bar').length")
    assert drawn >= MORE_SHOPS * MORE_RUNS + DATASETS * RUNS, drawn
    seconds = (browser.run("return window.changed") - started) / 1000
    table.row(f"all of {drawn} runs, after a key stroke", seconds, 2, "s")


def plugin_import(table: Table) -> None:
    """Measure the import of the plugin in new processes that have imported Airflow's plugin manager."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        run = [sys.executable, "-W", "ignore", "-c", IMPORT]
        durations = [
            float(subprocess.run(run, env=environment, check=True, capture_output=True, text=True).stdout.split()[-1])
            for _ in range(IMPORTS)
        ]
    table.row("import of the plugin, median", statistics.median(durations), 1, "ms")


def main() -> int:
    """Print the figures; return the exit status."""
    table = Table()
    with tempfile.TemporaryDirectory() as folder, PageAirflow(Path(folder)) as airflow:
        shops = [asset(f"Payments of shop {n}", history(f"flow-{n}", f"Square {n}", RUNS)) for n in range(DATASETS)]
        airflow.store_events(shops)
        for hours in (30, 20, 1):
            airflow.push("wait", flow_run=failure(2, hours))
        airflow.push("check", dataflows=[], return_value=health())
        with Browser(airflow.home / "chromedriver.log") as browser:
            browser.before_each_page(NOTE_CHANGES)
            browser.log_in(airflow.url, airflow.token("viewer"))
            first_screen(table, browser, airflow)
            more = [
                asset(f"Refunds {n}", history(f"more-{n}", f"Square more {n}", MORE_RUNS)) for n in range(MORE_SHOPS)
            ]
            airflow.store_events(more)
            search_all_runs(table, browser, airflow)
    plugin_import(table)
    return table.exit_status


if __name__ == "__main__":
    sys.exit(main())
