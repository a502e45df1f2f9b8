"""
Find or create: one object for each name, whatever happens to answers and whatever other writers do.

Experience Platform has no idempotency key, and all but the Schema Registry take a second object of the same name. So
the name in its sandbox is the key. Each attempt looks, compares by meaning, adopts the oldest object that is right, and
creates only where there is none; it looks again after a creation has had the time to show. By then all writers of the
same object see the same oldest one, and each removes what it made beside it. Every object carries a
:class:`~.marks.Mark`, so an attempt recognises what it made itself though no answer said so.

:func:`.decide.decide` decides for each object, an :class:`.operation.Operation` looks and sends; here is the driver,
which sleeps. Several objects are made in lock step: each look and each settle time serves all of them.

All rests on one bound: a lost request takes effect, and shows in lists, within the settle time. No service promises
one. A second dataflow would ingest twice, so dataflows have a longer one, and begin later than it ends.

What cannot be understood, a list that was cut, and a read that lags behind the list are no grounds for anything:
:mod:`.patience` looks again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError
from airflow_provider_payments.aep.provisioning.decide import RESOLUTION_SECONDS
from airflow_provider_payments.aep.provisioning.duplicates import Duplicates
from airflow_provider_payments.aep.provisioning.giving_up import give_up
from airflow_provider_payments.aep.provisioning.operation import Operation
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.marks import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.resources.base import Resource

log = logging.getLogger(__name__)

IF_EXISTS = ("reuse", "update", "fail")


def ensure(
    client: Client,
    desired: Resource,
    *,
    if_exists: str = "reuse",
    attempt: int = 1,
    writer: Writer | None = None,
    remove_duplicates: bool = False,
) -> Provisioned:
    """
    Return the one object that is ``desired``, made if there was none.

    :param if_exists: what to do where objects of the name exist and none is right: ``reuse`` fails and shows the
        difference, ``update`` changes what reaches the dataflow and refuses the rest. ``fail`` refuses any object that
        was there before, right or not.
    :param attempt: Airflow's try number. From the second on, an earlier one may have asked for a creation and died.
    :param writer: in whose name it is made; ``fail`` adopts what the same run of the same chain made.
    :param remove_duplicates: whether unused duplicates that carry this chain's mark and have had time to settle are
        deleted. Without it a call deletes only what it made itself; others are reported, and a duplicate dataflow is
        disabled.
    :raises ConflictError: if an object of the name stands in the way.
    :raises UnsettledError: if the outcome could not be learnt in the client's ``operation_timeout``; a later attempt
        goes on.
    :raises UnlistedError: if no list shows what was made.
    :raises UnreadableError: if what may be it cannot be understood, or not be read yet; a later attempt looks again.
    :raises RequestError: if the service refuses, or a read fails in the end.
    """
    if if_exists not in IF_EXISTS:
        raise InvalidInputError("if_exists", if_exists, f"one of {', '.join(IF_EXISTS)}")
    duplicates = Duplicates(client, desired, writer or Writer(), remove_duplicates)
    operation = Operation(client, desired, if_exists, duplicates, attempt)
    _drive(client, [operation], lambda: None)
    if isinstance(operation.result, Provisioned):
        return operation.result
    raise operation.result or AssertionError("an operation that is over has a result")


def ensure_many(
    client: Client,
    desired: Sequence[Resource],
    *,
    read: Callable[[], Reads],
    attempt: int = 1,
    writer: Writer | None = None,
    ignored: Collection[str] = (),
) -> list[Provisioned | PlatformError]:
    """
    Make several objects that do not refer to each other as :func:`ensure` makes one, in the time of one.

    :param desired: the objects, each of another name or kind.
    :param read: returns what answers from lists that are read from then on, each once: one look for all objects.
    :param attempt: as :func:`ensure` has it, as ``writer``.
    :param ignored: ids of objects that are none of the desired ones, whatever they are called.
    :return: for each what came of it: the object, or the error that :func:`ensure` would raise.
    """
    writer = writer or Writer()
    operations = [
        Operation(client, each, "reuse", Duplicates(client, each, writer, remove=False), attempt, ignored)
        for each in desired
    ]
    _drive(client, operations, read)
    return [operation.result for operation in operations if operation.result]


def _drive(client: Client, operations: Sequence[Operation], read: Callable[[], Reads | None]) -> None:
    """
    Take the steps of operations until all are over.

    :param read: what a round of steps looks at; ``None``: each asks for itself.
    """
    clock = client.transport.clock
    try:
        while pending := [operation for operation in operations if operation.result is None]:
            began = clock.monotonic()
            due = [operation for operation in pending if operation.due - began <= RESOLUTION_SECONDS]
            if due:
                _take_steps(client, due, pending, read())
            else:
                _sleep(client, _all_due(pending) - began, pending)
        # Of each kind the one that was made last: what was made before it has had longer.
        for operation in {each.desired.kind: each for each in operations if each.unread}.values():
            operation.confirm()
    except BaseException:  # the task's time is over, or somebody ends it
        for operation in operations:
            if operation.result is None:
                give_up(client, operation.duplicates)
        raise


def _take_steps(client: Client, due: Sequence[Operation], pending: Sequence[Operation], reads: Reads | None) -> None:
    """Let those step that are due, the most urgent first, until another one must not wait any longer."""
    clock = client.transport.clock
    read_at = now = clock.monotonic()
    left = set(due)
    for operation in sorted(due, key=lambda each: each.latest):
        left.discard(operation)
        operation.step(reads or client, None if reads is None else read_at)
        began, now = now, clock.monotonic()
        others = [each for each in pending if each.result is None and each is not operation]
        for other in others:
            other.allow(now - began)
        if any(each.latest <= now for each in others if each not in left):
            return


def _sleep(client: Client, seconds: float, pending: Sequence[Operation]) -> None:
    if said := [operation.waits_for for operation in pending if operation.waits_for]:
        others = f", and for {len(pending) - 1} other objects" if len(pending) > 1 else ""
        log.info("Waiting %.0f s for %s%s", seconds, said[0], others)
    client.transport.clock.sleep(seconds)


def _all_due(pending: Iterable[Operation]) -> float:
    """Return when all are due that can wait so long: one look then serves them."""
    return min([max(each.due for each in pending), *(each.latest for each in pending)])
