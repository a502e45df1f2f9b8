"""The usage of the cluster: memory, processor time, and the size and transactions of the database."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from tests.cluster.parts import ClusterAirflow
from tests.system.live_airflow import session_of

__all__ = ["Usage", "memory"]

KIB, MIB = 2**10, 2**20


@dataclass(frozen=True)
class Usage:
    """
    The usage of Airflow so far.

    :param parts: the process id of each part.
    :param processor: processor seconds of all parts, tasks included; those of a killed part are unknown.
    :param size: bytes of the database on disk.
    :param transactions: the number of the database's transactions.
    :param connections: the number of open connections to the database.
    """

    parts: frozenset[int]
    processor: float
    size: int
    transactions: int
    connections: int

    @classmethod
    def read(cls, airflow: ClusterAirflow) -> Usage:
        """Read the usage from the processes and the database."""
        query = (
            "SELECT pg_database_size(datname), xact_commit + xact_rollback, numbackends "
            "FROM pg_stat_database WHERE datname = current_database()"
        )
        processor = sum(_processor(member) for members in _members(airflow).values() for member in members)
        return cls(frozenset(airflow.sessions().values()), processor, *map(int, airflow.rows(query)[0]))

    def since(self, earlier: Usage, units: int) -> str:
        """Return the usage of each unit since an earlier reading, in words."""
        seconds = f"{(self.processor - earlier.processor) / units:.0f} s of processor"
        processor = seconds if earlier.parts <= self.parts else "processor unknown, a part was killed"
        kib, transactions = (self.size - earlier.size) / units / KIB, (self.transactions - earlier.transactions) / units
        return (
            f"each: {processor}; database: {kib:.0f} KiB, {transactions:.0f} transactions; "
            f"{self.connections} connections"
        )


def memory(airflow: ClusterAirflow) -> str:
    """Return the memory of each part, in words; shared memory is divided among the processes that share it."""
    found = {name: sum(map(_memory, members)) / MIB for name, members in _members(airflow).items()}
    return ", ".join(f"{name} {mib:.0f} MiB" for name, mib in found.items())


def _members(airflow: ClusterAirflow) -> dict[str, list[psutil.Process]]:
    """Return the processes of each part."""
    sessions = {pid: name for name, pid in airflow.sessions().items()}
    found: dict[str, list[psutil.Process]] = {name: [] for name in sessions.values()}
    for process in psutil.process_iter():
        if name := sessions.get(session_of(process.pid) or 0):
            found[name].append(process)
    return found


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0  # it has ended


def _processor(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0  # it has ended
    return float(times.user + times.system + times.children_user + times.children_system)
