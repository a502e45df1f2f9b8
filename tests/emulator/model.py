"""What should exist, told without a look at the emulator's own rules."""

from __future__ import annotations

from dataclasses import dataclass, field

# What of a kind keeps a thing from being deleted.
KEEPERS = {
    "connections": "flows",
    "sourceConnections": "flows",
    "targetConnections": "flows",
    "dataSets": "targetConnections",
    "schemas": "dataSets",
    "fieldgroups": "schemas",
}


@dataclass
class Thing:
    """A resource.

    :param uses: the ids of what it could not be without.
    :param stale: etags that it once had.
    """

    kind: str
    id: str
    name: str
    uses: frozenset[str] = frozenset()
    etag: str = ""
    stale: list[str] = field(default_factory=list)

    def written(self, etag: str) -> None:
        """Note a write."""
        assert etag not in (self.etag, *self.stale), "every write gives a new etag"
        self.stale.append(self.etag)
        self.etag = etag


@dataclass
class Dataflow(Thing):
    """A dataflow that runs every so often.

    :param dataset: the id of the one that it fills.
    :param start: epoch seconds.
    :param period: seconds.
    :param runs: when runs began, epoch seconds.
    """

    dataset: str = ""
    start: int = 0
    period: int = 0
    enabled: bool = True
    runs: list[int] = field(default_factory=list)

    def pass_time(self, before: int, now: int) -> None:
        """Run at each moment of the schedule that is later than ``before`` and not later than ``now``."""
        missed = max((before - self.start) // self.period + 1, 0)
        moments = range(self.start + missed * self.period, now + 1, self.period)
        if self.enabled:
            self.runs += moments


class Model:
    """The things of one sandbox.

    :param now: epoch seconds.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        self.things: dict[str, Thing] = {}
        self.gone: list[Thing] = []

    def of(self, kind: str) -> list[Thing]:
        """What there is of a kind, oldest first."""
        return [thing for thing in self.things.values() if thing.kind == kind]

    @property
    def flows(self) -> list[Dataflow]:
        return [thing for thing in self.things.values() if isinstance(thing, Dataflow)]

    def add(self, thing: Thing) -> None:
        assert thing.id not in self.things
        assert thing.id not in [other.id for other in self.gone], "ids are not used twice"
        self.things[thing.id] = thing

    def keeper(self, thing: Thing) -> Thing | None:
        """What keeps a thing from being deleted."""
        users = (user for user in self.of(KEEPERS.get(thing.kind, "")) if thing.id in user.uses)
        return next(users, None)

    def remove(self, thing: Thing) -> None:
        self.gone.append(self.things.pop(thing.id))

    def advance(self, seconds: int) -> None:
        before, self.now = self.now, self.now + seconds
        for flow in self.flows:
            flow.pass_time(before, self.now)
