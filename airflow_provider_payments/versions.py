"""What differs between the Airflow versions that are supported (2.11 to 3.3), and nothing else."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy
except ImportError:  # Airflow before 3.3 tries again after the task's retry_delay, whatever the error says
    RetryPolicy = None  # type: ignore[assignment,misc]


Returned = TypeVar("Returned")
#: Upper bound for ``Retry-After``.
MAX_RETRY_DELAY = timedelta(days=1)

if RetryPolicy is not None:

    class RetryAfterPolicy(RetryPolicy):
        """
        Tries a task again when the service asked to, after a day at most, and otherwise as usual.

        :param retry_delay: the task's own; a service that asks for less does not shorten it.
        """

        def __init__(self, retry_delay: timedelta = timedelta()) -> None:
            self.retry_delay = retry_delay

        def evaluate(
            self, exception: BaseException, try_number: int, max_tries: int, context: Any = None
        ) -> RetryDecision:
            """Return the delay that the error carries."""
            asked = min(timedelta(seconds=getattr(exception, "retry_after", None) or 0.0), MAX_RETRY_DELAY)
            if asked <= self.retry_delay:
                return RetryDecision.default()
            return RetryDecision.retry(asked, f"the service asks to wait {asked.total_seconds():g} s")


def honour_retry_after(operator: Any) -> None:
    """Give an operator :class:`RetryAfterPolicy`, unless it has a policy, or Airflow has none."""
    if RetryPolicy is not None and operator.retry_policy is None:
        operator.retry_policy = RetryAfterPolicy(operator.retry_delay)


def mask_secret(secret: Any) -> None:
    """Keep a secret that was fetched at run time out of Airflow's logs."""
    try:
        from airflow.providers.common.compat.sdk import mask_secret as mask
    except ImportError:  # common-compat before 1.22, which Airflow's constraint files up to 3.2 hold
        try:
            from airflow.sdk.log import mask_secret as mask
        except ImportError:  # Airflow 2
            from airflow.utils.log.secrets_masker import mask_secret as mask  # type: ignore[no-redef,import-not-found]
    mask(secret)


def other_runs_are_active(context: Any) -> bool:
    """Whether another run of the task's DAG is active; no where there is no Airflow around the task."""
    task = context.get("ti")
    if not hasattr(task, "dag_id"):
        return False
    if hasattr(task, "get_dr_count"):
        return bool(task.get_dr_count(dag_id=task.dag_id, states=["running"]) > 1)
    from airflow.models.dagrun import DagRun
    from airflow.utils.state import DagRunState

    return len(DagRun.find(dag_id=task.dag_id, state=DagRunState.RUNNING)) > 1


def first_reschedule(operator: Any, context: Any) -> datetime | None:
    """Return when a sensor's wait was rescheduled first, ``None`` before that."""
    task = context["ti"]
    if hasattr(task, "get_first_reschedule_date"):
        found: datetime | None = task.get_first_reschedule_date(context)
        return found
    # As the base class of 2.11 does.
    from airflow.sensors.base import _orig_start_date  # type: ignore[import-not-found,unused-ignore]

    first_try = (task.max_tries or 0) - (operator.retries or 0) + 1
    place = {name: getattr(task, name) for name in ("dag_id", "task_id", "run_id", "map_index")}
    began: datetime | None = _orig_start_date(**place, try_number=first_try)
    return began


def task_store(context: Any) -> Any | None:
    """Return where a task's tries keep what the next one needs, with ``get`` and ``set``; ``None`` before 3.3."""
    return context.get("task_state_store")


def keep_at_least(store: Any, key: str, value: Any, seconds: float) -> None:
    """
    Write into a task's store what must not expire for a while.

    :param seconds: for how long, at least; infinite: for ever. Airflow's ``default_retention_days`` applies where it is
        longer.
    """
    from airflow.providers.common.compat.sdk import conf

    days = conf.getint("state_store", "default_retention_days", fallback=30)
    if days == 0 or seconds <= days * 86400:
        store.set(key, value)
        return
    from airflow.sdk.execution_time.context import NEVER_EXPIRE

    store.set(key, value, retention=timedelta(seconds=seconds) if math.isfinite(seconds) else NEVER_EXPIRE)


def reschedule_at(moment: datetime) -> NoReturn:
    """End a task's try until a moment, without a worker; what is no sensor must be :class:`Reschedulable` for it."""
    from airflow.exceptions import AirflowRescheduleException

    raise AirflowRescheduleException(moment)


class Reschedulable:
    """
    Makes Airflow honour the moment to which a task was rescheduled that is no sensor.

    The schedulers of 2.11 and 3.0 do so for sensors only and would start such a task again at once, over and over (3.0
    does for a mapped one all the same); later ones honour it for every task.
    """

    if RetryPolicy is None:
        reschedule = True
        _of_the_schedule = frozenset({"reschedule"})
        if find_spec("airflow.sdk") is None:  # Airflow 2
            from airflow.models.baseoperator import BaseOperator as _Base  # type: ignore[import-not-found,unused-ignore]
            from airflow.ti_deps.deps.ready_to_reschedule import ReadyToRescheduleDep as _Ready

            deps = _Base.deps | {_Ready()}
        else:
            _is_sensor = True
            _of_the_schedule |= {"_is_sensor"}

        @classmethod
        def get_serialized_fields(cls) -> Any:
            """Return what the scheduler learns of the task."""
            base: Any = super()
            return base.get_serialized_fields() | cls._of_the_schedule


def find_xcom(key: str, ti_key: Any) -> Any | None:
    """
    Return what a task pushed under a key that none of its mapped siblings uses, ``None`` where it pushed nothing.

    Airflow 3 logs an error for a single value that is absent, and none for an empty list of values.
    """
    from airflow.providers.common.compat.sdk import XCom

    if not hasattr(XCom, "get_all"):  # Airflow 2 reads its database, and logs nothing
        return XCom.get_value(key=key, ti_key=ti_key)
    found = XCom.get_all(key=key, dag_id=ti_key.dag_id, task_id=ti_key.task_id, run_id=ti_key.run_id)
    return found[0] if found else None


def render_to_text(template: Any, context: Any) -> str:
    """Return what a template gives, as text."""
    try:
        from airflow.sdk.definitions.context import render_template_to_string
    except ImportError:  # Airflow before 3.1
        from airflow.utils.helpers import render_template_to_string  # type: ignore[no-redef,unused-ignore]

    return str(render_template_to_string(template, context))


@cache
def labelled_task_group() -> Any:
    """Return a task group whose tasks are found by their labels, ``group["label"]``: Airflow's own from 3.3 on."""
    from airflow.providers.common.compat.sdk import TaskGroup

    if hasattr(TaskGroup, "__getitem__"):
        return TaskGroup

    class LabelledTaskGroup(TaskGroup):
        def __getitem__(self, label: str) -> Any:
            return self.get_child_by_label(label)

    return LabelledTaskGroup


def put_task(context: Any, task: Any) -> None:
    """Let templates refer to the task that is rendered: on Airflow 3.0 they have the DAG's own, which never is."""
    if "task" in context and context["task"] is not task:
        context["task"] = task


def form_widgets(fields: dict[str, Any]) -> dict[str, Any]:
    """
    Return the connection form's extra fields as Airflow 2.11 to 3.1 want them; from 3.2 on, provider info holds them.

    :param fields: the ``conn-fields`` of provider info.
    """
    from flask_appbuilder.fieldwidgets import (  # type: ignore[import-not-found,unused-ignore]
        BS3PasswordFieldWidget,
        BS3TextFieldWidget,
    )
    from wtforms import PasswordField, StringField  # type: ignore[import-untyped,unused-ignore]

    def widget(label: str, secret: bool) -> Any:
        kind, look = (PasswordField, BS3PasswordFieldWidget) if secret else (StringField, BS3TextFieldWidget)
        return kind(label, widget=look())

    return {name: widget(f["label"], f["schema"].get("format") == "password") for name, f in fields.items()}


async def run_in_thread(pool: Any, function: Callable[..., Returned], *arguments: Any) -> Returned:
    """
    Call a function in a thread of a pool, from a triggerer's event loop.

    What it asks of Airflow there, such as a connection, must go over that loop, which asgiref's threads know. In other
    threads Airflow 3.0 to 3.2.1 would read the answer beside its own reader, and the triggerer would die.

    :param pool: a :class:`concurrent.futures.Executor`.
    """
    from asgiref.sync import sync_to_async

    return await sync_to_async(function, thread_sensitive=False, executor=pool)(*arguments)


def event_trigger_base() -> Any:
    """Return the base of an event trigger; before Airflow 3.0 a stand-in, good for an import and no more."""
    try:
        from airflow.triggers.base import BaseEventTrigger
    except ImportError:
        from airflow.triggers.base import BaseTrigger

        return BaseTrigger
    return BaseEventTrigger


def stream_producer_base() -> Any:
    """Return the base of what serves an event trigger's stream; before Airflow 3.3 a stand-in."""
    try:
        from airflow.triggers.shared_stream import SharedStreamProducer
    except ImportError:
        return object
    return SharedStreamProducer


def has_event_streams() -> bool:
    """Whether Airflow acknowledges an event trigger's events once they are stored: 3.3 and newer."""
    return find_spec("airflow.triggers.shared_stream") is not None


def has_named_assets() -> bool:
    """Whether an asset has a name besides its URI: Airflow 3.0 and newer."""
    return find_spec("airflow.sdk") is not None


def outlet_events(context: Any) -> Any | None:
    """Return what a task's success says of its outlets; ``None`` where there is no Airflow around the task."""
    return context.get("outlet_events")


def has_approvals() -> bool:
    """Whether a task can ask a person: Airflow 3.1 and newer."""
    return find_spec("airflow.models.hitl") is not None


def require_event_streams(name: str) -> None:
    """
    Refuse to build an event trigger that would lose events.

    :raises RuntimeError: on an Airflow before 3.3.
    """
    if not has_event_streams():
        from airflow import __version__

        needs = f"{name} needs Airflow 3.3 or newer: acknowledged shared streams"
        raise RuntimeError(f"{needs}; this is {__version__}; schedule with FlowRunSensor instead")
