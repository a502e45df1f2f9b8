"""The emulator's web page, parsed as HTML."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import time
from typing import Any

import pytest
import requests

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import CRM_FLOW_SPEC, FLOW, PAYPAL_SPEC, Client
from tests.emulator.page.page_reader import Node, read

RUN_SECONDS = 2
HOSTILE = "<script>alert('x')</script>\"&amp;"


def page(client: Client, status: int = 200, /, **query: str) -> Node:
    answer = client.ask("GET", "/", params=query)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!DOCTYPE html>")
    return read(answer.text)


def ran_twice(client: Client) -> dict[str, Any]:
    """Create a dataflow whose first run had five failed records and whose second run had none."""
    body = client.prepared(name="the source connection")
    body["name"] = "products every half hour"
    flow = client.flow(body)["id"]
    client.advance(60 + 1800 + RUN_SECONDS)
    return {"id": flow, "body": body, "runs": client.runs(flow)}


def links(shown: Node) -> dict[str, Node]:
    """The objects of the only chain on a page, by their role."""
    (chain,) = shown.all("ol", "chain")
    return {link.all("span", "role")[0].text: link for link in chain.all("li")}


def check_dataflow_page(client: Client, dataflow: dict[str, Any], shown: Node) -> None:
    """Check that the page of a dataflow shows its chain, runs, rows and mappings."""
    body, (first, second) = dataflow["body"], dataflow["runs"]
    assert "products every half hour" in shown.all("h3")[0].text
    head = shown.all("div", "head")[0].text
    assert "enabled" in head
    assert "every 30 minutes from " in head
    assert "sandbox dev" in head
    source = client.item("sourceConnections", body["sourceConnectionIds"][0])
    target = client.item("targetConnections", body["targetConnectionIds"][0])
    expected = {
        "base connection": ("PayPal connection", source["baseConnectionId"], "paypal"),
        "source connection": ("the source connection", source["id"], "PayPal.Catalog_Products"),
        "flow spec": ("CRMToAEP", CRM_FLOW_SPEC, ""),
        "mapping set": ("mapping", body["transformations"][1]["params"]["mappingId"], "version 0, 5 mappings"),
        "target connection": ("target", target["id"], "Data Lake"),
        "dataset": ("products", body["_dataset"], "1\u202f197 records"),
        "schema": ("products", target["data"]["schema"]["id"], ""),
    }
    chain = links(shown)
    assert list(chain) == list(expected)
    for role, (name, identifier, note) in expected.items():
        assert chain[role].all("span", "name")[0].text == name
        assert chain[role].all("span", "id")[0].text == identifier
        assert note in chain[role].text
    runs, rows, mappings = shown.all("table")[:3]
    assert [[*cells[2:6], *cells[7:]] for cells in runs.cells() if len(cells) > 1] == [
        ["✓success", "2", "2", "0", second["id"]],
        ["◐success, some failed", "1\u202f200", "1\u202f195", "5", first["id"]],
    ]
    batch = first["activities"][1]["targetInfo"][0]["reference"]["ids"][0]
    assert runs.cells()[1][6] == batch
    reasons = [cells[0] for cells in runs.cells() if len(cells) == 1]
    assert [reason[:18] for reason in reasons] == ["3 \u00d7 DCVS-1111-400 ", "2 \u00d7 MAPPER-3700-40"]
    last = client.control("GET", f"datasets/{body['_dataset']}/rows", params={"start": 1196})["rows"][0]
    assert len(rows.cells()) == 10
    assert rows.cells()[0][:2] == ["1\u202f197", last["_id"]]
    assert ["Product_Id", "attribute", "_id"] in mappings.cells()
    for plot in shown.all("svg"):
        assert [box.attributes.get("class", "hatching") for box in plot.all("rect")] == [
            *("landed", "failed", "hatching"),
            "landed",
        ]
        assert [sign.text for sign in plot.all("text", "sign")] == ["◐", "✓"]
        tall, small = plot.all("rect", "landed")
        assert float(tall.attributes["height"]) > 10 * float(small.attributes["height"]) >= 40
        assert float(tall.attributes["x"]) < float(small.attributes["x"])
        assert "1\u202f200 in, 1\u202f195 ingested, 5 failed" in plot.all("title")[0].text
        assert {"records", "UTC", "0", "2\u202f000"} <= {text.text for text in plot.all("text")}


def test_an_empty_organisation_is_shown_as_empty(client: Client) -> None:
    shown = page(client)
    assert [title.text for title in shown.all("h2")] == ["Sandbox prod", "Sandbox dev", "Last refused requests"]
    empty = [paragraph.text for paragraph in shown.all("p", "empty")]
    assert empty == [*["No dataflow yet. Objects that a client creates in this sandbox appear here."] * 2, empty[2]]
    assert empty[2] == "No request was refused."
    assert shown.all("svg") == []
    assert "clock manual" in shown.all("header")[0].text


def test_the_page_of_a_dataflow_shows_its_chain_runs_and_rows(client: Client) -> None:
    dataflow = ran_twice(client)
    check_dataflow_page(client, dataflow, page(client, dataflow=dataflow["id"]))


def test_a_count_of_one_is_shown_in_the_singular(client: Client) -> None:
    assert len(ran_twice(client)["runs"]) == 2
    assert "1 dataflow · 2 flow runs · 1 dataset · 2 batches" in page(client, sandbox="dev").text


def test_the_overview_leads_to_each_dataflow(client: Client) -> None:
    dataflow = ran_twice(client)
    for query in ({}, {"sandbox": "dev"}):
        (card,) = page(client, **query).all("article", "card")
        assert card.all("a")[0].attributes["href"] == f"?dataflow={dataflow['id']}"
        assert [cells[2:] for cells in card.all("table")[0].cells()] == [
            ["2", "2", "0"],
            ["1\u202f200", "1\u202f195", "5"],
        ]
        assert len(card.all("svg")) == 1
    (details,) = page(client, sandbox="dev").all("details")
    assert "products: 1\u202f197 records" in details.text
    assert len(details.all("table")[0].cells()) == 10
    assert page(client, sandbox="prod").all("article") == []


def test_the_page_loads_nothing_and_runs_no_script(client: Client) -> None:
    dataflow = ran_twice(client)
    for query in ({}, {"dataflow": dataflow["id"]}):
        answer = client.ask("GET", "/", params=query)
        shown = read(answer.text)
        rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
        (style,) = shown.all("style")
        digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
        assert rules == {
            "default-src": "'none'",
            "style-src": f"'sha256-{digest}'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert "url(" not in style.text
        assert "@import" not in style.text
        # Without an icon in the page, a browser requests one.
        assert [node.attributes for node in shown.all("link")] == [{"rel": "icon", "href": "data:,"}]
        assert shown.all("script") == shown.all("img") == shown.all("iframe") == []
        for node in shown.every():
            assert not {"style", "src", "srcset", "action"} & node.attributes.keys()
            assert not any(name.startswith("on") for name in node.attributes)
            assert node.attributes.get("href", "?")[0] == "?" or node.attributes["href"] == "data:,"
        assert answer.headers["cache-control"] == "no-store"


def test_requests_for_the_page_are_not_logged(client: Client) -> None:
    before = client.control("GET", "requests")["requests"]
    page(client)
    page(client, 404, sandbox="none")
    assert client.control("GET", "requests")["requests"] == before
    answer = client.ask("POST", "/")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_a_run_in_progress_is_shown(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    assert "No flow run yet" in page(client, dataflow=flow).text
    client.advance(60.3)
    client.advance(0.7)
    shown = page(client, dataflow=flow)
    # The rows have been read; no record counts as failed before the run has ended.
    assert shown.all("table")[0].cells()[0][2:6] == ["◔in progress", "1\u202f200", "0", "0"]
    assert shown.all("rect") == []


def test_due_runs_run_before_the_page_is_shown() -> None:
    with EmulatorServer(time="fast") as server:
        client = Client(server.url)
        client.flow(client.prepared())
        deadline = time.monotonic() + 10
        # Only requests for the page are sent, so they alone move the clock.
        while "1\u202f195" not in page(client).text:
            assert time.monotonic() < deadline


def test_names_cannot_become_markup(client: Client) -> None:
    schema = client.schema()
    dataset = client.dataset(schema, HOSTILE)
    source = client.source(name=HOSTILE)
    body = client.flow_body_of(
        source, schema, dataset, ("Product_Id", "_id"), ("Description", "_emulator.product.name")
    )
    body["name"] = HOSTILE
    flow = client.flow(body)["id"]
    client.advance(60 + RUN_SECONDS)
    client.ask("GET", f"{FLOW}/flows/{HOSTILE}")
    client.ask("GET", f"{FLOW}/flows", headers={"x-sandbox-name": HOSTILE})
    for query in ({}, {"dataflow": flow}):
        shown = page(client, **query)
        assert shown.all("script") == []
        assert shown.all("h3")[0].text == HOSTILE
        assert links(shown)["source connection"].all("span", "name")[0].text == HOSTILE
        assert links(shown)["dataset"].all("span", "name")[0].text == HOSTILE
        assert HOSTILE in shown.all("table")[-1].text
    for query in ({"dataflow": HOSTILE * 50}, {"sandbox": HOSTILE}, {"refresh": HOSTILE}):
        shown = page(client, 400 if "refresh" in query else 404, **query)
        assert shown.all("script") == []
        assert len(shown.all("p", "empty")[0].text) < 300


def test_no_secret_is_shown(client: Client) -> None:
    auth = {
        "specName": "Client-Id-Secret Based Authentication",
        "params": {"host": "h", "clientId": "c", "clientSecret": "very-secret-text"},
    }
    body = {"name": "own account", "auth": auth, "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"}}
    base = client.make(f"{FLOW}/connections", body)["id"]
    flow = client.flow(client.prepared(baseConnectionId=base))["id"]
    client.ask("POST", f"{FLOW}/connections", json={**body, "state": "enabled"})
    token = str(client.session.headers["Authorization"]).removeprefix("Bearer ")
    for query in ({}, {"dataflow": flow}):
        text = client.ask("GET", "/", params=query).text
        assert "own account" in text
        assert "very-secret-text" not in text
        assert token not in text
        assert "emulator-secret" not in text


def test_the_page_refreshes_only_if_requested(client: Client) -> None:
    def refresh_seconds(shown: Node) -> list[str]:
        return [
            node.attributes["content"] for node in shown.all("meta") if node.attributes.get("http-equiv") == "refresh"
        ]

    assert refresh_seconds(page(client)) == []
    assert refresh_seconds(page(client, refresh="5")) == ["5"]
    for wrong in ("", "0", "-1", "1.5", "3601", "99999", "five", "\u0665"):
        shown = page(client, 400, refresh=wrong)
        assert shown.all("p", "empty")[0].text == "'refresh' must be a whole number of seconds from 1 to 3600."
        assert refresh_seconds(shown) == []


def test_unknown_sandboxes_and_dataflows_are_named(client: Client) -> None:
    assert page(client, 404, sandbox="test").all("p", "empty")[0].text == (
        "There is no sandbox 'test'; there are: prod, dev."
    )
    assert page(client, 404, dataflow="x").all("p", "empty")[0].text == "There is no dataflow 'x' in any sandbox."


def test_refused_requests_faults_and_outcomes_are_listed(client: Client) -> None:
    client.refused("GET", f"{FLOW}/flows/nothing", 404)
    client.refused("GET", f"{FLOW}/flows", 400, headers={"x-gw-ims-org-id": None})
    client.control("POST", "outcomes", json={"outcome": "fail_copy", "name": "tomorrow", "times": 2})
    fault = {"match": {"method": "GET", "path": "*/runs"}, "action": "status", "status": 503, "times": 3}
    assert client.ask("POST", "/__emulator__/faults", json=fault).status_code in (200, 201)
    client.refused("GET", f"{FLOW}/runs", 503)
    shown = page(client)
    figures = {tile.all("dt")[0].text: tile.all("dd")[0].text for tile in shown.all("dl")[0].all("div")}
    logged = len(client.control("GET", "requests")["requests"])
    assert figures == {
        "requests": str(logged),
        "refused (4xx)": "2",
        "failed (5xx)": "1",
        "without answer": "0",
        "active faults": "1",
        "runs with a forced outcome": "2",
    }
    faults, outcomes, refused = shown.all("table")
    assert faults.cells() == [["fault-1", "status", "GET", "*/runs", "3", "1", "1"]]
    assert outcomes.cells() == [["fail_copy", "tomorrow", "any", "2"]]
    lines = refused.cells()
    assert [cells[1:4] for cells in lines if len(cells) > 1] == [
        ["503", "GET", f"{FLOW}/runs"],
        ["400", "GET", f"{FLOW}/flows"],
        ["404", "GET", f"{FLOW}/flows/nothing"],
    ]
    assert lines[0][5] == "fault-1 status"
    assert ["1439-404 The requested flows resource nothing is not found."] in lines


def test_a_draft_shows_its_missing_objects(client: Client) -> None:
    mapping = {"name": "Mapping", "params": {"mappingId": HOSTILE, "mappingVersion": 0}}
    body = {"name": "not yet", "flowSpec": {"id": CRM_FLOW_SPEC, "version": "1.0"}, "transformations": [mapping]}
    flow = client.make(f"{FLOW}/flows?mode=draft", body)["id"]
    for query in ({}, {"dataflow": flow}):
        shown = page(client, **query)
        assert "draft" in shown.all("div", "head")[0].text
        assert "no schedule" in shown.all("div", "head")[0].text
        assert {role for role, link in links(shown).items() if "missing" in link.text} == {
            *("base connection", "source connection", "mapping set", "target connection", "dataset")
        }
        assert links(shown)["mapping set"].all("span", "id")[0].attributes["title"] == HOSTILE


def test_an_object_hidden_from_the_credential_is_on_the_page(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    mapping, dataset = body["transformations"][1]["params"]["mappingId"], body["_dataset"]
    for kind, identifier in (("mappingSets", mapping), ("dataSets", dataset)):
        client.control("POST", "hidden", json={"kind": kind, "id": identifier})
    assert [role for role, link in links(page(client, dataflow=flow)).items() if "missing" in link.text] == []


def test_a_failed_run_is_shown_with_its_reason(client: Client) -> None:
    client.control("POST", "outcomes", json={"outcome": "fail_copy"})
    flow = client.flow(client.prepared())["id"]
    client.advance(60 + RUN_SECONDS)
    run, reason = page(client, dataflow=flow).all("tbody")[0].all("tr")
    assert "✕failed" in run.text
    assert reason.text
    assert len(reason.all("td")) == 1


def test_the_page_is_bounded_for_many_objects(client: Client) -> None:
    seed = {"sandbox": "dev", "source": "paypal", "dataflows": 500, "runs_per_dataflow": 60}
    client.control("POST", "seed", json=seed)
    for name in "abcdefghijkl":
        client.dataset(client.schema(name), name)
    for number in range(12):
        client.refused("GET", f"{FLOW}/flows/{number}", 404)
    shown = page(client, sandbox="dev")
    assert len(shown.all("article", "card")) == 20
    assert "500 dataflows · 30\u202f000 flow runs" in shown.text
    assert max(len(plot.all("g")) for plot in shown.all("svg")) == 50
    assert len([cells for cells in shown.all("table")[-1].cells() if len(cells) > 1]) == 10
    flow = shown.all("article", "card")[0].all("a")[0].attributes["href"].partition("=")[2]
    runs = page(client, dataflow=flow).all("table")[0]
    assert runs.all("caption")[0].text == "last runs: 50 of 60"
    assert len([cells for cells in runs.cells() if len(cells) > 1]) == 50


def test_an_empty_organisation_shows_how_to_connect(client: Client) -> None:
    (start,) = page(client).all("section", "connect")
    for fact in (client.url, "EMULATOR@AdobeOrg", "emulator-client", "prod, dev"):
        assert fact in [node.text for node in start.all("code")]
    curl, url, *options = shlex.split(start.all("code")[-1].text)
    assert (curl, options[::2]) == ("curl", ["-H", "-d"])
    kind, body = options[1::2]
    name, _, value = kind.partition(": ")
    answer = client.ask("POST", url.removeprefix(client.url), data=body, headers={name: value})
    assert answer.status_code == 200, answer.text
    shown = page(client)
    assert shown.all("section", "connect") == []
    assert f"{json.loads(body)['dataflows']} dataflows · 600 flow runs" in shown.text
    assert "The newest 10 dataflows are shown." in [node.text for node in shown.all("p", "soft")]


def test_the_foot_links_to_the_reloading_page_and_back(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    for query in ({}, {"sandbox": "dev"}, {"dataflow": flow}):
        address = "&".join(f"{name}={value}" for name, value in query.items())
        (start,) = page(client, **query).all("footer")[0].all("a")
        assert start.attributes["href"] == "?" + "&".join(filter(None, (address, "refresh=5")))
        (stop,) = page(client, **query, refresh="7").all("footer")[0].all("a")
        assert stop.attributes["href"] == f"?{address}"


def test_the_title_and_the_navigation_show_the_current_page(client: Client) -> None:
    body = client.prepared()
    flow = client.flow({**body, "name": HOSTILE})["id"]

    def here(shown: Node) -> list[str]:
        return [link.text for link in shown.all("nav")[0].all("a") if "aria-current" in link.attributes]

    assert here(page(client)) == ["all sandboxes"]
    assert here(page(client, sandbox="dev")) == ["dev"]
    shown = page(client, dataflow=flow)
    assert here(shown) == []
    assert shown.all("title")[0].text == f"{HOSTILE} \u2013 Experience Platform emulator"
    assert shown.all("div", "head")[0].all("a")[0].attributes["href"] == "?sandbox=dev"
    lost = page(client, 404, dataflow="x")
    assert here(lost) == lost.all("footer")[0].all("a") == []
    assert [link.attributes["href"] for link in lost.all("nav")[0].all("a")] == ["?", "?sandbox=prod", "?sandbox=dev"]


def test_a_request_without_an_answer_is_listed(client: Client) -> None:
    fault = {"match": {"path": "*/flows"}, "action": "drop_before", "times": None}
    assert client.ask("POST", "/__emulator__/faults", json=fault).status_code in (200, 201)
    with pytest.raises(requests.ConnectionError):
        client.ask("GET", f"{FLOW}/flows")
    shown = page(client)
    faults, refused = shown.all("table")
    assert faults.cells() == [["fault-1", "drop_before", "any", "*/flows", "no limit", "1", "1"]]
    assert refused.cells()[0][1:] == ["none", "GET", f"{FLOW}/flows", "dev", "fault-1 drop_before"]
    assert [tile.text for tile in shown.all("dd", "alarm")] == ["1"]
