"""
Regular expressions from clients: Python's, with limits of length.

Python's engine goes back and tries again. A repetition within a repetition takes exponential time even for a text of
forty characters, so a group cannot be repeated. What remains takes at most the text's length to the power of the number
of repetitions, which is seconds for the patterns that people write.
"""

from __future__ import annotations

import re
import warnings

MAX_PATTERN_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 500
# An escaped character, or a class of characters: brackets and signs in it mean themselves.
_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


class PatternError(Exception):
    """A pattern, or a text for it, that is not accepted."""


class Pattern:
    """A pattern, ready for texts. Raises :class:`PatternError`."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_PATTERN_CHARACTERS:
            raise PatternError(f"it is longer than {MAX_PATTERN_CHARACTERS} characters")
        if re.search(r"\)\s*[*+{]|\(\?[a-z]", _CHARACTER.sub("", source)):
            raise PatternError("it repeats a group, or sets flags")
        try:
            with warnings.catch_warnings():
                # Sets of characters within sets, which other engines read in another way.
                warnings.simplefilter("error", FutureWarning)
                self._compiled = re.compile(source, re.DOTALL | re.ASCII)
        except (re.error, OverflowError, FutureWarning) as error:
            raise PatternError(str(error)) from error

    def matches(self, text: str) -> bool:
        """Whether the pattern describes a whole text."""
        return self._compiled.fullmatch(_short(text)) is not None

    def found_in(self, text: str) -> bool:
        """Whether the pattern describes a part of a text."""
        return self._compiled.search(_short(text)) is not None


def _short(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise PatternError(f"it meets a text of more than {MAX_TEXT_CHARACTERS} characters")
    return text
