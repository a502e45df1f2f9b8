"""
The service that the waits poll, in a process of its own, so that it uses no threads or memory of the measured process.

    python -m tests.weather.service

Print the URL. ``POST /weather/begin`` sets the runs and the weather; ``GET /weather/figures`` returns the numbers of
requests and bad answers.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from tests.benchmarks.waiting_sandbox import FLOW_SERVICE, RefusedError
from tests.benchmarks.waiting_server import kind_of
from tests.benchmarks.waiting_turns import Plan
from tests.weather import pages
from tests.weather.http import Answer, Request, Server
from tests.weather.kinds import Weather, kinds

#: Seconds until an answer that does not hang.
ANSWER_SECONDS = 0.02
TOKEN = b'{"access_token": "weather", "token_type": "bearer", "expires_in": 86399}'
#: The starts of the hangs, as shares of the whole time.
HANG_STARTS = (0.25, 0.6)
#: The number of places among which a run is searched that is active during a whole hang.
CANDIDATES = 100


@dataclass(frozen=True)
class Hang:
    """A time during which requests that name a dataflow or its run get no answer."""

    begin: float
    end: float
    ids: tuple[str, ...]

    def meets(self, request: Request, now: float) -> bool:
        return self.begin <= now < self.end and any(one in unquote(request.target) for one in self.ids)


def hangs(plan: Plan, seconds: float) -> list[Hang]:
    """Return two hangs, each of a dataflow for whose run a trigger waits meanwhile."""
    found = []
    for number, share in enumerate(HANG_STARTS):
        begin = plan.begin + share * (plan.end - plan.begin)
        places = range(number, min(plan.places, CANDIDATES), len(HANG_STARTS))
        current = [turn for place in places for turn in plan.turns(place) if turn.run.created <= begin < turn.run.ends]
        # The run must be active long before and after the hang, because its wait may begin late.
        run = max((turn.run for turn in current), key=lambda run: min(begin - run.created, run.ends - begin - seconds))
        found.append(Hang(begin, begin + seconds, (run.flow_id, run.id)))
    return found


class Service:
    """A service with the runs of a plan, in bad weather."""

    def __init__(self) -> None:
        self._server = Server(self._respond)
        # Counts the clients that follow a redirect.
        self._elsewhere = Server(self._respond_elsewhere)
        self.url = self._server.url
        self._hangs: list[Hang] = []
        self._followed = 0
        self._begin({})

    def _begin(self, options: dict[str, Any]) -> None:
        self._plan = Plan(**options["plan"]) if options else Plan(0, 0, 0.0, 0.0, 1.0, 1.0)
        self._sandbox = self._plan.sandbox()
        self._hangs = hangs(self._plan, options["hang"]) if options else []
        share = options.get("share", 0.0)
        choice = tuple(kind for kind in kinds(self._elsewhere.url) if kind.name not in options.get("without", ()))
        self._weather = Weather(f"{self._plan.seed}/weather", share, choice)
        self._requests: Counter[str] = Counter()
        self._hung = dict.fromkeys(self._hangs, 0)

    async def serve(self) -> None:
        await asyncio.gather(self._server.serve(), self._elsewhere.serve())

    async def _respond_elsewhere(self, request: Request) -> Answer:
        self._followed += 1
        return Answer(body=b'{"items": []}')

    async def _respond(self, request: Request) -> Answer:
        match request.path:
            case "/weather/begin":
                self._begin(json.loads(request.body))
                return Answer()
            case "/weather/figures":
                figures = {"requests": self._requests, "met": self._weather.met, "hung": list(self._hung.values())}
                return Answer(body=json.dumps({**figures, "followed": self._followed}).encode())
        self._requests[kind_of(request.path, request.query)] += 1
        now = time.time()
        for hang in self._hangs:
            if hang.meets(request, now):
                self._hung[hang] += 1
                return Answer(ending="hang", seconds=hang.end - now)
        await asyncio.sleep(ANSWER_SECONDS)
        answer = self._answer(request)
        # Answers of a gateway have a date too.
        return answer if answer.has_header("Date") else answer.with_header("Date", formatdate(usegmt=True))

    def _answer(self, request: Request) -> Answer:
        if continued := pages.continued(request):
            return pages.next_page(*continued, self._good(request.without(pages.PARAMETER)))
        kind = self._weather.kind(request)
        good = self._good(request)
        # A refusal has no items to spoil.
        return self._weather.answer(kind, request, good) if kind and good.status == 200 else good

    def _good(self, request: Request) -> Answer:
        if request.is_token:
            return Answer(body=TOKEN)
        try:
            path = request.path.removeprefix(FLOW_SERVICE)
            return Answer(body=self._sandbox.answer(path, request.query, time.time()).encode())
        except KeyError:
            return _refusal(404, "FLOW-1439-404", "There is no such object.")
        except (RefusedError, ValueError) as error:
            return _refusal(400, "FLOW-1451-400", repr(error))


def _refusal(status: int, code: str, detail: str) -> Answer:
    body = json.dumps({"errorCode": code, "title": "Refused", "status": status, "detail": detail})
    return replace(Answer(status), body=body.encode())


async def main() -> None:
    """Serve until the process ends."""
    service = Service()
    print(f"ready {service.url}", flush=True)
    await service.serve()


if __name__ == "__main__":
    asyncio.run(main())
