"""
Find or create: one object for each name, whatever happens to the answers.

Experience Platform has no idempotency key, and all but the Schema Registry take a second object of the same name. So
the name in its sandbox is the key: look up, compare by meaning, adopt the oldest that is right, create only where
there is none. A creation whose answer was lost is never repeated before it has had time to show.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.aep.errors import (
    ConflictError,
    Difference,
    Failure,
    InvalidInputError,
    RequestError,
    UnsettledError,
)
from airflow_provider_payments.aep.resources.base import Existing, Resource
from airflow_provider_payments.aep.resources.dataflow import Dataflow
from airflow_provider_payments.aep.services import Json
from airflow_provider_payments.aep.transport import MAX_WAIT

IF_EXISTS = ("reuse", "update", "fail")
MAX_CREATIONS = 3


@dataclass(frozen=True)
class Provisioned:
    """
    The outcome of :func:`ensure`.

    :param created: whether an answer said that this call made it. One whose answer was lost counts as found.
    :param updated: whether it was there and had to be changed.
    :param request_id: the service's id of the request that made or found it.
    """

    resource: Resource
    existing: Existing
    created: bool
    request_id: str
    updated: bool = False

    def to_json(self) -> Json:
        """Return what an XCom carries."""
        own = {"id": self.existing.id, "name": self.resource.name, "created": self.created, "etag": self.existing.etag}
        return own | self.resource.outputs(self.existing)


def ensure(
    client: Client,
    want: Resource,
    *,
    if_exists: str = "reuse",
    attempt: int = 1,
    sleep: Callable[[float], None] = time.sleep,
) -> Provisioned:
    """
    Return the one object that is ``want``, made if there was none.

    :param if_exists: what to do where objects of the name exist and none is right: ``reuse`` fails and shows the
        difference, ``update`` changes what reaches the dataflow and refuses the rest. ``fail`` refuses any object that
        was there before, right or not.
    :param attempt: Airflow's try number. From the second on, an object that is right may be the first one's own, and
        ``fail`` adopts it.
    :raises ConflictError: if an object of the name stands in the way.
    :raises UnsettledError: if no answer to a creation could be had and none shows after all; a later attempt goes on.
    :raises RequestError: if the service refuses, or a read fails in the end.
    """
    if if_exists not in IF_EXISTS:
        raise InvalidInputError("if_exists", if_exists, f"one of {', '.join(IF_EXISTS)}")
    window = client.dataflow_window if isinstance(want, Dataflow) else client.consistency_window
    ready: Resource | None = None
    posted = attempt > 1
    for _ in range(MAX_CREATIONS):
        if chosen := _choose(client, want, if_exists, posted):
            return chosen
        ready = ready or want.ready(client)
        try:
            existing = ready.create(client)
        except RequestError as error:
            if error.failure is Failure.AMBIGUOUS:
                posted = True
                sleep(max(window, min(error.retry_after or 0.0, MAX_WAIT)))
                continue
            named = want.adopt_named_by(client, error)
            if named is None:
                raise
            on_conflict = "reuse" if posted and if_exists == "fail" else if_exists
            return _resolve(client, want, named, want.differences(client, named), on_conflict)
        return Provisioned(ready, existing, created=True, request_id=client.transport.last_request_id)
    if chosen := _choose(client, want, if_exists, posted):
        return chosen
    raise UnsettledError(
        f"{want.kind} {want.name!r}: {MAX_CREATIONS} requests to create it brought no answer, and none shows after "
        f"{window:g} s; the next attempt looks again"
    )


def _choose(client: Client, want: Resource, if_exists: str, posted: bool) -> Provisioned | None:
    """Adopt the oldest object that is right; decide what to do where only others have the name."""
    # The oldest first: every writer computes the same choice.
    candidates = sorted(want.look_up(client), key=lambda existing: (existing.created, existing.id))
    request_id = client.transport.last_request_id
    compared = [(existing, want.differences(client, existing)) for existing in candidates]
    right = next((existing for existing, differences in compared if not differences), None)
    if right and (posted or if_exists != "fail"):
        return Provisioned(want, right, created=False, request_id=request_id)
    return _resolve(client, want, *compared[0], if_exists) if compared else None


def _resolve(
    client: Client, want: Resource, existing: Existing, differences: list[Difference], if_exists: str
) -> Provisioned:
    """Do with an object of the wanted name what ``if_exists`` says."""
    if if_exists == "fail":
        advice = "if_exists='fail' adopts nothing that was there before."
        raise ConflictError(want.kind, want.name, existing.id, differences, advice)
    if differences and if_exists == "reuse":
        advice = "Change the arguments, choose another name, or let if_exists='update' change what can be changed."
        raise ConflictError(want.kind, want.name, existing.id, differences, advice)
    if differences:
        existing = want.update(client, existing, differences)
    request_id = client.transport.last_request_id
    return Provisioned(want, existing, created=False, request_id=request_id, updated=bool(differences))
