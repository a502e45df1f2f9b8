"""Figures as a benchmark prints them, each with its limit."""

from __future__ import annotations

#: The exit status of a benchmark with a figure that misses its limit; one that breaks has Python's own, 1.
MISSED = 3


class Table:
    """The figures, each held against its limit."""

    def __init__(self) -> None:
        self._missed = 0
        print(f"{'':<62}{'measured':>12}{'limit':>12}")

    def row(self, name: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> None:
        """Print a figure; ``at_least`` says that the limit is its least, not its most."""
        met = value >= limit if at_least else value <= limit
        self._missed += not met
        bound = f"{'>=' if at_least else '<='} {limit:g} {unit}"
        print(f"{name:<62}{f'{value:.4g} {unit}':>12}{bound:>12}   {'met' if met else 'MISSED'}", flush=True)

    @property
    def exit_status(self) -> int:
        """The benchmark's: 0 if each figure is within its limit."""
        return MISSED if self._missed else 0
