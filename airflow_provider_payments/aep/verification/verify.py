"""Ask a sandbox the checks of the catalogue, and remove what was made for them, whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api import sandboxes
from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError, RequestError
from airflow_provider_payments.aep.resources.flow_service import BaseConnection
from airflow_provider_payments.aep.verification.catalogue import ALL_CHECKS
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, Outcome
from airflow_provider_payments.aep.verification.objects import Objects
from airflow_provider_payments.aep.verification.probe import Pace, Probe, refusal_of
from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.aep.verification.source import read_source
from airflow_provider_payments.aep.verification.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.sources import Source

__all__ = ["Question", "verify"]

MAX_REQUESTS, MAX_QUICK_REQUESTS = 400, 150
#: Objects of each kind.
OBJECTS, QUICK_OBJECTS = 3, 1
#: Requests that are kept for the removal of what was made, besides those for each object.
RESERVE = 20


@attrs.frozen
class Question:
    """
    What the caller asks for.

    :param sandbox: the sandbox's name, as the connection has it too.
    :param base_connection_id: a base connection of any payments source.
    :param source: the vendor of ``credential``.
    :param credential: what a base connection of that vendor logs in with.
    :param only: ids of checks, or their beginnings such as ``dataset``; empty: all.
    :param ingest: whether rows may be brought in.
    :param quick: whether one object of each kind is made.
    :param allow_production: whether a production sandbox may be asked.
    """

    sandbox: str
    base_connection_id: str | None = None
    source: Source | None = None
    credential: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    only: Sequence[str] = ()
    ingest: bool = False
    quick: bool = False
    allow_production: bool = False

    @property
    def checks(self) -> list[Check]:
        """
        The checks that are asked for, in the order in which they are asked.

        :raises InvalidInputError: if an entry of ``only`` names none.
        """
        for name in self.only:
            if not any(_is_named(check, name) for check in ALL_CHECKS):
                topics = sorted({check.id.partition(".")[0] for check in ALL_CHECKS})
                raise InvalidInputError("only", name, f"the id of a check, or one of {', '.join(topics)}")
        return [check for check in ALL_CHECKS if not self.only or any(_is_named(check, name) for name in self.only)]

    @property
    def held(self) -> set[Need]:
        """What checks may need and the caller gives."""
        has_source = bool(self.base_connection_id or self.credential)
        given = {
            Need.SOURCE: has_source,
            Need.VENDOR: bool(self.credential),
            Need.INGEST: self.ingest,
            Need.THREE_OBJECTS: not self.quick,
        }
        return {need for need, is_given in given.items() if is_given}


def _is_named(check: Check, name: str) -> bool:
    return check.id == name or check.id.startswith(f"{name}.")


def verify(client: Client, question: Question, show: Callable[[Check, Finding], None]) -> Report:
    """
    Ask a sandbox; return what was found. An interruption removes what was made, and is raised again.

    :param show: called with each finding.
    :raises InvalidInputError: if the question does not fit the connection or the sandbox; nothing was made then.
    :raises PlatformError: if the sandbox cannot be asked at all.
    """
    checks = question.checks
    check_sandbox(client, question)
    pace = Pace(client, MAX_QUICK_REQUESTS if question.quick else MAX_REQUESTS)
    pace.reserve = RESERVE
    objects = Objects(Probe(client, pace), None, QUICK_OBJECTS if question.quick else OBJECTS)
    trial, findings = Trial(objects.probe, objects), []
    objects.remove_leftovers()
    try:
        _find_source(client, question, objects)
        for check in checks:
            finding = _ask(trial, check, question.held)
            findings.append((check, finding))
            show(check, finding)
    finally:
        objects.remove_all()
    day = datetime.fromtimestamp(client.now(), UTC).date().isoformat()
    return Report(findings, question.quick, question.ingest, day, pace.sent, objects.left)


def check_sandbox(client: Client, question: Question) -> None:
    """
    Refuse another sandbox than the connection's, one that only reads, and a production sandbox that nobody allowed.

    :raises InvalidInputError: saying so.
    """
    if question.sandbox != client.sandbox:
        allowed = f"repeat the name of the connection's sandbox, {client.sandbox!r}"
        raise InvalidInputError("sandbox", question.sandbox, allowed)
    if client.read_only or not client.marks:
        name = "read_only" if client.read_only else "marks"
        raise InvalidInputError(name, client.read_only, "the connection must allow writes, with marks")
    if question.allow_production:
        return
    kind = _type_of_sandbox(client)
    if kind != "development":
        allowed = f"its type is {kind or 'unreadable'}, not development; allow_production verifies it nevertheless"
        raise InvalidInputError("sandbox", client.sandbox, allowed)


def _type_of_sandbox(client: Client) -> str:
    try:
        return sandboxes.types(client).get(client.sandbox, "")
    except RequestError:
        return ""


def _find_source(client: Client, question: Question, objects: Objects) -> None:
    base_id = question.base_connection_id
    if base_id is None and question.credential and question.source:
        desired = BaseConnection(
            name=objects.name("base_connection"), source=question.source, credential=question.credential
        )
        base_id = objects.make("base_connection", desired=desired).existing.id
    if base_id is not None:
        objects.source = read_source(client, base_id, question.credential)


def _ask(trial: Trial, check: Check, held: set[Need]) -> Finding:
    missing = [need for need in check.needs if need not in held]
    if missing:
        return Finding(Outcome.NOT_TRIED, reason=f"it needs {missing[0]}")
    try:
        return check.ask(trial)
    except NotTriedError as error:
        return Finding(Outcome.NOT_TRIED, reason=str(error))
    except RequestError as error:
        return Finding(Outcome.NOT_TRIED, reason=f"a request that it needs {refusal_of(error)}")
    except PlatformError as error:
        return Finding(Outcome.NOT_TRIED, reason=f"it could not be asked: {type(error).__name__}")
