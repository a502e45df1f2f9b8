"""Base classes of this provider's operators."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_payments.aep.inputs import as_bool, as_mapping, as_optional_text, as_text
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.rendering import TextStaysText
from airflow_provider_payments.versions import honour_retry_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.marks import Writer

__all__ = ["CreateOperator", "ExperiencePlatformOperator", "FindOperator"]


class ExperiencePlatformOperator(TextStaysText, BaseOperator):
    """
    Base of all operators of this provider: its subclasses share a connection argument and push each output separately.

    .. seealso:: ``docs/operators.md#arguments`` in the manual.

    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = ("aep_conn_id",)
    ui_color = "#f5e6e6"

    def __init__(self, *, aep_conn_id: str = ExperiencePlatformHook.default_conn_name, **kwargs: Any) -> None:
        # `op.output["id"]` reads the XCom with the key `id`, which exists only with `multiple_outputs`.
        super().__init__(**{"multiple_outputs": True, **kwargs})
        honour_retry_after(self)
        self.aep_conn_id = aep_conn_id

    @cached_property
    def hook(self) -> ExperiencePlatformHook:
        """The Experience Platform hook, which reads the Airflow connection when it is first used."""
        return ExperiencePlatformHook(self.aep_conn_id)


def attempt_of(context: Context) -> int:
    """Return the number of the task's try, 1 if the operator is executed without Airflow."""
    return int(getattr(context.get("ti"), "try_number", 1) or 1)


def writer_of(operator: Any, context: Context) -> Writer:
    """Return the chain, DAG run and DAG that a task writes into marks; the chain defaults to the DAG's id."""
    from airflow_provider_payments.aep.resources.marks import Writer

    run = context.get("run_id") or getattr(context.get("ti"), "run_id", "")
    dag = operator.dag.dag_id if operator.has_dag() else ""
    return Writer(as_optional_text("chain", operator.chain) or dag or "manual", str(run), dag)


class FindOperator(ExperiencePlatformOperator):
    """
    Base of the operators that find one existing object and create none.

    A find operator returns the same members as the operator that creates the kind of object, with ``created`` false, so
    the next step can follow either.

    .. seealso:: ``docs/operators.md#find-existing-objects`` in the manual.

    :param name: the object's name (a schema's title), or its id (a schema's ``$id``). (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (*ExperiencePlatformOperator.template_fields, "name")
    operator_extra_links = (ExperiencePlatformLink(),)

    def __init__(self, *, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name

    @abstractmethod
    def kind(self) -> Kind:
        """
        Return the kind of the object.

        Subclasses import the kind here, because parsing a DAG file does not need it.
        """

    def obstacle(self, existing: RemoteObject) -> str:
        """Return why an object of the given name is not a match, empty if it may be one."""
        return ""

    def outputs(self, existing: RemoteObject) -> dict[str, Any]:
        """Return the members besides id and name that the next steps need."""
        return {}

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Find the object.

        :raises ExperiencePlatformFailedError: if no object, or more than one, has that name or id.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.resources.finding import find_object, name_of
        from airflow_provider_payments.aep.services import with_values

        with airflow_errors():
            kind = self.kind()
            existing = find_object(self.hook.client, kind, as_text("name", self.name), obstacle=self.obstacle)
            own = {"id": existing.id, "name": name_of(kind, existing), "created": False, "etag": existing.etag}
            found = with_values(own | {"duplicates": []} | self.outputs(existing))
        self.log.info("Found %s %r: id %s", kind, found["name"], existing.id)
        client = self.hook.client
        store_link(context, url=client.url, sandbox=client.sandbox, page=kind.page, object_id=existing.id)
        return found


class CreateOperator(ExperiencePlatformOperator):
    """
    Base of the operators that create one object, or adopt an equal one that exists.

    Each returns a :class:`~airflow_provider_payments.operators.outputs.CreatedObject`, with further members that the
    next step needs.

    .. seealso:: ``docs/operators.md#if_exists`` in the manual; ``docs/exactly-once.md#the-decision`` for how an object
        is found, awaited and created once.

    :param name: the object's name, its key in the sandbox. Rendered after the other arguments, so it may refer to
        them: ``{{ task.table }} - source``. (templated)
    :param description: free text; the object's mark is appended to it. An object with another description is adopted
        nevertheless; ``if_exists="update"`` sets the description of schemas, datasets and dataflows. Rendered after the
        other arguments. Defaults to ``None``: only the mark. (templated)
    :param if_exists: what to do if the name is taken. ``reuse`` and ``update`` adopt an equal object. If the object
        differs, ``reuse`` fails and lists the differences; ``update`` changes what can be changed and fails on the
        rest. ``fail`` refuses any object that existed before, but a second try accepts an equal one, which the first
        try may have created. Defaults to ``"reuse"``. (templated)
    :param extra: payload fields that the operator has no argument for, merged into the request body. Defaults to
        ``None``: no such fields. (templated)
    :param chain: name of the chain that the object belongs to, written into its mark. Needed if several DAGs create one
        chain. Defaults to ``None``: the DAG's id. (templated)
    :param remove_duplicates: whether to delete unused duplicates that earlier tries and runs of this chain left.
        Otherwise duplicates are reported in ``duplicates`` and in the log, and a duplicate dataflow is disabled.
        Defaults to ``False``. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (
        *ExperiencePlatformOperator.template_fields,
        "name",
        "description",
        "if_exists",
        "extra",
        "chain",
        "remove_duplicates",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"extra": "json"}
    operator_extra_links = (ExperiencePlatformLink(),)

    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        if_exists: Literal["reuse", "update", "fail"] | str = "reuse",
        extra: dict[str, Any] | str | None = None,
        chain: str | None = None,
        remove_duplicates: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.description = description
        self.if_exists = if_exists
        self.extra = extra
        self.chain = chain
        self.remove_duplicates = remove_duplicates

    @abstractmethod
    def resource(self) -> Resource:
        """
        Return the desired state of the object, built from the rendered arguments.

        Subclasses import its class here, because parsing a DAG file does not need it.

        :raises InvalidInputError: if an argument is wrong.
        """

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Find or create the object.

        :raises ExperiencePlatformFailedError: if another try cannot succeed: an argument is wrong, the service refuses
            the request, or the object of the name differs.
        :raises ExperiencePlatformUnavailableError: if another try may succeed: no usable answer, a rate limit, or an
            object that has not settled.
        """
        with airflow_errors():
            return self.provision(context, self.resource()).to_json()

    def provision(self, context: Context, resource: Resource) -> Provisioned:
        """
        Find or create the object that ``resource`` describes, log its id, and store the link to its page.

        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        result = self.hook.provision(
            resource,
            if_exists=self.if_exists,
            attempt=attempt_of(context),
            writer=writer_of(self, context),
            remove_duplicates=bool(as_bool("remove_duplicates", self.remove_duplicates)),
        )
        self.log.info(
            "%s %s %r: id %s (request id %s)",
            "Created" if result.created else "Updated" if result.updated else "Adopted",
            resource.kind,
            resource.name,
            result.existing.id,
            result.request_id,
        )
        client, page = self.hook.client, resource.kind.page
        store_link(context, url=client.url, sandbox=client.sandbox, page=page, object_id=result.existing.id)
        return result

    @property
    def common(self) -> dict[str, Any]:
        """The arguments that all resources have in common."""
        return {"name": self.name, "description": self.description, "extra": as_mapping("extra", self.extra)}
