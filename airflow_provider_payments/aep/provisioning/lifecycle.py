"""
Changes of an existing dataflow's state: enable, disable, publish.

Nothing is sent if the state is already the requested one, and after each write the object is read again. So a lost
answer, a killed try and a repeat have the same outcome. A request whose answer was lost may take effect late; success
is not reported before the settle time has elapsed. Sources: Adobe's tutorials "Update dataflows" and "Create a draft",
and its OpenAPI file.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.api.settling import MAX_REQUESTS, Settling
from airflow_provider_payments.aep.errors import (
    Failure,
    InvalidInputError,
    NotFoundError,
    RequestError,
    UnsettledError,
)
from airflow_provider_payments.aep.http.retries import FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.finding import find_object
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.switches import Action, send_action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject

__all__ = ["await_earlier_tries", "connections_of", "find_dataflow", "publish", "state_of", "switch_to"]

#: The operators' argument that names the dataflow, for error messages.
ARGUMENT = "dataflow"
#: Seconds before each of the reads that follow a write.
READ_DELAYS_SECONDS = (0.0, 2.0, 4.0)
#: States that do not change by themselves; all others are transitional.
_STABLE_STATES = frozenset({"enabled", "disabled", "draft"})
#: Action -> the states in which it has been carried out.
_TARGET_STATES: dict[Action, frozenset[str]] = {
    "enable": frozenset({"enabled"}),
    "disable": frozenset({"disabled"}),
    "publish": frozenset({"enabled", "disabled"}),
}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def find_dataflow(client: Client, id_or_name: str) -> RemoteObject:
    """
    Return the dataflow of an id, or of a name that only one dataflow has.

    :raises AbsentError: if there is none; the error names the most similar dataflow.
    :raises InvalidInputError: if several dataflows have the name; the error names their ids.
    :raises RequestError: if a request still fails after its retries.
    """
    if _ID.fullmatch(id_or_name):  # read by id, without the lists
        try:
            existing = patiently(client, partial(DATAFLOW.get, client, id_or_name))
        except NotFoundError:
            pass
        else:
            if not DATAFLOW.is_being_deleted(DATAFLOW.fields_of(existing)):
                return existing
    return find_object(client, DATAFLOW, id_or_name, argument=ARGUMENT)


# ---- states --------------------------------------------------------------------------------------------------------


def await_earlier_tries(client: Client, attempt: int) -> None:
    """
    Wait until a request that an earlier try of a task may have sent has taken effect, or never will.

    :param attempt: the number of this try; the first one does not wait.
    """
    if attempt > 1:
        settling = Settling(client, "the last request of an earlier try", DATAFLOW.settle_seconds(client))
        with client.transport.within(client.operation_timeout):
            settling.sleep(settling.seconds_after_sending, "to take effect")


def state_of(kind: Kind, existing: RemoteObject) -> str:
    """
    Return an object's state as the service names it, or an empty string if it has none.

    :raises UnreadableError: if the state is not a string.
    """
    return kind.fields_of(existing).text("state") or ""


def switch_to(client: Client, dataflow: RemoteObject, action: Action) -> RemoteObject:
    """
    Enable or disable a dataflow, and return the dataflow as it was read after that.

    Nothing is sent if the dataflow is in the requested state already.

    :raises InvalidInputError: for a draft, which can be neither enabled nor disabled.
    :raises UnsettledError: if the dataflow does not reach the new state in time; a later try reads it again.
    :raises RequestError: if the service refuses, or if a request still fails after its retries.
    """
    state = state_of(DATAFLOW, dataflow)
    if state in _TARGET_STATES[action]:
        return dataflow
    if state == "draft":
        allowed = f"dataflow {dataflow.id} is a draft: publish it first (PublishDataflowOperator)"
        raise InvalidInputError(ARGUMENT, dataflow.id, allowed)
    return _change(client, DATAFLOW, dataflow, action)


def publish(
    client: Client, dataflow: RemoteObject, report: Callable[[Kind, RemoteObject], None] = lambda kind, existing: None
) -> RemoteObject:
    """
    Publish a draft dataflow, after the drafts that it refers to; return the dataflow as it was read after that.

    :param report: called with each object that was published.
    :raises UnsettledError: if an object does not reach its new state in time; a later try continues.
    :raises RequestError: if the service refuses, for example an incomplete draft, or if a request still fails after its
        retries.
    """
    if state_of(DATAFLOW, dataflow) != "draft":
        return dataflow
    published = dataflow
    for kind, existing in [*_references_of(client, dataflow), (DATAFLOW, dataflow)]:
        if state_of(kind, existing) == "draft":
            published = _change(client, kind, existing, "publish")
            report(kind, published)
    return published


def _references_of(client: Client, dataflow: RemoteObject) -> Iterator[tuple[Kind, RemoteObject]]:
    """Yield a dataflow's source and target connections, each after its base connection."""
    for kind, existing in connections_of(client, dataflow):
        if base_id := kind.fields_of(existing).text("baseConnectionId"):
            base = patiently(client, partial(BASE_CONNECTION.find, client, base_id))
            yield from [(BASE_CONNECTION, base)] if base else []
        yield kind, existing


def connections_of(client: Client, dataflow: RemoteObject) -> Iterator[tuple[Kind, RemoteObject]]:
    """Yield a dataflow's target and source connections that exist."""
    fields = DATAFLOW.fields_of(dataflow)
    for kind, member in ((TARGET_CONNECTION, "targetConnectionIds"), (SOURCE_CONNECTION, "sourceConnectionIds")):
        for object_id in fields.texts(member):
            existing = patiently(client, partial(kind.find, client, object_id))
            yield from [(kind, existing)] if existing else []


def _change(client: Client, kind: Kind, existing: RemoteObject, action: Action) -> RemoteObject:
    settling = Settling(client, f"{kind} {existing.id}", kind.settle_seconds(client))
    failure: RequestError | None = None
    with client.transport.within(client.operation_timeout):
        for _ in range(MAX_REQUESTS):
            failure = _request_change(client, kind, existing, action)
            if failure and failure.failure is Failure.AMBIGUOUS:
                if (failure.retry_after or 0.0) > MAX_WAIT_SECONDS:
                    raise failure
                # The lost request may take effect during the settle time; before its end, it could undo a later change.
                pause = max(settling.seconds_after_sending, FIRST_WAIT_SECONDS, failure.retry_after or 0.0)
                settling.sleep(pause, "to be changed")
            if now := _read_changed(client, kind, existing, action, failure):
                return now
    raise UnsettledError(
        f"{settling.what} could not be changed, because answers were lost; the next attempt tries again"
    ) from failure


def _request_change(client: Client, kind: Kind, existing: RemoteObject, action: Action) -> RequestError | None:
    """Send the request; return its failure if only the object's state can show whether the change took effect."""
    try:
        send_action(client, existing.id, action, kind.path)
    except NotFoundError:
        raise
    except RequestError as error:
        if error.failure not in (Failure.FINAL, Failure.AMBIGUOUS):
            raise
        return error
    return None


def _read_changed(
    client: Client, kind: Kind, existing: RemoteObject, action: Action, failure: RequestError | None
) -> RemoteObject | None:
    """
    Return the object once it is in the requested state; ``None`` if a request without an answer had no effect.

    :param failure: how the request failed, if it did.
    """
    what, state = f"{kind} {existing.id}", ""
    for seconds in READ_DELAYS_SECONDS:
        client.transport.clock.sleep(seconds)
        now = patiently(client, partial(kind.read, client, existing))
        if now is None:
            raise UnsettledError(f"{what} was deleted while it was to be changed")
        state = state_of(kind, now)
        if state in _TARGET_STATES[action]:
            return now
        if failure and state in _STABLE_STATES:
            if failure.failure is Failure.FINAL:
                raise failure
            return None
    raise UnsettledError(f"{what} is still {state or 'without a state'}; the next attempt reads it again") from failure
