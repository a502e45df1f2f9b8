"""The trials of the command, each named by its part and number, so that one can be run alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.chaos.kills import Kill
from tests.chaos.timeline import Platform
from tests.chaos.trials import Trial, Verdict, attempt, draw, draw_kill, points

PARTS = ("chains", "kills", "writers")


@cache
def platform() -> Platform:
    """The process's own emulator, up to its end."""
    return Platform(EmulatorServer(time="manual").start().url)


@cache
def _quiet_points() -> list[Kill]:
    return list(points(platform(), Trial("quiet")))


@dataclass(frozen=True)
class Case:
    """One trial of one part of the command."""

    part: str
    number: int
    seed: int
    writers: int = 1
    remove_duplicates: bool = False

    def __str__(self) -> str:
        return f"{self.part}/{self.number}"

    def trial(self) -> Trial:
        """
        Draw it. The first kills strike at every point of a chain that meets no fault, the others in chains that do.
        """
        seed = f"{self.seed}/{self}"
        if self.part == "chains":
            return draw(seed)
        if self.part == "writers":
            return draw(seed, self.writers, kill_share=0.1, remove_duplicates=self.remove_duplicates)
        if self.number < len(_quiet_points()):
            return Trial(seed, kill=_quiet_points()[self.number])
        return draw_kill(platform(), seed)

    def verdict(self) -> Verdict:
        """Run it in this process, against its own emulator."""
        return attempt(platform(), self.trial())
