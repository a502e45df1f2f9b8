"""The command line of the demo: its options, its signals, and the start of Airflow and the emulator."""

from __future__ import annotations

import argparse
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_payments.demo import chain, page, vendors
from airflow_provider_payments.demo.new_airflow import Airflow
from airflow_provider_payments.demo.processes import Processes, start_emulator
from airflow_provider_payments.emulator.extra import SERVER, is_missing

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["main"]

#: Libraries of the extra `demo`, imported inside functions so that `main` can name the missing ones.
LIBRARIES = ("psutil", "rich", *SERVER)
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str] | None = None) -> int:
    """Run ``payments-demo``; return its exit status."""
    parser = argparse.ArgumentParser(prog="payments-demo", description="Run the example DAG against the emulator.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--all", action="store_true", help="run the example of three vendors from definitions instead")
    mode.add_argument("--ui", action="store_true", help="start Airflow with its web interface and the emulator instead")
    options = parser.parse_args(arguments)
    if is_missing(parser.prog, LIBRARIES):
        return 1
    from rich.console import Console

    console = Console()
    # Each of these signals, including that of a closed terminal, ends the program after the clean-up.
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="payments-demo-") as folder, Processes() as processes:
            airflow = Airflow(Path(folder), processes)
            emulator = start_emulator(processes, airflow.home, airflow.environment)
            console.print(f"Emulator of Experience Platform: {emulator}")
            airflow.run("db", "migrate")
            if options.ui:
                return page.serve(console, airflow, emulator)
            run = vendors.run if options.all else chain.run
            return run(console, airflow, emulator)
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left behind.")
        return 130


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the clean-up, which has a time limit.
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
