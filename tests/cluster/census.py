"""What stands on a platform after a scenario: objects of each kind for each name, flow runs, rows, requests."""

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

#: The published interface deletes no mapping set: two writers at once may each make one, which does nothing.
UNDELETABLE = "mappingSets"
MOST_ROWS = 100_000
TOKENS = "/ims/"


@dataclass(frozen=True)
class Census:
    """
    The objects whose names begin with those of a scenario.

    :param objects: kind -> name -> how many objects.
    :param names: of which each kind has one object.
    :param flow_runs: of the dataflows among them.
    :param rows: in their datasets.
    :param twice: rows that landed more than once.
    :param requests: to the platform, tokens included.
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
        """How many objects too many, mapping sets apart."""
        return sum(self._surplus(kind) for kind in self.objects if kind != UNDELETABLE)

    @property
    def spare_mapping_sets(self) -> int:
        """How many mapping sets nothing uses."""
        return self._surplus(UNDELETABLE)

    @property
    def missing(self) -> int:
        """How many objects are not there."""
        return sum(not self.objects.get(kind, {}).get(name) for kind in KINDS for name in self.names)

    def _surplus(self, kind: str) -> int:
        return sum(number - 1 for number in self.objects.get(kind, {}).values())

    def misses(self) -> list[str]:
        """Name what is not as promised."""
        counts = {"duplicates": self.duplicates, "objects missing": self.missing, "rows twice": self.twice}
        return [f"{number} {what}" for what, number in counts.items() if number]


def count(platform: ExperiencePlatform, names: Collection[str]) -> Census:
    """Count the objects of these names, and all requests since their log was emptied."""
    found = {kind: [item for item in platform.objects(kind) if _name(item) in names] for kind in KINDS}
    flows = {flow["id"] for flow in found["flows"]}
    landed: Counter[str] = Counter()
    for dataset in found["dataSets"]:
        rows = platform.rows(dataset["id"], limit=MOST_ROWS)["rows"]
        # Some payments of the sample share an id; the whole row tells them apart.
        landed.update(dataset["id"] + json.dumps(row, sort_keys=True) for row in rows)
    requests = platform.requests()
    return Census(
        names=names,
        objects={kind: Counter(map(_name, items)) for kind, items in found.items()},
        flow_runs=sum(run["flowId"] in flows for run in platform.objects("runs")),
        rows=len(landed),
        twice=landed.total() - len(landed),
        requests=len(requests),
        tokens=sum(request["path"].startswith(TOKENS) for request in requests),
    )


def _name(item: Mapping[str, Any]) -> str:
    """Return the name of the chain that an object belongs to: what stands before ``- source`` or ``: fields``."""
    return re.split(r" - |: ", item.get("title") or item.get("name") or "")[0]
