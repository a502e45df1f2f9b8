"""
Nothing twice, nothing lost: many chains under faults, kills and second writers, and what is left of each.

    python -m tests.chaos --chains 500 --seed 1

Prints a column for chains under faults, for chains one of whose processes is killed, and for chains that several runs
of the DAG create at once; and the same for applies of three to six definitions, changed afterwards and applied again.
Two more are for dataflows that are there, which tasks enable, disable, publish and delete, and for schemas and datasets
that are brought into Profile: under faults, with other writers and people, and killed.
Exit status 1 where a promise is broken, a chain is not complete, a kill killed nothing, or
a long run met too few faults to say anything. ``--only kills/17`` runs one of them alone.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

import tests.chaos.quiet  # noqa: F401
from tests.chaos.cases import PARTS, Case, platform
from tests.chaos.report import Column, show, show_one
from tests.chaos.schedules import search
from tests.chaos.trials import Verdict

#: A run of this many chains must meet this many faults, lag and delay apart, or its zeros say nothing.
MANY_CHAINS, MANY_FAULTS = 500, 5000


def _only(text: str) -> tuple[str, int]:
    part, _, number = text.partition("/")
    if part not in PARTS or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be one of {', '.join(PARTS)}, a slash and a number: kills/17")
    return part, int(number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--chains", type=int, default=500, help="chains under faults; as many with several writers")
    parser.add_argument("--kills", type=int, default=200, help="chains one of whose processes is killed")
    parser.add_argument(
        "--applies", type=int, default=100, help="applies under faults; as many killed, as many at once"
    )
    parser.add_argument("--lives", type=int, default=200, help="dataflows that are there, under faults; as many killed")
    parser.add_argument("--writers", type=int, default=2, help="DAG runs that create the same chain; 1 leaves this out")
    parser.add_argument("--schedules", type=int, default=0, help="schedules of faults that Hypothesis looks through")
    parser.add_argument("--seed", type=int, default=1, help="of all draws: the same seed gives the same trials")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after these seconds of wall time")
    parser.add_argument(
        "--remove-duplicates",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether several writers remove what others of their chain have left; else it is to be reported, disabled",
    )
    parser.add_argument("--only", type=_only, metavar="PART/NUMBER", help="one trial alone, such as kills/17")
    return parser.parse_args()


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    args = _arguments()
    if args.only:
        verdict = _case(args, *args.only).verdict()
        show_one(verdict)
        return int(not verdict.good)
    counts = {"chains": args.chains, "kills": args.kills, "writers": args.chains if args.writers > 1 else 0}
    counts |= {"applies": args.applies, "applies-kills": args.applies}
    counts |= {"lives": args.lives, "lives-kills": args.lives}
    counts["applies-writers"] = args.applies if args.writers > 1 else 0
    wanted = [part for part in PARTS if counts[part]]
    titles = {"chains": "under faults", "kills": "and killed", "writers": f"{args.writers} writers"}
    titles |= {"applies": "applies", "applies-kills": "and killed", "applies-writers": f"{args.writers} applies"}
    titles |= {"lives": "lives", "lives-kills": "and killed"}
    columns = []
    begun = time.monotonic()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.quiet", "tests.chaos.cases"])
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        end = begun + args.seconds
        for left, part in zip(range(len(wanted), 0, -1), wanted, strict=True):
            deadline = time.monotonic() + (end - time.monotonic()) / left
            cases = [_case(args, part, number) for number in range(counts[part])]
            columns.append(_run(pool, Column(titles[part]), cases, deadline))
    show(columns, _again(args))
    good = all(verdict.good for column in columns for verdict in column.verdicts.values())
    faults = sum(column.failures for column in columns)
    cut_short = any(len(column.verdicts) < counts[part] for column, part in zip(columns, wanted, strict=True))
    if args.chains >= MANY_CHAINS and not cut_short and faults < MANY_FAULTS:
        print(f"\nonly {faults:,} faults, lag and delay apart, where {MANY_FAULTS:,} are needed")
        good = False
    if args.schedules:
        good = search(platform(), args.schedules) and good
    print(f"\n{time.monotonic() - begun:.0f} s of wall time in all; {'all is well' if good else 'NOT all is well'}")
    return int(not good)


def _again(args: argparse.Namespace) -> str:
    remove_duplicates = "" if args.remove_duplicates else " --no-remove-copies"
    return f"python -m tests.chaos --seed {args.seed} --writers {args.writers}{remove_duplicates} --only"


def _case(args: argparse.Namespace, part: str, number: int) -> Case:
    several = {"writers": args.writers, "remove_duplicates": args.remove_duplicates} if part.endswith("writers") else {}
    return Case(part, number, args.seed, **several)


def _run(pool: ProcessPoolExecutor, column: Column, cases: list[Case], deadline: float) -> Column:
    """Run cases, a few ahead, until all are done or the deadline is over; one at least."""
    begun = time.monotonic()
    todo, running = iter(cases), dict[Future[Verdict], Case]()
    while True:
        ahead = 4 if time.monotonic() < deadline else 0 if running or column.verdicts else 1
        for case in itertools.islice(todo, max(0, ahead - len(running))):
            running[pool.submit(Case.verdict, case)] = case
        if not running:
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            column.verdicts[running.pop(future)] = future.result()
    column.verdicts = {case: column.verdicts[case] for case in cases if case in column.verdicts}
    column.seconds = time.monotonic() - begun
    return column


if __name__ == "__main__":
    sys.exit(main())
