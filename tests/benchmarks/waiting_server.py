"""
The service that the benchmark's waits poll, in a process of its own: the runs of Flow Service, and the requests of the
hooks of dbt Cloud, Airbyte and Fivetran. It counts requests, and answers each after the same time, concurrently.

    python -m tests.benchmarks.waiting_server <certificate> <key> [<fast time>]

The answers depend on the clock alone: some runs are created while the waits last, each run ends at a time drawn from a
seed, and each dataflow has an older run that no trigger waits for.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_payments.emulator.http.server import listening_socket
from tests.benchmarks.fast_time import FastTime
from tests.benchmarks.waiting_sandbox import FLOW_SERVICE, QUEUE_SECONDS, Query, RefusedError, Run, Sandbox, identifier
from tests.benchmarks.waiting_shapes import CONNECTOR, JOB, JOB_RUN
from tests.benchmarks.waiting_turns import Plan

#: Seconds until an answer.
ANSWER_SECONDS = 0.05
SEED = 20261122
#: The percentage of runs that are created while the waits last.
LATE_RUNS_PERCENT = 20
DAY_SECONDS = 86400
TOKENS = ("/token", "/token/v3")


class Runs:
    """
    Dataflows, each with an old run and an awaited run, which ends at a random time.

    :param begin: the start of the waits, in epoch seconds.
    :param first: the seconds from ``begin`` after which the first run ends.
    :param last: the seconds from ``begin`` after which the last run ends.
    """

    def __init__(self, waits: int, begin: float, first: float, last: float) -> None:
        draws = random.Random(SEED)
        self.flows = [identifier(draws) for _ in range(waits)]
        #: The awaited run of each dataflow.
        self.awaited: list[Run] = []
        for flow in self.flows:
            late = draws.uniform(0, last / 4) if draws.random() * 100 < LATE_RUNS_PERCENT else draws.uniform(-3600, -60)
            ends = begin + draws.uniform(max(first, late + QUEUE_SECONDS), last)
            self.awaited.append(Run(identifier(draws), flow, begin + late, ends))
        old = [
            Run(identifier(draws), run.flow_id, run.created - DAY_SECONDS, run.created - DAY_SECONDS + 60)
            for run in self.awaited
        ]
        self.sandbox = Sandbox([*self.awaited, *old])


class PlannedRuns(Runs):
    """
    The runs of a plan, and runs of other dataflows.

    :param others: the number of other runs that are created each hour; they take as long as those of the plan.
    """

    def __init__(self, plan: Plan, others: float) -> None:
        super().__init__(0, 0, 0, 0)
        draws = random.Random(plan.seed)
        begin = plan.begin - plan.longest
        runs = []
        for _ in range(round(others * (plan.end - begin) / 3600)):
            created = draws.uniform(begin, plan.end)
            ends = created + draws.uniform(plan.shortest, plan.longest)
            runs.append(Run(identifier(draws), identifier(draws), created, ends))
        self.sandbox = plan.sandbox(runs)


def answer(runs: Runs, path: str, query: Query, now: float) -> str:
    """Return the answer at a time; a path that ends in a number is that of a rival, with the index of a wait."""
    if path.endswith(TOKENS):
        return '{"access_token": "benchmark", "token_type": "bearer", "expires_in": 86399}'
    if path.startswith(FLOW_SERVICE):
        return runs.sandbox.answer(path.removeprefix(FLOW_SERVICE), query, now)
    service, place = path.strip("/").split("/")[0:2], int(path.strip("/").rpartition("/")[2])
    ended = now >= runs.awaited[place].ends
    if service == ["api", "v2"]:
        return JOB_RUN % {"run": place, "status": 10 if ended else 3}
    if service == ["api", "public"]:
        return JOB % {"job": place, "status": "succeeded" if ended else "running"}
    at = f'"{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(runs.awaited[place].ends))}"' if ended else "null"
    return CONNECTOR % {"connector": place, "state": "scheduled" if ended else "syncing", "succeeded_json": at}


def kind_of(path: str, query: Query) -> str:
    """Return the kind of a request: the object or list, and its filters."""
    if path.endswith(TOKENS):
        return "token"
    if not path.startswith(FLOW_SERVICE):
        return "status"
    kind, _, one = path.removeprefix(FLOW_SERVICE + "/").partition("/")
    filters = [re.split("[=<>]", value)[0] for name, value in query if name == "property"]
    return f"{kind}/id" if one else f"{kind} by {' and '.join(filters)}" if filters else f"all {kind}"


class Service:
    """
    The ASGI application of the service.

    :param time: the clock of the service.
    """

    def __init__(self, time: FastTime) -> None:
        self.time = time
        self._begin(Runs(0, 0, 0, 0))

    def _begin(self, runs: Runs) -> None:
        self.runs = runs
        self.requests: Counter[str] = Counter()
        self.cpu = time.process_time()

    def now(self) -> float:
        return self.time.at(time.time())

    async def __call__(
        self, scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        path, query = scope["path"], parse_qsl(scope["query_string"].decode())
        if path.startswith("/bench/"):
            status, body = 200, json.dumps(self.control(path, {name: float(value) for name, value in query}))
        else:
            await asyncio.sleep(ANSWER_SECONDS / self.time.factor)
            kind = kind_of(path, query)
            try:
                status, body = 200, answer(self.runs, path, query, self.now())
            except (RefusedError, KeyError, ValueError) as error:
                status, body = 400, json.dumps({"title": "Invalid request", "status": 400, "detail": repr(error)})
                kind += ", refused"
            self.requests[kind] += 1
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"date", formatdate(self.now(), usegmt=True).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    def control(self, path: str, query: dict[str, float]) -> Any:
        """
        Answer the benchmark.

        ``/bench/begin`` creates new runs and returns the awaited ones; ``/bench/busy`` creates the runs of a plan;
        ``/bench/figures`` returns the number of requests and the processor seconds.
        """
        if path == "/bench/figures":
            return {"requests": self.requests, "cpu": time.process_time() - self.cpu}
        if path == "/bench/busy":
            others = query.pop("others")
            places, seed = int(query.pop("places")), int(query.pop("seed"))
            self._begin(PlannedRuns(Plan(seed, places, **query), others))
            return {}
        self._begin(Runs(int(query["waits"]), self.now(), query["first"], query["last"]))
        awaited = self.runs.awaited
        times = {"created": [run.created for run in awaited], "ends": [run.ends for run in awaited]}
        return {"flows": self.runs.flows, "runs": [run.id for run in awaited], **times}


def main(certificate: str, key: str, fast_time: str = str(FastTime())) -> None:
    """Serve until the process ends."""
    import uvicorn

    sock = listening_socket("127.0.0.1", 0)
    sock.listen(2048)
    config = uvicorn.Config(
        Service(FastTime.read(fast_time)),
        ssl_certfile=certificate,
        ssl_keyfile=key,
        # The time for which gateways of real services keep a connection.
        timeout_keep_alive=75,
        date_header=False,
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    print(f"ready https://localhost:{sock.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main(*sys.argv[1:])
