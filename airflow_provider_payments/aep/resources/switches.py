"""
Writes to a dataflow that change nothing of what it moves: its state, and the mark at the end of its description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.services import FLOW_SERVICE, segment

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Existing
    from airflow_provider_payments.aep.resources.marks import Mark

_FLOWS = f"{FLOW_SERVICE}/flows"


def act(client: Client, dataflow_id: str, op: Literal["enable", "disable"]) -> None:
    """Enable or disable a dataflow."""
    client.request("POST", f"{_FLOWS}/{segment(dataflow_id)}/action", params={"op": op}, safe=True)


def switch(client: Client, dataflow_id: str, op: Literal["enable", "disable"]) -> bool:
    """Enable or disable a dataflow; return whether it is there."""
    try:
        act(client, dataflow_id, op)
    except RequestError as error:
        if error.says_gone:
            return False
        raise
    return True


def rewrite_mark(client: Client, dataflow: Existing, mark: Mark) -> bool:
    """
    Replace the mark of a dataflow; return whether nobody had changed the dataflow since it was read, or deleted it.

    A repeat after a lost answer is refused where the first one took effect, so it counts as somebody else's.
    """
    text = mark.replace(dataflow.item.get("description"))
    operations = [{"op": "add", "path": "/description", "value": text}]
    headers = {"If-Match": dataflow.etag or "*"}
    try:
        client.request("PATCH", f"{_FLOWS}/{segment(dataflow.id)}", body=operations, headers=headers, safe=True)
    except RequestError as error:
        if error.status == 412 or error.says_gone:
            return False
        raise
    return True
