"""
Whole chains in bad weather, in virtual time: the trials of the chaos suite, with a proxy before the emulator that sends
bad answers instead of the emulator's own faults.
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
from tests.chaos.trials import Verdict, draw, run_trial
from tests.weather import pages
from tests.weather.http import Answer, Request, Server
from tests.weather.kinds import Kind, Weather, kinds

#: The number of writers of each part. Writers of applies apply definitions instead of creating a chain step by step;
#: "lives" change existing objects, with as many writers as the scene has.
PARTS = {"chains": 1, "pairs": 2, "applies": 1, "apply-pairs": 2, "lives": 0}
#: Only an operation's deadline ends these, 900 s and thousands of requests later; a trial would report it as endless.
ENDLESS_KIND = "endless pages of new items"
#: Real seconds that an answer trickles before its connection ends; virtual time does not pass meanwhile.
TRICKLE_SECONDS = (0.2,)
#: Headers of one connection, which a proxy does not forward.
CONNECTION_HEADERS = {"content-length", "connection", "transfer-encoding", "keep-alive"}


class StormyPlatform(Platform):
    """
    The emulator behind a proxy that sends bad answers from when a trial sets its faults until it removes them.

    :param url: the URL of the emulator.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._upstream = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._server = Server(self._respond)
        self._weather: Weather | None = None
        #: The weather of the next trial.
        self.weather: Weather | None = None
        self.url = self._server.url
        threading.Thread(target=asyncio.run, args=(self._server.serve(),), daemon=True).start()

    @property
    def met(self) -> Counter[str]:
        """The bad answers of the last trial, by kind."""
        return self.weather.met if self.weather else Counter()

    def control(self, method: str, path: str, **options: Any) -> Any:
        answer = super().control(method, path, **options)
        if (method, path) in (("POST", "reset"), ("DELETE", "faults")):
            self._weather = None
        elif (method, path) == ("POST", "faults"):
            self._weather = self.weather
        return answer

    async def _respond(self, request: Request) -> Answer:
        # In virtual time there is one request at a time, so this may block the event loop.
        if continued := pages.continued(request):
            return pages.next_page(*continued, self._forward(request.without(pages.PARAMETER)))
        weather = self._weather
        kind = weather.kind(request) if weather else None
        if weather is None or kind is None:
            return self._forward(request)
        return self._bad_answer(weather, kind, request)

    def _bad_answer(self, weather: Weather, kind: Kind, request: Request) -> Answer:
        if not weather.takes_effect(kind, request):
            return weather.answer(kind, request, Answer(body=b"{}"))
        good = self._forward(request)
        # A refusal of the service is forwarded: it has no content to spoil.
        return weather.answer(kind, request, good) if 200 <= good.status < 300 else good

    def _forward(self, request: Request) -> Answer:
        headers = {name: value for name, value in request.headers if name.lower() not in CONNECTION_HEADERS}
        self._upstream.request(request.method, request.target, request.body or None, headers)
        answer = self._upstream.getresponse()
        kept = ((name, value) for name, value in answer.getheaders() if name.lower() not in CONNECTION_HEADERS)
        return Answer(answer.status, answer.read(), tuple(kept))


@cache
def platform() -> StormyPlatform:
    """Return the emulator of this process, which runs until the process ends."""
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
        """Run the trial in this process; return its verdict, and its bad answers by kind."""
        seed, stormy = f"{self.seed}/weather/{self}", platform()
        chosen = tuple(kind for kind in kinds(trickles=TRICKLE_SECONDS) if kind.name != ENDLESS_KIND)
        stormy.weather = Weather(seed, self.share, chosen)
        # The emulator's own faults would hide the effects of the bad answers.
        if self.part == "lives":
            return lives.run_trial(stormy, replace(lives.draw(seed), schedule=())), stormy.met
        applies = self.part.startswith("appl")
        drawn = draw(seed, PARTS[self.part], remove_duplicates=not applies, applies=applies)
        return run_trial(stormy, replace(drawn, schedule=(), jumps=0.0)), stormy.met


@dataclass
class Outcome:
    """The verdicts of all trials, and their bad answers by kind."""

    verdicts: dict[Case, Verdict] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    def total(self, count: Callable[[Verdict], float]) -> float:
        return sum(map(count, self.verdicts.values()))


def run(chains: int, pairs: int, seed: int, share: float) -> bool:
    """
    Run the trials, with an apply for every ten chains and a trial of existing objects for every four; print the
    result, and return whether all trials passed.
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
    """Run and print one trial; return whether it passed."""
    part, _, number = name.partition("/")
    verdict, met = Case(part, int(number), seed, share).verdict()
    report.show_one(verdict)
    print(f"  met: {dict(met)}")
    return not verdict.broken


def show(outcome: Outcome, again: str) -> bool:
    """
    Print the figures and the trials that failed; return whether all trials passed.

    :param again: the command that runs a trial again, without the trial's name at its end.
    """
    for case, verdict in sorted(outcome.verdicts.items(), key=lambda pair: (pair[0].part, pair[0].number)):
        if verdict.broken:
            print(f"\n{case}: BROKEN")
            report.show_one(verdict)
            print(f"  again: {again} {case}")
    print(f"\n{len(outcome.verdicts):,} trials, {outcome.total(lambda v: v.requests):,.0f} requests to the emulator")
    print(f"bad answers: {outcome.met.total():,}")
    for kind, count in sorted(outcome.met.items()):
        print(f"  {kind:<40}{count:>8,}")
    retried = outcome.total(lambda v: v.ends["retry"])
    unended = outcome.total(lambda v: len(v.incomplete))
    print(f"attempts with a temporary error: {retried:,.0f}; runs in bad weather not complete: {unended:,.0f}\n")
    table = Table()
    enabled = outcome.total(lambda v: v.census.count("flows") - v.census.disabled)
    table.row("duplicates that can be deleted", outcome.total(lambda v: v.census.count(*DELETABLE)), 0, "")
    table.row("dataflows enabled twice", enabled, 0, "")
    table.row("rows ingested twice or not at all", outcome.total(lambda v: v.census.twice + v.census.lost), 0, "")
    table.row("trials in which a promise was broken", outcome.total(lambda v: bool(v.broken)), 0, "")
    return table.exit_status == 0
