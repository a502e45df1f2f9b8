"""What applies cost: requests and virtual seconds of new chains, of one change, and of nothing to do."""

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
    """A client whose sleeps move the emulator's clock, and what it has asked."""

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

    def asked(self, work: Callable[[], object]) -> list[str]:
        """Do some work; return the methods of its requests but for the token."""
        before = len(self.platform.requests())
        work()
        asked = self.platform.requests()[before:]
        return [each["method"] for each in asked if not each["path"].startswith("/ims/")]

    def plan(self, folder: Path) -> None:
        plan_project(self.client, load_project(folder))

    def apply(self, folder: Path) -> None:
        plan = plan_project(self.client, load_project(folder))
        assert apply_plan(self.client, plan, credential=lambda conn_id, source: {}).is_done


def write(folder: Path, number: int, more: str = "") -> Path:
    texts = {f"products_{at}": named(f"Products {at}", more) for at in range(number)}
    return write_files(folder, project=PROJECT, **texts)


def new_chains(table: Table, name: str, more: str, limit: float) -> None:
    """Apply chains of which nothing is there."""
    with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as folder:
        run = VirtualTime(url)
        asked = run.asked(lambda: run.apply(write(Path(folder), NEW, more)))
        table.row(f"apply of {NEW} new chains, {name}: requests each", len(asked) / NEW, limit, "")
        table.row(f"apply of {NEW} new chains, {name}: settle times", run.seconds, 80, "s")


def changes(table: Table) -> None:
    """Apply one change, and nothing, to chains that are there."""
    with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), CHANGED)
        run = VirtualTime(url, settle_seconds=0.0, dataflow_settle_seconds=0.0)
        run.apply(folder)
        asked = run.asked(lambda: run.apply(folder))
        writes = sum(method != "GET" for method in asked)
        table.row(f"apply of {CHANGED} chains, nothing to do: writes", writes, 0, "")
        write_files(folder, products_7=named("Products 7").replace("30 minutes", "1 hour"))
        planned = run.asked(lambda: run.plan(folder))
        asked = run.asked(lambda: run.apply(folder))
        table.row(f"one of {CHANGED} changed: requests beyond those of a plan", len(asked) - len(planned), 1, "")


def measure(table: Table) -> None:
    """Print the figures of applies."""
    new_chains(table, "7 objects of its own", "", 10)
    new_chains(table, "schema and dataset shared", SHARED, 7)
    changes(table)
