"""
Measure the emulator: its start, its requests, and 10,000 dataflows with 100,000 runs.

    python -m tests.benchmarks.emulator

Print each figure with its limit; the exit status is 3 if a figure exceeds its limit. Clients use HTTP over plain
sockets, so that the emulator is measured, not a client library. The benchmark uses at most two processors.
"""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psutil

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.benchmarks.limits import Table
from tests.emulator.client import CATALOG, DATA_PREP, FLOW, PAYPAL, Client, mapping_body, source_body

STARTS = 7
ROUNDS = 150
CLIENTS = 3
LOAD_SECONDS = 4.0
PAGE_REPEATS = 15
DATAFLOWS, RUNS_PER_DATAFLOW = 10_000, 10
FEW_DATAFLOWS = 100
# A page whose time grew in proportion to the number of runs would take a hundred times as long.
MAX_GROWTH = 3
# The worst cases: all items are compared, but none or few match.
_RUNS = "/runs?property=metrics"
FILTERS = {
    "dataflows whose last run started since": f"/flows?property=lastRunDetails.startedAtUTC>={10**13}&limit=100",
    "runs by status": f"{_RUNS}.statusSummary.status==cancelled",
    "runs by status, counted": f"{_RUNS}.statusSummary.status!=failed&count=true",
    "runs by start": f"{_RUNS}.durationSummary.startedAtUTC>={10**13}",
    "runs by end": f"{_RUNS}.durationSummary.completedAtUTC<1",
    "runs by failed records": f"{_RUNS}.recordSummary.failedRecordCount>{10**9}",
    "runs by size, newest first": f"{_RUNS}.sizeSummary.inputBytes>{10**15}&orderby=-createdAt",
    "runs by files": f"{_RUNS}.fileSummary.outputFileCount>9",
    "runs by the code of an error": f"{_RUNS}.statusSummary.errors[].code==none",
    "runs by two of these": f"{_RUNS}.statusSummary.status==success&property=metrics.recordSummary.inputRecordCount<0",
}
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Wire:
    """One keep-alive connection to the emulator."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname or "", address.port or 80), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **headers}.items())

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> bytes:
        """Return the bytes of a request."""
        content = b"" if body is None else json.dumps(body).encode()
        own = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        if content:
            own += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        return f"{method} {path} HTTP/1.1\r\n{self.head}{own}\r\n".encode() + content

    def exchange(self, request: bytes) -> bytes:
        """Send a request, and return the body of its answer, whose status must be 2xx."""
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        while length and len(body) < int(length[1]):
            body += self._receive()
        if head[9:10] != b"2":
            raise SystemExit(f"{request[:300]!r} was answered by {(head + body)[:500]!r}")
        return body

    def _receive(self) -> bytes:
        data = self.socket.recv(1 << 20)
        if not data:
            raise SystemExit("The emulator closed the connection.")
        return data


@contextmanager
def emulator_process() -> Iterator[tuple[str, int, float]]:
    """Run the emulator's command in its own process; yield its URL, its process id and the seconds of its start."""
    command = [sys.executable, "-m", "airflow_provider_payments.emulator", "--time", "manual"]
    # Let Python write byte code, which an installed package has, even if the environment forbids it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        ready = time.perf_counter() - started
        try:
            yield url, process.pid, ready
        finally:
            process.terminate()


def main() -> int:
    """Print the table."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    table = Table()
    measure_starts(table)
    with emulator_process() as (url, process, _):
        measure_requests(table, url)
        measure_volume(table, url, process)
    return table.exit_status


def measure_starts(table: Table) -> None:
    command = []
    for _ in range(STARTS + 1):
        with emulator_process() as (_, _, seconds):
            command.append(seconds)
    # The first start is left out: it compiles and writes byte code.
    table.row("payments-emulator, until it says it is ready", statistics.median(command[1:]), 0.5, "s")
    inside = []
    for _ in range(STARTS):
        started = time.perf_counter()
        with EmulatorServer() as server:
            wire = Wire(server.url, {})
            wire.exchange(wire.request("GET", "/__emulator__/state"))
            inside.append((time.perf_counter() - started) * 1000)
    table.row("EmulatorServer, until its first answer", statistics.median(inside), 100, "ms")


def signed(client: Client) -> dict[str, str]:
    names = ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")
    return {name: str(client.session.headers[name]) for name in names}


def typical(client: Client) -> Callable[[Wire], Iterator[bytes]]:
    """Return the requests of a client with an existing dataflow: four in five read, one in five writes."""
    body = client.prepared()
    flow, dataset = client.flow(body)["id"], body["_dataset"]
    schema = client.item("targetConnections", body["targetConnectionIds"][0])["data"]["schema"]["id"]
    client.advance(3600)
    run = client.runs(flow)[0]["id"]
    mapping = mapping_body(schema)

    def requests(wire: Wire) -> Iterator[bytes]:
        yield wire.request("GET", f"{FLOW}/flows/{flow}")
        yield wire.request("GET", f"{FLOW}/runs?property=flowId=={flow}&orderby=-createdAt&limit=20")
        yield wire.request("GET", f"{FLOW}/runs/{run}")
        yield wire.request("POST", f"{FLOW}/sourceConnections", source_body())
        yield wire.request("GET", f"{FLOW}/connections/{PAYPAL}")
        yield wire.request("GET", f"{FLOW}/flows?property=name==flow&limit=20")
        yield wire.request("GET", f"{CATALOG}/dataSets/{dataset}")
        yield wire.request("GET", f"{FLOW}/runs/{run}")
        yield wire.request("POST", f"{DATA_PREP}/mappingSets", mapping)
        yield wire.request("GET", f"{FLOW}/flowSpecs?property=name==CRMToAEP")

    return requests


def measure_requests(table: Table, url: str) -> None:
    client = Client(url)
    mix = typical(client)
    wire = Wire(url, signed(client))
    times = []
    for _ in range(ROUNDS):
        for request in mix(wire):
            started = time.perf_counter()
            wire.exchange(request)
            times.append((time.perf_counter() - started) * 1000)
    table.row("a typical request, one connection: median", statistics.median(times), 2, "ms")
    table.row("a typical request, one connection: 99th percentile", statistics.quantiles(times, n=100)[98], 20, "ms")
    requests = list(mix(wire))
    with ProcessPoolExecutor(CLIENTS) as pool:
        done = pool.map(hammer, *zip(*[(url, requests)] * CLIENTS, strict=True))
        table.row(f"requests a second from {CLIENTS} processes", sum(done), 1000, "/s", at_least=True)


def hammer(url: str, requests: list[bytes]) -> float:
    """Return the requests a second of one client."""
    wire = Wire(url, {})
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < LOAD_SECONDS:
        for request in requests:
            wire.exchange(request)
        done += len(requests)
    return done / (time.perf_counter() - started)


def measure_volume(table: Table, url: str, process: int) -> None:
    client = Client(url)
    few = fill(client, FEW_DATAFLOWS)
    small = page_times(client, few)
    started = time.perf_counter()
    many = fill(client, DATAFLOWS)
    table.row("creating 10,000 dataflows and 100,000 runs", time.perf_counter() - started, 10, "s")
    table.row("memory with them", psutil.Process(process).memory_info().rss / 1e6, 300, "MB")
    large = page_times(client, many)
    for name, milliseconds in large.items():
        table.row(f"runs {name}: 100,000 against 1,000", milliseconds / small[name], MAX_GROWTH, "x")
    table.row("runs: the slowest page of 100", max(large.values()), 50, "ms")
    for name, query in FILTERS.items():
        table.row(name, median_time(Wire(url, signed(client)), query), 100, "ms")
    table.row("the page to look at", median_time(Wire(url, {}), "/?sandbox=dev", base=""), 100, "ms")


def fill(client: Client, dataflows: int) -> str:
    """Reset the emulator, create a number of dataflows with runs, and return the id of the last dataflow."""
    client.control("POST", "reset")
    client.sign_in()
    body = {"sandbox": "dev", "dataflows": dataflows, "runs_per_dataflow": RUNS_PER_DATAFLOW}
    answer = client.session.post(f"{client.url}/__emulator__/seed", json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["dataflows"]["last"])


def page_times(client: Client, flow: str) -> dict[str, float]:
    """Return the median milliseconds of pages, by filter and place of the page."""
    wire = Wire(client.url, signed(client))
    pages = list(addresses(wire))
    result = {"by flowId": median_time(wire, f"/runs?property=flowId=={flow}&limit=100")}
    for place, page in (("first", pages[0]), ("middle", pages[len(pages) // 2]), ("last", pages[-1])):
        result[f"unfiltered, {place} page"] = median_time(wire, page)
        time_of_run = answer_to(wire, page)["items"][0]["createdAt"]
        for name, query in (
            ("createdAt>=", f"property=createdAt>={time_of_run}"),
            ("orderby=-createdAt", f"property=createdAt<={time_of_run}&orderby=-createdAt"),
        ):
            address = f"/runs?{query}&limit=100"
            # Measure the second page of the list, because only later pages begin at a position.
            result[f"{name}, {place} page"] = median_time(wire, next_address(answer_to(wire, address)) or address)
    return result


def addresses(wire: Wire) -> Iterator[str]:
    """Yield the addresses of pages of 100 runs, one after every 1,000 runs, and of the last page."""
    longer, page = "/runs?limit=1000", "/runs?limit=100"
    while longer:
        yield page
        longer = next_address(answer_to(wire, longer))
        if longer:
            page = f"{longer}&limit=100"
    while further := next_address(answer_to(wire, page)):
        page = further
    yield page


def next_address(answer: Any) -> str:
    return str(answer["_links"].get("next", {}).get("href", ""))


def answer_to(wire: Wire, address: str) -> Any:
    return json.loads(wire.exchange(wire.request("GET", FLOW + address)))


def median_time(wire: Wire, address: str, base: str = FLOW) -> float:
    request = wire.request("GET", base + address)
    times = []
    for _ in range(PAGE_REPEATS):
        started = time.perf_counter()
        wire.exchange(request)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
