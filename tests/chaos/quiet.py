"""Importing this module silences all logs of Airflow and the tasks in the process: the command prints figures only."""

from __future__ import annotations

import io
import logging
from collections.abc import MutableMapping
from contextlib import redirect_stdout
from typing import Any, NoReturn

import structlog

with redirect_stdout(io.StringIO()):  # Airflow prints its configuration, and sets up its own logging
    import tests.chaos.tasks  # noqa: F401


def _drop(logger: Any, method: str, event: MutableMapping[str, Any]) -> NoReturn:
    raise structlog.DropEvent


logging.disable()
structlog.configure(processors=[_drop])
