"""
Find or create objects: one object for each name, despite lost answers and other writers.

Experience Platform has no idempotency key, and all services but the Schema Registry accept a second object of the same
name. So the name in its sandbox is the key. Each operation looks the name up, compares by meaning, adopts the oldest
matching object, and creates one only if there is none; once the creation has settled, it looks the name up again. By
then all writers of an object see the same oldest one, and each deletes the duplicate that it created itself. Every
object carries a :class:`~.marks.Mark`, by which an operation recognises its own creations even if their answers were
lost.

:func:`.decide.decide` decides for each object, and an :class:`.operation.Operation` sends the requests. This module is
the driver, which sleeps. Several objects are provisioned in lock step: each lookup and each settle time serves all.

The algorithm assumes one bound: a request whose answer was lost takes effect, and is listed, within the settle time. No
service promises a bound. A second dataflow would ingest each row twice, so dataflows have a longer settle time, and
start later than it ends.

An answer that cannot be understood, an incomplete list, and a read by id that lags behind a list decide nothing:
:mod:`.patience` reads them again.
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

__all__ = ["IF_EXISTS", "ensure", "ensure_many"]

log = logging.getLogger(__name__)

#: The allowed values of ``if_exists``.
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
    Return the one object that matches ``desired``; create it if there is none.

    :param if_exists: what to do if objects of the name exist and none matches: ``reuse`` fails and lists the
        differences, ``update`` changes the fields whose change takes effect, and fails for others. ``fail`` refuses any
        object that existed before, even if it matches. Defaults to ``reuse``.
    :param attempt: Airflow's try number. From the second on, an earlier try may have sent a creation before it was
        killed. Defaults to 1.
    :param writer: the chain and run in whose name the object is created; with ``fail``, objects that the same run of
        the same chain created are adopted. Defaults to the chain ``manual``.
    :param remove_duplicates: whether unused duplicates that carry this chain's mark, and are older than three settle
        times, are deleted. Otherwise an operation deletes only duplicates that it created itself; others are reported,
        and a duplicate dataflow is disabled. Defaults to false.
    :raises ConflictError: if an existing object of the name prevents the creation.
    :raises UnsettledError: if the outcome is unknown after the client's ``operation_timeout``; a later try
        continues.
    :raises UnlistedError: if no list shows the created object.
    :raises UnreadableError: if an object that may match cannot be understood, or not be read yet; a later try reads it
        again.
    :raises RequestError: if the service refuses, or if a read still fails after its retries.
    """
    if if_exists not in IF_EXISTS:
        raise InvalidInputError("if_exists", if_exists, f"one of {', '.join(IF_EXISTS)}")
    duplicates = Duplicates(client, desired, writer or Writer(), remove_duplicates)
    operation = Operation(client, desired, if_exists, duplicates, attempt)
    _drive(client, [operation], lambda: None)
    if isinstance(operation.result, Provisioned):
        return operation.result
    raise operation.result or AssertionError("an operation that has ended has a result")


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
    Provision several objects that do not refer to each other, each as :func:`ensure` does, in the time of one.

    :param desired: the objects, each of another name or kind.
    :param read: returns a reader that requests each list once, at its first use; one reader serves one round of
        lookups.
    :param attempt: see :func:`ensure`.
    :param writer: see :func:`ensure`.
    :param ignored: ids of objects that are never candidates, regardless of their names.
    :return: for each desired object the provisioned object, or the error that :func:`ensure` would raise.
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
    Take the steps of operations until all have ended.

    :param read: returns the reader for a round of steps; ``None``: each operation sends its own requests.
    """
    clock = client.transport.clock
    try:
        while pending := [operation for operation in operations if operation.result is None]:
            began = clock.monotonic()
            due = [operation for operation in pending if operation.due - began <= RESOLUTION_SECONDS]
            if due:
                _take_steps(client, due, pending, read())
            else:
                _sleep(client, _next_round(pending) - began, pending)
        # Confirm one object of each kind, the last one created: the others have had more time to become readable.
        for operation in {each.desired.kind: each for each in operations if each.unconfirmed}.values():
            operation.confirm()
    except BaseException:  # such as the task's timeout or Ctrl-C: no dataflow of these operations may ingest after it
        for operation in operations:
            if operation.result is None:
                give_up(client, operation.duplicates)
        raise


def _take_steps(client: Client, due: Sequence[Operation], pending: Sequence[Operation], reads: Reads | None) -> None:
    """Take the steps that are due, the most urgent first, until another operation must not wait any longer."""
    clock = client.transport.clock
    read_at = now = clock.monotonic()
    left = set(due)
    for operation in sorted(due, key=lambda each: each.latest):
        left.discard(operation)
        operation.step(reads or client, None if reads is None else read_at)
        began, now = now, clock.monotonic()
        others = [each for each in pending if each.result is None and each is not operation]
        for other in others:
            other.extend(now - began)
        if any(each.latest <= now for each in others if each not in left):
            return


def _sleep(client: Client, seconds: float, pending: Sequence[Operation]) -> None:
    if reasons := [operation.waits_for for operation in pending if operation.waits_for]:
        others = f", and for {len(pending) - 1} other objects" if len(pending) > 1 else ""
        log.info("Waiting %.0f s for %s%s", seconds, reasons[0], others)
    client.transport.clock.sleep(seconds)


def _next_round(pending: Iterable[Operation]) -> float:
    """Return when the next round of steps begins: when all are due, or earlier if one cannot wait for the others."""
    return min([max(each.due for each in pending), *(each.latest for each in pending)])
