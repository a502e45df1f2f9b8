"""The type of an option, and the options that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONN_ID", "ENVIRONMENT", "ONLY", "OUTPUT", "OUTPUTS", "PATHS", "TAKE_OVER", "VARIABLE", "YES", "Option"]

OUTPUTS = ("table", "json", "yaml", "markdown")


class Option(NamedTuple):
    """
    An option or argument of a command.

    :param flags: the positional parameters of :meth:`argparse.ArgumentParser.add_argument`.
    :param settings: its keyword parameters.
    """

    flags: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def argument(self) -> str:
        """The argument's name in Python."""
        return self.flags[-1].lstrip("-").replace("-", "_")

    @property
    def shown(self) -> str:
        """The option's name in messages: the long flag, or the placeholder of an argument's value."""
        return self.flags[-1] if self.flags[-1].startswith("-") else str(self.settings["metavar"])


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


PATHS = Option(
    ("paths",),
    {"nargs": "*", "metavar": "PATH", "help": "files, and folders, which are searched recursively (default: .)"},
)
ENVIRONMENT = Option(
    ("-e", "--environment"),
    {"metavar": "ENV", "help": "name of an environment of project.yaml (default: the only one)"},
)
VARIABLE = Option(
    ("--var",),
    {
        "action": "append",
        "default": [],
        "type": _variable,
        "metavar": "NAME=VALUE",
        "help": "a variable, which overrides the environment's; repeatable",
    },
)
ONLY = Option(
    ("--only",),
    {"action": "append", "default": [], "metavar": "NAME", "help": "only the definition with this name; repeatable"},
)
OUTPUT = Option(("-o", "--output"), {"choices": OUTPUTS, "default": "table", "help": "the format (default: table)"})
CONN_ID = Option(
    ("--conn-id",),
    {"metavar": "ID", "help": "id of the Airflow connection (default: the environment's, else aep_default)"},
)
YES = Option(("-y", "--yes"), {"action": "store_true", "help": "do not ask for approval"})
TAKE_OVER = Option(
    ("--take-over",),
    {
        "action": "append",
        "default": [],
        "metavar": "OWNER",
        "help": "take over objects whose marks name this owner, such as a DAG's id; repeatable",
    },
)
