"""Airflow's own database, in the throw-away home of the tests: Airflow 2 asks it in the task's process."""

from __future__ import annotations

import logging
from functools import cache

from airflow.utils.db import initdb


@cache
def migrate() -> None:
    """Make the tables, once in a session; logging, which that sets up anew, is put back as it was."""
    kept = [(logger, logger.level, logger.handlers[:]) for logger in map(logging.getLogger, ("", "airflow.task"))]
    try:
        initdb()
    finally:
        for logger, level, handlers in kept:
            logger.setLevel(level)
            logger.handlers[:] = handlers
