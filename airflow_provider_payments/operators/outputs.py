"""
What operators and sensor return: plain JSON, one XCom for each key (``task.output["id"]``) and one for the whole.

Times are ISO 8601 text in UTC; ``None`` stands for what the service does not show.
"""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = [
    "CreatedAdHocSchema",
    "CreatedDataflow",
    "CreatedMappingSet",
    "CreatedObject",
    "CreatedSchema",
    "CreatedSchemaWithFields",
    "CreatedSourceConnection",
    "ExportedDataflows",
    "FlowRunSummary",
    "FoundFlowSpec",
    "PlannedDataflows",
    "ReusableFlowRunSummary",
    "TeardownOutcome",
    "WindowedFlowRunSummary",
]


class CreatedObject(TypedDict):
    """
    What every ``Create...`` operator returns.

    ``id`` of the object; ``name``; ``created``: whether this task created it (``False``: it was adopted); ``etag``,
    where the service gives one; ``duplicates``: ids of those that were left, made by another writer or in use.
    """

    id: str
    name: str
    created: bool
    etag: str | None
    duplicates: list[str]


class CreatedSourceConnection(CreatedObject):
    """``columns``: names of the columns that are read, or paths of a REST resource's attributes; ``None``: unknown."""

    columns: list[str] | None


class CreatedSchema(CreatedObject):
    """``version`` such as ``1.0``; ``tenant_id``: the tenant's namespace without ``_``."""

    version: str
    tenant_id: str | None


class CreatedSchemaWithFields(CreatedSchema):
    """With ``fields`` also ``field_group_id``, the field group that holds them, and whether this task created it."""

    field_group_id: str
    field_group_created: bool


class CreatedAdHocSchema(CreatedSchema):
    """Also ``class_id``, the ad-hoc class, and whether this task created it."""

    class_id: str
    class_created: bool


class CreatedMappingSet(CreatedObject):
    """``version`` of the mapping set, which a dataflow names beside its id."""

    version: int


class CreatedDataflow(CreatedObject):
    """``runs_since``: the time from which a flow run is current; for ``FlowRunSensor(since=...)``."""

    runs_since: str


class FoundFlowSpec(TypedDict):
    """The flow spec; ``schedule_schema`` and ``option_schema`` are the JSON schemas that it publishes."""

    id: str
    name: str
    version: str
    transformations: list[str] | None
    schedule_schema: dict[str, Any] | None
    option_schema: dict[str, Any] | None


class FlowRunSummary(TypedDict):
    """
    What ``FlowRunSensor`` returns.

    ``status``: ``succeeded`` or ``partial``. Counts are numbers of records, ``None`` where they cannot be read and
    ``unknown_counts="accept"``. ``batch_ids``: the batches that landed in the data lake.
    """

    run_id: str
    status: str
    input_records: int | None
    output_records: int | None
    failed_records: int | None
    batch_ids: list[str]
    started_at: str | None
    completed_at: str | None


class WindowedFlowRunSummary(FlowRunSummary):
    """What ``RetryFlowRunOperator`` returns: also the data window that the run read."""

    window_start: str | None
    window_end: str | None


class ReusableFlowRunSummary(WindowedFlowRunSummary):
    """What ``RunDataflowOperator`` returns: also whether the run was there before this task asked for one."""

    reused: bool


class TeardownOutcome(TypedDict):
    """Lists of ``kind``, ``id`` and ``name``; entries of ``kept`` also say ``reason``."""

    removed: list[dict[str, str]]
    kept: list[dict[str, str]]
    left_over: list[dict[str, str]]


class PlannedDataflows(TypedDict):
    """
    ``changed``: definitions for which something is to be done or stands in the way; ``drifted``: those that are not as
    written, without what is ignored; ``digest``: the same for plans that do the same; ``text``: the plan as people read
    it; ``summary``: how many steps of each action; ``plan``: all of it but unchanged steps, as ``-o json`` prints it.
    """

    changed: list[str]
    drifted: list[str]
    digest: str
    text: str
    summary: dict[str, int]
    plan: dict[str, Any]


class ExportedDataflows(TypedDict):
    """``files``: where they are; ``refused``: dataflows that no file can say, and why; ``skipped``: how many others."""

    files: list[str]
    refused: list[dict[str, str]]
    skipped: int
