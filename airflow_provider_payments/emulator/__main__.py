"""``payments-emulator``, or ``python -m airflow_provider_payments.emulator``: the emulator as a process."""

from __future__ import annotations

import argparse
import signal
import sys

from airflow_provider_payments.emulator.core.clock import TIME_MODES
from airflow_provider_payments.emulator.core.options import Options, RuntimeOptions
from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.core.rate_limit import Limit
from airflow_provider_payments.emulator.extra import SERVER, is_missing


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, then return 0; return 1 if the port is in use or a library is missing.

    :param arguments: the arguments of the command; those of the command line unless given.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    limit = None if options.rate_limit is None else Limit(options.rate_limit, options.burst)
    if is_missing("payments-emulator", SERVER):
        return 1
    # The libraries are imported after the arguments are parsed, so that --help and usage errors are fast.
    from airflow_provider_payments.emulator.control.like import ReportError, options_like
    from airflow_provider_payments.emulator.http.server import listening_socket, make_server, origin
    from airflow_provider_payments.emulator.organisation import Organisation

    try:
        runtime = RuntimeOptions() if options.like is None else options_like(options.like)
    except ReportError as error:
        parser.error(f"argument --like: {error}")
    try:
        sock = listening_socket(options.host, options.port)
    except OSError as error:
        print(f"payments-emulator: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    chosen = Options(
        options.client_id, options.client_secret, options.org, options.time, rate_limit=limit, runtime=runtime
    )
    organisation = Organisation(chosen, origin(sock))
    server = make_server(organisation)
    sock.listen(2048)
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        # A signal may arrive after "ready" is printed but before uvicorn installs its own handlers. uvicorn also raises
        # the signal again after its shutdown, which must not fail the process.
        signal.signal(stop_signal, lambda *_: setattr(server, "should_exit", True))
    print(f"ready {organisation.origin}", flush=True)
    server.run(sockets=[sock])
    return 0


def _port(text: str) -> int:
    port = parse_count(text)
    if port is None or port > 65535:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a port: it must be a number from 0 to 65535")
    return port


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.001 <= rate <= 1e9:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a rate: it must be requests a minute, above 0")
    return rate


def _burst(text: str) -> int:
    burst = parse_count(text)
    if not burst:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a burst: it must be a whole number, 1 or more")
    return burst


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="payments-emulator",
        description="An emulator of Adobe Experience Platform's source services, with state, for tests and trials.",
    )
    parser.add_argument("--port", type=_port, default=0, help="the port to listen on; 0, the default, is any free port")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--client-id", default=Options.client_id, help="default: %(default)s")
    parser.add_argument("--client-secret", default=Options.client_secret, help="default: %(default)s")
    parser.add_argument("--org", default=Options.org, help="default: %(default)s")
    parser.add_argument(
        "--time",
        choices=TIME_MODES,
        default="fast",
        help="fast: a dataflow's first run starts a second after its creation; real: at its start time; "
        "manual: the clock changes only by POST /__emulator__/clock (default: %(default)s)",
    )
    parser.add_argument(
        "--rate-limit",
        type=_rate,
        metavar="N",
        help="the requests a minute that the gateway accepts; more are refused with 429 (default: no limit)",
    )
    parser.add_argument(
        "--burst", type=_burst, metavar="N", help="the requests accepted at once (default: the requests of a minute)"
    )
    parser.add_argument(
        "--like",
        metavar="REPORT",
        help="behave like the sandbox in this report of 'payments verify' (default: as documented)",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
