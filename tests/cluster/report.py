"""The table: a line for each scenario, and what is not as promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.cluster.census import Census

__all__ = ["Line", "print_line", "print_misses"]

MOST_MISSES = 40
HEAD = ("", "green", "objects", "duplicates", "flow runs", "rows", "twice", "requests", "tokens", "seconds")
TEMPLATE = "{:<48}{:>9}{:>9}{:>11}{:>10}{:>8}{:>6}{:>9}{:>7}{:>8}"


@dataclass(frozen=True)
class Line:
    """
    What a scenario has shown.

    :param units: what requests and tokens are divided by, such as DAG runs.
    :param green: how many of them succeeded.
    :param seconds: from the first trigger to the last end.
    :param further: what else is not as promised.
    :param notes: what it has cost.
    """

    title: str
    units: int
    green: int
    census: Census
    seconds: float
    further: Sequence[str] = ()
    notes: Sequence[str] = ()

    def misses(self) -> list[str]:
        """Name what is not as promised."""
        red = [f"{self.units - self.green} not green"] if self.green < self.units else []
        return [f"{self.title}: {miss}" for miss in (*red, *self.census.misses(), *self.further)]

    def cells(self) -> tuple[str, ...]:
        """Return the line's texts, in the order of the table's head."""
        census = self.census
        per_unit = (f"{number / self.units:.1f}" for number in (census.requests, census.tokens))
        counts = map(str, (census.duplicates, census.flow_runs, census.rows, census.twice))
        objects = sum(sum(names.values()) for names in census.objects.values()) - census.spare_mapping_sets
        return (self.title, f"{self.green}/{self.units}", str(objects), *counts, *per_unit, f"{self.seconds:.0f}")


def print_head() -> None:
    """Print the table's head; requests and tokens are those of one DAG run."""
    print(TEMPLATE.format(*HEAD), flush=True)


def print_line(line: Line) -> None:
    """Print a scenario's line as soon as it is over."""
    print(TEMPLATE.format(*line.cells()), flush=True)
    for note in line.notes:
        print(f"    {note}", flush=True)


def print_misses(misses: Sequence[str]) -> int:
    """Print what is not as promised; return the exit status."""
    for miss in misses[:MOST_MISSES]:
        print(f"MISSED  {miss}")
    print("all as promised" if not misses else f"{len(misses)} missed")
    return bool(misses)
