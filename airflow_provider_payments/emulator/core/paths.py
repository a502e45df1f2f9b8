r"""Paths into rows and records: ``a.b``, ``a[0].b`` and ``a[*].b``.

A period that is part of a name is escaped with a backslash: ``address.street\\.name``. A name with special characters
may be wrapped, as in ``address.${street\\.name}``: brackets and spaces within the braces are part of the name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

# A write to an index fills the array up to that index. No real record has an array of this length.
MAX_INDEX = 1000

_WRAPPED = re.compile(r"\$\{((?:[^{}\\]|\\.)+)\}", re.DOTALL)
_NAME = re.compile(r"(?P<name>(?:\\.|[^.\[\\])+)(?P<indexes>(?:\[(?:\d{1,9}|\*)\])*)", re.DOTALL | re.ASCII)
_INDEX = re.compile(r"\[(\d+|\*)\]", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Everywhere:
    """A step of a path that leads to every entry of an array."""


EVERYWHERE = Everywhere()
Steps = tuple[str | int | Everywhere, ...]


def unwrapped(path: str) -> str:
    """Return a path whose special names are not wrapped in ``${...}``: their opening brackets are escaped instead."""
    return _WRAPPED.sub(lambda match: match[1].replace("[", "\\["), path)


@lru_cache(maxsize=4096)
def steps_of(path: str) -> Steps | None:
    """Return the steps of a path, or None if it is not valid."""
    path = unwrapped(path)
    steps: list[str | int | Everywhere] = []
    at = -1
    while at < len(path):
        match = _NAME.match(path, at + 1)
        if match is None:
            return None
        steps.append(unescaped(match["name"]))
        steps += [EVERYWHERE if index == "*" else int(index) for index in _INDEX.findall(match["indexes"])]
        at = match.end()
        if path[at : at + 1] not in ("", "."):
            return None
    return tuple(steps)


def has_wildcard(path: str) -> bool:
    """Return whether a path leads to all entries of an array."""
    return EVERYWHERE in (steps_of(path) or ())


def unescaped(path: str) -> str:
    """Return a path without its backslashes: if the path is a single name, the name of a column."""
    return _ESCAPED.sub(r"\1", path)


def read(row: Mapping[str, Any], path: str) -> Any:
    """Return the value of a source attribute in a row, or None if the row has no such attribute.

    :param path: a column's name, with its periods escaped or not, or a path into a tree; a column takes precedence.
    """
    if path in row:
        return row[path]
    column = _column(path)
    if column in row:
        return row[column]
    steps = steps_of(path)
    return None if steps is None else _read(row, steps)


@lru_cache(maxsize=4096)
def _column(path: str) -> str:
    return unescaped(unwrapped(path))


def read_below(value: Any, path: str) -> Any:
    """Return the value at a path below a given value, for which the path's first name stands."""
    return _read(value, (steps_of(path) or ("",))[1:])


def _read(node: Any, steps: Steps) -> Any:
    for place, step in enumerate(steps):
        if isinstance(step, str):
            node = node.get(step) if isinstance(node, Mapping) else None
        elif not isinstance(node, list):
            return None
        elif isinstance(step, int):
            node = node[step] if step < len(node) else None
        else:
            found = [_read(entry, steps[place + 1 :]) for entry in node]
            deeper = any(isinstance(later, Everywhere) for later in steps[place + 1 :])
            return [entry for part in found for entry in part or ()] if deeper else found
        if node is None:
            return None
    return node


class Occupied(Exception):
    """A path leads through a value that is neither an object nor an array."""


def write(record: dict[str, Any], steps: Steps, value: Any, convert: Callable[[Any], Any]) -> None:
    """Put a value into a record; raise :class:`Occupied` if the path leads through another value.

    :param steps: the path; an :data:`EVERYWHERE` step, of which it has one at most, writes each entry of the value to
        the array's entry with the same index.
    :param convert: converts a value to the field's type.
    """
    # The value is converted before the first write: a value that does not fit must not leave empty objects behind.
    if any(isinstance(step, Everywhere) for step in steps):
        entries = value if isinstance(value, list) else [value]
        _write(record, steps, [None if entry is None else convert(entry) for entry in entries])
    else:
        _write(record, steps, convert(value))


def _write(node: Any, steps: Steps, value: Any) -> None:
    step, rest = steps[0], steps[1:]
    if isinstance(step, Everywhere):
        for index, entry in enumerate(value):
            if entry is not None:
                _write(node, (index, *rest), entry)
            elif rest:  # an entry without a value still becomes an entry of the array
                _child(node, index, {} if isinstance(rest[0], str) else [])
            elif index >= len(node):
                _set(node, index, None)
    elif not rest:
        _set(node, step, value)
    else:
        _write(_child(node, step, {} if isinstance(rest[0], str) else []), rest, value)


def _child(node: Any, step: str | int, fresh: Any) -> Any:
    known = _get(node, step)
    if known is None:
        _set(node, step, fresh)
        return fresh
    if type(known) is not type(fresh):
        raise Occupied
    return known


def _get(node: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return node.get(step)
    return node[step] if step < len(node) else None


def _set(node: Any, step: str | int, value: Any) -> None:
    if isinstance(step, int):
        node.extend([None] * (step + 1 - len(node)))
    node[step] = value
