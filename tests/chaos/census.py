"""What stands on the platform when all is over, and which promise that breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_payments.aep.resources.catalog import MARK_TAG
from airflow_provider_payments.aep.resources.marks import Mark, Writer
from tests.chaos.runs import KINDS, DagRun
from tests.chaos.timeline import Platform

#: The base connection that an apply makes; others are there from the beginning.
BASE_CONNECTION = "Chaos PayPal"
#: Kinds of which there must be one; the published interface deletes no mapping set.
DELETABLE = {*KINDS, "connections"} - {"mappingSets"}
#: Kinds that a dataflow uses directly or by its target connection.
USABLE = ("sourceConnections", "targetConnections", "dataSets")

Objects = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Census:
    """
    What one trial has left.

    :param before: by kind, the ids of objects beside the one that the later run adopted, as they were before it.
    :param copies: the same after it.
    :param unexplained: those of ``before`` whose writer had every chance to remove them, mapping sets apart: no attempt
        of its task was killed or ended with an error.
    :param unreported: copies, before or after, that no task of a run under faults reported, mapping sets apart.
    :param disabled: how many of the copied dataflows are switched off.
    :param orphans: objects that no dataflow uses, mapping sets apart.
    :param dangling: connections that a dataflow names and that do not exist.
    :param unowned: enabled dataflows, before the later run, that no run returned, no error named, and no killed run
        made.
    :param twice: rows that landed more than once.
    :param lost: rows that did not land.
    """

    before: dict[str, list[str]] = field(default_factory=dict)
    copies: dict[str, list[str]] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)
    unreported: list[str] = field(default_factory=list)
    disabled: int = 0
    orphans: list[str] = field(default_factory=list)
    dangling: list[str] = field(default_factory=list)
    unowned: list[str] = field(default_factory=list)
    twice: int = 0
    lost: int = 0

    def count(self, *kinds: str) -> int:
        """Return how many copies of some kinds are left."""
        return _count(self.copies, kinds)

    def count_before(self, *kinds: str) -> int:
        """Return how many there were before the later run."""
        return _count(self.before, kinds)


def _count(copies: dict[str, list[str]], kinds: Iterable[str]) -> int:
    return sum(len(copies.get(kind, ())) for kind in kinds)


def look(platform: Platform) -> Objects:
    """Return what stands on the platform now."""
    bases = [each for each in platform.objects("connections") if each["name"] == BASE_CONNECTION]
    return {"connections": bases} | {kind: platform.objects(kind) for kind in KINDS}


def take(platform: Platform, earlier: Objects, runs: Sequence[DagRun], later: DagRun) -> Census:
    """
    Count the objects and the rows.

    :param earlier: what stood there before the later run.
    """
    objects = look(platform)
    before, copies = _copies(earlier, later), _copies(objects, later)
    flows = objects["flows"]
    ends = {end for flow in flows for end in (*flow["sourceConnectionIds"], *flow["targetConnectionIds"])}
    used = ends | {target["params"]["dataSetId"] for target in objects["targetConnections"] if target["id"] in ends}
    there = {item["id"] for kind in ("sourceConnections", "targetConnections") for item in objects[kind]}
    reported = {id_ for run in runs for returned in run.done.values() for id_ in returned.get("duplicates", ())}
    ever = {id_ for kind in later.reported for found in (before, copies) for id_ in found.get(kind, ())}
    landed: Counter[tuple[str, str]] = Counter()
    for dataset in objects["dataSets"]:
        landed.update(map(_which, platform.rows(dataset["id"], limit=10 * later.rows)["rows"]))
    return Census(
        before=before,
        copies=copies,
        unexplained=[
            _id(item)
            for kind in sorted(DELETABLE)
            for item in earlier[kind]
            if _id(item) in before.get(kind, ()) and not _is_explained(item, kind, runs)
        ],
        unreported=sorted(ever - reported),
        disabled=sum(flow["state"] == "disabled" for flow in flows if flow["id"] in copies.get("flows", ())),
        orphans=[item["id"] for kind in USABLE for item in objects[kind] if item["id"] not in used],
        dangling=sorted(ends - there),
        unowned=[flow["id"] for flow in earlier["flows"] if flow["state"] == "enabled" and not _is_owned(flow, runs)],
        twice=landed.total() - len(landed),
        lost=later.rows - len(landed),
    )


def _id(item: dict[str, Any]) -> str:
    return str(item.get("$id") or item["id"])


def _which(row: dict[str, Any]) -> tuple[str, str]:
    """Tell a row from others: definitions write their name into theirs, for several may read one table."""
    return row.get("_emulator", {}).get("payment", {}).get("by", ""), row["_id"]


def _is_explained(copy: dict[str, Any], kind: str, runs: Sequence[DagRun]) -> bool:
    """Whether the run that made it may not have been answered, or not have lived to remove it."""
    texts = (copy.get("description"), *(copy.get("tags") or {}).get(MARK_TAG, ()))
    mark = next(filter(None, map(Mark.read, texts)), None)
    if mark is None:
        return False
    return any(r.troubled.intersection(r.makers(kind)) and Writer(mark.owner, r.run_id).owns(mark) for r in runs)


def _is_owned(flow: dict[str, Any], runs: Sequence[DagRun]) -> bool:
    """Whether a run answers for a dataflow: it returned it, or could not remove it and says so, or was killed."""
    mark = Mark.read(flow.get("description"))
    return any(
        flow["id"] in run.returned("flows")
        or any(flow["id"] in message for message in run.messages)
        or (run.ends["killed"] and mark is not None and Writer(mark.owner, run.run_id).owns(mark))
        for run in runs
    )


def _copies(objects: Objects, later: DagRun) -> dict[str, list[str]]:
    copies = {kind: _others(found, later.returned(kind)) for kind, found in objects.items()}
    return {kind: ids for kind, ids in copies.items() if ids}


def _others(found: list[dict[str, Any]], adopted: set[str]) -> list[str]:
    """Return the ids of all but the adopted ones; of all but the oldest, where none is."""
    ids = list(map(_id, found))
    kept = adopted.intersection(ids) or set(ids[:1])
    return [id_ for id_ in ids if id_ not in kept]


def broken(census: Census, runs: Sequence[DagRun], later: DagRun, creations: int, *, strict: bool) -> list[str]:
    """
    Name the promises that are broken, in words.

    :param runs: the runs under faults; ``later`` is the one without, a quarter of an hour after them.
    :param creations: how many objects the later run asked for.
    :param strict: whether no copy may be left, reported or not.
    """
    says = [f"{len(ids) + 1} {kind} where one should be" for kind, ids in census.copies.items() if kind in DELETABLE]
    if not strict:
        says = [f"copies that nobody reported: {', '.join(census.unreported)}"] * bool(census.unreported)
        says += ["a copied dataflow is enabled"] * (census.disabled < census.count("flows"))
    if census.unexplained:
        says.append(f"copies that their writers should have removed: {', '.join(census.unexplained)}")
    # Copies have their own rule: what only they use may have no dataflow.
    orphans = [id_ for id_ in census.orphans if not any(id_ in ids for ids in census.copies.values())]
    says += [f"no dataflow uses {', '.join(orphans)}"] * bool(orphans)
    says += [f"a dataflow names what does not exist: {', '.join(census.dangling)}"] * bool(census.dangling)
    says += [f"enabled dataflows that nobody answers for: {', '.join(census.unowned)}"] * bool(census.unowned)
    says += [f"{census.twice} rows landed twice"] * bool(census.twice)
    says += [f"{census.lost} rows were lost"] * bool(census.lost)
    # Nothing was wrong for good: a task may run out of tries, but not refuse another.
    says += [f"{run.run_id}: {run.message}" for run in runs if run.ends.keys() & {"crashed", "endless", "failed"}]
    says += [f"the later run ended: {later.message}"] * (not later.complete)
    if all(run.complete for run in (*runs, later)):
        says += _disagreements(runs, later, creations)
    return says


def _disagreements(runs: Sequence[DagRun], later: DagRun, creations: int) -> Iterator[str]:
    """Tell where a later run does not find at once what complete runs have left."""
    yield from (f"the later run made {step}" for step in later.changed())
    if later.waited:
        yield f"the later run waited {later.waited:g} s"
    if creations:
        yield f"the later run asked for {creations} creations"
    known = dict(later.results())
    for run in runs:
        for what, found in run.results():
            if known.get(what, found) != found:
                yield f"{what} of {run.run_id} returned what the later run does not know"
