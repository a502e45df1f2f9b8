"""Operators for flow specs and dataflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_payments.aep.inputs import as_bool, as_optional_text
from airflow_provider_payments.aep.resources.sources import find_source, require_source
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.operators.base import CreateOperator, ExperiencePlatformOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.resources.base import Resource

__all__ = ["CreateDataflowOperator", "FindFlowSpecOperator"]


class FindFlowSpecOperator(ExperiencePlatformOperator):
    """
    Find the flow spec that reads a source and writes to the data lake.

    Returns :class:`~airflow_provider_payments.operators.outputs.FoundFlowSpec`. Give the whole output to
    ``CreateDataflowOperator(flow_spec=...)``, which checks schedule and options against it before it sends them.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param source: ``paypal``, ``square`` or ``stripe``. Required unless ``name`` is given. Defaults to ``None``.
        (templated)
    :param name: name of the flow spec. Without ``source`` it is accepted whichever sources it reads. Defaults to
        ``None``: that of the source, ``CRMToAEP`` for tables and ``RestStorageToAEP`` for REST resources. (templated)
    :param any_source: whether to accept a flow spec that does not list the source; Adobe removes retired sources from
        the lists. Applies with ``source``. Defaults to ``False``. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    :raises ExperiencePlatformFailedError: when the DAG is parsed, if ``source`` and ``name`` are absent.
    """

    template_fields: Sequence[str] = (*ExperiencePlatformOperator.template_fields, "source", "name", "any_source")

    def __init__(
        self, *, source: str | None = None, name: str | None = None, any_source: bool | str = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        with airflow_errors():
            require_source(source, name, "name")
        self.source = source
        self.name = name
        self.any_source = any_source

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Read the flow spec by its name.

        :raises ExperiencePlatformFailedError: if there is none of that name, several, or one that does not read the
            source.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.resources.flow_specs import find_flow_spec

        with airflow_errors():
            name, given = as_optional_text("name", self.name), as_optional_text("source", self.source)
            any_source = as_bool("any_source", self.any_source)
            if name and not given:
                found = find_flow_spec(self.hook.client, name, None)
            else:
                source = find_source(given)
                spec_id = None if any_source else source.spec_id
                found = find_flow_spec(self.hook.client, name or source.flow_spec, spec_id)
        self.log.info("Found flow spec %r: id %s", found.name, found.id)
        return found.to_json()


class CreateDataflowOperator(CreateOperator):
    """
    Create the dataflow, the object that moves rows.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedDataflow`: ``runs_since`` is the time from which a flow
    run is current, one schedule interval ago (with ``once``, any). Give it to ``FlowRunSensor(since=...)`` and a later
    DAG run does not wait for the next flow run.

    .. seealso:: ``docs/operators.md#the-schedule`` in the manual.

    :param source_connection_id: id of the source connection. (templated)
    :param target_connection_id: id of the target connection. (templated)
    :param flow_spec: what ``FindFlowSpecOperator`` returns, or only a flow spec's id, without the checks. (templated)
    :param mapping_set_id: id of the mapping set. (templated)
    :param mapping_set_version: its version. Defaults to ``None``: 0 for a new dataflow; that of an existing dataflow is
        not compared. (templated)
    :param delta_column: the column by which a scheduled run finds new rows: a name, or an object with ``name``,
        ``dateFormat`` (of a new dataflow ``yyyy-MM-dd HH:mm:ss`` if absent) and ``timezone`` (``UTC`` if absent).
        Required for a table with any frequency but ``once``, and refused elsewhere. Defaults to ``None``. (templated)
    :param source_columns: the source connection's ``columns``, among which the delta column must be. Defaults to
        ``None``: no check. (templated)
    :param frequency: unit of the schedule: ``once``, ``minute``, ``hour``, ``day`` or ``week``. Defaults to ``"once"``.
        (templated)
    :param interval: number of such units between two runs: 15 or more with ``minute``, 1 or more with the others, none
        with ``once``. Defaults to ``None``. (templated)
    :param start_time: when the first run begins: a timezone-aware time, ISO 8601 text or epoch seconds. It must not be
        in the past when the dataflow is created. Defaults to ``None``: ``start_delay`` after the creation. (templated)
    :param start_delay: time between creation and first run: seconds, ISO 8601 text such as ``PT2H``, or a timedelta.
        Applies without ``start_time``. Defaults to ``None``: 240 s, or ``dataflow_settle_seconds`` of the connection +
        the task's ``retry_delay`` + 60 s if that is longer, so that a duplicate is found before it runs. (templated)
    :param end_time: no run begins later, in the forms of ``start_time``; refused if the live flow spec does not list
        it. Defaults to ``None``: no end. (templated)
    :param backfill: whether the first run reads all history; refused with ``once``. Defaults to ``None``: the
        service's default, true. (templated)
    :param error_diagnostics: whether to keep bad rows for download, for 30 days. Defaults to ``None``: kept with
        ``partial_ingestion_percent`` only. (templated)
    :param partial_ingestion_percent: share of bad rows, up to 100 percent, below which the other rows land; 0 is none,
        and takes it away where an update finds one. Defaults to ``None``: no partial ingestion. (templated)
    :param enabled: whether it runs; ``update`` enables or disables one that is there. Defaults to ``None``: a new one
        is enabled, and one that was disabled since is refused. (templated)
    """

    template_fields: Sequence[str] = (
        *CreateOperator.template_fields,
        "source_connection_id",
        "target_connection_id",
        "flow_spec",
        "mapping_set_id",
        "mapping_set_version",
        "delta_column",
        "source_columns",
        "frequency",
        "interval",
        "start_time",
        "start_delay",
        "end_time",
        "backfill",
        "error_diagnostics",
        "partial_ingestion_percent",
        "enabled",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **CreateOperator.template_fields_renderers,
        "flow_spec": "json",
    }

    def __init__(
        self,
        *,
        source_connection_id: str,
        target_connection_id: str,
        flow_spec: dict[str, Any] | str,
        mapping_set_id: str,
        mapping_set_version: int | str | None = None,
        delta_column: dict[str, str] | str | None = None,
        source_columns: list[str] | str | None = None,
        frequency: Literal["once", "minute", "hour", "day", "week"] | str = "once",
        interval: int | str | None = None,
        start_time: datetime | float | str | None = None,
        start_delay: timedelta | float | str | None = None,
        end_time: datetime | float | str | None = None,
        backfill: bool | str | None = None,
        error_diagnostics: bool | str | None = None,
        partial_ingestion_percent: float | str | None = None,
        enabled: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_connection_id = source_connection_id
        self.target_connection_id = target_connection_id
        self.flow_spec = flow_spec
        self.mapping_set_id = mapping_set_id
        self.mapping_set_version = mapping_set_version
        self.delta_column = delta_column
        self.source_columns = source_columns
        self.frequency = frequency
        self.interval = interval
        self.start_time = start_time
        self.start_delay = start_delay
        self.end_time = end_time
        self.backfill = backfill
        self.error_diagnostics = error_diagnostics
        self.partial_ingestion_percent = partial_ingestion_percent
        self.enabled = enabled

    def resource(self) -> Resource:
        """Build the dataflow, its schedule and its delta column."""
        from airflow_provider_payments.aep.resources.dataflow import Dataflow
        from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
        from airflow_provider_payments.aep.resources.flow_specs import FlowSpec
        from airflow_provider_payments.aep.resources.schedule import Schedule

        # Templates render to text, which the values convert.
        schedule = Schedule(
            frequency=self.frequency,
            interval=self.interval,
            start_time=self.start_time,
            end_time=self.end_time,
            backfill=self.backfill,
            start_delay=self.start_delay,
        )
        return Dataflow(
            source_connection_id=self.source_connection_id,
            target_connection_id=self.target_connection_id,
            flow_spec=FlowSpec.from_json(self.flow_spec),
            mapping_set_id=self.mapping_set_id,
            mapping_set_version=self.mapping_set_version,
            schedule=schedule,
            delta_column=DeltaColumn.parse(self.delta_column),
            source_columns=self.source_columns,
            error_diagnostics=self.error_diagnostics,
            partial_ingestion_percent=self.partial_ingestion_percent,
            enabled=self.enabled,
            # With exponential back-off the first retry comes after up to twice as long.
            retry_delay=self.retry_delay.total_seconds() * (2 if self.retry_exponential_backoff else 1),
            **self.common,
        )
