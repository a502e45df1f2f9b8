"""
Where many flow runs stand, with few requests.

No request for the runs of many dataflows at once is published, so there is a ladder. Several ids in one filter are
documented for some fields, not for a run's ``flowId``, and a service that reads ``a,b`` as one value answers an empty
list for ever: that way is taken only after it has shown the runs of two dataflows that are known to have some. Below it
stand the dataflows' own last runs, which is documented, and one dataflow at a time. Where that is cheaper, all runs of
the sandbox that may matter are one question. Whatever is asked, ids are matched here.
Source: the guide "Sort and filter responses" and the schemas of flows and runs in Adobe's OpenAPI file.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakSet

from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError
from airflow_provider_payments.aep.flow_runs import FlowRun, readable_runs, runs_of
from airflow_provider_payments.aep.pace import LONGEST_PAUSE, is_refusal
from airflow_provider_payments.aep.readers import moment
from airflow_provider_payments.aep.retries import MAX_WAIT
from airflow_provider_payments.aep.services import Json
from airflow_provider_payments.aep.waits import MARGIN, PROOF_EVERY, Wait

log = logging.getLogger(__name__)

#: Ids in one URL; each takes 37 characters, or 39 where the comma is escaped.
CHUNK = 100
#: Items a page. The service gives up to 1000, but while so long an answer is parsed all threads stand still.
PAGE = 500
#: So few dataflows are asked one by one.
SINGLY = 2
#: Every so many looks, some of those of whom nothing is known are asked in other ways.
CHECK_EVERY = PROOF_EVERY
#: So many requests of one look may stay without any answer before the rest is left for the next.
SILENT = 3
#: Questions that a look may add, beside two for each that it has, to find out whose fault a refusal is.
HALVES = 100
#: Statuses that tell nothing of the question: no answer, the credential, the rate.
NOT_OF_THE_QUESTION = (None, 401, 403, 429)


#: A question for some waits at once.
Way = Callable[[list[Wait]], None]


class RunQueries:
    """
    Asks for the runs of many waits, and learns which ways the service understands. Used by one thread at a time, apart
    from what :meth:`look` does itself.

    :param client: whom to ask.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        #: Whether one question for the runs of several dataflows is understood; ``None``: not known yet.
        self._many: bool | None = None
        #: Whether dataflows tell of their last runs.
        self._told = True
        #: Pages of runs that the sandbox makes a second, as the last question for all of them showed.
        self._density = 0.0
        self._looks = 0
        self._silent = 0
        self._halves = 0
        self._refusals = 0
        #: All that were looked at: what a misunderstood question told them is to be forgotten.
        self._waits = WeakSet[Wait]()

    def look(self, waits: Sequence[Wait], each: Callable[..., Iterable[Any]] = map) -> float:
        """
        Ask where the waits' runs stand: each then has its ``run``, or the ``error`` that kept it from being seen.

        :param each: what maps a function over questions; that of a thread pool asks them side by side.
        :return: seconds for which the service wants to be left alone, 0 where it does not say so.
        """
        self._looks += 1
        self._silent = 0
        self._waits.update(waits)
        began = self.client.transport.clock.monotonic()
        for wait in waits:
            wait.error = None
        try:
            questions = self._questions(sorted(waits, key=lambda wait: wait.cursor))
        except RequestError as error:
            for wait in waits:
                wait.error = error
        else:
            self._ask_all(questions, each)
            if self._looks % CHECK_EVERY == 0:
                self._check([w for w in waits if not (w.run or w.error)], began)
        return self._pause([wait.error for wait in waits if is_refusal(wait.error)])

    def _pause(self, refusals: list[Any]) -> float:
        self._refusals = self._refusals + 1 if refusals else 0
        asked = [error.retry_after for error in refusals if error.retry_after is not None]
        if refusals and not asked:
            return float(min(2 ** (self._refusals - 1), MAX_WAIT))
        return min(max(asked, default=0.0), LONGEST_PAUSE)

    # ---- which way --------------------------------------------------------------------------------------------

    def _questions(self, waits: list[Wait]) -> list[tuple[Way, list[Wait]]]:
        known, news = [w for w in waits if w.run_id], [w for w in waits if not w.run_id]
        by_id = _chunks(self._by_id, known)
        many = self._many or (max(len(by_id), len(news)) > SINGLY and self._understands_many())
        if len(news) > SINGLY and many:
            by_flow = _chunks(self._by_flow, news)
        elif len(news) > SINGLY and self._told:
            by_flow = _chunks(self._by_last_run, news)
        else:
            by_flow = _chunks(self._singly, news, 1)
        if len(by_id) + len(by_flow) <= SINGLY or not many:
            return by_id + by_flow
        return self._through_the_sandbox(known, news, by_id, by_flow)

    def _through_the_sandbox(
        self, known: list[Wait], news: list[Wait], by_id: list[Any], by_flow: list[Any]
    ) -> list[tuple[Way, list[Wait]]]:
        """Ask for all runs of the sandbox where that takes fewer requests; return the questions that are left."""
        choices: list[tuple[float, list[Wait], list[Any]]] = [(len(by_id) + len(by_flow), [], by_id + by_flow)]
        seen, unseen = [w for w in known if w.run], _chunks(self._by_id, [w for w in known if not w.run])
        for covered, left in ((seen + news, unseen), (news, by_id)):
            if covered:
                choices.append((self._expected_pages(covered) + len(left), covered, left))
        _, covered, left = min(choices, key=lambda choice: choice[0])
        if not covered:
            self._density *= 0.99  # a sandbox may become quieter
            return left
        try:
            missing = self._all_of_the_sandbox(covered, most=len(by_id) + len(by_flow) - len(left))
        except RequestError as error:
            if error.status in NOT_OF_THE_QUESTION:
                raise
            log.info("The service does not tell all runs of the sandbox: %s", error)
            if error.failure is Failure.FINAL:
                self._density = math.inf
            missing = None
        return by_id + by_flow if missing is None else left + _chunks(self._by_id, missing)

    def _expected_pages(self, waits: list[Wait]) -> float:
        return 1 + self._density * (self.client.transport.now() - _since(waits))

    def _all_of_the_sandbox(self, waits: list[Wait], most: int) -> list[Wait] | None:
        """
        Ask for all runs that may matter, the newest first; return the waits whose run, though known, was not among
        them. ``None``: there are more than so many pages.
        """
        since, oldest, full = _since(waits), math.inf, 0
        runs: dict[str, list[FlowRun]] = {_flow_of(wait): [] for wait in waits}
        asked = self.client.transport.clock.monotonic()
        pages = self.client.pages("runs", *_created(since), orderby="-createdAt", limit=PAGE)
        for number, page in enumerate(pages, 1):
            for item in page:
                oldest = min(oldest, moment(item.get("createdAt")) or oldest)
                if item.get("flowId") in runs:
                    runs[item["flowId"]].extend(readable_runs([item]))
            if number > most:
                self._density = number / max(1.0, self.client.transport.now() - oldest)
                return None
            full = max(full, len(page))
        at = self.client.transport.now(asked)
        self._density = (number - 1 + len(page) / ((number > 1 and full) or PAGE)) / max(1.0, at - since)
        for wait in waits:
            wait.take(runs[_flow_of(wait)], at)
        return [wait for wait in waits if wait.run_id and wait.run not in runs[_flow_of(wait)]]

    def _understands_many(self) -> bool:
        if self._many is None:
            self._many = self._canary()
        return bool(self._many)

    def _canary(self) -> bool | None:
        """
        Ask for runs of two dataflows that have some, in the form in which many will be asked for. ``None``: there are
        not two such dataflows yet, or the service has trouble.
        """
        newest: dict[str, FlowRun] = {}
        try:
            for run in readable_runs(next(self.client.pages("runs", orderby="-createdAt", limit=CHUNK), [])):
                newest.setdefault(run.flow_id, run)
            pair = list(newest.values())[-2:]  # the oldest: no list lags behind them
            if len(pair) < 2:
                return None
            wanted = {run.flow_id for run in pair}
            filters = _flows(wanted), *_created(min(run.created_at for run in pair))
            page = next(self.client.pages("runs", *filters, orderby="-createdAt", limit=PAGE), [])
        except RequestError as error:
            if error.status in NOT_OF_THE_QUESTION:
                raise
            log.info("Flow runs are asked for by dataflow, for the service refuses to be asked for many: %s", error)
            return False if error.failure is Failure.FINAL else None
        if not wanted <= {item.get("flowId") for item in page}:
            log.warning("The service does not understand a question for the runs of several dataflows")
            return False
        return True

    # ---- asking -----------------------------------------------------------------------------------------------

    def _ask_all(self, questions: list[tuple[Way, list[Wait]]], each: Callable[..., Iterable[Any]]) -> None:
        self._halves = HALVES + 2 * len(questions)
        errors = list(each(self._ask, questions))
        answered = not all(errors)
        for (way, waits), error in zip(questions, errors, strict=True):
            if error:
                self._fail(way, waits, error, answered)

    def _fail(self, way: Way, waits: list[Wait], error: PlatformError, answered: bool) -> None:
        """
        Find the waits at fault by halves, where the service answers others; else the error is that of all. A service
        that fails at random would draw ever more questions, so their number is bounded.
        """
        status = getattr(error, "status", None)
        common = status in (None, 401, 429) or not (answered or status in (400, 404, 414))
        if len(waits) == 1 or common or self._halves <= 0:
            for wait in waits:
                wait.error = error
            return
        self._halves -= 2
        middle = len(waits) // 2
        for half in (waits[:middle], waits[middle:]):
            if again := self._ask((way, half)):
                self._fail(way, half, again, answered=True)

    def _ask(self, question: tuple[Way, list[Wait]]) -> PlatformError | None:
        way, waits = question
        try:
            if self._silent >= SILENT:
                raise RequestError(Failure.NOT_SENT, "GET", "/runs", reason="the service does not answer at present")
            way(waits)
        except PlatformError as error:
            self._silent += getattr(error, "status", 0) is None
            return error
        return None

    # ---- the ways ---------------------------------------------------------------------------------------------

    def _by_id(self, waits: list[Wait]) -> None:
        """Ask for runs whose ids are known; documented, and each must be there."""
        ids = dict.fromkeys(str(wait.run_id) for wait in waits)
        found = {item.get("id"): item for page in self.client.pages("runs", f"id=={','.join(ids)}") for item in page}
        for wait in waits:
            if item := found.get(wait.run_id):
                wait.run = FlowRun.from_item(item)
            else:
                self._alone(wait)

    def _by_flow(self, waits: list[Wait]) -> None:
        """Ask for the runs of many dataflows at once."""
        runs: dict[str, list[FlowRun]] = {wait.flow_id: [] for wait in waits}
        filters = _flows(runs), *_created(_since(waits))
        asked = self.client.transport.clock.monotonic()
        for page in self.client.pages("runs", *filters, orderby="-createdAt", limit=PAGE):
            for item in page:
                if item.get("flowId") in runs:
                    runs[item["flowId"]].extend(readable_runs([item]))
        at = self.client.transport.now(asked)
        for wait in waits:
            wait.take(runs[wait.flow_id], at)

    def _by_last_run(self, waits: list[Wait]) -> None:
        """Ask many dataflows for their last run, and those alone that have one which may be meant."""
        flows = self._dataflows(waits)
        for wait in waits:
            last = flows.get(wait.flow_id, {}).get("lastRunDetails")
            began = moment(last.get("startedAtUTC")) if isinstance(last, dict) else None
            if wait.flow_id not in flows or (isinstance(last, dict) and (began or math.inf) >= wait.selection.since):
                self._alone(wait)

    def _singly(self, waits: list[Wait]) -> None:
        for wait in waits:
            self._alone(wait)

    def _alone(self, wait: Wait, proof: bool | None = None) -> None:
        """
        Ask for one wait, in ways that are all documented; what the service refuses is this wait's own error.

        :param proof: whether to ask for the dataflow where it has no runs; by default now and then.
        """
        try:
            if wait.run_id:
                wait.run = FlowRun.from_item(self.client.item("runs", wait.run_id))
                return
            asked = self.client.transport.clock.monotonic()
            runs = list(runs_of(self.client, wait.flow_id, wait.cursor, skip_unreadable=True))
            at = self.client.transport.now(asked)
            if not runs and (wait.wants_proof() if proof is None else proof):
                self.client.item("flows", wait.flow_id)
            wait.take(runs, at)
        except RequestError as error:
            if not error.says_gone:
                raise
            wait.error = error

    def _dataflows(self, waits: list[Wait]) -> dict[str, Json]:
        ids = dict.fromkeys(wait.flow_id for wait in waits)
        pages = self.client.pages("flows", f"id=={','.join(ids)}")
        return {str(item.get("id")): item for page in pages for item in page}

    def _check(self, waits: list[Wait], began: float) -> None:
        """
        Ask some waits that no run was seen of whether their dataflows are there, and one of them alone: an answer that
        is empty because the question was misread looks like no news.

        :param began: when the look did that saw none, by the clock's ``monotonic``.
        """
        if not waits:
            return
        turn = self._looks // CHECK_EVERY
        first = turn * CHUNK % len(waits)
        some, spot = waits[first : first + CHUNK], waits[turn % len(waits)]
        try:
            there = self._dataflows(some)
            for wait in some:
                if wait.flow_id not in there:
                    self._alone(wait, proof=True)
            spot.cursor = spot.created_since
            self._alone(spot, proof=False)
        except RequestError as error:
            log.info("Could not check how complete the answers are: %s", error)
            return
        # One that has begun since may well be news.
        if spot.run and spot.run.began < self.client.transport.now(began) - MARGIN:
            log.warning("The service left %s out of an answer; asking for fewer dataflows at once", spot.run)
            self._many, self._told = False, self._told and bool(self._many)
            for wait in self._waits:
                wait.cursor = wait.created_since


def _chunks(way: Way, waits: list[Wait], size: int = CHUNK) -> list[tuple[Way, list[Wait]]]:
    return [(way, waits[start : start + size]) for start in range(0, len(waits), size)]


def _flow_of(wait: Wait) -> str:
    return wait.run.flow_id if wait.run else wait.flow_id


def _since(waits: Iterable[Wait]) -> float:
    """The creation of the oldest run that may matter."""
    return min(wait.run.created_at if wait.run_id and wait.run else wait.cursor for wait in waits)


def _flows(ids: Iterable[str]) -> str:
    return f"flowId=={','.join(ids)}"


def _created(since: float) -> list[str]:
    return [f"createdAt>={int(since * 1000)}"] if since > 0 else []
