"""Faults: which requests they apply to, and how often."""

from __future__ import annotations

import asyncio
import fnmatch
import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_SEED = 0


@dataclass(frozen=True, slots=True)
class Match:
    """The condition that a request must meet before a fault can apply to it.

    :param methods: upper case; None for any method.
    :param path: a glob over the whole path, in which ``*`` stands for any text, slashes too; None for any path.
    :param nth: the number of the first matching request that the fault can apply to, counted from 1.
    """

    methods: tuple[str, ...] | None = None
    path: str | None = None
    nth: int = 1

    def matches(self, method: str, path: str) -> bool:
        if self.methods is not None and method not in self.methods:
            return False
        return self.path is None or fnmatch.fnmatchcase(path, self.path)


@dataclass(slots=True)
class Fault:
    """A fault that is injected into matching requests.

    :param action: the kind of fault, see ``http.fault_injection``.
    :param options: the options of the action, by name.
    :param times: how often the fault fires at most; None for no limit.
    :param probability: the probability that the fault fires for a matching request.
    :param matched: the number of requests that have matched.
    :param fired: the number of times that the fault has fired.
    """

    match: Match
    action: str
    options: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = 1
    probability: float = 1.0
    id: str = ""
    matched: int = 0
    fired: int = 0

    def to_wire(self) -> dict[str, Any]:
        match = {"method": self.match.methods, "path": self.match.path, "nth": self.match.nth}
        return {
            "id": self.id,
            "match": match,
            "times": self.times,
            "probability": self.probability,
            "action": self.action,
            **self.options,
            "matched": self.matched,
            "fired": self.fired,
        }

    @property
    def is_ready(self) -> bool:
        """Whether the fault can fire for the request that matched last."""
        return self.matched >= self.match.nth and (self.times is None or self.fired < self.times)


class Faults:
    """The active faults, in the order in which they were added."""

    def __init__(self) -> None:
        # Set when these faults are discarded, which ends the delays of requests that still wait.
        self.discarded = asyncio.Event()
        self._faults: dict[str, Fault] = {}
        self._numbers = itertools.count(1)
        self.seed(DEFAULT_SEED)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())

    def seed(self, seed: int) -> None:
        """Restart the random draws of all probabilities.

        :param seed: the same seed gives the same draws.
        """
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> None:
        """Activate a fault and set its id."""
        fault.id = f"fault-{next(self._numbers)}"
        self._faults[fault.id] = fault

    def get(self, identifier: str) -> Fault | None:
        return self._faults.get(identifier)

    def remove(self, identifier: str) -> None:
        """Remove a fault, which must be active."""
        del self._faults[identifier]

    def clear(self) -> None:
        self._faults.clear()

    def match_request(self, method: str, path: str) -> Fault | None:
        """Return the fault that fires for a request: the first that matches, is ready and wins its draw; or None.

        Every matching fault counts the request, so that its ``nth`` does not depend on the faults before it.

        :param path: decoded, without the query.
        """
        chosen: Fault | None = None
        for fault in self:
            if not fault.match.matches(method, path):
                continue
            fault.matched += 1
            if chosen is None and fault.is_ready and self._random.random() < fault.probability:
                fault.fired += 1
                chosen = fault
        return chosen
