"""The operator that deletes the objects of an incomplete DAG run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.inputs import as_bool
from airflow_provider_payments.exceptions import ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.operators.base import ExperiencePlatformOperator, writer_of
from airflow_provider_payments.versions import other_runs_are_active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

__all__ = ["TeardownChainOperator"]


class TeardownChainOperator(ExperiencePlatformOperator):
    """
    Delete the objects that this DAG run created for a chain that it did not complete.

    Use it as Airflow's teardown of the creating tasks; an ordinary last task would hide that the DAG run failed::

        remove = TeardownChainOperator(task_id="remove_half_made_chain")
        dataflow >> remove.as_teardown(setups=[source, target, dataset])

    Without the arrow the teardown does not wait for the dataflow, and deletes objects to which the dataflow is about to
    refer.

    It deletes connections and datasets that carry the mark of this chain and this DAG run and to which no object
    refers; a dataset with a batch stays. A dataflow stays with all objects that it refers to, so a complete chain is
    not touched. Schemas, field groups, classes and mapping sets are never deleted. Nothing is deleted while another run
    of the DAG is active, because that run may have adopted objects of this one. Other DAGs with the same ``chain`` are
    not considered.

    Returns :class:`~airflow_provider_payments.operators.outputs.TeardownOutcome`.

    .. seealso:: ``docs/operators.md#teardownchainoperator`` in the manual.

    :param chain: name of the chain, as given to the creating operators. Defaults to ``None``: the DAG's id. (templated)
    :param dataflows: whether to delete the dataflows of this run too, and so the whole chain. Defaults to ``False``.
        (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (*ExperiencePlatformOperator.template_fields, "chain", "dataflows")

    def __init__(self, *, chain: str | None = None, dataflows: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chain = chain
        self.dataflows = dataflows

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Delete the objects that may be deleted; return the removed, kept and left-over ones.

        :raises ExperiencePlatformFailedError: if another try cannot succeed, such as if the connection disables marks.
        :raises ExperiencePlatformUnavailableError: if another run of the DAG is active, or another try may succeed.
        """
        from airflow_provider_payments.aep.provisioning.teardown import tear_down

        with airflow_errors():
            writer, dataflows = writer_of(self, context), bool(as_bool("dataflows", self.dataflows))

            def check() -> None:
                if other_runs_are_active(context):
                    raise ExperiencePlatformUnavailableError(
                        "Another run of this DAG is active and may use objects of this one, so nothing was removed. "
                        "max_active_runs=1 prevents this"
                    )

            outcome = tear_down(self.hook.client, writer, dataflows=dataflows, check=check).to_json()
        for name in ("removed", "kept", "left_over"):
            self.log.info("%s: %s", name.replace("_", " ").capitalize(), outcome[name] or "nothing")
        return outcome
