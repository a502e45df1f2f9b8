"""Scenes: the objects at the beginning of a trial, what users do meanwhile, and checks of the objects at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import FLOW_SERVICE, Chain
from tests.chaos.timeline import Platform

NAME = "own dataflow"
#: The dataflows start after the end of any trial: runs would ingest rows, and a dataset with rows is not deleted.
LATER = Schedule(frequency="minute", interval=15, start_delay=40 * 86400.0)
FLOWS = f"{FLOW_SERVICE}/flows"
#: The kinds whose objects are compared.
KINDS = ("connections", "sourceConnections", "targetConnections", "dataSets", "flows")
Objects = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Scene:
    """
    The existing objects of a trial, and the operations on them.

    :param operations: for each writer, the operations of its tasks in order, keys of :data:`.lives.OPERATORS`.
    :param dataset: whether deletions include the dataset.
    :param by_id: whether tasks name the dataflow by its id.
    :param marked: whether the objects have the provider's marks; objects that users create do not.
    :param shares: the object that another dataflow uses too: ``target``, ``dataset`` or empty.
    :param user_action: what a user does meanwhile, a key of :data:`USER_ACTIONS`; empty for nothing.
    """

    operations: tuple[tuple[str, ...], ...] = (("delete",),)
    dataset: bool = False
    by_id: bool = False
    marked: bool = True
    shares: str = ""
    user_action: str = ""

    def __str__(self) -> str:
        writers = " and ".join(", ".join(operations) for operations in self.operations)
        more = [f"dataset {self.dataset}", f"by id {self.by_id}", f"marked {self.marked}"]
        return "; ".join(
            [writers, *more, f"shares {self.shares or 'nothing'}", f"user action: {self.user_action or 'none'}"]
        )

    def has(self, operation: str) -> bool:
        """Return whether a writer has a task with an operation."""
        return any(operation in operations for operations in self.operations)


def draw(draws: Random) -> Scene:
    """Draw a scene with one or two writers."""
    alone = [("delete",), ("delete",), ("delete",), ("disable", "enable", "disable"), ("disable", "enable")]
    alone += [("publish",), ("profile", "schema in profile", "dataset in profile")]
    first = draws.choice(alone)
    if first[0] not in ("delete", "disable"):
        return Scene((first,) * draws.choice((1, 2)))
    second = draws.choice([(), (), ("delete",), ("disable",), ("enable",), ("disable", "enable")])
    return Scene(
        (first, second) if second else (first,),
        dataset=draws.random() < 0.6,
        by_id=draws.random() < 0.4,
        marked=draws.random() < 0.8,
        shares=draws.choice(("", "", "target", "dataset")),
        user_action=draws.choice(("", "", *USER_ACTIONS)),
    )


@dataclass(frozen=True)
class Setup:
    """
    The objects at the beginning of a trial.

    :param ids: the ids of the dataflow, its connections, its dataset and its schema, by kind.
    :param before: all objects at the beginning, by id.
    :param others: the ids of another dataflow and its objects.
    """

    ids: dict[str, str]
    before: Objects = field(default_factory=dict)
    others: frozenset[str] = frozenset()


def snapshot(platform: Platform) -> Objects:
    """Return all objects of the compared kinds, by id."""
    return {item["id"]: item | {"kind": kind} for kind in KINDS for item in platform.objects(kind)}


# ---- setup ---------------------------------------------------------------------------------------------------------


def set_up(platform: Platform, client: Client, scene: Scene) -> Setup:
    """Create the objects that exist at the beginning."""
    chain = Chain(client)
    ids = {"schemas": chain.schema_id, "dataSets": chain.dataset_id}
    if not scene.has("profile"):
        flow = _draft(chain) if scene.has("publish") else chain.ensure(chain.dataflow(schedule=LATER)).existing.id
        ends = flow_service.item(client, "flows", flow)
        ids |= {"flows": flow, "sourceConnections": ends["sourceConnectionIds"][0]}
        ids["targetConnections"] = ends["targetConnectionIds"][0]
    own = set(snapshot(platform))
    if scene.shares:
        _another(chain, scene.shares)
    before = snapshot(platform)
    return Setup(ids, before, frozenset(set(before) - own))


def _draft(chain: Chain) -> str:
    """Create a dataflow, its source connection and its base connection as drafts; return the dataflow's id."""

    def drafted(path: str, body: dict[str, Any]) -> str:
        return str(chain.post(path, body, mode="draft")["id"])

    base = drafted(f"{FLOW_SERVICE}/connections", chain.base_connection().payload())
    source = drafted(f"{FLOW_SERVICE}/sourceConnections", chain.source(base_connection_id=base).payload())
    schedule = {"startTime": int(chain.client.now()) + 40 * 86400, "frequency": "minute", "interval": 15}
    body = chain.dataflow(schedule=LATER, source_connection_id=source).payload()
    return drafted(FLOWS, body | {"name": NAME, "scheduleParams": schedule})


def _another(chain: Chain, shares: str) -> str:
    """Create another dataflow with the same target connection, or with its own one into the same dataset."""
    target = chain.target_id if shares == "target" else chain.ensure(chain.target(name="another target")).existing.id
    return chain.ensure(chain.dataflow(name="another", schedule=LATER, target_connection_id=target)).existing.id


# ---- user actions --------------------------------------------------------------------------------------------------


def _describe(client: Client, setup: Setup) -> None:
    for kind in ("targetConnections", "sourceConnections"):
        item = flow_service.item(client, kind, setup.ids[kind])
        text = f"Changed by hand {item.get('description') or ''}".strip()
        path, body = f"{FLOW_SERVICE}/{kind}/{item['id']}", [{"op": "add", "path": "/description", "value": text}]
        client.request("PATCH", path, body=body, headers={"If-Match": item["etag"]})


def _delete(client: Client, setup: Setup) -> None:
    client.request("DELETE", f"{FLOWS}/{setup.ids['flows']}")


def _disable(client: Client, setup: Setup) -> None:
    client.request("POST", f"{FLOWS}/{setup.ids['flows']}/action", params={"op": "disable"})


def _use_target(client: Client, setup: Setup) -> None:
    """Create a dataflow that writes to the same target connection."""
    item = flow_service.item(client, "flows", setup.ids["flows"])
    names = ("flowSpec", "targetConnectionIds", "transformations", "scheduleParams")
    source = flow_service.item(client, "sourceConnections", setup.ids["sourceConnections"])
    body = {name: source[name] for name in ("baseConnectionId", "data", "params", "connectionSpec")}
    created = client.request("POST", f"{FLOW_SERVICE}/sourceConnections", body=body | {"name": "by hand"}).body["id"]
    own = {name: item[name] for name in names}
    client.request("POST", FLOWS, body=own | {"name": "by hand", "sourceConnectionIds": [created]})


USER_ACTIONS: dict[str, Callable[[Client, Setup], None]] = {
    "describes": _describe,
    "deletes": _delete,
    "disables": _disable,
    "uses": _use_target,
}


def act(client: Client, setup: Setup, scene: Scene) -> None:
    """Do what the user of a scene does; errors are ignored, because a task may have deleted the objects."""
    with suppress(PlatformError):
        USER_ACTIONS[scene.user_action](client, setup)


# ---- checks --------------------------------------------------------------------------------------------------------


def problems(platform: Platform, setup: Setup, scene: Scene, state: str | None) -> Iterator[str]:
    """
    Yield what is wrong with the objects at the end of a trial.

    :param state: the expected state of the dataflow; None if it must have been deleted.
    """
    now = snapshot(platform)
    yield from _problems_of_others(now, setup, scene)
    if scene.has("profile"):
        yield from _profile_problems(platform, setup)
        return
    flow = now.get(setup.ids["flows"])
    if state is None and flow:
        yield f"the dataflow still exists, {flow['state']}"
    if state and scene.user_action != "deletes" and (not flow or flow["state"] != state):
        yield f"the dataflow is {flow['state'] if flow else 'deleted'}, not {state}"
    if state is None:
        yield from _leftovers(now, setup, scene)
    if scene.has("publish"):
        yield from (f"{item['kind']} {item['id']} is a draft" for item in now.values() if item.get("state") == "draft")


def _problems_of_others(now: Objects, setup: Setup, scene: Scene) -> Iterator[str]:
    more = set(now) - set(setup.before)
    if more and scene.user_action != "uses":
        yield f"there are more objects than before: {', '.join(sorted(more))}"
    for each in setup.others | ({setup.ids["dataSets"]} if not scene.dataset else set()):
        if each not in now:
            yield f"{setup.before[each]['kind']} {each} was deleted, but must stay"
        elif each in setup.others and now[each] != setup.before[each]:
            yield f"{setup.before[each]['kind']} {each} of another dataflow was changed"
    for kind, refers in (("flows", ("sourceConnectionIds", "targetConnectionIds")), ("targetConnections", ())):
        for item in (each for each in now.values() if each["kind"] == kind):
            ends = [end for name in refers for end in item[name]] or [item["params"]["dataSetId"]]
            yield from (f"{kind} {item['id']} refers to {end}, which was deleted" for end in ends if end not in now)


def _leftovers(now: Objects, setup: Setup, scene: Scene) -> Iterator[str]:
    """Yield the objects that should have been deleted with the dataflow."""
    flows = [item for item in now.values() if item["kind"] == "flows"]
    ends = {end for flow in flows for end in (*flow["sourceConnectionIds"], *flow["targetConnectionIds"])}
    targets = [item for item in now.values() if item["kind"] == "targetConnections"]
    used = ends | {target["params"]["dataSetId"] for target in targets}
    for kind in ("sourceConnections", "targetConnections", *(["dataSets"] if scene.dataset else [])):
        item = now.get(setup.ids[kind])
        # After a user deletes the dataflow, tasks know its connections and dataset only by the mark of a deletion.
        if item and item["id"] not in used and (scene.user_action != "deletes" or _names_a_deletion(item)):
            yield f"{kind} {item['id']} is left, but no dataflow uses it"


def _names_a_deletion(item: dict[str, Any]) -> bool:
    mark = Mark.read(item.get("description"))
    return mark is not None and bool(mark.deletion)


def _profile_problems(platform: Platform, setup: Setup) -> Iterator[str]:
    descriptors = [each for each in platform.objects("descriptors") if each["xdm:sourceSchema"] == setup.ids["schemas"]]
    if len(descriptors) != 1:
        yield f"the schema has {len(descriptors)} identities instead of one"
    (schema,) = (each for each in platform.objects("schemas") if each["$id"] == setup.ids["schemas"])
    if schema.get("meta:immutableTags") != ["union"]:
        yield f"the tags of the schema are {schema.get('meta:immutableTags')}"
    tags = snapshot(platform)[setup.ids["dataSets"]]["tags"].get("unifiedProfile")
    if tags != ["enabled:true"]:
        yield f"the dataset's tag of Profile is {tags}"
