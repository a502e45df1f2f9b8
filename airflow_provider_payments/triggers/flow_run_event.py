"""The trigger of an asset watcher, which turns each ended flow run of a dataflow into an event of the asset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_duration, as_id, as_list, as_text, as_time
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.versions import event_trigger_base, require_event_streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Sequence
    from datetime import datetime, timedelta

    from airflow.triggers.base import BaseEventTrigger

    from airflow_provider_payments.triggers.flow_run_stream import Announcement, FlowRunStream
else:
    BaseEventTrigger = event_trigger_base()

__all__ = ["FlowRunEventTrigger"]

#: The statuses of runs that have ended.
ENDED_STATUSES = ("succeeded", "partial", "failed")


class FlowRunEventTrigger(BaseEventTrigger):
    """
    Announce each ended flow run of a dataflow as an event of the watched asset.

    Each run is announced at least once: the asset's state store records it as announced only after Airflow has stored
    its event. After a restart some runs may be announced again; compare ``run_id``. The event's payload is the output
    of ``FlowRunSensor`` and ``flow_id``: plain JSON, in ``event.extra["payload"]`` of the asset event.

    Each trigger polls separately. It never ends and never fails; failed polls are logged in the triggerer's log. A
    changed ``flow_id``, ``asset``, ``statuses`` or ``since`` makes it start anew; without ``since`` it resumes.

    .. seealso:: ``docs/waiting.md#a-dag-that-runs-when-payments-arrive`` in the manual.

    :param flow_id: id of the dataflow.
    :param asset: name of the watched asset, whose state store records the announced runs.
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``.
    :param poll_interval: time between two polls, more than 0: seconds, ISO 8601 text such as ``PT1M``, or a timedelta.
        Defaults to ``60.0``.
    :param since: announce only runs created at or after this time: a timezone-aware time, ISO 8601 text or epoch
        seconds. Defaults to ``None``: the time of the trigger's first poll.
    :param statuses: statuses of the runs to announce: any of ``succeeded``, ``partial`` and ``failed``. Defaults to
        ``("succeeded", "partial")``.
    :raises InvalidInputError: naming the argument that is wrong.
    :raises RuntimeError: on an Airflow before 3.3.
    """

    def __init__(
        self,
        *,
        flow_id: str,
        asset: str,
        aep_conn_id: str = ExperiencePlatformHook.default_conn_name,
        poll_interval: timedelta | float | str = 60.0,
        since: datetime | float | str | None = None,
        statuses: Sequence[str] = ("succeeded", "partial"),
    ) -> None:
        require_event_streams(type(self).__name__)
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.flow_id = as_id("flow_id", flow_id)
        self.asset = as_text("asset", asset)
        self.aep_conn_id = as_text("aep_conn_id", aep_conn_id)
        self.poll_interval = as_duration("poll_interval", poll_interval) or 0.0
        if not self.poll_interval:
            raise InvalidInputError("poll_interval", poll_interval, "it must be more than 0 seconds")
        moment = as_time("since", since)
        self.since = moment.isoformat() if moment else None
        given = as_list("statuses", statuses) or []
        if not given or any(status not in ENDED_STATUSES for status in given):
            raise InvalidInputError("statuses", statuses, f"a list of any of {', '.join(ENDED_STATUSES)}")
        self.statuses = [status for status in ENDED_STATUSES if status in given]

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain JSON."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {
            "flow_id": self.flow_id,
            "asset": self.asset,
            "aep_conn_id": self.aep_conn_id,
            "poll_interval": self.poll_interval,
            "since": self.since,
            "statuses": self.statuses,
        }

    def shared_stream_key(self) -> Hashable:
        """Return a key that only equal triggers share: a trigger that joins a stream late would miss runs."""
        return json.dumps(self.serialize(), sort_keys=True)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> FlowRunStream:
        """Return the producer that polls for runs; Airflow tells a producer which of its events are stored."""
        from airflow_provider_payments.triggers.flow_run_stream import FlowRunStream

        return FlowRunStream(cls(**kwargs))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Announcement]) -> AsyncIterator[TriggerEvent]:
        """Yield an event for each run."""
        async for announcement in shared_stream:
            yield TriggerEvent({**announcement.run.summary(), "flow_id": announcement.run.flow_id})
            # Airflow requests the next item once it has the event. If the trigger is cancelled before that, Airflow
            # acknowledges the event although it never got it.
            announcement.was_received = True

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Refuse to run without a shared stream, because events would not be acknowledged and runs could be lost."""
        raise RuntimeError(f"{type(self).__name__} works only as the trigger of an asset watcher")
        yield
