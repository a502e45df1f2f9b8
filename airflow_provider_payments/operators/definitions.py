"""Operators for definitions: plans, the check for drift, applies and exports, also where there is no command line."""

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

    The files are read when the task runs: a broken one fails this task, and breaks no DAG.

    .. seealso:: ``docs/definitions.md#in-airflow`` in the manual.

    :param definition: a file, or a folder with all that is below it; relative to the DAG's folder. (templated)
    :param environment: an environment of the project file. Defaults to ``None``: the only one. (templated)
    :param variables: variables by name; they overrule those of the environment. Defaults to ``None``. (templated)
    :param only: the name of the definition that is meant, or a list of names. Defaults to ``None``: all. (templated)
    :param take_over: owners, such as DAGs by their ids, whose objects become this project's as far as the definitions
        use them. Defaults to ``None``: an object with another owner's mark is a conflict where it differs. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``None``: the environment's,
        else ``aep_default``. (templated)
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
        Do what the operator is for.

        :raises ExperiencePlatformFailedError: if another try cannot succeed, such as where a file is wrong.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """

    def project(self) -> Project:
        """
        Read the definitions.

        :raises DefinitionError: with all problems of all files.
        """
        return project_of(self, as_texts("only", self.only) or ())


class PlanDataflowsOperator(DefinitionsOperator):
    """
    Compare definitions with the sandbox, log the plan, and say where the two differ. It only reads.

    The arguments of :class:`DefinitionsOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.PlannedDataflows`, also where it fails or skips.

    .. seealso:: ``docs/definitions.md#in-airflow`` in the manual.

    :param on_drift: what to do where a definition is not as written: ``report`` returns it, ``fail`` fails the task
        without a retry, ``skip`` skips the task. Defaults to ``"report"``. (templated)
    :param ignore: members whose drift does not count, such as ``tolerance`` or ``Square payments.enabled``. Applies to
        ``on_drift``; the plan shows them all the same. Defaults to ``None``. (templated)
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
        Make the plan.

        :raises ExperiencePlatformFailedError: if a file is wrong, or something is not as written and ``on_drift`` is
            ``fail``.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        :raises AirflowSkipException: if something is not as written and ``on_drift`` is ``skip``.
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
        message = f"not as written: {', '.join(names)} (the task's log shows the plan)"
        return end_task(context, ending, outputs, message) if names else outputs


class ApplyDataflowsOperator(DefinitionsOperator):
    """
    Make the sandbox hold what definitions say, in one task: all objects of a kind are created in the time of one.

    The arguments of :class:`DefinitionsOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.AppliedDataflows`. A definition that fails, or that something
    stands in the way of, takes along only what waits for it; the task then fails with what is left, after the others
    are done, and pushes what came of each as the XCom ``applied``. The next try, or the next run, goes on.

    .. seealso:: ``docs/definitions.md#apply`` in the manual.

    :param expect: the digest of the plan that somebody has approved; the task fails where the plan is another one by
        now. Defaults to ``None``: whatever is planned is applied. (templated)
    """

    template_fields: Sequence[str] = (*DefinitionsOperator.template_fields, "expect")

    def __init__(self, *, expect: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.expect = expect

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Plan, and do what the plan says.

        :raises ExperiencePlatformFailedError: if a file is wrong, the plan is not the expected one, or a definition is
            not done that no other try can do.
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
    Make the sandbox hold what one definition says: its whole chain, in one task.

    The arguments of :class:`ApplyDataflowsOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.AppliedDataflow`. For many definitions one
    :class:`ApplyDataflowsOperator` asks far less.

    .. seealso:: ``docs/definitions.md#apply`` in the manual.
    """

    operator_extra_links = (ExperiencePlatformLink(),)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Plan, and do what the plan says.

        :raises ExperiencePlatformFailedError: if the file is wrong, holds several definitions of which ``only`` names
            none, or something stands in the way.
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
    Write a definition for each payments dataflow of the sandbox, which a plan then calls unchanged.

    It only reads the platform. Returns :class:`~airflow_provider_payments.operators.outputs.ExportedDataflows`.

    .. seealso:: ``docs/definitions.md#in-airflow`` in the manual.

    :param path: the folder to write to: a path, or a URL of an object storage such as ``s3://conn@bucket/dataflows``.
        (templated)
    :param names: names, ids, or patterns with ``*`` and ``?``. Defaults to ``None``: all dataflows. (templated)
    :param manage_schema: whether schema and dataset are described, not only referred to by name. Defaults to ``False``.
        (templated)
    :param overwrite: whether existing files are overwritten; else the task fails. Defaults to ``False``. (templated)
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
        Read what is there, and write the files.

        :raises ExperiencePlatformFailedError: if another try cannot succeed, such as over existing files.
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
            taken = [name for name in export.files if (folder / name).exists()]
            if taken and not overwrite:
                allowed = f"{len(taken)} of the files exist, such as {taken[0]}; overwrite=True overwrites them"
                raise InvalidInputError("path", str(folder), allowed)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in export.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        for refusal in export.refused:
            self.log.warning("%s (%s) is refused: %s", refusal.name, refusal.id, refusal.reason)
        self.log.info("%s", export.summary)
        return export.to_json(folder)
