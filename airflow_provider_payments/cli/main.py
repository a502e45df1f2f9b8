"""The console script ``payments``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_payments import __version__
from airflow_provider_payments.cli.commands import COMMANDS, run

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse would exit with 2, which means drift with --detailed-exitcode.
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    parser = _Parser(prog="payments", description="Dataflows from payments to Adobe Experience Platform, from files.")
    parser.add_argument("--version", action="version", version=f"airflow-provider-payments {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for command in COMMANDS:
        own = commands.add_parser(command.name, help=command.help, description=command.description)
        for option in command.options:
            own.add_argument(*option.flags, **option.settings)
        own.set_defaults(run=command)
    args = parser.parse_args(argv)
    try:
        status = run(args.run, args)
    except BrokenPipeError:
        # The reader closed the pipe; without this the interpreter's final flush would fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print(
            f"payments {args.command}: interrupted; requests sent so far remain in effect, and a repeat continues",
            file=sys.stderr,
        )
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
