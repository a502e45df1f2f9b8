"""The table that a benchmark prints: figures, each with its limit."""

from __future__ import annotations

#: The exit status of a benchmark with a figure beyond its limit; a benchmark that fails has Python's own, 1.
MISSED = 3


class Table:
    """The figures, each compared with its limit."""

    def __init__(self) -> None:
        self._missed = 0
        print(f"{'':<62}{'measured':>12}{'limit':>12}")

    def row(self, name: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> None:
        """Print a figure; with ``at_least`` the limit is a minimum, not a maximum."""
        met = value >= limit if at_least else value <= limit
        self._missed += not met
        bound = f"{'>=' if at_least else '<='} {limit:g} {unit}"
        print(f"{name:<62}{f'{value:.4g} {unit}':>12}{bound:>12}   {'met' if met else 'MISSED'}", flush=True)

    @property
    def exit_status(self) -> int:
        """The exit status of the benchmark: 0 if each figure is within its limit."""
        return MISSED if self._missed else 0
