"""Operators that enable, disable, publish and delete existing dataflows."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_payments.aep.inputs import as_bool, as_text
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.operators.base import ExperiencePlatformOperator, attempt_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.resources.kind import RemoteObject

__all__ = [
    "DeleteDataflowOperator",
    "DisableDataflowOperator",
    "EnableDataflowOperator",
    "ExistingDataflowOperator",
    "PublishDataflowOperator",
]


class ExistingDataflowOperator(ExperiencePlatformOperator):
    """
    Base of the operators that change one existing dataflow, also one that a person created.

    Each of these tasks may be repeated: if the dataflow is in the desired state, no change is sent.

    .. seealso:: ``docs/operators.md#enable-disable-publish-delete`` in the manual.

    :param dataflow: the dataflow's id, or its name if only one dataflow has it. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (*ExperiencePlatformOperator.template_fields, "dataflow")
    operator_extra_links = (ExperiencePlatformLink(),)

    def __init__(self, *, dataflow: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataflow = dataflow

    @abstractmethod
    def execute(self, context: Context) -> dict[str, Any]:
        """
        Change the dataflow.

        :raises ExperiencePlatformFailedError: if another try cannot succeed, such as if there is no such dataflow.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """

    @property
    def name_or_id(self) -> str:
        """
        The rendered name or id of the dataflow.

        :meta private:
        """
        return as_text("dataflow", self.dataflow)

    def find(self, context: Context) -> RemoteObject:
        """
        Return the dataflow, and store the link to its page.

        :meta private:
        """
        from airflow_provider_payments.aep.provisioning.lifecycle import find_dataflow

        existing = find_dataflow(self.hook.client, self.name_or_id)
        self.link(context, existing)
        return existing

    def link(self, context: Context, dataflow: RemoteObject) -> None:
        """
        Store the link to the dataflow's page.

        :meta private:
        """
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW

        client = self.hook.client
        store_link(context, url=client.url, sandbox=client.sandbox, page=DATAFLOW.page, object_id=dataflow.id)

    def outputs(self, before: RemoteObject, now: RemoteObject) -> dict[str, Any]:
        """
        Return the dataflow's state before and after the task, and log them.

        :param before: the dataflow before the task.
        :param now: the dataflow after the task; the same value as ``before`` if the task has not changed it.

        :meta private:
        """
        from airflow_provider_payments.aep.provisioning.lifecycle import state_of
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
        from airflow_provider_payments.aep.resources.finding import name_of

        name, was, state = name_of(DATAFLOW, now), state_of(DATAFLOW, before), state_of(DATAFLOW, now)
        changed = now is not before
        self.log.info("Dataflow %r (%s) %s", name, now.id, f"was {was}, is {state}" if changed else f"is {state}")
        return {"id": now.id, "name": name, "state_before": was, "state": state, "changed": changed}


class EnableDataflowOperator(ExistingDataflowOperator):
    """
    Enable a dataflow: its schedule continues, but missed runs are not made up.

    The arguments of :class:`ExistingDataflowOperator` apply. Returns
    :class:`~airflow_provider_payments.operators.outputs.ChangedDataflow`.

    .. seealso:: ``docs/operators.md#enable-disable-publish-delete`` in the manual.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Enable the dataflow, unless it is enabled.

        :raises ExperiencePlatformFailedError: if there is no such dataflow, it is a draft, or the service refuses.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        return _switch(self, context, "enable")


class DisableDataflowOperator(ExistingDataflowOperator):
    """
    Disable a dataflow: no run begins until the dataflow is enabled; a run that has begun continues.

    The arguments of :class:`ExistingDataflowOperator` apply. Returns
    :class:`~airflow_provider_payments.operators.outputs.ChangedDataflow`.

    .. seealso:: ``docs/operators.md#enable-disable-publish-delete`` in the manual.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Disable the dataflow, unless it is disabled.

        :raises ExperiencePlatformFailedError: if there is no such dataflow, it is a draft, or the service refuses.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        return _switch(self, context, "disable")


def _switch(
    operator: ExistingDataflowOperator, context: Context, action: Literal["enable", "disable"]
) -> dict[str, Any]:
    from airflow_provider_payments.aep.provisioning.lifecycle import await_earlier_tries, switch_to

    with airflow_errors():
        _ = operator.name_or_id  # before any wait, so that a wrong argument fails at once
        await_earlier_tries(operator.hook.client, attempt_of(context))
        before = operator.find(context)
        return operator.outputs(before, switch_to(operator.hook.client, before, action))


class PublishDataflowOperator(ExistingDataflowOperator):
    """
    Publish a dataflow that is a draft, after those of its connections that are drafts.

    The arguments of :class:`ExistingDataflowOperator` apply. Returns
    :class:`~airflow_provider_payments.operators.outputs.PublishedDataflow`.

    .. seealso:: ``docs/operators.md#enable-disable-publish-delete`` in the manual.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Publish a draft; no change is sent for a dataflow that is none.

        :raises ExperiencePlatformFailedError: if there is no such dataflow, or the service refuses, as with a draft
            that is incomplete or whose start time has passed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.provisioning.deletion import Part
        from airflow_provider_payments.aep.provisioning.lifecycle import publish

        published: list[dict[str, Any]] = []
        with airflow_errors():
            before = self.find(context)
            now = publish(
                self.hook.client, before, lambda kind, existing: published.append(Part(kind, existing).report)
            )
            return self.outputs(before, now) | {"published": published}


class DeleteDataflowOperator(ExistingDataflowOperator):
    """
    Delete a dataflow, then its target and source connection if nothing else uses them.

    The arguments of :class:`ExistingDataflowOperator` apply too. The dataflow needs no mark, because it is named here.
    Rows, base connection, mapping set and schema stay. A dataflow that no longer exists is no error. Before the
    deletion, it is recorded in the marks of the dataflow's connections and dataset, so that the next try can complete
    it if this one is killed. Returns :class:`~airflow_provider_payments.operators.outputs.DeletedDataflow`.

    .. seealso:: ``docs/operators.md#enable-disable-publish-delete`` in the manual.

    :param dataset: whether to delete the dataset too, if no batch was ever written to it and nothing else uses it.
        Defaults to ``False``. (templated)
    """

    template_fields: Sequence[str] = (*ExistingDataflowOperator.template_fields, "dataset")

    def __init__(self, *, dataset: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Delete the dataflow, and those of its connections and dataset that may be deleted.

        :raises ExperiencePlatformFailedError: if several dataflows have the name, or the service refuses to delete the
            dataflow.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.provisioning.deletion import Deletion
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
        from airflow_provider_payments.aep.resources.finding import AbsentError

        own: dict[str, Any] = {}
        with airflow_errors():
            deletion = Deletion(self.hook.client, self.name_or_id, dataset=bool(as_bool("dataset", self.dataset)))
            try:
                parts = deletion.parts()
            except AbsentError as error:
                self.log.warning("Nothing to delete: %s", error)
                parts = []
            if parts and parts[0].kind is DATAFLOW:
                self.link(context, parts[0].existing)
                own = {name: parts[0].report[name] for name in ("id", "name")}
            self.log.info("To delete: %s", ", ".join(map(str, parts)) or "nothing")
            outcome = deletion.carry_out(parts)
        for name, reports in (("Removed", outcome.removed), ("Kept", outcome.kept)):
            self.log.info("%s: %s", name, reports or "nothing")
        return own | {"removed": outcome.removed, "kept": outcome.kept}
