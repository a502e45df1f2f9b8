"""
What waiting costs: many waits in one process and one event loop, beside the triggers of released rivals.

    python -m tests.benchmarks.waiting [--waits 1000] [--interval 10] [--duration 30] [--only PART] [--quick]

Five parts, all by default: `rivals` and `ours` wait for the same runs with the same interval at the same service, which
answers after 50 ms and counts; `many` is ten times as many waits at three times the interval, ours alone; `limited` is
as many at the emulator, which lets 60 requests a minute pass. Each candidate has a process of its own, and all speak
TLS, for two of the rivals cannot do otherwise. A rival that is not installed is left out (the extra ``bench`` has all).
`busy` is a sandbox in which 10,000 other runs an hour come and go: runs take five minutes to an hour, waits poll each
minute and are replaced when they are over; time passes sixty times as fast.

Prints what was measured, and each figure with its limit; the exit status is 3 when one is missed. The event loop's
lateness says as much about what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.limits import Table
from tests.benchmarks.waiting_busy import INTERVAL, Busy, measure_busy
from tests.benchmarks.waiting_candidates import CANDIDATES
from tests.benchmarks.waiting_limited import Limited, measure_limited
from tests.benchmarks.waiting_processes import Cost, Load, Service, measure

PARTS = ("rivals", "ours", "many", "limited", "busy")
OURS = "payments"


def main() -> int:
    """Print the measurements and the table."""
    parser = argparse.ArgumentParser(description="What waiting costs.")
    parser.add_argument("--waits", type=int, help="1000, or 400 with --quick; ten times as many for `many`, `limited`")
    parser.add_argument("--interval", type=float, help="seconds: 10, or 2; three times as many for `many`, `limited`")
    parser.add_argument(
        "--duration", type=float, help="seconds: 30, or 8; 45, or 9 for `many`, `limited`; 7200, or 1800 for `busy`"
    )
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--quick", action="store_true", help="less of everything, within a minute")
    chosen = parser.parse_args()
    interval = chosen.interval or (2.0 if chosen.quick else 10.0)
    waits = chosen.waits or (400 if chosen.quick else 1000)
    few = Load(waits, interval, chosen.duration or (8.0 if chosen.quick else 30.0), spread=interval)
    # All at once, as a triggerer begins that takes over from another.
    many = Load(10 * waits, 3 * interval, chosen.duration or 4.5 * interval, spread=0.0)
    parts = (chosen.only,) if chosen.only else PARTS

    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    compared: dict[str, Cost] = {}
    alone, limited, busy = None, None, None
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        if "rivals" in parts:
            compared |= measure_rivals(service, few)
        if "ours" in parts:
            compared[OURS] = measure(OURS, service, few)
        print_costs(few, compared)
        if "many" in parts:
            alone = measure(OURS, service, many)
            print_costs(many, {OURS: alone})
    if "limited" in parts:
        limited = measure_limited(OURS, many)
        print_limited(many, limited)
    if "busy" in parts:
        busy = measure_busy(chosen.waits or 1000, chosen.duration or (1800.0 if chosen.quick else 7200.0))
        print_busy(busy)
    print()
    table = Table()
    if ours := compared.pop(OURS, None):
        hold_few(table, ours, compared, quick=chosen.quick)
    if alone:
        hold_many(table, alone)
    if limited:
        hold_limited(table, limited)
    if busy:
        hold_busy(table, busy)
    return table.exit_status


def measure_rivals(service: Service, load: Load) -> dict[str, Cost]:
    """All that are installed, one after the other."""
    costs = {}
    for key, rival in CANDIDATES.items():
        if key == OURS:
            continue
        try:
            print(f"{rival.name}: {rival.distribution} {version(rival.distribution)}", flush=True)
        except PackageNotFoundError:
            print(f"{rival.name}: not installed", flush=True)
            continue
        costs[key] = measure(key, service, load)
    return costs


def print_costs(load: Load, costs: Mapping[str, Cost]) -> None:
    """A column for each candidate."""
    if not costs:
        return
    print(f"\n{load!s:<52}" + "".join(f"{CANDIDATES[key].name:>22}" for key in costs))
    rows: dict[str, Callable[[Cost], str]] = {
        "requests sent": lambda c: f"{c.sent:,}",
        "requests a wait and interval": lambda c: f"{c.rate:.4f}",
        "CPU, s": lambda c: f"{c.measured.cpu:.2f}",
        "peak memory (above that of the imports), MB": lambda c: f"{c.measured.peak:.0f} ({c.growth:.0f})",
        "event loop late, median / 99 % / most, ms": lambda c: joined(c.measured.lateness, 0),
        "run's end to event, median / 99 % / most, s": lambda c: joined(c.measured.latency, 2),
        "waits lost": lambda c: f"{c.measured.lost:,}",
        "all over after, s": lambda c: f"{c.measured.elapsed:.1f}",
        "the service's CPU, share of a core": lambda c: f"{c.service_cpu / c.measured.elapsed:.2f}",
    }
    for name, shown in rows.items():
        print(f"{name:<52}" + "".join(f"{shown(cost):>22}" for cost in costs.values()))
    for key, cost in costs.items():
        print(f"{CANDIDATES[key].name} asked: " + ", ".join(f"{n:,} {kind}" for kind, n in cost.requests.items()))
        for problem in cost.measured.problems:
            print(f"{CANDIDATES[key].name} lost: {problem}")
        if not cost.keeps_the_interval:
            print(f"{CANDIDATES[key].name} does not keep the interval")
    sys.stdout.flush()


def print_limited(load: Load, limited: Limited) -> None:
    print(f"\n{load}, at the emulator with {limited.requests_a_minute} requests a minute")
    print("asked: " + ", ".join(f"{count:,} {kind}" for kind, count in limited.requests.items()))
    print(f"429: {sum(limited.refused.values())}; the emulator lists 1,000 runs in {limited.page_seconds:.2f} s")
    measured = limited.measured
    print(f"run's end to event, median / 99 % / most, s: {joined(measured.latency, 2)}; CPU, s: {measured.cpu:.2f}")
    for problem in measured.problems:
        print(f"lost: {problem}")


def print_busy(busy: Busy) -> None:
    print(f"\n{busy.waits:,} waits at {INTERVAL:g} s, replaced when over, for {busy.elapsed:.0f} s in a busy sandbox")
    print("asked: " + ", ".join(f"{count:,} {kind}" for kind, count in busy.requests.items()))
    print(f"{busy.right:,} ended; run's end to event, median / 99 % / most, s: {joined(busy.late, 0)}")
    print(f"CPU, s: {busy.cpu:.1f}", flush=True)
    for problem in busy.problems:
        print(f"lost: {problem}")


def joined(values: Sequence[float], digits: int) -> str:
    return " / ".join(f"{value:.{digits}f}" for value in values)


def hold_few(table: Table, ours: Cost, rivals: Mapping[str, Cost], *, quick: bool) -> None:
    load = ours.load
    name = f"{load.waits:,} waits at {load.interval:g} s: "
    # Who falls behind asks less, but then it does not wait as it was told to.
    peers = [cost for cost in rivals.values() if cost.keeps_the_interval] or list(rivals.values())
    if peers:
        fewest = min(cost.sent for cost in peers)
        table.row(f"{name}requests, best rival to ours", fewest / ours.sent, 20, "x", at_least=True)
        table.row(f"{name}CPU", ours.measured.cpu, round(min(cost.measured.cpu for cost in peers), 1), "s")
    if not quick:
        table.row(f"{name}requests", ours.sent, 60, "")
        # One garbage collection is more than a hundredth of so short a time.
        table.row(f"{name}event loop late, 99 %", ours.measured.lateness[1], 20, "ms")
    table.row(f"{name}run's end to event, 99 %", ours.measured.latency[1], load.interval, "s")
    table.row(f"{name}waits lost", ours.measured.lost, 0, "")


def hold_many(table: Table, ours: Cost) -> None:
    load, measured = ours.load, ours.measured
    name = f"{load.waits:,} waits at {load.interval:g} s: "
    table.row(f"{name}requests an interval", ours.sent * load.interval / measured.elapsed, 200, "")
    table.row(f"{name}CPU, share of a core", measured.cpu / measured.elapsed, 0.5, "")
    table.row(f"{name}peak memory", measured.peak, 300, "MB")
    table.row(f"{name}waits lost", measured.lost, 0, "")


def hold_limited(table: Table, limited: Limited) -> None:
    name = f"{limited.waits:,} waits, {limited.requests_a_minute} requests a minute: "
    table.row(f"{name}waits lost", limited.measured.lost, 0, "")
    table.row(f"{name}most 429 in a minute", limited.most_refused, 1, "")


def hold_busy(table: Table, busy: Busy) -> None:
    name = f"{busy.waits:,} waits at {INTERVAL:g} s, busy sandbox: "
    table.row(f"{name}requests an interval", busy.requests_an_interval, 30, "")
    # Who falls behind asks less; the time passes too fast for a machine that cannot keep up.
    table.row(f"{name}run's end to event, 99 %", busy.late[1], 2 * INTERVAL, "s")
    table.row(f"{name}waits lost", busy.lost, 0, "")


if __name__ == "__main__":
    sys.exit(main())
