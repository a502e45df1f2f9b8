"""
Wait until a DAG asks for an approval, print what it asks, and answer as Airflow's REST API does if an answer is given.

A program, for it runs in an Airflow's own environment, beside the one that waits.
"""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import Any

from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.models.hitl import HITLDetail
from airflow.utils.session import create_session
from sqlalchemy import select

#: Seconds until the task asks.
PATIENCE = 150.0


def waiting(dag_id: str) -> HITLDetail:
    """Return the question that waits for an answer, once its task has ended the part before it."""
    query = select(HITLDetail).where(HITLDetail.responded_at.is_(None))
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with create_session() as session:
            for asked in session.scalars(query):
                if asked.task_instance.dag_id == dag_id and asked.task_instance.state != "running":
                    print(asked.body)
                    return asked
        time.sleep(0.2)
    raise SystemExit("nobody was asked")


def answer(asked: HITLDetail, option: str) -> None:
    """Choose an option."""
    task = asked.task_instance
    user: Any = SimpleNamespace(get_id=lambda: "1", get_name=lambda: "approver")
    with create_session() as session:
        payload = UpdateHITLDetailPayload(chosen_options=[option])
        update_hitl_detail(task.dag_id, task.run_id, task.task_id, payload, user, session)


if __name__ == "__main__":
    asking = waiting(sys.argv[1])
    for choice in sys.argv[2:]:
        answer(asking, choice)
