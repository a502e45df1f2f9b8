"""The commands as functions that Airflow calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.cli.commands import COMMANDS, run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["apply", "diagnose", "export", "plan", "schema", "validate"]


def _of(name: str) -> Callable[[argparse.Namespace], None]:
    (command,) = (command for command in COMMANDS if command.name == name)

    def call(args: argparse.Namespace) -> None:
        if status := run(command, args):
            raise SystemExit(status)

    return call


apply, diagnose, export = (_of(name) for name in ("apply", "diagnose", "export"))
plan, schema, validate = (_of(name) for name in ("plan", "schema", "validate"))
