"""Dataflows that somebody names: by name, by id, or by a pattern."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.dataflows.sandbox import name_of
from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = ["chosen"]


def chosen(dataflows: Collection[RemoteObject], patterns: Sequence[str]) -> Iterator[tuple[RemoteObject, bool]]:
    """
    Yield the dataflows that are meant, each with whether somebody named it.

    :param patterns: names, ids, or patterns with ``*`` and ``?``; none means all dataflows.
    :raises InvalidInputError: after the last one, if a pattern matches nothing.
    """
    matched = set()
    for dataflow in dataflows:
        name = name_of(dataflow)
        matches = [one for one in patterns if one in (dataflow.id, name) or fnmatchcase(name, one)]
        matched.update(matches)
        if matches or not patterns:
            yield dataflow, any(one in (dataflow.id, name) for one in matches)
    if unmatched := [one for one in patterns if one not in matched]:
        near = did_you_mean(unmatched[0], map(name_of, dataflows))
        allowed = f"the name or id of a dataflow in the sandbox, or a pattern that fits one{near}"
        raise InvalidInputError("names", ", ".join(unmatched), allowed)
