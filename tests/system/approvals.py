"""
Wait until a DAG requests an approval, print its text, and answer as Airflow's REST API does if an answer is given.

A program, because it runs in the environment of an Airflow, beside the process of the DAG. It reads any number of
orders from its standard input: a line of JSON each, with the DAG's id and the options to choose.
"""

from __future__ import annotations

import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.models.hitl import HITLDetail
from airflow.utils.session import create_session
from sqlalchemy import select

#: Seconds within which the task must request an approval.
TIMEOUT_SECONDS = 150.0


def waiting(dag_id: str) -> HITLDetail:
    """Return the request that waits for an answer, once its task is deferred."""
    query = select(HITLDetail).where(HITLDetail.responded_at.is_(None))
    end = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < end:
        with create_session() as session:
            for request in session.scalars(query):
                if request.task_instance.dag_id == dag_id and request.task_instance.state != "running":
                    return request
        time.sleep(0.2)
    raise SystemExit("no approval was requested")


def answer(request: HITLDetail, option: str) -> None:
    """Choose an option."""
    task = request.task_instance
    user: Any = SimpleNamespace(get_id=lambda: "1", get_name=lambda: "approver")
    with create_session() as session:
        payload = UpdateHITLDetailPayload(chosen_options=[option])
        update_hitl_detail(task.dag_id, task.run_id, task.task_id, payload, user, session)


def main() -> None:
    """Answer each order with the text that is to be approved, a line of JSON."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the output of Airflow itself
    for line in sys.stdin:
        dag_id, *options = json.loads(line)
        request = waiting(dag_id)
        text = request.body
        for option in options:
            answer(request, option)
        print(json.dumps(text), file=answers)


if __name__ == "__main__":
    main()
