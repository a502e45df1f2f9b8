"""Problems of definition files, each with its place; all problems are reported together."""

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

    :param file: path of the file, as the caller gave it.
    :param line: line number, from 1.
    :param column: column number in characters, from 1.
    """

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """
    One problem of a definition file.

    :param place: the place of the wrong value.
    :param path: the member, such as ``source.table``; empty if the problem is of the whole file.
    :param allowed: the allowed values, or the problem, as the end of a sentence.
    """

    place: Place
    path: str
    allowed: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.path, self.allowed) if part)


class DefinitionError(PlatformError):
    """
    Definition files that cannot be used; raised before any request to the platform.

    :param problems: all problems, sorted by file and place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems)))
        super().__init__("\n".join(map(str, self.problems)))
