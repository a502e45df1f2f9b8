"""The command line of ``python -m tests.chaos``, and the command that runs one of its trials again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.chaos.cases import PARTS


def _only(text: str) -> tuple[str, int]:
    part, _, number = text.partition("/")
    if part not in PARTS or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be one of {', '.join(PARTS)}, a slash and a number: kills/17")
    return part, int(number)


def parse_arguments(description: str | None, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """
    Parse the command line.

    :param description: the description of the command in its help.
    :param arguments: the arguments; those of the process if None.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--chains", type=int, default=500, help="chains under faults; as many with several writers")
    parser.add_argument("--kills", type=int, default=200, help="chains one of whose processes is killed")
    parser.add_argument(
        "--applies", type=int, default=100, help="applies under faults; as many killed, as many at once"
    )
    parser.add_argument(
        "--lives", type=int, default=200, help="changes of existing objects under faults; as many killed"
    )
    parser.add_argument("--writers", type=int, default=2, help="DAG runs that create the same chain; 1: no such trials")
    parser.add_argument("--schedules", type=int, default=0, help="schedules of faults that Hypothesis tries")
    parser.add_argument("--seed", type=int, default=1, help="seed of all draws: the same seed gives the same trials")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after these seconds of wall time")
    parser.add_argument(
        "--remove-duplicates",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether writers delete duplicates of other writers; if not, they must report and disable them",
    )
    parser.add_argument("--only", type=_only, metavar="PART/NUMBER", help="run one trial only, such as kills/17")
    return parser.parse_args(arguments)


def command_to_repeat(args: argparse.Namespace) -> str:
    """Return the command that runs one trial again, without the trial's name at its end."""
    remove_duplicates = "" if args.remove_duplicates else " --no-remove-duplicates"
    return f"python -m tests.chaos --seed {args.seed} --writers {args.writers}{remove_duplicates} --only"
