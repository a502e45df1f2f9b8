"""Operator that checks the health of many dataflows in one task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import (
    as_bool,
    as_duration,
    as_number,
    as_optional_text,
    as_texts,
    as_time,
)
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.base import ExperiencePlatformOperator
from airflow_provider_payments.operators.checking import as_ending, end_task, project_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.dataflows.loading import Project
    from airflow_provider_payments.aep.health.reading import Question

__all__ = ["CheckDataflowHealthOperator"]


class CheckDataflowHealthOperator(ExperiencePlatformOperator):
    """
    Check many dataflows in one task: their states, their last runs, and how old their data is. It only reads.

    Logs a table, and returns :class:`~airflow_provider_payments.operators.outputs.CheckedDataflows`, also where it
    fails or skips. 300 dataflows whose last runs succeeded take four requests; each other one takes one more.

    .. seealso:: ``docs/health.md#in-a-dag`` in the manual.

    :param names: names, ids, or patterns with ``*`` and ``?``; with ``definition``, names of definitions. Defaults to
        ``None``: all of the definition, else each dataflow that reads a payments source or that this provider made.
        (templated)
    :param definition: a file of definitions, or a folder with all that is below it, relative to the DAG's folder: their
        dataflows are checked, and one that is not there is a problem. Defaults to ``None``. (templated)
    :param environment: an environment of the project file. Defaults to ``None``: the only one. (templated)
    :param variables: variables of the definitions by name. Defaults to ``None``. (templated)
    :param max_age: how long ago the last successful run may have ended: seconds, ISO 8601 text such as ``PT6H``, or a
        timedelta. Defaults to ``None``: twice the interval of the dataflow's schedule, and no limit for one that runs
        once. (templated)
    :param failures_since: a time, as :class:`~airflow_provider_payments.sensors.flow_run.FlowRunSensor` takes it, since
        which runs, failed runs, records and failed records are counted. It costs a request or more for each dataflow.
        Defaults to ``None``: nothing is counted. (templated)
    :param max_failed_ratio: the share of failed records, 0 to 1, above which a dataflow is not healthy; it needs
        ``failures_since``. Defaults to ``None``: no limit. (templated)
    :param test_connections: whether each base connection logs in at its vendor, which costs a request for each.
        Defaults to ``False``. (templated)
    :param ignore: problems that are shown and do not count, such as ``disabled`` or ``partial``. Defaults to ``None``.
        (templated)
    :param on_unhealthy: what to do where a dataflow is not healthy: ``report`` returns it, ``fail`` fails the task
        without a retry, ``skip`` skips the task. Defaults to ``"report"``. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``None``: the environment's,
        else ``aep_default``. (templated)
    """

    template_fields: Sequence[str] = (
        *ExperiencePlatformOperator.template_fields,
        "names",
        "definition",
        "environment",
        "variables",
        "max_age",
        "failures_since",
        "max_failed_ratio",
        "test_connections",
        "ignore",
        "on_unhealthy",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"names": "json", "variables": "json", "ignore": "json"}

    def __init__(
        self,
        *,
        names: Sequence[str] | str | None = None,
        definition: str | None = None,
        environment: str | None = None,
        variables: Mapping[str, Any] | str | None = None,
        max_age: timedelta | float | str | None = None,
        failures_since: datetime | float | str | None = None,
        max_failed_ratio: float | str | None = None,
        test_connections: bool | str = False,
        ignore: Sequence[str] | str | None = None,
        on_unhealthy: Literal["report", "fail", "skip"] | str = "report",
        aep_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(aep_conn_id=aep_conn_id or "", **kwargs)
        self.names = names
        self.definition = definition
        self.environment = environment
        self.variables = variables
        self.max_age = max_age
        self.failures_since = failures_since
        self.max_failed_ratio = max_failed_ratio
        self.test_connections = test_connections
        self.ignore = ignore
        self.on_unhealthy = on_unhealthy

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Read what is there, and judge it.

        :raises ExperiencePlatformFailedError: if an argument or a file is wrong, or a dataflow is not healthy and
            ``on_unhealthy`` is ``fail``.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        :raises AirflowSkipException: if a dataflow is not healthy and ``on_unhealthy`` is ``skip``.
        """
        from airflow_provider_payments.aep.health.reading import check_health
        from airflow_provider_payments.aep.health.report import health_json, health_table, summary_line
        from airflow_provider_payments.aep.runs.flow_parts import Names
        from airflow_provider_payments.outcomes import emit_freshness

        with airflow_errors():
            ending = as_ending("on_unhealthy", self.on_unhealthy)
            conn_id, question = self._question()
            client = ExperiencePlatformHook(conn_id).client
            found = check_health(client, question)
        self.log.info("Checked %d dataflows\n%s", len(found), health_table(found))
        for health in found:
            if health.seen.id and health.age is not None:
                emit_freshness(Names(health.seen.id, health.seen.name), health.age)
        checked = health_json(found) | {"text": health_table(found, unhealthy_only=True)}
        checked |= {"org_id": client.org_id, "sandbox": client.sandbox}
        message = f"{summary_line(found)} The task's log shows the table"
        return end_task(context, ending, checked, message) if checked["unhealthy"] else checked

    def _question(self) -> tuple[str, Question]:
        """Return what is asked of which Airflow connection."""
        from airflow_provider_payments.aep.health.reading import Question

        names, since = as_texts("names", self.names) or [], as_time("failures_since", self.failures_since)
        limits: dict[str, Any] = {
            "max_age": as_duration("max_age", self.max_age),
            "max_failed_ratio": as_number("max_failed_ratio", self.max_failed_ratio),
            "failures_since": since.timestamp() if since else None,
            "test_connections": bool(as_bool("test_connections", self.test_connections)),
            "ignore": as_texts("ignore", self.ignore) or [],
        }
        if project := self._project(names):
            definitions = [located.definition for located in project.definitions]
            return project.aep_conn_id, Question(definitions=definitions, **limits)
        conn_id = as_optional_text("aep_conn_id", self.aep_conn_id)
        return conn_id or ExperiencePlatformHook.default_conn_name, Question(patterns=names, **limits)

    def _project(self, names: list[str]) -> Project | None:
        """Return the definitions, if their place is given."""
        if as_optional_text("definition", self.definition) is None:
            for name in ("environment", "variables"):
                if getattr(self, name):
                    raise InvalidInputError(name, getattr(self, name), "it needs `definition`")
            return None
        return project_of(self, names)
