"""
Checks of settle times: how soon lists and reads by id return new objects, and how long they return deleted ones.

If the service allows it, the objects of a kind share a name, so that one list query by name polls all of them.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.probe import as_answer
from airflow_provider_payments.aep.verification.trial import POLL_SECONDS, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from airflow_provider_payments.aep.verification.created_object import CreatedObject

__all__ = ["CHECKS", "DELETION_CHECKS"]

#: Seconds after which polling for a change ends; a longer settle time of the connection extends it.
MAX_WAIT_SECONDS = 90.0
#: Items per page of a list of the Schema Registry without a name filter, and of all other lists.
REGISTRY_PAGE_SIZE, PAGE_SIZE = 300, 100
#: Minimum seconds after its deletion for which lists may still contain an object.
MAX_STALE_LIST_SECONDS = 30.0
#: Kinds whose names are unique.
KINDS_OF_UNIQUE_NAMES = ("field_group", "schema")


@attrs.define
class Delay:
    """
    The delay of a change, bounded by polls.

    :param since: monotonic time at which the delay began.
    :param min_seconds: lower bound: seconds until the last poll before the change.
    :param seconds: upper bound: seconds until the first poll after the change; ``None``: no poll has observed it.
    """

    since: float
    min_seconds: float = 0.0
    seconds: float | None = None

    def extend(self, at: float) -> None:
        """Record a poll at a monotonic time, before the change."""
        self.min_seconds = max(0.0, at - self.since)

    def end(self, at: float) -> None:
        """Record the first poll after the change."""
        self.seconds = round(max(0.0, at - self.since), 1)


@attrs.frozen
class CreationDelays:
    """
    The delays of new objects of a kind, by id.

    :param second: whether a second object of the same name was ``taken`` (accepted) or ``refused``; empty if that was
        not tried.
    :param listed: delays until a list contained the object.
    :param readable: delays until a read by its id found the object.
    """

    second: str
    listed: Mapping[str, Delay]
    readable: Mapping[str, Delay]


@attrs.frozen
class DeletionDelays:
    """
    The delays of deleted objects of a kind, by id.

    :param unlisted: delays until the list no longer contained the object.
    :param unreadable: delays until a read by its id no longer found the object.
    """

    unlisted: Mapping[str, Delay]
    unreadable: Mapping[str, Delay]


def _creation_delays(trial: Trial, kind: str) -> CreationDelays:
    """Create objects of a kind and measure when they become visible; an earlier measurement is returned again."""
    return trial.shared(f"created {kind}", lambda: _measure_creation(trial, kind))


def _deletion_delays(trial: Trial, kind: str) -> DeletionDelays:
    """Delete the objects of a kind and measure when they disappear; an earlier measurement is returned again."""
    return trial.shared(f"removed {kind}", lambda: _measure_deletion(trial, kind))


def _measure_creation(trial: Trial, kind: str) -> CreationDelays:
    created, second = _create_all(trial, kind)
    listed, readable = _poll_until(trial, kind, created, visible=True)
    return CreationDelays(second, listed, readable)


def _measure_deletion(trial: Trial, kind: str) -> DeletionDelays:
    _creation_delays(trial, kind)
    deleted = trial.objects.delete_all_of(kind)
    if not deleted:
        raise NotTriedError(f"the service deletes no {KINDS[kind]}")
    now = trial.client.transport.clock.monotonic()
    # Only as many as were measured after creation, because each polled object costs requests.
    return DeletionDelays(*_poll_until(trial, kind, deleted[: trial.objects.size], visible=False, since=now))


def _poll_until(
    trial: Trial, kind: str, objects: list[CreatedObject], *, visible: bool, since: float | None = None
) -> tuple[dict[str, Delay], dict[str, Delay]]:
    """
    Poll objects until all of them are visible, or none is; return the delays in lists and in reads by id.

    :param since: monotonic time at which the delays begin. Defaults to ``None``: the creation of each object.
    """
    in_list, by_id = ({one.id: Delay(one.created_at if since is None else since) for one in objects} for _ in range(2))
    pending_in_list, pending_by_id = [one.id for one in objects], list(objects)
    for at in trial.polls(max(MAX_WAIT_SECONDS, _settle_seconds(trial, kind) + POLL_SECONDS)):
        if pending_in_list:
            listed = _listed_ids(trial, kind, objects, pending_in_list, whole=not visible)
            changed = listed if visible else set(pending_in_list) - listed
            for one_id in pending_in_list:
                record = in_list[one_id].end if one_id in changed else in_list[one_id].extend
                record(at)
            pending_in_list = [one for one in pending_in_list if one not in changed]
        while pending_by_id and trial.objects.is_readable(pending_by_id[0]) is visible:
            by_id[pending_by_id.pop(0).id].end(at)
        for one in pending_by_id:
            by_id[one.id].extend(at)
        if not pending_in_list and not pending_by_id:
            break
    return in_list, by_id


def _create_all(trial: Trial, kind: str) -> tuple[list[CreatedObject], str]:
    """
    Create the objects to measure; return them, and whether a second object of the same name was accepted.

    An object that another kind needed earlier is not measured, because its creation is too long ago.
    """
    objects, second = trial.objects, ""
    created: list[CreatedObject] = []
    if not objects.of_kind(kind):
        created.append(objects.create_or_skip(kind))
    if objects.size > 1 or kind in KINDS_OF_UNIQUE_NAMES:
        try:
            created.append(objects.create(kind))
            second = "taken"
        except RequestError as error:
            as_answer(error)  # raises unless the service refused the request itself
            second = "refused"
    while len(created) < objects.size:
        name = "" if second == "taken" else f"{objects.name(kind)} {len(created) + 1}"
        created.append(objects.create_or_skip(kind, name))
    return created, second


def _listed_ids(
    trial: Trial, kind: str, created: list[CreatedObject], wanted: Collection[str], *, whole: bool = False
) -> set[str]:
    """
    Return which of the wanted ids a list contains.

    :param created: the objects; if they have one name, the list is filtered by it.
    :param whole: whether to read the list to its end even if all wanted ids are found. Defaults to ``False``.
    """
    names = {one.name for one in created}
    name = names.pop() if len(names) == 1 else None
    found: set[str] = set()
    page_size = REGISTRY_PAGE_SIZE if name is None and kind in KINDS_OF_UNIQUE_NAMES else PAGE_SIZE
    for item in KINDS[kind].items(trial.client, name, page_size):
        listed = KINDS[kind].listed(item)
        found |= {listed.id} & set(wanted) if listed else set()
        if len(found) == len(wanted) and not whole:
            break
    return found


# ---- the checks ----------------------------------------------------------------------------------------------------


def _within(delays: Mapping[str, Delay], seconds: float) -> Finding:
    """Contradict an assumed maximum by a delay whose lower bound exceeds it, so that a slow poll alone does not."""
    known = [delay.seconds for delay in delays.values() if delay.seconds is not None]
    is_over = len(known) == len(delays)
    median = round(statistics.median(known), 1) if is_over else None
    is_too_long = not is_over or any(delay.min_seconds > seconds for delay in delays.values())
    return judged(not is_too_long, median=median, maximum=max(known) if is_over else None, objects=len(delays))


def _is_listed_in_time(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(_creation_delays(trial, kind).listed, _settle_seconds(trial, kind))


def _is_readable_in_time(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(_creation_delays(trial, kind).readable, READ_LAG_SECONDS)


def _is_unlisted_in_time(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(
        _deletion_delays(trial, kind).unlisted, max(_settle_seconds(trial, kind), MAX_STALE_LIST_SECONDS)
    )


def _is_unreadable_in_time(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(_deletion_delays(trial, kind).unreadable, POLL_SECONDS)


def _settle_seconds(trial: Trial, kind: str) -> float:
    client = trial.client
    return client.dataflow_settle_seconds if kind == "dataflow" else client.settle_seconds


def _accepts_second_name(kind: str) -> Callable[[Trial], Finding]:
    def run(trial: Trial) -> Finding:
        second = _creation_delays(trial, kind).second
        if not second:
            raise NotTriedError("it needs a second object")
        return judged(second == ("refused" if kind in KINDS_OF_UNIQUE_NAMES else "taken"), second=second)

    return run


def _needs(kind: str) -> tuple[Need, ...]:
    if kind == "base_connection":
        return (Need.VENDOR,)
    return (Need.SOURCE,) if kind in ("source_connection", "dataflow") else ()


def _checks_of(kind: str) -> Iterator[Check]:
    noun, needs = KINDS[kind].name, _needs(kind)
    allowed = "`dataflow_settle_seconds`" if kind == "dataflow" else "`settle_seconds`"
    yield Check(
        f"{kind}.listed",
        f"A list contains a new {noun} within {allowed}.",
        "`aep/provisioning/decide.py`; Adobe publishes no time",
        "create, then poll the list by name",
        _is_listed_in_time(kind),
        needs,
    )
    yield Check(
        f"{kind}.readable",
        f"A read by its id finds a new {noun} within {READ_LAG_SECONDS:g} s.",
        "`aep/api/patience.py`; 20 s were observed for schemas",
        "create, then poll reads by id",
        _is_readable_in_time(kind),
        needs,
    )
    again = "is refused" if kind in KINDS_OF_UNIQUE_NAMES else "is accepted"
    yield Check(
        f"{kind}.names",
        f"A second {noun} of the same name {again}.",
        "Adobe's guide of the Schema Registry"
        if kind in KINDS_OF_UNIQUE_NAMES
        else "`Kind.may_duplicate`; no document says otherwise",
        "create two objects with the same name",
        _accepts_second_name(kind),
        needs if kind in KINDS_OF_UNIQUE_NAMES else (*needs, Need.WHOLE),
    )


def _checks_of_deletion(kind: str) -> Iterator[Check]:
    noun, needs = KINDS[kind].name, _needs(kind)
    yield Check(
        f"{kind}.gone_by_id",
        f"A deleted {noun} cannot be read by its id after {POLL_SECONDS:g} s.",
        "`aep/provisioning/removing.py`; observed for datasets",
        "delete, then poll reads by id",
        _is_unreadable_in_time(kind),
        needs,
    )
    yield Check(
        f"{kind}.gone",
        f"Lists contain a deleted {noun} for at most {MAX_STALE_LIST_SECONDS:g} s or its settle time.",
        "`aep/provisioning/deletion.py`; Adobe publishes no time",
        "delete, then poll the list",
        _is_unlisted_in_time(kind),
        needs,
    )


#: Checks of creations begin with the kinds that others refer to; checks of deletions, which run last, end with them.
CHECKS = tuple(check for kind in KINDS for check in _checks_of(kind))
DELETION_CHECKS = tuple(check for kind in reversed(KINDS) for check in _checks_of_deletion(kind))
