"""Rows that arrive hours after their delta value: how many rows a month of windows loses or ingests twice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.emulator.core.dates import parse_time
from airflow_provider_payments.emulator.samples import paypal
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.flow_runs import RunDataflowOperator
from tests.conftest import Emulator
from tests.operators.chain import make_ends, run
from tests.operators.on_demand import DAY, ONCE, Stage

PAYOUTS = "PayPal.Payouts"
HOUR = 3600
#: Maximum seconds between a payout and its arrival.
LATENESS = 6 * HOUR
START = int(datetime.fromisoformat("2026-01-01T07:30:00+00:00").timestamp())
#: The midnight after :data:`START`.
FIRST = START // DAY * DAY + DAY
NEVER = {"start_delay": None, "start_time": "2199-12-31T00:00:00Z"}


@dataclass(frozen=True)
class Payout:
    """A row of the source: the time in its delta column, and the time of its arrival."""

    at: float
    arrives: float


@dataclass
class Month:
    """
    Consecutive windows, each of which is ingested when it has ended.

    :param column: the delta column.
    """

    stage: Stage
    column: str
    length: int = DAY
    windows: int = 30

    def ingest(self, lag: int) -> None:
        """Run the dataflow for each window after a lag; keep the rows that have been ingested by then."""
        for begin in range(FIRST, FIRST + self.windows * self.length, self.length):
            self.stage.emulator.advance(max(begin + self.length - self.stage.now, 0))
            while not self._try_window(begin, lag):
                pass
        (dataset,) = self.stage.emulator.objects("dataSets")
        self.landed = Counter(row["_id"] for row in self.stage.emulator.rows(dataset["id"], limit=5000)["rows"])

    def _try_window(self, begin: int, lag: int) -> bool:
        """Execute the task; if it is too early, advance the clock to the time at which Airflow executes it again."""
        window = {"window_start": begin, "window_end": begin + self.length, "window_lag": lag}
        given = {"flow_id": self.stage.flow_id, "delta_column": self.column}
        try:
            self.stage.operator(RunDataflowOperator, **given, **window).execute(self.stage.context())
        except AirflowRescheduleException as early:
            left = early.reschedule_date - datetime.now(UTC)
            self.stage.emulator.advance(max(math.ceil(left.total_seconds()), 1))
            return False
        return True

    @property
    def payouts(self) -> dict[str, Payout]:
        """The payouts whose time is in one of the windows, by their ids."""
        (table,) = (table for table in paypal.tables(START) if table.path == PAYOUTS)
        rows = zip(table.created, table.rows, strict=True)
        found = {row["Payout_Item_Id"]: Payout(moment(row[self.column]), created) for created, row in rows}
        last = FIRST + self.windows * self.length
        return {name: payout for name, payout in found.items() if FIRST < payout.at <= last}

    @property
    def lost(self) -> set[str]:
        return self.payouts.keys() - self.landed.keys()

    @property
    def duplicated(self) -> set[str]:
        return {name for name, times in self.landed.items() if times > 1}

    def after_its_window(self, lag: int) -> set[str]:
        """Return the payouts that arrive after the run over their window has read the source."""

        def read_at(payout: Payout) -> float:
            return FIRST - (FIRST - payout.at) // self.length * self.length + lag

        # A run reads the source a second after the request.
        return {name for name, payout in self.payouts.items() if payout.arrives > read_at(payout) + 1}


def moment(text: Any) -> float:
    return parse_time(str(text)).timestamp()


@pytest.fixture
def month(connected: Emulator, make_client: Callable[..., Client]) -> Callable[..., Month]:
    """A function that creates a dataflow of payouts, in a sandbox whose clock is at :data:`START`."""

    def begin(column: str, **shape: int) -> Month:
        stage = Stage(connected, make_client)
        connected.control("POST", "reset", json={"clock": START})
        mappings = {"_id": "Payout_Item_Id", "_{TENANT_ID}.product.name": "Receiver"}
        ends = make_ends("payouts", mappings, table=PAYOUTS, columns=None)
        stage.flow_id = run(CreateDataflowOperator, name="payouts", **ends, **ONCE | NEVER)["id"]
        return Month(stage, column, **shape)

    return begin


def test_a_lag_ingests_each_late_row_once(month: Callable[..., Month]) -> None:
    days = month("Create_Time")
    days.ingest(LATENESS)
    assert len(days.payouts) > 30 * 90
    assert (len(days.lost), len(days.duplicated)) == (0, 0)


def test_without_a_lag_late_rows_are_lost(month: Callable[..., Month]) -> None:
    days = month("Create_Time")
    days.ingest(0)
    assert len(days.lost) > 0
    assert (days.lost, days.duplicated) == (days.after_its_window(0), set())


def test_a_column_of_days_requires_a_lag_longer_by_a_day(month: Callable[..., Month]) -> None:
    days = month("Value_Date")
    days.ingest(DAY + LATENESS)
    assert len(days.payouts) > 29 * 90
    assert (len(days.lost), len(days.duplicated)) == (0, 0)


@pytest.mark.parametrize("lag", [0, LATENESS], ids=["no lag", "lag of late rows"])
def test_a_shorter_lag_loses_rows_of_a_column_of_days(month: Callable[..., Month], lag: int) -> None:
    days = month("Value_Date")
    days.ingest(lag)
    assert len(days.lost) > len(days.landed)
    assert (days.lost, days.duplicated) == (days.after_its_window(lag), set())


def test_hourly_windows_contain_a_days_rows_only_at_midnight(month: Callable[..., Month]) -> None:
    hours = month("Value_Date", length=HOUR, windows=48)
    hours.ingest(LATENESS)
    assert len(hours.lost) > 0
    assert (hours.lost, hours.duplicated) == (hours.after_its_window(LATENESS), set())
    counts = [run["metrics"]["recordSummary"]["inputRecordCount"] for run in hours.stage.runs()]
    assert [hour for hour, count in enumerate(counts, start=1) if count] == [24, 48]
