"""The manual's table of known differences of the emulator names a check for each row, or a reason why there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import airflow_provider_payments
from airflow_provider_payments.aep.verification.catalogue import ALL_CHECKS

PAGE = (Path(airflow_provider_payments.__file__).parent / "docs" / "emulator.md").read_text()
TABLE = PAGE[PAGE.index("| topic | what the emulator does | known from | check |") :].split("\n\n", 1)[0]
#: Topic and check of each row, without the rows in bold, which are headings.
ROWS = [
    (cells[0], cells[-1])
    for row in TABLE.splitlines()[2:]
    if not row.startswith("| **") and (cells := [cell.strip() for cell in row.strip("|").split(" | ")])
]
IDS = {check.id for check in ALL_CHECKS}


@pytest.mark.parametrize(("topic", "check"), ROWS, ids=[topic for topic, _ in ROWS])
def test_a_known_difference_names_its_checks_or_a_reason(topic: str, check: str) -> None:
    named = set(re.findall(r"`(\w+\.\w+)`", check))
    assert named or re.match(r"none: \w", check), f"{topic}: name a check, or say why there is none"
    assert named <= IDS


def test_every_row_of_known_differences_has_four_cells() -> None:
    assert len(ROWS) >= 100
    assert [row for row in TABLE.splitlines() if len(re.findall(r"(?<!\\)\|", row)) != 5] == []
