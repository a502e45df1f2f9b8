"""Downloads of row error files: many files, cut files, deleted files, and files of another format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.runs.row_error_files import Download
from tests.operators.row_errors import files_below
from tests.row_error_service import BATCH, File, RowErrorService, line, of, row_error_service

#: Values in the records.
VALUES = ("4111111111111111", "jo.doe", "example.com")
FOLDER = f"{BATCH}/row_errors"


class Served:
    """A service of row errors, and a client that downloads from it and never really sleeps."""

    def __init__(self, service: RowErrorService, client: Client) -> None:
        self.service = service
        self.client = client

    def download(self, path: Path) -> Download:
        found = Download(self.client, ObjectStoragePath(str(path)), "writer")
        found.add(BATCH)
        return found


Serve = Callable[..., Served]


@pytest.fixture
def serve(make_client: Callable[..., Client]) -> Iterator[Serve]:
    """Return a function that starts a service with files."""
    with ExitStack() as running:

        def start(samples: File | None = None, **files: File) -> Served:
            named = {f"{name}.json": file for name, file in files.items()}
            service = running.enter_context(row_error_service(named, samples))
            return Served(service, make_client(service.url))

        yield start


def test_files_of_several_pages_are_all_downloaded(serve: Serve, tmp_path: Path) -> None:
    served = serve(**{f"errors_{at}": of(line(at)) for at in range(250)})
    found = served.download(tmp_path)
    assert (found.errors.rows, len(found.files), len(files_below(tmp_path))) == (250, 250, 250)
    assert served.service.asked.count("row_errors") == 3


def test_a_cut_file_is_downloaded_again_and_counted_once(serve: Serve, tmp_path: Path) -> None:
    whole = b"".join(map(line, range(3000)))
    served = serve(errors=File(lambda: [whole], is_cut=True, times=1))
    assert served.download(tmp_path).errors.rows == 3000
    assert served.service.fetched() == ["errors.json"] * 2
    assert files_below(tmp_path) == {f"{FOLDER}/errors.json": whole}


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (File(lambda: [line(1)], is_cut=True), "the answer was cut off"),
        (File(lambda: [line(1)], length=10**6), r"the file has \d+ bytes instead of 1000000"),
        (File(lambda: [b"<html><title>Sign in</title>"]), "answered HTML instead of JSON Lines"),
        (File(lambda: [b"id,card\n1,4111111111111111\n"]), "answered something else instead of JSON Lines"),
        (File(list), "answered blank"),
    ],
    ids=["cut", "shorter than listed", "HTML", "no JSON Lines", "blank"],
)
def test_a_file_that_stays_invalid_leaves_nothing_and_is_retryable(
    serve: Serve, tmp_path: Path, file: File, message: str
) -> None:
    served = serve(first=of(line(1)), second=file)
    with pytest.raises(RequestError, match=message) as failure:
        served.download(tmp_path)
    assert failure.value.retryable
    assert served.service.fetched() == ["first.json"] + 5 * ["second.json"]
    assert list(files_below(tmp_path)) == [f"{FOLDER}/first.json"]
    assert not any(value in str(failure.value) for value in VALUES)


def test_lines_that_are_not_row_errors_are_kept_and_counted(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = line(1) + b"jo.doe@example.com\n\n[1]\n\xff\n" + line(2).rstrip(b"\n")
    found = serve(errors=of(content)).download(tmp_path)
    assert (found.errors.rows, found.errors.unreadable) == (2, 3)
    assert files_below(tmp_path) == {f"{FOLDER}/errors.json": content}
    assert "3 lines of " in caplog.text
    assert not any(value in str(found.errors) + caplog.text for value in VALUES)


def test_a_file_deleted_before_its_download_is_a_warning(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(first=File(list, 10, status=404), second=of(line(1)))
    assert served.download(tmp_path).errors.rows == 1
    assert f"row_errors/first.json of batch {BATCH} is listed but no longer exists" in caplog.text


def test_samples_are_counted_only_without_other_row_errors(serve: Serve, tmp_path: Path) -> None:
    assert serve(samples=of(line(1), line(2))).download(tmp_path / "a").errors.rows == 2
    found = serve(samples=of(line(1), line(2)), errors=of(line(1), line(2), line(3))).download(tmp_path / "b")
    assert (found.errors.rows, len(found.files)) == (3, 2)


def test_file_names_of_the_service_cannot_leave_the_folder(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    served.service.files = {"../../escape": of(line(1)), "..": of(line(2)), "/tmp/abs": of(line(3))}
    assert served.download(tmp_path / "a" / "b").errors.rows == 3
    names = [name.removeprefix(f"a/b/{FOLDER}/") for name in files_below(tmp_path)]
    assert sorted(names) == ["%2E%2E", "%2Ftmp%2Fabs", "..%2F..%2Fescape"]
