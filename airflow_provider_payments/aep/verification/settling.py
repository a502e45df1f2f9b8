"""
How objects of a kind settle: when lists and reads by id show them after their creation, and until when after deletion.

Objects of a kind share a name, where the service allows that, so that one poll of a list serves all of them.
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
from airflow_provider_payments.aep.verification.probe import refused
from airflow_provider_payments.aep.verification.trial import POLL_SECONDS, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from airflow_provider_payments.aep.verification.made import Made

__all__ = ["CHECKS", "DELETION_CHECKS", "created", "removed"]

#: Seconds after which an object that does not show counts as one that never does; longer settle times are waited for.
MAX_WAIT_SECONDS = 90.0
#: Objects to ask for in a page of a list.
PAGE = 300
#: Seconds after its deletion in which a read by id may still show an object.
MAX_GONE_SECONDS = 30.0
#: Kinds of which a name can be taken once only.
UNIQUE = ("field_group", "schema")


@attrs.define
class Delay:
    """
    How long something lasted: polls see it go on, or over.

    :param since: when it began, by the clock's ``monotonic``.
    :param at_least: seconds that it lasted, known from the last poll that saw it go on.
    :param seconds: the seconds until a poll saw it over, which it lasted at most; ``None``: no poll did.
    """

    since: float
    at_least: float = 0.0
    seconds: float | None = None

    def go_on(self, at: float) -> None:
        """Take note of a poll that saw it go on."""
        self.at_least = max(0.0, at - self.since)

    def end(self, at: float) -> None:
        """Take note of the poll that saw it over."""
        self.seconds = round(max(0.0, at - self.since), 1)


@attrs.frozen
class Created:
    """
    What was measured of new objects of a kind, for each by its id.

    :param second: whether a second object of the name was ``taken`` or ``refused``; empty where it was not tried.
    :param listed: until a list showed it.
    :param readable: until a read by its id found it.
    """

    second: str
    listed: Mapping[str, Delay]
    readable: Mapping[str, Delay]


@attrs.frozen
class Removed:
    """
    What was measured of deleted objects of a kind, for each by its id.

    :param gone: until no list showed it any more.
    :param gone_by_id: until no read by its id found it any more.
    """

    gone: Mapping[str, Delay]
    gone_by_id: Mapping[str, Delay]


def created(trial: Trial, kind: str) -> Created:
    """Make objects of a kind, unless that has been done, and measure when they show."""
    return trial.once(f"created {kind}", lambda: _create(trial, kind))


def removed(trial: Trial, kind: str) -> Removed:
    """Delete the objects of a kind, unless that has been done, and measure until when they show."""
    return trial.once(f"removed {kind}", lambda: _remove(trial, kind))


def _create(trial: Trial, kind: str) -> Created:
    made, second = _make_all(trial, kind)
    listed, readable = _delays(made), _delays(made)
    unlisted, unread = [one.existing.id for one in made], list(made)
    for at in trial.polls(_longest(trial, kind)):
        if unlisted:
            shown = _listed(trial, kind, made, unlisted)
            _note(listed, unlisted, shown, at)
            unlisted = [one for one in unlisted if one not in shown]
        while unread and trial.objects.is_readable(unread[0]):
            readable[unread.pop(0).existing.id].end(at)
        for one in unread:
            readable[one.existing.id].go_on(at)
        if not unlisted and not unread:
            break
    return Created(second, listed, readable)


def _remove(trial: Trial, kind: str) -> Removed:
    created(trial, kind)
    made = trial.objects.delete_all_of(kind)
    if not made:
        raise NotTriedError(f"the service deletes no {KINDS[kind]}")
    now = trial.client.transport.clock.monotonic()
    # Not those that single checks have made besides: each takes a request.
    made = [attrs.evolve(one, at=now) for one in made[: trial.objects.size]]
    gone, gone_by_id = _delays(made), _delays(made)
    listed, readable = [one.existing.id for one in made], list(made)
    for at in trial.polls(_longest(trial, kind)):
        if listed:
            shown = _listed(trial, kind, made, listed, whole=True)
            _note(gone, listed, set(listed) - shown, at)
            listed = [one for one in listed if one in shown]
        while readable and not trial.objects.is_readable(readable[0]):
            gone_by_id[readable.pop(0).existing.id].end(at)
        for one in readable:
            gone_by_id[one.existing.id].go_on(at)
        if not listed and not readable:
            break
    return Removed(gone, gone_by_id)


def _longest(trial: Trial, kind: str) -> float:
    return max(MAX_WAIT_SECONDS, _settle_seconds(trial, kind) + POLL_SECONDS)


def _delays(made: list[Made]) -> dict[str, Delay]:
    return {one.existing.id: Delay(one.at) for one in made}


def _make_all(trial: Trial, kind: str) -> tuple[list[Made], str]:
    """Make what is measured, and return what became of a second name; what another kind has needed is too old."""
    objects, second = trial.objects, ""
    made: list[Made] = []
    if not objects.of(kind):
        made.append(objects.make_or_skip(kind))
    if objects.size > 1 or kind in UNIQUE:
        try:
            made.append(objects.make(kind))
            second = "taken"
        except RequestError as error:
            refused(error)  # raises what is not about the name
            second = "refused"
    while len(made) < objects.size:
        name = "" if second == "taken" else f"{objects.name(kind)} {len(made) + 1}"
        made.append(objects.make_or_skip(kind, name))
    return made, second


def _note(delays: Mapping[str, Delay], waiting: Collection[str], over: Collection[str], at: float) -> None:
    """Take note of one poll: for which objects the delay is over."""
    for one in waiting:
        if one in over:
            delays[one].end(at)
        else:
            delays[one].go_on(at)


def _listed(trial: Trial, kind: str, made: list[Made], wanted: Collection[str], *, whole: bool = False) -> set[str]:
    """
    Return which of the wanted objects a list shows.

    :param whole: whether the list is read to its end though all are found.
    """
    names = {one.name for one in made}
    name = names.pop() if len(names) == 1 else None
    found: set[str] = set()
    for item in KINDS[kind].items(trial.client, name, PAGE if name is None and kind in UNIQUE else 100):
        listed = KINDS[kind].listed(item)
        found |= {listed.id} & set(wanted) if listed else set()
        if len(found) == len(wanted) and not whole:
            break
    return found


# ---- the checks ----------------------------------------------------------------------------------------------------


def _within(delays: Mapping[str, Delay], seconds: float) -> Finding:
    """Judge delays: one that was still seen after ``seconds`` contradicts. A slow poll alone does not."""
    known = [delay.seconds for delay in delays.values() if delay.seconds is not None]
    is_over = len(known) == len(delays)
    median = round(statistics.median(known), 1) if is_over else None
    is_too_long = not is_over or any(delay.at_least > seconds for delay in delays.values())
    return judged(not is_too_long, median=median, maximum=max(known) if is_over else None, objects=len(delays))


def _is_listed(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(created(trial, kind).listed, _settle_seconds(trial, kind))


def _is_read(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(created(trial, kind).readable, READ_LAG_SECONDS)


def _is_unlisted(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(removed(trial, kind).gone, max(_settle_seconds(trial, kind), MAX_GONE_SECONDS))


def _is_unreadable(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(removed(trial, kind).gone_by_id, POLL_SECONDS)


def _settle_seconds(trial: Trial, kind: str) -> float:
    client = trial.client
    return client.dataflow_settle_seconds if kind == "dataflow" else client.settle_seconds


def _takes_names(kind: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        second = created(trial, kind).second
        if not second:
            raise NotTriedError("it needs a second object")
        return judged(second == ("refused" if kind in UNIQUE else "taken"), second=second)

    return ask


def _needs(kind: str) -> tuple[Need, ...]:
    if kind == "base_connection":
        return (Need.VENDOR,)
    return (Need.SOURCE,) if kind in ("source_connection", "dataflow") else ()


def _checks_of(kind: str) -> Iterator[Check]:
    noun, needs = KINDS[kind].name, _needs(kind)
    allowed = "`dataflow_settle_seconds`" if kind == "dataflow" else "`settle_seconds`"
    yield Check(
        f"{kind}.listed",
        f"A list shows a new {noun} within {allowed}.",
        "`aep/provisioning/decide.py`; Adobe publishes no time",
        "create, then poll the list by name",
        _is_listed(kind),
        needs,
    )
    yield Check(
        f"{kind}.readable",
        f"A read by its id finds a new {noun} within {READ_LAG_SECONDS:g} s.",
        "`aep/api/patience.py`; 20 s were seen for schemas",
        "create, then poll by id",
        _is_read(kind),
        needs,
    )
    again = "is refused" if kind in UNIQUE else "is taken"
    yield Check(
        f"{kind}.names",
        f"A second {noun} of the same name {again}.",
        "Adobe's guide of the Schema Registry"
        if kind in UNIQUE
        else "`Kind.may_duplicate`; no document says otherwise",
        "create two with one name",
        _takes_names(kind),
        needs if kind in UNIQUE else (*needs, Need.WHOLE),
    )


def _checks_of_deletion(kind: str) -> Iterator[Check]:
    noun, needs = KINDS[kind].name, _needs(kind)
    yield Check(
        f"{kind}.gone_by_id",
        f"A deleted {noun} cannot be read by its id after {POLL_SECONDS:g} s.",
        "`aep/provisioning/removing.py`; on record for datasets",
        "delete, then poll by id",
        _is_unreadable(kind),
        needs,
    )
    yield Check(
        f"{kind}.gone",
        f"Lists show a deleted {noun} for {MAX_GONE_SECONDS:g} s, or its settle time, at most.",
        "`aep/provisioning/deletion.py`; Adobe publishes no time",
        "delete, then poll the list",
        _is_unlisted(kind),
        needs,
    )


#: Those of creations in the order of what refers to what, and those of deletions, which come last, the other way round.
CHECKS = tuple(check for kind in KINDS for check in _checks_of(kind))
DELETION_CHECKS = tuple(check for kind in reversed(KINDS) for check in _checks_of_deletion(kind))
