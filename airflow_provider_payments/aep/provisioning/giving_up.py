"""
Giving up: a call that ends without an outcome leaves nothing of its own that ingests.

It deletes the dataflow that it made, before that begins: another one would bring its rows again. Where that fails, or
it has begun, it disables it. Other kinds stay, to be adopted. Another task may be about to adopt the dataflow, so both
record what they do in its mark, with ``If-Match``: only one of them succeeds. A dataflow whose mark records that it was
given up, and that has not been changed since, was disabled by no person: a later attempt of the chain enables it again.

A creation whose answer was lost and that no list shows cannot be deleted. It begins later than it settles, and the next
attempt looks for it before that.
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
from airflow_provider_payments.aep.resources.switches import rewrite_mark, switch

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.provisioning.duplicates import Duplicates
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark, Writer

log = logging.getLogger(__name__)

#: Seconds for each of: a look for what a lost answer made, the mark, the deletion, the disabling. They do not count
#: towards ``operation_timeout``, which may be over.
STEP_SECONDS = 10.0
#: Seconds that they take together.
GIVE_UP_SECONDS = 4 * STEP_SECONDS
MAX_CHANGES = 3


def give_up(client: Client, duplicates: Duplicates) -> str:
    """Remove the dataflows that this call made; return what became of each, as sentences for the error."""
    if not duplicates.desired.kind.ingests:
        return ""
    if duplicates.unseen:
        _look_for_unseen(client, duplicates)
    outcomes = [_withdrawn(client, duplicates.desired, made) for made in list(duplicates.made.values())]
    if duplicates.unseen:
        outcomes.append("A creation whose answer was lost shows in no list; the next attempt looks for it")
    for sentence in outcomes:
        log.warning(sentence)
    return ". ".join(outcomes)


def _look_for_unseen(client: Client, duplicates: Duplicates) -> None:
    try:
        with client.transport.within(STEP_SECONDS):
            for existing in duplicates.desired.look_up(client):
                duplicates.recognise(existing)
            for existing in duplicates.desired.look_further(client) if duplicates.unseen else ():
                duplicates.recognise(existing)
    except PlatformError as error:
        log.warning("%s", error)


def _withdrawn(client: Client, desired: Resource, made: RemoteObject) -> str:
    """Delete it, or disable it; return what became of it."""
    what = f"{desired.kind.name[:1].upper()}{desired.kind.name[1:]} {made.id}, which this call made,"
    with client.transport.within(STEP_SECONDS):
        now, stays = _noted(client, desired, made)
    if stays:
        return f"{what} {stays}"
    left = _seconds_before_it_begins(client, now) if now else math.inf
    reason = _refusal(client, desired, made, min(left, STEP_SECONDS)) if left > 0 else "it has begun"
    if not reason:
        return f"{what} was deleted"
    try:
        with client.transport.within(STEP_SECONDS):
            there = switch(client, made.id, "disable")
    except RequestError as error:
        return f"{what} is still there and enabled: it can neither be deleted ({reason}) nor disabled ({error})"
    if not there:
        return f"{what} is gone"
    carries_mark = now is not None and desired.kind.mark_of(now) is not None
    follows = "the next attempt of its chain enables it" if carries_mark else "enable or delete it by hand"
    return f"{what} could not be deleted ({reason}) and was disabled; {follows}"


def _refusal(client: Client, desired: Resource, made: RemoteObject, seconds: float) -> str:
    """Delete it within a number of seconds; return why that failed."""
    try:
        with client.transport.within(seconds):
            desired.kind.delete(client, made)
    except RequestError as error:
        return str(error)
    return ""


def _seconds_before_it_begins(client: Client, dataflow: RemoteObject) -> float:
    """Return how many seconds are left before it ingests; 0 or less where it has begun."""
    if dataflow.item.get("lastRunDetails"):
        return 0.0
    start = readers.moment(readers.at(dataflow.item, "scheduleParams", "startTime"))
    return math.inf if start is None else start - client.now() - TICK_SECONDS


def _noted(client: Client, desired: Resource, made: RemoteObject) -> tuple[RemoteObject | None, str]:
    """
    Record in its mark that it is given up, unless somebody has adopted or disabled it.

    :return: the dataflow, where it can be read and its mark records that, or it has none; and why it stays, empty where
        it may be deleted.
    """
    try:
        for _ in range(MAX_CHANGES):
            now = patiently(client, partial(desired.kind.read, client, made))
            if now is None:
                return None, "is gone"
            mark = desired.kind.mark_of(now)
            if why := _why_it_stays(client, desired, made, now, mark):
                return None, f"{why}, and stays"
            if mark is None or rewrite_mark(client, desired.kind, now, replace(mark, given_up=math.ceil(client.now()))):
                return now, ""
        return None, "is being changed by others, and stays"
    except RequestError as error:
        log.warning("%s", error)
        return None, ""
    except PlatformError as error:
        return None, f"cannot be read, and was neither deleted nor disabled: {error}"


def _why_it_stays(client: Client, desired: Resource, made: RemoteObject, now: RemoteObject, mark: Mark | None) -> str:
    """Return what somebody else has done with it meanwhile; empty for nothing."""
    if now.item.get("state") == "disabled":
        return "has been disabled by somebody else"
    if mark is None:
        return ""
    if mark.adopted:
        return "has been adopted by another task"
    if (made.etag and now.etag == made.etag) or mark.given_up:
        return ""
    is_other = any(map(desired.is_decisive, desired.differences(client, now)))
    return "has been changed by somebody else" if is_other else ""


# ---- later attempts --------------------------------------------------------------------------------------------------


def busy_until(mark: Mark | None) -> float:
    """Return until when a dataflow's creator may still be deleting it, in epoch seconds of the platform's clock."""
    return mark.given_up + GIVE_UP_SECONDS + TICK_SECONDS if mark and mark.given_up else 0.0


def claimed(client: Client, duplicates: Duplicates, existing: RemoteObject) -> bool:
    """
    Record in the mark of another writer's dataflow that it is adopted, while its creator may still give it up.

    Without a settle time, the creator has decided at once. An earlier try of the same run may still be under way:
    Airflow tries a task again when its worker no longer answers, not when that has ended.

    :return: whether that is recorded or need not be; if not, the dataflow has been changed or deleted meanwhile.
    """
    kind = duplicates.desired.kind
    mark = kind.mark_of(existing) if kind.ingests else None
    if mark is None or duplicates.is_mine(existing) or not may_be_given_up(client, mark, existing):
        return True
    return rewrite_mark(client, kind, existing, replace(mark, adopted=True, given_up=0))


def may_be_given_up(client: Client, mark: Mark | None, existing: RemoteObject) -> bool:
    """Whether the creator of a dataflow may still give it up, and nobody has recorded that it is adopted."""
    if mark is None or mark.adopted or client.read_only or not client.marks or not client.dataflow_settle_seconds:
        return False
    horizon = existing.created + client.operation_timeout + GIVE_UP_SECONDS + TICK_SECONDS
    return bool(mark.given_up) or client.now() <= horizon


def was_disabled_by_giving_up(writer: Writer, mark: Mark | None, existing: RemoteObject) -> bool:
    """Whether a task of this chain disabled it when it gave up, and nobody has changed it since."""
    if mark is None or not mark.given_up or mark.owner != writer.owner or existing.item.get("state") != "disabled":
        return False
    changed = readers.moment(existing.item.get("updatedAt"))
    return changed is not None and changed <= mark.given_up + GIVE_UP_SECONDS + TICK_SECONDS
