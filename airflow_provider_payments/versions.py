"""The differences between the supported Airflow versions, 2.11 to 3.3. No other module depends on a version."""

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
except ImportError:  # Airflow before 3.3 always retries after the task's retry_delay
    RetryPolicy = None  # type: ignore[assignment,misc]


Returned = TypeVar("Returned")
#: Upper bound for ``Retry-After``.
MAX_RETRY_DELAY = timedelta(days=1)

if RetryPolicy is not None:

    class RetryAfterPolicy(RetryPolicy):
        """
        A retry policy that honours the delay in an error's ``retry_after``, up to a day.

        :param retry_delay: the task's retry delay, which is the minimum. Defaults to zero.
        """

        def __init__(self, retry_delay: timedelta = timedelta()) -> None:
            self.retry_delay = retry_delay

        def evaluate(
            self, exception: BaseException, try_number: int, max_tries: int, context: Any = None
        ) -> RetryDecision:
            """Return a retry after the error's delay, or Airflow's default if the error has none or a shorter one."""
            delay = min(timedelta(seconds=getattr(exception, "retry_after", None) or 0.0), MAX_RETRY_DELAY)
            if delay <= self.retry_delay:
                return RetryDecision.default()
            return RetryDecision.retry(delay, f"the service asks to wait {delay.total_seconds():g} s")


def honour_retry_after(operator: Any) -> None:
    """Set :class:`RetryAfterPolicy` on an operator without a retry policy, if Airflow supports retry policies."""
    if RetryPolicy is not None and operator.retry_policy is None:
        operator.retry_policy = RetryAfterPolicy(operator.retry_delay)


def mask_secret(secret: Any) -> None:
    """Mask a secret that was fetched at run time in Airflow's logs."""
    try:
        from airflow.providers.common.compat.sdk import mask_secret as mask
    except ImportError:  # common-compat before 1.22, which the constraint files of Airflow up to 3.2 contain
        try:
            from airflow.sdk.log import mask_secret as mask
        except ImportError:  # Airflow 2
            from airflow.utils.log.secrets_masker import mask_secret as mask  # type: ignore[no-redef,import-not-found]
    mask(secret)


def other_runs_are_active(context: Any) -> bool:
    """Return whether another run of the task's DAG is active; ``False`` if the context holds no task instance."""
    task = context.get("ti")
    if not hasattr(task, "dag_id"):
        return False
    if hasattr(task, "get_dr_count"):
        return bool(task.get_dr_count(dag_id=task.dag_id, states=["running"]) > 1)
    from airflow.models.dagrun import DagRun
    from airflow.utils.state import DagRunState

    return len(DagRun.find(dag_id=task.dag_id, state=DagRunState.RUNNING)) > 1


def first_reschedule(operator: Any, context: Any) -> datetime | None:
    """Return the time of a sensor's first reschedule; ``None`` before that."""
    task = context["ti"]
    if hasattr(task, "get_first_reschedule_date"):
        found: datetime | None = task.get_first_reschedule_date(context)
        return found
    # The base class of sensors in 2.11 uses the same function.
    from airflow.sensors.base import _orig_start_date  # type: ignore[import-not-found,unused-ignore]

    first_try = (task.max_tries or 0) - (operator.retries or 0) + 1
    place = {name: getattr(task, name) for name in ("dag_id", "task_id", "run_id", "map_index")}
    began: datetime | None = _orig_start_date(**place, try_number=first_try)
    return began


def task_store(context: Any) -> Any | None:
    """Return the store that the tries of a task share, with ``get`` and ``set``; ``None`` before Airflow 3.3."""
    return context.get("task_state_store")


def keep_at_least(store: Any, key: str, value: Any, seconds: float) -> None:
    """
    Write a value with a minimum retention into the store of a task.

    :param store: the store of :func:`task_store`.
    :param key: key of the value.
    :param value: the value, as JSON.
    :param seconds: minimum retention in seconds; infinite: the value never expires. Airflow's
        ``default_retention_days`` applies if it is longer.
    """
    from airflow.providers.common.compat.sdk import conf

    days = conf.getint("state_store", "default_retention_days", fallback=30)
    if days == 0 or seconds <= days * 86400:
        store.set(key, value)
        return
    from airflow.sdk.execution_time.context import NEVER_EXPIRE

    store.set(key, value, retention=timedelta(seconds=seconds) if math.isfinite(seconds) else NEVER_EXPIRE)


def reschedule_at(time: datetime) -> NoReturn:
    """
    Free the worker, and let Airflow run the task again at a time.

    An operator that is not a sensor must inherit :class:`Reschedulable`.
    """
    from airflow.exceptions import AirflowRescheduleException

    raise AirflowRescheduleException(time)


class Reschedulable:
    """
    A mixin that makes Airflow 2.11 and 3.0 honour the reschedule time of an operator that is not a sensor.

    Their schedulers honour it for sensors only, and would run another task again at once, repeatedly. Airflow 3.0 still
    does so for a mapped task. Later versions honour the time for every task.
    """

    if RetryPolicy is None:
        reschedule = True
        _scheduler_fields = frozenset({"reschedule"})
        if find_spec("airflow.sdk") is None:  # Airflow 2
            from airflow.models.baseoperator import BaseOperator as _Base  # type: ignore[import-not-found,unused-ignore]
            from airflow.ti_deps.deps.ready_to_reschedule import ReadyToRescheduleDep as _Ready

            deps = _Base.deps | {_Ready()}
        else:
            _is_sensor = True
            _scheduler_fields |= {"_is_sensor"}

        @classmethod
        def get_serialized_fields(cls) -> Any:
            """Return the names of the fields that are serialised for the scheduler."""
            base: Any = super()
            return base.get_serialized_fields() | cls._scheduler_fields


def find_xcom(key: str, ti_key: Any) -> Any | None:
    """
    Return the XCom of a task under a key that none of its mapped siblings uses; ``None`` if there is none.

    In Airflow 3 this queries all values of the key, because a query for a single absent value logs an error.
    """
    from airflow.providers.common.compat.sdk import XCom

    if not hasattr(XCom, "get_all"):  # Airflow 2 reads its database, and logs no error
        return XCom.get_value(key=key, ti_key=ti_key)
    found = XCom.get_all(key=key, dag_id=ti_key.dag_id, task_id=ti_key.task_id, run_id=ti_key.run_id)
    return found[0] if found else None


def render_to_text(template: Any, context: Any) -> str:
    """Render a template to text."""
    try:
        from airflow.sdk.definitions.context import render_template_to_string
    except ImportError:  # Airflow before 3.1
        from airflow.utils.helpers import render_template_to_string  # type: ignore[no-redef,unused-ignore]

    return str(render_template_to_string(template, context))


@cache
def labelled_task_group() -> Any:
    """Return a class of task groups that find a task by its label, ``group["label"]``: from 3.3 on, Airflow's class."""
    from airflow.providers.common.compat.sdk import TaskGroup

    if hasattr(TaskGroup, "__getitem__"):
        return TaskGroup

    class LabelledTaskGroup(TaskGroup):
        def __getitem__(self, label: str) -> Any:
            return self.get_child_by_label(label)

    return LabelledTaskGroup


def put_task(context: Any, task: Any) -> None:
    """Set ``task`` in a context to the task being rendered; Airflow 3.0 has the DAG's unrendered task there."""
    if "task" in context and context["task"] is not task:
        context["task"] = task


def form_widgets(fields: dict[str, Any]) -> dict[str, Any]:
    """
    Return the extra fields of the connection form for Airflow 2.11 to 3.1; later versions read the provider info.

    :param fields: the ``conn-fields`` of the provider info.
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

    A request to Airflow in such a thread, for example for a connection, must pass through the event loop, which threads
    of asgiref do. In other threads, Airflow 3.0 to 3.2.1 would read the answer concurrently with the loop's reader, and
    the triggerer would fail.

    :param pool: a :class:`concurrent.futures.Executor`.
    :param function: the function.
    :param arguments: its positional arguments.
    """
    from asgiref.sync import sync_to_async

    return await sync_to_async(function, thread_sensitive=False, executor=pool)(*arguments)


def event_trigger_base() -> Any:
    """Return the base class of an event trigger; before Airflow 3.0 a placeholder that only permits the import."""
    try:
        from airflow.triggers.base import BaseEventTrigger
    except ImportError:
        from airflow.triggers.base import BaseTrigger

        return BaseTrigger
    return BaseEventTrigger


def stream_producer_base() -> Any:
    """Return the base class of the producer of an event trigger's shared stream; before Airflow 3.3 a placeholder."""
    try:
        from airflow.triggers.shared_stream import SharedStreamProducer
    except ImportError:
        return object
    return SharedStreamProducer


def has_event_streams() -> bool:
    """Return whether Airflow acknowledges the events of an event trigger after storing them: 3.3 and newer."""
    return find_spec("airflow.triggers.shared_stream") is not None


def has_named_assets() -> bool:
    """Return whether an asset has a name in addition to its URI: Airflow 3.0 and newer."""
    return find_spec("airflow.sdk") is not None


def outlet_events(context: Any) -> Any | None:
    """Return the accessor of the events of a task's outlets; ``None`` if the context has none."""
    return context.get("outlet_events")


def has_approvals() -> bool:
    """Return whether a task can request a person's approval: Airflow 3.1 and newer."""
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
