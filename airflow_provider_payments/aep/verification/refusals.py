"""Checks of refusals: of requests without a valid token, of another organisation or sandbox, and of unknown ids."""

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
    from airflow_provider_payments.aep.verification.probe import Seen
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: Sandbox Management is asked which sandboxes there are, whatever a request names.
SERVICES = (*LISTINGS, "sandboxes")
#: An organisation that does not exist.
OTHER_ORGANISATION = "000000000000000000000000@AdobeOrg"


@attrs.frozen
class Unsigned:
    """Signs nothing."""

    client_id: str

    renewable: ClassVar[bool] = False

    def token(self) -> None:
        """Return no token."""
        return

    def reject(self, token: str | None) -> bool:
        """Nothing can replace it."""
        return False


@attrs.frozen
class Case:
    """
    A request that is refused.

    :param id: the end of the check's id.
    :param sent: what is sent.
    :param answered: how it is assumed to be refused.
    :param source: where our code relies on it.
    :param services: those that it is sent to.
    :param client: makes the client that sends it.
    :param holds: whether an answer is as assumed.
    """

    id: str
    sent: str
    answered: str
    source: str
    services: tuple[str, ...]
    client: Callable[[Trial], Client]
    holds: Callable[[Seen], bool]


def _unsigned(trial: Trial) -> Client:
    return attrs.evolve(trial.client, credential=Unsigned(trial.client.credential.client_id))


def _wrongly_signed(trial: Trial) -> Client:
    return attrs.evolve(trial.client, credential=AccessToken(trial.client.credential.client_id, "not-a-token"))


def _of_other_organisation(trial: Trial) -> Client:
    return attrs.evolve(trial.client, org_id=OTHER_ORGANISATION)


def _in_other_sandbox(trial: Trial) -> Client:
    return attrs.evolve(trial.client, sandbox=f"verify-{trial.objects.serial}")


# ---- what is assumed -----------------------------------------------------------------------------------------------


def _is_credential_refused(seen: Seen) -> bool:
    return seen.status in (401, 403) and seen.form == "json"


def _is_token_refused(seen: Seen) -> bool:
    return is_token_refused(seen.status, seen.code) and seen.form == "json"


def _is_organisation_refused(seen: Seen) -> bool:
    return seen.form == "json" and re.fullmatch(r"403025|400003|FLOW-200\d-\d{3}", seen.code) is not None


def _is_sandbox_refused(seen: Seen) -> bool:
    return seen.form == "json" and re.fullmatch(r"FLOW-21(0[0-8]|1[0-3])-\d{3}", seen.code) is not None


def _is_refused(seen: Seen) -> bool:
    return seen.form == "json" and 400 <= seen.status < 500


def _is_gone(seen: Seen, service: str) -> bool:
    """Whether our readers understand it as the service's word that there is no such object."""
    if service == "catalog" and seen.body == {}:
        return True
    problem = Problem(code=seen.code, title="refused" if seen.form == "json" else "")
    return NotFoundError.is_meant(seen.status, problem)


CASES = (
    Case(
        "no_token",
        "a request without a token",
        "with 401 or 403, in JSON",
        "the gateway's 403010; `part_at_fault` in `hooks/connection.py`",
        SERVICES,
        _unsigned,
        _is_credential_refused,
    ),
    Case(
        "invalid_token",
        "a request with an invalid token",
        "with 401 and the code 401013",
        "`is_token_refused` in `aep/http/retries.py`: then a new token is asked for",
        SERVICES,
        _wrongly_signed,
        _is_token_refused,
    ),
    Case(
        "wrong_organisation",
        "a request in the name of another organisation",
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
        "in JSON",
        "`aep/http/answers.py`: only then is it final",
        ("schema_registry", "catalog", "data_prep"),
        _in_other_sandbox,
        _is_refused,
    ),
)


# ---- where it is sent ----------------------------------------------------------------------------------------------


def _list_of(service: str) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
    """Return the path, the parameters and the headers that ask for one item of a list."""
    if service == "sandboxes":
        return f"{SANDBOXES}/", {"limit": "1", "offset": "0"}, {}
    listing = LISTINGS[service]
    return KINDS[listing.kind].path, {**listing.params, "limit": "1"}, listing.headers


def _unknown_id(trial: Trial, service: str) -> str:
    """Return an id of no object, in the form that the service gives ids."""
    new = uuid.uuid4()
    if service == "schema_registry":
        return f"https://ns.adobe.com/{schema_registry.tenant_id(trial.client)}/mixins/{new.hex}"
    return {"flow_service": str(new), "catalog": new.hex[:24], "data_prep": new.hex}[service]


# ---- the checks ----------------------------------------------------------------------------------------------------


def _refuses(service: str, case: Case) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        path, params, headers = _list_of(service)
        seen = trial.probe.send("GET", path, params, headers=headers, by=case.client(trial))
        return judged(case.holds(seen), **seen.shown)

    return ask


def _knows_no(service: str) -> Callable[[Trial], Finding]:
    listing = LISTINGS[service]

    def ask(trial: Trial) -> Finding:
        path = f"{KINDS[listing.kind].path}/{segment(_unknown_id(trial, service))}"
        # Only Data Prep numbers the versions of its objects.
        params = {"version": "0"} if service == "data_prep" else None
        headers = {"Accept": ACCEPT_ONE} if service == "schema_registry" else None
        # Any refusal is an answer here, one that speaks of permissions too.
        seen = trial.probe.send("GET", path, params, headers=headers, by=trial.client)
        return judged(_is_gone(seen, service), **seen.shown)

    return ask


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
            f"read a {KINDS[LISTINGS[service].kind]} by an invented id",
            _knows_no(service),
        )


CHECKS = tuple(check for service in SERVICES for check in _checks_of(service))
