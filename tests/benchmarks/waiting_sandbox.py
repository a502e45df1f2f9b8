"""
The runs and dataflows of a sandbox as Flow Service returns them at a time, and the queries that it supports.

The answers depend only on a list of runs and the time. Only documented queries are supported: runs by ids, the runs of
one dataflow, dataflows by ids, and dataflows whose last run started since a time. Only half of the dataflows return an
active run as their last run, because its documented states are success and failed.
Sources: Adobe's OpenAPI file and the guide "Sort and filter responses".
"""

from __future__ import annotations

import json
import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from tests.benchmarks.waiting_shapes import FLOW, RUN

FLOW_SERVICE = "/data/foundation/flowservice"
#: Seconds between a run's creation and its start.
QUEUE_SECONDS = 1.0
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
FILTER = re.compile(r"([\w.]+)(==|>=)(.+)")
EVERY_HALF_HOUR = json.dumps({"startTime": "1760000000", "frequency": "minute", "interval": 30})
ON_DEMAND = json.dumps({"startTime": "1760000000", "frequency": "once"})

Query = list[tuple[str, str]]


class RefusedError(Exception):
    """A query that the service does not support."""


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run of a dataflow. Times are epoch seconds.

    :param ends: the time from which the run has succeeded.
    """

    id: str
    flow_id: str
    created: float
    ends: float

    @property
    def started(self) -> float:
        return self.created + QUEUE_SECONDS

    def at(self, now: float) -> str:
        """Return the run's item in the list of runs at a time."""
        state = "scheduled" if now < self.started else "inProgress" if now < self.ends else "success"
        return RUN[state] % ({"run": self.id, "flow": self.flow_id} | _milliseconds(self))


class Sandbox:
    """
    Dataflows and their runs.

    :param runs: all past and future runs.
    :param on_demand: the ids of dataflows that run on demand; all others run every half an hour.
    """

    def __init__(self, runs: Iterable[Run], on_demand: Collection[str] = ()) -> None:
        #: In the order of creation, like a list.
        self.runs = sorted(runs, key=lambda run: run.created)
        self._on_demand = frozenset(on_demand)
        self._created = [run.created for run in self.runs]
        self._places = {run.id: place for place, run in enumerate(self.runs)}
        self._places_of: dict[str, list[int]] = {}
        for place, run in enumerate(self.runs):
            self._places_of.setdefault(run.flow_id, []).append(place)
        self._order = {flow: place for place, flow in enumerate(self._places_of)}
        self._flows = list(self._places_of)

    def answer(self, path: str, query: Query, now: float) -> str:
        """
        Return the answer to a query at a time.

        :param path: the path, without the prefix of the service.
        :raises RefusedError: if the query is not supported.
        :raises KeyError: if the object does not exist.
        """
        kind, _, identifier = path.strip("/").partition("/")
        filters = [_parse_filter(value) for name, value in query if name == "property"]
        if kind == "runs":
            if identifier:
                return _list([self._visible(identifier, now)])
            return self._run_page(self._chosen_runs(filters, now), query, now)
        if kind != "flows":
            raise RefusedError(path)
        if identifier:
            return _list([self._flow(identifier, now)])
        return self._flow_page(self._chosen_flows(filters, now), query, now)

    # ---- runs ---------------------------------------------------------------------------------------------------

    def _visible(self, run_id: str, now: float) -> str:
        run = self.runs[self._places[run_id]]
        if run.created > now:
            raise KeyError(run_id)
        return run.at(now)

    def _chosen_runs(self, filters: Sequence[tuple[str, str, str]], now: float) -> Sequence[int]:
        """Return the places of the runs that match, in the order of creation; future runs do not exist."""
        exist = bisect_right(self._created, now)
        match filters:
            case []:
                return range(exist)
            case [("id", "==", ids)]:
                found = sorted(self._places[one] for one in set(ids.split(",")) if one in self._places)
            case [("flowId", "==", flow)] if "," not in flow:
                found = self._places_of.get(flow, [])
            case _:
                raise RefusedError(repr(filters))
        return found[: bisect_left(found, exist)]

    def _run_page(self, places: Sequence[int], query: Query, now: float) -> str:
        parameters = dict(query)
        token, limit = parameters.get("continuationToken"), _limit(parameters)
        match parameters.get("orderby"):
            case "-createdAt":
                places = places[: bisect_left(places, int(token))] if token else places
                page = places[::-1][:limit]
            case None | "createdAt":
                places = places[bisect_right(places, int(token)) :] if token else places
                page = places[:limit]
            case other:
                raise RefusedError(other)
        next_page = f"/runs?continuationToken={page[-1]}" if len(page) < len(places) else None
        return _list([self.runs[place].at(now) for place in page], next_page)

    # ---- dataflows ----------------------------------------------------------------------------------------------

    def _chosen_flows(self, filters: Sequence[tuple[str, str, str]], now: float) -> list[int]:
        match filters:
            case [("id", "==", ids)]:
                return sorted({self._order[one] for one in ids.split(",") if one in self._order})
            case [("lastRunDetails.startedAtUTC", ">=", start)]:
                since = int(start) / 1000
                places = range(bisect_left(self._created, since - QUEUE_SECONDS), bisect_right(self._created, now))
                last = {flow: self._last_run(flow, now) for flow in {self.runs[place].flow_id for place in places}}
                return sorted(self._order[flow] for flow, run in last.items() if run and run.started >= since)
            case _:
                raise RefusedError(repr(filters))

    def _flow_page(self, places: Sequence[int], query: Query, now: float) -> str:
        parameters = dict(query)
        if token := parameters.get("continuationToken"):
            places = places[bisect_right(places, int(token)) :]
        page = places[: _limit(parameters)]
        next_page = f"/flows?continuationToken={page[-1]}" if len(page) < len(places) else None
        return _list([self._flow(self._flows[place], now) for place in page], next_page)

    def _flow(self, flow: str, now: float) -> str:
        run = self._last_run(flow, now)
        if run is None:
            last = None
        elif now < run.ends:
            last = {"id": run.id, "state": "inProgress", "startedAtUTC": int(run.started * 1000)}
        else:
            times = {"startedAtUTC": int(run.started * 1000), "completedAtUTC": int(run.ends * 1000)}
            last = {"id": run.id, "state": "success", **times}
        details = f', "lastRunDetails": {json.dumps(last)}' if last else ""
        schedule = ON_DEMAND if flow in self._on_demand else EVERY_HALF_HOUR
        updated = int((run.started if run else 1760000000) * 1000)
        return FLOW % {"flow": flow, "updated": updated, "schedule_json": schedule, "details_json": details}

    def _last_run(self, flow: str, now: float) -> Run | None:
        runs = [self.runs[place] for place in self._places_of[flow]]
        returns_active_runs = int(flow[-1], 16) % 2 == 0
        return next((run for run in runs[::-1] if (run.started if returns_active_runs else run.ends) <= now), None)


def identifier(draws: random.Random) -> str:
    """Draw an id in the service's form."""
    return str(UUID(int=draws.getrandbits(128), version=4))


def _parse_filter(text: str) -> tuple[str, str, str]:
    match = FILTER.fullmatch(text)
    if match is None:
        raise RefusedError(text)
    return match[1], match[2], match[3]


def _limit(parameters: dict[str, str]) -> int:
    limit = int(parameters.get("limit", DEFAULT_LIMIT))
    if not 1 <= limit <= MAX_LIMIT:
        raise RefusedError(f"limit={limit}")
    return limit


def _milliseconds(run: Run) -> dict[str, float]:
    return {"created": run.created * 1000, "started": run.started * 1000, "ended": run.ends * 1000}


def _list(items: Sequence[str], next_page: str | None = None) -> str:
    links = {"next": {"href": next_page}} if next_page else {}
    return f'{{"items": [{", ".join(items)}], "_links": {json.dumps(links)}}}'
