"""
Applying: what a plan says is done, level by level, all objects of a level in lock step.

Nothing is remembered between two applies. A plan is made first; what it creates is looked for once more before it is
created, by :func:`~..provisioning.ensure.ensure_many`. Where somebody else changed an object meanwhile, the answer to a
change was lost, or a service refused what refers to something that is too new to be read, another plan shows what is
left. So an apply that was killed is finished by the next one.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS
from airflow_provider_payments.aep.dataflows.applied import Applied, Done, Key, key_of
from airflow_provider_payments.aep.dataflows.levels import LEVELS
from airflow_provider_payments.aep.dataflows.placeholders import filled
from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.dataflows.project import owner
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot, unknown_id
from airflow_provider_payments.aep.errors import (
    ConflictError,
    Failure,
    PlatformError,
    ReadOnlyError,
    RequestError,
    UnsettledError,
)
from airflow_provider_payments.aep.http.retries import FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS, TICK_SECONDS
from airflow_provider_payments.aep.provisioning.ensure import ensure_many
from airflow_provider_payments.aep.provisioning.giving_up import may_be_given_up
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import (
    BASE_CONNECTION,
    BaseConnection,
)
from airflow_provider_payments.aep.resources.marks import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.dataflows.plan import Plan, Step
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.sources import Source

__all__ = ["apply_plan"]

log = logging.getLogger(__name__)

#: How often one apply makes a plan, where others change the same objects or answers to changes are lost.
MAX_PLANS = 4
#: With what a service refuses a reference to something that it cannot read yet.
REFUSED_REFERENCE = (400, 404, 422)
#: Seconds until the next plan where something cannot be read, or understood, for now.
UNREADABLE_SECONDS = 15.0


def apply_plan(
    client: Client,
    plan: Plan,
    *,
    credential: Callable[[str, Source], Mapping[str, str]],
    attempt: int = 1,
    run: str = "",
    progress: Callable[[str], None] = lambda name: None,
) -> Applied:
    """
    Make the sandbox hold what definitions say, as far as nothing stands in the way.

    A definition that fails takes along what waits for it; the others go on.

    :param plan: made by :func:`~.planner.plan_project` a moment ago. Its creations look again, its changes are refused
        where the object has changed since.
    :param credential: returns what a new base connection logs in with, of an Airflow connection and a vendor.
    :param attempt: Airflow's try number. From the second on, an earlier one may have asked for a creation and died.
    :param run: distinguishes one run of a DAG from another, in marks.
    :param progress: is called with what is being done.
    :raises InvalidInputError: if there is no project file.
    :raises ReadOnlyError: if the connection is read-only and something is to be done.
    :raises RequestError: if a list cannot be read.
    """
    project = owner(plan.project)
    if client.read_only and plan.to_do:
        raise ReadOnlyError("The apply", "of this plan")
    work = _Work(client, Writer(project, run), attempt, credential, progress)
    for further in range(MAX_PLANS):
        work.take(plan)
        if not work.again or further == MAX_PLANS - 1:
            break
        plan = plan_project(client, plan.written, take_over=plan.take_over, progress=progress)
    return Applied.of(plan, work.done | work.unsure, at=client.now())


class _Work:
    """
    What one apply does.

    :param client: for requests.
    :param writer: in whose name objects are made.
    """

    def __init__(
        self,
        client: Client,
        writer: Writer,
        attempt: int,
        credential: Callable[[str, Source], Mapping[str, str]],
        progress: Callable[[str], None],
    ) -> None:
        self.client, self.writer, self.attempt = client, writer, attempt
        self.credential, self.progress = credential, progress
        #: What came of each object for which something was to be done, by what tells it.
        self.done: dict[Key, Done] = {}
        #: What came of steps that must be looked at once more, as far as is known.
        self.unsure: dict[Key, Done] = {}
        #: Whether another plan must show what is left.
        self.again = False
        self._ids: dict[str, str] = {}
        #: The definitions of which a step has failed, for good or until the next plan.
        self._failed: set[str] = set()
        self._postponed: set[str] = set()
        #: When the youngest object was made, in epoch seconds of the platform's clock.
        self._newest = 0.0
        #: When another plan can show more, by the own clock.
        self._due = -math.inf

    def take(self, plan: Plan) -> None:
        """Do what a plan says. Base connections come first and alone: with them tables can be explored."""
        self.again = False
        self.unsure.clear()
        self._postponed.clear()
        self._newest = max([self._newest, *(step.existing.created for step in plan.steps if step.existing)])
        for level in LEVELS:
            names = {kind.name for kind in level}
            steps = [step for step in plan.steps if step.kind in names]
            self._update([step for step in steps if step.action == "update"])
            created = self._create([step for step in steps if step.action == "create" or self._is_settling(step)])
            if created and level == (BASE_CONNECTION,):
                self.again = True
                return
        if any(step.passes for step in plan.conflicts):
            self._look_again(UNREADABLE_SECONDS)
        if self.again:
            clock = self.client.transport.clock
            clock.sleep(max(0.0, self._due - clock.monotonic()))

    def _is_settling(self, step: Step) -> bool:
        """Whether it is a dataflow that is as written, and that another task may be about to give up."""
        is_right = (
            step.kind == DATAFLOW.name and step.action in ("unchanged", "adopt") and key_of(step) not in self.done
        )
        if not is_right or step.existing is None or step.desired is None or step.id in self._ids.values():
            return False
        return may_be_given_up(self.client, DATAFLOW.mark_of(step.existing), step.existing)

    def _open(self, steps: Sequence[Step]) -> list[Step]:
        """Return the steps that somebody needs for whom nothing has failed."""
        stuck = self._failed | self._postponed
        return [step for step in steps if not stuck.issuperset(step.users)]

    # ---- changes ---------------------------------------------------------------------------------------------------

    def _update(self, steps: Sequence[Step]) -> None:
        for step in self._open(steps):
            self.progress(f"changing {step.kind} {step.name!r}")
            try:
                self._send(step)
            except RequestError as error:
                is_lost = error.failure is Failure.AMBIGUOUS
                if not (is_lost or error.status == 412) or (error.retry_after or 0.0) > MAX_WAIT_SECONDS:
                    self._fail(step, error)
                    continue
                log.warning("%s; reading the %s again", error, step.kind)
                self._note(step, Done("updated", step.id))
                self._postpone(step, _unsettled(error), max(self._seconds_to_show(step), error.retry_after or 0.0))
            except PlatformError as error:
                self._fail(step, error)

    def _send(self, step: Step) -> None:
        if step.desired is None or step.existing is None or step.change is None:
            raise TypeError(f"{step} says no change")
        with self.client.transport.within(self.client.operation_timeout):
            desired = filled(step.desired, self._ids)
            desired.send(self.client, step.existing, filled(step.change, self._ids))
        log.info("Changed %s %r: id %s", step.kind, step.name, step.id)
        self._note(step, Done("updated", step.id))

    # ---- creations -------------------------------------------------------------------------------------------------

    def _create(self, steps: Sequence[Step]) -> bool:
        """Create what is missing; return whether there was something to create."""
        ready: list[tuple[Step, Resource]] = []
        for step in self._open(steps):
            try:
                ready.append((step, self._desired(step)))
            except PlatformError as error:
                self._fail(step, error)
        if not ready:
            return False
        began = self.client.now()
        self.progress(f"creating {len(ready)} of kind {', '.join(dict.fromkeys(step.kind for step, _ in ready))}")
        results = ensure_many(
            self.client,
            [desired for _, desired in ready],
            read=lambda: Snapshot(self.client),
            attempt=self.attempt,
            writer=self.writer,
            ignored={each for step, _ in ready for each in step.ignored},
        )
        for (step, _), result in zip(ready, results, strict=True):
            if isinstance(result, ConflictError):
                # Somebody else made it otherwise meanwhile: a plan says what becomes of that.
                self._postpone(step, result, 0.0)
                continue
            if isinstance(result, PlatformError):
                self._fail(step, result, began)
                continue
            made = result.existing.id
            self._ids[unknown_id(step.kind, step.name)] = made
            self._newest = max(self._newest, result.existing.created or self.client.now())
            log.info("%s %s %r: id %s", "Created" if result.created else "Found", step.kind, step.name, made)
            self._note(step, Done("created" if result.created else "found", made, duplicates=result.duplicates))
        return True

    def _desired(self, step: Step) -> Resource:
        if step.login:
            credential = self.credential(step.login.conn_id, step.login.source)
            return BaseConnection(name=step.name, source=step.login.source, credential=credential)
        if step.desired is None:
            raise ConflictError(step.kind, step.name, "", (), f"it cannot be made yet: {step.reason}")
        return filled(step.desired, self._ids)

    # ---- what came of it -------------------------------------------------------------------------------------------

    def _note(self, step: Step, done: Done) -> None:
        self.done[key_of(step)] = attrs.evolve(done, users=step.users)

    def _fail(self, step: Step, error: PlatformError, sent_at: float = math.inf) -> None:
        """
        Note that a step has failed, and with it those who need it.

        :param sent_at: when it was sent, or earlier, in epoch seconds of the platform's clock; default: now.
        """
        if self._may_refer_to_new(error, min(sent_at, self.client.now())):
            log.warning("%s; something that it refers to may be too new to be read, so it is tried again", error)
            self._postpone(step, _unsettled(error), self._newest + READ_LAG_SECONDS - self.client.now())
            return
        log.info("Failed: %s %r: %s", step.kind, step.name, error)
        self._note(step, Done("failed", step.id, error))
        self._failed.update(step.users)

    def _may_refer_to_new(self, error: PlatformError, sent_at: float) -> bool:
        if not isinstance(error, RequestError) or error.failure is not Failure.FINAL:
            return False
        return error.status in REFUSED_REFERENCE and sent_at < self._newest + READ_LAG_SECONDS

    def _postpone(self, step: Step, error: PlatformError, seconds: float) -> None:
        """Leave a step, and the definitions that need it, to the next plan, not before ``seconds`` have passed."""
        self.unsure[key_of(step)] = Done("failed", step.id, error, users=step.users)
        self._postponed.update(step.users)
        self._look_again(seconds)

    def _look_again(self, seconds: float) -> None:
        self._due = max(self._due, self.client.transport.clock.monotonic() + seconds)
        self.again = True

    def _seconds_to_show(self, step: Step) -> float:
        """Return how long lists may not show a change."""
        ingests = step.kind == DATAFLOW.name
        settle = self.client.dataflow_settle_seconds if ingests else self.client.settle_seconds
        return settle + TICK_SECONDS if settle else FIRST_WAIT_SECONDS


def _unsettled(error: PlatformError) -> UnsettledError:
    unsettled = UnsettledError(f"{error}; the next attempt looks again")
    unsettled.__cause__ = error
    return unsettled
