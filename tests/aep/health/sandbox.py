"""A sandbox with seeded dataflows, for tests of the health check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.health.judging import Health
from airflow_provider_payments.aep.health.reading import HealthOptions, check_health
from tests.aep.chain import FLOW_SERVICE
from tests.conftest import Emulator

DAY = 86400
FLOWS = f"{FLOW_SERVICE}/flows"


class Sandbox:
    """A sandbox with seeded dataflows, whose health a client can check."""

    def __init__(self, emulator: Emulator, make_client: Callable[[], Client]) -> None:
        self.emulator, self._make_client = emulator, make_client

    @property
    def client(self) -> Client:
        """A new client, because a client's estimate of the platform's clock does not follow a jump of days."""
        return self._make_client()

    def seed(self, count: int, runs: int = 1, **order: Any) -> list[str]:
        """Seed dataflows that run once a day and return their ids; equal prefixes give equal histories."""
        before = {flow["id"] for flow in self.emulator.objects("flows")}
        body = {"sandbox": "dev", "dataflows": count, "runs_per_dataflow": runs, "enabled": True} | order
        self.emulator.control("POST", "seed", json=body)
        return [flow["id"] for flow in self.emulator.objects("flows") if flow["id"] not in before]

    def act(self, flow_id: str, op: str) -> None:
        self.client.request("POST", f"{FLOWS}/{flow_id}/action", params={"op": op})

    def let_run(self, outcome: str | None = None, times: int = 1, **details: Any) -> None:
        """Let the dataflows run once more, a day later."""
        if outcome:
            self.emulator.order(outcome, times=times, **details)
        self.emulator.advance(DAY)

    def check(self, **options: Any) -> dict[str, list[str]]:
        """Return the problem codes of each dataflow, by its name."""
        checked = check_health(self.client, HealthOptions(**options))
        return {health.observation.name: codes(health) for health in checked}

    def requests(self) -> list[str]:
        """Return the collection of each request since the last call."""
        requests = [r for r in self.emulator.requests() if not r["path"].startswith("/ims")]
        self.emulator.control("DELETE", "requests")
        return [r["path"].removeprefix(f"{FLOW_SERVICE}/") for r in requests]


def codes(health: Health) -> list[str]:
    return [problem.code for problem in health.problems]
