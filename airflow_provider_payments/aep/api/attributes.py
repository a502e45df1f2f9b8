"""
The attributes of a source, and corrections for mappings that read an unknown attribute.

The columns of a table are known completely. For a REST resource, explore returns only the attributes of some sample
rows, so an unknown attribute is an error only if it looks misspelt.

Sources: the Stripe tutorial (what explore shows, paths), Data Prep's troubleshooting guide (escaped periods).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property

from airflow_provider_payments.aep import readers

Steps = tuple[str, ...]

#: How many letters of a misspelt name may be inserted, deleted or replaced.
MAX_EDITS = 2
MAX_SUGGESTIONS = 3
_PLACE_IN_ARRAY = re.compile(r"(?<!\\)\[[^\]]*\]")
_WRAPPED = re.compile(r"\$\{([^{}]+)\}")
_NO_DIGITS = re.compile(r"[^0-9]")
_PERIOD = re.compile(r"(?<!\\)\.")


def paths_of(schema: object) -> list[str]:
    """Return the paths of all attributes in the schema that explore returns for a REST resource, parents first."""
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
    The known attributes of a source.

    :param names: the columns of a table, or the paths of a REST resource as :func:`paths_of` returns them. The names
        count as paths if some have several steps, and each of these has its parent among the names.
    """

    names: tuple[str, ...]

    @cached_property
    def is_tree(self) -> bool:
        """Whether the names are paths of a REST resource, which may have further attributes."""
        known = set(map(_steps, self.names))
        inner = [steps[:-1] for steps in known if len(steps) > 1]
        return bool(inner) and known.issuperset(inner)

    def has(self, source: str) -> bool:
        """
        Return whether an attribute is known.

        :param source: the attribute; special names may be wrapped as ``${...}`` with escaped periods, and array indexes
            are ignored.
        """
        return self._read(source) in self._known

    def corrections(self, source: str) -> list[str]:
        """
        Return the known attributes that a misspelt one may mean.

        One name in its path differs by up to two letters, or only the root of its path is missing.

        :param source: an unknown attribute.
        """
        steps = self._read(source)
        if below_root := [name for known, name in self._known.items() if known[1:] == steps]:
            return below_root
        depth = next(depth for depth in range(len(steps)) if steps[: depth + 1] not in self._known)
        parent, name, rest = steps[:depth], steps[depth], steps[depth + 1 :]
        siblings = [known for known in self._known if len(known) == depth + 1 and known[:depth] == parent]
        corrected = [known + rest for known in siblings if _is_misspelt(name, known[-1])]
        return [self._known[path] for path in corrected if path in self._known]

    def nearest(self, source: str) -> list[str]:
        """Return the most similar known attributes, those with the same last step first."""
        last = self._read(source)[-1]
        same_last = [name for known, name in self._known.items() if known[-1] == last]
        return list(dict.fromkeys([*same_last, *difflib.get_close_matches(source, self.names)]))[:MAX_SUGGESTIONS]

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


def _is_misspelt(name: str, correct: str) -> bool:
    # Numbered names are different attributes, such as "line1" and "line2" of an address.
    digits, others = _NO_DIGITS.sub("", name), _NO_DIGITS.sub("", correct)
    if digits and others and digits != others:
        return False
    # Short names may differ by two letters by chance, such as "fee" and "net".
    most = min(MAX_EDITS, len(name) // 2, len(correct) // 2)
    return abs(len(name) - len(correct)) <= most and _edit_distance(name.casefold(), correct.casefold()) <= most


def _edit_distance(left: str, right: str) -> int:
    """Return how many letters must be inserted, deleted or replaced to turn one text into the other."""
    row = list(range(len(right) + 1))
    for number, letter in enumerate(left, 1):
        above, row = row, [number]
        for column, other in enumerate(right):
            row.append(min(above[column + 1] + 1, row[column] + 1, above[column] + (letter != other)))
    return row[-1]
