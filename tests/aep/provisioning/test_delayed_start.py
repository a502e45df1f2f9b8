"""The late start of a new dataflow: it ingests nothing before duplicates are removed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import KINDS, Chain
from tests.conftest import Emulator

FLOWS = KINDS["dataflow"].path
WARNING = "If its task is killed while another task creates the same dataflow, both may ingest"


def platform_time(emulator: Emulator) -> float:
    return float(emulator.control("GET", "clock")["now"])


def starts(emulator: Emulator) -> list[int]:
    return [body["scheduleParams"]["startTime"] for body in emulator.posted("/flows")]


def at(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


@pytest.mark.parametrize(
    ("given", "delay"),
    [
        ({}, 240),
        # Settle time, the task's retry delay and a minute: by then a killed task has been tried again.
        ({"retry_delay": 131.0}, 50 + 131 + 60),
        ({"retry_delay": 3600.0}, 50 + 3600 + 60),
    ],
    ids=["the least", "just above it", "an hour"],
)
def test_a_dataflow_starts_after_its_settle_time_and_one_retry(
    given: dict[str, Any], delay: float, chain: Chain, writer: Chain, emulator: Emulator, caplog: Any
) -> None:
    desired = chain.dataflow(**given)
    emulator.advance(86400)  # the local clock does not follow
    writer.ensure(desired)
    assert starts(emulator) == [platform_time(emulator) - sum(writer.naps) + delay]
    assert WARNING not in caplog.text


def test_a_repeated_creation_starts_later_by_the_time_waited(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    emulator.fail("status", method="POST", path="*/flows", status=500)
    writer.ensure(chain.dataflow(retry_delay=300.0))
    first, second = starts(emulator)
    assert writer.naps[0] == 51.0
    assert second == first + 51


@pytest.mark.parametrize("how", ["start_time", "start_delay"])
def test_a_requested_early_start_is_accepted_with_one_warning(
    how: str, chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    now = platform_time(emulator)
    early = Schedule(start_time=at(now + 100)) if how == "start_time" else Schedule(start_delay=100)
    emulator.fail("status", method="POST", path="*/flows", status=500)
    writer.ensure(chain.dataflow(schedule=early))
    assert starts(emulator) == [now + 100, now + 100 + (0 if how == "start_time" else 51)]
    (warning,) = [r.getMessage() for r in caplog.records if WARNING in r.getMessage()]
    assert warning == (
        f"dataflow 'own dataflow' begins in 100 s. {WARNING} before one is removed; start at least 110 s after the "
        "creation to rule this out"
    )


def test_a_requested_late_start_is_accepted_without_a_warning(
    chain: Chain, writer: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    now = platform_time(emulator)
    writer.ensure(chain.dataflow(schedule=Schedule(start_time=at(now + 110))))
    assert starts(emulator) == [now + 110]
    assert WARNING not in caplog.text


def test_without_a_settle_time_a_dataflow_starts_at_once(
    chain: Chain, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    now = platform_time(emulator)
    chain.ensure(chain.dataflow(schedule=Schedule(start_delay=0), retry_delay=3600.0))
    assert starts(emulator) == [now]
    assert WARNING not in caplog.text


def test_a_start_in_the_past_is_refused_for_a_new_dataflow(chain: Chain, writer: Chain, emulator: Emulator) -> None:
    passed = at(platform_time(emulator)) - timedelta(seconds=1)
    with pytest.raises(InvalidInputError, match=r"start_time=.*it must not be in the past"):
        writer.ensure(chain.dataflow(schedule=Schedule(start_time=passed)))
    assert starts(emulator) == []


def test_a_start_in_the_past_is_accepted_for_an_existing_dataflow(
    chain: Chain, writer: Chain, emulator: Emulator
) -> None:
    scheduled = Schedule(start_time=at(platform_time(emulator) + 300))
    provisioned = writer.ensure(chain.dataflow(schedule=scheduled))
    emulator.advance(86400)
    found = writer.ensure(chain.dataflow(schedule=scheduled))
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)
