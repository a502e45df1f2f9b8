"""What is wrong with files of definitions: every problem with its place, all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.inputs import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DefinitionError", "Place", "Problem", "did_you_mean"]


class Place(NamedTuple):
    """
    A place in a file.

    :param file: its path, as it was given.
    :param line: from 1.
    :param column: from 1, in characters.
    """

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """
    One thing that is wrong.

    :param place: where it was written.
    :param path: the member, such as ``source.table``; empty where it is the file.
    :param allowed: what is allowed, as the end of a sentence.
    """

    place: Place
    path: str
    allowed: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.path, self.allowed) if part)


class DefinitionError(PlatformError):
    """
    Files of definitions that cannot be used; raised before anything is asked of the platform.

    :param problems: all that is wrong, ordered by file and place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems)))
        super().__init__("\n".join(map(str, self.problems)))
