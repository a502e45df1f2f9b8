"""The client of an Airflow connection, log lines and progress, for the command line."""

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

#: Seconds after which progress is shown.
PROGRESS_DELAY_SECONDS = 2.0
#: Airflow logs this warning for each short text in a connection, such as the sandbox name `dev`.
MASKING_NOISE = "Skipping masking for a secret as it's too short"


def client_of(conn_id: str) -> Client:
    """
    Return the client for an Airflow connection. A connection in the environment requires no Airflow database.

    :raises InvalidInputError: if the connection does not exist, or one of its fields is wrong.
    """
    with _airflow_connections(conn_id) as hook:
        return hook(conn_id).client


@contextmanager
def _airflow_connections(conn_id: str) -> Iterator[type[ExperiencePlatformHook]]:
    """
    Yield the hook class; inside the block Airflow can look up connections.

    :raises InvalidInputError: if Airflow finds no connection of this id.
    """
    # Airflow 3 reads its database only in a process with this context.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    with redirect_stdout(sys.stderr):  # some versions of Airflow log to the standard output
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
    Return the credential of a vendor from an Airflow connection.

    :raises InvalidInputError: if the connection does not exist or lacks a field.
    """
    with _airflow_connections(conn_id) as hook:
        return hook.vendor_credential(conn_id, source)


def _quieten_maskers() -> None:
    """Drop one message of Airflow's secrets maskers, whose module names depend on the version."""
    for name in [name for name in logging.root.manager.loggerDict if name.endswith("secrets_masker")]:
        logging.getLogger(name).addFilter(_is_no_noise)


def _is_no_noise(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(MASKING_NOISE)


@contextmanager
def plain_log_lines(level: int = logging.WARNING) -> Iterator[None]:
    """
    Print the log messages of this package to standard error without a format.

    Otherwise the format and the stream would depend on the Airflow version.

    :param level: the least level to print. Defaults to ``WARNING``.
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
        # A progress display replaces sys.stderr, so the handler must not keep the original stream.
        print(record.getMessage(), file=sys.stderr)


@contextmanager
def progress(activity: str) -> Iterator[Callable[[str], None]]:
    """
    Yield a function that shows the current item of work on a terminal.

    Nothing is shown during the first seconds, and without a terminal.

    :param activity: the work as a whole, such as ``reading the sandbox``.
    """
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console

    began = monotonic()
    with Console(stderr=True).status("") as status:

        def show(name: str) -> None:
            if monotonic() - began >= PROGRESS_DELAY_SECONDS:
                status.update(f"{activity}: {name}")

        yield show
