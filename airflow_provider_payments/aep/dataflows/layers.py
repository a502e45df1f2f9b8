"""A file in an environment: the project's defaults are merged into it, and its variables are replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.aep.dataflows.problems import Problem, did_you_mean
from airflow_provider_payments.aep.dataflows.yamlfile import JINJA, NO_JINJA, Node, Scalar

__all__ = ["Variables", "merged", "without_defaults"]

_VARIABLE = re.compile(r"(\$?)\$\{var\.([^{}]*)\}")


def merged(below: Node | None, above: Node) -> Node:
    """
    Return ``above`` completed by the members of ``below``: objects are merged, any other value of ``above`` wins.

    A ``null`` removes the member of ``below``. Each value keeps its place in its file.
    """
    if not isinstance(above.value, dict):
        return above
    rest = dict(below.members) if below else {}
    members: dict[str, Node] = {}
    for name, node in above.value.items():
        under = rest.pop(name, None)
        if node.value is not None or under is None:
            members[name] = merged(under, node)
    return _with(above, members | rest)


def _with(node: Node, value: Scalar | list[Node] | dict[str, Node]) -> Node:
    return Node(value, node.place, node.key)


def without_defaults(written: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return members that give ``written`` when they are merged with defaults.

    Members that equal a default stay; a default that is not in ``written`` is removed by ``null``.
    """
    found = {
        name: without_defaults(value, below) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
        for name, value in written.items()
        for below in (defaults.get(name),)
    }
    return found | {name: None for name, below in defaults.items() if name not in written and below is not None}


@dataclass(frozen=True)
class Variables:
    """
    The variables of an environment.

    :param values: the variables' values, by name.
    :param environment: the environment's name, for errors; ``None`` without an environment.
    """

    values: Mapping[str, Scalar]
    environment: str | None = None

    def fill(self, node: Node, problems: list[Problem], path: tuple[str, ...] = ()) -> Node:
        """
        Return a node with ``${var.name}`` replaced in its values; ``$${var.`` is an escaped ``${var.``.

        :param problems: receives a problem for each unknown variable and for each Jinja template.
        :param path: the path of the node in its file.
        """
        if isinstance(node.value, dict):
            for name, child in node.value.items():
                if "${var." in name:
                    allowed = "variables are allowed in values, not in members' names"
                    problems.append(Problem(child.key or child.place, ".".join((*path, name)), allowed))
            return _with(node, {k: self.fill(v, problems, (*path, k)) for k, v in node.value.items()})
        if isinstance(node.value, list):
            return _with(node, [self.fill(each, problems, (*path, str(at))) for at, each in enumerate(node.value)])
        # A brace is part of each variable and of each template.
        is_filled = isinstance(node.value, str) and "{" in node.value
        return _with(node, self._filled(node, problems, path)) if is_filled else node

    def _filled(self, node: Node, problems: list[Problem], path: tuple[str, ...]) -> Scalar:
        text = str(node.value)
        names = [name for escape, name in _VARIABLE.findall(text) if not escape]
        unknown = [name for name in dict.fromkeys(names) if name not in self.values]
        problems += [Problem(node.place, ".".join(path), self._unknown(name)) for name in unknown]
        if JINJA.search(text):
            problems.append(Problem(node.place, ".".join(path), NO_JINJA))
        whole = _VARIABLE.fullmatch(text)
        if whole and not whole[1]:
            return self.values.get(whole[2], "")
        return _VARIABLE.sub(lambda found: self._text(*found.groups()), text)

    def _text(self, escape: str, name: str) -> str:
        if escape:
            return f"${{var.{name}}}"
        value = self.values.get(name)
        return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)

    def _unknown(self, name: str) -> str:
        known = ", ".join(sorted(self.values)) or "none"
        where = f"environment '{self.environment}'; " if self.environment else ""
        return f"there is no variable '{name}' ({where}known: {known}){did_you_mean(name, self.values)}"
