"""Checks of refusals: of requests without a valid token, with another organisation or sandbox, and with unknown ids."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, ClassVar

import attrs

from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.errors import NotFoundError, Problem
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.http.retries import is_token_refused
from airflow_provider_payments.aep.services import ACCEPT_ONE, SANDBOXES, segment
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.listing import LISTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.verification.probe import Answer
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: The services whose refusals are checked. The sandbox list is the same for any sandbox that a request names.
SERVICES = (*LISTINGS, "sandboxes")
#: An organisation that does not exist.
OTHER_ORGANISATION = "000000000000000000000000@AdobeOrg"


@attrs.frozen
class NoToken:
    """A credential without a token."""

    client_id: str

    renewable: ClassVar[bool] = False

    def token(self) -> None:
        """Return no token."""
        return

    def reject(self, token: str | None) -> bool:
        """Return that no new token replaces a rejected one."""
        return False


@attrs.frozen
class Case:
    """
    A request that is refused.

    :param id: the last part of the check's id.
    :param sent: the request, as a noun phrase.
    :param answered: the assumed refusal, as the end of a sentence.
    :param source: the code that relies on the refusal.
    :param services: the services to which the request is sent.
    :param client: returns the client that sends the request.
    :param is_as_assumed: returns whether an answer is the assumed refusal.
    """

    id: str
    sent: str
    answered: str
    source: str
    services: tuple[str, ...]
    client: Callable[[Trial], Client]
    is_as_assumed: Callable[[Answer], bool]


def _without_token(trial: Trial) -> Client:
    return attrs.evolve(trial.client, credential=NoToken(trial.client.credential.client_id))


def _with_invalid_token(trial: Trial) -> Client:
    return attrs.evolve(trial.client, credential=AccessToken(trial.client.credential.client_id, "not-a-token"))


def _of_other_organisation(trial: Trial) -> Client:
    return attrs.evolve(trial.client, org_id=OTHER_ORGANISATION)


def _in_other_sandbox(trial: Trial) -> Client:
    return attrs.evolve(trial.client, sandbox=f"verify-{trial.objects.serial}")


# ---- assumed refusals ----------------------------------------------------------------------------------------------


def _is_credential_refused(answer: Answer) -> bool:
    return answer.status in (401, 403) and answer.form == "json"


def _is_token_refused(answer: Answer) -> bool:
    return is_token_refused(answer.status, answer.code) and answer.form == "json"


def _is_organisation_refused(answer: Answer) -> bool:
    return answer.form == "json" and re.fullmatch(r"403025|400003|FLOW-200\d-\d{3}", answer.code) is not None


def _is_sandbox_refused(answer: Answer) -> bool:
    return answer.form == "json" and re.fullmatch(r"FLOW-21(0[0-8]|1[0-3])-\d{3}", answer.code) is not None


def _is_refused(answer: Answer) -> bool:
    return answer.form == "json" and 400 <= answer.status < 500


def _is_not_found(answer: Answer, service: str) -> bool:
    """Return whether the client takes an answer for the service's report that an object does not exist."""
    if service == "catalog" and answer.body == {}:
        return True
    problem = Problem(code=answer.code, title="refused" if answer.form == "json" else "")
    return NotFoundError.matches(answer.status, problem)


CASES = (
    Case(
        "no_token",
        "a request without a token",
        "with 401 or 403 and a JSON answer",
        "the gateway's 403010; `part_at_fault` in `hooks/connection.py`",
        SERVICES,
        _without_token,
        _is_credential_refused,
    ),
    Case(
        "invalid_token",
        "a request with an invalid token",
        "with 401 and the code 401013",
        "`is_token_refused` in `aep/http/retries.py`: then the client requests a new token",
        SERVICES,
        _with_invalid_token,
        _is_token_refused,
    ),
    Case(
        "wrong_organisation",
        "a request that names another organisation",
        "with 403025, 400003 or FLOW-200x",
        "`part_at_fault` in `hooks/connection.py`",
        SERVICES,
        _of_other_organisation,
        _is_organisation_refused,
    ),
    Case(
        "wrong_sandbox",
        "a request for an unknown sandbox",
        "with a code from FLOW-2100 to FLOW-2113",
        "`part_at_fault` in `hooks/connection.py`",
        ("flow_service",),
        _in_other_sandbox,
        _is_sandbox_refused,
    ),
    Case(
        "wrong_sandbox",
        "a request for an unknown sandbox",
        "with a JSON answer",
        "`aep/http/answers.py`: only such a refusal is final",
        ("schema_registry", "catalog", "data_prep"),
        _in_other_sandbox,
        _is_refused,
    ),
)


# ---- requests ------------------------------------------------------------------------------------------------------


def _list_of(service: str) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
    """Return the path, the parameters and the headers of a query for one item of a service's list."""
    if service == "sandboxes":
        return f"{SANDBOXES}/", {"limit": "1", "offset": "0"}, {}
    listing = LISTINGS[service]
    return KINDS[listing.kind].path, {**listing.params, "limit": "1"}, listing.headers


def _unknown_id(trial: Trial, service: str) -> str:
    """Return an id that no object has, in the form of the service's ids."""
    new = uuid.uuid4()
    if service == "schema_registry":
        return f"https://ns.adobe.com/{schema_registry.tenant_id(trial.client)}/mixins/{new.hex}"
    return {"flow_service": str(new), "catalog": new.hex[:24], "data_prep": new.hex}[service]


# ---- the checks ----------------------------------------------------------------------------------------------------


def _refuses(service: str, case: Case) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        path, params, headers = _list_of(service)
        answer = trial.probe.send("GET", path, params, headers=headers, sender=case.client(trial))
        return judged(case.is_as_assumed(answer), **answer.summary)

    return run


def _reports_unknown_id(service: str) -> Callable[[Trial], Finding]:
    listing = LISTINGS[service]

    def run(trial: Trial) -> Finding:
        path = f"{KINDS[listing.kind].path}/{segment(_unknown_id(trial, service))}"
        # Only Data Prep numbers the versions of its objects.
        params = {"version": "0"} if service == "data_prep" else None
        headers = {"Accept": ACCEPT_ONE} if service == "schema_registry" else None
        # With an explicit sender any refusal is an answer, including one that concerns permissions.
        answer = trial.probe.send("GET", path, params, headers=headers, sender=trial.client)
        return judged(_is_not_found(answer, service), **answer.summary)

    return run


def _checks_of(service: str) -> Iterator[Check]:
    title = LISTINGS[service].title if service in LISTINGS else "Sandbox Management"
    title = f"{title[0].upper()}{title[1:]}"
    for case in CASES:
        if service in case.services:
            assumption = f"{title} refuses {case.sent} {case.answered}."
            yield Check(f"{service}.{case.id}", assumption, case.source, f"send {case.sent}", _refuses(service, case))
    if service in LISTINGS:
        yield Check(
            f"{service}.unknown_id",
            f"{title} answers 404 in its own JSON for an id that it does not know.",
            "`NotFoundError` in `aep/errors.py`: only then does an object no longer exist",
            f"read a {KINDS[LISTINGS[service].kind]} by a random id",
            _reports_unknown_id(service),
        )


CHECKS = tuple(check for service in SERVICES for check in _checks_of(service))
