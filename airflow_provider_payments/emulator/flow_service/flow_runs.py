"""A flow run as a compact value; its wire shape is made when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

SCHEDULED, IN_PROGRESS, SUCCESS, FAILED = "scheduled", "inProgress", "success", "failed"


@dataclass(slots=True)
class Run:
    """One run of a dataflow. Times are epoch milliseconds, 0 while they have not come.

    :param window: epoch seconds; the run reads what is later than the first and not later than the second.
    :param first: no run of this dataflow has read before.
    :param copied: when copying ended, well or badly.
    :param failures: (code, message, how many records) of the records that did not land.
    :param copy_error: why copying failed; empty when it did not.
    """

    id: str
    number: int
    flow_id: str
    flow_spec_id: str
    source_id: str
    target_id: str
    created: int
    updated: int
    etag: str
    window: tuple[float, float]
    first: bool
    status: str = SCHEDULED
    started: int = 0
    copied: int = 0
    completed: int = 0
    input_records: int = 0
    output_records: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    batch_id: str = ""
    failures: tuple[tuple[str, str, int], ...] = ()
    diagnostics: bool = False
    copy_error: str = ""

    @property
    def failed_records(self) -> int:
        return self.input_records - self.output_records
