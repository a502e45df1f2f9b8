"""What stands on the platform when all is over, and which promise that breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.runs import DagRun
from tests.chaos.tasks import STEPS
from tests.chaos.timeline import Platform

#: All rows of the table that the chain reads.
ROWS = 150
#: Which step makes objects of a kind; the schema's makes two.
KINDS = {
    "sourceConnections": "create_source_connection",
    "schemas": "create_target_schema",
    "fieldgroups": "create_target_schema",
    "dataSets": "create_target_dataset",
    "targetConnections": "create_target_connection",
    "mappingSets": "create_mapping_set",
    "flows": "create_dataflow",
}
#: Kinds of which there must be one; the published interface deletes no mapping set.
DELETABLE = KINDS.keys() - {"mappingSets"}
#: Kinds that a dataflow uses directly or by its target connection.
USABLE = ("sourceConnections", "targetConnections", "dataSets")


@dataclass(frozen=True)
class Census:
    """
    What one trial has left.

    :param copies: by kind, the ids of objects beside the one that the later run adopted.
    :param unreported: those of them that no task told of, mapping sets apart.
    :param disabled: how many of the copied dataflows are switched off.
    :param orphans: objects that no dataflow uses, mapping sets apart.
    :param twice: rows that landed more than once.
    :param lost: rows that did not land.
    """

    copies: dict[str, list[str]] = field(default_factory=dict)
    unreported: list[str] = field(default_factory=list)
    disabled: int = 0
    orphans: int = 0
    twice: int = 0
    lost: int = 0

    def count(self, *kinds: str) -> int:
        """Return how many copies there are of some kinds."""
        return sum(len(self.copies.get(kind, ())) for kind in kinds)


def take(platform: Platform, runs: Sequence[DagRun], later: DagRun) -> Census:
    """Count the objects and the rows."""
    objects = {kind: platform.objects(kind) for kind in KINDS}
    copies = {kind: _others(found, later.done.get(KINDS[kind], {})) for kind, found in objects.items()}
    flows = objects["flows"]
    used = {end for flow in flows for end in (*flow["sourceConnectionIds"], *flow["targetConnectionIds"])}
    used |= {target["params"]["dataSetId"] for target in objects["targetConnections"] if target["id"] in used}
    told = {id_ for run in (*runs, later) for returned in run.done.values() for id_ in returned.get("copies", ())}
    landed: Counter[str] = Counter()
    for dataset in objects["dataSets"]:
        landed.update(row["_id"] for row in platform.rows(dataset["id"], limit=10 * ROWS)["rows"])
    return Census(
        copies={kind: ids for kind, ids in copies.items() if ids},
        unreported=[id_ for kind, ids in copies.items() if kind != "mappingSets" for id_ in ids if id_ not in told],
        disabled=sum(flow["state"] == "disabled" for flow in flows if flow["id"] in copies["flows"]),
        orphans=sum(item["id"] not in used for kind in USABLE for item in objects[kind]),
        twice=landed.total() - len(landed),
        lost=ROWS - len(landed),
    )


def _others(found: list[dict[str, Any]], adopted: dict[str, Any]) -> list[str]:
    """Return the ids of all but the adopted one; of all but the oldest, where none is."""
    ids = [str(item.get("$id") or item["id"]) for item in found]
    known = {adopted.get("id"), adopted.get("field_group_id")}
    kept = next((id_ for id_ in ids if id_ in known), next(iter(ids), None))
    return [id_ for id_ in ids if id_ != kept]


def broken(census: Census, runs: Sequence[DagRun], later: DagRun, creations: int, *, strict: bool) -> list[str]:
    """
    Name the promises that are broken, in words.

    :param runs: the runs under faults; ``later`` is the one without, a quarter of an hour after them.
    :param creations: how many objects the later run asked for.
    :param strict: whether no copy may be left, reported or not.
    """
    says = [f"{len(ids) + 1} {kind} where one should be" for kind, ids in census.copies.items() if kind in DELETABLE]
    if not strict:
        says = [f"copies that nobody told of: {', '.join(census.unreported)}"] * bool(census.unreported)
        says += ["a copied dataflow is enabled"] * (census.disabled < census.count("flows"))
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
    yield from (f"the later run made {step}" for step in STEPS if later.done[step].get("created"))
    if later.waited:
        yield f"the later run waited {later.waited:g} s"
    if creations:
        yield f"the later run asked for {creations} creations"
    for run in runs:
        for step, returned in run.done.items():
            if step != "create_mapping_set" and returned["id"] != later.done[step]["id"]:
                yield f"{step} of {run.run_id} returned what the later run does not know"
