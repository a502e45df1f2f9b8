"""The objects and rows on the platform after a trial, and the promises that they break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_payments.aep.resources.catalog import MARK_TAG
from airflow_provider_payments.aep.resources.marks import Mark, Writer
from tests.chaos.runs import KINDS, DagRun
from tests.chaos.timeline import Platform

#: The base connection that an apply creates; other base connections exist from the beginning.
BASE_CONNECTION = "Chaos PayPal"
#: Kinds of which one object must be left; the published interface deletes no mapping set.
DELETABLE = {*KINDS, "connections"} - {"mappingSets"}
#: Kinds that a dataflow uses, directly or through its target connection.
USABLE = ("sourceConnections", "targetConnections", "dataSets")

Objects = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Census:
    """
    The objects and rows that a trial has left.

    :param before: the duplicates before the later run: by kind, the ids of objects that the later run did not adopt.
    :param duplicates: the duplicates after the later run.
    :param unexplained: ids in ``before``, without mapping sets, whose writer should have removed them: no attempt of
        the writer's task was killed or ended with an error.
    :param unreported: duplicates, before or after, that no task of a run under faults reported, without mapping sets.
    :param disabled: the number of duplicate dataflows that are disabled.
    :param orphans: objects that no dataflow uses, without mapping sets.
    :param dangling: connections that a dataflow names but that do not exist.
    :param unowned: enabled dataflows, before the later run, that no run returned, no error named, and no killed run
        created.
    :param twice: the number of rows that were ingested again.
    :param lost: the number of rows that were not ingested.
    """

    before: dict[str, list[str]] = field(default_factory=dict)
    duplicates: dict[str, list[str]] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)
    unreported: list[str] = field(default_factory=list)
    disabled: int = 0
    orphans: list[str] = field(default_factory=list)
    dangling: list[str] = field(default_factory=list)
    unowned: list[str] = field(default_factory=list)
    twice: int = 0
    lost: int = 0

    def count(self, *kinds: str) -> int:
        """Return the number of duplicates of some kinds after the later run."""
        return _count(self.duplicates, kinds)

    def count_before(self, *kinds: str) -> int:
        """Return the number of duplicates of some kinds before the later run."""
        return _count(self.before, kinds)


def _count(duplicates: dict[str, list[str]], kinds: Iterable[str]) -> int:
    return sum(len(duplicates.get(kind, ())) for kind in kinds)


def snapshot(platform: Platform) -> Objects:
    """Return the objects that exist on the platform now."""
    bases = [each for each in platform.objects("connections") if each["name"] == BASE_CONNECTION]
    return {"connections": bases} | {kind: platform.objects(kind) for kind in KINDS}


def take_census(platform: Platform, earlier: Objects, runs: Sequence[DagRun], later: DagRun) -> Census:
    """
    Count the objects and the rows.

    :param earlier: the objects before the later run.
    """
    objects = snapshot(platform)
    before, duplicates = _duplicates(earlier, later), _duplicates(objects, later)
    flows = objects["flows"]
    ends = {end for flow in flows for end in (*flow["sourceConnectionIds"], *flow["targetConnectionIds"])}
    used = ends | {target["params"]["dataSetId"] for target in objects["targetConnections"] if target["id"] in ends}
    existing = {item["id"] for kind in ("sourceConnections", "targetConnections") for item in objects[kind]}
    reported = {id_ for run in runs for returned in run.done.values() for id_ in returned.get("duplicates", ())}
    ever = {id_ for kind in later.reported for found in (before, duplicates) for id_ in found.get(kind, ())}
    ingested: Counter[tuple[str, str]] = Counter()
    for dataset in objects["dataSets"]:
        ingested.update(map(_row_key, platform.rows(dataset["id"], limit=10 * later.rows)["rows"]))
    return Census(
        before=before,
        duplicates=duplicates,
        unexplained=[
            _id(item)
            for kind in sorted(DELETABLE)
            for item in earlier[kind]
            if _id(item) in before.get(kind, ()) and not _is_explained(item, kind, runs)
        ],
        unreported=sorted(ever - reported),
        disabled=sum(flow["state"] == "disabled" for flow in flows if flow["id"] in duplicates.get("flows", ())),
        orphans=[item["id"] for kind in USABLE for item in objects[kind] if item["id"] not in used],
        dangling=sorted(ends - existing),
        unowned=[flow["id"] for flow in earlier["flows"] if flow["state"] == "enabled" and not _is_owned(flow, runs)],
        twice=ingested.total() - len(ingested),
        lost=later.rows - len(ingested),
    )


def _id(item: dict[str, Any]) -> str:
    return str(item.get("$id") or item["id"])


def _row_key(row: dict[str, Any]) -> tuple[str, str]:
    """Return the identity of a row. Several definitions may read one table, so each writes its name into its rows."""
    return row.get("_emulator", {}).get("payment", {}).get("by", ""), row["_id"]


def _is_explained(duplicate: dict[str, Any], kind: str, runs: Sequence[DagRun]) -> bool:
    """Return whether the run that created a duplicate was killed or failed before it could remove the duplicate."""
    texts = (duplicate.get("description"), *(duplicate.get("tags") or {}).get(MARK_TAG, ()))
    mark = next(filter(None, map(Mark.read, texts)), None)
    if mark is None:
        return False
    return any(
        r.troubled.intersection(r.creating_steps(kind)) and Writer(mark.owner, r.run_id).owns(mark) for r in runs
    )


def _is_owned(flow: dict[str, Any], runs: Sequence[DagRun]) -> bool:
    """Return whether a run returned a dataflow, named it in an error, or created it and was killed."""
    mark = Mark.read(flow.get("description"))
    return any(
        flow["id"] in run.returned("flows")
        or any(flow["id"] in message for message in run.messages)
        or (run.ends["killed"] and mark is not None and Writer(mark.owner, run.run_id).owns(mark))
        for run in runs
    )


def _duplicates(objects: Objects, later: DagRun) -> dict[str, list[str]]:
    duplicates = {kind: _others(found, later.returned(kind)) for kind, found in objects.items()}
    return {kind: ids for kind, ids in duplicates.items() if ids}


def _others(found: list[dict[str, Any]], adopted: set[str]) -> list[str]:
    """Return the ids of all objects but the adopted ones; if none was adopted, of all but the oldest."""
    ids = list(map(_id, found))
    kept = adopted.intersection(ids) or set(ids[:1])
    return [id_ for id_ in ids if id_ not in kept]


def broken_promises(
    census: Census, runs: Sequence[DagRun], later: DagRun, creations: int, *, strict: bool
) -> list[str]:
    """
    Return the promises that are broken, in words.

    :param runs: the runs under faults.
    :param later: the run without faults, a quarter of an hour later.
    :param creations: the number of creations that the later run sent.
    :param strict: whether no duplicate may be left, even if it was reported.
    """
    problems = [f"{len(ids) + 1} {kind} instead of one" for kind, ids in census.duplicates.items() if kind in DELETABLE]
    if not strict:
        problems = [f"duplicates that no task reported: {', '.join(census.unreported)}"] * bool(census.unreported)
        problems += ["a duplicate dataflow is enabled"] * (census.disabled < census.count("flows"))
    if census.unexplained:
        problems.append(f"duplicates that their writers should have removed: {', '.join(census.unexplained)}")
    # Duplicates have their own rule: objects that only they use may have no dataflow.
    orphans = [id_ for id_ in census.orphans if not any(id_ in ids for ids in census.duplicates.values())]
    problems += [f"no dataflow uses {', '.join(orphans)}"] * bool(orphans)
    problems += [f"a dataflow names objects that do not exist: {', '.join(census.dangling)}"] * bool(census.dangling)
    problems += [f"enabled dataflows that no run accounts for: {', '.join(census.unowned)}"] * bool(census.unowned)
    problems += [f"{census.twice} rows were ingested twice"] * bool(census.twice)
    problems += [f"{census.lost} rows were lost"] * bool(census.lost)
    # All faults are temporary: a task may run out of tries, but must not fail for good.
    problems += [f"{run.run_id}: {run.message}" for run in runs if run.ends.keys() & {"crashed", "endless", "failed"}]
    problems += [f"the later run ended: {later.message}"] * (not later.complete)
    if all(run.complete for run in (*runs, later)):
        problems += _disagreements(runs, later, creations)
    return problems


def _disagreements(runs: Sequence[DagRun], later: DagRun, creations: int) -> Iterator[str]:
    """Yield the differences between the results of complete runs and of a later run, which should find all at once."""
    yield from (f"the later run created or changed {step}" for step in later.changed())
    if later.waited:
        yield f"the later run waited {later.waited:g} s"
    if creations:
        yield f"the later run sent {creations} creations"
    known = dict(later.results())
    for run in runs:
        for name, found in run.results():
            if known.get(name, found) != found:
                yield f"{name} of {run.run_id} is another object than in the later run"
