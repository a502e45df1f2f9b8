"""Objects created by plain requests, without the checks of our own values, and their differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_payments.aep.resources.base import Resource
from tests.aep.chain import KINDS, Chain

Body = dict[str, Any]
Change = Callable[[Chain, Body], object]


def made_by_hand(chain: Chain, kind: str, change: Change) -> None:
    """Send a creation with the kind's usual body and a change that the value's own checks may refuse."""
    desired = KINDS[kind].build(chain)
    ready = desired.ready(chain.client) if kind == "field group" else desired
    body = ready.payload()
    if kind == "dataflow":
        body["scheduleParams"] = {"startTime": 4102444800, "frequency": "minute", "interval": 15}
    change(chain, body)
    chain.post(KINDS[kind].path, body)


def different(chain: Chain, desired: Resource) -> list[str]:
    """The fields in which the only object of that name differs from a desired value."""
    (existing,) = desired.look_up(chain.client)
    return sorted(difference.field for difference in desired.differences(chain.client, existing))


def check(chain: Chain, kind: str, change: Change, fields: list[str], **requested: Any) -> None:
    made_by_hand(chain, kind, change)
    assert different(chain, KINDS[kind].build(chain, **requested)) == fields


def put(**values: Any) -> Change:
    """Replace members of the body; two underscores lead into an object."""

    def change(_: Chain, body: Body) -> None:
        for path, value in values.items():
            *parents, last = path.split("__")
            node: Any = body
            for step in parents:
                node = node[step]
            node[last] = value

    return change
