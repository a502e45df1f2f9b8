"""The client of an Airflow connection, for the command line; progress of what takes long."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager, redirect_stdout
from time import monotonic
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.sources import Source
    from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook

__all__ = ["client_of", "plain_log_lines", "progress", "vendor_credential"]

#: Seconds of silence before progress is shown.
SILENCE_SECONDS = 2.0
#: What Airflow warns of with each short text in a connection, the name of a sandbox such as `dev` too.
MASKING_NOISE = "Skipping masking for a secret as it's too short"


def client_of(conn_id: str) -> Client:
    """
    Return the client that an Airflow connection describes; one in the environment needs no database of Airflow's.

    :raises InvalidInputError: if there is no such connection, or one of its fields is wrong.
    """
    with _airflow_connections(conn_id) as hook:
        return hook(conn_id).client


@contextmanager
def _airflow_connections(conn_id: str) -> Iterator[type[ExperiencePlatformHook]]:
    """Let Airflow look for connections, and say plainly where it finds none."""
    # Airflow 3 looks into its database only in a process that says that it may.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    with redirect_stdout(sys.stderr):  # some versions of Airflow log to where the result goes
        from airflow.providers.common.compat.sdk import AirflowException

        from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook

        _quieten_maskers()
        try:
            yield ExperiencePlatformHook
        except AirflowException as error:
            allowed = f"the id of an Airflow connection; in the environment it is AIRFLOW_CONN_{conn_id.upper()}"
            raise InvalidInputError("conn_id", conn_id, f"{allowed} ({error})") from None


def vendor_credential(conn_id: str, source: Source) -> dict[str, str]:
    """
    Return what a base connection of a vendor logs in with.

    :raises InvalidInputError: if there is no such Airflow connection, or it lacks something.
    """
    with _airflow_connections(conn_id) as hook:
        return hook.vendor_credential(conn_id, source)


def _quieten_maskers() -> None:
    """Drop one message of Airflow's maskers, whose modules have other names in each version; other messages stay."""
    for name in [name for name in logging.root.manager.loggerDict if name.endswith("secrets_masker")]:
        logging.getLogger(name).addFilter(_is_no_noise)


def _is_no_noise(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(MASKING_NOISE)


@contextmanager
def plain_log_lines(level: int = logging.WARNING) -> Iterator[None]:
    """
    Print what this package logs as it is, to the errors: each Airflow version has a format and a place of its own.

    :param level: what is less than that is not printed.
    """
    logger, handler = logging.getLogger(__name__.partition(".")[0]), _ToErrors()
    before = logger.level, logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before[0])
        logger.handlers, logger.propagate = before[1:]


class _ToErrors(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # Not the stream of the beginning: a progress that is shown replaces it.
        print(record.getMessage(), file=sys.stderr)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being read, once it takes long; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console

    began = monotonic()
    with Console(stderr=True).status("") as status:

        def show(name: str) -> None:
            if monotonic() - began >= SILENCE_SECONDS:
                status.update(f"{what}: {name}")

        yield show
