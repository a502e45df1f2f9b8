"""The cost of applies: requests and virtual seconds for new chains, for one change, and without changes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.apply import apply_plan
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.http.transport import Transport
from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.aep.dataflows.files import write_files
from tests.aep.dataflows.observed_credential import PROJECT, named
from tests.benchmarks.emulator import emulator_process
from tests.benchmarks.limits import Table

NEW, CHANGED = 100, 300
SHARED = "schema: {title: Shared schema}\ndataset: {name: Shared}\nallow_second_reader: true\n"


class VirtualTime:
    """A client whose sleeps advance the emulator's clock instead of taking time."""

    def __init__(self, url: str, **settle: float) -> None:
        self.platform, self.seconds = ExperiencePlatform(url, "dev", "aep_default"), 0.0
        clock = Clock(monotonic=lambda: self.seconds, sleep=self._sleep)
        transport = Transport(connect_timeout=5.0, read_timeout=60.0, clock=clock)
        credential = ClientCredentials(
            client_id="emulator-client", client_secret="emulator-secret", transport=transport, ims_url=url
        )
        self.client = Client(
            org_id="EMULATOR@AdobeOrg", sandbox="dev", credential=credential, transport=transport, url=url, **settle
        )

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.platform.advance(seconds)

    def methods_of(self, work: Callable[[], object]) -> list[str]:
        """Call a function; return the methods of its requests, without those for a token."""
        before = len(self.platform.requests())
        work()
        sent = self.platform.requests()[before:]
        return [each["method"] for each in sent if not each["path"].startswith("/ims/")]

    def plan(self, folder: Path) -> None:
        plan_project(self.client, load_project(folder))

    def apply(self, folder: Path) -> None:
        plan = plan_project(self.client, load_project(folder))
        assert apply_plan(self.client, plan, credential=lambda conn_id, source: {}).is_done


def write(folder: Path, number: int, more: str = "") -> Path:
    texts = {f"products_{at}": named(f"Products {at}", more) for at in range(number)}
    return write_files(folder, project=PROJECT, **texts)


def new_chains(table: Table, name: str, more: str, limit: float) -> None:
    """Apply chains of which no object exists."""
    with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as folder:
        run = VirtualTime(url)
        methods = run.methods_of(lambda: run.apply(write(Path(folder), NEW, more)))
        table.row(f"apply of {NEW} new chains, {name}: requests each", len(methods) / NEW, limit, "")
        table.row(f"apply of {NEW} new chains, {name}: settle times", run.seconds, 80, "s")


def changes(table: Table) -> None:
    """Apply existing chains without a change, and with one change."""
    with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), CHANGED)
        run = VirtualTime(url, settle_seconds=0.0, dataflow_settle_seconds=0.0)
        run.apply(folder)
        methods = run.methods_of(lambda: run.apply(folder))
        writes = sum(method != "GET" for method in methods)
        table.row(f"apply of {CHANGED} chains, nothing to do: writes", writes, 0, "")
        write_files(folder, products_7=named("Products 7").replace("30 minutes", "1 hour"))
        planned = run.methods_of(lambda: run.plan(folder))
        applied = run.methods_of(lambda: run.apply(folder))
        table.row(f"one of {CHANGED} changed: requests beyond those of a plan", len(applied) - len(planned), 1, "")


def measure(table: Table) -> None:
    """Print the figures of applies."""
    new_chains(table, "7 objects of its own", "", 10)
    new_chains(table, "schema and dataset shared", SHARED, 7)
    changes(table)
