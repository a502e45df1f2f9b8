"""A flow run as a compact value; its wire shape is made when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.catalog.batches import Failure

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.ordered_outcomes import Outcome
    from airflow_provider_payments.emulator.flow_service.state import Flow

SCHEDULED, IN_PROGRESS, SUCCESS, FAILED = "scheduled", "inProgress", "success", "failed"
PARTIAL, CANCELLED = "partialSuccess", "cancelled"
_ACTIVE = frozenset({SCHEDULED, IN_PROGRESS})


@dataclass(slots=True, eq=False)
class Run:
    """One run of a dataflow. Times are epoch milliseconds, 0 while they have not come.

    There may be a hundred thousand: what can be derived is not kept.

    :param flow: as it is now, or was when it was deleted.
    :param begin: epoch seconds; the run reads what is later.
    :param end: epoch seconds; the run reads what is not later.
    :param first: no run of the schedule has read before.
    :param copied: when copying ended, well or badly.
    :param promotes: whether there was anything to promote after copying.
    :param failures: why records did not land, and how many.
    :param diagnosed: whether error diagnostics were on.
    :param copy_error: why copying failed; empty when it did not.
    :param outcome: what was ordered for it.
    :param request: what the client asked for, of a run on demand.
    :param retry: the run that was made to do this one's work again.
    :param writes: how often it has changed.
    """

    id: str
    flow: Flow
    created: int
    updated: int
    begin: float
    end: float
    first: bool
    status: str = SCHEDULED
    started: int = 0
    copied: int = 0
    completed: int = 0
    promotes: bool = False
    input_records: int = 0
    output_records: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    batch_id: str = ""
    failures: tuple[Failure, ...] = ()
    diagnosed: bool = False
    copy_error: str = ""
    outcome: Outcome | None = None
    request: Mapping[str, Any] | None = None
    retry: Run | None = None
    writes: int = 0
    number: int = -1

    @property
    def flow_id(self) -> str:
        return self.flow.id

    @property
    def failed_records(self) -> int:
        return self.input_records - self.output_records

    @property
    def ordered(self) -> str:
        """The kind of outcome that was ordered; empty when none was."""
        return self.outcome.kind if self.outcome is not None else ""

    @property
    def begun(self) -> bool:
        """It does not wait for its turn any more."""
        return self.status != SCHEDULED

    @property
    def ended(self) -> bool:
        """Nothing will change any more. An unknown status counts: it comes last."""
        return self.status not in _ACTIVE

    @property
    def etag(self) -> str:
        """Quotes included; another one after every write."""
        mark = int(self.id[:8], 16) + self.writes & 0xFFFFFFFF
        return f'"{mark:08x}-0000-0200-0000-{self.updated // 1000 & 0xFFFFFFFF:08x}0000"'
