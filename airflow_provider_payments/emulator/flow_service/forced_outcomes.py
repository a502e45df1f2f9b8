"""Outcomes that a test forces upon flow runs, and the runs that are stuck because of such an outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FAIL_COPY, FAIL_PROMOTION, FAIL_SOME = "fail_copy", "fail_promotion", "partial"
STUCK, CANCEL, UNKNOWN_STATUS, LATE = "stuck", "cancelled", "unknown_status", "late"


@dataclass(slots=True, eq=False)
class Outcome:
    """A forced outcome of the next runs of the dataflows that it fits.

    :param kind: one of the constants above.
    :param sandbox: the name of the sandbox; None for any.
    :param flow_id: the id of the dataflow; None for any.
    :param name: the name of the dataflow, which need not exist yet; None for any.
    :param times: the number of further runs that get the outcome; None for all.
    :param failed: the minimum number of failed records, for ``partial``.
    :param status: the raw status, for ``unknown_status``.
    :param completed: whether the run gets a completion time.
    :param seconds: the time from the run's creation until lists show the run, for ``late``.
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
        """Return whether the outcome applies to the runs of a dataflow."""
        return self.sandbox in (None, sandbox) and self.flow_id in (None, flow_id) and self.name in (None, name)


class Outcomes:
    """The forced outcomes of an organisation, oldest first, and its stuck runs."""

    def __init__(self) -> None:
        self.pending: list[Outcome] = []
        # By the id of a run that is or will be stuck: its dataflow's id, and a function that resumes the run, which is
        # None until the run is stuck.
        self._stuck: dict[str, tuple[str, Callable[[], None] | None]] = {}

    def take(self, sandbox: str, flow_id: str, name: str | None) -> Outcome | None:
        """Return the outcome of a new run, the first that fits, and count it down; None if no outcome fits."""
        outcome = next((one for one in self.pending if one.fits(sandbox, flow_id, name)), None)
        if outcome is not None and outcome.times is not None:
            outcome.times -= 1
            if not outcome.times:
                self.pending.remove(outcome)
        return outcome

    def expect(self, run_id: str, flow_id: str) -> None:
        """Register a run that will be stuck as soon as it has started."""
        self._stuck[run_id] = (flow_id, None)

    def hold(self, run_id: str, resume: Callable[[], None]) -> None:
        """Hold a run until it is released; resume the run at once if it was released before it started."""
        if run_id in self._stuck:
            self._stuck[run_id] = (self._stuck[run_id][0], resume)
        else:
            resume()

    def release(self, flow_id: str | None) -> list[str]:
        """Release the stuck runs, and runs that would be stuck later; return their ids.

        :param flow_id: the id of the dataflow whose runs to release; None for all dataflows.
        """
        released = [run_id for run_id, (held, _) in self._stuck.items() if flow_id in (None, held)]
        for identifier in released:
            _, resume = self._stuck.pop(identifier)
            if resume is not None:
                resume()
        return released
