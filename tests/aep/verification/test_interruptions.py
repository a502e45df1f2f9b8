"""
The next verification deletes all objects that an interrupted or killed one left behind.

Every tenth request is interrupted; with ``INTERRUPT_EVERY=1``, each request.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.verification.report import Report
from tests.aep.verification.interruptions import interrupted, left
from tests.conftest import Emulator

EVERY = int(os.environ.get("INTERRUPT_EVERY", "10"))
Verified = Callable[..., Report]


def methods_of_requests(emulator: Emulator) -> list[str]:
    """Return the methods of all requests that an interruption counts."""
    return [request["method"] for request in emulator.requests() if not request["path"].startswith("/ims")]


@pytest.mark.parametrize("is_fatal", [False, True], ids=["interrupted", "killed"])
@pytest.mark.parametrize("is_answered", [False, True], ids=["before", "after"])
def test_the_next_run_deletes_what_an_interruption_left_behind(
    emulator: Emulator, make_client: Callable[..., Client], verified: Verified, is_answered: bool, is_fatal: bool
) -> None:
    verified(by=make_client(), quick=True)
    assert left(emulator) == {}
    methods = methods_of_requests(emulator)
    for at in range(0, len(methods), EVERY):
        emulator.reset()
        with interrupted(client := make_client(), at, is_answered, is_fatal):
            verified(by=client, quick=True)
        if not is_fatal and "DELETE" not in methods[:at]:
            assert left(emulator) == {}, f"left by a run that was interrupted at request {at}"
        verified("field_group.readable", by=make_client(), quick=True)
        assert left(emulator) == {}, f"left by the run after one that ended at request {at}"


@pytest.mark.parametrize(
    "collection",
    [
        "fieldgroups",
        "schemas",
        "dataSets",
        "mappingSets",
        "connections",
        "sourceConnections",
        "targetConnections",
        "flows",
    ],
)
def test_the_object_of_an_unanswered_creation_is_found_and_deleted(
    emulator: Emulator, verified: Verified, collection: str
) -> None:
    emulator.fail("apply_then_drop", method="POST", path=f"*/{collection}", times=1)
    report = verified(quick=True)
    assert any("was not answered" in finding.reason for _, finding in report.findings)
    assert left(emulator) == {}


def test_objects_that_cannot_be_deleted_are_reported_by_kind(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("status", method="DELETE", path="*/mappingSets/*", times=None, status=405)
    assert verified("mapping_set.listed").left == ["mapping_set"] * 3
    assert [len(items) for items in left(emulator).values()] == [3]
