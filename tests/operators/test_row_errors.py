"""Downloads of row errors: complete files, each downloaded once, and no values of records outside of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec import AbstractFileSystem, register_implementation
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.diagnostics import DownloadRowErrorsOperator
from tests.conftest import Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.operators.row_errors import download, files_below
from tests.row_error_service import BATCH, File, RowErrorService, line, of, row_error_service
from tests.sensors.conftest import history as history
from tests.sensors.flows import History, advance_to_run
from tests.sensors.flows import written_history as written_history

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

DAY = 86400.0
REPOSITORY = Path(__file__).parent.parent.parent
Serve = Callable[..., RowErrorService]


@pytest.fixture
def serve(connect: Callable[..., None]) -> Iterator[Serve]:
    """A function that starts a service with files, to which the default Airflow connection leads."""
    with ExitStack() as running:

        def start(**files: File) -> RowErrorService:
            service = running.enter_context(row_error_service({f"{name}.json": file for name, file in files.items()}))
            connect(service.url)
            return service

        yield start


def only_run(emulator: Emulator) -> Any:
    (run,) = emulator.objects("runs")
    return run


# ---- the emulator --------------------------------------------------------------------------------------------------


def test_the_row_errors_of_a_partial_run_land_as_files(history: History, tmp_path: Path) -> None:
    run = history.runs(history.partial)[0]
    found = download(tmp_path, run_id=run["id"])
    assert set(found) == outputs.DownloadedRowErrors.__required_keys__
    (batch,) = found["batch_ids"]
    files = files_below(tmp_path)
    assert sorted(files) == [
        f"{batch}/row_error_samples.json",
        f"{batch}/row_errors/conversion_errors_0.json",
        f"{batch}/row_errors/validation_errors_0.json",
    ]
    assert sorted(found["files"]) == [f"{tmp_path}/{n}" for n in sorted(files)]
    lines = [json.loads(each) for name, text in files.items() if "/row_errors/" in name for each in text.splitlines()]
    assert (len(lines), found["rows"], found["codes"]) == (5, 5, {"1111": 3, "3700": 2})
    assert {(error["column"], error["count"]) for error in found["row_errors"]} == {("_id", 3), ("Create_Time", 2)}


def test_no_value_of_a_record_is_in_output_or_log(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")
    found = download(tmp_path, run_id=history.runs(history.partial)[0]["id"])
    text = json.dumps(found) + caplog.text + capsys.readouterr().out
    for content in files_below(tmp_path).values():
        for each in content.splitlines():
            record = json.loads(json.loads(each)["_corrupt_record"])
            assert [value for value in record.values() if value and len(value) > 3 and value in text] == []


def test_a_second_download_fetches_no_file_and_returns_the_same(history: History, tmp_path: Path) -> None:
    run_id = history.runs(history.partial)[0]["id"]
    first = download(tmp_path, run_id=run_id)
    seen = history.emulator.requests()[-1]["number"]
    assert download(tmp_path, run_id=run_id) == first
    queries = [r["query"] for r in history.emulator.requests(since=seen) if "/export/" in r["path"]]
    assert [query for query in queries if "row_errors%2F" in query or "samples" in query] == []


def test_row_errors_of_a_failed_run_are_downloaded(history: History, tmp_path: Path) -> None:
    assert download(tmp_path, run_id=history.runs(history.failed)[0]["id"])["rows"] == 5


def test_a_run_without_errors_has_no_files_and_no_warning(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = download(tmp_path, run_id=history.runs(history.good)[-1]["id"])
    assert (found["files"], found["rows"], found["without_row_errors"]) == ([], 0, {})
    assert files_below(tmp_path) == {}
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_batch_without_diagnostics_is_reported_with_advice(history: History, tmp_path: Path) -> None:
    found = download(tmp_path, run_id=history.runs(history.undiagnosed)[0]["id"])
    assert list(found["without_row_errors"]) == found["batch_ids"]
    assert "error diagnostics were off" in found["without_row_errors"][found["batch_ids"][0]]


def test_expired_row_errors_are_a_warning_with_the_date(
    connected: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flow_id = make_dataflow(partial_ingestion_percent=5)["id"]
    advance_to_run(connected)
    run = only_run(connected)
    connected.control("POST", "outcomes", json={"outcome": "stuck", "flowId": flow_id, "times": None})
    connected.advance(30 * DAY)
    found = download(tmp_path, run_id=run["id"])
    (reason,) = found["without_row_errors"].values()
    assert reason.startswith("row errors were kept for 30 days, until 20")
    assert f"has no row errors, though 5 of its records failed: {reason}" in caplog.text


def test_an_active_run_fails_the_task_with_a_retry(connected: Emulator, tmp_path: Path) -> None:
    connected.order("stuck")
    make_dataflow(partial_ingestion_percent=5)
    advance_to_run(connected)
    with pytest.raises(ExperiencePlatformUnavailableError, match="The run has not ended"):
        download(tmp_path, run_id=only_run(connected)["id"])


def test_an_unknown_batch_fails_the_task_without_a_retry(connected: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match="404"):
        download(tmp_path, batch_ids="01NOSUCHBATCH")


@pytest.mark.parametrize("given", [{"run_id": "r", "batch_ids": ["b"]}, {"run_id": None}], ids=["both", "none"])
def test_a_run_and_batches_exclude_each_other(connected: Emulator, tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match="exactly one of run_id and batch_ids must be given"):
        download(tmp_path, **given)
    assert connected.requests() == []


# ---- stores --------------------------------------------------------------------------------------------------------


def attached(store: type[Any]) -> str:
    """Register a store with Airflow; return the URL of a folder in it."""
    register_implementation(store.protocol, store, clobber=True)
    attach(store.protocol, fs=store())
    return f"{store.protocol}://row-errors/today"


def test_an_object_storage_receives_the_same_files(serve: Serve) -> None:
    serve(errors=of(line(1)))
    folder = attached(MemoryFileSystem)
    found = download(folder)
    assert found["files"] == [f"{folder}/{BATCH}/row_errors/errors.json"]
    assert ObjectStoragePath(found["files"][0]).read_bytes() == line(1)


def test_a_store_that_refuses_a_file_is_named_and_may_be_retried(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    serve(errors=of(line(1)))
    with pytest.raises(ExperiencePlatformUnavailableError, match=r"file/01ROWERRORS.* cannot be written or read: Not"):
        download(tmp_path / "file")


class Full(MemoryFileSystem):  # type: ignore[misc]
    """A store that is full after the first bytes of a file, and keeps these when the file is closed."""

    protocol = "full"
    store: ClassVar[dict[str, Any]] = {}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        if mode == "wb":
            file.write(b"half")

            def write(data: bytes) -> int:
                raise OSError("no space left")

            file.write = write
        return file


def test_a_full_store_keeps_no_partial_file_under_the_final_name(serve: Serve) -> None:
    folder = attached(Full)
    serve(errors=of(line(1)))
    with pytest.raises(ExperiencePlatformUnavailableError, match="no space left"):
        download(folder)
    assert Full.store == {}


@pytest.mark.parametrize("path", ["https://[", "nowhere://bucket/x", "", None], ids=str)
def test_an_invalid_path_is_named_before_any_request(connected: Emulator, path: Any) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match=r"^path="):
        DownloadRowErrorsOperator(task_id="x", path=path, batch_ids=["b"]).execute({})
    assert connected.requests() == []


def test_a_killed_download_continues_in_the_next_try(serve: Serve, tmp_path: Path) -> None:
    half_sent, ended = threading.Event(), threading.Event()

    def stalling() -> Iterator[bytes]:
        yield b"".join(map(line, range(5000)))
        half_sent.set()
        ended.wait(60)

    service = serve(first=of(line(1)), second=File(stalling))
    environment = os.environ | {"AIRFLOW_CONN_AEP_DEFAULT": connection_json(service.url)}
    command = [sys.executable, "-W", "ignore", "-m", "tests.operators.row_errors", str(tmp_path)]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY, start_new_session=True) as process:
        assert half_sent.wait(120)
        os.killpg(process.pid, signal.SIGKILL)
    ended.set()
    assert [name for name in files_below(tmp_path) if not name.endswith(".part")] == [f"{BATCH}/row_errors/first.json"]
    service.files["second.json"] = of(line(2))
    service.asked.clear()
    assert download(tmp_path)["rows"] == 2
    assert service.fetched() == ["second.json"]
    assert sorted(files_below(tmp_path)) == [f"{BATCH}/row_errors/{name}.json" for name in ("first", "second")]


class Sink(AbstractFileSystem):  # type: ignore[misc]
    """A store that discards files, and records the memory that the process used."""

    protocol = "sink"
    most_memory = 0
    bytes = 0

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        return self

    def write(self, data: bytes) -> int:
        Sink.bytes += len(data)
        Sink.most_memory = max(Sink.most_memory, psutil.Process().memory_info().rss)
        return len(data)

    def close(self) -> None:
        pass

    def exists(self, path: str, **options: Any) -> bool:
        return False

    def mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        pass

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        pass

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        pass


def test_a_gigabyte_needs_no_more_memory_than_a_line(serve: Serve) -> None:
    folder = attached(Sink)
    block = line(1, 100_000) * 10
    long = b'{"_errors": "' + b"x" * 10**7
    serve(warm=of(line(1)))
    download(folder)
    before = psutil.Process().memory_info().rss

    def gigabyte() -> Iterator[bytes]:
        yield from (block for _ in range(10**9 // len(block)))
        yield from [long] * 5  # one line of 50 MB
        yield b'"}\n'

    serve(errors=File(gigabyte))
    found = download(folder)
    assert found["rows"] >= 9000
    assert found["unreadable_lines"] == 1
    assert Sink.bytes > 10**9
    assert Sink.most_memory - before < 60 * 2**20
