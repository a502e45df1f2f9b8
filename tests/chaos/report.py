"""The tables and messages that the command prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.cases import Case
from tests.chaos.census import DELETABLE
from tests.chaos.faults import ACTIONS, STREAMS, ScheduledFault
from tests.chaos.trials import Verdict

_STREAMS = {
    "all": "in bursts, on any request",
    "dataflow": "on the dataflow's creation",
    "write": "on other writes",
    "read": "on reads",
    "check": "on checks that store nothing",
    "token": "on requests for a token",
    "registry": "in reads of the registry that lag",
    "lag": "in lists and reads that lag",
    "conflict": "on changes of existing objects: conflicts",
}
#: The faults that are drawn, in the order of their definition.
_KINDS = [kind for kind in ACTIONS if any(kind in stream.actions for stream in STREAMS.values())]


@dataclass
class Column:
    """
    One part of the command.

    :param seconds: the wall time of the part.
    """

    title: str
    verdicts: dict[Case, Verdict] = field(default_factory=dict)
    seconds: float = 0.0

    def faults(self, key: Callable[[ScheduledFault], str] = lambda fault: fault.stream) -> Counter[str]:
        """Count the faults that occurred, by stream or by another key."""
        counted: Counter[str] = Counter()
        for verdict in self.verdicts.values():
            for fault in verdict.faults:
                counted[key(fault)] += fault.times
        return counted

    @property
    def failures(self) -> int:
        """The number of faults that spoil an answer, without lists and reads that lag and slow answers."""
        by_action = self.faults(lambda fault: str(ACTIONS[fault.action]["action"]))
        return by_action.total() - by_action["list_lag"] - by_action["read_lag"] - by_action["delay"]

    def total(self, count: Callable[[Verdict], float]) -> str:
        return f"{sum(map(count, self.verdicts.values())):,.0f}"

    def mean(self, count: Callable[[Verdict], float]) -> str:
        return f"{sum(map(count, self.verdicts.values())) / max(1, len(self.verdicts)):.1f}"

    def maximum(self, count: Callable[[Verdict], float]) -> str:
        return f"{max(map(count, self.verdicts.values()), default=0):.0f}"


_ROWS: Sequence[tuple[str, Callable[[Column], str]]] = (
    ("chains", lambda c: c.total(lambda v: v.trial.writers)),
    ("requests", lambda c: c.total(lambda v: v.requests)),
    ("requests for a token", lambda c: c.total(lambda v: v.tokens)),
    ("requests a chain", lambda c: c.mean(lambda v: v.requests / v.trial.writers)),
    (
        "  maximum of a later run, which finds all objects",
        lambda c: c.maximum(lambda v: 0 if v.incomplete else v.later_requests),
    ),
    ("faults", lambda c: f"{c.faults().total():,}"),
    ("  without lag and delay", lambda c: f"{c.failures:,}"),
    *((f"  {text}", lambda c, stream=stream: f"{c.faults()[stream]:,}") for stream, text in _STREAMS.items()),
    ("tasks that were killed", lambda c: c.total(lambda v: v.ends["killed"])),
    ("jumps of the platform's clock", lambda c: c.total(lambda v: v.jumps)),
    ("retries: attempts that ended with a temporary error", lambda c: c.total(lambda v: v.ends["retry"])),
    ("duplicate dataflows before the later run", lambda c: c.total(lambda v: v.census.count_before("flows"))),
    (
        "other deletable duplicates before the later run",
        lambda c: c.total(lambda v: v.census.count_before(*DELETABLE - {"flows"})),
    ),
    (
        "  of both, those that their writers should have removed",
        lambda c: c.total(lambda v: len(v.census.unexplained)),
    ),
    ("duplicates of killed or failed tasks, deleted by the later run", lambda c: c.total(lambda v: v.removed)),
    ("duplicate dataflows after the later run", lambda c: c.total(lambda v: v.census.count("flows"))),
    ("  of these, disabled before their first run", lambda c: c.total(lambda v: v.census.disabled)),
    (
        "other deletable duplicates after the later run",
        lambda c: c.total(lambda v: v.census.count(*DELETABLE - {"flows"})),
    ),
    ("duplicates that no task reported", lambda c: c.total(lambda v: len(v.census.unreported))),
    ("extra mapping sets, which are inert", lambda c: c.total(lambda v: v.census.count("mappingSets"))),
    ("orphans, without mapping sets", lambda c: c.total(lambda v: len(v.census.orphans))),
    ("connections that a dataflow names and that do not exist", lambda c: c.total(lambda v: len(v.census.dangling))),
    ("enabled dataflows that no run accounts for", lambda c: c.total(lambda v: len(v.census.unowned))),
    ("payments ingested twice", lambda c: c.total(lambda v: v.census.twice)),
    ("payments lost", lambda c: c.total(lambda v: v.census.lost)),
    ("attempts that did not end", lambda c: c.total(lambda v: v.ends["endless"])),
    ("chains complete", lambda c: c.total(lambda v: v.trial.writers - len(v.incomplete))),
    (
        "chains ended with a clear error",
        lambda c: c.total(lambda v: len(v.incomplete) - v.ends["crashed"] - v.ends["endless"]),
    ),
    ("kills that killed no process", lambda c: c.total(lambda v: v.missed)),
    ("trials in which a promise was broken", lambda c: c.total(lambda v: bool(v.broken))),
    ("virtual seconds a chain", lambda c: c.mean(lambda v: v.virtual_seconds)),
    ("wall seconds", lambda c: f"{c.seconds:.0f}"),
)


def show(columns: Sequence[Column], again: str) -> None:
    """
    Print a column for each part, the faults by kind, and the trials that failed.

    :param again: the command that runs a trial again, without the trial's name at its end.
    """
    _table(("", [column.title for column in columns]))
    _table(*((name, [figure(column) for column in columns]) for name, figure in _ROWS))
    kinds = [column.faults(lambda fault: fault.action) for column in columns]
    print()
    _table(("faults by kind", ["" for _ in columns]))
    _table(*((f"  {kind}", [f"{count[kind]:,}" for count in kinds]) for kind in _KINDS))
    inert = [
        f"{case} {mapping_set}"
        for column in columns
        for case, verdict in column.verdicts.items()
        for mapping_set in verdict.census.duplicates.get("mappingSets", ())
    ]
    if inert:
        print("\nextra mapping sets, which are inert:\n  " + "\n  ".join(inert))
    for column in columns:
        for case, verdict in column.verdicts.items():
            if not verdict.good:
                print(f"\n{case}: {'BROKEN' if verdict.broken else 'not complete'}")
                show_one(verdict)
                print(f"  again: {again} {case}")


def _table(*rows: tuple[str, Sequence[str]]) -> None:
    for name, figures in rows:
        print(f"{name:<70}" + "".join(f"{figure:>14}" for figure in figures))


def show_one(verdict: Verdict) -> None:
    """Print one trial and its verdict."""
    trial = verdict.trial
    for text in (*verdict.broken, *verdict.incomplete):
        print(f"  {text}")
    if verdict.missed:
        print("  the kill killed no process")
    print(f"  {trial.title}")
    print(f"  {trial.writers} writers, retry delay {trial.retry_delay:g} s, killed: {trial.kill or trial.kill_share}")
    print(f"  attempts: {dict(verdict.ends)}; {verdict.requests} requests; {verdict.census}")
    print(f"  faults: {' '.join(map(str, verdict.faults)) or 'none'}")
