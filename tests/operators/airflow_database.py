"""The database of Airflow in the temporary home of the tests, which Airflow 2 queries in the task's process."""

from __future__ import annotations

import logging
from functools import cache

from airflow.utils.db import initdb


@cache
def migrate() -> None:
    """Create the tables, once in a session; the migration configures logging anew, so its state is restored."""
    kept = [(logger, logger.level, logger.handlers[:]) for logger in map(logging.getLogger, ("", "airflow.task"))]
    try:
        initdb()
    finally:
        for logger, level, handlers in kept:
            logger.setLevel(level)
            logger.handlers[:] = handlers
