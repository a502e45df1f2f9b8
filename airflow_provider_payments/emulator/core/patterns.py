"""
Regular expressions from clients: Python's, with limits of length.

Python's engine backtracks. A repetition within a repetition takes exponential time even for a text of forty characters,
so a group cannot be repeated. Other patterns take at most the text's length to the power of the number of repetitions,
which is a matter of seconds for the patterns that users write.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator

MAX_PATTERN_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 500
# An escaped character, or a class of characters, in which parentheses and operators are literal.
_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


class Pattern:
    """A compiled pattern.

    :param refuse: builds the error that is raised for a pattern, or a text, that is not accepted.
    """

    def __init__(self, source: str, refuse: Callable[[str], Exception]) -> None:
        self._refuse, self._source = refuse, source
        if len(source) > MAX_PATTERN_CHARACTERS:
            raise self._refused(f"it is longer than {MAX_PATTERN_CHARACTERS} characters")
        if re.search(r"\)\s*[*+{]|\(\?[a-z]", _CHARACTER.sub("", source)):
            raise self._refused("it repeats a group, or sets flags")
        try:
            with warnings.catch_warnings():
                # Python warns of nested character sets, which other engines read differently.
                warnings.simplefilter("error", FutureWarning)
                self._compiled = re.compile(source, re.DOTALL | re.ASCII)
        except (re.error, OverflowError, FutureWarning) as error:
            raise self._refused(str(error)) from error

    def matches(self, text: str) -> bool:
        """Return whether the pattern matches a whole text."""
        return self._compiled.fullmatch(self._short(text)) is not None

    def found_in(self, text: str) -> Iterator[re.Match[str]]:
        """Return the matches within a text."""
        return self._compiled.finditer(self._short(text))

    def _refused(self, problem: str) -> Exception:
        return self._refuse(f"The pattern '{self._source[:100]}' is not accepted: {problem}.")

    def _short(self, text: str) -> str:
        if len(text) > MAX_TEXT_CHARACTERS:
            raise self._refused(f"a text to match has more than {MAX_TEXT_CHARACTERS} characters")
        return text
