"""
Types of the outputs of operators and sensor.

Outputs are plain JSON, pushed as one XCom for each key (``task.output["id"]``) and one for the whole. Times are ISO
8601 text in UTC. A value that the service does not report has no key, because Airflow 3.0 refuses an XCom that is null:
``task.output["etag"]`` is ``None`` then, and a task that is mapped over whole outputs reads ``.get("etag")``.
"""

# Without `from __future__ import annotations`, which would hide `NotRequired` from `__optional_keys__`.
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
    The output of every ``Create...`` operator and of ``FindBaseConnectionOperator``.

    ``id`` of the object; ``name``; ``created``: whether this task created the object (``False``: it existed before);
    ``etag``, if the service reports one; ``duplicates``: ids of the duplicates that were kept, because another writer
    created them or an object refers to them.
    """

    id: str
    name: str
    created: bool
    etag: NotRequired[str]
    duplicates: list[str]


class CreatedSourceConnection(CreatedObject):
    """The output of ``CreateSourceConnectionOperator``, with the names of columns or paths of attributes, if known."""

    columns: NotRequired[list[str]]


class CreatedSchema(CreatedObject):
    """A created or found schema, with its version, such as ``1.0``, and the tenant's namespace without ``_``."""

    version: str
    tenant_id: NotRequired[str]


class CreatedSchemaWithFields(CreatedSchema):
    """A created schema, with the field group of the argument ``fields``, and whether this task created the group."""

    field_group_id: str
    field_group_created: bool


class CreatedAdHocSchema(CreatedSchema):
    """The output of ``CreateAdHocSchemaOperator``, with the ad-hoc class, and whether this task created the class."""

    class_id: str
    class_created: bool


class FoundDataset(CreatedObject):
    """The output of ``FindDatasetOperator``, with the ``$id`` of the schema that the dataset follows."""

    schema_id: NotRequired[str]


class CreatedMappingSet(CreatedObject):
    """The output of ``CreateMappingSetOperator``, with the version, to which a dataflow refers as well as to the id."""

    version: int


class CreatedDataflow(CreatedObject):
    """The output of ``CreateDataflowOperator``, with the time from which a flow run is current, for a sensor."""

    runs_since: str


class FoundFlowSpec(TypedDict):
    """
    The output of ``FindFlowSpecOperator``.

    ``id``, ``name`` and ``version`` of the flow spec; ``transformations``: their names; ``schedule_schema`` and
    ``option_schema``: the JSON schemas that the flow spec publishes.
    """

    id: str
    name: str
    version: str
    transformations: NotRequired[list[str]]
    schedule_schema: NotRequired[dict[str, Any]]
    option_schema: NotRequired[dict[str, Any]]


class FlowRunSummary(TypedDict):
    """
    The output of ``FlowRunSensor``.

    ``status``: ``succeeded`` or ``partial``. Counts are numbers of records; with ``unknown_counts="accept"``, counts
    that cannot be read have no key. ``batch_ids``: the batches that landed in the data lake. ``flow_name`` is missing
    if no poll has read the dataflow, ``dataset_id`` and ``dataset_name`` if neither outlets nor OpenLineage need them.
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
    """The output of ``RetryFlowRunOperator``, with the data window that the run read, if known."""

    window_start: NotRequired[str]
    window_end: NotRequired[str]


class ReusableFlowRunSummary(WindowedFlowRunSummary):
    """The output of ``RunDataflowOperator``; ``reused``: whether the run existed before this task requested one."""

    reused: bool


class FailedFlowRun(TypedDict):
    """
    The XCom ``flow_run``, which the sensor and the run operators push before a flow run fails or skips their task.

    ``status``: ``failed``, ``partial``, or ``succeeded`` if the counts are unknown. ``reason``: the task's argument
    that does not accept the run, then the service's errors. ``codes``: the most frequent codes of the failed records,
    such as ``MAPPER-3107 (12)``. ``batch_ids``: ids separated by commas. ``page``: address of the dataflow in the user
    interface. Values that are unknown have no key.
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
    """
    The output of ``TeardownChainOperator``: objects, each with ``kind``, ``id`` and ``name``.

    ``removed``: deleted objects; ``kept``: objects that may not be deleted, each with ``reason``; ``left_over``:
    objects of kinds that are never deleted.
    """

    removed: list[dict[str, str]]
    kept: list[dict[str, str]]
    left_over: list[dict[str, str]]


class ChangedDataflow(TypedDict):
    """
    The output of ``EnableDataflowOperator`` and ``DisableDataflowOperator``.

    ``id`` and ``name`` of the dataflow; ``state_before`` and ``state``: the service's values, such as ``enabled``;
    ``changed``: whether this task had to change the state.
    """

    id: str
    name: str
    state_before: str
    state: str
    changed: bool


class PublishedDataflow(ChangedDataflow):
    """
    The output of ``PublishDataflowOperator``.

    ``published``: the objects that this task published, each with ``kind``, ``id`` and ``name``; the dataflow is last.
    """

    published: list[dict[str, str]]


class DeletedDataflow(TypedDict):
    """
    The output of ``DeleteDataflowOperator``.

    ``id`` and ``name`` of the dataflow, missing if it no longer existed; ``removed`` and ``kept``: objects, each with
    ``kind``, ``id`` and ``name``; those of ``kept`` also with ``reason``.
    """

    id: NotRequired[str]
    name: NotRequired[str]
    removed: list[dict[str, str]]
    kept: list[dict[str, str]]


class DataflowHealth(TypedDict):
    """
    The health of one dataflow.

    ``name``; ``id``, missing if a definition's dataflow does not exist; ``state``: the service's value; ``healthy``;
    ``problems``, each with ``code`` and ``text``; ``running``: whether a run is active; ``last_run``: the last run that
    has ended, as :class:`FlowRunSummary` without ``batch_ids``; ``last_success_at``: end of the last successful run;
    ``age_seconds``: seconds since then, and ``max_age_seconds``, their limit; ``schedule_seconds``: seconds between two
    runs; ``totals`` of the runs that were counted.
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
    The output of ``CheckDataflowHealthOperator``.

    ``healthy``: whether all dataflows are healthy; ``unhealthy``: names of those that are not; ``summary``: numbers of
    all dataflows, of healthy ones, and of those with each problem; ``text``: a table of the unhealthy dataflows;
    ``dataflows``: the health of each dataflow; ``org_id`` and ``sandbox`` of the dataflows; ``format``: version of this
    format, raised when a member changes its meaning.
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
    The output of ``VerifySandboxOperator``.

    ``report``: the whole report, as ``payments verify --report`` writes it; ``text``: the report as text for people;
    ``contradicted``: ids of the checks whose assumptions do not hold; ``recommended``: the measured settle times, for
    the connection's extra.
    """

    report: dict[str, Any]
    text: str
    contradicted: list[str]
    recommended: dict[str, int]


class PlannedDataflows(TypedDict):
    """
    The output of ``PlanDataflowsOperator``.

    ``changed``: names of definitions with steps to apply or conflicts; ``drifted``: names of definitions from which the
    sandbox differs, apart from ignored members; ``digest``: equal for plans with equal steps; ``text``: the plan as
    text for people; ``summary``: number of steps of each action; ``plan``: the plan without unchanged steps, as
    ``-o json`` prints it.
    """

    changed: list[str]
    drifted: list[str]
    digest: str
    text: str
    summary: dict[str, int]
    plan: dict[str, Any]


class AppliedDataflow(TypedDict):
    """
    The output of ``ApplyDataflowOperator``.

    ``name`` of the definition; ``flow_id`` of its dataflow; ``ids`` of all its objects by kind, such as
    ``target_connection``; ``runs_since``: the time from which a flow run is current, for ``FlowRunSensor(since=...)``;
    ``done``: whether all steps were applied; ``problems``: always empty, because problems fail the task; ``summary``:
    numbers of objects that were ``created``, ``found`` and ``updated``.
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
    The output of ``ApplyDataflowsOperator``.

    ``flow_ids`` of the dataflows in the definitions' order; ``definitions``: name -> members of
    :class:`AppliedDataflow` without ``name`` and ``summary``; ``summary``: numbers of objects that were ``created``,
    ``found`` and ``updated``; ``duplicates``: ids of duplicates of these objects that were kept; ``sandbox`` and
    ``project``; ``notes``: information that requires no action; ``digest`` of the last plan; ``done``: whether all
    steps were applied; ``format``: version of this format, raised when a member changes its meaning. A task that fails
    pushes the same as the XCom ``applied``, without ``flow_ids``; there a definition may have ``problems`` and no
    ``flow_id``.
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
    The output of ``ExportDataflowsOperator``.

    ``files``: paths of the written files; ``refused``: dataflows that the format of definitions cannot express, and
    why; ``skipped``: number of dataflows that are not of a payments source; ``format``: version of this format, raised
    when a member changes its meaning.
    """

    files: list[str]
    refused: list[dict[str, str]]
    skipped: int
    format: int


class DownloadedRowErrors(TypedDict):
    """
    The output of ``DownloadRowErrorsOperator``, without values of records.

    ``batch_ids``; ``files``: paths of all files of these batches in the folder; ``rows``: number of records that
    failed; ``codes``: number of errors of each code; ``row_errors``: the most frequent kinds of errors, each with
    ``code``, ``column``, ``count`` and ``message``, in which ``***`` replaces values; ``unreadable_lines``: number of
    lines in the files that are no row errors; ``without_row_errors``: batch -> why it has no row errors although
    records failed.
    """

    batch_ids: list[str]
    files: list[str]
    rows: int
    codes: dict[str, int]
    row_errors: list[dict[str, Any]]
    unreadable_lines: int
    without_row_errors: dict[str, str]
