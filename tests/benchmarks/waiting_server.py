"""
The service that the benchmark's waits ask, in a process of its own: the runs of Flow Service, and what the hooks of dbt
Cloud, Airbyte and Fivetran ask. It counts requests, and answers each after the same time without holding others up.

    python -m tests.benchmarks.waiting_server <certificate> <key>

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
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from airflow_provider_payments.emulator.server import listening_socket
from tests.benchmarks.waiting_shapes import CONNECTOR, FLOW, JOB, JOB_RUN, RUN

FLOW_SERVICE = "/data/foundation/flowservice"
#: Seconds until an answer.
ANSWER_TIME = 0.05
SEED = 20261122
#: So many in a hundred runs are made while the waits last.
LATE_RUNS = 20
#: Seconds between a run's creation and its start.
QUEUE = 1.0
DAY = 86400
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
TOKENS = ("/token", "/token/v3")
FILTER = re.compile(r"(\w+)(==|>=)(.+)")


class RefusedError(Exception):
    """A request that the service does not understand."""


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run of a dataflow; times in epoch seconds.

    :param ends: when it has succeeded, and everybody may know.
    """

    id: str
    flow_id: str
    created: float
    ends: float

    def at(self, now: float) -> str:
        """The item that the list of runs shows."""
        started = self.created + QUEUE
        state = "scheduled" if now < started else "inProgress" if now < self.ends else "success"
        times = {"created": self.created * 1000, "started": started * 1000, "ended": self.ends * 1000}
        return RUN[state] % ({"run": self.id, "flow": self.flow_id} | times)


class World:
    """
    Dataflows, each with an old run and the one that is waited for, which ends at a random moment.

    :param begin: epoch seconds.
    :param first: seconds after which the first run ends; ``last``: the last one.
    """

    def __init__(self, waits: int, begin: float, first: float, last: float) -> None:
        chance = random.Random(SEED)
        self.cpu = time.process_time()
        self.requests: Counter[str] = Counter()
        self.flows = [_identifier(chance) for _ in range(waits)]
        self.places = {flow: place for place, flow in enumerate(self.flows)}
        #: Of each dataflow the run that is waited for.
        self.awaited: list[Run] = []
        for flow in self.flows:
            late = chance.uniform(0, last / 4) if chance.random() * 100 < LATE_RUNS else chance.uniform(-3600, -60)
            ends = begin + chance.uniform(max(first, late + QUEUE), last)
            self.awaited.append(Run(_identifier(chance), flow, begin + late, ends))
        old = [Run(_identifier(chance), run.flow_id, run.created - DAY, run.created - DAY + 60) for run in self.awaited]
        #: By creation, as a list shows them.
        self.runs = sorted([*self.awaited, *old], key=lambda run: run.created)
        self._created = [run.created for run in self.runs]
        self._places: dict[str, dict[str, list[int]]] = {"id": {}, "flowId": {}}
        for place, run in enumerate(self.runs):
            self._places["id"][run.id] = [place]
            self._places["flowId"].setdefault(run.flow_id, []).append(place)

    def places_of(self, filters: Sequence[str], now: float) -> Sequence[int]:
        """Which runs pass, in the order of creation; those that are still to be made do not exist."""
        low, high = 0, bisect_right(self._created, now)
        chosen: set[int] | None = None
        for text in filters:
            path, sign, value = understood(text)
            if (path, sign) == ("createdAt", ">="):
                low = max(low, bisect_left(self._created, int(value) / 1000))
            elif path in self._places and sign == "==":
                found = {place for one in value.split(",") for place in self._places[path].get(one, ())}
                chosen = found if chosen is None else chosen & found
            else:
                raise RefusedError(text)
        return range(low, high) if chosen is None else sorted(place for place in chosen if low <= place < high)


def understood(text: str) -> tuple[str, str, str]:
    match = FILTER.fullmatch(text)
    if match is None:
        raise RefusedError(text)
    return match[1], match[2], match[3]


def _identifier(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def run_list(world: World, query: list[tuple[str, str]], now: float) -> str:
    """A page of runs, by the rules of Flow Service's lists; the token tells the place of the last item."""
    asked = dict(query)
    places = world.places_of([value for name, value in query if name == "property"], now)
    token, limit = asked.get("continuationToken"), min(int(asked.get("limit", DEFAULT_LIMIT)), MAX_LIMIT)
    match asked.get("orderby"):
        case "-createdAt":
            places = places[: bisect_left(places, int(token))] if token else places
            page = places[::-1][:limit]
        case None | "createdAt":
            places = places[bisect_right(places, int(token)) :] if token else places
            page = places[:limit]
        case other:
            raise RefusedError(other)
    following = {"next": {"href": f"/runs?continuationToken={page[-1]}"}} if len(page) < len(places) else {}
    return _list([world.runs[place].at(now) for place in page], following)


def flow_list(world: World, query: list[tuple[str, str]], now: float) -> str:
    """The dataflows with certain ids, each with its last run."""
    (path, sign, value), *others = [understood(text) for name, text in query if name == "property"]
    if (path, sign) != ("id", "==") or others:
        raise RefusedError(path)
    return _list([flow_item(world, one, now) for one in value.split(",") if one in world.places])


def flow_item(world: World, flow: str, now: float) -> str:
    run = world.awaited[world.places[flow]]
    started = run.created + QUEUE
    last = {"last": run.id, "state": "success", "started": (started - DAY) * 1000, "ended": (run.created - DAY) * 1000}
    if now >= started:
        state = "inProgress" if now < run.ends else "success"
        last = {"last": run.id, "state": state, "started": started * 1000, "ended": run.ends * 1000}
    return FLOW % ({"flow": flow} | last)


def _list(items: Sequence[str], links: Any = None) -> str:
    return f'{{"items": [{", ".join(items)}], "_links": {json.dumps(links or {})}}}'


def answer(world: World, path: str, query: list[tuple[str, str]]) -> str:
    """What is answered now; a path that ends in a number is a rival's, and the number the place of a wait."""
    now = time.time()
    if path.endswith(TOKENS):
        return '{"access_token": "benchmark", "token_type": "bearer", "expires_in": 86399}'
    if path.startswith(FLOW_SERVICE):
        kind, _, identifier = path.removeprefix(FLOW_SERVICE + "/").partition("/")
        if not identifier:
            return {"runs": run_list, "flows": flow_list}[kind](world, query, now)
        if kind == "flows":
            return _list([flow_item(world, identifier, now)])
        (place,) = world.places_of([f"id=={identifier}"], now)
        return _list([world.runs[place].at(now)])
    service, place = path.strip("/").split("/")[0:2], int(path.strip("/").rpartition("/")[2])
    ended = now >= world.awaited[place].ends
    if service == ["api", "v2"]:
        return JOB_RUN % {"run": place, "status": 10 if ended else 3}
    if service == ["api", "public"]:
        return JOB % {"job": place, "status": "succeeded" if ended else "running"}
    at = f'"{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(world.awaited[place].ends))}"' if ended else "null"
    return CONNECTOR % {"connector": place, "state": "scheduled" if ended else "syncing", "succeeded_json": at}


def kind_of(path: str, query: list[tuple[str, str]]) -> str:
    """What a request asks for, and by what it filters."""
    if path.endswith(TOKENS):
        return "token"
    if not path.startswith(FLOW_SERVICE):
        return "status"
    kind, _, identifier = path.removeprefix(FLOW_SERVICE + "/").partition("/")
    filters = [re.split("[=<>]", value)[0] for name, value in query if name == "property"]
    return f"{kind}/id" if identifier else f"{kind} by {' and '.join(filters)}" if filters else f"all {kind}"


class Service:
    """The ASGI application."""

    def __init__(self) -> None:
        self.world = World(0, 0, 0, 0)

    async def __call__(
        self, scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        path, query = scope["path"], parse_qsl(scope["query_string"].decode())
        if path.startswith("/bench/"):
            status, body = 200, json.dumps(self.control(path, {name: float(value) for name, value in query}))
        else:
            await asyncio.sleep(ANSWER_TIME)
            kind = kind_of(path, query)
            try:
                status, body = 200, answer(self.world, path, query)
            except (RefusedError, KeyError, ValueError) as error:
                status, body = 400, json.dumps({"title": "Invalid request", "status": 400, "detail": repr(error)})
                kind += ", refused"
            self.world.requests[kind] += 1
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    def control(self, path: str, query: dict[str, float]) -> Any:
        """``/bench/begin``: a new world, and who waits for what; ``/bench/figures``: what it cost."""
        if path == "/bench/figures":
            cpu = time.process_time() - self.world.cpu
            return {"requests": self.world.requests, "cpu": cpu}
        self.world = World(int(query["waits"]), time.time(), query["first"], query["last"])
        awaited = self.world.awaited
        return {"flows": self.world.flows, "runs": [run.id for run in awaited], "ends": [run.ends for run in awaited]}


def main(certificate: str, key: str) -> None:
    """Serve until the process is ended."""
    import uvicorn

    sock = listening_socket("127.0.0.1", 0)
    sock.listen(2048)
    config = uvicorn.Config(
        Service(),
        ssl_certfile=certificate,
        ssl_keyfile=key,
        # As long as the gateways of real services keep a connection.
        timeout_keep_alive=75,
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    print(f"ready https://localhost:{sock.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main(*sys.argv[1:])
