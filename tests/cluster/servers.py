"""Postgres and Redis from the machine's packages, each on a loopback port and in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_payments.demo.processes import Processes
from tests.system.live_airflow import free_port

__all__ = ["Servers", "missing_packages"]

#: Debian packages, each with a program that the package provides.
PACKAGES = {"postgresql": "initdb", "redis-server": "redis-server"}
START_TIMEOUT_SECONDS = 60.0
#: The database is temporary, so it need not survive a power failure.
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "timezone": "UTC",
}
DATABASE = "airflow"


class Servers:
    """
    Postgres and Redis, which end with ``processes``.

    :param home: an existing folder that other users of this machine may enter.
    """

    def __init__(self, processes: Processes, home: Path) -> None:
        self._processes, self._home = processes, home
        self.postgres_port, self.redis_port = free_port(), free_port()

    @property
    def address(self) -> str:
        """The part of the database's URL after the scheme."""
        return f"{DATABASE}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def broker(self) -> str:
        """The URL of Celery's broker."""
        return f"redis://127.0.0.1:{self.redis_port}/0"

    def start(self) -> None:
        """
        Start both servers, and create the database.

        :raises SystemExit: if a server does not answer in time.
        """
        self._start_redis()
        self._start_postgres()

    def dump(self) -> bytes:
        """Return the whole content of the database, written by ``pg_dump``."""
        command = [_program("pg_dump"), "--dbname", f"postgresql://{self.address}"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300).stdout

    def _start_redis(self) -> None:
        folder = self._folder("redis", "redis")
        options = ["--bind", "127.0.0.1", "--port", str(self.redis_port), "--dir", str(folder), "--save", ""]
        self._serve("redis", [*_as("redis"), _program("redis-server"), *options])
        self._wait("redis", ["redis-cli", "-p", str(self.redis_port), "ping"])

    def _start_postgres(self) -> None:
        folder, own = self._folder("postgres", "postgres"), _as("postgres")
        data = folder / "data"
        initdb = [_program("initdb"), "--pgdata", str(data), "--username", DATABASE, "--auth", "trust", "--no-sync"]
        _run([*own, *initdb, "--encoding", "UTF8", "--locale", "C"], folder)
        settings = POSTGRES_SETTINGS | {"port": str(self.postgres_port), "unix_socket_directories": str(folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._serve("postgres", [*own, _program("postgres"), "-D", str(data), *options])
        address = ["--host", "127.0.0.1", "--port", str(self.postgres_port), "--username", DATABASE]
        self._wait("postgres", [_program("pg_isready"), *address, "--dbname", "postgres"])
        _run([_program("createdb"), *address, DATABASE], folder)

    def _folder(self, name: str, user: str) -> Path:
        folder = self._home / name
        folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        return folder

    def _serve(self, name: str, command: list[str]) -> None:
        self._processes.start(command, self._home / f"{name}.log", os.environ)

    def _wait(self, name: str, command: list[str]) -> None:
        end = time.monotonic() + START_TIMEOUT_SECONDS
        while subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            if time.monotonic() > end:
                raise SystemExit(f"{name} does not answer:\n{(self._home / f'{name}.log').read_text()[-4000:]}")
            time.sleep(0.1)


def missing_packages() -> list[str]:
    """Return the names of the Debian packages that are not installed."""
    return [package for package, program in PACKAGES.items() if not _found(program)]


def _program(name: str) -> str:
    found = _found(name)
    assert found, name
    return found


def _found(name: str) -> str | None:
    # Debian installs the programs of each Postgres version outside the path.
    versions = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*versions, os.environ.get("PATH", os.defpath)]))


def _as(user: str) -> Sequence[str]:
    """Return the prefix that runs a command as the package's user: Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return ()
    group = pwd.getpwnam(user).pw_gid
    return ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups")


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, check=False, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
    )
    if done.returncode:
        raise SystemExit(f"{command[-1]} failed:\n{done.stdout}")
