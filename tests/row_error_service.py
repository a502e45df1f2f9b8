"""
A loopback service for downloads of row errors, with files that the emulator does not have: of a gigabyte, cut short,
deleted, or of another content.

``python -m tests.row_error_service FILES ROWS BYTES`` serves a batch and prints the address of the service.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BATCH = "01ROWERRORS"
PAGE = 100
MESSAGE = "The message cannot be validated: [#/_shop/payer/email: jo.doe@example.com is not a valid email]"


def line(number: int, size: int = 0, message: str = MESSAGE) -> bytes:
    """
    Return a line of a file of row errors.

    :param size: bytes to add to the record.
    """
    record = json.dumps({"id": number, "card": "4111111111111111", "note": "x" * size})
    error = {"_corrupt_record": record, "_errors": [{"code": "1105", "message": message}], "_filename": "f"}
    return json.dumps(error).encode() + b"\n"


@dataclass
class File:
    """
    A file of row errors.

    :param chunks: returns the content.
    :param length: the length in the list of files; ``None`` leaves it out.
    :param status: a status other than 200 is answered with an error message.
    :param is_cut: whether the connection is closed before the end of the content.
    :param times: number of requests that meet ``status`` or ``is_cut``; later requests get the whole content.
    """

    chunks: Callable[[], Iterable[bytes]]
    length: int | None = None
    status: int = 200
    is_cut: bool = False
    times: int = 10**9


def of(*lines: bytes) -> File:
    """Return a file of these lines."""
    content = b"".join(lines)
    return File(lambda: [content], len(content))


class RowErrorService(ThreadingHTTPServer):
    """A service with one batch, which keeps the paths of its requests."""

    daemon_threads = True

    def __init__(self, files: dict[str, File], samples: File | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.files = files
        self.samples = samples
        self.asked: list[str] = []
        self.batch = {"status": "success", "metrics": {"failedRecordCount": 1}, "completed": int(time.time() * 1000)}

    def fetched(self) -> list[str]:
        """Return the names of the requested files, in order."""
        return [path.partition("/")[2] for path in self.asked if path.startswith("row_errors/")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RowErrorService

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self._json(200, {"access_token": "token-of-the-fake", "expires_in": 86399, "token_type": "bearer"})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if "/catalog/" in parts.path:
            return self._json(200, {BATCH: self.server.batch})
        path = query["path"]
        self.server.asked.append(path)
        folder, _, name = path.partition("/")
        if path == "row_errors":
            return self._list(int(query.get("start", 0)))
        file = self.server.files.get(name) if folder == "row_errors" else self.server.samples
        if file is None or (folder != "row_errors" and path != "row_error_samples.json"):
            return self._json(404, {"title": "NotFoundError", "status": 404, "detail": f"no {path}"})
        return self._file(file)

    def _list(self, start: int) -> None:
        names = list(self.server.files)
        data = [
            {"name": name} | ({"length": str(file.length)} if (file := self.server.files[name]).length else {})
            for name in names[start : start + PAGE]
        ]
        more = {"_links": {"next": {"href": f"{self.server.url}/anywhere"}}} if start + PAGE < len(names) else {}
        self._json(200, {"data": data, "_page": {"limit": PAGE, "count": len(names)}} | more)

    def _file(self, file: File) -> None:
        is_odd, file.times = file.times > 0, file.times - 1
        if is_odd and file.status != 200:
            return self._json(file.status, {"title": "NotFoundError", "status": file.status, "detail": "gone"})
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(ConnectionError):
            for chunk in file.chunks():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            if is_odd and file.is_cut:
                self.close_connection = True
                return None
            self.wfile.write(b"0\r\n\r\n")
        return None

    def _json(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Print nothing."""


@contextmanager
def row_error_service(files: dict[str, File], samples: File | None = None) -> Iterator[RowErrorService]:
    with RowErrorService(files, samples) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


def main() -> None:
    files, rows, size = map(int, sys.argv[1:])
    content = of(*(line(number, size) for number in range(rows)))
    with row_error_service({f"validation_errors_{at}.json": content for at in range(files)}) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
