"""Many waits at the emulator, which lets few requests a minute pass."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from tests.benchmarks.emulator import Wire, emulator_process, following, signed
from tests.benchmarks.waiting_candidates import Job, Measured
from tests.benchmarks.waiting_processes import Load, run
from tests.benchmarks.waiting_server import kind_of
from tests.emulator.client import FLOW, Client

REQUESTS_A_MINUTE = 60
#: The most that the provider asks for in one request.
IDS_PER_REQUEST = 100
#: How many may come at once after a pause: fewer than one look takes.
BURST = 10
SEED = 20261122
#: Seeded dataflows run once a day, the next time in half a day and within an hour.
UNTIL_DUE = 43200 + 3600
#: A vendor's last rows are of the emulator's first months. Later there is nothing to copy, and runs end fast.
UNTIL_NO_ROWS = 366 * 86400
#: Runs that one order keeps from ending.
ORDER = 1000
#: Runs that end one by one, at random moments; all others end together, after the last of them.
SINGLY = 200


@dataclass(frozen=True)
class Limited:
    """
    What was asked of the emulator.

    :param requests: how many of each kind, those that were refused too.
    :param refused: how many were refused with 429 in each minute.
    :param page_seconds: what the emulator takes to list 1,000 runs.
    """

    waits: int
    measured: Measured
    requests: Mapping[str, int]
    refused: Mapping[int, int]
    page_seconds: float
    requests_a_minute: int = REQUESTS_A_MINUTE

    @property
    def most_refused(self) -> int:
        return max(self.refused.values(), default=0)


class Emulated:
    """The emulator on a clock that is moved as time passes; each dataflow has a run that hangs until it is let go."""

    def __init__(self, url: str, dataflows: int) -> None:
        self._wire = Wire(url, {})
        self.control("POST", "reset", {"clock": int(time.time()) - UNTIL_DUE - UNTIL_NO_ROWS})
        self.control("POST", "clock", {"advance": UNTIL_NO_ROWS})
        seed = {"sandbox": "dev", "dataflows": dataflows, "runs_per_dataflow": 1, "enabled": True}
        self.control("POST", "seed", seed)
        for _ in range(0, dataflows, ORDER):
            self.control("POST", "outcomes", {"outcome": "stuck", "times": ORDER})
        self._ends: list[tuple[float, Any]] = []
        #: What time it is there.
        self.now = float(self.control("POST", "clock", {"advance": UNTIL_DUE})["now"])
        self._headers = signed(Client(url))
        #: Of each dataflow the run that hangs, its newest.
        self.runs = {item["flowId"]: item for item in self._items("/runs?limit=1000")}
        began = time.perf_counter()
        self._list("/runs?orderby=-createdAt&limit=1000")
        self.page_seconds = time.perf_counter() - began

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self._wire.exchange(self._wire.request(method, f"/__emulator__/{path}", body)))

    def _list(self, page: str) -> Any:
        return json.loads(self._wire.exchange(self._wire.request("GET", FLOW + page, **self._headers)))

    def _items(self, page: str) -> Iterator[Any]:
        while page:
            answer = self._list(page)
            yield from answer["items"]
            page = following(answer)

    def begin(self, duration: float) -> None:
        """Limit the rate from now on, forget what was asked, and let the runs end by and by."""
        self.control("PUT", "rate-limit", {"requests_a_minute": REQUESTS_A_MINUTE, "burst": BURST})
        self.control("DELETE", "requests")
        self.pass_time()
        self.began = self.now
        chance = random.Random(SEED)
        alone = chance.sample(list(self.runs), min(SINGLY, len(self.runs) // 2))
        ends = [(self.began + chance.uniform(1, duration - 1), {"flowId": flow}) for flow in alone]
        self._ends = sorted([*ends, (self.began + duration, {})], key=lambda end: end[0], reverse=True)

    def pass_time(self) -> None:
        """Move the clock to the time of this machine, and let go what may go."""
        self.now = float(self.control("POST", "clock", {"advance": max(0.0, time.time() - self.now)})["now"])
        if self._ends and self._ends[-1][0] <= self.now:
            self.control("POST", "outcomes/release", self._ends.pop()[1])

    def asked(self) -> list[Any]:
        return list(self.control("GET", "requests")["requests"])


def measure_limited(key: str, load: Load) -> Limited:
    """Let our triggers wait at the emulator with its limit on."""
    with emulator_process() as (url, _, _):
        emulated = Emulated(url, load.waits)

        def begin() -> Job:
            emulated.begin(load.duration)
            created = [run["createdAt"] / 1000 for run in emulated.runs.values()]
            job = load.job(url, list(emulated.runs), [run["id"] for run in emulated.runs.values()], created)
            # A question is for a hundred waits, so the rate alone makes a round that long.
            a_round = load.waits / IDS_PER_REQUEST / REQUESTS_A_MINUTE * 60
            return replace(job, patience=job.patience + 2 * a_round)

        measured = run(key, _connection(url), begin, emulated.pass_time)
        asked = [entry for entry in emulated.asked() if not entry["path"].startswith("/__emulator__")]
    requests = Counter(kind_of(entry["path"], parse_qsl(entry["query"])) for entry in asked)
    refused = Counter(int((entry["at"] - emulated.began) // 60) for entry in asked if entry["status"] == 429)
    return Limited(load.waits, measured, requests, refused, emulated.page_seconds)


def _connection(url: str) -> Mapping[str, Any]:
    extra = {"org_id": "EMULATOR@AdobeOrg", "sandbox": "dev", "ims_url": url}
    own = {"login": "emulator-client", "password": "emulator-secret"}
    return {"conn_type": "aep", "host": url, "extra": extra, **own}
