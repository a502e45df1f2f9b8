"""
Whatever is asked of it, the emulator answers soundly: in its service's words, soon, and with its state whole.

The routes are the application's own, so a new one is covered from its first day. The suite asks little and always the
same; for a hunt, set ``EMULATOR_FUZZ_EXAMPLES`` to the number of requests to each route.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from airflow_provider_payments.emulator.http.app import CONTROL as CONTROL_INTERFACE
from airflow_provider_payments.emulator.http.server import EmulatorServer
from airflow_provider_payments.emulator.organisation import SERVICES
from tests.emulator.client import CATALOG, CREDENTIALS, DATA_PREP, FLOW, REGISTRY, Client
from tests.emulator.fuzz_requests import Hostile, requests_to, requests_to_nowhere
from tests.emulator.fuzz_values import PLAN_PAIRS, PLANS, VALID_BODIES, VENDORS_SECRET

EXAMPLES = int(os.environ.get("EMULATOR_FUZZ_EXAMPLES", "0"))
MOST_SECONDS = 2
# To one world, or the log of what was asked would grow beyond what can be shown soon.
MOST_REQUESTS = 300
CONTROL = "/__emulator__"
ROUTES = sorted({(method, service.prefix + path) for service in SERVICES for method, path, _ in service.routes})
CONTROL_ROUTES = sorted((method, CONTROL + path) for method, path, _ in CONTROL_INTERFACE.routes)
FLOW_KINDS = ("connections", "sourceConnections", "targetConnections", "flows", "runs")
SECRETS = (CREDENTIALS["client_secret"], "emulated-secret", VENDORS_SECRET)
SLIPS = re.compile(
    r"Traceback|\.py\b|(?:Key|Type|Value|Attribute|Index|Recursion|Unicode\w+|Lookup|Assertion)Error"
    r"|NoneType|<class|object at 0x|'(?:str|int|dict|list)' object"
)
PAGE = re.compile(r"<html>\n<head><title>40[45] ")
SANDBOXES = "/data/foundation/sandbox-management"
PLAIN = "/placeholder/type/uri"
# The numbered problems of each service; Catalog has only plain ones.
PROBLEMS = {
    FLOW: r"https://ns\.adobe\.com/aep/errors/FLOW-\d{{4}}-{}",
    REGISTRY: r"http://ns\.adobe\.com/aep/errors/XDM-\d{{4}}-{}",
    DATA_PREP: r"https://ns\.adobe\.com/aep/errors/MAPPER-\d{{4}}-{}",
    CATALOG: PLAIN,
    "/data": r"https?://ns\.adobe\.com/aep/errors/[A-Z]+-\d{{4}}-{}",
}


@dataclass(frozen=True)
class Reply:
    status: int
    type: str
    text: str
    seconds: float


class World:
    """A running emulator with a chain that has run, made anew when it was changed."""

    def __init__(self, url: str) -> None:
        self.client = Client(url)
        address = urlsplit(url)
        self.connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        self.changed = True
        self.sent = 0
        self.names: dict[str, str] = {}

    def renew(self) -> None:
        """Back to the state that every request begins with."""
        self.sent += 1
        if not self.changed and self.sent % MOST_REQUESTS:
            return
        self.changed = False
        client = self.client
        client.control("POST", "reset")
        client.sign_in()
        schema = client.schema()
        source = client.source(params={"tableName": PLANS})
        body = client.flow_body_of(source, schema, client.dataset(schema), *PLAN_PAIRS)
        client.flow(body)
        behaviour = {"$ref": "https://ns.adobe.com/xdm/data/record"}
        of_class = {"title": "own", "type": "object", "description": "d", "allOf": [behaviour]}
        self.names = {
            "classes": client.make(f"{REGISTRY}/tenant/classes", of_class)["$id"],
            "mappingSets": body["transformations"][1]["params"]["mappingId"],
            "dataSets": body["_dataset"],
            "start": str(client.now() + 600),
        }
        client.advance(4000)
        sandbox = client.control("GET", "state")["sandboxes"]["dev"]
        for kind in FLOW_KINDS:
            item = sandbox[kind][-1]
            self.names |= {kind: item["id"], f"{kind}.etag": item["etag"]}
        self.names |= {kind: sandbox[kind][-1]["$id"] for kind in ("schemas", "fieldgroups")}
        self.names["batches"] = sandbox["batches"][-1]["id"]

    def send(self, asked: Hostile) -> Reply:
        headers: dict[str, str | None] = {
            **{
                name: str(value)
                for name, value in self.client.session.headers.items()
                if name.lower().startswith(("x-", "auth"))
            },
            "Accept": "application/vnd.adobe.xed+json;version=1",
            "Content-Type": "application/json",
            **dict(asked.changes),
        }
        body = (
            None if asked.body is None else self._named(asked.body.replace(b'"~start~"', self.names["start"].encode()))
        )
        target = self._named(asked.target.encode("ascii"), in_address=True).decode()
        # The emulator is in this process; what else the machine does takes none of its processor time.
        began = time.process_time()
        self.connection.putrequest(asked.method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                self.connection.putheader(name, self._named(value.encode("latin-1")))
        if body is not None:
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body)
        answer = self.connection.getresponse()
        content = answer.read()
        seconds = time.process_time() - began
        return Reply(answer.status, answer.headers.get_content_type(), content.decode("utf-8"), seconds)

    def _named(self, text: bytes, in_address: bool = False) -> bytes:
        if b"~" not in text:
            return text
        return re.sub(rb"~([A-Za-z.]+)~", lambda match: self._name(match, in_address), text)

    def _name(self, match: re.Match[bytes], in_address: bool) -> bytes:
        value = self.names.get(match[1].decode(), "")
        return (quote(value, safe="") if in_address else value.replace('"', '\\"')).encode()


def check(asked: Hostile, reply: Reply) -> None:
    """Hold an answer against everything that every answer must be."""
    assert reply.seconds < MOST_SECONDS, f"{reply.seconds:.1f} s"
    assert reply.status < 500, reply.text
    assert not SLIPS.search(reply.text), reply.text[:2000]
    assert not any(secret in reply.text for secret in SECRETS), reply.text[:2000]
    if asked.method == "HEAD" or reply.status == 204:
        assert reply.text == ""
    elif reply.status in (404, 405) and reply.type == "text/html":
        assert PAGE.match(reply.text)
    elif asked.method in ("BREW", "get") and reply.status == 400:
        assert reply.text == "Invalid HTTP request received."
    elif reply.status < 300 and reply.type == "text/html":
        assert asked.method == "GET"
        assert reply.text.lstrip().lower().startswith("<!doctype html")
    else:
        body = json.loads(reply.text)
        if reply.status >= 400:
            check_error(asked.target, reply.status, body)


def check_error(target: str, status: int, body: Any) -> None:
    """A refusal looks as the service behind an address makes it look."""
    assert isinstance(body, dict), body
    service = next((name for name in (SANDBOXES, *PROBLEMS, CONTROL, "/ims") if target.startswith(name)), target)
    if service == CONTROL:
        assert set(body) == {"error"}
    elif service == "/ims":
        assert set(body) == {"error", "error_description"}
    elif "error_code" in body:
        assert set(body) == {"error_code", "message"}
        assert body["error_code"].startswith(str(status))
    elif service == SANDBOXES and body["type"] != PLAIN:
        assert set(body) == {"status", "title", "type"}
        assert re.fullmatch(rf"http://ns\.adobe\.com/aep/errors/SMS-\d{{4}}-{status}", body["type"])
    else:
        assert body["status"] == status
        assert body["title"]
        assert body.get("detail") or body.get("errorMessage")
        if body["type"] == PLAIN:
            assert set(body) == {"type", "status", "title", "detail"}
        else:
            assert re.fullmatch(PROBLEMS[service].format(status), body["type"])


AFTERMATH = (
    f"{CONTROL}/requests",
    *(f"{FLOW}/{kind}?orderby=-name&property=name!=x" for kind in FLOW_KINDS),
    *(f"{FLOW}/{kind}/~{kind}~" for kind in FLOW_KINDS),
    f"{FLOW}/runs?orderby=-createdAt&property=createdAt>=0",
    *(f"{REGISTRY}/tenant/{kind}?orderby=-title&property=title~x" for kind in ("schemas", "fieldgroups", "classes")),
    *(f"{REGISTRY}/tenant/{kind}/~{kind}~" for kind in ("schemas", "fieldgroups", "classes")),
    f"{CATALOG}/dataSets?name=x&tags=a:b",
    f"{CATALOG}/batches",
    f"{DATA_PREP}/mappingSets?limit=9&start=0&orderBy=-createdDate",
)


def check_aftermath(world: World) -> None:
    """Whatever has been let in can be run, shown, listed and sorted, and the sums hold."""
    clock = Hostile("POST", f"{CONTROL}/clock", (), b'{"advance": 7200}')
    check(clock, world.send(clock))
    check_whole(check_read(world, f"{CONTROL}/state"))
    for target in AFTERMATH:
        check_read(world, target)


def check_read(world: World, target: str) -> Any:
    asked = Hostile("GET", target)
    reply = world.send(asked)
    check(asked, reply)
    return json.loads(reply.text)


def check_whole(state: Any) -> None:
    """Every run's records are accounted for."""
    for sandbox in state["sandboxes"].values():
        for run in sandbox["runs"]:
            records = run["metrics"].get("recordSummary", {})
            if "outputRecordCount" in records:
                assert records["inputRecordCount"] == records["outputRecordCount"] + records["failedRecordCount"], run


def exchange(world: World, asked: Hostile) -> None:
    """Send a request, check the answer, and what an accepted write has done."""
    world.renew()
    try:
        reply = world.send(asked)
        check(asked, reply)
        if asked.method != "GET" and reply.status < 300:
            world.changed = True
            if asked.target.startswith("/data"):
                check_aftermath(world)
    except BaseException:
        # A failure is tried again in ever smaller forms: each must find the same world.
        world.changed = True
        world.connection.close()
        raise


HUGE = (
    b'"' + b"x" * 10_000_000 + b'"',
    b"[" + b"1," * 5_000_000 + b"1]",
    b"[" + b"[]," * 3_300_000 + b"[]]",
    b"[" + b'{"a":1},' * 1_250_000 + b"1]",
)
HUGE_TO = (
    f"{FLOW}/connections",
    f"{FLOW}/flows",
    f"{REGISTRY}/tenant/schemas",
    f"{CATALOG}/dataSets",
    f"{DATA_PREP}/mappingSets",
    f"{CONTROL}/seed",
)


def each_asked(strategy: st.SearchStrategy[Any], times: int, test: Callable[[Any], None]) -> None:
    """Hold a test against some examples, in the suite always against the same."""

    @settings(
        max_examples=EXAMPLES or times,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def each(example: Any) -> None:
        test(example)

    if not EXAMPLES:
        each = seed(crc32(repr(strategy).encode()))(each)
    each()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with EmulatorServer(time="manual") as server:
        yield World(server.url)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_every_answer_is_sound(world: World, method: str, path: str) -> None:
    each_asked(requests_to(method, path), 6 if method == "GET" else 16, lambda asked: exchange(world, asked))
    check_read(world, f"{CONTROL}/state")


@pytest.mark.parametrize(("method", "path"), CONTROL_ROUTES, ids=str)
def test_every_answer_of_the_control_interface_is_sound(world: World, method: str, path: str) -> None:
    def order(asked: Hostile) -> None:
        exchange(world, asked)
        # Whatever is in force now, the emulator can still be looked at.
        check_read(world, f"{CONTROL}/state")
        page = Hostile("GET", "/")
        check(page, world.send(page))

    each_asked(requests_to(method, path), 6 if method in ("GET", "DELETE") else 30, order)


def test_every_unknown_address_is_answered(world: World) -> None:
    each_asked(requests_to_nowhere(), 40, lambda asked: exchange(world, asked))


@pytest.mark.parametrize("huge", HUGE, ids=lambda huge: f"{huge[:8]!r}")
def test_ten_megabytes_are_answered(world: World, huge: bytes) -> None:
    for path in HUGE_TO:
        body = json.dumps(VALID_BODIES["POST", path]).encode()
        exchange(world, Hostile("POST", path, (), body[:-1] + b', "description": ' + huge + b"}"))
    exchange(world, Hostile("POST", "/ims/token/v3", (), b"a=1&" * 2_500_000))


def test_histories_of_odd_requests_leave_the_state_whole(world: World) -> None:
    """Oddities that pass one by one may not pass together."""
    writes = [route for route in ROUTES if route[0] != "GET" and not route[1].startswith((CONTROL, "/ims"))]
    one = st.sampled_from(writes).flatmap(lambda route: requests_to(*route))

    def live_through(history: list[Hostile]) -> None:
        world.changed = True
        world.renew()
        try:
            for asked in history:
                check(asked, world.send(asked))
            check_aftermath(world)
        finally:
            world.changed = True

    each_asked(st.lists(one, min_size=2, max_size=8), 15, live_through)
