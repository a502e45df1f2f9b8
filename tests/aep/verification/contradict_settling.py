"""Emulator settings that contradict the checks of settle times."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.settling import KINDS_OF_UNIQUE_NAMES
from tests.conftest import Emulator

#: Lags in seconds that are longer than each check allows.
TOO_LONG = {"listed": 20, "readable": 40, "gone": 40, "gone_by_id": 10}


def _late(kind: str, what: str) -> Callable[[Emulator], object]:
    return lambda emulator: emulator.behave(lags={kind: {what: TOO_LONG[what]}})


def _names(kind: str) -> Callable[[Emulator], object]:
    return lambda emulator: emulator.behave(names={kind: "twice" if kind in KINDS_OF_UNIQUE_NAMES else "once"})


CONTRADICTIONS = {f"{kind}.{what}": _late(kind, what) for kind in KINDS for what in TOO_LONG} | {
    f"{kind}.names": _names(kind) for kind in KINDS
}
