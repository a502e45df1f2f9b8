"""
Measure requests and seconds of plans and exports, from one dataflow to 2,000.

    python -m tests.benchmarks.definitions

Print each figure with its limit; the exit status is 3 if a figure exceeds its limit. The emulator runs in a process of
its own and answers at once, so the seconds are those of the client.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.export import export_dataflows
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.plan import Plan
from airflow_provider_payments.aep.dataflows.planner import make_plan
from airflow_provider_payments.aep.dataflows.snapshot import FLOW_SERVICE_PAGE_SIZE, Snapshot
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.transport import Transport
from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.aep.dataflows.applying import apply
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.benchmarks import applying
from tests.benchmarks.emulator import emulator_process
from tests.benchmarks.limits import Table

CHAINS, SEEDED = 300, 2000
NAME = "PayPal catalog products"
Result = TypeVar("Result")


def client_of(url: str) -> Client:
    """Return a client whose settle times are 0."""
    transport = Transport(connect_timeout=5.0, read_timeout=60.0)
    credential = ClientCredentials(
        client_id="emulator-client", client_secret="emulator-secret", transport=transport, ims_url=url
    )
    return Client(
        org_id="EMULATOR@AdobeOrg",
        sandbox="dev",
        credential=credential,
        transport=transport,
        url=url,
        settle_seconds=0.0,
        dataflow_settle_seconds=0.0,
    )


def own_chains(folder: Path) -> Path:
    """Write definitions that share only their base connection."""
    texts = {f"products_{at}": TEN_LINES.replace(NAME, f"Products {at}") for at in range(CHAINS)}
    return write_files(folder, **texts)


class Bench:
    """An emulator, a client of it, and the table of figures."""

    def __init__(self, url: str, table: Table) -> None:
        self.platform, self.client, self.table = ExperiencePlatform(url, "dev", "aep_default"), client_of(url), table

    def measure(self, work: Callable[[], Result]) -> tuple[Result, int, float]:
        """Call a function; return its result, the number of its requests without those for a token, and its seconds."""
        before, started = len(self.platform.requests()), time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
        sent = [each for each in self.platform.requests()[before:] if not each["path"].startswith("/ims/")]
        return result, len(sent), seconds

    def plan(self, folder: Path, page_size: int = FLOW_SERVICE_PAGE_SIZE) -> tuple[Plan, int, float]:
        """Plan the definitions of a folder; return the plan, the number of requests and the seconds."""
        project = load_project(folder)
        return self.measure(lambda: make_plan(project, Snapshot(self.client, page_size)))


def one_definition(bench: Bench, folder: Path) -> None:
    """Measure the plan of a definition whose objects are all new."""
    plan, requests, _ = bench.plan(write_files(folder, products=TEN_LINES))
    assert plan.count("create") == 7
    bench.table.row("plan of one definition, all of it new: requests", requests, 13, "")


def separate_chains(bench: Bench, folder: Path) -> None:
    """Measure the plan of 300 chains that share only their base connection."""
    own_chains(folder)
    started = time.process_time()
    project = load_project(folder)
    seconds = time.process_time() - started
    bench.table.row(f"reading and checking {CHAINS} definitions, processor time", seconds, 0.5, "s")
    apply(bench.client, make_plan(project, Snapshot(bench.client)))
    plan, requests, seconds = bench.plan(folder, page_size=100)
    assert plan.is_empty
    objects = len({step.id for step in plan.steps})
    bench.table.row(f"plan of {CHAINS} chains ({objects:,} objects), pages of 100: requests", requests, 25, "")
    bench.table.row(f"plan of {CHAINS} chains, pages of 100: seconds", seconds, 2, "s")


def seeded(bench: Bench, folder: Path) -> None:
    """Measure the export and the plan of 2,000 dataflows."""
    body = {"sandbox": "dev", "dataflows": SEEDED, "source": "square", "name_prefix": "seeded"}
    bench.platform.control("POST", "seed", json=body)
    export, requests, seconds = bench.measure(lambda: export_dataflows(Snapshot(bench.client), ["seeded *"]))
    assert len(export.files) == SEEDED
    bench.table.row(f"export of {SEEDED:,} dataflows: requests", requests, 15, "")
    print(f"  it takes {seconds:.1f} s")
    folder.mkdir()
    for name, text in export.files.items():
        (folder / name).write_text(text)
    plan, requests, seconds = bench.plan(folder)
    assert plan.is_empty
    bench.table.row(f"plan of {SEEDED:,} dataflows, pages of {FLOW_SERVICE_PAGE_SIZE}: requests", requests, 25, "")
    print(f"  it takes {seconds:.1f} s; with pages of 100 it is {bench.plan(folder, page_size=100)[1]} requests")


def main() -> int:
    """Print the figures; return the exit status."""
    table = Table()
    for benchmark in (one_definition, separate_chains, seeded):
        with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as folder:
            benchmark(Bench(url, table), Path(folder) / "files")
    applying.measure(table)
    return table.exit_status


if __name__ == "__main__":
    sys.exit(main())
