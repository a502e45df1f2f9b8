"""Operators for the life of a dataflow that is there: enable, disable, publish, delete it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_payments.aep.inputs import as_bool, as_text
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.operators.base import ExperiencePlatformOperator
from airflow_provider_payments.versions import keep_at_least, task_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.provisioning.lifecycle import Part
    from airflow_provider_payments.aep.resources.kind import Existing

__all__ = [
    "DeleteDataflowOperator",
    "DisableDataflowOperator",
    "EnableDataflowOperator",
    "ExistingDataflowOperator",
    "PublishDataflowOperator",
]

STORE_KEY = "payments_deletion"
#: Seconds for which a task's next try finds what this one was to delete.
KEEP_SECONDS = 30 * 86400.0


class ExistingDataflowOperator(ExperiencePlatformOperator):
    """
    Base of the operators that change one dataflow that is there, also one that a person created.

    Each may be repeated: where the state is right, nothing is sent.

    .. seealso:: ``docs/operators.md#enable-disable-publish-delete`` in the manual.

    :param dataflow: the dataflow's id, or its name where only one has it. (templated)
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

        :raises ExperiencePlatformFailedError: if another try cannot succeed, such as where there is no such dataflow.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """

    @property
    def asked(self) -> str:
        """
        The rendered id or name.

        :meta private:
        """
        return as_text("dataflow", self.dataflow)

    def find(self, context: Context) -> Existing:
        """
        Return the dataflow, and store the link to its page.

        :meta private:
        """
        from airflow_provider_payments.aep.provisioning.lifecycle import find_dataflow
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW

        client = self.hook.client
        existing = find_dataflow(client, self.asked)
        store_link(context, url=client.url, sandbox=client.sandbox, page=DATAFLOW.page, object_id=existing.id)
        return existing

    def outputs(self, before: Existing, now: Existing) -> dict[str, Any]:
        """
        Return what the dataflow was and is, and log it.

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
    Enable a dataflow: its schedule continues, and runs that were missed are not made up for.

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
    Disable a dataflow: no run begins until it is enabled; one that has begun continues.

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
    from airflow_provider_payments.aep.provisioning.lifecycle import switch_to

    with airflow_errors():
        before = operator.find(context)
        return operator.outputs(before, switch_to(operator.hook.client, before, action))


class PublishDataflowOperator(ExistingDataflowOperator):
    """
    Publish a dataflow that is a draft, and before it the connections that it refers to, where these are drafts.

    The arguments of :class:`ExistingDataflowOperator` apply. Returns
    :class:`~airflow_provider_payments.operators.outputs.PublishedDataflow`.

    .. seealso:: ``docs/operators.md#enable-disable-publish-delete`` in the manual.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Publish a draft; for any other dataflow nothing is sent.

        :raises ExperiencePlatformFailedError: if there is no such dataflow, or the service refuses, as with a draft
            that is incomplete or whose start time has passed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.provisioning.lifecycle import Part, publish

        published: list[dict[str, Any]] = []
        with airflow_errors():
            before = self.find(context)
            now = publish(
                self.hook.client, before, lambda kind, existing: published.append(Part.of(kind, existing).report)
            )
            return self.outputs(before, now) | {"published": published}


class DeleteDataflowOperator(ExistingDataflowOperator):
    """
    Delete a dataflow, then its target and source connection as far as nothing else uses them.

    The arguments of :class:`ExistingDataflowOperator` apply too. It asks for no mark: the dataflow is named here. Rows,
    base connection, mapping set and schema stay. A dataflow that is gone already is no error. Returns
    :class:`~airflow_provider_payments.operators.outputs.DeletedDataflow`.

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
        Delete what may be deleted.

        :raises ExperiencePlatformFailedError: if several dataflows have the name, or the service refuses to delete the
            dataflow.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.provisioning.lifecycle import delete_parts

        with airflow_errors():
            asked, dataset = self.asked, bool(as_bool("dataset", self.dataset))
            store = task_store(context)
            parts = self._parts(context, _kept_parts(store, asked))
            if store is not None:
                _keep(store, asked, parts)
            self.log.info("To delete: %s", ", ".join(f"{part.kind} {part.id}" for part in parts) or "nothing")
            outcome = delete_parts(self.hook.client, parts, dataset=dataset)
            if store is not None:
                _keep(store, asked, [])
        for name, reports in (("Removed", outcome.removed), ("Kept", outcome.kept)):
            self.log.info("%s: %s", name, reports or "nothing")
        own = {"id": parts[0].id, "name": parts[0].name} if parts else {}
        return own | {"removed": outcome.removed, "kept": outcome.kept}

    def _parts(self, context: Context, kept: list[Part]) -> list[Part]:
        """
        Return what is to go, the dataflow first.

        :param kept: what an earlier try was to delete.
        """
        from airflow_provider_payments.aep.provisioning.lifecycle import in_order, parts_of
        from airflow_provider_payments.aep.resources.finding import AbsentError

        try:
            existing = self.find(context)
        except AbsentError as error:
            if not kept:
                self.log.warning("Nothing to delete: %s", error)
            return kept
        return in_order([*parts_of(self.hook.client, existing), *kept])


def _keep(store: Any, asked: str, parts: list[Part]) -> None:
    """Keep what is to go for the next try: once a dataflow is gone, nothing says which connections were its own."""
    kept = {"dataflow": asked, "parts": [part.to_json() for part in parts]}
    keep_at_least(store, STORE_KEY, kept, KEEP_SECONDS)


def _kept_parts(store: Any, asked: str) -> list[Part]:
    """Return what an earlier try was to delete, where it was the same dataflow's."""
    from airflow_provider_payments.aep.provisioning.lifecycle import Part

    kept = (store.get(STORE_KEY) if store is not None else None) or {}
    if kept.get("dataflow") != asked:
        return []
    return [part for value in kept.get("parts", ()) if (part := Part.from_json(value))]
