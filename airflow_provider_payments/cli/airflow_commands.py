"""The commands as functions for Airflow: each command's name is an attribute of this module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.cli.commands import COMMANDS, run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def __getattr__(name: str) -> Callable[[argparse.Namespace], None]:
    command = next((command for command in COMMANDS if command.name == name), None)
    if command is None:
        raise AttributeError(name)

    def call(args: argparse.Namespace) -> None:
        if status := run(command, args):
            raise SystemExit(status)

    return call
