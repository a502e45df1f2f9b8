"""The trigger of an asset's watcher: each flow run of a dataflow that has ended becomes an event of the asset."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Hashable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_duration, as_id, as_list, as_text, as_time
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.versions import event_trigger_base, require_event_streams

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger

    from airflow_provider_payments.triggers.flow_run_stream import Announcement, FlowRunStream
else:
    BaseEventTrigger = event_trigger_base()

__all__ = ["FlowRunEventTrigger"]

#: What a run may end as.
ENDED = ("succeeded", "partial", "failed")


class FlowRunEventTrigger(BaseEventTrigger):
    """
    Announces each flow run of a dataflow, once it has ended, as an event of the asset that it watches.

    Each run is announced at least once: what has been announced is noted in the asset's state store, and only after
    Airflow has stored the event. After a restart some may be announced again; compare ``run_id``. The event's payload
    is what ``FlowRunSensor`` returns, with ``flow_id``: plain JSON, in ``event.extra["payload"]`` of the asset event.

    Each asks by itself, once in each ``poll_interval``. It never ends and never fails: what goes wrong stands in the
    triggerer's log. Another ``flow_id``, ``asset``, ``statuses`` or ``since`` makes it begin anew; without ``since`` it
    resumes where it was.

    :param flow_id: the dataflow.
    :param asset: the name of the asset that it watches, whose state store holds what has been announced.
    :param aep_conn_id: the Airflow connection.
    :param poll_interval: the time between two polls: seconds, ISO 8601 text such as ``PT1M``, or a timedelta.
    :param since: only runs made at or after it count; by default the moment at which the trigger first polls. A
        timezone-aware time, ISO 8601 text or epoch seconds.
    :param statuses: which runs are announced: any of ``succeeded``, ``partial`` and ``failed``.
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
        wanted = as_list("statuses", statuses) or []
        if not wanted or any(status not in ENDED for status in wanted):
            raise InvalidInputError("statuses", statuses, f"a list of any of {', '.join(ENDED)}")
        self.statuses = [status for status in ENDED if status in wanted]

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
        """Return what is equal for equal triggers only: one that joined another's stream late would miss runs."""
        return json.dumps(self.serialize(), sort_keys=True)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> FlowRunStream:
        """Return what polls for the runs; that Airflow asks for it makes it acknowledge them."""
        from airflow_provider_payments.triggers.flow_run_stream import FlowRunStream

        return FlowRunStream(cls(**kwargs))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Announcement]) -> AsyncIterator[TriggerEvent]:
        """Make an event of each run."""
        async for announcement in shared_stream:
            yield TriggerEvent({**announcement.run.summary(), "flow_id": announcement.run.flow_id})
            # Airflow comes back for more once it has the event. Cancelled before that, it acknowledges all the same.
            announcement.taken = True

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Refuse to run without a shared stream: nothing would be acknowledged, so runs would be lost."""
        raise RuntimeError(f"{type(self).__name__} runs as the trigger of an asset's watcher only")
        yield
