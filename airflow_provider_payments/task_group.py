"""A definition as a task group: the operators that create a dataflow and the objects that it needs."""

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

#: The beginnings of Jinja templates, which Airflow would render in the arguments of an operator.
_TEMPLATE = re.compile(r"\{[{%#]")
_ALTERNATIVE = "use ApplyDataflowOperator"


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
    Return a task group that creates a dataflow, and the objects that it needs, from a definition.

    The file is read while the DAG is parsed; no request is sent until the tasks run. Objects that the definition
    describes are created, or updated if they differ (``if_exists="update"``); objects that it only refers to are looked
    up. Names and marks are those of ``payments apply``, so after a run a plan of the file shows no change.
    ``group["create_dataflow"]`` is the dataflow's task, for ``FlowRunSensor(flow_id=...)``.

    .. seealso:: ``docs/definitions.md#as-tasks-of-a-dag`` in the manual.

    :param definition: path of the definition file, relative to the DAG's folder.
    :param only: name of the definition; required if the file contains several. Defaults to ``None``: the only one.
    :param environment: name of an environment of the project file. Defaults to ``None``: the only one.
    :param variables: variables that override those of the environment. Defaults to ``None``.
    :param group_id: id of the group. Defaults to ``None``: ``only``, or else the file's name without its suffix, with
        underscores for characters that are not allowed in an id.
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``None``: that of the
        environment, or else that of the group's or the DAG's ``default_args``, or else ``aep_default``.
    :param default_args: default arguments of the tasks, such as ``{"retries": 3}``. Defaults to ``None``: the DAG's.
    :raises ExperiencePlatformFailedError: if the file has a problem, or requires more than the operators can do. The
        error names the file, the line and, if there is one, an operator to use instead.
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
            _Tasks(located.definition, project, aep_conn_id).create()
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
    Return the selected definition with its project.

    :param folder: the DAG's folder.
    :raises DefinitionError: if the file has a problem, or requires more than the operators can do.
    """
    # Imported here, so that other DAGs do not load them.
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
    located, *others = project.definitions
    if others:
        known = ", ".join(located.definition.name for located in project.definitions)
        raise DefinitionError([Problem(Place(str(file)), "", f"choose one of its definitions with `only`: {known}")])
    if problems := [*_problems(located)]:
        raise DefinitionError(problems)
    return project, located


@lru_cache(maxsize=16)
def _top(folder: Path) -> Path:
    """Return the last folder to search for a project file: the one that contains ``.git``, or else the DAG's."""
    return next((up for up in (folder, *folder.parents) if (up / ".git").exists()), folder)


def _problems(located: Located) -> Iterator[Problem]:
    """Yield a problem for each member of a definition that the operators do not support."""
    from airflow_provider_payments.aep.dataflows.problems import Problem

    definition = located.definition
    schema = None if definition.schema is None or isinstance(definition.schema, str) else definition.schema
    refused: dict[str, str | None] = {
        "id": "a task group finds a dataflow by its name" if definition.id else None,
        "previous_names": "a task group renames no dataflow" if definition.previous_names else None,
        "dataset": (
            "a task group does not update the schema of an existing dataset: refer to the schema too"
            if schema and isinstance(definition.dataset, str)
            else None
        ),
        "schema": (
            "types are required in `schema.fields`, because no request is sent while a DAG is parsed"
            if definition.schema_title and (schema is None or schema.fields is None)
            else None
        ),
    }
    for member, reason in refused.items():
        if reason:
            yield Problem(located.place(member), member, f"{reason}. Alternatively, {_ALTERNATIVE}")
    for path, text in _texts(located.node.plain):
        if _TEMPLATE.search(text):
            allowed = f"a task group would render it as a template; {_ALTERNATIVE}"
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
    """Return the output of a task, or one key of it; ``None`` without a task."""
    output: Any = step.output if step else None
    return output[key] if step and key else output


class _Tasks:
    """The tasks of a definition, connected by their outputs."""

    def __init__(self, definition: Definition, project: Project, aep_conn_id: str | None) -> None:
        self.definition, self.source = definition, definition.source
        # If neither the caller nor a project file names the connection, default_args may name it.
        has_connection = aep_conn_id or project.name or project.environment
        self.read_args: dict[str, Any] = {"aep_conn_id": project.aep_conn_id} if has_connection else {}
        self.write_args = self.read_args | {"chain": project.name, "if_exists": "update"}

    def create(self) -> None:
        """Create all tasks."""
        source, schema = self._source(self._base()), self._schema()
        dataset = self._dataset(schema)
        schema_id = _output(schema, "id") if schema else _output(dataset, "schema_id")
        target = CreateTargetConnectionOperator(
            task_id="create_target_connection",
            name=self.definition.target_name or self._part_name("target"),
            dataset_id=_output(dataset, "id"),
            schema_id=schema_id,
            **self.write_args,
        )
        mapping_set = CreateMappingSetOperator(
            task_id="create_mapping_set",
            name=self._part_name("mapping"),
            schema_id=schema_id,
            tenant_id=_output(schema, "tenant_id"),
            mappings=[
                {"source": m.source, "destination": m.destination, "source_type": m.source_type}
                for m in self.definition.mappings
            ],
            source_columns=_output(source, "columns"),
            **self.write_args,
        )
        self._dataflow(source, target, mapping_set)

    def _part_name(self, part: str) -> str:
        return f"{self.definition.name} - {part}"

    def _base(self) -> BaseOperator:
        connection, vendor = self.source.connection, self.source.vendor
        if connection.airflow_conn_id:
            return CreateBaseConnectionOperator(
                task_id="create_base_connection",
                name=connection.name,
                source=vendor,
                vendor_conn_id=connection.airflow_conn_id,
                **self.write_args,
            )
        name = connection.id or connection.name or ""
        return FindBaseConnectionOperator(task_id="find_base_connection", name=name, source=vendor, **self.read_args)

    def _source(self, base: BaseOperator) -> BaseOperator:
        return CreateSourceConnectionOperator(
            task_id="create_source_connection",
            name=self.source.name or self._part_name("source"),
            source=self.source.vendor,
            base_connection_id=_output(base, "id"),
            table=self.source.table,
            columns=list(self.source.columns) if self.source.columns else None,
            resource_path=self.source.resource,
            path=self.source.path,
            data_format=self.source.format,
            **self.write_args,
        )

    def _schema(self) -> BaseOperator | None:
        """Create the schema's task; return ``None`` if the definition refers only to the dataset."""
        written = self.definition.schema
        if written is None:
            return None
        if isinstance(written, str):
            return FindSchemaOperator(task_id="find_schema", name=written, **self.read_args)
        given = {} if written.class_ is None else {"class_id": written.class_}
        return CreateTargetSchemaOperator(
            task_id="create_target_schema",
            name=self.definition.schema_title,
            description=written.description,
            fields=dict(written.fields or {}),
            field_group=written.field_group,
            field_groups=list(written.field_groups),
            **given,
            **self.write_args,
        )

    def _dataset(self, schema: BaseOperator | None) -> BaseOperator:
        written = self.definition.dataset
        if isinstance(written, str):
            schema_id = _output(schema, "id")
            return FindDatasetOperator(task_id="find_dataset", name=written, schema_id=schema_id, **self.read_args)
        dataset = CreateTargetDatasetOperator(
            task_id="create_target_dataset",
            name=self.definition.dataset_name,
            description=written.description if written else None,
            schema_id=_output(schema, "id"),
            tags={tag: list(values) for tag, values in written.tags.items()} if written else None,
            profile=written.profile if written else None,
            **self.write_args,
        )
        if schema and not isinstance(self.definition.schema, str) and self.definition.schema:
            for step in self._profile(self.definition.schema, schema):
                step >> dataset
        return dataset

    def _profile(self, written: Schema, schema: BaseOperator) -> Iterator[BaseOperator]:
        """Yield the tasks for identity and Profile, which run in this order between the schema and the dataset."""
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
                **self.write_args,
            )
            yield identity
        if written.profile:
            profile = EnableSchemaForProfileOperator(
                task_id="enable_schema_for_profile",
                name=self.definition.schema_title,
                schema_id=_output(schema, "id"),
                **self.write_args,
            )
            if identity:
                identity >> profile
            yield profile

    def _dataflow(self, source: BaseOperator, target: BaseOperator, mapping_set: BaseOperator) -> None:
        definition, schedule = self.definition, self.definition.schedule.desired
        spec = FindFlowSpecOperator(
            task_id="find_flow_spec", source=self.source.vendor, name=self.source.flow_spec, **self.read_args
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
            **self.write_args,
        )
