"""A thread pool that does not delay the end of the process."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class DaemonThreads(Executor):
    """
    A pool of daemon threads.

    The standard library's pool joins its threads when the interpreter exits, so a request that hangs would delay the
    exit of a triggerer.

    :param max_workers: maximum number of threads; a thread is started when a job finds no idle one.
    :param name: prefix of the threads' names.
    """

    def __init__(self, max_workers: int, name: str) -> None:
        self._max_workers = max_workers
        self._name = name
        self._changed = threading.Condition()
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._threads = self._idle = 0
        self._is_shut_down = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call ``fn`` in a thread."""
        future: Future[Any] = Future()
        with self._changed:
            if self._is_shut_down:
                raise RuntimeError("the pool has been shut down")
            self._jobs.append((future, lambda: fn(*args, **kwargs)))
            if len(self._jobs) > self._idle and self._threads < self._max_workers:
                self._threads += 1
                threading.Thread(target=self._work, name=f"{self._name}_{self._threads}", daemon=True).start()
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:
        """Accept no more jobs and cancel those that have not started; ``wait`` is ignored."""
        with self._changed:
            self._is_shut_down = True
            for future, _ in self._jobs:
                future.cancel()
            self._jobs.clear()
            self._changed.notify_all()

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._changed:
            while not self._jobs and not self._is_shut_down:
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return self._jobs.popleft() if self._jobs else None

    def _work(self) -> None:
        while job := self._next():
            future, call = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # as in the standard library's pool: the future raises it to the caller
                    future.set_exception(error)
            del job, future, call  # they may refer to large objects
