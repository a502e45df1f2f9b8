"""
Run many chains under faults, kills and second writers, and check that nothing is duplicated or lost.

    python -m tests.chaos --chains 500 --seed 1

Print a column for chains under faults, one for chains with a killed process, and one for chains that several DAG runs
create at once; and the same for applies of three to six definitions, which are changed and applied again. Two more
columns are for existing objects, under faults and killed, with other writers and users: tasks enable, disable, publish
and delete dataflows, and enable schemas and datasets for Profile.
The exit status is 1 if a promise is broken, a chain is not complete, a kill killed no process, or a long run met too
few faults to prove anything. ``--only kills/17`` runs one trial only.
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
from tests.chaos.arguments import command_to_repeat, parse_arguments
from tests.chaos.cases import PARTS, Case, platform
from tests.chaos.report import Column, show, show_one
from tests.chaos.schedules import search
from tests.chaos.trials import Verdict

#: A run of at least this number of chains must meet at least this number of faults (without lag and delay).
LONG_RUN_CHAINS, LONG_RUN_MIN_FAULTS = 500, 5000


def main() -> int:
    """Run the trials that the command line selects; return the exit status."""
    args = parse_arguments(__doc__)
    if args.only:
        verdict = _case(args, *args.only).verdict()
        show_one(verdict)
        return int(not verdict.good)
    counts = {"chains": args.chains, "kills": args.kills, "writers": args.chains if args.writers > 1 else 0}
    counts |= {"applies": args.applies, "applies-kills": args.applies}
    counts |= {"lives": args.lives, "lives-kills": args.lives}
    counts["applies-writers"] = args.applies if args.writers > 1 else 0
    parts = [part for part in PARTS if counts[part]]
    titles = {"chains": "under faults", "kills": "and killed", "writers": f"{args.writers} writers"}
    titles |= {"applies": "applies", "applies-kills": "and killed", "applies-writers": f"{args.writers} applies"}
    titles |= {"lives": "lives", "lives-kills": "and killed"}
    columns = []
    started = time.monotonic()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.quiet", "tests.chaos.cases"])
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        end = started + args.seconds
        for remaining, part in zip(range(len(parts), 0, -1), parts, strict=True):
            deadline = time.monotonic() + (end - time.monotonic()) / remaining
            cases = [_case(args, part, number) for number in range(counts[part])]
            columns.append(_run(pool, Column(titles[part]), cases, deadline))
    show(columns, command_to_repeat(args))
    good = all(verdict.good for column in columns for verdict in column.verdicts.values())
    faults = sum(column.failures for column in columns)
    cut_short = any(len(column.verdicts) < counts[part] for column, part in zip(columns, parts, strict=True))
    if args.chains >= LONG_RUN_CHAINS and not cut_short and faults < LONG_RUN_MIN_FAULTS:
        print(f"\nonly {faults:,} faults without lag and delay; {LONG_RUN_MIN_FAULTS:,} are needed")
        good = False
    if args.schedules:
        good = search(platform(), args.schedules) and good
    print(f"\n{time.monotonic() - started:.0f} s of wall time; {'all trials passed' if good else 'trials FAILED'}")
    return int(not good)


def _case(args: argparse.Namespace, part: str, number: int) -> Case:
    several = {"writers": args.writers, "remove_duplicates": args.remove_duplicates} if part.endswith("writers") else {}
    return Case(part, number, args.seed, **several)


def _run(pool: ProcessPoolExecutor, column: Column, cases: list[Case], deadline: float) -> Column:
    """Run cases, a few ahead, until all are done or the deadline has passed; run at least one case."""
    started = time.monotonic()
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
    column.seconds = time.monotonic() - started
    return column


if __name__ == "__main__":
    sys.exit(main())
