"""Ordered outcomes of flow runs, and the runs that are stuck because of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FAIL_COPY, FAIL_PROMOTION, FAIL_SOME = "fail_copy", "fail_promotion", "partial"
STUCK, CANCEL, UNKNOWN_STATUS, LATE = "stuck", "cancelled", "unknown_status", "late"


@dataclass(slots=True, eq=False)
class Outcome:
    """The ordered outcome of the next runs of a dataflow.

    :param kind: one of the constants above.
    :param sandbox: its name; None for any, as ``flow_id`` and ``name``.
    :param name: of the dataflow, so that an outcome can be ordered before the dataflow exists.
    :param times: for how many more runs; None for all.
    :param failed: the minimum number of failed records, for ``partial``.
    :param status: the raw status, for ``unknown_status``.
    :param completed: whether the run gets a completion time.
    :param seconds: how long after its creation lists show the run, for ``late``.
    """

    kind: str
    sandbox: str | None = None
    flow_id: str | None = None
    name: str | None = None
    times: int | None = 1
    failed: int = 1
    status: str = ""
    completed: bool = True
    seconds: float = 0

    def fits(self, sandbox: str, flow_id: str, name: str | None) -> bool:
        """Whether it is for a dataflow."""
        return self.sandbox in (None, sandbox) and self.flow_id in (None, flow_id) and self.name in (None, name)


class Outcomes:
    """The ordered outcomes of an organisation, in the sequence of their orders."""

    def __init__(self) -> None:
        self.pending: list[Outcome] = []
        # Stuck runs by id, with their dataflow and what resumes them; None until they have come to the stop.
        self._stuck: dict[str, tuple[str, Callable[[], None] | None]] = {}

    def take(self, sandbox: str, flow_id: str, name: str | None) -> Outcome | None:
        """Take the outcome of a new run: of the first order that fits, or None."""
        order = next((one for one in self.pending if one.fits(sandbox, flow_id, name)), None)
        if order is not None and order.times is not None:
            order.times -= 1
            if not order.times:
                self.pending.remove(order)
        return order

    def expect(self, run_id: str, flow_id: str) -> None:
        """Register a run that gets stuck once it has started."""
        self._stuck[run_id] = (flow_id, None)

    def hold(self, run_id: str, resume: Callable[[], None]) -> None:
        """Stop a run here until it is released; it goes on at once if it was released before."""
        if run_id in self._stuck:
            self._stuck[run_id] = (self._stuck[run_id][0], resume)
        else:
            resume()

    def release(self, flow_id: str | None) -> list[str]:
        """Release stuck runs, and those that would get stuck later; returns their ids.

        :param flow_id: only those of this dataflow; None for all.
        """
        released = [run_id for run_id, (held, _) in self._stuck.items() if flow_id in (None, held)]
        for identifier in released:
            _, resume = self._stuck.pop(identifier)
            if resume is not None:
                resume()
        return released
