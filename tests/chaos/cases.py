"""The trials of the command, each named by its part and number, so that one can be run alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.chaos import lives
from tests.chaos.kills import Kill
from tests.chaos.lives import LifeTrial
from tests.chaos.timeline import Platform
from tests.chaos.trials import Trial, Verdict, attempt, draw, draw_kill, points

PARTS = ("chains", "kills", "writers", "applies", "applies-kills", "applies-writers", "lives", "lives-kills")
#: Of the applies that are killed at every point, without other faults.
QUIET_DEFINITIONS = 3


@cache
def platform() -> Platform:
    """The process's own emulator, up to its end."""
    return Platform(EmulatorServer(time="manual").start().url)


@cache
def _quiet_points(definitions: int) -> list[Kill]:
    return list(points(platform(), Trial("quiet", definitions=definitions)))


@cache
def _quiet_lives() -> list[LifeTrial]:
    return lives.quiet_kills(platform())


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
        if self.part.startswith("lives"):
            return self._life(seed)
        applies = self.part.startswith("applies")
        if self.part.endswith("writers"):
            remove = self.remove_duplicates and not applies
            return draw(seed, self.writers, kill_share=0.1, remove_duplicates=remove, applies=applies)
        if not self.part.endswith("kills"):
            return draw(seed, applies=applies)
        quiet = _quiet_points(QUIET_DEFINITIONS if applies else 0)
        if self.number < len(quiet):
            # The files follow from the seed.
            definitions = QUIET_DEFINITIONS if applies else 0
            return Trial("quiet" if applies else seed, kill=quiet[self.number], definitions=definitions)
        return draw_kill(platform(), seed, applies=applies)

    def _life(self, seed: str) -> LifeTrial:
        if not self.part.endswith("kills"):
            return lives.draw(seed)
        quiet = _quiet_lives()
        return quiet[self.number] if self.number < len(quiet) else lives.draw_kill(platform(), seed)

    def verdict(self) -> Verdict:
        """Run it in this process, against its own emulator."""
        trial = self.trial()
        if isinstance(trial, LifeTrial):
            return lives.attempt(platform(), trial)
        return attempt(platform(), trial)
