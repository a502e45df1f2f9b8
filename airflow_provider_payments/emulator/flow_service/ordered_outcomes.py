"""Outcomes of flow runs that somebody has ordered, and the runs that hang because of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FAIL_COPY, FAIL_PROMOTION, FAIL_SOME = "fail_copy", "fail_promotion", "partial"
STUCK, CANCEL, UNKNOWN_STATUS, LATE = "stuck", "cancelled", "unknown_status", "late"


@dataclass(slots=True, eq=False)
class Outcome:
    """What is to become of the next runs of a dataflow.

    :param kind: one of the words above.
    :param sandbox: its name; None for any, as the two after it.
    :param name: of the dataflow, so that it can be ordered before the dataflow exists.
    :param times: how many runs are still to come; None for all.
    :param failed: how many records fail at least, of a partial one.
    :param status: the word of an unknown status.
    :param completed: whether the run gets a completion time.
    :param seconds: how long after its creation a late run shows.
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
        """Whether it was ordered for a dataflow."""
        return self.sandbox in (None, sandbox) and self.flow_id in (None, flow_id) and self.name in (None, name)


class Outcomes:
    """The orders of one organisation, in the order in which they came."""

    def __init__(self) -> None:
        self.pending: list[Outcome] = []
        # The runs that are to hang, by id, with their dataflow and what lets them go on; None until they do hang.
        self._stuck: dict[str, tuple[str, Callable[[], None] | None]] = {}

    def take(self, sandbox: str, flow_id: str, name: str | None) -> Outcome | None:
        """The outcome of a run that begins now: of the first order that fits; None when there is none."""
        order = next((one for one in self.pending if one.fits(sandbox, flow_id, name)), None)
        if order is not None and order.times is not None:
            order.times -= 1
            if not order.times:
                self.pending.remove(order)
        return order

    def expect(self, run_id: str, flow_id: str) -> None:
        """Take note of a run that is to hang once it has begun."""
        self._stuck[run_id] = (flow_id, None)

    def hold(self, run_id: str, resume: Callable[[], None]) -> None:
        """Keep a run where it is, unless it was released before it came there."""
        if run_id in self._stuck:
            self._stuck[run_id] = (self._stuck[run_id][0], resume)
        else:
            resume()

    def release(self, flow_id: str | None) -> list[str]:
        """Let runs go on, also those that hang only later; their ids.

        :param flow_id: only those of this dataflow; None for all.
        """
        released = [run_id for run_id, (held, _) in self._stuck.items() if flow_id in (None, held)]
        for identifier in released:
            _, resume = self._stuck.pop(identifier)
            if resume is not None:
                resume()
        return released
