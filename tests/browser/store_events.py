"""
A program that writes assets and their events into the database of the Airflow of its environment.

Standard input is JSON: a list of assets with ``uri``, ``name`` and ``events``, each with ``timestamp``, ``extra`` and
its task instance: ``dag``, ``task``, ``run``, ``index``. Airflow's REST API cannot store events of a task, or events of
the past.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime

from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session

with create_session() as session:
    for asset in json.load(sys.stdin):
        model = AssetModel(uri=asset["uri"], name=asset["name"], group="asset")
        session.add(model)
        session.flush()
        session.add_all(
            AssetEvent(
                asset_id=model.id,
                timestamp=datetime.fromisoformat(event["timestamp"]),
                extra=event["extra"],
                source_dag_id=event["dag"],
                source_task_id=event["task"],
                source_run_id=event["run"],
                source_map_index=event["index"],
            )
            for event in asset["events"]
        )
