"""Schedules of faults: the requests that meet a fault, drawn from a seed, as text, and as the emulator accepts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

Faults = dict[str, dict[str, Any]]

#: The request has no effect.
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
#: The request takes effect, but the answer does not show that.
_APPLIED: Faults = {
    "delay": {"action": "delay", "seconds": 0.01},
    "apply-drop": {"action": "apply_then_drop"},
    "apply-500": {"action": "apply_then_status", "status": 500},
    "apply-503": {"action": "apply_then_status", "status": 503, "headers": {"Retry-After": "2"}},
    "reset-applied": {"action": "reset", "apply": True},
    "truncate": {"action": "truncate"},
    "bad-json": {"action": "bad_json"},
}
#: The request takes effect some seconds later, but within the settle time of 10 seconds.
_LATE: Faults = {
    "late-1": {"action": "late_apply", "seconds": 1},
    "late-5": {"action": "late_apply", "seconds": 5, "status": 500},
    "late-9": {"action": "late_apply", "seconds": 9},
}
#: The request succeeds, but lists show its effect some seconds later.
_LAG: Faults = {
    "lag-2": {"action": "list_lag", "seconds": 2},
    "lag-5": {"action": "list_lag", "seconds": 5},
    "lag-9": {"action": "list_lag", "seconds": 9},
}
#: The request succeeds, but for some seconds the created object can neither be read by its id nor be referred to.
_READ_LAG: Faults = {
    "read-lag-3": {"action": "read_lag", "seconds": 3},
    "read-lag-9": {"action": "read_lag", "seconds": 9},
}
#: Kinds of the Schema Registry have no settle time: their creation returns once the object can be read.
_READ_LAG_REGISTRY: Faults = {"read-lag-20": {"action": "read_lag", "seconds": 20}}
#: Faults of a dataflow's creation, within its settle time of 50 seconds.
_LATE_DATAFLOW: Faults = {
    "late-45": {"action": "late_apply", "seconds": 45},
    "late-25": {"action": "late_apply", "seconds": 25, "status": 504},
    "lag-45": {"action": "list_lag", "seconds": 45},
    "read-lag-45": {"action": "read_lag", "seconds": 45},
}
#: The request has no effect, because a change of another writer conflicts.
_CONFLICTS: Faults = {
    "409": {"action": "status", "status": 409},
    "412": {"action": "status", "status": 412},
    "428": {"action": "status", "status": 428},
}
#: The effect is later than any settle time, so exactly-once creation cannot be promised.
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

    :param match: the emulator's match of the requests.
    :param actions: the faults that the requests may meet, keys of :data:`ACTIONS`.
    :param share: the probability that a request meets a fault.
    :param length: the number of first requests that may meet a fault; later requests never do.
    """

    match: dict[str, Any]
    actions: tuple[str, ...]
    share: float
    length: int


_PLATFORM = "/data/*"
#: All writes but the POST that stores nothing: its path ends in ``validate``, and no other has an ``i`` at that place.
_WRITES = {"method": ["POST", "PUT", "PATCH", "DELETE"], "path": f"{_PLATFORM}[!i]????"}
_REGISTRY = {"method": "POST", "path": "/data/foundation/schemaregistry/*"}
#: In the order in which the emulator checks faults: a request meets the first fault that matches.
STREAMS = {
    "all": Stream({"path": _PLATFORM}, ("503", "drop-before", "429-7"), 0.0, 120),
    "dataflow": Stream({"method": "POST", "path": "*/flows"}, (*_APPLIED, *_LATE, *_LATE_DATAFLOW), 0.2, 8),
    "write": Stream(_WRITES, (*_LOST, *_APPLIED, *_LATE), 0.2, 120),
    "read": Stream({"method": "GET", "path": _PLATFORM}, (*_LOST, *_APPLIED), 0.2, 400),
    "check": Stream({"method": "POST", "path": "*/validate"}, (*_LOST, *_APPLIED), 0.2, 80),
    "token": Stream({"path": "/ims/*"}, tuple(_LOST.keys() - {"expire-token"} | _APPLIED.keys()), 0.2, 80),
    "registry": Stream(_REGISTRY, (*_READ_LAG, *_READ_LAG_REGISTRY), 0.4, 40),
    "lag": Stream(_WRITES, (*_LAG, *_READ_LAG), 0.4, 120),
    # Drawn only for changes of existing objects: each refusal of a change in a creation would be final.
    "conflict": Stream({"method": "PATCH", "path": f"{_PLATFORM}/*Connections/*"}, tuple(_CONFLICTS), 0.0, 0),
}


@dataclass(frozen=True)
class ScheduledFault:
    """
    A fault of the ``nth`` request of a stream, or a burst of ``times`` faults that begins there.

    As text: ``write:3:late-9``, ``all:17:503:6``.
    """

    stream: str
    nth: int
    action: str
    times: int = 1

    def __str__(self) -> str:
        return ":".join([self.stream, str(self.nth), self.action, *([str(self.times)] if self.times > 1 else [])])

    def to_json(self) -> dict[str, Any]:
        """Return the fault as the emulator's control API accepts it."""
        match = {**STREAMS[self.stream].match, "nth": self.nth}
        return {"match": match, "times": self.times, **ACTIONS[self.action]}


def ordered(schedule: Iterable[ScheduledFault]) -> list[ScheduledFault]:
    """Return the faults of a schedule, ordered by stream and request."""
    return sorted(schedule, key=lambda fault: (list(STREAMS).index(fault.stream), fault.nth))


def draw(random: Random, late: float = 0.0) -> list[ScheduledFault]:
    """
    Draw a schedule: single faults in each stream, and some bursts that affect all requests.

    :param late: the probability that a write takes effect late; such a write meets no other single fault.
    """
    return ordered([*_singles(random, late), *_bursts(random)])


def _singles(random: Random, late: float) -> Iterator[ScheduledFault]:
    lates = {"write": sorted(_LATE), "dataflow": sorted(_LATE_DATAFLOW)}
    for name, stream in STREAMS.items():
        for nth in range(1, stream.length + 1):
            if name in lates and random.random() < late:
                yield ScheduledFault(name, nth, random.choice(lates[name]))
            elif random.random() < stream.share:
                yield ScheduledFault(name, nth, _pick(random, stream.actions))


def _pick(random: Random, names: Iterable[str]) -> str:
    """Draw each of the emulator's actions with the same probability, regardless of its number of names here."""
    action = random.choice(sorted({ACTIONS[name]["action"] for name in names}))
    return random.choice(sorted(name for name in names if ACTIONS[name]["action"] == action))


def _bursts(random: Random) -> Iterator[ScheduledFault]:
    stream = STREAMS["all"]
    # Bursts are far enough apart that no task runs all its four tries within bursts.
    nth = random.randint(1, 60)
    while nth <= stream.length:
        yield ScheduledFault("all", nth, random.choice(stream.actions), random.randint(2, 4))
        nth += random.randint(25, 80)
