"""
The life of a dataflow that is there: it is enabled, disabled, published.

Where the state is right nothing is sent, and after each write the object is read again: a lost answer, a kill and a
repeat end the same. A request whose answer was lost may take effect late; nothing is reported before that. Sources:
Adobe's tutorials "Update dataflows" and "Create a draft", and its OpenAPI file.
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
from airflow_provider_payments.aep.resources.switches import Action, act

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject

__all__ = ["await_earlier_tries", "ends_of", "find_dataflow", "publish", "state_of", "switch_to"]

#: What users call the dataflow that is meant.
ARGUMENT = "dataflow"
#: Seconds before each read that follows a write; more reads would not tell more.
WAITS_SECONDS = (0.0, 2.0, 4.0)
#: States in which an object stays until somebody changes it; others pass.
_LASTING = frozenset({"enabled", "disabled", "draft"})
_REACHED: dict[Action, frozenset[str]] = {
    "enable": frozenset({"enabled"}),
    "disable": frozenset({"disabled"}),
    "publish": frozenset({"enabled", "disabled"}),
}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def find_dataflow(client: Client, asked: str) -> RemoteObject:
    """
    Return the dataflow of an id, or of a name that only one dataflow has.

    :raises AbsentError: if there is none; it names the most similar one.
    :raises InvalidInputError: if several have the name; it names their ids.
    :raises RequestError: if a request fails in the end.
    """
    if _ID.fullmatch(asked):  # an id alone spares the lists
        try:
            existing = patiently(client, partial(DATAFLOW.get, client, asked))
        except NotFoundError:
            pass
        else:
            if not DATAFLOW.is_being_deleted(DATAFLOW.fields_of(existing)):
                return existing
    return find_object(client, DATAFLOW, asked, argument=ARGUMENT)


# ---- states --------------------------------------------------------------------------------------------------------


def await_earlier_tries(client: Client, attempt: int) -> None:
    """
    Wait until what an earlier try of a task asked for has taken effect, or never will.

    :param attempt: the number of this try; there is none before the first.
    """
    if attempt > 1:
        settling = Settling(client, "what an earlier try asked for", DATAFLOW.settle_seconds(client))
        with client.transport.within(client.operation_timeout):
            settling.sleep(settling.seconds_after_sending, "to take effect")


def state_of(kind: Kind, existing: RemoteObject) -> str:
    """
    Return an object's state in the service's word, empty where it shows none.

    :raises UnreadableError: if it is no text.
    """
    return kind.fields_of(existing).text("state") or ""


def switch_to(client: Client, dataflow: RemoteObject, action: Action) -> RemoteObject:
    """
    Enable or disable a dataflow; return it as it is then. Nothing is sent where it is so already.

    :raises InvalidInputError: for a draft, which is neither.
    :raises UnsettledError: if it does not show the new state; a later attempt looks again.
    :raises RequestError: if the service refuses, or a request fails in the end.
    """
    state = state_of(DATAFLOW, dataflow)
    if state in _REACHED[action]:
        return dataflow
    if state == "draft":
        allowed = f"dataflow {dataflow.id} is a draft: publish it first (PublishDataflowOperator)"
        raise InvalidInputError(ARGUMENT, dataflow.id, allowed)
    return _change(client, DATAFLOW, dataflow, action)


def publish(
    client: Client, dataflow: RemoteObject, report: Callable[[Kind, RemoteObject], None] = lambda kind, existing: None
) -> RemoteObject:
    """
    Publish a dataflow that is a draft, after what it refers to that is one; return it as it is then.

    :param report: called with each object that was published.
    :raises UnsettledError: if an object does not show its new state; a later attempt goes on.
    :raises RequestError: if the service refuses, such as a draft that is incomplete, or a request fails in the end.
    """
    if state_of(DATAFLOW, dataflow) != "draft":
        return dataflow
    for kind, existing in [*_connections_of(client, dataflow), (DATAFLOW, dataflow)]:
        if state_of(kind, existing) == "draft":
            dataflow = _change(client, kind, existing, "publish")
            report(kind, dataflow)
    return dataflow


def _connections_of(client: Client, dataflow: RemoteObject) -> Iterator[tuple[Kind, RemoteObject]]:
    """Yield what a dataflow refers to, each object after what it refers to itself."""
    for kind, existing in ends_of(client, dataflow):
        if base_id := kind.fields_of(existing).text("baseConnectionId"):
            base = patiently(client, partial(BASE_CONNECTION.find, client, base_id))
            yield from [(BASE_CONNECTION, base)] if base else []
        yield kind, existing


def ends_of(client: Client, dataflow: RemoteObject) -> Iterator[tuple[Kind, RemoteObject]]:
    """Yield a dataflow's connections, as far as they are there."""
    fields = DATAFLOW.fields_of(dataflow)
    for kind, member in ((TARGET_CONNECTION, "targetConnectionIds"), (SOURCE_CONNECTION, "sourceConnectionIds")):
        for object_id in fields.texts(member):
            existing = patiently(client, partial(kind.find, client, object_id))
            yield from [(kind, existing)] if existing else []


def _change(client: Client, kind: Kind, existing: RemoteObject, action: Action) -> RemoteObject:
    settling = Settling(client, f"{kind} {existing.id}", kind.settle_seconds(client))
    refusal: RequestError | None = None
    with client.transport.within(client.operation_timeout):
        for _ in range(MAX_REQUESTS):
            refusal = _refusal(client, kind, existing, action)
            if refusal and refusal.failure is Failure.AMBIGUOUS:
                if (refusal.retry_after or 0.0) > MAX_WAIT_SECONDS:
                    raise refusal
                # It may take effect as late as that, and would undo what is asked for after this.
                pause = max(settling.seconds_after_sending, FIRST_WAIT_SECONDS, refusal.retry_after or 0.0)
                settling.sleep(pause, "to be changed")
            if now := _reached(client, kind, existing, action, refusal):
                return now
    raise UnsettledError(
        f"{settling.what} could not be changed: answers are lost; the next attempt looks again"
    ) from refusal


def _refusal(client: Client, kind: Kind, existing: RemoteObject, action: Action) -> RequestError | None:
    """Ask for a change; return what stands in the way, where only the object tells what came of it."""
    try:
        act(client, existing.id, action, kind.path, safe=False)
    except NotFoundError:
        raise
    except RequestError as error:
        if error.failure not in (Failure.FINAL, Failure.AMBIGUOUS):
            raise
        return error
    return None


def _reached(
    client: Client, kind: Kind, existing: RemoteObject, action: Action, refusal: RequestError | None
) -> RemoteObject | None:
    """
    Return an object that shows the state that was asked for; ``None`` where a lost request had no effect.

    :param refusal: what the service said to the change, if it was not done.
    """
    what, state = f"{kind} {existing.id}", ""
    for seconds in WAITS_SECONDS:
        client.transport.clock.sleep(seconds)
        now = patiently(client, partial(kind.read, client, existing))
        if now is None:
            raise UnsettledError(f"{what} was deleted while it was to be changed")
        state = state_of(kind, now)
        if state in _REACHED[action]:
            return now
        if refusal and state in _LASTING:
            if refusal.failure is Failure.FINAL:
                raise refusal
            return None
    raise UnsettledError(f"{what} is still {state or 'without a state'}; the next attempt looks again") from refusal
