"""The trials of the command, each named by its part and number so that a single trial can be run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.chaos import lives
from tests.chaos.kills import Kill
from tests.chaos.lives import LifeTrial
from tests.chaos.timeline import Platform
from tests.chaos.trials import Trial, Verdict, draw, draw_kill, points, run_trial

PARTS = ("chains", "kills", "writers", "applies", "applies-kills", "applies-writers", "lives", "lives-kills")
#: The number of definitions of the applies that are killed at every point, without other faults.
FAULTLESS_DEFINITIONS = 3


@cache
def platform() -> Platform:
    """Return the emulator of this process, which runs until the process ends."""
    return Platform(EmulatorServer(time="manual").start().url)


@cache
def _faultless_points(definitions: int) -> list[Kill]:
    return list(points(platform(), Trial("quiet", definitions=definitions)))


@cache
def _faultless_lives() -> list[LifeTrial]:
    return lives.faultless_kills(platform())


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
        Return the trial of the case.

        The first kills cover every point of a chain without faults, the others are at random points under faults.
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
        faultless = _faultless_points(FAULTLESS_DEFINITIONS if applies else 0)
        if self.number < len(faultless):
            # The seed must be the one of the points, because the files are drawn from the seed.
            definitions = FAULTLESS_DEFINITIONS if applies else 0
            return Trial("quiet" if applies else seed, kill=faultless[self.number], definitions=definitions)
        return draw_kill(platform(), seed, applies=applies)

    def _life(self, seed: str) -> LifeTrial:
        if not self.part.endswith("kills"):
            return lives.draw(seed)
        faultless = _faultless_lives()
        return faultless[self.number] if self.number < len(faultless) else lives.draw_kill(platform(), seed)

    def verdict(self) -> Verdict:
        """Run the trial in this process, against the emulator of this process."""
        trial = self.trial()
        if isinstance(trial, LifeTrial):
            return lives.run_trial(platform(), trial)
        return run_trial(platform(), trial)
