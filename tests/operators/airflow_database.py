"""Airflow's own database, in the throw-away home of the tests: for what only a real Airflow shows."""

from __future__ import annotations

import json
import logging
import os
import runpy
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from airflow.configuration import conf
from airflow.utils.db import initdb

from tests.conftest import CONNECTION_ID, connection_json


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


@contextmanager
def dag_of(file: Path, url: str, **environment: str) -> Iterator[Any]:
    """
    Put a DAG file into the DAGs folder, which ``dag.test`` parses again; its DAG.

    :param url: the emulator's, where the provider's connection leads.
    :param environment: more of it.
    """
    folder = Path(os.environ["AIRFLOW_HOME"]) / "dags"
    folder.mkdir(exist_ok=True)
    kept = shutil.copy(file, folder)
    with pytest.MonkeyPatch.context() as changed, logging_kept():
        changed.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(folder))
        changed.setenv("AIRFLOW__CORE__EXECUTOR", "SequentialExecutor")
        changed.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection_json(url))
        for name, value in environment.items():
            changed.setenv(name, value)
        migrate()
        yield runpy.run_path(str(kept))["dag"]


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
