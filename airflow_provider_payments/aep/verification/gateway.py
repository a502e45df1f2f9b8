"""Checks of the gateway in front of the services: its answers to invalid headers, and to an unknown path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.services import FLOW_SERVICE
from airflow_provider_payments.aep.verification.checks import emulator_check
from airflow_provider_payments.aep.verification.findings import Finding, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.listing import LISTINGS
from airflow_provider_payments.aep.verification.refusals import NoToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

ORGANISATION = "x-gw-ims-org-id"
#: An organisation's id without its suffix, and an id that no sandbox has.
MALFORMED, SANDBOX_ID = "payments-verify", "00000000-0000-4000-8000-000000000000"


def _list_with(trial: Trial, service: str, headers: Mapping[str, str]) -> Answer:
    """Query one item of a service's list with additional headers, which replace the usual ones of the same name."""
    listing = LISTINGS[service]
    params = {**listing.params, "limit": "1"}
    headers = {**listing.headers, **headers}
    return trial.probe.send("GET", KINDS[listing.kind].path, params, headers=headers, sender=trial.client)


def _refuses(service: str, headers: Mapping[str, str], codes: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        answer = _list_with(trial, service, headers)
        return judged(re.fullmatch(codes, answer.code) is not None, **answer.summary)

    return run


def _answers_unknown_path(trial: Trial) -> Finding:
    without_token = attrs.evolve(trial.client, credential=NoToken(trial.client.credential.client_id))
    answer = trial.probe.send("GET", f"{FLOW_SERVICE}/paymentsVerify", sender=without_token)
    return judged(answer.status == 404 and answer.form == "html", **answer.summary)


_ORGANISATION_SOURCE = "two documents name different answers"
_SANDBOX_SOURCE = "Flow Service's catalogue of errors"

CHECKS = (
    emulator_check(
        "flow_service.empty_organisation",
        "Flow Service refuses an empty header `x-gw-ims-org-id` with FLOW-2001.",
        _ORGANISATION_SOURCE,
        "list one item with an empty header",
        _refuses("flow_service", {ORGANISATION: ""}, r"FLOW-2001-\d{3}"),
    ),
    emulator_check(
        "catalog.empty_organisation",
        "The Catalog refuses an empty header `x-gw-ims-org-id` with 400003.",
        _ORGANISATION_SOURCE,
        "list one item with an empty header",
        _refuses("catalog", {ORGANISATION: ""}, "400003"),
    ),
    emulator_check(
        "flow_service.malformed_organisation",
        "An organisation's id that does not end in `@AdobeOrg` is refused with 403027.",
        _ORGANISATION_SOURCE,
        "list one item of Flow Service with a malformed id",
        _refuses("flow_service", {ORGANISATION: MALFORMED}, "403027"),
    ),
    emulator_check(
        "flow_service.unknown_path",
        "An unknown path is answered with an HTML 404 before the token is checked.",
        "observed live with a token",
        "send a request without a token to an unknown path below Flow Service's",
        _answers_unknown_path,
    ),
    emulator_check(
        "flow_service.sandbox_id",
        "Flow Service refuses the header `x-sandbox-id` with one of FLOW-2110 to FLOW-2113.",
        _SANDBOX_SOURCE,
        "list one item with this header",
        _refuses("flow_service", {"x-sandbox-id": SANDBOX_ID}, r"FLOW-211[0-3]-\d{3}"),
    ),
    emulator_check(
        "flow_service.every_sandbox",
        "Flow Service refuses the sandbox `*` with one of FLOW-2110 to FLOW-2113.",
        _SANDBOX_SOURCE,
        "list one item of the sandbox `*`",
        _refuses("flow_service", {"x-sandbox-name": "*"}, r"FLOW-211[0-3]-\d{3}"),
    ),
)
