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

    Returns :class:`~airflow_provider_payments.operators.outputs.FoundFlowSpec`. Pass the whole output to
    ``CreateDataflowOperator(flow_spec=...)``, which checks schedule and options against the flow spec before it sends
    them.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param source: ``paypal``, ``square`` or ``stripe``. Required unless ``name`` is given. Defaults to ``None``.
        (templated)
    :param name: name of the flow spec. Without ``source`` the flow spec is accepted regardless of its sources. Defaults
        to ``None``: that of the source, ``CRMToAEP`` for tables and ``RestStorageToAEP`` for REST resources.
        (templated)
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

        :raises ExperiencePlatformFailedError: if no flow spec has that name, or none of that name reads the source.
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
    Create the dataflow, the object that ingests rows.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedDataflow`: ``runs_since`` is the time from which a flow
    run is current, one schedule interval ago (with ``once``, every run is current). Pass it to
    ``FlowRunSensor(since=...)``, so that a later DAG run does not wait for the next flow run.

    .. seealso:: ``docs/operators.md#the-schedule`` in the manual.

    :param source_connection_id: id of the source connection. (templated)
    :param target_connection_id: id of the target connection. (templated)
    :param flow_spec: the output of ``FindFlowSpecOperator``, or a flow spec's id, which is read before the creation.
        (templated)
    :param mapping_set_id: id of the mapping set. (templated)
    :param mapping_set_version: version of the mapping set. Defaults to ``None``: 0 for a new dataflow; the version of
        an existing dataflow is not compared. (templated)
    :param delta_column: the column by which a scheduled run finds new rows: a name, or an object with ``name``,
        ``dateFormat`` and ``timezone``, which for a new dataflow default to ``yyyy-MM-dd HH:mm:ss`` and ``UTC``.
        Required for a table with any frequency but ``once``, and refused otherwise. Defaults to ``None``. (templated)
    :param source_columns: the source connection's ``columns``, among which the delta column must be. Defaults to
        ``None``: no check. (templated)
    :param frequency: unit of the schedule: ``once``, ``minute``, ``hour``, ``day`` or ``week``. Defaults to ``"once"``.
        (templated)
    :param interval: number of such units between two runs: 15 or more with ``minute``, 1 or more with the others, none
        with ``once``. Defaults to ``None``. (templated)
    :param start_time: time at which the first run begins: a timezone-aware time, ISO 8601 text or epoch seconds. It
        must not be in the past when the dataflow is created. Defaults to ``None``: ``start_delay`` after the creation.
        (templated)
    :param start_delay: time between creation and first run: seconds, ISO 8601 text such as ``PT2H``, or a timedelta.
        Applies without ``start_time``. Defaults to ``None``: 240 s, or ``dataflow_settle_seconds`` of the connection +
        the task's ``retry_delay`` + 60 s if that is longer, so that a duplicate is found before it runs. (templated)
    :param end_time: time after which no run begins, in the same forms as ``start_time``; refused if the live flow spec
        does not list it. Defaults to ``None``: no end. (templated)
    :param backfill: whether the first run reads all history; refused with ``once``. Defaults to ``None``: the
        service's default, true. (templated)
    :param error_diagnostics: whether to keep bad rows for download, for 30 days. Defaults to ``None``: kept with
        ``partial_ingestion_percent`` only. (templated)
    :param partial_ingestion_percent: share of bad rows, up to 100 percent, below which the other rows land. 0 means no
        partial ingestion, which ``update`` removes from an existing dataflow. Defaults to ``None``: a new dataflow has
        none, and that of an existing dataflow is not compared. (templated)
    :param enabled: whether the dataflow is enabled; ``update`` enables or disables an existing dataflow. Defaults to
        ``None``: a new dataflow is enabled, and an existing one that is disabled is refused. (templated)
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
        """Return the desired state of the dataflow, with its schedule and delta column."""
        from airflow_provider_payments.aep.resources.dataflow import Dataflow
        from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
        from airflow_provider_payments.aep.resources.flow_specs import FlowSpec
        from airflow_provider_payments.aep.resources.schedule import Schedule

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
            # With exponential back-off Airflow may delay the first retry by up to twice `retry_delay`.
            retry_delay=self.retry_delay.total_seconds() * (2 if self.retry_exponential_backoff else 1),
            **self.common,
        )
