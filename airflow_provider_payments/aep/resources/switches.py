"""
Writes that change nothing of what an object is: whether a dataflow is enabled, and whose mark an object carries.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import RequestError, UnsettledError
from airflow_provider_payments.aep.services import FLOW_SERVICE, segment

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Existing, Kind
    from airflow_provider_payments.aep.resources.marks import Mark

_FLOWS = f"{FLOW_SERVICE}/flows"
MAX_CHANGES = 3
Action = Literal["enable", "disable", "publish"]


def act(client: Client, object_id: str, op: Action, path: str = _FLOWS) -> None:
    """
    Enable or disable a dataflow, or publish a draft; again after a lost answer.

    :param path: of the collection that holds the object.
    """
    client.request("POST", f"{path}/{segment(object_id)}/action", params={"op": op}, safe=True)


def switch(client: Client, dataflow_id: str, op: Literal["enable", "disable"]) -> bool:
    """Enable or disable a dataflow; return whether it is there."""
    try:
        act(client, dataflow_id, op)
    except RequestError as error:
        if error.says_gone:
            return False
        raise
    return True


def rewrite_mark(client: Client, kind: Kind, existing: Existing, mark: Mark) -> bool:
    """
    Replace the mark of an object; return whether nobody had changed the object since it was read, or deleted it.

    Where the service has etags, a repeat after a lost answer is refused if the first one took effect, so it counts as
    somebody else's.
    """
    try:
        kind.patch(client, existing, kind.with_mark(existing, (), mark), safe=True)
    except RequestError as error:
        if error.status == 412 or error.says_gone:
            return False
        raise
    return True


def hand_over(client: Client, kind: Kind, existing: Existing, owner: str) -> Existing:
    """
    Let the mark of an object name another owner; return the object, read again where others changed it meanwhile.

    Nothing is sent where the mark names the owner already, so a repeat after a lost answer or a kill is harmless.

    :param existing: as it was read; whom its mark names then is whom the object is taken from.
    :raises UnsettledError: if others change it every time, delete it or take it over too; a later attempt looks again.
    :raises UnreadableError: if its mark cannot be read.
    :raises RequestError: if a request fails in the end.
    """
    what, mark = f"{kind} {existing.id}", kind.mark_of(existing)
    former = mark.owner if mark else None
    for _ in range(MAX_CHANGES):
        if mark is None or mark.owner not in (former, owner):
            raise UnsettledError(f"{what} does not carry the mark of {former!r} any more: it was not taken over")
        if mark.owner == owner or rewrite_mark(client, kind, existing, mark.handed_to(owner, adopted=kind.ingests)):
            return existing
        now = patiently(client, partial(kind.read, client, existing))
        if now is None:
            raise UnsettledError(f"{what} was deleted while it was to be taken over")
        existing, mark = now, kind.mark_of(now)
    raise UnsettledError(f"{what} could not be taken over: others change it; the next attempt looks again")
