"""The table with a line for each scenario, and the violations of promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.cluster.census import Census

__all__ = ["Line", "print_line", "print_violations"]

MAX_VIOLATIONS_SHOWN = 40
HEAD = ("", "green", "objects", "duplicates", "flow runs", "rows", "twice", "requests", "tokens", "seconds")
TEMPLATE = "{:<48}{:>9}{:>9}{:>11}{:>10}{:>8}{:>6}{:>9}{:>7}{:>8}"


@dataclass(frozen=True)
class Line:
    """
    The result of a scenario.

    :param units: the number of units, such as DAG runs, by which requests and tokens are divided.
    :param green: the number of units that succeeded.
    :param seconds: the time from the first trigger to the last end.
    :param further: violations besides those of the census.
    :param notes: the memory, processor time and database size that the scenario used, in words.
    """

    title: str
    units: int
    green: int
    census: Census
    seconds: float
    further: Sequence[str] = ()
    notes: Sequence[str] = ()

    def violations(self) -> list[str]:
        """Return the violations of the scenario."""
        red = [f"{self.units - self.green} not green"] if self.green < self.units else []
        return [f"{self.title}: {violation}" for violation in (*red, *self.census.violations(), *self.further)]

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the line, in the order of the table's head."""
        census = self.census
        per_unit = (f"{number / self.units:.1f}" for number in (census.requests, census.tokens))
        counts = map(str, (census.duplicates, census.flow_runs, census.rows, census.twice))
        objects = sum(sum(names.values()) for names in census.objects.values()) - census.spare_mapping_sets
        return (self.title, f"{self.green}/{self.units}", str(objects), *counts, *per_unit, f"{self.seconds:.0f}")


def print_head() -> None:
    """Print the table's head; requests and tokens are those of one unit."""
    print(TEMPLATE.format(*HEAD), flush=True)


def print_line(line: Line) -> None:
    """Print the line of a scenario and its notes."""
    print(TEMPLATE.format(*line.cells()), flush=True)
    for note in line.notes:
        print(f"    {note}", flush=True)


def print_violations(violations: Sequence[str]) -> int:
    """Print the violations; return the exit status."""
    for violation in violations[:MAX_VIOLATIONS_SHOWN]:
        print(f"VIOLATION  {violation}")
    print("all promises kept" if not violations else f"{len(violations)} violations")
    return bool(violations)
