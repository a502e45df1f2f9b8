"""``DaemonThreads``: an executor whose threads do not delay the end of the process."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait

import pytest
from asgiref.sync import async_to_sync

from airflow_provider_payments.triggers.daemon_threads import DaemonThreads
from airflow_provider_payments.versions import run_in_thread

TIMEOUT_SECONDS = 5.0


@pytest.fixture
def pool() -> Iterator[DaemonThreads]:
    with DaemonThreads(2, "pool-of-a-test") as running:
        yield running


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


class Gate:
    """A job that hangs until it is opened, with an event that is set when it starts."""

    def __init__(self) -> None:
        self.started, self._open = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.started.set()
        assert self._open.wait(2 * TIMEOUT_SECONDS)
        return "through"

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


def test_a_job_returns_its_result(pool: DaemonThreads) -> None:
    assert pool.submit(pow, 2, exp=5).result(TIMEOUT_SECONDS) == 32
    assert list(pool.map(abs, [-1, 2, -3], timeout=TIMEOUT_SECONDS)) == [1, 2, 3]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_an_error_of_a_job_does_not_end_its_thread(error: BaseException, pool: DaemonThreads) -> None:
    def fail() -> None:
        raise error

    assert pool.submit(fail).exception(TIMEOUT_SECONDS) is error
    assert [pool.submit(abs, -1).result(TIMEOUT_SECONDS) for _ in range(5)] == [1] * 5


def test_an_error_in_a_callback_does_not_end_the_thread(pool: DaemonThreads) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the callback fails")

    for _ in range(4):
        future = pool.submit(abs, -1)
        future.add_done_callback(fail)
        assert future.result(TIMEOUT_SECONDS) == 1


def test_a_hanging_job_does_not_stop_others(pool: DaemonThreads, gate: Gate) -> None:
    hanging = pool.submit(gate)
    assert gate.started.wait(TIMEOUT_SECONDS)
    assert [pool.submit(abs, -n).result(TIMEOUT_SECONDS) for n in range(20)] == list(range(20))
    assert not hanging.done()


def test_threads_start_on_demand_up_to_the_maximum() -> None:
    pool = DaemonThreads(2, "counted")
    assert threads("counted") == []
    for _ in range(5):
        assert pool.submit(abs, -1).result(TIMEOUT_SECONDS) == 1
    assert len(threads("counted")) <= 2
    running, most = [0], [0]
    lock = threading.Lock()

    def count() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.001)
        with lock:
            running[0] -= 1

    assert not wait([pool.submit(count) for _ in range(100)], TIMEOUT_SECONDS).not_done
    assert most == [2]
    assert len(threads("counted")) == 2
    assert all(thread.daemon for thread in threads("counted"))
    pool.shutdown()


def test_a_cancelled_job_is_never_started(pool: DaemonThreads, gate: Gate) -> None:
    done: list[str] = []
    hanging = [pool.submit(gate), pool.submit(gate)]
    waiting, other = pool.submit(done.append, "cancelled"), pool.submit(done.append, "other")
    assert waiting.cancel()
    gate.open()
    assert [future.result(TIMEOUT_SECONDS) for future in hanging] == ["through", "through"]
    other.result(TIMEOUT_SECONDS)
    assert done == ["other"]
    with pytest.raises(CancelledError):
        waiting.result(TIMEOUT_SECONDS)


def test_shutdown_cancels_pending_jobs_and_does_not_wait(gate: Gate) -> None:
    pool = DaemonThreads(1, "pool-of-a-test")
    hanging = pool.submit(gate)
    assert gate.started.wait(TIMEOUT_SECONDS)
    waiting = [pool.submit(abs, -1) for _ in range(3)]
    pool.shutdown(wait=True)
    assert not hanging.done()
    assert all(future.cancelled() for future in waiting)
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(abs, -1)
    gate.open()
    assert hanging.result(TIMEOUT_SECONDS) == "through"


def test_shutdown_ends_the_threads() -> None:
    pool = DaemonThreads(3, "ended")
    wait([pool.submit(abs, -1) for _ in range(9)], TIMEOUT_SECONDS)
    started = threads("ended")
    assert started
    pool.shutdown()
    for thread in started:
        thread.join(TIMEOUT_SECONDS)
        assert not thread.is_alive()


class Large:
    """An argument or a result of a job."""


def is_gone(seen: weakref.ref[Large]) -> bool:
    """Return whether an object is released in time; a thread may take a moment after its job."""
    ends = time.monotonic() + TIMEOUT_SECONDS
    while seen() is not None and time.monotonic() < ends:
        gc.collect()
        threading.Event().wait(0.005)
    return seen() is None


def test_an_idle_thread_keeps_no_reference_to_its_last_job(pool: DaemonThreads) -> None:
    large = Large()
    seen = weakref.ref(large)
    assert isinstance(pool.submit(lambda given: given, large).result(TIMEOUT_SECONDS), Large)
    del large
    assert is_gone(seen)


def test_shutdown_releases_pending_jobs_even_if_all_threads_hang(gate: Gate) -> None:
    pool = DaemonThreads(1, "pool-of-a-test")
    pool.submit(gate)
    assert gate.started.wait(TIMEOUT_SECONDS)
    large = Large()
    seen = weakref.ref(large)
    pool.submit(print, large)
    del large
    pool.shutdown()
    assert is_gone(seen)


def test_an_event_loop_awaits_its_jobs(pool: DaemonThreads, gate: Gate) -> None:
    async def run() -> tuple[int, bool]:
        loop = asyncio.get_running_loop()
        hanging = loop.run_in_executor(pool, gate)
        answer = await loop.run_in_executor(pool, abs, -1)
        return answer, hanging.done()

    # asyncio.run() ends although one job hangs.
    assert asyncio.run(run()) == (1, False)


def test_the_interpreter_exits_at_once_despite_a_hanging_job() -> None:
    program = textwrap.dedent(
        """
        import socket, threading
        from airflow_provider_payments.triggers.daemon_threads import DaemonThreads

        here, there = socket.socketpair()
        started = threading.Event()

        def hang():
            started.set()
            here.recv(1)

        DaemonThreads(2, "pool").submit(hang)
        started.wait()
        print("the end")
        """
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=TIMEOUT_SECONDS, check=True, text=True
    )
    assert (ended.stdout, ended.stderr) == ("the end\n", "")


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_a_job_reaches_airflow_over_the_triggerers_loop(pool: DaemonThreads) -> None:
    # Airflow 3.0 to 3.2.1 reads connections in a thread in this way. With another loop, answers would be lost.
    loop_of_job = async_to_sync(running_loop)

    async def both() -> tuple[asyncio.AbstractEventLoop, asyncio.AbstractEventLoop]:
        return await run_in_thread(pool, loop_of_job), await running_loop()

    used, own = asyncio.run(both())
    assert used is own
