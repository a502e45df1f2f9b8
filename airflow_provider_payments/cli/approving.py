"""The approval of what is about to be written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    import argparse

__all__ = ["approve"]


def approve(args: argparse.Namespace, text: str, question: str) -> None:
    """
    Ask for ``yes`` on a terminal, unless ``--yes`` or ``--expect`` is given.

    :param text: what is to be approved. It is shown before the question, where the output is a program's: as a table it
        is on the terminal already.
    :raises InvalidInputError: if there is no terminal, or the answer is another one.
    """
    if args.yes or args.expect is not None:
        return
    if not sys.stdin.isatty():
        raise InvalidInputError("yes", None, "it must be given, or --expect DIGEST, where nobody can be asked")
    if args.output != "table":
        print(text, file=sys.stderr)
    print(f"{question} Only `yes` is taken for yes: ", end="", file=sys.stderr, flush=True)
    if (answer := sys.stdin.readline().strip()) != "yes":
        raise InvalidInputError("answer", answer, "`yes`; nothing was done")
