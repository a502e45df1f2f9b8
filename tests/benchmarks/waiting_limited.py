"""Many waits with the emulator, which allows few requests a minute."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from tests.benchmarks.emulator import Wire, emulator_process, next_address, signed
from tests.benchmarks.waiting_candidates import Job, Measured
from tests.benchmarks.waiting_processes import Load, run
from tests.benchmarks.waiting_server import kind_of
from tests.emulator.client import FLOW, Client

REQUESTS_A_MINUTE = 60
#: The maximum number of ids in a request of the provider.
IDS_PER_REQUEST = 100
#: The number of requests that are allowed at once after a pause: fewer than one round of polls needs.
BURST = 10
SEED = 20261122
#: Seeded dataflows run once a day; the next runs start after half a day, within an hour.
UNTIL_DUE_SECONDS = 43200 + 3600
#: Vendors have no rows after the emulator's first months; after this time runs ingest nothing and are fast.
UNTIL_NO_ROWS_SECONDS = 366 * 86400
#: The number of runs that one ordered outcome keeps active.
RUNS_PER_OUTCOME = 1000
#: The number of runs that end singly, at random times; all others end together, after the last of them.
SINGLE_RUNS = 200


@dataclass(frozen=True)
class Limited:
    """
    The measurements of the waits, and the requests to the emulator.

    :param requests: the number of requests by kind, including refused ones.
    :param refused: the number of requests refused with 429, by minute.
    :param page_seconds: the seconds in which the emulator lists 1,000 runs.
    """

    waits: int
    measured: Measured
    requests: Mapping[str, int]
    refused: Mapping[int, int]
    page_seconds: float
    requests_a_minute: int = REQUESTS_A_MINUTE

    @property
    def max_refused(self) -> int:
        return max(self.refused.values(), default=0)


class Emulated:
    """The emulator with a clock that follows real time; each dataflow has an active run, until it is released."""

    def __init__(self, url: str, dataflows: int) -> None:
        self._wire = Wire(url, {})
        self.control("POST", "reset", {"clock": int(time.time()) - UNTIL_DUE_SECONDS - UNTIL_NO_ROWS_SECONDS})
        self.control("POST", "clock", {"advance": UNTIL_NO_ROWS_SECONDS})
        seed = {"sandbox": "dev", "dataflows": dataflows, "runs_per_dataflow": 1, "enabled": True}
        self.control("POST", "seed", seed)
        for _ in range(0, dataflows, RUNS_PER_OUTCOME):
            self.control("POST", "outcomes", {"outcome": "stuck", "times": RUNS_PER_OUTCOME})
        self._ends: list[tuple[float, Any]] = []
        #: The time of the emulator.
        self.now = float(self.control("POST", "clock", {"advance": UNTIL_DUE_SECONDS})["now"])
        self._headers = signed(Client(url))
        #: The newest run of each dataflow, which stays active.
        self.runs = {item["flowId"]: item for item in self._items("/runs?limit=1000")}
        started = time.perf_counter()
        self._list("/runs?orderby=-createdAt&limit=1000")
        self.page_seconds = time.perf_counter() - started

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self._wire.exchange(self._wire.request(method, f"/__emulator__/{path}", body)))

    def _list(self, page: str) -> Any:
        return json.loads(self._wire.exchange(self._wire.request("GET", FLOW + page, **self._headers)))

    def _items(self, page: str) -> Iterator[Any]:
        while page:
            answer = self._list(page)
            yield from answer["items"]
            page = next_address(answer)

    def begin(self, duration: float) -> None:
        """Start to limit the rate, clear the request log, and schedule the ends of the runs."""
        self.control("PUT", "rate-limit", {"requests_a_minute": REQUESTS_A_MINUTE, "burst": BURST})
        self.control("DELETE", "requests")
        self.pass_time()
        self.started = self.now
        draws = random.Random(SEED)
        alone = draws.sample(list(self.runs), min(SINGLE_RUNS, len(self.runs) // 2))
        ends = [(self.started + draws.uniform(1, duration - 1), {"flowId": flow}) for flow in alone]
        self._ends = sorted([*ends, (self.started + duration, {})], key=lambda end: end[0], reverse=True)

    def pass_time(self) -> None:
        """Advance the clock to the time of this machine, and release the runs whose end has come."""
        self.now = float(self.control("POST", "clock", {"advance": max(0.0, time.time() - self.now)})["now"])
        if self._ends and self._ends[-1][0] <= self.now:
            self.control("POST", "outcomes/release", self._ends.pop()[1])

    def requests(self) -> list[Any]:
        return list(self.control("GET", "requests")["requests"])


def measure_limited(key: str, load: Load) -> Limited:
    """Let the triggers of this provider wait with the emulator and its rate limit."""
    with emulator_process() as (url, _, _):
        emulated = Emulated(url, load.waits)

        def begin() -> Job:
            emulated.begin(load.duration)
            created = [run["createdAt"] / 1000 for run in emulated.runs.values()]
            job = load.job(url, list(emulated.runs), [run["id"] for run in emulated.runs.values()], created)
            # A request is for a hundred waits, so the rate limit sets the duration of a round of polls.
            a_round = load.waits / IDS_PER_REQUEST / REQUESTS_A_MINUTE * 60
            return replace(job, patience=job.patience + 2 * a_round)

        measured = run(key, _connection(url), begin, emulated.pass_time)
        sent = [entry for entry in emulated.requests() if not entry["path"].startswith("/__emulator__")]
    requests = Counter(kind_of(entry["path"], parse_qsl(entry["query"])) for entry in sent)
    refused = Counter(int((entry["at"] - emulated.started) // 60) for entry in sent if entry["status"] == 429)
    return Limited(load.waits, measured, requests, refused, emulated.page_seconds)


def _connection(url: str) -> Mapping[str, Any]:
    extra = {"org_id": "EMULATOR@AdobeOrg", "sandbox": "dev", "ims_url": url}
    own = {"login": "emulator-client", "password": "emulator-secret"}
    return {"conn_type": "aep", "host": url, "extra": extra, **own}
