"""Pseudo-random numbers that are the same in every process, on every machine and with every version of Python."""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import TypeVar

Choice = TypeVar("Choice")

DIGITS = string.digits
HEX = DIGITS + "ABCDEF"
CAPITALS = DIGITS + string.ascii_uppercase
LETTERS = CAPITALS + string.ascii_lowercase
# Coprime with the lengths of the alphabets, so that two places never get the same text.
_PLACE_FACTOR = 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E95
_SALT_FACTOR = 0xD1B54A32D192ED03243F6A8885A308D313198A2E03707344A4093822299F31D1


class Draws:
    """A stream of pseudo-random numbers.

    All draws use ``Random.random``: no other method is guaranteed to stay the same between versions of Python.

    :param seed: a different text for each table.
    """

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def below(self, bound: int) -> int:
        """Return a whole number from 0 to ``bound - 1``."""
        return int(self._random() * bound)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Return one of the choices; a choice that is listed twice is drawn twice as often."""
        return choices[int(self._random() * len(choices))]


def opaque(place: int, salt: int = 0, length: int = 16, alphabet: str = HEX) -> str:
    """Return an identifier that does not reveal the order of creation; each place has a different identifier.

    :param salt: a different number for each kind of object.
    :param length: the number of characters; there must be more texts of this length than places.
    :param alphabet: one of the alphabets of this module.
    """
    pairs, text = _pairs(alphabet), ""
    number = ((place + 1) * _PLACE_FACTOR + salt * _SALT_FACTOR) % len(alphabet) ** length
    while len(text) < length:
        number, pair = divmod(number, len(pairs))
        text = pairs[pair] + text
    return text[-length:]


@cache
def _pairs(alphabet: str) -> tuple[str, ...]:
    # Drawing two characters at a time halves the time.
    return tuple(first + second for first in alphabet for second in alphabet)
