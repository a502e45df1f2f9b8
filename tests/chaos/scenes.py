"""What is there before a dataflow's life goes on, what people do meanwhile, and what must be true at its end."""

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
#: Runs would bring rows, and keep the dataset: the dataflows begin later than any trial ends.
LATER = Schedule(frequency="minute", interval=15, start_delay=40 * 86400.0)
FLOWS = f"{FLOW_SERVICE}/flows"
#: The kinds that are counted, and those whose objects may go with a dataflow.
KINDS = ("connections", "sourceConnections", "targetConnections", "dataSets", "flows")
Objects = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Scene:
    """
    What is tried.

    :param asks: for each writer, what its tasks do in order, as :data:`.lives.OPERATORS` calls it.
    :param dataset: whether deletions take the dataset too.
    :param by_id: whether tasks name the dataflow by its id.
    :param marked: whether the provider made the objects, or a person.
    :param shares: what another dataflow uses too: ``target``, ``dataset`` or nothing.
    :param person: what a person does meanwhile, as :data:`PERSONS` calls it.
    """

    asks: tuple[tuple[str, ...], ...] = (("delete",),)
    dataset: bool = False
    by_id: bool = False
    marked: bool = True
    shares: str = ""
    person: str = ""

    def __str__(self) -> str:
        asked = " beside ".join(", ".join(asks) for asks in self.asks)
        more = [f"dataset {self.dataset}", f"by id {self.by_id}", f"marked {self.marked}"]
        return "; ".join([asked, *more, f"shares {self.shares or 'nothing'}", f"a person {self.person or 'is away'}"])

    def asked(self, what: str) -> bool:
        return any(what in asks for asks in self.asks)


def draw(draws: Random) -> Scene:
    """Draw a scene of one writer or two."""
    alone = [("delete",), ("delete",), ("delete",), ("disable", "enable", "disable"), ("disable", "enable")]
    alone += [("publish",), ("profile", "schema in profile", "dataset in profile")]
    first = draws.choice(alone)
    if first[0] not in ("delete", "disable"):
        return Scene((first,) * draws.choice((1, 2)))
    beside = draws.choice([(), (), ("delete",), ("disable",), ("enable",), ("disable", "enable")])
    return Scene(
        (first, beside) if beside else (first,),
        dataset=draws.random() < 0.6,
        by_id=draws.random() < 0.4,
        marked=draws.random() < 0.8,
        shares=draws.choice(("", "", "target", "dataset")),
        person=draws.choice(("", "", *PERSONS)),
    )


@dataclass(frozen=True)
class World:
    """
    What there is.

    :param ids: of the dataflow and what goes with it, by kind, and of its schema.
    :param before: all objects at the beginning, by id.
    :param others: those of another dataflow.
    """

    ids: dict[str, str]
    before: Objects = field(default_factory=dict)
    others: frozenset[str] = frozenset()


def look(platform: Platform) -> Objects:
    """Return all objects of the kinds that are counted, by id."""
    return {item["id"]: item | {"kind": kind} for kind in KINDS for item in platform.objects(kind)}


# ---- the beginning -------------------------------------------------------------------------------------------------


def build(platform: Platform, client: Client, scene: Scene) -> World:
    """Make what is there at the beginning."""
    chain = Chain(client)
    ids = {"schemas": chain.schema_id, "dataSets": chain.dataset_id}
    if not scene.asked("profile"):
        flow = _draft(chain) if scene.asked("publish") else chain.ensure(chain.dataflow(schedule=LATER)).existing.id
        ends = flow_service.item(client, "flows", flow)
        ids |= {"flows": flow, "sourceConnections": ends["sourceConnectionIds"][0]}
        ids["targetConnections"] = ends["targetConnectionIds"][0]
    own = set(look(platform))
    if scene.shares:
        _another(chain, scene.shares)
    before = look(platform)
    return World(ids, before, frozenset(set(before) - own))


def _draft(chain: Chain) -> str:
    """A dataflow that is a draft, and so are its source connection and the base connection of that."""

    def drafted(path: str, body: dict[str, Any]) -> str:
        return str(chain.post(path, body, mode="draft")["id"])

    base = drafted(f"{FLOW_SERVICE}/connections", chain.base_connection().payload())
    source = drafted(f"{FLOW_SERVICE}/sourceConnections", chain.source(base_connection_id=base).payload())
    schedule = {"startTime": int(chain.client.now()) + 40 * 86400, "frequency": "minute", "interval": 15}
    body = chain.dataflow(schedule=LATER, source_connection_id=source).payload()
    return drafted(FLOWS, body | {"name": NAME, "scheduleParams": schedule})


def _another(chain: Chain, shares: str) -> str:
    """Make a dataflow that uses the target connection too, or one of its own into the same dataset."""
    target = chain.target_id if shares == "target" else chain.ensure(chain.target(name="another target")).existing.id
    return chain.ensure(chain.dataflow(name="another", schedule=LATER, target_connection_id=target)).existing.id


# ---- people --------------------------------------------------------------------------------------------------------


def _describes(client: Client, world: World) -> None:
    for kind in ("targetConnections", "sourceConnections"):
        item = flow_service.item(client, kind, world.ids[kind])
        text = f"Changed by hand {item.get('description') or ''}".strip()
        path, body = f"{FLOW_SERVICE}/{kind}/{item['id']}", [{"op": "add", "path": "/description", "value": text}]
        client.request("PATCH", path, body=body, headers={"If-Match": item["etag"]})


def _deletes(client: Client, world: World) -> None:
    client.request("DELETE", f"{FLOWS}/{world.ids['flows']}")


def _disables(client: Client, world: World) -> None:
    client.request("POST", f"{FLOWS}/{world.ids['flows']}/action", params={"op": "disable"})


def _uses(client: Client, world: World) -> None:
    """Make a dataflow that writes to the same target connection."""
    item = flow_service.item(client, "flows", world.ids["flows"])
    names = ("flowSpec", "targetConnectionIds", "transformations", "scheduleParams")
    source = flow_service.item(client, "sourceConnections", world.ids["sourceConnections"])
    body = {name: source[name] for name in ("baseConnectionId", "data", "params", "connectionSpec")}
    made = client.request("POST", f"{FLOW_SERVICE}/sourceConnections", body=body | {"name": "by hand"}).body["id"]
    own = {name: item[name] for name in names}
    client.request("POST", FLOWS, body=own | {"name": "by hand", "sourceConnectionIds": [made]})


PERSONS: dict[str, Callable[[Client, World], None]] = {
    "describes": _describes,
    "deletes": _deletes,
    "disables": _disables,
    "uses": _uses,
}


def act(client: Client, world: World, scene: Scene) -> None:
    """Do what a person does meanwhile, as far as it can be done."""
    with suppress(PlatformError):
        PERSONS[scene.person](client, world)


# ---- the end -------------------------------------------------------------------------------------------------------


def wrongs(platform: Platform, world: World, scene: Scene, state: str | None) -> Iterator[str]:
    """
    Tell what is not as it must be once all is over.

    :param state: that the dataflow is to have; ``None``: it is to be gone.
    """
    now = look(platform)
    yield from _of_others(now, world, scene)
    if scene.asked("profile"):
        yield from _of_profile(platform, world)
        return
    flow = now.get(world.ids["flows"])
    if state is None and flow:
        yield f"the dataflow is still there, {flow['state']}"
    if state and scene.person != "deletes" and (not flow or flow["state"] != state):
        yield f"the dataflow is {flow['state'] if flow else 'gone'}, not {state}"
    if state is None:
        yield from _left(now, world, scene)
    if scene.asked("publish"):
        yield from (f"{item['kind']} {item['id']} is a draft" for item in now.values() if item.get("state") == "draft")


def _of_others(now: Objects, world: World, scene: Scene) -> Iterator[str]:
    more = set(now) - set(world.before)
    if more and scene.person != "uses":
        yield f"there are more objects than before: {', '.join(sorted(more))}"
    for each in world.others | ({world.ids["dataSets"]} if not scene.dataset else set()):
        if each not in now:
            yield f"{world.before[each]['kind']} {each} is gone, which was to stay"
        elif each in world.others and now[each] != world.before[each]:
            yield f"{world.before[each]['kind']} {each} is another's, and was changed"
    for kind, refers in (("flows", ("sourceConnectionIds", "targetConnectionIds")), ("targetConnections", ())):
        for item in (each for each in now.values() if each["kind"] == kind):
            ends = [end for name in refers for end in item[name]] or [item["params"]["dataSetId"]]
            yield from (f"{kind} {item['id']} refers to {end}, which is gone" for end in ends if end not in now)


def _left(now: Objects, world: World, scene: Scene) -> Iterator[str]:
    """Tell what should have gone with the dataflow."""
    flows = [item for item in now.values() if item["kind"] == "flows"]
    ends = {end for flow in flows for end in (*flow["sourceConnectionIds"], *flow["targetConnectionIds"])}
    targets = [item for item in now.values() if item["kind"] == "targetConnections"]
    used = ends | {target["params"]["dataSetId"] for target in targets}
    for kind in ("sourceConnections", "targetConnections", *(["dataSets"] if scene.dataset else [])):
        item = now.get(world.ids[kind])
        # A person who deletes a dataflow leaves what goes with it: only a mark says what that was.
        if item and item["id"] not in used and (scene.person != "deletes" or _names_a_deletion(item)):
            yield f"{kind} {item['id']} is left, and no dataflow uses it"


def _names_a_deletion(item: dict[str, Any]) -> bool:
    mark = Mark.read(item.get("description"))
    return mark is not None and bool(mark.deletion)


def _of_profile(platform: Platform, world: World) -> Iterator[str]:
    descriptors = [each for each in platform.objects("descriptors") if each["xdm:sourceSchema"] == world.ids["schemas"]]
    if len(descriptors) != 1:
        yield f"the schema has {len(descriptors)} identities where it should have one"
    (schema,) = (each for each in platform.objects("schemas") if each["$id"] == world.ids["schemas"])
    if schema.get("meta:immutableTags") != ["union"]:
        yield f"the tags of the schema are {schema.get('meta:immutableTags')}"
    tags = look(platform)[world.ids["dataSets"]]["tags"].get("unifiedProfile")
    if tags != ["enabled:true"]:
        yield f"the dataset's tag of Profile is {tags}"
