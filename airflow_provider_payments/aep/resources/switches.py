"""
Writes that change nothing of what an object is: whether a dataflow is enabled, and whose mark an object carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.services import FLOW_SERVICE, segment

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark

_FLOWS = f"{FLOW_SERVICE}/flows"
Action = Literal["enable", "disable", "publish"]


def act(client: Client, object_id: str, op: Action, path: str = _FLOWS, *, safe: bool = False) -> None:
    """
    Enable or disable a dataflow, or publish a draft.

    :param path: of the collection that holds the object.
    :param safe: whether the transport sends the request again at once after a lost answer. Default: false, because the
        lost request may take effect later and undo the opposite action.
    """
    client.request("POST", f"{path}/{segment(object_id)}/action", params={"op": op}, safe=safe)


def switch(client: Client, dataflow_id: str, op: Literal["enable", "disable"]) -> bool:
    """Enable or disable a dataflow; return whether it is there."""
    try:
        act(client, dataflow_id, op, safe=True)
    except RequestError as error:
        if error.says_gone:
            return False
        raise
    return True


def rewrite_mark(client: Client, kind: Kind, existing: RemoteObject, mark: Mark) -> bool:
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
