"""What the parts of the cluster take: memory of their processes, size and transactions of the database."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from tests.cluster.parts import ClusterAirflow
from tests.system.live_airflow import session_of

__all__ = ["Database", "memory"]

MIB = 2**20


@dataclass(frozen=True)
class Database:
    """
    What Airflow's database has done so far.

    :param size: bytes on disk.
    """

    size: int
    transactions: int
    connections: int

    @classmethod
    def read(cls, airflow: ClusterAirflow) -> Database:
        """Ask it."""
        query = (
            "SELECT pg_database_size(datname), xact_commit + xact_rollback, numbackends "
            "FROM pg_stat_database WHERE datname = current_database()"
        )
        return cls(*map(int, airflow.rows(query)[0]))

    def since(self, earlier: Database, units: int) -> str:
        """Say what it has taken for each unit since then."""
        size, transactions = (
            (self.size - earlier.size) / units / 1024,
            (self.transactions - earlier.transactions) / units,
        )
        return f"database: {size:.0f} KiB and {transactions:.0f} transactions each; {self.connections} connections"


def memory(airflow: ClusterAirflow) -> str:
    """Say what memory each part has, what processes share counted once among them."""
    found = []
    for name, pid in airflow.sessions().items():
        members = (process for process in psutil.process_iter() if session_of(process.pid) == pid)
        found.append(f"{name} {sum(map(_pss, members)) / MIB:.0f} MiB")
    return ", ".join(found)


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0  # it has ended
