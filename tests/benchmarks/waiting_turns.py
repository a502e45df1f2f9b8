"""
Waits that are replaced when they are over: which runs there are for them, and the waits themselves.

The runs follow from a seed, so the service that shows them and the process that waits for them need not talk.
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

DAY = 86400.0
#: The share of runs that are made only after somebody waits for them, and how late, as a share of the longest run.
LATE, LATENESS = 0.2, 0.25
#: In mixed plans, the share of dataflows on demand; each has another run soon after the one that is meant.
ON_DEMAND = 0.25
PICKS = ("first", "first", "first", "latest", "run_id")


@dataclass(frozen=True)
class Turn:
    """
    One wait.

    :param run: which is meant.
    :param since: runs that began earlier do not count.
    :param pick: as the trigger's selection, or ``run_id``.
    :param others: more runs of its dataflow, that are not meant.
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
    At each of many places one wait after the other, each for a run of another dataflow.

    :param begin: epoch seconds; ``end``: when no further wait begins.
    :param shortest: seconds that a run takes at least; ``longest``: at most.
    :param mixed: whether there are dataflows on demand and all ways to name a run.
    """

    seed: int
    places: int
    begin: float
    end: float
    shortest: float
    longest: float
    mixed: bool = False

    def turns(self, place: int) -> Iterator[Turn]:
        """The waits of one place."""
        chance = random.Random(f"{self.seed}/{place}")
        length = self._length(chance)
        created = self.begin - chance.uniform(0.0, length)
        since = created - 1.0
        while since < self.end:
            run = Run(identifier(chance), identifier(chance), created, created + length)
            yield self._turn(chance, run, since)
            since = run.ends
            late = chance.random() < LATE
            # Lists show whole milliseconds.
            created = since + (chance.uniform(0.01, LATENESS * self.longest) if late else 0.01)
            length = self._length(chance)

    def _length(self, chance: random.Random) -> float:
        return chance.uniform(self.shortest, self.longest)

    def _turn(self, chance: random.Random, run: Run, since: float) -> Turn:
        old = Run(identifier(chance), run.flow_id, since - DAY, since - DAY + self.shortest)
        if not self.mixed:
            return Turn(run, since, "first", (old,))
        pick = chance.choice(PICKS)
        if pick != "first" or chance.random() >= ON_DEMAND:
            return Turn(run, since, pick, (old,))
        # Not while the one that is meant is queued: which of two queued runs begins first is anybody's guess.
        created = chance.uniform(run.started, run.ends)
        another = Run(identifier(chance), run.flow_id, created, created + self._length(chance))
        return Turn(run, since, pick, (old, another), on_demand=True)

    def sandbox(self, others: Sequence[Run] = ()) -> Sandbox:
        """All that the service shows, and other runs that nobody waits for."""
        turns = [turn for place in range(self.places) for turn in self.turns(place)]
        on_demand = {turn.run.flow_id for turn in turns if turn.on_demand}
        return Sandbox([*others, *(run for turn in turns for run in turn.runs)], on_demand)


@dataclass
class Ended:
    """
    How the waits ended. Times in seconds.

    :param right: waits that were told of their run in time; ``late``: from its end to the event.
    :param wrong: what others were told.
    :param lost: waits that were not told in time.
    :param cancelled: how often one was cancelled and begun again.
    """

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    cancelled: int = 0
    late: array[float] = field(default_factory=lambda: array("d"))


class Turns:
    """
    The waits of a plan, on the event loop that runs.

    :param interval: seconds between two polls.
    :param patience: seconds after a run's end after which its wait is lost.
    :param cancels: the share of waits that are cancelled and begun again each second.
    """

    def __init__(self, plan: Plan, interval: float, patience: float, cancels: float = 0.0) -> None:
        self.plan = plan
        self.interval = interval
        self.patience = patience
        self.cancels = cancels
        self.ended = Ended()
        self._waiting: dict[int, asyncio.Task[list[Any]]] = {}
        self._restarted: set[int] = set()

    async def run(self) -> None:
        """Wait from the plan's begin to its end, and for all runs that have ended by then."""
        places = [asyncio.create_task(self._place(number)) for number in range(self.plan.places)]
        cancelling = asyncio.create_task(self._cancel())
        await asyncio.gather(*places)
        cancelling.cancel()
        await asyncio.gather(cancelling, return_exceptions=True)

    async def _place(self, number: int) -> None:
        for turn in self.plan.turns(number):
            if turn.pick == "run_id":
                # Nobody knows the id of a run that is still to be made.
                await asyncio.sleep(turn.run.created - time.time())
            # A worker that polls only now sees that it has ended, and does not defer.
            if turn.run.ends > time.time():
                await self._wait(number, turn)

    async def _wait(self, number: int, turn: Turn) -> None:
        counts = turn.run.ends <= self.plan.end
        last = turn.run.ends + self.patience if counts else self.plan.end
        trigger = self._built(turn)
        while True:
            task = self._waiting[number] = asyncio.create_task(_payloads(trigger))
            await asyncio.wait([task], timeout=last - time.time())
            if task.done() and not task.cancelled():
                return self._note(turn, task.result())
            task.cancel()
            await asyncio.wait([task])
            if number not in self._restarted:
                self.ended.lost += [f"{turn} was not told within {self.patience:g} s"] * counts
                return None
            # As another triggerer begins it that takes over.
            self._restarted.discard(number)
            self.ended.cancelled += 1
            trigger = type(trigger)(**trigger.serialize()[1])

    def _built(self, turn: Turn) -> Any:
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

    def _note(self, turn: Turn, payloads: list[Any]) -> None:
        now, run = time.time(), turn.run
        told = payloads[0].get("run") if len(payloads) == 1 and isinstance(payloads[0], dict) else None
        expected = run.id, run.flow_id, "success"
        if not told or (told["id"], told["flow_id"], told["raw_status"]) != expected or now < run.ends:
            self.ended.wrong.append(f"{turn} was told {payloads}"[:500])
        else:
            self.ended.right += 1
            self.ended.late.append(now - run.ends)

    async def _cancel(self) -> None:
        chance = random.Random(self.plan.seed)
        while True:
            await asyncio.sleep(1.0)
            for number in chance.sample(range(self.plan.places), round(self.cancels * self.plan.places)):
                task = self._waiting.get(number)
                if task and not task.done():
                    self._restarted.add(number)
                    task.cancel()


async def _payloads(trigger: Any) -> list[Any]:
    try:
        return [event.payload async for event in trigger.run()]
    except Exception as error:
        return [repr(error)]
