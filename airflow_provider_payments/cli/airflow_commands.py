"""The commands as functions that Airflow calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.cli.commands import COMMANDS, run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["apply", "export", "plan", "schema", "status", "validate"]


def _of(name: str) -> Callable[[argparse.Namespace], None]:
    (command,) = (command for command in COMMANDS if command.name == name)

    def call(args: argparse.Namespace) -> None:
        if code := run(command, args):
            raise SystemExit(code)

    return call


apply, export, plan, schema, status, validate = (
    _of(name) for name in ("apply", "export", "plan", "schema", "status", "validate")
)
