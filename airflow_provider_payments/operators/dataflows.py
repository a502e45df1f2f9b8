"""Operators for flow specs and dataflows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_payments.aep.inputs import as_bool, as_optional_text
from airflow_provider_payments.aep.resources.sources import find_source, require_source
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.operators.base import CreateOperator, ExperiencePlatformOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.resources.base import Resource

__all__ = ["CreateDataflowOperator", "FindFlowSpecOperator"]


class FindFlowSpecOperator(ExperiencePlatformOperator):
    """
    Find the flow spec that reads a source and writes to the data lake.

    Returns :class:`~airflow_provider_payments.operators.outputs.FoundFlowSpec`; give the whole to
    ``CreateDataflowOperator(flow_spec=...)``, which checks schedule and options against it before it sends
    them.

    :param source: ``paypal``, ``square`` or ``stripe``; required unless ``name`` is given.
    :param name: the flow spec's name, by default the source's: ``CRMToAEP`` or, for Stripe, ``RestStorageToAEP``.
        Without a source it is accepted whichever sources it reads.
    :param any_source: accept a flow spec that does not list the source. Adobe removes retired sources from the lists.
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
        """Ask for the flow spec by name."""
        from airflow_provider_payments.aep.resources.flow_specs import find_flow_spec

        with airflow_errors():
            name, given = as_optional_text("name", self.name), as_optional_text("source", self.source)
            any_source = as_bool("any_source", self.any_source)
            if name and not given:
                found = find_flow_spec(self.hook.client, name, None)
            else:
                source = find_source(given)
                wanted = None if any_source else source.spec_id
                found = find_flow_spec(self.hook.client, name or source.flow_spec, wanted)
        self.log.info("Found flow spec %r: id %s", found.name, found.id)
        return found.to_json()


class CreateDataflowOperator(CreateOperator):
    """
    Create the dataflow, the object that moves rows.

    Returns :class:`~airflow_provider_payments.operators.outputs.CreatedDataflow`: ``runs_since`` is the time from which
    a flow run is current, one schedule interval ago (with ``once``, any).
    Give it to ``FlowRunSensor(since=...)`` and a later DAG run does not wait for the next flow run.

    :param source_connection_id: where rows come from.
    :param target_connection_id: where they go.
    :param flow_spec: what ``FindFlowSpecOperator`` returns, or a flow spec's id.
    :param mapping_set_id: the mapping set.
    :param mapping_set_version: its version; by default 0 for a new dataflow, and whichever one that exists uses.
    :param delta_column: the column that distinguishes new rows from old ones; a name, or an object with ``name``,
        ``dateFormat`` (for a new dataflow by default ``yyyy-MM-dd HH:mm:ss``) and ``timezone`` (``UTC``). Needed for
        tables on any schedule but ``once``, and only there.
    :param source_columns: the source connection's ``columns``; the delta column must be among them.
    :param frequency: ``once``, ``minute``, ``hour``, ``day`` or ``week``.
    :param interval: how many of these lie between two runs: 15 or more minutes, 1 or more of the others; not with
        ``once``.
    :param start_time: the first run: a timezone-aware time, ISO 8601 text or epoch seconds; by default ``start_delay``
        after the creation.
    :param start_delay: see ``start_time``: seconds, ISO 8601 text such as ``PT2H``, or a timedelta; by default 240 s,
        or more where ``dataflow_settle_seconds`` and the task's ``retry_delay`` need it: a duplicate must be found
        before it runs.
    :param end_time: no run after it; only where the live flow spec lists it.
    :param backfill: whether the first run reads all history (the service's default); not with ``once``.
    :param error_diagnostics: keep bad rows for download, for 30 days.
    :param partial_ingestion_percent: the share of bad rows below which the others still land.
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

    def resource(self) -> Resource:
        from airflow_provider_payments.aep.resources.dataflow import Dataflow
        from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
        from airflow_provider_payments.aep.resources.flow_specs import FlowSpec
        from airflow_provider_payments.aep.resources.schedule import Schedule

        # Values understand text where a template rendered to it.
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
            # With exponential back-off the first retry comes after up to twice as long.
            retry_delay=self.retry_delay.total_seconds() * (2 if self.retry_exponential_backoff else 1),
            **self.common,
        )
