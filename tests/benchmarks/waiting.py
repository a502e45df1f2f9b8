"""
Measure waiting: many waits in one process and one event loop, compared with the triggers of released rivals.

    python -m tests.benchmarks.waiting [--waits 1000] [--interval 10] [--duration 30] [--only PART] [--quick]

There are five parts, all by default. `rivals` and `ours` wait for the same runs with the same interval and the same
service, which answers after 50 ms and counts requests. `many` has ten times as many waits at three times the interval,
of this provider only. `limited` has as many waits with the emulator, which allows 60 requests a minute. Each candidate
has a process of its own, and all use TLS, because two of the rivals support nothing else. A rival that is not installed
is left out (the extra ``bench`` installs all). `busy` is a sandbox with 10,000 other runs an hour: runs take five
minutes to an hour, waits poll each minute and are replaced when they end, and time passes sixty times as fast.

Print the measurements, and each figure with its limit; the exit status is 3 if a figure exceeds its limit. The event
loop's lateness also depends on other load on the machine.
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
    """Print the measurements and the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Measure waiting.")
    parser.add_argument("--waits", type=int, help="1000, or 400 with --quick; ten times as many for `many`, `limited`")
    parser.add_argument("--interval", type=float, help="seconds: 10, or 2; three times as many for `many`, `limited`")
    parser.add_argument(
        "--duration", type=float, help="seconds: 30, or 8; 45, or 9 for `many`, `limited`; 7200, or 1800 for `busy`"
    )
    parser.add_argument("--only", choices=PARTS, help="run one part only")
    parser.add_argument("--quick", action="store_true", help="run fewer and shorter waits, within a minute")
    options = parser.parse_args()
    interval = options.interval or (2.0 if options.quick else 10.0)
    waits = options.waits or (400 if options.quick else 1000)
    few = Load(waits, interval, options.duration or (8.0 if options.quick else 30.0), spread=interval)
    # All waits start at once, as in a triggerer that takes over the waits of another.
    many = Load(10 * waits, 3 * interval, options.duration or 4.5 * interval, spread=0.0)
    parts = (options.only,) if options.only else PARTS

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
        busy = measure_busy(options.waits or 1000, options.duration or (1800.0 if options.quick else 7200.0))
        print_busy(busy)
    print()
    table = Table()
    if ours := compared.pop(OURS, None):
        check_few(table, ours, compared, quick=options.quick)
    if alone:
        check_many(table, alone)
    if limited:
        check_limited(table, limited)
    if busy:
        check_busy(table, busy)
    return table.exit_status


def measure_rivals(service: Service, load: Load) -> dict[str, Cost]:
    """Measure all installed rivals, one after another."""
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
    """Print a column for each candidate."""
    if not costs:
        return
    print(f"\n{load!s:<52}" + "".join(f"{CANDIDATES[key].name:>22}" for key in costs))
    rows: dict[str, Callable[[Cost], str]] = {
        "requests sent": lambda c: f"{c.sent:,}",
        "requests a wait and interval": lambda c: f"{c.rate:.4f}",
        "CPU, s": lambda c: f"{c.measured.cpu:.2f}",
        "peak memory (above that of the imports), MB": lambda c: f"{c.measured.peak:.0f} ({c.growth:.0f})",
        "event loop late, median / 99 % / maximum, ms": lambda c: joined(c.measured.lateness, 0),
        "run's end to event, median / 99 % / maximum, s": lambda c: joined(c.measured.latency, 2),
        "waits lost": lambda c: f"{c.measured.lost:,}",
        "all waits ended after, s": lambda c: f"{c.measured.elapsed:.1f}",
        "the service's CPU, share of a core": lambda c: f"{c.service_cpu / c.measured.elapsed:.2f}",
    }
    for name, text_of in rows.items():
        print(f"{name:<52}" + "".join(f"{text_of(cost):>22}" for cost in costs.values()))
    for key, cost in costs.items():
        print(f"{CANDIDATES[key].name}, requests: " + ", ".join(f"{n:,} {kind}" for kind, n in cost.requests.items()))
        for problem in cost.measured.problems:
            print(f"{CANDIDATES[key].name} lost: {problem}")
        if not cost.keeps_the_interval:
            print(f"{CANDIDATES[key].name} does not keep the interval")
    sys.stdout.flush()


def print_limited(load: Load, limited: Limited) -> None:
    print(f"\n{load}, at the emulator with {limited.requests_a_minute} requests a minute")
    print("requests: " + ", ".join(f"{count:,} {kind}" for kind, count in limited.requests.items()))
    print(f"429: {sum(limited.refused.values())}; the emulator lists 1,000 runs in {limited.page_seconds:.2f} s")
    measured = limited.measured
    print(f"run's end to event, median / 99 % / maximum, s: {joined(measured.latency, 2)}; CPU, s: {measured.cpu:.2f}")
    for problem in measured.problems:
        print(f"lost: {problem}")


def print_busy(busy: Busy) -> None:
    print(f"\n{busy.waits:,} waits at {INTERVAL:g} s, replaced when over, for {busy.elapsed:.0f} s in a busy sandbox")
    print("requests: " + ", ".join(f"{count:,} {kind}" for kind, count in busy.requests.items()))
    print(f"{busy.right:,} ended; run's end to event, median / 99 % / maximum, s: {joined(busy.late, 0)}")
    print(f"CPU, s: {busy.cpu:.1f}", flush=True)
    for problem in busy.problems:
        print(f"lost: {problem}")


def joined(values: Sequence[float], digits: int) -> str:
    return " / ".join(f"{value:.{digits}f}" for value in values)


def check_few(table: Table, ours: Cost, rivals: Mapping[str, Cost], *, quick: bool) -> None:
    load = ours.load
    name = f"{load.waits:,} waits at {load.interval:g} s: "
    # A rival that falls behind sends fewer requests, but does not keep the interval, so it is not compared.
    peers = [cost for cost in rivals.values() if cost.keeps_the_interval] or list(rivals.values())
    if peers:
        fewest = min(cost.sent for cost in peers)
        table.row(f"{name}requests, best rival to ours", fewest / ours.sent, 20, "x", at_least=True)
        table.row(f"{name}CPU", ours.measured.cpu, round(min(cost.measured.cpu for cost in peers), 1), "s")
    if not quick:
        table.row(f"{name}requests", ours.sent, 60, "")
        # Only in a long run: one garbage collection is more than a hundredth of a short one.
        table.row(f"{name}event loop late, 99 %", ours.measured.lateness[1], 20, "ms")
    table.row(f"{name}run's end to event, 99 %", ours.measured.latency[1], load.interval, "s")
    table.row(f"{name}waits lost", ours.measured.lost, 0, "")


def check_many(table: Table, ours: Cost) -> None:
    load, measured = ours.load, ours.measured
    name = f"{load.waits:,} waits at {load.interval:g} s: "
    table.row(f"{name}requests an interval", ours.sent * load.interval / measured.elapsed, 200, "")
    table.row(f"{name}CPU, share of a core", measured.cpu / measured.elapsed, 0.5, "")
    table.row(f"{name}peak memory", measured.peak, 300, "MB")
    table.row(f"{name}waits lost", measured.lost, 0, "")


def check_limited(table: Table, limited: Limited) -> None:
    name = f"{limited.waits:,} waits, {limited.requests_a_minute} requests a minute: "
    table.row(f"{name}waits lost", limited.measured.lost, 0, "")
    table.row(f"{name}maximum of 429 in a minute", limited.max_refused, 1, "")


def check_busy(table: Table, busy: Busy) -> None:
    name = f"{busy.waits:,} waits at {INTERVAL:g} s, busy sandbox: "
    table.row(f"{name}requests an interval", busy.requests_an_interval, 30, "")
    # Waits that fall behind send fewer requests, so the lateness is limited too. A slow machine cannot keep up.
    table.row(f"{name}run's end to event, 99 %", busy.late[1], 2 * INTERVAL, "s")
    table.row(f"{name}waits lost", busy.lost, 0, "")


if __name__ == "__main__":
    sys.exit(main())
