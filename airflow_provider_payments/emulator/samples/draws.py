"""Numbers from a seed: the same in every process, on every machine, with every version of Python."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Choice = TypeVar("Choice")


class Draws:
    """A stream of numbers.

    Only ``Random.random`` is promised to stay the same between versions of Python, so everything is made of it.

    :param seed: text; another one for each table.
    """

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def below(self, bound: int) -> int:
        """A whole number from 0 to ``bound - 1``."""
        return int(self._random() * bound)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of some choices; one that stands there twice comes twice as often."""
        return choices[int(self._random() * len(choices))]


def opaque(place: int, salt: int = 0) -> str:
    """16 hexadecimal digits that tell nothing of the order in which things were made, one text for each place.

    :param salt: another one for each kind of thing.
    """
    return f"{(place + 1) * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03 & 0xFFFFFFFFFFFFFFFF:016X}"
