"""Selection of dataflows by name, id or pattern."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.dataflows.sandbox import name_of
from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["select_dataflows"]


def select_dataflows(
    dataflows: Collection[RemoteObject], patterns: Sequence[str]
) -> Iterator[tuple[RemoteObject, bool]]:
    """
    Yield the selected dataflows, each with whether a pattern is its exact name or id.

    :param patterns: names, ids, or patterns with ``*`` and ``?``; an empty list selects all dataflows.
    :raises InvalidInputError: after the last dataflow, if a pattern matched no dataflow.
    """
    matched = set()
    for dataflow in dataflows:
        name = name_of(dataflow)
        matches = [pattern for pattern in patterns if pattern in (dataflow.id, name) or fnmatchcase(name, pattern)]
        matched.update(matches)
        if matches or not patterns:
            yield dataflow, any(pattern in (dataflow.id, name) for pattern in matches)
    if unmatched := [pattern for pattern in patterns if pattern not in matched]:
        hint = did_you_mean(unmatched[0], map(name_of, dataflows))
        allowed = f"the name or id of a dataflow in the sandbox, or a pattern that matches one{hint}"
        raise InvalidInputError("names", ", ".join(unmatched), allowed)
