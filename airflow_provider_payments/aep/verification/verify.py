"""Run the checks of the catalogue against a sandbox, and always delete the objects that were created for them."""

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
from airflow_provider_payments.aep.verification.probe import Probe, RequestBudget, failure_text
from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.aep.verification.source import read_source
from airflow_provider_payments.aep.verification.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.sources import Source
    from airflow_provider_payments.aep.verification.checks import Check, Need
    from airflow_provider_payments.aep.verification.options import VerificationOptions

__all__ = ["verify"]


def verify(
    client: Client,
    options: VerificationOptions,
    announce: Callable[[str], None],
    show: Callable[[str], None] = lambda step: None,
) -> Report:
    """
    Verify a sandbox and return the report. After an interruption, delete the created objects and raise it again.

    :param announce: called before the first request, with a text about the objects that will be created and those that
        may remain.
    :param show: called with the name of each step before it begins, such as the id of a check.
    :raises InvalidInputError: if the options do not fit the connection or the sandbox; no object was created then.
    :raises PlatformError: if no check can be run, for example because the marked objects cannot be listed.
    """
    findings = []
    _check_connection(client, options)
    announce(announcement(options))
    with RequestBudget.of(client, options.max_requests) as budget:
        if not options.allow_production:
            _check_type(client)
        objects = Objects(Probe(client, budget), None, options.objects_per_kind)
        try:
            show("deleting objects of earlier runs")
            objects.remove_leftovers()
            trial = Trial(objects.probe, objects)
            _find_source(trial, options)
            for check in options.checks:
                show(check.id)
                findings.append((check, _finding(trial, check, options.met_needs)))
        finally:
            show("deleting the created objects")
            objects.remove_all()
    day = datetime.fromtimestamp(client.now(), UTC).date().isoformat()
    return Report(findings, options.quick, options.ingest, day, budget.sent, objects.left)


def _check_connection(client: Client, options: VerificationOptions) -> None:
    """Raise unless ``sandbox`` is the connection's, and the connection may write and marks its objects."""
    if options.sandbox != client.sandbox:
        allowed = f"repeat the name of the connection's sandbox, {client.sandbox!r}"
        raise InvalidInputError("sandbox", options.sandbox, allowed)
    if client.read_only:
        raise InvalidInputError("read_only", True, "a verification creates objects; the connection must allow writes")
    if not client.marks:
        allowed = (
            "a verification finds the objects to delete by their marks; remove `marks` from the connection's extra"
        )
        raise InvalidInputError("marks", False, allowed)


def _check_type(client: Client) -> None:
    """Raise unless the sandbox is known to be of type development."""
    kind = _type_of_sandbox(client)
    if kind != "development":
        found = f"is of type {kind}, not development" if kind else "has a type that cannot be read"
        allowed = f"sandbox {client.sandbox!r} {found}; set this option to verify it all the same"
        raise InvalidInputError("allow_production", False, allowed)


def _type_of_sandbox(client: Client) -> str:
    """Return the type of the client's sandbox; empty if the service does not report or refuses it."""
    try:
        return sandboxes.types(client).get(client.sandbox, "")
    except RequestError as error:
        if error.failure is not Failure.FINAL:
            raise
        return ""


def _find_source(trial: Trial, options: VerificationOptions) -> None:
    """Set the source of the verification's objects, if the options name one."""
    client, base_id = trial.client, options.base_connection_id
    if base_id is None and options.credential and options.source:
        base_id = _create_base_connection(trial, options.source, options.credential)
    if base_id is None:
        return
    try:
        trial.objects.source = read_source(client, base_id, options.credential)
    except NotFoundError:
        allowed = f"the id of a base connection of sandbox {client.sandbox!r}"
        raise InvalidInputError("base_connection_id", base_id, allowed) from None


def _create_base_connection(trial: Trial, source: Source, credential: Mapping[str, str]) -> str:
    """Create a base connection, and return its id as soon as the object can be read."""
    name = trial.objects.name("base_connection")
    desired = BaseConnection(name=name, source=source, credential=credential)
    try:
        created = trial.objects.create("base_connection", desired=desired)
        return trial.read("base_connection", created.id).id
    except NotTriedError as error:
        raise UnsettledError(f"The base connection of the verification cannot be used: {error}") from None


def _finding(trial: Trial, check: Check, met_needs: set[Need]) -> Finding:
    """Run a check and return its finding; a check that cannot be completed was not tried."""
    missing = [need for need in check.needs if need not in met_needs]
    if missing:
        return Finding(Outcome.NOT_TRIED, reason=f"it needs {missing[0]}")
    try:
        return check.run(trial)
    except NotTriedError as error:
        return Finding(Outcome.NOT_TRIED, reason=str(error))
    except RequestError as error:
        return Finding(Outcome.NOT_TRIED, reason=f"a request that it needs {failure_text(error)}")
    except PlatformError as error:
        return Finding(Outcome.NOT_TRIED, reason=f"it could not be completed: {type(error).__name__}")
