"""
A strict YAML reader that gives each value its place.

It accepts only values that all YAML readers understand alike: ``true`` and ``false``, decimal numbers and ``null``; any
other scalar is text. Aliases, tags, merge keys and repeated keys are refused. JSON is YAML, so JSON files work too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.problems import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["JINJA", "MAX_BYTES", "MAX_DEPTH", "NO_JINJA", "Node", "Scalar", "read_scalar", "read_yaml"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
JINJA = re.compile(r"\{\{|\{%")
NO_JINJA = "Jinja is not rendered in definitions; use ${var.name} and `variables` of the environment"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Node:
    """
    A value and its place in a file.

    :param value: a scalar, a list of nodes, or an object's members in their order.
    :param place: the place of the value.
    :param key: the place of the member's name; ``None`` if the value is not a member.
    """

    value: Scalar | list[Node] | dict[str, Node]
    place: Place
    key: Place | None = None

    @property
    def members(self) -> Mapping[str, Node]:
        """The members of an object; empty for any other value."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: member.plain for name, member in self.value.items()}
        return [entry.plain for entry in self.value] if isinstance(self.value, list) else self.value

    def at(self, *steps: str | int) -> Node:
        """Return the node at a path of members and entries; if a step is missing, the node in which it is missing."""
        node = self
        for step in steps:
            if isinstance(node.value, dict) and step in node.value:
                node = node.value[str(step)]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
            else:
                break
        return node


def read_scalar(text: str) -> Scalar:
    """Return the value of an unquoted scalar: a number, ``true``, ``false``, ``null`` or text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def read_yaml(source: bytes, file: str, problems: list[Problem]) -> Node | None:
    """
    Return the document of a file; ``None`` if the file has a problem.

    :param source: the contents of the file.
    :param file: path of the file, for places.
    :param problems: receives all problems.
    """
    found: list[Problem] = []
    node = _document(source, file, found)
    problems += found
    return None if found else node


class _UnusableError(Exception):
    """The rest of the file cannot be read."""


def _document(source: bytes, file: str, problems: list[Problem]) -> Node | None:
    import yaml

    if len(source) > MAX_BYTES:
        problems.append(Problem(Place(file), "", f"at most {MAX_BYTES:,} bytes are read"))
        return None
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(Problem(Place(file, source.count(b"\n", 0, error.start) + 1), "", "it must be UTF-8"))
        return None
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(file, yaml.parse(text, Loader=loader), problems).document()
    except _UnusableError:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        is_jinja = JINJA.search("".join(text.split("\n")[place.line - 1 : place.line]))
        reason = NO_JINJA if is_jinja else error.problem or error.context
        problems.append(Problem(place, "", f"this is not YAML: {reason}"))
    except yaml.YAMLError:
        problems.append(Problem(Place(file), "", "this is not YAML: it contains characters that YAML does not allow"))
    return None


def _kind(event: Any) -> str:
    return type(event).__name__


class _Builder:
    """Builds nodes from the parser's events, because the values that PyYAML builds have no places."""

    def __init__(self, file: str, events: Iterator[Any], problems: list[Problem]) -> None:
        self.file, self.events, self.problems = file, events, problems
        self.path: list[str] = []

    def document(self) -> Node | None:
        next(self.events)  # the stream begins
        if _kind(first := next(self.events)) != "DocumentStartEvent":
            self._refuse(first, "the file is empty")
            return None
        node = self._node(next(self.events))
        next(self.events)  # the document ends
        if _kind(second := next(self.events)) != "StreamEndEvent":
            self._refuse(second, "only one document is allowed; write several dataflows under `dataflows:`")
        return node

    def _node(self, event: Any, key: Place | None = None) -> Node:
        kind = _kind(event)
        if kind == "AliasEvent" or event.anchor is not None:
            self._refuse(event, "anchors and aliases are not allowed; use defaults or variables")
            raise _UnusableError
        if event.tag is not None:
            self._refuse(event, "tags are not allowed")
        if len(self.path) > MAX_DEPTH:
            self._refuse(event, f"at most {MAX_DEPTH} levels are allowed")
            raise _UnusableError
        if kind == "ScalarEvent":
            return Node(read_scalar(event.value) if event.implicit[0] else event.value, self._place(event), key)
        return Node(self._members() if kind == "MappingStartEvent" else self._entries(), self._place(event), key)

    def _entries(self) -> list[Node]:
        entries: list[Node] = []
        while _kind(event := next(self.events)) != "SequenceEndEvent":
            self.path.append(str(len(entries)))
            entries.append(self._node(event))
            self.path.pop()
        return entries

    def _members(self) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while _kind(event := next(self.events)) != "MappingEndEvent":
            name, key = self._name(event), self._place(event)
            if name in members:
                self._refuse(event, f"'{name}' occurs twice; first in line {(members[name].key or key).line}")
            self.path.append(name)
            member = self._node(next(self.events), key)
            self.path.pop()
            members.setdefault(name, member)
        return members

    def _name(self, event: Any) -> str:
        if _kind(event) != "ScalarEvent":
            self._refuse(event, "a member's name must be text. Jinja is not rendered in definitions; use ${var.name}")
            raise _UnusableError
        if event.anchor is not None or event.tag is not None:
            self._refuse(event, "anchors and tags are not allowed")
        if event.value == "<<" and event.implicit[0]:
            self._refuse(event, "merge keys are not allowed; use defaults")
        return str(event.value)

    def _place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse(self, event: Any, allowed: str) -> None:
        self.problems.append(Problem(self._place(event), ".".join(self.path), allowed))
