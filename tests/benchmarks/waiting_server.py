"""
The service that the benchmark's waits ask, in a process of its own: the runs of Flow Service, and what the hooks of dbt
Cloud, Airbyte and Fivetran ask. It counts requests, and answers each after the same time without holding others up.

    python -m tests.benchmarks.waiting_server <certificate> <key> [<fast time>]

What it shows of a run follows from the clock alone: a few runs are made while the waits last, each ends at a moment
drawn from a seed, and each dataflow has an older run that nobody waits for.
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
from tests.benchmarks.waiting_sandbox import FLOW_SERVICE, QUEUE, Query, RefusedError, Run, Sandbox, identifier
from tests.benchmarks.waiting_shapes import CONNECTOR, JOB, JOB_RUN
from tests.benchmarks.waiting_turns import Plan

#: Seconds until an answer.
ANSWER_TIME = 0.05
SEED = 20261122
#: So many in a hundred runs are made while the waits last.
LATE_RUNS = 20
DAY = 86400
TOKENS = ("/token", "/token/v3")


class World:
    """
    Dataflows, each with an old run and the one that is waited for, which ends at a random moment.

    :param begin: epoch seconds.
    :param first: seconds after which the first run ends; ``last``: the last one.
    """

    def __init__(self, waits: int, begin: float, first: float, last: float) -> None:
        chance = random.Random(SEED)
        self.flows = [identifier(chance) for _ in range(waits)]
        #: Of each dataflow the run that is waited for.
        self.awaited: list[Run] = []
        for flow in self.flows:
            late = chance.uniform(0, last / 4) if chance.random() * 100 < LATE_RUNS else chance.uniform(-3600, -60)
            ends = begin + chance.uniform(max(first, late + QUEUE), last)
            self.awaited.append(Run(identifier(chance), flow, begin + late, ends))
        old = [Run(identifier(chance), run.flow_id, run.created - DAY, run.created - DAY + 60) for run in self.awaited]
        self.sandbox = Sandbox([*self.awaited, *old])


class BusyWorld(World):
    """
    The runs of a plan, and as many others an hour, of other dataflows; who waits for what follows from the plan.

    :param others: runs that are made each hour and that nobody waits for; they take as long as those of the plan.
    """

    def __init__(self, plan: Plan, others: float) -> None:
        super().__init__(0, 0, 0, 0)
        chance = random.Random(plan.seed)
        begin = plan.begin - plan.longest
        runs = []
        for _ in range(round(others * (plan.end - begin) / 3600)):
            created = chance.uniform(begin, plan.end)
            ends = created + chance.uniform(plan.shortest, plan.longest)
            runs.append(Run(identifier(chance), identifier(chance), created, ends))
        self.sandbox = plan.sandbox(runs)


def answer(world: World, path: str, query: Query, now: float) -> str:
    """What is answered now; a path that ends in a number is a rival's, and the number the place of a wait."""
    if path.endswith(TOKENS):
        return '{"access_token": "benchmark", "token_type": "bearer", "expires_in": 86399}'
    if path.startswith(FLOW_SERVICE):
        return world.sandbox.answer(path.removeprefix(FLOW_SERVICE), query, now)
    service, place = path.strip("/").split("/")[0:2], int(path.strip("/").rpartition("/")[2])
    ended = now >= world.awaited[place].ends
    if service == ["api", "v2"]:
        return JOB_RUN % {"run": place, "status": 10 if ended else 3}
    if service == ["api", "public"]:
        return JOB % {"job": place, "status": "succeeded" if ended else "running"}
    at = f'"{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(world.awaited[place].ends))}"' if ended else "null"
    return CONNECTOR % {"connector": place, "state": "scheduled" if ended else "syncing", "succeeded_json": at}


def kind_of(path: str, query: Query) -> str:
    """What a request asks for, and by what it filters."""
    if path.endswith(TOKENS):
        return "token"
    if not path.startswith(FLOW_SERVICE):
        return "status"
    kind, _, one = path.removeprefix(FLOW_SERVICE + "/").partition("/")
    filters = [re.split("[=<>]", value)[0] for name, value in query if name == "property"]
    return f"{kind}/id" if one else f"{kind} by {' and '.join(filters)}" if filters else f"all {kind}"


class Service:
    """
    The ASGI application.

    :param time: what its clocks show.
    """

    def __init__(self, time: FastTime) -> None:
        self.time = time
        self._begin(World(0, 0, 0, 0))

    def _begin(self, world: World) -> None:
        self.world = world
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
            await asyncio.sleep(ANSWER_TIME / self.time.factor)
            kind = kind_of(path, query)
            try:
                status, body = 200, answer(self.world, path, query, self.now())
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
        ``/bench/begin``: a new world, and who waits for what; ``/bench/busy``: one that a plan tells;
        ``/bench/figures``: what it cost.
        """
        if path == "/bench/figures":
            return {"requests": self.requests, "cpu": time.process_time() - self.cpu}
        if path == "/bench/busy":
            others = query.pop("others")
            places, seed = int(query.pop("places")), int(query.pop("seed"))
            self._begin(BusyWorld(Plan(seed, places, **query), others))
            return {}
        self._begin(World(int(query["waits"]), self.now(), query["first"], query["last"]))
        awaited = self.world.awaited
        times = {"created": [run.created for run in awaited], "ends": [run.ends for run in awaited]}
        return {"flows": self.world.flows, "runs": [run.id for run in awaited], **times}


def main(certificate: str, key: str, fast_time: str = str(FastTime())) -> None:
    """Serve until the process is ended."""
    import uvicorn

    sock = listening_socket("127.0.0.1", 0)
    sock.listen(2048)
    config = uvicorn.Config(
        Service(FastTime.read(fast_time)),
        ssl_certfile=certificate,
        ssl_keyfile=key,
        # As long as the gateways of real services keep a connection.
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
