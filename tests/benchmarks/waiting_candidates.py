"""
Measure the triggers of one provider, in a process and an event loop of their own.

    python -m tests.benchmarks.waiting_candidates <candidate>

Print "ready", read the job, a line of JSON, and print the cost of the waits, another line of JSON. The triggers are the
released ones, built as their operators and sensors build them and run as the triggerer runs them.
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

#: The id of the Airflow connection, which is in the environment.
CONN_ID = "waiting"
#: Seconds between two samples of the event loop's lateness.
TICK_SECONDS = 0.01
#: Seconds between two samples of the memory.
MEMORY_INTERVAL_SECONDS = 0.2


@dataclass
class Job:
    """
    The waits of a candidate. Times are epoch seconds.

    :param url: the URL of the service.
    :param interval: seconds between two polls.
    :param spread: seconds within which the waits begin, one after another.
    :param patience: seconds after which waits without an event are lost.
    :param flows: the id of the dataflow of each wait.
    :param since: runs that started earlier are ignored.
    :param runs: the id of the run that each wait must report.
    :param created: the creation time of each run, past or future.
    :param ends: the end of each run; empty if the events contain the ends.
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
    The cost of the waits.

    :param elapsed: seconds until the last event.
    :param cpu: processor seconds.
    :param base: megabytes before the first trigger was built.
    :param peak: the maximum of megabytes while the triggers ran.
    :param lateness: how late the event loop was: median, 99th percentile and maximum, in milliseconds.
    :param latency: from the run's end to the event: median, 99th percentile and maximum, in seconds.
    :param waited: the sum of all waits, in seconds.
    :param lost: the number of waits without the expected event.
    :param problems: some of the wrong events and lost waits.
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
        # The worker polls before it defers, and passes the result to the trigger.
        wait.select([polled_run(flow, job.runs[place], job.created[place])] * (job.created[place] <= now), now)
        parts = FlowParts(flow, f"Payments of shop {place}", str(uuid4()), str(uuid4()), uuid4().hex).to_json()
        return FlowRunTrigger(aep_conn_id=CONN_ID, poll_interval=job.interval, flow=parts, **wait.trigger_arguments())

    return build


def polled_run(flow: str, run: str, created: float) -> Any:
    """Return an active run, as the worker polled it."""
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

    # The host cannot be set in a connection.
    FivetranHookAsync.api_host = job.url.partition("://")[2]

    def build(place: int) -> Any:
        # The sensor polls before it defers, and passes the last completion to the trigger.
        previous = pendulum.from_timestamp(job.since)
        return FivetranTrigger(
            task_id=f"wait_{place}",
            connector_id=str(place),
            fivetran_conn_id=CONN_ID,
            previous_completed_at=previous,
            poke_interval=job.interval,
        )

    return build


@dataclass(frozen=True)
class Candidate:
    """
    A provider.

    :param distribution: the name of the distribution package.
    :param module: the module that contains the trigger.
    :param connection: returns the Airflow connection to the service, from its URL and the file of its certificate.
    :param prepare: returns the function that builds the trigger of a wait.
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
    """All waits of a job, on the running event loop."""

    def __init__(self, job: Job, build: Callable[[int], Any]) -> None:
        import psutil

        self.job = job
        self.build = build
        self.lateness = array("d")
        self.latency = array("d")
        self.waited = 0.0
        self.problems: list[str] = []
        # Garbage of the imports must not count as memory of the waits.
        gc.collect()
        self._memory = psutil.Process().memory_info
        self.base = self.peak = self._memory().rss / 1e6

    async def measure(self) -> Measured:
        """Wait for all runs."""
        started, cpu = time.monotonic(), time.process_time()
        ticker = asyncio.create_task(self._tick())
        waits = [asyncio.create_task(self._wait(place)) for place in range(len(self.job.flows))]
        _, lost = await asyncio.wait(waits, timeout=self.job.patience)
        elapsed, cpu = time.monotonic() - started, time.process_time() - cpu
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
        started = time.time()
        try:
            payloads = [event.payload async for event in self.build(place).run()]
        except Exception as error:  # a trigger that raises has no event: the error is counted as a wrong one
            payloads = [repr(error)]
        ended = time.time()
        self.waited += ended - started
        if len(payloads) != 1 or not self._is_right(place, payloads[0]):
            self.problems.append(str(payloads)[:300])
            return
        end = self.job.ends[place] if self.job.ends else payloads[0]["run"]["completed_at"]
        self.latency.append(ended - max(end, started))

    def _is_right(self, place: int, payload: Any) -> bool:
        if not isinstance(payload, dict) or payload.get("status") != "ended":
            return isinstance(payload, dict) and payload.get("status") == "success"
        run = payload["run"]
        expected = self.job.runs[place], self.job.flows[place], "success"
        return bool((run["id"], run["flow_id"], run["raw_status"]) == expected)

    async def _tick(self) -> None:
        """Sample the lateness of the loop; blocking the loop for a second makes a hundred ticks late."""
        loop = asyncio.get_running_loop()
        due = sampled = loop.time()
        while True:
            due += TICK_SECONDS
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            self.lateness.append(now - due)
            while due + TICK_SECONDS <= now:
                due += TICK_SECONDS
                self.lateness.append(now - due)
            if now >= sampled + MEMORY_INTERVAL_SECONDS:
                sampled, self.peak = now, max(self.peak, self._memory().rss / 1e6)


def spread(values: Sequence[float]) -> list[float]:
    """Return the median, the 99th percentile and the maximum; zeros if there are no values."""
    if len(values) < 2:
        return [*values, *values, *values] or [0.0, 0.0, 0.0]
    return [statistics.median(values), statistics.quantiles(values, n=100)[98], max(values)]


def main(name: str) -> None:
    """Communicate with the benchmark on the standard streams; output of Airflow goes to the error stream."""
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
