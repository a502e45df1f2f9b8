"""The announcement of a verification, and its limits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.verification.announcement import announcement
from airflow_provider_payments.aep.verification.findings import Outcome
from airflow_provider_payments.aep.verification.kinds import KINDS, max_objects
from airflow_provider_payments.aep.verification.options import VerificationOptions
from airflow_provider_payments.aep.verification.report import Report
from tests.aep.verification.conftest import CREDENTIAL
from tests.aep.verification.interruptions import left
from tests.conftest import PAYPAL, Emulator

Verified = Callable[..., Report]
ALL = VerificationOptions("dev", PAYPAL, SOURCES["paypal"], CREDENTIAL, ingest=True)
QUICK = VerificationOptions("dev", PAYPAL, SOURCES["paypal"], CREDENTIAL, ingest=True, quick=True)
#: Requests of the search for objects of earlier runs: a list of each kind.
LISTS = len(KINDS)
KINDS_BY_PATH = {kind.path: name for name, kind in KINDS.items()}


def count_created(emulator: Emulator) -> Counter[str]:
    """Return the number of created objects by kind."""
    posts = [request for request in emulator.requests(method="POST") if request["status"] < 300]
    return Counter(KINDS_BY_PATH[request["path"]] for request in posts if request["path"] in KINDS_BY_PATH)


def announced(options: VerificationOptions) -> int:
    (number,) = re.findall(r"up to (\d+) objects", announcement(options))
    return int(number)


@pytest.mark.parametrize("quick", [False, True], ids=["all", "quick"])
def test_a_verification_creates_and_sends_no_more_than_announced(
    emulator: Emulator, verified: Verified, quick: bool
) -> None:
    announced_texts: list[str] = []
    report = verified(quick=quick, announce=announced_texts.append)
    options = QUICK if quick else ALL
    assert announced_texts == [announcement(options)]
    numbers = count_created(emulator)
    assert numbers.total() <= announced(options)
    size = options.objects_per_kind
    assert {kind: count for kind, count in numbers.items() if not size <= count <= max_objects(kind, size)} == {}
    assert report.requests <= options.max_requests + LISTS
    assert "the number of" not in "".join(finding.reason for _, finding in report.findings)


def test_an_announcement_depends_on_the_options() -> None:
    assert announced(ALL) > announced(VerificationOptions("dev", PAYPAL)) > announced(VerificationOptions("dev"))
    assert "3 of each kind" in announcement(ALL)
    assert "one of each kind" in announcement(QUICK)
    assert f"at most {QUICK.max_requests} requests" in announcement(QUICK)
    assert "Rows are ingested into its own dataset, which is deleted too." in announcement(ALL)
    assert "It ingests no rows." in announcement(VerificationOptions("dev"))
    remaining = [f"{max_objects(kind, 3)} {KINDS[kind]}s" for kind in ("mapping_set", "schema", "field_group")]
    assert f"Up to {remaining[0]}, {remaining[1]} and {remaining[2]} remain" in announcement(ALL)


def test_requests_for_objects_of_others_do_not_count_towards_the_limit(emulator: Emulator, verified: Verified) -> None:
    emulator.control("POST", "seed", json={"sandbox": "dev", "dataflows": 4000})
    report = verified("dataflow", "dataset", quick=True)
    assert report.requests > QUICK.max_requests / 2
    assert "the number of" not in "".join(finding.reason for _, finding in report.findings)
    assert report.contradicted == []


def test_checks_beyond_the_request_limit_are_not_tried_and_all_objects_deleted(
    emulator: Emulator, verified: Verified
) -> None:
    # No object can be read, so each is polled.
    for collection in (kind.collection for name, kind in KINDS.items() if name != "base_connection"):
        emulator.fail("status", method="GET", path=f"*/{collection}/*", status=404, times=None)
    report = verified(quick=True)
    reasons = {finding.reason for _, finding in report.findings if finding.outcome is Outcome.NOT_TRIED}
    assert "the number of requests that checks may send is reached" in reasons
    assert report.requests <= QUICK.max_requests + LISTS
    assert left(emulator) == {}
