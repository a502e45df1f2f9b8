"""
Apply a plan: level by level, all objects of a level together.

No state is kept between two applies, so an apply that was killed is finished by the next one. Before an object is
created, :func:`~..provisioning.ensure.ensure_many` searches for it again. The apply plans again if another writer
changed an object after the plan, if the answer to a change was lost, or if a service refused a reference to an object
that it cannot read yet.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Literal

import attrs

from airflow_provider_payments.aep.api.patience import READ_LAG_SECONDS
from airflow_provider_payments.aep.dataflows.applied import Applied, StepKey, StepResult, step_key
from airflow_provider_payments.aep.dataflows.levels import LEVELS
from airflow_provider_payments.aep.dataflows.placeholders import fill_placeholders
from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.dataflows.project import owner
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot, placeholder_id
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

#: Plans of one apply, the first included. More than one is needed when other writers change the same objects, or when
#: answers to changes are lost.
MAX_PLANS = 4
#: HTTP statuses with which a service refuses a reference to an object that it cannot read yet.
REFUSED_REFERENCE_STATUSES = (400, 404, 422)
#: Seconds until the next plan when an object cannot be read or understood at present.
UNREADABLE_RETRY_SECONDS = 15.0


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
    Create and change the objects of a plan, except those in conflict.

    If a step fails, the steps of the same definition that wait for it are skipped; other definitions continue.

    :param plan: the result of a recent :func:`~.planner.plan_project`. Each object is searched for again before it is
        created, and a change is refused if the object has changed since the plan.
    :param credential: returns the vendor's credential for a new base connection, given the id of an Airflow connection
        and the vendor.
    :param attempt: Airflow's try number. From the second try on, an earlier try may have sent creations before it was
        killed. Defaults to 1.
    :param run: identifies the DAG run in marks. Defaults to an empty text.
    :param progress: called with a description of each piece of work before it begins.
    :raises InvalidInputError: if there is no project file.
    :raises ReadOnlyError: if the connection is read-only and the plan creates or changes an object.
    :raises RequestError: if a list cannot be read.
    """
    project = owner(plan.project)
    if client.read_only and plan.to_do:
        raise ReadOnlyError("The apply", "of this plan")
    applier = _Applier(client, Writer(project, run), attempt, credential, progress)
    for number in range(1, MAX_PLANS + 1):
        applier.execute(plan)
        if not applier.needs_another_plan or number == MAX_PLANS:
            break
        plan = plan_project(client, plan.loaded_project, take_over=plan.take_over, progress=progress)
    return Applied.of(plan, applier.results | applier.unsettled, at=client.now())


class _Applier:
    """
    The work of one apply, over all its plans.

    :param client: the client that sends the requests.
    :param writer: the owner that the marks of created objects name.
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
        #: The results of the executed steps, of all plans so far.
        self.results: dict[StepKey, StepResult] = {}
        #: The preliminary results of steps of the current plan that the next plan must check.
        self.unsettled: dict[StepKey, StepResult] = {}
        self.needs_another_plan = False
        #: Ids of created and found objects, by the placeholders that plans use for them.
        self._ids: dict[str, str] = {}
        #: Definitions with a step that failed for good.
        self._failed: set[str] = set()
        #: Definitions with a step that the next plan repeats.
        self._postponed: set[str] = set()
        #: Creation time of the newest object, in epoch seconds of the platform's clock.
        self._newest_creation = 0.0
        #: Earliest useful time of the next plan, in seconds of the local monotonic clock.
        self._next_plan_due = -math.inf

    def execute(self, plan: Plan) -> None:
        """
        Execute the steps of a plan.

        If base connections are created, the execution stops after them: the next plan can explore their tables.
        """
        self.needs_another_plan = False
        self.unsettled.clear()
        self._postponed.clear()
        self._newest_creation = max(
            [self._newest_creation, *(step.existing.created for step in plan.steps if step.existing)]
        )
        for level in LEVELS:
            names = {kind.name for kind in level}
            steps = [step for step in plan.steps if step.kind in names]
            self._update([step for step in steps if step.action == "update"])
            created = self._create([step for step in steps if step.action == "create" or self._may_be_given_up(step)])
            if created and level == (BASE_CONNECTION,):
                self.needs_another_plan = True
                return
        if any(step.is_temporary for step in plan.conflicts):
            self._require_another_plan(UNREADABLE_RETRY_SECONDS)
        if self.needs_another_plan:
            clock = self.client.transport.clock
            clock.sleep(max(0.0, self._next_plan_due - clock.monotonic()))

    def _may_be_given_up(self, step: Step) -> bool:
        """Whether the step's dataflow needs no change, but the task that created it may be about to give it up."""
        is_dataflow = step.kind == DATAFLOW.name and step.action in ("unchanged", "adopt")
        if not is_dataflow or step_key(step) in self.results or step.id in self._ids.values():
            return False
        if step.existing is None or step.desired is None:
            return False
        return may_be_given_up(self.client, DATAFLOW.mark_of(step.existing), step.existing)

    def _unblocked(self, steps: Sequence[Step]) -> list[Step]:
        """Return the steps that are needed by at least one definition without a failed step."""
        blocked = self._failed | self._postponed
        return [step for step in steps if not blocked.issuperset(step.users)]

    # ---- changes ---------------------------------------------------------------------------------------------------

    def _update(self, steps: Sequence[Step]) -> None:
        for step in self._unblocked(steps):
            self.progress(f"changing {step.kind} {step.name!r}")
            try:
                self._send(step)
            except RequestError as error:
                is_lost = error.failure is Failure.AMBIGUOUS
                if not (is_lost or error.status == 412) or (error.retry_after or 0.0) > MAX_WAIT_SECONDS:
                    self._fail_or_postpone(step, error)
                    continue
                log.warning("%s; reading the %s again", error, step.kind)
                if is_lost:  # else the service refused the change, so this apply changed nothing
                    self._record(step, StepResult("updated", step.id))
                self._postpone(step, _unsettled(error), max(self._settle_seconds(step), error.retry_after or 0.0))
            except PlatformError as error:
                self._fail_or_postpone(step, error)

    def _send(self, step: Step) -> None:
        if step.desired is None or step.existing is None or step.change is None:
            raise TypeError(f"{step} holds no change")
        with self.client.transport.within(self.client.operation_timeout):
            desired = fill_placeholders(step.desired, self._ids)
            desired.send(self.client, step.existing, fill_placeholders(step.change, self._ids))
        log.info("Changed %s %r: id %s", step.kind, step.name, step.id)
        self._record(step, StepResult("updated", step.id))

    # ---- creations -------------------------------------------------------------------------------------------------

    def _create(self, steps: Sequence[Step]) -> bool:
        """Create or find objects; return whether there was an object to create."""
        ready: list[tuple[Step, Resource]] = []
        for step in self._unblocked(steps):
            try:
                ready.append((step, self._desired(step)))
            except PlatformError as error:
                self._fail_or_postpone(step, error)
        if not ready:
            return False
        sent_at = self.client.now()
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
                # Another writer has created an object that differs; the next plan decides whether it can be changed.
                self._postpone(step, result, 0.0)
                continue
            if isinstance(result, PlatformError):
                self._fail_or_postpone(step, result, sent_at)
                continue
            object_id = result.existing.id
            self._ids[placeholder_id(step.kind, step.name)] = object_id
            self._newest_creation = max(self._newest_creation, result.existing.created or self.client.now())
            outcome: Literal["created", "found"] = "created" if result.created else "found"
            log.info("%s %s %r: id %s", outcome.capitalize(), step.kind, step.name, object_id)
            self._record(step, StepResult(outcome, object_id, duplicates=result.duplicates))
        return True

    def _desired(self, step: Step) -> Resource:
        if step.login:
            credential = self.credential(step.login.conn_id, step.login.source)
            return BaseConnection(name=step.name, source=step.login.source, credential=credential)
        if step.desired is None:
            raise UnsettledError(f"{step.kind} {step.name!r} cannot be created yet: {step.reason}")
        return fill_placeholders(step.desired, self._ids)

    # ---- results ---------------------------------------------------------------------------------------------------

    def _record(self, step: Step, result: StepResult) -> None:
        self.results[step_key(step)] = attrs.evolve(result, users=step.users)

    def _fail_or_postpone(self, step: Step, error: PlatformError, sent_at: float = math.inf) -> None:
        """
        Record the failure of a step and of the definitions that need it, or postpone the step to the next plan.

        :param sent_at: the earliest time at which the request may have been sent, in epoch seconds of the platform's
            clock. Defaults to now.
        """
        if self._may_refer_to_new(error, min(sent_at, self.client.now())):
            log.warning("%s; a referenced object may be too new for the service to read; retrying", error)
            self._postpone(step, _unsettled(error), self._newest_creation + READ_LAG_SECONDS - self.client.now())
            return
        log.info("Failed: %s %r: %s", step.kind, step.name, error)
        self._record(step, StepResult("failed", step.id, error))
        self._failed.update(step.users)

    def _may_refer_to_new(self, error: PlatformError, sent_at: float) -> bool:
        if not isinstance(error, RequestError) or error.failure is not Failure.FINAL:
            return False
        return error.status in REFUSED_REFERENCE_STATUSES and sent_at < self._newest_creation + READ_LAG_SECONDS

    def _postpone(self, step: Step, error: PlatformError, seconds: float) -> None:
        """Leave a step, and the definitions that need it, to the next plan, which follows after ``seconds``."""
        self.unsettled[step_key(step)] = StepResult("failed", step.id, error, users=step.users)
        self._postponed.update(step.users)
        self._require_another_plan(seconds)

    def _require_another_plan(self, seconds: float) -> None:
        self._next_plan_due = max(self._next_plan_due, self.client.transport.clock.monotonic() + seconds)
        self.needs_another_plan = True

    def _settle_seconds(self, step: Step) -> float:
        """Return how many seconds it may take until a change of the step's object is visible in lists."""
        ingests = step.kind == DATAFLOW.name
        settle = self.client.dataflow_settle_seconds if ingests else self.client.settle_seconds
        return settle + TICK_SECONDS if settle else FIRST_WAIT_SECONDS


def _unsettled(error: PlatformError) -> UnsettledError:
    unsettled = UnsettledError(f"{error}; the next attempt checks the object again")
    unsettled.__cause__ = error
    return unsettled
