"""
What operators and sensor return: plain JSON, one XCom for each key (``task.output["id"]``) and one for the whole.

Times are ISO 8601 text in UTC. What the service does not show has no key, for Airflow 3.0 refuses an XCom that is null:
``task.output["etag"]`` is ``None`` then, and a mapping over whole outputs reads it with ``.get("etag")``.
"""

# No annotations from the future: as text, `NotRequired` would be missed in `__optional_keys__`.
from typing import Any, NotRequired, TypedDict

__all__ = [
    "AppliedDataflow",
    "AppliedDataflows",
    "ChangedDataflow",
    "CheckedDataflows",
    "CreatedAdHocSchema",
    "CreatedDataflow",
    "CreatedMappingSet",
    "CreatedObject",
    "CreatedSchema",
    "CreatedSchemaWithFields",
    "CreatedSourceConnection",
    "DataflowHealth",
    "DeletedDataflow",
    "DownloadedRowErrors",
    "ExportedDataflows",
    "FailedFlowRun",
    "FlowRunSummary",
    "FoundDataset",
    "FoundFlowSpec",
    "PlannedDataflows",
    "PublishedDataflow",
    "ReusableFlowRunSummary",
    "TeardownOutcome",
    "VerifiedSandbox",
    "WindowedFlowRunSummary",
]


class CreatedObject(TypedDict):
    """
    What every ``Create...`` operator returns, and ``FindBaseConnectionOperator``.

    ``id`` of the object; ``name``; ``created``: whether this task created it (``False``: it was adopted); ``etag``,
    where the service gives one; ``duplicates``: ids of the duplicates that were kept, because another writer created
    them or something refers to them.
    """

    id: str
    name: str
    created: bool
    etag: NotRequired[str]
    duplicates: list[str]


class CreatedSourceConnection(CreatedObject):
    """``columns``: names of the columns that are read, or paths of a REST resource's attributes, where known."""

    columns: NotRequired[list[str]]


class CreatedSchema(CreatedObject):
    """``version`` such as ``1.0``; ``tenant_id``: the tenant's namespace without ``_``."""

    version: str
    tenant_id: NotRequired[str]


class CreatedSchemaWithFields(CreatedSchema):
    """With ``fields`` also ``field_group_id``, the field group that holds them, and whether this task created it."""

    field_group_id: str
    field_group_created: bool


class CreatedAdHocSchema(CreatedSchema):
    """Also ``class_id``, the ad-hoc class, and whether this task created it."""

    class_id: str
    class_created: bool


class FoundDataset(CreatedObject):
    """``schema_id``: the ``$id`` of the schema that the dataset follows."""

    schema_id: NotRequired[str]


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
    transformations: NotRequired[list[str]]
    schedule_schema: NotRequired[dict[str, Any]]
    option_schema: NotRequired[dict[str, Any]]


class FlowRunSummary(TypedDict):
    """
    What ``FlowRunSensor`` returns.

    ``status``: ``succeeded`` or ``partial``. Counts are numbers of records, without a key where they cannot be read and
    ``unknown_counts="accept"``. ``batch_ids``: the batches that landed in the data lake. ``flow_name`` is missing where
    no poll has shown the dataflow, ``dataset_id`` and ``dataset_name`` where neither outlets nor OpenLineage need them.
    """

    run_id: str
    flow_id: str
    flow_name: NotRequired[str]
    dataset_id: NotRequired[str]
    dataset_name: NotRequired[str]
    status: str
    input_records: NotRequired[int]
    output_records: NotRequired[int]
    failed_records: NotRequired[int]
    batch_ids: list[str]
    started_at: NotRequired[str]
    completed_at: NotRequired[str]


class WindowedFlowRunSummary(FlowRunSummary):
    """What ``RetryFlowRunOperator`` returns: also the data window that the run read."""

    window_start: NotRequired[str]
    window_end: NotRequired[str]


class ReusableFlowRunSummary(WindowedFlowRunSummary):
    """What ``RunDataflowOperator`` returns: also whether the run existed before this task requested one."""

    reused: bool


class FailedFlowRun(TypedDict):
    """
    What sensor and run operators push as the XCom ``flow_run`` before a flow run fails or skips their task.

    ``status``: ``failed``, ``partial``, or ``succeeded`` if its counts are unknown. ``reason``: what the service says,
    after the task's argument that does not accept the run. ``codes``: the most frequent codes of the failed records,
    such as ``MAPPER-3107 (12)``. ``batch_ids``: with commas. ``page``: the dataflow in the user interface. What is
    unknown has no key.
    """

    run_id: str
    flow_id: str
    status: str
    reason: str
    flow_name: NotRequired[str]
    dataset_id: NotRequired[str]
    dataset_name: NotRequired[str]
    sandbox: NotRequired[str]
    org_id: NotRequired[str]
    input_records: NotRequired[int]
    output_records: NotRequired[int]
    failed_records: NotRequired[int]
    batch_ids: NotRequired[str]
    started_at: NotRequired[str]
    completed_at: NotRequired[str]
    codes: NotRequired[str]
    page: NotRequired[str]


class TeardownOutcome(TypedDict):
    """Lists of ``kind``, ``id`` and ``name``; entries of ``kept`` also have ``reason``."""

    removed: list[dict[str, str]]
    kept: list[dict[str, str]]
    left_over: list[dict[str, str]]


class ChangedDataflow(TypedDict):
    """
    What ``EnableDataflowOperator`` and ``DisableDataflowOperator`` return.

    ``id`` and ``name`` of the dataflow; ``state_before`` and ``state`` in the service's words, such as ``enabled``;
    ``changed``: whether this task had to change it.
    """

    id: str
    name: str
    state_before: str
    state: str
    changed: bool


class PublishedDataflow(ChangedDataflow):
    """``published``: what this task published, each with ``kind``, ``id`` and ``name``; the dataflow comes last."""

    published: list[dict[str, str]]


class DeletedDataflow(TypedDict):
    """
    What ``DeleteDataflowOperator`` returns: lists of ``kind``, ``id`` and ``name``.

    Entries of ``kept`` also have ``reason``. ``id`` and ``name`` of the dataflow are missing where it was gone already.
    """

    id: NotRequired[str]
    name: NotRequired[str]
    removed: list[dict[str, str]]
    kept: list[dict[str, str]]


class DataflowHealth(TypedDict):
    """
    The health of one dataflow.

    ``name``; ``id``, missing where a definition's dataflow is not there; ``state`` in the service's word; ``healthy``;
    ``problems``, each with ``code`` and ``text``; ``running``: whether a run is active; ``last_run``: the last one that
    has ended, as :class:`FlowRunSummary` without ``batch_ids``; ``last_success_at``; ``age_seconds`` since then, and
    ``max_age_seconds``, the limit; ``schedule_seconds`` between two runs; ``totals`` of the runs that were counted.
    """

    name: str
    id: NotRequired[str]
    state: NotRequired[str]
    healthy: bool
    problems: list[dict[str, str]]
    running: bool
    last_run: NotRequired[dict[str, Any]]
    last_success_at: NotRequired[str]
    age_seconds: NotRequired[int]
    max_age_seconds: NotRequired[float]
    schedule_seconds: NotRequired[float]
    totals: NotRequired[dict[str, int]]


class CheckedDataflows(TypedDict):
    """
    What a check of many dataflows found.

    ``healthy``: whether all are; ``unhealthy``: the names of the others; ``summary``: how many dataflows, how many of
    them healthy, and how many with each problem; ``text``: those that are not healthy, as a table; ``dataflows``: all
    of them, in a list; ``org_id`` and ``sandbox``: where they are; ``format``: raised when a member changes its
    meaning.
    """

    healthy: bool
    unhealthy: list[str]
    summary: dict[str, int]
    text: str
    dataflows: list[DataflowHealth]
    org_id: str
    sandbox: str
    format: int


class VerifiedSandbox(TypedDict):
    """
    What a verification of a sandbox found.

    ``report``: all of it, as ``payments verify --report`` writes it; ``text``: the same as people read it;
    ``contradicted``: the ids of the checks whose assumptions do not hold; ``recommended``: settle times for the
    connection's extra, as far as they were measured.
    """

    report: dict[str, Any]
    text: str
    contradicted: list[str]
    recommended: dict[str, int]


class PlannedDataflows(TypedDict):
    """
    What a plan found.

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


class AppliedDataflow(TypedDict):
    """
    What came of one definition.

    ``name``; ``flow_id`` of its dataflow; ``ids`` of all its objects by kind, such as ``target_connection``;
    ``runs_since``: from when on a flow run is current, as ISO 8601 text, for a sensor; ``done``; ``problems``: empty,
    for the task fails where there is one; ``summary``: how many objects were ``created``, ``found``, ``updated``.
    """

    name: str
    flow_id: str
    ids: dict[str, str]
    runs_since: str
    done: bool
    problems: list[str]
    summary: dict[str, int]


class AppliedDataflows(TypedDict):
    """
    What came of many definitions.

    ``flow_ids`` of their dataflows in the definitions' order; ``definitions``: by name what
    :class:`AppliedDataflow` has, but ``name`` and ``summary``; ``summary``: how many objects were ``created``,
    ``found`` or ``updated``; ``duplicates``: ids of objects that mean the same as one of these and were left;
    ``sandbox`` and ``project``; ``notes``: what nobody has to do anything about; ``digest`` of the last plan; ``done``;
    ``format``: raised when a member changes its meaning. A task that fails pushes the same as the XCom ``applied``,
    without ``flow_ids``; there a definition may have ``problems`` and no ``flow_id``.
    """

    flow_ids: list[str]
    definitions: dict[str, dict[str, Any]]
    summary: dict[str, int]
    sandbox: str
    project: str
    notes: list[str]
    duplicates: list[str]
    digest: str
    done: bool
    format: int


class ExportedDataflows(TypedDict):
    """
    What an export wrote.

    ``files``: where they are; ``refused``: dataflows that no file can say, and why; ``skipped``: how many others;
    ``format``: raised when a member changes its meaning.
    """

    files: list[str]
    refused: list[dict[str, str]]
    skipped: int
    format: int


class DownloadedRowErrors(TypedDict):
    """
    What row errors say, without values of records.

    ``batch_ids``; ``files``: paths of all their files that are in the folder now; ``rows``: records that failed;
    ``codes``: how many errors of each code; ``row_errors``: the most frequent ones, ``code``, ``column``, ``count`` and
    ``message``, where ``***`` stands for values; ``unreadable_lines``: lines of the files that are no row errors;
    ``without_row_errors``: batches that have none though records failed, and why.
    """

    batch_ids: list[str]
    files: list[str]
    rows: int
    codes: dict[str, int]
    row_errors: list[dict[str, Any]]
    unreadable_lines: int
    without_row_errors: dict[str, str]
