"""The emulator compared with a small model of itself: both agree after any operations in any order."""

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
from tests.emulator.model import Dataflow, Model, ModelResource

EXAMPLES = int(os.environ.get("EMULATOR_MODEL_EXAMPLES", "0"))
FLOW_KINDS = ("connections", "sourceConnections", "targetConnections", "flows")
KINDS = (*FLOW_KINDS, "dataSets", "schemas", "fieldgroups")
NAMES = st.sampled_from(("a", "b", "c d", "ä,=='\"&"))
#: Selects one of the existing resources.
ANY = st.integers(0, 40)
MAX_RUN_SECONDS = 2
PERIODS = st.sampled_from((15, 20, 45, 60))


class Emulator(RuleBasedStateMachine):
    """The operations of clients, each applied to the emulator and to the model."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        client.control("POST", "reset")
        client.sign_in()
        self.model = Model(client.now())
        self.mappings: dict[str, str] = {}
        self.serial = 0
        for item in client.get(f"{FLOW}/connections")["items"]:
            self.model.add(ModelResource("connections", item["id"], item["name"], etag=item["etag"]))

    def pick(self, kind: str, index: int) -> ModelResource:
        resources = self.model.of(kind)
        return resources[index % len(resources)]

    @initialize(wait=st.integers(0, 4000), minutes=PERIODS)
    def create_chain(self, wait: int, minutes: int) -> None:
        """Create a dataflow and its chain first, because few random histories would create one."""
        self.create_schema()
        self.create_dataset(0, "a")
        self.create_source("a")
        self.create_target(0)
        self.create_flow(0, 0, wait, minutes)

    # ---- creations ----

    @rule(name=NAMES)
    def create_connection(self, name: str) -> None:
        auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "t"}}
        self._create(
            "connections", {"name": name, "auth": auth, "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"}}
        )

    @precondition(lambda self: self._paypal())
    @rule(name=NAMES)
    def create_source(self, name: str) -> None:
        base = self._paypal()[0]
        created = self.client.source(name=name, baseConnectionId=base.id)
        self._add("sourceConnections", created, name, {base.id})

    @rule()
    def create_schema(self) -> None:
        """Create a schema with a field group and a mapping set of its own; titles are unique."""
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
        self.model.add(ModelResource("fieldgroups", group, f"fields {self.serial}"))
        self.model.add(ModelResource("schemas", schema, f"schema {self.serial}", frozenset({group})))
        self.mappings[schema] = self.client.mapping(
            schema,
            ("Product_Id", "_id"),
            ("Product_Name", "_emulator.product.name"),
            ("Create_Time", "_emulator.product.createTime"),
        )

    @precondition(lambda self: self.model.of("schemas"))
    @rule(index=ANY, name=NAMES)
    def create_dataset(self, index: int, name: str) -> None:
        schema = self.pick("schemas", index)
        dataset = self.client.dataset(schema.id, name)
        self.model.add(ModelResource("dataSets", dataset, name, frozenset({schema.id})))

    @precondition(lambda self: self.model.of("dataSets"))
    @rule(index=ANY)
    def create_target(self, index: int) -> None:
        dataset = self.pick("dataSets", index)
        (schema,) = dataset.uses
        self._add("targetConnections", self.client.target(schema, dataset.id), "target", {dataset.id})

    @precondition(lambda self: self.model.of("sourceConnections") and self.model.of("targetConnections"))
    @rule(begin=ANY, end=ANY, wait=st.integers(0, 4000), minutes=PERIODS)
    def create_flow(self, begin: int, end: int, wait: int, minutes: int) -> None:
        source, target = self.pick("sourceConnections", begin), self.pick("targetConnections", end)
        (dataset,) = target.uses
        (schema,) = self.model.resources[dataset].uses
        start = self.model.now + wait
        body = sent(flow_body(source.id, target.id, self.mappings[schema], start))
        body["scheduleParams"]["interval"] = minutes
        created = self.client.flow(body)
        uses = frozenset({source.id, target.id, *source.uses})
        flow = Dataflow("flows", created["id"], body["name"], uses, created["etag"], [], dataset, start, minutes * 60)
        self.model.add(flow)
        flow.pass_time(self.model.now - 1, self.model.now)

    def _paypal(self) -> list[ModelResource]:
        return [resource for resource in self.model.of("connections") if resource.name.startswith("PayPal")]

    def _create(self, kind: str, body: dict[str, Any]) -> None:
        self._add(kind, self.client.make(f"{FLOW}/{kind}", body)["id"], body["name"], set())

    def _add(self, kind: str, identifier: str, name: str, uses: set[str]) -> None:
        etag = self.client.item(kind, identifier)["etag"]
        self.model.add(ModelResource(kind, identifier, name, frozenset(uses), etag))

    # ---- changes and deletions ----

    @rule(kind=st.sampled_from(FLOW_KINDS), index=ANY, name=NAMES, match=st.sampled_from(("right", "stale", "none")))
    def rename(self, kind: str, index: int, name: str, match: str) -> None:
        if not self.model.of(kind):
            return
        resource = self.pick(kind, index)
        if (match == "stale" and not resource.stale) or not resource.uses <= self.model.resources.keys():
            # Flow Service checks a changed resource against all rules again, so its references must still exist.
            return
        if resource.name.startswith("PayPal"):
            name = f"PayPal {name}"
        headers = {
            "right": {"If-Match": resource.etag},
            "stale": {"If-Match": (resource.stale or [""])[-1]},
            "none": {},
        }
        patch = [{"op": "replace", "path": "/name", "value": name}]
        status = {"right": 200, "stale": 412, "none": 400}[match]
        answer = self.client.refused(
            "PATCH", f"{FLOW}/{kind}/{resource.id}", status, json=patch, headers=headers[match]
        )
        if match == "right":
            resource.written(answer["etag"])
            resource.name = name

    @precondition(lambda self: self.model.flows)
    @rule(index=ANY)
    def switch_state(self, index: int) -> None:
        flow = self.model.flows[index % len(self.model.flows)]
        operation = "disable" if flow.enabled else "enable"
        answer = self.client.refused("POST", f"{FLOW}/flows/{flow.id}/action?op={operation}", 200)
        flow.written(answer["etag"])
        flow.enabled = not flow.enabled

    @precondition(lambda self: self.model.flows)
    @rule(index=ANY, minutes=PERIODS)
    def reschedule(self, index: int, minutes: int) -> None:
        flow = self.model.flows[index % len(self.model.flows)]
        patch = [{"op": "replace", "path": "/scheduleParams/interval", "value": minutes}]
        path, headers = f"{FLOW}/flows/{flow.id}", {"If-Match": flow.etag}
        flow.written(self.client.refused("PATCH", path, 200, json=patch, headers=headers)["etag"])
        flow.period = minutes * 60

    @rule(kind=st.sampled_from(KINDS), index=ANY)
    def delete(self, kind: str, index: int) -> None:
        if not self.model.of(kind):
            return
        resource = self.pick(kind, index)
        user = self.model.user_of(resource)
        if kind == "dataSets" and user is not None:
            # Catalog deletes a used dataset, but clients should not rely on this.
            return
        answer = self.client.ask("DELETE", path_of(resource))
        if user is not None:
            assert answer.status_code == 400, answer.text
            assert user.kind == "flows" or user.id in answer.text or "dataset" in answer.text
        else:
            assert answer.status_code == (200 if kind == "dataSets" else 204), answer.text
            self.model.remove(resource)

    @rule(seconds=st.integers(0, 4 * 3600))
    def advance(self, seconds: int) -> None:
        self.model.advance(seconds)
        assert self.client.advance(seconds) == self.model.now
        # Tokens expire after a day.
        self.client.sign_in()

    # ---- comparisons ----

    @rule(kind=st.sampled_from(FLOW_KINDS), limit=st.integers(1, 3), order=st.sampled_from(("", "name", "-createdAt")))
    def page_through(self, kind: str, limit: int, order: str) -> None:
        """Check that pages neither repeat nor skip items while a connection is created."""
        before = [resource.id for resource in self.model.of(kind)]
        seen = []
        for place, page in enumerate(pages(self.client, kind, limit, order)):
            assert len(page) <= limit
            seen += [item["id"] for item in page]
            if place == 0:
                self.create_connection("b")
        assert len(seen) == len(set(seen))
        assert set(before) <= set(seen) <= set(self.model.resources)
        if not order:
            assert seen == [resource.id for resource in self.model.of(kind)][: len(seen)]

    @rule(kind=st.sampled_from(FLOW_KINDS), name=NAMES)
    def find_by_name(self, kind: str, name: str) -> None:
        wanted = [resource.id for resource in self.model.of(kind) if resource.name == name]
        quoted = f'name=="{name}"' if '"' not in name else f"name=={name.partition(',')[0]}"
        if '"' in name:
            wanted = []
        found = self.client.get(f"{FLOW}/{kind}", property=quoted)["items"]
        assert [item["id"] for item in found] == wanted
        assert self.client.get(f"{FLOW}/{kind}", property=quoted, count="true")["count"] == len(wanted)

    @rule(index=ANY)
    def read(self, index: int) -> None:
        resources = [*self.model.resources.values(), *self.model.deleted]
        resource = resources[index % len(resources)]
        answer = self.client.ask(
            "GET", path_of(resource), headers={"Accept": "application/vnd.adobe.xed+json;version=1"}
        )
        assert answer.status_code == (200 if resource.id in self.model.resources else 404), answer.text
        if resource.kind in FLOW_KINDS and answer.status_code == 200:
            (item,) = answer.json()["items"]
            assert (item["name"], item["etag"]) == (resource.name, resource.etag)

    def teardown(self) -> None:
        """Check that the emulator and the model agree about all resources and runs."""
        client, model = self.client, self.model
        for kind in FLOW_KINDS:
            items = client.get(f"{FLOW}/{kind}")["items"]
            assert [(item["id"], item["name"], item["etag"]) for item in items] == [
                (resource.id, resource.name, resource.etag) for resource in model.of(kind)
            ]
            assert client.get(f"{FLOW}/{kind}", count="true")["count"] == len(items)
        assert list(client.get(f"{CATALOG}/dataSets", limit=100)) == [resource.id for resource in model.of("dataSets")]
        for kind in ("schemas", "fieldgroups"):
            accept = {"Accept": "application/vnd.adobe.xed-id+json"}
            listed = client.ask("GET", f"{REGISTRY}/tenant/{kind}", headers=accept).json()["results"]
            assert {item["$id"] for item in listed} == {resource.id for resource in model.of(kind)}
        for flow in model.flows:
            assert client.item("flows", flow.id)["state"] == ("enabled" if flow.enabled else "disabled")
        self._check_runs()

    def _check_runs(self) -> None:
        client, model = self.client, self.model
        flows = [resource for resource in (*model.flows, *model.deleted) if isinstance(resource, Dataflow)]
        datasets = {flow.id: flow.dataset for flow in flows}
        started: dict[str, list[int]] = {identifier: [] for identifier in datasets}
        landed = dict.fromkeys(datasets.values(), 0)
        for page in pages(client, "runs", 1000, ""):
            for run in page:
                started[run["flowId"]].append(run["createdAt"])
                records = run["metrics"].get("recordSummary", {})
                if "completedAtUTC" in run["metrics"]["durationSummary"]:
                    assert records["inputRecordCount"] == records["outputRecordCount"] + records["failedRecordCount"]
                    landed[datasets[run["flowId"]]] += records["outputRecordCount"]
                else:
                    assert run["createdAt"] > 1000 * (model.now - MAX_RUN_SECONDS)
        for flow in flows:
            assert started[flow.id] == [1000 * due for due in flow.runs]
            assert client.get(f"{FLOW}/runs", property=f"flowId=={flow.id}", count="true")["count"] == len(flow.runs)
        for dataset in model.of("dataSets"):
            assert client.control("GET", f"datasets/{dataset.id}/rows?limit=1")["count"] == landed.get(dataset.id, 0)


def path_of(resource: ModelResource) -> str:
    if resource.kind == "dataSets":
        return f"{CATALOG}/dataSets/{resource.id}"
    if resource.kind in FLOW_KINDS:
        return f"{FLOW}/{resource.kind}/{resource.id}"
    return f"{REGISTRY}/tenant/{resource.kind}/{quote(resource.id, safe='')}"


def pages(client: Client, kind: str, limit: int, order: str) -> Iterator[list[Any]]:
    """Yield every page of a list, following the links from page to page."""
    path = f"/{kind}?limit={limit}" + (f"&orderby={order}" if order else "")
    while path:
        page = client.get(FLOW + path)
        yield page["items"]
        path = page["_links"].get("next", {}).get("href", "")


def test_the_emulator_behaves_as_its_model(client: Client) -> None:
    class Machine(Emulator):
        def __init__(self) -> None:
            super().__init__(client)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES or 40,
            stateful_step_count=40,
            derandomize=not EXAMPLES,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_missed_first_run_is_not_made_up_for(client: Client) -> None:
    history = Emulator(client)
    history.create_chain(60, 15)
    history.switch_state(0)
    history.advance(120)
    history.switch_state(0)
    history.reschedule(0, 20)
    history.teardown()
    history.advance(3600)
    history.teardown()
    (dataset,) = history.model.of("dataSets")
    assert client.control("GET", f"datasets/{dataset.id}/rows?limit=1")["count"] > 0
