"""Writes that leave an object's definition unchanged: actions on its state, and updates of its mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from airflow_provider_payments.aep.errors import NotFoundError, RequestError
from airflow_provider_payments.aep.services import FLOW_SERVICE, segment

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark

_FLOWS = f"{FLOW_SERVICE}/flows"
Action = Literal["enable", "disable", "publish"]


def act(client: Client, object_id: str, op: Action, path: str = _FLOWS, *, safe: bool = False) -> None:
    """
    Send an action: enable or disable a dataflow, or publish a draft.

    :param path: path of the object's collection. Defaults to that of dataflows.
    :param safe: whether the transport sends the request again at once after a lost answer. Defaults to ``False``,
        because the lost request may take effect later and undo the opposite action.
    """
    client.request("POST", f"{path}/{segment(object_id)}/action", params={"op": op}, safe=safe)


def switch(client: Client, dataflow_id: str, op: Literal["enable", "disable"]) -> bool:
    """Enable or disable a dataflow; return whether the dataflow exists."""
    try:
        act(client, dataflow_id, op, safe=True)
    except NotFoundError:
        return False
    return True


def rewrite_mark(client: Client, kind: Kind, existing: RemoteObject, mark: Mark) -> bool:
    """
    Replace the mark of an object; return ``False`` if the object was changed or deleted since it was read.

    If the service has etags, a request that is sent again after a lost answer is refused if the first one took effect.
    The result is ``False`` then too, although the change was this writer's own.
    """
    try:
        kind.patch(client, existing, kind.with_mark(existing, (), mark), safe=True)
    except NotFoundError:
        return False
    except RequestError as error:
        if error.status == 412:
            return False
        raise
    return True
