"""The user's approval before a command writes to the platform."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    import argparse

__all__ = ["approve"]


def approve(args: argparse.Namespace, text: str, question: str) -> None:
    """
    Ask the user to type ``yes`` on the terminal, unless ``--yes`` or ``--expect`` is given.

    :param text: the plan to approve, as text. It is printed before the question if the output is not a table; a table
        has been printed already.
    :param question: the question, without the note about ``yes``.
    :raises InvalidInputError: if there is no terminal, or the answer is not ``yes``.
    """
    if args.yes or args.expect is not None:
        return
    if not sys.stdin.isatty():
        raise InvalidInputError("yes", None, "without a terminal it must be given, or --expect DIGEST")
    if args.output != "table":
        print(text, file=sys.stderr)
    print(f"{question} Type `yes` to confirm: ", end="", file=sys.stderr, flush=True)
    if (answer := sys.stdin.readline().strip()) != "yes":
        raise InvalidInputError("answer", answer, "`yes`; nothing was changed")
