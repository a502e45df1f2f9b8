"""A destroy of any sandbox deletes only unused objects with the project's mark."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.destroy import execute_destroy
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.kind import Kind
from airflow_provider_payments.aep.resources.marks import Mark, Writer
from tests.aep.chain import Chain
from tests.aep.dataflows.destroying import LISTS, PROJECT, planned_destroy
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import PAYPAL, Emulator

OWNERS = st.sampled_from(["finance", "finance", "finance", "sales", None])
#: Names of dataflows: those of the two definitions and one other.
NAMES = st.sampled_from(["A", "B", "other"])
#: Names of base connections.
BASES = ("PayPal connection", "shop")
EVERYTHING = (*LISTS, "connections", "schemas", "fieldgroups", "mappingSets")
FAR = 4102444800


@dataclass(frozen=True)
class Part:
    """
    An object of a sandbox.

    :param refers: indexes of the objects that it refers to, in the lists of possible ones.
    :param runs: whether the dataflow runs during the test.
    """

    name: str
    owner: str | None
    refers: tuple[int, ...] = ()
    base: str = BASES[0]
    runs: bool = False


@dataclass(frozen=True)
class Sandbox:
    """The objects of a sandbox, by kind."""

    datasets: list[Part] = field(default_factory=list)
    targets: list[Part] = field(default_factory=list)
    sources: list[Part] = field(default_factory=list)
    flows: list[Part] = field(default_factory=list)


@st.composite
def sandboxes(draw: st.DrawFn) -> Sandbox:
    def some(most: int, suffix: str = "", *among: list[Part]) -> list[Part]:
        numbers = [st.integers(0, len(parts) - 1) for parts in among]
        named = NAMES.map(lambda name: f"{name}{suffix}")
        runs = st.booleans() if among else st.just(False)
        part = st.builds(Part, named, OWNERS, st.tuples(*numbers), st.sampled_from(BASES), runs)
        return draw(st.lists(part, min_size=1, max_size=most))

    datasets, sources = some(3), some(4, " - source")
    targets = some(4, " - target", datasets)
    return Sandbox(datasets, targets, sources, some(4, "", sources, targets))


class SandboxCreator:
    """Creates the objects of a sandbox by plain requests."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.client = chain, chain.client

    def create(self, sandbox: Sandbox) -> None:
        chain = self.chain
        bases = {BASES[0]: PAYPAL, BASES[1]: chain.ensure(chain.base_connection(name=BASES[1])).existing.id}
        datasets = [self._post(DATASET, part, chain.dataset(name=part.name).body()) for part in sandbox.datasets]
        sources = [
            self._post(
                SOURCE_CONNECTION, part, chain.source(name=part.name, base_connection_id=bases[part.base]).body()
            )
            for part in sandbox.sources
        ]
        targets = [
            self._post(
                TARGET_CONNECTION, part, chain.target(name=part.name, dataset_id=datasets[part.refers[0]]).body()
            )
            for part in sandbox.targets
        ]
        for part in sandbox.flows:
            ends = {"sourceConnectionIds": [sources[part.refers[0]]], "targetConnectionIds": [targets[part.refers[1]]]}
            start = int(self.client.now()) + 60 if part.runs else FAR
            body = {
                "name": part.name,
                "flowSpec": {"id": chain.flow_spec.id, "version": "1.0"},
                "transformations": [{"name": "Mapping", "params": {"mappingId": chain.mapping_set_id}}],
                "scheduleParams": {"startTime": start, "frequency": "once"},
                "options": {"partialIngestionPercent": 50},
            }
            self._post(DATAFLOW, part, body | ends)

    def _post(self, kind: Kind, part: Part, body: dict[str, Any]) -> str:
        marked = kind.marked(body, Writer(part.owner).mark() if part.owner else None)
        answer = self.client.request("POST", kind.path, body=marked).body
        return str(answer[0].rpartition("/")[2] if kind is DATASET else answer["id"])


def definition(name: str, base: str, dataset: str) -> str:
    text = TEN_LINES.replace("PayPal catalog products", name).replace(BASES[0], base)
    return f"{text}allow_second_reader: true\n{dataset}"


def by_id(emulator: Emulator) -> dict[str, dict[str, Any]]:
    return {item.get("$id") or item["id"]: item for name in EVERYTHING for item in emulator.objects(name)}


def owner_of(item: dict[str, Any]) -> str | None:
    tags = item.get("tags") or {}
    mark = Mark.read(next(iter(tags.get("airflow/mark", [])), None) or item.get("description"))
    return mark.owner if mark else None


def references(item: dict[str, Any]) -> set[str]:
    """Return the ids that an object refers to."""
    ends = [*item.get("sourceConnectionIds", []), *item.get("targetConnectionIds", [])]
    dataset = (item.get("params") or {}).get("dataSetId")
    return {*ends, *([dataset] if dataset else [])}


def ids_of_chains(items: dict[str, dict[str, Any]], name: str) -> set[str]:
    """Return the ids of the dataflows with a name, and of the objects that they refer to, directly or indirectly."""
    ids = {object_id for object_id, item in items.items() if "flowSpec" in item and item["name"] == name}
    for _ in range(2):
        ids |= {below for object_id in ids for below in references(items[object_id])}
    return ids


DATASETS = st.sampled_from(["", "dataset: other\n", "dataset: {name: B}\n", "dataset: {name: A}\n"])


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(data=st.data())
def test_only_marked_and_unused_objects_are_deleted(
    client: Client, emulator: Emulator, naps: list[float], data: st.DataObject
) -> None:
    emulator.reset()
    SandboxCreator(Chain(client, naps)).create(data.draw(sandboxes()))
    emulator.advance(7200)
    texts = {
        name.lower(): definition(name, data.draw(st.sampled_from(BASES)), data.draw(DATASETS)) for name in ("A", "B")
    }
    chosen: list[dict[str, Any]] = [{}, {"only": ["A"]}, {"orphans": True}]
    how = data.draw(st.sampled_from(chosen)) | {"datasets": data.draw(st.booleans())}
    before, batches = by_id(emulator), {dataset_of(batch) for batch in emulator.objects("batches")}
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), project=PROJECT, **texts)
        done = execute_destroy(client, planned_destroy(client, Path(folder), **how))
        after = by_id(emulator)
        deleted = before.keys() - after.keys()
        assert deleted == {each.existing.id for each in done.to_delete}
        assert {owner_of(before[object_id]) for object_id in deleted} <= {"finance"}
        assert not deleted & {below for item in after.values() for below in references(item)}
        datasets = {object_id for object_id in deleted if "schemaRef" in before[object_id]}
        assert not datasets & batches
        assert not datasets or how["datasets"]
        spared = ["B"] if "only" in how else ["A", "B"] if "orphans" in how else []
        assert not deleted & {object_id for name in spared for object_id in ids_of_chains(before, name)}
        assert planned_destroy(client, Path(folder), **how).to_delete == ()
    event(f"{len(deleted)} deleted, {len(batches)} datasets with rows")


def dataset_of(batch: dict[str, Any]) -> str:
    (dataset,) = (related["id"] for related in batch["relatedObjects"] if related["type"] == "dataSet")
    return str(dataset)
