"""
One provider's triggers under the waiting benchmark, in a process and an event loop of their own.

    python -m tests.benchmarks.waiting_candidates <candidate>

Says that it is ready, reads what to wait for, a line of JSON, and prints what the waits cost, another one. The triggers
are the released ones, built as their operators and sensors build them and run as the triggerer runs them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

#: The Airflow connection, in the environment.
CONN_ID = "waiting"
#: Seconds between two looks at how late the event loop is.
TICK = 0.01
#: Seconds between two looks at the memory.
LOOK_AT_MEMORY = 0.2


@dataclass
class Job:
    """
    What to wait for. Times are epoch seconds.

    :param url: of the service.
    :param interval: seconds between two looks.
    :param spread: seconds within which the waits begin, one after the other.
    :param patience: seconds after which those that still wait are lost.
    :param flows: the dataflow of each wait.
    :param since: runs that began earlier do not count.
    :param runs: the run that each wait must be told of.
    :param created: when that was or will be made.
    :param ends: when it ends; empty where the run itself tells it.
    """

    url: str
    interval: float
    spread: float
    patience: float
    flows: list[str]
    since: float
    runs: list[str] = field(default_factory=list)
    created: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


@dataclass
class Measured:
    """
    What the waits cost.

    :param elapsed: seconds until the last event.
    :param cpu: seconds of the processor.
    :param base: megabytes before the first trigger was built; ``peak``: the most while they ran.
    :param lateness: how late the event loop was: median, 99th percentile and most, in milliseconds.
    :param latency: from the run's end to the event, the same, in seconds.
    :param waited: seconds, of all waits together.
    :param lost: waits without the event that was due to them.
    :param problems: some of what was wrong instead.
    """

    elapsed: float
    cpu: float
    base: float
    peak: float
    lateness: list[float]
    latency: list[float]
    waited: float
    lost: int
    problems: list[str]


def payments(job: Job) -> Callable[[int], Any]:
    from airflow_provider_payments.aep.runs.flow_parts import FlowParts
    from airflow_provider_payments.aep.runs.flow_run import RunSelection
    from airflow_provider_payments.aep.runs.wait import Wait
    from airflow_provider_payments.triggers.flow_run import FlowRunTrigger

    def build(place: int) -> Any:
        flow, now = job.flows[place], time.time()
        wait = Wait(RunSelection(flow_id=flow, since=job.since), job.since)
        # The worker polls before it defers, and hands over what it saw.
        wait.select([seen(flow, job.runs[place], job.created[place])] * (job.created[place] <= now), now)
        parts = FlowParts(flow, f"Payments of shop {place}", str(uuid4()), str(uuid4()), uuid4().hex).to_json()
        return FlowRunTrigger(aep_conn_id=CONN_ID, poll_interval=job.interval, flow=parts, **wait.trigger_arguments())

    return build


def seen(flow: str, run: str, created: float) -> Any:
    """A run that goes on, as the worker saw it."""
    from airflow_provider_payments.aep.runs.flow_run import FlowRun

    metrics = {"statusSummary": {"status": "inProgress"}, "durationSummary": {"startedAtUTC": int(created * 1000)}}
    return FlowRun.from_item({"id": run, "flowId": flow, "createdAt": int(created * 1000), "metrics": metrics})


def dbt_cloud(job: Job) -> Callable[[int], Any]:
    from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger  # type: ignore[import-not-found,unused-ignore]

    def build(place: int) -> Any:
        return DbtCloudRunJobTrigger(
            conn_id=CONN_ID, run_id=place, end_time=time.time() + 86400, poll_interval=job.interval, account_id=1
        )

    return build


def airbyte(job: Job) -> Callable[[int], Any]:
    from airflow.providers.airbyte.triggers.airbyte import AirbyteSyncTrigger  # type: ignore[import-not-found,unused-ignore]

    def build(place: int) -> Any:
        return AirbyteSyncTrigger(
            conn_id=CONN_ID, job_id=place, end_time=time.time() + 86400, poll_interval=job.interval
        )

    return build


def fivetran(job: Job) -> Callable[[int], Any]:
    import pendulum
    from fivetran_provider_async.hooks import FivetranHookAsync  # type: ignore[import-not-found,unused-ignore]
    from fivetran_provider_async.triggers import FivetranTrigger  # type: ignore[import-not-found,unused-ignore]

    # No connection leads elsewhere.
    FivetranHookAsync.api_host = job.url.partition("://")[2]

    def build(place: int) -> Any:
        # The sensor looks before it defers, and hands over what it saw.
        seen = pendulum.from_timestamp(job.since)
        return FivetranTrigger(
            task_id=f"wait_{place}",
            connector_id=str(place),
            fivetran_conn_id=CONN_ID,
            previous_completed_at=seen,
            poke_interval=job.interval,
        )

    return build


@dataclass(frozen=True)
class Candidate:
    """
    A provider.

    :param distribution: what is to be installed.
    :param module: with its trigger.
    :param connection: the Airflow connection to the service at a URL, whose certificate stands in a file.
    :param prepare: gives the function that builds the trigger of a wait.
    """

    name: str
    distribution: str
    module: str
    connection: Callable[[str, str], Mapping[str, Any]]
    prepare: Callable[[Job], Callable[[int], Any]]


def _platform(url: str, certificate: str) -> Mapping[str, Any]:
    extra = {"org_id": "BENCHMARK@AdobeOrg", "sandbox": "dev", "ims_url": url, "verify": certificate}
    return {"conn_type": "aep", "host": url, "login": "id", "password": "secret", "extra": extra}


CANDIDATES = {
    "payments": Candidate(
        "this provider",
        "airflow-provider-payments",
        "airflow_provider_payments.triggers.flow_run",
        _platform,
        payments,
    ),
    "dbt_cloud": Candidate(
        "dbt Cloud",
        "apache-airflow-providers-dbt-cloud",
        "airflow.providers.dbt.cloud.triggers.dbt",
        lambda url, _: {"conn_type": "dbt_cloud", "host": url.partition("://")[2], "login": "1", "password": "secret"},
        dbt_cloud,
    ),
    "airbyte": Candidate(
        "Airbyte",
        "apache-airflow-providers-airbyte",
        "airflow.providers.airbyte.triggers.airbyte",
        lambda url, _: {"conn_type": "airbyte", "host": f"{url}/api/public/v1", "login": "id", "password": "secret"},
        airbyte,
    ),
    "fivetran": Candidate(
        "Fivetran",
        "airflow-provider-fivetran-async",
        "fivetran_provider_async.triggers",
        lambda url, _: {"conn_type": "fivetran", "login": "key", "password": "secret"},
        fivetran,
    ),
}


class Waiting:
    """All waits of a job, on the event loop that runs."""

    def __init__(self, job: Job, build: Callable[[int], Any]) -> None:
        import psutil

        self.job = job
        self.build = build
        self.lateness = array("d")
        self.latency = array("d")
        self.waited = 0.0
        self.problems: list[str] = []
        # What the imports left behind is nobody's cost.
        gc.collect()
        self._memory = psutil.Process().memory_info
        self.base = self.peak = self._memory().rss / 1e6

    async def measure(self) -> Measured:
        """Wait for all runs."""
        began, cpu = time.monotonic(), time.process_time()
        ticker = asyncio.create_task(self._tick())
        waits = [asyncio.create_task(self._wait(place)) for place in range(len(self.job.flows))]
        _, lost = await asyncio.wait(waits, timeout=self.job.patience)
        elapsed, cpu = time.monotonic() - began, time.process_time() - cpu
        for task in (*lost, ticker):
            task.cancel()
        await asyncio.gather(*lost, ticker, return_exceptions=True)
        self.problems += [f"no event after {self.job.patience:.0f} s"] * len(lost)
        return Measured(
            elapsed=elapsed,
            cpu=cpu,
            base=self.base,
            peak=max(self.peak, self._memory().rss / 1e6),
            lateness=spread([late * 1000 for late in self.lateness]),
            latency=spread(self.latency),
            waited=self.waited + len(lost) * elapsed,
            lost=len(self.problems),
            problems=sorted(set(self.problems))[:3],
        )

    async def _wait(self, place: int) -> None:
        await asyncio.sleep(self.job.spread * place / len(self.job.flows))
        began = time.time()
        try:
            payloads = [event.payload async for event in self.build(place).run()]
        except Exception as error:
            payloads = [repr(error)]
        moment = time.time()
        self.waited += moment - began
        if len(payloads) != 1 or not self._is_right(place, payloads[0]):
            self.problems.append(str(payloads)[:300])
            return
        end = self.job.ends[place] if self.job.ends else payloads[0]["run"]["completed_at"]
        self.latency.append(moment - max(end, began))

    def _is_right(self, place: int, payload: Any) -> bool:
        if not isinstance(payload, dict) or payload.get("status") != "ended":
            return isinstance(payload, dict) and payload.get("status") == "success"
        run = payload["run"]
        expected = self.job.runs[place], self.job.flows[place], "success"
        return bool((run["id"], run["flow_id"], run["raw_status"]) == expected)

    async def _tick(self) -> None:
        """Note how late the loop is; what it holds up for a second makes a hundred ticks late."""
        loop = asyncio.get_running_loop()
        due = looked = loop.time()
        while True:
            due += TICK
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            self.lateness.append(now - due)
            while due + TICK <= now:
                due += TICK
                self.lateness.append(now - due)
            if now >= looked + LOOK_AT_MEMORY:
                looked, self.peak = now, max(self.peak, self._memory().rss / 1e6)


def spread(values: Sequence[float]) -> list[float]:
    """Median, 99th percentile and most; zeros where there are none."""
    if len(values) < 2:
        return [*values, *values, *values] or [0.0, 0.0, 0.0]
    return [statistics.median(values), statistics.quantiles(values, n=100)[98], max(values)]


def main(name: str) -> None:
    """Talk to the benchmark on the standard streams, and send what Airflow prints to the error stream."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    candidate = CANDIDATES[name]
    __import__(candidate.module)
    print("ready", file=answers, flush=True)
    job = Job(**json.loads(sys.stdin.readline()))
    waiting = Waiting(job, candidate.prepare(job))
    measured = asyncio.run(waiting.measure())
    print(json.dumps(asdict(measured)), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
