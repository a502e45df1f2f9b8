"""Emulator settings that contradict the checks of list parameters, refusals and the clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.conftest import Emulator

SERVICES = ("flow_service", "schema_registry", "catalog", "data_prep")
FLOW_SERVICE = "/data/foundation/flowservice"


def behave(option: str, member: str, value: Any, emulator: Emulator) -> None:
    emulator.control("PUT", "options", json={option: {member: value}})


def answer(path: str, status: int, body: Any, emulator: Emulator, nth: int = 1) -> None:
    emulator.fail("status", method="GET", path=path, nth=nth, times=None, status=status, body=body)


def announce_rate_limit(emulator: Emulator) -> None:
    emulator.fail(
        "status",
        path=f"{FLOW_SERVICE}/connections",
        times=None,
        status=200,
        body={"items": []},
        headers={"X-RateLimit-Limit": "60"},
    )


def shorten_tokens(emulator: Emulator) -> None:
    emulator.control("PUT", "options", json={"token_seconds": 1800})


def move_dates(emulator: Emulator) -> None:
    emulator.control("PUT", "options", json={"dates_ahead": 60})


question = partial(partial, behave, "questions")
refusal = partial(partial, behave, "refusals")

#: A treatment of each list parameter that differs from the assumed one.
QUESTIONS = {
    "flow_service.start": "honoured",
    "schema_registry.start": "ignored",
    "catalog.start": "ignored",
    "data_prep.start": "refused",
    "flow_service.unknown_parameter": "ignored",
    **{f"{service}.unknown_parameter": "refused" for service in SERVICES[1:]},
    **{f"{service}.order": "ignored" for service in SERVICES},
    **{f"{service}.name_filter": "ignored" for service in SERVICES},
    **{f"{service}.non_ascii_names": "ignored" for service in SERVICES},
    **{f"{service}.quoted_names": "refused" for service in SERVICES},
    "flow_service.filter_ids": "ignored",
    "flow_service.filter_created": "refused",
    "flow_service.filter_last_run_started": "ignored",
    "flow_service.continuation_token": "ignored",
}
#: Page limits that differ from the assumed ones.
PAGE_LIMITS = {
    "flow_service": {"maximum": 100, "above": "refused"},
    "schema_registry": {"maximum": 100, "above": "refused"},
    "data_prep": {"maximum": 100, "above": "refused"},
}
#: An answer in place of each refusal.
REFUSALS = {
    "no_token": {"status": 400, "code": "400099", "form": "json"},
    "invalid_token": {"status": 403, "code": "403010", "form": "json"},
    "wrong_organisation": {"status": 403, "code": "403099", "form": "json"},
    "wrong_sandbox": {"status": 502, "code": "", "form": "html"},
    "unknown_id": {"status": 404, "code": "", "form": "html"},
}

CONTRADICTIONS: dict[str, Callable[[Emulator], object]] = {
    **{check: question(check, value) for check, value in QUESTIONS.items()},
    **{f"{service}.pages": partial(behave, "page_limits", service, limits) for service, limits in PAGE_LIMITS.items()},
    **{
        f"{service}.{case}": refusal(f"{service}.{case}", answered)
        for service in SERVICES
        for case, answered in REFUSALS.items()
    },
    **{
        f"sandboxes.{case}": refusal(f"sandboxes.{case}", REFUSALS[case])
        for case in ("no_token", "invalid_token", "wrong_organisation")
    },
    # The first list is the search for objects of earlier runs.
    "catalog.pages": partial(answer, "/data/foundation/catalog/dataSets", 200, {"1": {}, "2": {}}, nth=2),
    "flow_service.filter_dataset": partial(
        answer, f"{FLOW_SERVICE}/targetConnections", 400, {"title": "No such filter"}, nth=2
    ),
    "flow_service.filter_runs": partial(answer, f"{FLOW_SERVICE}/runs", 200, {"items": [{"id": "1", "flowId": "2"}]}),
    # The first list finds the flow spec of the dataflow.
    "flow_service.filter_flow_specs": partial(
        answer, f"{FLOW_SERVICE}/flowSpecs", 200, {"items": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]}, nth=2
    ),
    "catalog.filter_batches": partial(
        answer, "/data/foundation/catalog/batches", 200, {"1": {"relatedObjects": [{"type": "dataSet", "id": "2"}]}}
    ),
    "schema_registry.descriptors": partial(
        answer, "/data/foundation/schemaregistry/tenant/descriptors", 406, {"title": "Not acceptable"}
    ),
    # The first list is the check that the sandbox is of type development.
    "sandboxes.listed": partial(answer, "/data/foundation/sandbox-management", 200, {"sandboxes": []}, nth=2),
    "clock.date": move_dates,
    "clock.rate_limit": announce_rate_limit,
    "clock.token_lifetime": shorten_tokens,
}
