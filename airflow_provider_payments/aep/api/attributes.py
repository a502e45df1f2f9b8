"""
The attributes of a source, and which of them a mapping means that reads an unknown one.

A table's columns are all that it has. Of a REST resource explore shows the attributes of some sample rows, so it may
have others: only what looks misspelt is an error there.

Sources: the Stripe tutorial (what explore shows, paths), Data Prep's troubleshooting guide (escaped periods).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property

from airflow_provider_payments.aep import readers

Steps = tuple[str, ...]

#: How many letters of a misspelt name are put in, left out or replaced, at most.
MAX_EDITS = 2
MAX_SUGGESTIONS = 3
_PLACE_IN_ARRAY = re.compile(r"(?<!\\)\[[^\]]*\]")
_WRAPPED = re.compile(r"\$\{([^{}]+)\}")
_NO_DIGITS = re.compile(r"[^0-9]")
_PERIOD = re.compile(r"(?<!\\)\.")


def paths_of(schema: object) -> list[str]:
    """Return the paths of all attributes in the schema that explore shows of a REST resource, parents first."""
    found: list[str] = []
    left = [("", schema)]
    while left:
        path, node = left.pop()
        if path:
            found.append(path)
        while isinstance(items := readers.at(node, "items"), dict):
            path, node = f"{path}[*]", items
        members = readers.mapping(readers.at(node, "properties"))
        named = [(_escaped(name), child) for name, child in members.items() if readers.text(name)]
        left += [(f"{path}.{name}" if path else name, child) for name, child in reversed(named)]
    return found


@dataclass(frozen=True)
class Attributes:
    """
    What a source is known to have.

    :param names: a table's columns, or a REST resource's paths as :func:`paths_of` returns them. They count as paths
        if there are some with several steps, and for each of these the path of its parent.
    """

    names: tuple[str, ...]

    @cached_property
    def is_tree(self) -> bool:
        """Whether the names are paths of a REST resource, which may have more."""
        known = set(map(_steps, self.names))
        inner = [steps[:-1] for steps in known if len(steps) > 1]
        return bool(inner) and known.issuperset(inner)

    def has(self, source: str) -> bool:
        """
        Whether it is one of them.

        Odd names may be wrapped as ``${...}`` and periods within them escaped; places in arrays do not count.
        """
        return self._read(source) in self._known

    def corrections(self, source: str) -> list[str]:
        """
        Return the attributes that a misspelt one stands for: one name is up to two letters off, or only the root lacks.

        :param source: one that is not known.
        """
        steps = self._read(source)
        if below_root := [name for known, name in self._known.items() if known[1:] == steps]:
            return below_root
        depth = next(depth for depth in range(len(steps)) if steps[: depth + 1] not in self._known)
        before, name, behind = steps[:depth], steps[depth], steps[depth + 1 :]
        siblings = [known for known in self._known if len(known) == depth + 1 and known[:depth] == before]
        corrected = [known + behind for known in siblings if _is_misspelt(name, known[-1])]
        return [self._known[path] for path in corrected if path in self._known]

    def nearest(self, source: str) -> list[str]:
        """Return the most similar ones, those with the same last name first."""
        last = self._read(source)[-1]
        alike = [name for known, name in self._known.items() if known[-1] == last]
        return list(dict.fromkeys([*alike, *difflib.get_close_matches(source, self.names)]))[:MAX_SUGGESTIONS]

    @cached_property
    def _known(self) -> dict[Steps, str]:
        return {self._read(name): name for name in self.names}

    def _read(self, source: str) -> Steps:
        path = _WRAPPED.sub(r"\1", source)
        return _steps(path) if self.is_tree else (_unescaped(path),)


def _steps(path: str) -> Steps:
    return tuple(map(_unescaped, _PERIOD.split(_PLACE_IN_ARRAY.sub("", path))))


def _escaped(name: str) -> str:
    return name.replace(".", "\\.")


def _unescaped(name: str) -> str:
    return name.replace("\\.", ".")


def _is_misspelt(name: str, right: str) -> bool:
    # Names that are numbered stand beside each other, as "line1" and "line2" of an address do.
    digits, others = _NO_DIGITS.sub("", name), _NO_DIGITS.sub("", right)
    if digits and others and digits != others:
        return False
    # Short names may be two letters apart by chance, as "fee" and "net" are.
    most = min(MAX_EDITS, len(name) // 2, len(right) // 2)
    return abs(len(name) - len(right)) <= most and _edits(name.casefold(), right.casefold()) <= most


def _edits(left: str, right: str) -> int:
    """Return how many letters must be put in, taken out or replaced to make one of the other."""
    row = list(range(len(right) + 1))
    for number, letter in enumerate(left, 1):
        above, row = row, [number]
        for column, other in enumerate(right):
            row.append(min(above[column + 1] + 1, row[column] + 1, above[column] + (letter != other)))
    return row[-1]
