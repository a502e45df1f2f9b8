"""Counts on a platform after a scenario: objects by kind and name, flow runs, rows and requests."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.chaos.runs import KINDS

__all__ = ["TOKENS", "Census", "count"]

#: The published interface deletes no mapping set, so two concurrent writers may leave a spare one, which has no effect.
UNDELETABLE = "mappingSets"
MAX_ROWS = 100_000
TOKENS = "/ims/"


@dataclass(frozen=True)
class Census:
    """
    The objects whose names begin with the names of a scenario, and their flow runs, rows and requests.

    :param names: the names; each kind must have one object for each name.
    :param objects: the number of objects by kind and name.
    :param flow_runs: the number of flow runs of these dataflows.
    :param rows: the number of distinct rows in these datasets.
    :param twice: the number of rows that were ingested again.
    :param requests: the number of requests to the platform, including those for tokens.
    :param tokens: the number of requests for tokens.
    """

    names: Collection[str]
    objects: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    flow_runs: int = 0
    rows: int = 0
    twice: int = 0
    requests: int = 0
    tokens: int = 0

    @property
    def duplicates(self) -> int:
        """The number of duplicates, without mapping sets."""
        return sum(self._surplus(kind) for kind in self.objects if kind != UNDELETABLE)

    @property
    def spare_mapping_sets(self) -> int:
        """The number of mapping sets that no dataflow uses."""
        return self._surplus(UNDELETABLE)

    @property
    def missing(self) -> int:
        """The number of objects that do not exist."""
        return sum(not self.objects.get(kind, {}).get(name) for kind in KINDS for name in self.names)

    def _surplus(self, kind: str) -> int:
        return sum(number - 1 for number in self.objects.get(kind, {}).values())

    def violations(self) -> list[str]:
        """Return the violations of promises."""
        counts = {"duplicates": self.duplicates, "objects missing": self.missing, "rows twice": self.twice}
        return [f"{number} {name}" for name, number in counts.items() if number]


def count(platform: ExperiencePlatform, names: Collection[str]) -> Census:
    """Count the objects with some names, and all requests since the request log was emptied."""
    found = {kind: [item for item in platform.objects(kind) if _name(item) in names] for kind in KINDS}
    flows = {flow["id"] for flow in found["flows"]}
    ingested: Counter[str] = Counter()
    for dataset in found["dataSets"]:
        rows = platform.rows(dataset["id"], limit=MAX_ROWS)["rows"]
        # Some payments of the sample have the same id, so the whole row is their identity.
        ingested.update(dataset["id"] + json.dumps(row, sort_keys=True) for row in rows)
    requests = platform.requests()
    return Census(
        names=names,
        objects={kind: Counter(map(_name, items)) for kind, items in found.items()},
        flow_runs=sum(run["flowId"] in flows for run in platform.objects("runs")),
        rows=len(ingested),
        twice=ingested.total() - len(ingested),
        requests=len(requests),
        tokens=sum(request["path"].startswith(TOKENS) for request in requests),
    )


def _name(item: Mapping[str, Any]) -> str:
    """Return the name of the chain that an object belongs to: the part before ``- source`` or ``: fields``."""
    return re.split(r" - |: ", item.get("title") or item.get("name") or "")[0]
