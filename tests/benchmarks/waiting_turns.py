"""
Waits that are replaced when they end: the plan of their runs, and the waits.

The runs are drawn from a seed, so the service and the process that waits need not exchange them.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.waiting_candidates import CONN_ID
from tests.benchmarks.waiting_sandbox import Run, Sandbox, identifier

DAY_SECONDS = 86400.0
#: The share of runs that are created after their wait begins, and their maximum delay, as a share of the longest run.
LATE_SHARE, MAX_DELAY_SHARE = 0.2, 0.25
#: In mixed plans, the share of dataflows on demand; each has another run soon after the awaited one.
ON_DEMAND_SHARE = 0.25
PICKS = ("first", "first", "first", "latest", "run_id")


@dataclass(frozen=True)
class Turn:
    """
    One wait.

    :param run: the awaited run.
    :param since: runs that started earlier are ignored.
    :param pick: the ``pick`` of the trigger's selection, or ``run_id``.
    :param others: other runs of the dataflow, which the wait must not report.
    """

    run: Run
    since: float
    pick: str
    others: tuple[Run, ...]
    on_demand: bool = False

    @property
    def runs(self) -> tuple[Run, ...]:
        return (self.run, *self.others)

    def __str__(self) -> str:
        kind = "on demand" if self.on_demand else "on a schedule"
        return f"the wait for {self.run.id} ({self.pick}) of {self.run.flow_id} ({kind})"


@dataclass(frozen=True)
class Plan:
    """
    The waits at many places: at each place one wait after another, each for a run of another dataflow.

    :param places: the number of concurrent waits.
    :param begin: the start of the waits, in epoch seconds.
    :param end: the time after which no wait begins, in epoch seconds.
    :param shortest: the minimum duration of a run, in seconds.
    :param longest: the maximum duration of a run, in seconds.
    :param mixed: whether there are dataflows on demand, and waits with every kind of selection.
    """

    seed: int
    places: int
    begin: float
    end: float
    shortest: float
    longest: float
    mixed: bool = False

    def turns(self, place: int) -> Iterator[Turn]:
        """Yield the waits of one place."""
        draws = random.Random(f"{self.seed}/{place}")
        length = self._length(draws)
        created = self.begin - draws.uniform(0.0, length)
        since = created - 1.0
        while since < self.end:
            run = Run(identifier(draws), identifier(draws), created, created + length)
            yield self._turn(draws, run, since)
            since = run.ends
            late = draws.random() < LATE_SHARE
            # At least a hundredth of a second later, because lists have times in whole milliseconds.
            created = since + (draws.uniform(0.01, MAX_DELAY_SHARE * self.longest) if late else 0.01)
            length = self._length(draws)

    def _length(self, draws: random.Random) -> float:
        return draws.uniform(self.shortest, self.longest)

    def _turn(self, draws: random.Random, run: Run, since: float) -> Turn:
        old = Run(identifier(draws), run.flow_id, since - DAY_SECONDS, since - DAY_SECONDS + self.shortest)
        if not self.mixed:
            return Turn(run, since, "first", (old,))
        pick = draws.choice(PICKS)
        if pick != "first" or draws.random() >= ON_DEMAND_SHARE:
            return Turn(run, since, pick, (old,))
        # Not before the awaited run has started: which of two queued runs starts first is not defined.
        created = draws.uniform(run.started, run.ends)
        another = Run(identifier(draws), run.flow_id, created, created + self._length(draws))
        return Turn(run, since, pick, (old, another), on_demand=True)

    def sandbox(self, others: Sequence[Run] = ()) -> Sandbox:
        """Return the sandbox with the runs of the plan and other runs."""
        turns = [turn for place in range(self.places) for turn in self.turns(place)]
        on_demand = {turn.run.flow_id for turn in turns if turn.on_demand}
        return Sandbox([*others, *(run for turn in turns for run in turn.runs)], on_demand)


@dataclass
class WaitResults:
    """
    The results of the waits. Times are seconds.

    :param right: the number of waits that got the event of their run in time.
    :param wrong: the waits that got another event.
    :param lost: the waits that got no event in time.
    :param cancelled: how often a wait was cancelled and started again.
    :param late: the times from the end of a run to its event.
    """

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    cancelled: int = 0
    late: array[float] = field(default_factory=lambda: array("d"))


class Turns:
    """
    The waits of a plan, on the running event loop.

    :param interval: seconds between two polls.
    :param patience: seconds from a run's end until its wait is lost.
    :param cancels: the share of waits that are cancelled and started again each second.
    """

    def __init__(self, plan: Plan, interval: float, patience: float, cancels: float = 0.0) -> None:
        self.plan = plan
        self.interval = interval
        self.patience = patience
        self.cancels = cancels
        self.results = WaitResults()
        self._waiting: dict[int, asyncio.Task[list[Any]]] = {}
        self._restarted: set[int] = set()

    async def run(self) -> None:
        """Wait from the plan's begin to its end, and for the events of all runs that have ended by then."""
        places = [asyncio.create_task(self._place(number)) for number in range(self.plan.places)]
        cancelling = asyncio.create_task(self._cancel())
        await asyncio.gather(*places)
        cancelling.cancel()
        await asyncio.gather(cancelling, return_exceptions=True)

    async def _place(self, number: int) -> None:
        for turn in self.plan.turns(number):
            if turn.pick == "run_id":
                # The id of a run is not known before the run is created.
                await asyncio.sleep(turn.run.created - time.time())
            # A worker does not defer if the run has ended before its first poll.
            if turn.run.ends > time.time():
                await self._wait(number, turn)

    async def _wait(self, number: int, turn: Turn) -> None:
        counts = turn.run.ends <= self.plan.end
        last = turn.run.ends + self.patience if counts else self.plan.end
        trigger = self._build_trigger(turn)
        while True:
            task = self._waiting[number] = asyncio.create_task(_payloads(trigger))
            await asyncio.wait([task], timeout=last - time.time())
            if task.done() and not task.cancelled():
                return self._record(turn, task.result())
            task.cancel()
            await asyncio.wait([task])
            if number not in self._restarted:
                self.results.lost += [f"{turn} got no event within {self.patience:g} s"] * counts
                return None
            # Start the wait again like a triggerer that takes over.
            self._restarted.discard(number)
            self.results.cancelled += 1
            trigger = type(trigger)(**trigger.serialize()[1])

    def _build_trigger(self, turn: Turn) -> Any:
        from airflow_provider_payments.aep.runs.flow_run import FlowRun, RunSelection
        from airflow_provider_payments.aep.runs.wait import Wait
        from airflow_provider_payments.triggers.flow_run import FlowRunTrigger

        now = time.time()
        if turn.pick == "run_id":
            wait = Wait(RunSelection(run_id=turn.run.id))
        else:
            wait = Wait(RunSelection(flow_id=turn.run.flow_id, since=turn.since, pick=turn.pick))
        runs = [FlowRun.from_item(json.loads(run.at(now))) for run in turn.runs if run.created <= now]
        wait.select(sorted(runs, key=lambda run: -run.created_at), now)
        return FlowRunTrigger(aep_conn_id=CONN_ID, poll_interval=self.interval, **wait.trigger_arguments())

    def _record(self, turn: Turn, payloads: list[Any]) -> None:
        now, run = time.time(), turn.run
        reported = payloads[0].get("run") if len(payloads) == 1 and isinstance(payloads[0], dict) else None
        expected = run.id, run.flow_id, "success"
        if not reported or (reported["id"], reported["flow_id"], reported["raw_status"]) != expected or now < run.ends:
            self.results.wrong.append(f"{turn} got {payloads}"[:500])
        else:
            self.results.right += 1
            self.results.late.append(now - run.ends)

    async def _cancel(self) -> None:
        draws = random.Random(self.plan.seed)
        while True:
            await asyncio.sleep(1.0)
            for number in draws.sample(range(self.plan.places), round(self.cancels * self.plan.places)):
                task = self._waiting.get(number)
                if task and not task.done():
                    self._restarted.add(number)
                    task.cancel()


async def _payloads(trigger: Any) -> list[Any]:
    try:
        return [event.payload async for event in trigger.run()]
    except Exception as error:  # a trigger that raises has no event: the error is counted as a wrong one
        return [repr(error)]
