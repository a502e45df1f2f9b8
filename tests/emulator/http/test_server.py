"""The server within a process, and the command ``payments-emulator``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import CREDENTIALS, FLOW, Client

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "airflow_provider_payments.emulator"]


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=environment) as running:
        try:
            assert running.stdout is not None
            ready, url = running.stdout.readline().split()
            assert ready == "ready"
            yield running, url
        finally:
            running.kill()


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_command_serves_and_stops_cleanly(stop_signal: signal.Signals) -> None:
    options = ("--client-id", "me", "--client-secret", "mine", "--org", "X@AdobeOrg", "--time", "real")
    with process(*options) as (running, url):
        session = requests.Session()
        answer = session.post(f"{url}/ims/token/v3", data=CREDENTIALS, timeout=5)
        assert answer.status_code == 400
        answer = session.post(
            f"{url}/ims/token/v3", data={**CREDENTIALS, "client_id": "me", "client_secret": "mine"}, timeout=5
        )
        assert answer.status_code == 200
        assert session.get(f"{url}/__emulator__/state", timeout=5).json()["mode"] == "real"
        # The session keeps its connection open, which must not delay the end of the process.
        running.send_signal(stop_signal)
        assert running.wait(5) == 0


def test_a_port_in_use_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = subprocess.run(
            [*COMMAND, "--port", str(port)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
    assert answer.returncode == 1
    assert f"127.0.0.1:{port}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_package_import_is_light() -> None:
    code = (
        "import sys; before = set(sys.modules); import airflow_provider_payments.emulator; "
        "print(len(set(sys.modules) - before))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert int(answer.stdout) <= 2


def test_server_can_be_started_again_and_stop_is_harmless() -> None:
    server = EmulatorServer(time="manual", client_id="other")
    server.stop()
    for _ in range(2):
        with server:
            assert requests.get(f"{server.url}/__emulator__/state", timeout=5).status_code == 200
            with pytest.raises(RuntimeError):
                server.start()
        with pytest.raises(RuntimeError):
            _ = server.url


def test_the_first_run_starts_at_once_by_default() -> None:
    with EmulatorServer() as server:
        client = Client(server.url)
        body = client.prepared()
        body["scheduleParams"]["startTime"] = client.now() + 86400
        flow = client.flow(body)["id"]
        began = time.monotonic()
        assert client.runs(flow) == []
        client.refused("POST", "/__emulator__/clock", 400, json={"advance": 10})
        client.refused("POST", "/__emulator__/reset", 400, json={"clock": 10})
        while not (runs := client.runs(flow)) or "completedAtUTC" not in runs[0]["metrics"]["durationSummary"]:
            assert time.monotonic() - began < 5
        assert len(runs) == 1
        assert runs[0]["metrics"]["statusSummary"]["status"] == "success"


def test_parallel_writes_lose_nothing(client: Client) -> None:
    etag = client.item("connections", "24151d58-ffa7-4960-951d-58ffa7396097")["etag"]
    patch = [{"op": "replace", "path": "/name", "value": "mine"}]
    won, created = [], []

    def work() -> None:
        own = Client(client.url)
        created.extend(own.source() for _ in range(20))
        path = f"{FLOW}/connections/24151d58-ffa7-4960-951d-58ffa7396097"
        won.append(own.ask("PATCH", path, json=patch, headers={"If-Match": etag}).status_code)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [200] + [412] * 7
    assert client.get(f"{FLOW}/sourceConnections", count="true") == {"count": 160}
    listed = [item["id"] for item in client.get(f"{FLOW}/sourceConnections", limit=1000)["items"]]
    assert sorted(listed) == sorted(created)


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_the_command_stops_on_a_signal_right_after_it_is_ready(stop_signal: signal.Signals) -> None:
    for _ in range(4):
        with process() as (running, _url):
            running.send_signal(stop_signal)
            assert running.wait(5) == 0


@pytest.mark.parametrize(
    "option",
    ["--rate-limit=0", "--rate-limit=many", "--rate-limit=nan", "--rate-limit=inf", "--burst=0", "--burst=1.5"],
)
def test_invalid_rates_are_clear_errors(option: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([*COMMAND, option], capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 2
    name, value = option.split("=")
    assert f"argument {name}: '{value}' is not a " in answer.stderr


def test_command_limits_the_rate() -> None:
    with process("--rate-limit", "1", "--burst", "2", "--time", "manual") as (_, url):
        client = Client(url)
        assert [client.ask("GET", f"{FLOW}/flows").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("port", ["abc", "-1", "65536", "1.5", "²"])
def test_bad_port_names_the_range(port: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([*COMMAND, f"--port={port}"], capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 2
    assert "is not a port: it must be a number from 0 to 65535" in answer.stderr
