"""
How objects of a kind settle: when lists and reads by id show them after their creation, and until when after deletion.

Objects of a kind share a name, where the service allows that, so that one poll of a list serves all of them.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS
from airflow_provider_payments.aep.errors import RequestError, UnreadableError
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.objects import KINDS
from airflow_provider_payments.aep.verification.trial import Settled, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.objects import Made

__all__ = ["CHECKS", "DELETION_CHECKS", "removed", "settled"]

#: Seconds after which an object that does not show counts as one that never does.
MAX_WAIT_SECONDS = 90.0
#: Between two polls: so many seconds, and later so great a share of the time that has passed.
POLL_SECONDS, POLL_SHARE = 2.0, 0.15
#: Objects to ask for in a page of a list.
PAGE = 300
#: Seconds after its deletion in which a read by id may still show an object.
MAX_GONE_SECONDS = 30.0
#: Kinds of which a name can be taken once only.
UNIQUE = ("field_group", "schema")


def settled(trial: Trial, kind: str) -> Settled:
    """Make objects of a kind, unless that has been done, and measure when they show."""
    if kind in trial.settled:
        return trial.settled[kind]
    found = Settled()
    made = _make_all(trial, kind, found)
    trial.settled[kind] = found
    reads = list(made)
    waiting = {one.existing.id for one in made}
    found.listed, found.readable = [None] * len(made), [None] * len(made)
    for at in _polls(trial):
        if waiting:
            shown = _listed(trial, kind, made, waiting)
            _note(found.listed, made, shown & waiting, at)
            waiting -= shown
        while reads and _is_readable(trial, reads[0]):
            _note(found.readable, made, {reads.pop(0).existing.id}, at)
        if not waiting and not reads:
            break
    return found


def removed(trial: Trial, kind: str) -> Settled:
    """Delete the objects of a kind, unless that has been done, and measure until when they show."""
    found = settled(trial, kind)
    if found.gone:
        return found
    made = trial.objects.delete_all_of(kind)
    if not made:
        raise NotTriedError(f"the service deletes no {KINDS[kind]}")
    now = trial.client.transport.clock.monotonic()
    made = [attrs.evolve(one, at=now) for one in made]
    reads, listed = list(made), {one.existing.id for one in made}
    found.gone, found.gone_by_id = [None] * len(made), [None] * len(made)
    for at in _polls(trial):
        if listed:
            shown = _listed(trial, kind, made, listed, whole=True)
            _note(found.gone, made, listed - shown, at)
            listed &= shown
        while reads and not _is_readable(trial, reads[0]):
            _note(found.gone_by_id, made, {reads.pop(0).existing.id}, at)
        if not listed and not reads:
            break
    return found


def _make_all(trial: Trial, kind: str, found: Settled) -> list[Made]:
    """Make what is measured; objects that another kind has needed before are too old for it."""
    objects = trial.objects
    made: list[Made] = []
    if not objects.of(kind):
        made.append(objects.make_or_skip(kind))
    if objects.size > 1 or kind in UNIQUE:
        try:
            made.append(objects.make(kind))
            found.second = "taken"
        except RequestError:
            found.second = "refused"
    while len(made) < objects.size:
        name = "" if found.second == "taken" else f"{objects.name(kind)} {len(made) + 1}"
        made.append(objects.make_or_skip(kind, name))
    return made


def _polls(trial: Trial) -> Iterator[float]:
    """Yield the time of each poll, by the clock's ``monotonic``, until it is too late for another."""
    clock = trial.client.transport.clock
    begun = clock.monotonic()
    while (passed := (at := clock.monotonic()) - begun) <= MAX_WAIT_SECONDS:
        yield at
        clock.sleep(max(POLL_SECONDS, POLL_SHARE * passed))


def _note(seconds: list[float | None], made: list[Made], ids: Collection[str], at: float) -> None:
    for place, one in enumerate(made):
        if one.existing.id in ids:
            seconds[place] = round(max(0.0, at - one.at), 1)


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


def _is_readable(trial: Trial, made: Made) -> bool:
    try:
        KINDS[made.kind].get(trial.client, made.existing.id)
    except RequestError as error:
        if not error.says_gone:
            raise
        return False
    except UnreadableError:
        return True
    return True


# ---- the checks ----------------------------------------------------------------------------------------------------


def _seconds(values: list[float | None]) -> Json:
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return {"median": None, "maximum": None, "objects": len(values)}
    return {"median": round(statistics.median(known), 1), "maximum": max(known), "objects": len(values)}


def _within(values: list[float | None], seconds: float) -> Finding:
    seen = _seconds(values)
    return judged(seen["maximum"] is not None and seen["maximum"] <= seconds, **seen)


def _is_listed(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(settled(trial, kind).listed, _settle_seconds(trial, kind))


def _is_read(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(settled(trial, kind).readable, READ_LAG_SECONDS)


def _is_unlisted(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(removed(trial, kind).gone, max(_settle_seconds(trial, kind), MAX_GONE_SECONDS))


def _is_unreadable(kind: str) -> Callable[[Trial], Finding]:
    return lambda trial: _within(removed(trial, kind).gone_by_id, POLL_SECONDS)


def _settle_seconds(trial: Trial, kind: str) -> float:
    client = trial.client
    # One poll is the least that can be measured.
    return max(client.dataflow_settle_seconds if kind == "dataflow" else client.settle_seconds, POLL_SECONDS)


def _takes_names(kind: str) -> Callable[[Trial], Finding]:
    def ask(trial: Trial) -> Finding:
        second = settled(trial, kind).second
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
        needs if kind in UNIQUE else (*needs, Need.THREE_OBJECTS),
    )


def _checks_of_deletion(kind: str) -> Iterator[Check]:
    noun, needs = KINDS[kind].name, _needs(kind)
    yield Check(
        f"{kind}.gone_by_id",
        f"A deleted {noun} cannot be read by its id.",
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
