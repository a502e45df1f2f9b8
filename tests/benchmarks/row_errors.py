"""
Measure the download of row errors: memory and seconds for 100,000 row errors, in many files and in one file.

    python -m tests.benchmarks.row_errors

Print each figure with its limit; the exit status is 3 if a figure exceeds its limit. The service runs in a process of
its own, and each download in another, whose memory is read every two milliseconds. Files are written to a local folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.benchmarks.limits import Table

ROW_ERRORS = 100_000
ROWS_PER_FILE = 1000
RECORD_BYTES = 1000
LIMIT_MB, LIMIT_SECONDS = 60, 60


@contextmanager
def service(files: int, rows: int) -> Iterator[str]:
    """Serve a batch with a number of files and of row errors in each; yield the URL."""
    command = [sys.executable, "-m", "tests.row_error_service", str(files), str(rows), str(RECORD_BYTES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("")


class Memory:
    """The growth of this process's memory in a block: the maximum, compared with the memory before the block."""

    def __enter__(self) -> Memory:
        self._process, self._ended = psutil.Process(), threading.Event()
        self.before = self.maximum = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            self.maximum = max(self.maximum, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        """The growth in MB."""
        return (self.maximum - self.before) / 1e6


def download(url: str, small: str, folder: str) -> None:
    """Download one row error, to load all modules, then the batch; print the growth of memory and the seconds."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_payments.aep.runs.row_error_files import Download
    from tests.benchmarks.definitions import client_of
    from tests.row_error_service import BATCH

    warm = Download(client_of(small), ObjectStoragePath(folder) / "warm", "bench")
    warm.add(BATCH)
    started = time.perf_counter()
    with Memory() as memory:
        found = Download(client_of(url), ObjectStoragePath(folder) / "all", "bench")
        found.add(BATCH)
    figures = {"rows": found.errors.rows, "MB": memory.growth, "s": time.perf_counter() - started}
    print(json.dumps(figures))


def measure(table: Table, name: str, files: int, rows: int) -> None:
    with service(files, rows) as url, service(1, 1) as small, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", __spec__.name, url, small, folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        figures = json.loads(done.stdout.splitlines()[-1])
        written = sum(file.stat().st_size for file in Path(folder).rglob("*.json"))
    assert figures["rows"] == files * rows
    table.row(f"{name} ({written / 1e6:.0f} MB): memory grows by", figures["MB"], LIMIT_MB, "MB")
    table.row(f"{name}: takes", figures["s"], LIMIT_SECONDS, "s")


def main() -> int:
    table = Table()
    files = ROW_ERRORS // ROWS_PER_FILE
    measure(table, f"100,000 row errors in {files} files", files, ROWS_PER_FILE)
    measure(table, "100,000 row errors in one file", 1, ROW_ERRORS)
    return table.exit_status


if __name__ == "__main__":
    if len(sys.argv) > 1:
        download(*sys.argv[1:])
    else:
        sys.exit(main())
