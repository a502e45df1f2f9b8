"""Checks of what the gateway in front of the services answers: to odd headers, and to a path of no service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.services import FLOW_SERVICE
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.listing import LISTINGS
from airflow_provider_payments.aep.verification.refusals import Unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

ORGANISATION = "x-gw-ims-org-id"
#: An organisation's id that lacks its end, and the id of no sandbox.
MALFORMED, SANDBOX_ID = "payments-verify", "00000000-0000-4000-8000-000000000000"


def _listed_with(trial: Trial, service: str, headers: Mapping[str, str]) -> Seen:
    """Ask for one item of a list with headers in the place of, or besides, the usual ones."""
    listing = LISTINGS[service]
    params = {**listing.params, "limit": "1"}
    headers = {**listing.headers, **headers}
    return trial.probe.send("GET", KINDS[listing.kind].path, params, headers=headers, by=trial.client)


def _refuses(service: str, headers: Mapping[str, str], codes: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        seen = _listed_with(trial, service, headers)
        return judged(re.fullmatch(codes, seen.code) is not None, **seen.shown)

    return ask


def _knows_no_path(trial: Trial) -> Finding:
    unsigned = attrs.evolve(trial.client, credential=Unsigned(trial.client.credential.client_id))
    seen = trial.probe.send("GET", f"{FLOW_SERVICE}/paymentsVerify", by=unsigned)
    return judged(seen.status == 404 and seen.form == "html", **seen.shown)


def _check(check_id: str, assumption: str, source: str, question: str, ask: Callable[[Trial], Finding]) -> Check:
    return Check(check_id, assumption, f"the emulator; {source}", question, ask, (Need.WHOLE,))


_ORGANISATION_SOURCE = "two documents name different answers"
_SANDBOX_SOURCE = "Flow Service's catalogue of errors"

CHECKS = (
    _check(
        "flow_service.empty_organisation",
        "Flow Service refuses an empty header `x-gw-ims-org-id` with FLOW-2001.",
        _ORGANISATION_SOURCE,
        "list one item so",
        _refuses("flow_service", {ORGANISATION: ""}, r"FLOW-2001-\d{3}"),
    ),
    _check(
        "catalog.empty_organisation",
        "The Catalog refuses an empty header `x-gw-ims-org-id` with 400003.",
        _ORGANISATION_SOURCE,
        "list one item so",
        _refuses("catalog", {ORGANISATION: ""}, "400003"),
    ),
    _check(
        "flow_service.malformed_organisation",
        "An organisation's id that does not end in `@AdobeOrg` is refused with 403027.",
        _ORGANISATION_SOURCE,
        "list one item of Flow Service so",
        _refuses("flow_service", {ORGANISATION: MALFORMED}, "403027"),
    ),
    _check(
        "flow_service.unknown_path",
        "A path of no service is answered with an HTML 404 before the token is looked at.",
        "seen live with a token",
        "send a request without a token to such a path below Flow Service's",
        _knows_no_path,
    ),
    _check(
        "flow_service.sandbox_id",
        "Flow Service refuses the header `x-sandbox-id` with one of FLOW-2110 to FLOW-2113.",
        _SANDBOX_SOURCE,
        "list one item with it",
        _refuses("flow_service", {"x-sandbox-id": SANDBOX_ID}, r"FLOW-211[0-3]-\d{3}"),
    ),
    _check(
        "flow_service.every_sandbox",
        "Flow Service refuses the sandbox `*` with one of FLOW-2110 to FLOW-2113.",
        _SANDBOX_SOURCE,
        "list one item so",
        _refuses("flow_service", {"x-sandbox-name": "*"}, r"FLOW-211[0-3]-\d{3}"),
    ),
)
