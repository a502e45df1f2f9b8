"""Each kind of bad answers is sent as it is meant, and no reader of ours takes it for something else than the truth."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.api.pages import objects
from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.http.clock import Clock
from tests.benchmarks.waiting_sandbox import FLOW_SERVICE, Run, Sandbox
from tests.weather import pages
from tests.weather.http import Answer, Request, Server
from tests.weather.kinds import Kind, Weather, kinds

NOW = 1_790_000_000.0
FLOWS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(8)]
#: One of them goes on.
RUNS = [
    Run(f"10000000-0000-4000-8000-00000000000{n}", flow, NOW - 600 - n, NOW - 60 * (n - 0.5))
    for n, flow in enumerate(FLOWS)
]
IDS = {run.id for run in RUNS}
LIST = Request("GET", f"{FLOW_SERVICE}/runs?property=id%3D%3D{','.join(sorted(IDS))}&orderby=-createdAt")
TOKEN = Request("POST", "/ims/token/v3")
KINDS = kinds(trickles=(0.3,))
#: In which a list is read.
SECONDS = 5.0


class OneKind:
    """A service with eight runs, whose first answer to a question without a token of a page is of one kind."""

    def __init__(self, kind: Kind | None = None) -> None:
        self._sandbox = Sandbox(RUNS)
        self._kind = kind
        self._weather = Weather("one kind", 1.0, ())
        self.server = Server(self._respond)

    async def _respond(self, request: Request) -> Answer:
        if request.is_token:
            return Answer(body=b'{"access_token": "t", "expires_in": 86399}')
        if begun := pages.begun(request):
            return pages.following(*begun, self.good(request.without(pages.PARAMETER)))
        good, kind, self._kind = self.good(request), self._kind, None
        return self._weather.answer(kind, request, good) if kind else good

    def good(self, request: Request) -> Answer:
        path = request.path.removeprefix(FLOW_SERVICE)
        return Answer(body=self._sandbox.answer(path, request.query, NOW).encode())


@pytest.fixture
def serve() -> Iterator[Callable[[Kind | None], str]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running = []

    def begin(kind: Kind | None = None) -> str:
        service = OneKind(kind)
        running.append(asyncio.run_coroutine_threadsafe(service.server.serve(), loop))
        return service.server.url

    yield begin
    for future in running:
        future.cancel()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_reader_gets_the_truth_or_one_error(
    kind: Kind, serve: Callable[[Kind | None], str], make_client: Callable[..., Client]
) -> None:
    # By this machine's clock: some lists end at the deadline only.
    url = serve(kind if kind.fits(LIST) else None)
    client = make_client(url, clock=Clock(), operation_timeout=60.0)
    try:
        with client.transport.within(SECONDS):
            read = flow_service.pages(client, "runs", f"id=={','.join(IDS)}", orderby="-createdAt")
            found = [item for page in read for item in objects(page, "runs")]
    except PlatformError:
        return
    # Items that nobody can read may be among them, and as many readable ones may be missing.
    ids = {item["id"] for item in found if isinstance(item.get("id"), str)}
    assert ids <= IDS
    assert len(found) >= len(IDS) or len(ids) == len(IDS) - 1


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_kind_is_answered_as_the_truth_is(kind: Kind, serve: Callable[[Kind | None], str]) -> None:
    request = LIST if kind.fits(LIST) else TOKEN
    good = Answer(body=b'{"access_token": "t", "expires_in": 1}') if request is TOKEN else OneKind().good(LIST)
    assert Weather("other", 1.0, ()).answer(kind, request, good) != good


def test_a_calm_service_is_understood(serve: Callable[[Kind | None], str]) -> None:
    connection = http.client.HTTPConnection(urlsplit(serve(None)).netloc, timeout=10)
    connection.request("GET", LIST.target)
    answer: Any = json.loads(connection.getresponse().read())
    connection.close()
    assert {item["id"] for item in answer["items"]} == IDS


def test_weather_is_the_same_each_time() -> None:
    first, second = (Weather("seed", 0.5, KINDS) for _ in range(2))
    assert [first.kind(LIST) for _ in range(99)] == [second.kind(LIST) for _ in range(99)]
    assert first.met == second.met


def test_all_kinds_are_drawn_and_few_where_few_are_wanted() -> None:
    weather = Weather("all", 0.07, KINDS)
    bad = sum(weather.kind(request) is not None for request in (LIST, TOKEN) for _ in range(15_000))
    assert weather.met.keys() == {kind.name for kind in KINDS}
    assert 0.06 < bad / 30_000 < 0.08


def test_pages_end_where_they_are_to_end() -> None:
    good = OneKind().good(LIST)
    ways = {pages.short: True, pages.empty: True, pages.repeated: False, pages.endless_empty: False}
    for make, ends in {**ways, pages.endless_new: False}.items():
        answer, seen = make(Random(1), LIST, good), 0
        for _ in range(20):
            document = json.loads(answer.body)
            seen += len(document["items"])
            link = document["_links"].get("next")
            if not link:
                break
            begun = pages.begun(Request("GET", link["href"]))
            assert begun
            answer = pages.following(*begun, good)
        assert (not link) == ends
        if ends:
            assert seen == len(IDS)
