"""Operators that plan, apply and export definitions, and check for drift."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_bool, as_optional_text, as_texts
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.links import ExperiencePlatformLink, keep_of_failure, store_link
from airflow_provider_payments.operators.base import ExperiencePlatformOperator, attempt_of
from airflow_provider_payments.operators.checking import as_ending, end_task, project_of
from airflow_provider_payments.operators.storage import storage_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.dataflows.applied import Applied
    from airflow_provider_payments.aep.dataflows.loading import Project

__all__ = [
    "ApplyDataflowOperator",
    "ApplyDataflowsOperator",
    "DefinitionsOperator",
    "ExportDataflowsOperator",
    "PlanDataflowsOperator",
]


class DefinitionsOperator(ExperiencePlatformOperator):
    """
    Base of the operators that read definitions.

    The files are read when the task runs, so a broken file fails the task but does not break the DAG.

    .. seealso:: ``docs/definitions.md#in-airflow`` in the manual.

    :param definition: path of a file, or of a folder including all subfolders, relative to the DAG's folder.
        (templated)
    :param environment: name of an environment of the project file. Defaults to ``None``: the only environment.
        (templated)
    :param variables: variables by name; they overrule those of the environment. Defaults to ``None``. (templated)
    :param only: the name of a definition, or a list of names; the others are ignored. Defaults to ``None``: all
        definitions. (templated)
    :param take_over: owners, such as ids of DAGs, whose objects this project takes over if its definitions use them.
        Defaults to ``None``: an object with another owner's mark is a conflict if it differs. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``None``: the connection of
        the environment, else ``aep_default``. (templated)
    """

    template_fields: Sequence[str] = (
        *ExperiencePlatformOperator.template_fields,
        "definition",
        "environment",
        "variables",
        "only",
        "take_over",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"variables": "json", "only": "json", "take_over": "json"}

    def __init__(
        self,
        *,
        definition: str,
        environment: str | None = None,
        variables: Mapping[str, Any] | str | None = None,
        only: Sequence[str] | str | None = None,
        take_over: Sequence[str] | str | None = None,
        aep_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(aep_conn_id=aep_conn_id or "", **kwargs)
        self.definition = definition
        self.environment = environment
        self.variables = variables
        self.only = only
        self.take_over = take_over

    @abstractmethod
    def execute(self, context: Context) -> dict[str, Any]:
        """
        Plan or apply the definitions and return the output of the task.

        :raises ExperiencePlatformFailedError: if another try cannot succeed, such as if a file is wrong.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """

    def project(self) -> Project:
        """
        Read the definitions.

        :raises DefinitionError: if a file is wrong; the error lists all problems of all files.
        """
        return project_of(self, as_texts("only", self.only) or ())


class PlanDataflowsOperator(DefinitionsOperator):
    """
    Compare definitions with the sandbox, log the plan, and return where the two differ. It only reads.

    The arguments of :class:`DefinitionsOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.PlannedDataflows`; a task that fails or skips for drift pushes
    it as well.

    .. seealso:: ``docs/definitions.md#in-airflow`` in the manual.

    :param on_drift: what to do if the sandbox differs from a definition: ``report`` returns the plan, ``fail`` fails
        the task without a retry, ``skip`` skips the task. Defaults to ``"report"``. (templated)
    :param ignore: members whose drift does not count, such as ``tolerance`` or ``Square payments.enabled``. Applies to
        ``on_drift``; the plan still contains them. Defaults to ``None``: all members count. (templated)
    """

    template_fields: Sequence[str] = (
        *DefinitionsOperator.template_fields,
        "on_drift",
        "ignore",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DefinitionsOperator.template_fields_renderers,
        "ignore": "json",
    }

    def __init__(
        self,
        *,
        on_drift: Literal["report", "fail", "skip"] | str = "report",
        ignore: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.on_drift = on_drift
        self.ignore = ignore

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Plan the definitions, log the plan and return it.

        :raises ExperiencePlatformFailedError: if a file is wrong, or the sandbox differs from a definition and
            ``on_drift`` is ``fail``.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        :raises AirflowSkipException: if the sandbox differs from a definition and ``on_drift`` is ``skip``.
        """
        from airflow_provider_payments.aep.dataflows.drift import check_ignored, drifted
        from airflow_provider_payments.aep.dataflows.planner import plan_project
        from airflow_provider_payments.aep.dataflows.render import plan_text

        with airflow_errors():
            ending = as_ending("on_drift", self.on_drift)
            ignored = as_texts("ignore", self.ignore) or []
            project = self.project()
            client, owners = ExperiencePlatformHook(project.aep_conn_id).client, as_texts("take_over", self.take_over)
            plan = plan_project(client, project, take_over=owners or ())
            check_ignored(plan, ignored)
        text, names = plan_text(plan), drifted(plan, ignored)
        self.log.info("%s", text)
        summary = {action: plan.count(action) for action in ("create", "adopt", "update", "conflict", "blocked")}
        outputs = {
            "changed": list(plan.changed),
            "drifted": names,
            "digest": plan.digest,
            "text": text,
            "summary": summary,
            "plan": plan.to_json() | {"steps": [step.to_json() for step in plan.steps if not step.is_done]},
        }
        message = f"the sandbox differs from these definitions: {', '.join(names)} (the task's log shows the plan)"
        return end_task(context, ending, outputs, message) if names else outputs


class ApplyDataflowsOperator(DefinitionsOperator):
    """
    Create and update the objects of definitions in one task; all objects of one kind take the time of a single one.

    The arguments of :class:`DefinitionsOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.AppliedDataflows`. A definition that fails or has a conflict
    prevents only the steps that depend on it. The task applies all other definitions, pushes the result of each as the
    XCom ``applied``, and then fails with a list of the problems. The next try, or the next run, continues there.

    .. seealso:: ``docs/definitions.md#apply`` in the manual.

    :param expect: digest of an approved plan; the task fails if the current plan has another digest. Defaults to
        ``None``: any plan is applied. (templated)
    """

    template_fields: Sequence[str] = (*DefinitionsOperator.template_fields, "expect")

    def __init__(self, *, expect: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.expect = expect

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Plan the definitions and apply the plan.

        :raises ExperiencePlatformFailedError: if a file is wrong, the plan is not the expected one, or a definition
            could not be applied and another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        with airflow_errors():
            applied = self._apply(context, self.project())
        return applied.to_json() | {"flow_ids": [each.flow_id for each in applied.definitions]}

    def _apply(self, context: Context, project: Project) -> Applied:
        from airflow_provider_payments.aep.dataflows.apply import apply_plan
        from airflow_provider_payments.aep.dataflows.planner import plan_project
        from airflow_provider_payments.aep.dataflows.render import applied_text, plan_text

        hook, ti = ExperiencePlatformHook(project.aep_conn_id), context.get("ti")
        plan = plan_project(hook.client, project, take_over=as_texts("take_over", self.take_over) or ())
        self.log.info("%s", plan_text(plan))
        plan.expect(as_optional_text("expect", self.expect))
        applied = apply_plan(
            hook.client,
            plan,
            credential=hook.vendor_credential,
            attempt=attempt_of(context),
            run=f"{getattr(ti, 'dag_id', '')}/{context.get('run_id') or getattr(ti, 'run_id', '')}",
        )
        text = applied_text(applied)
        self.log.info("%s", text)
        if not applied.is_done:
            keep_of_failure(context, "applied", applied.to_json(), self.log)
            raise (ExperiencePlatformUnavailableError if applied.retryable else ExperiencePlatformFailedError)(text)
        return applied


class ApplyDataflowOperator(ApplyDataflowsOperator):
    """
    Create and update the chain of one definition in one task.

    The arguments of :class:`ApplyDataflowsOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.AppliedDataflow`. For many definitions, one
    :class:`ApplyDataflowsOperator` sends far fewer requests.

    .. seealso:: ``docs/definitions.md#apply`` in the manual.
    """

    operator_extra_links = (ExperiencePlatformLink(),)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Plan the definition and apply the plan.

        :raises ExperiencePlatformFailedError: if a file is wrong, the files contain several definitions and ``only``
            selects not exactly one, or the definition has a conflict.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW

        with airflow_errors():
            project = self.project()
            if len(project.definitions) != 1:
                names = ", ".join(repr(each.definition.name) for each in project.definitions)
                raise InvalidInputError("only", self.only, f"the name of one definition; {self.definition} has {names}")
            applied = self._apply(context, project)
        (definition,), client = applied.definitions, ExperiencePlatformHook(project.aep_conn_id).client
        flow_id = str(definition.flow_id)
        store_link(context, url=client.url, sandbox=client.sandbox, page=DATAFLOW.page, object_id=flow_id)
        return definition.to_json() | {"name": definition.name, "summary": dict(applied.counts)}


class ExportDataflowsOperator(ExperiencePlatformOperator):
    """
    Write a definition for each payments dataflow of the sandbox. A plan of these definitions contains no changes.

    It only reads the platform. Returns :class:`~airflow_provider_payments.operators.outputs.ExportedDataflows`.

    .. seealso:: ``docs/definitions.md#in-airflow`` in the manual.

    :param path: the folder to write to: a path, or a URL of an object storage such as ``s3://conn@bucket/dataflows``.
        (templated)
    :param names: names, ids, or patterns with ``*`` and ``?``, of the dataflows to export. Defaults to ``None``: all
        dataflows. (templated)
    :param manage_schema: whether definitions describe schema and dataset, instead of only their names. Defaults to
        ``False``. (templated)
    :param overwrite: whether to overwrite existing files; otherwise existing files fail the task. Defaults to
        ``False``. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (
        *ExperiencePlatformOperator.template_fields,
        "path",
        "names",
        "manage_schema",
        "overwrite",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"names": "json"}

    def __init__(
        self,
        *,
        path: str,
        names: Sequence[str] | str | None = None,
        manage_schema: bool | str = False,
        overwrite: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.names = names
        self.manage_schema = manage_schema
        self.overwrite = overwrite

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Read the dataflows of the sandbox, and write the files.

        :raises ExperiencePlatformFailedError: if another try cannot succeed, such as if a file exists.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.dataflows.export import export_dataflows
        from airflow_provider_payments.aep.dataflows.snapshot import Snapshot

        with airflow_errors():
            folder = storage_folder("path", self.path)
            manage = bool(as_bool("manage_schema", self.manage_schema))
            overwrite = as_bool("overwrite", self.overwrite)
            export = export_dataflows(
                Snapshot(self.hook.client), as_texts("names", self.names) or (), manage_schema=manage
            )
            existing = [name for name in export.files if (folder / name).exists()]
            if existing and not overwrite:
                allowed = f"{len(existing)} of the files exist, such as {existing[0]}; overwrite=True overwrites them"
                raise InvalidInputError("path", str(folder), allowed)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in export.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        for refusal in export.refused:
            self.log.warning("Dataflow %r (%s) was not exported: %s", refusal.name, refusal.id, refusal.reason)
        self.log.info("%s", export.summary)
        return export.to_json(folder)
