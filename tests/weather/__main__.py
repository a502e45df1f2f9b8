"""
Bad weather: answers of load balancers, gateways and half-broken services that no client can understand.

    python -m tests.weather [--waits 2000] [--interval 1] [--seconds 480] [--share 0.07] [--seed 1]
    python -m tests.weather --chains 300 --pairs 150

The first form lets triggers wait in one process: runs start and end all the time, a wait that has ended is replaced by
another, some waits are cancelled and started again, and twice all requests about one dataflow hang. The second form
gives the same kinds of answers to whole chains in virtual time, with one writer and with two, to applies of definitions
(one for every ten chains), and to tasks that change existing objects (one for every four chains).

Print each figure with its limit; the exit status is 1 if a figure exceeds its limit.
"""

from __future__ import annotations

import argparse
import sys


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.weather", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--waits", type=int, default=2000, help="triggers that wait at a time")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between two polls")
    parser.add_argument("--seconds", type=float, default=480.0, help="how long the triggers wait")
    parser.add_argument("--share", type=float, help="share of bad answers; default: 0.07 for waits, 0.2 for chains")
    parser.add_argument("--seed", type=int, default=1, help="seed of all draws")
    parser.add_argument("--without", action="append", default=[], metavar="KIND", help="leave a kind out, for waits")
    parser.add_argument("--chains", type=int, default=0, help="chains with one writer, instead of waits")
    parser.add_argument("--pairs", type=int, default=0, help="chains with two writers, instead of waits")
    parser.add_argument("--only", metavar="PART/NUMBER", help="run one trial only, such as chains/17 or lives/4")
    return parser.parse_args()


def main() -> int:
    """Run the form that the command line selects; return the exit status."""
    args = _arguments()
    if args.chains or args.pairs or args.only:
        import tests.chaos.quiet  # noqa: F401
        from tests.weather import chains

        share = 0.2 if args.share is None else args.share
        if args.only:
            return int(not chains.show_one(args.only, args.seed, share))
        return int(not chains.run(args.chains, args.pairs, args.seed, share))
    from tests.weather import waits

    share = 0.07 if args.share is None else args.share
    print(f"{args.waits:,} waits at {args.interval:g} s for {args.seconds:g} s, {share:.0%} bad answers", flush=True)
    measured = waits.measure(args.waits, args.interval, args.seconds, share, args.seed, args.without)
    return int(not waits.show(*measured, args.seconds))


if __name__ == "__main__":
    sys.exit(main())
