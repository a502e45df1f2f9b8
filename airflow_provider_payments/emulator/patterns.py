"""Regular expressions from clients, only those whose cost is bounded.

Python's own engine goes back and tries again, so some patterns would hold the emulator up for ever. What needs no
repetition of repetitions costs at most the text's length to the power of the number of repetitions: that is taken, as
long as the text is short enough. Repeated groups, looking around and back-references are refused.
"""

from __future__ import annotations

import re
from math import factorial

MAX_PATTERN = 500
MAX_STEPS = 5_000_000

_ATOM = r"(?:[^\\^$.|?*+(){}\[\]]|\.|\\[dwsDWSntrfv]|\\[^0-9A-Za-z]|\[\^?\]?(?:(?!--|&&|\|\||~~)[^\]\\\[]|\\.)*\])"
_PIECES = rf"(?:{_ATOM}(?:[*+?]|\{{\d{{1,2}}(?:,\d{{0,2}})?\}})?)*+"
_CHOICES = rf"\^?{_PIECES}\$?(?:\|\^?{_PIECES}\$?)*+"
_PATTERN = re.compile(rf"(?:\((?:\?:)?{_CHOICES}\)|{_CHOICES})*+", re.DOTALL)
_ONE_ATOM = re.compile(_ATOM, re.DOTALL)


class PatternError(Exception):
    """A pattern that is not understood, or that would cost too much."""


class Pattern:
    """A pattern, ready for texts. Raises :class:`PatternError`."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_PATTERN:
            raise PatternError(f"it is longer than {MAX_PATTERN} characters")
        if not _PATTERN.fullmatch(source):
            raise PatternError("only characters, classes, alternatives, and what repeats one character, are understood")
        try:
            self._compiled = re.compile(source, re.DOTALL | re.ASCII)
        except (re.error, OverflowError) as error:
            raise PatternError(str(error)) from error
        # When every single character is taken out, the repetitions remain.
        self._repetitions = len(re.findall(r"[*+{]", _ONE_ATOM.sub("", source)))
        self._anchored = source.startswith("^")

    def matches(self, text: str) -> bool:
        """Whether the pattern describes a whole text."""
        self._check(text, self._repetitions)
        return self._compiled.fullmatch(text) is not None

    def found_in(self, text: str) -> bool:
        """Whether the pattern describes a part of a text."""
        # A search that may begin anywhere is one repetition more.
        self._check(text, self._repetitions + (not self._anchored))
        return self._compiled.search(text) is not None

    def _check(self, text: str, repetitions: int) -> None:
        if len(text) ** repetitions > MAX_STEPS * factorial(repetitions):
            raise PatternError(f"a text of {len(text)} characters would take too long")
