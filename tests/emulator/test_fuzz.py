"""
The emulator answers any request correctly: in its service's form, within a time limit, and with a consistent state.

The routes are read from the application, so a new route is covered at once. By default each route gets a few requests,
always the same; to search for failures, set ``EMULATOR_FUZZ_EXAMPLES`` to the number of requests to each route.
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
from tests.emulator.fuzz_requests import HostileRequest, requests_to, requests_to_nowhere
from tests.emulator.fuzz_values import PLAN_PAIRS, PLANS, VALID_BODIES, VENDORS_SECRET

EXAMPLES = int(os.environ.get("EMULATOR_FUZZ_EXAMPLES", "0"))
MAX_SECONDS = 2
# The request log is shown after writes, which would exceed the time limit if the log had many more requests.
MAX_REQUESTS_BEFORE_RESET = 300
CONTROL = "/__emulator__"
ROUTES = sorted({(method, service.prefix + path) for service in SERVICES for method, path, _ in service.routes})
CONTROL_ROUTES = sorted((method, CONTROL + path) for method, path, _ in CONTROL_INTERFACE.routes)
FLOW_KINDS = ("connections", "sourceConnections", "targetConnections", "flows", "runs")
SECRETS = (CREDENTIALS["client_secret"], "emulated-secret", VENDORS_SECRET)
INTERNAL_ERROR = re.compile(
    r"Traceback|\.py\b|(?:Key|Type|Value|Attribute|Index|Recursion|Unicode\w+|Lookup|Assertion)Error"
    r"|NoneType|<class|object at 0x|'(?:str|int|dict|list)' object"
)
GATEWAY_PAGE = re.compile(r"<html>\n<head><title>40[45] ")
SANDBOXES = "/data/foundation/sandbox-management"
PLAIN_TYPE = "/placeholder/type/uri"
# The types of the problems with a code, by service; Catalog has only problems without a code.
PROBLEMS = {
    FLOW: r"https://ns\.adobe\.com/aep/errors/FLOW-\d{{4}}-{}",
    REGISTRY: r"http://ns\.adobe\.com/aep/errors/XDM-\d{{4}}-{}",
    DATA_PREP: r"https://ns\.adobe\.com/aep/errors/MAPPER-\d{{4}}-{}",
    CATALOG: PLAIN_TYPE,
    "/data": r"https?://ns\.adobe\.com/aep/errors/[A-Z]+-\d{{4}}-{}",
}


@dataclass(frozen=True)
class Reply:
    status: int
    type: str
    text: str
    seconds: float


class FuzzedEmulator:
    """A running emulator with a dataflow that has run; it is reset after changes."""

    def __init__(self, url: str) -> None:
        self.client = Client(url)
        address = urlsplit(url)
        self.connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        self.changed = True
        self.sent = 0
        self.names: dict[str, str] = {}

    def reset_if_changed(self) -> None:
        """Restore the state with which every request begins, if the state may have changed."""
        self.sent += 1
        if not self.changed and self.sent % MAX_REQUESTS_BEFORE_RESET:
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

    def send(self, request: HostileRequest) -> Reply:
        headers: dict[str, str | None] = {
            **{
                name: str(value)
                for name, value in self.client.session.headers.items()
                if name.lower().startswith(("x-", "auth"))
            },
            "Accept": "application/vnd.adobe.xed+json;version=1",
            "Content-Type": "application/json",
            **dict(request.changes),
        }
        body = (
            None
            if request.body is None
            else self._named(request.body.replace(b'"~start~"', self.names["start"].encode()))
        )
        target = self._named(request.target.encode("ascii"), in_address=True).decode()
        # Processor time does not depend on the load of the machine, and the emulator runs in this process.
        began = time.process_time()
        self.connection.putrequest(request.method, target, skip_accept_encoding=True)
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


def check(request: HostileRequest, reply: Reply) -> None:
    """Check an answer against the rules for all answers."""
    assert reply.seconds < MAX_SECONDS, f"{reply.seconds:.1f} s"
    assert reply.status < 500, reply.text
    assert not INTERNAL_ERROR.search(reply.text), reply.text[:2000]
    assert not any(secret in reply.text for secret in SECRETS), reply.text[:2000]
    if request.method == "HEAD" or reply.status == 204:
        assert reply.text == ""
    elif reply.status in (404, 405) and reply.type == "text/html":
        assert GATEWAY_PAGE.match(reply.text)
    elif request.method in ("BREW", "get") and reply.status == 400:
        assert reply.text == "Invalid HTTP request received."
    elif reply.status < 300 and reply.type == "text/html":
        assert request.method == "GET"
        assert reply.text.lstrip().lower().startswith("<!doctype html")
    else:
        body = json.loads(reply.text)
        if reply.status >= 400:
            check_error(request.target, reply.status, body)


def check_error(target: str, status: int, body: Any) -> None:
    """Check that a refusal has the form of the service of its address."""
    assert isinstance(body, dict), body
    service = next((name for name in (SANDBOXES, *PROBLEMS, CONTROL, "/ims") if target.startswith(name)), target)
    if service == CONTROL:
        assert set(body) == {"error"}
    elif service == "/ims":
        assert set(body) == {"error", "error_description"}
    elif "error_code" in body:
        assert set(body) == {"error_code", "message"}
        assert body["error_code"].startswith(str(status))
    elif service == SANDBOXES and body["type"] != PLAIN_TYPE:
        assert set(body) == {"status", "title", "type"}
        assert re.fullmatch(rf"http://ns\.adobe\.com/aep/errors/SMS-\d{{4}}-{status}", body["type"])
    else:
        assert body["status"] == status
        assert body["title"]
        assert body.get("detail") or body.get("errorMessage")
        if body["type"] == PLAIN_TYPE:
            assert set(body) == {"type", "status", "title", "detail"}
        else:
            assert re.fullmatch(PROBLEMS[service].format(status), body["type"])


READS_AFTER_WRITE = (
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


def check_after_write(emulator: FuzzedEmulator) -> None:
    """Check that dataflows run, and that objects can be shown, listed and sorted, after an accepted write."""
    clock = HostileRequest("POST", f"{CONTROL}/clock", (), b'{"advance": 7200}')
    check(clock, emulator.send(clock))
    check_record_counts(check_read(emulator, f"{CONTROL}/state"))
    for target in READS_AFTER_WRITE:
        check_read(emulator, target)


def check_read(emulator: FuzzedEmulator, target: str) -> Any:
    request = HostileRequest("GET", target)
    reply = emulator.send(request)
    check(request, reply)
    return json.loads(reply.text)


def check_record_counts(state: Any) -> None:
    """Check that each run's input records equal the sum of its output and failed records."""
    for sandbox in state["sandboxes"].values():
        for run in sandbox["runs"]:
            records = run["metrics"].get("recordSummary", {})
            if "outputRecordCount" in records:
                assert records["inputRecordCount"] == records["outputRecordCount"] + records["failedRecordCount"], run


def exchange(emulator: FuzzedEmulator, request: HostileRequest) -> None:
    """Send a request, check the answer and, after an accepted write, the state."""
    emulator.reset_if_changed()
    try:
        reply = emulator.send(request)
        check(request, reply)
        if request.method != "GET" and reply.status < 300:
            emulator.changed = True
            if request.target.startswith("/data"):
                check_after_write(emulator)
    except BaseException:
        # Hypothesis shrinks a failing request: each smaller request must begin with the same state.
        emulator.changed = True
        emulator.connection.close()
        raise


HUGE_VALUES = (
    b'"' + b"x" * 10_000_000 + b'"',
    b"[" + b"1," * 5_000_000 + b"1]",
    b"[" + b"[]," * 3_300_000 + b"[]]",
    b"[" + b'{"a":1},' * 1_250_000 + b"1]",
)
HUGE_BODY_PATHS = (
    f"{FLOW}/connections",
    f"{FLOW}/flows",
    f"{REGISTRY}/tenant/schemas",
    f"{CATALOG}/dataSets",
    f"{DATA_PREP}/mappingSets",
    f"{CONTROL}/seed",
)


def run_examples(strategy: st.SearchStrategy[Any], times: int, test: Callable[[Any], None]) -> None:
    """Run a test with some examples, which are always the same unless ``EMULATOR_FUZZ_EXAMPLES`` is set."""

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
def emulator() -> Iterator[FuzzedEmulator]:
    with EmulatorServer(time="manual") as server:
        yield FuzzedEmulator(server.url)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_every_answer_of_a_service_is_correct(emulator: FuzzedEmulator, method: str, path: str) -> None:
    run_examples(requests_to(method, path), 6 if method == "GET" else 16, lambda request: exchange(emulator, request))
    check_read(emulator, f"{CONTROL}/state")


@pytest.mark.parametrize(("method", "path"), CONTROL_ROUTES, ids=str)
def test_every_answer_of_the_control_interface_is_correct(emulator: FuzzedEmulator, method: str, path: str) -> None:
    def send_and_show(request: HostileRequest) -> None:
        exchange(emulator, request)
        # The state and the page can be shown, regardless of the faults and options that the request has set.
        check_read(emulator, f"{CONTROL}/state")
        page = HostileRequest("GET", "/")
        check(page, emulator.send(page))

    run_examples(requests_to(method, path), 6 if method in ("GET", "DELETE") else 30, send_and_show)


def test_requests_to_unknown_addresses_are_answered(emulator: FuzzedEmulator) -> None:
    run_examples(requests_to_nowhere(), 40, lambda request: exchange(emulator, request))


@pytest.mark.parametrize("huge", HUGE_VALUES, ids=lambda huge: f"{huge[:8]!r}")
def test_bodies_of_ten_megabytes_are_answered_in_time(emulator: FuzzedEmulator, huge: bytes) -> None:
    for path in HUGE_BODY_PATHS:
        body = json.dumps(VALID_BODIES["POST", path]).encode()
        exchange(emulator, HostileRequest("POST", path, (), body[:-1] + b', "description": ' + huge + b"}"))
    exchange(emulator, HostileRequest("POST", "/ims/token/v3", (), b"a=1&" * 2_500_000))


def test_sequences_of_hostile_requests_leave_the_state_consistent(emulator: FuzzedEmulator) -> None:
    """Requests that are harmless one by one could be harmful together."""
    writes = [route for route in ROUTES if route[0] != "GET" and not route[1].startswith((CONTROL, "/ims"))]
    one = st.sampled_from(writes).flatmap(lambda route: requests_to(*route))

    def send_all(history: list[HostileRequest]) -> None:
        emulator.changed = True
        emulator.reset_if_changed()
        try:
            for request in history:
                check(request, emulator.send(request))
            check_after_write(emulator)
        finally:
            emulator.changed = True

    run_examples(st.lists(one, min_size=2, max_size=8), 15, send_all)
