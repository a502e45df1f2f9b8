"""The emulator against a small model of itself: whatever is done in whatever order, both say the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.emulator.client import (
    CATALOG,
    FLOW,
    PROFILE,
    REGISTRY,
    STRIPE_SPEC,
    Client,
    field_group,
    flow_body,
    sent,
)
from tests.emulator.model import Dataflow, Model, Thing

EXAMPLES = int(os.environ.get("EMULATOR_MODEL_EXAMPLES", "0"))
FLOW_KINDS = ("connections", "sourceConnections", "targetConnections", "flows")
KINDS = (*FLOW_KINDS, "dataSets", "schemas", "fieldgroups")
NAMES = st.sampled_from(("a", "b", "c d", "ä,=='\"&"))
#: Which one of those that there are.
ANY = st.integers(0, 40)
MOST_SECONDS_OF_A_RUN = 2
PERIODS = st.sampled_from((15, 20, 45, 60))


class Emulator(RuleBasedStateMachine):
    """What clients do, each done to the emulator and to the model."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        client.control("POST", "reset")
        client.sign_in()
        self.model = Model(client.now())
        self.mappings: dict[str, str] = {}
        self.serial = 0
        for item in client.get(f"{FLOW}/connections")["items"]:
            self.model.add(Thing("connections", item["id"], item["name"], etag=item["etag"]))

    def any_of(self, kind: str, which: int) -> Thing:
        things = self.model.of(kind)
        return things[which % len(things)]

    @initialize(wait=st.integers(0, 4000), minutes=PERIODS)
    def make_chain(self, wait: int, minutes: int) -> None:
        """Left to chance, few histories would ever come to a dataflow."""
        self.make_schema()
        self.make_dataset(0, "a")
        self.make_source("a")
        self.make_target(0)
        self.make_flow(0, 0, wait, minutes)

    # What there can be.

    @rule(name=NAMES)
    def make_connection(self, name: str) -> None:
        auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "t"}}
        self._make("connections", {"name": name, "auth": auth, "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"}})

    @precondition(lambda self: self._paypal())
    @rule(name=NAMES)
    def make_source(self, name: str) -> None:
        base = self._paypal()[0]
        made = self.client.source(name=name, baseConnectionId=base.id)
        self._made("sourceConnections", made, name, {base.id})

    @rule()
    def make_schema(self) -> None:
        """With a field group and a mapping set of its own; titles are unique."""
        self.serial += 1
        fields = {"name": {"type": "string"}, "createTime": {"type": "string", "format": "date-time"}}
        group = self.client.make(f"{REGISTRY}/tenant/fieldgroups", field_group(f"fields {self.serial}", fields))["$id"]
        body = {
            "title": f"schema {self.serial}",
            "type": "object",
            "description": "d",
            "allOf": [{"$ref": PROFILE}, {"$ref": group}],
        }
        schema = self.client.make(f"{REGISTRY}/tenant/schemas", body)["$id"]
        self.model.add(Thing("fieldgroups", group, f"fields {self.serial}"))
        self.model.add(Thing("schemas", schema, f"schema {self.serial}", frozenset({group})))
        self.mappings[schema] = self.client.mapping(
            schema,
            ("Product_Id", "_id"),
            ("Product_Name", "_emulator.product.name"),
            ("Create_Time", "_emulator.product.createTime"),
        )

    @precondition(lambda self: self.model.of("schemas"))
    @rule(which=ANY, name=NAMES)
    def make_dataset(self, which: int, name: str) -> None:
        schema = self.any_of("schemas", which)
        dataset = self.client.dataset(schema.id, name)
        self.model.add(Thing("dataSets", dataset, name, frozenset({schema.id})))

    @precondition(lambda self: self.model.of("dataSets"))
    @rule(which=ANY)
    def make_target(self, which: int) -> None:
        dataset = self.any_of("dataSets", which)
        (schema,) = dataset.uses
        self._made("targetConnections", self.client.target(schema, dataset.id), "target", {dataset.id})

    @precondition(lambda self: self.model.of("sourceConnections") and self.model.of("targetConnections"))
    @rule(begin=ANY, end=ANY, wait=st.integers(0, 4000), minutes=PERIODS)
    def make_flow(self, begin: int, end: int, wait: int, minutes: int) -> None:
        source, target = self.any_of("sourceConnections", begin), self.any_of("targetConnections", end)
        (dataset,) = target.uses
        (schema,) = self.model.things[dataset].uses
        start = self.model.now + wait
        body = sent(flow_body(source.id, target.id, self.mappings[schema], start))
        body["scheduleParams"]["interval"] = minutes
        made = self.client.flow(body)
        uses = frozenset({source.id, target.id, *source.uses})
        flow = Dataflow("flows", made["id"], body["name"], uses, made["etag"], [], dataset, start, minutes * 60)
        self.model.add(flow)
        flow.pass_time(self.model.now - 1, self.model.now)

    def _paypal(self) -> list[Thing]:
        return [thing for thing in self.model.of("connections") if thing.name.startswith("PayPal")]

    def _make(self, kind: str, body: dict[str, Any]) -> None:
        self._made(kind, self.client.make(f"{FLOW}/{kind}", body)["id"], body["name"], set())

    def _made(self, kind: str, identifier: str, name: str, uses: set[str]) -> None:
        etag = self.client.item(kind, identifier)["etag"]
        self.model.add(Thing(kind, identifier, name, frozenset(uses), etag))

    # What can be done to it.

    @rule(kind=st.sampled_from(FLOW_KINDS), which=ANY, name=NAMES, match=st.sampled_from(("right", "stale", "none")))
    def rename(self, kind: str, which: int, name: str, match: str) -> None:
        if not self.model.of(kind):
            return
        thing = self.any_of(kind, which)
        if (match == "stale" and not thing.stale) or not thing.uses <= self.model.things.keys():
            # Flow Service holds a changed resource against all its rules again: what it uses must still be there.
            return
        if thing.name.startswith("PayPal"):
            name = f"PayPal {name}"
        headers = {"right": {"If-Match": thing.etag}, "stale": {"If-Match": (thing.stale or [""])[-1]}, "none": {}}
        patch = [{"op": "replace", "path": "/name", "value": name}]
        status = {"right": 200, "stale": 412, "none": 400}[match]
        answer = self.client.refused("PATCH", f"{FLOW}/{kind}/{thing.id}", status, json=patch, headers=headers[match])
        if match == "right":
            thing.written(answer["etag"])
            thing.name = name

    @precondition(lambda self: self.model.flows)
    @rule(which=ANY)
    def switch(self, which: int) -> None:
        flow = self.model.flows[which % len(self.model.flows)]
        operation = "disable" if flow.enabled else "enable"
        answer = self.client.refused("POST", f"{FLOW}/flows/{flow.id}/action?op={operation}", 200)
        flow.written(answer["etag"])
        flow.enabled = not flow.enabled

    @precondition(lambda self: self.model.flows)
    @rule(which=ANY, minutes=PERIODS)
    def reschedule(self, which: int, minutes: int) -> None:
        flow = self.model.flows[which % len(self.model.flows)]
        patch = [{"op": "replace", "path": "/scheduleParams/interval", "value": minutes}]
        path, headers = f"{FLOW}/flows/{flow.id}", {"If-Match": flow.etag}
        flow.written(self.client.refused("PATCH", path, 200, json=patch, headers=headers)["etag"])
        flow.period = minutes * 60

    @rule(kind=st.sampled_from(KINDS), which=ANY)
    def delete(self, kind: str, which: int) -> None:
        if not self.model.of(kind):
            return
        thing = self.any_of(kind, which)
        keeper = self.model.keeper(thing)
        if kind == "dataSets" and keeper is not None:
            # Catalog deletes it all the same: not what clients should rely on.
            return
        answer = self.client.ask("DELETE", path_of(thing))
        if keeper is not None:
            assert answer.status_code == 400, answer.text
            assert keeper.kind == "flows" or keeper.id in answer.text or "dataset" in answer.text
        else:
            assert answer.status_code == (200 if kind == "dataSets" else 204), answer.text
            self.model.remove(thing)

    @rule(seconds=st.integers(0, 4 * 3600))
    def wait(self, seconds: int) -> None:
        self.model.advance(seconds)
        assert self.client.advance(seconds) == self.model.now
        # Tokens live for a day.
        self.client.sign_in()

    # What must be so.

    @rule(kind=st.sampled_from(FLOW_KINDS), limit=st.integers(1, 3), order=st.sampled_from(("", "name", "-createdAt")))
    def page_through(self, kind: str, limit: int, order: str) -> None:
        """While connections come in, each page begins where the one before it ended."""
        before = [thing.id for thing in self.model.of(kind)]
        seen = []
        for place, page in enumerate(pages(self.client, kind, limit, order)):
            assert len(page) <= limit
            seen += [item["id"] for item in page]
            if place == 0:
                self.make_connection("b")
        assert len(seen) == len(set(seen))
        assert set(before) <= set(seen) <= set(self.model.things)
        if not order:
            assert seen == [thing.id for thing in self.model.of(kind)][: len(seen)]

    @rule(kind=st.sampled_from(FLOW_KINDS), name=NAMES)
    def find_by_name(self, kind: str, name: str) -> None:
        wanted = [thing.id for thing in self.model.of(kind) if thing.name == name]
        quoted = f'name=="{name}"' if '"' not in name else f"name=={name.partition(',')[0]}"
        if '"' in name:
            wanted = []
        found = self.client.get(f"{FLOW}/{kind}", property=quoted)["items"]
        assert [item["id"] for item in found] == wanted
        assert self.client.get(f"{FLOW}/{kind}", property=quoted, count="true")["count"] == len(wanted)

    @rule(which=ANY)
    def look(self, which: int) -> None:
        things = [*self.model.things.values(), *self.model.gone]
        thing = things[which % len(things)]
        answer = self.client.ask("GET", path_of(thing), headers={"Accept": "application/vnd.adobe.xed+json;version=1"})
        assert answer.status_code == (200 if thing.id in self.model.things else 404), answer.text
        if thing.kind in FLOW_KINDS and answer.status_code == 200:
            (item,) = answer.json()["items"]
            assert (item["name"], item["etag"]) == (thing.name, thing.etag)

    def teardown(self) -> None:
        """Both agree about everything."""
        client, model = self.client, self.model
        for kind in FLOW_KINDS:
            items = client.get(f"{FLOW}/{kind}")["items"]
            assert [(item["id"], item["name"], item["etag"]) for item in items] == [
                (thing.id, thing.name, thing.etag) for thing in model.of(kind)
            ]
            assert client.get(f"{FLOW}/{kind}", count="true")["count"] == len(items)
        assert list(client.get(f"{CATALOG}/dataSets", limit=100)) == [thing.id for thing in model.of("dataSets")]
        for kind in ("schemas", "fieldgroups"):
            accept = {"Accept": "application/vnd.adobe.xed-id+json"}
            listed = client.ask("GET", f"{REGISTRY}/tenant/{kind}", headers=accept).json()["results"]
            assert {item["$id"] for item in listed} == {thing.id for thing in model.of(kind)}
        for flow in model.flows:
            assert client.item("flows", flow.id)["state"] == ("enabled" if flow.enabled else "disabled")
        self._check_runs()

    def _check_runs(self) -> None:
        client, model = self.client, self.model
        flows = [thing for thing in (*model.flows, *model.gone) if isinstance(thing, Dataflow)]
        datasets = {flow.id: flow.dataset for flow in flows}
        begun: dict[str, list[int]] = {identifier: [] for identifier in datasets}
        landed = dict.fromkeys(datasets.values(), 0)
        for page in pages(client, "runs", 1000, ""):
            for run in page:
                begun[run["flowId"]].append(run["createdAt"])
                records = run["metrics"].get("recordSummary", {})
                if "completedAtUTC" in run["metrics"]["durationSummary"]:
                    assert records["inputRecordCount"] == records["outputRecordCount"] + records["failedRecordCount"]
                    landed[datasets[run["flowId"]]] += records["outputRecordCount"]
                else:
                    assert run["createdAt"] > 1000 * (model.now - MOST_SECONDS_OF_A_RUN)
        for flow in flows:
            assert begun[flow.id] == [1000 * moment for moment in flow.runs]
            assert client.get(f"{FLOW}/runs", property=f"flowId=={flow.id}", count="true")["count"] == len(flow.runs)
        for dataset in model.of("dataSets"):
            assert client.control("GET", f"datasets/{dataset.id}/rows?limit=1")["count"] == landed.get(dataset.id, 0)


def path_of(thing: Thing) -> str:
    if thing.kind == "dataSets":
        return f"{CATALOG}/dataSets/{thing.id}"
    if thing.kind in FLOW_KINDS:
        return f"{FLOW}/{thing.kind}/{thing.id}"
    return f"{REGISTRY}/tenant/{thing.kind}/{quote(thing.id, safe='')}"


def pages(client: Client, kind: str, limit: int, order: str) -> Iterator[list[Any]]:
    """Every page of a list, by the links from one to the next."""
    path = f"/{kind}?limit={limit}" + (f"&orderby={order}" if order else "")
    while path:
        page = client.get(FLOW + path)
        yield page["items"]
        path = page["_links"].get("next", {}).get("href", "")


def test_the_emulator_behaves_as_its_model(client: Client) -> None:
    class Driven(Emulator):
        def __init__(self) -> None:
            super().__init__(client)

    run_state_machine_as_test(
        Driven,
        settings=settings(
            max_examples=EXAMPLES or 40,
            stateful_step_count=40,
            derandomize=not EXAMPLES,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_first_run_that_was_missed_is_not_made_up_for(client: Client) -> None:
    history = Emulator(client)
    history.make_chain(60, 15)
    history.switch(0)
    history.wait(120)
    history.switch(0)
    history.reschedule(0, 20)
    history.teardown()
    history.wait(3600)
    history.teardown()
    (dataset,) = history.model.of("dataSets")
    assert client.control("GET", f"datasets/{dataset.id}/rows?limit=1")["count"] > 0
