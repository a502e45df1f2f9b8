"""A definition as a task group: the single operators that create a dataflow and what it needs, ids through XCom."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
    FindBaseConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator, FindDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.profiles import CreateIdentityOperator, EnableSchemaForProfileOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator, FindSchemaOperator
from airflow_provider_payments.versions import labelled_task_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.providers.common.compat.sdk import BaseOperator, TaskGroup

    from airflow_provider_payments.aep.dataflows.definition import Definition
    from airflow_provider_payments.aep.dataflows.loading import Located, Project
    from airflow_provider_payments.aep.dataflows.parts import Schema
    from airflow_provider_payments.aep.dataflows.problems import Problem

__all__ = ["dataflow_task_group"]

#: What an operator's arguments would be rendered for.
_TEMPLATE = re.compile(r"\{[{%#]")
_INSTEAD = "use ApplyDataflowOperator"


def dataflow_task_group(
    definition: str | Path,
    *,
    only: str | None = None,
    environment: str | None = None,
    variables: Mapping[str, str | float | bool] | None = None,
    group_id: str | None = None,
    aep_conn_id: str | None = None,
    default_args: dict[str, Any] | None = None,
) -> TaskGroup:
    """
    Make the tasks that create a dataflow with all that it needs, as a definition says.

    The file is read while the DAG is parsed; the platform is asked for nothing until the tasks run. What the definition
    describes is created, or changed where it differs (``if_exists="update"``); what it only refers to is found. The
    names are those that a plan of the file gives, and marks name the project, so a plan then says that nothing is to be
    done. ``group["create_dataflow"]`` is the dataflow's task, for ``FlowRunSensor(flow_id=...)``.

    .. seealso:: ``docs/definitions.md#as-tasks-of-a-dag`` in the manual.

    :param definition: the definition's file; relative to the DAG's folder.
    :param only: name of the definition, where the file holds several. Defaults to ``None``: its only one.
    :param environment: an environment of the project file. Defaults to ``None``: the only one.
    :param variables: variables by name; they overrule those of the environment. Defaults to ``None``.
    :param group_id: id of the group. Defaults to ``None``: ``only``, else the file's name without its ending; letters
        that no id takes become underscores.
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``None``: the environment's,
        else that of ``default_args`` and the DAG's, else ``aep_default``.
    :param default_args: arguments of every task, such as ``{"retries": 3}``. Defaults to ``None``: the DAG's.
    :raises ExperiencePlatformFailedError: if the file is wrong, or says what single operators cannot do; it names file,
        line and, where there is one, the operator that can.
    """
    group: TaskGroup = labelled_task_group()(
        group_id=group_id or re.sub(r"[^A-Za-z0-9_-]", "_", only or Path(definition).stem),
        default_args=default_args or {},
    )
    folder = Path(group.dag.fileloc).parent
    with airflow_errors():
        project, located = _read(folder / definition, folder, only, environment, variables, aep_conn_id)
        group.tooltip = located.definition.description or ""
        with group:
            _Steps(located.definition, project, aep_conn_id).make()
    return group


def _read(
    file: Path,
    folder: Path,
    only: str | None,
    environment: str | None,
    variables: Mapping[str, Any] | None,
    aep_conn_id: str | None,
) -> tuple[Project, Located]:
    """
    Return the one definition that is meant, with its project.

    :param folder: the DAG's.
    :raises DefinitionError: if it cannot be read, or a task group cannot do what it says.
    """
    # None of them is needed by a DAG without such a group.
    from airflow_provider_payments.aep.dataflows.loading import load_project
    from airflow_provider_payments.aep.dataflows.problems import DefinitionError, Place, Problem

    project = load_project(
        file,
        environment=environment,
        variables=variables,
        only=[only] if only else (),
        conn_id=aep_conn_id,
        top=_top(folder),
    )
    first, *others = project.definitions
    if others:
        known = ", ".join(located.definition.name for located in project.definitions)
        raise DefinitionError([Problem(Place(str(file)), "", f"choose one of its definitions by `only`: {known}")])
    if problems := [*_problems(first)]:
        raise DefinitionError(problems)
    return project, first


@lru_cache(maxsize=16)
def _top(folder: Path) -> Path:
    """Return where the search for a project file ends: the folder above a DAG's that holds ``.git``, else the DAG's."""
    return next((up for up in (folder, *folder.parents) if (up / ".git").exists()), folder)


def _problems(located: Located) -> Iterator[Problem]:
    """Yield what a definition says and single operators cannot do."""
    from airflow_provider_payments.aep.dataflows.problems import Problem

    definition = located.definition
    schema = None if definition.schema is None or isinstance(definition.schema, str) else definition.schema
    refused: dict[str, str | None] = {
        "id": "the tasks of a group find a dataflow by its name" if definition.id else None,
        "previous_names": "the tasks of a group rename nothing" if definition.previous_names else None,
        "dataset": (
            "the tasks of a group change no schema through a dataset that is there: refer to the schema too"
            if schema and isinstance(definition.dataset, str)
            else None
        ),
        "schema": (
            "the types must be written in `schema.fields`, for the platform is not asked while a DAG is parsed"
            if definition.schema_title and (schema is None or schema.fields is None)
            else None
        ),
    }
    for member, reason in refused.items():
        if reason:
            yield Problem(located.place(member), member, f"{reason}; or {_INSTEAD}")
    for path, text in _texts(located.node.plain):
        if _TEMPLATE.search(text):
            allowed = f"the tasks of a group would render it as a template; {_INSTEAD}"
            yield Problem(located.place(*path), ".".join(path), allowed)


def _texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, path)


def _output(step: BaseOperator | None, key: str | None = None) -> Any:
    """Return what a task returns, or one key of it; ``None`` without a task."""
    output: Any = step.output if step else None
    return output[key] if step and key else output


class _Steps:
    """The tasks of a definition, each with the outputs of those before it."""

    def __init__(self, definition: Definition, project: Project, aep_conn_id: str | None) -> None:
        self.definition, self.source = definition, definition.source
        says = aep_conn_id or project.name or project.environment
        self.reads: dict[str, Any] = {"aep_conn_id": project.aep_conn_id} if says else {}
        self.writes = self.reads | {"chain": project.name, "if_exists": "update"}

    def make(self) -> None:
        """Make them all."""
        source, schema = self._source(self._base()), self._schema()
        dataset = self._dataset(schema)
        schema_id = _output(schema, "id") if schema else _output(dataset, "schema_id")
        target = CreateTargetConnectionOperator(
            task_id="create_target_connection",
            name=self.definition.target_name or self._named("target"),
            dataset_id=_output(dataset, "id"),
            schema_id=schema_id,
            **self.writes,
        )
        mapping_set = CreateMappingSetOperator(
            task_id="create_mapping_set",
            name=self._named("mapping"),
            schema_id=schema_id,
            tenant_id=_output(schema, "tenant_id"),
            mappings=[
                {"source": m.source, "destination": m.destination, "source_type": m.source_type}
                for m in self.definition.mappings
            ],
            source_columns=_output(source, "columns"),
            **self.writes,
        )
        self._dataflow(source, target, mapping_set)

    def _named(self, part: str) -> str:
        return f"{self.definition.name} - {part}"

    def _base(self) -> BaseOperator:
        connection, vendor = self.source.connection, self.source.vendor
        if connection.airflow_conn_id:
            return CreateBaseConnectionOperator(
                task_id="create_base_connection",
                name=connection.name,
                source=vendor,
                vendor_conn_id=connection.airflow_conn_id,
                **self.writes,
            )
        asked = connection.id or connection.name or ""
        return FindBaseConnectionOperator(task_id="find_base_connection", name=asked, source=vendor, **self.reads)

    def _source(self, base: BaseOperator) -> BaseOperator:
        return CreateSourceConnectionOperator(
            task_id="create_source_connection",
            name=self.source.name or self._named("source"),
            source=self.source.vendor,
            base_connection_id=_output(base, "id"),
            table=self.source.table,
            columns=list(self.source.columns) if self.source.columns else None,
            resource_path=self.source.resource,
            path=self.source.path,
            data_format=self.source.format,
            **self.writes,
        )

    def _schema(self) -> BaseOperator | None:
        """Make the schema's task, and those for its identity and Profile; none where the dataset tells its schema."""
        written = self.definition.schema
        if written is None:
            return None
        if isinstance(written, str):
            return FindSchemaOperator(task_id="find_schema", name=written, **self.reads)
        given = {} if written.class_ is None else {"class_id": written.class_}
        return CreateTargetSchemaOperator(
            task_id="create_target_schema",
            name=self.definition.schema_title,
            description=written.description,
            fields=dict(written.fields or {}),
            field_group=written.field_group,
            field_groups=list(written.field_groups),
            **given,
            **self.writes,
        )

    def _dataset(self, schema: BaseOperator | None) -> BaseOperator:
        written = self.definition.dataset
        if isinstance(written, str):
            schema_id = _output(schema, "id")
            return FindDatasetOperator(task_id="find_dataset", name=written, schema_id=schema_id, **self.reads)
        dataset = CreateTargetDatasetOperator(
            task_id="create_target_dataset",
            name=self.definition.dataset_name,
            description=written.description if written else None,
            schema_id=_output(schema, "id"),
            tags={tag: list(values) for tag, values in written.tags.items()} if written else None,
            profile=written.profile if written else None,
            **self.writes,
        )
        if schema and not isinstance(self.definition.schema, str) and self.definition.schema:
            for step in self._profile(self.definition.schema, schema):
                step >> dataset
        return dataset

    def _profile(self, written: Schema, schema: BaseOperator) -> Iterator[BaseOperator]:
        """Yield the tasks that stand between a schema and its dataset, in their order."""
        from airflow_provider_payments.aep.dataflows.converters import to_destination

        identity: BaseOperator | None = None
        if written.identity:
            identity = CreateIdentityOperator(
                task_id="create_identity",
                name=to_destination(written.identity.field),
                schema_id=_output(schema, "id"),
                namespace=written.identity.namespace,
                primary=written.identity.primary,
                tenant_id=_output(schema, "tenant_id"),
                **self.writes,
            )
            yield identity
        if written.profile:
            profile = EnableSchemaForProfileOperator(
                task_id="enable_schema_for_profile",
                name=self.definition.schema_title,
                schema_id=_output(schema, "id"),
                **self.writes,
            )
            if identity:
                identity >> profile
            yield profile

    def _dataflow(self, source: BaseOperator, target: BaseOperator, mapping_set: BaseOperator) -> None:
        definition, schedule = self.definition, self.definition.schedule.desired
        spec = FindFlowSpecOperator(
            task_id="find_flow_spec", source=self.source.vendor, name=self.source.flow_spec, **self.reads
        )
        column = definition.delta_column
        delta = {"name": column.name, "dateFormat": column.format, "timezone": column.timezone} if column else {}
        CreateDataflowOperator(
            task_id="create_dataflow",
            name=definition.name,
            description=definition.description,
            source_connection_id=_output(source, "id"),
            target_connection_id=_output(target, "id"),
            flow_spec=_output(spec),
            mapping_set_id=_output(mapping_set, "id"),
            mapping_set_version=_output(mapping_set, "version"),
            delta_column={name: value for name, value in delta.items() if value} or None,
            source_columns=_output(source, "columns"),
            frequency=schedule.frequency,
            interval=schedule.interval,
            start_time=definition.schedule.start,
            backfill=schedule.backfill,
            error_diagnostics=definition.error_diagnostics,
            partial_ingestion_percent=definition.tolerated_percent,
            enabled=definition.enabled,
            **self.writes,
        )
