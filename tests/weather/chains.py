"""
Whole chains in bad weather, in virtual time: the chaos suite's trials, with a proxy before the emulator in place of the
emulator's own faults.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.benchmarks.limits import Table
from tests.chaos import lives, report
from tests.chaos.census import DELETABLE
from tests.chaos.timeline import Platform
from tests.chaos.trials import Verdict, attempt, draw
from tests.weather import pages
from tests.weather.http import Answer, Request, Server
from tests.weather.kinds import Kind, Weather, kinds

#: How many writers each part has; those of applies apply definitions in place of making a chain step by step. Lives are
#: of dataflows that are there, with as many writers as a scene has.
PARTS = {"chains": 1, "pairs": 2, "applies": 1, "apply-pairs": 2, "lives": 0}
#: Ended by nothing but the operation's deadline, 900 s and thousands of requests away: a trial takes that for endless.
ENDLESS = "endless pages of new items"
#: Real seconds that an answer trickles before its connection ends: virtual time does not pass meanwhile.
TRICKLE = (0.2,)
#: Headers that belong to a connection.
OF_THE_CONNECTION = {"content-length", "connection", "transfer-encoding", "keep-alive"}


class StormyPlatform(Platform):
    """
    The emulator behind a proxy that answers badly, from the moment at which a trial would set its own faults until it
    takes them away.

    :param url: of the emulator.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._upstream = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._server = Server(self._respond)
        self._weather: Weather | None = None
        #: What the next trial is to meet; ``met`` what the last one did.
        self.weather: Weather | None = None
        self.url = self._server.url
        threading.Thread(target=asyncio.run, args=(self._server.serve(),), daemon=True).start()

    @property
    def met(self) -> Counter[str]:
        return self.weather.met if self.weather else Counter()

    def control(self, method: str, path: str, **options: Any) -> Any:
        answer = super().control(method, path, **options)
        if (method, path) in (("POST", "reset"), ("DELETE", "faults")):
            self._weather = None
        elif (method, path) == ("POST", "faults"):
            self._weather = self.weather
        return answer

    async def _respond(self, request: Request) -> Answer:
        # One request at a time, as virtual time has it, so this may hold the loop up.
        if begun := pages.begun(request):
            return pages.following(*begun, self._pass(request.without(pages.PARAMETER)))
        weather = self._weather
        kind = weather.kind(request) if weather else None
        if weather is None or kind is None:
            return self._pass(request)
        return self._bad(weather, kind, request)

    def _bad(self, weather: Weather, kind: Kind, request: Request) -> Answer:
        if not weather.takes_effect(kind, request):
            return weather.answer(kind, request, Answer(body=b"{}"))
        good = self._pass(request)
        # What the service refuses it refuses: there is nothing to spoil.
        return weather.answer(kind, request, good) if 200 <= good.status < 300 else good

    def _pass(self, request: Request) -> Answer:
        headers = {name: value for name, value in request.headers if name.lower() not in OF_THE_CONNECTION}
        self._upstream.request(request.method, request.target, request.body or None, headers)
        answer = self._upstream.getresponse()
        kept = ((name, value) for name, value in answer.getheaders() if name.lower() not in OF_THE_CONNECTION)
        return Answer(answer.status, answer.read(), tuple(kept))


@cache
def platform() -> StormyPlatform:
    """The process's own emulator, up to its end."""
    return StormyPlatform(EmulatorServer(time="manual").start().url)


@dataclass(frozen=True)
class Case:
    """One trial."""

    part: str
    number: int
    seed: int
    share: float

    def __str__(self) -> str:
        return f"{self.part}/{self.number}"

    def verdict(self) -> tuple[Verdict, Counter[str]]:
        """Run it in this process; return what came of it, and the bad answers that it met, by kind."""
        seed, stormy = f"{self.seed}/weather/{self}", platform()
        met = tuple(kind for kind in kinds(trickles=TRICKLE) if kind.name != ENDLESS)
        stormy.weather = Weather(seed, self.share, met)
        # With faults of its own the emulator would hide what is to be tried.
        if self.part == "lives":
            return lives.attempt(stormy, replace(lives.draw(seed), schedule=())), stormy.met
        applies = self.part.startswith("appl")
        drawn = draw(seed, PARTS[self.part], remove_duplicates=not applies, applies=applies)
        return attempt(stormy, replace(drawn, schedule=(), jumps=0.0)), stormy.met


@dataclass
class Outcome:
    """What came of all trials."""

    verdicts: dict[Case, Verdict] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    def total(self, count: Callable[[Verdict], float]) -> float:
        return sum(map(count, self.verdicts.values()))


def run(chains: int, pairs: int, seed: int, share: float) -> bool:
    """
    Run the trials, an apply for each ten of chains and a life for each four, print what came of them, and return
    whether all is well.
    """
    counts = {"chains": chains, "pairs": pairs, "applies": -(-chains // 10), "apply-pairs": -(-pairs // 10)}
    counts["lives"] = -(-chains // 4)
    cases = [Case(part, n, seed, share) for part, count in counts.items() for n in range(count)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.quiet"])
    outcome, todo = Outcome(), iter(cases)
    running = dict[Future[tuple[Verdict, Counter[str]]], Case]()
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        while True:
            for case in itertools.islice(todo, 4 - len(running)):
                running[pool.submit(Case.verdict, case)] = case
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                verdict, met = future.result()
                outcome.verdicts[running.pop(future)] = verdict
                outcome.met += met
    return show(outcome, f"python -m tests.weather --seed {seed} --share {share:g} --only")


def show_one(name: str, seed: int, share: float) -> bool:
    """Run one trial alone and print it; whether all is well."""
    part, _, number = name.partition("/")
    verdict, met = Case(part, int(number), seed, share).verdict()
    report.show_one(verdict)
    print(f"  met: {dict(met)}")
    return not verdict.broken


def show(outcome: Outcome, again: str) -> bool:
    """
    Print the figures, and whatever went wrong.

    :param again: the command that runs a trial again, up to its name.
    """
    for case, verdict in sorted(outcome.verdicts.items(), key=lambda pair: (pair[0].part, pair[0].number)):
        if verdict.broken:
            print(f"\n{case}: BROKEN")
            report.show_one(verdict)
            print(f"  again: {again} {case}")
    print(f"\n{len(outcome.verdicts):,} trials, {outcome.total(lambda v: v.requests):,.0f} requests that arrived")
    print(f"answered badly: {outcome.met.total():,}")
    for kind, count in sorted(outcome.met.items()):
        print(f"  {kind:<40}{count:>8,}")
    retried = outcome.total(lambda v: v.ends["retry"])
    unended = outcome.total(lambda v: len(v.incomplete))
    print(f"tasks that ended to be tried again: {retried:,.0f}; runs in bad weather not complete: {unended:,.0f}\n")
    table = Table()
    enabled = outcome.total(lambda v: v.census.count("flows") - v.census.disabled)
    table.row("duplicates that can be deleted", outcome.total(lambda v: v.census.count(*DELETABLE)), 0, "")
    table.row("dataflows enabled twice", enabled, 0, "")
    table.row("rows that landed twice or not at all", outcome.total(lambda v: v.census.twice + v.census.lost), 0, "")
    table.row("trials in which a promise was broken", outcome.total(lambda v: bool(v.broken)), 0, "")
    return table.exit_status == 0
