"""What the command prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.cases import Case
from tests.chaos.census import DELETABLE
from tests.chaos.faults import ACTIONS, Strike
from tests.chaos.trials import Verdict

_STREAMS = {
    "all": "in bursts, whatever was asked",
    "dataflow": "on the dataflow's creation",
    "write": "on other writes",
    "read": "on reads",
    "token": "on requests for a token",
    "lag": "in lists that lag behind",
}


@dataclass
class Column:
    """
    One part of the command.

    :param seconds: of wall time.
    """

    title: str
    verdicts: dict[Case, Verdict] = field(default_factory=dict)
    seconds: float = 0.0

    def struck(self, key: Callable[[Strike], str] = lambda strike: strike.stream) -> Counter[str]:
        """Count the faults, by stream or otherwise."""
        counted: Counter[str] = Counter()
        for verdict in self.verdicts.values():
            for strike in verdict.struck:
                counted[key(strike)] += strike.times
        return counted

    def total(self, count: Callable[[Verdict], float]) -> str:
        return f"{sum(map(count, self.verdicts.values())):,.0f}"

    def mean(self, count: Callable[[Verdict], float]) -> str:
        return f"{sum(map(count, self.verdicts.values())) / max(1, len(self.verdicts)):.1f}"

    def most(self, count: Callable[[Verdict], float]) -> str:
        return f"{max(map(count, self.verdicts.values()), default=0):.0f}"


_ROWS: Sequence[tuple[str, Callable[[Column], str]]] = (
    ("chains", lambda c: c.total(lambda v: v.trial.writers)),
    ("requests", lambda c: c.total(lambda v: v.requests)),
    ("requests for a token", lambda c: c.total(lambda v: v.tokens)),
    ("requests a chain", lambda c: c.mean(lambda v: v.requests / v.trial.writers)),
    (
        "  most of a later run, which finds all there",
        lambda c: c.most(lambda v: 0 if v.incomplete else v.later_requests),
    ),
    ("faults", lambda c: f"{c.struck().total():,}"),
    *((f"  {text}", lambda c, stream=stream: f"{c.struck()[stream]:,}") for stream, text in _STREAMS.items()),
    ("tasks that were killed", lambda c: c.total(lambda v: v.ends["killed"])),
    ("tasks that ended to be tried again", lambda c: c.total(lambda v: v.ends["retry"])),
    ("duplicate dataflows", lambda c: c.total(lambda v: v.census.count("flows"))),
    ("  of these disabled before their first run", lambda c: c.total(lambda v: v.census.disabled)),
    ("other duplicates that can be deleted", lambda c: c.total(lambda v: v.census.count(*DELETABLE - {"flows"}))),
    ("duplicates that no task reported", lambda c: c.total(lambda v: len(v.census.unreported))),
    ("extra mapping sets, which are inert", lambda c: c.total(lambda v: v.census.count("mappingSets"))),
    ("orphans, mapping sets apart", lambda c: c.total(lambda v: v.census.orphans)),
    ("payments ingested twice", lambda c: c.total(lambda v: v.census.twice)),
    ("payments lost", lambda c: c.total(lambda v: v.census.lost)),
    ("copies of killed tasks that the later run deleted", lambda c: c.total(lambda v: v.removed)),
    ("hangs", lambda c: c.total(lambda v: v.ends["endless"])),
    ("chains complete", lambda c: c.total(lambda v: v.trial.writers - len(v.incomplete))),
    (
        "chains ended with a clear error",
        lambda c: c.total(lambda v: len(v.incomplete) - v.ends["crashed"] - v.ends["endless"]),
    ),
    ("trials in which a promise was broken", lambda c: c.total(lambda v: bool(v.broken))),
    ("virtual seconds a chain", lambda c: c.mean(lambda v: v.virtual_seconds)),
    ("wall seconds", lambda c: f"{c.seconds:.0f}"),
)


def show(columns: Sequence[Column], seed: int) -> None:
    """Print a column for each part, the faults by kind, and whatever went wrong."""
    _table(("", [column.title for column in columns]))
    _table(*((name, [figure(column) for column in columns]) for name, figure in _ROWS))
    kinds = [column.struck(lambda strike: strike.action) for column in columns]
    print()
    _table(("faults by kind", ["" for _ in columns]))
    _table(*((f"  {kind}", [f"{count[kind]:,}" for count in kinds]) for kind in ACTIONS))
    inert = [
        f"{case} {mapping_set}"
        for column in columns
        for case, verdict in column.verdicts.items()
        for mapping_set in verdict.census.copies.get("mappingSets", ())
    ]
    if inert:
        print("\nextra mapping sets, which are inert:\n  " + "\n  ".join(inert))
    for column in columns:
        for case, verdict in column.verdicts.items():
            if verdict.broken or verdict.incomplete:
                print(f"\n{case}: {'BROKEN' if verdict.broken else 'ended with an error'}")
                show_one(verdict)
                print(f"  again: python -m tests.chaos --seed {seed} --only {case}")


def _table(*rows: tuple[str, Sequence[str]]) -> None:
    for name, figures in rows:
        print(f"{name:<52}" + "".join(f"{figure:>14}" for figure in figures))


def show_one(verdict: Verdict) -> None:
    """Print what one trial was and came to."""
    trial = verdict.trial
    for text in (*verdict.broken, *verdict.incomplete):
        print(f"  {text}")
    print(f"  {trial.writers} writers, retry delay {trial.retry_delay:g} s, killed: {trial.kill or trial.kill_share}")
    print(f"  attempts: {dict(verdict.ends)}; {verdict.requests} requests; {verdict.census}")
    print(f"  faults: {' '.join(map(str, verdict.struck)) or 'none'}")
