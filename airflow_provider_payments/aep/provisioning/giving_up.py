"""
Giving up: an operation that ends without an outcome leaves no dataflow of its own that ingests.

As long as the dataflow that it created has not started, the operation deletes it: a dataflow that a later try creates
would ingest the same rows again. If the deletion fails, or the dataflow has started, the operation disables it. Objects
of other kinds stay, to be adopted. Another task may be about to adopt the dataflow, so both tasks record what they do
in its mark, with ``If-Match``: only one of them succeeds. A dataflow whose mark records that it was given up, and that
has not been changed since, was not disabled by a person: a later try or run of the chain enables it again.

A dataflow whose creation was not answered, and that no list shows, cannot be deleted. It starts later than its settle
time ends, and the next try searches for it before that.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import PlatformError, RequestError
from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.resources.switches import enable_or_disable, rewrite_mark

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.provisioning.duplicates import Duplicates
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark, Writer

log = logging.getLogger(__name__)

#: Time limit of each step of giving up: the search for a creation without an answer, the mark, the deletion, and the
#: disabling. The steps do not count towards ``operation_timeout``, which may have elapsed.
STEP_SECONDS = 10.0
#: Time limit of all steps together.
GIVE_UP_SECONDS = 4 * STEP_SECONDS
MAX_MARK_WRITES = 3


def give_up(client: Client, duplicates: Duplicates) -> str:
    """Delete or disable the dataflows that this operation created; return the outcomes as sentences for the error."""
    if not duplicates.desired.kind.ingests:
        return ""
    if duplicates.unknown_nonces:
        _search_for_unanswered(client, duplicates)
    outcomes = [
        _delete_or_disable(client, duplicates.desired, own) for own in list(duplicates.created_objects.values())
    ]
    if duplicates.unknown_nonces:
        outcomes.append("No list shows the dataflow whose creation was not answered; the next attempt searches for it")
    for sentence in outcomes:
        log.warning(sentence)
    return ". ".join(outcomes)


def _search_for_unanswered(client: Client, duplicates: Duplicates) -> None:
    try:
        with client.transport.within(STEP_SECONDS):
            for existing in duplicates.desired.look_up(client):
                duplicates.recognise(existing)
            for existing in duplicates.desired.search_by_second_key(client) if duplicates.unknown_nonces else ():
                duplicates.recognise(existing)
    except PlatformError as error:
        log.warning("%s", error)


def _delete_or_disable(client: Client, desired: Resource, own: RemoteObject) -> str:
    """Delete a dataflow, or disable it; return the outcome as a sentence."""
    what = f"{desired.kind.name[:1].upper()}{desired.kind.name[1:]} {own.id}, which this call created,"
    with client.transport.within(STEP_SECONDS):
        now, reason_to_keep = _record_giving_up(client, desired, own)
    if reason_to_keep:
        return f"{what} {reason_to_keep}"
    left = _seconds_before_start(client, now) if now else math.inf
    refusal = _delete(client, desired, own, min(left, STEP_SECONDS)) if left > 0 else "it has started"
    if not refusal:
        return f"{what} was deleted"
    try:
        with client.transport.within(STEP_SECONDS):
            exists = enable_or_disable(client, own.id, "disable")
    except RequestError as error:
        return f"{what} still exists and is enabled: it could neither be deleted ({refusal}) nor disabled ({error})"
    if not exists:
        return f"{what} no longer exists"
    carries_mark = now is not None and desired.kind.mark_of(now) is not None
    follows = "the next attempt of its chain enables it" if carries_mark else "enable or delete it yourself"
    return f"{what} could not be deleted ({refusal}) and was disabled; {follows}"


def _delete(client: Client, desired: Resource, own: RemoteObject, seconds: float) -> str:
    """Delete a dataflow within a number of seconds; return why that failed, or an empty string."""
    try:
        with client.transport.within(seconds):
            desired.kind.delete(client, own)
    except RequestError as error:
        return str(error)
    return ""


def _seconds_before_start(client: Client, dataflow: RemoteObject) -> float:
    """Return how many seconds are left before a dataflow starts to ingest; 0 or less if it has started."""
    if dataflow.item.get("lastRunDetails"):
        return 0.0
    start = readers.moment(readers.at(dataflow.item, "scheduleParams", "startTime"))
    return math.inf if start is None else start - client.now() - TICK_SECONDS


def _record_giving_up(client: Client, desired: Resource, own: RemoteObject) -> tuple[RemoteObject | None, str]:
    """
    Record in the mark of a dataflow that it is given up, unless another task or a person has adopted or changed it.

    :return: the dataflow, if it could be read, and its mark records the giving up or is absent; and the reason to keep
        it, empty if it may be deleted.
    """
    try:
        for _ in range(MAX_MARK_WRITES):
            now = patiently(client, partial(desired.kind.read, client, own))
            if now is None:
                return None, "no longer exists"
            mark = desired.kind.mark_of(now)
            if reason := _reason_to_keep(client, desired, own, now, mark):
                return None, f"{reason}, and stays"
            if mark is None or rewrite_mark(client, desired.kind, now, replace(mark, given_up=math.ceil(client.now()))):
                return now, ""
        return None, "is being changed by other writers, and stays"
    except RequestError as error:
        log.warning("%s", error)
        return None, ""
    except PlatformError as error:
        return None, f"cannot be read, and was neither deleted nor disabled: {error}"


def _reason_to_keep(client: Client, desired: Resource, own: RemoteObject, now: RemoteObject, mark: Mark | None) -> str:
    """Return what another writer has done to a dataflow since its creation; empty for nothing."""
    if now.item.get("state") == "disabled":
        return "has been disabled by another writer"
    if mark is None:
        return ""
    if mark.adopted:
        return "has been adopted by another task"
    if (own.etag and now.etag == own.etag) or mark.given_up:
        return ""
    differs = any(map(desired.is_decisive, desired.differences(client, now)))
    return "has been changed by another writer" if differs else ""


# ---- later tries and runs --------------------------------------------------------------------------------------------


def busy_until(mark: Mark | None) -> float:
    """Return until when a dataflow's creator may still be deleting it, in epoch seconds of the platform's clock."""
    return mark.given_up + GIVE_UP_SECONDS + TICK_SECONDS if mark and mark.given_up else 0.0


def claim(client: Client, duplicates: Duplicates, existing: RemoteObject) -> bool:
    """
    Record in the mark of another operation's dataflow that it is adopted, if its creator may still give it up.

    The creator may be an earlier try of the same run that is still running: Airflow starts the next try when a worker
    no longer responds, not when its process has ended. With a settle time of 0, no creator gives up later.

    :return: whether the adoption is recorded or need not be; if not, the dataflow has been changed or deleted since.
    """
    kind = duplicates.desired.kind
    mark = kind.mark_of(existing) if kind.ingests else None
    if mark is None or duplicates.is_ours(existing) or not may_be_given_up(client, mark, existing):
        return True
    return rewrite_mark(client, kind, existing, replace(mark, adopted=True, given_up=0))


def may_be_given_up(client: Client, mark: Mark | None, existing: RemoteObject) -> bool:
    """Return whether the creator of a dataflow may still give it up, and no adoption is recorded in its mark."""
    if mark is None or mark.adopted or client.read_only or not client.marks or not client.dataflow_settle_seconds:
        return False
    horizon = existing.created + client.operation_timeout + GIVE_UP_SECONDS + TICK_SECONDS
    return bool(mark.given_up) or client.now() <= horizon


def was_disabled_by_giving_up(writer: Writer, mark: Mark | None, existing: RemoteObject) -> bool:
    """Return whether a task of this chain gave a dataflow up and disabled it, and it has not been changed since."""
    if mark is None or not mark.given_up or mark.owner != writer.owner or existing.item.get("state") != "disabled":
        return False
    changed = readers.moment(existing.item.get("updatedAt"))
    return changed is not None and changed <= mark.given_up + GIVE_UP_SECONDS + TICK_SECONDS
