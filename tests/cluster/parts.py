"""Airflow as a cluster: with Postgres, Redis, two Celery workers and two triggerers."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from tests.cluster.servers import Servers
from tests.system.airflow_process import python
from tests.system.live_airflow import COMMANDS, CONNECTION, LiveAirflow

__all__ = ["TRIGGERERS", "WORKERS", "WORKER_SLOTS", "ClusterAirflow"]

WORKERS = ("worker 1", "worker 2")
TRIGGERERS = ("triggerer 1", "triggerer 2")
#: The number of tasks that one worker runs at once.
WORKER_SLOTS = 4
SETTINGS = {
    "core__executor": "CeleryExecutor",
    "core__parallelism": "32",
    "core__max_active_runs_per_dag": "64",
    # Seconds until Airflow detects the running tasks of a killed worker, and the tasks that it had only received.
    "scheduler__task_instance_heartbeat_timeout": "45",
    "scheduler__task_queued_timeout": "120",
    "triggerer__job_heartbeat_sec": "2",
    # Airflow's own default. At 12, triggers move between triggerers while these start on a busy machine.
    "triggerer__triggerer_health_check_threshold": "30",
    "dag_processor__refresh_interval": "10",
    "celery__worker_concurrency": str(WORKER_SLOTS),
    "logging__json_logs": "True",
}


class ClusterAirflow(LiveAirflow):
    """
    An Airflow cluster, with its connections in its database.

    :param connections: the connections by id, in the JSON form of ``AIRFLOW_CONN_...``.
    """

    parts: ClassVar[Mapping[str, str]] = {
        "api-server": "api-server",
        "scheduler": "scheduler",
        "dag-processor": "dag-processor",
        **dict.fromkeys(TRIGGERERS, "triggerer"),
        **dict.fromkeys(WORKERS, "worker"),
    }
    commands: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **COMMANDS,
        # Each worker needs its own name and its own file for the process id.
        "worker": (
            *("celery", "worker", "--celery-hostname", "{name}@%h", "--pid", "{name}.pid"),
            *("--skip-serve-logs", "--without-mingle", "--without-gossip"),
        ),
    }

    def __init__(
        self, home: Path, servers: Servers, connections: Mapping[str, str], dags: Sequence[Path], **settings: str
    ) -> None:
        own = {
            "core__fernet_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "database__sql_alchemy_conn": f"postgresql+psycopg2://{servers.address}",
            "celery__broker_url": servers.broker,
            "celery__result_backend": f"db+postgresql://{servers.address}",
        }
        super().__init__(home, "", dags, **SETTINGS | own | settings)
        del self.environment[CONNECTION]
        self._servers, self._connections = servers, connections

    def __enter__(self) -> ClusterAirflow:
        super().__enter__()
        for conn_id, connection in self._connections.items():
            known = json.loads(connection)
            body = {**known, "extra": json.dumps(known["extra"])} if "extra" in known else known
            self.api("POST", "connections", connection_id=conn_id, **body)
        return self

    def prepare_database(self) -> None:
        python("-m", "airflow", "db", "migrate", environment=self.environment)

    def rows(self, query: str, *values: Any) -> list[Any]:
        import psycopg2
        import psycopg2.extras

        with closing(psycopg2.connect(f"postgresql://{self._servers.address}")) as database:
            database.set_session(readonly=True, autocommit=True)
            # Return JSON as text, like SQLite; the caller parses the text.
            for register in (psycopg2.extras.register_default_json, psycopg2.extras.register_default_jsonb):
                register(database, loads=str)
            with database.cursor() as cursor:
                cursor.execute(query.replace("?", "%s"), values)
                return list(cursor.fetchall())

    def restart(self, name: str) -> None:
        """Kill a part with all its processes, and start it again."""
        self.kill(name)
        self.revive(name)

    def revive(self, name: str) -> None:
        """Start a part that was killed."""
        self.start(self.parts[name], name)
