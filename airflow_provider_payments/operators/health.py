"""The operator that checks the health of many dataflows in one task."""

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
    from airflow_provider_payments.aep.health.reading import HealthOptions

__all__ = ["CheckDataflowHealthOperator"]


class CheckDataflowHealthOperator(ExperiencePlatformOperator):
    """
    Check many dataflows in one task: their states, their last runs, and how old their data is. It only reads.

    Logs a table, and returns :class:`~airflow_provider_payments.operators.outputs.CheckedDataflows`; a task that fails
    or skips pushes it as well. 300 dataflows whose last runs succeeded take four requests; each other dataflow takes
    one more.

    .. seealso:: ``docs/health.md#in-a-dag`` in the manual.

    :param names: names, ids, or patterns with ``*`` and ``?``, of dataflows; with ``definition``, names of definitions.
        Defaults to ``None``: all definitions, or without ``definition`` all dataflows that read a payments source or
        that this provider created. (templated)
    :param definition: path of a file of definitions, or of a folder including all subfolders, relative to the DAG's
        folder. The dataflows of the definitions are checked, and a missing dataflow is a problem. Defaults to ``None``.
        (templated)
    :param environment: name of an environment of the project file. Applies with ``definition``. Defaults to ``None``:
        the only environment. (templated)
    :param variables: variables of the definitions by name. Applies with ``definition``. Defaults to ``None``.
        (templated)
    :param max_age: maximum time since the end of the last successful run: seconds, ISO 8601 text such as ``PT6H``, or a
        timedelta. Defaults to ``None``: twice the interval of the dataflow's schedule, and no limit for a dataflow that
        runs once. (templated)
    :param failures_since: a time, in the forms of :class:`~airflow_provider_payments.sensors.flow_run.FlowRunSensor`,
        since which runs, failed runs, records and failed records are counted. It takes one or more requests for each
        dataflow. Defaults to ``None``: nothing is counted. (templated)
    :param max_failed_ratio: the share of failed records, 0 to 1, above which a dataflow is unhealthy. Requires
        ``failures_since``. Defaults to ``None``: no limit. (templated)
    :param test_connections: whether to test that each base connection can log in to its vendor, with one request for
        each. Defaults to ``False``. (templated)
    :param ignore: problems that are reported but do not count, such as ``disabled`` or ``partial``. Defaults to
        ``None``: all problems count. (templated)
    :param on_unhealthy: what to do if a dataflow is unhealthy: ``report`` returns the result, ``fail`` fails the task
        without a retry, ``skip`` skips the task. Defaults to ``"report"``. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``None``: the connection of
        the environment, else ``aep_default``. (templated)
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
        Read the dataflows and return their health.

        :raises ExperiencePlatformFailedError: if an argument or a file is wrong, or a dataflow is unhealthy and
            ``on_unhealthy`` is ``fail``.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        :raises AirflowSkipException: if a dataflow is unhealthy and ``on_unhealthy`` is ``skip``.
        """
        from airflow_provider_payments.aep.health.reading import check_health
        from airflow_provider_payments.aep.health.report import health_json, health_table, summary_line
        from airflow_provider_payments.aep.runs.flow_parts import Names
        from airflow_provider_payments.outcomes import emit_freshness

        with airflow_errors():
            ending = as_ending("on_unhealthy", self.on_unhealthy)
            conn_id, options = self._options()
            client = ExperiencePlatformHook(conn_id).client
            found = check_health(client, options)
        self.log.info("Checked %d dataflows\n%s", len(found), health_table(found))
        for health in found:
            if health.observation.id and health.age is not None:
                emit_freshness(Names(health.observation.id, health.observation.name), health.age)
        checked = health_json(found) | {"text": health_table(found, unhealthy_only=True)}
        checked |= {"org_id": client.org_id, "sandbox": client.sandbox}
        message = f"{summary_line(found)} The task's log shows the table"
        return end_task(context, ending, checked, message) if checked["unhealthy"] else checked

    def _options(self) -> tuple[str, HealthOptions]:
        """Return the id of the Airflow connection, and the options of the health check."""
        from airflow_provider_payments.aep.health.reading import HealthOptions

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
            return project.aep_conn_id, HealthOptions(definitions=definitions, **limits)
        conn_id = as_optional_text("aep_conn_id", self.aep_conn_id)
        return conn_id or ExperiencePlatformHook.default_conn_name, HealthOptions(patterns=names, **limits)

    def _project(self, names: list[str]) -> Project | None:
        """
        Return the definitions, ``None`` if ``definition`` is not given.

        :raises InvalidInputError: if an argument is given that requires ``definition``.
        """
        if as_optional_text("definition", self.definition) is None:
            for name in ("environment", "variables"):
                if getattr(self, name):
                    raise InvalidInputError(name, getattr(self, name), "it requires `definition`")
            return None
        return project_of(self, names)
