"""Schedules of faults: which request meets which, drawn from a seed, written as text, posted to the emulator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

Faults = dict[str, dict[str, Any]]

#: What becomes of a request that has no effect at all.
_LOST: Faults = {
    "500": {"action": "status", "status": 500},
    "502": {"action": "status", "status": 502},
    "503": {"action": "status", "status": 503},
    "503-wait": {"action": "status", "status": 503, "headers": {"Retry-After": "3"}},
    "504": {"action": "status", "status": 504},
    "408": {"action": "status", "status": 408},
    "429-7": {"action": "status", "status": 429, "headers": {"Retry-After": "7"}},
    "429-300": {"action": "status", "status": 429, "headers": {"Retry-After": "300"}},
    "html": {"action": "html", "status": 502},
    "drop-before": {"action": "drop_before"},
    "reset": {"action": "reset"},
    "expire-token": {"action": "expire_token"},
}
#: The request takes effect; what is answered does not say so.
_APPLIED: Faults = {
    "delay": {"action": "delay", "seconds": 0.01},
    "apply-drop": {"action": "apply_then_drop"},
    "apply-500": {"action": "apply_then_status", "status": 500},
    "apply-503": {"action": "apply_then_status", "status": 503, "headers": {"Retry-After": "2"}},
    "reset-applied": {"action": "reset", "apply": True},
    "truncate": {"action": "truncate"},
    "bad-json": {"action": "bad_json"},
}
#: It takes effect some seconds later: less than the settle time of 10 seconds.
_LATE: Faults = {
    "late-1": {"action": "late_apply", "seconds": 1},
    "late-5": {"action": "late_apply", "seconds": 5, "status": 500},
    "late-9": {"action": "late_apply", "seconds": 9},
}
#: It is answered well, and what it makes or deletes shows some seconds later.
_LAG: Faults = {
    "lag-2": {"action": "list_lag", "seconds": 2},
    "lag-5": {"action": "list_lag", "seconds": 5},
    "lag-9": {"action": "list_lag", "seconds": 9},
}
#: It is answered well, and what it makes cannot be read by its id, nor be referred to, for some seconds.
_READ_LAG: Faults = {
    "read-lag-3": {"action": "read_lag", "seconds": 3},
    "read-lag-9": {"action": "read_lag", "seconds": 9},
}
#: The Schema Registry's kinds have no settle time: they return once they can be read.
_READ_LAG_REGISTRY: Faults = {"read-lag-20": {"action": "read_lag", "seconds": 20}}
#: Each for a dataflow, whose settle time is 50 seconds.
_LATE_DATAFLOW: Faults = {
    "late-45": {"action": "late_apply", "seconds": 45},
    "late-25": {"action": "late_apply", "seconds": 25, "status": 504},
    "lag-45": {"action": "list_lag", "seconds": 45},
    "read-lag-45": {"action": "read_lag", "seconds": 45},
}
#: What the service says of a change that somebody else's has got in the way of; it has no effect.
_CONFLICTS: Faults = {
    "409": {"action": "status", "status": 409},
    "412": {"action": "status", "status": 412},
    "428": {"action": "status", "status": 428},
}
#: Later than any settle time: then nothing can be promised.
_TOO_LATE: Faults = {
    "late-120": {"action": "late_apply", "seconds": 120},
    "lag-600": {"action": "list_lag", "seconds": 600},
}
ACTIONS: Faults = {
    **_LOST,
    **_APPLIED,
    **_LATE,
    **_LAG,
    **_READ_LAG,
    **_READ_LAG_REGISTRY,
    **_LATE_DATAFLOW,
    **_CONFLICTS,
    **_TOO_LATE,
}


@dataclass(frozen=True)
class Stream:
    """
    Requests that are counted together.

    :param share: the probability that one of them meets a fault.
    :param length: how many of them may; those of a chain that needs still more go unharmed.
    """

    match: dict[str, Any]
    actions: tuple[str, ...]
    share: float
    length: int


_PLATFORM = "/data/*"
#: All but the POST that stores nothing, whose path ends in ``validate``: no other has an ``i`` at that place.
_WRITES = {"method": ["POST", "PUT", "PATCH", "DELETE"], "path": f"{_PLATFORM}[!i]????"}
_REGISTRY = {"method": "POST", "path": "/data/foundation/schemaregistry/*"}
#: In the order in which the emulator asks them: a request meets the first that has a fault for it.
STREAMS = {
    "all": Stream({"path": _PLATFORM}, ("503", "drop-before", "429-7"), 0.0, 120),
    "dataflow": Stream({"method": "POST", "path": "*/flows"}, (*_APPLIED, *_LATE, *_LATE_DATAFLOW), 0.2, 8),
    "write": Stream(_WRITES, (*_LOST, *_APPLIED, *_LATE), 0.2, 120),
    "read": Stream({"method": "GET", "path": _PLATFORM}, (*_LOST, *_APPLIED), 0.2, 400),
    "check": Stream({"method": "POST", "path": "*/validate"}, (*_LOST, *_APPLIED), 0.2, 80),
    "token": Stream({"path": "/ims/*"}, tuple(_LOST.keys() - {"expire-token"} | _APPLIED.keys()), 0.2, 80),
    "registry": Stream(_REGISTRY, (*_READ_LAG, *_READ_LAG_REGISTRY), 0.4, 40),
    "lag": Stream(_WRITES, (*_LAG, *_READ_LAG), 0.4, 120),
    # Drawn for what is there already: of changes of a chain that is made, each refusal would be final.
    "conflict": Stream({"method": "PATCH", "path": f"{_PLATFORM}/*Connections/*"}, tuple(_CONFLICTS), 0.0, 0),
}


@dataclass(frozen=True)
class Strike:
    """
    One fault, or a burst of them: the ``nth`` request of a stream, and from there on ``times`` in a row.

    As text: ``write:3:late-9``, ``all:17:503:6``.
    """

    stream: str
    nth: int
    action: str
    times: int = 1

    def __str__(self) -> str:
        return ":".join([self.stream, str(self.nth), self.action, *([str(self.times)] if self.times > 1 else [])])

    def fault(self) -> dict[str, Any]:
        """Return the fault as the emulator takes it."""
        match = {**STREAMS[self.stream].match, "nth": self.nth}
        return {"match": match, "times": self.times, **ACTIONS[self.action]}


def ordered(strikes: Iterable[Strike]) -> list[Strike]:
    """Return the strikes so that the more particular come first."""
    return sorted(strikes, key=lambda strike: (list(STREAMS).index(strike.stream), strike.nth))


def draw(random: Random, late: float = 0.0) -> list[Strike]:
    """
    Draw a schedule: single faults in each stream, and now and then a burst that no request escapes.

    :param late: the probability that a write takes effect late, whatever else may happen to it.
    """
    return ordered([*_singles(random, late), *_bursts(random)])


def _singles(random: Random, late: float) -> Iterator[Strike]:
    lates = {"write": sorted(_LATE), "dataflow": sorted(_LATE_DATAFLOW)}
    for name, stream in STREAMS.items():
        for nth in range(1, stream.length + 1):
            if name in lates and random.random() < late:
                yield Strike(name, nth, random.choice(lates[name]))
            elif random.random() < stream.share:
                yield Strike(name, nth, _pick(random, stream.actions))


def _pick(random: Random, names: Iterable[str]) -> str:
    """Draw each of the emulator's actions as often, whatever the number of ways in which it is written here."""
    action = random.choice(sorted({ACTIONS[name]["action"] for name in names}))
    return random.choice(sorted(name for name in names if ACTIONS[name]["action"] == action))


def _bursts(random: Random) -> Iterator[Strike]:
    stream = STREAMS["all"]
    # Far enough apart that no task is tried four times within them: a platform that is always down is no test.
    nth = random.randint(1, 60)
    while nth <= stream.length:
        yield Strike("all", nth, random.choice(stream.actions), random.randint(2, 4))
        nth += random.randint(25, 80)
