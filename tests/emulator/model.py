"""A model of the resources that should exist, which shares no rules with the emulator."""

from __future__ import annotations

from dataclasses import dataclass, field

# By the kind of a resource, the kind of the users that block its deletion.
USER_KINDS = {
    "connections": "flows",
    "sourceConnections": "flows",
    "targetConnections": "flows",
    "dataSets": "targetConnections",
    "schemas": "dataSets",
    "fieldgroups": "schemas",
}


@dataclass
class ModelResource:
    """A resource.

    :param uses: the ids of the resources that it refers to.
    :param stale: the resource's earlier etags.
    """

    kind: str
    id: str
    name: str
    uses: frozenset[str] = frozenset()
    etag: str = ""
    stale: list[str] = field(default_factory=list)

    def written(self, etag: str) -> None:
        """Record the etag that a write has returned."""
        assert etag not in (self.etag, *self.stale), "every write gives a new etag"
        self.stale.append(self.etag)
        self.etag = etag


@dataclass
class Dataflow(ModelResource):
    """A dataflow with a periodic schedule.

    :param dataset: the id of its dataset.
    :param start: the start time, in epoch seconds.
    :param period: the seconds between runs.
    :param runs: the times at which runs started, in epoch seconds.
    """

    dataset: str = ""
    start: int = 0
    period: int = 0
    enabled: bool = True
    runs: list[int] = field(default_factory=list)

    def pass_time(self, before: int, now: int) -> None:
        """Add a run for each scheduled time that is later than ``before`` and not later than ``now``."""
        missed = max((before - self.start) // self.period + 1, 0)
        due_times = range(self.start + missed * self.period, now + 1, self.period)
        if self.enabled:
            self.runs += due_times


class Model:
    """The resources of one sandbox.

    :param now: the current time, in epoch seconds.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        self.resources: dict[str, ModelResource] = {}
        self.deleted: list[ModelResource] = []

    def of(self, kind: str) -> list[ModelResource]:
        """The existing resources of a kind, oldest first."""
        return [resource for resource in self.resources.values() if resource.kind == kind]

    @property
    def flows(self) -> list[Dataflow]:
        return [resource for resource in self.resources.values() if isinstance(resource, Dataflow)]

    def add(self, resource: ModelResource) -> None:
        assert resource.id not in self.resources
        assert resource.id not in [other.id for other in self.deleted], "ids are not used twice"
        self.resources[resource.id] = resource

    def user_of(self, resource: ModelResource) -> ModelResource | None:
        """A resource that refers to a given one and so blocks its deletion; None if there is none."""
        users = (user for user in self.of(USER_KINDS.get(resource.kind, "")) if resource.id in user.uses)
        return next(users, None)

    def remove(self, resource: ModelResource) -> None:
        self.deleted.append(self.resources.pop(resource.id))

    def advance(self, seconds: int) -> None:
        before, self.now = self.now, self.now + seconds
        for flow in self.flows:
            flow.pass_time(before, self.now)
