"""Airflow's own database, in the throw-away home of the tests: for what only a real Airflow shows."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from airflow.configuration import conf
from airflow.utils.db import initdb


@contextmanager
def logging_kept() -> Iterator[None]:
    """Put logging back as it was: migrations and DAG runs set it up anew."""
    kept = [(logger, logger.level, logger.handlers[:]) for logger in map(logging.getLogger, ("", "airflow.task"))]
    try:
        yield
    finally:
        for logger, level, handlers in kept:
            logger.setLevel(level)
            logger.handlers[:] = handlers


@cache
def migrate() -> None:
    """Make the tables, once in a session."""
    with logging_kept():
        initdb()


def returned(dag_id: str, key: str = "return_value") -> dict[str, list[Any]]:
    """What the tasks of a DAG's latest run left under a key, by task, mapped ones in order."""
    file = conf.get("database", "sql_alchemy_conn").removeprefix("sqlite:///")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        (run_id,) = database.execute("SELECT max(run_id) FROM dag_run WHERE dag_id=?", (dag_id,)).fetchone()
        query = "SELECT task_id, value FROM xcom WHERE dag_id=? AND run_id=? AND key=? ORDER BY task_id, map_index"
        found: dict[str, list[Any]] = {}
        for task_id, value in database.execute(query, (dag_id, run_id, key)):
            found.setdefault(task_id, []).append(json.loads(value))
        return found
