"""Ask a sandbox the checks of the catalogue, and remove what was made for them, whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import sandboxes
from airflow_provider_payments.aep.errors import (
    Failure,
    InvalidInputError,
    NotFoundError,
    PlatformError,
    RequestError,
    UnsettledError,
)
from airflow_provider_payments.aep.resources.flow_service import BaseConnection
from airflow_provider_payments.aep.verification.announcement import announcement
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, Outcome
from airflow_provider_payments.aep.verification.objects import Objects
from airflow_provider_payments.aep.verification.probe import Pace, Probe, refusal_of
from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.aep.verification.source import read_source
from airflow_provider_payments.aep.verification.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.sources import Source
    from airflow_provider_payments.aep.verification.checks import Check, Need
    from airflow_provider_payments.aep.verification.question import Question

__all__ = ["verify"]


def verify(
    client: Client, question: Question, announce: Callable[[str], None], show: Callable[[str], None] = lambda what: None
) -> Report:
    """
    Ask a sandbox; return what was found. An interruption removes what was made, and is raised again.

    :param announce: called before the first request, with what will be made, and what may stay.
    :param show: called with what is done next, such as the id of a check.
    :raises InvalidInputError: if the question does not fit the connection or the sandbox; nothing was made then.
    :raises PlatformError: if the sandbox cannot be asked at all.
    """
    findings = []
    _check_connection(client, question)
    announce(announcement(question))
    with Pace.of(client, question.max_requests) as pace:
        if not question.allow_production:
            _check_type(client)
        objects = Objects(Probe(client, pace), None, question.objects)
        try:
            show("removing what an earlier run has left")
            objects.remove_leftovers()
            trial = Trial(objects.probe, objects)
            _find_source(trial, question)
            for check in question.checks:
                show(check.id)
                findings.append((check, _ask(trial, check, question.held)))
        finally:
            show("removing what was made")
            objects.remove_all()
    day = datetime.fromtimestamp(client.now(), UTC).date().isoformat()
    return Report(findings, question.quick, question.ingest, day, pace.sent, objects.left)


def _check_connection(client: Client, question: Question) -> None:
    """Refuse another sandbox than the connection's, and one whose connection writes no objects or no marks."""
    if question.sandbox != client.sandbox:
        allowed = f"repeat the name of the connection's sandbox, {client.sandbox!r}"
        raise InvalidInputError("sandbox", question.sandbox, allowed)
    if client.read_only:
        raise InvalidInputError("read_only", True, "a verification makes objects; the connection must allow that")
    if not client.marks:
        allowed = "a verification finds what it has to delete by its marks; remove `marks` from the connection's extra"
        raise InvalidInputError("marks", False, allowed)


def _check_type(client: Client) -> None:
    """Refuse a sandbox that is not, or may not be, of type development."""
    kind = _type_of_sandbox(client)
    if kind != "development":
        found = f"is of type {kind}, not development" if kind else "has a type that cannot be read"
        allowed = f"sandbox {client.sandbox!r} {found}; it is verified only where this is set"
        raise InvalidInputError("allow_production", False, allowed)


def _type_of_sandbox(client: Client) -> str:
    """Return its type, empty where the service does not say it."""
    try:
        return sandboxes.types(client).get(client.sandbox, "")
    except RequestError as error:
        if error.failure is not Failure.FINAL:
            raise
        return ""


def _find_source(trial: Trial, question: Question) -> None:
    client, base_id = trial.client, question.base_connection_id
    if base_id is None and question.credential and question.source:
        base_id = _make_base_connection(trial, question.source, question.credential)
    if base_id is None:
        return
    try:
        trial.objects.source = read_source(client, base_id, question.credential)
    except NotFoundError:
        allowed = f"the id of a base connection of sandbox {client.sandbox!r}"
        raise InvalidInputError("base_connection_id", base_id, allowed) from None


def _make_base_connection(trial: Trial, source: Source, credential: Mapping[str, str]) -> str:
    """Return the id of a new base connection, once it can be read."""
    name = trial.objects.name("base_connection")
    desired = BaseConnection(name=name, source=source, credential=credential)
    try:
        made = trial.objects.make("base_connection", desired=desired)
        return trial.read("base_connection", made.existing.id).id
    except NotTriedError as error:
        raise UnsettledError(f"The base connection of the verification cannot be used: {error}") from None


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
